//! `chmod`; and `chown`, `chgrp`, which have only one owner to choose from.

use std::io::{self, Write};

use toolcell_program::args::Arg;
use toolcell_program::files::{Kind, look, set_mode};
use toolcell_program::{message, mode};

use crate::{arguments, join, names};

#[derive(Debug, Default)]
struct Options {
    recursive: bool,
    verbose: bool,
    changes: bool,
    quiet: bool,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let mut options = Options::default();
    let mut operands = Vec::new();
    let mut reference = None;
    // `-x`, `-w` and their like are modes, not options.
    let is_mode = |word: &String| {
        word.len() > 1
            && word.starts_with('-')
            && word[1..].starts_with(|c: char| "rwxXstugo".contains(c))
    };
    let at = words.iter().position(is_mode);
    let given = at.map(|at| words[at].clone());
    let words: Vec<String> = words
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != at)
        .map(|(_, word)| word.clone())
        .collect();
    let long = [
        "recursive:R",
        "verbose:v",
        "changes:c",
        "silent:f",
        "quiet:f",
        "reference=:reference",
        "preserve-root:n",
        "no-preserve-root:n",
    ];
    let args = match arguments("chmod", &words, "Rvcfn", &long) {
        Ok(args) => args,
        Err(status) => return status,
    };
    for arg in args {
        match arg {
            Arg::Operand(operand) => operands.push(operand),
            Arg::Option(letter, value) => match letter.as_str() {
                "R" => options.recursive = true,
                "v" => options.verbose = true,
                "c" => options.changes = true,
                "f" => options.quiet = true,
                "reference" => reference = value,
                _ => {}
            },
        }
    }
    let wanted = match reference {
        Some(path) => match look(&path, true) {
            Ok(details) => format!("{:o}", details.mode),
            Err(error) => {
                let why = message(&error);
                eprintln!("chmod: failed to get attributes of '{path}': {why}");
                return 1;
            }
        },
        None => match given {
            Some(mode) => mode,
            None if operands.is_empty() => {
                eprintln!("chmod: missing operand\nTry 'chmod --help' for more information.");
                return 1;
            }
            None => operands.remove(0),
        },
    };
    if mode::changed(&wanted, 0, false).is_none() {
        eprintln!("chmod: invalid mode: ‘{wanted}’\nTry 'chmod --help' for more information.");
        return 1;
    }
    if operands.is_empty() {
        eprintln!(
            "chmod: missing operand after ‘{wanted}’\nTry 'chmod --help' for more information."
        );
        return 1;
    }
    let mut failed = false;
    for path in operands {
        failed |= change(&path, &wanted, &options, true, out);
    }
    i32::from(failed)
}

/// Whether it failed.
fn change(path: &str, wanted: &str, options: &Options, given: bool, out: &mut impl Write) -> bool {
    let changed = || -> io::Result<(Kind, u32, u32)> {
        let details = look(path, given)?;
        // A link below a directory is left alone, as what it leads to may be elsewhere.
        if details.kind == Kind::Symlink {
            return Ok((details.kind, details.mode, details.mode));
        }
        let mode = mode::changed(wanted, details.mode, details.is_dir()).unwrap_or(details.mode);
        if mode != details.mode {
            set_mode(path, mode)?;
        }
        Ok((details.kind, details.mode, mode))
    };
    let (kind, before, after) = match changed() {
        Ok(done) => done,
        Err(error) => {
            if !options.quiet {
                let what = match error.kind() {
                    io::ErrorKind::NotFound => "cannot access",
                    _ => "changing permissions of",
                };
                eprintln!("chmod: {what} '{path}': {}", message(&error));
            }
            return true;
        }
    };
    if options.verbose || options.changes && before != after {
        let text = |mode| mode::shown(kind, mode)[1..].to_owned();
        let _ = match before == after {
            true => writeln!(out, "mode of '{path}' retained as {after:04o} ({})", text(after)),
            false => writeln!(
                out,
                "mode of '{path}' changed from {before:04o} ({}) to {after:04o} ({})",
                text(before),
                text(after)
            ),
        };
    }
    let mut failed = false;
    if options.recursive && kind == Kind::Directory {
        match names(path) {
            Ok(names) => {
                for name in names {
                    failed |= change(&join(path, &name), wanted, options, false, out);
                }
            }
            Err(error) => {
                eprintln!("chmod: cannot read directory '{path}': {}", message(&error));
                failed = true;
            }
        }
    }
    failed
}

/// `chown` and `chgrp`. Every file of a cell is the agent's: to give it to the agent succeeds, to
/// give it to somebody else is refused, as it would be to a user who is not root.
pub(crate) fn owner(name: &str, words: &[String]) -> i32 {
    let long = [
        "recursive:R",
        "verbose:v",
        "changes:c",
        "silent:f",
        "quiet:f",
        "no-dereference:h",
        "dereference:nothing",
        "from=:from",
        "preserve-root:nothing",
        "no-preserve-root:nothing",
        "reference=:reference",
    ];
    let args = match arguments(name, words, "RvcfhHLP", &long) {
        Ok(args) => args,
        Err(status) => return status,
    };
    let (mut operands, mut reference, mut from) = (Vec::new(), None, String::new());
    for arg in args {
        match arg {
            Arg::Operand(operand) => operands.push(operand),
            Arg::Option(letter, value) if letter == "reference" => reference = value,
            Arg::Option(letter, value) if letter == "from" => from = value.unwrap_or_default(),
            Arg::Option(..) => {}
        }
    }
    if let Some(path) = &reference
        && let Err(error) = look(path, true)
    {
        let why = message(&error);
        eprintln!("{name}: failed to get attributes of '{path}': {why}");
        return 1;
    }
    let mut operands = operands.into_iter();
    let wanted = match reference {
        Some(_) => Some("agent".to_owned()),
        None => operands.next(),
    };
    let Some(wanted) = wanted else {
        eprintln!("{name}: missing operand\nTry '{name} --help' for more information.");
        return 1;
    };
    // What is not theirs from whom it would be taken stays as it is.
    let is_agent =
        |owners: &str| owners.split([':', '.']).all(|name| matches!(name, "" | "agent" | "1000"));
    let ours = !is_agent(&from) || is_agent(&wanted);
    let mut status = 0;
    let mut any = false;
    for path in operands {
        any = true;
        let why = match look(&path, true) {
            Ok(_) if ours => continue,
            Ok(_) => "Operation not permitted".to_owned(),
            Err(error) => message(&error),
        };
        let what = if name == "chown" { "ownership" } else { "group" };
        match why.starts_with("No such") {
            true => eprintln!("{name}: cannot access '{path}': {why}"),
            false => eprintln!("{name}: changing {what} of '{path}': {why}"),
        }
        status = 1;
    }
    if !any {
        eprintln!("{name}: missing operand after ‘{wanted}’");
        return 1;
    }
    status
}
