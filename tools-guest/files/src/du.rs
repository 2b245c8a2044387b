//! `du`.

use std::collections::HashSet;
use std::io::{Read as _, Write};

use toolcell_program::args::Arg;
use toolcell_program::files::{Details, look};
use toolcell_program::message;

use crate::size::Unit;
use crate::{arguments, join, names};

/// Which links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    None,
    /// Those of the command line.
    Given,
    All,
}

#[derive(Debug)]
struct Options {
    all: bool,
    summary: bool,
    apparent: bool,
    /// Files are counted, not their sizes.
    inodes: bool,
    unit: Unit,
    depth: Option<usize>,
    /// What is in a directory below does not count for the one above.
    separate: bool,
    /// A file with several names counts for each.
    count_links: bool,
    follow: Follow,
    exclude: Vec<String>,
    /// Less is not shown; or, if negative, more.
    threshold: i64,
    /// The time that is shown, by its letter.
    time: Option<char>,
    style: String,
    end: char,
}

const LONG: &[&str] = &[
    "all:a",
    "apparent-size:A",
    "block-size=:B",
    "bytes:b",
    "count-links:l",
    "dereference:L",
    "dereference-args:D",
    "exclude=:exclude",
    "exclude-from=:X",
    "files0-from=:files0-from",
    "human-readable:h",
    "inodes:inodes",
    "max-depth=:d",
    "no-dereference:P",
    "null:0",
    "one-file-system:x",
    "separate-dirs:S",
    "si:si",
    "summarize:s",
    "threshold=:t",
    "time=?:time",
    "time-style=:time-style",
    "total:c",
];

const TRY: &str = "Try 'du --help' for more information.";

struct Wanted {
    options: Options,
    total: bool,
    paths: Vec<String>,
}

fn parse(words: &[String]) -> Result<Wanted, i32> {
    let mut o = Options {
        all: false,
        summary: false,
        apparent: false,
        inodes: false,
        unit: Unit::KIB,
        depth: None,
        separate: false,
        count_links: false,
        follow: Follow::None,
        exclude: Vec::new(),
        threshold: 0,
        time: None,
        style: "long-iso".to_owned(),
        end: '\n',
    };
    let (mut total, mut paths, mut list) = (false, Vec::new(), None);
    for arg in arguments("du", words, "ashHcd:AbkmB:0SLPxlDt:X:", LONG)? {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        let text = value.as_deref().unwrap_or_default();
        let invalid = |what: &str| {
            eprintln!("du: invalid {what} '{text}'");
            1
        };
        match letter.as_str() {
            "a" => o.all = true,
            "s" => o.summary = true,
            "h" => o.unit = Unit::People(1024),
            "si" => o.unit = Unit::People(1000),
            "c" => total = true,
            "A" => o.apparent = true,
            "b" => (o.apparent, o.unit) = (true, Unit::BYTES),
            "k" => o.unit = Unit::KIB,
            "m" => o.unit = Unit::MIB,
            "S" => o.separate = true,
            "l" => o.count_links = true,
            "L" => o.follow = Follow::All,
            "D" | "H" => o.follow = Follow::Given,
            "P" => o.follow = Follow::None,
            "0" => o.end = '\0',
            "exclude" => o.exclude.extend(value),
            "X" => match std::fs::read_to_string(text) {
                Ok(patterns) => o.exclude.extend(patterns.lines().map(str::to_owned)),
                Err(error) => {
                    eprintln!("du: {text}: {}", message(&error));
                    return Err(1);
                }
            },
            "files0-from" => list = value,
            "inodes" => o.inodes = true,
            "d" => match text.parse() {
                Ok(depth) => o.depth = Some(depth),
                Err(_) => {
                    invalid("maximum depth");
                    eprintln!("{TRY}");
                    return Err(1);
                }
            },
            "B" => o.unit = Unit::parse(text).ok_or_else(|| invalid("-B argument"))?,
            "t" => o.threshold = threshold(text).ok_or_else(|| invalid("-t argument"))?,
            "time" => {
                o.time = Some(match text {
                    "" => 'm',
                    "atime" | "access" | "use" => 'a',
                    "ctime" | "status" => 'c',
                    "mtime" | "modification" => 'm',
                    _ => {
                        eprintln!("du: invalid argument '{text}' for '--time'\n{TRY}");
                        return Err(1);
                    }
                });
            }
            "time-style" => {
                let style = text.trim_start_matches("posix-");
                if !matches!(style, "full-iso" | "long-iso" | "iso") && !style.starts_with('+') {
                    eprintln!("du: invalid argument '{text}' for '--time-style'\n{TRY}");
                    return Err(1);
                }
                o.style = style.to_owned();
            }
            _ => {}
        }
    }
    if o.summary && o.all {
        eprintln!("du: cannot both summarize and show all entries\n{TRY}");
        return Err(1);
    }
    match o.depth {
        Some(0) if o.summary => {
            eprintln!("du: warning: summarizing is the same as using --max-depth=0");
        }
        Some(depth) if o.summary => {
            eprintln!("du: warning: summarizing conflicts with --max-depth={depth}\n{TRY}");
            return Err(1);
        }
        _ => {}
    }
    if let Some(list) = list {
        let mut names = String::new();
        let read = toolcell_program::open(&list);
        if let Err(error) = read.and_then(|mut input| input.read_to_string(&mut names)) {
            eprintln!("du: cannot open '{list}' for reading: {}", message(&error));
            return Err(1);
        }
        paths.extend(names.split_terminator('\0').map(str::to_owned));
    } else if paths.is_empty() {
        paths.push(".".to_owned());
    }
    Ok(Wanted { options: o, total, paths })
}

