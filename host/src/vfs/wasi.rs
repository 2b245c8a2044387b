//! `wasi:filesystem` 0.2, translated into the mediator's terms and back.
//!
//! Nothing is decided here. What a guest learns of a failure is one error code; the reason stays
//! with the process, for the agent ([`Failures`]).

use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::{FileType, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;
use wasmtime::component::{HasData, Resource, ResourceTable, ResourceTableError};
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use super::backing::Position;
use super::fault::Fault;
use super::handle::Node;
use super::mediator::{Listing, MAX_TRANSFER, Mediator, Metadata, OpenHow};
use super::resolve::Follow;
use super::streams::{FileInput, FileOutput};
use crate::policy::Denied;

pub(crate) mod bindings {
    #![expect(missing_docs, reason = "generated from the WIT files, which say more")]
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolcell:tool/filesystem",
        imports: { default: trappable },
        trappable_error_type: { "wasi:filesystem/types.error-code" => super::FsError },
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:filesystem/types.descriptor": super::Descriptor,
            "wasi:filesystem/types.directory-entry-stream": super::ReadDirectory,
        },
        require_store_data_send: true,
    });
}
pub use bindings::wasi::filesystem::{preopens, types};
use types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, Filesize,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};

/// Descriptors and listings that one process may have open. Each is a file of the host's, of
/// which there is a limited number for all.
pub const MAX_DESCRIPTORS: usize = 1_024;

/// An error code for the guest, or a trap. Unlike an ordinary error value it costs no allocation:
/// "no such file" is the most frequent answer of a filesystem.
#[derive(Debug)]
pub enum FsError {
    /// The guest's business.
    Code(ErrorCode),
    /// The end of the guest.
    Trap(wasmtime::Error),
}

impl From<ErrorCode> for FsError {
    fn from(code: ErrorCode) -> FsError {
        FsError::Code(code)
    }
}

impl From<ResourceTableError> for FsError {
    fn from(error: ResourceTableError) -> FsError {
        match error {
            ResourceTableError::Full => FsError::Code(ErrorCode::InsufficientMemory),
            error => FsError::Trap(error.into()),
        }
    }
}

type FsResult<T> = Result<T, FsError>;

/// An open descriptor in a guest's table.
#[derive(Debug)]
pub struct Descriptor(Node);

/// An open listing in a guest's table.
#[derive(Debug)]
pub struct ReadDirectory(Listing);

/// What a process met that WASI has no way to say in full.
#[derive(Debug, Clone, Default)]
pub struct Failures(Arc<Mutex<Latest>>);

#[derive(Debug, Default)]
struct Latest {
    /// The refusal, for the agent: the guest itself got only a code.
    denied: Option<Denied>,
    /// Why a stream failed: the guest's library learns only that it did.
    stream: Option<Errno>,
}

impl Failures {
    /// Remembers a fault if policy made it.
    pub(crate) fn note(&self, fault: &Fault) {
        if let Fault::Denied(denied) = fault {
            self.0.lock().denied = Some(denied.clone());
        }
    }

    /// Remembers a fault that ends an operation of a stream.
    pub(crate) fn note_stream(&self, fault: &Fault) {
        self.note(fault);
        self.0.lock().stream = Some(fault.errno());
    }

    /// The latest refusal.
    pub fn denied(&self) -> Option<Denied> {
        self.0.lock().denied.clone()
    }

    /// Why a stream failed, the last time one did.
    pub fn stream(&self) -> Option<Errno> {
        self.0.lock().stream
    }
}

/// What one process has of the filesystem.
#[derive(Debug)]
pub struct FsContext {
    mediator: Arc<Mediator>,
    failures: Failures,
    working: Option<String>,
    open: usize,
    /// Whether [`MAX_DESCRIPTORS`] stopped an open.
    pub descriptors_exhausted: bool,
}

impl FsContext {
    /// The filesystem as `mediator` lets it be seen; what fails is remembered in `failures`.
    pub fn new(mediator: Arc<Mediator>, failures: Failures) -> FsContext {
        FsContext { mediator, failures, working: None, open: 0, descriptors_exhausted: false }
    }

    /// Lets relative paths begin in this directory, for a program that knows of none: it is
    /// preopened first, as `.`, and beside it what the root holds. A library that makes every
    /// path absolute, as C's does on WASI, comes to the same.
    pub fn work_in(&mut self, path: &str) {
        self.working = Some(path.to_owned());
    }

