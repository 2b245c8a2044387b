//! Time as text, by `strftime`'s formats.

use crate::calendar::{DAY, civil, day_of, weekday};
use crate::zone::{Moment, Zone};

const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The longest field: what is wider is cut to it.
const MAX_WIDTH: usize = 4_096;

/// Seconds since 1970 as the C library writes them. An empty format is that of the time of the day.
pub fn strftime(format: &str, seconds: i64, zone: &dyn Zone) -> String {
    let format = if format.is_empty() { "%H:%M:%S" } else { format };
    Writer::new(Moment { seconds, nanos: 0 }, zone, false).formatted(format, Case::Kept)
}

/// A point in time as `date` and `ls` write it, which know more than the C library: `%N`, `%q` and `%:z`,
/// and years of four digits at least.
pub fn strftime_extended(format: &str, moment: Moment, zone: &dyn Zone) -> String {
    Writer::new(moment, zone, true).formatted(format, Case::Kept)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Kept,
    Upper,
    Opposite,
}

/// What stands between `%` and the letter.
#[derive(Debug, Clone, Copy)]
struct Field {
    /// The last of `-`, `_`, `0` and `+`.
    pad: Option<char>,
    case: Case,
    width: Option<usize>,
    /// Whether `date`'s own are known, to which `-` says that there is no width.
    extended: bool,
}

impl Field {
    fn padded(self, text: String) -> String {
        let text = match self.case {
            Case::Upper => text.to_uppercase(),
            _ => text,
        };
        let width = self.width.unwrap_or(0);
        match self.pad {
            Some('-') if self.extended => text,
            Some('0' | '+') => format!("{text:0>width$}"),
            _ => format!("{text:>width$}"),
        }
    }

    /// A number of at least `digits`, filled up by zeros or by what the field wants.
    fn number(self, value: i64, digits: usize, fill: char) -> String {
        let sign = if value < 0 { "-" } else { "" };
        self.signed(sign, &value.unsigned_abs().to_string(), digits, fill)
    }

    fn signed(self, sign: &str, number: &str, digits: usize, fill: char) -> String {
        let width = self.width.unwrap_or(0);
        match self.pad.unwrap_or(fill) {
            '-' if self.extended => format!("{sign}{number}"),
            '-' => format!("{:>width$}", format!("{sign}{number}")),
            '_' => {
                let width = width.max(digits);
                format!("{:>width$}", format!("{sign}{number}"))
            }
            _ => {
                let width = width.max(digits).saturating_sub(sign.len());
                format!("{sign}{number:0>width$}")
            }
        }
    }

    /// A year: with `+`, one of more digits than is usual shows its sign.
    fn year(self, value: i64, digits: usize) -> String {
        let length = value.unsigned_abs().to_string().len();
        let shows = self.pad == Some('+')
            && value >= 0
            && (length > digits || self.width.is_some_and(|width| width > digits));
        let sign = if value < 0 { "-" } else { "+" };
        match shows {
            true => self.signed(sign, &value.to_string(), digits, '0'),
            false => self.number(value, digits, '0'),
        }
    }
}

