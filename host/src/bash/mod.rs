//! The Bash tool: a command line, run by the cell's shell as a tree of processes.
//!
//! 1. [`describe`] says what the tools take. [`run`] starts the shell, waits, and ends the tree.
//! 2. [`spool`] keeps what is printed; [`shown`] makes of it what a model reads.
//! 3. [`tasks`] are the commands in the background, and the tools that look after them.

mod describe;
mod run;
mod shown;
mod spool;
mod tasks;

pub(crate) use describe::{HostTool, TOOLS};
pub(crate) use run::call;
pub(crate) use tasks::Tasks;
