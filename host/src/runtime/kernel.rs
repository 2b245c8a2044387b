//! Starting processes: each its own instance, store and walls, in a task of its own.

use std::collections::HashMap;
use std::sync::Arc;

use rustix::io::Errno;
use tokio::sync::Semaphore;

use super::cache::LoadError;
use super::child::{Child, Latest};
use super::engine::Engine;
use super::instance::{Program, run_process};
use super::limits::MAX_IMAGE_CHARGE;
use super::state::{Seat, State};
use crate::path::GuestPath;
use crate::process::{Control, Exit, Fd, Fds, Process, ProcessTable};
use crate::session::Session;
use crate::vfs::{Mediator, Node, OpenHow};

/// Bytes of a script's first line that are looked at.
const FIRST_LINE: u64 = 256;

/// How often one script may name another as its interpreter.
const MAX_INTERPRETERS: usize = 4;

/// Characters of a process's name that the journal keeps.
const MAX_NAME: usize = 64;

/// Bytes that the arguments and the environment of one process may have.
const MAX_ARGUMENTS: usize = 2 << 20;

/// Where the programs are that `/bin` lists.
pub trait FindProgram: Send + Sync {
    /// The program of this name, compiled if need be; none if there is none.
    ///
    /// # Errors
    /// When it is there and cannot be made ready. It is tried anew the next time.
    fn program(&self, name: &str) -> Result<Option<Program>, LoadError>;
}

/// What the processes of a cell share.
pub struct Kernel {
    engine: Engine,
    programs: Arc<dyn FindProgram>,
    table: Arc<ProcessTable>,
    session: Arc<Session>,
    memory_limit: usize,
    /// Instances that the engine can still hold, for all cells.
    slots: Arc<Semaphore>,
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel").field("table", &self.table).finish_non_exhaustive()
    }
}

/// A process to be.
#[derive(Debug)]
pub struct Spawn {
    /// The file to run; `None` is a shell that goes on from `payload`.
    pub path: Option<String>,
    /// What a shell goes on from.
    pub payload: Option<Vec<u8>>,
    /// Its arguments, the name it goes by first.
    pub argv: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Its working directory.
    pub cwd: String,
    /// Its descriptors.
    pub fds: Vec<(u32, Fd)>,
    /// What a session wants of its shell.
    pub session: Option<SessionShell>,
}

/// What a session wants of its shell.
#[derive(Debug, Clone, Default)]
pub struct SessionShell {
    /// A guest path: a file whose commands are run first.
    pub start_file: Option<String>,
    /// Set if what the shell knows is kept; what the last one left, if there was one.
    pub kept: Option<Vec<u8>>,
}

impl Kernel {
    /// A kernel without processes.
    pub fn new(
        engine: Engine,
        programs: Arc<dyn FindProgram>,
        session: Arc<Session>,
        memory_limit: usize,
        slots: Arc<Semaphore>,
    ) -> Kernel {
        Kernel { engine, programs, table: Arc::default(), session, memory_limit, slots }
    }

    /// Its processes.
    pub fn table(&self) -> &Arc<ProcessTable> {
        &self.table
    }

    /// Starts a process that the host itself asks for, with the rights of `mediator`.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES`, `ENOEXEC` as `execve(2)`; `EAGAIN` when there are too many processes.
    pub fn spawn(
        self: &Arc<Kernel>,
        mediator: &Mediator,
        spawn: Spawn,
    ) -> Result<Arc<Process>, Errno> {
        let (process, child) = self.start(None, mediator, spawn)?;
        child.detach();
        Ok(process)
    }

