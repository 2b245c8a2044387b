//! `echo` and `printf`.

use super::Call;
use crate::quote;
use crate::shell::{Run, Shell, Unwind};
use crate::system::System;
use crate::text;

/// Characters that one field of `printf` may be padded to.
const MAX_WIDTH: usize = 16 << 20;

pub(super) fn echo<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut newline = true;
    let mut escapes = shell.state.shopt("xpg_echo");
    let mut args = call.args();
    while let Some(word) = args.first() {
        let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) else { break };
        if !letters.chars().all(|c| matches!(c, 'n' | 'e' | 'E')) {
            break;
        }
        for letter in letters.chars() {
            match letter {
                'n' => newline = false,
                'e' => escapes = true,
                _ => escapes = false,
            }
        }
        args = &args[1..];
    }
    let mut output = args.join(" ");
    if escapes {
        let (expanded, stopped) = expand_escapes(&output, false);
        output = expanded;
        newline &= !stopped;
    }
    if newline {
        output.push('\n');
    }
    shell.print(call, &output)
}

/// The escapes of `echo -e` and `%b`, and whether `\c` ended the output.
fn expand_escapes(source: &str, percent_b: bool) -> (String, bool) {
    let mut bytes = Vec::new();
    let source = text::encode(source);
    let mut at = 0;
    while at < source.len() {
        let c = source[at];
        at += 1;
        if c != b'\\' || at >= source.len() {
            bytes.push(c);
            continue;
        }
        let c = source[at];
        at += 1;
        let digits = |from: usize, most: usize, radix: u32| {
            let count = source[from..]
                .iter()
                .take(most)
                .take_while(|c| (**c as char).is_digit(radix))
                .count();
            let text = std::str::from_utf8(&source[from..from + count]).unwrap_or_default();
            (count, u32::from_str_radix(text, radix).unwrap_or(0))
        };
        match c {
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'c' => return (text::decode(&bytes), true),
            b'e' | b'E' => bytes.push(27),
            b'f' => bytes.push(12),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'v' => bytes.push(11),
            b'\\' => bytes.push(b'\\'),
            b'0' => {
                let (count, value) = digits(at, 3, 8);
                at += count;
                bytes.push((value & 0xFF) as u8);
            }
            b'1'..=b'7' if percent_b => {
                let (count, value) = digits(at - 1, 3, 8);
                at += count - 1;
                bytes.push((value & 0xFF) as u8);
            }
            b'x' => {
                let (count, value) = digits(at, 2, 16);
                at += count;
                match count {
                    0 => bytes.extend_from_slice(b"\\x"),
                    _ => bytes.push(value as u8),
                }
            }
            b'u' | b'U' => {
                let (count, value) = digits(at, if c == b'u' { 4 } else { 8 }, 16);
                at += count;
                match char::from_u32(value).filter(|_| count > 0) {
                    Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    None => bytes.extend_from_slice(&[b'\\', c]),
                }
            }
            c => bytes.extend_from_slice(&[b'\\', c]),
        }
    }
    (text::decode(&bytes), false)
}

pub(super) fn printf<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut args = call.args();
    let mut variable = None;
    match args.first().map(String::as_str) {
        Some("-v") => {
            let Some(name) = args.get(1) else {
                return shell.lacks_value(call, 'v');
            };
            let base = name.split_once('[').map_or(name.as_str(), |(base, _)| base);
            if !crate::syntax::is_name(base) {
                shell.builtin_error(call, &format!("`{name}': not a valid identifier"));
                return Ok(2);
            }
            variable = Some(name.clone());
            args = &args[2..];
        }
        Some(word) if word.starts_with("-v") && word.len() > 2 => {
            variable = Some(word[2..].to_owned());
            args = &args[1..];
        }
        _ => {}
    }
    if args.first().is_some_and(|word| word == "--") {
        args = &args[1..];
    } else if let Some(word) = args.first()
        && word.len() > 1
        && word.starts_with('-')
        && variable.is_none()
    {
        let letter = word.chars().nth(1).unwrap_or('-');
        return shell.bad_option(call, letter);
    }
    let Some((format, args)) = args.split_first() else {
        return shell.show_usage(call);
    };
    let mut printer = Printer {
        shell,
        args,
        at: 0,
        status: 0,
        stopped: false,
        line_at: 0,
        seen: 0,
        errors: Vec::new(),
    };
    let mut output = String::new();
    loop {
        let before = printer.at;
        printer.format(format, &mut output)?;
        if printer.stopped || printer.at >= args.len() || printer.at == before {
            break;
        }
    }
    let (status, errors) = (printer.status, printer.errors);
    match variable {
        Some(name) => {
            errors.iter().for_each(|(_, message)| shell.builtin_error(call, message));
            let set = match name.split_once('[') {
                Some((base, rest)) => {
                    let subscript = rest.strip_suffix(']').unwrap_or(rest);
                    let Some(key) = shell.named_key(base, subscript)? else {
                        let message = format!("`{name}': not a valid identifier");
                        shell.builtin_error(call, &message);
                        return Ok(1);
                    };
                    shell.set_element(base, &key, output, false)
                }
                None => shell.set(&name, output),
            };
            Ok(if set.is_err() { 1 } else { status })
        }
        None => {
            let mut from = 0;
            for (at, message) in errors {
                shell.print(call, &output[from..at])?;
                shell.builtin_error(call, &message);
                from = at;
            }
            let written = shell.print(call, &output[from..])?;
            Ok(if written != 0 { written } else { status })
        }
    }
}

