//! Environments and the object store: what changes in one is committed as its next version, and one
//! that is not on this machine is restored when it is opened.
//!
//! Changes are found in journals: the environment's own, for what came through its doors, and those
//! of the executions that see it. How far each has been taken over is on the disk beside the files,
//! so that nothing is left out after a crash.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cap_std::fs::Dir;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::ExecutionError;
use super::home::{Executions, Home, plain};
use super::record::{ExecutionRecord, names, read};
use crate::cell::subdirectory;
use crate::environment::{ENVIRONMENT_MOUNT, ENVIRONMENT_REGION, Environment};
use crate::journal::{self, Journal, Position};
use crate::kept;
use crate::persist::{
    self, Author, Cursor, Owner, PersistError, Place, Synced, Touched, Tree, Version, Versions,
};

/// What is known of how far an environment has been synced.
const FILE: &str = "synced.json";
const FORMAT: u32 = 1;

/// What a server knows of an environment beside its files. It is kept with the versions.
pub(crate) const ABOUT: &str = "environment.json";

/// Time until an environment that could not be synced is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// How long an environment that is here waits for the store when it is opened.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// Entries that are looked at where an environment is older than its first version.
const MAX_WALKED: usize = 1_000_000;
const MAX_DEPTH: usize = 256;

const PLACE: Place<'_> = Place { region: ENVIRONMENT_REGION, mount: ENVIRONMENT_MOUNT };

/// An open environment, and how far it has been synced.
#[derive(Debug)]
pub(super) struct Kept {
    id: String,
    pub(super) environment: Arc<Environment>,
    directory: Dir,
    /// None where environments are not kept in the store.
    versions: Option<Versions>,
    followed: Mutex<Followed>,
    syncing: tokio::sync::Mutex<()>,
    due: Mutex<Due>,
}

/// The journals that are followed, and the version that has what they said so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Followed {
    format: u32,
    version: u64,
    doors: Cursor,
    executions: BTreeMap<String, Cursor>,
    /// BLAKE3 of what is known of the environment, as the store has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    about: Option<String>,
}

/// When a sync is due.
#[derive(Debug)]
struct Due {
    mark: Vec<Position>,
    /// When the first change came that is not synced, and the last.
    changed: Option<(Instant, Instant)>,
    not_before: Option<Instant>,
}

impl Due {
    fn now() -> Due {
        let mut due = Due { mark: Vec::new(), changed: None, not_before: None };
        due.note(Instant::now());
        due
    }

    /// There is something to sync.
    fn note(&mut self, now: Instant) {
        self.changed.get_or_insert((now, now));
    }

    /// Takes in where the journals end, and says whether it is time.
    fn is(&mut self, mark: Vec<Position>, quiet: Duration, patience: Duration) -> bool {
        let now = Instant::now();
        if self.mark != mark {
            self.mark = mark;
            let first = self.changed.map_or(now, |(first, _)| first);
            self.changed = Some((first, now));
        }
        let due = self
            .changed
            .is_some_and(|(first, last)| now - last >= quiet || now - first >= patience);
        due && self.not_before.is_none_or(|time| now >= time)
    }
}

impl Followed {
    fn load(directory: &Dir, id: &str) -> Result<Option<Followed>, ExecutionError> {
        let what = format!("environments/{id}/{FILE}");
        read(directory, FILE, what, (FORMAT, |followed: &Followed| followed.format))
    }

    fn new() -> Followed {
        let (doors, executions) = (Cursor::default(), BTreeMap::new());
        Followed { format: FORMAT, version: 0, doors, executions, about: None }
    }
}

