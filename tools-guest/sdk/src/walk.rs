//! What the searching tools share: the clock that ends a search, and the directories that are
//! never searched.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::Session;

/// Directories of version control systems. They are not descended into unless they are named.
pub const VCS_DIRECTORIES: &[&str] = &[".git", ".hg", ".svn", ".bzr", ".jj", ".sl"];

/// A search's deadline, unless the cell says otherwise (GLOB-R9, GREP-R19).
const DEFAULT_SECONDS: u64 = 20;

/// Looks at the clock this often: reading it is a call to the host.
const STRIDE: u32 = 64;

/// Tells when a search has to end with what it has.
#[derive(Debug, Clone)]
pub struct Deadline {
    end: Instant,
    calls: Cell<u32>,
    passed: Cell<bool>,
}

impl Deadline {
    /// The deadline of a search that begins now: the setting `name` in seconds, and in any case
    /// before the call itself is ended.
    pub fn new(session: &dyn Session, name: &str) -> Deadline {
        let seconds = session.setting(name).and_then(|text| text.parse().ok());
        let own = Duration::from_secs(seconds.unwrap_or(DEFAULT_SECONDS));
        let call = Duration::from_millis(session.remaining_ms());
        Deadline::after(own.min(call))
    }

    /// The deadline of what has this much time from now on.
    pub fn after(left: Duration) -> Deadline {
        Deadline { end: Instant::now() + left, calls: Cell::new(0), passed: Cell::new(false) }
    }

    /// The time until it passes.
    pub fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed. Cheap to ask in a loop.
    pub fn passed(&self) -> bool {
        let calls = self.calls.get();
        self.calls.set(calls.wrapping_add(1));
        if calls.is_multiple_of(STRIDE) && Instant::now() >= self.end {
            self.passed.set(true);
        }
        self.passed.get()
    }
}
