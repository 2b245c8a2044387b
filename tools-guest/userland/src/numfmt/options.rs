//! What `numfmt` is asked for.

use toolcell_program::args::{self, Arg};

const HINT: &str = "Try 'numfmt --help' for more information.";

/// What a letter behind a number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// There are none.
    None,
    /// Thousands, and where an `i` follows 1024s.
    Auto,
    Si,
    Iec,
    /// 1024s, and an `i` has to follow.
    IecI,
}

impl Scale {
    pub(super) fn base(self) -> u64 {
        match self {
            Self::None | Self::Auto | Self::Si => 1000,
            Self::Iec | Self::IecI => 1024,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    Up,
    Down,
    FromZero,
    TowardsZero,
    Nearest,
}

/// What is done where a number should be and is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invalid {
    Abort,
    /// Goes on, and ends with an error.
    Fail,
    /// Goes on with a message.
    Warn,
    Ignore,
}

/// Fields from a first to a last, counted from 1.
#[derive(Debug)]
pub(super) struct Fields(Vec<(usize, usize)>);

impl Fields {
    pub(super) fn contains(&self, field: usize) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&field))
    }
}

#[derive(Debug)]
pub(super) struct Options {
    pub(super) from: Scale,
    pub(super) to: Scale,
    pub(super) from_unit: u64,
    pub(super) to_unit: u64,
    pub(super) round: Round,
    pub(super) invalid: Invalid,
    pub(super) fields: Fields,
    /// None: blanks.
    pub(super) delimiter: Option<u8>,
    /// Lines that are shown as they are.
    pub(super) header: u64,
    pub(super) suffix: String,
    /// Columns; to the left if negative.
    pub(super) padding: i64,
    /// Columns that zeros fill.
    pub(super) zeros: usize,
    /// Places; none says that the number decides.
    pub(super) precision: Option<usize>,
    /// What the format has before and behind the number.
    pub(super) around: [String; 2],
    /// What ends a line.
    pub(super) end: u8,
}

/// # Errors
/// What is wrong with the command line.
pub(super) fn parse(words: &[String]) -> Result<(Options, Vec<String>), String> {
    let long = [
        "debug",
        "delimiter=:d",
        "field=",
        "format=",
        "from=",
        "from-unit=",
        "grouping",
        "header=?",
        "invalid=",
        "padding=",
        "round=",
        "suffix=",
        "to=",
        "to-unit=",
        "zero-terminated:z",
    ];
    let hinted = |error: String| format!("{error}\n{HINT}");
    let args = args::parse(words, "d:z", &long).map_err(hinted)?;
    let mut options = Options {
        from: Scale::None,
        to: Scale::None,
        from_unit: 1,
        to_unit: 1,
        round: Round::FromZero,
        invalid: Invalid::Abort,
        fields: Fields(vec![(1, 1)]),
        delimiter: None,
        header: 0,
        suffix: String::new(),
        padding: 0,
        zeros: 0,
        precision: None,
        around: Default::default(),
        end: b'\n',
    };
    let (mut format, mut is_grouped, mut fields, mut operands) = (None, false, None, Vec::new());
    for arg in args {
        let (name, value) = match arg {
            Arg::Operand(operand) => {
                operands.push(operand);
                continue;
            }
            Arg::Option(name, value) => (name, value),
        };
        let has_value = value.is_some();
        let value = value.unwrap_or_default();
        match name.as_str() {
            "from" => options.from = args::choice("--from", &value, &FROM).map_err(hinted)?,
            "to" => options.to = args::choice("--to", &value, &FROM_BUT_AUTO).map_err(hinted)?,
            "round" => options.round = args::choice("--round", &value, &ROUND).map_err(hinted)?,
            "invalid" => {
                options.invalid = args::choice("--invalid", &value, &INVALID).map_err(hinted)?
            }
            "from-unit" => options.from_unit = unit(&value)?,
            "to-unit" => options.to_unit = unit(&value)?,
            "field" if fields.is_some() => {
                return Err("multiple field specifications".to_owned());
            }
            "field" => fields = Some(ranges(&value)?),
            "format" => format = Some(value),
            "grouping" => is_grouped = true,
            "header" if !has_value => options.header = 1,
            "header" => {
                let lines = value.parse().ok().filter(|lines| *lines > 0);
                options.header = lines.ok_or(format!("invalid header value ‘{value}’"))?;
            }
            "padding" => {
                let padding = value.parse().ok().filter(|padding| *padding != 0);
                options.padding = padding.ok_or(format!("invalid padding value ‘{value}’"))?;
            }
            "suffix" => options.suffix = value,
            "z" => options.end = 0,
            "d" => {
                let bytes = toolcell_text::escape::encode(&value);
                options.delimiter = match bytes[..] {
                    [] => Some(0),
                    [byte] => Some(byte),
                    _ => return Err("the delimiter must be a single character".to_owned()),
                };
            }
            // `--debug` warns of what is harmless.
            _ => {}
        }
    }
    if is_grouped && format.is_some() {
        return Err("--grouping cannot be combined with --format".to_owned());
    }
    if let Some(format) = format {
        options.take_format(&format)?;
    }
    if is_grouped && options.to != Scale::None {
        return Err("grouping cannot be combined with --to".to_owned());
    }
    if let Some(fields) = fields {
        options.fields = fields;
    }
    Ok((options, operands))
}

