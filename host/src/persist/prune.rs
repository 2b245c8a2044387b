//! Old versions removed, and the content that no version has any more.
//!
//! First the versions go, then what is left is read to find what content is in use, then the rest of
//! the content goes. What cannot be read stops it before any content is gone.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};

use super::manifest::Entry;
use super::versions::{Owner, Versions};
use super::{Blobs, PersistError, Store};
use crate::ambient;

/// Requests that are made at once.
const REQUESTS_AT_ONCE: usize = 16;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// The latest versions of each tree; at least one is.
    pub versions: usize,
    /// Versions that are younger than this.
    pub age: Duration,
    /// Content that was put more recently than this, whether a version has it or not: the one that
    /// does may be on its way.
    pub grace: Duration,
}

impl Default for Keep {
    fn default() -> Keep {
        let day = Duration::from_secs(24 * 3_600);
        Keep { versions: 20, age: 30 * day, grace: day }
    }
}

/// What was removed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Versions.
    pub versions: Vec<(Owner, u64)>,
    /// Blobs.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Removes what `keep` does not keep and nobody in `needed` needs. With `dry` it only says what it
/// would do.
///
/// # Errors
/// When the store cannot be reached, or a version that stays cannot be read.
pub async fn prune(
    (store, blobs): (&Store, &Blobs),
    keep: Keep,
    needed: &[(Owner, u64)],
    dry: bool,
) -> Result<Pruned, PersistError> {
    let now = ambient::now_ns() / 1_000_000;
    let older = |modified_ms: u64, age: Duration| {
        u128::from(now.saturating_sub(modified_ms)) >= age.as_millis()
    };
    let mut pruned = Pruned::default();
    let mut used = HashSet::new();
    let agents = store.folders("agents").await?.into_iter().map(Owner::Agent);
    let environments = store.environments().await?.into_iter().map(Owner::Environment);
    for owner in agents.chain(environments) {
        let versions = Versions::new(store.clone(), blobs.clone(), owner.clone());
        let mut old = versions.objects().await?;
        old.truncate(old.len().saturating_sub(keep.versions.max(1)));
        old.retain(|(number, object)| {
            older(object.modified_ms, keep.age) && !needed.contains(&(owner.clone(), *number))
        });
        for (_, object) in old.iter().filter(|_| !dry) {
            store.remove(&object.name).await?;
        }
        for number in versions.numbers().await? {
            if !old.iter().any(|(gone, _)| *gone == number) {
                let version = versions.load(number).await?;
                let files = version.tree.values().filter_map(Entry::file);
                used.extend(files.map(|digest| digest.blake3.clone()));
                used.extend(version.snapshot.map(|(hash, _)| hash));
            }
        }
        pruned.versions.extend(old.into_iter().map(|(number, _)| (owner.clone(), number)));
    }
    let unused: Vec<_> = store
        .objects("blobs")
        .await?
        .into_iter()
        .filter(|object| {
            let hash = object.name.rsplit('/').next().unwrap_or_default();
            !used.contains(hash) && older(object.modified_ms, keep.grace)
        })
        .collect();
    pruned.blobs = unused.len();
    pruned.bytes = unused.iter().map(|object| object.size).sum();
    if !dry {
        futures_util::stream::iter(&unused)
            .map(|object| store.remove(&object.name))
            .buffer_unordered(REQUESTS_AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
    Ok(pruned)
}
