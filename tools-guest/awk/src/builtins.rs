//! The functions that the language has.

use toolcell_text::{at_local, day_of, strftime};
use toolcell_zone::{Local, local};

use crate::array::{Key, Sought};
use crate::interp::{Interp, Leave, Run};
use crate::parser::{Expr, Place, Slot};
use crate::record::between;
use crate::text::{Case, Text};
use crate::value::{Value, name};
use crate::vars::{Cell, special};

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    Length,
    Substr,
    Index,
    Split,
    Sub,
    Gsub,
    Gensub,
    Match,
    Sprintf,
    Sin,
    Cos,
    Atan2,
    Exp,
    Log,
    Sqrt,
    Int,
    Rand,
    Srand,
    ToLower,
    ToUpper,
    System,
    Close,
    Fflush,
    Systime,
    Strftime,
    Mktime,
    And,
    Or,
    Xor,
    Compl,
    Lshift,
    Rshift,
    Strtonum,
    Asort,
    Asorti,
}

/// Their names, and how many arguments they take.
const TABLE: &[(&str, Builtin, usize, usize)] = &[
    ("length", Builtin::Length, 0, 1),
    ("substr", Builtin::Substr, 2, 3),
    ("index", Builtin::Index, 2, 2),
    ("split", Builtin::Split, 2, 4),
    ("sub", Builtin::Sub, 2, 3),
    ("gsub", Builtin::Gsub, 2, 3),
    ("gensub", Builtin::Gensub, 3, 4),
    ("match", Builtin::Match, 2, 3),
    ("sprintf", Builtin::Sprintf, 1, usize::MAX),
    ("sin", Builtin::Sin, 1, 1),
    ("cos", Builtin::Cos, 1, 1),
    ("atan2", Builtin::Atan2, 2, 2),
    ("exp", Builtin::Exp, 1, 1),
    ("log", Builtin::Log, 1, 1),
    ("sqrt", Builtin::Sqrt, 1, 1),
    ("int", Builtin::Int, 1, 1),
    ("rand", Builtin::Rand, 0, 0),
    ("srand", Builtin::Srand, 0, 1),
    ("tolower", Builtin::ToLower, 1, 1),
    ("toupper", Builtin::ToUpper, 1, 1),
    ("system", Builtin::System, 1, 1),
    ("close", Builtin::Close, 1, 2),
    ("fflush", Builtin::Fflush, 0, 1),
    ("systime", Builtin::Systime, 0, 0),
    ("strftime", Builtin::Strftime, 0, 3),
    ("mktime", Builtin::Mktime, 1, 2),
    ("and", Builtin::And, 2, usize::MAX),
    ("or", Builtin::Or, 2, usize::MAX),
    ("xor", Builtin::Xor, 2, usize::MAX),
    ("compl", Builtin::Compl, 1, 1),
    ("lshift", Builtin::Lshift, 2, 2),
    ("rshift", Builtin::Rshift, 2, 2),
    ("strtonum", Builtin::Strtonum, 1, 1),
    ("asort", Builtin::Asort, 1, 2),
    ("asorti", Builtin::Asorti, 1, 2),
];

impl Builtin {
    pub(crate) fn named(name: &str) -> Option<Builtin> {
        TABLE.iter().find(|row| row.0 == name).map(|row| row.1)
    }

    /// The least and the largest number of arguments.
    pub(crate) fn arguments(self) -> (usize, usize) {
        TABLE.iter().find(|row| row.1 == self).map_or((0, usize::MAX), |row| (row.2, row.3))
    }

    /// Which of the arguments is a regular expression.
    pub(crate) fn pattern(self) -> Option<usize> {
        match self {
            Builtin::Sub | Builtin::Gsub | Builtin::Gensub => Some(0),
            Builtin::Match => Some(1),
            _ => None,
        }
    }
}

/// A part of what a match is replaced with.
enum Part {
    Text(Vec<u8>),
    /// What a group matched; 0 is all of it.
    Group(usize),
}

/// Adds a byte to the text at the end.
fn push(parts: &mut Vec<Part>, byte: u8) {
    match parts.last_mut() {
        Some(Part::Text(text)) => text.push(byte),
        _ => parts.push(Part::Text(vec![byte])),
    }
}

