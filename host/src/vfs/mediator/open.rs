//! Opening files and directories. The kernel never creates or truncates on its own: creating is an
//! exclusive create of its own record, truncating a resize of its own record.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Mediator, Streams, beneath_root, place};
use crate::journal::Facts;
use crate::path::{Component, GuestPath, Parts};
use crate::policy::{Denied, Operation, Place};
use crate::vfs::backing;
use crate::vfs::fault::Fault;
use crate::vfs::handle::{DirHandle, FileHandle, Node, SyntheticHandle};
use crate::vfs::resolve::{self, Follow, Target};
use crate::vfs::space::Mount;
use crate::vfs::synthetic::Entry;

/// Rounds of "not there, so create it" and "there after all, so open it". Two guests that make and
/// remove one name could otherwise keep a third going round for ever.
const MAX_ROUNDS: usize = 8;

/// What an open asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenHow {
    /// To read content.
    pub read: bool,
    /// To change content.
    pub write: bool,
    /// To make the file if it is not there.
    pub create: bool,
    /// With `create`: to fail if it is there.
    pub exclusive: bool,
    /// To empty the file.
    pub truncate: bool,
    /// To fail unless it is a directory.
    pub directory: bool,
    /// What to do with a link in the last place.
    pub follow: Follow,
}

impl OpenHow {
    /// To read what is there, through a link.
    pub const READ: OpenHow = OpenHow {
        read: true,
        write: false,
        create: false,
        exclusive: false,
        truncate: false,
        directory: false,
        follow: Follow::Last,
    };

    /// To read and write, and to make it if it is not there.
    pub const CREATE: OpenHow = OpenHow { write: true, create: true, ..OpenHow::READ };

    fn flags(self) -> OFlags {
        // A pipe or device that somebody put into the region must not hang the host.
        let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        // For writing, the host can read as well: it keeps what the file held before. What the
        // guest may do with the descriptor is checked apart from that.
        flags |= if self.write { OFlags::RDWR } else { OFlags::RDONLY };
        if self.directory {
            flags |= OFlags::DIRECTORY;
        }
        flags
    }
}

impl Mediator {
    /// Opens what an absolute path names, for the host's own doors.
    ///
    /// # Errors
    /// As `open(2)`, and whatever policy refuses.
    pub fn open(&self, path: &str, how: OpenHow) -> Result<Node, Fault> {
        self.open_at(&self.root(), beneath_root(path), how)
    }

    /// Opens what a path names.
    ///
    /// # Errors
    /// As `open(2)`, and whatever policy refuses.
    pub fn open_at(&self, at: &Node, path: &str, how: OpenHow) -> Result<Node, Fault> {
        let parts = Parts::new(path)?;
        if how.truncate && !how.write {
            return Err(Errno::INVAL.into());
        }
        if how.create && how.exclusive {
            // Whether the name exists is the question, not what it leads to.
            return self.create(at, parts, how);
        }
        for _ in 0..MAX_ROUNDS {
            let opened = match self.open_existing(at, parts, how) {
                Err(Fault::Os(Errno::NOENT)) if how.create => None,
                result => Some(result?),
            };
            match opened {
                Some(node) => return self.truncated(node, how),
                None => match self.create(at, parts, how) {
                    // Somebody was faster, or the name is a link to nothing.
                    Err(Fault::Os(Errno::EXIST)) => {}
                    result => return result,
                },
            }
        }
        Err(Errno::BUSY.into())
    }

    fn truncated(&self, node: Node, how: OpenHow) -> Result<Node, Fault> {
        if how.truncate
            && let Node::File(file) = &node
        {
            self.resize(file, 0)?;
        }
        Ok(node)
    }

    fn open_existing(&self, at: &Node, parts: Parts<'_>, how: OpenHow) -> Result<Node, Fault> {
        if let Some(direct) = resolve::direct(&self.space, at, parts) {
            match resolve::open_direct(direct.dir.as_fd(), direct.rest, how.flags()) {
                Err(Errno::LOOP) => {}
                result => return self.admit(&direct.mount, result?, direct.path, how),
            }
        }
        match resolve::walk(&self.space, at, parts, how.follow)? {
            Target::Name(dir, name) => {
                let mut flags = how.flags();
                if parts.directory {
                    flags |= OFlags::DIRECTORY;
                }
                let fd = resolve::open_name(dir.as_fd(), &name, flags, Mode::empty())?;
                self.admit(&dir.mount, fd, dir.path().join(&name), how)
            }
            Target::Root(dir) => self.open_directory(&dir.mount, dir.fd.clone(), dir.path(), how),
            Target::Synthetic(handle) => self.open_synthetic(handle, how),
            Target::Nothing(_) if how.create => {
                Err(Denied::ReadOnly { region: self.space.system.name().into() }.into())
            }
            Target::Nothing(_) => Err(Errno::NOENT.into()),
        }
    }

