//! Shell patterns: `*`, `?`, `[…]` and the extended `@(…)`.
//!
//! A pattern is text in which a backslash makes the next character stand for itself.

/// Steps one match may take. Against patterns made to backtrack without end.
const MAX_STEPS: u32 = 2_000_000;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    tokens: Vec<Token>,
    nocase: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Char(char),
    Any,
    Star,
    Set(Set),
    Group(Group, Vec<Vec<Token>>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Group {
    /// `?(…)`
    Optional,
    /// `*(…)`
    Many,
    /// `+(…)`
    Some,
    /// `@(…)`
    One,
    /// `!(…)`
    None,
}

#[derive(Debug, Clone, PartialEq)]
struct Set {
    negated: bool,
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq)]
enum Item {
    Range(char, char),
    Class(String),
}

/// `text` with everything escaped that would mean something.
pub fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '(' | ')' | '|' | '+' | '@' | '!' | '-' | '^')
        {
            into.push('\\');
        }
        into.push(c);
    }
}

impl Pattern {
    /// Compiles `text`.
    pub fn new(text: &str, extglob: bool, nocase: bool) -> Pattern {
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        let tokens = compile(&chars, &mut at, extglob, false, 0);
        Pattern { tokens, nocase }
    }

    /// The text it stands for, if it matches nothing else.
    pub fn literal(&self) -> Option<String> {
        let chars = self.tokens.iter().map(|token| match token {
            Token::Char(c) if !self.nocase => Some(*c),
            _ => None,
        });
        chars.collect()
    }

    /// Whether all of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        self.matches_chars(&chars)
    }

    /// The same, of a text by its characters.
    pub fn matches_chars(&self, text: &[char]) -> bool {
        let mut steps = MAX_STEPS;
        matches(&self.tokens, text, self.nocase, &mut steps)
    }

    /// Whether it begins with a `.` that is written out.
    pub fn begins_with_dot(&self) -> bool {
        match self.tokens.first() {
            Some(Token::Char('.')) => true,
            Some(Token::Group(Group::One | Group::Some, alternatives)) => {
                alternatives.iter().any(|tokens| tokens.first() == Some(&Token::Char('.')))
            }
            _ => false,
        }
    }

    /// The length in characters of what matches at the start of `text`.
    pub fn prefix(&self, text: &[char], longest: bool) -> Option<usize> {
        if let Some(literal) = self.literal() {
            let length = literal.chars().count();
            let found = text.len() >= length && literal.chars().zip(text).all(|(a, b)| a == *b);
            return found.then_some(length);
        }
        let mut lengths: Box<dyn Iterator<Item = usize>> = match longest {
            true => Box::new((0..=text.len()).rev()),
            false => Box::new(0..=text.len()),
        };
        lengths.find(|length| self.matches_chars(&text[..*length]))
    }

    /// Where what matches at the end of `text` begins.
    pub fn suffix(&self, text: &[char], longest: bool) -> Option<usize> {
        let mut starts: Box<dyn Iterator<Item = usize>> = match longest {
            true => Box::new(0..=text.len()),
            false => Box::new((0..=text.len()).rev()),
        };
        starts.find(|start| self.matches_chars(&text[*start..]))
    }

    /// The first place from `from` on where it matches, and the end of the longest match there.
    pub fn find(&self, text: &[char], from: usize) -> Option<(usize, usize)> {
        let first = match self.tokens.first() {
            Some(Token::Char(c)) if !self.nocase => Some(*c),
            _ => None,
        };
        (from..=text.len()).find_map(|start| {
            if first.is_some() && text.get(start).copied() != first {
                return None;
            }
            let length = self.prefix(&text[start..], true)?;
            Some((start, start + length))
        })
    }
}

