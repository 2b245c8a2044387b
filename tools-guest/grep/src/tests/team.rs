//! A session with a helper: the tool itself, in a thread.

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use toolcell_sdk::helpers::Helpers;
use toolcell_sdk::{FileState, MemorySession, PathError, Tool as _};

use crate::Grep;

/// Pieces that wait at most: few, so that the call finds the queue full.
const MAX_PIECES: usize = 3;

#[derive(Default)]
struct Queue {
    pieces: Mutex<(VecDeque<String>, bool)>,
    changed: Condvar,
}

pub(super) struct Session {
    inner: MemorySession,
    root: PathBuf,
    queue: Arc<Queue>,
    is_helper: bool,
    running: RefCell<Option<JoinHandle<String>>>,
    helped: RefCell<bool>,
}

impl Session {
    pub(super) fn new(root: &Path) -> Session {
        Session {
            inner: MemorySession::new(root),
            root: root.to_owned(),
            queue: Arc::default(),
            is_helper: false,
            running: RefCell::default(),
            helped: RefCell::default(),
        }
    }

    /// Whether a helper was started and has come to its end.
    pub(super) fn helped(&self) -> bool {
        *self.helped.borrow()
    }
}

impl Helpers for Session {
    fn start(&self, name: &str, input: &str) -> u32 {
        let (root, queue) = (self.root.clone(), self.queue.clone());
        let (name, input) = (name.to_owned(), serde_json::from_str(input).unwrap());
        let run = std::thread::spawn(move || {
            let session = Session { queue, is_helper: true, ..Session::new(&root) };
            Grep::call(&session, &name, input).unwrap().structured.to_string()
        });
        assert!(self.running.borrow_mut().replace(run).is_none(), "helpers are started once");
        1
    }

    fn offer(&self, piece: &str) -> bool {
        let mut pieces = self.queue.pieces.lock().unwrap();
        if pieces.0.len() >= MAX_PIECES {
            return false;
        }
        pieces.0.push_back(piece.to_owned());
        self.queue.changed.notify_all();
        true
    }

    fn take(&self) -> Option<String> {
        let mut pieces = self.queue.pieces.lock().unwrap();
        while self.is_helper && pieces.0.is_empty() && !pieces.1 {
            pieces = self.queue.changed.wait(pieces).unwrap();
        }
        pieces.0.pop_front()
    }

    fn close(&self) {
        self.queue.pieces.lock().unwrap().1 = true;
        self.queue.changed.notify_all();
    }

    fn finish(&self) -> Vec<String> {
        let helper = self.running.borrow_mut().take().expect("a helper was started");
        self.helped.replace(true);
        vec![helper.join().unwrap()]
    }
}

impl toolcell_sdk::Session for Session {
    fn cwd(&self) -> String {
        self.inner.cwd()
    }

    fn canonical(&self, path: &str) -> Result<String, PathError> {
        self.inner.canonical(path)
    }

    fn recall(&self, path: &str) -> Option<FileState> {
        self.inner.recall(path)
    }

    fn remember(&self, path: &str, state: FileState) {
        self.inner.remember(path, state);
    }

    fn lock(&self, path: &str) -> Box<dyn Any> {
        self.inner.lock(path)
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.inner.setting(name)
    }

    fn remaining_ms(&self) -> u64 {
        self.inner.remaining_ms()
    }

    fn helpers(&self) -> Option<&dyn Helpers> {
        Some(self)
    }
}
