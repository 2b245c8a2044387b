//! The formats of `hexdump`: units such as `8/2 "%04x "`, each a number of repetitions, a number of
//! bytes and text with conversions. hexdump(1), "Formats".

use std::io::Write;

use toolcell_text::float;

/// Names of the characters 0 to 32, for `%_u`; 127 is `del`.
const NAMES: [&str; 32] = [
    "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "lf", "vt", "ff", "cr",
    "so", "si", "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em", "sub", "esc",
    "fs", "gs", "rs", "us",
];

/// Repetitions and bytes that a unit asks for, at most.
const MAX_COUNT: usize = 64 << 10;

/// A format: what is done with each block.
#[derive(Debug, Clone)]
pub(super) struct Format {
    units: Vec<Unit>,
    /// What is shown at the very end, with the offset there.
    end: Option<Unit>,
}

#[derive(Debug, Clone)]
struct Unit {
    repeat: usize,
    /// Whether the format says how often.
    fixed: bool,
    parts: Vec<Part>,
}

/// Text, and a conversion after it.
#[derive(Debug, Clone)]
struct Part {
    text: Vec<u8>,
    conversion: Option<Conversion>,
    /// Text that is left out the last time that the unit is repeated.
    blank: bool,
}

#[derive(Debug, Clone)]
struct Conversion {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
    kind: Kind,
    /// Bytes that it takes.
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The offset, in this base, and whether it is that of the end.
    Offset(char, bool),
    /// `%_c`: escapes, or octal digits.
    Escaped,
    /// `%_p`: a full stop for what cannot be printed.
    Printed,
    /// `%_u`: names.
    Named,
    Char,
    Text,
    Signed,
    /// `o`, `u`, `x` or `X`.
    Unsigned(char),
    Float(char),
}

impl Format {
    pub(super) fn new(text: &str) -> Result<Format, String> {
        let bad = || format!("bad format {{{text}}}");
        let (mut units, mut end) = (Vec::new(), None);
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (repeat, after) = digits(rest);
            rest = after.trim_start();
            let mut bytes = None;
            if let Some(after) = rest.strip_prefix('/') {
                let (count, after) = digits(after.trim_start());
                (bytes, rest) = (Some(count.ok_or_else(bad)?), after.trim_start());
            }
            let inner = rest.strip_prefix('"').ok_or_else(bad)?;
            let close = closing(inner).ok_or_else(bad)?;
            rest = inner[close + 1..].trim_start();
            if repeat.max(bytes).is_some_and(|count| count > MAX_COUNT) {
                return Err(bad());
            }
            let mut unit = Unit {
                repeat: repeat.unwrap_or(1),
                fixed: repeat.is_some(),
                parts: parts(&inner[..close], bytes)?,
            };
            let is_end = |part: &Part| {
                matches!(&part.conversion, Some(Conversion { kind: Kind::Offset(_, true), .. }))
            };
            if unit.parts.iter().any(is_end) {
                end = Some(unit);
            } else {
                unit.mark_blank();
                units.push(unit);
            }
        }
        Ok(Format { units, end })
    }

    /// Bytes that it takes of a block.
    pub(super) fn bytes(&self) -> usize {
        self.units.iter().fold(0, |sum, unit| sum.saturating_add(unit.bytes() * unit.repeat))
    }

    /// Repeats the last unit so that a block of so many bytes is used up.
    pub(super) fn fill(&mut self, size: usize) {
        let left = size.saturating_sub(self.bytes());
        let last = self.units.iter_mut().rev().find(|unit| unit.bytes() > 0);
        if let Some(unit) = last
            && !unit.fixed
        {
            unit.repeat += left / unit.bytes();
            unit.mark_blank();
        }
    }

    /// Shows a block whose first `count` bytes are there.
    pub(super) fn show(&self, block: &[u8], count: usize, offset: u64, out: &mut Vec<u8>) {
        let mut at = 0;
        for unit in &self.units {
            for left in (0..unit.repeat).rev() {
                for part in &unit.parts {
                    if !(part.blank && left == 0) {
                        out.extend_from_slice(&part.text);
                    }
                    let Some(conversion) = &part.conversion else { continue };
                    let bytes = block.get(at..at + conversion.bytes).unwrap_or_default();
                    if at >= count && count < block.len() {
                        out.resize(out.len() + conversion.width, b' ');
                    } else {
                        conversion.show(bytes, offset + at as u64, out);
                    }
                    at += conversion.bytes;
                }
            }
        }
    }

    /// What is shown at the end of everything.
    pub(super) fn end(&self, offset: u64) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for part in &self.end.as_ref()?.parts {
            out.extend_from_slice(&part.text);
            if let Some(conversion) = &part.conversion {
                conversion.show(&[], offset, &mut out);
            }
        }
        Some(out)
    }
}

