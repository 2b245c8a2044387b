//! What the hostile programs share: raw `wasi:filesystem`, past every library that would tidy up
//! a path first, and the report.
//!
//! A program tries what it should not be able to do. It prints a line for each attempt and exits
//! with 0 if all were refused; it prints `ESCAPED` and exits with 1 at the first that was not.
//! Each program runs under several policies, so a preparation may itself be refused: that is not
//! an escape. The first lines of a program name the operations that it exercises.
//!
//! The host puts these into the regions first: `secret-link` (absolute, to a file outside),
//! `up-link` (relative, out of the region), `outside-dir` (absolute, to a directory outside),
//! `pipe` (a FIFO), `socket`, and `shared/kept.txt` in a region that may be read-only.

pub use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};

/// The region that most attempts start from.
pub const WORKSPACE: &str = "home/agent/workspace";
/// Another region.
pub const SHARED: &str = "home/agent/shared";
/// What the file outside holds. It must never be read.
pub const SECRET: &str = "TOP SECRET";

/// The root that the host gives.
pub fn root() -> Descriptor {
    let mut directories = wasip2::filesystem::preopens::get_directories();
    assert_eq!(directories.len(), 1, "one root is given");
    directories.remove(0).0
}

/// A directory below the root.
pub fn directory(path: &str) -> Descriptor {
    let flags = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
    let opened = root().open_at(PathFlags::empty(), path, OpenFlags::DIRECTORY, flags);
    opened.unwrap_or_else(|error| panic!("{path} cannot be opened: {error:?}"))
}

/// Opens a file for reading, links followed.
///
/// # Errors
/// The host's.
pub fn open(at: &Descriptor, path: &str) -> Result<Descriptor, ErrorCode> {
    at.open_at(PathFlags::SYMLINK_FOLLOW, path, OpenFlags::empty(), DescriptorFlags::READ)
}

/// Opens a file for writing, making it if need be, links followed.
///
/// # Errors
/// The host's.
pub fn create(at: &Descriptor, path: &str) -> Result<Descriptor, ErrorCode> {
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    at.open_at(PathFlags::SYMLINK_FOLLOW, path, OpenFlags::CREATE, flags)
}

/// Reports an attempt: any error is a refusal, success is an escape.
pub fn refused<T>(attempt: &str, result: Result<T, ErrorCode>) {
    match result {
        Err(error) => println!("refused {attempt}: {error:?}"),
        Ok(_) => escaped(attempt),
    }
}

/// Reports an attempt that may succeed, but must not give the secret.
pub fn no_secret(attempt: &str, result: Result<Descriptor, ErrorCode>) {
    match result.and_then(|file| file.read(4096, 0)) {
        Ok((bytes, _)) if String::from_utf8_lossy(&bytes).contains(SECRET) => escaped(attempt),
        Ok(_) => println!("harmless {attempt}"),
        Err(error) => println!("refused {attempt}: {error:?}"),
    }
}

/// Ends the program: it got out.
pub fn escaped(attempt: &str) -> ! {
    println!("ESCAPED {attempt}");
    wasip2::cli::exit::exit(Err(()));
    unreachable!()
}
