//! What one instance has of the host.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::child::Latest;
use super::helpers::Team;
use super::kernel::{Kernel, SessionShell};
use super::limits::{Limits, MAX_HANDLES, MAX_RANDOM_BYTES};
use super::stdio::Capture;
use crate::process::{Control, Fd, Fds, Process};
use crate::session::Session;
use crate::vfs::{FsContext, Mediator};

/// The data of one instance's store.
pub struct State {
    pub(super) table: ResourceTable,
    pub(super) wasi: WasiCtx,
    pub(super) fs: FsContext,
    pub(super) limits: Limits,
    pub(super) control: Arc<Control>,
    pub(super) session: Arc<Session>,
    pub(super) output: Capture,
    pub(super) seat: Option<Seat>,
    pub(super) team: Option<Team>,
}

/// What an instance has that is a process, and not a tool's call.
pub(super) struct Seat {
    pub(super) kernel: Arc<Kernel>,
    pub(super) process: Arc<Process>,
    pub(super) mediator: Mediator,
    pub(super) cwd: String,
    pub(super) fds: Arc<Fds>,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) session: Option<SessionShell>,
    /// Whether the program may use the process interface.
    pub(super) starts_others: bool,
    pub(super) children: HashMap<u32, Arc<Process>>,
    pub(super) latest: Latest,
}

impl State {
    /// A state with these arguments and environment, and nothing of the host's own. Standard input
    /// is empty, output and error are kept.
    pub fn new(
        mediator: Mediator,
        session: Arc<Session>,
        control: Arc<Control>,
        memory_limit: usize,
        argv: &[String],
        environment: &[(String, String)],
    ) -> State {
        let output = Capture::default();
        let kept = Fd::output(Arc::new(output.clone()));
        let fds = Arc::new(Fds::new(vec![(0, Fd::null()), (1, kept.clone()), (2, kept)]));
        let mut state = State::with_fds(
            mediator,
            session,
            control,
            memory_limit,
            argv,
            environment,
            None,
            &fds,
        );
        state.output = output;
        state
    }

    /// The same, as one of those who work at a call.
    #[must_use]
    pub fn in_team(self, team: Team) -> State {
        State { team: Some(team), ..self }
    }

    /// The same, with a working directory and these descriptors.
    #[allow(clippy::too_many_arguments, reason = "they are what a process is made of")]
    pub(super) fn with_fds(
        mediator: Mediator,
        session: Arc<Session>,
        control: Arc<Control>,
        memory_limit: usize,
        argv: &[String],
        environment: &[(String, String)],
        cwd: Option<&str>,
        fds: &Arc<Fds>,
    ) -> State {
        let mediator = Arc::new(mediator.with_streams(fds.clone()));
        let fs = FsContext::new(mediator, fds.failures().clone());
        let fd = |number| fds.stream(number);
        let mut wasi = WasiCtx::builder();
        wasi.args(argv).envs(environment).stdin(fd(0)).stdout(fd(1)).stderr(fd(2));
        wasi.max_random_size(MAX_RANDOM_BYTES);
        if let Some(cwd) = cwd {
            wasi.initial_cwd(cwd);
        }
        let wasi = wasi.build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let limits = Limits::new(memory_limit);
        State {
            table,
            wasi,
            fs,
            limits,
            control,
            session,
            output: Capture::default(),
            seat: None,
            team: None,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
