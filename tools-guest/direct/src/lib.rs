//! Listing and reading with as few calls to the host as there can be.
//!
//! The standard library of `wasm32-wasip2` asks for an inode with every directory entry, and opens
//! a stream for every read. A search does both thousands of times; here a directory is one call,
//! and so is a small file. On other targets this is the standard library. A path that is not
//! absolute begins at the working directory.

use std::io;
use std::time::Duration;

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// Anything else.
    Other,
}

/// What is known of a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Bytes.
    pub size: u64,
    /// Time since 1970 at which it was last changed, where that is known.
    pub modified: Option<Duration>,
}

/// Looks at what a path names; a link in the last place is not followed.
///
/// # Errors
/// When there is nothing, or it cannot be reached.
pub fn stat(path: &str) -> io::Result<Stat> {
    imp::stat(path)
}

/// What a path leads to, links followed, and what tells it apart from all else: device and inode.
///
/// # Errors
/// When it leads to nothing, or there cannot be reached.
pub fn target(path: &str) -> io::Result<(Kind, (u64, u64))> {
    imp::target(path)
}

/// The whole of a file, or `None` if it is longer than `limit` bytes.
///
/// # Errors
/// When it cannot be opened or read.
pub fn read(path: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
    imp::read(path, limit)
}

/// The entries of a directory, in the order the system has them.
///
/// # Errors
/// When it cannot be listed.
pub fn list(path: &str) -> io::Result<Vec<(String, Kind)>> {
    imp::list(path)
}

/// When what absolute paths name was last changed, in their order, as [`Stat::modified`]. Paths of
/// one directory that follow each other are asked for at once.
pub fn modified(paths: &[String]) -> Vec<Option<Duration>> {
    let mut times = Vec::with_capacity(paths.len());
    for paths in paths.chunk_by(|one, other| split(one).0 == split(other).0) {
        let names: Vec<String> = paths.iter().map(|path| split(path).1.to_owned()).collect();
        let known = imp::modified(split(&paths[0]).0, &names);
        times.extend(known.unwrap_or_else(|_| vec![None; names.len()]));
    }
    times
}

/// The directory and the name of an absolute path.
fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(split) => split,
        None => ("", path),
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod imp {
    use std::fs::{self, File};
    use std::io::{self, Read as _};
    use std::os::unix::fs::MetadataExt as _;
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Kind, Stat};

    fn kind(kind: fs::FileType) -> Kind {
        match kind {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_symlink() => Kind::Link,
            _ => Kind::Other,
        }
    }

    pub(super) fn stat(path: &str) -> io::Result<Stat> {
        let metadata = fs::symlink_metadata(path)?;
        let modified = metadata.modified().ok();
        Ok(Stat {
            kind: kind(metadata.file_type()),
            size: metadata.len(),
            modified: modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()),
        })
    }

    pub(super) fn target(path: &str) -> io::Result<(Kind, (u64, u64))> {
        let metadata = fs::metadata(path)?;
        Ok((kind(metadata.file_type()), (metadata.dev(), metadata.ino())))
    }

    pub(super) fn read(path: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let file = File::open(path)?;
        let size = usize::try_from(file.metadata()?.len()).unwrap_or(0);
        let mut bytes = Vec::with_capacity(size.min(limit).saturating_add(1));
        file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        Ok((bytes.len() <= limit).then_some(bytes))
    }

    pub(super) fn list(path: &str) -> io::Result<Vec<(String, Kind)>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, kind(entry.file_type()?)))
        };
        fs::read_dir(path)?.map(entry).collect()
    }

    pub(super) fn modified(directory: &str, names: &[String]) -> io::Result<Vec<Option<Duration>>> {
        let modified = |name: &String| stat(&format!("{directory}/{name}")).ok()?.modified;
        Ok(names.iter().map(modified).collect())
    }
}

#[cfg(target_arch = "wasm32")]
mod imp {
    use std::borrow::Cow;
    use std::cell::OnceCell;
    use std::io;
    use std::time::Duration;

    use wasip2::filesystem::preopens::get_directories;
    use wasip2::filesystem::types::{
        Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
    };

    use super::{Kind, Stat};

    #[allow(missing_docs, unsafe_code, unreachable_pub, reason = "generated")]
    mod bindings {
        wit_bindgen::generate!({ path: "../../wit", world: "reading", generate_all });
    }
    use bindings::toolcell::tool::files;
    use bindings::toolcell::tool::process::{Errno, FileKind};

    /// Each read of a file that is too long to be read at once.
    const PIECE: usize = 1 << 20;

    thread_local! {
        static ROOT: OnceCell<Descriptor> = const { OnceCell::new() };
    }

    /// Runs `run` on the root directory and the path below it.
    fn at_root<T>(
        path: &str,
        run: impl FnOnce(&Descriptor, &str) -> Result<T, ErrorCode>,
    ) -> io::Result<T> {
        let path = absolute(path)?;
        ROOT.with(|root| {
            let root = root.get_or_init(|| match get_directories().into_iter().next() {
                Some((root, _)) => root,
                None => unreachable!("the host gives one root"),
            });
            let path = path.trim_start_matches('/');
            let path = if path.is_empty() { "." } else { path };
            run(root, path).map_err(error)
        })
    }

