//! Running one instance to its end, and saying how it ended.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::time::Duration;

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::bindings::CommandPre;

use super::bindings::ToolHostPre;
use super::bindings::exports::toolcell::tool::tool::{Failure, Outcome};
use super::engine::Engine;
use super::limits::{MAX_HANDLES, MAX_HOST_CALL_BYTES, MAX_OUTPUT_BYTES, MAX_STACK_BYTES};
use super::meter::Metered;
use super::state::State;
use crate::policy::Denied;
use crate::process::{self, BrokenPipe, Control, OutputFull};
use crate::vfs::MAX_DESCRIPTORS;

/// How far beyond the end of its stack a guest's function reaches, at most.
const MAX_FRAME: u64 = 1 << 20;

/// Why a guest did not come to its own end. The texts name the limit, for the agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// Its time was up.
    #[error("ended after its time limit of {} ms", limit.as_millis())]
    Deadline {
        /// The time it had.
        limit: Duration,
    },
    /// Its caller did not want it any more.
    #[error("cancelled")]
    Cancelled,
    /// It wanted more memory than it may have.
    #[error("ended at its memory limit of {limit} bytes")]
    Memory {
        /// Bytes it may have.
        limit: usize,
    },
    /// It recursed too deeply.
    #[error("ended at its stack limit, which is {MAX_STACK_BYTES} bytes at most")]
    Stack,
    /// It printed too much.
    #[error("ended at its output limit of {MAX_OUTPUT_BYTES} bytes")]
    Output,
    /// It opened too much.
    #[error("ended at its limit of {MAX_DESCRIPTORS} open descriptors and {MAX_HANDLES} handles")]
    Handles,
    /// It made a mistake that WebAssembly does not forgive.
    #[error("trapped: {0}")]
    Trap(String),
    /// Something of the host's failed.
    #[error("the host failed: {0}")]
    Host(String),
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Status(u8),
    /// Otherwise.
    Ended(Ended),
}

/// What an instance used, and what it ran into.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measured {
    /// CPU time, host calls included.
    pub cpu: Duration,
    /// The most linear memory it held, in bytes.
    pub memory_bytes: usize,
    /// What policy refused it last.
    pub denied: Option<Denied>,
    /// Whether it ran out of descriptors.
    pub descriptors_exhausted: bool,
}

/// A program's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramRun {
    /// How it ended.
    pub exit: Exit,
    /// Standard output and error, as they were written.
    pub output: Vec<u8>,
    /// What it used.
    pub measured: Measured,
}

/// A tool component, compiled and linked. Cheap to clone.
#[derive(Clone)]
pub struct ToolPre(ToolHostPre<State>);

impl ToolPre {
    /// Links `component`.
    ///
    /// # Errors
    /// When it imports what is not offered, or does not export a tool.
    pub fn new(linker: &Linker<State>, component: &Component) -> wasmtime::Result<ToolPre> {
        Ok(ToolPre(ToolHostPre::new(linker.instantiate_pre(component)?)?))
    }
}

/// A program component, compiled and linked. Cheap to clone.
#[derive(Clone)]
pub struct Program {
    command: CommandPre<State>,
    starts_others: bool,
    is_ours: bool,
}

impl Program {
    /// Links `component`.
    ///
    /// # Errors
    /// When it imports what is not offered, or does not export `wasi:cli/run`.
    pub fn new(linker: &Linker<State>, component: &Component) -> wasmtime::Result<Program> {
        let pre: InstancePre<State> = linker.instantiate_pre(component)?;
        Ok(Program { command: CommandPre::new(pre)?, starts_others: false, is_ours: true })
    }

    /// The same, which the host lets start other processes. The shell is such a program, and no
    /// other.
    pub(crate) fn with_processes(self) -> Program {
        Program { starts_others: true, ..self }
    }

    /// The same, as a program that somebody else wrote. It does not look for its working directory
    /// as ours do, so the host lets its paths begin there; and nothing is known of what it begins
    /// with.
    pub(crate) fn foreign(self) -> Program {
        Program { is_ours: false, ..self }
    }

    /// Whether it is a program of this project.
    pub(super) fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// Whether it may start other processes.
    pub(super) fn starts_others(&self) -> bool {
        self.starts_others
    }
}

/// How a tool's run ended, and what it used.
pub type ToolRun = (Result<Result<Outcome, Failure>, Ended>, Measured);

