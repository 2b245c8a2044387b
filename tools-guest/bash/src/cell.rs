//! [`System`] over the host's process interface.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use toolcell_shell::{
    Disposition, Errno, Exit, FileKind, OpenHow, Program, Session, Shell, Spawn, Stat, Sys, System,
    Times,
};

use crate::programs::{self, World};

#[allow(missing_docs, unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "shell", generate_all });
}
use bindings::toolcell::tool::process as host;

pub(crate) use host::{Fd as HostFd, LockMode};

/// Programs that are not there and that people expect.
const EXPECTED: &str = "\
    apk apt apt-get aws az bun cargo cc clang cmake crontab deno dig dnf docker emacs ffmpeg g++ \
    gcc gcloud gdb gh git go helm java javac kubectl lua make mysql nano nc ninja node npm npx \
    openssl parallel perl php ping pip pip3 pnpm podman poetry psql python python3 redis-cli \
    rsync ruby rustc rustup scp screen service sqlite3 ssh strace sudo systemctl telnet \
    terraform tmux uv vi vim yarn yum";

/// The host.
#[derive(Debug)]
pub(crate) struct Cell;

pub(crate) fn main() {
    let fds: Vec<(u32, Rc<HostFd>)> =
        host::inherited().into_iter().map(|(number, fd)| (number, Rc::new(fd))).collect();
    let status = match host::payload() {
        Some(given) => {
            let status = Shell::resume(Cell, &given, fds);
            u8::try_from(status.unwrap_or(126) & 0xFF).unwrap_or(1)
        }
        None => {
            let mut arguments = std::env::args();
            let name = arguments.next().unwrap_or_else(|| "bash".to_owned());
            let name = name.rsplit('/').next().unwrap_or("bash").to_owned();
            let environment: Vec<(String, String)> = std::env::vars().collect();
            let words: Vec<String> = arguments.collect();
            if !matches!(name.as_str(), "bash" | "sh") {
                let (cwd, env) = (host::cwd(), environment.clone());
                let world = World { system: Cell, fds, cwd, env };
                let status = programs::run(&name, &words, world).unwrap_or(127);
                std::process::exit(status & 0xFF);
            }
            toolcell_shell::run(Cell, &name, words, environment, host::cwd(), fds)
        }
    };
    std::process::exit(i32::from(status));
}

/// A process of the cell.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) argv: Vec<String>,
    pub(crate) cpu: Duration,
    pub(crate) age: Duration,
}

impl Running {
    /// Its words, on one line.
    pub(crate) fn command_line(&self) -> String {
        self.argv.join(" ").replace('\n', " ")
    }

    /// The name it goes by.
    pub(crate) fn name(&self) -> &str {
        self.argv.first().map_or("", |name| name.rsplit('/').next().unwrap_or(name))
    }
}

/// All that run, by number.
pub(crate) fn running() -> Vec<Running> {
    let running = |info: host::ProcessInfo| Running {
        pid: info.pid,
        parent: info.parent,
        argv: info.argv,
        cpu: Duration::from_nanos(info.cpu),
        age: Duration::from_nanos(info.age),
    };
    host::processes().into_iter().map(running).collect()
}

pub(crate) fn errno(code: host::Errno) -> Errno {
    use host::Errno as E;
    match code {
        E::Access => Errno::Access,
        E::Again => Errno::Again,
        E::BadFd => Errno::BadFd,
        E::Exists => Errno::Exists,
        E::Interrupted => Errno::Interrupted,
        E::Invalid => Errno::Invalid,
        E::Io => Errno::Io,
        E::IsDirectory => Errno::IsDirectory,
        E::Loop => Errno::Loop,
        E::NameTooLong => Errno::NameTooLong,
        E::NotDirectory => Errno::NotDirectory,
        E::NotEmpty => Errno::NotEmpty,
        E::NotExecutable => Errno::NotExecutable,
        E::NotFound => Errno::NotFound,
        E::NotSupported => Errno::NotSupported,
        E::NoSpace => Errno::NoSpace,
        E::NoProcess => Errno::NoProcess,
        E::Permission => Errno::Permission,
        E::Pipe => Errno::Pipe,
        E::Quota => Errno::Quota,
        E::ReadOnly => Errno::ReadOnly,
        E::TooBig => Errno::TooBig,
        E::TooManyFiles => Errno::TooManyFiles,
    }
}

