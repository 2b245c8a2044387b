//! What a command prints, kept while it runs.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rustix::io::Errno;

use crate::process::Fd;
use crate::vfs::Output;

/// Bytes that are kept of one command's output; what is beyond is counted and dropped.
pub(super) const MAX_KEPT: usize = 64 << 20;

/// Bytes after which a command is ended. Against output without end.
const MAX_PRINTED: u64 = 5 << 30;

/// Standard output and error of a command, in the order in which they were written.
#[derive(Debug, Clone, Default)]
pub(super) struct Spool(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    kept: Vec<u8>,
    printed: u64,
    file: Option<Fd>,
}

impl Spool {
    /// What is kept so far, and how much was printed in all.
    pub(super) fn take(&self) -> (Vec<u8>, u64) {
        let mut inner = self.0.lock();
        (std::mem::take(&mut inner.kept), inner.printed)
    }

    /// From here on everything goes to `file`, what is kept first.
    pub(super) fn divert(&self, file: Fd) -> Result<(), Errno> {
        let mut inner = self.0.lock();
        let kept = std::mem::take(&mut inner.kept);
        file.push(Bytes::from(kept)).map_err(|fault| fault.errno())?;
        inner.file = Some(file);
        Ok(())
    }

    /// Closes the file.
    pub(super) fn close(&self) {
        self.0.lock().file = None;
    }
}

impl Output for Spool {
    fn write(&self, data: &[u8]) -> Result<(), Errno> {
        let mut inner = self.0.lock();
        inner.printed += data.len() as u64;
        if inner.printed > MAX_PRINTED {
            return Err(Errno::NOSPC);
        }
        if let Some(file) = &inner.file {
            return file.push(Bytes::copy_from_slice(data)).map_err(|fault| fault.errno());
        }
        let room = MAX_KEPT.saturating_sub(inner.kept.len());
        inner.kept.extend_from_slice(&data[..data.len().min(room)]);
        Ok(())
    }
}
