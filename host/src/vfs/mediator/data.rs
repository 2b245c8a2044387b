//! Operations on the content of open files.

use std::os::fd::AsFd as _;

use rustix::fs::{Stat, Timestamps};
use rustix::io::Errno;

use super::{Mediator, OpenHow};
use crate::journal::{Facts, Ticket};
use crate::policy::Operation;
use crate::vfs::backing::{self, Position};
use crate::vfs::fault::Fault;
use crate::vfs::handle::{FileHandle, Node, SyntheticHandle};
use crate::vfs::inode::{InodeState, Writing};
use crate::vfs::synthetic::{self, Device, Entry};

/// Bytes read or written in one host call. A guest names the length; the host allocates it.
pub(in crate::vfs) const MAX_TRANSFER: usize = 1 << 20;

/// Reads up to this length allocate what is asked for.
const SMALL_READ: usize = 64 << 10;

impl Mediator {
    /// Reads up to `length` bytes at `offset`, for the host's own doors.
    ///
    /// # Errors
    /// As `pread(2)`, and whatever policy refuses.
    pub fn read_at(&self, node: &Node, length: u64, offset: u64) -> Result<Vec<u8>, Fault> {
        self.read(node, length, offset)
    }

    /// Writes at `offset`, for the host's own doors; how much was written comes back.
    ///
    /// # Errors
    /// As `pwrite(2)`, and whatever policy refuses.
    pub fn write_at(&self, node: &Node, data: &[u8], offset: u64) -> Result<usize, Fault> {
        self.write(node, data, Position::At(offset))
    }

    /// Writes at the end, for the host's own doors.
    ///
    /// # Errors
    /// As `write(2)` with `O_APPEND`, and whatever policy refuses.
    pub fn append(&self, node: &Node, data: &[u8]) -> Result<usize, Fault> {
        self.write(node, data, Position::End)
    }

