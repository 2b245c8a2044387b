//! The clock that lets running guests be interrupted. It stands still while nothing runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a guest can run before the host looks at it again: its time slice, and the most by
/// which it can pass its deadline.
pub const TICK: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    running: AtomicUsize,
    stop: AtomicBool,
}

impl Ticker {
    pub(super) fn start(engine: &wasmtime::Engine) -> Ticker {
        let shared = Arc::new(Shared::default());
        let engine = engine.weak();
        let thread = std::thread::Builder::new().name("toolcell-ticker".to_owned()).spawn({
            let shared = shared.clone();
            move || {
                while !shared.stop.load(Ordering::Acquire) {
                    if shared.running.load(Ordering::Acquire) == 0 {
                        std::thread::park();
                        continue;
                    }
                    std::thread::sleep(TICK);
                    match engine.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                }
            }
        });
        // Without the thread no deadline would hold; nothing is let run then.
        Ticker { shared, thread: thread.ok() }
    }

    /// Keeps the clock going until the guard is dropped; `None` if there is no clock.
    pub(super) fn run(self: &Arc<Ticker>) -> Option<Running> {
        let thread = self.thread.as_ref()?;
        if self.shared.running.fetch_add(1, Ordering::AcqRel) == 0 {
            thread.thread().unpark();
        }
        Some(Running(self.clone()))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// A guest is running.
#[derive(Debug)]
pub(super) struct Running(Arc<Ticker>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.shared.running.fetch_sub(1, Ordering::AcqRel);
    }
}
