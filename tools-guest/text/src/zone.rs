//! Points in time, and the zones in which they are shown.

use std::time::{SystemTime, UNIX_EPOCH};

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Whole seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds on from there, below 1,000,000,000.
    pub nanos: u32,
}

impl Moment {
    /// So many nanoseconds after the beginning of 1970.
    pub fn of_nanos(nanos: u128) -> Self {
        let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
        Self { seconds, nanos: (nanos % 1_000_000_000) as u32 }
    }

    /// How many nanoseconds after the beginning of 1970; none if it was before.
    pub fn to_nanos(self) -> Option<u128> {
        let seconds = u128::try_from(self.seconds).ok()?;
        Some(seconds * 1_000_000_000 + u128::from(self.nanos))
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self::of_nanos(since.as_nanos()),
            Err(error) => {
                let before = error.duration();
                let seconds = -i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => Self { seconds, nanos: 0 },
                    nanos => Self { seconds: seconds - 1, nanos: 1_000_000_000 - nanos },
                }
            }
        }
    }
}

/// What clocks show somewhere.
pub trait Zone {
    /// How many seconds they are ahead of UTC, and what that is called, at a point in time in
    /// seconds since 1970.
    fn at(&self, seconds: i64) -> (i64, String);
}

/// The zone of a cell in which nobody sets another.
#[derive(Debug, Clone, Copy)]
pub struct Utc;

impl Zone for Utc {
    fn at(&self, _: i64) -> (i64, String) {
        (0, "UTC".to_owned())
    }
}
