//! A cell: one execution, with its regions, its session and its journal.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cap_std::fs::{Dir, File, OpenOptions};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::ambient;
use crate::bash::{TaskEvent, Tasks};
use crate::call::{ToolCall, ToolResult};
use crate::dispatch::dispatch;
use crate::door::Door;
use crate::embed::Runtime;
use crate::environment::{Environment, incoming};
use crate::error::Error;
use crate::journal::{Durability, Journal, Keep};
use crate::kept;
use crate::notice::{NewFile, Notices};
use crate::path::GuestPath;
use crate::policy::{Access, Actor, DEFAULT_REGIONS, Grant, Region, RegionDefault, Rights};
use crate::process::Control;
use crate::runtime::{DEFAULT_MEMORY_BYTES, Kernel, Program, ProgramRun, State, run_program};
use crate::session::{FileState, PathLocks, Session};
use crate::upload::Uploader;
use crate::vfs::{FileType, Follow, Mediator, MountSpec, Space};

/// Where an agent is at home: the first working directory.
pub const HOME: &str = "/home/agent";

/// Time of one call, unless the cell says otherwise.
pub const DEFAULT_CALL_LIMIT: Duration = Duration::from_secs(120);

/// How one region differs from its default.
#[derive(Debug, Clone)]
pub struct RegionOption {
    /// The region's name.
    pub name: String,
    /// The host directory that it is, instead of one in the cell's own directory.
    pub directory: Option<PathBuf>,
    /// Its access mode.
    pub access: Access,
    /// Bytes that it may hold, instead of the default.
    pub quota_bytes: Option<u64>,
    /// Entries that it may hold, instead of the default.
    pub quota_entries: Option<u64>,
}

impl RegionOption {
    /// The region of this name as it is by default.
    pub fn new(name: &str) -> RegionOption {
        RegionOption {
            name: name.to_owned(),
            directory: None,
            access: Access::ReadWrite,
            quota_bytes: None,
            quota_entries: None,
        }
    }

    /// The region of this name on a directory of the host.
    pub fn mapped(name: &str, directory: impl Into<PathBuf>, access: Access) -> RegionOption {
        RegionOption { directory: Some(directory.into()), access, ..RegionOption::new(name) }
    }
}

/// What a cell is made from. The default is the four regions in the cell's own directory.
#[derive(Debug, Clone)]
pub struct CellOptions {
    /// The cell's own directory; made if it is not there. Only one process can have it open.
    pub directory: PathBuf,
    /// What differs from the default regions.
    pub regions: Vec<RegionOption>,
    /// Settings of the tools, by name: `write_guard`, `edit_guard`, `read_max_tokens` and others.
    pub settings: HashMap<String, String>,
    /// Which files' old content the journal keeps.
    pub keep: Keep,
    /// When changes must have reached the disk.
    pub durability: Durability,
    /// Memory of one instance, in bytes.
    pub memory_bytes: usize,
    /// Time of one call.
    pub call_limit: Duration,
    /// The environment that is seen at `/workspace`; none by default.
    pub environment: Option<Arc<Environment>>,
    /// Who takes what the UploadFile tool hands over; without one the tool refuses.
    pub uploader: Option<Uploader>,
}

impl CellOptions {
    /// The defaults, in this directory.
    pub fn new(directory: impl Into<PathBuf>) -> CellOptions {
        CellOptions {
            directory: directory.into(),
            regions: Vec::new(),
            settings: HashMap::new(),
            keep: Keep::default(),
            durability: Durability::default(),
            memory_bytes: DEFAULT_MEMORY_BYTES,
            call_limit: DEFAULT_CALL_LIMIT,
            environment: None,
            uploader: None,
        }
    }
}

/// A live execution. Calls may run at the same time; changes of one file are put in order.
#[derive(Debug)]
pub struct Cell {
    runtime: Runtime,
    space: Arc<Space>,
    /// The same as the host's own doors see it; made when the first of them is opened.
    doors: Mutex<Option<Arc<Space>>>,
    journal: Arc<Journal>,
    notices: Notices,
    session: Arc<Session>,
    options: CellOptions,
    directory: Dir,
    kernel: Arc<Kernel>,
    tasks: Tasks,
    /// What the last shell left for the next one, held by the command that runs.
    shell: tokio::sync::Mutex<Option<Vec<u8>>>,
    /// Holds the lock that keeps other processes out.
    _lock: File,
}

/// Where what a shell left is kept, in the cell's directory.
const SHELL_FILE: &str = "shell.state";

/// Where it keeps the working directory and what was read.
const SESSION_FILE: &str = "session.json";

