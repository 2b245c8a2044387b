//! `sprintf`.

use crate::value::Value;

/// Characters that one conversion may be padded to.
const MAX_WIDTH: usize = 1 << 20;

/// Formats as C does. `convert` is how numbers become text for `%s`.
pub(crate) fn sprintf(format: &str, args: &[Value], convert: &str) -> String {
    let mut result = String::new();
    let mut args = args.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            result.push(c);
            continue;
        }
        let (mut minus, mut plus, mut space, mut zero, mut alternate) =
            (false, false, false, false, false);
        let mut source = String::from("%");
        while let Some(flag) = chars.next_if(|c| "-+ 0#".contains(*c)) {
            source.push(flag);
            match flag {
                '-' => minus = true,
                '+' => plus = true,
                ' ' => space = true,
                '0' => zero = true,
                _ => alternate = true,
            }
        }
        let mut number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
                          source: &mut String| {
            if chars.next_if_eq(&'*').is_some() {
                return Some(args.next().map_or(0.0, Value::number) as i64);
            }
            let mut value: Option<i64> = None;
            while let Some(c) = chars.next_if(char::is_ascii_digit) {
                source.push(c);
                let digit = i64::from(c.to_digit(10).unwrap_or(0));
                value = Some(value.unwrap_or(0).saturating_mul(10).saturating_add(digit));
            }
            value
        };
        let width = number(&mut chars, &mut source).unwrap_or(0);
        minus |= width < 0;
        let width = usize::try_from(width.unsigned_abs()).unwrap_or(0).min(MAX_WIDTH);
        let mut precision = None;
        if chars.next_if_eq(&'.').is_some() {
            source.push('.');
            let value = number(&mut chars, &mut source).unwrap_or(0);
            precision = usize::try_from(value).ok().map(|precision| precision.min(MAX_WIDTH));
        }
        while chars.next_if(|c| matches!(c, 'l' | 'h' | 'L' | 'q')).is_some() {}
        let Some(letter) = chars.next() else {
            result.push_str(&source);
            break;
        };
        if letter == '%' {
            result.push('%');
            continue;
        }
        let sign = |negative: bool| match negative {
            true => "-",
            false if plus => "+",
            false if space => " ",
            false => "",
        };
        let (prefix, body, zero) = match letter {
            'c' => {
                let text = match args.next() {
                    Some(Value::Number(code)) => {
                        char::from_u32(*code as u32).map(String::from).unwrap_or_default()
                    }
                    Some(value) => value.to_text(convert).chars().take(1).collect(),
                    None => String::new(),
                };
                ("", text, false)
            }
            's' => {
                let text = args.next().map(|value| value.to_text(convert)).unwrap_or_default();
                let text = match precision {
                    Some(precision) => text.chars().take(precision).collect(),
                    None => text.to_string(),
                };
                ("", text, false)
            }
            'd' | 'i' => {
                let value = args.next().map_or(0.0, Value::number);
                if !value.is_finite() {
                    (
                        sign(value < 0.0),
                        if value.is_nan() { "nan" } else { "inf" }.to_owned(),
                        false,
                    )
                } else {
                    let digits = format!("{:.0}", value.trunc().abs());
                    let least = precision.unwrap_or(0);
                    let digits = format!("{digits:0>least$}");
                    (sign(value <= -1.0), digits, zero && precision.is_none())
                }
            }
            'o' | 'x' | 'X' | 'u' => {
                let value = args.next().map_or(0.0, Value::number);
                let value = if value < 0.0 { value as i64 as u64 } else { value as u64 };
                let digits = match letter {
                    'o' => format!("{value:o}"),
                    'x' => format!("{value:x}"),
                    'X' => format!("{value:X}"),
                    _ => value.to_string(),
                };
                let least = precision.unwrap_or(0);
                let digits = format!("{digits:0>least$}");
                let prefix = match (alternate && value != 0, letter) {
                    (true, 'o') => "0",
                    (true, 'x') => "0x",
                    (true, 'X') => "0X",
                    _ => "",
                };
                (prefix, digits, zero && precision.is_none())
            }
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
                let value = args.next().map_or(0.0, Value::number);
                let text =
                    toolcell_text::float(letter, value.abs(), precision.unwrap_or(6), alternate);
                (sign(value.is_sign_negative()), text, zero && value.is_finite())
            }
            letter => {
                source.push(letter);
                result.push_str(&source);
                continue;
            }
        };
        let missing = width.saturating_sub(prefix.chars().count() + body.chars().count());
        if !minus && !zero {
            result.extend(std::iter::repeat_n(' ', missing));
        }
        result.push_str(prefix);
        if !minus && zero {
            result.extend(std::iter::repeat_n('0', missing));
        }
        result.push_str(&body);
        if minus {
            result.extend(std::iter::repeat_n(' ', missing));
        }
    }
    result
}
