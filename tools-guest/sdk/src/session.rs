//! The session as a tool sees it.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;

use crate::helpers::Helpers;

/// What the session remembers of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// BLAKE3 of the whole content, in hexadecimal.
    pub hash: String,
    /// Whether the agent has seen all of it.
    pub complete: bool,
}

/// Why a path cannot be made canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathError {
    /// A directory on the way does not exist.
    NotFound,
    /// A file stands where a directory should.
    NotDirectory,
    /// Symbolic links in circles.
    Loop,
    /// It leads out of the agent's directories.
    Outside,
    /// Anything else.
    Io,
}

/// What successive calls share. Implemented by the host's session in a component, and by
/// [`MemorySession`] in tests.
pub trait Session {
    /// The directory that relative paths start from.
    fn cwd(&self) -> String;

    /// Follows every symbolic link of `path`; what does not exist yet keeps its name.
    ///
    /// # Errors
    /// See [`PathError`].
    fn canonical(&self, path: &str) -> Result<String, PathError>;

    /// What is remembered of the file at a canonical path.
    fn recall(&self, path: &str) -> Option<FileState>;

    /// Remembers the file at a canonical path.
    fn remember(&self, path: &str, state: FileState);

    /// Waits until no other call holds a canonical path. The lock lasts as long as the result.
    fn lock(&self, path: &str) -> Box<dyn Any>;

    /// A setting of the cell.
    fn setting(&self, name: &str) -> Option<String>;

    /// Milliseconds left for this call.
    fn remaining_ms(&self) -> u64;

    /// What starts more instances of the tool, where there is something that does.
    fn helpers(&self) -> Option<&dyn Helpers> {
        None
    }
}

/// A session in memory, for tests. Canonical paths are the operating system's.
#[derive(Debug, Default)]
pub struct MemorySession {
    /// The directory that relative paths start from.
    pub cwd: String,
    /// Settings by name.
    pub settings: HashMap<String, String>,
    /// The time left; zero means a minute.
    pub remaining_ms: u64,
    files: RefCell<HashMap<String, FileState>>,
}

impl MemorySession {
    /// A session that starts in `cwd`.
    pub fn new(cwd: &std::path::Path) -> MemorySession {
        let cwd = cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned());
        MemorySession { cwd: cwd.to_string_lossy().into_owned(), ..MemorySession::default() }
    }
}

impl Session for MemorySession {
    fn cwd(&self) -> String {
        self.cwd.clone()
    }

    fn canonical(&self, path: &str) -> Result<String, PathError> {
        let path = std::path::Path::new(path);
        match (path.canonicalize(), path.parent(), path.file_name()) {
            (Ok(path), _, _) => Ok(path.to_string_lossy().into_owned()),
            (Err(_), Some(parent), Some(name)) => {
                let parent = self.canonical(&parent.to_string_lossy())?;
                Ok(format!("{}/{}", parent.trim_end_matches('/'), name.to_string_lossy()))
            }
            _ => Err(PathError::NotFound),
        }
    }

    fn recall(&self, path: &str) -> Option<FileState> {
        self.files.borrow().get(path).cloned()
    }

    fn remember(&self, path: &str, state: FileState) {
        self.files.borrow_mut().insert(path.to_owned(), state);
    }

    fn lock(&self, _: &str) -> Box<dyn Any> {
        Box::new(())
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }

    fn remaining_ms(&self) -> u64 {
        if self.remaining_ms == 0 { 60_000 } else { self.remaining_ms }
    }
}
