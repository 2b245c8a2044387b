//! The versions of one tree, an agent's `shared/` or an environment: one object each, made once and
//! never changed.
//!
//! To commit is to make the object of the next number, which succeeds for one of those who try.
//! The others look at what came first and try the number after it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::manifest::{Author, FORMAT, Stored, Tree, Version, apply, difference};
use super::store::{Object, Put, Store};
use super::{Blobs, PersistError};
use crate::ambient;

/// How often a commit is tried when others are faster.
const ATTEMPTS: u32 = 32;

/// Changes against a snapshot may become this long, as JSON, before the tree is stored anew. Every
/// version carries them, so they are kept short.
const MAX_CHANGES_BYTES: usize = 8 << 10;

/// The same for an environment, whose tree may be a hundred times as large.
const MAX_ENVIRONMENT_CHANGES_BYTES: usize = 256 << 10;

/// Whose versions they are. The name is one plain component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// An agent, for its `shared/`.
    Agent(String),
    /// An environment.
    Environment(String),
}

impl Owner {
    /// The agent's or environment's name.
    pub fn name(&self) -> &str {
        match self {
            Owner::Agent(name) | Owner::Environment(name) => name,
        }
    }

    fn prefix(&self) -> String {
        match self {
            Owner::Agent(name) => format!("agents/{name}/shared/versions"),
            Owner::Environment(name) => format!("environments/{name}/versions"),
        }
    }

    fn max_changes_bytes(&self) -> usize {
        match self {
            Owner::Agent(_) => MAX_CHANGES_BYTES,
            Owner::Environment(_) => MAX_ENVIRONMENT_CHANGES_BYTES,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Agent(name) => write!(f, "{name}'s shared files"),
            Owner::Environment(name) => write!(f, "the environment {name}'s files"),
        }
    }
}

/// The versions of one tree.
#[derive(Debug, Clone)]
pub struct Versions {
    store: Store,
    blobs: Blobs,
    owner: Owner,
    /// The highest number that was seen, so that looking for the latest does not list them all.
    seen: Arc<Mutex<Option<Arc<Version>>>>,
}

/// A tree that is to become the next version, with what it replaces knowingly.
#[derive(Debug, Default)]
pub struct Edited {
    /// The tree.
    pub tree: Tree,
    /// Paths of others' changes that are replaced, and the version that has them.
    pub overwrote: BTreeMap<String, u64>,
}

impl Versions {
    /// The versions of `owner`'s.
    pub fn new(store: Store, blobs: Blobs, owner: Owner) -> Versions {
        Versions { store, blobs, owner, seen: Arc::default() }
    }

