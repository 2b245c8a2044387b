//! As the host says.

use std::io;

use wasip2::clocks::wall_clock::Datetime;
use wasip2::filesystem::types::{Descriptor, ErrorCode, NewTimestamp, PathFlags};

use super::{Details, Kind, Space, Time};

#[allow(missing_docs, unsafe_code, unreachable_pub, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "program", generate_all });
}
use bindings::toolcell::tool::{files, process};

fn error(errno: process::Errno) -> io::Error {
    io::Error::from_raw_os_error(number(errno))
}

/// Why the stream that failed last did, as the C library's number.
pub(crate) fn stream_failure() -> Option<i32> {
    files::stream_failure().map(number)
}

/// The C library's number of an error.
fn number(errno: process::Errno) -> i32 {
    use process::Errno as E;
    match errno {
        E::Access => 2,
        E::Again => 6,
        E::BadFd => 8,
        E::Exists => 20,
        E::Interrupted => 27,
        E::Invalid => 28,
        E::Io => 29,
        E::IsDirectory => 31,
        E::Loop => 32,
        E::NameTooLong => 37,
        E::NotDirectory => 54,
        E::NotEmpty => 55,
        E::NotExecutable => 45,
        E::NotFound => 44,
        E::NotSupported => 58,
        E::NoSpace => 51,
        E::NoProcess => 71,
        E::Permission => 63,
        E::Pipe => 64,
        E::Quota => 19,
        E::ReadOnly => 69,
        E::TooBig => 1,
        E::TooManyFiles => 33,
    }
}

fn absolute(path: &str) -> io::Result<String> {
    if path.is_empty() {
        return Err(io::Error::from_raw_os_error(44));
    }
    if path.starts_with('/') {
        return Ok(path.to_owned());
    }
    let cwd = std::env::current_dir()?;
    Ok(format!("{}/{path}", cwd.to_string_lossy().trim_end_matches('/')))
}

pub(super) fn look(path: &str, follow: bool) -> io::Result<Details> {
    let details = files::look(&absolute(path)?, follow).map_err(error)?;
    Ok(Details {
        kind: match details.kind {
            process::FileKind::File => Kind::File,
            process::FileKind::Directory => Kind::Directory,
            process::FileKind::Symlink => Kind::Symlink,
            process::FileKind::Character => Kind::Character,
            process::FileKind::Pipe => Kind::Pipe,
            process::FileKind::Other => Kind::Other,
        },
        mode: details.mode,
        links: details.links,
        size: details.size,
        accessed: details.accessed,
        modified: details.modified,
        changed: details.changed,
        device: details.device,
        inode: details.inode,
    })
}

pub(super) fn set_mode(path: &str, mode: u32) -> io::Result<()> {
    files::set_mode(&absolute(path)?, mode).map_err(error)
}

/// The library's own function for it is not stable.
pub(super) fn symlink(target: &str, path: &str) -> io::Result<()> {
    in_root(path, |root, path| root.symlink_at(target, path))
}

/// Nor is this one; and files that are opened for it have their own times changed.
pub(super) fn set_times(
    path: &str,
    follow: bool,
    accessed: Time,
    modified: Time,
) -> io::Result<()> {
    let flags = if follow { PathFlags::SYMLINK_FOLLOW } else { PathFlags::empty() };
    let time = |time| match time {
        Time::Kept => NewTimestamp::NoChange,
        Time::Now => NewTimestamp::Now,
        Time::At(nanos) => NewTimestamp::Timestamp(Datetime {
            seconds: nanos / 1_000_000_000,
            nanoseconds: (nanos % 1_000_000_000) as u32,
        }),
    };
    in_root(path, |root, path| root.set_times_at(flags, path, time(accessed), time(modified)))
}

/// Does something with a path that begins at the root directory.
fn in_root(
    path: &str,
    act: impl FnOnce(&Descriptor, &str) -> Result<(), ErrorCode>,
) -> io::Result<()> {
    let path = absolute(path)?;
    let mut roots = wasip2::filesystem::preopens::get_directories();
    let (root, _) = roots.pop().ok_or(io::ErrorKind::NotFound)?;
    act(&root, path.trim_start_matches('/')).map_err(|code| match code {
        ErrorCode::Exist => io::Error::from_raw_os_error(20),
        ErrorCode::Loop => io::Error::from_raw_os_error(32),
        ErrorCode::NameTooLong => io::Error::from_raw_os_error(37),
        ErrorCode::NoEntry => io::Error::from_raw_os_error(44),
        ErrorCode::NotPermitted => io::Error::from_raw_os_error(63),
        ErrorCode::ReadOnly => io::Error::from_raw_os_error(69),
        ErrorCode::Quota => io::Error::from_raw_os_error(19),
        ErrorCode::NotDirectory => io::Error::from_raw_os_error(54),
        code => io::Error::other(code.message()),
    })
}

fn space(space: files::Space) -> Space {
    Space {
        name: space.name,
        mounted: space.mounted,
        bytes: (space.bytes, space.bytes_used),
        entries: (space.entries, space.entries_used),
    }
}

pub(super) fn give_back(count: u64) {
    files::give_back(count);
}

pub(super) fn spaces() -> Vec<Space> {
    files::spaces().into_iter().map(space).collect()
}

pub(super) fn space_of(path: &str) -> io::Result<Space> {
    files::space_of(&absolute(path)?).map(space).map_err(error)
}