/// What a match is replaced with: `&` stands for it, and in `gensub` groups by their numbers too.
fn replacement(with: &[u8], has_groups: bool) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut bytes = with.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek().copied()) {
            (b'\\', Some(digit @ b'0'..=b'9')) if has_groups => {
                bytes.next();
                parts.push(Part::Group(usize::from(digit - b'0')));
            }
            (b'\\', Some(next @ (b'&' | b'\\'))) => {
                bytes.next();
                push(&mut parts, next);
            }
            (b'&', _) => parts.push(Part::Group(0)),
            (byte, _) => push(&mut parts, byte),
        }
    }
    parts
}

impl<'a> Interp<'a> {
    #[inline(never)]
    pub(crate) fn builtin(&mut self, builtin: Builtin, args: &'a [Expr]) -> Run<Value> {
        match builtin {
            Builtin::Length => self.length(args),
            Builtin::Substr => self.substr(args),
            Builtin::Index => {
                let (source, part) = (self.text(&args[0])?, self.text(&args[1])?);
                let at = memchr::memmem::find(&source, &part).filter(|_| !part.is_empty());
                Ok(Value::Number(
                    at.map_or(0.0, |at| self.reading.units.count(&source[..at]) as f64 + 1.0),
                ))
            }
            Builtin::Split => self.split(args),
            Builtin::Sub | Builtin::Gsub => self.substitute(builtin == Builtin::Gsub, args),
            Builtin::Gensub => self.gensub(args),
            Builtin::Match => self.find(args),
            Builtin::Sprintf => {
                let mut bytes = self.scratch.take();
                let result = self.formatted(args, &mut bytes);
                let text = Value::text(&bytes);
                self.scratch.give(bytes);
                result.map(|()| text)
            }
            Builtin::ToLower => {
                Ok(Value::Text(self.reading.units.changed(&self.text(&args[0])?, Case::Lower)))
            }
            Builtin::ToUpper => {
                Ok(Value::Text(self.reading.units.changed(&self.text(&args[0])?, Case::Upper)))
            }
            Builtin::System => {
                let command = self.text(&args[0])?;
                self.flush();
                Ok(Value::Number(f64::from(self.commands.system(&name(&command)))))
            }
            Builtin::Close => {
                let target = self.text(&args[0])?;
                Ok(Value::Number(f64::from(self.close(&target))))
            }
            Builtin::Fflush => {
                self.flush();
                Ok(Value::Number(0.0))
            }
            Builtin::Strftime => self.strftime(args),
            Builtin::Mktime => {
                let when = self.text(&args[0])?;
                let zone = self.zone(args.get(1))?;
                Ok(Value::Number(mktime(&name(&when), zone).unwrap_or(-1.0)))
            }
            Builtin::And | Builtin::Or | Builtin::Xor => {
                let mut value = self.number(&args[0])? as u64;
                for other in &args[1..] {
                    let other = self.number(other)? as u64;
                    value = match builtin {
                        Builtin::And => value & other,
                        Builtin::Or => value | other,
                        _ => value ^ other,
                    };
                }
                Ok(Value::Number(value as f64))
            }
            Builtin::Strtonum => Ok(Value::Number(strtonum(&self.text(&args[0])?))),
            Builtin::Asort | Builtin::Asorti => self.sort(builtin == Builtin::Asorti, args),
            Builtin::Srand => {
                let seed = match args.first() {
                    None => seconds(),
                    Some(seed) => self.number(seed)?,
                };
                self.seed = seed.to_bits();
                Ok(Value::Number(std::mem::replace(&mut self.previous_seed, seed)))
            }
            Builtin::Rand => {
                // SplitMix64: good for samples, not for keys.
                self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = self.seed;
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^= z >> 31;
                Ok(Value::Number((z >> 11) as f64 / (1u64 << 53) as f64))
            }
            Builtin::Systime => Ok(Value::Number(seconds())),
            Builtin::Atan2 | Builtin::Lshift | Builtin::Rshift => {
                let (left, right) = (self.number(&args[0])?, self.number(&args[1])?);
                let by = (right as u32).min(63);
                Ok(Value::Number(match builtin {
                    Builtin::Atan2 => left.atan2(right),
                    Builtin::Lshift => ((left as u64) << by) as f64,
                    _ => ((left as u64) >> by) as f64,
                }))
            }
            Builtin::Sin
            | Builtin::Cos
            | Builtin::Exp
            | Builtin::Log
            | Builtin::Sqrt
            | Builtin::Int
            | Builtin::Compl => {
                let number = self.number(&args[0])?;
                Ok(Value::Number(match builtin {
                    Builtin::Sin => number.sin(),
                    Builtin::Cos => number.cos(),
                    Builtin::Exp => number.exp(),
                    Builtin::Log => number.ln(),
                    Builtin::Sqrt => number.sqrt(),
                    Builtin::Int => number.trunc(),
                    // Of the bits that a number holds exactly.
                    _ => (!(number as u64) & ((1 << 53) - 1)) as f64,
                }))
            }
        }
    }

