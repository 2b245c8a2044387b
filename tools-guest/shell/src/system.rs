//! What the shell needs of a system. In a cell it is the host's process interface; on a
//! developer's machine, real processes.

use std::fmt::Debug;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why the system refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are POSIX's")]
pub enum Errno {
    Access,
    Again,
    BadFd,
    Exists,
    Interrupted,
    Invalid,
    Io,
    IsDirectory,
    Loop,
    NameTooLong,
    NotDirectory,
    NotEmpty,
    NotExecutable,
    NotFound,
    NotSupported,
    NoSpace,
    NoProcess,
    Permission,
    Pipe,
    Quota,
    ReadOnly,
    TooBig,
    TooManyFiles,
}

impl Errno {
    /// The message of the C library.
    pub fn message(self) -> &'static str {
        match self {
            Errno::Access => "Permission denied",
            Errno::Again => "Resource temporarily unavailable",
            Errno::BadFd => "Bad file descriptor",
            Errno::Exists => "File exists",
            Errno::Interrupted => "Interrupted system call",
            Errno::Invalid => "Invalid argument",
            Errno::Io => "Input/output error",
            Errno::IsDirectory => "Is a directory",
            Errno::Loop => "Too many levels of symbolic links",
            Errno::NameTooLong => "File name too long",
            Errno::NotDirectory => "Not a directory",
            Errno::NotEmpty => "Directory not empty",
            Errno::NotExecutable => "Exec format error",
            Errno::NotFound => "No such file or directory",
            Errno::NotSupported => "Operation not supported",
            Errno::NoSpace => "No space left on device",
            Errno::NoProcess => "No such process",
            Errno::Permission => "Operation not permitted",
            Errno::Pipe => "Broken pipe",
            Errno::Quota => "Disk quota exceeded",
            Errno::ReadOnly => "Read-only file system",
            Errno::TooBig => "Argument list too long",
            Errno::TooManyFiles => "Too many open files",
        }
    }
}

/// The result of a system call.
pub type Sys<T> = Result<T, Errno>;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenHow {
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// Writes go to the end.
    pub append: bool,
    /// Make it if it is not there.
    pub create: bool,
    /// Empty it.
    pub truncate: bool,
    /// Fail if it is there.
    pub exclusive: bool,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Character,
    /// A pipe.
    Pipe,
    /// Anything else.
    Other,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: FileKind,
    /// Its length in bytes.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub modified: u128,
    /// When it was read, in nanoseconds since 1970.
    pub accessed: u128,
    /// Tells the files of a system apart, with `inode`.
    pub device: u64,
    /// See `device`.
    pub inode: u64,
    /// Whether it can be read.
    pub readable: bool,
    /// Whether it can be written.
    pub writable: bool,
    /// Whether it can be run.
    pub executable: bool,
    /// Permission bits, such as `0o644`.
    pub mode: u32,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// By itself, with this status.
    Status(u8),
    /// By a signal.
    Signal(u8),
}

impl Exit {
    /// The status as `$?` shows it.
    pub fn status(self) -> i32 {
        match self {
            Exit::Status(status) => i32::from(status),
            Exit::Signal(signal) => 128 + i32::from(signal),
        }
    }
}

/// What is to run in a new process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program<'a> {
    /// The file at this path.
    File(&'a str),
    /// This shell, with what [`crate::Shell::resume`] goes on from.
    Shell(&'a [u8]),
}

/// A process to be.
#[derive(Debug)]
pub struct Spawn<'a, F> {
    /// What to run.
    pub program: Program<'a>,
    /// Its arguments, the name it goes by first.
    pub argv: &'a [String],
    /// Its environment.
    pub env: &'a [(String, String)],
    /// Its working directory.
    pub cwd: &'a str,
    /// Its descriptors.
    pub fds: Vec<(u32, F)>,
    /// Whether it outlives an interrupt of its parent.
    pub background: bool,
}

/// What a session wants of its shell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Session {
    /// A file whose commands are run before all others.
    pub start_file: Option<String>,
    /// Set if what the shell knows is to be kept for the next one; what the last one left, if
    /// there was one.
    pub kept: Option<Vec<u8>>,
}

/// CPU time used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// By the shell.
    pub own: Duration,
    /// By the processes it has waited for.
    pub children: Duration,
}

/// The signal of a person who interrupts a command.
pub(crate) const INTERRUPT: u8 = 2;

/// The system.
pub trait System {
    /// An open file or the end of a pipe. Clones are the same open file; the last one closes it.
    type Fd: Clone + Debug;

