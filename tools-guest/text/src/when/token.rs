//! The words of a time as people write it.

/// What a number of is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Month,
    /// Of so many days: a week is seven.
    Days(i64),
    Hour,
    Minute,
    Second,
}

/// A number as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) value: i64,
    /// Nanoseconds behind it, if it has a fraction.
    pub(super) nanos: Option<u32>,
    pub(super) digits: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Unsigned(Number),
    /// With a sign before it, which counts in `value`; the sign alone says something of -0.
    Signed(Number, bool),
    Month(i64),
    /// Of the week, from 0 for Sunday.
    Day(i64),
    /// Whether it is the second half of the day.
    Meridian(bool),
    /// Minutes ahead of UTC.
    Zone(i64),
    /// The same of a zone in summer, which nothing can be added to.
    SummerZone(i64),
    /// A word that may be what the local zone is called.
    Word(String),
    SummerTime,
    Unit(Unit),
    Ordinal(i64),
    /// `ago` and `hence`: what stands before is multiplied by it.
    Times(i64),
    /// `tomorrow` and its like: days from today.
    Shift(i64),
    Char(char),
}

/// The months and days, which three letters name too.
const MONTHS: [&str; 12] = [
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
];
const DAYS: [&str; 7] =
    ["SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"];

/// Zones by what they are called, in minutes ahead of UTC.
/// Source: the GNU coreutils manual, "Time zone items", and what `date` answers.
const ZONES: [(&str, i64); 32] = [
    ("GMT", 0),
    ("UT", 0),
    ("UTC", 0),
    ("WET", 0),
    ("ART", -180),
    ("BRT", -180),
    ("NST", -210),
    ("AST", -240),
    ("CLT", -240),
    ("EST", -300),
    ("CST", -360),
    ("MST", -420),
    ("PST", -480),
    ("AKST", -540),
    ("HST", -600),
    ("HAST", -600),
    ("SST", -720),
    ("WAT", 60),
    ("CET", 60),
    ("MET", 60),
    ("MEZ", 60),
    ("EET", 120),
    ("CAT", 120),
    ("SAST", 120),
    ("EAT", 180),
    ("MSK", 180),
    ("IST", 330),
    ("SGT", 480),
    ("KST", 540),
    ("JST", 540),
    ("GST", 600),
    ("NZST", 720),
];

/// Zones in summer.
const SUMMER_ZONES: [(&str, i64); 18] = [
    ("WEST", 60),
    ("BST", 60),
    ("BRST", -120),
    ("NDT", -150),
    ("ADT", -180),
    ("CLST", -180),
    ("EDT", -240),
    ("CDT", -300),
    ("MDT", -360),
    ("PDT", -420),
    ("AKDT", -480),
    ("HADT", -540),
    ("CEST", 120),
    ("MEST", 120),
    ("MESZ", 120),
    ("EEST", 180),
    ("MSD", 240),
    ("NZDT", 780),
];

const ORDINALS: [(&str, i64); 14] = [
    ("LAST", -1),
    ("THIS", 0),
    ("NEXT", 1),
    ("FIRST", 1),
    // The second is a unit.
    ("THIRD", 3),
    ("FOURTH", 4),
    ("FIFTH", 5),
    ("SIXTH", 6),
    ("SEVENTH", 7),
    ("EIGHTH", 8),
    ("NINTH", 9),
    ("TENTH", 10),
    ("ELEVENTH", 11),
    ("TWELFTH", 12),
];

const UNITS: [(&str, Unit); 10] = [
    ("YEAR", Unit::Year),
    ("MONTH", Unit::Month),
    ("FORTNIGHT", Unit::Days(14)),
    ("WEEK", Unit::Days(7)),
    ("DAY", Unit::Days(1)),
    ("HOUR", Unit::Hour),
    ("MINUTE", Unit::Minute),
    ("MIN", Unit::Minute),
    ("SECOND", Unit::Second),
    ("SEC", Unit::Second),
];

fn entry<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