    /// The whole of the file at an absolute path. `None` if it is longer than `limit` or than what
    /// is read at once, or is not a regular file of a region.
    ///
    /// # Errors
    /// As `open(2)` and `pread(2)`, and whatever policy refuses.
    pub fn read_whole(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Fault> {
        let Node::File(file) = self.open(path, OpenHow::READ)? else { return Ok(None) };
        let first = read_file(&file, SMALL_READ, 0)?;
        if first.len() < SMALL_READ {
            return Ok((first.len() as u64 <= limit).then_some(first));
        }
        if size_of(&file)? > limit.min(MAX_TRANSFER as u64 - 1) {
            return Ok(None);
        }
        let content = read_file(&file, MAX_TRANSFER, 0)?;
        Ok((content.len() < MAX_TRANSFER).then_some(content))
    }

    /// Reads up to `length` bytes at `offset`. Empty at the end.
    pub(in crate::vfs) fn read(
        &self,
        node: &Node,
        length: u64,
        offset: u64,
    ) -> Result<Vec<u8>, Fault> {
        let length = usize::try_from(length).unwrap_or(MAX_TRANSFER).min(MAX_TRANSFER);
        match node {
            Node::Directory(_) => Err(Errno::ISDIR.into()),
            Node::File(file) if !file.readable => Err(Errno::BADF.into()),
            Node::File(file) => Ok(read_file(file, length, offset)?),
            Node::Synthetic(SyntheticHandle { entry: Entry::Stream(number), .. }) => {
                let streams = self.streams.as_ref().ok_or(Errno::BADF)?;
                Ok(streams.read(*number, length)?)
            }
            Node::Synthetic(handle) => read_synthetic(handle, length, offset),
        }
    }

    /// Writes all of `data`, or as much as a full disk lets it.
    pub(in crate::vfs) fn write(
        &self,
        node: &Node,
        data: &[u8],
        position: Position,
    ) -> Result<usize, Fault> {
        let file = match node {
            Node::Directory(_) => return Err(Errno::ISDIR.into()),
            Node::Synthetic(handle) => return self.write_synthetic(handle, data),
            Node::File(file) => file,
        };
        if !file.writable {
            return Err(Errno::BADF.into());
        }
        if data.is_empty() {
            return Ok(0);
        }
        let mut state = file.inode.lock();
        let stat = file.stat()?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let start = match position {
            Position::At(offset) => offset,
            Position::End => size,
        };
        let end = start.checked_add(data.len() as u64).ok_or(Errno::FBIG)?;
        if i64::try_from(end).is_err() {
            return Err(Errno::FBIG.into());
        }
        let grow = end.saturating_sub(size);
        let ticket = self.writing_ticket(file, &mut state, &stat, grow)?;
        let effect = backing::write(ticket, file.fd.as_fd(), data, position, size);
        let writing = state.writing.as_mut().ok_or(Errno::IO)?;
        Ok(writing.record.absorb(effect, start)?)
    }

    /// The ticket for one more write by this descriptor: of the record it already has, or of a
    /// new one.
    fn writing_ticket(
        &self,
        file: &FileHandle,
        state: &mut InodeState,
        stat: &Stat,
        grow: u64,
    ) -> Result<Ticket, Fault> {
        let permit = self.permit(Operation::WriteFile { at: file.place(), grow })?;
        if let Some(writing) = &state.writing
            && writing.descriptor == file.id
        {
            return Ok(writing.record.ticket(permit));
        }
        finish_writing(state, stat);
        let before = self.before(file, stat)?;
        let ticket = self.begin(permit, before)?;
        let journal = self.space.journal().ok_or(Errno::ROFS)?.clone();
        let record = journal.open_write(&ticket);
        state.writing = Some(Writing { descriptor: file.id, record, journal });
        Ok(ticket)
    }

    /// Sets a file's length.
    ///
    /// # Errors
    /// As `ftruncate(2)`, and whatever policy refuses.
    pub fn set_size(&self, node: &Node, size: u64) -> Result<(), Fault> {
        match node {
            Node::Directory(_) => Err(Errno::ISDIR.into()),
            Node::Synthetic(_) => Err(Errno::INVAL.into()),
            Node::File(file) if !file.writable => Err(Errno::BADF.into()),
            Node::File(file) => self.resize(file, size),
        }
    }

    pub(super) fn resize(&self, file: &FileHandle, to: u64) -> Result<(), Fault> {
        if i64::try_from(to).is_err() {
            return Err(Errno::FBIG.into());
        }
        let mut state = file.inode.lock();
        let stat = file.stat()?;
        finish_writing(&mut state, &stat);
        let from = u64::try_from(stat.st_size).unwrap_or(0);
        let operation = Operation::Resize { at: file.place(), from, to };
        if from == to {
            // Nothing to do, but only for those who could have.
            let _permit = self.permit(operation)?;
            return Ok(());
        }
        let permit = self.permit(operation)?;
        let before = self.before(file, &stat)?;
        let ticket = self.begin(permit, before)?;
        self.record(backing::resize(ticket, file.fd.as_fd(), to))?;
        file.mount.region.ledger().refund(from.saturating_sub(to), 0);
        Ok(())
    }

    /// The facts before a change of content, the old content being kept where the cell wants it.
    fn before(&self, file: &FileHandle, stat: &Stat) -> Result<Facts, Fault> {
        let facts = backing::facts(stat);
        let Facts::Present { kind, inode, size, mode, modified_ns, .. } = facts else {
            return Ok(facts);
        };
        let images = self.journal()?.images();
        if !images.wants(self.grant.actor().call_id(), inode, size) {
            return Ok(facts);
        }
        let mut content = Content { file, offset: 0 };
        let hash = images.store(&mut content).map_err(|_| Errno::IO)?;
        Ok(Facts::Present { kind, inode, size, mode, modified_ns, hash: Some(hash) })
    }

    fn write_synthetic(&self, handle: &SyntheticHandle, data: &[u8]) -> Result<usize, Fault> {
        match handle.entry {
            _ if !handle.writable => Err(Errno::BADF.into()),
            Entry::Device(Device::Full) => Err(Errno::NOSPC.into()),
            Entry::Device(_) => Ok(data.len()),
            Entry::Stream(number) => {
                let streams = self.streams.as_ref().ok_or(Errno::BADF)?;
                streams.write(number, data)?;
                Ok(data.len())
            }
            Entry::Directory | Entry::File(_) | Entry::Program => Err(Errno::BADF.into()),
        }
    }

    /// Sets the times of an open descriptor.
    pub(in crate::vfs) fn set_times(&self, node: &Node, times: &Timestamps) -> Result<(), Fault> {
        match node {
            Node::Synthetic(_) => Err(Errno::PERM.into()),
            Node::Directory(dir) => {
                let before = backing::facts(&rustix::fs::fstat(dir.as_fd())?);
                let ticket = self.ticket(Operation::SetTimes { at: dir.place() }, before)?;
                self.record(backing::set_times(ticket, dir.as_fd(), times))
            }
            Node::File(file) => {
                let mut state = file.inode.lock();
                let stat = file.stat()?;
                finish_writing(&mut state, &stat);
                let before = backing::facts(&stat);
                let ticket = self.ticket(Operation::SetTimes { at: file.place() }, before)?;
                self.record(backing::set_times(ticket, file.fd.as_fd(), times))
            }
        }
    }

    /// Waits until a file is on the disk.
    pub(in crate::vfs) fn sync(&self, node: &Node, data_only: bool) -> Result<(), Fault> {
        match node {
            Node::File(file) if data_only => Ok(rustix::fs::fdatasync(&file.fd)?),
            Node::File(file) => Ok(rustix::fs::fsync(&file.fd)?),
            Node::Directory(_) | Node::Synthetic(_) => Ok(()),
        }
    }
}

/// Completes the record of whoever wrote to this file last.
fn finish_writing(state: &mut InodeState, stat: &Stat) {
    if let Some(writing) = state.writing.take() {
        writing.finish(backing::facts(stat));
    }
}

fn size_of(file: &FileHandle) -> Result<u64, Errno> {
    Ok(u64::try_from(file.stat()?.st_size).unwrap_or(0))
}

fn read_file(file: &FileHandle, mut length: usize, offset: u64) -> Result<Vec<u8>, Errno> {
    if length > SMALL_READ {
        // A megabyte is asked for where a few bytes are left; the memory for it is not free.
        let left = size_of(file)?.saturating_sub(offset);
        length = length.min(usize::try_from(left).unwrap_or(length)).max(1);
    }
    let mut buffer = Vec::with_capacity(length);
    rustix::io::pread(&file.fd, rustix::buffer::spare_capacity(&mut buffer), offset)?;
    Ok(buffer)
}

fn read_synthetic(handle: &SyntheticHandle, length: usize, offset: u64) -> Result<Vec<u8>, Fault> {
    Ok(match handle.entry {
        Entry::Directory => return Err(Errno::ISDIR.into()),
        Entry::File(_) | Entry::Program => {
            let content = match handle.entry {
                Entry::File(content) => content,
                _ => synthetic::PROGRAM,
            };
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
            content[start..content.len().min(start.saturating_add(length))].to_vec()
        }
        Entry::Device(Device::Null) => Vec::new(),
        Entry::Stream(_) => return Err(Errno::BADF.into()),
        Entry::Device(Device::Zero | Device::Full) => vec![0; length],
        Entry::Device(Device::Random) => {
            let mut bytes = vec![0; length];
            crate::ambient::fill_random(&mut bytes);
            bytes
        }
    })
}

/// A file read from its start, for keeping its content.
struct Content<'a> {
    file: &'a FileHandle,
    offset: u64,
}

impl std::io::Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = rustix::io::pread(&self.file.fd, buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