    fn length(&mut self, args: &'a [Expr]) -> Run<Value> {
        let count = match args {
            [] => self.reading.units.count(self.whole_record()),
            [Expr::Get(Place::Var(slot))] if matches!(self.cell(*slot), Cell::Array(_)) => {
                self.with_array(*slot, |array| array.len())?
            }
            // It may still become an array, and has no elements yet.
            [Expr::Get(Place::Var(slot))] if matches!(self.cell(*slot), Cell::Open(_)) => 0,
            [expr, ..] => self.reading.units.count(&self.text(expr)?),
        };
        Ok(Value::Number(count as f64))
    }

    fn substr(&mut self, args: &'a [Expr]) -> Run<Value> {
        let source = self.text(&args[0])?;
        let from = self.number(&args[1])?.round_ties_even();
        let end = match args.get(2) {
            Some(length) => from + self.number(length)?.round_ties_even(),
            None => f64::INFINITY,
        };
        let first = from.max(1.0);
        let length = (end - first).max(0.0);
        if length.is_nan() || from.is_nan() {
            return Ok(Value::Text(Text::default()));
        }
        let units = self.reading.units;
        let start = units.offset(&source, (first - 1.0) as usize);
        let end = start + units.offset(&source[start..], length as usize);
        Ok(Value::Text(source.part(start..end)))
    }

    fn find(&mut self, args: &'a [Expr]) -> Run<Value> {
        let source = self.text(&args[0])?;
        let matcher = self.matcher(&args[1])?;
        let into = match args.get(2) {
            Some(Expr::Get(Place::Var(slot))) => Some(*slot),
            Some(_) => return Err(Leave::Fatal("match: not an array".to_owned())),
            None => None,
        };
        let groups = match into {
            None => matcher.find_at(&source, 0).map(|found| vec![Some(found)]),
            Some(_) => matcher.captures_at(&source, 0),
        };
        let groups = groups.unwrap_or_default();
        let found = groups.first().cloned().flatten();
        let (start, length) = match found {
            Some(found) => (
                self.reading.units.count(&source[..found.start]) as f64 + 1.0,
                self.reading.units.count(&source[found]) as f64,
            ),
            None => (0.0, -1.0),
        };
        self.globals[special::RSTART] = Cell::Value(Value::Number(start));
        self.globals[special::RLENGTH] = Cell::Value(Value::Number(length));
        if let Some(slot) = into {
            self.groups(slot, &source, &groups)?;
        }
        Ok(Value::Number(start))
    }

    /// What gawk's `match` leaves: each group, where it begins and how long it is.
    fn groups(
        &mut self,
        slot: Slot,
        source: &Text,
        groups: &[Option<std::ops::Range<usize>>],
    ) -> Run<()> {
        let separator = self.text_of(special::SUBSEP);
        let units = self.reading.units;
        self.with_array(slot, |array| {
            array.clear();
            for (at, group) in groups.iter().enumerate() {
                let Some(group) = group else { continue };
                let start = units.count(&source[..group.start]) as f64 + 1.0;
                let length = units.count(&source[group.clone()]) as f64;
                let key = |what: &str| {
                    let mut key = at.to_string().into_bytes();
                    if !what.is_empty() {
                        key.extend_from_slice(&separator);
                        key.extend_from_slice(what.as_bytes());
                    }
                    key
                };
                let text = Value::Input(source.part(group.clone()).kept());
                let entries = [
                    ("", text),
                    ("start", Value::Number(start)),
                    ("length", Value::Number(length)),
                ];
                for (what, value) in entries {
                    *array.entry(Sought::text(&key(what))) = value;
                }
            }
        })
    }

