//! Path to open directory and one name.
//!
//! The kernel enforces containment: every open below a mount's root is an `openat2` with
//! `RESOLVE_BENEATH`. Most paths have no symbolic link and no `..`, and take one call
//! ([`direct`], with `RESOLVE_NO_SYMLINKS`). The others are walked name by name ([`walk`]) in the
//! guest's own namespace: a link may lead from one region into another, as on any Unix; it can
//! never lead out, because each step is again one name below a directory that is already open,
//! and because an absolute target is refused.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::backing;
use super::fault::Fault;
use super::handle::{DirHandle, Node, SyntheticHandle};
use super::space::{Mount, Space};
use super::synthetic::Entry;
use crate::journal::Facts;
use crate::path::{Component, GuestPath, Parts, unescape};

/// Symbolic links followed in one resolution, as Linux does. A loop of links would never end.
const MAX_LINKS: usize = 40;

/// Names walked in one resolution. Links that each name many directories multiply: forty links
/// of four kilobytes are a hundred thousand names.
const MAX_STEPS: usize = 4_096;

/// Tries after the kernel saw a concurrent rename (`EAGAIN`). A guest that renames in a loop
/// would otherwise hold another's resolution for ever.
const MAX_TRIES: usize = 16;

const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS).union(ResolveFlags::NO_XDEV);

/// What to do with a symbolic link in the last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Act on what it points to.
    Last,
    /// Act on the link itself.
    No,
}

/// What a path came to.
#[derive(Debug)]
pub(super) enum Target {
    /// One name in an open directory. It may not exist; it is not a link that should have been
    /// followed.
    Name(DirHandle, Component),
    /// A directory that is not a name in another one: the root of a mount, or `.`.
    Root(DirHandle),
    /// Something that the host provides.
    Synthetic(SyntheticHandle),
    /// A name that does not exist in a directory that the host provides.
    Nothing(GuestPath),
}

/// A path that needs no walk: relative names below one open directory.
pub(super) struct Direct<'a> {
    pub(super) mount: Arc<Mount>,
    pub(super) dir: Arc<OwnedFd>,
    /// `.` for the directory itself.
    pub(super) rest: &'a str,
    pub(super) path: GuestPath,
}

/// Finds the one directory below which a plain path lies; `None` if it has to be walked.
pub(super) fn direct<'a>(space: &Space, start: &Node, parts: Parts<'a>) -> Option<Direct<'a>> {
    let text = parts.text();
    if !parts.is_plain() || text.contains("\\x") {
        return None;
    }
    match start {
        Node::File(_) => None,
        Node::Directory(dir) => {
            let first = text.split('/').next().unwrap_or(text);
            if dir.is_mount_root() && space.mounts_below(&dir.mount.at).any(|name| name == first) {
                return direct_below(space, &dir.mount.at, text);
            }
            Some(Direct {
                mount: dir.mount.clone(),
                dir: dir.fd.clone(),
                rest: text,
                path: dir.path().join_text(text),
            })
        }
        Node::Synthetic(dir) => direct_below(space, &dir.path, text),
    }
}

fn direct_below<'a>(space: &Space, base: &GuestPath, text: &'a str) -> Option<Direct<'a>> {
    let path = base.join_text(text);
    let (mount, rest) = space.mount_of(&path)?;
    let rest = if rest.is_empty() { "." } else { &text[text.len() - rest.len()..] };
    Some(Direct { mount: mount.clone(), dir: mount.root.clone(), rest, path })
}

/// Opens below a directory in one call. A link anywhere is `ELOOP`: walk then.
pub(super) fn open_direct(at: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    openat2(at, path, flags, Mode::empty(), BENEATH | ResolveFlags::NO_SYMLINKS)
}

/// Opens one name of an open directory, never through a link.
pub(super) fn open_name(
    dir: BorrowedFd<'_>,
    name: &Component,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW;
    openat2(dir, name.as_os_str(), flags, mode, BENEATH | ResolveFlags::NO_SYMLINKS)
}

fn openat2(
    at: BorrowedFd<'_>,
    path: impl rustix::path::Arg + Copy,
    flags: OFlags,
    mode: Mode,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    for _ in 0..MAX_TRIES {
        match rustix::fs::openat2(at, path, flags | OFlags::CLOEXEC, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            // The path led out: not the guest's business where to.
            Err(Errno::XDEV) => return Err(Errno::PERM),
            result => return result,
        }
    }
    Err(Errno::BUSY)
}

