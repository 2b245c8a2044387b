//! Both files in one, by formats for groups of lines and for lines: `--changed-group-format` and its
//! like, `--line-format`, `-D`. <https://www.gnu.org/software/diffutils/manual/html_node/Custom-Formats.html>

use std::ops::Range;

use super::lines::Compared;

/// Which lines a format is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Unchanged,
    Old,
    New,
    Changed,
}

/// How deep conditions of a format nest.
const MAX_NESTED: u32 = 32;

/// The formats; those that are not given follow from the others.
#[derive(Debug, Default)]
pub(super) struct Formats {
    lines: [Option<String>; 3],
    groups: [Option<String>; 4],
}

impl Formats {
    /// # Errors
    /// Another format was given before.
    pub(super) fn set_lines(&mut self, of: Option<Of>, format: &str) -> Result<(), String> {
        for (at, line) in self.lines.iter_mut().enumerate() {
            if of.is_none_or(|of| of as usize == at) {
                set(line, format)?;
            }
        }
        Ok(())
    }

    /// # Errors
    /// Another format was given before.
    pub(super) fn set_group(&mut self, of: Of, format: &str) -> Result<(), String> {
        set(&mut self.groups[of as usize], format)
    }

    /// `-D NAME`: what the preprocessor of C makes either file of.
    ///
    /// # Errors
    /// Another format was given before.
    pub(super) fn set_ifdef(&mut self, name: &str) -> Result<(), String> {
        self.set_group(Of::Unchanged, "%=")?;
        self.set_group(Of::Old, &format!("#ifndef {name}\n%<#endif /* ! {name} */\n"))?;
        self.set_group(Of::New, &format!("#ifdef {name}\n%>#endif /* {name} */\n"))?;
        let changed = format!("#ifndef {name}\n%<#else /* {name} */\n%>#endif /* {name} */\n");
        self.set_group(Of::Changed, &changed)
    }

    fn line(&self, of: Of) -> &str {
        self.lines[of as usize].as_deref().unwrap_or("%l\n")
    }

    fn group(&self, of: Of) -> String {
        let given = |of: Of| self.groups[of as usize].clone();
        let changed = || given(Of::Changed);
        match of {
            Of::Unchanged => given(of).unwrap_or_else(|| "%=".to_owned()),
            Of::Old => given(of).or_else(changed).unwrap_or_else(|| "%<".to_owned()),
            Of::New => given(of).or_else(changed).unwrap_or_else(|| "%>".to_owned()),
            Of::Changed => changed()
                .unwrap_or_else(|| format!("{}{}", self.group(Of::Old), self.group(Of::New))),
        }
    }

    /// Whether something is written of files that do not differ.
    pub(super) fn shows_unchanged(&self) -> bool {
        let group = self.group(Of::Unchanged);
        !(group.is_empty() || group == "%=" && self.line(Of::Unchanged).is_empty())
    }

    pub(super) fn write(&self, compared: &Compared<'_>) -> Vec<u8> {
        let mut text = Vec::new();
        let (mut old, mut new) = (0, 0);
        for change in compared.changes.iter().filter(|change| !change.skipped) {
            let between =
                Group { compared, old: old..change.old.start, new: new..change.new.start };
            between.write(self, Of::Unchanged, &mut text);
            let of = match (change.old.is_empty(), change.new.is_empty()) {
                (true, _) => Of::New,
                (false, true) => Of::Old,
                (false, false) => Of::Changed,
            };
            let group = Group { compared, old: change.old.clone(), new: change.new.clone() };
            group.write(self, of, &mut text);
            (old, new) = (change.old.end, change.new.end);
        }
        let rest = Group { compared, old: old..compared.old.len(), new: new..compared.new.len() };
        rest.write(self, Of::Unchanged, &mut text);
        text
    }
}

fn set(slot: &mut Option<String>, format: &str) -> Result<(), String> {
    if slot.as_deref().is_some_and(|given| given != format) {
        return Err(format!("conflicting format '{format}'"));
    }
    *slot = Some(format.to_owned());
    Ok(())
}

/// Lines that belong together.
struct Group<'c, 't> {
    compared: &'c Compared<'t>,
    old: Range<usize>,
    new: Range<usize>,
}

