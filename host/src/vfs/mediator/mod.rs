//! The one gate. Guests' calls and the host's own doors both come through here.
//!
//! Every change goes the same way, and the types leave no other: the grant decides and yields a
//! permit, the journal takes the permit and yields a ticket, the backing takes the ticket and
//! yields an effect, the journal takes the effect and yields the result.
//!
//! One file for each family of operations: [`look`] reads names, [`open`] opens files, [`data`]
//! reads and changes content, [`names`] changes names.

mod data;
mod look;
mod names;
mod open;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{FileType, Mode};
use rustix::io::Errno;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

pub(super) use data::MAX_TRANSFER;
pub use look::FileLook;
pub(super) use look::{Listing, Metadata};
pub use open::OpenHow;

use super::fault::Fault;
use super::handle::{DirHandle, Node};
use super::resolve::{self, Follow, Target};
use super::space::Space;
use crate::journal::{Effect, Facts, Journal, Ticket};
use crate::path::{Component, Parts};
use crate::policy::{Actor, Denied, Grant, Operation, Permit, Place};

/// A namespace seen with the rights of one grant.
#[derive(Debug, Clone)]
pub struct Mediator {
    space: Arc<Space>,
    grant: Grant,
    streams: Option<Arc<dyn Streams>>,
    umask: Arc<AtomicU32>,
}

/// Permission bits that new files do not get unless a process says otherwise. What the mask of the
/// host's own process holds back, they do not get either.
const UMASK: u32 = 0o022;

/// What a process has open beside its files: `/dev/stdin` and `/dev/fd/N` lead there.
pub trait Streams: std::fmt::Debug + Send + Sync {
    /// What is open at this number, if anything is: a file, a pipe or a device.
    fn kind(&self, number: u32) -> Option<FileType>;
    /// What is there to be read, without waiting.
    ///
    /// # Errors
    /// As `read(2)`; `EAGAIN` when there is nothing yet.
    fn read(&self, number: u32, most: usize) -> Result<Vec<u8>, Errno>;
    /// Takes all of `data`, without waiting.
    ///
    /// # Errors
    /// As `write(2)`.
    fn write(&self, number: u32, data: &[u8]) -> Result<(), Errno>;
    /// A stream that reads it.
    fn reader(&self, number: u32) -> Option<DynInputStream>;
    /// A stream that writes it.
    fn writer(&self, number: u32) -> Option<DynOutputStream>;
}

/// Where what a process prints is kept.
pub trait Output: std::fmt::Debug + Send + Sync {
    /// Takes all of `data`.
    ///
    /// # Errors
    /// When the process has printed as much as it may.
    fn write(&self, data: &[u8]) -> Result<(), Errno>;
}

impl Mediator {
    /// Looks at `space` with the rights of `grant`.
    pub fn new(space: Arc<Space>, grant: Grant) -> Mediator {
        Mediator { space, grant, streams: None, umask: Arc::new(AtomicU32::new(UMASK)) }
    }

    /// The same, for a process that has these open.
    #[must_use]
    pub fn with_streams(self, streams: Arc<dyn Streams>) -> Mediator {
        Mediator { streams: Some(streams), ..self }
    }

    /// The same, for a process of the call: its changes are recorded as its own.
    #[must_use]
    pub fn for_process(&self, pid: u32, name: &str) -> Mediator {
        let id = self.space.journal().and_then(|journal| journal.actor_id().ok());
        let grant = match id {
            Some(id) => self.grant.held_by(self.grant.actor().process(id, pid, name)),
            // Without a number of its own it goes by that of its parent.
            None => self.grant.clone(),
        };
        let umask = Arc::new(AtomicU32::new(self.umask.load(Ordering::Relaxed)));
        Mediator { space: self.space.clone(), grant, streams: self.streams.clone(), umask }
    }

    /// Sets which permission bits new files do not get, if there is a mask to set. The one in
    /// effect comes back.
    pub fn umask(&self, mask: Option<u32>) -> u32 {
        if let Some(mask) = mask {
            self.umask.store(mask & 0o777, Ordering::Relaxed);
        }
        self.umask.load(Ordering::Relaxed)
    }

    /// The bits that are held back: never the owner's, without which the host could not read what
    /// it keeps.
    fn mask(&self) -> Mode {
        Mode::from_raw_mode(self.umask(None) & 0o077)
    }

    /// On whose behalf.
    pub fn actor(&self) -> &Arc<Actor> {
        self.grant.actor()
    }

    /// The namespace.
    pub fn space(&self) -> &Arc<Space> {
        &self.space
    }

    /// The root directory of the namespace.
    pub fn root(&self) -> Node {
        Node::Synthetic(super::handle::SyntheticHandle {
            path: crate::path::GuestPath::root(),
            entry: super::synthetic::Entry::Directory,
            writable: false,
        })
    }

    /// Where changes are recorded; without it there are none.
    fn journal(&self) -> Result<&Journal, Fault> {
        Ok(self.space.journal().ok_or(Errno::ROFS)?)
    }

    /// Asks policy.
    fn permit(&self, operation: Operation) -> Result<Permit, Fault> {
        Ok(self.grant.decide(operation)?)
    }

    /// Asks policy, then opens the record.
    fn ticket(&self, operation: Operation, before: Facts) -> Result<Ticket, Fault> {
        let permit = self.permit(operation)?;
        self.begin(permit, before)
    }

    /// Opens the record.
    fn begin(&self, permit: Permit, before: Facts) -> Result<Ticket, Fault> {
        if let Some((mount, _)) = self.space.mount_of(&permit.operation().place().path) {
            mount.note_change();
        }
        Ok(self.journal()?.begin(permit, before)?)
    }

    /// Completes the record.
    fn record<T>(&self, effect: Effect<T>) -> Result<T, Fault> {
        Ok(self.journal()?.record(effect)?)
    }

    /// Resolves to a name in a region's directory; what the host provides cannot be changed.
    fn name(
        &self,
        at: &Node,
        parts: Parts<'_>,
        follow: Follow,
    ) -> Result<(DirHandle, Component), Fault> {
        match resolve::resolve(&self.space, at, parts, follow)? {
            Target::Name(dir, name) => {
                // A name at which something is mounted is not a name of the directory below.
                let path = dir.path().join(&name);
                if dir.is_mount_root() && self.space.mount_at(&path).is_some() {
                    return Err(Errno::BUSY.into());
                }
                Ok((dir, name))
            }
            Target::Root(_) => Err(Errno::BUSY.into()),
            Target::Synthetic(_) | Target::Nothing(_) => {
                Err(Denied::ReadOnly { region: self.space.system.name().into() }.into())
            }
        }
    }
}

/// An absolute path as one relative to the root, as the operations take it.
pub fn beneath_root(path: &str) -> &str {
    match path.trim_start_matches('/') {
        "" => ".",
        path => path,
    }
}

fn place(dir: &DirHandle, name: &Component) -> Place {
    Place { region: dir.mount.region.clone(), path: dir.path().join(name) }
}
