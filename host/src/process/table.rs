//! Who runs, whose child it is, and how it ended.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::control::Control;
use super::lock::Locks;
use crate::policy::Denied;

/// Processes that one cell may have at once. Against a fork bomb; at the limit a spawn fails at
/// once, because a shell that waited for a place could wait for itself.
pub const MAX_PROCESSES: usize = 100;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Status(u8),
    /// By this signal.
    Signal(u8),
}

impl Exit {
    /// The status as a shell shows it.
    pub fn status(self) -> u8 {
        match self {
            Exit::Status(status) => status,
            Exit::Signal(signal) => 128 | signal,
        }
    }
}

/// What becomes of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The process ends, if that is the signal's default.
    Default,
    /// Nothing.
    Ignore,
    /// It is kept until the process asks.
    Keep,
}

/// The table is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cell has at most {MAX_PROCESSES} processes")]
pub struct Refused;

/// What a shell leaves for the next one of its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftState {
    /// What it knew, in its own form.
    pub state: Vec<u8>,
    /// Whether it was told to exit.
    pub exited: bool,
}

/// One process.
#[derive(Debug)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its parent's number; 0 if the host started it.
    pub parent: u32,
    /// The process that the host started and that it descends from.
    pub group: u32,
    /// Its arguments, the name it goes by first.
    pub argv: Vec<String>,
    /// How it is ended.
    pub control: Arc<Control>,
    exit: watch::Sender<Option<Exit>>,
    signals: Mutex<Signals>,
    children_cpu_ns: AtomicU64,
    left_cwd: Mutex<Option<String>>,
    left_state: Mutex<Option<LeftState>>,
    /// What its whole group used.
    pub shared: Arc<Shared>,
}

/// What a group of processes used, and what policy refused it last.
#[derive(Debug, Default)]
pub struct Shared {
    cpu_ns: AtomicU64,
    memory_peak: AtomicUsize,
    memory: AtomicUsize,
    denied: Mutex<Option<Denied>>,
    closed: AtomicBool,
    out_of_memory: AtomicBool,
}

impl Shared {
    /// Notes that a process was refused memory.
    pub(crate) fn note_memory_refused(&self) {
        self.out_of_memory.store(true, Ordering::Relaxed);
    }

    /// Whether a process was refused memory.
    pub fn memory_refused(&self) -> bool {
        self.out_of_memory.load(Ordering::Relaxed)
    }

    /// Charges memory of a process to the group; false if all of them together then had more than
    /// `limit`.
    pub(crate) fn take_memory(&self, bytes: usize, limit: usize) -> bool {
        let take = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
        self.memory.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok_and(|used| {
            self.memory_peak.fetch_max(used + bytes, Ordering::Relaxed);
            true
        })
    }

    /// Gives it back when the process has ended.
    pub(crate) fn give_memory(&self, bytes: usize) {
        self.memory.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Lets no process of the group start another. Without it, a fork bomb is faster than whoever
    /// ends its processes one by one.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Adds what one process used.
    pub(crate) fn add(&self, cpu: Duration, denied: Option<Denied>) {
        let nanos = u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX);
        self.cpu_ns.fetch_add(nanos, Ordering::Relaxed);
        if denied.is_some() {
            *self.denied.lock() = denied;
        }
    }

    /// CPU time of the processes that have ended.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_ns.load(Ordering::Relaxed))
    }

    /// The most memory that they held together, in bytes.
    pub fn memory_peak(&self) -> usize {
        self.memory_peak.load(Ordering::Relaxed)
    }

    /// The latest refusal.
    pub fn denied(&self) -> Option<Denied> {
        self.denied.lock().clone()
    }
}

#[derive(Debug, Default)]
struct Signals {
    dispositions: HashMap<u8, Disposition>,
    pending: Vec<u8>,
}

/// Signals that cannot be handled or ignored: KILL, STOP.
const FORCED: [u8; 2] = [9, 19];

/// Signals whose default is nothing: CHLD, CONT, URG, WINCH, and those that stop, for there is no
/// terminal to go on from.
const HARMLESS: [u8; 7] = [17, 18, 20, 21, 22, 23, 28];

