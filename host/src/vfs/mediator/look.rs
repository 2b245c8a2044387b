//! Operations that read names: stat, read link, list.

use std::os::fd::AsFd as _;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{Mediator, OpenHow, beneath_root, place};
use crate::path::{GuestPath, Parts, escape};
use crate::policy::{Access, Operation, Place};
use crate::vfs::backing;
use crate::vfs::fault::Fault;
use crate::vfs::handle::{DirHandle, Node};
use crate::vfs::resolve::{self, Follow, Target};
use crate::vfs::synthetic::{self, Entry};

/// What a guest learns of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::vfs) struct Metadata {
    pub(in crate::vfs) kind: FileType,
    pub(in crate::vfs) links: u64,
    pub(in crate::vfs) size: u64,
    /// Seconds and nanoseconds since 1970; `None` for what the host provides.
    pub(in crate::vfs) accessed: Option<(u64, u32)>,
    pub(in crate::vfs) modified: Option<(u64, u32)>,
    pub(in crate::vfs) changed: Option<(u64, u32)>,
    /// Device and inode, for telling files apart; never shown as such.
    pub(in crate::vfs) identity: (u64, u64),
    /// Permission bits.
    pub(in crate::vfs) mode: u32,
}

impl From<Stat> for Metadata {
    fn from(stat: Stat) -> Metadata {
        let time = |seconds: i64, nanoseconds: u64| {
            Some((u64::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0)))
        };
        Metadata {
            kind: FileType::from_raw_mode(stat.st_mode),
            links: stat.st_nlink,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            accessed: time(stat.st_atime, stat.st_atime_nsec),
            modified: time(stat.st_mtime, stat.st_mtime_nsec),
            changed: time(stat.st_ctime, stat.st_ctime_nsec),
            identity: (stat.st_dev, stat.st_ino),
            mode: stat.st_mode & 0o777,
        }
    }
}

fn synthetic_metadata(path: &GuestPath, entry: Entry) -> Metadata {
    let (kind, size, mode) = match entry {
        Entry::Directory => (FileType::Directory, 0, 0o755),
        Entry::File(content) => (FileType::RegularFile, content.len() as u64, 0o644),
        Entry::Program => (FileType::RegularFile, synthetic::PROGRAM.len() as u64, 0o755),
        Entry::Device(_) | Entry::Stream(_) => (FileType::CharacterDevice, 0, 0o666),
    };
    Metadata {
        kind,
        links: 1,
        size,
        accessed: None,
        modified: None,
        changed: None,
        identity: (0, synthetic::number(path)),
        mode,
    }
}

/// What is known of a file, for the host's own doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLook {
    /// What it is.
    pub kind: FileType,
    /// Its length in bytes.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970; 0 when unknown.
    pub modified: u64,
    /// When it was read, in nanoseconds since 1970; 0 when unknown.
    pub accessed: u64,
    /// Tells files apart: device and inode.
    pub identity: (u64, u64),
    /// Whether its region lets it be written.
    pub writable: bool,
    /// Whether it can be run, or entered if it is a directory.
    pub executable: bool,
    /// Its permission bits, such as `0o644`.
    pub mode: u32,
    /// How many names it has.
    pub links: u64,
    /// When its metadata were changed, in nanoseconds since 1970; 0 when unknown.
    pub changed: u64,
}

impl FileLook {
    fn new(metadata: &Metadata, writable: bool) -> FileLook {
        let nanos = |time: Option<(u64, u32)>| {
            time.map_or(0, |(seconds, nanos)| {
                seconds.saturating_mul(1_000_000_000).saturating_add(u64::from(nanos))
            })
        };
        FileLook {
            kind: metadata.kind,
            size: metadata.size,
            modified: nanos(metadata.modified),
            accessed: nanos(metadata.accessed),
            identity: metadata.identity,
            writable,
            executable: metadata.mode & 0o111 != 0 || metadata.kind == FileType::Directory,
            mode: metadata.mode,
            links: metadata.links,
            changed: nanos(metadata.changed),
        }
    }
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::vfs) struct Listed {
    pub(in crate::vfs) name: String,
    pub(in crate::vfs) kind: FileType,
}

/// An open listing.
#[derive(Debug)]
pub(in crate::vfs) struct Listing {
    entries: Option<rustix::fs::Dir>,
    /// Names that the host puts here: mounts and synthetic entries. They hide what is below.
    ours: Vec<Listed>,
    given: usize,
}

impl Listing {
    /// The next entry, `.` and `..` left out.
    pub(in crate::vfs) fn next(&mut self) -> Result<Option<Listed>, Errno> {
        if let Some(entry) = self.ours.get(self.given) {
            self.given += 1;
            return Ok(Some(entry.clone()));
        }
        let Some(entries) = &mut self.entries else { return Ok(None) };
        while let Some(entry) = entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let name = escape(name.to_bytes());
            if self.ours.iter().any(|ours| ours.name == *name) {
                continue;
            }
            return Ok(Some(Listed { name: name.into_owned(), kind: entry.file_type() }));
        }
        Ok(None)
    }
}