fn kind(kind: host::FileKind) -> FileKind {
    match kind {
        host::FileKind::File => FileKind::File,
        host::FileKind::Directory => FileKind::Directory,
        host::FileKind::Symlink => FileKind::Symlink,
        host::FileKind::Character => FileKind::Character,
        host::FileKind::Pipe => FileKind::Pipe,
        host::FileKind::Other => FileKind::Other,
    }
}

fn stat(stat: host::Stat) -> Stat {
    Stat {
        kind: kind(stat.kind),
        size: stat.size,
        modified: u128::from(stat.modified),
        accessed: u128::from(stat.accessed),
        device: stat.device,
        inode: stat.inode,
        readable: true,
        writable: stat.writable,
        executable: stat.executable,
        mode: stat.mode,
    }
}

fn exit(exit: host::Exit) -> Exit {
    match exit {
        host::Exit::Status(status) => Exit::Status(status),
        host::Exit::Signal(signal) => Exit::Signal(signal),
    }
}

fn most(most: usize) -> u32 {
    u32::try_from(most).unwrap_or(u32::MAX)
}

/// Less than the linker gives the shell (see `build.rs`), and so much less than the host gives
/// compiled code, whose own frames are up to 1.4 times as large, that a script which recurs for ever
/// ends by a message and not by a trap.
const STACK: usize = 5 << 20;

impl System for Cell {
    type Fd = Rc<host::Fd>;

    fn stack(&self) -> usize {
        STACK
    }

    fn open(&mut self, path: &str, how: OpenHow) -> Sys<Rc<host::Fd>> {
        let pairs = [
            (how.read, host::OpenFlags::READ),
            (how.write, host::OpenFlags::WRITE),
            (how.append, host::OpenFlags::APPEND),
            (how.create, host::OpenFlags::CREATE),
            (how.truncate, host::OpenFlags::TRUNCATE),
            (how.exclusive, host::OpenFlags::EXCLUSIVE),
        ];
        let on = pairs.into_iter().filter(|(on, _)| *on);
        let flags = on.fold(host::OpenFlags::empty(), |flags, (_, flag)| flags | flag);
        host::open(path, flags).map(Rc::new).map_err(errno)
    }

    fn pipe(&mut self) -> Sys<(Rc<host::Fd>, Rc<host::Fd>)> {
        let (reader, writer) = host::pipe();
        Ok((Rc::new(reader), Rc::new(writer)))
    }

    fn buffer(&mut self, content: Vec<u8>) -> Sys<Rc<host::Fd>> {
        Ok(Rc::new(host::buffer(&content)))
    }

    fn read(&mut self, fd: &Rc<host::Fd>, count: usize) -> Sys<Vec<u8>> {
        fd.read(most(count)).map_err(errno)
    }

