//! Time zones by name, from the database that is built in, and the one of a program's environment.

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use toolcell_text::{Moment, Zone, zone_before};

/// A zone in which times are shown and read.
pub struct Local {
    zone: TimeZone,
    /// What it is called, where the database does not know.
    name: Option<String>,
}

impl Local {
    /// UTC.
    pub const fn utc() -> Self {
        Self { zone: TimeZone::UTC, name: None }
    }

    /// A zone of the database, or one by POSIX's rules (`EST5EDT,M3.2.0,M11.1.0`). As with the C
    /// library, what is neither is UTC by that name.
    pub fn named(name: &str) -> Self {
        let name = name.strip_prefix(':').unwrap_or(name);
        if let "" | "UTC" | "UTC0" = name {
            // What most name, without the database.
            return Self::utc();
        }
        if let Ok(zone) = TimeZone::get(name).or_else(|_| TimeZone::posix(name)) {
            return Self { zone, name: None };
        }
        let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = (letters >= 3).then(|| name[..letters].to_owned());
        Self { zone: TimeZone::UTC, name }
    }
}

impl Zone for Local {
    fn at(&self, seconds: i64) -> (i64, String) {
        // Beyond the years that the library knows, it is as at their ends.
        let ends = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let timestamp = Timestamp::from_second(seconds.clamp(ends.0, ends.1)).unwrap_or_default();
        let info = self.zone.to_offset_info(timestamp);
        let called = self.name.clone().unwrap_or_else(|| info.abbreviation().to_owned());
        (i64::from(info.offset().seconds()), called)
    }
}

/// The zone that `TZ` named when this program first asked, and UTC without it.
pub fn local() -> &'static Local {
    static LOCAL: OnceLock<Local> = OnceLock::new();
    LOCAL.get_or_init(|| {
        std::env::var("TZ").map_or_else(|_| Local::utc(), |name| Local::named(&name))
    })
}

/// Seconds since 1970 in the local zone, as the C library writes them.
pub fn strftime(format: &str, seconds: i64) -> String {
    toolcell_text::strftime(format, seconds, local())
}

/// Nanoseconds since 1970 in the local zone, as `date` and `ls` write them.
pub fn strftime_extended(format: &str, nanos: u64) -> String {
    let moment = Moment::of_nanos(nanos.into());
    toolcell_text::strftime_extended(format, moment, local())
}

/// A point in time as people write it, in local time of a zone, or with `TZ="ZONE"` before it of
/// another; `now` is where what is relative begins.
pub fn when(text: &str, now: Moment, zone: &Local) -> Option<Moment> {
    match zone_before(text) {
        Some((name, rest)) => toolcell_text::when(rest, now, &Local::named(&name)),
        None => toolcell_text::when(text, now, zone),
    }
}
