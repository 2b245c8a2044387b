//! `numfmt`.

mod extended;
mod options;

use std::cmp::Ordering;
use std::io::{BufRead, BufReader, Write};

use extended::Extended;
use options::{Invalid, Options, Round, Scale};
use toolcell_program::open_input;
use toolcell_text::escape;

/// What stands behind a number, each a thousand times the one before.
const SUFFIXES: &str = "KMGTPEZY";

/// Digits that a number can have and be right to the last.
const EXACT_DIGITS: usize = 18;

/// Digits that a number can have.
const MAX_DIGITS: usize = 27;

/// The end status where a number is none.
const UNREADABLE: i32 = 2;

/// Ends the program after what is already written; the message is written.
struct Abort;

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let (options, operands) = match options::parse(words) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("numfmt: {error}");
            return 1;
        }
    };
    let result = match operands.is_empty() {
        true => options.lines(out),
        false => operands.iter().try_fold(true, |all, operand| {
            let all = options.line(&escape::encode(operand), out)? && all;
            let _ = out.write_all(&[options.end]);
            Ok(all)
        }),
    };
    match result {
        Ok(all) if all || matches!(options.invalid, Invalid::Warn | Invalid::Ignore) => 0,
        Ok(_) | Err(Abort) => UNREADABLE,
    }
}

impl Options {
    fn lines(&self, out: &mut impl Write) -> Result<bool, Abort> {
        let mut input = BufReader::new(open_input());
        let (mut line, mut number, mut all) = (Vec::new(), 0, true);
        loop {
            line.clear();
            match input.read_until(self.end, &mut line) {
                Ok(0) => return Ok(all),
                Ok(_) => {}
                Err(error) => {
                    eprintln!("numfmt: error reading input: {}", toolcell_program::message(&error));
                    return Ok(all);
                }
            }
            number += 1;
            if number <= self.header {
                let _ = out.write_all(&line);
                continue;
            }
            let ended = line.pop_if(|last| *last == self.end).is_some();
            all &= self.line(&line, out)?;
            if ended {
                let _ = out.write_all(&[self.end]);
            }
        }
    }

    /// Writes a line with its numbers shown anew; whether all of them were some.
    fn line(&self, line: &[u8], out: &mut impl Write) -> Result<bool, Abort> {
        let (mut rest, mut field, mut all) = (line, 0, true);
        loop {
            field += 1;
            let end = match self.delimiter {
                Some(delimiter) => memchr::memchr(delimiter, rest),
                None => {
                    let blanks = rest.iter().take_while(|byte| is_separator(**byte)).count();
                    rest[blanks..].iter().position(|byte| is_separator(*byte)).map(|at| blanks + at)
                }
            };
            let text = &rest[..end.unwrap_or(rest.len())];
            let shown = match self.fields.contains(field) {
                true => self.field(text, field),
                false => Ok(text.to_vec()),
            };
            match shown {
                Ok(shown) => drop(out.write_all(&shown)),
                Err(error) => {
                    if self.invalid != Invalid::Ignore {
                        let _ = out.flush();
                        eprintln!("numfmt: {error}");
                    }
                    if self.invalid == Invalid::Abort {
                        return Err(Abort);
                    }
                    all = false;
                    let _ = out.write_all(text);
                }
            }
            let Some(end) = end else { return Ok(all) };
            let _ = out.write_all(&[self.delimiter.unwrap_or(b' ')]);
            rest = &rest[end + 1..];
        }
    }

    fn field(&self, text: &[u8], field: usize) -> Result<Vec<u8>, String> {
        let text = escape::decode(text);
        let number = match text.strip_suffix(&self.suffix) {
            Some("") | None => &text,
            Some(number) => number,
        };
        let trimmed = number.trim_start_matches([' ', '\t']);
        // Columns stay where they are.
        let aligned = self.padding == 0
            && self.delimiter.is_none()
            && (trimmed.len() < number.len() || field > 1);
        let padding = match aligned {
            true => i64::try_from(number.len()).unwrap_or(i64::MAX),
            false => self.padding,
        };
        let (value, precision) = self.read(trimmed)?;
        let value = match (self.from_unit, self.to_unit) {
            (1, 1) => value,
            (from, to) => value.times(from.into()).over(to.into()),
        };
        let mut shown = self.show(value, precision)?;
        shown.push_str(&self.suffix);
        let missing = usize::try_from(padding.unsigned_abs()).unwrap_or(usize::MAX);
        let missing = " ".repeat(missing.saturating_sub(shown.chars().count()));
        let (before, behind) = if padding < 0 { ("", &*missing) } else { (&*missing, "") };
        let [prefix, suffix] = &self.around;
        let shown = format!("{prefix}{before}{shown}{behind}{suffix}");
        Ok(escape::encode(&shown).into_owned())
    }

