//! The Bash tool: a command line, run by the cell's shell as a tree of processes.
//!
//! 1. [`describe`] says what the tools take. [`run`] starts the shell, waits, and ends the tree.
//! 2. [`spool`] keeps what is printed; [`shown`] makes of it what a model reads.
//! 3. [`seen`] is what a command means for what the session has read.
//! 4. [`interactive`] is the shell for a person.
//! 5. [`tasks`] are the commands in the background, and the tools that look after them.

mod describe;
mod interactive;
mod run;
mod seen;
mod shown;
mod spool;
mod tasks;

pub(crate) use describe::{HostTool, TOOLS};
pub use interactive::{Interrupt, Shell};
pub(crate) use run::call;
pub(crate) use tasks::Tasks;
pub use tasks::{MAX_TASK_EVENTS, TaskEvent};
