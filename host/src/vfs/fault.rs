//! Why a file operation did not happen: policy's reason or the operating system's number.
//!
//! Making one allocates nothing in the cases that are everyday, "no such file" above all.

use rustix::io::Errno;

use crate::journal::BeginError;
use crate::path::PathError;
use crate::policy::Denied;

/// A refused or failed operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The operating system's, or the resolver's in the same terms.
    #[error("{0}")]
    Os(Errno),
    /// Policy's.
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl Fault {
    /// The number a guest may learn.
    pub fn errno(&self) -> Errno {
        match self {
            Fault::Os(errno) => *errno,
            Fault::Denied(Denied::ReadOnly { .. }) => Errno::ROFS,
            Fault::Denied(Denied::NotGranted { .. }) => Errno::ACCESS,
            Fault::Denied(Denied::QuotaExceeded { .. } | Denied::TooManyEntries { .. }) => {
                Errno::DQUOT
            }
            Fault::Denied(Denied::CrossRegion { .. }) => Errno::XDEV,
            Fault::Denied(Denied::AbsoluteLink) => Errno::PERM,
            Fault::Denied(Denied::JournalFull { .. }) => Errno::NOSPC,
        }
    }
}

impl Fault {
    /// Whether it says that there is nothing of this name.
    pub fn is_absent(&self) -> bool {
        matches!(self, Fault::Os(Errno::NOENT | Errno::NOTDIR))
    }
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Fault {
        Fault::Os(errno)
    }
}

impl From<PathError> for Fault {
    fn from(error: PathError) -> Fault {
        Fault::Os(match error {
            PathError::Empty => Errno::NOENT,
            PathError::Nul | PathError::NoName => Errno::INVAL,
            PathError::TooLong => Errno::NAMETOOLONG,
        })
    }
}

impl From<BeginError> for Fault {
    fn from(error: BeginError) -> Fault {
        match error {
            BeginError::Denied(denied) => Fault::Denied(denied),
            // A change that cannot be recorded does not happen.
            BeginError::Journal(_) => Fault::Os(Errno::IO),
        }
    }
}