/// Runs a tool: `describe` if there is no call to make, else the call of this name and input.
pub async fn run_tool(
    engine: &Engine,
    tool: &ToolPre,
    state: State,
    call: Option<(&str, &str)>,
) -> ToolRun {
    let Some(mut walled) = Walled::new(engine, state) else {
        return (
            Err(Ended::Host("the interrupt clock is not running".into())),
            Measured::default(),
        );
    };
    let result = walled
        .run(async |store| {
            let host = tool.0.instantiate_async(&mut *store).await?;
            let tool = host.toolcell_tool_tool();
            match call {
                Some((name, input)) => tool.call_call(store, name, input).await,
                None => {
                    let structured = tool.call_describe(store).await?;
                    Ok(Ok(Outcome { structured, images: Vec::new() }))
                }
            }
        })
        .await;
    let (measured, printed) = walled.finish();
    let result = result.map_err(|ended| match ended {
        // A panic's message went to standard error; the trap alone says nothing.
        Ended::Trap(trap) if !printed.is_empty() => {
            let text = String::from_utf8_lossy(&printed);
            Ended::Trap(text.lines().next().map_or(trap, |line| line.chars().take(500).collect()))
        }
        ended => ended,
    });
    (result, measured)
}

/// Runs a program from its `main` to its end.
pub async fn run_program(engine: &Engine, program: &Program, state: State) -> ProgramRun {
    let Some(mut walled) = Walled::new(engine, state) else {
        let exit = Exit::Ended(Ended::Host("the interrupt clock is not running".into()));
        return ProgramRun { exit, output: Vec::new(), measured: Measured::default() };
    };
    let mut status = None;
    let result = walled
        .run(async |store| {
            let command = program.command.instantiate_async(&mut *store).await?;
            match command.wasi_cli_run().call_run(store).await {
                Err(error) => match error.downcast_ref::<I32Exit>() {
                    Some(I32Exit(code)) => {
                        status = u8::try_from(*code).ok();
                        Ok(Ok(()))
                    }
                    None => Err(error),
                },
                result => result,
            }
        })
        .await;
    let exit = match (result, status) {
        (Err(ended), _) => Exit::Ended(ended),
        (Ok(_), Some(status)) => Exit::Status(status),
        (Ok(result), None) => Exit::Status(u8::from(result.is_err())),
    };
    let (measured, output) = walled.finish();
    ProgramRun { exit, output, measured }
}

/// Runs a process to its end; when this comes back, everything it held is closed.
pub(super) async fn run_process(engine: &Engine, program: &Program, state: State) -> process::Exit {
    use process::Exit;
    let Some(mut walled) = Walled::new(engine, state) else { return Exit::Signal(9) };
    let result = walled
        .run_raw(async |store| {
            let command = program.command.instantiate_async(&mut *store).await?;
            command.wasi_cli_run().call_run(store).await
        })
        .await;
    let exit = match result {
        Ok(result) => Exit::Status(u8::from(result.is_err())),
        Err(error) => walled.exit_of(&error),
    };
    let state = walled.store.data();
    if let Some(seat) = &state.seat {
        let denied = state.fs.failures().denied();
        seat.process.shared.add(walled.control.cpu(), denied);
        if state.limits.memory_refused {
            seat.process.shared.note_memory_refused();
        }
    }
    exit
}

/// A store with its walls up.
struct Walled {
    store: Store<State>,
    control: std::sync::Arc<Control>,
    _running: super::ticker::Running,
}

/// A process ended itself by a signal.
#[derive(Debug, thiserror::Error)]
#[error("ended by signal {0}")]
pub(super) struct Died(pub(super) u8);

/// Sent through the engine by the epoch callback.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

