//! Operations that change names. Each runs under its mount's table lock, so that what it looked
//! at is what it changes, and what is refunded is what was there.

use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::io::Errno;

use super::{Mediator, place};
use crate::journal::Facts;
use crate::path::{Component, Parts};
use crate::policy::Operation;
use crate::vfs::backing;
use crate::vfs::fault::Fault;
use crate::vfs::handle::{DirHandle, Node};
use crate::vfs::inode::OpenInodes;
use crate::vfs::resolve::{self, Follow};

impl Mediator {
    /// Makes a directory.
    ///
    /// # Errors
    /// As `mkdir(2)`, and whatever policy refuses.
    pub fn create_directory(&self, at: &Node, path: &str) -> Result<(), Fault> {
        let (dir, name) = self.free_name(at, Parts::new(path)?)?;
        let _names = dir.mount.inodes.lock();
        if backing::stat_name(dir.as_fd(), &name).is_ok() {
            return Err(Errno::EXIST.into());
        }
        let operation = Operation::CreateDirectory { at: place(&dir, &name) };
        let ticket = self.ticket(operation, Facts::Absent)?;
        self.record(backing::create_directory(ticket, dir.as_fd(), &name, self.mask()))
    }

    /// Resolves a name that is to be made. One where something is mounted exists already.
    fn free_name(&self, at: &Node, parts: Parts<'_>) -> Result<(DirHandle, Component), Fault> {
        self.name(at, parts, Follow::No).map_err(|fault| match fault {
            Fault::Os(Errno::BUSY) => Errno::EXIST.into(),
            fault => fault,
        })
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// As `symlink(2)`, and whatever policy refuses, an absolute target above all.
    pub fn symlink(&self, at: &Node, target: &str, path: &str) -> Result<(), Fault> {
        let parts = Parts::new(path)?;
        if parts.directory {
            return Err(Errno::NOENT.into());
        }
        // The text is a path too: bounded, and without NUL.
        Parts::new(target)?;
        let (dir, name) = self.free_name(at, parts)?;
        let _names = dir.mount.inodes.lock();
        if backing::stat_name(dir.as_fd(), &name).is_ok() {
            return Err(Errno::EXIST.into());
        }
        let operation = Operation::Symlink { at: place(&dir, &name), target: target.to_owned() };
        let ticket = self.ticket(operation, Facts::Absent)?;
        self.record(backing::symlink(ticket, dir.as_fd(), &name, target))
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// As `rmdir(2)`, and whatever policy refuses.
    pub fn remove_directory(&self, at: &Node, path: &str) -> Result<(), Fault> {
        let (dir, name) = self.name(at, Parts::new(path)?, Follow::No)?;
        let _names = dir.mount.inodes.lock();
        let stat = backing::stat_name(dir.as_fd(), &name)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Err(Errno::NOTDIR.into());
        }
        let operation = Operation::RemoveDirectory { at: place(&dir, &name) };
        let ticket = self.ticket(operation, backing::facts(&stat))?;
        self.record(backing::remove_directory(ticket, dir.as_fd(), &name))?;
        dir.mount.region.ledger().refund(0, 1);
        Ok(())
    }

    /// Removes a name that is not a directory.
    ///
    /// # Errors
    /// As `unlink(2)`, and whatever policy refuses.
    pub fn unlink_file(&self, at: &Node, path: &str) -> Result<(), Fault> {
        let parts = Parts::new(path)?;
        let (dir, name) = self.name(at, parts, Follow::No)?;
        let mut open = dir.mount.inodes.lock();
        let stat = backing::stat_name(dir.as_fd(), &name)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => return Err(Errno::ISDIR.into()),
            _ if parts.directory => return Err(Errno::NOTDIR.into()),
            _ => {}
        }
        let before = self.before_removal(&open, &dir, &name, &stat)?;
        let ticket = self.ticket(Operation::UnlinkFile { at: place(&dir, &name) }, before)?;
        self.record(backing::unlink_file(ticket, dir.as_fd(), &name))?;
        refund_removed(&mut open, &dir, &stat);
        dir.mount.region.ledger().refund(0, 1);
        Ok(())
    }

    /// Gives something another name, replacing what had it.
    ///
    /// # Errors
    /// As `rename(2)`, and whatever policy refuses. Another region is `EXDEV`.
    pub fn rename(&self, at: &Node, old: &str, to: &Node, new: &str) -> Result<(), Fault> {
        self.give_name((at, old), (to, new), true)
    }

