//! Advisory locks of whole files, as of `flock(2)`: between the processes of one cell. The host's
//! own processes and other cells know nothing of them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// What a file is known by: its device and its inode.
pub(super) type Identity = (u64, u64);

/// Who may hold a lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Others that share it.
    Shared,
    /// Nobody else.
    Exclusive,
}

#[derive(Debug)]
enum Holders {
    Shared(usize),
    Exclusive,
}

/// The locks of a cell. There is one for each open file description at most.
#[derive(Debug, Default)]
pub struct Locks {
    held: Mutex<HashMap<Identity, Holders>>,
    released: Notify,
}

/// A lock that is held; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Lock {
    locks: Arc<Locks>,
    file: Identity,
    pub(super) mode: LockMode,
}

impl Locks {
    /// Takes the lock of a file, unless someone has it who does not share it.
    pub(super) fn take(self: &Arc<Locks>, file: Identity, mode: LockMode) -> Option<Lock> {
        let mut held = self.held.lock();
        match (held.get_mut(&file), mode) {
            (None, LockMode::Shared) => drop(held.insert(file, Holders::Shared(1))),
            (None, LockMode::Exclusive) => drop(held.insert(file, Holders::Exclusive)),
            (Some(Holders::Shared(count)), LockMode::Shared) => *count += 1,
            _ => return None,
        }
        Some(Lock { locks: self.clone(), file, mode })
    }

    /// Waits until a lock is given back, from the moment on at which the future is made.
    pub(super) fn released(&self) -> impl Future<Output = ()> {
        let mut notified = Box::pin(self.released.notified());
        notified.as_mut().enable();
        notified
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut held = self.locks.held.lock();
        match held.get_mut(&self.file) {
            Some(Holders::Shared(count)) if *count > 1 => *count -= 1,
            _ => drop(held.remove(&self.file)),
        }
        drop(held);
        self.locks.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_alone_or_several_share_it() {
        let locks = Arc::new(Locks::default());
        let (file, other) = ((1, 1), (1, 2));
        let first = locks.take(file, LockMode::Shared).expect("nobody has it");
        let second = locks.take(file, LockMode::Shared).expect("it is shared");
        assert!(locks.take(file, LockMode::Exclusive).is_none());
        assert!(locks.take(other, LockMode::Exclusive).is_some());
        drop(first);
        assert!(locks.take(file, LockMode::Exclusive).is_none());
        drop(second);
        let alone = locks.take(file, LockMode::Exclusive).expect("all gave it back");
        assert!(locks.take(file, LockMode::Shared).is_none());
        drop(alone);
        assert!(locks.held.lock().is_empty());
    }
}
