//! Values, and how numbers and text become one another.

use std::rc::Rc;

use crate::lexer::numeric_prefix;

/// A value.
#[derive(Debug, Clone, Default)]
pub(crate) enum Value {
    #[default]
    Unset,
    Number(f64),
    Text(Rc<str>),
    /// Input that looks like a number: it compares as one.
    Input(Rc<str>, f64),
}

impl Value {
    /// Text from outside of the program.
    pub(crate) fn input(text: &str) -> Value {
        let trimmed = text.trim();
        let length = numeric_prefix(trimmed);
        match length > 0 && length == trimmed.len() {
            true => Value::Input(text.into(), trimmed.parse().unwrap_or(0.0)),
            false => Value::Text(text.into()),
        }
    }

    pub(crate) fn text(text: impl Into<Rc<str>>) -> Value {
        Value::Text(text.into())
    }

    pub(crate) fn number(&self) -> f64 {
        match self {
            Value::Unset => 0.0,
            Value::Number(number) | Value::Input(_, number) => *number,
            Value::Text(text) => to_number(text),
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        match self {
            Value::Unset => false,
            Value::Number(number) | Value::Input(_, number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
        }
    }

    /// As text, numbers with this format unless they are whole.
    pub(crate) fn to_text(&self, format: &str) -> Rc<str> {
        match self {
            Value::Unset => "".into(),
            Value::Text(text) | Value::Input(text, _) => text.clone(),
            Value::Number(number) => number_text(*number, format).into(),
        }
    }

    /// Whether it compares as a number.
    pub(crate) fn is_numeric(&self) -> bool {
        !matches!(self, Value::Text(_))
    }
}

/// The number at the start of a text.
pub(crate) fn to_number(text: &str) -> f64 {
    let trimmed = text.trim_start();
    let length = numeric_prefix(trimmed);
    if length > 0 {
        return trimmed[..length].parse().unwrap_or(0.0);
    }
    let lower = trimmed.get(..4).unwrap_or_default().to_ascii_lowercase();
    match lower.as_str() {
        "+inf" => f64::INFINITY,
        "-inf" => f64::NEG_INFINITY,
        "+nan" | "-nan" => f64::NAN,
        _ => 0.0,
    }
}

pub(crate) fn number_text(number: f64, format: &str) -> String {
    if number.fract() == 0.0 {
        // Minus zero is zero.
        return format!("{:.0}", number + 0.0);
    }
    if number.is_nan() {
        return if number.is_sign_negative() { "-nan" } else { "nan" }.to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    crate::format::sprintf(format, &[Value::Number(number)], "%.6g")
}
