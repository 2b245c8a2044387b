//! As the host says.

use std::io;

use super::{Details, Kind, Space};

#[allow(missing_docs, unsafe_code, unreachable_pub, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "program", generate_all });
}
use bindings::toolcell::tool::{files, process};

/// The C library's number of an error.
fn error(errno: process::Errno) -> io::Error {
    use process::Errno as E;
    io::Error::from_raw_os_error(match errno {
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
    })
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
    use wasip2::filesystem::types::ErrorCode;
    let path = absolute(path)?;
    let mut roots = wasip2::filesystem::preopens::get_directories();
    let (root, _) = roots.pop().ok_or(io::ErrorKind::NotFound)?;
    root.symlink_at(target, path.trim_start_matches('/')).map_err(|code| match code {
        ErrorCode::Exist => io::Error::from_raw_os_error(20),
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
