//! `tree`.

use std::io::{self, Write};
use std::path::Path;

use toolcell_program::args::{Arg, parse};

#[derive(Debug, Clone, Copy, Default)]
struct Options {
    all: bool,
    directories: bool,
    full: bool,
    level: Option<usize>,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let args = match parse(words, "adfL:", &["noreport"]) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("tree: {error}");
            return 2;
        }
    };
    let mut options = Options::default();
    let (mut report, mut paths) = (true, Vec::new());
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, value) => match letter.as_str() {
                "a" => options.all = true,
                "d" => options.directories = true,
                "f" => options.full = true,
                "L" => {
                    match value.and_then(|value| value.parse().ok()).filter(|level| *level > 0) {
                        Some(level) => options.level = Some(level),
                        None => {
                            eprintln!("tree: Invalid level, must be greater than 0.");
                            return 1;
                        }
                    }
                }
                _ => report = false,
            },
        }
    }
    if paths.is_empty() {
        paths.push(".".to_owned());
    }
    let mut counts = (0, 0);
    let mut status = 0;
    for path in &paths {
        if !Path::new(path).is_dir() {
            let _ = writeln!(out, "{path}  [error opening dir]");
            status = 2;
            continue;
        }
        let _ = writeln!(out, "{path}");
        if show(Path::new(path), "", 1, options, &mut counts, out).is_err() {
            return 2;
        }
    }
    if report {
        let plural = |count: u64, one: &str, many: &str| {
            format!("{count} {}", if count == 1 { one } else { many })
        };
        let directories = plural(counts.0, "directory", "directories");
        let _ = match options.directories {
            true => writeln!(out, "\n{directories}"),
            false => writeln!(out, "\n{directories}, {}", plural(counts.1, "file", "files")),
        };
    }
    status
}

fn show(
    directory: &Path,
    indent: &str,
    level: usize,
    options: Options,
    counts: &mut (u64, u64),
    out: &mut impl Write,
) -> io::Result<()> {
    if options.level.is_some_and(|most| level > most) {
        return Ok(());
    }
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut entries: Vec<(String, bool, bool)> = entries
        .map(|entry| {
            let kind = entry.file_type().ok();
            (
                entry.file_name().to_string_lossy().into_owned(),
                kind.is_some_and(|kind| kind.is_dir()),
                kind.is_some_and(|kind| kind.is_symlink()),
            )
        })
        .filter(|(name, is_dir, _)| {
            (options.all || !name.starts_with('.')) && (!options.directories || *is_dir)
        })
        .collect();
    entries.sort();
    let count = entries.len();
    for (at, (name, is_dir, is_link)) in entries.into_iter().enumerate() {
        let last = at + 1 == count;
        let path = directory.join(&name);
        let shown = if options.full { path.to_string_lossy().into_owned() } else { name };
        let target = match is_link {
            true => std::fs::read_link(&path).map(|to| format!(" -> {}", to.display())).ok(),
            false => None,
        };
        let branch = if last { "└── " } else { "├── " };
        writeln!(out, "{indent}{branch}{shown}{}", target.unwrap_or_default())?;
        if is_dir {
            counts.0 += 1;
            let deeper = format!("{indent}{}", if last { "    " } else { "│\u{a0}\u{a0} " });
            show(&path, &deeper, level + 1, options, counts, out)?;
        } else {
            counts.1 += 1;
        }
    }
    Ok(())
}
