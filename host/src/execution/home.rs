//! Where executions are kept: the state directory, the object store and the environments.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cap_std::fs::Dir;
use parking_lot::Mutex;

use super::environments::{self, Kept};
use super::record::{ExecutionRecord, names};
use super::run::Execution;
use super::shared::SharedFiles;
use super::staged::{DEFAULT_LIFETIME, Staged};
use super::{ExecutionError, Status};
use crate::ambient;
use crate::cell::{CellOptions, subdirectory};
use crate::embed::Runtime;
use crate::environment::ENVIRONMENT_QUOTA;
use crate::error::Error;
use crate::persist::{self, Blobs, Keep, Owner, Pruned, Store, StoreOptions, Versions};
use crate::policy::{DEFAULT_REGIONS, Quota};

/// Executions whose cells are held open, unless something else is said. Each holds a few files;
/// the others are opened when they are wanted.
const MAX_OPEN_CELLS: usize = 256;

/// Longest name of an execution, agent or environment.
const MAX_NAME: usize = 64;

/// Where the object store is.
#[derive(Debug, Clone, Default)]
pub enum StoreAddress {
    /// In the state directory.
    #[default]
    Local,
    /// At a URL: see [`Store::open`].
    Url(String, StoreOptions),
    /// Wherever this one is.
    Given(Store),
}

/// What [`Executions`] are made from.
#[derive(Debug, Clone)]
pub struct ExecutionsOptions {
    /// The state directory; made if it is not there.
    pub directory: PathBuf,
    /// The object store.
    pub store: StoreAddress,
    /// What each execution's cell is made from; its directory and environment are filled in.
    pub cell: CellOptions,
    /// How long a staged file can be used.
    pub staged_lifetime: Duration,
    /// What an environment may hold.
    pub environment_quota: Quota,
    /// Whether environments are kept in the store too, each change as a version.
    pub keep_environments: bool,
    /// Cells that are held open.
    pub max_open_cells: usize,
}

impl ExecutionsOptions {
    /// The defaults, in this state directory.
    pub fn new(directory: impl Into<PathBuf>) -> ExecutionsOptions {
        ExecutionsOptions {
            directory: directory.into(),
            store: StoreAddress::Local,
            cell: CellOptions::new(""),
            staged_lifetime: DEFAULT_LIFETIME,
            environment_quota: ENVIRONMENT_QUOTA,
            keep_environments: true,
            max_open_cells: MAX_OPEN_CELLS,
        }
    }
}

/// All executions of a state directory. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Executions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    home: Arc<Home>,
    known: Mutex<HashMap<String, Arc<Execution>>>,
}

/// What executions share.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) runtime: Runtime,
    pub(super) options: ExecutionsOptions,
    pub(super) executions: Dir,
    pub(super) live: Dir,
    pub(super) ended: Dir,
    pub(super) staged: Staged,
    pub(super) directory: Dir,
    store: OnceLock<(Store, Blobs)>,
    versions: Mutex<HashMap<String, Versions>>,
    environments: Mutex<HashMap<String, OpenEnvironment>>,
}

/// An environment that is open, or is being opened by whoever came first.
type OpenEnvironment = Arc<tokio::sync::OnceCell<Arc<Kept>>>;