    /// The mediator that this process goes through.
    pub fn mediator(&self) -> &Arc<Mediator> {
        &self.mediator
    }

    /// What policy refused it.
    pub fn failures(&self) -> &Failures {
        &self.failures
    }

    fn take_slot(&mut self) -> FsResult<()> {
        if self.open >= MAX_DESCRIPTORS {
            self.descriptors_exhausted = true;
            return Err(ErrorCode::InsufficientMemory.into());
        }
        self.open += 1;
        Ok(())
    }
}

/// What the generated traits are implemented on: a process's filesystem and its resource table.
pub struct FsView<'a> {
    /// The process's filesystem.
    pub context: &'a mut FsContext,
    /// Its resource table.
    pub table: &'a mut ResourceTable,
}

/// Tells the linker how to get at an [`FsView`].
pub struct HasFs;

impl HasData for HasFs {
    type Data<'a> = FsView<'a>;
}

impl FsView<'_> {
    fn node(&self, descriptor: &Resource<Descriptor>) -> FsResult<Node> {
        Ok(self.table.get(descriptor)?.0.clone())
    }

    fn push(&mut self, node: Node) -> FsResult<Resource<Descriptor>> {
        self.context.take_slot()?;
        Ok(self.table.push(Descriptor(node))?)
    }

    /// Runs an operation by the mediator; a refusal is remembered, the code goes to the guest.
    fn mediate<T>(&self, run: impl FnOnce(&Mediator) -> Result<T, Fault>) -> FsResult<T> {
        run(&self.context.mediator).map_err(|fault| {
            self.context.failures.note(&fault);
            FsError::Code(error_code(fault.errno()))
        })
    }

    fn output(&mut self, node: Node, position: Position) -> FsResult<Resource<DynOutputStream>> {
        match &node {
            Node::Directory(_) => return Err(ErrorCode::IsDirectory.into()),
            Node::File(file) if !file.writable => return Err(ErrorCode::BadDescriptor.into()),
            Node::Synthetic(handle) if !handle.writable => {
                return Err(ErrorCode::BadDescriptor.into());
            }
            _ => {}
        }
        let mediator = self.context.mediator.clone();
        let stream: DynOutputStream = match mediator.stream(&node) {
            Some((number, streams)) => streams.writer(number).ok_or(ErrorCode::BadDescriptor)?,
            None => {
                let failures = self.context.failures.clone();
                Box::new(FileOutput { mediator, node, position, failures })
            }
        };
        Ok(self.table.push(stream)?)
    }
}

impl preopens::Host for FsView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let mediator = self.context.mediator.clone();
        let working = self.context.working.as_deref().filter(|path| *path != "/");
        let directory = OpenHow { directory: true, ..OpenHow::READ };
        // One that is gone by now is no place to begin in.
        let Some(here) = working.and_then(|path| mediator.open(path, directory).ok()) else {
            let root = self.push(mediator.root()).map_err(trap)?;
            return Ok(vec![(root, "/".to_owned())]);
        };
        let mut opened = vec![(self.push(here).map_err(trap)?, ".".to_owned())];
        let names = mediator.names(&mediator.root(), MAX_DESCRIPTORS).unwrap_or_default();
        for (name, _) in names {
            let path = format!("/{name}");
            if let Ok(node) = mediator.open(&path, directory) {
                opened.push((self.push(node).map_err(trap)?, path));
            }
        }
        Ok(opened)
    }
}

fn trap(error: FsError) -> wasmtime::Error {
    match error {
        FsError::Code(code) => wasmtime::Error::msg(format!("{code:?}")),
        FsError::Trap(error) => error,
    }
}

impl types::Host for FsView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        match error {
            FsError::Code(code) => Ok(code),
            FsError::Trap(error) => Err(error),
        }
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<ErrorCode>().copied())
    }
}

