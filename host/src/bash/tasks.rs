//! Commands in the background.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::shown;
use super::spool::Spool;
use crate::failure::Failure;
use crate::process::{Exit, Process, ProcessTable};
use crate::vfs::{Follow, Mediator, OpenHow};

/// Time that a command has to end by itself after it was asked to.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Time that `TaskOutput` waits at most, unless it says otherwise.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// The most that `TaskOutput` waits.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// Bytes of new output that one look gives.
const MAX_NEW: u64 = 1 << 20;

/// One command.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) command: String,
    pub(super) path: String,
    pub(super) process: Arc<Process>,
    pub(super) spool: Spool,
    pub(super) seen: Mutex<u64>,
    pub(super) told: Told,
}

/// Whether a result has told of a task's end.
pub(super) type Told = Arc<AtomicBool>;

/// Ends of background commands that a slow listener may be behind by.
pub const MAX_TASK_EVENTS: usize = 256;

/// A background command has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskEvent {
    /// The id that `Bash` gave.
    pub task_id: String,
    /// `completed`, `failed` or `killed`.
    pub status: &'static str,
    /// As a shell shows it: 128 and more for signals.
    pub exit_code: u8,
    /// The command.
    pub command: String,
    /// The guest path of the file with its output.
    pub output_path: String,
    /// One sentence about it.
    pub summary: String,
}

impl TaskEvent {
    pub(super) fn new(id: String, command: String, path: String, exit: Exit) -> TaskEvent {
        let status = status(Some(exit));
        let short: String = command.chars().take(80).collect();
        let summary = match status {
            "completed" => format!("Background command \"{short}\" completed (exit code 0)"),
            "failed" => {
                format!("Background command \"{short}\" failed (exit code {})", exit.status())
            }
            _ => format!("Background command \"{short}\" was ended"),
        };
        TaskEvent {
            task_id: id,
            status,
            exit_code: exit.status(),
            command,
            output_path: path,
            summary,
        }
    }
}

/// The word for how a task stands.
fn status(exit: Option<Exit>) -> &'static str {
    match exit {
        None => "running",
        Some(Exit::Status(0)) => "completed",
        Some(Exit::Status(_)) => "failed",
        Some(Exit::Signal(_)) => "killed",
    }
}

/// The commands of a cell that were put into the background.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    all: Mutex<BTreeMap<String, Arc<Task>>>,
    count: Mutex<u32>,
    /// Made for whoever listens first.
    ended: Arc<OnceLock<broadcast::Sender<TaskEvent>>>,
    /// Ends that no result has told of; at most [`MAX_TASK_EVENTS`], the latest.
    untold: Arc<Mutex<VecDeque<TaskEvent>>>,
}

impl Tasks {
    /// An id for the next one.
    pub(super) fn next_id(&self) -> String {
        let mut count = self.count.lock();
        *count += 1;
        format!("b{:04}", *count)
    }