impl Options {
    /// Reads `PREFIX%[0]['][-][N][.][N]fSUFFIX`.
    fn take_format(&mut self, format: &str) -> Result<(), String> {
        let (prefix, mut rest) = literal(format);
        if rest.is_empty() {
            return Err(format!("format ‘{format}’ has no % directive"));
        }
        rest = &rest[1..];
        // The groups of the cell's locale are not marked.
        let flags = rest.len() - rest.trim_start_matches([' ', '\'', '0']).len();
        let is_zeroed = rest[..flags].contains('0');
        rest = &rest[flags..];
        let (is_left, unsigned) = match rest.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, rest),
        };
        let (width, behind) =
            unsigned.split_at(unsigned.bytes().take_while(u8::is_ascii_digit).count());
        rest = behind;
        if !width.is_empty() {
            let width: i64 = width
                .parse()
                .ok()
                .filter(|width| *width < i64::from(i32::MAX))
                .ok_or(format!("invalid format ‘{format}’ (width overflow)"))?;
            match (is_left, is_zeroed) {
                (true, _) => self.padding = -width,
                (false, true) => self.zeros = width as usize,
                (false, false) => self.padding = width,
            }
        }
        if let Some(behind) = rest.strip_prefix('.') {
            let (digits, behind) =
                behind.split_at(behind.bytes().take_while(u8::is_ascii_digit).count());
            if behind.starts_with([' ', '+', '-', '\t']) {
                return Err(format!("invalid precision in format ‘{format}’"));
            }
            let precision = match digits {
                "" => Some(0),
                digits => digits.parse().ok().filter(|places| *places < i32::MAX as usize),
            };
            self.precision =
                Some(precision.ok_or(format!("invalid precision in format ‘{format}’"))?);
            rest = behind;
        }
        if rest.is_empty() {
            return Err(format!("format ‘{format}’ ends in %"));
        }
        let Some(rest) = rest.strip_prefix('f') else {
            return Err(format!(
                "invalid format ‘{format}’, directive must be %[0]['][-][N][.][N]f"
            ));
        };
        let (suffix, rest) = literal(rest);
        if !rest.is_empty() {
            return Err(format!("format ‘{format}’ has too many % directives"));
        }
        // As coreutils do, which take two `%` before the number for one, and behind it for two.
        self.around = [prefix.replace("%%", "%"), suffix.to_owned()];
        Ok(())
    }
}

/// The text up to a `%` that is not one of two, and what follows.
fn literal(format: &str) -> (&str, &str) {
    let mut at = 0;
    while let Some(found) = format[at..].find('%') {
        at += found;
        if !format[at + 1..].starts_with('%') {
            return format.split_at(at);
        }
        at += 2;
    }
    (format, "")
}

const FROM: [(&str, Scale); 5] = [
    ("none", Scale::None),
    ("auto", Scale::Auto),
    ("si", Scale::Si),
    ("iec", Scale::Iec),
    ("iec-i", Scale::IecI),
];

const FROM_BUT_AUTO: [(&str, Scale); 4] =
    [("none", Scale::None), ("si", Scale::Si), ("iec", Scale::Iec), ("iec-i", Scale::IecI)];

const ROUND: [(&str, Round); 5] = [
    ("up", Round::Up),
    ("down", Round::Down),
    ("from-zero", Round::FromZero),
    ("towards-zero", Round::TowardsZero),
    ("nearest", Round::Nearest),
];

const INVALID: [(&str, Invalid); 4] = [
    ("abort", Invalid::Abort),
    ("fail", Invalid::Fail),
    ("warn", Invalid::Warn),
    ("ignore", Invalid::Ignore),
];

/// A whole number, `K` for a thousand and `Ki` for 1024 and so on.
fn unit(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, letters) = text.split_at(digits);
    let number = if number.is_empty() { Some(1) } else { number.parse::<u64>().ok() };
    let (letter, base) = match letters.strip_suffix('i') {
        Some(letter) => (letter, 1024_u64),
        None => (letters, 1000),
    };
    let power = match letter {
        "" if letters.is_empty() && !text.is_empty() => Some(0),
        letter if letter.len() == 1 => super::SUFFIXES.find(letter).map(|at| at as u32 + 1),
        _ => None,
    };
    let unit = number.zip(power).and_then(|(number, power)| {
        base.checked_pow(power).and_then(|scale| number.checked_mul(scale))
    });
    unit.filter(|unit| *unit > 0).ok_or(format!("invalid unit size: ‘{text}’"))
}

fn ranges(list: &str) -> Result<Fields, String> {
    let fail = |error: String| Err(format!("{error}\n{HINT}"));
    if list == "-" {
        return Ok(Fields(vec![(1, usize::MAX)]));
    }
    let mut ranges = Vec::new();
    for range in list.split([',', ' ', '\t']) {
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (first, Some(last)),
            None => (range, None),
        };
        let number = |text: &str| match text.parse::<usize>() {
            Ok(0) => Err("fields are numbered from 1".to_owned()),
            Ok(number) => Ok(number),
            Err(_) if text.is_empty() => Err("fields are numbered from 1".to_owned()),
            Err(_) => Err(format!("invalid field value ‘{text}’")),
        };
        let read = match (first, last) {
            ("", Some("")) => Err("invalid range with no endpoint: -".to_owned()),
            ("", Some(last)) => number(last).map(|last| (1, last)),
            (first, Some("")) => number(first).map(|first| (first, usize::MAX)),
            (_, Some(last)) if last.contains('-') => Err("invalid field range".to_owned()),
            (first, Some(last)) => number(first).and_then(|first| Ok((first, number(last)?))),
            (first, None) => number(first).map(|first| (first, first)),
        };
        match read {
            Ok((first, last)) if first > last => {
                return fail("invalid decreasing range".to_owned());
            }
            Ok(range) => ranges.push(range),
            Err(error) => return fail(error),
        }
    }
    Ok(Fields(ranges))
}
