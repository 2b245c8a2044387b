//! From one tree of files to another, as a version has it.

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use super::manifest::{Digest, Entry, Kind, Tree, difference};
use super::{Blobs, PersistError, Place};
use crate::door::{Door, join};
use crate::vfs::Fault;

/// Blobs that are fetched at once.
const FETCHES_AT_ONCE: usize = 16;

/// Makes what is in `place`, which is `from`, into `to`. With an empty `from` that is a restore
/// from nothing. After an error it is neither, and doing it again is all right.
///
/// # Errors
/// When a blob is missing or damaged, with its name; when the files do not fit.
pub async fn restore(
    (from, to): (&Tree, &Tree),
    blobs: &Blobs,
    (door, place): (&Door, Place<'_>),
) -> Result<(), PersistError> {
    let mut changes = difference(from, to);
    // What is different only in what is known of it needs nothing.
    changes.retain(|path, wanted| match (from.get(path), wanted) {
        (Some(old), Some(new)) => (&old.kind, old.mode) != (&new.kind, new.mode),
        _ => true,
    });
    let failed = |path: &str| {
        let path = path.to_owned();
        move |fault: Fault| PersistError::file("restore", &path, fault)
    };
    // What is in the way goes first, the deepest before what it is in.
    for (path, wanted) in changes.iter().rev() {
        let stays = |entry: &Entry| {
            let same = std::mem::discriminant(&entry.kind);
            from.get(path).is_none_or(|old| std::mem::discriminant(&old.kind) == same)
                && !matches!(entry.kind, Kind::Link { .. })
        };
        if !wanted.as_ref().is_some_and(stays) {
            let full = join(place.mount, path);
            match door.remove(&full) {
                Err(fault) if !fault.is_absent() => return Err(failed(&full)(fault)),
                _ => {}
            }
        }
    }
    let new = || changes.iter().filter_map(|(path, entry)| Some((path, entry.as_ref()?)));
    // A directory comes before what is in it, by the order of the paths.
    for (path, entry) in new().filter(|(_, entry)| entry.kind == Kind::Directory) {
        let full = join(place.mount, path);
        door.make_directories(&full).map_err(failed(&full))?;
        door.mediator().set_mode(&full, entry.mode).map_err(failed(&full))?;
    }
    let mut files = Vec::new();
    for (path, entry) in new() {
        if let Some(digest) = entry.file() {
            files.push(file(blobs, (door, place), path, entry, digest).boxed());
        }
    }
    futures_util::stream::iter(files).buffer_unordered(FETCHES_AT_ONCE).try_collect::<()>().await?;
    for (path, entry) in new() {
        if let Kind::Link { target } = &entry.kind {
            let full = join(place.mount, path);
            make_parent(door, &full).map_err(failed(&full))?;
            let mediator = door.mediator();
            mediator
                .symlink(&mediator.root(), target, crate::vfs::beneath_root(&full))
                .map_err(failed(&full))?;
        }
    }
    Ok(())
}

async fn file(
    blobs: &Blobs,
    (door, place): (&Door, Place<'_>),
    path: &str,
    entry: &Entry,
    digest: &Digest,
) -> Result<(), PersistError> {
    let full = join(place.mount, path);
    let failed = |fault: Fault| PersistError::file("restore", &full, fault);
    make_parent(door, &full).map_err(failed)?;
    let mut incoming = door.receive(place.region).map_err(failed)?;
    let fetched = blobs
        .fetch(&digest.blake3, digest.size, path, |piece| incoming.write(piece).map_err(failed));
    fetched.await?;
    incoming.publish(&full, true).map_err(failed)?;
    let mediator = door.mediator();
    mediator.set_mode(&full, entry.mode).map_err(failed)?;
    mediator.set_modified(&full, entry.modified_ns).map_err(failed)
}

/// A tree need not name the directories of its files.
fn make_parent(door: &Door, path: &str) -> Result<(), Fault> {
    door.make_directories(path.rsplit_once('/').map_or("", |(parent, _)| parent))
}
