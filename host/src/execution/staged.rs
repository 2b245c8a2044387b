//! Files that are staged before there is an execution for them. They can be used for any number of
//! executions until they expire, and then they are gone from the disk.

use std::io::Write as _;
use std::time::Duration;

use cap_std::fs::{Dir, File, OpenOptions};
use serde::{Deserialize, Serialize};

use super::ExecutionError;
use crate::ambient;
use crate::kept;

/// How long a staged file can be used, unless something else is said.
pub(super) const DEFAULT_LIFETIME: Duration = Duration::from_secs(3_600);

/// Bytes that may be staged at once, by all organizations together: they are on the host's disk
/// and count for no region.
pub const MAX_STAGED_BYTES: u64 = 20 << 30;

/// A staged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Its id.
    pub id: String,
    /// The name it will have in `uploads/`.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Whose it is.
    pub organization: Option<String>,
    /// When it was staged, in nanoseconds since 1970.
    pub staged_ns: u64,
}

/// The staged files.
#[derive(Debug)]
pub struct Staged {
    directory: Dir,
    lifetime: Duration,
}

/// A file that is being staged. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Staging<'a> {
    staged: &'a Staged,
    file: File,
    meta: StagedFile,
    kept: bool,
}

impl Staged {
    pub(super) fn new(directory: Dir, lifetime: Duration) -> Staged {
        Staged { directory, lifetime }
    }

    /// Begins to stage a file.
    ///
    /// # Errors
    /// When the state directory cannot be written, or too much is staged.
    pub fn begin(
        &self,
        name: &str,
        organization: Option<&str>,
    ) -> Result<Staging<'_>, ExecutionError> {
        let id = uuid::Uuid::new_v4().to_string();
        let options = OpenOptions::new().write(true).create_new(true).clone();
        let file = self
            .directory
            .open_with(&id, &options)
            .map_err(ExecutionError::state("make", format!("staged/{id}")))?;
        let meta = StagedFile {
            id,
            name: name.to_owned(),
            size: 0,
            organization: organization.map(str::to_owned),
            staged_ns: ambient::now_ns(),
        };
        Ok(Staging { staged: self, file, meta, kept: false })
    }

    /// A staged file that has not expired, of this organization.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(
        &self,
        id: &str,
        organization: Option<&str>,
    ) -> Result<(StagedFile, File), ExecutionError> {
        let missing = || ExecutionError::Staged(id.to_owned());
        uuid::Uuid::parse_str(id).map_err(|_| missing())?;
        let text = self.directory.read(format!("{id}.json")).map_err(|_| missing())?;
        let meta: StagedFile = serde_json::from_slice(&text).map_err(|_| missing())?;
        if self.expired(&meta) || meta.organization.as_deref() != organization {
            return Err(missing());
        }
        let file = self.directory.open(id).map_err(|_| missing())?;
        Ok((meta, file))
    }

    fn expired(&self, meta: &StagedFile) -> bool {
        let age = ambient::now_ns().saturating_sub(meta.staged_ns);
        u128::from(age) >= self.lifetime.as_nanos()
    }

    /// Removes what has expired, and what was never staged to its end; how many that were comes
    /// back. `unfinished` says whether files without a description go too: they may be on their way
    /// while a server runs, and are not when it starts.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn sweep(&self, unfinished: bool) -> Result<usize, ExecutionError> {
        let failed = || ExecutionError::state("read", "staged");
        let mut removed = 0;
        for entry in self.directory.entries().map_err(failed())? {
            let name = entry.map_err(failed())?.file_name();
            let Some(name) = name.to_str() else { continue };
            let id = name.strip_suffix(".json").unwrap_or(name);
            let meta = kept::read(&self.directory, &format!("{id}.json")).map_err(failed())?;
            let meta = meta.and_then(|text| serde_json::from_slice::<StagedFile>(&text).ok());
            let gone = match &meta {
                Some(meta) => self.expired(meta),
                None => unfinished,
            };
            if gone {
                removed += usize::from(!name.ends_with(".json"));
                let _ = self.directory.remove_file(name);
            }
        }
        Ok(removed)
    }

    fn total(&self) -> u64 {
        let Ok(entries) = self.directory.entries() else { return 0 };
        entries.flatten().filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
    }
}

impl Staging<'_> {
    /// Takes the next piece.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn write(&mut self, data: &[u8]) -> Result<(), ExecutionError> {
        self.meta.size += data.len() as u64;
        self.file
            .write_all(data)
            .map_err(ExecutionError::state("write", format!("staged/{}", self.meta.id)))
    }

    /// How much has come so far.
    pub fn size(&self) -> u64 {
        self.meta.size
    }

    /// It is all there.
    ///
    /// # Errors
    /// When the disk says no, or too much is staged.
    pub fn finish(mut self) -> Result<StagedFile, ExecutionError> {
        if self.staged.total() > MAX_STAGED_BYTES {
            return Err(ExecutionError::StagedFull);
        }
        let name = format!("{}.json", self.meta.id);
        let text = serde_json::to_vec(&self.meta).unwrap_or_default();
        kept::replace_synced(&self.staged.directory, &name, &text)
            .map_err(ExecutionError::state("write", format!("staged/{name}")))?;
        self.kept = true;
        Ok(self.meta.clone())
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let _ = self.staged.directory.remove_file(&self.meta.id);
        }
    }
}
