//! One call: the shell is started, waited for, and what it leaves behind is ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::describe::HostTool;
use super::spool::{MAX_KEPT, Spool};
use super::tasks::{GRACE, Task, TaskEvent, Told, end_group, kill_group};
use super::{seen, shown};
use crate::cell::{Cell, HOME};
use crate::failure::Failure;
use crate::path::GuestPath;
use crate::policy::Denied;
use crate::process::{Exit, Fd, LeftState, Process};
use crate::runtime::{Measured, SessionShell, Spawn};
use crate::vfs::{FileType, Follow, Mediator, OpenHow, beneath_root};

/// Time of a command, unless it asks for other.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// The most time that a command is given while its caller waits.
const MAX_TIMEOUT: Duration = Duration::from_secs(600);

/// Where output is kept that is too long to be shown, or that is still being written.
const RESULTS: &str = "/tmp/tool-results";

/// Runs one of the shell's tools. What processes used is added to `measured`.
pub(crate) async fn call(
    cell: &Cell,
    tool: HostTool,
    id: &str,
    mediator: Mediator,
    input: &Value,
    measured: &mut Measured,
) -> Result<Value, Failure> {
    match tool {
        HostTool::Bash => {
            // One command at a time: each begins where the one before it ended.
            let mut shell = cell.shell().lock().await;
            bash(cell, id, mediator, input, measured, &mut shell).await
        }
        HostTool::TaskOutput => cell.tasks().output(&mediator, input).await,
        HostTool::TaskStop => cell.tasks().stop(cell.kernel().table(), input).await,
    }
}

async fn bash(
    cell: &Cell,
    id: &str,
    mediator: Mediator,
    input: &Value,
    measured: &mut Measured,
    kept: &mut Option<Vec<u8>>,
) -> Result<Value, Failure> {
    let started = Instant::now();
    let persistent = cell.session().setting("persistent_shell").as_deref() == Some("true");
    if input["restart"] == true {
        return restart(cell, persistent, kept);
    }
    let command = input["command"].as_str().unwrap_or_default();
    if command.trim().is_empty() {
        return Err(Failure::new("invalid_params", "command must not be empty."));
    }
    let mut notes = Vec::new();
    if input["dangerouslyDisableSandbox"] == true {
        notes.push("The sandbox cannot be left; the command ran inside.".to_owned());
    }
    let cwd = working_directory(cell, &mediator, &mut notes);
    let spool = Spool::default();
    let background = input["run_in_background"] == true;
    let session = SessionShell {
        start_file: cell.session().setting("env_file"),
        kept: (persistent && !background).then(|| kept.clone().unwrap_or_default()),
    };
    let process = start(cell, &mediator, command, &cwd, &spool, session)?;
    if background {
        return in_background(cell, mediator, command, process, spool, None);
    }
    let timeout = input["timeout"].as_f64().filter(|ms| *ms > 0.0);
    let timeout = timeout.map(|ms| Duration::from_secs_f64(ms / 1e3));
    let timeout = timeout.unwrap_or(DEFAULT_TIMEOUT).min(MAX_TIMEOUT);
    let tree = Tree { cell, group: process.group };
    let late = tokio::time::timeout(timeout, process.wait()).await.is_err();
    let moves = cell.session().setting("auto_background").as_deref() == Some("true");
    if late && moves && may_move(command) {
        std::mem::forget(tree);
        return in_background(cell, mediator, command, process, spool, Some(timeout));
    }
    let table = cell.kernel().table();
    if late {
        end_group(table, &process).await;
    }
    let left = leave_nothing(cell, &process).await;
    std::mem::forget(tree);
    // That nothing of a command that took too long goes on is said already.
    if left > 0 && !late {
        notes.push(format!(
            "{left} background process(es) of this command were ended with it; use \
             run_in_background for what is to go on."
        ));
    }
    let exit = process.exited().unwrap_or(Exit::Signal(9));
    measured.cpu += process.shared.cpu();
    measured.memory_bytes = measured.memory_bytes.max(process.shared.memory_peak());
    measured.denied = process.shared.denied();
    if process.shared.memory_refused() {
        let limit = shown::size(cell.options().memory_bytes as u64);
        notes.push(format!("A process reached its memory limit of {limit}."));
    }
    if !late {
        move_to(cell, &mediator, &process, &mut notes);
    }
    if let Some(LeftState { state, .. }) = process.take_left_state() {
        if let Err(error) = cell.save_shell(Some(&state)) {
            cell.runtime().report(&error);
        }
        *kept = Some(state);
    }
    let stale = seen::changed(cell.session(), &mediator);
    notes.extend(stale.clone());
    let (output, printed) = spool.take();
    let finished = Finished { command, id, exit, late, timeout, output, printed, notes };
    let mut result = finished.result(&mediator, measured.denied.as_ref());
    if let Ok(value) = &result {
        seen::shown(cell.session(), &mediator, command, value);
    }
    let value = match &mut result {
        Ok(value) => value,
        Err(failure) => failure.details.get_or_insert_default(),
    };
    if let Some(stale) = stale {
        value["staleReadFileStateHint"] = json!(stale);
    }
    value["durationMs"] = json!(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
    result
}

/// A persistent shell that begins anew.
fn restart(cell: &Cell, persistent: bool, kept: &mut Option<Vec<u8>>) -> Result<Value, Failure> {
    if !persistent {
        let message = "restart is for a persistent shell; here each call has a fresh one.";
        return Err(Failure::new("invalid_params", message));
    }
    *kept = None;
    set_cwd(cell, HOME);
    cell.save_shell(None).map_err(|error| {
        cell.runtime().report(&error);
        Failure::new("internal_error", "The shell's state cannot be removed.")
    })?;
    Ok(json!({
        "stdout": "bash session restarted",
        "stderr": "",
        "interrupted": false,
        "isImage": false,
        "noOutputExpected": false,
        "exitCode": 0,
    }))
}

/// Where the shell begins: the session's directory, or home if that one is gone.
fn working_directory(cell: &Cell, mediator: &Mediator, notes: &mut Vec<String>) -> String {
    let cwd = cell.session().cwd();
    if is_directory(mediator, cwd.as_str()) {
        return cwd.as_str().to_owned();
    }
    notes.push(format!("The working directory {cwd} is gone; the command ran in {HOME}."));
    set_cwd(cell, HOME);
    HOME.to_owned()
}

fn is_directory(mediator: &Mediator, path: &str) -> bool {
    let look = mediator.look_at(path, Follow::Last);
    look.is_ok_and(|look| look.kind == FileType::Directory)
}

fn set_cwd(cell: &Cell, path: &str) {
    if let Ok(path) = GuestPath::parse(&GuestPath::root(), path) {
        cell.session().set_cwd(path);
    }
}

fn start(
    cell: &Cell,
    mediator: &Mediator,
    command: &str,
    cwd: &str,
    spool: &Spool,
    session: SessionShell,
) -> Result<Arc<Process>, Failure> {
    let output = Fd::output(Arc::new(spool.clone()));
    let spawn = Spawn {
        path: Some("/bin/bash".to_owned()),
        payload: None,
        argv: ["bash", "-c", command].map(str::to_owned).to_vec(),
        env: cell.environment(),
        cwd: cwd.to_owned(),
        fds: vec![(0, Fd::null()), (1, output.clone()), (2, output)],
        session: Some(session),
    };
    cell.kernel().spawn(mediator, spawn).map_err(|errno| {
        let message = format!("The shell could not be started: {errno}.");
        match errno {
            rustix::io::Errno::TOOBIG => Failure::new("invalid_params", message),
            _ => Failure::new("internal_error", message),
        }
    })
}

/// Ends a tree of processes when its call is dropped.
pub(super) struct Tree<'a> {
    pub(super) cell: &'a Cell,
    pub(super) group: u32,
}

