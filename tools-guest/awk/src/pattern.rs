//! Regular expressions: POSIX's syntax, in that of the `regex` crate.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::rc::Rc;

use toolcell_posix::{Meaning, Regex, Text, ascii_class, class, with_bytes};
use toolcell_text::escape;

use crate::text::{MAX_CHARACTER, Units};

/// Regular expressions that are kept compiled.
const MAX_KEPT: usize = 500;

/// A regular expression.
#[derive(Debug)]
pub(crate) struct Matcher {
    regex: Regex,
    units: Units,
}

/// What expressions mean that are written the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reading {
    /// Capitals are small letters (gawk's `IGNORECASE`).
    pub(crate) any_case: bool,
    pub(crate) units: Units,
}

impl Matcher {
    /// # Errors
    /// The message, where the source is not well formed.
    pub(crate) fn new(source: &str, reading: Reading) -> Result<Matcher, String> {
        let Reading { any_case, units } = reading;
        let (apart, text) = match units {
            Units::Characters => (Cow::Borrowed(source), Text::Raw),
            Units::Bytes => (escape::apart(source), Text::Bytes),
        };
        let meaning = Meaning { any_case, dot_is_newline: true, text, ..Meaning::default() };
        let regex = |class| {
            let translated = translate(&apart, class);
            Regex::new(&with_bytes(&translated, units == Units::Bytes), meaning)
        };
        let classes = if units == Units::Bytes { ascii_class } else { class };
        // One whose classes are too large has those of ASCII.
        let regex = regex(classes)
            .or_else(|_| regex(ascii_class))
            .map_err(|_| format!("illegal regular expression: {source}"))?;
        Ok(Matcher { regex, units })
    }

    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// The first match that begins at `from` or later.
    pub(crate) fn find_at(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        self.regex.find_at(text, from)
    }

    /// The same with its groups: the first one is all of the match.
    pub(crate) fn captures_at(
        &self,
        text: &[u8],
        from: usize,
    ) -> Option<Vec<Option<Range<usize>>>> {
        self.regex.captures_at(text, from)
    }

    /// All matches; an empty one right after another is none.
    pub(crate) fn matches<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        let (mut from, mut last) = (0, None);
        std::iter::from_fn(move || {
            loop {
                let found = (from <= text.len()).then(|| self.find_at(text, from)).flatten()?;
                if found.is_empty() && last == Some(found.end) {
                    let next = &text[found.end..text.len().min(found.end + MAX_CHARACTER)];
                    from = found.end + self.units.offset(next, 1).max(1);
                    continue;
                }
                from = found.end;
                last = Some(found.end);
                return Some(found);
            }
        })
    }
}

/// A regular expression that the program has as a constant, compiled when it is first used.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    source: String,
    compiled: [OnceCell<Rc<Matcher>>; 2],
}

impl Pattern {
    pub(crate) fn new(source: String) -> Pattern {
        Pattern { source, compiled: Default::default() }
    }

    /// # Errors
    /// The message, where it is not well formed.
    pub(crate) fn matcher(&self, reading: Reading) -> Result<&Rc<Matcher>, String> {
        let kept = &self.compiled[usize::from(reading.any_case)];
        if kept.get().is_none() {
            let _ = kept.set(Rc::new(Matcher::new(&self.source, reading)?));
        }
        kept.get().ok_or_else(String::new)
    }
}

/// Regular expressions that are made while the program runs.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    kept: HashMap<Vec<u8>, Rc<Matcher>>,
    reading: Reading,
}

impl Patterns {
    /// # Errors
    /// The message, where it is not well formed.
    pub(crate) fn matcher(
        &mut self,
        source: &[u8],
        reading: Reading,
    ) -> Result<Rc<Matcher>, String> {
        if self.reading != reading || self.kept.len() >= MAX_KEPT {
            self.kept.clear();
            self.reading = reading;
        }
        if let Some(matcher) = self.kept.get(source) {
            return Ok(matcher.clone());
        }
        let matcher = Rc::new(Matcher::new(&escape::decode(source), reading)?);
        self.kept.insert(source.to_vec(), matcher.clone());
        Ok(matcher)
    }
}

