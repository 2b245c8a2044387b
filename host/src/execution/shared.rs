//! An agent's `shared/` between executions: its versions, and changes that do not come from one.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use cap_std::fs::{Dir, OpenOptions};
use rustix::io::Errno;

use super::ExecutionError;
use super::home::Executions;
use crate::ambient;
use crate::persist::{
    Author, Blobs, Content, Digest, Edited, Entry, Kind, PersistError, Version, Versions,
    check_quota, entry,
};
use crate::policy::{DEFAULT_REGIONS, Quota};
use crate::vfs::Fault;

/// The region's name.
const SHARED: &str = DEFAULT_REGIONS[0].name;

/// The shared files of one agent.
#[derive(Debug)]
pub struct SharedFiles {
    versions: Versions,
    quota: Quota,
    scratch: Dir,
}

/// Content that is being received, in a file without a name.
#[derive(Debug)]
pub struct NewContent {
    file: std::fs::File,
    size: u64,
    most: u64,
}

impl NewContent {
    fn new(scratch: &Dir, most: u64) -> Result<NewContent, ExecutionError> {
        let failed = || ExecutionError::state("make", "a file in staged");
        let name = format!("content-{:x}", ambient::unique());
        let options = OpenOptions::new().read(true).write(true).create_new(true).clone();
        let file = scratch.open_with(&name, &options).map_err(failed())?;
        scratch.remove_file(&name).map_err(failed())?;
        Ok(NewContent { file: file.into_std(), size: 0, most })
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// When it is more than `shared/` may hold, or the disk says no.
    pub fn write(&mut self, data: &[u8]) -> Result<(), ExecutionError> {
        self.size += data.len() as u64;
        if self.size > self.most {
            return Err(PersistError::Quota {
                what: SHARED,
                bytes: self.size,
                entries: 1,
                quota_bytes: self.most,
                quota_entries: Quota::DEFAULT_ENTRIES,
            }
            .into());
        }
        self.file.write_all(data).map_err(ExecutionError::state("write", "staged"))
    }
}

impl NewContent {
    /// All of it as text, if it is text.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn text(&self) -> Result<Option<String>, ExecutionError> {
        let failed = || ExecutionError::state("read", "staged");
        let mut whole = vec![0; self.file.metadata().map_err(failed())?.len() as usize];
        self.file.read_exact_at(&mut whole, 0).map_err(failed())?;
        Ok(String::from_utf8(whole).ok())
    }
}

impl Content for NewContent {
    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
        let mut buffer = vec![0; usize::try_from(length).unwrap_or(usize::MAX).min(1 << 20)];
        let length = self.file.read_at(&mut buffer, offset).map_err(|_| Fault::Os(Errno::IO))?;
        buffer.truncate(length);
        Ok(buffer)
    }
}

impl Executions {
    /// The content of a file in a version. It has been checked when it comes back.
    ///
    /// # Errors
    /// When it is missing or damaged, or the disk says no.
    pub async fn fetch(
        &self,
        blobs: &Blobs,
        path: &str,
        digest: &Digest,
    ) -> Result<NewContent, ExecutionError> {
        let mut content = NewContent::new(&self.home().scratch()?, digest.size)?;
        let each = |piece: &[u8]| content.file.write_all(piece).map_err(PersistError::Disk);
        blobs.fetch(&digest.blake3, digest.size, path, each).await?;
        Ok(content)
    }
}

impl SharedFiles {
    pub(super) fn new(versions: Versions, quota: Quota, scratch: Dir) -> SharedFiles {
        SharedFiles { versions, quota, scratch }
    }

