//! `tar`. [`options`] is its command line, [`mod@write`] makes archives and changes them, [`read`] lists,
//! unpacks and compares them.

mod options;
mod read;
mod rename;
mod write;

use std::io::{self, Write};

use toolcell_program::message;

use options::{Wrong, parse};

const TRY: &str = "Try 'tar --help' or 'tar --usage' for more information.";

const FAILED: &str = "tar: Exiting with failure status due to previous errors";

/// What is said of a file that is something else.
const NO_ARCHIVE: &str = "This does not look like a tar archive";

const FATAL: &str = "tar: Error is not recoverable: exiting now";

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let options = match parse(words) {
        Ok(options) => options,
        Err(Wrong::Usage(error)) => {
            eprintln!("tar: {error}\n{TRY}");
            return 64;
        }
        Err(Wrong::Value(error)) => {
            eprintln!("tar: {error}\n{TRY}");
            return 2;
        }
    };
    let done = match options.mode {
        Some('c') if options.paths.is_empty() => {
            eprintln!("tar: Cowardly refusing to create an empty archive\n{TRY}");
            return 2;
        }
        Some('A') => write::join(&options),
        Some('c') => write::create(&options, out),
        Some('d') => match read::compare(&options, out) {
            Ok(0) => Ok(0),
            // What differs is no failure of the program.
            Ok(_) => return 1,
            Err(error) => Err(error),
        },
        Some('D') => write::delete(&options),
        Some('r') => write::append(&options, false, out),
        Some('t') => read::list(&options, out),
        Some('u') => write::append(&options, true, out),
        Some('x') => read::extract(&options, out),
        _ => {
            eprintln!(
                "tar: You must specify one of the '-Acdtrux', '--delete' or '--test-label' options"
            );
            eprintln!("{TRY}");
            return 2;
        }
    };
    match done {
        Ok(0) => 0,
        Ok(_) => {
            eprintln!("{FAILED}");
            2
        }
        Err(error) if error.to_string() == NO_ARCHIVE => {
            eprintln!("tar: {NO_ARCHIVE}\n{FAILED}");
            2
        }
        Err(error) => {
            let _ = out.flush();
            eprintln!("tar: {}\n{FATAL}", message(&error));
            2
        }
    }
}

/// An error that says which file could not be opened.
fn cannot_open(path: &str) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::other(format!("{path}: Cannot open: {}", message(&error)))
}