/// The parts of a local time.
struct Writer {
    moment: Moment,
    /// Whether `date`'s own are known.
    extended: bool,
    offset: i64,
    abbreviation: String,
    days: i64,
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Writer {
    fn new(moment: Moment, zone: &dyn Zone, extended: bool) -> Self {
        let (offset, abbreviation) = zone.at(moment.seconds);
        let local = moment.seconds.saturating_add(offset);
        let (days, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        Self {
            moment,
            extended,
            offset,
            abbreviation,
            days,
            year,
            month,
            day,
            hour,
            minute,
            second,
        }
    }

    fn formatted(&self, format: &str, case: Case) -> String {
        let mut result = String::new();
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            result.push_str(&rest[..at]);
            rest = &rest[at..];
            let length = self.directive(rest, case, &mut result);
            rest = &rest[length..];
        }
        result.push_str(rest);
        result
    }

    /// Writes what `text`, which begins with `%`, begins with; gives how long that is.
    fn directive(&self, text: &str, case: Case, result: &mut String) -> usize {
        let bytes = text.as_bytes();
        let mut field = Field { pad: None, case, width: None, extended: self.extended };
        let mut at = 1;
        loop {
            match bytes.get(at) {
                Some(flag @ (b'-' | b'_' | b'0')) => field.pad = Some(char::from(*flag)),
                Some(b'+') if self.extended => field.pad = Some('+'),
                Some(b'^') => field.case = Case::Upper,
                Some(b'#') => field.case = Case::Opposite,
                _ => break,
            }
            at += 1;
        }
        while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
            let width = field.width.unwrap_or(0) * 10 + usize::from(digit - b'0');
            field.width = Some(width.min(MAX_WIDTH));
            at += 1;
        }
        let modifier = bytes.get(at).copied().filter(|byte| matches!(byte, b'E' | b'O'));
        at += usize::from(modifier.is_some());
        let colons = bytes[at..].iter().take_while(|byte| **byte == b':').count();
        at += colons;
        let letter = text[at..].chars().next();
        let fits = match (modifier, letter) {
            (None, _) => true,
            (Some(b'E'), Some(letter)) => "cCxXyY".contains(letter),
            (_, Some(letter)) => "BbhdeHIklmMSuUVwWyjNgG".contains(letter),
            _ => false,
        };
        let written = match letter {
            Some('z') if fits && colons > 0 && self.extended => self.offset(field, colons),
            Some(letter) if fits && colons == 0 => self.part(letter, field),
            _ => None,
        };
        at += letter.map_or(0, char::len_utf8);
        match written {
            Some(written) => result.push_str(&written),
            // What is no directive stands for itself; a field that is wider has blanks before it.
            None => {
                let width = field.width.unwrap_or(0);
                result.push_str(&format!("{:>width$}", &text[..at]));
            }
        }
        at
    }

    fn part(&self, letter: char, field: Field) -> Option<String> {
        let number = |value: i64, digits: usize| Some(field.number(value, digits, '0'));
        let name = |text: &str| {
            let text = match field.case {
                Case::Opposite => text.to_uppercase(),
                _ => text.to_owned(),
            };
            Some(field.padded(text))
        };
        let whole = |format: &str| {
            let case = if field.case == Case::Upper { Case::Upper } else { Case::Kept };
            Some(field.padded(self.formatted(format, case)))
        };
        let half = |upper: &str| match field.case {
            Case::Opposite => Some(field.padded(upper.to_lowercase())),
            _ => Some(field.padded(upper.to_owned())),
        };
        let weekday = weekday(self.days);
        let monday = (weekday + 6) % 7;
        let year_day = self.days - day_of(self.year, 1, 1) + 1;
        let year_digits = if self.extended { 4 } else { 1 };
        let twelve = if self.hour % 12 == 0 { 12 } else { self.hour % 12 };
        let noon = if self.hour < 12 { "AM" } else { "PM" };
        // ISO 8601: the week of a year is the one that holds its Thursday.
        let (iso_year, ..) = civil(self.days - monday + 3);
        match letter {
            '%' if field.width.is_none() || !self.extended => Some(field.padded("%".to_owned())),
            'n' => Some(field.padded("\n".to_owned())),
            't' => Some(field.padded("\t".to_owned())),
            'Y' => Some(field.year(self.year, year_digits)),
            'C' => number(self.year.div_euclid(100), 2),
            'y' => number(self.year.rem_euclid(100), 2),
            'G' => Some(field.year(iso_year, year_digits)),
            'g' => number(iso_year.rem_euclid(100), 2),
            'm' => number(self.month, 2),
            'q' if self.extended => number((self.month + 2) / 3, 1),
            'd' => number(self.day, 2),
            'e' => Some(field.number(self.day, 2, '_')),
            'H' => number(self.hour, 2),
            'k' => Some(field.number(self.hour, 2, '_')),
            'I' => number(twelve, 2),
            'l' => Some(field.number(twelve, 2, '_')),
            'M' => number(self.minute, 2),
            'S' => number(self.second, 2),
            'N' if self.extended => Some(self.fraction(field)),
            'j' => number(year_day, 3),
            'u' => number(monday + 1, 1),
            'w' => number(weekday, 1),
            'U' => number((year_day + 6 - weekday) / 7, 2),
            'W' => number((year_day + 6 - monday) / 7, 2),
            'V' => {
                let thursday = self.days - monday + 3;
                number((thursday - day_of(iso_year, 1, 1)) / 7 + 1, 2)
            }
            's' => number(self.moment.seconds, 1),
            'p' => half(noon),
            // It is small already, and stays so.
            'P' => Some(Field { case: Case::Kept, ..field }.padded(noon.to_lowercase())),
            'A' => name(DAYS[weekday as usize]),
            'a' => name(&DAYS[weekday as usize][..3]),
            'B' => name(MONTHS[(self.month - 1) as usize]),
            'b' | 'h' => name(&MONTHS[(self.month - 1) as usize][..3]),
            'Z' => half(&self.abbreviation),
            'z' => self.offset(field, 0),
            'F' => {
                let rest = format!("-{:02}-{:02}", self.month, self.day);
                let year = match (field.pad, field.width) {
                    (None, None) if self.extended => Field { pad: Some('+'), ..field },
                    (_, width) => Field {
                        width: width.map(|width| width.saturating_sub(rest.len())),
                        ..field
                    },
                };
                Some(format!("{}{rest}", year.year(self.year, year_digits)))
            }
            'T' | 'X' => whole("%H:%M:%S"),
            'R' => whole("%H:%M"),
            'r' => whole("%I:%M:%S %p"),
            'D' | 'x' => whole("%m/%d/%y"),
            'c' => whole("%a %b %e %H:%M:%S %Y"),
            _ => None,
        }
    }