impl Kept {
    /// Opens an environment, and brings it to its latest version.
    pub(super) async fn open(home: &Home, id: &str) -> Result<Arc<Kept>, ExecutionError> {
        let path = home.options.directory.join("environments").join(id);
        let environment = Arc::new(Environment::open(&path, home.options.environment_quota)?);
        let directory = subdirectory(&home.directory, &format!("environments/{id}"))?;
        let followed = Followed::load(&directory, id)?;
        let is_new = followed.is_none();
        let versions = match home.options.keep_environments {
            true => Some(home.versions(Owner::Environment(id.to_owned()))?),
            false => None,
        };
        let kept = Arc::new(Kept {
            id: id.to_owned(),
            environment,
            directory,
            versions,
            followed: Mutex::new(followed.unwrap_or_else(Followed::new)),
            syncing: tokio::sync::Mutex::default(),
            due: Mutex::new(Due::now()),
        });
        if is_new && kept.versions.is_some() {
            kept.find_all()?;
        }
        if is_new {
            kept.catch_up(home).await?;
            return Ok(kept);
        }
        // What is here is a state of it: whoever wants it does not wait for a store that does not
        // answer. What was changed elsewhere comes with the next commit.
        match tokio::time::timeout(STORE_PATIENCE, kept.catch_up(home)).await {
            Err(_) => home.runtime.report(&PersistError::Timeout {
                action: "look for changes of",
                object: format!("environments/{id}"),
                seconds: STORE_PATIENCE.as_secs(),
            }),
            Ok(Err(ExecutionError::Persist(error))) if error.is_transient() => {
                home.runtime.report(&error);
            }
            Ok(caught_up) => caught_up?,
        }
        Ok(kept)
    }

    /// Counts everything that is there as changed: it is older than its first version.
    fn find_all(&self) -> Result<(), ExecutionError> {
        let door = self.environment.door("sync", "")?;
        let found = door
            .walk(ENVIRONMENT_MOUNT, MAX_DEPTH, MAX_WALKED)
            .map_err(|fault| ExecutionError::file("list", ENVIRONMENT_MOUNT, fault))?;
        self.followed.lock().doors.again = found.into_iter().map(|(path, _)| path).collect();
        Ok(())
    }

    /// Takes over what is in the store and not here, if there is anything. What is here and not
    /// there is committed before, so that it is not lost to an older state.
    async fn catch_up(&self, home: &Home) -> Result<(), ExecutionError> {
        let Some(versions) = &self.versions else { return Ok(()) };
        let _alone = self.syncing.lock().await;
        if versions.latest().await?.number <= self.followed.lock().version {
            return Ok(());
        }
        self.push(home, versions).await?;
        let known = self.followed.lock().version;
        let latest = versions.latest().await?;
        if latest.number > known {
            let base = versions.known(known).await?;
            self.pull(versions, &base.tree, &latest).await?;
        }
        self.keep(|followed| followed.version = latest.number)
    }

    /// Makes the files, which are `from`, what `version` has.
    async fn pull(
        &self,
        versions: &Versions,
        from: &Tree,
        version: &Version,
    ) -> Result<(), ExecutionError> {
        let door = self.environment.door("restore", "")?;
        let trees = (from, &version.tree);
        Ok(persist::restore(trees, versions.blobs(), (&door, PLACE)).await?)
    }

    /// Commits what each journal says was changed since the last time.
    async fn push(&self, home: &Home, versions: &Versions) -> Result<Vec<Synced>, ExecutionError> {
        let mut all = Vec::new();
        self.environment.journal().flush().map_err(PersistError::from)?;
        all.extend(self.push_from(versions, self.environment.journal().directory(), None).await?);
        let executions: Vec<String> = self.followed.lock().executions.keys().cloned().collect();
        for id in executions {
            let forget = |followed: &mut Followed| drop(followed.executions.remove(&id));
            let Ok(directory) = home.executions.open_dir(&id) else {
                self.keep(forget)?;
                continue;
            };
            // Before the journal is read: what an execution has ended adds nothing after it.
            let record = ExecutionRecord::load(&directory, &id)?;
            let has_ended = record.is_some_and(|record| record.status.is_terminal());
            if let Ok(journal) = directory.open_dir("journal") {
                all.extend(self.push_from(versions, &journal, Some(&id)).await?);
            }
            let settled =
                |followed: &Followed| followed.executions.get(&id).is_some_and(Cursor::is_settled);
            if has_ended && settled(&self.followed.lock()) {
                self.keep(forget)?;
            }
        }
        let about = kept::read(&self.directory, ABOUT);
        let about =
            about.map_err(ExecutionError::state("read", format!("environments/{}", self.id)))?;
        let hash = about.as_ref().map(|about| persist::hash_of(about));
        let is_new = hash != self.followed.lock().about;
        if let Some(about) = about.filter(|_| is_new) {
            home.store()?.0.put(&about_of(&self.id), about.into()).await?;
            self.keep(|followed| followed.about = hash)?;
        }
        Ok(all)
    }

