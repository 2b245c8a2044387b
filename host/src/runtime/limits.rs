//! The walls around one instance. Each constant names the attack that it stops.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::process::Shared;

/// Memory that any instance can be given: what the pool reserves a slot for.
pub(super) const MAX_MEMORY_BYTES: usize = 1 << 30;

/// Memory of one instance, all its linear memories together, unless the cell says otherwise.
/// Against a guest that allocates without end.
pub const DEFAULT_MEMORY_BYTES: usize = 256 << 20;

/// What a program of ours is counted as holding when it starts, at most. Most of what it begins with
/// is data that it only reads, which all its instances have in common: counted in full, fifty
/// coreutils would be a call's whole memory.
pub(super) const MAX_IMAGE_CHARGE: usize = 2 << 20;

/// Stack of guest code. Against endless recursion, which ends as a trap. What was touched of it
/// stays with the pool, for the next instance: a host of 256 instances can come to hold 2 GiB so.
pub const MAX_STACK_BYTES: usize = 8 << 20;

/// Stack that is left to functions of the host when guest code has used up its own.
pub(super) const HOST_STACK_BYTES: usize = 1 << 20;

/// Elements of all tables of one instance. Against a guest that grows a table without end.
pub const MAX_TABLE_ELEMENTS: usize = 20_000;

/// Handles that one instance may hold of host resources: descriptors, streams, pollables. Against
/// a guest that opens streams without end; descriptors have a lower limit of their own.
pub const MAX_HANDLES: usize = 4_096;

/// Bytes that one call to the host may make it copy. Against a guest that passes a list of
/// gigabytes.
pub const MAX_HOST_CALL_BYTES: usize = 64 << 20;

/// Bytes of standard output and error that are kept of one program. Against endless output.
pub const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// Random bytes that one call may ask for.
pub(super) const MAX_RANDOM_BYTES: u64 = 64 << 10;

/// Counts what one instance holds, over all its memories and tables.
#[derive(Debug)]
pub(super) struct Limits {
    memory: usize,
    memory_limit: usize,
    tables: usize,
    /// The most memory it held.
    pub(super) memory_peak: usize,
    /// Whether it was refused more.
    pub(super) memory_refused: bool,
    /// The group of processes that it counts for as well.
    group: Option<Arc<Shared>>,
    /// What it counts for there.
    charged: usize,
    image_charge: usize,
}

impl Limits {
    pub(super) fn new(memory_limit: usize) -> Limits {
        Limits {
            memory: 0,
            memory_limit: memory_limit.min(MAX_MEMORY_BYTES),
            tables: 0,
            memory_peak: 0,
            memory_refused: false,
            group: None,
            charged: 0,
            image_charge: usize::MAX,
        }
    }

    /// Lets the group that a process belongs to hold no more than one instance may: against a
    /// pipeline of greedy programs. What it begins with counts up to `image_charge`.
    pub(super) fn share(&mut self, group: Arc<Shared>, image_charge: usize) {
        self.group = Some(group);
        self.image_charge = image_charge;
    }

    pub(super) fn memory_limit(&self) -> usize {
        self.memory_limit
    }
}

impl Drop for Limits {
    fn drop(&mut self) {
        if let Some(group) = &self.group {
            group.give_memory(self.charged);
        }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let charge = if current == 0 { growth.min(self.image_charge) } else { growth };
        let total = self.memory.saturating_add(growth);
        let fits = total <= self.memory_limit
            && maximum.is_none_or(|maximum| desired <= maximum)
            && self.group.as_ref().is_none_or(|group| group.take_memory(charge, self.memory_limit));
        if !fits {
            self.memory_refused = true;
            return Ok(false);
        }
        self.charged += charge;
        self.memory = total;
        self.memory_peak = self.memory_peak.max(total);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.tables.saturating_add(desired.saturating_sub(current));
        if total > MAX_TABLE_ELEMENTS || maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.tables = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        8
    }

    fn tables(&self) -> usize {
        64
    }
}
