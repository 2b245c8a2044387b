//! The CPU time of a process: exact, also where it moves between threads, and where one is polled
//! inside the poll of another.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::ambient::thread_cpu_ns;
use crate::process::Control;

thread_local! {
    /// The innermost poll on this thread: when it began, by the thread's CPU clock, and what other
    /// processes used inside it.
    static POLL: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Adds the time of every poll to a process's, without that of processes polled within.
pub(super) struct Metered<'a, F> {
    future: Pin<Box<F>>,
    control: &'a Control,
}

impl<'a, F: Future> Metered<'a, F> {
    pub(super) fn new(future: F, control: &'a Control) -> Metered<'a, F> {
        Metered { future: Box::pin(future), control }
    }
}

impl<F: Future> Future for Metered<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let began = thread_cpu_ns();
        let (outer_began, outer_inside) = POLL.replace((began, 0));
        let result = self.future.as_mut().poll(context);
        let total = thread_cpu_ns().saturating_sub(began);
        let (_, inside) = POLL.replace((outer_began, outer_inside + total));
        self.control.add_cpu(Duration::from_nanos(total.saturating_sub(inside)));
        result
    }
}

/// CPU time of the process that is being polled, up to now.
pub(super) fn cpu_so_far(control: &Control) -> Duration {
    let (began, inside) = POLL.get();
    let poll = thread_cpu_ns().saturating_sub(began).saturating_sub(inside);
    control.cpu() + Duration::from_nanos(poll)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin(nanos: u64) {
        let began = thread_cpu_ns();
        while thread_cpu_ns() - began < nanos {}
    }

    #[tokio::test]
    async fn what_is_polled_within_is_not_counted_twice() {
        let (outer, inner) = (Control::unlimited(), Control::unlimited());
        let began = thread_cpu_ns();
        let parent = async {
            Metered::new(async { spin(3_000_000) }, &inner).await;
            spin(1_000_000);
            assert!(cpu_so_far(&outer) >= Duration::from_millis(1));
        };
        Metered::new(parent, &outer).await;
        let total = Duration::from_nanos(thread_cpu_ns() - began);
        assert!(inner.cpu() >= Duration::from_millis(3));
        assert!(outer.cpu() >= Duration::from_millis(1));
        assert!(outer.cpu() + inner.cpu() <= total);
    }
}
