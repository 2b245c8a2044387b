//! The `helpers` interface: more instances of the tool that a call runs in.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

use super::bindings::toolcell::tool::helpers as wit;
use super::engine::Engine;
use super::instance::{Ended, ToolPre, ToolRun, run_tool};
use super::state::State;
use crate::process::Control;
use crate::vfs::Mediator;

/// Helpers of one call at most. Against a call that takes a large machine for itself.
pub const MAX_HELPERS: usize = 3;

/// Pieces of work that wait at most. Against a tool that puts more in than anybody takes out.
const MAX_PIECES: usize = 64;

/// Bytes of those, but for the first.
const MAX_PIECE_BYTES: usize = 1 << 20;

/// One of those who work at a call: the instance that it runs in, or a helper.
pub struct Team {
    queue: Arc<Queue>,
    /// What a call starts helpers with; a helper has none.
    lead: Option<Lead>,
}

struct Lead {
    engine: Engine,
    tool: ToolPre,
    slots: Arc<Semaphore>,
    helpers: Vec<Helper>,
}

/// A helper that runs. Dropped, it is told to end.
struct Helper {
    control: Arc<Control>,
    run: JoinHandle<ToolRun>,
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.control.cancel();
    }
}

impl Team {
    /// For a call that has no helpers yet. Those that it starts run `tool` and have what its own
    /// state has; each takes a place of `slots`, and there is none where no place is free.
    pub fn new(engine: &Engine, tool: &ToolPre, slots: &Arc<Semaphore>) -> Team {
        let (engine, tool, slots) = (engine.clone(), tool.clone(), slots.clone());
        let lead = Lead { engine, tool, slots, helpers: Vec::new() };
        Team { queue: Arc::default(), lead: Some(lead) }
    }
}

impl std::fmt::Debug for Team {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Team").field("leads", &self.lead.is_some()).finish_non_exhaustive()
    }
}

/// Work to do.
#[derive(Default)]
struct Queue {
    pieces: Mutex<Pieces>,
    changed: Notify,
}

#[derive(Default)]
struct Pieces {
    waiting: VecDeque<String>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    fn offer(&self, piece: String) -> bool {
        let mut pieces = self.pieces.lock();
        let fits = pieces.waiting.is_empty()
            || pieces.waiting.len() < MAX_PIECES && pieces.bytes + piece.len() <= MAX_PIECE_BYTES;
        if fits && !pieces.closed {
            pieces.bytes += piece.len();
            pieces.waiting.push_back(piece);
            self.changed.notify_one();
            return true;
        }
        false
    }

    /// The foremost piece, and whether no more will come.
    fn try_take(&self) -> (Option<String>, bool) {
        let mut pieces = self.pieces.lock();
        let piece = pieces.waiting.pop_front();
        pieces.bytes -= piece.as_ref().map_or(0, String::len);
        (piece, pieces.closed)
    }

    async fn take(&self) -> Option<String> {
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on, what is offered or closed is noticed.
            changed.as_mut().enable();
            match self.try_take() {
                (None, false) => changed.await,
                (piece, _) => return piece,
            }
        }
    }

    fn close(&self) {
        self.pieces.lock().closed = true;
        self.changed.notify_waiters();
    }
}

/// Helpers that this machine has processors for, beside the one that a call runs on.
fn wanted() -> usize {
    let runtime = Handle::current();
    if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
        return 0;
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    processors.min(runtime.metrics().num_workers()).saturating_sub(1).min(MAX_HELPERS)
}

impl wit::Host for State {
    fn start(&mut self, name: String, input: String) -> wasmtime::Result<u32> {
        let Some(Team { queue, lead: Some(lead) }) = &mut self.team else { return Ok(0) };
        if !lead.helpers.is_empty() {
            return Ok(0);
        }
        for _ in 0..wanted() {
            let Ok(slot) = lead.slots.clone().try_acquire_owned() else { break };
            let control = self.control.beside();
            let state = State::new(
                Mediator::clone(self.fs.mediator()),
                self.session.clone(),
                control.clone(),
                self.limits.memory_limit(),
                &[],
                &[],
            );
            let state = state.in_team(Team { queue: queue.clone(), lead: None });
            let (engine, tool) = (lead.engine.clone(), lead.tool.clone());
            let (name, input) = (name.clone(), input.clone());
            let run = tokio::spawn(async move {
                let result = run_tool(&engine, &tool, state, Some((&name, &input))).await;
                drop(slot);
                result
            });
            lead.helpers.push(Helper { control, run });
        }
        Ok(u32::try_from(lead.helpers.len()).unwrap_or(u32::MAX))
    }

    fn offer(&mut self, piece: String) -> wasmtime::Result<bool> {
        Ok(self.team.as_ref().is_some_and(|team| team.queue.offer(piece)))
    }

    async fn take(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(match &self.team {
            Some(Team { queue, lead: None }) => queue.take().await,
            Some(Team { queue, lead: Some(_) }) => queue.try_take().0,
            None => None,
        })
    }

    fn close(&mut self) -> wasmtime::Result<()> {
        if let Some(team) = &self.team {
            team.queue.close();
        }
        Ok(())
    }

    async fn finish(&mut self) -> wasmtime::Result<Vec<String>> {
        let Some(Team { queue, lead: Some(lead) }) = &mut self.team else { return Ok(Vec::new()) };
        queue.close();
        let mut returned = Vec::new();
        for helper in &mut lead.helpers {
            let (result, measured) = (&mut helper.run)
                .await
                .map_err(|_| Ended::Host("a helper's task broke off".to_owned()))?;
            self.control.add_cpu(measured.cpu);
            self.limits.memory_peak += measured.memory_bytes;
            let outcome = result?.map_err(|failure| Ended::Trap(failure.message))?;
            returned.push(outcome.structured);
        }
        Ok(returned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_out_as_they_went_in_and_there_are_only_so_many() {
        let queue = Queue::default();
        assert_eq!(queue.try_take(), (None, false));
        for number in 0..MAX_PIECES {
            assert!(queue.offer(number.to_string()));
        }

        assert!(!queue.offer("more".to_owned()));

        assert_eq!(queue.try_take().0.as_deref(), Some("0"));
        assert!(queue.offer("64".to_owned()));
        queue.close();
        assert!(!queue.offer("late".to_owned()));
        for number in 1..=MAX_PIECES {
            assert_eq!(queue.try_take(), (Some(number.to_string()), true));
        }
        assert_eq!(queue.try_take(), (None, true));
    }

    #[test]
    fn bytes_are_limited_but_one_piece_always_fits() {
        let queue = Queue::default();
        let large = "x".repeat(MAX_PIECE_BYTES);
        assert!(queue.offer(large.clone()));
        assert!(!queue.offer("y".to_owned()));
        assert_eq!(queue.try_take().0, Some(large));
        assert!(queue.offer("y".to_owned()));
    }

    #[tokio::test]
    async fn a_helper_waits_for_work_until_there_will_be_none() {
        let queue = Arc::new(Queue::default());
        let helper = tokio::spawn({
            let queue = queue.clone();
            async move {
                let mut taken = Vec::new();
                while let Some(piece) = queue.take().await {
                    taken.push(piece);
                }
                taken
            }
        });
        queue.offer("a".to_owned());
        tokio::task::yield_now().await;
        queue.offer("b".to_owned());
        queue.close();
        assert_eq!(helper.await.unwrap(), ["a", "b"]);
    }
}
