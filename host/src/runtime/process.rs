//! The `process` interface: what the shell asks of the host.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::io::Errno;
use wasmtime::component::Resource;

use super::bindings::toolcell::tool::process::{self as wit, Errno as Code};
use super::instance::Died;
use super::kernel::{SessionShell, Spawn};
use super::meter::cpu_so_far;
use super::state::{Seat, State};
use crate::path::GuestPath;
use crate::process::{Disposition, Exit, Fd, FdKind, LeftState, LockMode, Process};
use crate::vfs::{FileLook, FileType, Follow, OpenHow};

/// Bytes that one read gives at most.
const MAX_READ: u32 = 1 << 20;

/// Names that one listing gives at most. Against a directory without end.
const MAX_NAMES: usize = 1_000_000;

type Asked<T> = wasmtime::Result<Result<T, Code>>;

pub(super) fn code(errno: Errno) -> Code {
    match errno {
        Errno::ACCESS => Code::Access,
        Errno::AGAIN => Code::Again,
        Errno::BADF => Code::BadFd,
        Errno::EXIST => Code::Exists,
        Errno::INTR => Code::Interrupted,
        Errno::INVAL => Code::Invalid,
        Errno::ISDIR => Code::IsDirectory,
        Errno::LOOP => Code::Loop,
        Errno::NAMETOOLONG => Code::NameTooLong,
        Errno::NOTDIR => Code::NotDirectory,
        Errno::NOTEMPTY => Code::NotEmpty,
        Errno::NOEXEC => Code::NotExecutable,
        Errno::NOENT => Code::NotFound,
        Errno::NOTSUP => Code::NotSupported,
        Errno::NOSPC => Code::NoSpace,
        Errno::SRCH => Code::NoProcess,
        Errno::PERM => Code::Permission,
        Errno::PIPE => Code::Pipe,
        Errno::DQUOT => Code::Quota,
        Errno::ROFS => Code::ReadOnly,
        Errno::TOOBIG => Code::TooBig,
        Errno::MFILE => Code::TooManyFiles,
        _ => Code::Io,
    }
}

impl From<Exit> for wit::Exit {
    fn from(exit: Exit) -> wit::Exit {
        match exit {
            Exit::Status(status) => wit::Exit::Status(status),
            Exit::Signal(signal) => wit::Exit::Signal(signal),
        }
    }
}

pub(super) fn kind(file_type: FileType) -> wit::FileKind {
    match file_type {
        FileType::RegularFile => wit::FileKind::File,
        FileType::Directory => wit::FileKind::Directory,
        FileType::Symlink => wit::FileKind::Symlink,
        FileType::CharacterDevice => wit::FileKind::Character,
        FileType::Fifo => wit::FileKind::Pipe,
        _ => wit::FileKind::Other,
    }
}

fn stat(look: FileLook) -> wit::Stat {
    wit::Stat {
        kind: kind(look.kind),
        size: look.size,
        modified: look.modified,
        accessed: look.accessed,
        device: look.identity.0,
        inode: look.identity.1,
        writable: look.writable,
        executable: look.executable,
        mode: look.mode,
    }
}

/// What a pipe looks like.
const PIPE: wit::Stat = wit::Stat {
    kind: wit::FileKind::Pipe,
    size: 0,
    modified: 0,
    accessed: 0,
    device: 0,
    inode: 0,
    writable: true,
    executable: false,
    mode: 0o600,
};

impl State {
    /// The interface is linked for every instance, and ends those that it is not meant for: tools,
    /// and programs other than the shell.
    fn seat(&mut self) -> wasmtime::Result<&mut Seat> {
        let seat = self.seat.as_mut().filter(|seat| seat.starts_others);
        seat.ok_or_else(|| wasmtime::Error::msg("only the shell has processes"))
    }

    fn fd(&self, fd: &Resource<Fd>) -> wasmtime::Result<Fd> {
        Ok(self.table.get(fd)?.clone())
    }

    /// Reads, and lets the child that was started last run meanwhile: what it writes may be what is
    /// read.
    async fn read_from(
        &mut self,
        fd: &Resource<Fd>,
        most: u32,
        delimiter: Option<u8>,
    ) -> Asked<Vec<u8>> {
        let fd = self.fd(fd)?;
        let most = most.min(MAX_READ) as usize;
        let latest = self.seat()?.latest.clone();
        let read = self.interruptible(async {
            if let Some(data) = fd.try_read(most, delimiter)? {
                return Ok(data);
            }
            let Some(mut child) = latest.take() else { return fd.read(most, delimiter).await };
            let read = tokio::select! {
                biased;
                read = fd.read(most, delimiter) => read,
                () = &mut child => return fd.read(most, delimiter).await,
            };
            latest.keep(child);
            read
        });
        Ok(read.await.and_then(|read| read).map(Vec::from).map_err(code))
    }

