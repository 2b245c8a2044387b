//! Open file descriptions.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rustix::io::Errno;

use super::lock::{Lock, LockMode, Locks};
use super::pipe::{self, Broken, Reader, Writer};
use crate::vfs::{Fault, Mediator, Node, Output};

/// Bytes read from a file at once.
const FILE_CHUNK: usize = 64 << 10;

/// An open file description. Clones share it, its offset included; dropping the last closes it.
#[derive(Debug, Clone)]
pub struct Fd(Arc<Description>);

#[derive(Debug)]
enum Description {
    Null,
    /// The second says whether it is what a person types.
    Reader(Reader, bool),
    Writer(Writer),
    Buffer {
        content: Bytes,
        at: Mutex<usize>,
    },
    Output(Arc<dyn Output>),
    File {
        mediator: Arc<Mediator>,
        node: Node,
        offset: Mutex<u64>,
        append: bool,
        lock: Mutex<Option<Lock>>,
    },
}

/// What a description is of.
#[derive(Debug, Clone)]
pub enum FdKind {
    /// A character device: one that holds nothing, or what a person types.
    Device,
    /// An end of a pipe.
    Pipe,
    /// Something of the filesystem.
    File(Arc<Mediator>, Node),
}

impl From<Broken> for Errno {
    fn from(Broken: Broken) -> Errno {
        Errno::PIPE
    }
}

impl Fd {
    /// `/dev/null`.
    pub fn null() -> Fd {
        Fd(Arc::new(Description::Null))
    }

    /// The two ends of a pipe: to read, and to write.
    pub fn pipe() -> (Fd, Fd) {
        let (reader, writer) = pipe::pipe();
        (
            Fd(Arc::new(Description::Reader(reader, false))),
            Fd(Arc::new(Description::Writer(writer))),
        )
    }

    /// What a person types: to read, and to hand it in. It is a pipe that says that it is a device,
    /// so that programs which search what is piped into them do not wait for it.
    pub fn typed() -> (Fd, Fd) {
        let (reader, writer) = pipe::pipe();
        (Fd(Arc::new(Description::Reader(reader, true))), Fd(Arc::new(Description::Writer(writer))))
    }

    /// Something to read.
    pub fn buffer(content: impl Into<Bytes>) -> Fd {
        Fd(Arc::new(Description::Buffer { content: content.into(), at: Mutex::new(0) }))
    }

    /// Where what is written is kept.
    pub fn output(output: Arc<dyn Output>) -> Fd {
        Fd(Arc::new(Description::Output(output)))
    }

    /// A file, from its start on. With `append`, writes go to its end.
    pub fn file(mediator: Arc<Mediator>, node: Node, append: bool) -> Fd {
        let (offset, lock) = (Mutex::new(0), Mutex::new(None));
        Fd(Arc::new(Description::File { mediator, node, offset, append, lock }))
    }

    /// Whether what is written is kept by the host.
    pub(super) fn is_kept(&self) -> bool {
        matches!(&*self.0, Description::Output(_))
    }

    /// What it is.
    pub fn kind(&self) -> FdKind {
        match &*self.0 {
            Description::Null | Description::Output(_) | Description::Reader(_, true) => {
                FdKind::Device
            }
            Description::Reader(..) | Description::Writer(_) | Description::Buffer { .. } => {
                FdKind::Pipe
            }
            Description::File { mediator, node, .. } => {
                FdKind::File(mediator.clone(), node.clone())
            }
        }
    }

    /// What is there, up to `most` bytes and not past the first `delimiter`; `None` when it would
    /// have to wait, empty at the end.
    ///
    /// # Errors
    /// As `read(2)`.
    pub fn try_read(&self, most: usize, delimiter: Option<u8>) -> Result<Option<Bytes>, Errno> {
        let up_to = |data: &[u8]| match delimiter {
            Some(delimiter) => memchr::memchr(delimiter, data).map_or(data.len(), |at| at + 1),
            None => data.len(),
        };
        match &*self.0 {
            Description::Null => Ok(Some(Bytes::new())),
            Description::Writer(_) | Description::Output(_) => Err(Errno::BADF),
            Description::Reader(reader, _) => Ok(reader.try_read(most, delimiter)),
            Description::Buffer { content, at } => {
                let mut at = at.lock();
                let rest = content.slice(*at..);
                let rest = rest.slice(..rest.len().min(most));
                let data = rest.slice(..up_to(&rest));
                *at += data.len();
                Ok(Some(data))
            }
            Description::File { mediator, node, offset, .. } => {
                let mut offset = offset.lock();
                let most = most.min(FILE_CHUNK) as u64;
                let mut data =
                    mediator.read_at(node, most, *offset).map_err(|fault| fault.errno())?;
                data.truncate(up_to(&data));
                *offset += data.len() as u64;
                Ok(Some(data.into()))
            }
        }
    }

