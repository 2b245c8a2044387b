//! Time zones by name, from the database that is built in.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use toolcell_text::Zone;

/// The zone in which times are shown and read.
pub(super) struct Local {
    zone: TimeZone,
    /// What it is called, where the database does not know.
    name: Option<String>,
}

impl Local {
    pub(super) fn utc() -> Self {
        Self { zone: TimeZone::UTC, name: None }
    }

    /// That of `TZ`, and UTC without it.
    pub(super) fn of_environment() -> Self {
        std::env::var("TZ").map_or_else(|_| Self::utc(), |name| Self::named(&name))
    }

    /// A zone of the database, or one by POSIX's rules (`EST5EDT,M3.2.0,M11.1.0`). As with the C
    /// library, what is neither is UTC by that name.
    pub(super) fn named(name: &str) -> Self {
        let name = name.strip_prefix(':').unwrap_or(name);
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
