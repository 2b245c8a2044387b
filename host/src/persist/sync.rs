//! From what was changed in a tree to its next version.
//!
//! Only what was changed is uploaded and only these paths are written: another execution of the
//! same agent that changed others keeps its changes, and where both changed one, the later one wins
//! and the version before has what it replaced. Frozen files stay as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use super::PersistError;
use super::changes::{Change, Place, Touched};
use super::manifest::{Author, Digest, Entry, Kind, Tree, Version, bytes};
use super::versions::{Edited, Versions};
use crate::ambient;
use crate::door::{Door, join};
use crate::policy::Quota;

/// Files that are uploaded at once.
const UPLOADS_AT_ONCE: usize = 8;

/// What a sync has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Synced {
    /// The version that holds the execution's changes; the base, if there were none.
    pub version: u64,
    /// Paths that were written.
    pub written: Vec<String>,
    /// Paths that were removed.
    pub removed: Vec<String>,
    /// Paths that were changed and are frozen: the changes are not kept.
    pub frozen: Vec<String>,
    /// Paths where another execution's change was replaced, and the version that still has it.
    pub overwrote: BTreeMap<String, u64>,
    /// Paths of a live tree that were changed while they were read: they are not in this version.
    pub unsettled: Vec<String>,
}

/// Uploads what was touched in `place` since it was `base`, and commits it.
///
/// Doing it again, after a failure or a crash, makes no second version of the same.
///
/// # Errors
/// When a file cannot be read, the store cannot be reached, or the result would be larger than
/// `quota`; then nothing is committed.
pub async fn sync(
    versions: &Versions,
    base: Arc<Version>,
    touched: &Touched,
    (door, place): (&Door, Place<'_>),
    quota: Quota,
    author: &Author,
) -> Result<Synced, PersistError> {
    let mut changes = touched.changes(door, place.mount, &base.tree)?;
    let mut uploads = Vec::new();
    for (path, change) in &changes {
        if let Change::Now { kind: Kind::File(digest), .. } = change
            // The content is there already when only the mode has changed.
            && base.tree.get(path).and_then(Entry::file) != Some(digest)
        {
            uploads.push(upload(versions, door, (path, join(place.mount, path)), digest).boxed());
        }
    }
    let moved: Vec<Option<String>> =
        futures_util::stream::iter(uploads).buffer_unordered(UPLOADS_AT_ONCE).try_collect().await?;
    let unsettled: Vec<String> = moved.into_iter().flatten().collect();
    if let Some(path) = unsettled.first().filter(|_| !touched.live) {
        return Err(PersistError::Changing { path: join(place.mount, path) });
    }
    changes.retain(|path, _| !unsettled.contains(path));
    if changes.is_empty() {
        return Ok(Synced { version: base.number, unsettled, ..Synced::default() });
    }

    let now = ambient::now_ns();
    let execution = author.execution.as_deref();
    let mut report = Synced::default();
    let version = versions
        .commit(base.clone(), author, |parent| {
            let merged = merge(&base.tree, parent, &changes, execution, now);
            check_quota(&merged.tree, place.region, quota)?;
            report = merged.report;
            let overwrote = report.overwrote.clone();
            Ok((merged.tree != parent.tree).then_some(Edited { tree: merged.tree, overwrote }))
        })
        .await?;
    Ok(Synced { version: version.number, unsettled, ..report })
}

/// Uploads a file. Its path comes back if it is not any more what it was looked at as.
async fn upload(
    versions: &Versions,
    door: &Door,
    (path, full): (&str, String),
    digest: &Digest,
) -> Result<Option<String>, PersistError> {
    let file = match door.open(&full) {
        Err(fault) if fault.is_absent() => return Ok(Some(path.to_owned())),
        found => found.map_err(|fault| PersistError::file("open", &full, fault))?,
    };
    match versions.blobs().put_file(&file, digest, &full).await {
        Err(PersistError::Changing { .. }) => Ok(Some(path.to_owned())),
        done => done.map(|()| None),
    }
}

struct Merged {
    tree: Tree,
    report: Synced,
}

/// The changes, made to whatever is the latest by now.
fn merge(
    base: &Tree,
    parent: &Version,
    changes: &BTreeMap<String, Change>,
    execution: Option<&str>,
    now: u64,
) -> Merged {
    let mut tree = parent.tree.clone();
    let mut report = Synced::default();
    for (path, change) in changes {
        let theirs = parent.tree.get(path);
        if theirs.is_some_and(|entry| entry.frozen) || in_the_way(&tree, path, change) {
            report.frozen.push(path.clone());
            continue;
        }
        // Somebody has made the same change, or we did and did not hear that it was done.
        if already(theirs, change) {
            continue;
        }
        if theirs.is_some() && theirs != base.get(path) {
            report.overwrote.insert(path.clone(), parent.number);
        }
        match change {
            Change::Removed => {
                tree.remove(path);
                report.removed.push(path.clone());
            }
            Change::Now { kind, mode, modified_ns } => {
                clear_the_way(&mut tree, path, kind);
                let entry = entry(theirs, kind, *mode, *modified_ns, execution, now);
                tree.insert(path.clone(), entry);
                report.written.push(path.clone());
            }
        }
    }
    Merged { tree, report }
}

fn already(theirs: Option<&Entry>, change: &Change) -> bool {
    match (change, theirs) {
        (Change::Removed, theirs) => theirs.is_none(),
        (Change::Now { kind, mode, .. }, Some(entry)) => entry.kind == *kind && entry.mode == *mode,
        (Change::Now { .. }, None) => false,
    }
}

/// A new state of a path: its id and its beginning stay.
pub(crate) fn entry(
    before: Option<&Entry>,
    kind: &Kind,
    mode: u32,
    modified_ns: u64,
    execution: Option<&str>,
    now: u64,
) -> Entry {
    Entry {
        kind: kind.clone(),
        mode,
        modified_ns,
        id: before.map_or_else(|| uuid::Uuid::new_v4().to_string(), |entry| entry.id.clone()),
        revision: before.map_or(1, |entry| entry.revision + 1),
        created_ns: before.map_or(now, |entry| entry.created_ns),
        updated_ns: now,
        by: execution.map(str::to_owned),
        frozen: false,
    }
}

/// Whether a frozen file stands where this change needs a directory, or below where it puts a file.
fn in_the_way(tree: &Tree, path: &str, change: &Change) -> bool {
    let Change::Now { kind, .. } = change else { return false };
    let frozen = |path: &str| tree.get(path).is_some_and(|entry| entry.frozen);
    ancestors(path).any(frozen)
        || (*kind != Kind::Directory && below(tree, path).iter().any(|path| frozen(path)))
}

/// Removes a file that stands where a directory is needed, and what is below a name that a file
/// gets: the later one wins.
fn clear_the_way(tree: &mut Tree, path: &str, kind: &Kind) {
    for above in ancestors(path) {
        if tree.get(above).is_some_and(|entry| entry.kind != Kind::Directory) {
            tree.remove(above);
        }
    }
    if *kind != Kind::Directory {
        for path in below(tree, path) {
            tree.remove(&path);
        }
    }
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

fn below(tree: &Tree, path: &str) -> Vec<String> {
    let prefix = format!("{path}/");
    tree.range(prefix.clone()..)
        .map(|(path, _)| path.clone())
        .take_while(|path| path.starts_with(&prefix))
        .collect()
}

/// Refuses a tree that is larger than its region may be.
pub(crate) fn check_quota(
    tree: &Tree,
    region: &'static str,
    quota: Quota,
) -> Result<(), PersistError> {
    let (bytes, entries) = (bytes(tree), tree.len() as u64);
    if bytes <= quota.bytes && entries <= quota.entries {
        return Ok(());
    }
    Err(PersistError::Quota {
        what: region,
        bytes,
        entries,
        quota_bytes: quota.bytes,
        quota_entries: quota.entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> Kind {
        let size = content.len() as u64;
        Kind::File(Digest { size, blake3: content.into(), sha256: String::new() })
    }

    fn version(paths: &[(&str, Kind, bool)]) -> Version {
        let tree = paths.iter().map(|(path, kind, frozen)| {
            let entry = Entry { frozen: *frozen, ..entry(None, kind, 0o644, 1, None, 1) };
            ((*path).to_owned(), entry)
        });
        Version { number: 7, tree: tree.collect(), ..Version::default() }
    }

    fn merged(base: &Version, parent: &Version, changes: &[(&str, Option<Kind>)]) -> Merged {
        let changes = changes.iter().map(|(path, kind)| {
            let change = kind.clone().map_or(Change::Removed, |kind| Change::Now {
                kind,
                mode: 0o644,
                modified_ns: 2,
            });
            ((*path).to_owned(), change)
        });
        merge(&base.tree, parent, &changes.collect(), Some("run"), 3)
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.keys().map(String::as_str).collect()
    }

    #[test]
    fn two_runs_that_change_different_files_both_survive() {
        let base = version(&[("a", file("1"), false), ("b", file("1"), false)]);
        let parent = Version {
            tree: merged(&base, &base, &[("a", Some(file("theirs")))]).tree,
            ..base.clone()
        };
        let after = merged(&base, &parent, &[("b", Some(file("ours"))), ("c", Some(file("n")))]);
        assert_eq!(after.tree["a"].kind, file("theirs"));
        assert_eq!(after.tree["b"].kind, file("ours"));
        assert_eq!(paths(&after.tree), ["a", "b", "c"]);
        assert_eq!(after.report.overwrote, BTreeMap::new());
    }

    #[test]
    fn the_later_one_wins_and_says_what_it_replaced() {
        let base = version(&[("a", file("1"), false)]);
        let parent = Version {
            tree: merged(&base, &base, &[("a", Some(file("theirs")))]).tree,
            number: 8,
            ..base.clone()
        };
        let after = merged(&base, &parent, &[("a", Some(file("ours")))]);
        assert_eq!(after.tree["a"].kind, file("ours"));
        assert_eq!(after.tree["a"].revision, 3);
        assert_eq!(after.tree["a"].id, base.tree["a"].id);
        assert_eq!(after.report.overwrote, BTreeMap::from([("a".to_owned(), 8)]));
    }

    #[test]
    fn frozen_files_stay_and_so_does_their_place() {
        let base = version(&[
            ("keep", file("1"), true),
            ("dir", Kind::Directory, false),
            ("dir/keep", file("1"), true),
            ("dir/other", file("1"), false),
        ]);
        let after = merged(
            &base,
            &base,
            &[
                ("keep", Some(file("2"))),
                ("keep/below", Some(file("2"))),
                ("dir", Some(file("2"))),
                ("dir/keep", None),
                ("dir/other", None),
            ],
        );
        assert_eq!(after.report.frozen, ["dir", "dir/keep", "keep", "keep/below"]);
        assert_eq!(after.report.removed, ["dir/other"]);
        assert_eq!(paths(&after.tree), ["dir", "dir/keep", "keep"]);
        assert_eq!(after.tree["keep"], base.tree["keep"]);
    }

    #[test]
    fn a_file_takes_the_place_of_a_directory_and_the_other_way_round() {
        let base = version(&[("x", Kind::Directory, false), ("x/a", file("1"), false)]);
        let after = merged(&base, &base, &[("x", Some(file("2"))), ("x/a", None)]);
        assert_eq!(paths(&after.tree), ["x"]);
        let base = version(&[("x", file("1"), false)]);
        let after = merged(&base, &base, &[("x", Some(Kind::Directory)), ("x/a", Some(file("2")))]);
        assert_eq!(paths(&after.tree), ["x", "x/a"]);
    }

    #[test]
    fn what_is_too_large_is_refused_as_a_whole() {
        let version = version(&[("a", file("12345"), false), ("b", file("12345"), false)]);
        assert!(check_quota(&version.tree, "shared", Quota { bytes: 10, entries: 2 }).is_ok());
        for quota in [Quota { bytes: 9, entries: 2 }, Quota { bytes: 10, entries: 1 }] {
            assert!(matches!(
                check_quota(&version.tree, "shared", quota),
                Err(PersistError::Quota { bytes: 10, entries: 2, .. })
            ));
        }
    }
}