    /// A number, and how many places it is written with.
    fn read(&self, text: &str) -> Result<(Extended, usize), String> {
        let invalid = || format!("invalid number: ‘{text}’");
        let large = || format!("value too large to be converted: ‘{text}’");
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, mut rest) = digits(rest);
        if digits.is_empty() && !rest.starts_with('.') {
            return Err(invalid());
        }
        let mut value = decimal(digits).ok_or_else(large)?;
        let mut precision = 0;
        if let Some(behind) = rest.strip_prefix('.') {
            let (places, behind) = self::digits(behind);
            if places.is_empty() {
                return Err(invalid());
            }
            (rest, precision) = (behind, places.len());
            let fraction = decimal(places).ok_or_else(large)?;
            value = value.and(fraction.over(power(10, precision)));
        }
        value.negative = negative && !value.is_zero();
        let suffix = rest.trim_start_matches([' ', '\t']);
        let (mut power_of, mut base, mut behind) = (0, self.from.base(), suffix);
        if let Some(letter) = suffix.chars().next() {
            let Some(at) = SUFFIXES.find(letter) else {
                return Err(format!("invalid suffix in input: ‘{text}’"));
            };
            if self.from == Scale::None {
                return Err(format!("rejecting suffix in input: ‘{text}’ (consider using --from)"));
            }
            (power_of, precision, behind) = (at + 1, 0, &suffix[1..]);
            if self.from == Scale::Auto
                && let Some(after) = behind.strip_prefix('i')
            {
                (base, behind) = (1024, after);
            }
        }
        if self.from == Scale::IecI {
            behind = behind
                .strip_prefix('i')
                .ok_or_else(|| format!("missing 'i' suffix in input: ‘{text}’ (e.g Ki/Mi/Gi)"))?;
        }
        match behind.is_empty() {
            true => Ok((value.times(power(base, power_of)), precision)),
            false => Err(format!("invalid suffix in input ‘{text}’: ‘{behind}’")),
        }
    }

    fn show(&self, value: Extended, precision: usize) -> Result<String, String> {
        let (mut left, mut digits) = (value, 0);
        while left.size(10.into()) != Ordering::Less {
            (left, digits) = (left.over(10.into()), digits + 1);
        }
        let places = self.precision.unwrap_or(precision);
        if self.to == Scale::None && digits + places > EXACT_DIGITS {
            let value = general(value);
            return Err(match places {
                0 => format!("value too large to be printed: '{value}' (consider using --to)"),
                _ => format!(
                    "value/precision too large to be printed: '{value}/{places}' (consider using \
                     --to)"
                ),
            });
        }
        if digits >= MAX_DIGITS {
            let value = general(value);
            return Err(format!(
                "value too large to be printed: '{value}' (cannot handle values > 999Y)"
            ));
        }
        let rounded = |value: Extended, places| {
            let scale = power(10, places);
            self.round.whole(value.times(scale)).over(scale)
        };
        if self.to == Scale::None {
            return Ok(self.padded(rounded(value, places), places, ""));
        }
        let base = Extended::from(self.to.base());
        let (mut value, mut power_of) = (value, 0);
        while value.size(base) != Ordering::Less {
            (value, power_of) = (value.over(base), power_of + 1);
        }
        let below_ten = |value: Extended| value.size(10.into()) == Ordering::Less;
        let kept = match self.precision {
            Some(precision) => precision.min(power_of * 3),
            None => usize::from(below_ten(value)),
        };
        value = rounded(value, kept);
        if value.size(base) != Ordering::Less {
            (value, power_of) = (value.over(base), power_of + 1);
        }
        let has_place = !value.is_zero() && below_ten(value) && power_of > 0;
        let places = self.precision.unwrap_or(usize::from(has_place));
        let mut suffix = match power_of.checked_sub(1) {
            None => String::new(),
            Some(at) => SUFFIXES.get(at..=at).unwrap_or("?").to_owned(),
        };
        if self.to == Scale::IecI && power_of > 0 {
            suffix.push('i');
        }
        Ok(self.padded(value, places, &suffix))
    }

    /// The number, with zeros up to the width that the format asks for.
    fn padded(&self, value: Extended, places: usize, suffix: &str) -> String {
        let digits = value.digits(places);
        let sign = if value.negative { "-" } else { "" };
        let zeros = self.zeros.saturating_sub(digits.len() + sign.len());
        format!("{sign}{}{digits}{suffix}", "0".repeat(zeros))
    }
}

impl Round {
    fn whole(self, value: Extended) -> Extended {
        let (whole, more) = value.whole();
        let away = match self {
            Self::Up => more && !value.negative,
            Self::Down => more && value.negative,
            Self::FromZero => more,
            Self::TowardsZero => false,
            Self::Nearest => {
                let half = Extended::from(1).over(2.into());
                return value.and(half).whole().0;
            }
        };
        if away { whole.and(1.into()) } else { whole }
    }
}

/// Blanks and line ends separate fields where nothing else is said to.
fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

/// The digits that a text begins with, and what follows.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// The number of these digits, unless they are too many.
fn decimal(digits: &str) -> Option<Extended> {
    if digits.trim_start_matches('0').len() > MAX_DIGITS {
        return None;
    }
    Some(digits.bytes().fold(Extended::from(0), |value, digit| {
        value.times(10.into()).and(u64::from(digit - b'0').into())
    }))
}

fn power(base: u64, exponent: usize) -> Extended {
    (0..exponent).fold(Extended::from(1), |power, _| power.times(base.into()))
}

/// As C's `%Lg` writes a number of more than six digits.
fn general(value: Extended) -> String {
    let digits = value.digits(0);
    let number: f64 = digits.parse().unwrap_or_default();
    let sign = if value.negative { "-" } else { "" };
    let written = format!("{number:.5e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    match exponent.parse::<usize>() {
        Ok(exponent @ 6..) => format!("{sign}{mantissa}e+{exponent:02}"),
        _ => format!("{sign}{number}"),
    }
}