impl Group<'_, '_> {
    fn write(&self, formats: &Formats, of: Of, text: &mut Vec<u8>) {
        if !(self.old.is_empty() && self.new.is_empty()) {
            self.expand(formats, &formats.group(of), text, 0);
        }
    }

    /// Writes what a format makes of the group; what is no directive stands for itself.
    fn expand(&self, formats: &Formats, format: &str, text: &mut Vec<u8>, depth: u32) {
        let mut rest = format;
        while let Some((plain, directive)) = rest.split_once('%') {
            text.extend_from_slice(plain.as_bytes());
            rest = directive;
            let (old, new) = (&self.compared.old, &self.compared.new);
            if let Some((byte, after)) = literal(rest) {
                text.push(byte);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('<') {
                lines(old, &self.old, formats.line(Of::Old), text);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('>') {
                lines(new, &self.new, formats.line(Of::New), text);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('=') {
                lines(old, &self.old, formats.line(Of::Unchanged), text);
                rest = after;
            } else if let Some((chosen, after)) = self.choice(rest).filter(|_| depth < MAX_NESTED) {
                self.expand(formats, chosen, text, depth + 1);
                rest = after;
            } else if let Some((number, letter, after)) = Number::parse(rest)
                && let Some(value) = self.letter(letter)
            {
                text.extend_from_slice(number.shown(value).as_bytes());
                rest = after;
            } else {
                text.push(b'%');
            }
        }
        text.extend_from_slice(rest.as_bytes());
    }

    /// What `(A=B?T:E)` chooses.
    fn choice<'f>(&self, text: &'f str) -> Option<(&'f str, &'f str)> {
        let (left, rest) = self.value(text.strip_prefix('(')?)?;
        let (right, rest) = self.value(rest.strip_prefix('=')?)?;
        let (then, rest) = part(rest.strip_prefix('?')?, ':')?;
        let (otherwise, rest) = part(rest, ')')?;
        Some((if left == right { then } else { otherwise }, rest))
    }

    /// A number, or a letter's.
    fn value<'f>(&self, text: &'f str) -> Option<(usize, &'f str)> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            return Some((text[..digits].parse().ok()?, &text[digits..]));
        }
        let letter = text.chars().next()?;
        Some((self.letter(letter)?, &text[letter.len_utf8()..]))
    }

    /// What a letter counts: of the new lines, or in lower case of the old ones.
    fn letter(&self, letter: char) -> Option<usize> {
        let range = if letter.is_ascii_lowercase() { &self.old } else { &self.new };
        Some(match letter.to_ascii_uppercase() {
            'E' => range.start,
            'F' => range.start + 1,
            'L' => range.end,
            'M' => range.end + 1,
            'N' => range.len(),
            _ => return None,
        })
    }
}