impl Mediator {
    /// What is known of what an absolute path names, for the host's own doors.
    ///
    /// # Errors
    /// As `stat(2)`, and whatever policy refuses.
    pub fn look_at(&self, path: &str, follow: Follow) -> Result<FileLook, Fault> {
        let metadata = self.stat_at(&self.root(), beneath_root(path), follow)?;
        let path = GuestPath::parse(&GuestPath::root(), path).map_err(|_| Errno::INVAL)?;
        let mount = self.space.mount_of(&path);
        let writable = match mount {
            Some((mount, _)) => mount.region.access() == Access::ReadWrite,
            None => metadata.kind == FileType::CharacterDevice,
        };
        Ok(FileLook::new(&metadata, writable))
    }

    /// What is known of an open file, for the host's own doors.
    ///
    /// # Errors
    /// As `fstat(2)`, and whatever policy refuses.
    pub fn look(&self, node: &Node) -> Result<FileLook, Fault> {
        let writable = matches!(node, Node::File(file) if file.writable);
        Ok(FileLook::new(&self.stat(node)?, writable))
    }

    /// The names in a directory and what they are, up to `most`, for the host's own doors.
    ///
    /// # Errors
    /// As `readdir(3)`, and whatever policy refuses.
    pub fn names(&self, node: &Node, most: usize) -> Result<Vec<(String, FileType)>, Fault> {
        let mut listing = self.read_directory(node)?;
        let mut names = Vec::new();
        while names.len() < most
            && let Some(listed) = listing.next()?
        {
            names.push((listed.name, listed.kind));
        }
        Ok(names)
    }

    /// What the directory at an absolute path holds, up to `most` entries in order of their names,
    /// for the host's own doors. What vanishes meanwhile is left out.
    ///
    /// # Errors
    /// As `readdir(3)`, and whatever policy refuses.
    pub fn entries(&self, path: &str, most: usize) -> Result<Vec<(String, FileLook)>, Fault> {
        let node = self.open(path, OpenHow { directory: true, ..OpenHow::READ })?;
        let mut entries = Vec::new();
        for (name, _) in self.names(&node, most)? {
            match self.stat_at(&node, &name, Follow::No) {
                Ok(metadata) => entries.push((name, FileLook::new(&metadata, true))),
                Err(Fault::Os(Errno::NOENT)) => {}
                Err(fault) => return Err(fault),
            }
        }
        entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }

    /// When names of the directory at an absolute path were changed, in nanoseconds since 1970;
    /// `None` for what cannot be looked at. Links are not followed.
    ///
    /// # Errors
    /// As `open(2)` of the directory, and whatever policy refuses.
    pub fn modified(&self, path: &str, names: &[String]) -> Result<Vec<Option<u64>>, Fault> {
        let node = self.open(path, OpenHow { directory: true, ..OpenHow::READ })?;
        let modified = |name: &String| {
            let metadata = self.stat_at(&node, name, Follow::No).ok()?;
            Some(FileLook::new(&metadata, false).modified)
        };
        Ok(names.iter().map(modified).collect())
    }

    /// The target of the symbolic link at an absolute path, for the host's own doors.
    ///
    /// # Errors
    /// As `readlink(2)`, and whatever policy refuses.
    pub fn link_target(&self, path: &str) -> Result<String, Fault> {
        self.read_link_at(&self.root(), beneath_root(path))
    }

