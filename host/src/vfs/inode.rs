//! What the open descriptors of one file share: the lock that orders its changes, the record
//! that is still growing, and the bytes to give back when the last one closes.
//!
//! Lock order: the table before an inode, an inode before the journal. No lock is held while
//! waiting for anything but the disk.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::journal::{Facts, Journal, OpenWrite};

/// One file that somebody has open.
#[derive(Debug, Default)]
pub(super) struct Inode {
    state: Mutex<InodeState>,
}

#[derive(Debug, Default)]
pub(super) struct InodeState {
    /// Who last wrote, with the record that is still open.
    pub(super) writing: Option<Writing>,
}

/// A descriptor that writes, and its record. A file may be open in several cells at once, each
/// with its own journal, so the record knows where it belongs.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) descriptor: u64,
    pub(super) record: OpenWrite,
    pub(super) journal: Arc<Journal>,
}

impl Writing {
    /// Completes the record.
    pub(super) fn finish(self, after: Facts) {
        self.journal.close_write(self.record, after);
    }
}

impl Inode {
    /// Waits for the other changes of this file.
    pub(super) fn lock(&self) -> MutexGuard<'_, InodeState> {
        self.state.lock()
    }
}

/// The files of one mount that somebody has open, by inode number.
#[derive(Debug, Default)]
pub(super) struct InodeTable {
    open: Mutex<OpenInodes>,
}

/// The table, locked. Names change and files are opened only under this lock, so that a file is
/// never unlinked between being found and being counted.
#[derive(Debug, Default)]
pub(super) struct OpenInodes {
    by_number: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    inode: Arc<Inode>,
    descriptors: usize,
    /// Its last name is gone, so that the last descriptor gives its bytes back.
    orphan: bool,
}

impl InodeTable {
    pub(super) fn lock(&self) -> MutexGuard<'_, OpenInodes> {
        self.open.lock()
    }
}

impl OpenInodes {
    /// One more descriptor of inode `number`.
    pub(super) fn open(&mut self, number: u64) -> Arc<Inode> {
        let entry = self.by_number.entry(number).or_insert_with(|| Entry {
            inode: Arc::default(),
            descriptors: 0,
            orphan: false,
        });
        entry.descriptors += 1;
        entry.inode.clone()
    }

    /// One descriptor less; whether it was the last of a file without a name.
    pub(super) fn close(&mut self, number: u64) -> bool {
        let Some(entry) = self.by_number.get_mut(&number) else { return false };
        entry.descriptors -= 1;
        if entry.descriptors > 0 {
            return false;
        }
        self.by_number.remove(&number).is_some_and(|entry| entry.orphan)
    }

    /// Notes that a file's last name is gone; whether somebody still has it open.
    pub(super) fn orphan(&mut self, number: u64) -> bool {
        match self.by_number.get_mut(&number) {
            Some(entry) => {
                entry.orphan = true;
                true
            }
            None => false,
        }
    }

    /// The file, if anybody has it open.
    pub(super) fn get(&self, number: u64) -> Option<&Arc<Inode>> {
        self.by_number.get(&number).map(|entry| &entry.inode)
    }
}