/// The byte or character of a number that is written with these digits, of which there are at most
/// `most`; how many there are.
pub(crate) fn numbered(chars: &[char], radix: u32, most: usize) -> (Option<char>, usize) {
    let digits = chars.iter().take(most).take_while(|c| c.is_digit(radix));
    let (mut value, mut count) = (0_u32, 0);
    for digit in digits.filter_map(|c| c.to_digit(radix)) {
        value = value * radix + digit;
        count += 1;
    }
    let byte = u8::try_from(value & 0xFF).unwrap_or_default();
    let c = if byte.is_ascii() { Some(char::from(byte)) } else { escape::escape(byte) };
    (c.filter(|_| count > 0), count)
}

/// Adds a character that stands for itself.
fn literal(c: char, result: &mut String) {
    result.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// The same for one of a set that is given by its number.
fn member(c: char, set: &mut String) {
    match escape::escaped(c) {
        Some(_) => set.push(c),
        None => {
            let _ = write!(set, "\\x{{{:X}}}", u32::from(c));
        }
    }
}

/// What the name of a class of characters means.
type Class = fn(&str) -> Option<&'static str>;

fn translate(source: &str, class: Class) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut result = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        at += 1;
        match c {
            '\\' => at += escaped(&chars[at..], &mut result),
            '[' => at += bracket(&chars[at..], class, &mut result),
            // An interval begins with a number; a brace elsewhere is one.
            '{' if !chars.get(at).is_some_and(char::is_ascii_digit) || result.is_empty() => {
                result.push_str("\\{");
            }
            // What is repeated must be there; POSIX leaves open what it means where it is not.
            '*' | '+' | '?' if result.is_empty() || result.ends_with(['(', '|', '^']) => {
                literal(c, &mut result);
            }
            // `a**` says no more than `a*`, and `a+?` is no lazy one.
            '*' | '+' | '?' if result.ends_with(['*', '+', '?']) && repeats(&chars, at - 1) => {
                if !(result.ends_with(c)) {
                    result.pop();
                    result.push('*');
                }
            }
            '(' | ')' | '|' | '^' | '$' | '.' | '*' | '+' | '?' | '{' | '}' => result.push(c),
            c => literal(c, &mut result),
        }
    }
    result
}

/// Whether the character before this one repeats, and is not one that stands for itself.
fn repeats(chars: &[char], at: usize) -> bool {
    let before = chars[..at].iter().rev();
    let same = |c: &&char| matches!(c, '*' | '+' | '?');
    let run = before.clone().take_while(same).count();
    let slashes = before.skip(run).take_while(|c| **c == '\\').count();
    run > usize::from(slashes % 2 == 1)
}

/// What follows a backslash; how much of it that was.
fn escaped(chars: &[char], result: &mut String) -> usize {
    let Some(c) = chars.first().copied() else {
        result.push_str("\\\\");
        return 0;
    };
    match c {
        'n' | 't' | 'r' | 'f' | 'v' | 'a' | 'B' | 's' | 'S' | 'w' | 'W' => {
            result.push('\\');
            result.push(c);
        }
        'b' => result.push_str("\\x08"),
        'y' => result.push_str("\\b"),
        '<' => result.push_str("\\b{start}"),
        '>' => result.push_str("\\b{end}"),
        '`' => result.push_str("\\A"),
        '\'' => result.push_str("\\z"),
        'x' if chars.get(1).is_some_and(char::is_ascii_hexdigit) => {
            let (c, length) = numbered(&chars[1..], 16, 2);
            literal(c.unwrap_or('x'), result);
            return 1 + length;
        }
        c if c.is_digit(8) => {
            let (value, length) = numbered(chars, 8, 3);
            literal(value.unwrap_or(c), result);
            return length;
        }
        c => literal(c, result),
    }
    1
}