    /// Metadata of what a path names.
    pub(in crate::vfs) fn stat_at(
        &self,
        at: &Node,
        path: &str,
        follow: Follow,
    ) -> Result<Metadata, Fault> {
        let parts = Parts::new(path)?;
        if let Some(direct) = resolve::direct(&self.space, at, parts) {
            let region = direct.mount.region.clone();
            let _permit =
                self.permit(Operation::Stat { at: Place { region, path: direct.path.clone() } })?;
            // One name below an open directory needs no resolution at all.
            if follow == Follow::No && direct.rest != "." && !direct.rest.contains('/') {
                let flags = AtFlags::SYMLINK_NOFOLLOW;
                return Ok(rustix::fs::statat(&direct.dir, direct.rest, flags)?.into());
            }
            match resolve::open_direct(direct.dir.as_fd(), direct.rest, OFlags::PATH) {
                Ok(fd) => return Ok(rustix::fs::fstat(&fd)?.into()),
                Err(Errno::LOOP) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        let metadata = match resolve::walk(&self.space, at, parts, follow)? {
            Target::Name(dir, name) => {
                let _permit = self.permit(Operation::Stat { at: place(&dir, &name) })?;
                Metadata::from(backing::stat_name(dir.as_fd(), &name)?)
            }
            Target::Root(dir) => self.stat_directory(&dir)?,
            Target::Synthetic(handle) => {
                let mut metadata = synthetic_metadata(&handle.path, handle.entry);
                if let Entry::Stream(number) = handle.entry {
                    let streams = self.streams.as_ref();
                    let kind = streams.and_then(|streams| streams.kind(number));
                    metadata.kind = kind.ok_or(Errno::NOENT)?;
                }
                metadata
            }
            Target::Nothing(_) => return Err(Errno::NOENT.into()),
        };
        if parts.directory && metadata.kind != FileType::Directory {
            return Err(Errno::NOTDIR.into());
        }
        Ok(metadata)
    }

    /// Metadata of an open descriptor.
    pub(in crate::vfs) fn stat(&self, node: &Node) -> Result<Metadata, Fault> {
        match node {
            Node::Directory(dir) => self.stat_directory(dir),
            Node::File(file) => {
                let _permit = self.permit(Operation::Stat { at: file.place() })?;
                Ok(file.stat()?.into())
            }
            Node::Synthetic(handle) => Ok(synthetic_metadata(&handle.path, handle.entry)),
        }
    }

    fn stat_directory(&self, dir: &DirHandle) -> Result<Metadata, Fault> {
        let _permit = self.permit(Operation::Stat { at: dir.place() })?;
        Ok(rustix::fs::fstat(dir.as_fd())?.into())
    }

    /// The target of a symbolic link. An absolute one is the host's and not shown.
    pub(in crate::vfs) fn read_link_at(&self, at: &Node, path: &str) -> Result<String, Fault> {
        match resolve::resolve(&self.space, at, Parts::new(path)?, Follow::No)? {
            Target::Name(dir, name) => {
                let _permit = self.permit(Operation::ReadLink { at: place(&dir, &name) })?;
                let target = resolve::read_link(dir.as_fd(), &name)?;
                if target.starts_with('/') {
                    return Err(Errno::PERM.into());
                }
                Ok(target)
            }
            Target::Root(_) | Target::Synthetic(_) => Err(Errno::INVAL.into()),
            Target::Nothing(_) => Err(Errno::NOENT.into()),
        }
    }

    /// Starts listing a directory.
    pub(in crate::vfs) fn read_directory(&self, node: &Node) -> Result<Listing, Fault> {
        match node {
            Node::File(_) => Err(Errno::NOTDIR.into()),
            Node::Directory(dir) => {
                let _permit = self.permit(Operation::ReadDirectory { at: dir.place() })?;
                // A fresh open, so that two listings of one descriptor do not share a position.
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let fd = rustix::fs::openat(dir.as_fd(), ".", flags, Mode::empty())?;
                let path = dir.path();
                let ours = if dir.is_mount_root() { self.mounts_below(&path) } else { Vec::new() };
                Ok(Listing { entries: Some(rustix::fs::Dir::new(fd)?), ours, given: 0 })
            }
            Node::Synthetic(handle) if handle.entry == Entry::Directory => {
                let mut ours = self.mounts_below(&handle.path);
                for (name, entry) in self.space.synthetic.children(&handle.path) {
                    if !ours.iter().any(|listed| listed.name == name) {
                        let kind = synthetic_metadata(&handle.path, entry).kind;
                        ours.push(Listed { name: name.to_owned(), kind });
                    }
                }
                Ok(Listing { entries: None, ours, given: 0 })
            }
            Node::Synthetic(_) => Err(Errno::NOTDIR.into()),
        }
    }

    /// Whether a path exists and has no link in it, in one call to the kernel.
    fn is_canonical(&self, path: &GuestPath) -> bool {
        let Ok(parts) = Parts::new(path.as_str().trim_start_matches('/')) else { return false };
        let direct = resolve::direct(&self.space, &self.root(), parts);
        direct.is_some_and(|direct| {
            resolve::open_direct(direct.dir.as_fd(), direct.rest, OFlags::PATH).is_ok()
        })
    }

    fn mounts_below(&self, path: &GuestPath) -> Vec<Listed> {
        let mut names: Vec<&str> = self.space.mounts_below(path).collect();
        names.sort_unstable();
        names.dedup();
        let listed = |name: &str| Listed { name: name.to_owned(), kind: FileType::Directory };
        names.into_iter().map(listed).collect()
    }

    /// The canonical guest path of what `path` names: every link followed, the last included.
    /// What does not exist keeps its name, below the deepest directory that does.
    ///
    /// # Errors
    /// When a link leads out or in circles, or a file stands where a directory should.
    pub fn canonical(&self, path: &GuestPath) -> Result<GuestPath, Fault> {
        if self.is_canonical(path) {
            return Ok(path.clone());
        }
        let mut missing: Vec<String> = Vec::new();
        let mut path = path.clone();
        loop {
            let text = path.as_str().trim_start_matches('/');
            if text.is_empty() {
                break;
            }
            match resolve::walk(&self.space, &self.root(), Parts::new(text)?, Follow::Last) {
                Ok(Target::Name(dir, name)) => {
                    path = dir.path().join(&name);
                    break;
                }
                Ok(Target::Root(dir)) => {
                    path = dir.path();
                    break;
                }
                Ok(Target::Synthetic(handle)) => {
                    path = handle.path;
                    break;
                }
                Ok(Target::Nothing(nothing)) => {
                    path = nothing;
                    break;
                }
                Err(Fault::Os(Errno::NOENT)) => {
                    missing.push(path.name().unwrap_or_default().to_owned());
                    path = GuestPath::parse(&path, "..")?;
                }
                Err(fault) => return Err(fault),
            }
        }
        missing.reverse();
        Ok(path.join_text(&missing.join("/")))
    }
}
