//! What stays of an execution when its directory is gone: its record, what happened, every change,
//! and which files it ended with. The files themselves do not stay; `shared/` has versions.
//!
//! # Objects
//!
//! ```text
//! executions/<id>/journal/<segment>.log
//! executions/<id>/activities.jsonl
//! executions/<id>/files.json
//! executions/<id>/execution.json      the last: with it, the archive is whole
//! ```

use std::sync::Arc;

use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};

use super::ExecutionError;
use super::activity::Activity;
use super::home::{Executions, Home, plain};
use super::record::{ExecutionRecord, names};
use super::run::{Execution, SHARED};
use crate::journal::{Reader, segments};
use crate::jsonl;
use crate::persist::{PersistError, Store};
use crate::policy::DEFAULT_REGIONS;
use crate::vfs::FileType;

/// Files that the final listing names.
const MAX_FILES: usize = 1_000_000;
const MAX_DEPTH: usize = 256;

/// What is kept of an execution that was removed.
#[derive(Debug, Clone)]
pub struct Archived {
    /// What was known of it.
    pub record: ExecutionRecord,
    /// What happened, in order.
    pub activities: Vec<Activity>,
    /// The files that it ended with, `shared/` excepted.
    pub files: Vec<FinalFile>,
}

/// A file that an execution ended with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalFile {
    /// Its absolute path.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// When it was changed, in nanoseconds since 1970.
    pub modified_ns: u64,
}

fn object(id: &str, name: &str) -> String {
    format!("executions/{id}/{name}")
}

impl Executions {
    /// Puts into the store what stays of an execution that has ended. Doing it again does nothing.
    ///
    /// # Errors
    /// When it has not ended, or the store cannot be reached.
    pub async fn archive(&self, id: &str) -> Result<(), ExecutionError> {
        let execution = self.get(id)?;
        let record = execution.record();
        if !record.status.is_terminal() {
            let (id, status) = (id.to_owned(), record.status);
            return Err(ExecutionError::Status {
                id,
                status,
                wanted: "archived before it has ended",
            });
        }
        if !record.archived {
            put(self.home(), &execution, &record).await?;
            execution.archived()?;
        }
        let _ = self.home().ended.remove_file(id);
        Ok(())
    }

    /// Archives executions that have ended and are not archived. What fails is reported, and tried
    /// again the next time.
    ///
    /// # Errors
    /// When the state directory cannot be read.
    pub async fn archive_ended(&self) -> Result<(), ExecutionError> {
        for id in names(&self.home().ended, "ended")? {
            match self.archive(&id).await {
                // Removed in the meantime.
                Err(ExecutionError::NotFound(_)) => {
                    let _ = self.home().ended.remove_file(&id);
                }
                Err(error) => self.home().runtime.report(&error),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// What the store has of an execution.
    ///
    /// # Errors
    /// When it has none of this id, or cannot be reached.
    pub async fn archived(&self, id: &str) -> Result<Archived, ExecutionError> {
        let store = self.archive_of(id)?;
        let missing = || ExecutionError::NotFound(id.to_owned());
        let get = async |name: &str| store.get(&object(id, name)).await;
        let record = get("execution.json").await?.ok_or_else(missing)?;
        let damaged = |name: &str, error: serde_json::Error| PersistError::Corrupt {
            object: object(id, name),
            reason: error.to_string(),
        };
        let record =
            serde_json::from_slice(&record).map_err(|error| damaged("execution.json", error))?;
        let files = get("files.json").await?.ok_or_else(missing)?;
        let files = serde_json::from_slice(&files).map_err(|error| damaged("files.json", error))?;
        let activities = get("activities.jsonl").await?.ok_or_else(missing)?;
        Ok(Archived { record, activities: jsonl::parse(&activities), files })
    }

    /// Reads the journal that the store has of an execution.
    ///
    /// # Errors
    /// When it has none of this id, or cannot be reached.
    pub async fn archived_journal(
        &self,
        id: &str,
        mut reader: Reader,
    ) -> Result<Reader, ExecutionError> {
        let store = self.archive_of(id)?;
        if store.get(&object(id, "execution.json")).await?.is_none() {
            return Err(ExecutionError::NotFound(id.to_owned()));
        }
        for name in store.list(&object(id, "journal"), None).await? {
            let segment = store.get(&object(id, &format!("journal/{name}"))).await?;
            reader.feed(&name, &segment.unwrap_or_default()).map_err(PersistError::from)?;
        }
        Ok(reader)
    }

    fn archive_of(&self, id: &str) -> Result<&Store, ExecutionError> {
        plain(id).map_err(|_| ExecutionError::NotFound(id.to_owned()))?;
        Ok(&self.home().store()?.0)
    }
}

async fn put(
    home: &Home,
    execution: &Arc<Execution>,
    record: &ExecutionRecord,
) -> Result<(), ExecutionError> {
    let store = &home.store()?.0;
    let put = async |name: &str, content: Vec<u8>| {
        store.put(&object(&record.id, name), content.into()).await
    };
    let what = format!("executions/{}/journal", record.id);
    let failed = || ExecutionError::state("read", &*what);
    let journal: Dir = execution.directory().open_dir("journal").map_err(failed())?;
    for (name, _) in segments(&journal).map_err(PersistError::from)? {
        // A segment is no longer than is read at once.
        put(&format!("journal/{name}"), journal.read(&name).map_err(failed())?).await?;
    }
    let activities: Vec<u8> = execution.activities()?.iter().flat_map(jsonl::line).collect();
    put("activities.jsonl", activities).await?;
    let files = files(execution).await?;
    put("files.json", serde_json::to_vec(&files).unwrap_or_default()).await?;
    put("execution.json", serde_json::to_vec(record).unwrap_or_default()).await?;
    Ok(store.settle()?)
}

/// The files there are in the regions that are the execution's own.
async fn files(execution: &Execution) -> Result<Vec<FinalFile>, ExecutionError> {
    let door = execution.reading_door("archive").await?;
    let mut files = Vec::new();
    for region in DEFAULT_REGIONS.iter().filter(|region| region.name != SHARED.region) {
        let found = door
            .walk(region.mount, MAX_DEPTH, MAX_FILES - files.len())
            .map_err(|fault| ExecutionError::file("list", region.mount, fault))?;
        let regular = found.into_iter().filter(|(_, look)| look.kind == FileType::RegularFile);
        files.extend(regular.map(|(path, look)| FinalFile {
            path: format!("{}/{path}", region.mount),
            size: look.size,
            mode: look.mode & 0o777,
            modified_ns: look.modified,
        }));
    }
    Ok(files)
}
