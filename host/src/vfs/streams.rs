//! File streams: `wasi:io` reads and writes that end in the mediator.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::io::Errno;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

use super::backing::Position;
use super::fault::Fault;
use super::handle::Node;
use super::mediator::Mediator;
use super::wasi::{Failures, error_code};

/// Bytes a stream takes at once. It also bounds what `write-zeroes` makes the host allocate.
const WRITE_PERMIT: usize = 1 << 20;

/// Reads a file from an offset on.
pub(super) struct FileInput {
    pub(super) mediator: Arc<Mediator>,
    pub(super) node: Node,
    pub(super) offset: u64,
    pub(super) failures: Failures,
}

#[async_trait]
impl Pollable for FileInput {
    async fn ready(&mut self) {}
}

#[async_trait]
impl InputStream for FileInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let data = self.mediator.read(&self.node, size as u64, self.offset);
        let data = data.map_err(|fault| failed(&self.failures, &fault))?;
        if data.is_empty() {
            return Err(StreamError::Closed);
        }
        self.offset += data.len() as u64;
        Ok(data.into())
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.read(size)
    }
}

/// Writes a file from an offset on, or at its end.
pub(super) struct FileOutput {
    pub(super) mediator: Arc<Mediator>,
    pub(super) node: Node,
    pub(super) position: Position,
    pub(super) failures: Failures,
}

#[async_trait]
impl Pollable for FileOutput {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for FileOutput {
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_PERMIT)
    }

    /// `splice`, `write-zeroes` and `blocking-write-and-flush` of `wasi:io` all come here.
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let written = self
                .mediator
                .write(&self.node, rest, self.position)
                .map_err(|fault| failed(&self.failures, &fault))?;
            if written == 0 {
                return Err(failed(&self.failures, &Errno::IO.into()));
            }
            rest = &rest[written..];
            if let Position::At(offset) = &mut self.position {
                *offset += written as u64;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.write(bytes)
    }
}

fn failed(failures: &Failures, fault: &Fault) -> StreamError {
    failures.note_stream(fault);
    StreamError::LastOperationFailed(wasmtime::Error::new(error_code(fault.errno())))
}