    /// Makes a descriptor of what was opened, if it is a regular file or a directory and policy
    /// lets it be.
    fn admit(
        &self,
        mount: &Arc<Mount>,
        fd: OwnedFd,
        path: GuestPath,
        how: OpenHow,
    ) -> Result<Node, Fault> {
        // Under the lock: no unlink comes between this look and the count of descriptors.
        let mut open = mount.inodes.lock();
        let stat = rustix::fs::fstat(&fd)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                drop(open);
                self.open_directory(mount, Arc::new(fd), path, how)
            }
            FileType::RegularFile if stat.st_nlink == 0 => Err(Errno::NOENT.into()),
            FileType::RegularFile => {
                let at = Place { region: mount.region.clone(), path: path.clone() };
                let _permit = self.permit(if how.write {
                    Operation::WriteFile { at, grow: 0 }
                } else {
                    Operation::ReadFile { at }
                })?;
                Ok(FileHandle::open(mount, &mut open, fd, stat.st_ino, path, how))
            }
            // A pipe, socket or device that was put into the region from outside.
            _ => Err(Errno::PERM.into()),
        }
    }

    fn open_directory(
        &self,
        mount: &Arc<Mount>,
        fd: Arc<OwnedFd>,
        path: GuestPath,
        how: OpenHow,
    ) -> Result<Node, Fault> {
        if how.write {
            return Err(Errno::ISDIR.into());
        }
        let dir = DirHandle::new(mount, fd, path);
        let _permit = self.permit(Operation::Stat { at: dir.place() })?;
        Ok(Node::Directory(dir))
    }

    fn create(&self, at: &Node, parts: Parts<'_>, how: OpenHow) -> Result<Node, Fault> {
        if parts.directory {
            return Err(Errno::ISDIR.into());
        }
        match self.create_name(self.name(at, parts, Follow::No)?, how) {
            // What is there may be a link to a name that is free.
            Err(Fault::Os(Errno::EXIST)) if how.follow == Follow::Last && !how.exclusive => {
                self.create_name(self.name(at, parts, Follow::Last)?, how)
            }
            result => result,
        }
    }

    fn create_name(
        &self,
        (dir, name): (DirHandle, Component),
        how: OpenHow,
    ) -> Result<Node, Fault> {
        let at = place(&dir, &name);
        let path = at.path.clone();
        let mut open = dir.mount.inodes.lock();
        if backing::stat_name(dir.as_fd(), &name).is_ok() {
            return Err(Errno::EXIST.into());
        }
        let ticket = self.ticket(Operation::CreateFile { at }, Facts::Absent)?;
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY;
        let effect = backing::create_file(ticket, dir.as_fd(), &name, flags, self.mask());
        let inode = effect.after().inode();
        let fd = self.record(effect)?;
        let inode = inode.ok_or(Errno::IO)?;
        self.journal()?.images().made(self.grant.actor().call_id(), inode);
        // Who may make a file may read and write it: nothing is left to ask.
        Ok(FileHandle::open(&dir.mount, &mut open, fd, inode, path, how))
    }

    fn open_synthetic(&self, handle: SyntheticHandle, how: OpenHow) -> Result<Node, Fault> {
        match handle.entry {
            Entry::Directory if how.write => Err(Errno::ISDIR.into()),
            Entry::Directory => Ok(Node::Synthetic(handle)),
            _ if how.directory => Err(Errno::NOTDIR.into()),
            Entry::File(_) | Entry::Program if how.write => {
                Err(Denied::ReadOnly { region: self.space.system.name().into() }.into())
            }
            Entry::File(_) | Entry::Program => Ok(Node::Synthetic(handle)),
            Entry::Stream(number)
                if self.streams.as_ref().is_none_or(|streams| streams.kind(number).is_none()) =>
            {
                Err(Errno::NOENT.into())
            }
            Entry::Stream(0) if how.write => Err(Errno::ACCESS.into()),
            Entry::Device(_) | Entry::Stream(_) => {
                Ok(Node::Synthetic(SyntheticHandle { writable: how.write, ..handle }))
            }
        }
    }

    /// The stream that an open descriptor of the process leads to, if it is one.
    pub(in crate::vfs) fn stream(&self, node: &Node) -> Option<(u32, &dyn Streams)> {
        match node {
            Node::Synthetic(SyntheticHandle { entry: Entry::Stream(number), .. }) => {
                self.streams.as_deref().map(|streams| (*number, streams))
            }
            _ => None,
        }
    }
}
