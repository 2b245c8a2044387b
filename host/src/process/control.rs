//! How a running instance is watched and ended from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// SIGKILL.
const KILL: u8 = 9;

/// Time of a process that has no deadline of its own. Whoever started it ends it.
const UNLIMITED: Duration = Duration::from_secs(24 * 60 * 60);

/// How a running instance is watched and ended from outside.
#[derive(Debug)]
pub struct Control {
    pub(crate) deadline: Instant,
    pub(crate) limit: Duration,
    /// The signal that ends it; 0 while there is none.
    killed: AtomicU8,
    pub(crate) wake: Notify,
    /// Told when a signal has come in that the process keeps: it ends a wait, not the process.
    pub(crate) interrupt: Notify,
    cpu_ns: AtomicU64,
}

impl Control {
    /// Lets the instance run for `limit` from now.
    pub fn new(limit: Duration) -> Arc<Control> {
        Control::until(Instant::now() + limit, limit)
    }

    fn until(deadline: Instant, limit: Duration) -> Arc<Control> {
        Arc::new(Control {
            deadline,
            limit,
            killed: AtomicU8::new(0),
            wake: Notify::new(),
            interrupt: Notify::new(),
            cpu_ns: AtomicU64::new(0),
        })
    }

    /// Lets the instance run until somebody ends it.
    pub fn unlimited() -> Arc<Control> {
        Control::new(UNLIMITED)
    }

    /// For another instance that has the same deadline.
    pub(crate) fn beside(&self) -> Arc<Control> {
        Control::until(self.deadline, self.limit)
    }

    /// Ends the instance: within a tick if it is computing, at once if it is waiting.
    pub fn cancel(&self) {
        self.kill(KILL);
    }

    /// The same, by this signal. The first one counts.
    pub fn kill(&self, signal: u8) {
        let _ = self.killed.compare_exchange(0, signal, Ordering::AcqRel, Ordering::Acquire);
        self.wake.notify_one();
    }

    /// The signal that ends it.
    pub(crate) fn killed(&self) -> Option<u8> {
        match self.killed.load(Ordering::Acquire) {
            0 => None,
            signal => Some(signal),
        }
    }

    pub(crate) fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Time left until the deadline.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Counts CPU time that was used by this instance, or by others for it.
    pub(crate) fn add_cpu(&self, used: Duration) {
        let nanos = u64::try_from(used.as_nanos()).unwrap_or(u64::MAX);
        self.cpu_ns.fetch_add(nanos, Ordering::Relaxed);
    }

    /// CPU time used so far.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_ns.load(Ordering::Relaxed))
    }
}