    /// Waits for `work`, or until a signal comes in that the process keeps.
    async fn interruptible<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Errno> {
        let Some(seat) = &self.seat else { return Ok(work.await) };
        if seat.process.has_pending() {
            return Err(Errno::INTR);
        }
        tokio::select! {
            biased;
            result = work => Ok(result),
            () = self.control.interrupt.notified() => Err(Errno::INTR),
        }
    }
}

impl wit::HostFd for State {
    async fn read(&mut self, fd: Resource<Fd>, most: u32) -> Asked<Vec<u8>> {
        self.read_from(&fd, most, None).await
    }

    async fn read_until(&mut self, fd: Resource<Fd>, delimiter: u8, most: u32) -> Asked<Vec<u8>> {
        self.read_from(&fd, most, Some(delimiter)).await
    }

    async fn write(&mut self, fd: Resource<Fd>, data: Vec<u8>) -> Asked<()> {
        let fd = self.fd(&fd)?;
        Ok(fd.write(Bytes::from(data)).await.map_err(|fault| {
            self.fs.failures().note(&fault);
            code(fault.errno())
        }))
    }

    async fn readable(&mut self, fd: Resource<Fd>, timeout: u64) -> wasmtime::Result<bool> {
        let fd = self.fd(&fd)?;
        Ok(self.interruptible(fd.readable(Duration::from_nanos(timeout))).await.unwrap_or(false))
    }

    fn stat(&mut self, fd: Resource<Fd>) -> wasmtime::Result<wit::Stat> {
        let fd = self.fd(&fd)?;
        Ok(match fd.kind() {
            FdKind::File(mediator, node) => mediator.look(&node).map_or(PIPE, stat),
            FdKind::Pipe => PIPE,
            FdKind::Device => wit::Stat { kind: wit::FileKind::Character, mode: 0o666, ..PIPE },
        })
    }

    fn dup(&mut self, fd: Resource<Fd>) -> wasmtime::Result<Resource<Fd>> {
        let fd = self.fd(&fd)?;
        Ok(self.table.push(fd)?)
    }

    async fn lock(
        &mut self,
        fd: Resource<Fd>,
        mode: wit::LockMode,
        timeout: Option<u64>,
    ) -> Asked<bool> {
        let fd = self.fd(&fd)?;
        let locks = self.seat()?.kernel.table().locks().clone();
        let mode = match mode {
            wit::LockMode::Shared => Some(LockMode::Shared),
            wit::LockMode::Exclusive => Some(LockMode::Exclusive),
            wit::LockMode::None => None,
        };
        let lock = fd.lock(&locks, mode, timeout.map(Duration::from_nanos));
        Ok(self.interruptible(lock).await.and_then(|locked| locked).map_err(code))
    }

    fn drop(&mut self, fd: Resource<Fd>) -> wasmtime::Result<()> {
        self.table.delete(fd)?;
        Ok(())
    }
}

impl wit::Host for State {
    fn inherited(&mut self) -> wasmtime::Result<Vec<(u32, Resource<Fd>)>> {
        let fds = self.seat()?.fds.clone();
        fds.all().iter().map(|(number, fd)| Ok((*number, self.table.push(fd.clone())?))).collect()
    }