/// The directory and last name of `path`, by the quick way where possible.
pub(super) fn resolve(
    space: &Space,
    start: &Node,
    parts: Parts<'_>,
    follow: Follow,
) -> Result<Target, Fault> {
    if follow == Follow::No
        && let Some(direct) = direct(space, start, parts)
        && direct.rest != "."
        && !direct.path.below(&direct.mount.at).is_some_and(str::is_empty)
    {
        match parent_direct(&direct) {
            Err(Fault::Os(Errno::LOOP)) => {}
            result => return result,
        }
    }
    walk(space, start, parts, follow)
}

fn parent_direct(direct: &Direct<'_>) -> Result<Target, Fault> {
    let Some((parent, name)) = direct.rest.rsplit_once('/') else {
        let name = Component::new(direct.rest.as_bytes())?;
        let dir = DirHandle::new(&direct.mount, direct.dir.clone(), parent_of(&direct.path));
        return Ok(Target::Name(dir, name));
    };
    let name = Component::new(name.as_bytes())?;
    let fd = open_direct(direct.dir.as_fd(), parent, OFlags::PATH | OFlags::DIRECTORY)?;
    let dir = DirHandle::new(&direct.mount, Arc::new(fd), parent_of(&direct.path));
    Ok(Target::Name(dir, name))
}

fn parent_of(path: &GuestPath) -> GuestPath {
    GuestPath::parse(path, "..").unwrap_or_else(|_| GuestPath::root())
}

/// The names still to be walked.
struct Trail {
    names: VecDeque<Box<str>>,
    links: usize,
    steps: usize,
}

impl Trail {
    fn next(&mut self) -> Result<Option<Box<str>>, Errno> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(Errno::LOOP) } else { Ok(self.names.pop_front()) }
    }

    /// Puts a link's target in front of what is left.
    fn follow(&mut self, target: &str) -> Result<(), Errno> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::LOOP);
        }
        if target.starts_with('/') {
            return Err(Errno::PERM);
        }
        let names = target.rsplit('/').filter(|name| !matches!(*name, "" | "."));
        names.for_each(|name| self.names.push_front(name.into()));
        Ok(())
    }
}

/// Walks `path` from the root of the namespace, name by name.
pub(super) fn walk(
    space: &Space,
    start: &Node,
    parts: Parts<'_>,
    follow: Follow,
) -> Result<Target, Fault> {
    if parts.is_absolute() {
        return Err(Errno::PERM.into());
    }
    let base = match start {
        Node::Directory(dir) => dir.path(),
        Node::Synthetic(SyntheticHandle { path, entry: Entry::Directory, .. }) => path.clone(),
        Node::Synthetic(_) | Node::File(_) => return Err(Errno::NOTDIR.into()),
    };
    let follow_last = follow == Follow::Last || parts.directory;
    let names = base.as_str().split('/').filter(|name| !name.is_empty());
    let mut trail =
        Trail { names: names.chain(parts.iter()).map(Into::into).collect(), links: 0, steps: 0 };
    let mut stack = vec![Target::Synthetic(synthetic_dir(GuestPath::root()))];
    while let Some(name) = trail.next()? {
        if &*name == ".." {
            if stack.len() > 1 {
                stack.pop();
            }
            continue;
        }
        let here = stack.last().ok_or(Errno::IO)?;
        let last = trail.names.is_empty();
        match step(space, here, &name, last, follow_last)? {
            Step::Into(target) => stack.push(target),
            Step::Link(target) => trail.follow(&target)?,
            Step::End(target) => return Ok(target),
        }
    }
    stack.pop().ok_or(Fault::Os(Errno::IO))
}

enum Step {
    /// A directory to go on from, or to end at.
    Into(Target),
    /// A symbolic link to follow.
    Link(String),
    /// The last name.
    End(Target),
}

