//! Where the values of a JSON text end, and what is wrong with it, in jq's words.
//!
//! The library reads one value from its whole text, and takes more for JSON than jq does. Here the
//! text comes in parts; each value is handed over as its text, written as the library reads it.

use std::mem;

/// How deeply arrays and objects may nest, as in jq 1.7.
const MAX_DEPTH: usize = 10_000;

/// What an array or object that is not closed waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Array {
        is_empty: bool,
    },
    Object {
        is_empty: bool,
    },
    /// The value of a key.
    Value,
}

/// What was read last and belongs to nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    None,
    Text,
    Other,
}

/// The token that a part of the text may end in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    Literal,
    /// With `escape`, behind a backslash.
    Text {
        escape: bool,
    },
}

/// Follows a text, byte by byte.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// The value as far as it was read.
    value: Vec<u8>,
    token: Token,
    /// Where the token begins in `value`.
    start: usize,
    /// Whether the text that is the token has escapes or control characters.
    is_plain: bool,
    levels: Vec<Level>,
    last: Last,
    /// Whether record separators (RFC 7464) stand between values.
    separated: bool,
    line: usize,
    column: usize,
}

impl Scanner {
    pub(crate) fn new(separated: bool) -> Scanner {
        Scanner {
            value: Vec::new(),
            token: Token::None,
            start: 0,
            is_plain: true,
            levels: Vec::new(),
            last: Last::None,
            separated,
            line: 1,
            column: 0,
        }
    }

    /// Reads `part` until a value ends, and takes away from it what was read. None when nothing is
    /// left of it; otherwise [`Scanner::value`] has the text.
    pub(crate) fn next(&mut self, part: &mut &[u8]) -> Option<Result<(), String>> {
        self.begin();
        while let Some(&byte) = part.first() {
            let length = match self.token {
                Token::Text { escape: false } => {
                    run(part, |byte| !matches!(byte, b'"' | b'\\' | ..0x20))
                }
                Token::Literal => run(part, |byte| !is_delimiter(byte)),
                _ => 0,
            };
            if length > 0 {
                self.value.extend_from_slice(&part[..length]);
                self.column += length;
                *part = &part[length..];
                continue;
            }
            if self.levels.is_empty()
                && self.token == Token::Literal
                && matches!(byte, b'[' | b'{' | b'"')
            {
                // The literal ends here, and this begins another value.
                return Some(self.end_literal().map_err(|what| self.at(what)));
            }
            *part = &part[1..];
            self.column += 1;
            if byte == b'\n' {
                (self.line, self.column) = (self.line + 1, 0);
            }
            match self.byte(byte) {
                Ok(()) if self.is_complete() => return Some(Ok(())),
                Ok(()) => {}
                Err(what) => return Some(Err(self.at(what))),
            }
        }
        None
    }

    /// What the end of the text ends, as [`Scanner::next`].
    pub(crate) fn end(&mut self) -> Option<Result<(), String>> {
        self.begin();
        let result = match self.token {
            Token::Text { .. } => Err("Unfinished string"),
            _ => self.end_literal(),
        };
        let what = match result {
            Ok(()) if self.is_complete() => return Some(Ok(())),
            Ok(()) if self.levels.is_empty() => return None,
            Ok(()) => "Unfinished JSON term",
            Err(what) => what,
        };
        Some(Err(self.at(format!("{what} at EOF"))))
    }

    /// The text of the value that has ended.
    pub(crate) fn value(&self) -> &[u8] {
        &self.value
    }

    /// Forgets the value that has ended, if one has.
    fn begin(&mut self) {
        if self.is_complete() {
            self.last = Last::None;
            self.value.clear();
        }
    }

    fn at(&self, what: impl std::fmt::Display) -> String {
        format!("{what} at line {}, column {}", self.line, self.column)
    }

    fn is_complete(&self) -> bool {
        self.levels.is_empty() && self.last != Last::None
    }

