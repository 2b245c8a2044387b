//! Expressions of POSIX in the syntax of the engine. POSIX.1-2024, "Regular Expressions"; GNU's
//! additions as regex(7) of the C library has them.

/// Which of the syntaxes an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// `\(a\|b\)\{2\}\+`, as `grep` and `sed` take it: GNU's `\+ \? \|` count, too.
    Basic,
    /// `(a|b){2}+`, as `grep -E` takes it: an operator that has nothing to repeat does nothing.
    Extended,
    /// The same as `sed -E` takes it, which calls such an operator an error.
    Strict,
    /// The same as the C library's `regcomp` takes it, for which a `)` may stand alone.
    Library,
    /// `\(a\|b\)+`, as `find` takes it: no intervals.
    Emacs,
}

impl Syntax {
    /// Whether `c` is an operator with a backslash (`Some(true)`) or without.
    fn operator(self, c: char) -> Option<bool> {
        match (self, c) {
            (Syntax::Emacs, '{' | '}') => None,
            (Syntax::Emacs, '+' | '?') => Some(false),
            (Syntax::Emacs, '(' | ')' | '|') => Some(true),
            (_, '(' | ')' | '{' | '}' | '+' | '?' | '|') => Some(self == Syntax::Basic),
            (_, '*') => Some(false),
            _ => None,
        }
    }

    /// Whether `^` and `$` are anchors wherever they stand.
    fn anchors_anywhere(self) -> bool {
        matches!(self, Syntax::Extended | Syntax::Strict | Syntax::Library)
    }

    /// Whether what an operator is to repeat must be there.
    fn is_strict(self) -> bool {
        matches!(self, Syntax::Strict | Syntax::Library)
    }
}

/// An expression of POSIX in the syntax of the `regex` crate. `references` says whether that which
/// will read it knows `\1`, as `fancy-regex` does.
///
/// # Errors
/// What the C library says of an expression that is not well formed.
pub fn translate(pattern: &str, syntax: Syntax, references: bool) -> Result<String, String> {
    translate_with(class, pattern, syntax, references)
}

/// The same, with what the names of classes mean.
pub(crate) fn translate_with(
    class: fn(&str) -> Option<&'static str>,
    pattern: &str,
    syntax: Syntax,
    references: bool,
) -> Result<String, String> {
    Translator {
        class,
        chars: pattern.chars().collect(),
        at: 0,
        syntax,
        references,
        result: String::with_capacity(pattern.len() + 8),
        groups: Vec::new(),
        atom: None,
        repeated: false,
    }
    .run()
}

struct Translator {
    class: fn(&str) -> Option<&'static str>,
    chars: Vec<char>,
    at: usize,
    syntax: Syntax,
    references: bool,
    result: String,
    /// Where in the result each open group begins.
    groups: Vec<usize>,
    /// Where in the result that begins which an operator here repeats.
    atom: Option<usize>,
    /// Whether it is repeated already.
    repeated: bool,
}

