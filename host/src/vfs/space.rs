//! The mount table of a cell: which directory of the host stands where in the guest's namespace.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cap_std::fs::{Dir, MetadataExt as _};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};

use super::inode::InodeTable;
use super::synthetic::Tree;
use crate::journal::{Facts, Journal, Record, recover};
use crate::path::{GuestPath, Parts};
use crate::policy::{Access, Quota, Region, SYSTEM_REGION};

/// Directories deeper than this are not counted at open, and a region that has them is refused:
/// the scan's own stack must be bounded.
const MAX_SCAN_DEPTH: usize = 512;

/// A directory of the host and where guests see it.
#[derive(Debug)]
pub struct MountSpec {
    /// The guest path.
    pub at: GuestPath,
    /// The region whose rights and quota apply.
    pub region: Arc<Region>,
    /// The directory.
    pub root: Dir,
}

/// A region, and where it is mounted.
#[derive(Debug)]
pub struct SpaceUse {
    /// The guest path.
    pub at: GuestPath,
    /// The region, whose ledger says how full it is.
    pub region: Arc<Region>,
}

/// One mounted directory.
#[derive(Debug)]
pub(super) struct Mount {
    pub(super) at: GuestPath,
    pub(super) region: Arc<Region>,
    pub(super) root: Arc<OwnedFd>,
    pub(super) inodes: InodeTable,
    /// Counts renamed directories: paths noted before a rename may be out of date after it.
    generation: AtomicU64,
    /// Whether anything was changed since the last sync.
    changed: AtomicBool,
    /// Whether it holds what a door of the host is receiving. No guest sees it.
    pub(super) incoming: bool,
}

impl Mount {
    fn new(MountSpec { at, region, root }: MountSpec, incoming: bool) -> Arc<Mount> {
        Arc::new(Mount {
            at,
            region,
            root: Arc::new(root.into()),
            inodes: InodeTable::default(),
            generation: AtomicU64::new(0),
            changed: AtomicBool::new(false),
            incoming,
        })
    }

    pub(super) fn note_change(&self) {
        self.changed.store(true, Ordering::Release);
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn directory_renamed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// The whole namespace of a cell, with its journal.
#[derive(Debug)]
pub struct Space {
    /// Longest guest path first, so that the first prefix found is the right one.
    mounts: Vec<Arc<Mount>>,
    pub(super) synthetic: Arc<Tree>,
    pub(super) system: Arc<Region>,
    /// Without one, nothing can be changed.
    journal: Option<Arc<Journal>>,
}

impl Space {
    /// Mounts the directories, counts what the regions hold, and closes the records that
    /// `earlier` left open.
    ///
    /// # Errors
    /// When a region cannot be scanned, or the journal cannot be written.
    pub fn open(
        specs: Vec<MountSpec>,
        journal: Arc<Journal>,
        earlier: &[Record],
    ) -> io::Result<Space> {
        let mounts = specs.into_iter().map(|spec| Mount::new(spec, false)).collect();
        let space = Space {
            mounts: longest_first(mounts),
            synthetic: Arc::new(Tree::new([])),
            system: Region::new(SYSTEM_REGION, Access::ReadOnly, Quota::UNLIMITED),
            journal: Some(journal.clone()),
        };
        recover(&journal, earlier, |path| space.facts_ambient(path));
        journal.flush().map_err(io::Error::other)?;
        space.count()?;
        Ok(space)
    }

    /// The same, with what the host provides of its own.
    #[must_use]
    pub fn with_tree(self, synthetic: Arc<Tree>) -> Space {
        Space { synthetic, ..self }
    }

    /// The same namespace as the host's own doors see it, with places where files are received
    /// before they have their names. What is received counts for its region from the first byte.
    #[must_use]
    pub fn with_incoming(&self, incoming: Vec<MountSpec>) -> Space {
        let incoming = incoming.into_iter().map(|spec| Mount::new(spec, true));
        Space {
            mounts: longest_first(self.mounts.iter().cloned().chain(incoming).collect()),
            synthetic: self.synthetic.clone(),
            system: self.system.clone(),
            journal: self.journal.clone(),
        }
    }

    /// The same namespace, with the regions of another one beside its own. Both see the same
    /// files and count for the same quotas; each records what it changes in its own journal.
    #[must_use]
    pub fn joined(self, other: &Space) -> Space {
        let mounts = self.mounts.into_iter().chain(other.mounts.iter().cloned());
        Space { mounts: longest_first(mounts.collect()), ..self }
    }

    /// A namespace without regions or journal: there is nothing to see or change.
    pub(crate) fn empty() -> Space {
        Space {
            mounts: Vec::new(),
            synthetic: Arc::new(Tree::new([])),
            system: Region::new(SYSTEM_REGION, Access::ReadOnly, Quota::UNLIMITED),
            journal: None,
        }
    }

    /// The region of what the host itself provides. Grants name it to let `/dev` be read.
    pub fn system_region(&self) -> &Arc<Region> {
        &self.system
    }

    /// The regions, each once.
    pub fn regions(&self) -> Vec<Arc<Region>> {
        let mut regions: Vec<Arc<Region>> = Vec::new();
        for mount in &self.mounts {
            if !regions.iter().any(|region| Arc::ptr_eq(region, &mount.region)) {
                regions.push(mount.region.clone());
            }
        }
        regions
    }

    /// How full each region is, where it is mounted first.
    pub fn uses(&self) -> impl Iterator<Item = SpaceUse> {
        self.regions().into_iter().filter_map(|region| {
            let mount = self.mounts.iter().find(|mount| Arc::ptr_eq(&mount.region, &region))?;
            Some(SpaceUse { at: mount.at.clone(), region })
        })
    }

    /// How full the region is that a path lies in, if it lies in one.
    pub fn use_of(&self, path: &GuestPath) -> Option<SpaceUse> {
        let (mount, _) = self.mount_of(path)?;
        Some(SpaceUse { at: mount.at.clone(), region: mount.region.clone() })
    }

    /// The journal, if there is one.
    pub fn journal(&self) -> Option<&Arc<Journal>> {
        self.journal.as_ref()
    }

    /// Waits until everything that was changed in any region is on the disk, names included.
    ///
    /// # Errors
    /// When a disk says no.
    pub fn sync(&self) -> io::Result<()> {
        let mut synced = HashSet::new();
        for mount in self.mounts.iter().filter(|mount| mount.changed.load(Ordering::Acquire)) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let root = rustix::fs::openat(mount.root.as_fd(), ".", flags, Mode::empty())?;
            if synced.insert(rustix::fs::fstat(&root)?.st_dev) {
                rustix::fs::syncfs(&root)?;
            }
            mount.changed.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// The mount that holds `path`, and what is left of the path below it.
    pub(super) fn mount_of<'a>(&self, path: &'a GuestPath) -> Option<(&Arc<Mount>, &'a str)> {
        self.mounts.iter().find_map(|mount| Some((mount, path.below(&mount.at)?)))
    }

    /// The mount whose root is exactly `path`.
    pub(super) fn mount_at(&self, path: &GuestPath) -> Option<&Arc<Mount>> {
        self.mounts.iter().find(|mount| mount.at == *path)
    }

    /// Names directly below `directory` at which something is mounted.
    pub(super) fn mounts_below<'a>(
        &'a self,
        directory: &'a GuestPath,
    ) -> impl Iterator<Item = &'a str> {
        self.mounts.iter().filter_map(move |mount| {
            let rest = mount.at.below(directory)?;
            rest.split('/').next().filter(|name| !name.is_empty())
        })
    }

