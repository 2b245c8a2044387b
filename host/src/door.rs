//! What the host's own doors do with files: receive, list, read and remove them. Uploads, restores
//! and the file APIs all come through here, and from here through the mediator, like any guest.
//!
//! A file is received under a name that no guest sees, and given its own when all of it is there:
//! whoever goes away half-way leaves nothing behind, and nobody reads half a file.

use std::sync::Arc;

use rustix::io::Errno;

use crate::vfs::{Fault, FileLook, FileType, Follow, Mediator, Node, OpenHow};

/// Where files are received, in the namespace of the doors. Below it is a directory for each region.
pub(crate) const INCOMING: &str = "/.incoming";

/// Bytes that are collected before they are written: a body arrives in small pieces.
const WRITE_BYTES: usize = 256 << 10;

/// Directories deeper than this are not walked.
const MAX_DEPTH: usize = 256;

/// One of the host's own doors to a cell's or environment's files.
#[derive(Debug, Clone)]
pub struct Door(Arc<Mediator>);

/// A file that was received and has its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Its length in bytes.
    pub size: u64,
    /// BLAKE3 of its content.
    pub hash: blake3::Hash,
}

impl Door {
    pub(crate) fn new(mediator: Mediator) -> Door {
        Door(Arc::new(mediator))
    }

    /// The mediator behind it.
    pub fn mediator(&self) -> &Mediator {
        &self.0
    }

    /// Begins to receive a file for this region.
    ///
    /// # Errors
    /// Whatever policy refuses: the region may be read-only, or full.
    pub fn receive(&self, region: &str) -> Result<Incoming, Fault> {
        let path = format!("{INCOMING}/{region}/{:016x}", crate::ambient::unique());
        let how = OpenHow { exclusive: true, ..OpenHow::CREATE };
        let node = self.0.open(&path, how)?;
        Ok(Incoming {
            door: self.clone(),
            path,
            node: Some(node),
            hasher: blake3::Hasher::new(),
            buffer: Vec::new(),
            size: 0,
        })
    }

    /// Makes a directory and those above it, as far as they are not there.
    ///
    /// # Errors
    /// As `mkdir(2)`: `ENOTDIR` or `EEXIST` where a file is in the way.
    pub fn make_directories(&self, path: &str) -> Result<(), Fault> {
        match self.0.look_at(path, Follow::Last) {
            Ok(look) if look.kind == FileType::Directory => return Ok(()),
            Ok(_) => return Err(Errno::EXIST.into()),
            Err(Fault::Os(Errno::NOENT)) => {}
            Err(fault) => return Err(fault),
        }
        if let Some((above, _)) = path.rsplit_once('/').filter(|(above, _)| !above.is_empty()) {
            self.make_directories(above)?;
        }
        match self.0.create_directory(&self.0.root(), crate::vfs::beneath_root(path)) {
            // Somebody was faster.
            Err(Fault::Os(Errno::EXIST)) => Ok(()),
            result => result,
        }
    }

    /// What is below a directory, by relative path and in the order of the paths, up to `most`
    /// entries and `depth` levels. Links are listed, not followed.
    ///
    /// # Errors
    /// As `readdir(3)`, and whatever policy refuses.
    pub fn walk(
        &self,
        directory: &str,
        depth: usize,
        most: usize,
    ) -> Result<Vec<(String, FileLook)>, Fault> {
        let mut found = Vec::new();
        let mut waiting = vec![(String::new(), 1)];
        while let Some((below, level)) = waiting.pop() {
            let path = join(directory, &below);
            let entries = match self.0.entries(&path, most.saturating_sub(found.len())) {
                // Removed while we walk.
                Err(Fault::Os(Errno::NOENT | Errno::NOTDIR)) if !below.is_empty() => continue,
                result => result?,
            };
            for (name, look) in entries {
                let path = join(&below, &name);
                if look.kind == FileType::Directory && level < depth.min(MAX_DEPTH) {
                    waiting.push((path.clone(), level + 1));
                }
                found.push((path, look));
            }
        }
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    /// Removes a file, a link, or a directory with all that is below it.
    ///
    /// # Errors
    /// As `unlink(2)` and `rmdir(2)`, and whatever policy refuses.
    pub fn remove(&self, path: &str) -> Result<(), Fault> {
        let root = self.0.root();
        let relative = crate::vfs::beneath_root(path);
        if self.0.look_at(path, Follow::No)?.kind != FileType::Directory {
            return self.0.unlink_file(&root, relative);
        }
        // Deepest first.
        for (below, look) in self.walk(path, MAX_DEPTH, usize::MAX)?.into_iter().rev() {
            let below = join(path, &below);
            let below = crate::vfs::beneath_root(&below);
            match look.kind {
                FileType::Directory => self.0.remove_directory(&root, below)?,
                _ => self.0.unlink_file(&root, below)?,
            }
        }
        self.0.remove_directory(&root, relative)
    }

    /// Opens a regular file to be read.
    ///
    /// # Errors
    /// As `open(2)`; `EISDIR` for a directory.
    pub fn open(&self, path: &str) -> Result<OpenFile, Fault> {
        let node = self.0.open(path, OpenHow::READ)?;
        let look = self.0.look(&node)?;
        match look.kind {
            FileType::RegularFile => Ok(OpenFile { door: self.clone(), node, look }),
            FileType::Directory => Err(Errno::ISDIR.into()),
            _ => Err(Errno::NOENT.into()),
        }
    }

    /// Hands the records of what was done to the operating system.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn flush(&self) -> Result<(), Fault> {
        match self.0.space().journal() {
            Some(journal) => journal.flush().map_err(|_| Errno::IO.into()),
            None => Ok(()),
        }
    }
}

