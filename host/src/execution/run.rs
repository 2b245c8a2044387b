//! A live execution: its calls, and its end.
//!
//! Calls and uploads hold the gate open side by side; the end closes it, first for new ones and,
//! once those on their way have left, for good. What `finish` acknowledges is in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::Dir;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockReadGuard, broadcast, watch};

use super::ExecutionError;
use super::activity::{self, Activity, ActivityLog};
use super::home::Home;
use super::record::{Ending, ExecutionRecord, ExecutionResult, Saved, Status};
use crate::ambient;
use crate::call::{ToolCall, ToolResult};
use crate::cell::Cell;
use crate::door::{Door, Received};
use crate::failure::Failure;
use crate::journal::Journal;
use crate::notice;
use crate::persist::{self, Author, Owner, PersistError, Place, Touched};
use crate::policy::{Access, DEFAULT_REGIONS};
use crate::wire;

/// Where `shared/` is seen.
pub(super) const SHARED: Place<'_> =
    Place { region: DEFAULT_REGIONS[0].name, mount: DEFAULT_REGIONS[0].mount };

/// One execution of an agent.
#[derive(Debug)]
pub struct Execution {
    home: Arc<Home>,
    id: String,
    directory: Dir,
    record: Mutex<ExecutionRecord>,
    cell: tokio::sync::Mutex<Option<Arc<Cell>>>,
    gate: RwLock<()>,
    stop: watch::Sender<bool>,
    log: ActivityLog,
    used: AtomicU64,
}

/// A way to put files into a live execution. The execution cannot end while it is held.
#[derive(Debug)]
pub struct OpenDoor<'a> {
    /// The door.
    pub door: Door,
    cell: Arc<Cell>,
    execution: &'a Execution,
    _gate: RwLockReadGuard<'a, ()>,
}