    fn byte(&mut self, byte: u8) -> Result<(), &'static str> {
        if let Token::Text { escape } = self.token {
            self.value.push(byte);
            match (escape, byte) {
                (true, _) => self.token = Token::Text { escape: false },
                (false, b'"') => return self.end_text(),
                (false, byte) => {
                    self.is_plain = false;
                    self.token = Token::Text { escape: byte == b'\\' };
                }
            }
            return Ok(());
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => self.end_literal(),
            b'\x1e' if self.separated => self.end_literal(),
            b'[' | b'{' | b'}' | b']' | b':' | b',' => {
                self.end_literal()?;
                // If something is wrong with this byte, the value before is not told.
                self.begin();
                self.structure(byte)?;
                self.value.push(byte);
                Ok(())
            }
            b'"' => {
                self.end_literal()?;
                (self.token, self.start) = (Token::Text { escape: false }, self.value.len());
                self.is_plain = true;
                self.value.push(byte);
                Ok(())
            }
            byte => {
                if self.token == Token::None {
                    (self.token, self.start) = (Token::Literal, self.value.len());
                }
                self.value.push(byte);
                Ok(())
            }
        }
    }

    fn structure(&mut self, byte: u8) -> Result<(), &'static str> {
        let last = mem::replace(&mut self.last, Last::None);
        let level = self.levels.last_mut();
        match byte {
            b'[' | b'{' => {
                if self.levels.len() >= MAX_DEPTH {
                    return Err("Exceeds depth limit for parsing");
                }
                if last != Last::None {
                    return Err("Expected separator between values");
                }
                self.levels.push(match byte {
                    b'[' => Level::Array { is_empty: true },
                    _ => Level::Object { is_empty: true },
                });
                return Ok(());
            }
            b':' => {
                return match (last, level) {
                    (Last::None, _) => Err("Expected string key before ':'"),
                    (_, None | Some(Level::Array { .. } | Level::Value)) => {
                        Err("':' not as part of an object")
                    }
                    (Last::Other, _) => Err("Object keys must be strings"),
                    (Last::Text, Some(object)) => {
                        *object = Level::Object { is_empty: false };
                        self.levels.push(Level::Value);
                        Ok(())
                    }
                };
            }
            b',' => {
                return match (last, level) {
                    (Last::None, _) | (_, None) => Err("Expected value before ','"),
                    (_, Some(Level::Array { is_empty })) => {
                        *is_empty = false;
                        Ok(())
                    }
                    (_, Some(Level::Value)) => {
                        self.levels.pop();
                        Ok(())
                    }
                    (_, Some(Level::Object { .. })) => {
                        Err("Objects must consist of key:value pairs")
                    }
                };
            }
            b']' => match (last, level) {
                (Last::None, Some(Level::Array { is_empty: false })) => {
                    return Err("Expected another array element");
                }
                (_, Some(Level::Array { .. })) => {}
                _ => return Err("Unmatched ']'"),
            },
            _ => match (last, level) {
                (Last::None, Some(Level::Object { is_empty: true })) => {}
                (Last::None, Some(Level::Object { is_empty: false })) => {
                    return Err("Expected another key-value pair");
                }
                (Last::None, _) | (_, None) => return Err("Unmatched '}'"),
                (_, Some(Level::Value)) => {
                    self.levels.pop();
                }
                _ => return Err("Objects must consist of key:value pairs"),
            },
        }
        self.levels.pop();
        self.last = Last::Other;
        Ok(())
    }

    /// Notes that a value was read.
    fn found(&mut self, what: Last) -> Result<(), &'static str> {
        match mem::replace(&mut self.last, what) {
            Last::None => Ok(()),
            _ => Err("Expected separator between values"),
        }
    }

    fn end_text(&mut self) -> Result<(), &'static str> {
        self.token = Token::None;
        if !self.is_plain {
            let inner = &self.value[self.start + 1..self.value.len() - 1];
            if let Some(mended) = checked(inner)? {
                self.value.truncate(self.start + 1);
                self.value.extend_from_slice(&mended);
                self.value.push(b'"');
            }
        }
        self.found(Last::Text)
    }

    fn end_literal(&mut self) -> Result<(), &'static str> {
        if self.token != Token::Literal {
            return Ok(());
        }
        self.token = Token::None;
        let literal = &self.value[self.start..];
        match literal {
            b"true" | b"false" | b"null" | b"NaN" => {}
            number if is_plain(number) => {}
            b"nan" => {
                self.value.truncate(self.start);
                self.value.extend_from_slice(b"NaN");
            }
            [b't' | b'f' | b'n', ..] => return Err("Invalid literal"),
            _ => {
                let number = number(literal).ok_or("Invalid numeric literal")?;
                self.value.truncate(self.start);
                self.value.extend_from_slice(&number);
            }
        }
        self.found(Last::Other)
    }
}

