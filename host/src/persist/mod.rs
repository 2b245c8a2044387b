//! What outlives an execution: the versions of agents' `shared/` and of environments.
//!
//! 1. [`store`] is an object store (a directory, S3, GCS, Azure) with limits on each request.
//! 2. [`blobs`] keeps the content of files under its BLAKE3, and checks it when it comes back.
//! 3. [`manifest`] says what a version holds; [`versions`] keeps one object for each version and
//!    commits the next by making an object that must not be there yet.
//! 4. [`changes`] finds in a journal what was changed in a tree.
//! 5. [`sync`] uploads that and commits it; [`restore`] makes a tree what a version has.
//!    [`compare`](compare()) tells two versions apart, [`prune`](prune()) removes old ones.
//!
//! # Objects
//!
//! ```text
//! agents/<agent>/shared/versions/<ten digits>.json
//! environments/<environment>/versions/<ten digits>.json
//! environments/<environment>/environment.json
//! executions/<id>/…                   what stays of an execution
//! blobs/<two digits>/<BLAKE3 in hexadecimal>
//! ```
//!
//! A version is a whole tree, or the changes against one: `snapshot` names the blob that holds the
//! tree as JSON, `changes` has what differs from it. So a version of many files of which one has
//! changed is a small object, and reading any version takes two.

mod blobs;
mod changes;
mod compare;
mod manifest;
mod prune;
mod restore;
mod store;
mod sync;
mod versions;

pub use blobs::{Blobs, hash_of};
pub use changes::{Change, Cursor, Place, Touched};
pub use compare::{Difference, LineDiff, compare, line_diff, line_diff_cost};
pub use manifest::{Author, Content, Digest, Entry, Kind, Tree, Version};
pub use prune::{Keep, Pruned, prune};
pub use restore::restore;
pub use store::{Store, StoreOptions};
pub use sync::{Synced, sync};
pub(crate) use sync::{check_quota, entry};
pub use versions::{Edited, Owner, Versions};

use crate::vfs::Fault;

/// What went wrong between the machine and the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersistError {
    /// The store's address or options.
    #[error("the store {url} cannot be used: {reason}")]
    Address {
        /// The address, without secrets.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A request failed, as often as it was tried.
    #[error("cannot {action} {object}")]
    Request {
        /// What was asked.
        action: &'static str,
        /// The object's path in the store.
        object: String,
        /// Why it failed.
        source: object_store::Error,
    },
    /// A request was not answered in time, as often as it was tried.
    #[error("cannot {action} {object}: no answer within {seconds} s")]
    Timeout {
        /// What was asked.
        action: &'static str,
        /// The object's path in the store.
        object: String,
        /// How long each attempt was waited for.
        seconds: u64,
    },
    /// An object that must be there is not.
    #[error("{object} is missing in the store{wanted_by}")]
    Missing {
        /// The object's path in the store.
        object: String,
        /// What wanted it, as ` (wanted for …)`, or nothing.
        wanted_by: String,
    },
    /// An object is not what its name or its format says.
    #[error("{object} is damaged: {reason}")]
    Corrupt {
        /// The object's path in the store.
        object: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such version.
    #[error("there is no version {version} of {of}; the latest is {latest}")]
    NoVersion {
        /// Whose it would be.
        of: Owner,
        /// What was asked for.
        version: u64,
        /// What there is.
        latest: u64,
    },
    /// The result would be larger than the tree may be.
    #[error(
        "{what} would hold {bytes} bytes in {entries} entries; it may hold {quota_bytes} bytes in \
         {quota_entries}"
    )]
    Quota {
        /// The region.
        what: &'static str,
        /// Bytes of all files.
        bytes: u64,
        /// Files, directories and links.
        entries: u64,
        /// Bytes that are allowed.
        quota_bytes: u64,
        /// Entries that are allowed.
        quota_entries: u64,
    },
    /// Others committed first, again and again.
    #[error("{of} were changed by others {attempts} times in a row")]
    Contended {
        /// Whose they are.
        of: Owner,
        /// How often it was tried.
        attempts: u32,
    },
    /// A file of the execution.
    #[error("cannot {action} {path}")]
    File {
        /// What was being done.
        action: &'static str,
        /// The guest path.
        path: String,
        /// Why it failed.
        source: Fault,
    },
    /// A file that others write.
    #[error("{path} changes while it is read")]
    Changing {
        /// The guest path.
        path: String,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] crate::journal::JournalError),
    /// The disk says no.
    #[error("the disk cannot be written")]
    Disk(#[source] std::io::Error),
    /// The cache of blobs.
    #[error("the cache of blobs")]
    Cache(#[source] std::io::Error),
}

impl PersistError {
    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            PersistError::Request { .. }
                | PersistError::Timeout { .. }
                | PersistError::Contended { .. }
        )
    }

    fn file(action: &'static str, path: &str, source: Fault) -> PersistError {
        PersistError::File { action, path: path.to_owned(), source }
    }
}
