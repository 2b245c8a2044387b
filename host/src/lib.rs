//! Toolcell runs an agent's tools in WebAssembly cells.
//!
//! A [`Runtime`] holds the engine and the tools; a [`Cell`] is one execution with its four
//! directories, its session and its journal; [`Cell::call`] takes a [`ToolCall`] and gives a
//! [`ToolResult`].
//!
//! ```no_run
//! use serde_json::json;
//! use toolcell::{CellOptions, Runtime, RuntimeOptions, ToolCall};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! let runtime = Runtime::new(RuntimeOptions::new("/var/cache/my-agent/toolcell"))?;
//! let cell = runtime.open_cell(CellOptions::new("/var/lib/my-agent/run-1"))?;
//! let path = "/home/agent/workspace/notes.md";
//! let input = json!({ "file_path": path, "content": "remember the milk\n" });
//! let result = cell.call(ToolCall::new("1", "Write", input)).await;
//! assert!(!result.is_error(), "{}", result.text());
//! # Ok(())
//! # }
//! ```
//!
//! One call goes through these modules, in this order: [`wire`], [`dispatch`](crate::Cell::call),
//! [`schema`], [`policy`], [`runtime`], [`vfs`], [`journal`], [`profile`].

mod adapt;
pub mod ambient;
mod bash;
pub mod call;
mod cell;
pub mod clock;
mod dispatch;
mod door;
mod embed;
pub mod environment;
mod error;
pub mod execution;
mod failure;
pub mod journal;
mod jsonl;
mod kept;
mod mime;
mod notice;
pub mod path;
pub mod persist;
pub mod policy;
pub mod process;
pub mod profile;
mod programs;
mod registry;
pub mod runtime;
pub mod schema;
pub mod server;
pub mod session;
mod upload;
pub mod vfs;
pub mod wire;

pub use bash::{Interrupt, MAX_TASK_EVENTS, Shell, TaskEvent};
pub use call::{Content, ToolCall, ToolResult, Usage};
pub use cell::{Cell, CellOptions, DEFAULT_CALL_LIMIT, HOME, RegionOption};
pub use door::{Door, Incoming, OpenFile, Received};
pub use embed::{OnError, Runtime, RuntimeOptions};
pub use environment::Environment;
pub use error::Error;
pub use failure::Failure;
pub use notice::{MAX_FILE_EVENTS, NewFile};
pub use programs::CustomProgram;
pub use registry::{CustomTool, OnCompile, Tool};
pub use upload::{Discard, FileUploader, MAX_FILES_PER_UPLOAD, OutgoingFile};
