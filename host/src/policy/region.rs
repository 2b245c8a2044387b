//! A region: a named part of the guest's files with one access mode and one quota.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::quota::{Ledger, Quota};

const MIB: u64 = 1 << 20;

/// The name of the region that holds what the host itself provides (`/dev`, `/bin`, `/etc`).
pub const SYSTEM_REGION: &str = "system";

/// Whether a region's content may be changed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading and writing.
    ReadWrite,
    /// Reading only, whatever a grant says.
    ReadOnly,
}

/// What a region is when nothing else is asked for.
#[derive(Debug, Clone, Copy)]
pub struct RegionDefault {
    /// The name used on the command line, in the journal and in messages.
    pub name: &'static str,
    /// Where guests see it.
    pub mount: &'static str,
    /// How much it may hold.
    pub quota: Quota,
    /// Whether new files in it are announced to the agent.
    pub announced: bool,
}

/// The four regions of an execution, in the order in which they are listed everywhere.
pub const DEFAULT_REGIONS: [RegionDefault; 4] = [
    RegionDefault {
        name: "shared",
        mount: "/home/agent/shared",
        quota: Quota::of_bytes(50 * MIB),
        announced: false,
    },
    RegionDefault {
        name: "workspace",
        mount: "/home/agent/workspace",
        quota: Quota::of_bytes(500 * MIB),
        announced: false,
    },
    RegionDefault {
        name: "downloads",
        mount: "/home/agent/downloads",
        quota: Quota::of_bytes(500 * MIB),
        announced: true,
    },
    RegionDefault {
        name: "uploads",
        mount: "/home/agent/uploads",
        quota: Quota::of_bytes(200 * MIB),
        announced: true,
    },
];

/// A live region. Shared by every descriptor that was opened in it, so that a change of mode
/// holds at once, for open descriptors too.
#[derive(Debug)]
pub struct Region {
    name: Arc<str>,
    read_only: AtomicBool,
    ledger: Ledger,
}

impl Region {
    /// A region of this name with nothing counted yet.
    pub fn new(name: &str, access: Access, quota: Quota) -> Arc<Region> {
        Arc::new(Region {
            name: name.into(),
            read_only: AtomicBool::new(access == Access::ReadOnly),
            ledger: Ledger::new(quota),
        })
    }

    /// The region's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The mode in force now.
    pub fn access(&self) -> Access {
        if self.read_only.load(Ordering::Acquire) { Access::ReadOnly } else { Access::ReadWrite }
    }

    /// Changes the mode, for descriptors that are already open as well.
    pub fn set_access(&self, access: Access) {
        self.read_only.store(access == Access::ReadOnly, Ordering::Release);
    }

    /// What the region holds and may hold.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
