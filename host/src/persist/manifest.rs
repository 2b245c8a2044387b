//! What a version holds, and its JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::door::OpenFile;
use crate::vfs::Fault;

/// The format's number, in every version's object.
pub(super) const FORMAT: u32 = 1;

/// The paths below `shared/` and what is there.
pub type Tree = BTreeMap<String, Entry>;

/// What is at one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    #[serde(flatten)]
    pub kind: Kind,
    /// Its permission bits.
    pub mode: u32,
    /// When it was changed, in nanoseconds since 1970.
    pub modified_ns: u64,
    /// Its id in the file API: the same for as long as the path is there.
    pub id: String,
    /// How often its content was replaced, from 1.
    pub revision: u64,
    /// When the path appeared, in nanoseconds since 1970.
    pub created_ns: u64,
    /// When this state of it was committed, in nanoseconds since 1970.
    pub updated_ns: u64,
    /// The execution that changed it last; none for a change through the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Whether executions may not change it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub frozen: bool,
}

/// A file, directory or link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    File(Digest),
    /// A directory.
    Directory,
    /// A symbolic link.
    Link {
        /// What it points to.
        target: String,
    },
}

/// What is known of a file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Length in bytes.
    pub size: u64,
    /// BLAKE3 in hexadecimal: the name of its blob.
    pub blake3: String,
    /// SHA-256 in hexadecimal, for the file API.
    pub sha256: String,
}

/// Content that can be read as often as need be.
pub trait Content: Send + Sync {
    /// Up to `length` bytes at `offset`; empty at the end.
    ///
    /// # Errors
    /// As `pread(2)`.
    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, Fault>;
}

impl Content for OpenFile {
    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
        OpenFile::read(self, offset, length)
    }
}

impl Digest {
    /// The digest of what can be read.
    pub(crate) fn of(content: &dyn Content) -> Result<Digest, Fault> {
        let (mut blake, mut sha) = (blake3::Hasher::new(), sha2::Sha256::new());
        let mut size = 0;
        loop {
            let piece = content.read(size, 1 << 20)?;
            if piece.is_empty() {
                break;
            }
            size += piece.len() as u64;
            blake.update(&piece);
            sha.update(&piece);
        }
        let sha256 = sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Digest { size, blake3: blake.finalize().to_hex().to_string(), sha256 })
    }
}

impl Entry {
    /// What its content is, if it is a file.
    pub fn file(&self) -> Option<&Digest> {
        match &self.kind {
            Kind::File(digest) => Some(digest),
            Kind::Directory | Kind::Link { .. } => None,
        }
    }
}

/// Who made a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Author {
    /// `execution`, `api` or `restore`.
    pub door: String,
    /// The execution, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<String>,
    /// Tells one commit from another: who tries again finds out by it whether it has happened.
    pub commit: String,
}

/// One state of an agent's `shared/`. Version 0 is the empty one, which nobody made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    /// Its number.
    pub number: u64,
    /// When it was made, in nanoseconds since 1970.
    pub committed_ns: u64,
    /// Who made it.
    pub author: Author,
    /// Paths where it replaced what another execution had made meanwhile, and the version that
    /// still has it.
    pub overwrote: BTreeMap<String, u64>,
    /// What it holds.
    pub tree: Tree,
    /// The blob of the tree that its changes are stored against, and that tree.
    pub(super) snapshot: Option<(String, Tree)>,
}

impl Version {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        bytes(&self.tree)
    }
}

pub(super) fn bytes(tree: &Tree) -> u64 {
    tree.values().filter_map(|entry| Some(entry.file()?.size)).sum()
}

/// A version as its object has it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) format: u32,
    pub(super) version: u64,
    pub(super) parent: u64,
    pub(super) committed_ns: u64,
    pub(super) author: Author,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) overwrote: BTreeMap<String, u64>,
    pub(super) snapshot: Option<String>,
    /// What differs from the snapshot; `null` where it has a path that is gone.
    pub(super) changes: BTreeMap<String, Option<Entry>>,
}

/// What has to be done to `from` to make it `to`.
pub(super) fn difference(from: &Tree, to: &Tree) -> BTreeMap<String, Option<Entry>> {
    let gone = from.keys().filter(|path| !to.contains_key(*path));
    let new = to.iter().filter(|(path, entry)| from.get(*path) != Some(entry));
    gone.map(|path| (path.clone(), None))
        .chain(new.map(|(path, entry)| (path.clone(), Some(entry.clone()))))
        .collect()
}

/// Does it.
pub(super) fn apply(tree: &mut Tree, changes: BTreeMap<String, Option<Entry>>) {
    for (path, entry) in changes {
        match entry {
            Some(entry) => tree.insert(path, entry),
            None => tree.remove(&path),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Entry {
        let digest = Digest { size: text.len() as u64, blake3: text.into(), sha256: text.into() };
        Entry {
            kind: Kind::File(digest),
            mode: 0o644,
            modified_ns: 1,
            id: "id".into(),
            revision: 1,
            created_ns: 1,
            updated_ns: 1,
            by: None,
            frozen: false,
        }
    }

    #[test]
    fn a_difference_makes_one_tree_the_other() {
        let tree = |pairs: &[(&str, &str)]| -> Tree {
            pairs.iter().map(|(path, text)| ((*path).to_owned(), entry(text))).collect()
        };
        let from = tree(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let to = tree(&[("a", "1"), ("c", "4"), ("d", "5")]);
        let changes = difference(&from, &to);
        assert_eq!(changes.keys().collect::<Vec<_>>(), ["b", "c", "d"]);
        let mut made = from;
        apply(&mut made, changes);
        assert_eq!(made, to);
    }

    #[test]
    fn an_entry_survives_its_json() {
        let mut link = entry("x");
        link.kind = Kind::Link { target: "../x".into() };
        let mut directory = entry("x");
        directory.kind = Kind::Directory;
        for entry in [entry("x"), link, directory] {
            let text = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
        }
    }
}
