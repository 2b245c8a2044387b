//! What is asked and what is answered, as values. [`crate::wire`] has their JSON.

use std::time::Duration;

use serde_json::Value;

use crate::bash::TaskEvent;
use crate::failure::Failure;
use crate::notice::NewFile;
use crate::policy::Mutation;

/// What an agent asked for: a name and JSON, neither of them checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The caller's name for this call; it comes back with the result and stands in the journal.
    pub id: String,
    /// The tool's name.
    pub tool: String,
    /// The tool's input.
    pub input: Value,
}

impl ToolCall {
    /// A call of `tool` with this input.
    pub fn new(id: impl Into<String>, tool: impl Into<String>, input: Value) -> ToolCall {
        ToolCall { id: id.into(), tool: tool.into(), input }
    }
}

/// One piece of a result, for the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// An image that was decoded to prove it.
    Image {
        /// Such as `image/png`.
        media_type: String,
        /// The encoded image.
        data: Vec<u8>,
    },
}

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// From the call to its result.
    pub wall: Duration,
    /// CPU time of the guest, its calls to the host included.
    pub cpu: Duration,
    /// The most linear memory the guest held, in bytes.
    pub memory_bytes: usize,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// The call's id.
    pub id: String,
    /// The tool's name, as it was called.
    pub tool: String,
    /// What the model reads.
    pub content: Vec<Content>,
    /// The result as data, or what went wrong.
    pub outcome: Result<Value, Failure>,
    /// What was changed, in order; at most [`crate::policy::MAX_MUTATIONS_LISTED`].
    pub mutations: Vec<Mutation>,
    /// Changes beyond those listed.
    pub mutations_unlisted: u64,
    /// Background commands that ended since the last result.
    pub ended: Vec<TaskEvent>,
    /// Files that have appeared in `downloads/` and `uploads/` since the last result.
    pub new_files: Vec<NewFile>,
    /// What it used.
    pub usage: Usage,
}

impl ToolResult {
    /// Whether the call failed.
    pub fn is_error(&self) -> bool {
        self.outcome.is_err()
    }

    /// All text of the result.
    pub fn text(&self) -> String {
        let texts = self.content.iter().filter_map(|content| match content {
            Content::Text(text) => Some(text.as_str()),
            Content::Image { .. } => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}