impl Process {
    /// How it ended; `None` while it runs.
    pub fn exited(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for its end.
    pub async fn wait(&self) -> Exit {
        let mut exits = self.exit.subscribe();
        let exit = exits.wait_for(Option::is_some).await.map(|exit| *exit);
        exit.ok().flatten().unwrap_or(Exit::Signal(9))
    }

    /// Delivers a signal; 0 is none.
    pub fn signal(&self, signal: u8) {
        let forced = FORCED.contains(&signal);
        let mut signals = self.signals.lock();
        let how = signals.dispositions.get(&signal).copied().unwrap_or(Disposition::Default);
        match how {
            Disposition::Keep if !forced => {
                if !signals.pending.contains(&signal) {
                    signals.pending.push(signal);
                }
                drop(signals);
                self.control.interrupt.notify_one();
            }
            Disposition::Ignore if !forced => {}
            _ if signal == 0 || HARMLESS.contains(&signal) => {}
            _ => self.control.kill(signal),
        }
    }

    /// Says what becomes of a signal.
    pub fn handle(&self, signal: u8, how: Disposition) {
        self.signals.lock().dispositions.insert(signal, how);
    }

    /// Signals that are ignored; a child ignores them too.
    fn ignored(&self) -> HashMap<u8, Disposition> {
        let signals = self.signals.lock();
        let ignored = signals.dispositions.iter().filter(|(_, how)| **how == Disposition::Ignore);
        ignored.map(|(signal, how)| (*signal, *how)).collect()
    }

    /// Whether kept signals have come in.
    pub fn has_pending(&self) -> bool {
        !self.signals.lock().pending.is_empty()
    }

    /// The kept signals that have come in.
    pub fn take_pending(&self) -> Vec<u8> {
        std::mem::take(&mut self.signals.lock().pending)
    }

    /// Notes the working directory in which a shell has ended up.
    pub fn leave_cwd(&self, path: String) {
        *self.left_cwd.lock() = Some(path);
    }

    /// Where a shell has ended up.
    pub fn left_cwd(&self) -> Option<String> {
        self.left_cwd.lock().clone()
    }

    /// Keeps what a shell knows for the session's next one; one call to the host cannot bring more
    /// than `MAX_HOST_CALL_BYTES`.
    pub fn leave_state(&self, state: LeftState) {
        *self.left_state.lock() = Some(state);
    }

    /// What a shell left for the next one.
    pub fn take_left_state(&self) -> Option<LeftState> {
        self.left_state.lock().take()
    }

    /// CPU time of the children it waited for.
    pub fn children_cpu(&self) -> Duration {
        Duration::from_nanos(self.children_cpu_ns.load(Ordering::Relaxed))
    }

    /// Adds the time of a child that was waited for.
    pub fn add_child(&self, child: &Process) {
        let cpu = child.control.cpu() + child.children_cpu();
        let nanos = u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX);
        self.children_cpu_ns.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// The processes of a cell.
#[derive(Debug)]
pub struct ProcessTable {
    live: Mutex<BTreeMap<u32, Arc<Process>>>,
    next: AtomicU32,
    locks: Arc<Locks>,
}

impl Default for ProcessTable {
    fn default() -> ProcessTable {
        ProcessTable { live: Mutex::default(), next: AtomicU32::new(100), locks: Arc::default() }
    }
}

impl ProcessTable {
    /// The locks that its processes hold.
    pub fn locks(&self) -> &Arc<Locks> {
        &self.locks
    }

    /// Makes the entry of a process that is about to run.
    ///
    /// # Errors
    /// When there are as many as there may be.
    pub fn start(
        &self,
        parent: Option<&Process>,
        argv: Vec<String>,
        control: Arc<Control>,
    ) -> Result<Arc<Process>, Refused> {
        let mut live = self.live.lock();
        let closed = parent.is_some_and(|parent| parent.shared.closed.load(Ordering::Acquire));
        if closed || live.len() >= MAX_PROCESSES {
            return Err(Refused);
        }
        let pid = self.next.fetch_add(1, Ordering::Relaxed);
        let signals = Signals {
            dispositions: parent.map(Process::ignored).unwrap_or_default(),
            pending: Vec::new(),
        };
        let process = Arc::new(Process {
            pid,
            parent: parent.map_or(0, |parent| parent.pid),
            group: parent.map_or(pid, |parent| parent.group),
            argv,
            control,
            exit: watch::Sender::new(None),
            signals: Mutex::new(signals),
            children_cpu_ns: AtomicU64::new(0),
            left_cwd: Mutex::new(None),
            left_state: Mutex::new(None),
            shared: parent.map(|parent| parent.shared.clone()).unwrap_or_default(),
        });
        live.insert(pid, process.clone());
        Ok(process)
    }

    /// Notes how a process ended, after everything it held is closed.
    pub fn end(&self, process: &Process, exit: Exit) {
        self.live.lock().remove(&process.pid);
        process.exit.send_replace(Some(exit));
    }

    /// The running process of this number.
    pub fn get(&self, pid: u32) -> Option<Arc<Process>> {
        self.live.lock().get(&pid).cloned()
    }

    /// All that run, by number.
    pub fn list(&self) -> Vec<Arc<Process>> {
        self.live.lock().values().cloned().collect()
    }

    /// All that run and descend from the process of this number, itself included.
    pub fn group(&self, group: u32) -> Vec<Arc<Process>> {
        let mut all = self.list();
        all.retain(|process| process.group == group);
        all
    }
}