    /// Commits what one journal says: an execution's, or that of the environment's doors.
    async fn push_from(
        &self,
        versions: &Versions,
        journal: &Dir,
        execution: Option<&str>,
    ) -> Result<Option<Synced>, ExecutionError> {
        let (known, mut cursor) = {
            let followed = self.followed.lock();
            let cursor = match execution {
                Some(id) => followed.executions.get(id),
                None => Some(&followed.doors),
            };
            (followed.version, cursor.cloned().unwrap_or_default())
        };
        let touched = Touched::since(journal, &mut cursor, PLACE).map_err(PersistError::from)?;
        let mut synced = None;
        if !touched.is_empty() {
            let base = versions.known(known).await?;
            let author = Author {
                door: execution.map_or("files api", |_| "execution").to_owned(),
                execution: execution.map(str::to_owned),
                commit: uuid::Uuid::new_v4().to_string(),
            };
            let door = self.environment.door("sync", "")?;
            let quota = self.environment.region().ledger().quota();
            let place = (&door, PLACE);
            let done =
                persist::sync(versions, base.clone(), &touched, place, quota, &author).await?;
            cursor.again.extend(done.unsettled.iter().cloned());
            let is_ours = !done.written.is_empty() || !done.removed.is_empty();
            if done.version > base.number + u64::from(is_ours) {
                self.take_over(versions, &base, &done).await?;
            }
            synced = Some(done);
        }
        let version = synced.as_ref().map_or(known, |synced| synced.version);
        self.keep(|followed| {
            followed.version = version;
            match execution {
                Some(id) => drop(followed.executions.insert(id.to_owned(), cursor)),
                None => followed.doors = cursor,
            }
        })?;
        Ok(synced)
    }

    /// What others have committed between the version that we know and ours comes here too.
    async fn take_over(
        &self,
        versions: &Versions,
        base: &Version,
        done: &Synced,
    ) -> Result<(), ExecutionError> {
        let version = versions.known(done.version).await?;
        let mut here = base.tree.clone();
        for path in done.written.iter().chain(&done.removed) {
            match version.tree.get(path) {
                Some(entry) => here.insert(path.clone(), entry.clone()),
                None => here.remove(path),
            };
        }
        self.pull(versions, &here, &version).await
    }

    /// Changes what is known, on the disk first.
    fn keep(&self, change: impl FnOnce(&mut Followed)) -> Result<(), ExecutionError> {
        let mut followed = self.followed.lock();
        let mut new = followed.clone();
        change(&mut new);
        if *followed != new {
            let text = serde_json::to_vec(&new).unwrap_or_default();
            let what = format!("environments/{}/{FILE}", self.id);
            kept::replace_synced(&self.directory, FILE, &text)
                .map_err(ExecutionError::state("write", what))?;
            *followed = new;
        }
        Ok(())
    }

    /// From now on what this execution changes in the environment is followed.
    pub(super) fn follow(&self, execution: &str) -> Result<(), ExecutionError> {
        match self.versions {
            Some(_) => self.keep(|followed| {
                followed.executions.entry(execution.to_owned()).or_default();
            }),
            None => Ok(()),
        }
    }

