//! The object store: one interface for a directory of this machine and for the clouds.
//!
//! Each request has a time limit and a few attempts, whatever the backend does on its own.

use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Error as ObjectError, GetResult, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload, WriteMultipart,
};

use super::PersistError;

/// How often a request is tried.
const ATTEMPTS: u32 = 4;

/// Wait before the second attempt; doubled for each one after it.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// Time one attempt has, unless the options say otherwise. An upload of a part counts by itself.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// Objects longer than this are sent in parts.
pub(super) const WHOLE_BYTES: u64 = 8 << 20;

/// Parts that are on their way at once: so much of a file is held in memory.
const PARTS_AT_ONCE: usize = 4;

/// How a store is reached.
#[derive(Debug, Clone, Default)]
pub struct StoreOptions {
    /// Settings of the backend, such as `aws_endpoint`, `aws_access_key_id`, `azure_storage_account_name` or
    /// `google_service_account`; its environment variables count too.
    pub settings: HashMap<String, String>,
    /// Time one attempt of a request has; 30 s where nothing is said.
    pub request_limit: Option<Duration>,
}

/// An object store.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    limit: Duration,
    /// A directory of this machine, whose changes can be handed to the disk.
    local: Option<Arc<cap_std::fs::Dir>>,
}

/// What became of an object that must not have been there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Done,
    Exists,
}

/// An object that is there.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) name: String,
    pub(super) size: u64,
    /// When it was put, in milliseconds since 1970.
    pub(super) modified_ms: u64,
}