/// The text before `end`, in which directives may hold others.
fn part(text: &str, end: char) -> Option<(&str, &str)> {
    let mut depth = 0;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '(' if before == '%' => depth += 1,
            c if c == end && depth == 0 => return Some((&text[..at], &text[at + 1..])),
            ')' if depth > 0 => depth -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

/// `%`, or `c'C'` and `c'\123'`: a byte that stands for itself.
fn literal(text: &str) -> Option<(u8, &str)> {
    if let Some(rest) = text.strip_prefix('%') {
        return Some((b'%', rest));
    }
    let rest = text.strip_prefix("c'")?;
    let (inside, rest) = match rest.strip_prefix('\'') {
        Some(rest) => ("'", rest.strip_prefix('\'')?),
        None => rest.split_once('\'')?,
    };
    let byte = match inside.strip_prefix('\\') {
        Some(octal) => u8::from_str_radix(octal, 8).ok()?,
        None => *inside.as_bytes().first().filter(|_| inside.len() == 1)?,
    };
    Some((byte, rest))
}

/// `-5.3d`: how a number is shown.
struct Number {
    left: bool,
    width: usize,
    digits: usize,
    base: char,
}

impl Number {
    fn parse(text: &str) -> Option<(Number, char, &str)> {
        let (left, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let number = |text: &str| -> (usize, usize) {
            let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            (text[..digits].parse().unwrap_or(0), digits)
        };
        let (width, taken) = number(rest);
        let rest = &rest[taken..];
        let (digits, rest) = match rest.strip_prefix('.') {
            Some(rest) => {
                let (digits, taken) = number(rest);
                (digits, &rest[taken..])
            }
            None => (1, rest),
        };
        let mut chars = rest.chars();
        let base = chars.next().filter(|base| "doxX".contains(*base))?;
        let letter = chars.next()?;
        let (width, digits) = (width.min(MAX_WIDTH), digits.min(MAX_WIDTH));
        Some((Number { left, width, digits, base }, letter, chars.as_str()))
    }

    fn shown(&self, value: usize) -> String {
        let digits = self.digits;
        let text = match self.base {
            'o' => format!("{value:0>digits$o}"),
            'x' => format!("{value:0>digits$x}"),
            'X' => format!("{value:0>digits$X}"),
            _ => format!("{value:0>digits$}"),
        };
        match self.left {
            true => format!("{text:<0$}", self.width),
            false => format!("{text:>0$}", self.width),
        }
    }
}

/// Characters that a number may be filled up to.
const MAX_WIDTH: usize = 4_096;

fn lines(all: &[&[u8]], range: &Range<usize>, format: &str, text: &mut Vec<u8>) {
    for at in range.clone() {
        let line = all[at];
        let mut rest = format;
        while let Some((plain, directive)) = rest.split_once('%') {
            text.extend_from_slice(plain.as_bytes());
            rest = directive;
            if let Some((byte, after)) = literal(rest) {
                text.push(byte);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('l') {
                text.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
                rest = after;
            } else if let Some(after) = rest.strip_prefix('L') {
                text.extend_from_slice(line);
                rest = after;
            } else if let Some((number, 'n', after)) = Number::parse(rest) {
                text.extend_from_slice(number.shown(at + 1).as_bytes());
                rest = after;
            } else {
                text.push(b'%');
            }
        }
        text.extend_from_slice(rest.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::Rules;
    use super::*;

    #[track_caller]
    fn check(set: impl Fn(&mut Formats) -> Result<(), String>, expected: &str) {
        let mut formats = Formats::default();
        set(&mut formats).unwrap();
        let compared = Rules::default().compare(b"a\nb\nc\n", b"a\nB\nc\nd\n");
        assert_eq!(String::from_utf8(formats.write(&compared)).unwrap(), expected);
    }

    #[test]
    fn groups_and_lines_are_written_by_their_formats() {
        check(|f| f.set_lines(None, "%L"), "a\nb\nB\nc\nd\n");
        check(
            |f| f.set_ifdef("N"),
            "a\n#ifndef N\nb\n#else /* N */\nB\n#endif /* N */\nc\n#ifdef N\nd\n#endif /* N */\n",
        );
        check(
            |f| {
                f.set_group(Of::Unchanged, "")?;
                f.set_group(Of::Changed, "%<-%>")
            },
            "b\n-B\n-d\n",
        );
        check(
            |f| {
                f.set_group(Of::Unchanged, "")?;
                f.set_group(Of::Changed, "%df-%dl %-3dN|%03.2dM%c'x'%c'\\101'%%;")?;
                f.set_group(Of::New, "%(N=1?one:more)%(n=0?, %(N=9?x:y):z)")
            },
            "2-2 1  | 03xA%;one, y",
        );
        check(|f| f.set_lines(Some(Of::New), "%2dn:%l|"), "a\nb\n 2:B|c\n 4:d|");
    }

    #[test]
    fn what_is_no_directive_stands_for_itself() {
        for format in ["%q", "%", "%(N=1?a)", "%(N?a:b)", "%c'ab'", "%5Q"] {
            check(
                |f| {
                    f.set_group(Of::Unchanged, "")?;
                    f.set_group(Of::New, "")?;
                    f.set_group(Of::Changed, format)
                },
                format,
            );
        }
        check(|f| f.set_lines(None, "%dF"), "%dF%dF%dF%dF%dF");
    }

    #[test]
    fn two_formats_for_one_thing_are_refused() {
        let mut formats = Formats::default();
        formats.set_ifdef("A").unwrap();
        assert!(formats.set_group(Of::Changed, "%<").is_err());
        assert!(formats.set_ifdef("A").is_ok());
    }
}
