//! The content of files, each under its own hash: what has been stored once is not stored again,
//! and what comes back is checked.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use cap_std::fs::{Dir, OpenOptions};
use futures_util::StreamExt as _;

use super::PersistError;
use super::manifest::{Content, Digest};
use super::store::{Store, WHOLE_BYTES};

/// Bytes of blobs that are kept on this machine, when the store is elsewhere. The ones used
/// longest ago go first.
const MAX_CACHE_BYTES: u64 = 1 << 30;

/// The blobs of a store.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: Store,
    cache: Option<Arc<Dir>>,
}

/// The object of a blob.
pub(super) fn object(hash: &str) -> String {
    format!("blobs/{}/{hash}", hash.get(..2).unwrap_or("--"))
}

impl Blobs {
    /// The blobs of `store`. Where it is not on this machine, `cache` keeps what was fetched.
    pub fn new(store: Store, cache: Option<Dir>) -> Blobs {
        let cache = cache.filter(|_| !store.is_local()).map(Arc::new);
        Blobs { store, cache }
    }

    /// Stores bytes; their hash comes back.
    pub(super) async fn put(&self, content: Bytes) -> Result<String, PersistError> {
        let hash = blake3::hash(&content).to_hex().to_string();
        self.store.put(&object(&hash), content.clone()).await?;
        self.remember(&hash, &content);
        Ok(hash)
    }

    /// Stores a file of which the digest is known, in parts if it is long. Says so when it is no
    /// longer what the digest was made of.
    pub(crate) async fn put_file(
        &self,
        file: &dyn Content,
        digest: &Digest,
        path: &str,
    ) -> Result<(), PersistError> {
        let failed = |source| PersistError::file("read", path, source);
        if digest.size <= WHOLE_BYTES {
            let mut content = Vec::with_capacity(usize::try_from(digest.size).unwrap_or(0));
            loop {
                let piece = file.read(content.len() as u64, 1 << 20).map_err(failed)?;
                if piece.is_empty() || content.len() as u64 > digest.size {
                    break;
                }
                content.extend_from_slice(&piece);
            }
            if blake3::hash(&content).to_hex().as_str() != digest.blake3 {
                return Err(changed(path));
            }
            let content = Bytes::from(content);
            self.store.put(&object(&digest.blake3), content.clone()).await?;
            self.remember(&digest.blake3, &content);
            return Ok(());
        }
        let mut upload = self.store.begin(&object(&digest.blake3)).await?;
        let mut hasher = blake3::Hasher::new();
        let mut offset = 0;
        loop {
            let piece = match file.read(offset, 1 << 20) {
                Ok(piece) => piece,
                Err(fault) => {
                    upload.abandon().await;
                    return Err(failed(fault));
                }
            };
            if piece.is_empty() {
                break;
            }
            offset += piece.len() as u64;
            hasher.update(&piece);
            if let Err(error) = upload.write(&piece).await {
                upload.abandon().await;
                return Err(error);
            }
        }
        if hasher.finalize().to_hex().as_str() != digest.blake3 {
            upload.abandon().await;
            return Err(changed(path));
        }
        upload.finish().await
    }

    /// A blob, piece by piece, to `each`; its bytes have been checked when this returns without an
    /// error, and not before.
    ///
    /// # Errors
    /// When it is missing or damaged, with its name; or what `each` says.
    pub(crate) async fn fetch(
        &self,
        hash: &str,
        size: u64,
        wanted_for: &str,
        mut each: impl FnMut(&[u8]) -> Result<(), PersistError>,
    ) -> Result<(), PersistError> {
        let wanted_by = || format!(" (wanted for {wanted_for})");
        let name = object(hash);
        if let Some(content) = self.recall(hash) {
            return each(&content);
        }
        let missing = || PersistError::Missing { object: name.clone(), wanted_by: wanted_by() };
        if size <= WHOLE_BYTES {
            let content = self.store.get(&name).await?.ok_or_else(missing)?;
            check(&name, hash, blake3::hash(&content), &wanted_by())?;
            self.remember(hash, &content);
            return each(&content);
        }
        let found = self.store.stream(&name).await?.ok_or_else(missing)?;
        let mut stream = found.into_stream();
        let mut hasher = blake3::Hasher::new();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|source| PersistError::Request {
                action: "read",
                object: name.clone(),
                source,
            })?;
            hasher.update(&piece);
            each(&piece)?;
        }
        check(&name, hash, hasher.finalize(), &wanted_by())
    }

    /// A small blob, whole.
    pub(super) async fn get(&self, hash: &str, wanted_for: &str) -> Result<Bytes, PersistError> {
        let mut whole = Vec::new();
        self.fetch(hash, 0, wanted_for, |piece| {
            whole.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(whole.into())
    }

    fn recall(&self, hash: &str) -> Option<Vec<u8>> {
        let cache = self.cache.as_ref()?;
        let content = cache.read(hash).ok()?;
        if blake3::hash(&content).to_hex().as_str() == hash {
            return Some(content);
        }
        // Damaged here; the store has it still.
        let _ = cache.remove_file(hash);
        None
    }

    /// Keeps a copy. Without one it is only slower, so what goes wrong here is not an error.
    fn remember(&self, hash: &str, content: &[u8]) {
        let Some(cache) = &self.cache else { return };
        let name = format!(".new-{:x}", crate::ambient::unique());
        let options = OpenOptions::new().write(true).create_new(true).clone();
        let written = cache
            .open_with(&name, &options)
            .and_then(|mut file| file.write_all(content))
            .and_then(|()| cache.rename(&name, cache, hash));
        if written.is_err() {
            let _ = cache.remove_file(&name);
        }
    }

    /// Removes what was used longest ago from the cache, until it is no larger than it may be.
    ///
    /// # Errors
    /// When the cache cannot be listed.
    pub fn prune_cache(&self) -> Result<(), PersistError> {
        let Some(cache) = &self.cache else { return Ok(()) };
        let mut files = Vec::new();
        for entry in cache.entries().map_err(PersistError::Cache)? {
            let entry = entry.map_err(PersistError::Cache)?;
            let metadata = entry.metadata().map_err(PersistError::Cache)?;
            files.push((metadata.modified().ok(), metadata.len(), entry.file_name()));
        }
        files.sort_unstable_by_key(|(used, ..)| *used);
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, name) in files {
            if total <= MAX_CACHE_BYTES {
                break;
            }
            let _ = cache.remove_file(&name);
            total -= size;
        }
        Ok(())
    }
}

fn check(
    object: &str,
    wanted: &str,
    found: blake3::Hash,
    wanted_by: &str,
) -> Result<(), PersistError> {
    if found.to_hex().as_str() == wanted {
        return Ok(());
    }
    let reason = format!("its content does not match its name{wanted_by}");
    Err(PersistError::Corrupt { object: object.to_owned(), reason })
}

fn changed(path: &str) -> PersistError {
    PersistError::Changing { path: path.to_owned() }
}

/// The name that content has in the store: its BLAKE3 in hexadecimal.
pub fn hash_of(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}
