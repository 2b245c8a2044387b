//! Days of the Gregorian calendar, counted from the first of January 1970.

use crate::zone::{Moment, Zone};

pub(crate) const DAY: i64 = 86_400;

/// Year, month (from 1) and day (from 1) of a day.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
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

/// The day of a date. A month of any number counts on from January of the year, and a day of any
/// number from the first of the month.
pub fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1);
    // By the rule that the year begins in March, so that the leap day is its last.
    let (year, shifted) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * shifted + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
        + day
        - 1
}

/// The day of a date that there is; none of the 30th of February.
pub fn civil_day(year: i64, month: i64, day: i64) -> Option<i64> {
    let days = day_of(year, month, day);
    (civil(days) == (year, month, day)).then_some(days)
}

/// The year at a point in time in a zone.
pub fn year_of(moment: Moment, zone: &dyn Zone) -> i64 {
    let local = moment.seconds.saturating_add(zone.at(moment.seconds).0);
    civil(local.div_euclid(DAY)).0
}

/// The day of the week, from 0 for Sunday.
pub(crate) fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}