    /// The versions.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// The latest version.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn latest(&self) -> Result<Arc<Version>, ExecutionError> {
        Ok(self.versions.latest().await?)
    }

    /// A place to receive content in.
    ///
    /// # Errors
    /// When the state directory cannot be written.
    pub fn receive(&self) -> Result<NewContent, ExecutionError> {
        NewContent::new(&self.scratch, self.quota.bytes)
    }

    /// Puts files, all of them or none; what was at their paths is replaced. The new entries come
    /// back, in the same order.
    ///
    /// # Errors
    /// When they do not fit, or the store cannot be reached.
    pub async fn put(
        &self,
        files: Vec<(String, NewContent)>,
    ) -> Result<Vec<(String, Entry)>, ExecutionError> {
        let now = ambient::now_ns();
        let mut digests = BTreeMap::new();
        let mut order = Vec::new();
        for (path, content) in files {
            let failed = |fault| ExecutionError::file("read", &path, fault);
            let digest = Digest::of(&content).map_err(failed)?;
            self.versions.blobs().put_file(&content, &digest, &path).await?;
            order.push(path.clone());
            digests.insert(path, digest);
        }
        let version = self
            .change(|tree| {
                for (path, digest) in &digests {
                    let old = tree.get(path);
                    let (mode, frozen) = old.map_or((0o644, false), |old| (old.mode, old.frozen));
                    let kind = Kind::File(digest.clone());
                    let new = Entry { frozen, ..entry(old, &kind, mode, now, None, now) };
                    tree.insert(path.clone(), new);
                }
                Ok(())
            })
            .await?;
        order.dedup();
        let found = order.into_iter().filter_map(|path| {
            let entry = version.tree.get(&path)?.clone();
            Some((path, entry))
        });
        Ok(found.collect())
    }

    /// The file of this id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn find(&self, id: &str) -> Result<(String, Entry), ExecutionError> {
        let latest = self.latest().await?;
        let found = latest.tree.iter().find(|(_, entry)| entry.id == id && entry.file().is_some());
        found
            .map(|(path, entry)| (path.clone(), entry.clone()))
            .ok_or_else(|| ExecutionError::SharedFile(id.to_owned()))
    }

    /// Says whether executions may change a file.
    ///
    /// # Errors
    /// When there is none of this id.
    pub async fn freeze(&self, id: &str, frozen: bool) -> Result<(String, Entry), ExecutionError> {
        let (path, _) = self.find(id).await?;
        let version = self
            .change(|tree| {
                if let Some(entry) = tree.get_mut(&path) {
                    entry.frozen = frozen;
                }
                Ok(())
            })
            .await?;
        let entry = version.tree.get(&path).cloned();
        entry.map(|entry| (path, entry)).ok_or_else(|| ExecutionError::SharedFile(id.to_owned()))
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When there is none of this id.
    pub async fn remove(&self, id: &str) -> Result<(), ExecutionError> {
        let (path, _) = self.find(id).await?;
        self.change(|tree| {
            tree.remove(&path);
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Removes everything. The versions before stay.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn remove_all(&self) -> Result<(), ExecutionError> {
        self.change(|tree| {
            tree.clear();
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Makes an earlier version the latest again, as a new one. Frozen or not: who asks for it
    /// means it.
    ///
    /// # Errors
    /// When there is no such version.
    pub async fn restore(&self, number: u64) -> Result<Arc<Version>, ExecutionError> {
        let old = self.versions.load(number).await?;
        let author = author("restore");
        let latest = self.versions.latest().await?;
        let version = self.versions.commit(latest, &author, |latest| {
            let tree = old.tree.clone();
            Ok((tree != latest.tree).then(|| Edited { tree, ..Edited::default() }))
        });
        Ok(version.await?)
    }

    async fn change(
        &self,
        mut edit: impl FnMut(&mut crate::persist::Tree) -> Result<(), PersistError>,
    ) -> Result<Arc<Version>, ExecutionError> {
        let latest = self.versions.latest().await?;
        let author = author("api");
        let version = self.versions.commit(latest, &author, |latest| {
            let mut tree = latest.tree.clone();
            edit(&mut tree)?;
            check_quota(&tree, SHARED, self.quota)?;
            Ok((tree != latest.tree).then(|| Edited { tree, ..Edited::default() }))
        });
        Ok(version.await?)
    }
}

fn author(door: &str) -> Author {
    Author { door: door.to_owned(), execution: None, commit: uuid::Uuid::new_v4().to_string() }
}
