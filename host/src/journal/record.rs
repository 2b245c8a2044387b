//! What a record says.

use crate::path::GuestPath;
use crate::policy::OperationKind;

/// What kind of thing a name stood for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// Anything else: a device, a pipe, a socket.
    Other,
}

/// What was found at a path at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Facts {
    /// Nothing was there.
    #[default]
    Absent,
    /// Something was.
    Present {
        /// What kind of thing.
        kind: FileKind,
        /// Its inode number.
        inode: u64,
        /// Its size in bytes.
        size: u64,
        /// Its permission bits.
        mode: u32,
        /// Its modification time, nanoseconds since 1970.
        modified_ns: u64,
        /// BLAKE3 of its content, where the content was kept.
        hash: Option<[u8; 32]>,
    },
}

impl Facts {
    /// Whether anything was there.
    pub fn exists(&self) -> bool {
        matches!(self, Facts::Present { .. })
    }

    /// The inode, if anything was there.
    pub fn inode(&self) -> Option<u64> {
        match self {
            Facts::Present { inode, .. } => Some(*inode),
            Facts::Absent => None,
        }
    }

    /// The permission bits, if anything was there.
    pub fn mode(&self) -> Option<u32> {
        match self {
            Facts::Present { mode, .. } => Some(*mode),
            Facts::Absent => None,
        }
    }

    /// The size in bytes, if anything was there.
    pub fn size(&self) -> Option<u64> {
        match self {
            Facts::Present { size, .. } => Some(*size),
            Facts::Absent => None,
        }
    }
}

/// Whether the change happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did, in full.
    Done,
    /// It did not; the error says why.
    Failed,
    /// It did in part, or so it looked after a crash.
    Partial,
    /// A crash came first.
    NotDone,
    /// Nobody knows yet: the process is at it, or crashed and has not been reopened.
    Open,
}

impl Outcome {
    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Failed => "failed",
            Outcome::Partial => "partial",
            Outcome::NotDone => "not_done",
            Outcome::Open => "open",
        }
    }
}

/// Who changed something, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActorInfo {
    /// The tool call's or request's id.
    pub call: String,
    /// The tool or door.
    pub tool: String,
    /// BLAKE3 of the component, in hexadecimal.
    pub digest: String,
    /// The process of the call, by its id, and the name it went by.
    pub process: Option<(u32, String)>,
}

/// One change, both halves together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the order; 1 is the first.
    pub seq: u64,
    /// When it was asked for, nanoseconds since 1970.
    pub time_ns: u64,
    /// Who asked.
    pub actor: ActorInfo,
    /// What was asked.
    pub operation: OperationKind,
    /// The region it happened in.
    pub region: String,
    /// Where. For rename and link, the new name.
    pub path: GuestPath,
    /// The old name of a rename or link, the target of a symbolic link.
    pub other: Option<String>,
    /// What was at `path` before.
    pub before: Facts,
    /// What was there after; [`Facts::Absent`] while the record is open.
    pub after: Facts,
    /// The bytes written, as start and length, in order and without overlap.
    pub ranges: Vec<(u64, u64)>,
    /// Whether it happened.
    pub outcome: Outcome,
    /// Why it did not.
    pub error: Option<String>,
}
