//! Processes of a cell: what they are to each other, and what flows between them.
//!
//! 1. [`control`] is how a running instance is watched and ended from outside.
//! 2. [`table`] knows who is whose child, and how each ended.
//! 3. [`fd`] is an open file description: a file with its offset, a pipe's end, a buffer.
//!    [`pipe`] is what flows, with a bound; [`stream`] shows a description as a WASI stream;
//!    [`lock`] is what keeps two processes from one file at a time, if they ask.
//!
//! Nothing here runs WebAssembly; the runtime does, and hands over how it ended.

mod control;
mod fd;
mod lock;
mod pipe;
mod stream;
mod table;

pub use control::Control;
pub use fd::{Fd, FdKind};
pub use lock::{LockMode, Locks};
pub use stream::Fds;
pub(crate) use stream::{BrokenPipe, OutputFull};
pub use table::{
    Disposition, Exit, LeftState, MAX_PROCESSES, Process, ProcessTable, Refused, Shared,
};