    fn payload(&mut self) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.seat()?.payload.take())
    }

    fn cwd(&mut self) -> wasmtime::Result<String> {
        Ok(self.seat()?.cwd.clone())
    }

    fn leave_cwd(&mut self, path: String) -> wasmtime::Result<()> {
        self.seat()?.process.leave_cwd(path);
        Ok(())
    }

    fn umask(&mut self, mask: Option<u32>) -> wasmtime::Result<u32> {
        self.seat()?;
        Ok(self.fs.mediator().umask(mask))
    }

    fn open(&mut self, path: String, how: wit::OpenFlags) -> Asked<Resource<Fd>> {
        self.seat()?;
        use wit::OpenFlags;
        // A descriptor of the process's own keeps its offset.
        if let Some(number) = path.strip_prefix("/dev/fd/").and_then(|n| n.parse::<u32>().ok()) {
            let Some(fd) = self.seat()?.fds.get(number).cloned() else {
                return Ok(Err(Code::NotFound));
            };
            return Ok(Ok(self.table.push(fd)?));
        }
        let write = how.contains(OpenFlags::WRITE);
        let open = OpenHow {
            read: how.contains(OpenFlags::READ),
            write,
            create: how.contains(OpenFlags::CREATE),
            exclusive: how.contains(OpenFlags::EXCLUSIVE),
            truncate: how.contains(OpenFlags::TRUNCATE),
            directory: false,
            follow: Follow::Last,
        };
        let mediator = self.fs.mediator().clone();
        let opened = mediator.open(&path, open);
        match opened {
            Ok(node) => {
                let fd = Fd::file(mediator, node, how.contains(OpenFlags::APPEND));
                Ok(Ok(self.table.push(fd)?))
            }
            Err(fault) => {
                self.fs.failures().note(&fault);
                Ok(Err(code(fault.errno())))
            }
        }
    }

    fn pipe(&mut self) -> wasmtime::Result<(Resource<Fd>, Resource<Fd>)> {
        self.seat()?;
        let (reader, writer) = Fd::pipe();
        Ok((self.table.push(reader)?, self.table.push(writer)?))
    }

    fn buffer(&mut self, content: Vec<u8>) -> wasmtime::Result<Resource<Fd>> {
        self.seat()?;
        Ok(self.table.push(Fd::buffer(content))?)
    }

    fn spawn(&mut self, options: wit::SpawnOptions) -> Asked<u32> {
        let fds = options.fds.into_iter().map(|(number, fd)| Ok((number, self.fd(&fd)?)));
        let fds = fds.collect::<wasmtime::Result<Vec<_>>>()?;
        let seat = self.seat()?;
        let spawn = Spawn {
            payload: options.path.is_none().then_some(options.payload),
            path: options.path,
            argv: options.argv,
            env: options.env,
            cwd: options.cwd,
            fds,
            session: None,
        };
        Ok(match seat.kernel.start(Some(&seat.process), &seat.mediator, spawn) {
            Ok((process, child)) => {
                let pid = process.pid;
                seat.children.insert(pid, process);
                seat.latest.keep(child);
                Ok(pid)
            }
            Err(errno) => Err(code(errno)),
        })
    }

    async fn wait(&mut self, pid: u32, block: bool) -> Asked<Option<wit::Exit>> {
        let Some(child) = self.seat()?.children.get(&pid).cloned() else {
            return Ok(Err(Code::NoProcess));
        };
        let latest = self.seat()?.latest.clone();
        let ended = async {
            if let Some(own) = latest.take_if(pid) {
                own.await;
            }
            child.wait().await
        };
        let exit = match (child.exited(), block) {
            (Some(exit), _) => exit,
            (None, false) => {
                latest.release();
                return Ok(Ok(None));
            }
            (None, true) => match self.interruptible(ended).await {
                Ok(exit) => exit,
                Err(errno) => return Ok(Err(code(errno))),
            },
        };
        self.reap(&child)?;
        Ok(Ok(Some(exit.into())))
    }

    async fn wait_any(&mut self, pids: Vec<u32>) -> Asked<(u32, wit::Exit)> {
        let seat = self.seat()?;
        let children: Vec<Arc<Process>> =
            pids.iter().filter_map(|pid| seat.children.get(pid).cloned()).collect();
        if children.is_empty() {
            return Ok(Err(Code::NoProcess));
        }
        let first = async {
            let mut waits: Vec<_> = children
                .iter()
                .map(|child| Box::pin(async move { (child.clone(), child.wait().await) }))
                .collect();
            std::future::poll_fn(|context| {
                let ready = waits.iter_mut().find_map(|wait| match wait.as_mut().poll(context) {
                    std::task::Poll::Ready(ended) => Some(ended),
                    std::task::Poll::Pending => None,
                });
                ready.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
            })
            .await
        };
        let (child, exit) = match self.interruptible(first).await {
            Ok(ended) => ended,
            Err(errno) => return Ok(Err(code(errno))),
        };
        self.reap(&child)?;
        Ok(Ok((child.pid, exit.into())))
    }

    fn session_shell(&mut self) -> wasmtime::Result<Option<wit::ShellSession>> {
        let session = self.seat()?.session.take();
        Ok(session.map(|SessionShell { start_file, kept }| wit::ShellSession { start_file, kept }))
    }

    fn keep(&mut self, state: Vec<u8>, exited: bool) -> wasmtime::Result<()> {
        self.seat()?.process.leave_state(LeftState { state, exited });
        Ok(())
    }

    fn processes(&mut self) -> wasmtime::Result<Vec<wit::ProcessInfo>> {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let all = self.seat()?.kernel.table().list();
        let info = |process: Arc<Process>| wit::ProcessInfo {
            pid: process.pid,
            parent: process.parent,
            argv: process.argv.clone(),
            cpu: nanos(process.control.cpu()),
            age: nanos(process.control.limit.saturating_sub(process.control.remaining())),
        };
        Ok(all.into_iter().map(info).collect())
    }

    fn kill(&mut self, pid: u32, signal: u8) -> Asked<()> {
        let seat = self.seat()?;
        if let Some(process) = seat.kernel.table().get(pid) {
            process.signal(signal);
            // Who ends itself does not come back from it.
            return match process.control.killed() {
                Some(signal) if pid == seat.process.pid => Err(wasmtime::Error::new(Died(signal))),
                _ => Ok(Ok(())),
            };
        }
        // A child that has ended and was not waited for is still there to be asked for.
        Ok(if seat.children.contains_key(&pid) { Ok(()) } else { Err(Code::NoProcess) })
    }

    fn handle(&mut self, signal: u8, how: wit::Disposition) -> wasmtime::Result<()> {
        let how = match how {
            wit::Disposition::Default => Disposition::Default,
            wit::Disposition::Ignore => Disposition::Ignore,
            wit::Disposition::Keep => Disposition::Keep,
        };
        self.seat()?.process.handle(signal, how);
        Ok(())
    }

    fn signals(&mut self) -> wasmtime::Result<Vec<u8>> {
        Ok(self.seat()?.process.take_pending())
    }

    fn die(&mut self, signal: u8) -> wasmtime::Result<()> {
        self.seat()?;
        Err(wasmtime::Error::new(Died(signal)))
    }

    fn stat_path(&mut self, path: String, follow: bool) -> Asked<wit::Stat> {
        self.seat()?;
        let mediator = self.fs.mediator();
        let follow = if follow { Follow::Last } else { Follow::No };
        let looked = mediator.look_at(&path, follow);
        Ok(looked.map(stat).map_err(|fault| code(fault.errno())))
    }

    fn read_dir(&mut self, path: String) -> Asked<Vec<(String, wit::FileKind)>> {
        self.seat()?;
        let how = OpenHow { directory: true, ..OpenHow::READ };
        let mediator = self.fs.mediator();
        let listed = mediator.open(&path, how).and_then(|node| mediator.names(&node, MAX_NAMES));
        Ok(listed
            .map(|names| names.into_iter().map(|(name, file)| (name, kind(file))).collect())
            .map_err(|fault| code(fault.errno())))
    }

    fn list_dir(&mut self, path: String) -> Asked<Vec<(String, wit::Stat)>> {
        self.seat()?;
        let mediator = self.fs.mediator();
        let listed = mediator.look_at(&path, Follow::Last).and_then(|directory| {
            let entries = mediator.entries(&path, MAX_NAMES)?;
            let looks = entries.into_iter().map(|(name, look)| {
                let writable = directory.writable;
                (name, stat(FileLook { writable, ..look }))
            });
            Ok(looks.collect())
        });
        Ok(listed.map_err(|fault| code(fault.errno())))
    }

    fn real_path(&mut self, path: String) -> Asked<String> {
        self.seat()?;
        let Ok(path) = GuestPath::parse(&GuestPath::root(), &path) else {
            return Ok(Err(Code::Invalid));
        };
        let real = self.fs.mediator().canonical(&path);
        Ok(real.map(|path| path.as_str().to_owned()).map_err(|fault| code(fault.errno())))
    }

    fn pid(&mut self) -> wasmtime::Result<u32> {
        Ok(self.seat()?.process.pid)
    }

    fn parent(&mut self) -> wasmtime::Result<u32> {
        Ok(self.seat()?.process.parent)
    }

    fn times(&mut self) -> wasmtime::Result<(u64, u64)> {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let own = nanos(cpu_so_far(&self.control));
        Ok((own, nanos(self.seat()?.process.children_cpu())))
    }
}

impl State {
    /// A child was waited for.
    fn reap(&mut self, child: &Process) -> wasmtime::Result<()> {
        let seat = self.seat()?;
        if seat.children.remove(&child.pid).is_some() {
            seat.process.add_child(child);
        }
        Ok(())
    }
}
