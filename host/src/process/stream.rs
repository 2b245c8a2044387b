//! Open file descriptions as WASI streams.

use std::future::poll_fn;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::io::Errno;
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, StreamError, StreamResult,
};

use super::fd::{Fd, FdKind};
use crate::vfs::{FileType, Streams};

/// A guest wrote to a pipe that nobody reads: it ends as SIGPIPE ends a process. Most programs,
/// and Rust's own `println`, know no other way to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("wrote to a pipe that nobody reads")]
pub(crate) struct BrokenPipe;

/// A guest printed more than is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("printed more than is kept")]
pub(crate) struct OutputFull;

/// A stream failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct Failed(Errno);

/// The descriptors that a process was started with, by number.
#[derive(Debug)]
pub struct Fds(pub Vec<(u32, Fd)>);

impl Fds {
    /// The one of this number.
    pub fn get(&self, number: u32) -> Option<&Fd> {
        self.0.iter().find(|(known, _)| *known == number).map(|(_, fd)| fd)
    }
}

impl Streams for Fds {
    fn kind(&self, number: u32) -> Option<FileType> {
        Some(match self.get(number)?.kind() {
            FdKind::Device => FileType::CharacterDevice,
            FdKind::Pipe => FileType::Fifo,
            FdKind::File(..) => FileType::RegularFile,
        })
    }

    fn read(&self, number: u32, most: usize) -> Result<Vec<u8>, Errno> {
        let data = self.get(number).ok_or(Errno::BADF)?.try_read(most, None)?;
        data.map(Vec::from).ok_or(Errno::AGAIN)
    }

    fn write(&self, number: u32, data: &[u8]) -> Result<(), Errno> {
        let fd = self.get(number).ok_or(Errno::BADF)?;
        match fd.room()? {
            0 => Err(Errno::AGAIN),
            _ => fd.push(Bytes::copy_from_slice(data)),
        }
    }

    fn reader(&self, number: u32) -> Option<DynInputStream> {
        self.get(number).map(StdinStream::p2_stream)
    }

    fn writer(&self, number: u32) -> Option<DynOutputStream> {
        self.get(number).map(StdoutStream::p2_stream)
    }
}

fn failed(errno: Errno) -> StreamError {
    match errno {
        Errno::PIPE => StreamError::Trap(wasmtime::Error::new(BrokenPipe)),
        errno => StreamError::LastOperationFailed(wasmtime::Error::new(Failed(errno))),
    }
}

/// Reads.
#[derive(Debug)]
struct Input(Fd);

/// Writes.
#[derive(Debug)]
struct Out(Fd);

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        poll_fn(|context| self.0.poll_read_ready(context)).await;
    }
}

#[async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        match self.0.try_read(size, None).map_err(failed)? {
            Some(data) if data.is_empty() => Err(StreamError::Closed),
            Some(data) => Ok(data),
            None => Ok(Bytes::new()),
        }
    }

    /// The default gives up after a few empty wake-ups, which two readers of one pipe can cause.
    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let data = self.0.read(size, None).await.map_err(failed)?;
        if data.is_empty() { Err(StreamError::Closed) } else { Ok(data) }
    }
}

impl Out {
    /// What is kept has a limit, and who reaches it is ended: most programs would print on.
    fn failed(&self, errno: Errno) -> StreamError {
        match self.0.is_kept() && errno == Errno::NOSPC {
            true => StreamError::Trap(wasmtime::Error::new(OutputFull)),
            false => failed(errno),
        }
    }
}

#[async_trait]
impl Pollable for Out {
    async fn ready(&mut self) {
        poll_fn(|context| self.0.poll_write_ready(context)).await;
    }
}

#[async_trait]
impl OutputStream for Out {
    fn check_write(&mut self) -> StreamResult<usize> {
        self.0.room().map_err(failed)
    }

    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.push(bytes).map_err(|errno| self.failed(errno))
    }

    /// What is written is there at once; whoever reads is not waited for.
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    async fn write_ready(&mut self) -> StreamResult<usize> {
        loop {
            self.ready().await;
            let room = self.check_write()?;
            if room > 0 {
                return Ok(room);
            }
        }
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.write(bytes).await.map_err(|errno| self.failed(errno))
    }
}

impl IsTerminal for Fd {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for Fd {
    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(Input(self.clone()))
    }

    /// Serves WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncRead + Send + Sync> {
        Box::new(tokio::io::empty())
    }
}

impl StdoutStream for Fd {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Out(self.clone()))
    }

    /// Serves WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}
