//! `sprintf`.

use crate::text::Units;
use crate::value::Value;

/// Characters that one conversion may be padded to.
const MAX_WIDTH: usize = 1 << 20;

/// There are fewer values than the format asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooFew;

/// What stands between `%` and a conversion's letter.
#[derive(Debug, Default)]
struct Spec {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
    /// Of what a width is so many.
    units: Units,
}

impl Spec {
    fn sign(&self, negative: bool) -> &'static str {
        match negative {
            true => "-",
            false if self.plus => "+",
            false if self.space => " ",
            false => "",
        }
    }

    /// A number's digits, with as many zeros before them as the precision asks for.
    fn digits(&self, digits: &str) -> String {
        format!("{digits:0>least$}", least = self.precision.unwrap_or(0))
    }

    fn put(&self, prefix: &str, body: &[u8], zeros: bool, to: &mut Vec<u8>) {
        if self.width == 0 {
            to.extend_from_slice(prefix.as_bytes());
            to.extend_from_slice(body);
            return;
        }
        let missing = self.width.saturating_sub(prefix.len() + self.units.count(body));
        let zeros = zeros && self.zero && !self.minus;
        if !self.minus && !zeros {
            to.extend(std::iter::repeat_n(b' ', missing));
        }
        to.extend_from_slice(prefix.as_bytes());
        if zeros {
            to.extend(std::iter::repeat_n(b'0', missing));
        }
        to.extend_from_slice(body);
        if self.minus {
            to.extend(std::iter::repeat_n(b' ', missing));
        }
    }
}

/// What a format is read from, and what it takes its values from.
struct Formatter<'a> {
    format: &'a [u8],
    args: std::slice::Iter<'a, Value>,
    convert: &'a [u8],
    units: Units,
}

/// Formats as C does. `convert` is how numbers become text for `%s`.
///
/// # Errors
/// Where values are missing.
pub(crate) fn append(
    format: &[u8],
    args: &[Value],
    convert: &[u8],
    units: Units,
    to: &mut Vec<u8>,
) -> Result<(), TooFew> {
    let mut formatter = Formatter { format, args: args.iter(), convert, units };
    loop {
        let Some(at) = memchr::memchr(b'%', formatter.format) else {
            to.extend_from_slice(formatter.format);
            return Ok(());
        };
        to.extend_from_slice(&formatter.format[..at]);
        formatter.format = &formatter.format[at..];
        formatter.conversion(to)?;
    }
}

impl<'a> Formatter<'a> {
    fn next_if(&mut self, wanted: impl Fn(u8) -> bool) -> Option<u8> {
        let (first, rest) = self.format.split_first()?;
        wanted(*first).then(|| self.format = rest)?;
        Some(*first)
    }

    fn arg(&mut self) -> Result<&'a Value, TooFew> {
        self.args.next().ok_or(TooFew)
    }

    /// A width or a precision.
    fn size(&mut self) -> Result<Option<i64>, TooFew> {
        if self.next_if(|byte| byte == b'*').is_some() {
            return Ok(Some(self.arg()?.number() as i64));
        }
        let mut value: Option<i64> = None;
        while let Some(digit) = self.next_if(|byte| byte.is_ascii_digit()) {
            let so_far = value.unwrap_or(0).saturating_mul(10);
            value = Some(so_far.saturating_add(i64::from(digit - b'0')));
        }
        Ok(value)
    }

    /// One conversion, which begins with its `%`.
    fn conversion(&mut self, to: &mut Vec<u8>) -> Result<(), TooFew> {
        let whole = self.format;
        self.format = &whole[1..];
        let mut spec = Spec { units: self.units, ..Spec::default() };
        while let Some(flag) = self.next_if(|byte| b"-+ 0#'".contains(&byte)) {
            match flag {
                b'-' => spec.minus = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'0' => spec.zero = true,
                b'#' => spec.alternate = true,
                // Digits are grouped by a language's rule, and there is only C's: not at all.
                _ => {}
            }
        }
        let width = self.size()?.unwrap_or(0);
        spec.minus |= width < 0;
        spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(MAX_WIDTH).min(MAX_WIDTH);
        if self.next_if(|byte| byte == b'.').is_some() {
            let precision = self.size()?.unwrap_or(0);
            spec.precision = usize::try_from(precision).ok().map(|size| size.min(MAX_WIDTH));
        }
        while self.next_if(|byte| matches!(byte, b'l' | b'h' | b'L' | b'q')).is_some() {}
        let letter = self.next_if(|_| true);
        match letter {
            Some(b'%') => to.push(b'%'),
            Some(b'c') => spec.put("", &self.character()?, false, to),
            Some(b's') => {
                let text = self.arg()?.to_text(self.convert);
                let text = match spec.precision {
                    Some(precision) => &text[..self.units.offset(&text, precision)],
                    None => &text,
                };
                spec.put("", text, false, to);
            }
            Some(b'd' | b'i') => integer(&spec, self.arg()?.number(), to),
            Some(letter @ (b'o' | b'x' | b'X' | b'u')) => {
                unsigned(&spec, letter, self.arg()?.number(), to);
            }
            Some(letter @ (b'f' | b'F' | b'e' | b'E' | b'g' | b'G')) => {
                let value = self.arg()?.number();
                let precision = spec.precision.unwrap_or(6);
                let body = toolcell_text::float(
                    char::from(letter),
                    value.abs(),
                    precision,
                    spec.alternate,
                );
                spec.put(
                    spec.sign(value.is_sign_negative()),
                    body.as_bytes(),
                    value.is_finite(),
                    to,
                );
            }
            // What is no conversion is printed as it stands.
            _ => to.extend_from_slice(&whole[..whole.len() - self.format.len()]),
        }
        Ok(())
    }

    /// The character of a number, or the first one of a text.
    fn character(&mut self) -> Result<Vec<u8>, TooFew> {
        let value = self.arg()?;
        let code = value.comparable().filter(|_| !matches!(value, Value::Unset));
        Ok(match (code, self.units) {
            (Some(code), Units::Bytes) => vec![code as i64 as u8],
            (Some(code), Units::Characters) => {
                char::from_u32(code as u32).map(|c| c.to_string().into_bytes()).unwrap_or_default()
            }
            (None, units) => {
                let text = value.to_text(self.convert);
                text[..units.offset(&text, 1)].to_vec()
            }
        })
    }
}

