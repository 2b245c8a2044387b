//! `mkdir`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use toolcell_program::args::Arg;
use toolcell_program::files::set_mode;
use toolcell_program::{message, mode};

use crate::arguments;

/// What a new directory has.
const USUAL: u32 = 0o755;

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = ["parents:p", "verbose:v", "mode=:m"];
    let args = match arguments("mkdir", words, "pvm:", &long) {
        Ok(args) => args,
        Err(status) => return status,
    };
    let (mut parents, mut verbose, mut bits, mut paths) = (false, false, None, Vec::new());
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, value) => match letter.as_str() {
                "p" => parents = true,
                "v" => verbose = true,
                _ => {
                    let text = value.unwrap_or_default();
                    bits = mode::changed(&text, 0o777, true);
                    if bits.is_none() {
                        eprintln!("mkdir: invalid mode ‘{text}’");
                        return 1;
                    }
                }
            },
        }
    }
    if paths.is_empty() {
        eprintln!("mkdir: missing operand\nTry 'mkdir --help' for more information.");
        return 1;
    }
    let mut status = 0;
    let mut made = |path: &Path| {
        if verbose {
            let _ = writeln!(out, "mkdir: created directory '{}'", path.display());
        }
    };
    for path in &paths {
        let result = match parents {
            true => with_parents(Path::new(path), &mut made),
            false => match std::fs::create_dir(path) {
                Ok(()) => {
                    made(Path::new(path));
                    Ok(true)
                }
                Err(error) => Err((PathBuf::from(path), error)),
            },
        };
        // The mode is that of the last directory, and only if it was made now.
        let result = result.and_then(|is_new| match bits.filter(|bits| is_new && *bits != USUAL) {
            Some(bits) => set_mode(path, bits).map_err(|error| (PathBuf::from(path), error)),
            None => Ok(()),
        });
        if let Err((path, error)) = result {
            let path = path.display();
            eprintln!("mkdir: cannot create directory ‘{path}’: {}", message(&error));
            status = 1;
        }
    }
    status
}

/// Makes what is missing of a path, and says whether its last directory was; or which one could not
/// be made.
fn with_parents(path: &Path, made: &mut impl FnMut(&Path)) -> Result<bool, (PathBuf, io::Error)> {
    let mut here = PathBuf::new();
    let mut is_new = false;
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        here.push(part);
        is_new = !here.is_dir();
        if is_new {
            let failed = |error: io::Error| match error.kind() {
                io::ErrorKind::AlreadyExists if parts.peek().is_some() => {
                    (here.clone(), io::ErrorKind::NotADirectory.into())
                }
                _ => (here.clone(), error),
            };
            std::fs::create_dir(&here).map_err(failed)?;
            made(&here);
        }
    }
    Ok(is_new)
}