    /// Whether nobody uses it, and the store has all of it.
    pub(super) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.environment) == 1
            && (self.versions.is_none() || self.due.lock().changed.is_none())
    }
}

impl Executions {
    /// The environment of this id, which is made if it is not there, and restored if the store has
    /// it.
    ///
    /// # Errors
    /// When another process has it open, or it cannot be restored.
    pub async fn environment(&self, id: &str) -> Result<Arc<Environment>, ExecutionError> {
        Ok(self.home().environment(id).await?.environment.clone())
    }

    /// The versions of an environment; none where environments are not kept in the store.
    ///
    /// # Errors
    /// As [`Executions::environment`].
    pub async fn environment_versions(&self, id: &str) -> Result<Option<Versions>, ExecutionError> {
        Ok(self.home().environment(id).await?.versions.clone())
    }

    /// Puts what an environment held in one of its versions into another one, which must be empty.
    ///
    /// # Errors
    /// When there is no such version, it lacks something, or it does not fit.
    pub async fn fork_environment(
        &self,
        version: (&Versions, u64),
        into: &str,
    ) -> Result<(), ExecutionError> {
        let (versions, number) = version;
        let version = versions.load(number).await?;
        let environment = self.environment(into).await?;
        let door = environment.door("fork", "")?;
        let trees = (&Tree::new(), &version.tree);
        persist::restore(trees, versions.blobs(), (&door, PLACE)).await?;
        door.flush().map_err(|fault| ExecutionError::file("write", ENVIRONMENT_MOUNT, fault))
    }

