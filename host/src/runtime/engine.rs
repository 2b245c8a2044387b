//! Every setting of the engine, and why.

use std::sync::Arc;

use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, ModuleVersionStrategy, PoolingAllocationConfig,
};

use super::limits::{HOST_STACK_BYTES, MAX_MEMORY_BYTES, MAX_STACK_BYTES, MAX_TABLE_ELEMENTS};
use super::ticker::Ticker;

/// What compiled code is tied to: the engine's full version and ours.
pub const VERSION: &str =
    concat!(env!("TOOLCELL_ENGINE_VERSION"), "+toolcell-", env!("CARGO_PKG_VERSION"));

/// What differs between uses of the engine.
#[derive(Debug, Clone, Copy)]
pub struct EngineOptions {
    /// Instances that can be alive at once. Each reserves 4 GiB of address space, no memory.
    pub max_instances: u32,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions { max_instances: 256 }
    }
}

/// The engine could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the WebAssembly engine: {0:#}")]
pub struct EngineError(wasmtime::Error);

/// The engine and the clock that interrupts what runs in it. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(super) engine: wasmtime::Engine,
    pub(super) ticker: Arc<Ticker>,
    max_instances: u32,
}

impl Engine {
    /// Sets up the engine. A few milliseconds at most; one per process is enough.
    ///
    /// # Errors
    /// When the machine cannot do what the settings ask, such as reserve the address space.
    pub fn new(options: EngineOptions) -> Result<Engine, EngineError> {
        let engine = wasmtime::Engine::new(&config(options).map_err(EngineError)?);
        let engine = engine.map_err(EngineError)?;
        let ticker = Arc::new(Ticker::start(&engine));
        Ok(Engine { engine, ticker, max_instances: options.max_instances })
    }

    /// Instances that can be alive at once.
    pub fn max_instances(&self) -> u32 {
        self.max_instances
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("max_instances", &self.max_instances).finish()
    }
}

fn config(options: EngineOptions) -> wasmtime::Result<Config> {
    let instances = options.max_instances;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_memories(instances)
        .total_stacks(instances)
        // A component is its own module and two to four small ones that adapt its imports.
        .total_core_instances(instances.saturating_mul(8))
        .total_tables(instances.saturating_mul(8))
        .max_core_instances_per_component(32)
        .max_memories_per_component(4)
        .max_tables_per_component(16)
        .max_memory_size(MAX_MEMORY_BYTES)
        .table_elements(MAX_TABLE_ELEMENTS)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(16 << 10)
        .max_unused_warm_slots(100)
        // Resets only the pages that were touched; Linux 6.7 and later.
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        // Component-model concurrency costs 8 to 12 microseconds an instance, and is not used.
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(MAX_STACK_BYTES)
        // Host functions run on what is left of the fiber's stack.
        .async_stack_size(MAX_STACK_BYTES + HOST_STACK_BYTES)
        // With the whole 32-bit space reserved, no access needs a bounds check.
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .memory_may_move(false)
        .memory_init_cow(true)
        .memory_guaranteed_dense_image_size(16 << 20)
        .wasm_memory64(false)
        // Smaller compiled code and cheaper traps; a guest's stack trace is of no use to an agent.
        .generate_address_map(false)
        .wasm_backtrace_max_frames(None)
        .module_version(ModuleVersionStrategy::Custom(VERSION.to_owned()))?
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Ok(config)
}

/// Which features of the kernel were found, and what their absence costs: name, found, cost.
pub fn features() -> Vec<(&'static str, bool, &'static str)> {
    use rustix::fs::{Mode, OFlags, ResolveFlags};
    let openat2 = rustix::fs::openat2(
        rustix::fs::CWD,
        ".",
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH,
    );
    let memfd = crate::runtime::cache::sealed_copy(b"x");
    vec![
        ("openat2", openat2.is_ok(), "required: without it nothing runs"),
        ("sealed memfd", memfd.is_ok(), "required: compiled code is loaded from one"),
        (
            "pagemap_scan",
            PoolingAllocationConfig::is_pagemap_scan_available(),
            "without it each instance costs about 25 microseconds more",
        ),
    ]
}