fn step(
    space: &Space,
    here: &Target,
    name: &str,
    last: bool,
    follow_last: bool,
) -> Result<Step, Fault> {
    let here = match here {
        Target::Synthetic(dir) => return step_synthetic(space, &dir.path, name, last),
        Target::Root(dir) => dir,
        Target::Name(..) | Target::Nothing(_) => return Err(Errno::IO.into()),
    };
    if here.is_mount_root()
        && let Some(mount) = space.mount_at(&here.path().join_text(name))
    {
        return Ok(Step::Into(Target::Root(mount_root(mount))));
    }
    let name = on_disk(here.as_fd(), name)?;
    if last && !follow_last {
        return Ok(Step::End(Target::Name(here.clone(), name)));
    }
    let fd = match open_name(here.as_fd(), &name, OFlags::PATH, Mode::empty()) {
        Err(Errno::NOENT) if last => return Ok(Step::End(Target::Name(here.clone(), name))),
        result => result?,
    };
    let stat = rustix::fs::fstat(&fd)?;
    match FileType::from_raw_mode(stat.st_mode) {
        // O_PATH with O_NOFOLLOW opens the link itself. Its target is read from what was opened.
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(&fd, "", Vec::new())?;
            let target = target.into_string().map_err(|_| Errno::ILSEQ)?;
            Ok(Step::Link(target))
        }
        _ if last => Ok(Step::End(Target::Name(here.clone(), name))),
        FileType::Directory => {
            let path = here.path().join(&name);
            Ok(Step::Into(Target::Root(DirHandle::new(&here.mount, Arc::new(fd), path))))
        }
        _ => Err(Errno::NOTDIR.into()),
    }
}

fn step_synthetic(space: &Space, here: &GuestPath, name: &str, last: bool) -> Result<Step, Fault> {
    let path = here.join_text(name);
    if let Some(mount) = space.mount_at(&path) {
        return Ok(Step::Into(Target::Root(mount_root(mount))));
    }
    match space.synthetic.get(&path) {
        Some(Entry::Directory) => Ok(Step::Into(Target::Synthetic(synthetic_dir(path)))),
        Some(entry) if last => {
            let handle = SyntheticHandle { path, entry, writable: false };
            Ok(Step::End(Target::Synthetic(handle)))
        }
        Some(_) => Err(Errno::NOTDIR.into()),
        None if last => Ok(Step::End(Target::Nothing(path))),
        None => Err(Errno::NOENT.into()),
    }
}

fn synthetic_dir(path: GuestPath) -> SyntheticHandle {
    SyntheticHandle { path, entry: Entry::Directory, writable: false }
}

fn mount_root(mount: &Arc<Mount>) -> DirHandle {
    DirHandle::new(mount, mount.root.clone(), mount.at.clone())
}

/// The name as the disk has it: as written, or with its escapes taken back when only that exists.
fn on_disk(dir: BorrowedFd<'_>, name: &str) -> Result<Component, Fault> {
    let plain = Component::new(name.as_bytes())?;
    let Some(bytes) = unescape(name) else { return Ok(plain) };
    let exists = |name: &Component| {
        rustix::fs::statat(dir, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok()
    };
    let escaped = Component::new(&bytes)?;
    Ok(if !exists(&plain) && exists(&escaped) { escaped } else { plain })
}

/// The target of a link, which must be text.
pub(super) fn read_link(dir: BorrowedFd<'_>, name: &Component) -> Result<String, Fault> {
    let target = rustix::fs::readlinkat(dir, name.as_os_str(), Vec::new())?;
    target.into_string().map_err(|_| Errno::ILSEQ.into())
}

/// What is at a path below `root` now, no link being followed.
pub(super) fn facts_beneath(root: &OwnedFd, parts: Parts<'_>) -> Facts {
    let mut dir = match root.try_clone() {
        Ok(dir) => dir,
        Err(_) => return Facts::Absent,
    };
    let mut names = parts.iter().peekable();
    while let Some(name) = names.next() {
        let Ok(name) = on_disk(dir.as_fd(), name) else { return Facts::Absent };
        if names.peek().is_none() {
            let stat = rustix::fs::statat(&dir, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW);
            return stat.map(|stat| backing::facts(&stat)).unwrap_or_default();
        }
        match open_name(dir.as_fd(), &name, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()) {
            Ok(next) => dir = next,
            Err(_) => return Facts::Absent,
        }
    }
    Facts::Absent
}
