//! What was changed in a tree, as a journal tells it. Nothing is compared that the journal does not
//! name.

use std::collections::{BTreeMap, BTreeSet};

use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};

use super::PersistError;
use super::manifest::{Digest, Kind, Tree};
use crate::door::{Door, join};
use crate::journal::{Begun, Half, JournalError, Position, each_half};
use crate::policy::OperationKind;
use crate::vfs::{Fault, FileLook, FileType, Follow};

/// Entries that one renamed directory may bring.
const MAX_WALKED: usize = 1_000_000;

/// Levels of directories that are walked.
const MAX_DEPTH: usize = 256;

/// Paths of a tree that were touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Each path, and whether everything below it counts too, because a directory was renamed.
    pub paths: BTreeMap<String, bool>,
    /// Whether a file got a second name: then changing one changes the other, which no record
    /// names.
    pub linked: bool,
    /// Whether that was so before already.
    was_linked: bool,
    /// Whether the tree goes on being changed: then a file that changes while it is read waits for
    /// the next time.
    pub(super) live: bool,
}

/// A tree in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The region.
    pub region: &'static str,
    /// Where it is seen.
    pub mount: &'a str,
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

/// How far a journal's changes have been taken over, for a tree that goes on being changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    position: Position,
    /// The paths of records that were not complete then, and what they are to [`Touched::paths`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    open: BTreeMap<u64, Vec<(String, bool)>>,
    /// Paths that were changed while they were read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) again: BTreeSet<String>,
    /// Whether a file has ever got a second name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    linked: bool,
}

impl Cursor {
    /// How far it has got.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether all that it has gone by was complete.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty() && self.again.is_empty()
    }
}

impl Touched {
    /// What the journal says of `place` from the record `from` on.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn from(journal: &Dir, from: u64, place: Place<'_>) -> Result<Touched, JournalError> {
        let mut touched = Touched::default();
        each_half(journal, &mut Position::default(), |half| {
            if let Half::Begun(begun) = half
                && begun.seq >= from
            {
                touched.note(&begun, place);
            }
        })?;
        Ok(touched)
    }

    /// What the journal says of `place` since `cursor`, which moves on.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn since(
        journal: &Dir,
        cursor: &mut Cursor,
        place: Place<'_>,
    ) -> Result<Touched, JournalError> {
        let mut touched = Touched { live: true, was_linked: cursor.linked, ..Touched::default() };
        let again = std::mem::take(&mut cursor.again).into_iter().map(|path| (path, false));
        touched.paths.extend(again);
        for (path, whole) in cursor.open.values().flatten() {
            *touched.paths.entry(path.clone()).or_default() |= whole;
        }
        let Cursor { position, open, .. } = cursor;
        each_half(journal, position, |half| match half {
            Half::Begun(begun) => {
                let paths = touched.note(&begun, place);
                if !paths.is_empty() {
                    open.insert(begun.seq, paths);
                }
            }
            Half::Ended { seq } => {
                open.remove(&seq);
            }
        })?;
        cursor.linked |= touched.linked;
        Ok(touched)
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Takes in one record; the paths that it is about come back.
    fn note(&mut self, begun: &Begun<'_>, place: Place<'_>) -> Vec<(String, bool)> {
        if begun.region != place.region {
            return Vec::new();
        }
        let relative = |path: &str| {
            let rest = path.strip_prefix(place.mount)?.strip_prefix('/')?;
            Some(rest.to_owned())
        };
        let whole = begun.operation == OperationKind::Rename;
        self.linked |= begun.operation == OperationKind::Link;
        let old = (begun.operation != OperationKind::Symlink).then_some(begun.other);
        let paths = [Some(begun.path), old].into_iter().flatten().filter_map(relative);
        let paths: Vec<_> = paths.map(|path| (path, whole)).collect();
        for (path, whole) in &paths {
            *self.paths.entry(path.clone()).or_default() |= whole;
        }
        paths
    }

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
        } else if self.was_linked {
            paths.extend(changed_by_another_name(door, mount, base)?);
        }
        let mut changes = BTreeMap::new();
        for path in paths {
            let full = join(mount, &path);
            let change = match now(door, &full) {
                Ok(change) => change,
                Err(PersistError::File { source, .. }) if source.is_absent() => {
                    Some(Change::Removed)
                }
                Err(error) => return Err(error),
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

/// What is behind other names than the ones that were used, as far as size and time tell.
fn changed_by_another_name(
    door: &Door,
    mount: &str,
    base: &Tree,
) -> Result<Vec<String>, PersistError> {
    let found = door
        .walk(mount, MAX_DEPTH, MAX_WALKED)
        .map_err(|fault| PersistError::file("list", mount, fault))?;
    let differs = |path: &str, look: &FileLook| {
        base.get(path).is_none_or(|entry| {
            entry.modified_ns != look.modified
                || entry.file().is_some_and(|digest| digest.size != look.size)
        })
    };
    let files = found.into_iter().filter(|(_, look)| look.kind == FileType::RegularFile);
    Ok(files.filter(|(path, look)| differs(path, look)).map(|(path, _)| path).collect())
}

fn now(door: &Door, path: &str) -> Result<Option<Change>, PersistError> {
    let failed = |action| move |fault: Fault| PersistError::file(action, path, fault);
    let look = door.mediator().look_at(path, Follow::No).map_err(failed("examine"))?;
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
