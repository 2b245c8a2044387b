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
use crate::vfs::{Failures, Fault, FileType, Streams};

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

/// The descriptors that a process was started with.
#[derive(Debug)]
pub struct Fds {
    by_number: Vec<(u32, Fd)>,
    failures: Failures,
}

impl Fds {
    /// Those of a process that begins.
    pub fn new(by_number: Vec<(u32, Fd)>) -> Fds {
        Fds { by_number, failures: Failures::default() }
    }

    /// Each with its number.
    pub fn all(&self) -> &[(u32, Fd)] {
        &self.by_number
    }

    /// The one of this number.
    pub fn get(&self, number: u32) -> Option<&Fd> {
        self.all().iter().find(|(known, _)| *known == number).map(|(_, fd)| fd)
    }

    /// Why operations of the process failed.
    pub fn failures(&self) -> &Failures {
        &self.failures
    }

    /// The one of this number as a stream. Where there is none, nothing is read and all is taken.
    pub fn stream(&self, number: u32) -> Stream {
        let fd = self.get(number).cloned().unwrap_or_else(Fd::null);
        Stream { fd, failures: self.failures.clone() }
    }
}

/// An open file description as a process reads from it or writes to it.
#[derive(Debug, Clone)]
pub struct Stream {
    fd: Fd,
    failures: Failures,
}

impl Stream {
    fn failed(&self, fault: impl Into<Fault>) -> StreamError {
        let fault = fault.into();
        self.failures.note_stream(&fault);
        match fault.errno() {
            Errno::PIPE => StreamError::Trap(wasmtime::Error::new(BrokenPipe)),
            errno => StreamError::LastOperationFailed(wasmtime::Error::new(Failed(errno))),
        }
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
            _ => fd.push(Bytes::copy_from_slice(data)).map_err(|fault| fault.errno()),
        }
    }

    fn reader(&self, number: u32) -> Option<DynInputStream> {
        self.get(number).map(|_| StdinStream::p2_stream(&self.stream(number)))
    }

    fn writer(&self, number: u32) -> Option<DynOutputStream> {
        self.get(number).map(|_| StdoutStream::p2_stream(&self.stream(number)))
    }
}

/// Reads.
#[derive(Debug)]
struct Input(Stream);

/// Writes.
#[derive(Debug)]
struct Out(Stream);

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        poll_fn(|context| self.0.fd.poll_read_ready(context)).await;
    }
}

#[async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        match self.0.fd.try_read(size, None).map_err(|errno| self.0.failed(errno))? {
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
        let data = self.0.fd.read(size, None).await.map_err(|errno| self.0.failed(errno))?;
        if data.is_empty() { Err(StreamError::Closed) } else { Ok(data) }
    }
}

impl Out {
    /// What is kept has a limit, and who reaches it is ended: most programs would print on.
    fn failed(&self, fault: Fault) -> StreamError {
        match self.0.fd.is_kept() && fault.errno() == Errno::NOSPC {
            true => StreamError::Trap(wasmtime::Error::new(OutputFull)),
            false => self.0.failed(fault),
        }
    }
}

#[async_trait]
impl Pollable for Out {
    async fn ready(&mut self) {
        poll_fn(|context| self.0.fd.poll_write_ready(context)).await;
    }
}

#[async_trait]
impl OutputStream for Out {
    fn check_write(&mut self) -> StreamResult<usize> {
        self.0.fd.room().map_err(|errno| self.0.failed(errno))
    }

    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.fd.push(bytes).map_err(|fault| self.failed(fault))
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
        self.0.fd.write(bytes).await.map_err(|fault| self.failed(fault))
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for Stream {
    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(Input(self.clone()))
    }

    /// Serves WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncRead + Send + Sync> {
        Box::new(tokio::io::empty())
    }
}

impl StdoutStream for Stream {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Out(self.clone()))
    }

    /// Serves WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}
