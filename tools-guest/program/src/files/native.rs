//! As the machine says.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use super::{Details, Kind, Space, Time};

pub(super) fn look(path: &str, follow: bool) -> io::Result<Details> {
    let metadata = if follow { fs::metadata(path)? } else { fs::symlink_metadata(path)? };
    let kind = match metadata.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Directory,
        kind if kind.is_symlink() => Kind::Symlink,
        kind if kind.is_char_device() => Kind::Character,
        kind if kind.is_fifo() => Kind::Pipe,
        _ => Kind::Other,
    };
    let time = |seconds: i64, nanos: i64| {
        u64::try_from(seconds * 1_000_000_000 + nanos).unwrap_or_default()
    };
    Ok(Details {
        kind,
        mode: metadata.mode() & 0o7777,
        links: metadata.nlink(),
        size: metadata.len(),
        accessed: time(metadata.atime(), metadata.atime_nsec()),
        modified: time(metadata.mtime(), metadata.mtime_nsec()),
        changed: time(metadata.ctime(), metadata.ctime_nsec()),
        device: metadata.dev(),
        inode: metadata.ino(),
    })
}

pub(super) fn give_back(count: u64) {
    use std::io::{Seek as _, SeekFrom};
    use std::os::fd::AsFd as _;
    // Another handle of the same description. Of what cannot seek, nothing is given back.
    if let Ok(input) = io::stdin().as_fd().try_clone_to_owned() {
        let _ = fs::File::from(input).seek(SeekFrom::Current(-count.cast_signed()));
    }
}

pub(super) fn set_mode(path: &str, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

pub(super) fn set_times(path: &str, _: bool, accessed: Time, modified: Time) -> io::Result<()> {
    let at = |time| match time {
        Time::Kept => None,
        Time::Now => Some(SystemTime::now()),
        Time::At(nanos) => Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)),
    };
    let times = fs::FileTimes::new();
    let times = at(accessed).map_or(times, |time| times.set_accessed(time));
    let times = at(modified).map_or(times, |time| times.set_modified(time));
    fs::File::open(path)?.set_times(times)
}

pub(super) fn symlink(target: &str, path: &str) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

pub(super) fn spaces() -> Vec<Space> {
    Vec::new()
}

pub(super) fn space_of(_: &str) -> io::Result<Space> {
    Err(io::ErrorKind::Unsupported.into())
}
