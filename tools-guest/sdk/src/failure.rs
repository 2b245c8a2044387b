//! What went wrong, for the agent: a stable code, one sentence, and a hint where there is one.

use std::io;

use serde_json::Value;

/// A failed call. Nothing has been changed unless the message says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Stable and machine-readable.
    pub code: &'static str,
    /// What failed, on which path as given, and why.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// More than the sentence can hold.
    pub details: Option<Value>,
}

impl Failure {
    /// A failure without hint or details.
    pub fn new(code: &'static str, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), hint: None, details: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// The same with details.
    #[must_use]
    pub fn details(mut self, details: Value) -> Failure {
        self.details = Some(details);
        self
    }

    /// What the operating system said of `action` on `path`, in the fixed vocabulary of rule X17.
    pub fn io(action: &str, path: &str, error: &io::Error) -> Failure {
        use io::ErrorKind as Kind;
        let (code, reason) = match error.kind() {
            Kind::NotFound => ("file_not_found", "no such file or directory"),
            Kind::NotADirectory => ("not_a_directory", "not a directory"),
            Kind::IsADirectory => ("target_is_directory", "is a directory"),
            Kind::PermissionDenied => ("permission_denied", "permission denied"),
            Kind::AlreadyExists => ("file_exists", "file already exists"),
            Kind::ReadOnlyFilesystem => ("read_only_root", "the region is read-only"),
            Kind::StorageFull | Kind::QuotaExceeded => ("no_space_left", "no space left"),
            _ if is_loop(error) => ("too_many_links", "too many levels of symbolic links"),
            _ => ("io_error", "input/output error"),
        };
        Failure::new(code, format!("Cannot {action} {path}: {reason}."))
    }
}

fn is_loop(error: &io::Error) -> bool {
    // ELOOP of WASI 0.2's C library, and of Linux.
    let number = if cfg!(target_arch = "wasm32") { 32 } else { 40 };
    error.raw_os_error() == Some(number)
}
