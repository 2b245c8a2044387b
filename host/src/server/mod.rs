//! The HTTP server: two file APIs and our own routes, on one port.
//!
//! 1. [`config`] says who may come in, and the limits. [`app`] is what every request has at hand.
//! 2. [`routes`] is the table of routes; [`api`] has a file for each resource.
//! 3. [`receive`] takes bodies, [`content`] gives files, [`zip`] directories, [`signed`] makes URLs
//!    that open one file.
//! 4. [`error`] is what a client is told goes wrong; [`metrics`] counts, and logs what the client is
//!    not told. [`openapi`] describes all of it.
//! 5. This file listens: connections, their limits, and an orderly end.

mod api;
mod app;
mod config;
mod content;
mod error;
mod metrics;
mod openapi;
mod receive;
mod routes;
mod signed;
mod zip;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use config::{
    AgentConfig, CONFIG_FILE, Config, EnvironmentConfig, FirstSteps, Key, Limits, Organization,
    ServerConfig, StoreConfig, add_key, remove_key,
};

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use app::App;

use crate::ambient;
use crate::cell::RegionOption;
use crate::embed::Runtime;
use crate::execution::{ExecutionError, Executions, ExecutionsOptions, Recovered, StoreAddress};
use crate::persist::StoreOptions;
use crate::upload::Discard;

/// Time a client has for the head of a request.
const HEADER_LIMIT: Duration = Duration::from_secs(15);

/// Bytes of a request's head.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Headers of a request.
const MAX_HEADERS: usize = 100;

/// Time that requests have to end after the server was told to stop.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(30);

/// How often expired staged files are looked for, and idle cells parked.
const SWEEP: Duration = Duration::from_secs(30);

/// Time that the store has, before the server listens, to say which environments there are.
const RECALL_LIMIT: Duration = Duration::from_secs(5);

/// How often changed environments are looked for.
const SYNC_CHECK: Duration = Duration::from_millis(500);

/// An environment that is never left alone is synced after so many times the wait.
const PATIENCE: u32 = 15;

/// Why the server does not start, or something of its own fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The configuration cannot be read or written.
    #[error("cannot use the configuration {}", file.display())]
    ConfigFile {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration is wrong.
    #[error("the configuration {}: {reason}", file.display())]
    Config {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A file of the state directory is not what it must be.
    #[error(
        "{file} in the state directory is damaged: {reason}; restore it from a copy, or move it away"
    )]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A file of the state directory cannot be used.
    #[error("cannot use {what} in the state directory")]
    State {
        /// The file or directory.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// The address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The executions.
    #[error(transparent)]
    Executions(#[from] ExecutionError),
}

/// A server that listens and has not begun to answer.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    /// Whether the store has said which environments there are.
    recalled: bool,
    /// What recovery found and did.
    pub recovered: Recovered,
}