    /// The path from the root, without the `.` that the host would have to walk through. The last
    /// name is left as it is: `x/.` is a directory or an error.
    fn absolute(path: &str) -> io::Result<Cow<'_, str>> {
        if path.starts_with('/') && !path.contains("/./") {
            return Ok(path.into());
        }
        let here = match path.starts_with('/') {
            true => String::new(),
            false => std::env::current_dir()?.display().to_string(),
        };
        let (above, last) = path.rsplit_once('/').unwrap_or(("", path));
        let mut absolute = here;
        for name in above.split('/').filter(|name| !matches!(*name, "" | ".")).chain([last]) {
            absolute.push('/');
            absolute.push_str(name);
        }
        Ok(absolute.into())
    }

    fn open(path: &str, flags: OpenFlags) -> io::Result<Descriptor> {
        let follow = PathFlags::SYMLINK_FOLLOW;
        at_root(path, |root, path| root.open_at(follow, path, flags, DescriptorFlags::READ))
    }

    fn kind(kind: DescriptorType) -> Kind {
        match kind {
            DescriptorType::RegularFile => Kind::File,
            DescriptorType::Directory => Kind::Directory,
            DescriptorType::SymbolicLink => Kind::Link,
            _ => Kind::Other,
        }
    }

    fn kind_of(kind: FileKind) -> Kind {
        match kind {
            FileKind::File => Kind::File,
            FileKind::Directory => Kind::Directory,
            FileKind::Symlink => Kind::Link,
            FileKind::Character | FileKind::Pipe | FileKind::Other => Kind::Other,
        }
    }

    pub(super) fn stat(path: &str) -> io::Result<Stat> {
        let stat = at_root(path, |root, path| root.stat_at(PathFlags::empty(), path))?;
        let modified = stat.data_modification_timestamp;
        Ok(Stat {
            kind: kind(stat.type_),
            size: stat.size,
            modified: modified.map(|time| Duration::new(time.seconds, time.nanoseconds)),
        })
    }

    pub(super) fn target(path: &str) -> io::Result<(Kind, (u64, u64))> {
        let look = files::look(&absolute(path)?, true).map_err(errno)?;
        Ok((kind_of(look.kind), (look.device, look.inode)))
    }

    pub(super) fn read(path: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let path = absolute(path)?;
        match files::read_whole(&path, limit as u64).map_err(errno)? {
            None => read_in_pieces(&path, limit),
            whole => Ok(whole),
        }
    }

    fn read_in_pieces(path: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let file = open(path, OpenFlags::empty())?;
        let (mut bytes, mut end) = (Vec::new(), false);
        while !end {
            if bytes.len() > limit {
                return Ok(None);
            }
            let (more, last) = file.read(PIECE as u64, bytes.len() as u64).map_err(error)?;
            bytes.extend_from_slice(&more);
            end = last || more.is_empty();
        }
        Ok((bytes.len() <= limit).then_some(bytes))
    }

    pub(super) fn list(path: &str) -> io::Result<Vec<(String, Kind)>> {
        let path = absolute(path)?;
        let Some(names) = files::names(&path).map_err(errno)? else {
            return list_one_by_one(&path);
        };
        Ok(names.into_iter().map(|(name, kind)| (name, kind_of(kind))).collect())
    }

    pub(super) fn modified(directory: &str, names: &[String]) -> io::Result<Vec<Option<Duration>>> {
        let times = files::modified(&absolute(directory)?, names).map_err(errno)?;
        Ok(times.into_iter().map(|time| time.map(Duration::from_nanos)).collect())
    }

    fn list_one_by_one(path: &str) -> io::Result<Vec<(String, Kind)>> {
        let listing = open(path, OpenFlags::DIRECTORY)?.read_directory().map_err(error)?;
        let mut entries = Vec::new();
        while let Some(entry) = listing.read_directory_entry().map_err(error)? {
            entries.push((entry.name, kind(entry.type_)));
        }
        Ok(entries)
    }

    /// The C library's numbers, which the standard library has kinds and texts for.
    const ACCESS: i32 = 2;
    const IO: i32 = 29;
    const IS_DIRECTORY: i32 = 31;
    const LOOP: i32 = 32;
    const NAME_TOO_LONG: i32 = 37;
    const NOT_FOUND: i32 = 44;
    const NOT_DIRECTORY: i32 = 54;
    const PERMISSION: i32 = 63;
    const READ_ONLY: i32 = 69;

    fn errno(errno: Errno) -> io::Error {
        io::Error::from_raw_os_error(match errno {
            Errno::NotFound => NOT_FOUND,
            Errno::Access => ACCESS,
            Errno::Permission => PERMISSION,
            Errno::NotDirectory => NOT_DIRECTORY,
            Errno::IsDirectory => IS_DIRECTORY,
            Errno::Loop => LOOP,
            Errno::NameTooLong => NAME_TOO_LONG,
            Errno::ReadOnly => READ_ONLY,
            _ => IO,
        })
    }

    fn error(code: ErrorCode) -> io::Error {
        io::Error::from_raw_os_error(match code {
            ErrorCode::NoEntry => NOT_FOUND,
            ErrorCode::Access => ACCESS,
            ErrorCode::NotPermitted => PERMISSION,
            ErrorCode::NotDirectory => NOT_DIRECTORY,
            ErrorCode::IsDirectory => IS_DIRECTORY,
            ErrorCode::Loop => LOOP,
            ErrorCode::NameTooLong => NAME_TOO_LONG,
            ErrorCode::ReadOnly => READ_ONLY,
            _ => IO,
        })
    }
}
