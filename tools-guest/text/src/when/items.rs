//! What a time says, one item after another: a date, a time of the day, a zone, a day of the week,
//! what is relative.

use super::token::{Number, Token, Unit, military, tokens};
use crate::zone::{Moment, Zone};

/// All that was said. What is said twice is an error, but for what is relative, which adds up.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// Year, month and day. A year of this is the current one where none was said.
    pub(super) date: Option<(i64, i64, i64)>,
    /// A year that came behind the rest of the date.
    pub(super) year: Option<i64>,
    /// Seconds into the day, and nanoseconds.
    pub(super) time: Option<(i64, u32)>,
    /// Seconds ahead of UTC.
    pub(super) offset: Option<i64>,
    /// Which of that day of the week: 0 for the next one, today included.
    pub(super) weekday: Option<(i64, i64)>,
    pub(super) is_relative: bool,
    pub(super) relative: Relative,
    lacks_year: bool,
}

#[derive(Debug, Default)]
pub(super) struct Relative {
    pub(super) years: i64,
    pub(super) months: i64,
    pub(super) days: i64,
    pub(super) seconds: i64,
    pub(super) nanos: u32,
}

/// What stands behind `@`: seconds since 1970, and nothing else.
pub(super) fn seconds(text: &str) -> Option<Moment> {
    match tokens(text)?[..] {
        [Token::Unsigned(number) | Token::Signed(number, _)] => {
            Some(Moment { seconds: number.value, nanos: number.nanos.unwrap_or(0) })
        }
        _ => None,
    }
}

pub(super) fn items(text: &str, now: Moment, zone: &dyn Zone) -> Option<Items> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, now, zone, items: Items::default() };
    while !parser.tokens.is_empty() {
        parser.item()?;
    }
    Some(parser.items)
}

struct Parser<'a> {
    tokens: &'a [Token],
    now: Moment,
    zone: &'a dyn Zone,
    items: Items,
}

/// Puts what is said into its place, which must be free.
fn place<T>(place: &mut Option<T>, value: T) -> Option<()> {
    match place.replace(value) {
        None => Some(()),
        Some(_) => None,
    }
}

/// A year of two digits is one from 1969 to 2068.
fn year_of(number: Number) -> i64 {
    // A sign before it is one between the parts of a date.
    match number.value.abs() {
        value @ 0..69 if number.digits == 2 => 2000 + value,
        value @ 69..100 if number.digits == 2 => 1900 + value,
        value => value,
    }
}

/// Whether a number has no fraction.
fn whole(number: &Number) -> bool {
    number.nanos.is_none()
}

impl<'a> Parser<'a> {
    fn skip(&mut self, count: usize) {
        self.tokens = &self.tokens[count..];
    }

    /// Takes the next token if it is an unsigned number without a fraction.
    fn unsigned(&mut self) -> Option<Number> {
        match self.tokens {
            [Token::Unsigned(number), rest @ ..] if whole(number) => {
                self.tokens = rest;
                Some(*number)
            }
            _ => None,
        }
    }

    fn char(&mut self, c: char) -> bool {
        let found = self.tokens.first() == Some(&Token::Char(c));
        self.skip(usize::from(found));
        found
    }

    fn item(&mut self) -> Option<()> {
        use Token::*;
        match *self.tokens {
            [Unsigned(number), Unit(self::Unit::Second), ..] => {
                self.skip(2);
                self.relative(number, self::Unit::Second)
            }
            [Signed(number, _), Unit(self::Unit::Second), ..] => {
                self.skip(2);
                self.relative(number, self::Unit::Second)
            }
            [Unsigned(number), ..] if whole(&number) => {
                self.skip(1);
                self.behind_number(number)
            }
            [Signed(number, _), Unit(unit), ..] if whole(&number) => {
                self.skip(2);
                self.relative(number, unit)
            }
            [Unit(unit), ..] => {
                self.skip(1);
                self.relative(Number { value: 1, nanos: None, digits: 1 }, unit)
            }
            [Ordinal(value), Unit(unit), ..] => {
                self.skip(2);
                self.relative(Number { value, nanos: None, digits: 1 }, unit)
            }
            [Ordinal(ordinal), Day(day), ..] => {
                self.skip(2);
                place(&mut self.items.weekday, (ordinal, day))
            }
            [Day(day), ..] => {
                self.skip(1);
                self.char(',');
                place(&mut self.items.weekday, (0, day))
            }
            [Shift(days), ..] => {
                self.skip(1);
                self.items.is_relative = true;
                self.items.relative.days = self.items.relative.days.checked_add(days)?;
                Some(())
            }
            [Month(month), Signed(day, _), Signed(year, _), ..] if whole(&day) && whole(&year) => {
                self.skip(3);
                let year = Number { value: year.value.checked_neg()?, ..year };
                self.date(Some(year), month, day.value.checked_neg()?)
            }
            [Month(month), Unsigned(day), ..] if whole(&day) => {
                self.skip(2);
                match *self.tokens {
                    [Char(','), Unsigned(year), ..] if whole(&year) => {
                        self.skip(2);
                        self.date(Some(year), month, day.value)
                    }
                    _ => self.date(None, month, day.value),
                }
            }
            [Zone(minutes), ..] => {
                self.skip(1);
                self.behind_zone(60 * minutes)
            }
            [SummerZone(minutes), ..] => {
                self.skip(1);
                place(&mut self.items.offset, 60 * minutes)
            }
            [Char('T'), ..] => {
                self.skip(1);
                place(&mut self.items.offset, 3_600 * military(b'T')?)?;
                match *self.tokens {
                    [Signed(count, _), Unit(unit), ..] if whole(&count) => {
                        self.skip(2);
                        self.add(count, unit, 1)
                    }
                    _ => Some(()),
                }
            }
            [Word(ref name), ..] => {
                self.skip(1);
                let offset = self.local_zone(name)?;
                self.behind_zone(offset)
            }
            _ => None,
        }
    }