    /// Goes back by `count` bytes; not in a pipe, which keeps nothing that was read.
    pub fn give_back(&self, count: u64) {
        match &*self.0 {
            Description::File { offset, .. } => {
                let mut offset = offset.lock();
                *offset = offset.saturating_sub(count);
            }
            Description::Buffer { at, .. } => {
                let mut at = at.lock();
                *at = at.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
            }
            _ => {}
        }
    }

    /// The same, after waiting for it.
    ///
    /// # Errors
    /// As `read(2)`.
    pub async fn read(&self, most: usize, delimiter: Option<u8>) -> Result<Bytes, Errno> {
        loop {
            if let Some(data) = self.try_read(most, delimiter)? {
                return Ok(data);
            }
            self.read_ready().await;
        }
    }

    /// Bytes that a write takes without waiting.
    ///
    /// # Errors
    /// `EPIPE` when nobody can read it, `EBADF` when it is not for writing.
    pub fn room(&self) -> Result<usize, Errno> {
        match &*self.0 {
            Description::Reader(..) | Description::Buffer { .. } => Err(Errno::BADF),
            Description::Writer(writer) => Ok(writer.room()?),
            _ => Ok(1 << 20),
        }
    }

    /// Takes all of `data`, whatever room there is.
    ///
    /// # Errors
    /// As `write(2)`.
    pub fn push(&self, data: Bytes) -> Result<(), Fault> {
        match &*self.0 {
            Description::Null => Ok(()),
            Description::Reader(..) | Description::Buffer { .. } => Err(Errno::BADF.into()),
            Description::Writer(writer) => Ok(writer.push(data).map_err(Errno::from)?),
            Description::Output(output) => Ok(output.write(&data)?),
            Description::File { mediator, node, offset, append, .. } => {
                // The offset stays locked: two writers that share it must not write to one place.
                let mut offset = offset.lock();
                let mut rest = &data[..];
                while !rest.is_empty() {
                    let written = match append {
                        true => mediator.append(node, rest),
                        false => mediator.write_at(node, rest, *offset),
                    };
                    let written = written?;
                    if written == 0 {
                        return Err(Errno::IO.into());
                    }
                    rest = &rest[written..];
                    *offset += written as u64;
                }
                Ok(())
            }
        }
    }

    /// Writes all of `data`, waiting for room.
    ///
    /// # Errors
    /// As `write(2)`.
    pub async fn write(&self, mut data: Bytes) -> Result<(), Fault> {
        while !data.is_empty() {
            let room = self.room()?;
            if room == 0 {
                self.write_ready().await;
                continue;
            }
            let piece = data.split_to(room.min(data.len()));
            self.push(piece)?;
        }
        Ok(())
    }

    /// Waits until a read would not wait.
    pub async fn read_ready(&self) {
        if let Description::Reader(reader, _) = &*self.0 {
            reader.ready().await;
        }
    }

    /// Whether a read would not wait, after waiting up to `timeout`.
    pub async fn readable(&self, timeout: Duration) -> bool {
        tokio::time::timeout(timeout, self.read_ready()).await.is_ok()
    }

    /// Takes the lock of the file, in place of one that this description has; `None` gives it back.
    /// Waits for it up to `timeout`, or as long as it takes. Whether it has it. As with `flock(2)`,
    /// the old one is given back first.
    ///
    /// # Errors
    /// `EINVAL` for what is no file, and what keeps the file from being looked at.
    pub async fn lock(
        &self,
        locks: &Arc<Locks>,
        mode: Option<LockMode>,
        timeout: Option<Duration>,
    ) -> Result<bool, Errno> {
        let Description::File { mediator, node, lock, .. } = &*self.0 else {
            return Err(Errno::INVAL);
        };
        let file = mediator.look(node).map_err(|fault| fault.errno())?.identity;
        let Some(mode) = mode else {
            *lock.lock() = None;
            return Ok(true);
        };
        let take = || {
            let mut held = lock.lock();
            if held.as_ref().is_none_or(|held| held.mode != mode) {
                *held = None;
                *held = locks.take(file, mode);
            }
            held.is_some()
        };
        let wait = async {
            loop {
                let released = locks.released();
                if take() {
                    return;
                }
                released.await;
            }
        };
        match timeout {
            _ if take() => Ok(true),
            Some(Duration::ZERO) => Ok(false),
            Some(timeout) => Ok(tokio::time::timeout(timeout, wait).await.is_ok()),
            None => {
                wait.await;
                Ok(true)
            }
        }
    }

    /// Waits until a write would not wait.
    pub async fn write_ready(&self) {
        if let Description::Writer(writer) = &*self.0 {
            writer.ready().await;
        }
    }

    pub(super) fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        match &*self.0 {
            Description::Reader(reader, _) => reader.poll_ready(context),
            _ => Poll::Ready(()),
        }
    }

    pub(super) fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        match &*self.0 {
            Description::Writer(writer) => writer.poll_ready(context),
            _ => Poll::Ready(()),
        }
    }
}