    /// Moves a file that one of the host's own doors has received, from an absolute path in the
    /// incoming space to one in the region that it is for. Unless `replace`, the name must be free.
    ///
    /// # Errors
    /// As `rename(2)`, and whatever policy refuses.
    pub fn publish(&self, from: &str, to: &str, replace: bool) -> Result<(), Fault> {
        let root = self.root();
        self.give_name(
            (&root, super::beneath_root(from)),
            (&root, super::beneath_root(to)),
            replace,
        )
    }

    fn give_name(
        &self,
        (at, old): (&Node, &str),
        (to, new): (&Node, &str),
        replace: bool,
    ) -> Result<(), Fault> {
        let (old, new) = (Parts::new(old)?, Parts::new(new)?);
        let (from_dir, from) = self.name(at, old, Follow::No)?;
        let (to_dir, to) = self.name(to, new, Follow::No)?;
        let operation =
            Operation::Rename { from: place(&from_dir, &from), to: place(&to_dir, &to) };
        if !Arc::ptr_eq(&from_dir.mount, &to_dir.mount) {
            if !from_dir.mount.incoming {
                // Policy first: what may not be changed says so, whatever the mounts are.
                let _permit = self.permit(operation)?;
                return Err(Errno::XDEV.into());
            }
            let received = backing::stat_name(from_dir.as_fd(), &from)?;
            finish_open_write(&from_dir.mount.inodes.lock(), &received);
        }
        let mut open = to_dir.mount.inodes.lock();
        let moved = backing::stat_name(from_dir.as_fd(), &from)?;
        let is_directory = FileType::from_raw_mode(moved.st_mode) == FileType::Directory;
        if (old.directory || new.directory) && !is_directory {
            return Err(Errno::NOTDIR.into());
        }
        let replaced = match backing::stat_name(to_dir.as_fd(), &to) {
            Err(Errno::NOENT) => None,
            result => Some(result?),
        };
        if replaced.is_some() && !replace {
            let _permit = self.permit(operation)?;
            return Err(Errno::EXIST.into());
        }
        if replaced.is_some_and(|stat| stat.st_ino == moved.st_ino) {
            // Two names of one file: nothing changes, as POSIX wants it.
            let _permit = self.permit(operation)?;
            return Ok(());
        }
        finish_open_write(&open, &moved);
        let before = match &replaced {
            Some(stat) => self.before_removal(&open, &to_dir, &to, stat)?,
            None => Facts::Absent,
        };
        let mode = replaced.and_then(|replaced| kept_mode(&moved, &replaced));
        let ticket = self.ticket(operation, before)?;
        let (from, to) = ((from_dir.as_fd(), &from), (to_dir.as_fd(), &to));
        self.record(backing::rename(ticket, from, to, mode))?;
        if let Some(stat) = replaced {
            refund_removed(&mut open, &to_dir, &stat);
            to_dir.mount.region.ledger().refund(0, 1);
        }
        if is_directory {
            from_dir.mount.directory_renamed();
        }
        Ok(())
    }