    /// What begins with a number that has no sign.
    fn behind_number(&mut self, number: Number) -> Option<()> {
        use Token::*;
        match *self.tokens {
            [Char(':'), ..] => {
                self.skip(1);
                self.time(number)
            }
            [Meridian(late), ..] => {
                self.skip(1);
                self.time_of(number.value, 0, (0, 0), Some(late))
            }
            [Char('/'), ..] => {
                self.skip(1);
                let second = self.unsigned()?;
                if !self.char('/') {
                    return self.date(None, number.value, second.value);
                }
                let third = self.unsigned()?;
                match number.digits >= 4 {
                    true => self.date(Some(number), second.value, third.value),
                    false => self.date(Some(third), number.value, second.value),
                }
            }
            [Month(month), Signed(year, _), ..] if whole(&year) => {
                self.skip(2);
                let year = Number { value: year.value.checked_neg()?, ..year };
                self.date(Some(year), month, number.value)
            }
            [Month(month), Unsigned(year), ..] if whole(&year) => {
                self.skip(2);
                self.date(Some(year), month, number.value)
            }
            [Month(month), ..] => {
                self.skip(1);
                self.date(None, month, number.value)
            }
            [Unit(unit), ..] => {
                self.skip(1);
                self.relative(number, unit)
            }
            [Day(day), ..] => {
                self.skip(1);
                place(&mut self.items.weekday, (number.value, day))
            }
            [Signed(month, _), Signed(day, _), ..] if whole(&month) && whole(&day) => {
                self.skip(2);
                self.date(Some(number), month.value.checked_neg()?, day.value.checked_neg()?)?;
                match self.char('T') {
                    true => {
                        let hour = self.unsigned()?;
                        match self.char(':') {
                            true => self.time(hour),
                            false => self.hour_with_zone(hour),
                        }
                    }
                    false => Some(()),
                }
            }
            [Signed(count, _), Unit(unit), ..] if whole(&count) => {
                self.skip(2);
                self.bare(number)?;
                self.add(count, unit, 1)
            }
            [Signed(offset, _), ..] if whole(&offset) => self.hour_with_zone(number),
            _ => self.bare(number),
        }
    }

    /// What comes behind `HOUR:`.
    fn time(&mut self, hour: Number) -> Option<()> {
        let minute = self.unsigned()?;
        let seconds = match self.char(':') {
            true => {
                let [Token::Unsigned(seconds), ..] = *self.tokens else { return None };
                self.skip(1);
                (seconds.value, seconds.nanos.unwrap_or(0))
            }
            false => (0, 0),
        };
        let meridian = match self.tokens {
            [Token::Meridian(late), ..] => Some(*late),
            _ => None,
        };
        self.skip(usize::from(meridian.is_some()));
        self.time_of(hour.value, minute.value, seconds, meridian)?;
        match meridian {
            Some(_) => Some(()),
            None => self.zone_behind(),
        }
    }

    fn hour_with_zone(&mut self, hour: Number) -> Option<()> {
        let Some(Token::Signed(..)) = self.tokens.first() else { return None };
        self.time_of(hour.value, 0, (0, 0), None)?;
        self.zone_behind()
    }

    fn time_of(
        &mut self,
        hour: i64,
        minute: i64,
        (second, nanos): (i64, u32),
        meridian: Option<bool>,
    ) -> Option<()> {
        let hour = match (meridian, hour) {
            (None, 0..24) => hour,
            (Some(late), 1..=12) => hour % 12 + if late { 12 } else { 0 },
            _ => return None,
        };
        if !(0..60).contains(&minute) || !(0..60).contains(&second) {
            return None;
        }
        place(&mut self.items.time, (hour * 3_600 + minute * 60 + second, nanos))
    }

    /// The zone that may stand right behind a time of the day, as a signed number.
    fn zone_behind(&mut self) -> Option<()> {
        let Some(offset) = self.offset() else { return Some(()) };
        place(&mut self.items.offset, offset?)
    }

