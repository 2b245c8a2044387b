//! A shell for a person: the same one, kept from command to command, its streams connected to
//! whatever the embedder has.

use std::sync::Arc;

use parking_lot::Mutex;

use super::run::Tree;
use super::tasks::kill_group;
use crate::cell::{Cell, HOME};
use crate::error::Error;
use crate::process::{Exit, Fd, LeftState, Process};
use crate::runtime::{SessionShell, Spawn};
use crate::vfs::{Mediator, Output};

/// A shell whose working directory is kept between its commands and, if it is interactive, all
/// that it knows. It is not the one that tool calls use.
#[derive(Debug)]
pub struct Shell<'a> {
    cell: &'a Cell,
    mediator: Mediator,
    kept: Vec<u8>,
    cwd: String,
    exited: bool,
    interactive: bool,
    running: Arc<Mutex<Option<Arc<Process>>>>,
}

/// What interrupts the command that a [`Shell`] runs.
#[derive(Debug, Clone)]
pub struct Interrupt {
    running: Arc<Mutex<Option<Arc<Process>>>>,
}

/// SIGINT.
const INTERRUPT: u8 = 2;

/// SIGKILL.
const KILL: u8 = 9;

impl Interrupt {
    /// Interrupts the command that runs, with all that it started. Says whether there was one.
    pub fn send(&self, cell: &Cell) -> bool {
        self.signal(cell, INTERRUPT)
    }

    /// Kills the command that runs, with all that it started: one that interrupts do not end. The
    /// shell goes on from what it knew before that command. Says whether there was one.
    pub fn kill(&self, cell: &Cell) -> bool {
        self.signal(cell, KILL)
    }

    fn signal(&self, cell: &Cell, signal: u8) -> bool {
        let running = self.running.lock();
        let Some(process) = &*running else { return false };
        for process in cell.kernel().table().group(process.group) {
            process.signal(signal);
        }
        true
    }
}

impl<'a> Shell<'a> {
    /// A shell that knows nothing yet, in the home directory.
    ///
    /// # Errors
    /// When the journal has no number for it.
    pub fn new(cell: &'a Cell) -> Result<Shell<'a>, Error> {
        Ok(Shell {
            cell,
            mediator: cell.mediator_for("bash")?,
            kept: Vec::new(),
            cwd: HOME.to_owned(),
            exited: false,
            interactive: false,
            running: Arc::default(),
        })
    }

    /// The same for a person, as `bash -i`: an error or an interrupt ends a command line, not the
    /// shell, aliases are expanded, and messages name no lines.
    ///
    /// # Errors
    /// As [`Shell::new`].
    pub fn interactive(cell: &'a Cell) -> Result<Shell<'a>, Error> {
        Ok(Shell { interactive: true, ..Shell::new(cell)? })
    }

    /// Where the next command begins: a guest path.
    pub fn cwd(&self) -> &str {
        &self.cwd
    }

    /// Whether its last command was `exit`.
    pub fn has_exited(&self) -> bool {
        self.exited
    }

    /// What interrupts its commands.
    pub fn interrupt(&self) -> Interrupt {
        Interrupt { running: self.running.clone() }
    }

    /// Runs a command line to its end; `None` if no process can be started. What it leaves running
    /// goes on until the cell is closed.
    pub async fn run(
        &mut self,
        command: &str,
        arguments: &[String],
        stdin: Fd,
        output: Arc<dyn Output>,
        errors: Arc<dyn Output>,
    ) -> Option<Exit> {
        let options = if self.interactive { "-ic" } else { "-c" };
        let mut argv = ["bash", options, command].map(str::to_owned).to_vec();
        argv.extend_from_slice(arguments);
        let session = SessionShell {
            start_file: self.cell.session().setting("env_file"),
            // A command that no other follows ends as `bash -c` does: by its EXIT trap.
            kept: self.interactive.then(|| self.kept.clone()),
        };
        let spawn = Spawn {
            path: Some("/bin/bash".to_owned()),
            payload: None,
            argv,
            env: self.cell.environment(),
            cwd: self.cwd.clone(),
            fds: vec![(0, stdin), (1, Fd::output(output)), (2, Fd::output(errors))],
            session: Some(session),
        };
        let process = self.cell.kernel().spawn(&self.mediator, spawn).ok()?;
        *self.running.lock() = Some(process.clone());
        let tree = Tree { cell: self.cell, group: process.group };
        let exit = process.wait().await;
        std::mem::forget(tree);
        *self.running.lock() = None;
        if let Some(cwd) = process.left_cwd() {
            self.cwd = cwd;
        }
        // One that was ended knows what it knew before.
        if let Some(LeftState { state, exited }) = process.take_left_state() {
            (self.kept, self.exited) = (state, exited);
        }
        Some(exit)
    }

    /// Ends everything that its commands left running.
    pub async fn close(self) {
        let table = self.cell.kernel().table();
        for process in table.list() {
            kill_group(table, process.group).await;
        }
    }
}