impl Translator {
    fn run(mut self) -> Result<String, String> {
        // What looks like a class of characters, and lacks the brackets around it.
        if let ['[', ':', .., ':', ']'] = self.chars[..]
            && self.syntax != Syntax::Library
        {
            return Err("character class syntax is [[:space:]], not [:space:]".to_owned());
        }
        while let Some(mut c) = self.next() {
            let escaped = c == '\\';
            if escaped {
                c = self.next().ok_or("Trailing backslash")?;
            }
            if self.syntax.operator(c) == Some(escaped) {
                self.operator(c)?;
            } else if escaped {
                self.escaped(c)?;
            } else {
                self.plain(c)?;
            }
        }
        if !self.groups.is_empty() {
            return Err("Unmatched ( or \\(".to_owned());
        }
        Ok(self.result)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    /// Adds what an operator may repeat.
    fn add(&mut self, text: &str) {
        self.atom = Some(self.result.len());
        self.repeated = false;
        self.result.push_str(text);
    }

    fn add_char(&mut self, c: char) {
        self.add(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }

    fn operator(&mut self, c: char) -> Result<(), String> {
        match c {
            '(' => {
                self.groups.push(self.result.len());
                self.result.push('(');
                self.atom = None;
            }
            ')' => match self.groups.pop() {
                Some(start) => {
                    self.result.push(')');
                    self.atom = Some(start);
                    self.repeated = false;
                }
                None if matches!(self.syntax, Syntax::Extended | Syntax::Library) => {
                    self.add_char(c);
                }
                None => return Err("Unmatched ) or \\)".to_owned()),
            },
            '|' => {
                self.result.push('|');
                self.atom = None;
            }
            '}' => self.add_char(c),
            _ if self.atom.is_none() && self.syntax.is_strict() => {
                return Err("Invalid preceding regular expression".to_owned());
            }
            '{' if self.atom.is_none() => self.add_char(c),
            '{' => match interval(&self.chars[self.at..], self.syntax == Syntax::Basic) {
                Ok((text, length)) => {
                    self.at += length;
                    self.repeat(&text);
                }
                // Only this one takes a brace that counts nothing for itself.
                Err(error) if error.is_certain || self.syntax != Syntax::Extended => {
                    return Err(error.message.to_owned());
                }
                Err(_) => self.add_char(c),
            },
            c if self.atom.is_some() => self.repeat(c.encode_utf8(&mut [0; 4])),
            _ if self.syntax == Syntax::Extended => {}
            c => self.add_char(c),
        }
        Ok(())
    }

    /// Repeats what is before. A second operator repeats the first with its own, where the engine
    /// would take a `?` for "as few as may be".
    fn repeat(&mut self, operator: &str) {
        if let Some(atom) = self.atom.filter(|_| self.repeated) {
            self.result.insert_str(atom, "(?:");
            self.result.push(')');
        }
        self.result.push_str(operator);
        self.repeated = true;
    }

    fn escaped(&mut self, c: char) -> Result<(), String> {
        match c {
            '<' => self.add("\\b{start}"),
            '>' => self.add("\\b{end}"),
            '`' => self.add("\\A"),
            '\'' => self.add("\\z"),
            'b' | 'B' | 'w' | 'W' | 's' | 'S' => self.add(&format!("\\{c}")),
            '1'..='9' if self.references => self.add(&format!("\\{c}")),
            '1'..='9' => return Err(format!("back-reference \\{c} is not supported")),
            c => self.add_char(c),
        }
        Ok(())
    }

    fn plain(&mut self, c: char) -> Result<(), String> {
        match c {
            '[' => {
                self.atom = Some(self.result.len());
                self.repeated = false;
                self.at = bracket(self.class, &self.chars, self.at, &mut self.result)?;
            }
            '.' => self.add("."),
            '^' if self.syntax.anchors_anywhere() || self.atom.is_none() => self.result.push('^'),
            '$' if self.syntax.anchors_anywhere() || ends_branch(&self.chars[self.at..]) => {
                self.add("$");
            }
            c => self.add_char(c),
        }
        Ok(())
    }
}

/// Why something is no interval.
struct NoInterval {
    message: &'static str,
    /// Whether it looks so much like one that nothing else can be meant.
    is_certain: bool,
}

/// How often something may be repeated.
const MAX_REPEATS: u32 = 0x7FFF;

/// An interval as the engine has it, of which `chars` is what follows the brace; and how much of
/// that it is.
fn interval(chars: &[char], escaped: bool) -> Result<(String, usize), NoInterval> {
    let no = |message, is_certain| NoInterval { message, is_certain };
    let end = chars.iter().position(|c| *c == '}').ok_or(no("Unmatched \\{", false))?;
    let text: String = chars[..end].iter().collect();
    let text = match text.strip_suffix('\\') {
        Some(text) if escaped => text,
        None if !escaped => text.as_str(),
        _ => return Err(no("Unmatched \\{", false)),
    };
    let bad = "Invalid content of \\{\\}";
    let (least, most) = text.split_once(',').unwrap_or((text, text));
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_digit() || c == ',') || text == "," {
        return Err(no(bad, false));
    }
    let number = |text: &str, missing: Option<u32>| match text {
        "" => Ok(missing),
        digits if digits.contains(',') => Err(no(bad, true)),
        digits => match digits.parse() {
            Ok(number) if number <= MAX_REPEATS => Ok(Some(number)),
            _ => Err(no("Regular expression too big", true)),
        },
    };
    let (least, most) = (number(least, Some(0))?.unwrap_or(0), number(most, None)?);
    let text = match most {
        Some(most) if most < least => return Err(no(bad, true)),
        Some(most) if most == least => format!("{{{least}}}"),
        Some(most) => format!("{{{least},{most}}}"),
        None => format!("{{{least},}}"),
    };
    Ok((text, end + 1))
}

/// Whether a `$` before this is at the end of a branch of a basic expression.
fn ends_branch(rest: &[char]) -> bool {
    matches!(rest, [] | ['\\', ')' | '|', ..])
}

/// The characters of a class such as `[:alpha:]`, as the engine has them: those that the C library
/// counts to it in a UTF-8 locale.
pub fn class(name: &str) -> Option<&'static str> {
    Some(match name {
        "alpha" => r"[\p{Alphabetic}\p{Nd}--0-9]",
        "alnum" => r"[\p{Alphabetic}\p{Nd}]",
        "upper" => r"[\p{Uppercase}\p{Lt}]",
        "lower" => r"[\p{Lowercase}\p{Lt}]",
        "digit" => "[0-9]",
        "xdigit" => "[0-9A-Fa-f]",
        "blank" => r"[ \t\u1680\u2000-\u2006\u2008-\u200A\u205F\u3000]",
        "space" => r"[ \t-\r\u1680\u2000-\u2006\u2008-\u200A\u2028\u2029\u205F\u3000]",
        "cntrl" => r"[\p{Cc}\u2028\u2029]",
        "print" => r"[\p{Assigned}--\p{Cc}\u2028\u2029]",
        "graph" => {
            r"[\p{Assigned}--\p{Cc} \u1680\u2000-\u2006\u2008-\u200A\u2028\u2029\u205F\u3000]"
        }
        "punct" => {
            r"[\p{Assigned}--\p{Cc} \u1680\u2000-\u2006\u2008-\u200A\u2028\u2029\u205F\u3000\p{Alphabetic}\p{Nd}]"
        }
        _ => return None,
    })
}