/// `name` in `directory`; either may be empty.
pub(crate) fn join(directory: &str, name: &str) -> String {
    match (directory, name) {
        ("", name) => name.to_owned(),
        (directory, "") => directory.to_owned(),
        (directory, name) => format!("{}/{name}", directory.trim_end_matches('/')),
    }
}

/// An open regular file.
#[derive(Debug, Clone)]
pub struct OpenFile {
    door: Door,
    node: Node,
    look: FileLook,
}

impl OpenFile {
    /// What is known of it since it was opened.
    pub fn look(&self) -> &FileLook {
        &self.look
    }

    /// Up to `length` bytes at `offset`; empty at the end.
    ///
    /// # Errors
    /// As `pread(2)`.
    pub fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
        self.door.0.read_at(&self.node, length, offset)
    }

    /// Reads all of it in pieces.
    ///
    /// # Errors
    /// As `pread(2)`, or what `each` says.
    pub fn each<E: From<Fault>>(
        &self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut offset = 0;
        loop {
            let piece = self.read(offset, 1 << 20)?;
            if piece.is_empty() {
                return Ok(offset);
            }
            offset += piece.len() as u64;
            each(&piece)?;
        }
    }
}

/// A file that is being received. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Incoming {
    door: Door,
    path: String,
    node: Option<Node>,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    size: u64,
}

impl Incoming {
    /// Takes the next piece.
    ///
    /// # Errors
    /// As `write(2)`; `EDQUOT` with policy's reason when the region is full.
    pub fn write(&mut self, data: &[u8]) -> Result<(), Fault> {
        self.size += data.len() as u64;
        self.hasher.update(data);
        if self.buffer.is_empty() && data.len() >= WRITE_BYTES {
            return self.put(data, self.size - data.len() as u64);
        }
        self.buffer.extend_from_slice(data);
        if self.buffer.len() >= WRITE_BYTES { self.put_buffer() } else { Ok(()) }
    }

    /// All of it has come: what was collected is written, so that whether it fits is known.
    ///
    /// # Errors
    /// As [`Incoming::write`].
    pub fn complete(&mut self) -> Result<(), Fault> {
        self.put_buffer()
    }

    /// How much has come so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Gives the file its name. With `replace` it takes the place of a file that has it.
    ///
    /// # Errors
    /// As `rename(2)`: `EEXIST` where there is one and `replace` is not set, `EISDIR` where the
    /// name is a directory's.
    pub fn publish(mut self, to: &str, replace: bool) -> Result<Received, Fault> {
        self.put_buffer()?;
        // Its record is complete before the one that names it.
        self.node = None;
        let received = Received { size: self.size, hash: self.hasher.finalize() };
        match self.door.0.publish(&self.path, to, replace) {
            Err(Fault::Os(Errno::XDEV)) => self.copy(to, replace)?,
            result => {
                result?;
                self.path.clear();
            }
        }
        Ok(received)
    }

    /// Where the region is on another filesystem of the host there is nothing to rename.
    fn copy(&self, to: &str, replace: bool) -> Result<(), Fault> {
        let mediator = &self.door.0;
        let from = self.door.open(&self.path)?;
        let how = OpenHow { exclusive: !replace, truncate: true, ..OpenHow::CREATE };
        let node = mediator.open(to, how)?;
        let mut offset = 0;
        from.each(|piece| {
            write_all(mediator, &node, piece, offset)?;
            offset += piece.len() as u64;
            Ok::<(), Fault>(())
        })?;
        Ok(())
    }

    fn put_buffer(&mut self) -> Result<(), Fault> {
        let buffer = std::mem::take(&mut self.buffer);
        let result = self.put(&buffer, self.size - buffer.len() as u64);
        self.buffer = buffer;
        self.buffer.clear();
        result
    }

    fn put(&self, data: &[u8], offset: u64) -> Result<(), Fault> {
        let node = self.node.as_ref().ok_or(Errno::BADF)?;
        write_all(&self.door.0, node, data, offset)
    }
}

fn write_all(
    mediator: &Mediator,
    node: &Node,
    mut data: &[u8],
    mut offset: u64,
) -> Result<(), Fault> {
    while !data.is_empty() {
        match mediator.write_at(node, data, offset)? {
            0 => return Err(Errno::IO.into()),
            written => {
                data = &data[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.node = None;
        if !self.path.is_empty() {
            let mediator = &self.door.0;
            let _ = mediator.unlink_file(&mediator.root(), crate::vfs::beneath_root(&self.path));
        }
    }
}
