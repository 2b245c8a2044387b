//! Points in time, and the zones in which they are shown.

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Whole seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds on from there, below 1,000,000,000.
    pub nanos: u32,
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