/// What is between a text's quotes, checked; if it must be written otherwise, how. Half of a pair
/// of surrogates is no character.
fn checked(inner: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(&byte) = inner.get(at) {
        let mut length = 1;
        let mut instead = None;
        if byte < 0x20 {
            return Err(
                "Invalid string: control characters from U+0000 through U+001F must be escaped",
            );
        }
        if byte == b'\\' {
            length = 2;
            match inner.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {}
                Some(b'u') => {
                    let unit = unit(&inner[at + 2..])?;
                    length = 6;
                    if (0xd800..0xdc00).contains(&unit) {
                        let low = match inner.get(at + 6..) {
                            Some([b'\\', b'u', digits @ ..]) => self::unit(digits)?,
                            _ => 0,
                        };
                        match low {
                            0xdc00..0xe000 => length = 12,
                            _ => instead = Some(b"\\ufffd"),
                        }
                    } else if (0xdc00..0xe000).contains(&unit) {
                        instead = Some(b"\\ufffd");
                    }
                }
                _ => return Err("Invalid escape"),
            }
        }
        let part = &inner[at..at + length];
        match (&mut mended, instead) {
            (None, None) => {}
            (Some(mended), None) => mended.extend_from_slice(part),
            (mended, Some(instead)) => {
                mended.get_or_insert_with(|| inner[..at].to_vec()).extend_from_slice(instead);
            }
        }
        at += length;
    }
    Ok(mended)
}

/// The four digits behind `\u`.
fn unit(digits: &[u8]) -> Result<u32, &'static str> {
    let digits = digits.get(..4).ok_or("Invalid \\uXXXX escape")?;
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'));
    text.and_then(|text| u32::from_str_radix(text, 16).ok())
        .ok_or("Invalid characters in \\uXXXX escape")
}

/// How many bytes at the start of a part are such.
fn run(part: &[u8], is_such: impl Fn(u8) -> bool) -> usize {
    part.iter().position(|byte| !is_such(*byte)).unwrap_or(part.len())
}

/// Whether a byte ends a literal.
fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\r' | b'\n' | b'[' | b']' | b'{' | b'}' | b':' | b',' | b'"' | b'\x1e'
    )
}

/// Whether a literal is a whole number without anything that [`number`] changes.
fn is_plain(literal: &[u8]) -> bool {
    let digits = literal.strip_prefix(b"-").unwrap_or(literal);
    matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.iter().all(u8::is_ascii_digit)
}

/// A number as the grammar of JSON has it: jq takes what the C library takes. None if it is none.
fn number(literal: &[u8]) -> Option<Vec<u8>> {
    let (sign, digits) = match literal {
        [b'+', rest @ ..] => (false, rest),
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut number = if sign { b"-".to_vec() } else { Vec::new() };
    if digits.eq_ignore_ascii_case(b"nan") {
        return Some(b"NaN".to_vec());
    }
    if digits.eq_ignore_ascii_case(b"infinity") || digits.eq_ignore_ascii_case(b"inf") {
        number.extend_from_slice(b"1.7976931348623157e+308");
        return Some(number);
    }
    let exponent = digits.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = digits.split_at(exponent.unwrap_or(digits.len()));
    let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    let (whole, fraction) = mantissa.split_at(point);
    let fraction = fraction.get(1..).unwrap_or_default();
    let is_number = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    if whole.len() + fraction.len() == 0 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let zeros = whole.iter().take_while(|byte| **byte == b'0').count();
    match &whole[zeros..] {
        [] => number.push(b'0'),
        whole => number.extend_from_slice(whole),
    }
    if !fraction.is_empty() {
        number.push(b'.');
        number.extend_from_slice(fraction);
    }
    if let Some((_, power)) = exponent.split_first() {
        let digits = power.strip_prefix(b"+").or(power.strip_prefix(b"-")).unwrap_or(power);
        if digits.is_empty() || !is_number(digits) {
            return None;
        }
        number.extend_from_slice(exponent);
    }
    Some(number)
}