    /// Commits what was changed in an environment; when this returns, the store has it. The
    /// versions that were made come back, one for each execution and one for the doors.
    ///
    /// # Errors
    /// When the store cannot be reached. Nothing is lost by that: the next sync does it.
    pub async fn sync_environment(&self, id: &str) -> Result<Vec<Synced>, ExecutionError> {
        let home = self.home().clone();
        let kept = home.environment(id).await?;
        for journal in self.journals_of(id) {
            journal.flush().map_err(PersistError::from)?;
        }
        let handle = Handle::current();
        // Files of any size are read, hashed and copied: that is no work for a thread that others
        // wait for.
        let work = tokio::task::spawn_blocking(move || {
            handle.block_on(async {
                let Some(versions) = &kept.versions else { return Ok(Vec::new()) };
                let _alone = kept.syncing.lock().await;
                kept.due.lock().changed = None;
                kept.push(&home, versions).await
            })
        });
        match work.await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Syncs those open environments that have been changed, and then been left alone for `quiet`,
    /// or are being changed for longer than `patience`. What fails is reported and tried again.
    pub async fn sync_changed_environments(&self, quiet: Duration, patience: Duration) {
        for (id, kept) in self.home().open_environments() {
            let mut mark: Vec<Position> =
                self.journals_of(&id).iter().map(|journal| journal.position()).collect();
            mark.push(kept.environment.journal().position());
            mark.sort_unstable();
            if kept.versions.is_none() || !kept.due.lock().is(mark, quiet, patience) {
                continue;
            }
            let done = self.sync_environment(&id).await;
            let mut due = kept.due.lock();
            due.not_before = None;
            if let Err(error) = done {
                let now = Instant::now();
                due.note(now);
                due.not_before = Some(now + RETRY);
                drop(due);
                self.home().runtime.report(&error);
            }
        }
    }

    /// Syncs those environments that a process which was killed has left behind, open or not. What
    /// fails is reported, and tried again when the environment is opened.
    ///
    /// # Errors
    /// When the state directory cannot be read.
    pub async fn sync_left_behind(&self) -> Result<(), ExecutionError> {
        let home = self.home();
        for (id, directory) in here(home)? {
            if is_behind(home, &directory, &id)?
                && let Err(error) = self.sync_environment(&id).await
            {
                home.runtime.report(&error);
            }
        }
        Ok(())
    }

    /// Removes an environment: its files, and what the store has of it.
    ///
    /// # Errors
    /// When the store cannot be reached: then it is still there.
    pub async fn remove_environment(&self, id: &str) -> Result<(), ExecutionError> {
        plain(id)?;
        let home = self.home();
        let open = home.take_environment(id);
        let kept = open.as_ref().and_then(|open| open.get());
        let _alone = match kept {
            Some(kept) => Some(kept.syncing.lock().await),
            None => None,
        };
        if home.options.keep_environments {
            home.store()?.0.remove_environment(id).await?;
        }
        match home.directory.remove_dir_all(format!("environments/{id}")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ExecutionError::state("remove", format!("environments/{id}"))(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes down, for the environments that the store has and this machine has not, what is known
    /// of them. Their files come when they are opened.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn recall_environments(&self) -> Result<(), ExecutionError> {
        let home = self.home();
        if !home.options.keep_environments {
            return Ok(());
        }
        for id in home.store()?.0.environments().await? {
            let file = about_of(&id);
            if plain(&id).is_err() || home.directory.exists(&file) {
                continue;
            }
            if let Some(about) = home.store()?.0.get(&file).await? {
                let directory = subdirectory(&home.directory, &format!("environments/{id}"))?;
                kept::replace_synced(&directory, ABOUT, &about)
                    .map_err(ExecutionError::state("write", file))?;
            }
        }
        Ok(())
    }

    /// Notes that something about an environment has changed that no journal names.
    pub(crate) async fn touch_environment(&self, id: &str) -> Result<(), ExecutionError> {
        let kept = self.home().environment(id).await?;
        kept.due.lock().note(Instant::now());
        Ok(())
    }

    /// The journals of the open cells that see an environment.
    fn journals_of(&self, environment: &str) -> Vec<Arc<Journal>> {
        let known = self.known().lock();
        let seeing = known.values().filter(|execution| execution.sees(environment));
        seeing.filter_map(|execution| execution.open_journal()).collect()
    }
}

/// Where what is known of an environment stands, in the state directory and in the store.
fn about_of(id: &str) -> String {
    format!("environments/{id}/{ABOUT}")
}

/// The environments of the state directory, and their directories.
fn here(home: &Home) -> Result<Vec<(String, Dir)>, ExecutionError> {
    let all = match home.directory.open_dir("environments") {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        all => all.map_err(ExecutionError::state("read", "environments"))?,
    };
    let ids = names(&all, "environments")?.into_iter().filter(|id| plain(id).is_ok());
    let open = |id: String| match all.open_dir(&id) {
        // It has been removed since it was listed.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        opened => Some(opened.map(|directory| (id, directory))),
    };
    ids.filter_map(open)
        .collect::<Result<_, _>>()
        .map_err(ExecutionError::state("open", "environments"))
}

/// The versions that the environments of the state directory are known to have.
pub(super) fn versions_in_use(home: &Home) -> Result<Vec<(Owner, u64)>, ExecutionError> {
    let mut used = Vec::new();
    for (id, directory) in here(home)? {
        if let Some(followed) = Followed::load(&directory, &id)? {
            used.push((Owner::Environment(id), followed.version));
        }
    }
    Ok(used)
}

/// Whether there is anything in an environment's journals that was not taken over.
fn is_behind(home: &Home, directory: &Dir, id: &str) -> Result<bool, ExecutionError> {
    let Ok(doors) = directory.open_dir("journal") else { return Ok(false) };
    let Some(followed) = Followed::load(directory, id)? else { return Ok(true) };
    let behind = |journal: &Dir, cursor: &Cursor| -> Result<bool, ExecutionError> {
        let end = journal::end(journal).map_err(PersistError::from)?;
        Ok(end != cursor.position() && end != Position::default() || !cursor.is_settled())
    };
    let mut found = behind(&doors, &followed.doors)?;
    for (execution, cursor) in &followed.executions {
        if let Ok(journal) = home.executions.open_dir(format!("{execution}/journal")) {
            found |= behind(&journal, cursor)?;
        }
    }
    Ok(found)
}