impl Drop for Tree<'_> {
    fn drop(&mut self) {
        for process in self.cell.kernel().table().group(self.group) {
            process.control.kill(9);
        }
    }
}

/// Waits a little for what the shell left running, such as the end of a process substitution, and
/// ends the rest. Says how many those were.
async fn leave_nothing(cell: &Cell, process: &Process) -> usize {
    let table = cell.kernel().table();
    let left = table.group(process.group);
    if left.is_empty() {
        return 0;
    }
    let gone = async {
        for process in left {
            process.wait().await;
        }
    };
    if tokio::time::timeout(GRACE, gone).await.is_ok() && table.group(process.group).is_empty() {
        return 0;
    }
    let count = table.group(process.group).len();
    kill_group(table, process.group).await;
    count
}

/// The session goes on where the shell ended, if that is a directory of a region.
fn move_to(cell: &Cell, mediator: &Mediator, process: &Process, notes: &mut Vec<String>) {
    let Some(path) = process.left_cwd() else { return };
    let inside = path == HOME
        || path.starts_with(&format!("{HOME}/"))
        || ["/tmp", "/workspace"]
            .iter()
            .any(|root| path == *root || path.starts_with(&format!("{root}/")));
    if inside && is_directory(mediator, &path) {
        set_cwd(cell, &path);
    } else {
        set_cwd(cell, HOME);
        notes.push(format!("Shell cwd was reset to {HOME}"));
    }
}

/// Whether a command that takes too long may go on in the background.
fn may_move(command: &str) -> bool {
    let command = command.trim_start();
    !(command.starts_with("sleep") || command.contains("git"))
}

