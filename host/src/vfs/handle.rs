//! What a guest's descriptor stands for.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::Stat;

use super::backing;
use super::inode::{Inode, OpenInodes};
use super::mediator::OpenHow;
use super::space::Mount;
use super::synthetic::Entry;
use crate::path::GuestPath;
use crate::policy::Place;

/// An open directory of a region.
#[derive(Debug, Clone)]
pub struct DirHandle {
    pub(super) mount: Arc<Mount>,
    pub(super) fd: Arc<OwnedFd>,
    path: GuestPath,
    generation: u64,
}

impl DirHandle {
    pub(super) fn new(mount: &Arc<Mount>, fd: Arc<OwnedFd>, path: GuestPath) -> DirHandle {
        DirHandle { mount: mount.clone(), fd, path, generation: mount.generation() }
    }

    /// The directory's canonical path. Asks the kernel when directories were renamed since the
    /// handle was opened.
    pub(super) fn path(&self) -> GuestPath {
        if self.generation == self.mount.generation() || self.is_mount_root() {
            return self.path.clone();
        }
        backing::path_beneath(&self.mount.root, self.fd.as_fd())
            .map_or_else(|| self.path.clone(), |rest| self.mount.at.join_text(&rest))
    }

    pub(super) fn place(&self) -> Place {
        Place { region: self.mount.region.clone(), path: self.path() }
    }

    pub(super) fn is_mount_root(&self) -> bool {
        self.path == self.mount.at
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// An open regular file of a region. Dropping it completes the record of what it wrote, and gives
/// the file's bytes back if its name is gone and nobody else has it open.
#[derive(Debug)]
pub struct FileHandle {
    pub(super) mount: Arc<Mount>,
    pub(super) fd: OwnedFd,
    pub(super) inode: Arc<Inode>,
    pub(super) number: u64,
    pub(super) path: GuestPath,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// Tells the descriptors of one file apart.
    pub(super) id: u64,
}

impl FileHandle {
    /// One more descriptor of inode `number`, which nobody can remove while `open` is locked.
    pub(super) fn open(
        mount: &Arc<Mount>,
        open: &mut OpenInodes,
        fd: OwnedFd,
        number: u64,
        path: GuestPath,
        how: OpenHow,
    ) -> Node {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Node::File(Arc::new(FileHandle {
            mount: mount.clone(),
            fd,
            inode: open.open(number),
            number,
            path,
            readable: how.read || !how.write,
            writable: how.write,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        }))
    }

    pub(super) fn place(&self) -> Place {
        Place { region: self.mount.region.clone(), path: self.path.clone() }
    }

    pub(super) fn stat(&self) -> rustix::io::Result<Stat> {
        rustix::fs::fstat(&self.fd)
    }
}

impl Drop for FileHandle {
    fn drop(&mut self) {
        let mut state = self.inode.lock();
        if let Some(writing) = state.writing.take_if(|writing| writing.descriptor == self.id) {
            writing.finish(self.stat().map(|stat| backing::facts(&stat)).unwrap_or_default());
        }
        drop(state);
        let mut open = self.mount.inodes.lock();
        if open.close(self.number)
            && let Ok(stat) = self.stat()
        {
            let bytes = u64::try_from(stat.st_size).unwrap_or(0);
            self.mount.region.ledger().refund(bytes, 0);
        }
    }
}

/// An open descriptor.
#[derive(Debug, Clone)]
pub enum Node {
    /// A directory of a region.
    Directory(DirHandle),
    /// A regular file of a region.
    File(Arc<FileHandle>),
    /// Something that the host itself provides.
    Synthetic(SyntheticHandle),
}

/// An open entry of the synthetic tree.
#[derive(Debug, Clone)]
pub struct SyntheticHandle {
    pub(super) path: GuestPath,
    pub(super) entry: Entry,
    pub(super) writable: bool,
}