fn digits(text: &str) -> (Option<usize>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    match end {
        0 => (None, text),
        end => (Some(text[..end].parse().unwrap_or(usize::MAX)), &text[end..]),
    }
}

/// Where a text ends that began with a quote.
fn closing(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// Splits the text of a unit. `given` is the number of bytes that its one conversion takes.
fn parts(text: &str, given: Option<usize>) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut literal = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let escaped = rest.chars().next().unwrap_or('\\');
                rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
                match escaped {
                    'a' => literal.push(7),
                    'b' => literal.push(8),
                    'f' => literal.push(12),
                    'n' => literal.push(b'\n'),
                    'r' => literal.push(b'\r'),
                    't' => literal.push(b'\t'),
                    'v' => literal.push(11),
                    '0' => literal.push(0),
                    other => literal.extend(other.encode_utf8(&mut [0; 4]).bytes()),
                }
            }
            '%' => {
                let (conversion, after) = conversion(rest, given)?;
                rest = after;
                let text = std::mem::take(&mut literal);
                parts.push(Part { text, conversion: Some(conversion), blank: false });
            }
            c => literal.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    let taking =
        parts.iter().filter(|part| part.conversion.as_ref().is_some_and(|one| one.bytes > 0));
    if given.is_some() && taking.count() > 1 {
        return Err("byte count with multiple conversion characters".to_owned());
    }
    if !literal.is_empty() {
        parts.push(Part { text: literal, conversion: None, blank: false });
    }
    Ok(parts)
}

