//! Before-images: what a file held before a call first changed it.
//!
//! They are content-addressed files beside the segments, so that the same content is kept once.
//! A record names its image by the hash in its `before` facts.

use std::collections::HashSet;

use cap_std::fs::{Dir, File, OpenOptions};
use parking_lot::Mutex;

use super::JournalError;

/// Which files' old content is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// None.
    Off,
    /// Files up to 1 MiB.
    #[default]
    Small,
    /// All, as undoing a whole call needs.
    All,
}

const SMALL: u64 = 1 << 20;

/// Call-and-inode pairs remembered. Past it the memory starts anew, which at worst keeps an image
/// of a later state beside the first one; the records stay right.
const MAX_REMEMBERED: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Images {
    directory: Dir,
    keep: Keep,
    seen: Mutex<HashSet<(u32, u64)>>,
}

impl Images {
    pub(super) fn new(journal: &Dir, keep: Keep) -> Result<Images, JournalError> {
        let io = |source| JournalError::Io { action: "make the before-images of", source };
        match journal.create_dir("before") {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(io(error));
            }
            _ => {}
        }
        let directory = journal.open_dir("before").map_err(io)?;
        Ok(Images { directory, keep, seen: Mutex::default() })
    }

    /// Whether the content of this file is to be kept before `actor` changes it. True once for
    /// each call and file.
    pub(crate) fn wants(&self, actor: u32, inode: u64, size: u64) -> bool {
        let wanted = match self.keep {
            Keep::Off => false,
            Keep::Small => size <= SMALL,
            Keep::All => true,
        };
        wanted && size > 0 && self.remember(actor, inode)
    }

    /// A file that `actor` made itself had no content before the call: none is kept of it.
    pub(crate) fn made(&self, actor: u32, inode: u64) {
        if self.keep != Keep::Off {
            self.remember(actor, inode);
        }
    }

    fn remember(&self, actor: u32, inode: u64) -> bool {
        let mut seen = self.seen.lock();
        if seen.len() >= MAX_REMEMBERED {
            seen.clear();
        }
        seen.insert((actor, inode))
    }

    /// Keeps a copy of `file`; its hash comes back.
    pub(crate) fn store(&self, file: &mut impl std::io::Read) -> Result<[u8; 32], JournalError> {
        let io = |source| JournalError::Io { action: "keep a before-image in", source };
        let name = format!(".tmp-{:x}", crate::ambient::unique());
        let options = OpenOptions::new().write(true).create_new(true).clone();
        let mut copy = self.directory.open_with(&name, &options).map_err(io)?;
        let result = hash_into(file, &mut copy).and_then(|hash| {
            self.directory.rename(&name, &self.directory, hash.to_hex().as_str())?;
            Ok(*hash.as_bytes())
        });
        result.map_err(|error| {
            let _ = self.directory.remove_file(&name);
            io(error)
        })
    }
}

fn hash_into(from: &mut impl std::io::Read, to: &mut File) -> std::io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hasher.finalize()),
            n => {
                hasher.update(&buffer[..n]);
                std::io::Write::write_all(to, &buffer[..n])?;
            }
        }
    }
}