/// What follows the `[` of a set, with its end; how much that was.
fn bracket(chars: &[char], class: Class, result: &mut String) -> usize {
    let mut at = usize::from(chars.first() == Some(&'^'));
    let first = at;
    let mut set = String::from(if at > 0 { "[^" } else { "[" });
    loop {
        let Some(c) = chars.get(at).copied() else {
            // Without an end it is a bracket.
            result.push_str("\\[");
            return 0;
        };
        if c == ']' && at > first {
            set.push(']');
            result.push_str(&set);
            return at + 1;
        }
        if c == '[' && chars.get(at + 1) == Some(&':') {
            let close = (at + 2..chars.len().saturating_sub(1))
                .find(|end| chars[*end] == ':' && chars[*end + 1] == ']');
            let name = close.map(|close| chars[at + 2..close].iter().collect::<String>());
            if let (Some(close), Some(class)) = (close, name.as_deref().and_then(class)) {
                set.push_str(class);
                at = close + 2;
                continue;
            }
        }
        if c == '\\' {
            let next = chars.get(at + 1).copied().unwrap_or('\\');
            at += 2;
            match next {
                'n' | 't' | 'r' | 'f' | 'v' | 'a' => set.extend(['\\', next]),
                next if next.is_digit(8) => {
                    let (c, length) = numbered(&chars[at - 1..], 8, 3);
                    at += length - 1;
                    member(c.unwrap_or(next), &mut set);
                }
                'x' if chars.get(at).is_some_and(char::is_ascii_hexdigit) => {
                    let (c, length) = numbered(&chars[at..], 16, 2);
                    at += length;
                    member(c.unwrap_or(next), &mut set);
                }
                next if next.is_ascii_alphanumeric() => set.push(next),
                next => set.extend(['\\', next]),
            }
            continue;
        }
        let edge = c == '-' && (at == first || chars.get(at + 1) == Some(&']'));
        if matches!(c, '[' | ']' | '&' | '~' | '^') || edge {
            set.push('\\');
        }
        set.push(c);
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_follow_one_another() {
        for (source, text, expected) in [
            ("b*", "abb", vec![0..0, 1..3]),
            ("", "é", vec![0..0, 2..2]),
            ("x|xy", "xyx", vec![0..2, 2..3]),
            ("^a|z", "az", vec![0..1, 1..2]),
        ] {
            let matcher = Matcher::new(source, Reading::default()).unwrap();
            let found: Vec<_> = matcher.matches(text.as_bytes()).collect();
            assert_eq!(found, expected, "{source} in {text}");
        }
    }

    #[test]
    fn posix_in_the_crates_syntax() {
        for (source, text, found) in [
            ("a{2}", "xaay", Some("aa")),
            ("{", "a{b", Some("{")),
            ("a{,2}", "a{,2}", Some("a{,2}")),
            ("[]a]+", "x]a]", Some("]a]")),
            ("[^]]", "]b", Some("b")),
            ("[a-]+", "b-a-", Some("-a-")),
            ("[[:digit:]]+", "ab12", Some("12")),
            ("[\\]]", "]", Some("]")),
            ("a.c", "a\nc", Some("a\nc")),
            ("\\.", "a.b", Some(".")),
            ("+1", "a+1", Some("+1")),
            ("*a", "b*a", Some("*a")),
            ("a**", "baa", Some("")),
            ("ba+?", "baa", Some("baa")),
            ("\\+?x", "+x", Some("+x")),
            ("\\<b", "ab b", Some("b")),
            ("\\x41\\102", "xAB", Some("AB")),
            ("[", "a[", Some("[")),
            ("a|ab|abc", "xabcd", Some("abc")),
            ("a#b c", "a#b c", Some("a#b c")),
        ] {
            let matcher = Matcher::new(source, Reading::default()).unwrap();
            let is = matcher.find_at(text.as_bytes(), 0).map(|found| &text.as_bytes()[found]);
            assert_eq!(is, found.map(str::as_bytes), "{source}");
        }
        assert!(Matcher::new("a(", Reading::default()).is_err());
        let byte = Matcher::new(&escape::decode(b"\xff."), Reading::default()).unwrap();
        assert_eq!(byte.find_at(b"a\xffb", 0), Some(1..3));
    }
}
