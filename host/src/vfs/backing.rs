//! The system calls. Each function that changes something takes the [`Ticket`] that proves it was
//! permitted and recorded, and gives back the [`Effect`] for the journal.
//!
//! Names are acted on below an open directory and never followed. Nothing here decides anything.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, Timestamps};
use rustix::io::{Errno, ReadWriteFlags};

use super::resolve::open_name;
use crate::journal::{Effect, Facts, FileKind, Ticket};
use crate::path::{Component, escape};

/// What a new file's permission bits are before any mask.
const FILE_MODE: Mode = Mode::from_raw_mode(0o666);
const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o777);

/// Where data goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Position {
    /// At this offset.
    At(u64),
    /// At the end, wherever that is by then.
    End,
}

pub(super) fn create_file(
    ticket: Ticket,
    dir: BorrowedFd<'_>,
    name: &Component,
    flags: OFlags,
    mask: Mode,
) -> Effect<OwnedFd> {
    let result = open_name(dir, name, flags | OFlags::CREATE | OFlags::EXCL, FILE_MODE - mask);
    let after = facts_of(&result);
    ticket.done(result, None, after)
}

pub(super) fn write(
    ticket: Ticket,
    file: BorrowedFd<'_>,
    data: &[u8],
    position: Position,
    size_before: u64,
) -> Effect<usize> {
    let result = match position {
        Position::At(offset) => rustix::io::pwrite(file, data, offset),
        Position::End => {
            let data = [std::io::IoSlice::new(data)];
            rustix::io::pwritev2(file, &data, u64::MAX, ReadWriteFlags::APPEND)
        }
    };
    // A short write grew the file by less than was reserved.
    let grown = result.ok().map(|written| {
        let start = match position {
            Position::At(offset) => offset,
            Position::End => size_before,
        };
        start.saturating_add(written as u64).saturating_sub(size_before)
    });
    ticket.done(result, grown, Facts::Absent)
}

pub(super) fn resize(ticket: Ticket, file: BorrowedFd<'_>, size: u64) -> Effect<()> {
    let result = rustix::fs::ftruncate(file, size);
    let after = facts_or_absent(rustix::fs::fstat(file));
    ticket.done(result, None, after)
}

pub(super) fn create_directory(
    ticket: Ticket,
    dir: BorrowedFd<'_>,
    name: &Component,
    mask: Mode,
) -> Effect<()> {
    named(ticket, dir, name, || rustix::fs::mkdirat(dir, name.as_os_str(), DIRECTORY_MODE - mask))
}

pub(super) fn remove_directory(
    ticket: Ticket,
    dir: BorrowedFd<'_>,
    name: &Component,
) -> Effect<()> {
    removed(ticket, dir, name, AtFlags::REMOVEDIR)
}

pub(super) fn unlink_file(ticket: Ticket, dir: BorrowedFd<'_>, name: &Component) -> Effect<()> {
    removed(ticket, dir, name, AtFlags::empty())
}

fn removed(ticket: Ticket, dir: BorrowedFd<'_>, name: &Component, flags: AtFlags) -> Effect<()> {
    let result = rustix::fs::unlinkat(dir, name.as_os_str(), flags);
    let after = match result {
        Ok(()) => Facts::Absent,
        Err(_) => facts_or_absent(stat_name(dir, name)),
    };
    ticket.done(result, None, after)
}

pub(super) fn symlink(
    ticket: Ticket,
    dir: BorrowedFd<'_>,
    name: &Component,
    target: &str,
) -> Effect<()> {
    named(ticket, dir, name, || rustix::fs::symlinkat(target, dir, name.as_os_str()))
}

