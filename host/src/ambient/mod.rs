//! The only code that touches the machine without having been handed a capability for it: first
//! directory handles, the clock, randomness, process limits.
#![allow(clippy::disallowed_methods, reason = "this module is where the ban is lifted")]

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// Opens a directory of the host by path: where every other handle comes from.
///
/// # Errors
/// When there is no such directory, or it may not be opened.
pub fn open_dir_ambient(path: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
}

/// Makes a directory, its parents included, that only this user can enter, and opens it.
///
/// # Errors
/// When it cannot be made or opened.
pub fn create_private_dir_ambient(path: &Path) -> io::Result<Dir> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    open_dir_ambient(path)
}

/// Opens a file that the user named on the command line.
///
/// # Errors
/// When it cannot be opened.
pub fn open_file_ambient(path: &Path) -> io::Result<std::fs::File> {
    std::fs::File::open(path)
}

/// Reads a file that the user named on the command line.
///
/// # Errors
/// When it cannot be read.
pub fn read_ambient(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// Replaces a file that the user named by one that only this user can read.
///
/// # Errors
/// When it cannot be written.
pub fn replace_private_ambient(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_private_dir_ambient(parent)?;
    }
    let new = path.with_extension(format!("new-{:x}", unique()));
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_data()?;
    std::fs::rename(&new, path)
}

/// A path with every link followed.
///
/// # Errors
/// When there is nothing there.
pub fn canonical_ambient(path: &Path) -> io::Result<std::path::PathBuf> {
    path.canonicalize()
}

/// The environment's variables whose names, in small letters, begin with one of these; the names
/// come back so.
pub fn variables(prefixes: &[&str]) -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.to_str()?.to_ascii_lowercase();
            let wanted = prefixes.iter().any(|prefix| name.starts_with(prefix));
            Some((name, value.into_string().ok()?)).filter(|_| wanted)
        })
        .collect()
}

/// Nanoseconds since 1970; 0 for a clock set before.
pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A number no other call of this process gets, and hardly any other process.
pub fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    (now_ns() << 8) ^ (u64::from(std::process::id()) << 44) ^ count
}

/// CPU time that this thread has used, in nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Lets this process open as many files as the system allows it. Each open guest descriptor is
/// one of the host's. The limit now in force comes back.
pub fn raise_open_files_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Fills `bytes` with randomness of the system's.
pub fn fill_random(bytes: &mut [u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => rest = &mut rest[count..],
            Err(rustix::io::Errno::INTR) => {}
            // No kernel that has openat2 lacks getrandom.
            Err(_) => return,
        }
    }
}