impl types::HostDescriptor for FsView<'_> {
    fn open_at(
        &mut self,
        at: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let unsupported = DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC;
        if flags.intersects(unsupported) {
            return Err(ErrorCode::Unsupported.into());
        }
        let how = OpenHow {
            read: flags.contains(DescriptorFlags::READ),
            write: flags.contains(DescriptorFlags::WRITE),
            create: open_flags.contains(OpenFlags::CREATE),
            exclusive: open_flags.contains(OpenFlags::EXCLUSIVE),
            truncate: open_flags.contains(OpenFlags::TRUNCATE),
            directory: open_flags.contains(OpenFlags::DIRECTORY),
            follow: follow(path_flags),
        };
        if how.directory && (how.create || how.exclusive || how.truncate) {
            return Err(ErrorCode::Invalid.into());
        }
        if self.context.open >= MAX_DESCRIPTORS {
            // Before anything is created or truncated.
            self.context.descriptors_exhausted = true;
            return Err(ErrorCode::InsufficientMemory.into());
        }
        let at = self.node(&at)?;
        let node = self.mediate(|mediator| mediator.open_at(&at, &path, how))?;
        self.push(node)
    }

    fn read(
        &mut self,
        file: Resource<Descriptor>,
        length: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        let node = self.node(&file)?;
        let data = self.mediate(|mediator| mediator.read(&node, length, offset))?;
        // A regular file gives less than was asked for only at its end, or at our own limit.
        let asked = length.min(MAX_TRANSFER as u64);
        let end = match node {
            Node::File(_) => (data.len() as u64) < asked,
            Node::Directory(_) | Node::Synthetic(_) => data.is_empty() && length > 0,
        };
        Ok((data, end))
    }

    fn write(
        &mut self,
        file: Resource<Descriptor>,
        data: Vec<u8>,
        offset: Filesize,
    ) -> FsResult<Filesize> {
        let node = self.node(&file)?;
        let position = Position::At(offset);
        Ok(self.mediate(|mediator| mediator.write(&node, &data, position))? as u64)
    }

    fn read_via_stream(
        &mut self,
        file: Resource<Descriptor>,
        offset: Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        let node = self.node(&file)?;
        match &node {
            Node::Directory(_) => return Err(ErrorCode::IsDirectory.into()),
            Node::File(file) if !file.readable => return Err(ErrorCode::BadDescriptor.into()),
            _ => {}
        }
        let mediator = self.context.mediator.clone();
        let stream: DynInputStream = match mediator.stream(&node) {
            Some((number, streams)) => streams.reader(number).ok_or(ErrorCode::BadDescriptor)?,
            None => {
                let failures = self.context.failures.clone();
                Box::new(FileInput { mediator, node, offset, failures })
            }
        };
        Ok(self.table.push(stream)?)
    }

    fn write_via_stream(
        &mut self,
        file: Resource<Descriptor>,
        offset: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        let node = self.node(&file)?;
        self.output(node, Position::At(offset))
    }

    fn append_via_stream(
        &mut self,
        file: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let node = self.node(&file)?;
        self.output(node, Position::End)
    }

    fn set_size(&mut self, file: Resource<Descriptor>, size: Filesize) -> FsResult<()> {
        let node = self.node(&file)?;
        self.mediate(|mediator| mediator.set_size(&node, size))
    }

    fn set_times(
        &mut self,
        file: Resource<Descriptor>,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let times = timestamps(accessed, modified)?;
        let node = self.node(&file)?;
        self.mediate(|mediator| mediator.set_times(&node, &times))
    }

    fn set_times_at(
        &mut self,
        at: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let times = timestamps(accessed, modified)?;
        let at = self.node(&at)?;
        self.mediate(|mediator| mediator.set_times_at(&at, &path, follow(path_flags), &times))
    }

    fn create_directory_at(&mut self, at: Resource<Descriptor>, path: String) -> FsResult<()> {
        let at = self.node(&at)?;
        self.mediate(|mediator| mediator.create_directory(&at, &path))
    }

    fn remove_directory_at(&mut self, at: Resource<Descriptor>, path: String) -> FsResult<()> {
        let at = self.node(&at)?;
        self.mediate(|mediator| mediator.remove_directory(&at, &path))
    }

    fn unlink_file_at(&mut self, at: Resource<Descriptor>, path: String) -> FsResult<()> {
        let at = self.node(&at)?;
        self.mediate(|mediator| mediator.unlink_file(&at, &path))
    }

    fn rename_at(
        &mut self,
        at: Resource<Descriptor>,
        old: String,
        to: Resource<Descriptor>,
        new: String,
    ) -> FsResult<()> {
        let (at, to) = (self.node(&at)?, self.node(&to)?);
        self.mediate(|mediator| mediator.rename(&at, &old, &to, &new))
    }

    fn link_at(
        &mut self,
        at: Resource<Descriptor>,
        path_flags: PathFlags,
        old: String,
        to: Resource<Descriptor>,
        new: String,
    ) -> FsResult<()> {
        if path_flags.contains(PathFlags::SYMLINK_FOLLOW) {
            return Err(ErrorCode::Invalid.into());
        }
        let (at, to) = (self.node(&at)?, self.node(&to)?);
        self.mediate(|mediator| mediator.link(&at, &old, &to, &new))
    }

    fn symlink_at(
        &mut self,
        at: Resource<Descriptor>,
        target: String,
        path: String,
    ) -> FsResult<()> {
        let at = self.node(&at)?;
        self.mediate(|mediator| mediator.symlink(&at, &target, &path))
    }

    fn readlink_at(&mut self, at: Resource<Descriptor>, path: String) -> FsResult<String> {
        let at = self.node(&at)?;
        self.mediate(|mediator| mediator.read_link_at(&at, &path))
    }

    fn read_directory(
        &mut self,
        directory: Resource<Descriptor>,
    ) -> FsResult<Resource<ReadDirectory>> {
        let node = self.node(&directory)?;
        self.context.take_slot()?;
        match self.mediate(|mediator| mediator.read_directory(&node)) {
            Ok(listing) => Ok(self.table.push(ReadDirectory(listing))?),
            Err(error) => {
                self.context.open -= 1;
                Err(error)
            }
        }
    }

    fn stat(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        let node = self.node(&file)?;
        Ok(stat(self.mediate(|mediator| mediator.stat(&node))?))
    }

    fn stat_at(
        &mut self,
        at: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let at = self.node(&at)?;
        Ok(stat(self.mediate(|mediator| mediator.stat_at(&at, &path, follow(path_flags)))?))
    }

    fn get_flags(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        let (read, write) = match self.node(&file)? {
            Node::Directory(_) => {
                return Ok(DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY);
            }
            Node::File(file) => (file.readable, file.writable),
            Node::Synthetic(handle) => (true, handle.writable),
        };
        let flag = |on, flag| if on { flag } else { DescriptorFlags::empty() };
        Ok(flag(read, DescriptorFlags::READ) | flag(write, DescriptorFlags::WRITE))
    }

    fn get_type(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorType> {
        let node = self.node(&file)?;
        Ok(match node {
            Node::Directory(_) => DescriptorType::Directory,
            Node::File(_) => DescriptorType::RegularFile,
            Node::Synthetic(_) => kind(self.mediate(|mediator| mediator.stat(&node))?.kind),
        })
    }

    fn advise(
        &mut self,
        _: Resource<Descriptor>,
        _: Filesize,
        _: Filesize,
        _: Advice,
    ) -> FsResult<()> {
        Ok(())
    }

    fn sync(&mut self, file: Resource<Descriptor>) -> FsResult<()> {
        let node = self.node(&file)?;
        self.mediate(|mediator| mediator.sync(&node, false))
    }

    fn sync_data(&mut self, file: Resource<Descriptor>) -> FsResult<()> {
        let node = self.node(&file)?;
        self.mediate(|mediator| mediator.sync(&node, true))
    }

    fn is_same_object(
        &mut self,
        one: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        let identity = |view: &Self, descriptor: &Resource<Descriptor>| {
            let node = view.node(descriptor).map_err(trap)?;
            view.mediate(|mediator| mediator.stat(&node)).map_err(trap)
        };
        Ok(identity(self, &one)?.identity == identity(self, &other)?.identity)
    }

    fn metadata_hash(&mut self, file: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        let node = self.node(&file)?;
        Ok(hash(self.mediate(|mediator| mediator.stat(&node))?))
    }

    fn metadata_hash_at(
        &mut self,
        at: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        let at = self.node(&at)?;
        Ok(hash(self.mediate(|mediator| mediator.stat_at(&at, &path, follow(path_flags)))?))
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> wasmtime::Result<()> {
        self.table.delete(descriptor)?;
        self.context.open = self.context.open.saturating_sub(1);
        Ok(())
    }
}

impl types::HostDirectoryEntryStream for FsView<'_> {
    fn read_directory_entry(
        &mut self,
        stream: Resource<ReadDirectory>,
    ) -> FsResult<Option<DirectoryEntry>> {
        let listing = &mut self.table.get_mut(&stream)?.0;
        let entry = listing.next().map_err(error_code)?;
        Ok(entry.map(|entry| DirectoryEntry { type_: kind(entry.kind), name: entry.name }))
    }

    fn drop(&mut self, stream: Resource<ReadDirectory>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        self.context.open = self.context.open.saturating_sub(1);
        Ok(())
    }
}

