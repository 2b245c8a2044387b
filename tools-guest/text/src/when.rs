//! Points in time as people write them: `2024-05-01 12:30`, `@86400`, `2 days ago`.

const SECOND: u128 = 1_000_000_000;
const DAY: i64 = 86_400;

/// Nanoseconds since 1970 of a time in UTC; `now` is where what is relative begins. None if it is
/// neither.
pub fn parse(text: &str, now: u128) -> Option<u128> {
    let text = text.trim();
    let seconds_now = i64::try_from(now / SECOND).ok()?;
    let nanos = |seconds: i64| u128::try_from(seconds).ok().map(|seconds| seconds * SECOND);
    if let Some(seconds) = text.strip_prefix('@') {
        return nanos(seconds.parse().ok()?);
    }
    match text {
        "now" => return Some(now),
        "today" => return nanos(seconds_now),
        "yesterday" => return nanos(seconds_now - DAY),
        "tomorrow" => return nanos(seconds_now + DAY),
        _ => {}
    }
    if let Some(ago) = relative(text) {
        return nanos(seconds_now.checked_add(ago)?);
    }
    nanos(absolute(text)?)
}

/// `2 days ago`, `-3 hours`, `1 week`: in seconds.
fn relative(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace().peekable();
    let mut sum = 0i64;
    while let Some(word) = words.next() {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let (count, unit) = match (digits.parse::<i64>(), &word[digits.len()..]) {
            (Ok(count), "") => (count, words.next()?),
            (Ok(count), unit) => (count, unit),
            (Err(_), unit) => (1, unit),
        };
        let unit = match unit.strip_suffix('s').unwrap_or(unit) {
            "sec" | "second" => 1,
            "min" | "minute" => 60,
            "hour" => 3_600,
            "day" => DAY,
            "week" => 7 * DAY,
            "fortnight" => 14 * DAY,
            "month" => 30 * DAY,
            "year" => 365 * DAY,
            _ => return None,
        };
        let ago = words.next_if_eq(&"ago").map_or(1, |_| -1);
        sum = sum.checked_add(count.checked_mul(unit)?.checked_mul(ago)?)?;
    }
    Some(sum)
}

/// `2024-05-01`, with a time after a blank or a `T`, and a zone: `UTC` before or behind it, or how
/// far it is from there, as `+0200`.
fn absolute(text: &str) -> Option<i64> {
    let zones = ["UTC", "GMT", "Z"];
    let text = zones.iter().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text);
    let text = zones.iter().find_map(|zone| text.strip_prefix(zone)).unwrap_or(text).trim();
    let behind_the_date = text.get(10..).unwrap_or_default();
    let (text, offset) = match behind_the_date.rfind(['+', '-']) {
        Some(at) => (text[..10 + at].trim_end(), offset(&behind_the_date[at..])?),
        None => (text, 0),
    };
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "0:0"));
    let mut parts = date.splitn(3, ['-', '/']).map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1..=9999).contains(&year) {
        return None;
    }
    let mut parts = time.trim().splitn(3, ':');
    let (hour, minute) = (parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let second = parts.next().map_or(Some(0.0), |text| text.parse::<f64>().ok())?;
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..61.0).contains(&second) {
        return None;
    }
    // Days by the rule that the year begins in March, so that the leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days - 719_468) * DAY + hour * 3_600 + minute * 60 + second as i64 - offset)
}

/// `+0200`, `-05:30` or `+02` in seconds.
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = text.split_at(1);
    let digits = digits.replace(':', "");
    let (hours, minutes) = match (digits.len(), digits.parse::<i64>().ok()?) {
        (2, hours) => (hours, 0),
        (4, both) => (both / 100, both % 100),
        _ => return None,
    };
    let seconds = hours * 3_600 + minutes * 60;
    (hours <= 24 && minutes < 60).then_some(if sign == "-" { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let now = 1_000_000 * SECOND;
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1970-01-02 00:00:01", Some(86_401)),
            ("2000-02-29T12:30", Some(951_827_400)),
            ("2024-03-01", Some(1_709_251_200)),
            ("2024-12-31 23:59:59Z", Some(1_735_689_599)),
            ("UTC 1970-01-02", Some(86_400)),
            ("1970-01-02 00:00 GMT", Some(86_400)),
            ("1970-01-02 02:00:00.5 +0200", Some(86_400)),
            ("1970-01-01T18:30:00-05:30", Some(86_400)),
            ("1970-01-02 00:00 +1", None),
            ("@7", Some(7)),
            ("now", Some(1_000_000)),
            ("yesterday", Some(913_600)),
            ("2 days ago", Some(827_200)),
            ("-1 hour", Some(996_400)),
            ("1 hour 30 minutes ago", Some(1_001_800)),
            ("day ago", Some(913_600)),
            ("2024-13-01", None),
            ("soon", None),
            ("", Some(1_000_000)),
        ] {
            assert_eq!(parse(text, now), expected.map(|seconds| seconds * SECOND), "{text}");
        }
    }
}
