//! Running WebAssembly components: one engine, compiled code kept, each instance fresh and walled.
//!
//! 1. [`engine`] decides every setting of wasmtime, in one place.
//! 2. [`cache`] compiles a component once and loads it from then on.
//! 3. [`linker`] lists everything a guest can import. What is not there does not exist.
//! 4. [`state`] is what one instance has of the host. [`limits`] are its walls.
//! 5. [`instance`] runs a tool's call or a program's `main`, and says how it ended.
//! 6. [`helpers`] are more instances for a call that has much to look at.
//! 7. [`kernel`] starts processes, [`process`] is what the shell asks of it; [`child`] says where
//!    one runs, [`meter`] what it used.
//! 8. [`stdio`] are a program's standard streams. [`ticker`] is the clock that interrupts.
//!
//! Nothing here knows what a tool does, or what JSON is.

mod cache;
mod child;
mod engine;
mod files;
mod helpers;
mod instance;
mod kernel;
mod limits;
mod linker;
mod meter;
mod process;
mod state;
mod stdio;
mod ticker;

pub use cache::{CacheState, CodeCache, LoadError};
pub use engine::{EngineError, EngineOptions, VERSION, features};
pub use helpers::{MAX_HELPERS, Team};
pub use instance::{
    Ended, Exit, Measured, Program, ProgramRun, ToolPre, ToolRun, run_program, run_tool,
};
pub use kernel::{FindProgram, Kernel, SessionShell, Spawn};
pub use limits::{
    DEFAULT_MEMORY_BYTES, MAX_HANDLES, MAX_HOST_CALL_BYTES, MAX_OUTPUT_BYTES, MAX_STACK_BYTES,
    MAX_TABLE_ELEMENTS,
};
pub use linker::linker;
pub use state::State;
pub use ticker::TICK;

pub use engine::Engine;
pub(crate) use linker::bindings;
