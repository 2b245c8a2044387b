//! An object store that can fail: at one request or from one on, before or after it was done, or by
//! never answering.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plan {
    /// Nothing.
    #[default]
    Well,
    /// Every request from this one on, counted from 1, fails.
    DownFrom(usize),
    /// This request is done, and its answer is lost.
    LostAnswer(usize),
    /// This request is never answered.
    Hangs(usize),
}

/// A store in memory with a plan.
#[derive(Debug, Default)]
pub struct Faulty {
    inner: InMemory,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    requests: usize,
    sent: usize,
    broken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Fails,
    LosesAnswer,
    Hangs,
}

impl Faulty {
    /// Begins to count anew, with this plan.
    pub fn plan(&self, plan: Plan) {
        *self.state.lock() = State { plan, ..State::default() };
    }

    /// Requests and bytes of bodies since the plan was made.
    pub fn used(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.requests, state.sent)
    }

    /// Whether the plan has struck.
    pub fn broke(&self) -> bool {
        self.state.lock().broken
    }

    fn fate(&self, sent: usize) -> Fate {
        let mut state = self.state.lock();
        state.requests += 1;
        state.sent += sent;
        let now = state.requests;
        let fate = match state.plan {
            Plan::DownFrom(from) if now >= from => Fate::Fails,
            Plan::LostAnswer(at) if now == at => Fate::LosesAnswer,
            Plan::Hangs(at) if now == at => Fate::Hangs,
            _ => Fate::Well,
        };
        state.broken |= fate != Fate::Well;
        fate
    }

    async fn request<T>(&self, sent: usize, done: impl Future<Output = Result<T>>) -> Result<T> {
        match self.fate(sent) {
            Fate::Well => done.await,
            Fate::Fails => Err(down()),
            Fate::LosesAnswer => {
                let _ = done.await;
                Err(down())
            }
            Fate::Hangs => std::future::pending().await,
        }
    }
}

fn down() -> Error {
    Error::Generic { store: "faulty", source: "the store is down".into() }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let sent = payload.content_length();
        self.request(sent, self.inner.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.request(0, self.inner.put_multipart_opts(location, options)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.request(0, self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.request(0, self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fate(0) {
            Fate::Well => self.inner.list(prefix),
            Fate::Fails | Fate::LosesAnswer => stream::iter([Err(down())]).boxed(),
            Fate::Hangs => stream::pending().boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fate(0) {
            Fate::Well => self.inner.list_with_offset(prefix, offset),
            Fate::Fails | Fate::LosesAnswer => stream::iter([Err(down())]).boxed(),
            Fate::Hangs => stream::pending().boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.request(0, self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.request(0, self.inner.copy_opts(from, to, options)).await
    }
}

/// A store over it, with a short limit for each request.
pub fn store(faulty: &Arc<Faulty>) -> toolcell::persist::Store {
    let limit = std::time::Duration::from_millis(100);
    toolcell::persist::Store::of(faulty.clone()).with_request_limit(limit)
}