struct Printer<'a, S: System> {
    shell: &'a mut Shell<S>,
    args: &'a [String],
    at: usize,
    status: i32,
    stopped: bool,
    /// Where the last line of the output begins, of which this much has been looked at.
    line_at: usize,
    seen: usize,
    /// What is wrong, and how much of the output stands before it: whole lines, as in bash.
    errors: Vec<(usize, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Spec {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

impl<S: System> Printer<'_, S> {
    fn next(&mut self) -> Option<&str> {
        let arg = self.args.get(self.at)?;
        self.at += 1;
        Some(arg)
    }

    fn number(&mut self) -> i64 {
        let text = self.next().unwrap_or("0").to_owned();
        self.within(&text, i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// A number without a sign; one with it is what its bits make.
    fn unsigned(&mut self) -> u64 {
        let Some(text) = self.next().map(str::to_owned) else { return 0 };
        let value = self.within(&text, i64::MIN.into(), u64::MAX.into());
        value as u64
    }

    fn complain(&mut self, message: &str) {
        self.errors.push((self.line_at, message.to_owned()));
        self.status = 1;
    }

    /// A value beyond what a number may be becomes the last one, which is told of and no error.
    fn within(&mut self, text: &str, least: i128, most: i128) -> i128 {
        let value = self.parse(text);
        if !(least..=most).contains(&value) {
            let message = format!("warning: {text}: Numerical result out of range");
            self.errors.push((self.line_at, message));
        }
        value.clamp(least, most)
    }

    fn parse(&mut self, text: &str) -> i128 {
        if let Some(rest) = text.strip_prefix(['\'', '"']) {
            return i128::from(self.shell.code_of_first(rest));
        }
        let trimmed = text.trim_start();
        let (negative, digits) = match trimmed.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let (radix, digits) = match digits.as_bytes() {
            [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
            [b'0', _, ..] => (8, &digits[1..]),
            _ => (10, digits),
        };
        let length = digits.chars().take_while(|c| c.is_digit(radix)).count();
        let value = i128::from_str_radix(&digits[..length], radix);
        let invalid = length < digits.len() || (length == 0 && radix != 8);
        if invalid && !text.is_empty() {
            let what = match text.as_bytes() {
                [b'0', b'x', ..] => "invalid hex number",
                [b'0', b'0'..=b'9', ..] => "invalid octal number",
                _ => "invalid number",
            };
            self.complain(&format!("{text}: {what}"));
        }
        let value = value.unwrap_or(if length > 30 { i128::MAX } else { 0 });
        if negative { -value } else { value }
    }

    fn float(&mut self) -> f64 {
        let text = self.next().unwrap_or("0").to_owned();
        if let Some(rest) = text.strip_prefix(['\'', '"']) {
            return f64::from(self.shell.code_of_first(rest));
        }
        match text.trim().parse() {
            Ok(value) => value,
            Err(_) if text.starts_with("0x") => self.parse(&text) as f64,
            Err(_) => {
                let length = (0..=text.len())
                    .rev()
                    .find(|end| text.get(..*end).is_some_and(|t| t.parse::<f64>().is_ok()));
                if !text.is_empty() {
                    self.complain(&format!("{text}: invalid number"));
                }
                length.and_then(|end| text[..end].parse().ok()).unwrap_or(0.0)
            }
        }
    }

    fn format(&mut self, format: &str, output: &mut String) -> Result<(), Unwind> {
        let chars: Vec<char> = format.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            let c = chars[at];
            at += 1;
            if c == '\\' {
                let rest: String = chars[at - 1..].iter().collect();
                at += escape(&rest, output) - 1;
                continue;
            }
            if c != '%' {
                output.push(c);
                continue;
            }
            let start = at - 1;
            if let Some(end) = output[self.seen..].rfind('\n') {
                self.line_at = self.seen + end + 1;
            }
            self.seen = output.len();
            let mut spec = Spec::default();
            while let Some(flag) = chars.get(at) {
                match flag {
                    '-' => spec.minus = true,
                    '+' => spec.plus = true,
                    ' ' => spec.space = true,
                    '0' => spec.zero = true,
                    '#' => spec.alternate = true,
                    '\'' => {}
                    _ => break,
                }
                at += 1;
            }
            if chars.get(at) == Some(&'*') {
                at += 1;
                let width = self.number();
                spec.minus |= width < 0;
                spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(0);
            } else {
                let (width, length) = digits(&chars[at..]);
                spec.width = width;
                at += length;
            }
            if chars.get(at) == Some(&'.') {
                at += 1;
                if chars.get(at) == Some(&'*') {
                    at += 1;
                    spec.precision = usize::try_from(self.number()).ok();
                } else {
                    let (precision, length) = digits(&chars[at..]);
                    spec.precision = Some(precision);
                    at += length;
                }
            }
            let widest = spec.width.max(spec.precision.unwrap_or(0));
            if widest > MAX_WIDTH {
                self.complain(&format!("{widest}: a field has at most {MAX_WIDTH} characters"));
                self.stopped = true;
                return Ok(());
            }
            // Lengths of C's types mean nothing here; `q` is one only before a number's letter.
            while let Some(c) = chars.get(at) {
                let number = chars.get(at + 1).is_some_and(|c| "diouxX".contains(*c));
                if !(matches!(c, 'l' | 'h' | 'L' | 'j' | 'z' | 't') || *c == 'q' && number) {
                    break;
                }
                at += 1;
            }
            let Some(letter) = chars.get(at).copied() else {
                let text: String = chars[start..].iter().collect();
                self.complain(&format!("`{text}': missing format character"));
                self.stopped = true;
                return Ok(());
            };
            at += 1;
            if letter == '(' {
                let close = chars[at..].iter().position(|c| *c == ')').map(|p| at + p);
                if let Some(close) = close.filter(|close| chars.get(close + 1) == Some(&'T')) {
                    let format: String = chars[at..close].iter().collect();
                    at = close + 2;
                    let when = match self.at < self.args.len() {
                        true => self.number(),
                        false => -1,
                    };
                    let seconds = match when {
                        -1 => i64::try_from(self.shell.now().as_secs()).unwrap_or(0),
                        -2 => self.shell.state.seconds_from,
                        when => when,
                    };
                    let text = self.shell.strftime(&format, seconds);
                    pad(output, &text, &spec);
                    continue;
                }
            }
            if !self.conversion(letter, &spec, output) {
                self.complain(&format!("`{letter}': invalid format character"));
                self.stopped = true;
                return Ok(());
            }
            if self.stopped {
                return Ok(());
            }
        }
        Ok(())
    }

    fn conversion(&mut self, letter: char, spec: &Spec, output: &mut String) -> bool {
        match letter {
            '%' if *spec == Spec::default() => output.push('%'),
            's' => {
                let text = self.next().unwrap_or_default();
                let text: String = match spec.precision {
                    // Precision and width count bytes, as C's printf does.
                    Some(precision) => first_bytes(text, precision),
                    None => text.to_owned(),
                };
                pad(output, &text, spec);
            }
            'c' => {
                // Without an argument it is the character that ends a text in C.
                let text =
                    first_bytes(self.next().filter(|text| !text.is_empty()).unwrap_or("\0"), 1);
                pad(output, &text, spec);
            }
            'b' => {
                let text = self.next().unwrap_or_default().to_owned();
                let (text, stopped) = expand_escapes(&text, true);
                pad(output, &text, spec);
                self.stopped = stopped;
            }
            'q' => {
                let text = self.next().unwrap_or_default().to_owned();
                let text = quote::backslashed(&self.shell.in_locale(&text));
                pad(output, &text, spec);
            }
            'Q' => {
                let text = self.next().unwrap_or_default();
                let text: String = match spec.precision {
                    Some(precision) => text.chars().take(precision).collect(),
                    None => text.to_owned(),
                };
                pad(output, &quote::backslashed(&text), spec);
            }
            'd' | 'i' => {
                let value = self.number();
                pad_number(output, value < 0, value.unsigned_abs().to_string(), "", spec);
            }
            'u' => {
                let value = self.unsigned();
                pad_number(output, false, value.to_string(), "", &unsigned(spec));
            }
            'o' => {
                let value = self.unsigned();
                let prefix = if spec.alternate && value != 0 { "0" } else { "" };
                pad_number(output, false, format!("{value:o}"), prefix, &unsigned(spec));
            }
            'x' | 'X' => {
                let value = self.unsigned();
                let (text, prefix) = match letter {
                    'x' => (format!("{value:x}"), "0x"),
                    _ => (format!("{value:X}"), "0X"),
                };
                let prefix = if spec.alternate && value != 0 { prefix } else { "" };
                pad_number(output, false, text, prefix, &unsigned(spec));
            }
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
                let value = self.float();
                let text = toolcell_text::float(
                    letter,
                    value.abs(),
                    spec.precision.unwrap_or(6),
                    spec.alternate,
                );
                let spec = Spec { precision: None, ..spec.clone() };
                pad_number(output, value.is_sign_negative(), text, "", &spec);
            }
            _ => return false,
        }
        true
    }
}

/// One escape of a format at the start of `source`; its length in characters.
fn escape(source: &str, output: &mut String) -> usize {
    let mut chars = source.chars().skip(1);
    let Some(c) = chars.next() else {
        output.push('\\');
        return 1;
    };
    let count = |most: usize, radix: u32, skip: usize| {
        source.chars().skip(skip).take(most).take_while(|c| c.is_digit(radix)).count()
    };
    let length = match c {
        '0'..='7' => 1 + count(3, 8, 1),
        'x' => 2 + count(2, 16, 2),
        'u' => 2 + count(4, 16, 2),
        'U' => 2 + count(8, 16, 2),
        _ => 2,
    };
    let piece: String = source.chars().take(length).collect();
    match c {
        'c' => output.push_str("\\c"),
        '"' | '\'' | '?' => output.push(c),
        '0'..='7' => {
            let value = u32::from_str_radix(&piece[1..], 8).unwrap_or(0) & 0xFF;
            output.push_str(&text::decode(&[value as u8]));
        }
        _ => {
            let (expanded, _) = expand_escapes(&piece, true);
            output.push_str(&expanded);
        }
    }
    length
}

fn digits(chars: &[char]) -> (usize, usize) {
    let length = chars.iter().take_while(|c| c.is_ascii_digit()).count();
    let text: String = chars[..length].iter().collect();
    (text.parse().unwrap_or(if length > 0 { usize::MAX } else { 0 }), length)
}

fn unsigned(spec: &Spec) -> Spec {
    Spec { plus: false, space: false, ..spec.clone() }
}

fn first_bytes(text: &str, count: usize) -> String {
    let bytes = text::encode(text);
    text::decode(&bytes[..count.min(bytes.len())])
}

fn pad(output: &mut String, text: &str, spec: &Spec) {
    let missing = spec.width.saturating_sub(text::encode(text).len());
    let blanks = std::iter::repeat_n(' ', missing);
    match spec.minus {
        true => {
            output.push_str(text);
            output.extend(blanks);
        }
        false => {
            output.extend(blanks);
            output.push_str(text);
        }
    }
}

fn pad_number(output: &mut String, negative: bool, digits: String, prefix: &str, spec: &Spec) {
    let sign = match negative {
        true => "-",
        false if spec.plus => "+",
        false if spec.space => " ",
        false => "",
    };
    let digits = match spec.precision {
        Some(precision) => format!("{digits:0>precision$}"),
        None => digits,
    };
    let taken = sign.len() + prefix.len() + digits.len();
    if spec.zero && !spec.minus && spec.precision.is_none() {
        let zeros = "0".repeat(spec.width.saturating_sub(taken));
        output.push_str(&format!("{sign}{prefix}{zeros}{digits}"));
        return;
    }
    pad(output, &format!("{sign}{prefix}{digits}"), spec);
}
