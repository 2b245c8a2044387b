//! What is known of an execution on the disk: one JSON file, replaced as a whole.

use std::collections::BTreeMap;
use std::fmt;

use cap_std::fs::Dir;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ExecutionError;
use crate::kept;
use crate::persist::Synced;

const FILE: &str = "execution.json";
const FORMAT: u32 = 1;

/// How an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is being made; nobody was told of it.
    Starting,
    /// It takes tool calls.
    Running,
    /// It takes none until it is resumed.
    Paused,
    /// It has reached its end.
    Completed,
    /// It was ended from outside.
    Cancelled,
    /// It could not reach its end.
    Failed,
}

impl Status {
    /// The name used in files, output and the APIs.
    pub fn name(self) -> &'static str {
        match self {
            Status::Starting => "starting",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Completed => "completed",
            Status::Cancelled => "cancelled",
            Status::Failed => "failed",
        }
    }

    /// Whether it stays so.
    pub fn is_terminal(self) -> bool {
        matches!(self, Status::Completed | Status::Cancelled | Status::Failed)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How an execution is to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// A terminal status.
    pub status: Status,
    /// `success`, `failure`, or another word of the loop's; none for a cancelled one.
    #[serde(default)]
    pub outcome: Option<String>,
    /// Why, in words.
    #[serde(default)]
    pub reasoning: String,
    /// What came of it.
    #[serde(default)]
    pub result: Value,
}

impl Ending {
    /// It did what it was for.
    pub fn completed(outcome: &str, reasoning: &str, result: Value) -> Ending {
        Ending {
            status: Status::Completed,
            outcome: Some(outcome.to_owned()),
            reasoning: reasoning.to_owned(),
            result,
        }
    }

    /// It was ended from outside.
    pub fn cancelled() -> Ending {
        Ending {
            status: Status::Cancelled,
            outcome: None,
            reasoning: String::new(),
            result: Value::Null,
        }
    }

    /// It could not go on.
    pub fn failed(reason: &str) -> Ending {
        Ending { status: Status::Failed, reasoning: reason.to_owned(), ..Ending::cancelled() }
    }
}

/// What came of a completed execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionResult {
    /// Its own id.
    pub id: String,
    /// `success`, `failure`, or another word of the loop's.
    pub outcome: String,
    /// Why, in words.
    pub reasoning: String,
    /// The data.
    pub result: Value,
    /// When it was given, in nanoseconds since 1970.
    pub created_ns: u64,
}

/// What became of `shared/` at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Saved {
    /// It is in the store.
    Done {
        /// The version that holds it.
        version: u64,
        /// How many paths were written.
        written: usize,
        /// How many were removed.
        removed: usize,
        /// Changed paths that are frozen, and were left as they are.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        frozen: Vec<String>,
        /// Paths where another execution's change was replaced, and the version that has it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        overwrote: BTreeMap<String, u64>,
    },
    /// It was refused as a whole; the execution's directory has it.
    Refused {
        /// Why.
        reason: String,
    },
}

impl From<Synced> for Saved {
    fn from(synced: Synced) -> Saved {
        Saved::Done {
            version: synced.version,
            written: synced.written.len(),
            removed: synced.removed.len(),
            frozen: synced.frozen,
            overwrote: synced.overwrote,
        }
    }
}

/// One execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionRecord {
    pub(super) format: u32,
    /// Its id.
    pub id: String,
    /// The agent whose `shared/` it has.
    pub agent: String,
    /// Whose it is, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The environment it sees at `/workspace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// How it stands.
    pub status: Status,
    /// When it was asked for, in nanoseconds since 1970.
    pub created_ns: u64,
    /// When it could take its first call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ns: Option<u64>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal_ns: Option<u64>,
    /// The version of `shared/` that it began with.
    pub base_version: u64,
    /// The first change in its journal that is its own.
    pub base_seq: u64,
    /// What the caller gave it to work with.
    #[serde(default)]
    pub inputs: Value,
    /// What the caller wants to remember with it.
    #[serde(default)]
    pub metadata: Value,
    /// How it is to end, from when that was asked until it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ExecutionResult>,
    /// What became of `shared/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Saved>,
    /// Whether the store has what stays of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// Tells its commit to the store from others.
    pub(super) commit: String,
}

impl ExecutionRecord {
    pub(super) fn new(id: &str, agent: &str) -> ExecutionRecord {
        ExecutionRecord {
            format: FORMAT,
            id: id.to_owned(),
            agent: agent.to_owned(),
            organization: None,
            environment: None,
            status: Status::Starting,
            created_ns: crate::ambient::now_ns(),
            started_ns: None,
            terminal_ns: None,
            base_version: 0,
            base_seq: 0,
            inputs: Value::Null,
            metadata: Value::Null,
            ending: None,
            result: None,
            saved: None,
            archived: false,
            commit: uuid::Uuid::new_v4().to_string(),
        }
    }

    /// The record in an execution's directory; `None` where there is none.
    pub(super) fn load(
        directory: &Dir,
        id: &str,
    ) -> Result<Option<ExecutionRecord>, ExecutionError> {
        let what = format!("executions/{id}/{FILE}");
        read(directory, FILE, what, (FORMAT, |record: &ExecutionRecord| record.format))
    }

    /// Replaces the record, and waits until it is on the disk: what it says was promised.
    pub(super) fn store(&self, directory: &Dir) -> Result<(), ExecutionError> {
        let what = format!("executions/{}/{FILE}", self.id);
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        kept::replace_synced(directory, FILE, &text).map_err(ExecutionError::state("write", what))
    }
}

/// What a JSON file holds, whose format is one that is known; `None` where there is no such file.
pub(super) fn read<T: DeserializeOwned>(
    directory: &Dir,
    name: &str,
    what: String,
    (known, format): (u32, impl Fn(&T) -> u32),
) -> Result<Option<T>, ExecutionError> {
    let text = kept::read(directory, name).map_err(ExecutionError::state("read", &*what))?;
    let Some(text) = text else { return Ok(None) };
    let damaged = |reason: String| ExecutionError::Damaged { what, reason };
    match serde_json::from_slice(&text) {
        Ok(value) if format(&value) == known => Ok(Some(value)),
        Ok(value) => Err(damaged(format!("it has format {}, not {known}", format(&value)))),
        Err(error) => Err(damaged(error.to_string())),
    }
}

/// The names in a directory of the state directory.
pub(super) fn names(directory: &Dir, what: &str) -> Result<Vec<String>, ExecutionError> {
    let failed = || ExecutionError::state("read", what);
    let mut names = Vec::new();
    for entry in directory.entries().map_err(failed())? {
        let name = entry.map_err(failed())?.file_name();
        names.extend(name.to_str().map(str::to_owned));
    }
    Ok(names)
}
