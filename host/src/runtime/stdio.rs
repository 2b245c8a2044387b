//! Output that is kept, up to a limit.

use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::limits::MAX_OUTPUT_BYTES;
use crate::vfs::Output;

/// Standard output and error, one after the other as they were written.
#[derive(Debug, Clone, Default)]
pub(super) struct Capture(Arc<Mutex<Vec<u8>>>);

impl Output for Capture {
    fn write(&self, data: &[u8]) -> Result<(), Errno> {
        let mut kept = self.0.lock();
        if kept.len() + data.len() > MAX_OUTPUT_BYTES {
            return Err(Errno::NOSPC);
        }
        kept.extend_from_slice(data);
        Ok(())
    }
}

impl Capture {
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock())
    }
}
