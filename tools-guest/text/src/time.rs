//! Time as text, in UTC, which is the time zone of a cell.

/// `strftime` of seconds since 1970.
pub fn format(format: &str, seconds: i64) -> String {
    let format = if format.is_empty() { "%H:%M:%S" } else { format };
    let days = seconds.div_euclid(86_400);
    let second = seconds.rem_euclid(86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, sec) = (second / 3600, second / 60 % 60, second % 60);
    let weekday = (days + 4).rem_euclid(7) as usize;
    let year_day = days - days_from(year, 1, 1) + 1;
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
    let month_name = MONTHS[(month - 1) as usize];
    let monday = (weekday as i64 + 6) % 7;
    // ISO 8601: the week of a year is the one that holds its Thursday.
    let thursday = days - monday + 3;
    let (iso_year, ..) = civil(thursday);
    let iso_week = (thursday - days_from(iso_year, 1, 1)) / 7 + 1;
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let mut result = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            result.push(c);
            continue;
        }
        let mut letter = chars.next();
        let mut pad = None;
        if let Some(flag @ ('-' | '_' | '0' | 'E' | 'O')) = letter {
            pad = Some(flag);
            letter = chars.next();
        }
        let number = |value: i64, width: usize, fill: char| match (pad, fill) {
            (Some('-'), _) => value.to_string(),
            (Some('_'), _) | (None, ' ') => format!("{value:>width$}"),
            _ => format!("{value:0>width$}"),
        };
        let text = match letter {
            None => "%".to_owned(),
            Some('%') => "%".to_owned(),
            Some('n') => "\n".to_owned(),
            Some('t') => "\t".to_owned(),
            Some('Y') => year.to_string(),
            Some('C') => number(year.div_euclid(100), 2, '0'),
            Some('y') => number(year.rem_euclid(100), 2, '0'),
            Some('G') => iso_year.to_string(),
            Some('g') => number(iso_year.rem_euclid(100), 2, '0'),
            Some('m') => number(month, 2, '0'),
            Some('d') => number(day, 2, '0'),
            Some('e') => number(day, 2, ' '),
            Some('H') => number(hour, 2, '0'),
            Some('k') => number(hour, 2, ' '),
            Some('I') => number(twelve, 2, '0'),
            Some('l') => number(twelve, 2, ' '),
            Some('M') => number(minute, 2, '0'),
            Some('S') => number(sec, 2, '0'),
            Some('j') => number(year_day, 3, '0'),
            Some('u') => (monday + 1).to_string(),
            Some('w') => weekday.to_string(),
            Some('U') => number((year_day + 6 - weekday as i64) / 7, 2, '0'),
            Some('W') => number((year_day + 6 - monday) / 7, 2, '0'),
            Some('V') => number(iso_week, 2, '0'),
            Some('s') => seconds.to_string(),
            Some('p') => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            Some('P') => if hour < 12 { "am" } else { "pm" }.to_owned(),
            Some('A') => DAYS[weekday].to_owned(),
            Some('a') => DAYS[weekday][..3].to_owned(),
            Some('B') => month_name.to_owned(),
            Some('b' | 'h') => month_name[..3].to_owned(),
            Some('Z') => "UTC".to_owned(),
            Some('z') => "+0000".to_owned(),
            Some('F') => format!("{year}-{month:02}-{day:02}"),
            Some('T' | 'X') => format!("{hour:02}:{minute:02}:{sec:02}"),
            Some('R') => format!("{hour:02}:{minute:02}"),
            Some('r') => {
                format!("{twelve:02}:{minute:02}:{sec:02} {}", if hour < 12 { "AM" } else { "PM" })
            }
            Some('D' | 'x') => format!("{month:02}/{day:02}/{:02}", year.rem_euclid(100)),
            Some('c') => format!(
                "{} {} {day:>2} {hour:02}:{minute:02}:{sec:02} {year}",
                &DAYS[weekday][..3],
                &month_name[..3]
            ),
            Some(other) => format!("%{other}"),
        };
        result.push_str(&text);
    }
    result
}

/// Year, month and day of a day since 1970, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day since 1970 of a date.
fn days_from(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_as_date_does() {
        assert_eq!(format("%F %T %a %j %V", 1_000_000_000), "2001-09-09 01:46:40 Sun 252 36");
        assert_eq!(format("%-d|%e|%I%p", 0), "1| 1|12AM");
        assert_eq!(format("%s", -1), "-1");
    }
}
