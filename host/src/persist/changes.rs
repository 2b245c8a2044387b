//! What an execution has changed in `shared/`, as its journal tells it. Nothing is compared that
//! the journal does not name.

use std::collections::{BTreeMap, BTreeSet};

use cap_std::fs::Dir;

use super::PersistError;
use super::manifest::{Digest, Kind, Tree};
use crate::door::{Door, join};
use crate::journal::{JournalError, each_begun};
use crate::policy::OperationKind;
use crate::vfs::{Fault, FileLook, FileType, Follow};

/// Entries that one renamed directory may bring.
const MAX_WALKED: usize = 1_000_000;

/// Levels of directories that are walked.
const MAX_DEPTH: usize = 256;

/// Paths below `shared/` that were touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Each path, and whether everything below it counts too, because a directory was renamed.
    pub paths: BTreeMap<String, bool>,
    /// Whether a file got a second name: then changing one changes the other, which no record
    /// names.
    pub linked: bool,
}

/// What a path was and what it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is gone.
    Removed,
    /// It is this now.
    Now {
        /// A file, directory or link.
        kind: Kind,
        /// Its permission bits.
        mode: u32,
        /// When it was changed, in nanoseconds since 1970.
        modified_ns: u64,
    },
}

/// Reads the journal from `from` on for what touched the region `shared` mounted at `mount`.
///
/// # Errors
/// When the journal cannot be read.
pub fn touched(journal: &Dir, from: u64, mount: &str) -> Result<Touched, JournalError> {
    let mut touched = Touched::default();
    each_begun(journal, |begun| {
        if begun.seq < from || begun.region != "shared" {
            return;
        }
        let relative = |path: &str| {
            let rest = path.strip_prefix(mount)?.strip_prefix('/')?;
            Some(rest.to_owned())
        };
        let whole = begun.operation == OperationKind::Rename;
        touched.linked |= begun.operation == OperationKind::Link;
        let old = (begun.operation != OperationKind::Symlink).then_some(begun.other);
        for path in [Some(begun.path), old].into_iter().flatten().filter_map(relative) {
            *touched.paths.entry(path).or_default() |= whole;
        }
    })?;
    Ok(touched)
}

impl Touched {
    /// What the touched paths are now, as far as they differ from `base`. Content is hashed, not
    /// kept.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn changes(
        &self,
        door: &Door,
        mount: &str,
        base: &Tree,
    ) -> Result<BTreeMap<String, Change>, PersistError> {
        let mut paths: BTreeSet<String> = self.paths.keys().cloned().collect();
        for (path, whole) in &self.paths {
            // What was below a name that is gone, or that a file has now.
            let below = format!("{path}/");
            paths.extend(
                base.range(below.clone()..)
                    .map(|(path, _)| path.clone())
                    .take_while(|path| path.starts_with(&below)),
            );
            if *whole {
                paths.extend(self.walk(door, mount, path)?);
            }
        }
        if self.linked {
            paths.extend(self.walk(door, mount, "")?);
        }
        let mut changes = BTreeMap::new();
        for path in paths {
            let full = join(mount, &path);
            let change = match door.mediator().look_at(&full, Follow::No) {
                Ok(look) => now(door, &full, &look)?,
                Err(fault) if fault.is_absent() => Some(Change::Removed),
                Err(fault) => return Err(PersistError::file("examine", &full, fault)),
            };
            let Some(change) = change else { continue };
            if differs(&change, base.get(&path)) {
                changes.insert(path, change);
            }
        }
        Ok(changes)
    }

    fn walk(&self, door: &Door, mount: &str, path: &str) -> Result<Vec<String>, PersistError> {
        let full = join(mount, path);
        match door.walk(&full, MAX_DEPTH, MAX_WALKED) {
            Ok(found) => Ok(found.into_iter().map(|(below, _)| join(path, &below)).collect()),
            // A file, or gone again.
            Err(fault) if fault.is_absent() => Ok(Vec::new()),
            Err(fault) => Err(PersistError::file("list", &full, fault)),
        }
    }
}

fn now(door: &Door, path: &str, look: &FileLook) -> Result<Option<Change>, PersistError> {
    let failed = |action| move |fault: Fault| PersistError::file(action, path, fault);
    let kind = match look.kind {
        FileType::RegularFile => {
            let file = door.open(path).map_err(failed("open"))?;
            Kind::File(Digest::of(&file).map_err(failed("read"))?)
        }
        FileType::Directory => Kind::Directory,
        FileType::Symlink => {
            let target = door.mediator().link_target(path).map_err(failed("read the link"))?;
            Kind::Link { target }
        }
        // Put there from outside; not ours to keep.
        _ => return Ok(None),
    };
    Ok(Some(Change::Now { kind, mode: look.mode & 0o777, modified_ns: look.modified }))
}

fn differs(change: &Change, base: Option<&super::Entry>) -> bool {
    match (change, base) {
        (Change::Removed, None) => false,
        (Change::Removed, Some(_)) | (Change::Now { .. }, None) => true,
        (Change::Now { kind, mode, .. }, Some(entry)) => *kind != entry.kind || *mode != entry.mode,
    }
}