/// The same within ASCII, which takes a hundredth of the room.
pub fn ascii_class(name: &str) -> Option<&'static str> {
    Some(match name {
        "alpha" => "[:alpha:]",
        "alnum" => "[:alnum:]",
        "upper" => "[:upper:]",
        "lower" => "[:lower:]",
        "digit" => "[:digit:]",
        "xdigit" => "[:xdigit:]",
        "blank" => "[:blank:]",
        "space" => "[:space:]",
        "cntrl" => "[:cntrl:]",
        "print" => "[:print:]",
        "graph" => "[:graph:]",
        "punct" => "[:punct:]",
        _ => return None,
    })
}

/// A bracket expression after its `[`; where it ends.
fn bracket(
    class: fn(&str) -> Option<&'static str>,
    chars: &[char],
    mut at: usize,
    result: &mut String,
) -> Result<usize, String> {
    result.push('[');
    if chars.get(at) == Some(&'^') {
        result.push('^');
        at += 1;
    }
    let first = at;
    // A character that a hyphen would make the beginning of a range; and whether one has.
    let (mut from, mut in_range) = (None, false);
    loop {
        let mut c = chars.get(at).copied().ok_or("Unmatched [, [^, [:, [., or [=")?;
        if c == ']' && at > first {
            result.push(']');
            return Ok(at + 1);
        }
        let kind = chars.get(at + 1).copied().filter(|_| c == '[');
        let mut length = 1;
        if let Some(kind @ (':' | '.' | '=')) = kind {
            let close = (at + 2..chars.len().saturating_sub(1))
                .find(|end| chars[*end] == kind && chars[*end + 1] == ']')
                .ok_or("Unmatched [, [^, [:, [., or [=")?;
            let name = &chars[at + 2..close];
            if kind == ':' {
                let name: String = name.iter().collect();
                if in_range {
                    return Err("Invalid range end".to_owned());
                }
                result.push_str(class(&name).ok_or("Invalid character class name")?);
                at = close + 2;
                from = None;
                continue;
            }
            // No locale of a cell has characters of several letters.
            let [only] = name else { return Err("Invalid collation character".to_owned()) };
            c = *only;
            length = close + 2 - at;
        } else if c == '-'
            && !in_range
            && from.is_some()
            && chars.get(at + 1).is_some_and(|next| *next != ']')
        {
            result.push('-');
            in_range = true;
            at += 1;
            continue;
        }
        if in_range && from.is_some_and(|from| c < from) {
            return Err("Invalid range end".to_owned());
        }
        if matches!(c, '\\' | '[' | ']' | '&' | '~' | '^' | '-') {
            result.push('\\');
        }
        result.push(c);
        // The end of a range is the beginning of none.
        from = (!in_range).then_some(c);
        in_range = false;
        at += length;
    }
}

