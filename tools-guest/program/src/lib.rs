//! What the programs of a cell share.
//!
//! 1. [`start`] is how each begins, [`finish`] how it ends.
//! 2. [`args`] are options as GNU's programs take them.
//! 3. [`help`] is what `--help` and `--version` say.
//! 4. [`files`] is what WASI does not say of files; [`mode`] reads and writes permission bits.
//! 5. `errors` are the words for what went wrong.

pub mod args;
#[cfg(target_os = "wasi")]
mod errors;
pub mod files;
pub mod help;
pub mod mode;

use std::io::{self, Read, Write};

/// Rust 1.95's library turns every exit status but 0 into 1; the C library's own way out is given
/// the status here.
#[cfg(target_os = "wasi")]
#[allow(unsafe_code, reason = "the C library looks it up by this name")]
#[unsafe(no_mangle)]
extern "C" fn _Exit(code: i32) -> ! {
    wasip2::cli::exit::exit_with_code((code & 0xFF) as u8);
    unreachable!("the host ends the process")
}

/// Goes to the working directory that the process was given, and says by which name it was called
/// and with which words.
pub fn start() -> (String, Vec<String>) {
    enter();
    (name(), std::env::args().skip(1).collect())
}

/// The name that the program was called by, without the directories before it.
pub fn name() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let path = path.to_string_lossy();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Goes to the working directory that the process was given. The library does not by itself.
pub fn enter() {
    #[cfg(target_os = "wasi")]
    if let Some(cwd) = wasip2::cli::environment::initial_cwd() {
        // A directory that is gone is told of by whatever looks at it.
        let _ = std::env::set_current_dir(cwd);
    }
}

/// Writes what is left in `out` and ends the process.
pub fn finish(name: &str, status: i32, out: &mut impl Write) -> ! {
    let status = match out.flush() {
        Ok(()) => status,
        Err(error) => {
            eprintln!("{name}: write error: {}", message(&error));
            match name {
                "cmp" | "diff" | "dir" | "egrep" | "fgrep" | "grep" | "ls" | "sdiff" | "vdir" => 2,
                "sed" => 4,
                _ => 1,
            }
        }
    };
    std::process::exit(status)
}

/// What the C library says of an error.
pub fn message(error: &io::Error) -> String {
    let text = match error.kind() {
        io::ErrorKind::IsADirectory => "Is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "Not a directory".to_owned(),
        io::ErrorKind::AlreadyExists => "File exists".to_owned(),
        _ => error.to_string(),
    };
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}

/// Standard input, of which each read takes no more than it asks for. The library's own keeps what
/// else was there, which the next program that reads it then lacks.
pub fn open_input() -> Box<dyn Read> {
    match std::fs::File::open("/dev/stdin") {
        Ok(input) => Box::new(input),
        Err(_) => Box::new(io::stdin().lock()),
    }
}

/// Something to read: a file, or standard input for `-`.
///
/// # Errors
/// The system's; a directory is none to read.
pub fn open(path: &str) -> io::Result<Box<dyn Read>> {
    if path == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = std::fs::File::open(path)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(Box::new(file))
}