    /// `+HH`, `+HHMM` or `+HH:MM` in seconds, if one comes next; none within if it is too large.
    fn offset(&mut self) -> Option<Option<i64>> {
        let [Token::Signed(number, negative), ..] = *self.tokens else { return None };
        if !whole(&number) {
            return None;
        }
        self.skip(1);
        let minutes = match *self.tokens {
            [Token::Char(':'), Token::Unsigned(minutes), ..] if whole(&minutes) => {
                self.skip(2);
                let minutes = if negative { -minutes.value } else { minutes.value };
                number.value.checked_mul(60).and_then(|hours| hours.checked_add(minutes))
            }
            _ if number.digits <= 2 => number.value.checked_mul(60),
            _ => Some(number.value / 100 * 60 + number.value % 100),
        };
        let fits = minutes.filter(|minutes| minutes.unsigned_abs() <= 24 * 60);
        Some(fits.map(|minutes| 60 * minutes))
    }

    /// What comes behind the name of a zone that is `ahead` of UTC by so many seconds.
    fn behind_zone(&mut self, ahead: i64) -> Option<()> {
        match *self.tokens {
            [Token::Signed(count, _), Token::Unit(unit), ..] if whole(&count) => {
                self.skip(2);
                place(&mut self.items.offset, ahead)?;
                self.add(count, unit, 1)
            }
            [Token::Signed(number, _), ..] if whole(&number) => {
                let more = self.offset()??;
                place(&mut self.items.offset, ahead + more)
            }
            [Token::SummerTime, ..] => {
                self.skip(1);
                place(&mut self.items.offset, ahead + 3_600)
            }
            _ => place(&mut self.items.offset, ahead),
        }
    }

    /// How far the local zone is ahead when it is called by a name: now, or half a year from now.
    fn local_zone(&self, name: &str) -> Option<i64> {
        const HALF_A_YEAR: i64 = 182 * 86_400;
        [0, HALF_A_YEAR, -HALF_A_YEAR].into_iter().find_map(|away| {
            let (offset, called) = self.zone.at(self.now.seconds.saturating_add(away));
            (called.to_ascii_uppercase() == name).then_some(offset)
        })
    }

    fn date(&mut self, year: Option<Number>, month: i64, day: i64) -> Option<()> {
        self.items.lacks_year = year.is_none();
        let year = match year {
            Some(year) => year_of(year),
            None => {
                let local = self.now.seconds.checked_add(self.zone.at(self.now.seconds).0)?;
                crate::calendar::civil(local.div_euclid(crate::calendar::DAY)).0
            }
        };
        place(&mut self.items.date, (year, month, day))
    }

    /// A number alone: the year that is missing yet, a date without signs between its parts, or
    /// hours and minutes.
    fn bare(&mut self, number: Number) -> Option<()> {
        let wants_year = self.items.date.is_some()
            && self.items.lacks_year
            && self.items.year.is_none()
            && !self.items.is_relative;
        if wants_year && (self.items.time.is_some() || number.digits > 2) {
            self.items.year = Some(year_of(number));
            return Some(());
        }
        let value = number.value;
        match number.digits {
            0..=2 => self.time_of(value, 0, (0, 0), None),
            3..=4 => self.time_of(value / 100, value % 100, (0, 0), None),
            digits => {
                let year = Number { value: value / 10_000, nanos: None, digits: digits - 4 };
                self.date(Some(year), value / 100 % 100, value % 100)
            }
        }
    }

    /// So many of a unit, and the `ago` that may stand behind it.
    fn relative(&mut self, number: Number, unit: Unit) -> Option<()> {
        let (sign, length) = match self.tokens {
            [Token::Times(times), ..] => (*times, 1),
            _ => (1, 0),
        };
        self.skip(length);
        self.add(number, unit, sign)
    }

    fn add(&mut self, number: Number, unit: Unit, sign: i64) -> Option<()> {
        let count = number.value.checked_mul(sign)?;
        let relative = &mut self.items.relative;
        let (sum, factor) = match unit {
            Unit::Year => (&mut relative.years, 1),
            Unit::Month => (&mut relative.months, 1),
            Unit::Days(days) => (&mut relative.days, days),
            Unit::Hour => (&mut relative.seconds, 3_600),
            Unit::Minute => (&mut relative.seconds, 60),
            Unit::Second => (&mut relative.seconds, 1),
        };
        *sum = sum.checked_add(count.checked_mul(factor)?)?;
        // A fraction, which only seconds have, counts on from below, also of what is ago.
        let (carry, nanos) = match number.nanos {
            Some(nanos @ 1..) if sign < 0 => (-1, 1_000_000_000 - nanos),
            nanos => (0, nanos.unwrap_or(0)),
        };
        relative.nanos += nanos;
        relative.seconds = relative.seconds.checked_add(carry)?;
        if relative.nanos >= 1_000_000_000 {
            relative.nanos -= 1_000_000_000;
            relative.seconds = relative.seconds.checked_add(1)?;
        }
        self.items.is_relative = true;
        Some(())
    }
}