fn follow(flags: PathFlags) -> Follow {
    if flags.contains(PathFlags::SYMLINK_FOLLOW) { Follow::Last } else { Follow::No }
}

fn kind(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::Fifo => DescriptorType::Fifo,
        FileType::Socket => DescriptorType::Socket,
        FileType::Unknown => DescriptorType::Unknown,
    }
}

fn stat(metadata: Metadata) -> DescriptorStat {
    let time = |time: Option<(u64, u32)>| {
        time.map(|(seconds, nanoseconds)| types::Datetime { seconds, nanoseconds })
    };
    DescriptorStat {
        type_: kind(metadata.kind),
        link_count: metadata.links,
        size: metadata.size,
        data_access_timestamp: time(metadata.accessed),
        data_modification_timestamp: time(metadata.modified),
        status_change_timestamp: time(metadata.changed),
    }
}

/// Device and inode numbers are the host's; hashed, they still tell files apart.
fn hash(metadata: Metadata) -> MetadataHashValue {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&metadata.identity.0.to_le_bytes());
    hasher.update(&metadata.identity.1.to_le_bytes());
    let hash = hasher.finalize();
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    MetadataHashValue {
        lower: number(&hash.as_bytes()[..8]),
        upper: number(&hash.as_bytes()[8..16]),
    }
}

