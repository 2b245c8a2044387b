//! A program's standard streams: nothing to read, and output that is kept up to a limit.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use rustix::io::Errno;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{OutputStream, StreamError, StreamResult};

use super::limits::MAX_OUTPUT_BYTES;
use crate::vfs::Output;

/// Bytes a stream takes at once.
const WRITE_PERMIT: usize = 64 << 10;

/// The program printed more than [`MAX_OUTPUT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("printed more than {MAX_OUTPUT_BYTES} bytes")]
pub(super) struct OutputLimit;

/// Standard output and error, one after the other as they were written.
#[derive(Debug, Clone, Default)]
pub(super) struct Capture(Arc<Mutex<Vec<u8>>>);

impl Output for Capture {
    fn write(&self, data: &[u8]) -> Result<(), Errno> {
        self.keep(data).map_err(|OutputLimit| Errno::NOSPC)
    }
}

impl Capture {
    fn keep(&self, data: &[u8]) -> Result<(), OutputLimit> {
        let mut kept = self.0.lock();
        if kept.len() + data.len() > MAX_OUTPUT_BYTES {
            return Err(OutputLimit);
        }
        kept.extend_from_slice(data);
        Ok(())
    }

    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock())
    }
}

#[async_trait]
impl Pollable for Capture {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Capture {
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_PERMIT)
    }

    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.keep(&bytes).map_err(|limit| StreamError::Trap(wasmtime::Error::new(limit)))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    /// Serves WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}
