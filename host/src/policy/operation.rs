//! Everything that can be asked of the filesystem, by a guest or by one of the host's own doors.

use std::sync::Arc;

use super::Region;
use crate::path::GuestPath;

/// Where an operation acts: a region, and the path as people and the journal know it.
#[derive(Debug, Clone)]
pub struct Place {
    /// The region whose rights and quota apply.
    pub region: Arc<Region>,
    /// The canonical guest path.
    pub path: GuestPath,
}

/// One request, with what policy needs to know of its size.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are said in the variants' texts")]
pub enum Operation {
    /// Metadata of one name or open descriptor.
    Stat { at: Place },
    /// The target of a symbolic link.
    ReadLink { at: Place },
    /// Opens a file's content for reading.
    ReadFile { at: Place },
    /// Lists a directory.
    ReadDirectory { at: Place },
    /// Makes a new, empty regular file.
    CreateFile { at: Place },
    /// Changes a file's content, and makes it longer by `grow` bytes.
    WriteFile { at: Place, grow: u64 },
    /// Sets a file's length. `from` and `to` are bytes.
    Resize { at: Place, from: u64, to: u64 },
    /// Makes a directory.
    CreateDirectory { at: Place },
    /// Removes an empty directory.
    RemoveDirectory { at: Place },
    /// Removes a name that is not a directory.
    UnlinkFile { at: Place },
    /// Gives something another name, replacing what had it.
    Rename { from: Place, to: Place },
    /// Gives a file a second name.
    Link { from: Place, to: Place },
    /// Makes a symbolic link with this target.
    Symlink { at: Place, target: String },
    /// Sets access and modification times.
    SetTimes { at: Place },
    /// Sets permission bits.
    SetMode { at: Place },
}

/// What an operation asks of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To see it.
    Read,
    /// To change it.
    Write,
}

macro_rules! kinds {
    ($($kind:ident = $code:literal, $name:literal;)*) => {
        /// The name of an [`Operation`], as the journal stores it. The numbers are part of the
        /// journal's format and never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "each is documented at the Operation of the same name")]
        pub enum OperationKind { $($kind = $code,)* }

        impl OperationKind {
            /// All of them, in the order of [`Operation`].
            pub const ALL: &[OperationKind] = &[$(OperationKind::$kind,)*];

            /// The name used in the journal, in results and in documents.
            pub fn name(self) -> &'static str {
                match self { $(OperationKind::$kind => $name,)* }
            }

            /// The kind with this number.
            pub fn from_code(code: u8) -> Option<OperationKind> {
                match code { $($code => Some(OperationKind::$kind),)* _ => None }
            }
        }

        impl Operation {
            /// Which operation this is.
            pub fn kind(&self) -> OperationKind {
                match self { $(Operation::$kind { .. } => OperationKind::$kind,)* }
            }
        }
    };
}

kinds! {
    Stat = 1, "stat";
    ReadLink = 2, "read_link";
    ReadFile = 3, "read_file";
    ReadDirectory = 4, "read_directory";
    CreateFile = 5, "create_file";
    WriteFile = 6, "write_file";
    Resize = 7, "resize";
    CreateDirectory = 8, "create_directory";
    RemoveDirectory = 9, "remove_directory";
    UnlinkFile = 10, "unlink_file";
    Rename = 11, "rename";
    Link = 12, "link";
    Symlink = 13, "symlink";
    SetTimes = 14, "set_times";
    SetMode = 15, "set_mode";
}

impl Operation {
    /// The right that this operation asks of each place it touches. Rename and link touch two.
    ///
    /// No wildcard: a new operation does not compile until somebody has said what it needs.
    pub fn needs(&self) -> ((&Place, Right), Option<(&Place, Right)>) {
        match self {
            Operation::Stat { at }
            | Operation::ReadLink { at }
            | Operation::ReadFile { at }
            | Operation::ReadDirectory { at } => ((at, Right::Read), None),
            Operation::CreateFile { at }
            | Operation::WriteFile { at, .. }
            | Operation::Resize { at, .. }
            | Operation::CreateDirectory { at }
            | Operation::RemoveDirectory { at }
            | Operation::UnlinkFile { at }
            | Operation::Symlink { at, .. }
            | Operation::SetTimes { at }
            | Operation::SetMode { at } => ((at, Right::Write), None),
            Operation::Rename { from, to } | Operation::Link { from, to } => {
                ((from, Right::Write), Some((to, Right::Write)))
            }
        }
    }

    /// How many bytes and entries the region grows by, at most.
    pub(super) fn growth(&self) -> (u64, u64) {
        match self {
            Operation::CreateFile { .. }
            | Operation::CreateDirectory { .. }
            | Operation::Symlink { .. }
            | Operation::Link { .. } => (0, 1),
            Operation::WriteFile { grow, .. } => (*grow, 0),
            Operation::Resize { from, to, .. } => (to.saturating_sub(*from), 0),
            Operation::Stat { .. }
            | Operation::ReadLink { .. }
            | Operation::ReadFile { .. }
            | Operation::ReadDirectory { .. }
            | Operation::RemoveDirectory { .. }
            | Operation::UnlinkFile { .. }
            | Operation::Rename { .. }
            | Operation::SetTimes { .. }
            | Operation::SetMode { .. } => (0, 0),
        }
    }

    /// The place that the operation changes or reads; for rename and link, the new name.
    pub fn place(&self) -> &Place {
        let (first, second) = self.needs();
        second.unwrap_or(first).0
    }

    /// The other place: the old name of a rename or link.
    pub fn source(&self) -> Option<&Place> {
        let (first, second) = self.needs();
        second.map(|_| first.0)
    }
}
