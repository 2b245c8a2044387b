//! What WASI does not say of files: permission bits, links, the room of a region.
//!
//! In a cell it is the host's `files` interface. On a developer's machine, where programs are
//! tested, it is what the machine says; there are no regions there.

use std::io;

#[cfg(target_os = "wasi")]
#[path = "files/cell.rs"]
mod system;
#[cfg(not(target_os = "wasi"))]
#[path = "files/native.rs"]
mod system;

#[cfg(target_os = "wasi")]
pub(crate) use system::stream_failure;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Character,
    /// A pipe.
    Pipe,
    /// Anything else.
    Other,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Details {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, such as `0o644`.
    pub mode: u32,
    /// How many names it has.
    pub links: u64,
    /// Its length in bytes.
    pub size: u64,
    /// When it was read, in nanoseconds since 1970; 0 where the host provides the file.
    pub accessed: u64,
    /// When its content was changed.
    pub modified: u64,
    /// When anything of it was changed.
    pub changed: u64,
    /// Tells the files of a system apart, with `inode`.
    pub device: u64,
    /// See `device`.
    pub inode: u64,
}

/// Bytes that a filesystem's block has.
const BLOCK: u64 = 4096;

impl Details {
    /// Bytes that it takes on a disk with blocks of 4 KiB.
    pub fn allocated(&self) -> u64 {
        match self.kind {
            Kind::File => self.size.div_ceil(BLOCK) * BLOCK,
            Kind::Directory => BLOCK,
            Kind::Symlink | Kind::Character | Kind::Pipe | Kind::Other => 0,
        }
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == Kind::Directory
    }
}

/// A region as a filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// The region's name.
    pub name: String,
    /// Where it is mounted.
    pub mounted: String,
    /// Bytes that it may hold and holds.
    pub bytes: (u64, u64),
    /// Files and directories that it may hold and holds.
    pub entries: (u64, u64),
}

/// What a time of a file becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// What it was.
    Kept,
    /// That of the host's clock.
    Now,
    /// Nanoseconds since 1970.
    At(u64),
}

/// What is at a path; of a link itself unless `follow`.
///
/// # Errors
/// As `stat(2)`.
pub fn look(path: &str, follow: bool) -> io::Result<Details> {
    system::look(path, follow)
}

/// Sets permission bits, links followed.
///
/// # Errors
/// As `chmod(2)`.
pub fn set_mode(path: &str, mode: u32) -> io::Result<()> {
    system::set_mode(path, mode)
}

/// Sets when what is at a path was read and changed last; of a link itself unless `follow`.
///
/// # Errors
/// As `utimensat(2)`.
pub fn set_times(path: &str, follow: bool, accessed: Time, modified: Time) -> io::Result<()> {
    system::set_times(path, follow, accessed, modified)
}

/// Gives back the last `count` bytes that were read from standard input and not used, so that
/// whoever reads it next begins there. Of a pipe nothing can be given back.
pub fn give_back(count: usize) {
    if count > 0 {
        system::give_back(count as u64);
    }
}

/// Makes a symbolic link.
///
/// # Errors
/// As `symlink(2)`; in a cell, an absolute target is refused.
pub fn symlink(target: &str, path: &str) -> io::Result<()> {
    system::symlink(target, path)
}

/// Every region.
pub fn spaces() -> Vec<Space> {
    system::spaces()
}

/// The region that a path lies in.
///
/// # Errors
/// As `statvfs(3)`.
pub fn space_of(path: &str) -> io::Result<Space> {
    system::space_of(path)
}