    /// Sets each writable region's totals to what its directories hold.
    fn count(&self) -> io::Result<()> {
        for region in self.regions() {
            if region.access() == Access::ReadOnly {
                continue;
            }
            let mut totals = Totals::default();
            for mount in self.mounts.iter().filter(|mount| Arc::ptr_eq(&mount.region, &region)) {
                totals.add(mount.root.as_fd(), 0)?;
            }
            region.ledger().rebase(totals.bytes, totals.entries);
        }
        Ok(())
    }

    /// What is at a journal's path now. Symbolic links are not followed anywhere.
    fn facts_ambient(&self, path: &str) -> Facts {
        let Ok(path) = GuestPath::parse(&GuestPath::root(), path) else { return Facts::Absent };
        let Some((mount, rest)) = self.mount_of(&path) else { return Facts::Absent };
        let Ok(parts) = Parts::new(rest) else { return Facts::Absent };
        super::resolve::facts_beneath(&mount.root, parts)
    }
}

fn longest_first(mut mounts: Vec<Arc<Mount>>) -> Vec<Arc<Mount>> {
    mounts.sort_by_key(|mount| std::cmp::Reverse(mount.at.as_str().len()));
    mounts
}

#[derive(Default)]
struct Totals {
    bytes: u64,
    entries: u64,
    linked: HashSet<(u64, u64)>,
}

impl Totals {
    fn add(&mut self, directory: BorrowedFd<'_>, depth: usize) -> io::Result<()> {
        if depth > MAX_SCAN_DEPTH {
            return Err(io::Error::other("a region holds directories nested too deeply"));
        }
        // The handle itself may be good for resolving names only.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let listing = rustix::fs::openat(directory, ".", flags, Mode::empty())?;
        for entry in rustix::fs::Dir::new(listing)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            self.entries += 1;
            match entry.file_type() {
                FileType::Directory => {
                    let flags =
                        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let below = rustix::fs::openat(directory, name, flags, Mode::empty())?;
                    self.add(below.as_fd(), depth + 1)?;
                }
                FileType::RegularFile | FileType::Unknown => {
                    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
                    let first =
                        stat.st_nlink == 1 || self.linked.insert((stat.st_dev, stat.st_ino));
                    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && first {
                        self.bytes += u64::try_from(stat.st_size).unwrap_or(0);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether two directories are the same one of the host.
///
/// # Errors
/// When either cannot be examined.
pub fn same_directory(one: &Dir, other: &Dir) -> io::Result<bool> {
    let (one, other) = (one.dir_metadata()?, other.dir_metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}