impl Cell {
    pub(crate) fn open(runtime: Runtime, options: CellOptions) -> Result<Cell, Error> {
        let path = &options.directory;
        let directory = ambient::create_private_dir_ambient(path)
            .map_err(|error| Error::io(format!("the cell directory {}", path.display()), error))?;
        let lock = lock(&directory, path)?;
        let mounts = mounts(&directory, &options, runtime.cache_directory())?;
        let journal = subdirectory(&directory, "journal")?;
        let (journal, earlier) = Journal::open(journal, options.keep, options.durability)?;
        let journal = Arc::new(journal);
        let mut space = Space::open(mounts, journal.clone(), earlier.records())
            .map_err(|error| Error::io("the regions", error))?
            .with_tree(runtime.tree().clone());
        if let Some(environment) = &options.environment {
            space = space.joined(environment.space());
        }
        let notices = Notices::open(&directory, &journal)?;
        let home = GuestPath::parse(&GuestPath::root(), HOME)
            .map_err(|error| Error::Invalid(error.to_string()))?;
        let session = Session::new(home, options.settings.clone(), PathLocks::default());
        let kept = |name: &str| {
            kept::read(&directory, name)
                .map_err(|error| Error::io(format!("{name} of a cell"), error))
        };
        if let Some(bytes) = kept(SESSION_FILE)? {
            restore(&session, &bytes);
        }
        let shell = tokio::sync::Mutex::new(kept(SHELL_FILE)?);
        let (space, session) = (Arc::new(space), Arc::new(session));
        let kernel = Arc::new(runtime.kernel(session.clone(), options.memory_bytes));
        Ok(Cell {
            runtime,
            space,
            doors: Mutex::default(),
            journal,
            notices,
            session,
            options,
            directory,
            kernel,
            tasks: Tasks::default(),
            shell,
            _lock: lock,
        })
    }

    /// Runs one tool call to its result. What goes wrong inside is a result too. Dropping the
    /// future ends the call.
    pub async fn call(&self, call: ToolCall) -> ToolResult {
        dispatch(self, call).await
    }

    /// A mediator for one of the host's own doors.
    pub(crate) fn mediator_for(&self, door: &str) -> Result<Mediator, Error> {
        let actor = self.journal.actor("", door, "")?;
        Ok(Mediator::new(self.space.clone(), self.grant(actor, Rights::ReadWrite)))
    }

    /// A door of the host's own to the cell's files. The journal names it, and the request.
    ///
    /// # Errors
    /// When the place where files are received cannot be made.
    pub fn door(&self, name: &str, request: &str) -> Result<Door, Error> {
        let doors = {
            let mut doors = self.doors.lock();
            match &*doors {
                Some(doors) => doors.clone(),
                None => {
                    let regions = self.space.regions();
                    let own = regions.into_iter().filter(|region| {
                        DEFAULT_REGIONS.iter().any(|default| default.name == region.name())
                    });
                    let space = self.space.with_incoming(incoming(&self.directory, own)?);
                    doors.insert(Arc::new(space)).clone()
                }
            }
        };
        let actor = self.journal.actor(request, name, "")?;
        Ok(Door::new(Mediator::new(doors, self.grant(actor, Rights::ReadWrite))))
    }

    /// Announces the files that have appeared in `downloads/` and `uploads/` since the last time.
    /// Every call does so at its end; a door does it when it has put a file there.
    ///
    /// # Errors
    /// When the journal cannot be read, or the notices cannot be kept.
    pub fn announce(&self) -> Result<(), Error> {
        if self.notices.is_current(&self.journal) {
            return Ok(());
        }
        self.journal.flush()?;
        let mediator = self.mediator_for("announce")?;
        self.notices.gather(&self.journal, |path| {
            let look = mediator.look_at(path, Follow::No).ok()?;
            (look.kind == FileType::RegularFile).then_some(look.size)
        })
    }

    /// The files that were announced, in order.
    pub fn new_files(&self) -> Vec<NewFile> {
        self.notices.files()
    }

    /// New files in `downloads/` and `uploads/`, from now on. A receiver that falls behind by more
    /// than [`crate::MAX_FILE_EVENTS`] loses the oldest, and is told how many.
    pub fn file_events(&self) -> tokio::sync::broadcast::Receiver<NewFile> {
        self.notices.events()
    }

    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Every region with these rights, as far as the region itself allows; what the host provides,
    /// to read.
    pub(crate) fn grant(&self, actor: Arc<Actor>, rights: Rights) -> Grant {
        let mut regions: Vec<_> =
            self.space.regions().into_iter().map(|region| (region, rights)).collect();
        regions.push((self.space.system_region().clone(), Rights::Read));
        Grant::new(actor, regions)
    }

