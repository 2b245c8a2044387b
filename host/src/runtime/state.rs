//! What one instance has of the host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::limits::{Limits, MAX_HANDLES, MAX_RANDOM_BYTES};
use super::stdio::Capture;
use crate::session::Session;
use crate::vfs::{FsContext, Mediator};

/// How a running instance is watched and ended from outside.
#[derive(Debug)]
pub struct Control {
    pub(super) deadline: Instant,
    pub(super) limit: Duration,
    cancelled: AtomicBool,
    pub(super) wake: Notify,
    pub(super) cpu_ns: AtomicU64,
}

impl Control {
    /// Lets the instance run for `limit` from now.
    pub fn new(limit: Duration) -> Arc<Control> {
        Arc::new(Control {
            deadline: Instant::now() + limit,
            limit,
            cancelled: AtomicBool::new(false),
            wake: Notify::new(),
            cpu_ns: AtomicU64::new(0),
        })
    }

    /// Ends the instance: within a tick if it is computing, at once if it is waiting.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Time left until the deadline.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// The data of one instance's store.
pub struct State {
    pub(super) table: ResourceTable,
    pub(super) wasi: WasiCtx,
    pub(super) fs: FsContext,
    pub(super) limits: Limits,
    pub(super) control: Arc<Control>,
    pub(super) session: Arc<Session>,
    pub(super) output: Capture,
}

impl State {
    /// A state with these arguments and environment, and nothing of the host's own.
    pub fn new(
        mediator: Mediator,
        session: Arc<Session>,
        control: Arc<Control>,
        memory_limit: usize,
        argv: &[String],
        environment: &[(String, String)],
    ) -> State {
        let output = Capture::default();
        let fs = FsContext::new(Arc::new(mediator.with_output(Arc::new(output.clone()))));
        let wasi = WasiCtx::builder()
            .args(argv)
            .envs(environment)
            .stdout(output.clone())
            .stderr(output.clone())
            .max_random_size(MAX_RANDOM_BYTES)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let limits = Limits::new(memory_limit);
        State { table, wasi, fs, limits, control, session, output }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
