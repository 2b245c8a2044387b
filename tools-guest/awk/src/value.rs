//! Values, and how numbers and text become one another.

use std::borrow::Cow;
use std::io::Write as _;

use crate::text::{Text, Units};

/// A value.
#[derive(Debug, Clone, Default)]
pub(crate) enum Value {
    #[default]
    Unset,
    Number(f64),
    Text(Text),
    /// Text from outside of the program: where it looks like a number, it compares as one.
    Input(Text),
}

impl Value {
    /// Text from outside of the program.
    pub(crate) fn input(bytes: &[u8]) -> Value {
        Value::Input(Text::from(bytes))
    }

    pub(crate) fn text(bytes: &[u8]) -> Value {
        Value::Text(Text::from(bytes))
    }

    pub(crate) fn number(&self) -> f64 {
        match self {
            Value::Unset => 0.0,
            Value::Number(number) => *number,
            Value::Text(text) | Value::Input(text) => to_number(text),
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        match self {
            Value::Unset => false,
            Value::Number(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Input(text) => numeric(text).map_or(!text.is_empty(), |number| number != 0.0),
        }
    }

    /// What it compares as, if that is a number.
    pub(crate) fn comparable(&self) -> Option<f64> {
        match self {
            Value::Unset => Some(0.0),
            Value::Number(number) => Some(*number),
            Value::Text(_) => None,
            Value::Input(text) => numeric(text),
        }
    }

    /// As text, numbers with this format unless they are whole.
    pub(crate) fn to_text(&self, format: &[u8]) -> Text {
        match self {
            Value::Unset => Text::default(),
            Value::Text(text) | Value::Input(text) => text.clone(),
            Value::Number(number) => {
                let mut bytes = Vec::with_capacity(24);
                append_number(*number, format, &mut bytes);
                Text::from(&*bytes)
            }
        }
    }

    /// The same, added to other bytes.
    pub(crate) fn append(&self, format: &[u8], to: &mut Vec<u8>) {
        match self {
            Value::Unset => {}
            Value::Text(text) | Value::Input(text) => to.extend_from_slice(text),
            Value::Number(number) => append_number(*number, format, to),
        }
    }

    /// For a variable (see [`Text::kept`]).
    pub(crate) fn kept(self) -> Value {
        match self {
            Value::Text(text) => Value::Text(text.kept()),
            Value::Input(text) => Value::Input(text.kept()),
            value => value,
        }
    }
}

/// The text of a name or a path. What is not UTF-8 in it has the form that it has in the shell.
pub(crate) fn name(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(toolcell_text::escape::decode(bytes)),
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C)
}

fn unindented(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| is_blank(**byte)).count();
    &bytes[blanks..]
}

/// The number that all of a text is, blanks around it aside.
fn numeric(bytes: &[u8]) -> Option<f64> {
    let bytes = unindented(bytes);
    // Most text is none, and says so at once.
    if !matches!(bytes.first()?, b'0'..=b'9' | b'+' | b'-' | b'.') {
        return None;
    }
    let (number, length) = decimal(bytes);
    (length > 0 && bytes[length..].iter().all(|byte| is_blank(*byte))).then_some(number)
}

/// The number at the start of a text.
pub(crate) fn to_number(bytes: &[u8]) -> f64 {
    let bytes = unindented(bytes);
    let (number, length) = decimal(bytes);
    if length > 0 {
        return number;
    }
    match bytes.get(..4).map(<[u8]>::to_ascii_lowercase).as_deref() {
        Some(b"+inf") => f64::INFINITY,
        Some(b"-inf") => f64::NEG_INFINITY,
        Some(b"+nan" | b"-nan") => f64::NAN,
        _ => 0.0,
    }
}

/// Powers of ten that are exact.
const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The decimal number at the start of `bytes`, and how long it is: 0 where there is none.
pub(crate) fn decimal(bytes: &[u8]) -> (f64, usize) {
    let digit = |at: usize| bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d < 10);
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let (mut digits, mut decimals, mut value) = (0_usize, 0_usize, 0_u64);
    while let Some(next) = digit(at) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(next));
        digits += 1;
        at += 1;
    }
    if bytes.get(at) == Some(&b'.') && (digits > 0 || digit(at + 1).is_some()) {
        at += 1;
        while let Some(next) = digit(at) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(next));
            digits += 1;
            decimals += 1;
            at += 1;
        }
    }
    if digits == 0 {
        return (0.0, 0);
    }
    let mut power = false;
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let first = at + 1 + sign;
        if digit(first).is_some() {
            power = true;
            at = first;
            while digit(at).is_some() {
                at += 1;
            }
        }
    }
    // Up to 15 digits, a whole number and a power of ten are exact, and so is their quotient.
    let number = match POWERS.get(decimals) {
        Some(scale) if digits <= 15 && !power => {
            let number = value as f64 / scale;
            if bytes[0] == b'-' { -number } else { number }
        }
        _ => std::str::from_utf8(&bytes[..at]).ok().and_then(|t| t.parse().ok()).unwrap_or(0.0),
    };
    (number, at)
}

/// The whole number that a number is, if it is one that counting arrives at.
pub(crate) fn whole(number: f64) -> Option<i64> {
    (number.trunc() == number && number.abs() < 1e15).then_some(number as i64)
}

fn append_number(number: f64, format: &[u8], to: &mut Vec<u8>) {
    if let Some(whole) = whole(number) {
        to.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else if number.is_nan() {
        to.extend_from_slice(if number.is_sign_negative() { b"-nan" } else { b"nan" });
    } else if number.is_infinite() {
        to.extend_from_slice(if number < 0.0 { b"-inf" } else { b"inf" });
    } else if number.fract() == 0.0 {
        let _ = write!(to, "{number:.0}");
    } else {
        // A format of the program's that asks for more than a number gets nothing for it.
        let _ =
            crate::format::append(format, &[Value::Number(number)], b"%.6g", Units::default(), to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_text() {
        for (text, number, length) in [
            ("12", 12.0, 2),
            ("-0.5x", -0.5, 4),
            (".5.", 0.5, 2),
            ("5.", 5.0, 2),
            (".", 0.0, 0),
            ("+", 0.0, 0),
            ("1e3", 1000.0, 3),
            ("1e", 1.0, 1),
            ("1e+", 1.0, 1),
            ("123456789012345678901234567890", 123456789012345678901234567890.0, 30),
            ("0.1234567890123456789", 0.123_456_789_012_345_68, 21),
            ("0x11", 0.0, 1),
        ] {
            assert_eq!(decimal(text.as_bytes()), (number, length), "{text}");
        }
        for (text, number) in [
            (" 7 ", Some(7.0)),
            ("7 8", None),
            ("", None),
            ("abc", None),
            ("-", None),
            ("1\n", Some(1.0)),
        ] {
            assert_eq!(numeric(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn numbers_as_text() {
        for (number, text) in [
            (-0.0, "0"),
            (1e15, "1000000000000000"),
            (1e18, "1000000000000000000"),
            (0.1 + 0.2, "0.3"),
            (-2.5, "-2.5"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(&*Value::Number(number).to_text(b"%.6g"), text.as_bytes(), "{number}");
        }
    }
}
