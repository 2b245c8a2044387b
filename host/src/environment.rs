//! An environment: a file space that lives longer than any execution, and that executions bound to
//! it see at `/workspace`.

use std::path::Path;
use std::sync::Arc;

use cap_std::fs::{Dir, File};

use crate::ambient;
use crate::cell;
use crate::door::{Door, INCOMING};
use crate::error::Error;
use crate::journal::{Durability, Journal, Keep};
use crate::path::GuestPath;
use crate::policy::{Access, Grant, Quota, Region, Rights};
use crate::vfs::{Mediator, MountSpec, Space};

/// Where an execution sees its environment, and where its paths begin in the journal.
pub const ENVIRONMENT_MOUNT: &str = "/workspace";

/// The region's name.
pub const ENVIRONMENT_REGION: &str = "environment";

/// What an environment may hold, unless something else is said.
pub const ENVIRONMENT_QUOTA: Quota = Quota { bytes: 10 << 30, entries: 5 * Quota::DEFAULT_ENTRIES };

/// An open environment. One process has it open at a time; its cells share it.
#[derive(Debug)]
pub struct Environment {
    space: Arc<Space>,
    doors: Arc<Space>,
    journal: Arc<Journal>,
    region: Arc<Region>,
    _lock: File,
}

impl Environment {
    /// Opens the environment in this directory, making it if need be.
    ///
    /// # Errors
    /// When another process has it open, or it cannot be read.
    pub fn open(path: &Path, quota: Quota) -> Result<Environment, Error> {
        let directory = ambient::create_private_dir_ambient(path)
            .map_err(|error| Error::io(format!("the environment {}", path.display()), error))?;
        let lock = cell::lock(&directory, path)?;
        let region = Region::new(ENVIRONMENT_REGION, Access::ReadWrite, quota);
        let root = cell::subdirectory(&directory, "files")?;
        let journal = cell::subdirectory(&directory, "journal")?;
        let (journal, earlier) = Journal::open(journal, Keep::Off, Durability::Execution)?;
        let journal = Arc::new(journal);
        let mount = cell::mount(ENVIRONMENT_MOUNT, region.clone(), root)?;
        let space = Space::open(vec![mount], journal.clone(), earlier.records())
            .map_err(|error| Error::io("the environment's files", error))?;
        let doors = space.with_incoming(incoming(&directory, [region.clone()])?);
        let (space, doors) = (Arc::new(space), Arc::new(doors));
        Ok(Environment { space, doors, journal, region, _lock: lock })
    }

    /// A door to its files. The journal names it, and the request.
    ///
    /// # Errors
    /// When the journal has no more numbers.
    pub fn door(&self, name: &str, request: &str) -> Result<Door, Error> {
        let actor = self.journal.actor(request, name, "")?;
        let grant = Grant::new(actor, vec![(self.region.clone(), Rights::ReadWrite)]);
        Ok(Door::new(Mediator::new(self.doors.clone(), grant)))
    }

    /// What it holds and may hold.
    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// The record of what its doors changed. What executions change is in their own.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    pub(crate) fn space(&self) -> &Arc<Space> {
        &self.space
    }

    /// Hands everything over to the disk.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn settle(&self) -> Result<(), Error> {
        self.journal.close()?;
        self.journal.sync()?;
        self.space.sync().map_err(|error| Error::io("the environment to sync it", error))
    }
}

/// The places below `directory` where files for these regions are received, emptied of what a
/// crash left there.
pub(crate) fn incoming(
    directory: &Dir,
    regions: impl IntoIterator<Item = Arc<Region>>,
) -> Result<Vec<MountSpec>, Error> {
    match directory.remove_dir_all("incoming") {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("the directory of files being received", error));
        }
        _ => {}
    }
    let writable = regions.into_iter().filter(|region| region.access() == Access::ReadWrite);
    let specs = writable.map(|region| {
        let root = cell::subdirectory(directory, &format!("incoming/{}", region.name()))?;
        let at = GuestPath::parse(&GuestPath::root(), &format!("{INCOMING}/{}", region.name()))
            .map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(MountSpec { at, region, root })
    });
    specs.collect()
}