impl Execution {
    pub(super) fn new(home: Arc<Home>, directory: Dir, record: ExecutionRecord) -> Execution {
        Execution {
            home,
            id: record.id.clone(),
            directory,
            record: Mutex::new(record),
            cell: tokio::sync::Mutex::default(),
            gate: RwLock::default(),
            stop: watch::Sender::new(false),
            log: ActivityLog::new(),
            used: AtomicU64::new(ambient::now_ns()),
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is known of it now.
    pub fn record(&self) -> ExecutionRecord {
        self.record.lock().clone()
    }

    /// Changes what is known of it, on the disk first: what cannot be written down has not happened.
    fn change(
        &self,
        change: impl FnOnce(&mut ExecutionRecord) -> Result<(), ExecutionError>,
    ) -> Result<ExecutionRecord, ExecutionError> {
        let mut record = self.record.lock();
        let mut new = record.clone();
        change(&mut new)?;
        new.store(&self.directory)?;
        record.clone_from(&new);
        Ok(new)
    }

    pub(super) fn last_used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether commands are running in its background, or something holds its cell.
    pub(super) fn is_busy(&self) -> bool {
        match self.cell.try_lock() {
            Ok(cell) => cell.as_ref().is_some_and(|cell| {
                Arc::strong_count(cell) > 1 || !cell.kernel().table().list().is_empty()
            }),
            Err(_) => true,
        }
    }

    pub(super) async fn adopt(&self, cell: Cell) {
        *self.cell.lock().await = Some(Arc::new(cell));
    }

    /// Its cell, which is opened if it is not. The regions of an execution that has ended can only
    /// be read.
    ///
    /// # Errors
    /// When another process has it open, or it cannot be read.
    pub async fn cell(&self) -> Result<Arc<Cell>, ExecutionError> {
        self.used.store(ambient::now_ns(), Ordering::Relaxed);
        let mut open = self.cell.lock().await;
        if let Some(cell) = &*open {
            return Ok(cell.clone());
        }
        let record = self.record();
        let options = self.home.cell_options(&record).await?;
        let cell = Arc::new(self.home.runtime.open_cell(options)?);
        if record.status.is_terminal() {
            freeze(&cell);
        }
        *open = Some(cell.clone());
        Ok(cell)
    }

    /// Hands the cell to the disk and lets go of it.
    pub(super) async fn park(&self) {
        let mut open = self.cell.lock().await;
        if let Some(cell) = open.take()
            && let Err(error) = cell.settle()
        {
            self.home.runtime.report(&error);
        }
        self.log.close();
    }

    /// Whether it sees this environment.
    pub(super) fn sees(&self, environment: &str) -> bool {
        self.record.lock().environment.as_deref() == Some(environment)
    }

    /// Its journal, if its cell is open.
    pub(super) fn open_journal(&self) -> Option<Arc<Journal>> {
        let open = self.cell.try_lock().ok()?;
        Some(open.as_ref()?.journal().clone())
    }

    /// Whether it has no cell open.
    pub(super) fn is_parked(&self) -> bool {
        self.cell.try_lock().is_ok_and(|cell| cell.is_none())
    }

    pub(super) fn directory(&self) -> &Dir {
        &self.directory
    }

    /// Notes that the store has what stays of it.
    pub(super) fn archived(&self) -> Result<(), ExecutionError> {
        self.change(|record| {
            record.archived = true;
            Ok(())
        })?;
        Ok(())
    }

    pub(super) fn log(&self, payload: Value) -> Result<(), ExecutionError> {
        let what = format!("executions/{}/activities.jsonl", self.id);
        self.log.add(&self.directory, payload).map_err(ExecutionError::state("write", what))
    }

    /// What has happened, in order: new files, changes of status, messages and tool calls.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn activities(&self) -> Result<Vec<Activity>, ExecutionError> {
        let failed = || ExecutionError::state("read", format!("executions/{}", self.id));
        let mut activities = activity::read(&self.directory).map_err(failed())?;
        let files = notice::announced(&self.directory).map_err(failed())?;
        activities.extend(files.iter().map(|file| Activity::file_added(&self.id, file)));
        activities.sort_by_key(|activity| activity.time_ns);
        Ok(activities)
    }

    /// What happens from now on, new files excepted: [`Cell::file_events`] has those.
    pub fn events(&self) -> broadcast::Receiver<Activity> {
        self.log.events()
    }

    /// Runs one tool call to its result. One that its status does not allow is refused with a
    /// failure that says so.
    pub async fn call(&self, call: ToolCall) -> ToolResult {
        let _gate = self.gate.read().await;
        if let Some(failure) = self.refusal() {
            return wire::refused(call, failure);
        }
        let cell = match self.cell().await {
            Ok(cell) => cell,
            Err(error) => {
                self.home.runtime.report(&error);
                let message = "The execution cannot be opened.";
                return wire::refused(call, Failure::new("execution_unavailable", message));
            }
        };
        let action = uuid::Uuid::new_v4().to_string();
        let started = activity::started(&call.tool, &call.input, &action);
        self.note(started.clone());
        let stopped = ToolCall::new(call.id.clone(), call.tool.clone(), Value::Null);
        let mut stop = self.stop.subscribe();
        let result = tokio::select! {
            result = cell.call(call) => result,
            _ = stop.wait_for(|stop| *stop) => {
                let message = "The execution was ended while the call ran.";
                wire::refused(stopped, Failure::new("execution_ended", message))
            }
        };
        self.note(started.map(|started| activity::ended(&started, &result)));
        result
    }

    /// Why a call cannot be made now.
    fn refusal(&self) -> Option<Failure> {
        let record = self.record.lock();
        let status = record.status;
        match status {
            _ if record.ending.is_some() => {
                Some(Failure::new("execution_ended", "The execution is being ended."))
            }
            Status::Running => None,
            Status::Paused => Some(Failure::new(
                "execution_paused",
                "The execution is paused. It takes calls again when it is resumed.",
            )),
            _ => Some(Failure::new("execution_ended", format!("The execution is {status}."))),
        }
    }

    /// Adds an activity. A log that cannot be written does not stop the call.
    fn note(&self, payload: Option<Value>) {
        if let Some(payload) = payload
            && let Err(error) = self.log(payload)
        {
            self.home.runtime.report(&error);
        }
    }

    /// A door to put files into it.
    ///
    /// # Errors
    /// When it has ended, or is about to.
    pub async fn open_door(
        &self,
        name: &str,
        request: &str,
    ) -> Result<OpenDoor<'_>, ExecutionError> {
        let gate = self.gate.read().await;
        self.must_live()?;
        let cell = self.cell().await?;
        let door = cell.door(name, request)?;
        Ok(OpenDoor { door, cell, execution: self, _gate: gate })
    }

