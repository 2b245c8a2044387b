//! Text that the shell and the programs of a cell read and write alike: shell patterns, numbers in
//! `printf`'s formats, times in `strftime`'s and as people write them, JSON; and bytes as text.

mod calendar;
pub mod escape;
mod json;
mod number;
mod pattern;
mod time;
mod when;
mod zone;

pub use calendar::{civil_day, day_of, year_of};
pub use json::quoted as json;
pub use number::float;
pub use pattern::{Pattern, escape as escape_pattern};
pub use time::{strftime, strftime_extended};
pub use when::{at_local, parse as when, zone_before};
pub use zone::{Moment, Utc, Zone};

/// Whether a shell pattern matches all of a name.
pub fn wild(pattern: &str, name: &str) -> bool {
    Pattern::new(pattern, false, false).matches(name)
}