    fn split(&mut self, args: &'a [Expr]) -> Run<Value> {
        let array_of = |expr: Option<&Expr>| match expr {
            None => Ok(None),
            Some(Expr::Get(Place::Var(slot))) => Ok(Some(*slot)),
            Some(_) => Err(Leave::Fatal("split needs an array".to_owned())),
        };
        let (into, separators) = (array_of(args.get(1))?, array_of(args.get(3))?);
        let Some(into) = into else { return Ok(Value::Unset) };
        let source = self.text(&args[0])?;
        let mut parts = Vec::new();
        match args.get(2) {
            Some(pattern @ Expr::Match(_)) => {
                let matcher = self.matcher(pattern)?;
                if !source.is_empty() {
                    let mut from = 0;
                    between(&matcher, &source, &mut parts, &mut from);
                    parts.push(from..source.len());
                }
            }
            separator => {
                let separator = match separator {
                    Some(expr) => self.text(expr)?,
                    None => self.text_of(special::FS),
                };
                self.splitter_for(&separator)?.split(&source, &mut parts);
            }
        }
        let source = source.kept();
        if let Some(slot) = separators {
            let between = parts.windows(2).map(|pair| pair[0].end..pair[1].start);
            let between: Vec<Value> =
                between.map(|range| Value::Input(source.part(range))).collect();
            self.with_array(slot, |array| array.fill(between))?;
        }
        let count = parts.len() as f64;
        self.with_array(into, |array| {
            array.fill(parts.into_iter().map(|part| Value::Input(source.part(part))));
        })?;
        Ok(Value::Number(count))
    }

    fn substitute(&mut self, all: bool, args: &'a [Expr]) -> Run<Value> {
        let matcher = self.matcher(&args[0])?;
        let parts = replacement(&self.text(&args[1])?, false);
        let place = match args.get(2) {
            None => None,
            Some(Expr::Get(place)) => Some(place),
            Some(Expr::Group(inner)) if matches!(&**inner, Expr::Get(_)) => match &**inner {
                Expr::Get(place) => Some(place),
                _ => None,
            },
            Some(_) => {
                return Err(Leave::Fatal("the third argument of sub cannot be changed".to_owned()));
            }
        };
        let source = match place {
            None => self.whole_record().clone(),
            Some(place) => self.place(place)?.to_text(&self.text_of(special::CONVFMT)),
        };
        let most = if all { usize::MAX } else { 1 };
        let mut result = self.scratch.take();
        let (mut from, mut count) = (0, 0);
        for found in matcher.matches(&source).take(most) {
            result.extend_from_slice(&source[from..found.start]);
            for part in &parts {
                match part {
                    Part::Text(text) => result.extend_from_slice(text),
                    Part::Group(_) => result.extend_from_slice(&source[found.clone()]),
                }
            }
            from = found.end;
            count += 1;
        }
        if count > 0 {
            result.extend_from_slice(&source[from..]);
            let text = Text::from(&*result);
            match place {
                None => self.set_record(text),
                Some(place) => self.set_place(place, Value::Text(text))?,
            }
        }
        self.scratch.give(result);
        Ok(Value::Number(f64::from(count)))
    }

    fn gensub(&mut self, args: &'a [Expr]) -> Run<Value> {
        let matcher = self.matcher(&args[0])?;
        let parts = replacement(&self.text(&args[1])?, true);
        let how = self.eval(&args[2])?;
        let all = matches!(how.to_text(b"%.6g").first(), Some(b'g' | b'G'));
        let wanted = how.number().max(1.0) as usize;
        let source = match args.get(3) {
            Some(expr) => self.text(expr)?,
            None => self.whole_record().clone(),
        };
        let mut result = Vec::new();
        let mut from = 0;
        let (skip, take) = if all { (0, usize::MAX) } else { (wanted - 1, 1) };
        let has_groups = parts.iter().any(|part| matches!(part, Part::Group(1..)));
        for found in matcher.matches(&source).skip(skip).take(take) {
            let groups = has_groups.then(|| matcher.captures_at(&source, found.start)).flatten();
            result.extend_from_slice(&source[from..found.start]);
            for part in &parts {
                match part {
                    Part::Text(text) => result.extend_from_slice(text),
                    Part::Group(0) => result.extend_from_slice(&source[found.clone()]),
                    Part::Group(at) => {
                        let group = groups.as_ref().and_then(|groups| groups.get(*at)?.clone());
                        result.extend_from_slice(&source[group.unwrap_or_default()]);
                    }
                }
            }
            from = found.end;
        }
        result.extend_from_slice(&source[from..]);
        Ok(Value::text(&result))
    }