fn integer(spec: &Spec, value: f64, to: &mut Vec<u8>) {
    if !value.is_finite() {
        let body: &[u8] = if value.is_nan() { b"nan" } else { b"inf" };
        return spec.put(spec.sign(value < 0.0), body, false, to);
    }
    let value = value.trunc();
    let sign = spec.sign(value < 0.0);
    let zeros = spec.precision.is_none();
    match crate::value::whole(value.abs()) {
        Some(whole) if zeros => {
            spec.put(sign, itoa::Buffer::new().format(whole).as_bytes(), true, to);
        }
        _ => spec.put(sign, spec.digits(&format!("{:.0}", value.abs())).as_bytes(), zeros, to),
    }
}

fn unsigned(spec: &Spec, letter: u8, value: f64, to: &mut Vec<u8>) {
    let value = if value < 0.0 { value as i64 as u64 } else { value as u64 };
    let digits = match letter {
        b'o' => format!("{value:o}"),
        b'x' => format!("{value:x}"),
        b'X' => format!("{value:X}"),
        _ => value.to_string(),
    };
    let prefix = match (spec.alternate && value != 0, letter) {
        (true, b'o') => "0",
        (true, b'x') => "0x",
        (true, b'X') => "0X",
        _ => "",
    };
    spec.put(prefix, spec.digits(&digits).as_bytes(), spec.precision.is_none(), to);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions() {
        let text = || Value::text("grün".as_bytes());
        for (format, args, expected) in [
            ("%s|%6s|%-6s|%.2s", vec![text(), text(), text(), text()], "grün|  grün|grün  |gr"),
            (
                "%d %i %5d|%-5d|%05d|%+d|% d",
                vec![Value::Number(42.9); 7],
                "42 42    42|42   |00042|+42| 42",
            ),
            ("%.3d|%5.3d", vec![Value::Number(-7.0); 2], "-007| -007"),
            ("%x %X %o %#x %u", vec![Value::Number(255.0); 5], "ff FF 377 0xff 255"),
            ("%c%c%c", vec![Value::Number(233.0), text(), Value::input(b"65")], "égA"),
            ("%5.1f|%e|%g", vec![Value::Number(-1234.567); 3], "-1234.6|-1.234567e+03|-1234.57"),
            ("%*d|%-*d|", vec![Value::Number(4.0); 4], "   4|4   |"),
            ("100%% %z", vec![], "100% %z"),
            ("%d", vec![Value::Number(1e18)], "1000000000000000000"),
            ("%05d|%5s", vec![Value::Number(f64::INFINITY), Value::Unset], "  inf|     "),
        ] {
            let mut to = Vec::new();
            assert_eq!(
                append(format.as_bytes(), &args, b"%.6g", Units::default(), &mut to),
                Ok(()),
                "{format}"
            );
            assert_eq!(String::from_utf8_lossy(&to), expected, "{format}");
        }
        assert_eq!(
            append(b"%s %s", &[Value::Unset], b"", Units::default(), &mut Vec::new()),
            Err(TooFew)
        );
    }
}
