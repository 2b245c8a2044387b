//! [`System`] over POSIX.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use command_fds::{CommandFdExt, FdMapping};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, SeekFrom};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal, WaitOptions};
use toolcell_shell::{
    Disposition, Errno, Exit, FileKind, OpenHow, Program, Spawn, Stat, Sys, System, Times, decode,
    encode,
};

/// The argument that makes a new process go on from a shell's state.
pub(crate) const RESUME: &str = "--resume";

/// The descriptor over which the state comes.
const STATE_FD: i32 = 250;

/// Processes of this machine.
#[derive(Debug, Default)]
pub(crate) struct Native {
    exits: HashMap<u32, Exit>,
    kept: HashMap<u8, Arc<AtomicBool>>,
}

fn errno(error: rustix::io::Errno) -> Errno {
    use rustix::io::Errno as E;
    match error {
        E::ACCESS => Errno::Access,
        E::AGAIN => Errno::Again,
        E::BADF => Errno::BadFd,
        E::EXIST => Errno::Exists,
        E::INTR => Errno::Interrupted,
        E::INVAL => Errno::Invalid,
        E::ISDIR => Errno::IsDirectory,
        E::LOOP => Errno::Loop,
        E::NAMETOOLONG => Errno::NameTooLong,
        E::NOTDIR => Errno::NotDirectory,
        E::NOTEMPTY => Errno::NotEmpty,
        E::NOEXEC => Errno::NotExecutable,
        E::NOENT => Errno::NotFound,
        E::NOSPC => Errno::NoSpace,
        E::SRCH => Errno::NoProcess,
        E::PERM => Errno::Permission,
        E::PIPE => Errno::Pipe,
        E::ROFS => Errno::ReadOnly,
        E::TOOBIG => Errno::TooBig,
        E::MFILE => Errno::TooManyFiles,
        _ => Errno::Io,
    }
}

fn io(error: &std::io::Error) -> Errno {
    rustix::io::Errno::from_io_error(error).map_or(Errno::Io, errno)
}

fn path(text: &str) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(encode(text).into_owned()).into()
}

pub(crate) fn working_directory() -> String {
    let there = |path: &str| rustix::fs::stat(path).ok().map(|stat| (stat.st_dev, stat.st_ino));
    match std::env::var("PWD") {
        Ok(pwd) if pwd.starts_with('/') && there(&pwd) == there(".") => pwd,
        _ => std::env::current_dir()
            .map_or("/".to_owned(), |path| path.to_string_lossy().into_owned()),
    }
}

/// A descriptor of this process by number.
fn own_fd(number: u32) -> Option<Rc<OwnedFd>> {
    let own = rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty()).ok()?;
    let number = i32::try_from(number).ok()?;
    rustix::process::pidfd_getfd(own, number, PidfdGetfdFlags::empty()).ok().map(Rc::new)
}

/// Open descriptors by number.
pub(crate) type Fds = Vec<(u32, Rc<OwnedFd>)>;

/// What the parent left open.
pub(crate) fn inherited() -> Fds {
    let names = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let mut numbers: Vec<u32> =
        names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    // Above these are the ones that reading the directory itself opens.
    let closed = |number: &u32| {
        *number < 3
            || rustix::fs::readlink(format!("/proc/self/fd/{number}"), Vec::new())
                .is_ok_and(|target| !target.to_bytes().starts_with(b"/proc"))
    };
    numbers.into_iter().filter(closed).filter_map(|n| Some((n, own_fd(n)?))).collect()
}

/// The state and the descriptors that a parent shell gave.
pub(crate) fn resumed(numbers: &str) -> Option<(Vec<u8>, Fds)> {
    let state = own_fd(STATE_FD as u32)?;
    let mut given = Vec::new();
    let mut native = Native::default();
    loop {
        let data = native.read(&state, 1 << 20).ok()?;
        if data.is_empty() {
            break;
        }
        given.extend_from_slice(&data);
    }
    let fds = numbers.split(',').filter_map(|number| {
        let number = number.parse().ok()?;
        Some((number, own_fd(number)?))
    });
    Some((given, fds.collect()))
}

fn kind(file_type: FileType) -> FileKind {
    match file_type {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        FileType::CharacterDevice => FileKind::Character,
        FileType::Fifo => FileKind::Pipe,
        _ => FileKind::Other,
    }
}

fn stat_of(stat: &rustix::fs::Stat, allowed: impl Fn(rustix::fs::Access) -> bool) -> Stat {
    use rustix::fs::Access;
    let time = |seconds: i64, nanos: u64| {
        u128::try_from(seconds).unwrap_or(0) * 1_000_000_000 + u128::from(nanos)
    };
    Stat {
        kind: kind(FileType::from_raw_mode(stat.st_mode)),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified: time(stat.st_mtime, stat.st_mtime_nsec),
        accessed: time(stat.st_atime, stat.st_atime_nsec),
        device: stat.st_dev,
        inode: stat.st_ino,
        readable: allowed(Access::READ_OK),
        writable: allowed(Access::WRITE_OK),
        executable: allowed(Access::EXEC_OK),
        mode: stat.st_mode & 0o7777,
    }
}