impl Walled {
    fn new(engine: &Engine, state: State) -> Option<Walled> {
        let running = engine.ticker.run()?;
        let control = state.control.clone();
        let mut store = Store::new(&engine.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(MAX_HOST_CALL_BYTES);
        // The table of resources is full first, which a guest is told and can survive.
        store.set_max_component_handles(2 * MAX_HANDLES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| {
            let control = &context.data().control;
            if control.killed().is_some() || control.is_late() {
                Err(wasmtime::Error::new(Interrupted))
            } else {
                Ok(UpdateDeadline::Yield(1))
            }
        });
        Some(Walled { store, control, _running: running })
    }

    /// Runs `body` until it ends, is cancelled, or its time is up.
    async fn run<T>(
        &mut self,
        body: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Ended> {
        if self.control.is_late() {
            return Err(Ended::Deadline { limit: self.control.limit });
        }
        self.run_raw(body).await.map_err(|error| self.why(&error))
    }

    async fn run_raw<T>(
        &mut self,
        body: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> wasmtime::Result<T> {
        let control = self.control.clone();
        let latest = self.store.data().seat.as_ref().map(|seat| seat.latest.clone());
        {
            let mut body = pin!(Metered::new(body(&mut self.store), &control));
            let body = poll_fn(|context| {
                let result = body.as_mut().poll(context);
                // It waits for something else than its child, or its turn is over.
                if let Some(latest) = &latest {
                    latest.release();
                }
                result
            });
            // A computing guest is stopped by the epoch; this is for one that waits in the host.
            let stopped = async {
                tokio::select! {
                    () = control.wake.notified() => {}
                    () = tokio::time::sleep_until(control.deadline.into()) => {}
                }
            };
            tokio::select! {
                biased;
                result = body => result,
                () = stopped => Err(wasmtime::Error::new(Interrupted)),
            }
        }
    }

    /// How a process that did not come back from `main` ended.
    fn exit_of(&self, error: &wasmtime::Error) -> process::Exit {
        use process::Exit;
        if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
            return Exit::Status((*code & 0xFF) as u8);
        }
        if let Some(Died(signal)) = error.downcast_ref::<Died>() {
            return Exit::Signal(*signal);
        }
        if error.is::<Interrupted>() {
            return Exit::Signal(self.control.killed().unwrap_or(14));
        }
        if error.is::<BrokenPipe>() {
            return Exit::Signal(13);
        }
        if error.is::<OutputFull>() {
            return Exit::Signal(25);
        }
        match error.downcast_ref::<Trap>() {
            // A panic, an abort, and what allocation does when memory is at its limit.
            Some(Trap::UnreachableCodeReached) => Exit::Signal(6),
            Some(Trap::IntegerDivisionByZero | Trap::IntegerOverflow) => Exit::Signal(8),
            Some(Trap::IndirectCallToNull | Trap::BadSignature) => Exit::Signal(4),
            Some(_) => Exit::Signal(11),
            None => Exit::Signal(9),
        }
    }

    fn why(&self, error: &wasmtime::Error) -> Ended {
        let state = self.store.data();
        if error.is::<Interrupted>() {
            return match self.control.killed() {
                Some(_) => Ended::Cancelled,
                None => Ended::Deadline { limit: self.control.limit },
            };
        }
        if error.is::<OutputFull>() {
            return Ended::Output;
        }
        if let Some(ended) = error.downcast_ref::<Ended>() {
            // A helper's, which is the call's.
            return ended.clone();
        }
        let trap = error.downcast_ref::<Trap>();
        if trap == Some(&Trap::StackOverflow) || is_below_memory(error) {
            return Ended::Stack;
        }
        if state.limits.memory_refused {
            return Ended::Memory { limit: state.limits.memory_limit() };
        }
        if state.fs.descriptors_exhausted || is_table_full(error) {
            return Ended::Handles;
        }
        match trap {
            Some(trap) => Ended::Trap(trap.to_string()),
            None => Ended::Host(format!("{error:#}")),
        }
    }

    /// Drops the store, which closes the guest's files, and says what it used and printed.
    fn finish(self) -> (Measured, Vec<u8>) {
        let state = self.store.data();
        let measured = Measured {
            cpu: self.control.cpu(),
            memory_bytes: state.limits.memory_peak,
            denied: state.fs.failures().denied(),
            descriptors_exhausted: state.fs.descriptors_exhausted,
        };
        let output = state.output.take();
        (measured, output)
    }
}

/// Whether a guest reached below the start of its memory, where compilers lay its own stack: that
/// one was full. Of the address, which is then just below the end of the address space, the engine
/// tells in words only.
fn is_below_memory(error: &wasmtime::Error) -> bool {
    let address = error.chain().find_map(|cause| {
        let text = cause.to_string();
        let address = text.strip_prefix("memory fault at wasm address 0x")?.split(' ').next()?;
        u64::from_str_radix(address, 16).ok()
    });
    address.is_some_and(|address| address.abs_diff(1 << 32) <= MAX_FRAME)
}

fn is_table_full(error: &wasmtime::Error) -> bool {
    use wasmtime::component::ResourceTableError;
    matches!(error.downcast_ref::<ResourceTableError>(), Some(ResourceTableError::Full))
}