    /// Gives a file a second name.
    ///
    /// # Errors
    /// As `link(2)`, and whatever policy refuses. Another region is `EXDEV`.
    pub fn link(&self, at: &Node, old: &str, to: &Node, new: &str) -> Result<(), Fault> {
        let (old, new) = (Parts::new(old)?, Parts::new(new)?);
        let (from_dir, from) = self.name(at, old, Follow::No)?;
        let (to_dir, to) = self.free_name(to, new)?;
        let operation = Operation::Link { from: place(&from_dir, &from), to: place(&to_dir, &to) };
        if !Arc::ptr_eq(&from_dir.mount, &to_dir.mount) {
            let _permit = self.permit(operation)?;
            return Err(Errno::XDEV.into());
        }
        let _names = from_dir.mount.inodes.lock();
        let stat = backing::stat_name(from_dir.as_fd(), &from)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => return Err(Errno::PERM.into()),
            _ if old.directory || new.directory => return Err(Errno::NOTDIR.into()),
            FileType::RegularFile | FileType::Symlink => {}
            _ => return Err(Errno::PERM.into()),
        }
        if backing::stat_name(to_dir.as_fd(), &to).is_ok() {
            return Err(Errno::EXIST.into());
        }
        let ticket = self.ticket(operation, Facts::Absent)?;
        self.record(backing::link(ticket, (from_dir.as_fd(), &from), (to_dir.as_fd(), &to)))
    }

    /// Sets the times of what a path names.
    pub(in crate::vfs) fn set_times_at(
        &self,
        at: &Node,
        path: &str,
        follow: Follow,
        times: &Timestamps,
    ) -> Result<(), Fault> {
        let (dir, name) = self.name(at, Parts::new(path)?, follow)?;
        let open = dir.mount.inodes.lock();
        let stat = backing::stat_name(dir.as_fd(), &name)?;
        finish_open_write(&open, &stat);
        let operation = Operation::SetTimes { at: place(&dir, &name) };
        let ticket = self.ticket(operation, backing::facts(&stat))?;
        self.record(backing::set_times_at(ticket, dir.as_fd(), &name, times))
    }

    /// Sets when what an absolute path names was changed, in nanoseconds since 1970, for the
    /// host's own doors. Links are not followed.
    ///
    /// # Errors
    /// As `utimensat(2)`, and whatever policy refuses.
    pub fn set_modified(&self, path: &str, nanoseconds: u64) -> Result<(), Fault> {
        let time = Timespec {
            tv_sec: i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(nanoseconds % 1_000_000_000).unwrap_or(0),
        };
        let times = Timestamps { last_access: time, last_modification: time };
        self.set_times_at(&self.root(), super::beneath_root(path), Follow::No, &times)
    }

    /// Sets the permission bits of what an absolute path names, links followed, to
    /// [`permitted_mode`] of `mode`. Only files and directories of a region have any.
    ///
    /// # Errors
    /// As `chmod(2)`, and whatever policy refuses.
    pub fn set_mode(&self, path: &str, mode: u32) -> Result<(), Fault> {
        let parts = Parts::new(super::beneath_root(path))?;
        let (dir, name) = self.name(&self.root(), parts, Follow::Last)?;
        let open = dir.mount.inodes.lock();
        let stat = backing::stat_name(dir.as_fd(), &name)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let operation = Operation::SetMode { at: place(&dir, &name) };
        let permit = self.permit(operation)?;
        if !matches!(kind, FileType::RegularFile | FileType::Directory) {
            return Err(Errno::PERM.into());
        }
        if parts.directory && kind != FileType::Directory {
            return Err(Errno::NOTDIR.into());
        }
        finish_open_write(&open, &stat);
        let mode = permitted_mode(mode, kind == FileType::Directory);
        let ticket = self.begin(permit, backing::facts(&stat))?;
        self.record(backing::set_mode(ticket, dir.as_fd(), &name, mode))
    }

    /// The facts before a name's file is removed or replaced, its content being kept where the
    /// cell wants it.
    fn before_removal(
        &self,
        open: &OpenInodes,
        dir: &DirHandle,
        name: &Component,
        stat: &Stat,
    ) -> Result<Facts, Fault> {
        finish_open_write(open, stat);
        let facts = backing::facts(stat);
        let Facts::Present { kind, inode, size, mode, modified_ns, .. } = facts else {
            return Ok(facts);
        };
        let images = self.journal()?.images();
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if !is_file || !images.wants(self.grant.actor().call_id(), inode, size) {
            return Ok(facts);
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let fd = resolve::open_name(dir.as_fd(), name, flags, Mode::empty())?;
        let mut file = std::fs::File::from(fd);
        let hash = images.store(&mut file).map_err(|_| Errno::IO)?;
        Ok(Facts::Present { kind, inode, size, mode, modified_ns, hash: Some(hash) })
    }
}

/// Completes the record of whoever is writing to this file, so that it stands before the change
/// that follows.
fn finish_open_write(open: &OpenInodes, stat: &Stat) {
    if let Some(inode) = open.get(stat.st_ino)
        && let Some(writing) = inode.lock().writing.take()
    {
        writing.finish(backing::facts(stat));
    }
}

/// Gives back the bytes of a file whose last name is gone. While somebody has it open, that waits
/// for the last descriptor.
fn refund_removed(open: &mut OpenInodes, dir: &DirHandle, stat: &Stat) {
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    if is_file && stat.st_nlink == 1 && !open.orphan(stat.st_ino) {
        dir.mount.region.ledger().refund(u64::try_from(stat.st_size).unwrap_or(0), 0);
    }
}

/// The permission bits that a file takes over from the one it replaces. One that can be run was
/// made so by the guest, and stays as it is.
fn kept_mode(moved: &Stat, replaced: &Stat) -> Option<Mode> {
    let is_file = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    let bits = |stat: &Stat| Mode::from_raw_mode(stat.st_mode) & Mode::from_raw_mode(0o777);
    let differs = is_file(moved) && is_file(replaced) && bits(moved) != bits(replaced);
    (differs && moved.st_mode & 0o111 == 0).then(|| bits(replaced))
}

/// What a guest may make of permission bits. The files are the host's user's: who owns them keeps
/// the right to read and write (and to enter a directory), or the host could not serve them any
/// more; nobody else on the host gets the right to write; and there is no set-user-id.
fn permitted_mode(asked: u32, directory: bool) -> Mode {
    let kept = if directory { 0o700 } else { 0o600 };
    Mode::from_raw_mode(asked & 0o755 | kept)
}