    /// Bytes of the stack that commands within commands may take.
    fn stack(&self) -> usize;

    /// Opens the file at this absolute path.
    fn open(&mut self, path: &str, how: OpenHow) -> Sys<Self::Fd>;
    /// A pipe: the end to read and the end to write.
    fn pipe(&mut self) -> Sys<(Self::Fd, Self::Fd)>;
    /// Something to read that holds these bytes.
    fn buffer(&mut self, content: Vec<u8>) -> Sys<Self::Fd>;
    /// Reads up to `most` bytes; none at the end. Waits for the first.
    fn read(&mut self, fd: &Self::Fd, most: usize) -> Sys<Vec<u8>>;
    /// Whether reading would not wait, after waiting up to `timeout`.
    fn readable(&mut self, fd: &Self::Fd, timeout: Duration) -> Sys<bool>;
    /// Reads up to `most` bytes and not past the first `delimiter`, which is read too: what
    /// follows is left for whoever reads next. None at the end. Waits for the first.
    fn read_until(&mut self, fd: &Self::Fd, delimiter: u8, most: usize) -> Sys<Vec<u8>>;
    /// Writes all of `data`.
    fn write(&mut self, fd: &Self::Fd, data: &[u8]) -> Sys<()>;
    /// Whether it is a terminal.
    fn is_terminal(&mut self, fd: &Self::Fd) -> bool;
    /// A name under which a child with this descriptor finds it, such as `/dev/fd/63`.
    fn fd_path(&self, number: u32) -> String {
        format!("/dev/fd/{number}")
    }

    /// Starts a process.
    fn spawn(&mut self, spawn: Spawn<'_, Self::Fd>) -> Sys<u32>;
    /// How a child ended; `None` if it runs and `block` is not set.
    fn wait(&mut self, pid: u32, block: bool) -> Sys<Option<Exit>>;
    /// Waits until one of these children has ended.
    fn wait_any(&mut self, pids: &[u32]) -> Sys<(u32, Exit)>;
    /// Sends a signal; 0 only asks whether the process is there.
    fn kill(&mut self, pid: u32, signal: u8) -> Sys<()>;
    /// Says which signals have a handler, and are to be kept for [`System::signals`] instead of
    /// ending the process. `None` is a signal that is ignored.
    fn handle(&mut self, signal: u8, how: Disposition);
    /// Signals that have come in.
    fn signals(&mut self) -> Vec<u8>;
    /// Ends this process by a signal's default action.
    fn die(&mut self, signal: u8) -> !;

    /// What is at this absolute path.
    fn stat(&mut self, path: &str, follow: bool) -> Sys<Stat>;
    /// What an open descriptor is.
    fn stat_fd(&mut self, fd: &Self::Fd) -> Sys<Stat>;
    /// The names in a directory, with `.` and `..` left out, in no order.
    fn read_dir(&mut self, path: &str) -> Sys<Vec<(String, FileKind)>>;
    /// The same, with what is known of each; a link is itself. What vanishes meanwhile is left out.
    fn list_dir(&mut self, path: &str) -> Sys<Vec<(String, Stat)>> {
        let mut entries = Vec::new();
        for (name, _) in self.read_dir(path)? {
            if let Ok(stat) = self.stat(&format!("{path}/{name}"), false) {
                entries.push((name, stat));
            }
        }
        Ok(entries)
    }
    /// The path without symbolic links.
    fn real_path(&mut self, path: &str) -> Sys<String>;

    /// Time since 1970.
    fn now(&mut self) -> Duration;
    /// CPU time.
    fn times(&mut self) -> Times;
    /// This process.
    fn pid(&mut self) -> u32;
    /// Its parent.
    fn parent(&mut self) -> u32;
    /// Random bits.
    fn random(&mut self) -> u32;
    /// What the session that this shell belongs to wants of it.
    fn session(&mut self) -> Session {
        Session::default()
    }
    /// Keeps what the shell knows for the session's next one; `exited` says whether it was told to
    /// exit.
    fn keep(&mut self, _state: Vec<u8>, _exited: bool) {}
    /// What to say beside "command not found" of a program that people expect to be there.
    fn hint(&self, _program: &str) -> Option<String> {
        None
    }
    /// Sets which permission bits new files do not get, its own and its children's, if there is a
    /// mask to set. The one in effect comes back.
    fn umask(&mut self, mask: Option<u32>) -> u32;
    /// Told the working directory in which the shell ends.
    fn leave(&mut self, cwd: &str);
}

/// What becomes of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The process ends.
    Default,
    /// Nothing.
    Ignore,
    /// It is kept for the shell.
    Keep,
}