    /// The first digits of the nanoseconds, nine if no width says how many. Without padding, zeros
    /// at the end are left out; with blanks, they are replaced.
    fn fraction(&self, field: Field) -> String {
        let width = field.width.filter(|width| *width > 0).unwrap_or(9);
        let digits = format!("{:09}", self.moment.nanos);
        let digits = &digits[..width.min(9)];
        let bare = digits.trim_end_matches('0');
        // One digit stays.
        let bare = if bare.is_empty() { &digits[..1] } else { bare };
        match field.pad {
            Some('-') => bare.to_owned(),
            Some('_') => format!("{bare:<width$}"),
            _ => format!("{digits:0<width$}"),
        }
    }

    /// How far the zone is from UTC, with as many colons between its parts; of three, as many parts
    /// as it takes.
    fn offset(&self, field: Field, colons: usize) -> Option<String> {
        let sign = if self.offset < 0 { "-" } else { "+" };
        let seconds = self.offset.abs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let rest = match colons {
            0 => format!("{minutes:02}"),
            1 => format!(":{minutes:02}"),
            2 => format!(":{minutes:02}:{seconds:02}"),
            3 if seconds != 0 => format!(":{minutes:02}:{seconds:02}"),
            3 if minutes != 0 => format!(":{minutes:02}"),
            3 => String::new(),
            _ => return None,
        };
        // Of `+0530` the number as a whole is filled up, of `+05:30` the hours.
        let number = match colons {
            0 => (hours * 100 + minutes).to_string(),
            _ => format!("{hours}{rest}"),
        };
        let digits = if colons == 0 { 4 } else { 2 + rest.len() };
        Some(field.signed(sign, &number, digits + 1, '0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Utc;

    #[test]
    fn formats_as_date_does() {
        assert_eq!(
            strftime("%F %T %a %j %V", 1_000_000_000, &Utc),
            "2001-09-09 01:46:40 Sun 252 36"
        );
        assert_eq!(strftime("%-d|%e|%I%p", 0, &Utc), "1| 1|12AM");
        assert_eq!(strftime("%s", -1, &Utc), "-1");
    }

    #[test]
    fn the_c_library_knows_less_than_date() {
        let moment = Moment { seconds: 0, nanos: 12_345_678 };
        for (text, library, date) in [
            ("%N", "%N", "012345678"),
            ("%3N", "%3N", "012"),
            ("%_12N|", "       %_12N|", "012345678   |"),
            ("%q", "%q", "1"),
            ("%:z %::z %:::z", "%:z %::z %:::z", "+00:00 +00:00:00 +00"),
            ("%+6Y", "%+6Y", "+01970"),
            ("%Ey %Ed %Od %OY", "70 %Ed 01 %OY", "70 %Ed 01 %OY"),
            ("%10a|%^a|%#a|%#p|%#Z", "       Thu|THU|THU|am|utc", "       Thu|THU|THU|am|utc"),
            ("%_z %-z %8z", "   +0 +0 +0000000", "   +0 +0 +0000000"),
            ("%5Ed %", " %5Ed %", " %5Ed %"),
        ] {
            assert_eq!(strftime(text, 0, &Utc), library, "{text}");
            assert_eq!(strftime_extended(text, moment, &Utc), date, "{text}");
        }
    }
}
