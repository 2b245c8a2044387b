//! The programs of a cell that are about files as such, and show or keep permission bits: WASI has
//! none, so upstream's cannot. One program, which acts by the name it is called by.
//!
//! They follow GNU's programs: the options that are here do what they do there, and one that is not
//! here ends with its name.

mod backup;
mod chmod;
mod copy;
mod df;
mod du;
mod install;
mod ln;
mod ls;
mod mkdir;
mod mv;
mod size;
mod stat;
mod touch;

use std::io;

use toolcell_program::args::{Arg, parse};

fn main() {
    let (name, words) = toolcell_program::start();
    let mut out = io::BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let status = match name.as_str() {
        "chgrp" | "chown" => chmod::owner(&name, &words),
        "chmod" => chmod::run(&words, &mut out),
        "cp" => copy::run(&words, &mut out),
        "df" => df::run(&words, &mut out),
        "dir" | "ls" | "vdir" => ls::run(&name, &words, &mut out),
        "du" => du::run(&words, &mut out),
        "ln" => ln::run(&words, &mut out),
        "install" => install::run(&words, &mut out),
        "mkdir" => mkdir::run(&words, &mut out),
        "mv" => mv::run(&words, &mut out),
        "stat" => stat::run(&words, &mut out),
        "touch" => touch::run(&words, &mut out),
        _ => {
            eprintln!("files: {name}: no such program");
            127
        }
    };
    toolcell_program::finish(&name, status, &mut out)
}

/// The command line, or a usage error already said.
fn arguments(name: &str, words: &[String], letters: &str, long: &[&str]) -> Result<Vec<Arg>, i32> {
    parse(words, letters, long).map_err(|error| {
        eprintln!("{name}: {error}\nTry '{name} --help' for more information.");
        if name == "ls" { 2 } else { 1 }
    })
}

/// The last name of a path.
fn base_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { path } else { trimmed.rsplit('/').next().unwrap_or(trimmed) }
}

/// A name in a directory.
fn join(directory: &str, name: &str) -> String {
    match directory.ends_with('/') {
        true => format!("{directory}{name}"),
        false => format!("{directory}/{name}"),
    }
}

/// The names in a directory, in the order of their bytes.
fn names(directory: &str) -> io::Result<Vec<String>> {
    let mut names = std::fs::read_dir(directory)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<String>>>()?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_last_name() {
        assert_eq!(base_name("a/b/"), "b");
        assert_eq!(base_name("/"), "/");
    }
}