/// A text as an expression, extended or strict, that matches it alone.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\.[]{}()*+?^$|".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Whether an expression refers back to a group of its own.
pub fn has_references(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next().is_some_and(|next| ('1'..='9').contains(&next)) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, syntax: Syntax, expected: &str) {
        assert_eq!(translate(pattern, syntax, false).as_deref(), Ok(expected), "{pattern}");
    }

    #[test]
    fn translates_posix_expressions() {
        use Syntax::{Basic, Emacs, Extended, Library, Strict};
        check("a+b", Basic, "a\\+b");
        check("a\\+b", Basic, "a+b");
        check("a+b", Extended, "a+b");
        check("a+b", Emacs, "a+b");
        check("\\(a\\|b\\)", Basic, "(a|b)");
        check("\\(a\\|(b\\)", Emacs, "(a|\\(b)");
        check("*a", Basic, "\\*a");
        check("\\(*a\\)", Basic, "(\\*a)");
        check("^*a", Basic, "^\\*a");
        check("a\\{2,3\\}", Basic, "a{2,3}");
        check("a{2}", Extended, "a{2}");
        check("a{,2}", Strict, "a{0,2}");
        check("a{1", Extended, "a\\{1");
        check("*a|+b", Extended, "a|b");
        check("a{x", Extended, "a\\{x");
        check("a{2}", Emacs, "a\\{2\\}");
        check("[]a-]", Extended, "[\\]a\\-]");
        check("[[:digit:]]", Extended, "[[0-9]]");
        check("[[.-.]x]", Extended, "[\\-x]");
        check("[a-c-e]", Extended, "[a-c\\-e]");
        check(
            "[[:blank:]-z]",
            Basic,
            "[[ \\t\\u1680\\u2000-\\u2006\\u2008-\\u200A\\u205F\\u3000]\\-z]",
        );
        check("[--/]", Basic, "[\\--/]");
        check("a^b$c", Basic, "a\\^b\\$c");
        check("a^b$c", Extended, "a^b$c");
        check("\\<w\\>", Basic, "\\b{start}w\\b{end}");
        check("a)", Extended, "a\\)");
        check("a)", Library, "a\\)");
    }

    #[test]
    fn classes_are_those_of_the_c_library() {
        for (name, within, without) in [
            ("alpha", "aé中٣ʰ", "1 _²"),
            ("alnum", "aé1٣", "_ ½"),
            ("upper", "AÉǅ", "aªʰ"),
            ("lower", "aßǅ", "AÉ1"),
            ("digit", "09", "٣²"),
            ("xdigit", "09afAF", "gG"),
            ("blank", " \t\u{2003}", "\n\u{a0}"),
            ("space", " \n\u{b}\u{2028}", "a\u{a0}\u{85}"),
            ("cntrl", "\0\u{7f}\u{85}", " a"),
            ("print", "a é😀\u{301}", "\n\u{fffe}\u{2028}"),
            ("graph", "a_é\u{a0}", " \t\u{2003}"),
            ("punct", "_—€½😀", "aé1 \n"),
        ] {
            let regex = regex::Regex::new(&format!("^[{}]$", class(name).unwrap())).unwrap();
            let matched = |c: char| regex.is_match(c.encode_utf8(&mut [0; 4]));
            assert_eq!(within.chars().filter(|c| !matched(*c)).collect::<String>(), "", "{name}");
            assert_eq!(without.chars().filter(|c| matched(*c)).collect::<String>(), "", "{name}");
        }
        assert_eq!(class("foo"), None);
    }

    #[test]
    fn a_second_operator_repeats_the_first() {
        check("a+?", Syntax::Extended, "(?:a+)?");
        check("x(ab*)??", Syntax::Extended, "x(?:(ab*)?)?");
        check("[a]{2}?", Syntax::Extended, "(?:[a]{2})?");
        check("a\\+\\?*", Syntax::Basic, "(?:(?:a+)?)*");
    }

    #[test]
    fn what_is_not_well_formed() {
        for (pattern, syntax) in [
            ("a\\", Syntax::Basic),
            ("a\\)", Syntax::Basic),
            ("(a", Syntax::Extended),
            ("[a", Syntax::Extended),
            ("(a)\\1", Syntax::Extended),
            ("*a", Syntax::Strict),
            ("a|+b", Syntax::Strict),
            ("a{1", Syntax::Strict),
            ("a)", Syntax::Strict),
            ("a{2,1}", Syntax::Extended),
            ("a{1,2,3}", Syntax::Extended),
            ("a{99999}", Syntax::Extended),
            ("a\\{x\\}", Syntax::Basic),
            ("[[:foo:]]", Syntax::Basic),
            ("[[.foo.]]", Syntax::Basic),
            ("[b-a]", Syntax::Basic),
            ("[:alpha:]", Syntax::Basic),
        ] {
            assert!(translate(pattern, syntax, false).is_err(), "{pattern}");
        }
    }
}
