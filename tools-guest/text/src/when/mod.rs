//! Points in time as people write them: `2024-05-01 12:30`, `@86400`, `2 days ago`, `next friday`.
//!
//! The language is that of GNU's programs, as the coreutils manual has it in "Date input formats".
//! Two of its rules surprise: a signed number right behind a time of the day is a zone, whatever
//! comes next (`10:00 +3 hours` is an hour on from 10:00 in a zone of +3), and a day of the week
//! beside a date says nothing.

mod items;
mod token;

use crate::calendar::{DAY, civil, civil_day, day_of, weekday};
use crate::zone::{Moment, Zone};
use items::Items;

/// Years beyond these are none.
const MAX_YEAR: i64 = i32::MAX as i64;

/// A point in time that is written in local time of a zone; `now` is where what is relative begins.
pub fn parse(text: &str, now: Moment, zone: &dyn Zone) -> Option<Moment> {
    let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace());
    match text.strip_prefix('@') {
        Some(seconds) => items::seconds(seconds),
        None => resolved(&items::items(text, now, zone)?, now, zone),
    }
}

/// Splits `TZ="ZONE" REST`, with `\` before a quote or another `\`, into the zone and the rest.
pub fn zone_before(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let quoted = text.strip_prefix("TZ=\"")?;
    let mut zone = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((zone, &quoted[at + 1..])),
            '\\' => zone.push(chars.next().map(|(_, c)| c).filter(|c| "\\\"".contains(*c))?),
            c => zone.push(c),
        }
    }
    None
}

fn resolved(items: &Items, now: Moment, zone: &dyn Zone) -> Option<Moment> {
    let local_now = now.seconds.checked_add(zone.at(now.seconds).0)?;
    let (year, month, day) = match items.date {
        Some(date) => date,
        None => civil(local_now.div_euclid(DAY)),
    };
    let year = items.year.unwrap_or(year);
    if year.abs() > MAX_YEAR || !(1..=12).contains(&month) {
        return None;
    }
    let mut days = civil_day(year, month, day)?;
    let (time, mut nanos) = match items.time {
        Some(time) => time,
        // What is relative alone begins now.
        None if items.is_relative && items.date.is_none() && items.weekday.is_none() => {
            (local_now.rem_euclid(DAY), now.nanos)
        }
        None => (0, 0),
    };
    // What is relative alone counts by the clocks of now, also where they will be changed by then.
    let is_absolute = items.date.is_some() || items.weekday.is_some() || items.time.is_some();
    let offset = items.offset.or_else(|| (!is_absolute).then(|| zone.at(now.seconds).0));
    let seconds_of = |days: i64, must_exist: bool| match offset {
        Some(offset) => days.checked_mul(DAY)?.checked_add(time)?.checked_sub(offset),
        None => in_zone(days.checked_mul(DAY)?.checked_add(time)?, zone, must_exist),
    };
    let mut seconds = seconds_of(days, true)?;
    if let (Some((ordinal, wanted)), None) = (items.weekday, items.date) {
        let today = weekday(days);
        let weeks = ordinal - i64::from(ordinal > 0 && today != wanted);
        days =
            days.checked_add((wanted - today).rem_euclid(7))?.checked_add(weeks.checked_mul(7)?)?;
        seconds = seconds_of(days, false)?;
    }
    let relative = &items.relative;
    if relative.years != 0 || relative.months != 0 || relative.days != 0 {
        let (year, month, day) = civil(days);
        let year = year.checked_add(relative.years)?;
        let month = month.checked_add(relative.months)?;
        if year.abs() > MAX_YEAR || month.abs() > MAX_YEAR || relative.days.abs() > 1 << 40 {
            return None;
        }
        days = day_of(year, month, day.checked_add(relative.days)?);
        seconds = seconds_of(days, false)?;
    }
    seconds = seconds.checked_add(relative.seconds)?;
    nanos += relative.nanos;
    if nanos >= 1_000_000_000 {
        (seconds, nanos) = (seconds.checked_add(1)?, nanos - 1_000_000_000);
    }
    Some(Moment { seconds, nanos })
}

/// The point in time at which the clocks of a zone show so many seconds since the beginning of 1970
/// there, the earlier one of two. What they were put forward over counts by the clocks before.
pub fn at_local(local: i64, zone: &dyn Zone) -> Option<i64> {
    in_zone(local, zone, false)
}

