//! The beginning of an execution: its directory, its `shared/`, its staged files. All of it, or it
//! was never there.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use cap_std::fs::{Dir, File};
use serde_json::{Value, json};

use super::ExecutionError;
use super::home::{Executions, Home, plain};
use super::record::{ExecutionRecord, Status};
use super::run::{Execution, SHARED};
use super::staged::StagedFile;
use crate::ambient;
use crate::cell::Cell;
use crate::persist::{Owner, Tree, restore};

/// What an execution is started with.
#[derive(Debug, Clone, Default)]
pub struct StartRequest {
    /// Its id; a new UUID where none is given.
    pub id: Option<String>,
    /// The agent whose `shared/` it gets.
    pub agent: String,
    /// Whose it is.
    pub organization: Option<String>,
    /// The environment that it sees at `/workspace`.
    pub environment: Option<String>,
    /// Ids of staged files that are put into `uploads/`.
    pub staged: Vec<String>,
    /// Files of the host that are put there too.
    pub files: Vec<HostFile>,
    /// What the caller gives it to work with.
    pub inputs: Value,
    /// What the caller wants to remember with it.
    pub metadata: Value,
}

/// A file of the host that goes into `uploads/`.
#[derive(Debug, Clone)]
pub struct HostFile {
    /// The name it gets.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

impl Executions {
    /// Starts an execution. When this returns, it is on the disk.
    ///
    /// # Errors
    /// When a staged file has expired, `shared/` cannot be restored, or a file does not fit. Then
    /// there is no execution.
    pub async fn start(&self, request: StartRequest) -> Result<Arc<Execution>, ExecutionError> {
        let home = self.home();
        plain(&request.agent)?;
        let id = request.id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        plain(&id)?;
        let staged: Vec<(StagedFile, File)> = request
            .staged
            .iter()
            .map(|id| home.staged.get(id, request.organization.as_deref()))
            .collect::<Result<_, _>>()?;
        let mut record = ExecutionRecord::new(&id, &request.agent);
        record.organization = request.organization.clone();
        record.environment = request.environment.clone();
        record.inputs = request.inputs.clone();
        record.metadata = request.metadata.clone();
        if home.executions.exists(&id) {
            return Err(ExecutionError::Exists(id));
        }
        // The mark comes first: what is cut off after it is found by it.
        mark(home, &id)?;
        home.executions.create_dir(&id).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => ExecutionError::Exists(id.clone()),
            _ => ExecutionError::state("make", format!("executions/{id}"))(error),
        })?;
        match begin(home, record, &staged, &request.files).await {
            Ok((directory, record, cell)) => {
                let execution = Execution::new(home.clone(), directory, record);
                execution.adopt(cell).await;
                execution.log(json!({ "activityType": "status_changed", "status": "running" }))?;
                let execution = self.keep(execution);
                self.park_idle().await;
                Ok(execution)
            }
            Err(error) => {
                discard(home, &id);
                Err(error)
            }
        }
    }

    /// The execution of this id; one that is not there is started for `agent`.
    ///
    /// # Errors
    /// As [`Executions::get`] and [`Executions::start`].
    pub async fn get_or_start(
        &self,
        id: &str,
        agent: &str,
    ) -> Result<Arc<Execution>, ExecutionError> {
        match self.get(id) {
            Err(ExecutionError::NotFound(_)) => {}
            found => return found,
        }
        let request = StartRequest {
            id: Some(id.to_owned()),
            agent: agent.to_owned(),
            ..StartRequest::default()
        };
        match self.start(request).await {
            Err(ExecutionError::Exists(_)) => self.adopt(id, agent),
            started => started,
        }
    }

    /// Takes over a cell's directory that is no execution's yet: all that was changed in it counts
    /// as the execution's own.
    fn adopt(&self, id: &str, agent: &str) -> Result<Arc<Execution>, ExecutionError> {
        let home = self.home();
        let directory = home
            .executions
            .open_dir(id)
            .map_err(ExecutionError::state("open", format!("executions/{id}")))?;
        let mut record = match ExecutionRecord::load(&directory, id)? {
            // Another process is starting it, or was killed while it did.
            Some(_) => return Err(ExecutionError::Exists(id.to_owned())),
            None => ExecutionRecord::new(id, agent),
        };
        mark(home, id)?;
        record.status = Status::Running;
        record.started_ns = Some(record.created_ns);
        record.base_seq = 1;
        record.store(&directory)?;
        Ok(self.keep(Execution::new(home.clone(), directory, record)))
    }
}

async fn begin(
    home: &Arc<Home>,
    mut record: ExecutionRecord,
    staged: &[(StagedFile, File)],
    files: &[HostFile],
) -> Result<(Dir, ExecutionRecord, Cell), ExecutionError> {
    let id = record.id.clone();
    let directory = home
        .executions
        .open_dir(&id)
        .map_err(ExecutionError::state("open", format!("executions/{id}")))?;
    // From here on it is locked: another process that looks for what was cut off leaves it alone.
    let cell = home.runtime.open_cell(home.cell_options(&record).await?)?;
    // Again, for another process may have taken the mark of what it did not find.
    mark(home, &id)?;
    record.store(&directory)?;
    let versions = home.versions(Owner::Agent(record.agent.clone()))?;
    let version = match home.shared_is_mapped() {
        true => Arc::default(),
        false => versions.latest().await?,
    };
    if !version.tree.is_empty() {
        let door = cell.door("restore", &id)?;
        let trees = (&Tree::new(), &version.tree);
        restore(trees, versions.blobs(), (&door, SHARED)).await?;
    }
    record.base_version = version.number;
    record.base_seq = cell.journal().next_seq();
    for (meta, file) in staged {
        let file = file.try_clone().map_err(ExecutionError::state("read", &*meta.name))?;
        attach(&cell, &id, &meta.name, file.into_std())?;
    }
    for HostFile { name, path } in files {
        let file = ambient::open_file_ambient(path)
            .map_err(ExecutionError::state("open", path.display().to_string()))?;
        attach(&cell, &id, name, file)?;
    }
    cell.announce()?;
    record.status = Status::Running;
    record.started_ns = Some(ambient::now_ns());
    record.store(&directory)?;
    Ok((directory, record, cell))
}

/// Marks an execution as one that has not ended.
fn mark(home: &Home, id: &str) -> Result<(), ExecutionError> {
    home.live.write(id, "").map_err(ExecutionError::state("make", format!("live/{id}")))
}

/// Puts a file into `uploads/`. The later of two with one name wins.
fn attach(
    cell: &Cell,
    execution: &str,
    name: &str,
    mut file: std::fs::File,
) -> Result<(), ExecutionError> {
    let path = format!("/home/agent/uploads/{name}");
    let failed = |fault| ExecutionError::file("attach", &path, fault);
    let door = cell.door("staged", execution)?;
    let mut incoming = door.receive("uploads").map_err(failed)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(ExecutionError::state("read", name))? {
            0 => break,
            length => incoming.write(&buffer[..length]).map_err(failed)?,
        }
    }
    incoming.publish(&path, true).map_err(failed)?;
    Ok(())
}

/// Removes what there is of an execution that nobody was told of.
pub(super) fn discard(home: &Home, id: &str) {
    let _ = home.executions.remove_dir_all(id);
    let _ = home.live.remove_file(id);
}