/// Half of what a main thread has: frames of an unoptimized build are large.
const STACK: usize = 4 << 20;

impl System for Native {
    type Fd = Rc<OwnedFd>;

    fn stack(&self) -> usize {
        STACK
    }

    fn open(&mut self, name: &str, how: OpenHow) -> Sys<Rc<OwnedFd>> {
        let mut flags = OFlags::CLOEXEC;
        flags |= match (how.read, how.write) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            _ => OFlags::RDONLY,
        };
        let extra = [
            (how.append, OFlags::APPEND),
            (how.create, OFlags::CREATE),
            (how.truncate, OFlags::TRUNC),
            (how.exclusive, OFlags::EXCL),
        ];
        for (on, flag) in extra {
            if on {
                flags |= flag;
            }
        }
        let fd = rustix::fs::open(path(name), flags, Mode::from_raw_mode(0o666)).map_err(errno)?;
        Ok(Rc::new(fd))
    }

    fn pipe(&mut self) -> Sys<(Rc<OwnedFd>, Rc<OwnedFd>)> {
        let flags = rustix::pipe::PipeFlags::CLOEXEC;
        let (reader, writer) = rustix::pipe::pipe_with(flags).map_err(errno)?;
        Ok((Rc::new(reader), Rc::new(writer)))
    }

    fn buffer(&mut self, content: Vec<u8>) -> Sys<Rc<OwnedFd>> {
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let fd = Rc::new(rustix::fs::memfd_create("buffer", flags).map_err(errno)?);
        self.write(&fd, &content)?;
        // Opened again it can only be read, and from the start.
        let name = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&fd));
        self.open(&name, OpenHow { read: true, ..OpenHow::default() })
    }

    fn read(&mut self, fd: &Rc<OwnedFd>, most: usize) -> Sys<Vec<u8>> {
        let mut data = vec![0; most];
        let count = rustix::io::read(fd, &mut data[..]).map_err(errno)?;
        data.truncate(count);
        Ok(data)
    }

    fn readable(&mut self, fd: &Rc<OwnedFd>, timeout: Duration) -> Sys<bool> {
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        let mut fds = [PollFd::new(fd, PollFlags::IN)];
        Ok(poll(&mut fds, Some(&timeout)).map_err(errno)? > 0)
    }

    fn read_until(&mut self, fd: &Rc<OwnedFd>, delimiter: u8, most: usize) -> Sys<Vec<u8>> {
        // What can go back is read in pieces, all else byte by byte.
        let seeks = rustix::fs::seek(fd, SeekFrom::Current(0)).is_ok();
        let mut line = Vec::new();
        while line.len() < most {
            let data = self.read(fd, if seeks { most } else { 1 })?;
            if let Some(at) = data.iter().position(|byte| *byte == delimiter) {
                let rest = i64::try_from(data.len() - at - 1).unwrap_or(0);
                if rest > 0 {
                    rustix::fs::seek(fd, SeekFrom::Current(-rest)).map_err(errno)?;
                }
                line.extend_from_slice(&data[..=at]);
                break;
            }
            line.extend_from_slice(&data);
            if data.is_empty() || seeks {
                break;
            }
        }
        Ok(line)
    }

    fn write(&mut self, fd: &Rc<OwnedFd>, data: &[u8]) -> Sys<()> {
        let mut rest = data;
        while !rest.is_empty() {
            match rustix::io::write(fd, rest) {
                Ok(count) => rest = &rest[count..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(errno(error)),
            }
        }
        Ok(())
    }

    fn is_terminal(&mut self, fd: &Rc<OwnedFd>) -> bool {
        std::io::IsTerminal::is_terminal(&fd.as_fd())
    }

    fn spawn(&mut self, spawn: Spawn<'_, Rc<OwnedFd>>) -> Sys<u32> {
        let mut fds = spawn.fds;
        let mut command = match spawn.program {
            Program::File(file) => {
                let mut command = Command::new(path(file));
                let (name, rest) = spawn.argv.split_first().ok_or(Errno::Invalid)?;
                command.arg0(path(name)).args(rest.iter().map(|word| path(word)));
                command.env_clear();
                command.envs(spawn.env.iter().map(|(name, value)| (name, path(value))));
                command
            }
            Program::Shell(given) => {
                let mut command =
                    Command::new(std::env::current_exe().map_err(|error| io(&error))?);
                let numbers: Vec<String> = fds.iter().map(|(n, _)| n.to_string()).collect();
                command.arg(RESUME).arg(numbers.join(","));
                fds.push((STATE_FD as u32, self.buffer(given.to_vec())?));
                command
            }
        };
        command.current_dir(path(spawn.cwd));
        let mut mappings = Vec::new();
        for (number, fd) in &fds {
            mappings.push(FdMapping {
                parent_fd: fd.try_clone().map_err(|error| io(&error))?,
                child_fd: i32::try_from(*number).map_err(|_| Errno::BadFd)?,
            });
        }
        command.fd_mappings(mappings).map_err(|_| Errno::BadFd)?;
        // The shell itself waits for it, by number.
        let child = command.spawn().map_err(|error| io(&error))?;
        Ok(child.id())
    }

    fn wait(&mut self, pid: u32, block: bool) -> Sys<Option<Exit>> {
        if let Some(exit) = self.exits.get(&pid) {
            return Ok(Some(*exit));
        }
        let options = if block { WaitOptions::empty() } else { WaitOptions::NOHANG };
        let raw = Pid::from_raw(i32::try_from(pid).map_err(|_| Errno::NoProcess)?);
        let status = rustix::process::waitpid(raw, options).map_err(errno)?;
        let Some((_, status)) = status else { return Ok(None) };
        let exit = exit_of(status);
        self.exits.insert(pid, exit);
        Ok(Some(exit))
    }

    fn wait_any(&mut self, pids: &[u32]) -> Sys<(u32, Exit)> {
        loop {
            for pid in pids {
                if let Some(exit) = self.wait(*pid, false)? {
                    return Ok((*pid, exit));
                }
            }
            if pids.is_empty() {
                return Err(Errno::NoProcess);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn kill(&mut self, pid: u32, signal: u8) -> Sys<()> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::NoProcess)?;
        match signal {
            0 => rustix::process::test_kill_process(pid).map_err(errno),
            signal => {
                let signal = Signal::from_named_raw(i32::from(signal)).ok_or(Errno::Invalid)?;
                rustix::process::kill_process(pid, signal).map_err(errno)
            }
        }
    }

    fn handle(&mut self, signal: u8, how: Disposition) {
        // The default cannot be put back once a handler stands; `signals` then dies by it.
        let flag = self.kept.entry(signal).or_insert_with(|| {
            let flag = Arc::new(AtomicBool::new(false));
            let _ = signal_hook::flag::register(i32::from(signal), flag.clone());
            flag
        });
        let _ = (flag, how);
    }

    fn signals(&mut self) -> Vec<u8> {
        let set = self.kept.iter().filter(|(_, flag)| flag.swap(false, Ordering::SeqCst));
        set.map(|(signal, _)| *signal).collect()
    }

    fn die(&mut self, signal: u8) -> ! {
        let _ = signal_hook::low_level::emulate_default_handler(i32::from(signal));
        std::process::exit(128 + i32::from(signal))
    }

    fn stat(&mut self, name: &str, follow: bool) -> Sys<Stat> {
        let path = path(name);
        let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let stat = rustix::fs::statat(rustix::fs::CWD, &path, flags).map_err(errno)?;
        Ok(stat_of(&stat, |access| rustix::fs::access(&path, access).is_ok()))
    }

    fn stat_fd(&mut self, fd: &Rc<OwnedFd>) -> Sys<Stat> {
        Ok(stat_of(&rustix::fs::fstat(fd).map_err(errno)?, |_| true))
    }

    fn read_dir(&mut self, name: &str) -> Sys<Vec<(String, FileKind)>> {
        use std::os::unix::ffi::OsStrExt;
        let entries = std::fs::read_dir(path(name)).map_err(|error| io(&error))?;
        let entries = entries.flatten().map(|entry| {
            let kind = entry.file_type().map_or(FileKind::Other, |file_type| {
                if file_type.is_dir() {
                    FileKind::Directory
                } else if file_type.is_symlink() {
                    FileKind::Symlink
                } else {
                    FileKind::File
                }
            });
            (decode(entry.file_name().as_bytes()), kind)
        });
        Ok(entries.collect())
    }

    fn real_path(&mut self, name: &str) -> Sys<String> {
        use std::os::unix::ffi::OsStrExt;
        let real = std::fs::canonicalize(path(name)).map_err(|error| io(&error))?;
        Ok(decode(real.as_os_str().as_bytes()))
    }

    fn now(&mut self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    fn times(&mut self) -> Times {
        let own = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let own = Duration::new(own.tv_sec as u64, own.tv_nsec as u32);
        Times { own, children: Duration::ZERO }
    }

    fn pid(&mut self) -> u32 {
        std::process::id()
    }

    fn parent(&mut self) -> u32 {
        std::os::unix::process::parent_id()
    }

    fn random(&mut self) -> u32 {
        let mut bytes = [0; 4];
        let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
        u32::from_ne_bytes(bytes)
    }

    fn umask(&mut self, mask: Option<u32>) -> u32 {
        // The system has no call that only looks.
        let mode = |mask| rustix::fs::Mode::from_raw_mode(mask);
        let before = rustix::process::umask(mode(mask.unwrap_or(0o077)));
        if mask.is_none() {
            rustix::process::umask(before);
        }
        mask.unwrap_or(before.as_raw_mode())
    }

    fn leave(&mut self, _: &str) {}
}

fn exit_of(status: rustix::process::WaitStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Status((code & 0xFF) as u8),
        (_, Some(signal)) => Exit::Signal((signal & 0x7F) as u8),
        _ => Exit::Status(127),
    }
}
