//! Where a child runs: within its parent's poll while the parent does nothing but wait for it, else
//! in a task of its own.
//!
//! Most children are waited for at once. A task for each would be two switches a child, and for
//! every second one the scheduler wakes another thread to look for work that is then gone.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::runtime::Handle;

/// A process that has not come to its end. Whoever holds it polls it; dropped, it goes on in a
/// task of its own.
pub(super) struct Child {
    pid: u32,
    run: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Child {
    pub(super) fn new(pid: u32, run: impl Future<Output = ()> + Send + 'static) -> Child {
        Child { pid, run: Some(Box::pin(run)) }
    }

    /// Lets it run by itself.
    pub(super) fn detach(self) {}
}

impl Future for Child {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(run) = &mut self.run else { return Poll::Ready(()) };
        let ended = run.as_mut().poll(context);
        if ended.is_ready() {
            self.run = None;
        }
        ended
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Without a runtime nothing runs any more: the process ends here.
        if let (Some(run), Ok(runtime)) = (self.run.take(), Handle::try_current()) {
            runtime.spawn(run);
        }
    }
}

/// The child that a process started last, as long as it may still turn out to be waited for. It
/// stays here no longer than the process's own poll, which is a tick at most.
#[derive(Clone, Default)]
pub(super) struct Latest(Arc<Mutex<Option<Child>>>);

impl Latest {
    /// Keeps this one; the one before goes its own way.
    pub(super) fn keep(&self, child: Child) {
        let before = self.0.lock().replace(child);
        drop(before);
    }

    /// The child, to be polled by whoever waits for what it does.
    pub(super) fn take(&self) -> Option<Child> {
        self.0.lock().take()
    }

    /// The child, if it is this one. Another one goes its own way.
    pub(super) fn take_if(&self, pid: u32) -> Option<Child> {
        self.take().filter(|child| child.pid == pid)
    }

    /// Lets the child run by itself.
    pub(super) fn release(&self) {
        drop(self.take());
    }
}
