//! Programs of a cell that upstream lacks or that do not work there as they are: one program,
//! which acts by the name it is called by. One file for each.
//!
//! They follow GNU's programs: the options that are here do what they do there, and one that is not
//! here ends with status 2 and its name.

mod args;
mod cat;
mod column;
mod diff;
mod grep;
mod rev;
mod strings;
mod tac;
mod tail;
mod tar;
mod tree;
mod which;
mod xxd;

use std::io::{self, Write};

/// Rust 1.95's library turns every exit status but 0 into 1; the C library's own way out is given
/// the status here.
#[cfg(target_os = "wasi")]
#[allow(unsafe_code, reason = "the C library looks it up by this name")]
#[unsafe(no_mangle)]
extern "C" fn _Exit(code: i32) -> ! {
    wasip2::cli::exit::exit_with_code((code & 0xFF) as u8);
    unreachable!("the host ends the process")
}

fn main() {
    if let Some(cwd) = std::env::var_os("PWD") {
        // A directory that is gone is told of by whatever looks at it.
        let _ = std::env::set_current_dir(cwd);
    }
    let mut words: Vec<String> = std::env::args().collect();
    let name = if words.is_empty() { String::new() } else { words.remove(0) };
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    let mut out = io::BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let status = match name.as_str() {
        "cat" => cat::run(&words, &mut out),
        "column" => column::run(&words, &mut out),
        "cmp" => diff::cmp(&words, &mut out),
        "diff" => diff::run(&words, &mut out),
        "egrep" | "fgrep" | "grep" => grep::run(&name, &words, &mut out),
        "rev" => rev::run(&words, &mut out),
        "tail" => tail::run(&words, &mut out),
        "gunzip" | "gzip" | "zcat" => tar::gzip(&name, &words, &mut out),
        "strings" => strings::run(&words, &mut out),
        "tar" => tar::run(&words, &mut out),
        "tac" => tac::run(&words, &mut out),
        "tree" => tree::run(&words, &mut out),
        "which" => which::run(&words, &mut out),
        "xxd" => xxd::run(&words, &mut out),
        _ => {
            eprintln!("userland: {name}: no such program");
            127
        }
    };
    let status = match out.flush() {
        Ok(()) => status,
        Err(error) => {
            eprintln!("{name}: write error: {}", message(&error));
            2
        }
    };
    std::process::exit(status);
}

/// What the C library says of an error.
fn message(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}

/// Something to read: a file, or standard input for `-`.
fn open(path: &str) -> io::Result<Box<dyn io::Read>> {
    if path == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = std::fs::File::open(path)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(io::Error::from_raw_os_error(31));
    }
    Ok(Box::new(file))
}