    fn must_live(&self) -> Result<(), ExecutionError> {
        let record = self.record.lock();
        match record.status.is_terminal() || record.ending.is_some() {
            true => Err(ExecutionError::Ended { id: self.id.clone(), status: record.status }),
            false => Ok(()),
        }
    }

    /// Pauses it: calls that run go on, new ones are refused.
    ///
    /// # Errors
    /// When it is not running.
    pub fn pause(&self) -> Result<(), ExecutionError> {
        self.turn(
            Status::Running,
            Status::Paused,
            "paused",
            json!({
                "activityType": "status_changed",
                "status": "paused",
                "pausedPayload": { "reason": "Paused by the user." },
            }),
        )
    }

    /// Lets it take calls again.
    ///
    /// # Errors
    /// When it is not paused.
    pub fn resume(&self) -> Result<(), ExecutionError> {
        let activity = json!({ "activityType": "status_changed", "status": "running" });
        self.turn(Status::Paused, Status::Running, "resumed", activity)
    }

    fn turn(
        &self,
        from: Status,
        to: Status,
        wanted: &'static str,
        activity: Value,
    ) -> Result<(), ExecutionError> {
        let mut turned = false;
        self.change(|record| {
            let (id, status) = (record.id.clone(), record.status);
            if status.is_terminal() || record.ending.is_some() {
                return Err(ExecutionError::Ended { id, status });
            }
            if status != to && status != from {
                return Err(ExecutionError::Status { id, status, wanted });
            }
            turned = status == from;
            record.status = to;
            Ok(())
        })?;
        if turned { self.log(activity) } else { Ok(()) }
    }

    /// Notes a message of the user's for the loop that drives the execution.
    ///
    /// # Errors
    /// When it has ended.
    pub fn add_message(&self, message: &str, user: &str) -> Result<(), ExecutionError> {
        self.must_live()?;
        self.log(json!({
            "activityType": "user_message_received", "message": message, "userUUID": user,
        }))
    }

    /// Ends it: no more calls, background commands are ended, `shared/` is synced. When this
    /// returns, what the agent has put into `shared/` is in the store, or the record says why it
    /// was refused.
    ///
    /// Where the store cannot be reached the ending stays noted, and the same call, or
    /// [`super::Executions::recover`], does the rest.
    ///
    /// # Errors
    /// When it has ended before, or the store cannot be reached.
    pub async fn finish(&self, ending: Ending) -> Result<ExecutionRecord, ExecutionError> {
        // Calls that run are ended; then nobody is inside.
        self.stop.send_replace(true);
        let _gate = self.gate.write().await;
        let record = self.record();
        if record.status.is_terminal() {
            return Err(ExecutionError::Ended { id: self.id.clone(), status: record.status });
        }
        let again = record.ending.is_some();
        if !again {
            self.change(|record| {
                record.ending = Some(ending);
                Ok(())
            })?;
        }
        let cell = self.cell().await?;
        freeze(&cell);
        cell.settle()?;
        let saved = match self.save(&cell, again).await {
            Ok(saved) => saved,
            Err(ExecutionError::Persist(error @ PersistError::Quota { .. })) => {
                Saved::Refused { reason: error.to_string() }
            }
            Err(error) => return Err(error),
        };
        let mut reasoning = String::new();
        let record = self.change(|record| {
            let now = ambient::now_ns();
            let ending = record.ending.take().unwrap_or_else(Ending::cancelled);
            reasoning.clone_from(&ending.reasoning);
            record.status = ending.status;
            record.terminal_ns = Some(now);
            record.saved = Some(saved);
            record.result = ending.outcome.map(|outcome| ExecutionResult {
                id: uuid::Uuid::new_v4().to_string(),
                outcome,
                reasoning: ending.reasoning,
                result: ending.result,
                created_ns: now,
            });
            Ok(())
        })?;
        self.home.mark_ended(&self.id);
        self.note(Some(last_activity(&record, &reasoning)));
        Ok(record)
    }

