//! What an agent sees go wrong: a stable code, a sentence, a hint.

use serde_json::{Value, json};

use crate::policy::Denied;
use crate::runtime::Ended;

/// A call that did not do what was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Stable and machine-readable, such as `file_not_found`.
    pub code: String,
    /// What failed, on which path as given, and why.
    pub message: String,
    /// What to do next, where that is known.
    pub hint: Option<String>,
    /// More than the sentence can hold.
    pub details: Option<Value>,
}

impl Failure {
    /// A failure without hint or details.
    pub fn new(code: &str, message: impl Into<String>) -> Failure {
        Failure { code: code.to_owned(), message: message.into(), hint: None, details: None }
    }

    /// A guest that was ended.
    pub(crate) fn ended(tool: &str, ended: &Ended) -> Failure {
        let (code, hint) = match ended {
            Ended::Deadline { .. } => ("timed_out", Some("Ask for less at a time.")),
            Ended::Cancelled => ("cancelled", None),
            Ended::Memory { .. } => ("memory_limit", Some("Work on a smaller part of the file.")),
            Ended::Stack => ("stack_limit", None),
            Ended::Output => ("output_limit", None),
            Ended::Handles => ("descriptor_limit", None),
            Ended::Trap(_) => ("tool_crashed", None),
            Ended::Host(_) => ("internal_error", None),
        };
        let message = match ended {
            // The log has the rest; it may name things of the host.
            Ended::Host(_) => format!("{tool} could not be run."),
            ended => format!("{tool} was {ended}."),
        };
        Failure { hint: hint.map(str::to_owned), ..Failure::new(code, message) }
    }

    /// The same, with the reason that policy had for refusing the guest something.
    pub(crate) fn because(mut self, denied: &Denied) -> Failure {
        self.message.push_str(&format!(" The reason: {denied}."));
        let code = match denied {
            Denied::ReadOnly { .. } => "read_only_root",
            Denied::QuotaExceeded { .. } | Denied::TooManyEntries { .. } => "no_space_left",
            _ => "denied",
        };
        // A stream's failure reaches a guest as nothing better than this.
        if self.code == "io_error" {
            code.clone_into(&mut self.code);
        }
        self
    }

    /// The form that results carry.
    pub fn to_json(&self) -> Value {
        let mut value = json!({ "code": self.code, "message": self.message });
        if let Some(hint) = &self.hint {
            value["hint"] = hint.as_str().into();
        }
        if let Some(details) = &self.details {
            value["details"] = details.clone();
        }
        value
    }
}