fn in_background(
    cell: &Cell,
    mediator: Mediator,
    command: &str,
    process: Arc<Process>,
    spool: Spool,
    late: Option<Duration>,
) -> Result<Value, Failure> {
    let id = cell.tasks().next_id();
    let path = format!("{RESULTS}/{id}.output");
    let diverted = create(&mediator, &path).and_then(|file| spool.divert(file).ok());
    if diverted.is_none() {
        process.control.kill(9);
        let message = format!("The output file {path} cannot be written.");
        return Err(Failure::new("no_space_left", message));
    }
    let (ended, closing) = (process.clone(), spool.clone());
    let told = Told::default();
    let (tell, event_id) = (cell.tasks().teller(&told), id.clone());
    let (event_command, event_path) = (command.to_owned(), path.clone());
    tokio::spawn(async move {
        let exit = ended.wait().await;
        closing.close();
        tell(TaskEvent::new(event_id, event_command, event_path, exit));
    });
    let seen = parking_lot::Mutex::new(0);
    let task = Task { command: command.to_owned(), path: path.clone(), process, spool, seen, told };
    cell.tasks().add(&id, task);
    let cwd = cell.session().cwd();
    let hint = format!(
        "Session cwd remains {cwd}; directory changes made by the backgrounded command do not \
         apply to subsequent commands."
    );
    Ok(json!({
        "stdout": "",
        "stderr": "",
        "interrupted": false,
        "isImage": false,
        "noOutputExpected": false,
        "backgroundTaskId": id,
        "backgroundOutputPath": path,
        "backgroundCwdHint": hint,
        "timedOutAfterMs": late.map(|late| late.as_millis() as u64),
    }))
}

/// Makes a file for output, and its directory.
fn create(mediator: &Mediator, path: &str) -> Option<Fd> {
    // It is there already from the second time on.
    let _ = mediator.create_directory(&mediator.root(), beneath_root(RESULTS));
    let how = OpenHow { truncate: true, follow: Follow::No, ..OpenHow::CREATE };
    let node = mediator.open(path, how).ok()?;
    Some(Fd::file(Arc::new(mediator.clone()), node, true))
}

/// A command that has ended.
struct Finished<'a> {
    command: &'a str,
    id: &'a str,
    exit: Exit,
    late: bool,
    timeout: Duration,
    output: Vec<u8>,
    printed: u64,
    notes: Vec<String>,
}

impl Finished<'_> {
    fn result(mut self, mediator: &Mediator, denied: Option<&Denied>) -> Result<Value, Failure> {
        let status = self.exit.status();
        let mut text = shown::clean(&self.output);
        let meaning = match status {
            1 => shown::interpretation(self.command),
            _ => None,
        };
        if self.printed > self.output.len() as u64 {
            self.notes.push(format!(
                "Only the first {} of {} of output were kept.",
                shown::size(MAX_KEPT as u64),
                shown::size(self.printed)
            ));
        }
        // That a file cannot be renamed into another region is like any two filesystems: programs
        // copy instead.
        if let Some(denied) = denied.filter(|denied| !matches!(denied, Denied::CrossRegion { .. }))
        {
            self.notes.push(format!("The sandbox refused something: {denied}."));
        }
        let good = status == 0 || meaning.is_some();
        let mut value = json!({
            "stdout": "",
            "stderr": self.notes.join("\n"),
            "interrupted": self.late,
            "isImage": false,
            "noOutputExpected": false,
            "exitCode": status,
        });
        if let Exit::Signal(signal) = self.exit {
            value["signal"] = json!(signal);
        }
        if let Some(meaning) = meaning {
            value["returnCodeInterpretation"] = json!(meaning);
        }
        if shown::is_long(&text) {
            let name: String =
                self.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            let path = format!("{RESULTS}/{}.txt", if name.is_empty() { "call" } else { &name });
            let kept = create(mediator, &path)
                .and_then(|file| file.push(std::mem::take(&mut self.output).into()).ok());
            if kept.is_some() {
                value["persistedOutputPath"] = json!(path);
                value["persistedOutputSize"] = json!(self.printed);
            }
            if good && kept.is_some() {
                text = shown::preview(&text).to_owned();
            } else if good {
                value["outputTruncated"] = json!(true);
                text = shown::shortened(&text);
            }
        }
        if self.late {
            value["timedOutAfterMs"] = json!(self.timeout.as_millis() as u64);
        }
        if good && !self.late {
            value["stdout"] = json!(text.trim_end_matches('\n'));
            return Ok(value);
        }
        let text = shown::shortened(text.trim_end_matches('\n'));
        value["stdout"] = json!(text);
        let first = match self.late {
            true => format!("Command timed out after {}", duration(self.timeout)),
            false => format!("Exit code {status}"),
        };
        let notes = self.notes.iter().map(String::as_str);
        let parts = [first.as_str(), text.as_str()].into_iter().chain(notes);
        let message: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let code = if self.late { "timed_out" } else { "command_failed" };
        Err(Failure { details: Some(value), ..Failure::new(code, message.join("\n")) })
    }
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{}ms", time.as_millis()),
        1..60 => format!("{seconds}s"),
        _ => format!("{}m {}s", seconds / 60, seconds % 60),
    }
}
