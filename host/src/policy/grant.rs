//! The decision, and the proof of it.
//!
//! [`Grant::decide`] is the only place where a [`Permit`] is made. Nothing below this module can
//! touch a file without one, and none can be kept for later: it is neither `Clone` nor reusable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::{Access, Denied, Operation, OperationKind, Region, Reservation, Right};

/// Mutations listed in one result. A call that changes more says how many more; the journal has
/// them all. Without the cap a loop of `touch` would grow the host's memory.
pub const MAX_MUTATIONS_LISTED: usize = 1_000;

/// What one invocation may do in one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// To read.
    Read,
    /// To read and change.
    ReadWrite,
}

/// One change, as results list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutation {
    /// The journal's sequence number.
    pub seq: u64,
    /// What was done.
    pub operation: OperationKind,
    /// Where.
    pub path: crate::path::GuestPath,
}

/// Who asks: a tool call, or a door of the host. Every record names one.
#[derive(Debug)]
pub struct Actor {
    /// The number by which the journal's records refer to it.
    pub id: u32,
    /// The tool call's id, or the request's.
    pub call: String,
    /// The tool's or door's name.
    pub tool: String,
    /// BLAKE3 of the component, in hexadecimal; empty for a door of the host.
    pub digest: String,
    /// The process of the call that it is, by its id, and the name that the process goes by.
    pub process: Option<(u32, String)>,
    recorded: AtomicBool,
    account: Arc<Account>,
}

/// What a call has done so far, by all its processes.
#[derive(Debug)]
struct Account {
    /// The number of the call's first actor, which stands for the call.
    id: u32,
    journal_bytes: AtomicU64,
    changes: Mutex<Changes>,
}

#[derive(Debug, Default)]
struct Changes {
    listed: Vec<Mutation>,
    unlisted: u64,
}

impl Actor {
    /// An actor that has done nothing yet.
    pub fn new(id: u32, call: &str, tool: &str, digest: &str) -> Arc<Actor> {
        Arc::new(Actor {
            id,
            call: call.to_owned(),
            tool: tool.to_owned(),
            digest: digest.to_owned(),
            process: None,
            recorded: AtomicBool::new(false),
            account: Arc::new(Account {
                id,
                journal_bytes: AtomicU64::new(0),
                changes: Mutex::default(),
            }),
        })
    }

    /// A process of the same call, whose changes count as the call's.
    pub fn process(&self, id: u32, pid: u32, name: &str) -> Arc<Actor> {
        Arc::new(Actor {
            id,
            call: self.call.clone(),
            tool: self.tool.clone(),
            digest: self.digest.clone(),
            process: Some((pid, name.to_owned())),
            recorded: AtomicBool::new(false),
            account: self.account.clone(),
        })
    }

    /// The number that stands for the call, whichever of its processes this is.
    pub fn call_id(&self) -> u32 {
        self.account.id
    }

    /// Counts bytes written to the journal on its behalf; the sum so far comes back.
    pub(crate) fn count_journal_bytes(&self, bytes: u64) -> u64 {
        self.account.journal_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes
    }

    /// Whether the journal has to be told who this is. True once.
    pub(crate) fn is_new_to_journal(&self) -> bool {
        !self.recorded.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn note(&self, mutation: Mutation) {
        let mut changes = self.account.changes.lock();
        if changes.listed.len() < MAX_MUTATIONS_LISTED {
            changes.listed.push(mutation);
        } else {
            changes.unlisted += 1;
        }
    }

    /// What was changed so far, in order, and how many changes more there were than are listed.
    pub fn changes(&self) -> (Vec<Mutation>, u64) {
        let changes = self.account.changes.lock();
        (changes.listed.clone(), changes.unlisted)
    }
}

/// The regions and rights that one invocation holds. Passed by value; narrowed, never widened.
#[derive(Debug, Clone)]
pub struct Grant {
    actor: Arc<Actor>,
    rights: Vec<(Arc<Region>, Rights)>,
}

impl Grant {
    /// Grants exactly these regions to `actor`. A region that is not named is denied.
    pub fn new(actor: Arc<Actor>, rights: Vec<(Arc<Region>, Rights)>) -> Grant {
        Grant { actor, rights }
    }

    /// The same rights in the hands of a process of the same call.
    #[must_use]
    pub fn held_by(&self, actor: Arc<Actor>) -> Grant {
        Grant { actor, rights: self.rights.clone() }
    }

    /// Who holds it.
    pub fn actor(&self) -> &Arc<Actor> {
        &self.actor
    }