fn timestamps(accessed: NewTimestamp, modified: NewTimestamp) -> FsResult<Timestamps> {
    let time = |time| -> FsResult<Timespec> {
        Ok(match time {
            NewTimestamp::NoChange => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            NewTimestamp::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
            NewTimestamp::Timestamp(time) => {
                if time.nanoseconds >= 1_000_000_000 {
                    return Err(ErrorCode::Invalid.into());
                }
                Timespec {
                    tv_sec: i64::try_from(time.seconds).map_err(|_| ErrorCode::Overflow)?,
                    tv_nsec: time.nanoseconds.into(),
                }
            }
        })
    };
    Ok(Timestamps { last_access: time(accessed)?, last_modification: time(modified)? })
}

/// The guest's word for the operating system's number.
pub(super) fn error_code(errno: Errno) -> ErrorCode {
    match errno {
        Errno::NOENT => ErrorCode::NoEntry,
        Errno::EXIST => ErrorCode::Exist,
        Errno::ACCESS => ErrorCode::Access,
        Errno::PERM => ErrorCode::NotPermitted,
        Errno::NOTDIR => ErrorCode::NotDirectory,
        Errno::ISDIR => ErrorCode::IsDirectory,
        Errno::NOTEMPTY => ErrorCode::NotEmpty,
        Errno::LOOP => ErrorCode::Loop,
        Errno::NAMETOOLONG => ErrorCode::NameTooLong,
        Errno::NOSPC => ErrorCode::InsufficientSpace,
        Errno::DQUOT => ErrorCode::Quota,
        Errno::ROFS => ErrorCode::ReadOnly,
        Errno::XDEV => ErrorCode::CrossDevice,
        Errno::INVAL => ErrorCode::Invalid,
        Errno::BADF => ErrorCode::BadDescriptor,
        Errno::BUSY => ErrorCode::Busy,
        Errno::FBIG => ErrorCode::FileTooLarge,
        Errno::MLINK => ErrorCode::TooManyLinks,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => ErrorCode::InsufficientMemory,
        Errno::NXIO => ErrorCode::NoSuchDevice,
        Errno::TXTBSY => ErrorCode::TextFileBusy,
        Errno::OVERFLOW => ErrorCode::Overflow,
        Errno::SPIPE => ErrorCode::InvalidSeek,
        Errno::ILSEQ => ErrorCode::IllegalByteSequence,
        _ => ErrorCode::Io,
    }
}