impl Executions {
    /// Opens the state directory.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub fn open(
        runtime: Runtime,
        options: ExecutionsOptions,
    ) -> Result<Executions, ExecutionError> {
        let path = &options.directory;
        let directory = ambient::create_private_dir_ambient(path)
            .map_err(|error| Error::io(format!("the state directory {}", path.display()), error))?;
        let home = Home {
            executions: subdirectory(&directory, "executions")?,
            live: subdirectory(&directory, "live")?,
            ended: subdirectory(&directory, "ended")?,
            staged: Staged::new(subdirectory(&directory, "staged")?, options.staged_lifetime),
            runtime,
            options,
            directory,
            store: OnceLock::new(),
            versions: Mutex::default(),
            environments: Mutex::default(),
        };
        Ok(Executions(Arc::new(Inner { home: Arc::new(home), known: Mutex::default() })))
    }

    pub(super) fn home(&self) -> &Arc<Home> {
        &self.0.home
    }

    pub(super) fn known(&self) -> &Mutex<HashMap<String, Arc<Execution>>> {
        &self.0.known
    }

    /// Files that wait for an execution.
    pub fn staged(&self) -> &Staged {
        &self.0.home.staged
    }

    /// An agent's `shared/` between executions.
    ///
    /// # Errors
    /// When the store cannot be used, or the name is none.
    pub fn shared(&self, agent: &str) -> Result<SharedFiles, ExecutionError> {
        let home = &self.0.home;
        Ok(SharedFiles::new(
            home.versions(Owner::Agent(agent.to_owned()))?,
            home.shared_quota(),
            home.scratch()?,
        ))
    }

    /// The execution of this id.
    ///
    /// # Errors
    /// When there is none, or its record is damaged.
    pub fn get(&self, id: &str) -> Result<Arc<Execution>, ExecutionError> {
        if let Some(known) = self.0.known.lock().get(id) {
            return Ok(known.clone());
        }
        plain(id).map_err(|_| ExecutionError::NotFound(id.to_owned()))?;
        let missing = || ExecutionError::NotFound(id.to_owned());
        let directory = self.0.home.executions.open_dir(id).map_err(|_| missing())?;
        let record = ExecutionRecord::load(&directory, id)?
            .filter(|record| record.status != Status::Starting)
            .ok_or_else(missing)?;
        Ok(self.keep(Execution::new(self.0.home.clone(), directory, record)))
    }

    /// Keeps it among the known ones; the one that is known already, if somebody was faster.
    pub(super) fn keep(&self, execution: Execution) -> Arc<Execution> {
        let id = execution.id().to_owned();
        self.0.known.lock().entry(id).or_insert_with(|| Arc::new(execution)).clone()
    }

    /// Parks the cells that nobody uses, when more are open than may be, those used longest ago
    /// first, and forgets their executions: all that is known of them is on the disk. Environments
    /// that nobody uses go the same way.
    pub async fn park_idle(&self) {
        let most = self.0.home.options.max_open_cells;
        let idle: Vec<Arc<Execution>> = {
            let known = self.0.known.lock();
            let unused = known
                .values()
                .filter(|execution| Arc::strong_count(execution) == 1 && !execution.is_busy());
            let mut unused: Vec<_> = unused.cloned().collect();
            unused.sort_by_key(|execution| execution.last_used());
            unused.truncate(known.len().saturating_sub(most));
            unused
        };
        for execution in idle {
            execution.park().await;
            let mut known = self.0.known.lock();
            // The map's and ours: whoever wants it comes by here.
            if Arc::strong_count(&execution) == 2 && execution.is_parked() {
                known.remove(execution.id());
            }
        }
        let mut environments = self.0.home.environments.lock();
        if environments.len() > most {
            environments.retain(|_, open| {
                let kept = open.get().filter(|kept| Arc::strong_count(kept) == 1 && kept.is_idle());
                // What it did is on its way to the disk already; this spares the next one a scan.
                if let Some(kept) = kept
                    && let Err(error) = kept.environment.journal().close()
                {
                    self.0.home.runtime.report(&error);
                }
                kept.is_none()
            });
        }
    }

    /// Parks every cell: what is open is handed to the disk.
    pub async fn park_all(&self) {
        let all: Vec<Arc<Execution>> = self.0.known.lock().drain().map(|(_, one)| one).collect();
        for execution in all {
            execution.park().await;
        }
        let environments: Vec<_> = self.0.home.environments.lock().drain().collect();
        for kept in environments.iter().filter_map(|(_, open)| open.get()) {
            if let Err(error) = kept.environment.settle() {
                self.0.home.runtime.report(&error);
            }
        }
    }

    /// Removes an execution that has ended, with all its files. What it put into `shared/` stays,
    /// and so does what [`Executions::archive`] keeps of it.
    ///
    /// # Errors
    /// When it has not ended, the store cannot be reached, or its directory cannot be removed.
    pub async fn remove(&self, id: &str) -> Result<(), ExecutionError> {
        let execution = self.get(id)?;
        self.archive(id).await?;
        if let Some(environment) = &execution.record().environment {
            // Its journal goes with it.
            self.sync_environment(environment).await?;
        }
        execution.park().await;
        self.0.known.lock().remove(id);
        let failed = ExecutionError::state("remove", format!("executions/{id}"));
        self.0.home.executions.remove_dir_all(id).map_err(failed)
    }

    /// Removes old versions from the store, and content that no version has any more. What live
    /// executions and environments of this state directory began with stays.
    ///
    /// # Errors
    /// When the store cannot be reached, or a version that stays cannot be read.
    pub async fn prune(&self, keep: Keep, dry: bool) -> Result<Pruned, ExecutionError> {
        let home = self.home();
        let mut needed = environments::versions_in_use(home)?;
        for record in self.list()?.into_iter().filter(|record| !record.status.is_terminal()) {
            needed.push((Owner::Agent(record.agent), record.base_version));
        }
        let (store, blobs) = home.store()?;
        Ok(persist::prune((store, blobs), keep, &needed, dry).await?)
    }

    /// Removes the executions that ended longer ago than `age`. What fails is reported.
    ///
    /// # Errors
    /// When the executions cannot be listed.
    pub async fn remove_older(&self, age: Duration) -> Result<(), ExecutionError> {
        let age = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
        let before = ambient::now_ns().saturating_sub(age);
        for record in self.list()? {
            if record.terminal_ns.is_some_and(|ended| ended < before)
                && let Err(error) = self.remove(&record.id).await
            {
                self.0.home.runtime.report(&error);
            }
        }
        Ok(())
    }

    /// What is known of every execution, the latest first.
    ///
    /// # Errors
    /// When the directory cannot be read, or a record is damaged.
    pub fn list(&self) -> Result<Vec<ExecutionRecord>, ExecutionError> {
        let mut records = Vec::new();
        for id in names(&self.0.home.executions, "executions")? {
            if let Some(known) = self.0.known.lock().get(&id) {
                records.push(known.record());
                continue;
            }
            // Only looked at: thousands of executions must not mean thousands of open directories.
            let Ok(directory) = self.0.home.executions.open_dir(&id) else { continue };
            let record = ExecutionRecord::load(&directory, &id)?;
            records.extend(record.filter(|record| record.status != Status::Starting));
        }
        records.sort_by(|one, other| (other.created_ns, &other.id).cmp(&(one.created_ns, &one.id)));
        Ok(records)
    }
}