/// Reads what follows `%`, and says what follows it.
fn conversion(text: &str, given: Option<usize>) -> Result<(Conversion, &str), String> {
    let (mut left, mut zero, mut plus, mut space, mut alternate) =
        (false, false, false, false, false);
    let mut rest = text;
    loop {
        match rest.chars().next() {
            Some('-') => left = true,
            Some('0') => zero = true,
            Some('+') => plus = true,
            Some(' ') => space = true,
            Some('#') => alternate = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    let (width, after) = digits(rest);
    rest = after;
    let mut precision = None;
    if let Some(after) = rest.strip_prefix('.') {
        let (count, after) = digits(after);
        (precision, rest) = (Some(count.unwrap_or(0)), after);
    }
    let bad = |name: &str| format!("bad conversion character %{name}");
    let wrong_count = |c: char| format!("bad byte count for conversion character {c}");
    let mut chars = rest.chars();
    let first = chars.next().unwrap_or_default();
    // What is allowed, the first where nothing is said.
    let (kind, allowed): (_, &[usize]) = match first {
        '_' => {
            let second = chars.next().unwrap_or_default();
            match second {
                'a' | 'A' => {
                    let base = chars.next().unwrap_or_default();
                    if !matches!(base, 'd' | 'o' | 'x') {
                        return Err(bad(&format!("_{second}{base}")));
                    }
                    (Kind::Offset(base, second == 'A'), &[])
                }
                'c' => (Kind::Escaped, &[1]),
                'p' => (Kind::Printed, &[1]),
                'u' => (Kind::Named, &[1]),
                other => return Err(bad(&format!("_{other}"))),
            }
        }
        'c' => (Kind::Char, &[1]),
        'd' | 'i' => (Kind::Signed, &[4, 1, 2, 8]),
        'o' | 'u' | 'x' | 'X' => (Kind::Unsigned(first), &[4, 1, 2, 8]),
        'e' | 'E' | 'f' | 'g' | 'G' => (Kind::Float(first), &[8, 4]),
        's' => {
            let bytes = given.or(precision).filter(|bytes| *bytes <= MAX_COUNT);
            let bytes = bytes.ok_or("%s requires a precision or a byte count")?;
            let conversion = Conversion {
                left,
                zero,
                plus,
                space,
                alternate,
                width: width.unwrap_or(0).min(MAX_COUNT),
                precision,
                kind: Kind::Text,
                bytes,
            };
            return Ok((conversion, chars.as_str()));
        }
        other => return Err(bad(&other.to_string())),
    };
    let bytes = match (given, allowed) {
        (_, []) => 0,
        (None, [usual, ..]) => *usual,
        (Some(given), allowed) if allowed.contains(&given) => given,
        (Some(_), _) => return Err(wrong_count(first)),
    };
    let conversion = Conversion {
        left,
        zero,
        plus,
        space,
        alternate,
        width: width.unwrap_or(0).min(MAX_COUNT),
        precision: precision.map(|precision| precision.min(MAX_COUNT)),
        kind,
        bytes,
    };
    Ok((conversion, chars.as_str()))
}

impl Unit {
    /// Bytes that it takes each time.
    fn bytes(&self) -> usize {
        let conversions = self.parts.iter().filter_map(|part| part.conversion.as_ref());
        conversions.fold(0, |sum, conversion| sum.saturating_add(conversion.bytes))
    }

    /// Where a unit is repeated, a blank at its end is left out the last time.
    fn mark_blank(&mut self) {
        if self.repeat < 2 || self.parts.last().is_none_or(|part| part.blank) {
            return;
        }
        if let Some(last) = self.parts.last_mut()
            && last.conversion.is_none()
            && last.text.last().is_some_and(u8::is_ascii_whitespace)
        {
            let blank = last.text.split_off(last.text.len() - 1);
            self.parts.push(Part { text: blank, conversion: None, blank: true });
        }
    }
}

impl Conversion {
    /// Shows what these bytes are; fewer than it takes where the block ends.
    fn show(&self, bytes: &[u8], offset: u64, out: &mut Vec<u8>) {
        let first = bytes.first().copied().unwrap_or(0);
        let unsigned = bytes.iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        match self.kind {
            Kind::Offset(base, _) => self.number(base, offset, "", out),
            Kind::Unsigned(base) => self.number(base, unsigned, "", out),
            Kind::Signed => {
                let unused = 64 - 8 * bytes.len().clamp(1, 8) as u32;
                let value = (unsigned << unused).cast_signed() >> unused;
                let sign = match (value < 0, self.plus, self.space) {
                    (true, ..) => "-",
                    (false, true, _) => "+",
                    (false, false, true) => " ",
                    (false, false, false) => "",
                };
                self.number('d', value.unsigned_abs(), sign, out);
            }
            Kind::Float(letter) => {
                let value = match bytes.try_into() {
                    Ok(four) => f64::from(f32::from_le_bytes(four)),
                    Err(_) => f64::from_bits(unsigned),
                };
                let digits = self.precision.unwrap_or(6);
                let text = float(letter, value.abs(), digits, self.alternate);
                let sign = match (value.is_sign_negative(), self.plus, self.space) {
                    (true, ..) => "-",
                    (false, true, _) => "+",
                    (false, false, true) => " ",
                    (false, false, false) => "",
                };
                self.padded(sign, text.as_bytes(), self.zero && value.is_finite(), out);
            }
            Kind::Char => self.padded("", &[first], false, out),
            Kind::Text => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                let most = self.precision.unwrap_or(end).min(end);
                self.padded("", &bytes[..most], false, out);
            }
            Kind::Printed => {
                let shown = if (32..127).contains(&first) { first } else { b'.' };
                self.padded("", &[shown], false, out);
            }
            Kind::Escaped => {
                let escape = [(0, '0'), (7, 'a'), (8, 'b'), (9, 't'), (10, 'n'), (11, 'v')];
                let escape = escape.into_iter().chain([(12, 'f'), (13, 'r')]);
                let mut escape = escape.filter(|(byte, _)| *byte == first);
                let text = match escape.next() {
                    Some((_, letter)) => format!("\\{letter}"),
                    None if (32..127).contains(&first) => char::from(first).to_string(),
                    None => format!("{first:03o}"),
                };
                self.padded("", text.as_bytes(), false, out);
            }
            Kind::Named => {
                let text = match NAMES.get(usize::from(first)) {
                    Some(name) => (*name).to_owned(),
                    None if first == 127 => "del".to_owned(),
                    None if first < 127 => char::from(first).to_string(),
                    None => format!("{first:02x}"),
                };
                self.padded("", text.as_bytes(), false, out);
            }
        }
    }

    fn number(&self, base: char, value: u64, sign: &str, out: &mut Vec<u8>) {
        let mut digits = Vec::with_capacity(24);
        // Writing into memory does not fail.
        let _ = match base {
            'o' => write!(digits, "{value:o}"),
            'x' => write!(digits, "{value:x}"),
            'X' => write!(digits, "{value:X}"),
            _ => write!(digits, "{value}"),
        };
        let missing = self.precision.unwrap_or(1).saturating_sub(digits.len());
        digits.splice(0..0, std::iter::repeat_n(b'0', missing));
        let prefix = match base {
            'x' if self.alternate && value != 0 => "0x",
            'X' if self.alternate && value != 0 => "0X",
            'o' if self.alternate && digits.first() != Some(&b'0') => "0",
            _ => sign,
        };
        self.padded(prefix, &digits, self.zero && self.precision.is_none(), out);
    }

    fn padded(&self, sign: &str, text: &[u8], zeros: bool, out: &mut Vec<u8>) {
        let missing = self.width.saturating_sub(sign.len() + text.len());
        let (before, between, after) = match (self.left, zeros) {
            (true, _) => (0, 0, missing),
            (false, true) => (0, missing, 0),
            (false, false) => (missing, 0, 0),
        };
        out.resize(out.len() + before, b' ');
        out.extend_from_slice(sign.as_bytes());
        out.resize(out.len() + between, b'0');
        out.extend_from_slice(text);
        out.resize(out.len() + after, b' ');
    }
}
