//! Exact counting of what a region holds.
//!
//! Growth is charged before it happens and given back if it does not: a [`Reservation`] that is
//! dropped refunds itself. Two writers can therefore never both be let past the limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Denied, Region};

/// How much a region may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Logical bytes of regular files. A sparse file counts in full.
    pub bytes: u64,
    /// Files, directories and symbolic links. Without this cap a guest could exhaust the host's
    /// inodes with empty files.
    pub entries: u64,
}

impl Quota {
    /// Entries allowed where nothing else is said.
    pub const DEFAULT_ENTRIES: u64 = 200_000;

    /// A quota of this many bytes and [`Quota::DEFAULT_ENTRIES`] entries.
    pub const fn of_bytes(bytes: u64) -> Quota {
        Quota { bytes, entries: Quota::DEFAULT_ENTRIES }
    }

    /// No limit; for what the host itself provides, and for regions that cannot be written.
    pub const UNLIMITED: Quota = Quota { bytes: u64::MAX, entries: u64::MAX };
}

/// The running totals of one region.
#[derive(Debug)]
pub struct Ledger {
    quota: Quota,
    bytes: AtomicU64,
    entries: AtomicU64,
}

impl Ledger {
    pub(super) fn new(quota: Quota) -> Ledger {
        Ledger { quota, bytes: AtomicU64::new(0), entries: AtomicU64::new(0) }
    }

    /// The limits.
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// Bytes charged now.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Entries charged now.
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Acquire)
    }

    /// Sets the totals to what a scan of the region found.
    pub fn rebase(&self, bytes: u64, entries: u64) {
        self.bytes.store(bytes, Ordering::Release);
        self.entries.store(entries, Ordering::Release);
    }

    /// Gives back what was removed. Saturates, because files may also vanish from outside.
    pub fn refund(&self, bytes: u64, entries: u64) {
        give_back(&self.bytes, bytes);
        give_back(&self.entries, entries);
    }

    fn charge(&self, region: &Region, bytes: u64, entries: u64) -> Result<(), Denied> {
        if !take(&self.entries, entries, self.quota.entries) {
            return Err(Denied::TooManyEntries {
                region: region.name().into(),
                quota: self.quota.entries,
            });
        }
        if !take(&self.bytes, bytes, self.quota.bytes) {
            give_back(&self.entries, entries);
            return Err(Denied::QuotaExceeded {
                region: region.name().into(),
                quota: self.quota.bytes,
                used: self.bytes(),
                asked: bytes,
            });
        }
        Ok(())
    }
}

fn take(counter: &AtomicU64, amount: u64, limit: u64) -> bool {
    // Zero always passes: a region that is over its quota from outside may still shrink.
    amount == 0
        || counter
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                now.checked_add(amount).filter(|sum| *sum <= limit)
            })
            .is_ok()
}

fn give_back(counter: &AtomicU64, amount: u64) {
    if amount > 0 {
        let _ = counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
            Some(now.saturating_sub(amount))
        });
    }
}

/// Growth that has been charged and not yet happened. Dropping it refunds it.
#[derive(Debug)]
#[must_use]
pub struct Reservation {
    region: Arc<Region>,
    bytes: u64,
    entries: u64,
}

impl Reservation {
    /// Charges `region` for this much more.
    ///
    /// # Errors
    /// When the region would then hold more than its quota; nothing is charged.
    pub(super) fn take(
        region: &Arc<Region>,
        bytes: u64,
        entries: u64,
    ) -> Result<Reservation, Denied> {
        region.ledger().charge(region, bytes, entries)?;
        Ok(Reservation { region: region.clone(), bytes, entries })
    }

    /// The growth happened, in full.
    pub(crate) fn settle(self) {
        let bytes = self.bytes;
        self.settle_bytes(bytes);
    }

    /// The growth happened, but only by `bytes`; the rest is refunded.
    pub(crate) fn settle_bytes(mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.entries = 0;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.region.ledger().refund(self.bytes, self.entries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Access;

    #[test]
    fn eight_writers_never_pass_the_limit() {
        let quota = Quota { bytes: 1000, entries: 10 };
        let region = Region::new("r", Access::ReadWrite, quota);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        if let Ok(taken) = Reservation::take(&region, 7, 0) {
                            assert!(region.ledger().bytes() <= 1000);
                            taken.settle();
                        }
                    }
                });
            }
        });
        assert_eq!(region.ledger().bytes(), 1000 - 1000 % 7);
    }

    #[test]
    fn a_dropped_reservation_costs_nothing() {
        let region = Region::new("r", Access::ReadWrite, Quota { bytes: 10, entries: 1 });
        drop(Reservation::take(&region, 10, 1).unwrap());
        assert_eq!((region.ledger().bytes(), region.ledger().entries()), (0, 0));
        Reservation::take(&region, 10, 1).unwrap().settle_bytes(4);
        assert_eq!((region.ledger().bytes(), region.ledger().entries()), (4, 1));
        assert!(matches!(
            Reservation::take(&region, 7, 0),
            Err(Denied::QuotaExceeded { used: 4, asked: 7, .. })
        ));
        assert!(matches!(Reservation::take(&region, 0, 1), Err(Denied::TooManyEntries { .. })));
    }
}