    /// Starts a process: it runs when the child is polled or let go.
    ///
    /// # Errors
    /// As [`Kernel::spawn`].
    pub(super) fn start(
        self: &Arc<Kernel>,
        parent: Option<&Process>,
        mediator: &Mediator,
        mut spawn: Spawn,
    ) -> Result<(Arc<Process>, Child), Errno> {
        let size: usize = spawn.argv.iter().map(String::len).sum::<usize>()
            + spawn.env.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        if size > MAX_ARGUMENTS {
            return Err(Errno::TOOBIG);
        }
        let program = match spawn.path.take() {
            None => self.program("bash")?,
            Some(path) => self.resolve(mediator, &path, &spawn.cwd, &mut spawn.argv)?,
        };
        // It does not wait for a place: a shell that waited could wait for itself.
        let slot = self.slots.clone().try_acquire_owned().map_err(|_| Errno::AGAIN)?;
        let control = Control::unlimited();
        let process =
            self.table.start(parent, spawn.argv, control.clone()).map_err(|_| Errno::AGAIN)?;
        let fds = Arc::new(Fds::new(spawn.fds));
        let name = process.argv.first().and_then(|name| name.rsplit('/').next());
        let name: String = name.unwrap_or_default().chars().take(MAX_NAME).collect();
        let mediator = mediator.for_process(process.pid, &name);
        let mut state = State::with_fds(
            mediator.clone(),
            self.session.clone(),
            control,
            self.memory_limit,
            &process.argv,
            &spawn.env,
            Some(&spawn.cwd),
            &fds,
        );
        if !program.is_ours() {
            state.fs.work_in(&spawn.cwd);
        }
        let image_charge = if program.is_ours() { MAX_IMAGE_CHARGE } else { usize::MAX };
        state.limits.share(process.shared.clone(), image_charge);
        state.seat = Some(Seat {
            kernel: self.clone(),
            process: process.clone(),
            mediator,
            cwd: spawn.cwd,
            fds,
            payload: spawn.payload,
            session: spawn.session,
            starts_others: program.starts_others(),
            children: HashMap::new(),
            latest: Latest::default(),
        });
        let (kernel, running) = (self.clone(), process.clone());
        let child = Child::new(process.pid, async move {
            let guard = Ending { kernel: &kernel, process: &running };
            // Everything that the process held is closed when this comes back.
            let exit = run_process(&kernel.engine, &program, state).await;
            drop(slot);
            guard.end(exit);
        });
        Ok((process, child))
    }

    fn program(&self, name: &str) -> Result<Program, Errno> {
        self.programs.program(name).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)
    }

    /// The program that an absolute path leads to. A script's first line is followed, which puts
    /// its interpreter before the arguments.
    fn resolve(
        &self,
        mediator: &Mediator,
        path: &str,
        cwd: &str,
        argv: &mut Vec<String>,
    ) -> Result<Program, Errno> {
        let mut path = path.to_owned();
        for _ in 0..MAX_INTERPRETERS {
            if let Some(name) = program_name(&path) {
                return self.program(name);
            }
            let node = mediator.open(&path, OpenHow::READ).map_err(|f| f.errno())?;
            if !matches!(node, Node::File(_)) {
                return Err(Errno::ACCESS);
            }
            // A link in a region may lead to a program.
            let guest = GuestPath::parse(&GuestPath::root(), &path).map_err(|_| Errno::INVAL)?;
            let real = mediator.canonical(&guest).map_err(|fault| fault.errno())?;
            if let Some(name) = program_name(real.as_str()) {
                return self.program(name);
            }
            let start = mediator.read_at(&node, FIRST_LINE, 0).map_err(|fault| fault.errno())?;
            let line = start.strip_prefix(b"#!").ok_or(Errno::NOEXEC)?;
            let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            let line = line.trim();
            let (interpreter, argument) = match line.split_once([' ', '\t']) {
                Some((interpreter, argument)) => (interpreter, Some(argument.trim())),
                None => (line, None),
            };
            let mut words = vec![interpreter.to_owned()];
            words.extend(argument.map(str::to_owned));
            words.push(as_called(&guest, cwd, argv.first()).unwrap_or(path));
            words.extend(argv.drain(..).skip(1));
            *argv = words;
            path = match interpreter.starts_with('/') {
                true => interpreter.to_owned(),
                false => format!("{cwd}/{interpreter}"),
            };
        }
        Err(Errno::LOOP)
    }
}

/// A script's path as the command line has it, which is what its `$0` is to show: `./script`. None
/// if the command line calls it by something that does not lead there.
fn as_called(script: &GuestPath, cwd: &str, word: Option<&String>) -> Option<String> {
    let word = word.filter(|word| word.contains('/'))?;
    let cwd = GuestPath::parse(&GuestPath::root(), cwd).ok()?;
    GuestPath::parse(&cwd, word).is_ok_and(|path| path == *script).then(|| word.clone())
}

/// The program that stands at this path of the namespace.
pub(super) fn program_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/usr/bin/").or_else(|| path.strip_prefix("/bin/"))?;
    (!name.contains('/')).then_some(name)
}

/// Notes the end of a process even if its task is dropped.
struct Ending<'a> {
    kernel: &'a Kernel,
    process: &'a Process,
}

impl Ending<'_> {
    fn end(self, exit: Exit) {
        self.kernel.table.end(self.process, exit);
        std::mem::forget(self);
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.kernel.table.end(self.process, Exit::Signal(9));
    }
}
