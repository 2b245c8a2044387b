//! What an embedder sees: a kind to match, and the source to follow.

use crate::journal::JournalError;
use crate::runtime::{EngineError, LoadError};

/// Something of the host's failed. What goes wrong inside a call is not an error but a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The WebAssembly engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A component.
    #[error("tool component {name}")]
    Component {
        /// The component's name.
        name: String,
        /// What is wrong with it.
        source: LoadError,
    },
    /// A component's description of itself.
    #[error("tool component {name} describes itself wrongly: {reason}")]
    Description {
        /// The component's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A directory.
    #[error("cannot open {what}")]
    Io {
        /// What was to be opened.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A name or setting that is not allowed.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Error {
        Error::Io { what: what.into(), source }
    }
}