/// The point in time at which clocks show `local`, the earlier one of two. Where clocks were put
/// forward and never show it, there is none if it `must_exist`.
fn in_zone(local: i64, zone: &dyn Zone, must_exist: bool) -> Option<i64> {
    // No zone changes twice within so short a time.
    let before = zone.at(local.checked_sub(DAY)?).0;
    let after = zone.at(local.checked_add(DAY)?).0;
    let shows = |offset: i64| zone.at(local - offset).0 == offset;
    match [before, after].into_iter().find(|offset| shows(*offset)) {
        Some(offset) => local.checked_sub(offset),
        None if must_exist => None,
        None => local.checked_sub(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Utc;

    #[test]
    fn times_are_read() {
        let now = Moment { seconds: 1_000_000, nanos: 0 };
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1970-01-02 00:00:01", Some(86_401)),
            ("2000-02-29T12:30", Some(951_827_400)),
            ("2024-03-01", Some(1_709_251_200)),
            ("2024-12-31 23:59:59Z", Some(1_735_689_599)),
            ("UTC 1970-01-02", Some(86_400)),
            ("1970-01-02 00:00 GMT", Some(86_400)),
            ("1970-01-02 02:00:00 +0200", Some(86_400)),
            ("1970-01-01T18:30:00-05:30", Some(86_400)),
            ("1970-01-02 01:00 +1", Some(86_400)),
            ("@7", Some(7)),
            ("now", Some(1_000_000)),
            ("yesterday", Some(913_600)),
            ("2 days ago", Some(827_200)),
            ("-1 hour", Some(996_400)),
            ("1 hour 30 minutes ago", Some(1_001_800)),
            ("day ago", Some(913_600)),
            ("", Some(950_400)),
            ("1970-01-02 00:00 +1 day", Some(169_200)),
            ("1970-01-02 +1 day", Some(172_800)),
            ("1 Jan 1970 3pm", Some(54_000)),
            ("jan 2 1970", Some(86_400)),
            ("2/1/1970", Some(31 * 86_400)),
            ("19700102 0100", Some(90_000)),
            ("1970-01-02 monday", Some(86_400)),
            ("monday", Some(950_400)),
            ("next monday", Some(1_555_200)),
            ("last monday", Some(345_600)),
            ("2024-02-29 +1 year", Some(1_740_787_200)),
            ("2024-03-31 1 month ago", Some(1_709_337_600)),
            ("1969-12-31", Some(-86_400)),
            ("2024-13-01", None),
            ("2024-02-30", None),
            ("1970-01-02 1970-01-02", None),
            ("1970-01-02 10:00 11:00", None),
            ("1970-01-02 24:00", None),
            ("1970-01-02 10:00:60", None),
            ("15 Jan 10:00", None),
            ("99999999999999999999 days", None),
            ("9223372036854775807 weeks", None),
            ("@9223372036854775808", None),
            ("soon", None),
        ] {
            let found = parse(text, now, &Utc);
            assert_eq!(found, expected.map(|seconds| Moment { seconds, nanos: 0 }), "{text}");
        }
    }

    /// Clocks go an hour ahead at 1,000,000, and back at 2,000,000.
    struct Summer;

    impl Zone for Summer {
        fn at(&self, seconds: i64) -> (i64, String) {
            match (1_000_000..2_000_000).contains(&seconds) {
                true => (7_200, "EEST".to_owned()),
                false => (3_600, "CCT".to_owned()),
            }
        }
    }

    #[test]
    fn local_times_may_be_none_or_two() {
        let now = Moment { seconds: 0, nanos: 0 };
        for (text, expected) in [
            ("1970-01-01 01:00", Some(0)),
            // 1,000,000 is the 12th, 13:46:40 UTC.
            ("1970-01-12 14:46:39", Some(999_999)),
            ("1970-01-12 14:46:40", None),
            ("1970-01-12 15:46:40", Some(1_000_000)),
            ("1970-01-11 14:46:40 1 day", Some(1_000_000)),
            // 2,000,000 is the 24th, 03:33:20 UTC.
            ("1970-01-24 05:33:19", Some(1_999_999)),
            ("1970-01-24 05:33:20", Some(2_003_600)),
            ("1970-01-01 01:00 CCT", Some(0)),
            ("1970-01-01 01:00 XYZ", None),
        ] {
            let found = parse(text, now, &Summer).map(|moment| moment.seconds);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_zone_may_stand_before_all() {
        assert_eq!(zone_before(r#" TZ="A/B" 10:00"#), Some(("A/B".to_owned(), " 10:00")));
        assert_eq!(zone_before(r#"TZ="a\"b" x"#), Some(("a\"b".to_owned(), " x")));
        assert_eq!(zone_before(r#"TZ="A"#), None);
        assert_eq!(zone_before("10:00"), None);
    }
}
