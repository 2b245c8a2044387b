//! Text into tokens.

use crate::pattern::numbered;
use crate::value::decimal;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Number(f64),
    Text(String),
    Regex(String),
    /// A name; `true` when a `(` follows at once, as a call of a function needs it.
    Name(String, bool),
    Keyword(&'static str),
    Op(&'static str),
    Newline,
    End,
}

const KEYWORDS: &[&str] = &[
    "BEGIN", "END", "function", "if", "else", "while", "for", "do", "break", "continue", "next",
    "nextfile", "exit", "return", "delete", "in", "getline", "print", "printf", "switch", "case",
    "default",
];

const OPERATORS: &[&str] = &[
    "**=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**", "==", "<=", ">=",
    "!=", ">>", "!~", "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!",
    ">", "<", "|", "?", ":", "~", "$", "=",
];

/// All tokens of a program, each with its line.
///
/// # Errors
/// The message about what is no token.
pub(crate) fn tokens(source: &str) -> Result<Vec<(Token, u32)>, String> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens: Vec<(Token, u32)> = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let c = chars[at];
        match c {
            ' ' | '\t' | '\r' => at += 1,
            '\\' if chars.get(at + 1) == Some(&'\n') => {
                at += 2;
                line += 1;
            }
            '\\' if chars.get(at + 1) == Some(&'\r') && chars.get(at + 2) == Some(&'\n') => {
                at += 3;
                line += 1;
            }
            '#' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '\n' => {
                tokens.push((Token::Newline, line));
                at += 1;
                line += 1;
            }
            '"' => {
                let (text, next) = string(&chars, at + 1)
                    .ok_or_else(|| format!("unterminated string at source line {line}"))?;
                tokens.push((Token::Text(text), line));
                at = next;
            }
            '/' if regex_may_follow(tokens.last().map(|(token, _)| token)) => {
                let (text, next) = regex(&chars, at + 1)
                    .ok_or_else(|| format!("unterminated regexp at source line {line}"))?;
                tokens.push((Token::Regex(text), line));
                at = next;
            }
            c if c.is_ascii_digit()
                || c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit) =>
            {
                let (number, next) = number(&chars, at);
                tokens.push((Token::Number(number), line));
                at = next;
            }
            c if c.is_alphabetic() || c == '_' => {
                let from = at;
                while chars.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                    at += 1;
                }
                let name: String = chars[from..at].iter().collect();
                let name = if name == "func" { "function".to_owned() } else { name };
                tokens.push((
                    match KEYWORDS.iter().find(|keyword| **keyword == name) {
                        Some(keyword) => Token::Keyword(keyword),
                        None => Token::Name(name, chars.get(at) == Some(&'(')),
                    },
                    line,
                ));
            }
            _ => {
                let rest: String = chars[at..chars.len().min(at + 3)].iter().collect();
                let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
                let Some(operator) = operator else {
                    return Err(format!("syntax error at source line {line}: unexpected {c}"));
                };
                tokens.push((Token::Op(operator), line));
                at += operator.len();
            }
        }
    }
    tokens.push((Token::Newline, line));
    tokens.push((Token::End, line));
    Ok(tokens)
}

/// A `/` divides after a value, and begins an expression elsewhere.
fn regex_may_follow(last: Option<&Token>) -> bool {
    !matches!(
        last,
        Some(
            Token::Number(_)
                | Token::Text(_)
                | Token::Name(..)
                | Token::Op(")" | "]" | "$" | "++" | "--")
        )
    )
}

fn number(chars: &[char], from: usize) -> (f64, usize) {
    if chars[from] == '0' && matches!(chars.get(from + 1), Some('x' | 'X')) {
        let digits: String =
            chars[from + 2..].iter().take_while(|c| c.is_ascii_hexdigit()).collect();
        if !digits.is_empty() {
            let value = u64::from_str_radix(&digits, 16).unwrap_or(u64::MAX);
            return (value as f64, from + 2 + digits.len());
        }
    }
    let text: String = chars[from..].iter().take(400).collect();
    let (number, length) = decimal(text.as_bytes());
    (number, from + length)
}

fn string(chars: &[char], mut at: usize) -> Option<(String, usize)> {
    let mut text = String::new();
    loop {
        match *chars.get(at)? {
            '"' => return Some((text, at + 1)),
            '\n' => return None,
            '\\' => {
                let (c, next) = escape(chars, at + 1)?;
                match c {
                    Some(c) => text.push(c),
                    None if chars.get(at + 1) == Some(&'\n') => {}
                    None => {
                        text.push('\\');
                        text.push(*chars.get(at + 1)?);
                    }
                }
                at = next;
            }
            c => {
                text.push(c);
                at += 1;
            }
        }
    }
}

/// An escape after its backslash: the character, or none if it is not one.
fn escape(chars: &[char], at: usize) -> Option<(Option<char>, usize)> {
    let c = *chars.get(at)?;
    let plain = match c {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        '\\' => Some('\\'),
        '"' => Some('"'),
        '/' => Some('/'),
        'a' => Some('\x07'),
        'b' => Some('\x08'),
        'f' => Some('\x0c'),
        'v' => Some('\x0b'),
        _ => None,
    };
    if plain.is_some() {
        return Some((plain, at + 1));
    }
    if c.is_digit(8) {
        let (c, length) = numbered(&chars[at..], 8, 3);
        return Some((c, at + length));
    }
    if c == 'x' && chars.get(at + 1).is_some_and(char::is_ascii_hexdigit) {
        let (c, length) = numbered(&chars[at + 1..], 16, 2);
        return Some((c, at + 1 + length));
    }
    Some((None, at + 1))
}

/// The escapes of `-v` and of assignments among the operands.
pub(crate) fn unescape(text: &str) -> String {
    let chars: Vec<char> = text.chars().chain(['"']).collect();
    let quoted: Vec<char> = chars[..chars.len() - 1]
        .iter()
        .flat_map(|c| if *c == '"' { vec!['\\', '"'] } else { vec![*c] })
        .chain(['"'])
        .collect();
    let escaped = text.contains('"') && text.contains('\\');
    let source = if escaped { &chars } else { &quoted };
    string(source, 0).map_or_else(|| text.to_owned(), |(text, _)| text)
}

fn regex(chars: &[char], mut at: usize) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut bracket = false;
    loop {
        match *chars.get(at)? {
            '/' if !bracket => return Some((text, at + 1)),
            '\n' => return None,
            '\\' => {
                let next = *chars.get(at + 1)?;
                if next != '/' {
                    text.push('\\');
                }
                text.push(next);
                at += 2;
                continue;
            }
            '[' => {
                // A `]` right after the `[` or `[^` belongs to the set.
                if !bracket {
                    bracket = true;
                    text.push('[');
                    at += 1;
                    if chars.get(at) == Some(&'^') {
                        text.push('^');
                        at += 1;
                    }
                    if chars.get(at) == Some(&']') {
                        text.push(']');
                        at += 1;
                    }
                    continue;
                }
                text.push('[');
            }
            ']' => {
                // The end of `[:alpha:]` is not the end of the set.
                bracket = bracket && text.ends_with(':') && text.contains("[:");
                text.push(']');
            }
            c => text.push(c),
        }
        at += 1;
    }
}