    async fn save(&self, cell: &Cell, again: bool) -> Result<Saved, ExecutionError> {
        let record = self.record();
        let versions = self.home.versions(Owner::Agent(record.agent.clone()))?;
        let author = Author {
            door: "execution".to_owned(),
            execution: Some(record.id.clone()),
            commit: record.commit.clone(),
        };
        if again && let Some(made) = versions.made_by(record.base_version, &author).await? {
            // What it differs in from the version before is what was committed.
            let before = versions.known(made.number - 1).await?;
            let new =
                made.tree.iter().filter(|(path, entry)| before.tree.get(*path) != Some(entry));
            let gone = before.tree.keys().filter(|path| !made.tree.contains_key(*path));
            return Ok(Saved::Done {
                version: made.number,
                written: new.count(),
                removed: gone.count(),
                frozen: Vec::new(),
                overwrote: made.overwrote.clone(),
            });
        }
        let touched = Touched::from(cell.journal().directory(), record.base_seq, SHARED)
            .map_err(PersistError::from)?;
        if touched.is_empty() || self.home.shared_is_mapped() {
            return Ok(
                persist::Synced { version: record.base_version, ..Default::default() }.into()
            );
        }
        let base = versions.known(record.base_version).await?;
        let door = cell.door("sync", &record.id)?;
        let quota = self.home.shared_quota();
        let synced =
            persist::sync(&versions, base, &touched, (&door, SHARED), quota, &author).await?;
        Ok(synced.into())
    }

    /// A door to read its files, whatever its status.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn reading_door(&self, request: &str) -> Result<Door, ExecutionError> {
        Ok(self.cell().await?.door("read", request)?)
    }
}

impl OpenDoor<'_> {
    /// Announces what was put through the door, and hands its records over: from here on it can be
    /// acknowledged.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn done(self, received: &[Received]) -> Result<(), ExecutionError> {
        if !received.is_empty() {
            self.cell.announce()?;
        }
        self.cell.end_call()?;
        self.execution.used.store(ambient::now_ns(), Ordering::Relaxed);
        Ok(())
    }
}

/// What an ended execution's files are: as they were.
fn freeze(cell: &Cell) {
    for default in DEFAULT_REGIONS {
        if let Some(region) = cell.region(default.name) {
            region.set_access(Access::ReadOnly);
        }
    }
}

fn last_activity(record: &ExecutionRecord, reasoning: &str) -> Value {
    let mut payload = json!({
        "activityType": "status_changed",
        "status": record.status.name(),
    });
    match record.status {
        Status::Completed => {
            let result = record.result.as_ref();
            payload["completedPayload"] = json!({
                "outcome": result.map_or("", |result| &result.outcome),
                "reasoning": reasoning,
                "result": result.map_or(&Value::Null, |result| &result.result),
            });
        }
        Status::Failed => payload["failedPayload"] = json!({ "reason": reasoning }),
        _ => payload["cancelledPayload"] = json!({ "reason": "user_requested" }),
    }
    payload
}