impl Store {
    /// A store in this directory, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub fn local(directory: &FilePath) -> Result<Store, PersistError> {
        let failed =
            |reason: String| PersistError::Address { url: directory.display().to_string(), reason };
        let dir = crate::ambient::create_private_dir_ambient(directory)
            .map_err(|error| failed(error.to_string()))?;
        let objects = object_store::local::LocalFileSystem::new_with_prefix(directory)
            .map_err(|error| failed(error.to_string()))?;
        Ok(Store { local: Some(Arc::new(dir)), ..Store::of(Arc::new(objects)) })
    }

    /// A store by its address: `file:///dir`, `s3://bucket/prefix`, `gs://bucket/prefix` or
    /// `az://container/prefix`.
    ///
    /// # Errors
    /// When the address is none, or the backend lacks something.
    pub fn open(url: &str, options: &StoreOptions) -> Result<Store, PersistError> {
        let failed = |reason: String| PersistError::Address { url: url.to_owned(), reason };
        if let Some(path) = url.strip_prefix("file://") {
            return Store::local(FilePath::new(path));
        }
        // Whoever embeds this may have chosen a provider before us.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let parsed = url::Url::parse(url).map_err(|error| failed(error.to_string()))?;
        let environment = crate::ambient::variables(&["aws_", "azure_", "google_"]);
        let chosen = options.settings.iter().map(|(name, value)| (name.clone(), value.clone()));
        let settings = environment.into_iter().chain(chosen);
        let (objects, prefix) = object_store::parse_url_opts(&parsed, settings)
            .map_err(|error| failed(error.to_string()))?;
        let limit = options.request_limit.unwrap_or(REQUEST_LIMIT);
        Ok(Store { prefix, limit, ..Store::of(Arc::from(objects)) })
    }

    /// A store over any backend.
    pub fn of(objects: Arc<dyn ObjectStore>) -> Store {
        Store { objects, prefix: Path::default(), limit: REQUEST_LIMIT, local: None }
    }

    /// The same, with another limit for each attempt of a request.
    #[must_use]
    pub fn with_request_limit(self, limit: Duration) -> Store {
        Store { limit, ..self }
    }

    /// Whether it is a directory of this machine.
    pub fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// Waits until what was put is on the disk, where the disk is ours.
    pub(crate) fn settle(&self) -> Result<(), PersistError> {
        let Some(dir) = &self.local else { return Ok(()) };
        // The handle itself may be good for resolving names only.
        use rustix::fs::{Mode, OFlags, openat, syncfs};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let settled = openat(dir.as_ref(), ".", flags, Mode::empty()).and_then(syncfs);
        settled.map_err(|errno| PersistError::Disk(errno.into()))
    }

    fn path(&self, object: &str) -> Path {
        self.prefix.parts().chain(Path::from(object).parts()).collect()
    }

    /// An object, whole; `None` where there is none.
    pub(crate) async fn get(&self, object: &str) -> Result<Option<Bytes>, PersistError> {
        let path = self.path(object);
        self.attempt("read", object, || async {
            match self.objects.get(&path).await {
                Ok(found) => found.bytes().await.map(Some),
                Err(ObjectError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// An object as a stream; `None` where there is none. The stream itself is not tried again.
    pub(super) async fn stream(&self, object: &str) -> Result<Option<GetResult>, PersistError> {
        let path = self.path(object);
        self.attempt("read", object, || async {
            match self.objects.get(&path).await {
                Ok(found) => Ok(Some(found)),
                Err(ObjectError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Puts an object, whatever was there.
    pub(crate) async fn put(&self, object: &str, content: Bytes) -> Result<(), PersistError> {
        let path = self.path(object);
        self.attempt("write", object, || async {
            self.objects.put(&path, PutPayload::from(content.clone())).await.map(drop)
        })
        .await
    }

    /// Puts an object that must not be there yet. After an attempt that was not answered,
    /// [`Put::Exists`] may mean that it was done all the same.
    pub(super) async fn create(&self, object: &str, content: Bytes) -> Result<Put, PersistError> {
        let path = self.path(object);
        self.attempt("write", object, || async {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let payload = PutPayload::from(content.clone());
            match self.objects.put_opts(&path, payload, options).await {
                Ok(_) => Ok(Put::Done),
                Err(ObjectError::AlreadyExists { .. } | ObjectError::Precondition { .. }) => {
                    Ok(Put::Exists)
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Begins an object that is sent in parts. It is there when all of it is, and not before.
    pub(super) async fn begin(&self, object: &str) -> Result<Upload, PersistError> {
        let path = self.path(object);
        let upload = self
            .attempt("write", object, || async { self.objects.put_multipart(&path).await })
            .await?;
        let part = usize::try_from(WHOLE_BYTES).unwrap_or(usize::MAX);
        let writer = WriteMultipart::new_with_chunk_size(upload, part);
        Ok(Upload { writer, object: object.to_owned(), limit: self.limit })
    }

    /// The names of the objects below a prefix, without it, after `after` and in order.
    pub(crate) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<String>, PersistError> {
        let path = self.path(prefix);
        let offset = after.map(|name| self.path(&format!("{prefix}/{name}")));
        self.attempt("list", prefix, || async {
            let mut listing = match &offset {
                Some(offset) => self.objects.list_with_offset(Some(&path), offset),
                None => self.objects.list(Some(&path)),
            };
            let mut names = Vec::new();
            while let Some(found) = listing.next().await {
                names.extend(found?.location.filename().map(str::to_owned));
            }
            names.sort_unstable();
            Ok(names)
        })
        .await
    }

    /// The names below a prefix that hold objects.
    pub(super) async fn folders(&self, prefix: &str) -> Result<Vec<String>, PersistError> {
        let path = self.path(prefix);
        self.attempt("list", prefix, || async {
            let found = self.objects.list_with_delimiter(Some(&path)).await?;
            let names = found.common_prefixes.iter();
            Ok(names.filter_map(|path| path.filename().map(str::to_owned)).collect())
        })
        .await
    }

    /// The objects below a prefix, in order of their names.
    pub(super) async fn objects(&self, prefix: &str) -> Result<Vec<Object>, PersistError> {
        let path = self.path(prefix);
        self.attempt("list", prefix, || async {
            let mut found: Vec<Object> = self
                .objects
                .list(Some(&path))
                .map_ok(|meta| {
                    let below = meta.location.prefix_match(&self.prefix);
                    let name: Path = below.into_iter().flatten().collect();
                    let modified_ms = meta.last_modified.timestamp_millis();
                    Object {
                        name: name.to_string(),
                        size: meta.size,
                        modified_ms: u64::try_from(modified_ms).unwrap_or(0),
                    }
                })
                .try_collect()
                .await?;
            found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            Ok(found)
        })
        .await
    }

    /// Removes an object, if it is there.
    pub(super) async fn remove(&self, object: &str) -> Result<(), PersistError> {
        let path = self.path(object);
        self.attempt("remove", object, || async {
            match self.objects.delete(&path).await {
                Err(ObjectError::NotFound { .. }) => Ok(()),
                done => done,
            }
        })
        .await
    }

    /// The environments that the store knows.
    pub(crate) async fn environments(&self) -> Result<Vec<String>, PersistError> {
        self.folders("environments").await
    }

    /// Removes all that is kept of an environment, its blobs excepted: others may share them.
    pub(crate) async fn remove_environment(&self, name: &str) -> Result<(), PersistError> {
        let prefix = format!("environments/{name}");
        let path = self.path(&prefix);
        self.attempt("remove", &prefix, || async {
            let found = self.objects.list(Some(&path)).map_ok(|object| object.location).boxed();
            self.objects.delete_stream(found).try_for_each(|_| async { Ok(()) }).await
        })
        .await
    }

    async fn attempt<T, F>(
        &self,
        action: &'static str,
        object: &str,
        mut request: impl FnMut() -> F,
    ) -> Result<T, PersistError>
    where
        F: Future<Output = Result<T, ObjectError>>,
    {
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let object = || object.to_owned();
            let error = match tokio::time::timeout(self.limit, request()).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(source)) => {
                    let hopeless = is_final(&source);
                    let error = PersistError::Request { action, object: object(), source };
                    if hopeless {
                        return Err(error);
                    }
                    error
                }
                Err(_) => {
                    let seconds = self.limit.as_secs();
                    PersistError::Timeout { action, object: object(), seconds }
                }
            };
            if attempt >= ATTEMPTS {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        unreachable!("the loop returns")
    }
}

/// Whether trying again cannot help.
fn is_final(error: &ObjectError) -> bool {
    matches!(
        error,
        ObjectError::NotSupported { .. }
            | ObjectError::NotImplemented { .. }
            | ObjectError::InvalidPath { .. }
            | ObjectError::PermissionDenied { .. }
            | ObjectError::Unauthenticated { .. }
            | ObjectError::UnknownConfigurationKey { .. }
    )
}

/// An object that is being sent in parts.
pub(super) struct Upload {
    writer: WriteMultipart,
    object: String,
    limit: Duration,
}

impl Upload {
    /// Takes the next piece, when there is room for it.
    pub(super) async fn write(&mut self, piece: &[u8]) -> Result<(), PersistError> {
        self.writer.write(piece);
        let room = self.writer.wait_for_capacity(PARTS_AT_ONCE);
        sent(tokio::time::timeout(self.limit, room).await, &self.object, self.limit)
    }

    /// Waits until all of it is there.
    pub(super) async fn finish(self) -> Result<(), PersistError> {
        let Upload { writer, object, limit } = self;
        sent(
            tokio::time::timeout(limit, writer.finish()).await.map(|done| done.map(drop)),
            &object,
            limit,
        )
    }

    /// Gives it up: nothing is there.
    pub(super) async fn abandon(self) {
        let _ = tokio::time::timeout(self.limit, self.writer.abort()).await;
    }
}

fn sent(
    result: Result<Result<(), ObjectError>, tokio::time::error::Elapsed>,
    object: &str,
    limit: Duration,
) -> Result<(), PersistError> {
    let (action, object) = ("write", object.to_owned());
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(source)) => Err(PersistError::Request { action, object, source }),
        Err(_) => Err(PersistError::Timeout { action, object, seconds: limit.as_secs() }),
    }
}