fn threshold(text: &str) -> Option<i64> {
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, text),
    };
    match Unit::parse(size)? {
        // One without a number is none, as a unit is.
        Unit::Blocks(bytes, suffix) if suffix.is_empty() => {
            i64::try_from(bytes).ok().map(|bytes| sign * bytes)
        }
        _ => None,
    }
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let Wanted { options, total, paths } = match parse(words) {
        Ok(wanted) => wanted,
        Err(status) => return status,
    };
    let once = !options.count_links && (options.follow == Follow::All || paths.len() > 1);
    let mut walk = Walk { options, once, seen: HashSet::new(), failed: false, out };
    let mut sum = Sum::default();
    for path in paths {
        let follow = walk.options.follow != Follow::None;
        if let Some(details) = walk.look(&path, follow) {
            sum.add(walk.visit(&path, &details, 0));
        }
    }
    if total {
        walk.line(sum, "total");
    }
    i32::from(walk.failed)
}

/// What a file and all that is in it come to.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    size: u64,
    /// The latest of their times.
    time: u64,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.size = self.size.saturating_add(other.size);
        self.time = self.time.max(other.time);
    }
}

struct Walk<'a, W> {
    options: Options,
    /// Any file may be come by again, and counts once.
    once: bool,
    /// Files that were counted, of those that may be come by again.
    seen: HashSet<(u64, u64)>,
    failed: bool,
    out: &'a mut W,
}

impl<W: Write> Walk<'_, W> {
    fn look(&mut self, path: &str, follow: bool) -> Option<Details> {
        match look(path, follow) {
            Ok(details) => Some(details),
            Err(error) => {
                eprintln!("du: cannot access '{path}': {}", message(&error));
                self.failed = true;
                None
            }
        }
    }

    fn visit(&mut self, path: &str, details: &Details, depth: usize) -> Sum {
        let o = &self.options;
        let several = details.links > 1 && !details.is_dir() && !o.count_links;
        let file = (details.device, details.inode);
        if (several || self.once) && !self.seen.insert(file) {
            return Sum::default();
        }
        let mut sum = Sum {
            size: match (o.inodes, o.apparent) {
                (true, _) => 1,
                (false, true) if details.is_dir() => 4096,
                (false, true) => details.size,
                (false, false) => details.allocated(),
            },
            time: match o.time {
                Some('a') => details.accessed,
                Some('c') => details.changed,
                _ => details.modified,
            },
        };
        // What is shown of a directory may be less than all of it.
        let mut all = sum;
        if details.is_dir() {
            match names(path) {
                Ok(names) => {
                    for name in names {
                        let child = join(path, &name);
                        let excluded = |pattern: &String| {
                            toolcell_text::wild(pattern, &name)
                                || toolcell_text::wild(pattern, &child)
                        };
                        if self.options.exclude.iter().any(excluded) {
                            continue;
                        }
                        let follow = self.options.follow == Follow::All;
                        let Some(details) = self.look(&child, follow) else { continue };
                        let inside = self.visit(&child, &details, depth + 1);
                        all.add(inside);
                        if !(self.options.separate && details.is_dir()) {
                            sum.add(inside);
                        }
                    }
                }
                Err(error) => {
                    eprintln!("du: cannot read directory '{path}': {}", message(&error));
                    self.failed = true;
                }
            }
        }
        let o = &self.options;
        let deepest = if o.summary { 0 } else { o.depth.unwrap_or(usize::MAX) };
        if depth <= deepest && (details.is_dir() || o.all || depth == 0) {
            let size = i64::try_from(sum.size).unwrap_or(i64::MAX);
            let wanted = match o.threshold < 0 {
                true => size <= -o.threshold,
                false => size >= o.threshold,
            };
            if wanted {
                self.line(sum, path);
            }
        }
        all
    }

    fn line(&mut self, sum: Sum, path: &str) {
        let o = &self.options;
        let size = match (o.inodes, &o.unit) {
            (true, Unit::Blocks(..)) => sum.size.to_string(),
            (_, unit) => unit.show(sum.size),
        };
        let time = match o.time {
            Some(_) => format!("\t{}", date(&o.style, sum.time)),
            None => String::new(),
        };
        if write!(self.out, "{size}{time}\t{path}{}", o.end).is_err() {
            self.failed = true;
        }
    }
}

fn date(style: &str, nanos: u64) -> String {
    let format = match style {
        "full-iso" => "%F %T.%N %z",
        "iso" => "%F",
        style => style.strip_prefix('+').unwrap_or("%F %R"),
    };
    toolcell_zone::strftime_extended(format, nanos)
}