    /// Whose they are.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Where the content of files is.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    fn object(&self, number: u64) -> String {
        format!("{}/{}", self.owner.prefix(), name(number))
    }

    /// The latest version; number 0 where nothing was ever committed.
    ///
    /// # Errors
    /// When the store cannot be reached, or the version is damaged.
    pub async fn latest(&self) -> Result<Arc<Version>, PersistError> {
        let seen = self.seen.lock().clone();
        let after = seen.as_ref().map(|version| name(version.number));
        let names = self.store.list(&self.owner.prefix(), after.as_deref()).await?;
        match (names.iter().filter_map(|name| number(name)).max(), seen) {
            (Some(number), Some(seen)) if number <= seen.number => Ok(seen),
            (Some(number), _) => {
                let version = Arc::new(self.load(number).await?);
                self.note(&version);
                Ok(version)
            }
            (None, Some(seen)) => Ok(seen),
            (None, None) => Ok(Arc::default()),
        }
    }

    /// A version that an execution began with: the latest that was seen, if it is that.
    ///
    /// # Errors
    /// As [`Versions::load`].
    pub async fn known(&self, number: u64) -> Result<Arc<Version>, PersistError> {
        let seen = self.seen.lock().clone();
        match seen.filter(|seen| seen.number == number) {
            Some(seen) => Ok(seen),
            None => Ok(Arc::new(self.load(number).await?)),
        }
    }

    fn note(&self, version: &Arc<Version>) {
        let mut seen = self.seen.lock();
        if seen.as_ref().is_none_or(|seen| seen.number < version.number) {
            *seen = Some(version.clone());
        }
    }

    /// The numbers there are, in order.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn numbers(&self) -> Result<Vec<u64>, PersistError> {
        let names = self.store.list(&self.owner.prefix(), None).await?;
        Ok(names.iter().filter_map(|name| number(name)).collect())
    }

    /// The numbers there are and their objects, in order.
    pub(super) async fn objects(&self) -> Result<Vec<(u64, Object)>, PersistError> {
        let all = self.store.objects(&self.owner.prefix()).await?;
        let numbered = all.into_iter().filter_map(|object| {
            let name = object.name.rsplit('/').next().unwrap_or_default();
            Some((number(name)?, object))
        });
        Ok(numbered.collect())
    }

    /// One version.
    ///
    /// # Errors
    /// When there is none of this number, or it is damaged.
    pub async fn load(&self, number: u64) -> Result<Version, PersistError> {
        if number == 0 {
            return Ok(Version::default());
        }
        let object = self.object(number);
        let Some(content) = self.store.get(&object).await? else {
            let latest = self.numbers().await?.last().copied().unwrap_or(0);
            let of = self.owner.clone();
            return Err(PersistError::NoVersion { of, version: number, latest });
        };
        let stored: Stored = parse(&object, &content)?;
        if stored.format != FORMAT || stored.version != number {
            let reason = format!(
                "it says format {} and version {}, not {FORMAT} and {number}",
                stored.format, stored.version
            );
            return Err(PersistError::Corrupt { object, reason });
        }
        let snapshot = match stored.snapshot {
            Some(hash) => match self.known_snapshot(&hash) {
                Some(tree) => Some((hash, tree)),
                None => {
                    let content = self.blobs.get(&hash, &object).await?;
                    let tree: Tree = parse(&super::blobs::object(&hash), &content)?;
                    Some((hash, tree))
                }
            },
            None => None,
        };
        let mut tree = snapshot.as_ref().map(|(_, tree)| tree.clone()).unwrap_or_default();
        apply(&mut tree, stored.changes);
        Ok(Version {
            number,
            committed_ns: stored.committed_ns,
            author: stored.author,
            overwrote: stored.overwrote,
            tree,
            snapshot,
        })
    }

    /// The tree that the latest version is stored against, if it is this one: many are stored
    /// against the same.
    fn known_snapshot(&self, hash: &str) -> Option<Tree> {
        let seen = self.seen.lock().clone()?;
        seen.snapshot.as_ref().filter(|(known, _)| known == hash).map(|(_, tree)| tree.clone())
    }

    /// Makes the next version from `base` or from whatever came after it: `edit` says what the new
    /// tree is, and is asked anew for each version that came first. `None` from it commits nothing.
    ///
    /// Who could not learn whether a commit has happened asks again with the same author.
    ///
    /// # Errors
    /// When the store cannot be reached, or `edit` refuses.
    pub async fn commit(
        &self,
        base: Arc<Version>,
        author: &Author,
        mut edit: impl FnMut(&Version) -> Result<Option<Edited>, PersistError>,
    ) -> Result<Arc<Version>, PersistError> {
        // Without asking: the latest that is known here.
        let seen = self.seen.lock().clone();
        let mut parent = seen.filter(|seen| seen.number > base.number).unwrap_or(base);
        for _ in 0..ATTEMPTS {
            let Some(Edited { tree, overwrote }) = edit(&parent)? else { return Ok(parent) };
            let number = parent.number + 1;
            let (snapshot, changes) = self.against_snapshot(&parent, &tree).await?;
            let stored = Stored {
                format: FORMAT,
                version: number,
                parent: parent.number,
                committed_ns: ambient::now_ns(),
                author: author.clone(),
                overwrote,
                snapshot: snapshot.as_ref().map(|(hash, _)| hash.clone()),
                changes,
            };
            let content = serde_json::to_vec(&stored).map(Bytes::from).unwrap_or_default();
            match self.store.create(&self.object(number), content).await? {
                Put::Done => {
                    self.store.settle()?;
                    let version = Arc::new(Version {
                        number,
                        committed_ns: stored.committed_ns,
                        author: stored.author,
                        overwrote: stored.overwrote,
                        tree,
                        snapshot,
                    });
                    self.note(&version);
                    return Ok(version);
                }
                Put::Exists => {
                    let first = Arc::new(self.load(number).await?);
                    self.note(&first);
                    if first.author.commit == author.commit {
                        return Ok(first);
                    }
                    parent = first;
                }
            }
        }
        Err(PersistError::Contended { of: self.owner.clone(), attempts: ATTEMPTS })
    }

    /// The version after `base` that this author has made already, if there is one.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn made_by(
        &self,
        base: u64,
        author: &Author,
    ) -> Result<Option<Arc<Version>>, PersistError> {
        let after = name(base);
        for name in self.store.list(&self.owner.prefix(), Some(&after)).await? {
            let Some(number) = number(&name).filter(|number| *number > base) else { continue };
            let version = self.load(number).await?;
            if version.author.commit == author.commit {
                return Ok(Some(Arc::new(version)));
            }
        }
        Ok(None)
    }

    /// The parent's snapshot and what differs from it; a new one where that has become long.
    async fn against_snapshot(
        &self,
        parent: &Version,
        tree: &Tree,
    ) -> Result<(Option<(String, Tree)>, BTreeMap<String, Option<super::Entry>>), PersistError>
    {
        let empty = Tree::new();
        let old = parent.snapshot.as_ref().map_or(&empty, |(_, tree)| tree);
        let changes = difference(old, tree);
        let length = serde_json::to_vec(&changes).map_or(0, |json| json.len());
        if length <= self.owner.max_changes_bytes() {
            return Ok((parent.snapshot.clone(), changes));
        }
        let json = serde_json::to_vec(tree).unwrap_or_default();
        let hash = self.blobs.put(json.into()).await?;
        Ok((Some((hash, tree.clone())), BTreeMap::new()))
    }
}

fn parse<T: serde::de::DeserializeOwned>(object: &str, content: &[u8]) -> Result<T, PersistError> {
    serde_json::from_slice(content).map_err(|error| PersistError::Corrupt {
        object: object.to_owned(),
        reason: error.to_string(),
    })
}

fn name(number: u64) -> String {
    format!("{number:010}.json")
}

fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".json")?.parse().ok()
}
