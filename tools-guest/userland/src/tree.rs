//! `tree`.

use std::io::{self, Write};
use std::path::Path;

use toolcell_program::args::{Arg, parse};
use toolcell_program::files;
use toolcell_text::wild;

#[derive(Debug, Default)]
struct Options {
    all: bool,
    directories: bool,
    full: bool,
    level: Option<usize>,
    directories_first: bool,
    classify: bool,
    plain: bool,
    size: Option<Size>,
    prune: bool,
    ignore: Vec<String>,
    only: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Bytes,
    Human,
}

/// What a directory lists.
struct Entry {
    name: String,
    is_dir: bool,
    is_link: bool,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = ["noreport", "dirsfirst", "prune", "charset=", "sort=?"];
    let args = match parse(words, "adfiFshnCL:I:P:", &long) {
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
                "F" => options.classify = true,
                "i" => options.plain = true,
                "s" => options.size = Some(Size::Bytes),
                "h" => options.size = Some(Size::Human),
                "dirsfirst" => options.directories_first = true,
                "prune" => options.prune = true,
                "I" => options.ignore.extend(patterns(value.as_deref())),
                "P" => options.only.extend(patterns(value.as_deref())),
                "noreport" => report = false,
                // Without colours, and sorted by name, it is anyway.
                _ => {}
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
        counts.0 += 1;
        let _ = writeln!(out, "{}", options.shown(Path::new(path), path, true));
        if show(Path::new(path), "", 1, &options, &mut counts, out).is_err() {
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
    options: &Options,
    counts: &mut (u64, u64),
    out: &mut impl Write,
) -> io::Result<()> {
    if options.level.is_some_and(|most| level > most) {
        return Ok(());
    }
    let entries = list(directory, options);
    let count = entries.len();
    for (at, Entry { name, is_dir, is_link }) in entries.into_iter().enumerate() {
        let last = at + 1 == count;
        let path = directory.join(&name);
        let name = if options.full { path.to_string_lossy().into_owned() } else { name };
        let shown = options.shown(&path, &name, is_dir);
        let target = match is_link {
            true => std::fs::read_link(&path).map(|to| format!(" -> {}", to.display())).ok(),
            false => None,
        };
        let branch = match (options.plain, last) {
            (true, _) => "",
            (false, true) => "└── ",
            (false, false) => "├── ",
        };
        writeln!(out, "{indent}{branch}{shown}{}", target.unwrap_or_default())?;
        if is_dir {
            counts.0 += 1;
            let deeper = match (options.plain, last) {
                (true, _) => String::new(),
                (false, true) => format!("{indent}    "),
                (false, false) => format!("{indent}│\u{a0}\u{a0} "),
            };
            show(&path, &deeper, level + 1, options, counts, out)?;
        } else {
            counts.1 += 1;
        }
    }
    Ok(())
}

impl Options {
    /// A name, with its size and what it is.
    fn shown(&self, path: &Path, name: &str, is_dir: bool) -> String {
        let slash = if self.classify && is_dir { "/" } else { "" };
        let size = || {
            files::look(&path.to_string_lossy(), false).map_or(0, |details| {
                if details.is_dir() { details.allocated() } else { details.size }
            })
        };
        match self.size {
            None => format!("{name}{slash}"),
            Some(Size::Bytes) => format!("[{:>11}]  {name}{slash}", size()),
            Some(Size::Human) => format!("[{:>4}]  {name}{slash}", human(size())),
        }
    }
}

/// The alternatives of a pattern: `node_modules|*.log`.
fn patterns(value: Option<&str>) -> impl Iterator<Item = String> + '_ {
    value.unwrap_or_default().split('|').map(str::to_owned)
}

fn list(directory: &Path, options: &Options) -> Vec<Entry> {
    let matches = |globs: &[String], name: &str, is_dir: bool| {
        globs.iter().any(|glob| match glob.strip_suffix('/') {
            Some(glob) => is_dir && wild(glob, name),
            None => wild(glob, name),
        })
    };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut entries: Vec<Entry> = entries
        .map(|entry| {
            let kind = entry.file_type().ok();
            Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                is_dir: kind.is_some_and(|kind| kind.is_dir()),
                is_link: kind.is_some_and(|kind| kind.is_symlink()),
            }
        })
        .filter(|Entry { name, is_dir, .. }| {
            (options.all || !name.starts_with('.'))
                && (!options.directories || *is_dir)
                && !matches(&options.ignore, name, *is_dir)
                && (options.only.is_empty() || *is_dir || matches(&options.only, name, false))
        })
        .filter(|entry| {
            let empty = |name: &str| list(&directory.join(name), options).is_empty();
            !(options.prune && entry.is_dir && empty(&entry.name))
        })
        .collect();
    entries.sort_by(|a, b| {
        let kinds = b.is_dir.cmp(&a.is_dir);
        let first = if options.directories_first { kinds } else { std::cmp::Ordering::Equal };
        first.then_with(|| a.name.cmp(&b.name))
    });
    entries
}

/// A size with the letter of its power, in four columns.
fn human(bytes: u64) -> String {
    let (mut size, mut letters) = (bytes as f64, "KMGTPE".chars());
    let mut letter = None;
    while size >= 1024.0 {
        size /= 1024.0;
        letter = letters.next();
    }
    match letter {
        None => bytes.to_string(),
        Some(letter) if size < 10.0 => format!("{size:.1}{letter}"),
        Some(letter) => format!("{size:.0}{letter}"),
    }
}