/// The words of a text; none if it holds what cannot be one.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let Some(first) = rest.chars().next() else { return Some(tokens) };
        if first.is_ascii_digit() {
            let (number, length) = number(rest, false)?;
            tokens.push(Token::Unsigned(number));
            rest = &rest[length..];
        } else if first == '-' || first == '+' {
            rest = rest[1..].trim_start_matches(|c: char| c.is_ascii_whitespace());
            // A sign before something else says nothing.
            if rest.starts_with(|c: char| c.is_ascii_digit()) {
                let (number, length) = number(rest, first == '-')?;
                tokens.push(Token::Signed(number, first == '-'));
                rest = &rest[length..];
            }
        } else if first.is_ascii_alphabetic() {
            let is_part = |c: char| c.is_ascii_alphabetic() || c == '.';
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            tokens.push(word(&rest[..length].to_ascii_uppercase())?);
            rest = &rest[length..];
        } else if first == '(' {
            rest = behind_comment(rest);
        } else {
            tokens.push(Token::Char(first));
            rest = &rest[first.len_utf8()..];
        }
    }
}

/// What comes behind a comment, within which there may be others.
fn behind_comment(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[at + 1..];
        }
    }
    ""
}

/// The number that a text begins with, and how long it is. What has no place in 64 bits is none.
fn number(text: &str, negative: bool) -> Option<(Number, usize)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut value: i64 = text[..digits].parse().ok()?;
    let mut length = digits;
    if negative {
        value = -value;
    }
    let behind = text[digits..].strip_prefix(['.', ',']).unwrap_or_default();
    let count = behind.bytes().take_while(u8::is_ascii_digit).count();
    let mut nanos = None;
    if count > 0 {
        let shown: String = behind[..count].chars().chain("000000000".chars()).take(9).collect();
        let fraction: u32 = shown.parse().ok()?;
        // As in a moment, the fraction counts on from the whole seconds below.
        nanos = Some(match (negative, fraction) {
            (true, 1..) => {
                value = value.checked_sub(1)?;
                1_000_000_000 - fraction
            }
            _ => fraction,
        });
        length += 1 + count;
    }
    Some((Number { value, nanos, digits }, length))
}

/// What a word stands for, by the order in which tables are asked.
fn word(word: &str) -> Option<Token> {
    match word {
        "AM" | "A.M." => return Some(Token::Meridian(false)),
        "PM" | "P.M." => return Some(Token::Meridian(true)),
        "SEPT" => return Some(Token::Month(9)),
        "TUES" => return Some(Token::Day(2)),
        "WEDNES" => return Some(Token::Day(3)),
        "THUR" | "THURS" => return Some(Token::Day(4)),
        _ => {}
    }
    // Three letters are enough, also with a period behind them.
    let short = word.strip_suffix('.').unwrap_or(word);
    let named = |names: &[&str]| {
        names.iter().position(|name| *name == word || short.len() == 3 && name[..3] == *short)
    };
    if let Some(month) = named(&MONTHS) {
        return Some(Token::Month(month as i64 + 1));
    }
    if let Some(day) = named(&DAYS) {
        return Some(Token::Day(day as i64));
    }
    if let Some(zone) = zone(word) {
        return Some(zone);
    }
    if word == "DST" {
        return Some(Token::SummerTime);
    }
    let unit = entry(&UNITS, word).or_else(|| entry(&UNITS, word.strip_suffix('S')?));
    if let Some(unit) = unit {
        return Some(Token::Unit(unit));
    }
    if let Some(ordinal) = entry(&ORDINALS, word) {
        return Some(Token::Ordinal(ordinal));
    }
    match word {
        "TOMORROW" => return Some(Token::Shift(1)),
        "YESTERDAY" => return Some(Token::Shift(-1)),
        "TODAY" | "NOW" => return Some(Token::Shift(0)),
        "AGO" => return Some(Token::Times(-1)),
        "HENCE" => return Some(Token::Times(1)),
        // It stands between a date and a time, too.
        "T" => return Some(Token::Char('T')),
        _ => {}
    }
    if let [letter] = word.as_bytes() {
        return military(*letter).map(|hours| Token::Zone(60 * hours));
    }
    Some(zone(&word.replace('.', "")).unwrap_or_else(|| Token::Word(word.to_owned())))
}

fn zone(word: &str) -> Option<Token> {
    let summer = || entry(&SUMMER_ZONES, word).map(Token::SummerZone);
    entry(&ZONES, word).map(Token::Zone).or_else(summer)
}

/// The hours ahead of UTC of a zone with one letter.
pub(super) fn military(letter: u8) -> Option<i64> {
    Some(match letter {
        b'A'..=b'I' => i64::from(letter - b'A') + 1,
        b'K'..=b'M' => i64::from(letter - b'K') + 10,
        b'N'..=b'Y' => -i64::from(letter - b'N') - 1,
        b'Z' => 0,
        _ => return None,
    })
}