impl Server {
    /// Opens the state directory of `options`, makes good what a crash cut off, and listens. The
    /// configuration's store and limits go before those of `options`.
    ///
    /// # Errors
    /// When the state directory is damaged or in use, or the address is taken.
    pub async fn bind(
        runtime: Runtime,
        mut options: ExecutionsOptions,
        config: &Config,
    ) -> Result<Server, ServeError> {
        let limits = &config.limits;
        options.staged_lifetime = Duration::from_secs(limits.staged_lifetime);
        options.environment_quota.bytes = limits.environment_bytes;
        options.keep_environments = limits.environment_sync > 0;
        for (name, bytes) in [
            ("shared", limits.shared_bytes),
            ("workspace", limits.workspace_bytes),
            ("downloads", limits.downloads_bytes),
            ("uploads", limits.uploads_bytes),
        ] {
            let option = RegionOption { quota_bytes: Some(bytes), ..RegionOption::new(name) };
            options.cell.regions.push(option);
        }
        if let Some(store) = &config.store {
            let settings = StoreOptions { settings: store.settings.clone(), ..Default::default() };
            options.store = StoreAddress::Url(store.url.clone(), settings);
        }
        let path = options.directory.clone();
        // There is no browser here: the result says which file it is, and the loop that has the
        // browser fetches it by the signed URL that goes with it.
        options.cell.uploader.get_or_insert(Arc::new(Discard));
        let executions = Executions::open(runtime, options)?;
        let recovered = executions.recover().await?;
        // A store that does not answer keeps nobody from those that are here.
        let recalled = tokio::time::timeout(RECALL_LIMIT, executions.recall_environments()).await;
        let recalled = matches!(recalled, Ok(Ok(())));
        let directory = ambient::open_dir_ambient(&path)
            .map_err(|source| ServeError::State { what: path.display().to_string(), source })?;
        let app = Arc::new(App::new(executions, config, directory)?);
        let address = config.server.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| ServeError::Listen { address, source })?;
        Ok(Server { app, listener, recalled, recovered })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests until `stop` is done. Then uploads that are on their way are finished, and
    /// every execution is handed to the disk: they go on when the server is started again.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Server { app, listener, recalled, .. } = self;
        let router = routes::router(app.clone());
        let graceful = GracefulShutdown::new();
        let slots = Arc::new(Semaphore::new(app.limits.connections));
        let sweeper = tokio::spawn(sweep(app.clone()));
        let syncer = tokio::spawn(keep_in_sync(app.clone(), recalled));
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, mostly: others have to end first.
                    metrics::report(&error);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(slot) = slots.clone().try_acquire_owned() else {
                app.metrics.refused_connections.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(router.clone());
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new())
                .header_read_timeout(HEADER_LIMIT)
                .max_buf_size(MAX_HEAD_BYTES)
                .max_headers(MAX_HEADERS)
                .half_close(true);
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            let app = app.clone();
            tokio::spawn(async move {
                app.metrics.connections.fetch_add(1, Ordering::Relaxed);
                // A client that goes away, or does not speak HTTP, is no event of ours.
                let _ = connection.await;
                app.metrics.connections.fetch_sub(1, Ordering::Relaxed);
                drop(slot);
            });
        }
        drop(listener);
        app.stopping.send_replace(true);
        let _ = tokio::time::timeout(SHUTDOWN_LIMIT, graceful.shutdown()).await;
        sweeper.abort();
        syncer.abort();
        // What is not done in this time is done after the next start.
        let rest = app.executions.sync_changed_environments(Duration::ZERO, Duration::ZERO);
        let _ = tokio::time::timeout(SHUTDOWN_LIMIT, rest).await;
        app.executions.park_all().await;
    }
}

/// Has what is changed in environments in the store soon.
async fn keep_in_sync(app: Arc<App>, mut recalled: bool) {
    let quiet = Duration::from_secs(app.limits.environment_sync);
    if quiet.is_zero() {
        return;
    }
    while !recalled {
        let found = app.executions.recall_environments().await;
        match found.map_err(ServeError::from).and_then(|()| app.find_environments()) {
            Ok(()) => recalled = true,
            Err(error) => {
                metrics::report(&error);
                tokio::time::sleep(SWEEP).await;
            }
        }
    }
    if let Err(error) = app.executions.sync_left_behind().await {
        metrics::report(&error);
    }
    loop {
        tokio::time::sleep(SYNC_CHECK).await;
        app.executions.sync_changed_environments(quiet, quiet * PATIENCE).await;
    }
}

async fn sweep(app: Arc<App>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        if let Err(error) = app.executions.staged().sweep(false) {
            metrics::report(&error);
        }
        if let Err(error) = app.executions.archive_ended().await {
            metrics::report(&error);
        }
        let age = Duration::from_secs(app.limits.execution_lifetime);
        if !age.is_zero()
            && let Err(error) = app.executions.remove_older(age).await
        {
            metrics::report(&error);
        }
        app.executions.park_idle().await;
    }
}