    fn sort(&mut self, keys: bool, args: &'a [Expr]) -> Run<Value> {
        let Some(Expr::Get(Place::Var(source))) = args.first() else {
            return Err(Leave::Fatal("asort needs an array".to_owned()));
        };
        let target = match args.get(1) {
            Some(Expr::Get(Place::Var(slot))) => *slot,
            _ => *source,
        };
        let mut values: Vec<Value> = self.with_array(*source, |array| match keys {
            true => array.keys().iter().map(Key::value).collect(),
            false => array.values().cloned().collect(),
        })?;
        values.sort_by(|left, right| self.by_type(left, right));
        let count = values.len() as f64;
        self.with_array(target, |array| array.fill(values))?;
        Ok(Value::Number(count))
    }

    fn strftime(&mut self, args: &'a [Expr]) -> Run<Value> {
        let format = match args.first() {
            None => Text::from("%a %b %e %H:%M:%S %Z %Y"),
            Some(format) => self.text(format)?,
        };
        let when = match args.get(1) {
            Some(when) => self.number(when)?,
            None => seconds(),
        };
        let zone = self.zone(args.get(2))?;
        Ok(Value::text(strftime(&name(&format), when as i64, zone).as_bytes()))
    }

    /// UTC where the argument that asks for it is true, and the local zone.
    fn zone(&mut self, utc: Option<&'a Expr>) -> Run<&'static Local> {
        const UTC: &Local = &Local::utc();
        Ok(match utc {
            Some(utc) if self.eval(utc)?.is_true() => UTC,
            _ => local(),
        })
    }
}

/// gawk's `strtonum`: numbers as C writes them.
fn strtonum(text: &[u8]) -> f64 {
    let text = String::from_utf8_lossy(text);
    let trimmed = text.trim();
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, trimmed),
    };
    let based = |digits: &str, radix| {
        let length = digits.chars().take_while(|c| c.is_digit(radix)).count();
        u64::from_str_radix(&digits[..length], radix).unwrap_or(0) as f64
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return sign * based(hex, 16);
    }
    let is_octal = digits.len() > 1 && digits.starts_with('0');
    match is_octal && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => sign * based(digits, 8),
        false => crate::value::to_number(trimmed.as_bytes()),
    }
}

/// Seconds since 1970 of `YYYY MM DD HH MM SS` by the clocks of a zone; parts beyond their range
/// carry over.
fn mktime(text: &str, zone: &Local) -> Option<f64> {
    let parts: Option<Vec<i64>> =
        text.split_whitespace().take(6).map(|part| part.parse().ok()).collect();
    let [year, month, day, hour, minute, second] = parts?.try_into().ok()?;
    let most = 1_i64 << 32;
    if [year, month, day, hour, minute, second].iter().any(|part: &i64| part.abs() > most) {
        return None;
    }
    let local = day_of(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    at_local(local, zone).map(|seconds| seconds as f64)
}

fn seconds() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers() {
        for (text, seconds) in [
            ("1970 1 1 0 0 0", Some(0.0)),
            ("2024 02 29 12 30 15", Some(1_709_209_815.0)),
            ("2023 14 1 0 0 0", Some(1_706_745_600.0)),
            ("1969 12 31 23 59 59", Some(-1.0)),
            ("2024 1", None),
            ("x", None),
        ] {
            assert_eq!(mktime(text, &Local::utc()), seconds, "{text}");
        }
        for (text, number) in
            [("0x1F", 31.0), ("017", 15.0), ("-0x10", -16.0), ("12", 12.0), ("08", 0.0)]
        {
            assert_eq!(strtonum(text.as_bytes()), number, "{text}");
        }
    }
}