    /// Decides one operation, and charges its growth.
    ///
    /// # Errors
    /// Says which rule refused it. Nothing is charged then.
    pub fn decide(&self, operation: Operation) -> Result<Permit, Denied> {
        let (first, second) = operation.needs();
        self.check(&first.0.region, first.1)?;
        if let Some((place, right)) = second {
            self.check(&place.region, right)?;
            if !Arc::ptr_eq(&first.0.region, &place.region) {
                return Err(Denied::CrossRegion {
                    from: first.0.region.name().into(),
                    to: place.region.name().into(),
                });
            }
        }
        if let Operation::Symlink { target, .. } = &operation
            && target.starts_with('/')
        {
            return Err(Denied::AbsoluteLink);
        }
        let (bytes, entries) = operation.growth();
        let reservation = match (bytes, entries) {
            (0, 0) => None,
            _ => Some(Reservation::take(&operation.place().region, bytes, entries)?),
        };
        Ok(Permit { operation, reservation, actor: self.actor.clone() })
    }

    fn check(&self, region: &Arc<Region>, right: Right) -> Result<(), Denied> {
        let rights = self.rights.iter().find(|(granted, _)| Arc::ptr_eq(granted, region));
        match (rights, right) {
            (None, _) => Err(Denied::NotGranted { region: region.name().into() }),
            (Some(_), Right::Read) => Ok(()),
            (Some((_, Rights::Read)), Right::Write) => {
                Err(Denied::ReadOnly { region: region.name().into() })
            }
            (Some((_, Rights::ReadWrite)), Right::Write) => match region.access() {
                Access::ReadWrite => Ok(()),
                Access::ReadOnly => Err(Denied::ReadOnly { region: region.name().into() }),
            },
        }
    }
}

/// Proof that policy allowed one operation, good for doing it once.
#[derive(Debug)]
#[must_use = "a permit that is dropped gives its reservation back"]
pub struct Permit {
    operation: Operation,
    reservation: Option<Reservation>,
    actor: Arc<Actor>,
}

impl Permit {
    /// What was allowed.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// To whom.
    pub fn actor(&self) -> &Arc<Actor> {
        &self.actor
    }

    /// Takes the proof apart at the moment the operation is done.
    pub(crate) fn into_parts(self) -> (Operation, Option<Reservation>) {
        (self.operation, self.reservation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::GuestPath;
    use crate::policy::{Place, Quota};

    fn place(region: &Arc<Region>) -> Place {
        Place { region: region.clone(), path: GuestPath::root() }
    }

    #[test]
    fn each_refusal_names_its_rule() {
        let quota = Quota { bytes: 8, entries: 1 };
        let open = Region::new("open", Access::ReadWrite, quota);
        let other = Region::new("other", Access::ReadWrite, quota);
        let frozen = Region::new("frozen", Access::ReadOnly, quota);
        let hidden = Region::new("hidden", Access::ReadWrite, quota);
        let shown = Region::new("shown", Access::ReadWrite, quota);
        let write = |region: &Arc<Region>| (region.clone(), Rights::ReadWrite);
        let grant = Grant::new(
            Actor::new(1, "c", "t", ""),
            vec![write(&open), write(&other), write(&frozen), (shown.clone(), Rights::Read)],
        );
        let denied = |operation| grant.decide(operation).unwrap_err();

        assert!(matches!(
            denied(Operation::Stat { at: place(&hidden) }),
            Denied::NotGranted { region } if &*region == "hidden"
        ));
        for region in [&frozen, &shown] {
            assert!(grant.decide(Operation::ReadFile { at: place(region) }).is_ok());
            assert!(matches!(
                denied(Operation::UnlinkFile { at: place(region) }),
                Denied::ReadOnly { .. }
            ));
        }
        assert!(matches!(
            denied(Operation::Rename { from: place(&open), to: place(&other) }),
            Denied::CrossRegion { .. }
        ));
        assert!(matches!(
            denied(Operation::Link { from: place(&frozen), to: place(&open) }),
            Denied::ReadOnly { .. }
        ));
        assert_eq!(
            denied(Operation::Symlink { at: place(&open), target: "/etc".into() }),
            Denied::AbsoluteLink
        );
        assert!(matches!(
            denied(Operation::WriteFile { at: place(&open), grow: 9 }),
            Denied::QuotaExceeded { asked: 9, .. }
        ));
    }

    #[test]
    fn a_mode_change_holds_at_once() {
        let region = Region::new("r", Access::ReadWrite, Quota::UNLIMITED);
        let grant =
            Grant::new(Actor::new(1, "c", "t", ""), vec![(region.clone(), Rights::ReadWrite)]);
        let write = || Operation::WriteFile { at: place(&region), grow: 1 };
        assert!(grant.decide(write()).is_ok());
        region.set_access(Access::ReadOnly);
        assert!(matches!(grant.decide(write()), Err(Denied::ReadOnly { .. })));
    }
}