pub(super) fn link(
    ticket: Ticket,
    from: (BorrowedFd<'_>, &Component),
    to: (BorrowedFd<'_>, &Component),
) -> Effect<()> {
    named(ticket, to.0, to.1, || {
        let flags = AtFlags::empty();
        rustix::fs::linkat(from.0, from.1.as_os_str(), to.0, to.1.as_os_str(), flags)
    })
}

/// `mode`: the permission bits to give the file, when it replaces one that had others.
pub(super) fn rename(
    ticket: Ticket,
    from: (BorrowedFd<'_>, &Component),
    to: (BorrowedFd<'_>, &Component),
    mode: Option<Mode>,
) -> Effect<()> {
    named(ticket, to.0, to.1, || {
        if let Some(mode) = mode {
            // WASI has no modes: a program that replaces a script by a new version of it would
            // lose the executable bit without meaning to.
            let _ = change_mode(from.0, from.1, mode);
        }
        rustix::fs::renameat(from.0, from.1.as_os_str(), to.0, to.1.as_os_str())
    })
}

pub(super) fn set_times(ticket: Ticket, file: BorrowedFd<'_>, times: &Timestamps) -> Effect<()> {
    let result = rustix::fs::futimens(file, times);
    let after = facts_or_absent(rustix::fs::fstat(file));
    ticket.done(result, None, after)
}

pub(super) fn set_times_at(
    ticket: Ticket,
    dir: BorrowedFd<'_>,
    name: &Component,
    times: &Timestamps,
) -> Effect<()> {
    named(ticket, dir, name, || {
        rustix::fs::utimensat(dir, name.as_os_str(), times, AtFlags::SYMLINK_NOFOLLOW)
    })
}

pub(super) fn set_mode(
    ticket: Ticket,
    dir: BorrowedFd<'_>,
    name: &Component,
    mode: Mode,
) -> Effect<()> {
    named(ticket, dir, name, || change_mode(dir, name, mode))
}

/// By a descriptor, so that no link is followed.
fn change_mode(dir: BorrowedFd<'_>, name: &Component, mode: Mode) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    rustix::fs::fchmod(open_name(dir, name, flags, Mode::empty())?, mode)
}

fn named(
    ticket: Ticket,
    dir: BorrowedFd<'_>,
    name: &Component,
    change: impl FnOnce() -> Result<(), Errno>,
) -> Effect<()> {
    let result = change();
    let after = facts_or_absent(stat_name(dir, name));
    ticket.done(result, None, after)
}

pub(super) fn stat_name(dir: BorrowedFd<'_>, name: &Component) -> Result<Stat, Errno> {
    rustix::fs::statat(dir, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW)
}

/// What a `stat` says, as the journal keeps it.
pub(super) fn facts(stat: &Stat) -> Facts {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Link,
        _ => FileKind::Other,
    };
    let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
    Facts::Present {
        kind,
        inode: stat.st_ino,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mode: stat.st_mode & 0o7777,
        modified_ns: seconds.saturating_mul(1_000_000_000).saturating_add(stat.st_mtime_nsec),
        hash: None,
    }
}

fn facts_or_absent(stat: Result<Stat, Errno>) -> Facts {
    stat.map(|stat| facts(&stat)).unwrap_or_default()
}

fn facts_of(file: &Result<OwnedFd, Errno>) -> Facts {
    match file {
        Ok(file) => facts_or_absent(rustix::fs::fstat(file)),
        Err(_) => Facts::Absent,
    }
}

/// Where an open directory is now, relative to `root`, as the kernel sees it.
pub(super) fn path_beneath(root: &impl AsFd, dir: BorrowedFd<'_>) -> Option<String> {
    let (root, dir) = (kernel_path(root.as_fd())?, kernel_path(dir)?);
    let rest = dir.strip_prefix(root.as_slice())?;
    Some(escape(rest.strip_prefix(b"/").unwrap_or(rest)).into_owned())
}

fn kernel_path(fd: BorrowedFd<'_>) -> Option<Vec<u8>> {
    use std::os::fd::AsRawFd as _;
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    Some(rustix::fs::readlink(link, Vec::new()).ok()?.into_bytes())
}
