//! What successive calls share: the working directory, what the agent has seen of which file,
//! settings, and the locks that order changes of one file.
//!
//! Files are known by canonical path and content hash, never by spelling or time. Nothing here
//! touches a file.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use crate::path::GuestPath;

/// Files a session remembers. An agent that reads more has the oldest forgotten, and is asked to
/// read again before it writes.
const MAX_REMEMBERED_FILES: usize = 10_000;

/// What a session remembers of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// BLAKE3 of the whole content, in hexadecimal.
    pub hash: String,
    /// Whether the agent has seen all of it.
    pub complete: bool,
}

/// One agent's session.
#[derive(Debug)]
pub struct Session {
    inner: Mutex<Inner>,
    settings: HashMap<String, String>,
    locks: PathLocks,
}

#[derive(Debug)]
struct Inner {
    cwd: GuestPath,
    files: HashMap<String, (u64, FileState)>,
    clock: u64,
    changed: bool,
}

impl Session {
    /// A session that has seen nothing. `locks` are shared by all sessions of one cell.
    pub fn new(cwd: GuestPath, settings: HashMap<String, String>, locks: PathLocks) -> Session {
        let files = HashMap::new();
        let inner = Inner { cwd, files, clock: 0, changed: false };
        Session { inner: Mutex::new(inner), settings, locks }
    }

    /// The directory that relative paths start from.
    pub fn cwd(&self) -> GuestPath {
        self.inner.lock().cwd.clone()
    }

    /// Moves to another directory.
    pub fn set_cwd(&self, cwd: GuestPath) {
        let mut inner = self.inner.lock();
        inner.changed |= inner.cwd != cwd;
        inner.cwd = cwd;
    }

    /// What is remembered of the file at this canonical path.
    pub fn recall(&self, path: &str) -> Option<FileState> {
        self.inner.lock().files.get(path).map(|(_, state)| state.clone())
    }

    /// Remembers the file at this canonical path.
    pub fn remember(&self, path: String, state: FileState) {
        let mut inner = self.inner.lock();
        inner.clock += 1;
        inner.changed = true;
        let clock = inner.clock;
        inner.files.insert(path, (clock, state));
        if inner.files.len() > MAX_REMEMBERED_FILES {
            let oldest = inner.files.iter().min_by_key(|(_, (age, _))| *age);
            if let Some(path) = oldest.map(|(path, _)| path.clone()) {
                inner.files.remove(&path);
            }
        }
    }

    /// A setting by name.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }

    /// Waits for this canonical path, first come first served.
    pub async fn lock(&self, path: String) -> PathLock {
        self.locks.lock(path).await
    }

    /// Everything remembered, for keeping between processes; `None` when nothing has changed
    /// since it was last asked for.
    pub fn take_changes(&self) -> Option<(GuestPath, Vec<(String, FileState)>)> {
        let mut inner = self.inner.lock();
        if !std::mem::take(&mut inner.changed) {
            return None;
        }
        let mut files: Vec<_> = inner.files.iter().collect();
        files.sort_by_key(|(_, (age, _))| *age);
        let files = files.into_iter().map(|(path, (_, state))| (path.clone(), state.clone()));
        Some((inner.cwd.clone(), files.collect()))
    }

    /// Puts back what [`Session::take_changes`] gave, oldest first.
    pub fn restore(&self, cwd: GuestPath, files: Vec<(String, FileState)>) {
        files.into_iter().for_each(|(path, state)| self.remember(path, state));
        let mut inner = self.inner.lock();
        inner.cwd = cwd;
        inner.changed = false;
    }
}

/// The locks of a cell, by canonical path.
#[derive(Debug, Clone, Default)]
pub struct PathLocks(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

impl PathLocks {
    async fn lock(&self, path: String) -> PathLock {
        let mutex = self.0.lock().entry(path.clone()).or_default().clone();
        let guard = Some(mutex.lock_owned().await);
        PathLock { guard, path, locks: self.clone() }
    }
}

/// One path, held. Dropping it lets the next one have it.
#[derive(Debug)]
pub struct PathLock {
    guard: Option<OwnedMutexGuard<()>>,
    path: String,
    locks: PathLocks,
}

impl Drop for PathLock {
    fn drop(&mut self) {
        self.guard = None;
        let mut locks = self.locks.0.lock();
        // Ours is the table's alone: nobody holds the path or waits for it.
        if locks.get(&self.path).is_some_and(|mutex| Arc::strong_count(mutex) == 1) {
            locks.remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn locks_are_given_in_order_and_forgotten() {
        let locks = PathLocks::default();
        let first = locks.lock("/a".into()).await;
        let second = tokio::spawn({
            let locks = locks.clone();
            async move { locks.lock("/a".into()).await }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(locks.lock("/b".into()).await);
        drop(first);
        drop(second.await.unwrap());
        assert!(locks.0.lock().is_empty());
    }

    #[test]
    fn forgets_the_oldest_first() {
        let session = Session::new(GuestPath::root(), HashMap::new(), PathLocks::default());
        let state = FileState { hash: "h".into(), complete: true };
        for number in 0..=MAX_REMEMBERED_FILES {
            session.remember(format!("/{number}"), state.clone());
        }
        assert_eq!(session.recall("/0"), None);
        assert_eq!(session.recall("/1"), Some(state));
        assert!(session.take_changes().is_some());
        assert!(session.take_changes().is_none());
    }
}