impl Home {
    pub(super) fn store(&self) -> Result<&(Store, Blobs), ExecutionError> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = match &self.options.store {
            StoreAddress::Local => Store::local(&self.options.directory.join("store"))?,
            StoreAddress::Url(url, options) => Store::open(url, options)?,
            StoreAddress::Given(store) => store.clone(),
        };
        let cache = subdirectory(&self.directory, "blobs")?;
        let blobs = Blobs::new(store.clone(), Some(cache));
        Ok(self.store.get_or_init(|| (store, blobs)))
    }

    /// Notes that an execution has ended, and is to be archived.
    pub(super) fn mark_ended(&self, id: &str) {
        // What is lost with a mark is the archive, until the execution is removed.
        if self.live.rename(id, &self.ended, id).is_err() {
            let _ = self.ended.write(id, "");
        }
    }

    /// The versions of an agent's `shared/`, or of an environment.
    pub(super) fn versions(&self, owner: Owner) -> Result<Versions, ExecutionError> {
        plain(owner.name())?;
        let (store, blobs) = self.store()?;
        let new = || Versions::new(store.clone(), blobs.clone(), owner.clone());
        // An environment's are kept with it, for as long as it is open.
        let Owner::Agent(agent) = &owner else { return Ok(new()) };
        let mut all = self.versions.lock();
        Ok(all.entry(agent.clone()).or_insert_with(new).clone())
    }

    pub(super) async fn environment(&self, id: &str) -> Result<Arc<Kept>, ExecutionError> {
        plain(id)?;
        let open = self.environments.lock().entry(id.to_owned()).or_default().clone();
        Ok(open.get_or_try_init(|| Kept::open(self, id)).await?.clone())
    }

    pub(super) fn open_environments(&self) -> Vec<(String, Arc<Kept>)> {
        let open = self.environments.lock();
        open.iter().filter_map(|(id, open)| Some((id.clone(), open.get()?.clone()))).collect()
    }

    /// Lets go of an environment.
    pub(super) fn take_environment(&self, id: &str) -> Option<OpenEnvironment> {
        self.environments.lock().remove(id)
    }

    /// Whether `shared/` is a directory of the host's: then it is neither restored nor saved.
    pub(super) fn shared_is_mapped(&self) -> bool {
        let options = &self.options.cell.regions;
        options.iter().any(|option| option.name == "shared" && option.directory.is_some())
    }

    /// What `shared/` may hold.
    pub(super) fn shared_quota(&self) -> Quota {
        let mut quota = DEFAULT_REGIONS[0].quota;
        let options = &self.options.cell.regions;
        if let Some(option) = options.iter().rev().find(|option| option.name == "shared") {
            quota.bytes = option.quota_bytes.unwrap_or(quota.bytes);
            quota.entries = option.quota_entries.unwrap_or(quota.entries);
        }
        quota
    }

    /// Where content is collected that has no place yet.
    pub(super) fn scratch(&self) -> Result<Dir, ExecutionError> {
        Ok(subdirectory(&self.directory, "staged")?)
    }

    /// What the cell of this execution is made from.
    pub(super) async fn cell_options(
        &self,
        record: &ExecutionRecord,
    ) -> Result<CellOptions, ExecutionError> {
        let mut options = self.options.cell.clone();
        options.directory = self.options.directory.join("executions").join(&record.id);
        if let Some(environment) = &record.environment {
            let kept = self.environment(environment).await?;
            if !record.status.is_terminal() {
                kept.follow(&record.id)?;
            }
            options.environment = Some(kept.environment.clone());
        }
        Ok(options)
    }
}

/// Refuses a name that is not one plain component.
pub(super) fn plain(name: &str) -> Result<(), ExecutionError> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
    let fits = !name.is_empty() && name.len() <= MAX_NAME && !name.starts_with('.');
    match fits && name.chars().all(allowed) {
        true => Ok(()),
        false => Err(ExecutionError::Name(name.to_owned())),
    }
}
