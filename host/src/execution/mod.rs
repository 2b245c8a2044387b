//! Executions: runs of an agent, whose `shared/` outlives them.
//!
//! 1. [`home`] is where executions are kept, with the store. [`environments`] are kept there too,
//!    and in the store.
//! 2. [`start`] makes one: it restores `shared/` and puts staged files into `uploads/`.
//! 3. [`run`] is a live one: tool calls, pause and resume, and the end, which syncs `shared/`.
//! 4. [`record`] is what is known of one on the disk; [`activity`] is the log that clients read.
//! 5. [`staged`] are files that wait for an execution. [`shared`] is an agent's `shared/` between
//!    executions. [`recover`] makes good, at start, what a crash cut off. [`archive`] is what stays
//!    of one that is removed.
//!
//! # Files
//!
//! ```text
//! executions/<id>/execution.json   what is known of it
//! executions/<id>/activities.jsonl
//! executions/<id>/…                the cell's own files
//! live/<id>                        a mark for each that has not ended
//! ended/<id>                       a mark for each that has, and is not archived
//! staged/<id>, staged/<id>.json    a staged file, and what is known of it
//! environments/<id>/               an environment
//! store/                           the object store, unless it is elsewhere
//! ```

mod activity;
mod archive;
mod environments;
mod home;
mod record;
mod recover;
mod run;
mod shared;
mod staged;
mod start;

pub use activity::Activity;
pub(crate) use activity::file_id;
pub use archive::{Archived, FinalFile};
pub(crate) use environments::ABOUT;

pub use home::{Executions, ExecutionsOptions, StoreAddress};
pub use record::{Ending, ExecutionRecord, ExecutionResult, Saved, Status};
pub use recover::Recovered;
pub use run::Execution;
pub use shared::{NewContent, SharedFiles};
pub use staged::{MAX_STAGED_BYTES, Staged, StagedFile, Staging};
pub use start::{HostFile, StartRequest};

use crate::error::Error;
use crate::persist::PersistError;
use crate::vfs::Fault;

/// Why something about an execution could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutionError {
    /// There is none of this id.
    #[error("there is no execution {0}")]
    NotFound(String),
    /// There is one of this id already.
    #[error("there is an execution {0} already")]
    Exists(String),
    /// A name that none can have.
    #[error(
        "{0:?} is no name: use up to 64 letters, digits, dots, dashes and underscores, not \
         beginning with a dot"
    )]
    Name(String),
    /// It has ended.
    #[error("the execution {id} is {status}")]
    Ended {
        /// The execution.
        id: String,
        /// How it ended.
        status: Status,
    },
    /// Its status does not allow that.
    #[error("the execution {id} is {status}: it cannot be {wanted}")]
    Status {
        /// The execution.
        id: String,
        /// How it stands.
        status: Status,
        /// What was asked, such as `paused`.
        wanted: &'static str,
    },
    /// A staged file that is not there, or not any more.
    #[error("there is no staged file {0}; staged files expire")]
    Staged(String),
    /// More is staged than may be.
    #[error("more than {MAX_STAGED_BYTES} bytes are staged")]
    StagedFull,
    /// There is no shared file of this id.
    #[error("there is no shared file {0}")]
    SharedFile(String),
    /// A file could not be received or read.
    #[error("cannot {action} {path}")]
    File {
        /// What was being done.
        action: &'static str,
        /// The guest path, or the name.
        path: String,
        /// Why it failed.
        source: Fault,
    },
    /// The state directory.
    #[error("cannot {action} {what}")]
    State {
        /// What was being done.
        action: &'static str,
        /// The file or directory, below the state directory.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file of the state directory that is not what it must be.
    #[error("{what} is damaged: {reason}; restore it from a copy, or move its directory away")]
    Damaged {
        /// The file, below the state directory.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store, or what came from it.
    #[error(transparent)]
    Persist(#[from] PersistError),
    /// The cell.
    #[error(transparent)]
    Cell(#[from] Error),
}

impl ExecutionError {
    fn file(action: &'static str, path: &str, source: Fault) -> ExecutionError {
        ExecutionError::File { action, path: path.to_owned(), source }
    }

    fn state(
        action: &'static str,
        what: impl Into<String>,
    ) -> impl FnOnce(std::io::Error) -> ExecutionError {
        let what = what.into();
        move |source| ExecutionError::State { action, what, source }
    }
}
