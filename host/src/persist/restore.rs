//! From a version to the `shared/` of a new execution, all of it or none.

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use super::manifest::{Digest, Entry, Kind, Version};
use super::{Blobs, PersistError};
use crate::door::{Door, join};
use crate::vfs::Fault;

/// Blobs that are fetched at once.
const FETCHES_AT_ONCE: usize = 16;

/// Puts what `version` holds below `mount`, which must be empty. On an error the caller discards
/// what is there: it is not the version.
///
/// # Errors
/// When a blob is missing or damaged, with its name; when the files do not fit.
pub async fn restore(
    version: &Version,
    blobs: &Blobs,
    (door, mount): (&Door, &str),
) -> Result<(), PersistError> {
    let failed = |path: &str| {
        let path = path.to_owned();
        move |fault: Fault| PersistError::file("restore", &path, fault)
    };
    // A directory comes before what is in it, by the order of the paths.
    for (path, _) in version.tree.iter().filter(|(_, entry)| entry.kind == Kind::Directory) {
        let full = join(mount, path);
        door.make_directories(&full).map_err(failed(&full))?;
    }
    let mut files = Vec::new();
    for (path, entry) in &version.tree {
        if let Some(digest) = entry.file() {
            files.push(file(blobs, door, (path, join(mount, path)), entry, digest).boxed());
        }
    }
    futures_util::stream::iter(files).buffer_unordered(FETCHES_AT_ONCE).try_collect::<()>().await?;
    for (path, entry) in &version.tree {
        if let Kind::Link { target } = &entry.kind {
            let full = join(mount, path);
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
    door: &Door,
    (path, full): (&str, String),
    entry: &Entry,
    digest: &Digest,
) -> Result<(), PersistError> {
    let failed = |fault: Fault| PersistError::file("restore", &full, fault);
    make_parent(door, &full).map_err(failed)?;
    let mut incoming = door.receive("shared").map_err(failed)?;
    let fetched = blobs
        .fetch(&digest.blake3, digest.size, path, |piece| incoming.write(piece).map_err(failed));
    fetched.await?;
    incoming.publish(&full, false).map_err(failed)?;
    let mediator = door.mediator();
    mediator.set_mode(&full, entry.mode).map_err(failed)?;
    mediator.set_modified(&full, entry.modified_ns).map_err(failed)
}

/// A tree need not name the directories of its files.
fn make_parent(door: &Door, path: &str) -> Result<(), Fault> {
    door.make_directories(path.rsplit_once('/').map_or("", |(parent, _)| parent))
}