    /// Runs a program with the rights of a tool that may change files.
    pub async fn run(&self, program: &Program, argv: &[String]) -> Result<ProgramRun, Error> {
        let name = argv.first().map_or("", String::as_str);
        let mediator = self.mediator_for(name)?;
        let state = State::new(
            mediator,
            self.session.clone(),
            Control::new(self.options.call_limit),
            self.options.memory_bytes,
            argv,
            &self.environment(),
        );
        let _slot = self.runtime.slot().await;
        let run = run_program(self.runtime.engine(), program, state).await;
        self.end_call()?;
        Ok(run)
    }

    /// The namespace, with its regions.
    pub fn space(&self) -> &Arc<Space> {
        &self.space
    }

    /// The record of every change.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// The region of this name.
    pub fn region(&self, name: &str) -> Option<Arc<Region>> {
        self.space.regions().into_iter().find(|region| region.name() == name)
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    pub(crate) fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// What the last shell left for the next one, held by the command that runs.
    pub(crate) fn shell(&self) -> &tokio::sync::Mutex<Option<Vec<u8>>> {
        &self.shell
    }

    /// Writes down what a shell left, so that it outlives this process; none removes it.
    pub(crate) fn save_shell(&self, state: Option<&[u8]>) -> Result<(), Error> {
        let failed = |error| Error::io("the shell's state", error);
        match state {
            Some(state) => kept::replace(&self.directory, SHELL_FILE, state),
            None => kept::remove(&self.directory, SHELL_FILE),
        }
        .map_err(failed)
    }

    /// The ends of background commands, from now on. A receiver that falls behind by more than
    /// [`crate::MAX_TASK_EVENTS`] loses the oldest, and is told how many.
    pub fn task_events(&self) -> tokio::sync::broadcast::Receiver<TaskEvent> {
        self.tasks.events()
    }

    pub(crate) fn options(&self) -> &CellOptions {
        &self.options
    }

    /// The end of a call: its records are handed over and, if the cell asks for it, they and what
    /// was changed are on the disk.
    pub(crate) fn end_call(&self) -> Result<(), Error> {
        self.journal.flush()?;
        match self.journal.durability() {
            Durability::Call => self.sync(),
            Durability::Execution | Durability::None => Ok(()),
        }
    }

    fn sync(&self) -> Result<(), Error> {
        self.journal.sync()?;
        self.space.sync().map_err(|error| Error::io("the regions to sync them", error))
    }

    /// The environment of every program: this list, and nothing of the host's.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let cwd = self.session.cwd();
        [
            ("HOME", HOME),
            ("PWD", cwd.as_str()),
            ("PATH", "/usr/bin:/bin"),
            ("USER", "agent"),
            ("SHELL", "/bin/bash"),
            ("LANG", "C.UTF-8"),
            ("TERM", "dumb"),
            ("TMPDIR", "/tmp"),
            ("PAGER", "cat"),
            ("GIT_PAGER", "cat"),
            ("TZ", "UTC"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Hands everything over to the disk, as the cell's durability asks, and remembers the
    /// session for the next process. A cell that is only dropped loses the session's memory and
    /// nothing else.
    ///
    /// # Errors
    /// When the journal or the session cannot be written.
    pub fn close(self) -> Result<(), Error> {
        self.settle()
    }

    /// What [`Cell::close`] does, for a cell that others hold too: they can go on.
    ///
    /// # Errors
    /// When the journal or the session cannot be written.
    pub fn settle(&self) -> Result<(), Error> {
        self.tasks.end_all(self.kernel.table());
        self.announce()?;
        self.notices.close()?;
        self.journal.close()?;
        if self.journal.durability() != Durability::None {
            self.sync()?;
        }
        let Some((cwd, files)) = self.session.take_changes() else { return Ok(()) };
        let files: Vec<Value> = files
            .into_iter()
            .map(|(path, state)| json!([path, state.hash, state.complete]))
            .collect();
        let text = json!({ "cwd": cwd.as_str(), "files": files }).to_string();
        let failed = |error| Error::io("the session's file", error);
        kept::replace(&self.directory, SESSION_FILE, text.as_bytes()).map_err(failed)
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        self.tasks.end_all(self.kernel.table());
    }
}

pub(crate) fn lock(directory: &Dir, path: &Path) -> Result<File, Error> {
    use rustix::fs::{FlockOperation, flock};
    let options = OpenOptions::new().write(true).create(true).truncate(false).clone();
    let file = directory
        .open_with("lock", &options)
        .map_err(|error| Error::io("the cell's lock file", error))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| Error::Invalid(format!("{} is in use by another process", path.display())))?;
    Ok(file)
}

pub(crate) fn subdirectory(directory: &Dir, name: &str) -> Result<Dir, Error> {
    let failed = |error| Error::io(format!("the cell's directory {name}"), error);
    directory.create_dir_all(name).map_err(failed)?;
    directory.open_dir(name).map_err(failed)
}

/// The mount table: home and `/tmp` are scratch, charged to `workspace`.
fn mounts(directory: &Dir, options: &CellOptions, cache: &Path) -> Result<Vec<MountSpec>, Error> {
    let known: Vec<&str> = DEFAULT_REGIONS.iter().map(|region| region.name).collect();
    for option in &options.regions {
        if !known.contains(&option.name.as_str()) {
            let known = known.join(", ");
            return Err(Error::Invalid(format!(
                "no such region: {}; the regions are {known}",
                option.name
            )));
        }
    }
    apart(options, cache)?;
    let mut mounts = Vec::new();
    for default in DEFAULT_REGIONS {
        let option = options.regions.iter().rev().find(|option| option.name == default.name);
        let region = live_region(&default, option);
        let root = match option.and_then(|option| option.directory.as_ref()) {
            Some(path) => ambient::open_dir_ambient(path).map_err(|error| {
                Error::io(format!("the directory {} of a region", path.display()), error)
            })?,
            None => subdirectory(directory, &format!("regions/{}", default.name))?,
        };
        if default.name == "workspace" {
            for (at, name) in [(HOME, "home"), ("/tmp", "tmp")] {
                let root = subdirectory(directory, name)?;
                // Scratch space stays writable where the workspace itself is not.
                let region = match region.access() {
                    Access::ReadWrite => region.clone(),
                    Access::ReadOnly => scratch(&mounts, &default),
                };
                mounts.push(mount(at, region, root)?);
            }
        }
        mounts.push(mount(default.mount, region, root)?);
    }
    Ok(mounts)
}

/// The region for scratch space beside a read-only workspace, one for all of it.
fn scratch(mounts: &[MountSpec], workspace: &RegionDefault) -> Arc<Region> {
    let existing = mounts.iter().find(|mount| mount.region.name() == "scratch");
    existing.map_or_else(
        || Region::new("scratch", Access::ReadWrite, workspace.quota),
        |mount| mount.region.clone(),
    )
}

pub(crate) fn mount(at: &str, region: Arc<Region>, root: Dir) -> Result<MountSpec, Error> {
    let at = GuestPath::parse(&GuestPath::root(), at)
        .map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(MountSpec { at, region, root })
}

fn live_region(default: &RegionDefault, option: Option<&RegionOption>) -> Arc<Region> {
    let mut quota = default.quota;
    if let Some(option) = option {
        quota.bytes = option.quota_bytes.unwrap_or(quota.bytes);
        quota.entries = option.quota_entries.unwrap_or(quota.entries);
    }
    let access = option.map_or(Access::ReadWrite, |option| option.access);
    Region::new(default.name, access, quota)
}

/// Refuses directories that hold one another. A guest that could write to the code cache would
/// run as the host, one that could write to the journal could deny what it did, and a read-only
/// region inside a writable one would not be read-only.
fn apart(options: &CellOptions, cache: &Path) -> Result<(), Error> {
    let mapped = options
        .regions
        .iter()
        .filter_map(|option| Some((format!("region {}", option.name), option.directory.as_ref()?)));
    let own = [
        ("the cell's own directory".to_owned(), &options.directory),
        ("the cache of compiled code".to_owned(), &cache.to_owned()),
    ];
    let mut paths = Vec::new();
    for (what, path) in own.into_iter().chain(mapped) {
        let real = ambient::canonical_ambient(path)
            .map_err(|error| Error::io(format!("{} ({what})", path.display()), error))?;
        paths.push((what, real));
    }
    for (at, (what, path)) in paths.iter().enumerate().skip(2) {
        for (other_what, other) in &paths[..at] {
            if path.starts_with(other) || other.starts_with(path) {
                return Err(Error::Invalid(format!(
                    "{what} ({}) and {other_what} ({}) overlap; choose another directory",
                    path.display(),
                    other.display()
                )));
            }
        }
    }
    Ok(())
}

fn restore(session: &Session, bytes: &[u8]) {
    // A session that cannot be read is one that remembers nothing: files are read again.
    let Ok(saved) = serde_json::from_slice::<Value>(bytes) else { return };
    let cwd = saved["cwd"].as_str().unwrap_or(HOME);
    let Ok(cwd) = GuestPath::parse(&GuestPath::root(), cwd) else { return };
    let files = saved["files"].as_array().into_iter().flatten().filter_map(|file| {
        let state = FileState { hash: file[1].as_str()?.to_owned(), complete: file[2].as_bool()? };
        Some((file[0].as_str()?.to_owned(), state))
    });
    session.restore(cwd, files.collect());
}