    fn readable(&mut self, fd: &Rc<host::Fd>, timeout: Duration) -> Sys<bool> {
        Ok(fd.readable(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX)))
    }

    fn read_until(&mut self, fd: &Rc<host::Fd>, delimiter: u8, count: usize) -> Sys<Vec<u8>> {
        fd.read_until(delimiter, most(count)).map_err(errno)
    }

    fn write(&mut self, fd: &Rc<host::Fd>, data: &[u8]) -> Sys<()> {
        fd.write(data).map_err(errno)
    }

    fn is_terminal(&mut self, _: &Rc<host::Fd>) -> bool {
        false
    }

    fn spawn(&mut self, spawn: Spawn<'_, Rc<host::Fd>>) -> Sys<u32> {
        let (path, payload) = match spawn.program {
            Program::File(path) => (Some(path.to_owned()), Vec::new()),
            Program::Shell(given) => (None, given.to_vec()),
        };
        let options = host::SpawnOptions {
            path,
            payload,
            argv: spawn.argv.to_vec(),
            env: spawn.env.to_vec(),
            cwd: spawn.cwd.to_owned(),
            fds: spawn.fds.iter().map(|(number, fd)| (*number, &**fd)).collect(),
        };
        host::spawn(&options).map_err(errno)
    }

    fn wait(&mut self, pid: u32, block: bool) -> Sys<Option<Exit>> {
        host::wait(pid, block).map(|ended| ended.map(exit)).map_err(errno)
    }

    fn wait_any(&mut self, pids: &[u32]) -> Sys<(u32, Exit)> {
        host::wait_any(pids).map(|(pid, ended)| (pid, exit(ended))).map_err(errno)
    }

    fn kill(&mut self, pid: u32, signal: u8) -> Sys<()> {
        host::kill(pid, signal).map_err(errno)
    }

    fn handle(&mut self, signal: u8, how: Disposition) {
        host::handle(
            signal,
            match how {
                Disposition::Default => host::Disposition::Default,
                Disposition::Ignore => host::Disposition::Ignore,
                Disposition::Keep => host::Disposition::Keep,
            },
        );
    }

    fn signals(&mut self) -> Vec<u8> {
        host::signals()
    }

    fn die(&mut self, signal: u8) -> ! {
        host::die(signal);
        std::process::exit(128 + i32::from(signal))
    }

    fn stat(&mut self, path: &str, follow: bool) -> Sys<Stat> {
        host::stat_path(path, follow).map(stat).map_err(errno)
    }

    fn stat_fd(&mut self, fd: &Rc<host::Fd>) -> Sys<Stat> {
        Ok(stat(fd.stat()))
    }

    fn read_dir(&mut self, path: &str) -> Sys<Vec<(String, FileKind)>> {
        let names = host::read_dir(path).map_err(errno)?;
        Ok(names.into_iter().map(|(name, file)| (name, kind(file))).collect())
    }

    fn list_dir(&mut self, path: &str) -> Sys<Vec<(String, Stat)>> {
        let entries = host::list_dir(path).map_err(errno)?;
        Ok(entries.into_iter().map(|(name, found)| (name, stat(found))).collect())
    }

    fn real_path(&mut self, path: &str) -> Sys<String> {
        host::real_path(path).map_err(errno)
    }

    fn session(&mut self) -> Session {
        host::session_shell().map_or_else(Session::default, |session| Session {
            start_file: session.start_file,
            kept: session.kept,
        })
    }

    fn keep(&mut self, state: Vec<u8>, exited: bool) {
        host::keep(&state, exited);
    }

    fn hint(&self, program: &str) -> Option<String> {
        EXPECTED.split(' ').any(|known| known == program).then(|| {
            format!(
                "{program} is not part of this cell; a WebAssembly build of it can be added by \
                 whoever runs the cell, with --program {program}=FILE.wasm"
            )
        })
    }

    fn umask(&mut self, mask: Option<u32>) -> u32 {
        host::umask(mask)
    }

    fn leave(&mut self, cwd: &str) {
        host::leave_cwd(cwd);
    }

    fn now(&mut self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    fn times(&mut self) -> Times {
        let (own, children) = host::times();
        Times { own: Duration::from_nanos(own), children: Duration::from_nanos(children) }
    }

    fn pid(&mut self) -> u32 {
        host::pid()
    }

    fn parent(&mut self) -> u32 {
        host::parent()
    }

    fn random(&mut self) -> u32 {
        (wasip2::random::random::get_random_u64() & 0xFFFF_FFFF) as u32
    }
}