fn compile(chars: &[char], at: &mut usize, extglob: bool, inside: bool, depth: u32) -> Vec<Token> {
    let mut tokens = Vec::new();
    while let Some(c) = chars.get(*at).copied() {
        if inside && matches!(c, '|' | ')') {
            break;
        }
        let group = match c {
            '?' => Some(Group::Optional),
            '*' => Some(Group::Many),
            '+' => Some(Group::Some),
            '@' => Some(Group::One),
            '!' => Some(Group::None),
            _ => None,
        };
        *at += 1;
        if let Some(group) = group
            && extglob
            && depth < 32
            && chars.get(*at) == Some(&'(')
            && closes(&chars[*at + 1..])
        {
            let mut alternatives = Vec::new();
            loop {
                *at += 1;
                alternatives.push(compile(chars, at, extglob, true, depth + 1));
                if chars.get(*at) != Some(&'|') {
                    break;
                }
            }
            *at += 1;
            tokens.push(Token::Group(group, alternatives));
            continue;
        }
        tokens.push(match c {
            '\\' => {
                let next = chars.get(*at).copied();
                *at += usize::from(next.is_some());
                Token::Char(next.unwrap_or('\\'))
            }
            '?' => Token::Any,
            '*' => {
                if tokens.last() == Some(&Token::Star) {
                    continue;
                }
                Token::Star
            }
            '[' => match set(&chars[*at..]) {
                Some((set, length)) => {
                    *at += length;
                    Token::Set(set)
                }
                None => Token::Char('['),
            },
            c => Token::Char(c),
        });
    }
    tokens
}

fn closes(chars: &[char]) -> bool {
    let (mut depth, mut escaped) = (0u32, false);
    for c in chars {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' if depth == 0 => return true,
            ')' => depth -= 1,
            _ => {}
        }
    }
    false
}

/// A bracket expression after its `[`, and its length with the `]`.
fn set(chars: &[char]) -> Option<(Set, usize)> {
    let mut at = 0;
    let negated = matches!(chars.first(), Some('!' | '^'));
    at += usize::from(negated);
    let mut items = Vec::new();
    let first = at;
    loop {
        let c = *chars.get(at)?;
        if c == ']' && at > first {
            return Some((Set { negated, items }, at + 1));
        }
        if c == '[' && matches!(chars.get(at + 1), Some(':' | '.' | '=')) {
            let kind = chars[at + 1];
            let close = (at + 2..chars.len().saturating_sub(1))
                .find(|end| chars[*end] == kind && chars[*end + 1] == ']');
            if let Some(close) = close {
                let name: String = chars[at + 2..close].iter().collect();
                match (kind, name.chars().next()) {
                    (':', _) => items.push(Item::Class(name)),
                    (_, Some(c)) => items.push(Item::Range(c, c)),
                    _ => {}
                }
                at = close + 2;
                continue;
            }
        }
        let (low, next) = one(chars, at)?;
        at = next;
        if chars.get(at) == Some(&'-') && chars.get(at + 1).is_some_and(|c| *c != ']') {
            let (high, next) = one(chars, at + 1)?;
            at = next;
            items.push(Item::Range(low, high));
        } else {
            items.push(Item::Range(low, low));
        }
    }
}

fn one(chars: &[char], at: usize) -> Option<(char, usize)> {
    match *chars.get(at)? {
        '\\' => Some((*chars.get(at + 1)?, at + 2)),
        c => Some((c, at + 1)),
    }
}

fn fold(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

impl Set {
    fn has(&self, c: char, nocase: bool) -> bool {
        let within = |c: char| {
            self.items.iter().any(|item| match item {
                Item::Range(low, high) => (*low..=*high).contains(&c),
                Item::Class(name) => class(name, c),
            })
        };
        let found =
            within(c) || nocase && (within(fold(c)) || c.to_uppercase().next().is_some_and(within));
        found != self.negated
    }
}

/// Whether `c` belongs to the POSIX class of this name.
fn class(name: &str, c: char) -> bool {
    match name {
        "alpha" => c.is_alphabetic(),
        "digit" => c.is_ascii_digit(),
        "alnum" => c.is_alphanumeric(),
        "upper" => c.is_uppercase(),
        "lower" => c.is_lowercase(),
        "space" => is_space(c),
        "blank" => is_space(c) && !matches!(c, '\n'..='\r' | '\u{2028}' | '\u{2029}'),
        "punct" => !is_control(c) && !is_space(c) && !c.is_alphanumeric(),
        "print" => !is_control(c),
        "graph" => !is_control(c) && !is_space(c),
        "cntrl" => is_control(c),
        "xdigit" => c.is_ascii_hexdigit(),
        "word" => c.is_alphanumeric() || c == '_',
        "ascii" => c.is_ascii(),
        _ => false,
    }
}

/// Whether the C library calls it a blank in a UTF-8 locale: no words hang together by it.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{85}' | '\u{A0}' | '\u{2007}' | '\u{202F}')
}