    /// What tells of an end.
    pub(super) fn teller(&self, told: &Told) -> impl FnOnce(TaskEvent) + Send + 'static {
        let (ended, untold, told) = (self.ended.clone(), self.untold.clone(), told.clone());
        move |event| {
            let mut untold = untold.lock();
            if !told.load(Ordering::Acquire) {
                if untold.len() >= MAX_TASK_EVENTS {
                    untold.pop_front();
                }
                untold.push_back(event.clone());
            }
            drop(untold);
            if let Some(ended) = ended.get() {
                // Nobody may be listening any more.
                let _ = ended.send(event);
            }
        }
    }

    /// Notes that a result tells of a task's end.
    fn tell(&self, id: &str, task: &Task) {
        let mut untold = self.untold.lock();
        task.told.store(true, Ordering::Release);
        untold.retain(|event| event.task_id != id);
    }

    /// The ends that no result has told of.
    pub(crate) fn take_untold(&self) -> Vec<TaskEvent> {
        self.untold.lock().drain(..).collect()
    }

    /// Ends, from now on.
    pub(crate) fn events(&self) -> broadcast::Receiver<TaskEvent> {
        self.ended.get_or_init(|| broadcast::Sender::new(MAX_TASK_EVENTS)).subscribe()
    }

    pub(super) fn add(&self, id: &str, task: Task) {
        self.all.lock().insert(id.to_owned(), Arc::new(task));
    }

    fn get(&self, id: &str) -> Result<Arc<Task>, Failure> {
        let all = self.all.lock();
        all.get(id).cloned().ok_or_else(|| {
            let running: Vec<&str> = all
                .iter()
                .filter(|(_, task)| task.process.exited().is_none())
                .map(|(id, _)| id.as_str())
                .collect();
            let known = match running.is_empty() {
                true => "No task is running.".to_owned(),
                false => format!("Running: {}.", running.join(", ")),
            };
            Failure::new("unknown_task", format!("No task found with ID: {id}. {known}"))
        })
    }

    /// What a task has printed since it was last asked for, and how it stands.
    pub(super) async fn output(
        &self,
        mediator: &Mediator,
        input: &Value,
    ) -> Result<Value, Failure> {
        let id = input["task_id"].as_str().unwrap_or_default();
        let task = self.get(id)?;
        if input["block"] == true {
            let wanted =
                input["timeout"].as_f64().map(|ms| Duration::from_secs_f64(ms.max(0.0) / 1e3));
            let wait = wanted.unwrap_or(DEFAULT_WAIT).min(MAX_WAIT);
            let _ = tokio::time::timeout(wait, task.process.wait()).await;
        }
        let exit = task.process.exited();
        if exit.is_some() {
            self.tell(id, &task);
        }
        let how = OpenHow { follow: Follow::No, ..OpenHow::READ };
        let failed = |_| Failure::new("io_error", format!("{} cannot be read.", task.path));
        let node = mediator.open(&task.path, how).map_err(failed)?;
        let mut seen = task.seen.lock();
        let new = mediator.read_at(&node, MAX_NEW, *seen).map_err(failed)?;
        *seen += new.len() as u64;
        let mut text = shown::clean(&new);
        if let Some(filter) = input["filter"].as_str() {
            let filter = regex::Regex::new(filter).map_err(|error| {
                Failure::new("invalid_params", format!("filter is no regular expression: {error}"))
            })?;
            let lines: Vec<&str> = text.lines().filter(|line| filter.is_match(line)).collect();
            text = lines.join("\n");
        }
        Ok(json!({
            "task_id": id,
            "task_type": "local_bash",
            "status": status(exit),
            "exitCode": exit.map(Exit::status),
            "command": task.command,
            "outputPath": task.path,
            "output": text,
        }))
    }

    /// Ends a task.
    pub(super) async fn stop(&self, table: &ProcessTable, input: &Value) -> Result<Value, Failure> {
        let id = input["task_id"].as_str().unwrap_or_default();
        let task = self.get(id)?;
        if task.process.exited().is_some() {
            let message = format!("Task {id} is not running: it has ended.");
            return Err(Failure::new("task_ended", message));
        }
        self.tell(id, &task);
        end_group(table, &task.process).await;
        task.spool.close();
        Ok(json!({
            "message": format!("Successfully stopped task: {id} ({})", task.command),
            "task_id": id,
            "task_type": "local_bash",
            "command": task.command,
        }))
    }

    /// Ends all of them at once.
    pub(crate) fn end_all(&self, table: &ProcessTable) {
        for process in table.list() {
            process.control.kill(9);
        }
        for task in self.all.lock().values() {
            task.spool.close();
        }
    }
}

/// Ends a process and all that descend from it: asked first, then made to.
pub(super) async fn end_group(table: &ProcessTable, leader: &Process) {
    for process in table.group(leader.group) {
        process.signal(15);
    }
    let gone = async {
        for process in table.group(leader.group) {
            process.wait().await;
        }
    };
    if tokio::time::timeout(GRACE, gone).await.is_err() {
        kill_group(table, leader.group).await;
    }
}

/// Ends all of a group, and waits until they have let go of what they held.
pub(super) async fn kill_group(table: &ProcessTable, group: u32) {
    loop {
        // A process may have started another between the look and the blow.
        let all = table.group(group);
        let Some(first) = all.first() else { return };
        first.shared.close();
        for process in &all {
            process.control.kill(9);
        }
        for process in all {
            process.wait().await;
        }
    }
}
