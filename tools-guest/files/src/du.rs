//! `du`.

use std::collections::HashSet;
use std::io::Write;

use toolcell_program::args::Arg;
use toolcell_program::files::look;
use toolcell_program::message;

use crate::{arguments, human, join, names};

#[derive(Debug)]
struct Options {
    all: bool,
    summary: bool,
    apparent: bool,
    people: Option<u64>,
    block: u64,
    depth: usize,
    separate: bool,
    exclude: Vec<String>,
    end: char,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "all:a",
        "summarize:s",
        "human-readable:h",
        "si:H",
        "total:c",
        "max-depth=:d",
        "apparent-size:A",
        "bytes:b",
        "block-size=:B",
        "null:0",
        "separate-dirs:S",
        "exclude=:exclude",
        "dereference:L",
        "one-file-system:x",
        "count-links:l",
    ];
    let args = match arguments("du", words, "ashHcd:AbkmB:0SLxlD", &long) {
        Ok(args) => args,
        Err(status) => return status,
    };
    let mut options = Options {
        all: false,
        summary: false,
        apparent: false,
        people: None,
        block: 1024,
        depth: usize::MAX,
        separate: false,
        exclude: Vec::new(),
        end: '\n',
    };
    let mut total = false;
    let mut paths = Vec::new();
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, value) => match letter.as_str() {
                "a" => options.all = true,
                "s" => options.summary = true,
                "h" => options.people = Some(1024),
                "H" => options.people = Some(1000),
                "c" => total = true,
                "A" => options.apparent = true,
                "b" => (options.apparent, options.block) = (true, 1),
                "k" => options.block = 1024,
                "m" => options.block = 1 << 20,
                "S" => options.separate = true,
                "0" => options.end = '\0',
                "exclude" => options.exclude.extend(value),
                "d" => match value.as_deref().unwrap_or_default().parse() {
                    Ok(depth) => options.depth = depth,
                    Err(_) => {
                        eprintln!("du: invalid maximum depth '{}'", value.unwrap_or_default());
                        return 1;
                    }
                },
                "B" => match value.as_deref() {
                    Some("1") => options.block = 1,
                    Some("K" | "1K" | "1024") => options.block = 1 << 10,
                    Some("M" | "1M") => options.block = 1 << 20,
                    other => {
                        eprintln!("du: invalid -B argument '{}'", other.unwrap_or_default());
                        return 1;
                    }
                },
                _ => {}
            },
        }
    }
    if options.summary && options.all {
        eprintln!("du: cannot both summarize and show all entries");
        return 1;
    }
    if options.summary {
        options.depth = 0;
    }
    if paths.is_empty() {
        paths.push(".".to_owned());
    }
    let mut walk = Walk { options, seen: HashSet::new(), failed: false, out };
    let mut sum = 0u64;
    for path in paths {
        sum = sum.saturating_add(walk.visit(&path, 0).unwrap_or(0));
    }
    if total {
        walk.line(sum, "total");
    }
    i32::from(walk.failed)
}

struct Walk<'a, W> {
    options: Options,
    /// Files with several names, which count once.
    seen: HashSet<(u64, u64)>,
    failed: bool,
    out: &'a mut W,
}

impl<W: Write> Walk<'_, W> {
    fn visit(&mut self, path: &str, depth: usize) -> Option<u64> {
        let details = match look(path, false) {
            Ok(details) => details,
            Err(error) => {
                eprintln!("du: cannot access '{path}': {}", message(&error));
                self.failed = true;
                return None;
            }
        };
        if details.links > 1
            && !details.is_dir()
            && !self.seen.insert((details.device, details.inode))
        {
            return None;
        }
        let mut size = match self.options.apparent {
            true if details.is_dir() => 4096,
            true => details.size,
            false => details.allocated(),
        };
        if details.is_dir() {
            match names(path) {
                Ok(names) => {
                    for name in names {
                        let excluded = |pattern: &String| toolcell_text::wild(pattern, &name);
                        if self.options.exclude.iter().any(excluded) {
                            continue;
                        }
                        let child = join(path, &name);
                        let below = self.visit(&child, depth + 1).unwrap_or(0);
                        let directory = || look(&child, false).is_ok_and(|child| child.is_dir());
                        if !(self.options.separate && directory()) {
                            size = size.saturating_add(below);
                        }
                    }
                }
                Err(error) => {
                    eprintln!("du: cannot read directory '{path}': {}", message(&error));
                    self.failed = true;
                }
            }
        }
        if depth <= self.options.depth && (details.is_dir() || self.options.all || depth == 0) {
            self.line(size, path);
        }
        Some(size)
    }

    fn line(&mut self, size: u64, path: &str) {
        let text = match self.options.people {
            Some(base) => human(size, base),
            None => size.div_ceil(self.options.block).to_string(),
        };
        if write!(self.out, "{text}\t{path}{}", self.options.end).is_err() {
            self.failed = true;
        }
    }
}