/// Whether the C library calls it a control character.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Matches token by token. A `*` remembers where it was: when the rest fails, the last one takes
/// one character more, and no earlier one needs to.
fn matches(tokens: &[Token], text: &[char], nocase: bool, steps: &mut u32) -> bool {
    let (mut at, mut token) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if *steps == 0 {
            return false;
        }
        *steps -= 1;
        let step = match tokens.get(token) {
            None if at == text.len() => return true,
            None => false,
            Some(Token::Star) => {
                retry = Some((token, at));
                token += 1;
                continue;
            }
            Some(Token::Group(group, alternatives)) => {
                if matches_group(
                    *group,
                    alternatives,
                    &tokens[token + 1..],
                    &text[at..],
                    nocase,
                    steps,
                ) {
                    return true;
                }
                false
            }
            Some(Token::Any) => at < text.len(),
            Some(Token::Char(c)) => {
                text.get(at).is_some_and(|other| other == c || nocase && fold(*other) == fold(*c))
            }
            Some(Token::Set(set)) => text.get(at).is_some_and(|c| set.has(*c, nocase)),
        };
        if step {
            at += 1;
            token += 1;
            continue;
        }
        match retry {
            Some((star, from)) if from < text.len() => {
                retry = Some((star, from + 1));
                at = from + 1;
                token = star + 1;
            }
            _ => return false,
        }
    }
}

fn matches_group(
    group: Group,
    alternatives: &[Vec<Token>],
    rest: &[Token],
    text: &[char],
    nocase: bool,
    steps: &mut u32,
) -> bool {
    if matches!(group, Group::Optional | Group::Many) && matches(rest, text, nocase, steps) {
        return true;
    }
    for length in 0..=text.len() {
        if *steps == 0 {
            return false;
        }
        *steps -= 1;
        let (head, tail) = text.split_at(length);
        let any = alternatives.iter().any(|tokens| matches(tokens, head, nocase, steps));
        let found = match group {
            Group::None => !any && matches(rest, tail, nocase, steps),
            Group::Optional | Group::One => any && matches(rest, tail, nocase, steps),
            Group::Many | Group::Some => {
                any && (matches(rest, tail, nocase, steps)
                    || length > 0
                        && matches_group(Group::Some, alternatives, rest, tail, nocase, steps))
            }
        };
        if found {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let compiled = Pattern::new(pattern, true, false);
        for text in yes {
            assert!(compiled.matches(text), "{pattern} {text}");
        }
        for text in no {
            assert!(!compiled.matches(text), "{pattern} {text}");
        }
    }

    #[test]
    fn matches_as_bash_does() {
        check("*.txt", &["a.txt", ".txt"], &["a.txt2", "txt"]);
        check("a?c", &["abc", "aéc"], &["ac"]);
        check("[a-c]*[!0-9]", &["bx", "a1x"], &["b1", "dx"]);
        check("[]a]", &["]", "a"], &["b"]);
        check("[[:upper:]][[:digit:]]", &["A1"], &["a1"]);
        check("\\*", &["*"], &["a"]);
        check("@(foo|bar)*", &["foo", "barn"], &["baz"]);
        check("!(foo)", &["fo", "", "foox"], &["foo"]);
        check("+([0-9])", &["1", "123"], &["", "12a"]);
        check("*(a|b)c", &["c", "abac"], &["abd"]);
        check("?(x)y", &["y", "xy"], &["xxy"]);
        check("[", &["["], &["a"]);
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = Pattern::new("*(*(*(a)b)c)d", true, false);
        assert!(!pattern.matches(&"ab".repeat(200)));
    }
}
