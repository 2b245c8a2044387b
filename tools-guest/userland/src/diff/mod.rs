//! `diff` and `sdiff`: what is compared, and in which order. [`lines`] finds what differs,
//! [`layout`], [`side`] and [`formats`] write it.

mod formats;
mod layout;
mod lines;
mod side;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use formats::{Formats, Of};
use layout::Layout;
use lines::{Rules, Space};
use side::Sides;
use toolcell_posix::{Syntax, translate};
use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};
use toolcell_text::wild;

/// How deep directories are compared.
const MAX_DEPTH: u32 = 128;

/// How many columns two files side by side have.
const WIDTH: usize = 130;

const LETTERS: &str = "0123456789abBcC:dD:eEF:hiI:lL:nNpqrsS:tTuU:wW:x:X:yZ";

const LONG: &[&str] = &[
    "brief:q",
    "changed-group-format=",
    "color=?",
    "context=?:C",
    "ed:e",
    "exclude=:x",
    "exclude-from=:X",
    "expand-tabs:t",
    "from-file=",
    "horizon-lines=",
    "ignore-all-space:w",
    "ignore-blank-lines:B",
    "ifdef=:D",
    "ignore-case:i",
    "ignore-file-name-case",
    "ignore-matching-lines=:I",
    "ignore-space-change:b",
    "ignore-tab-expansion:E",
    "ignore-trailing-space:Z",
    "initial-tab:T",
    "label=:L",
    "left-column",
    "line-format=",
    "minimal:d",
    "new-file:N",
    "new-group-format=",
    "new-line-format=",
    "no-dereference",
    "no-ignore-file-name-case",
    "normal",
    "old-group-format=",
    "old-line-format=",
    "palette=",
    "rcs:n",
    "recursive:r",
    "report-identical-files:s",
    "show-c-function:p",
    "show-function-line=:F",
    "side-by-side:y",
    "speed-large-files",
    "starting-file=:S",
    "strip-trailing-cr",
    "suppress-blank-empty",
    "suppress-common-lines",
    "tabsize=",
    "text:a",
    "to-file=",
    "unchanged-group-format=",
    "unchanged-line-format=",
    "unidirectional-new-file",
    "unified=?:U",
    "width=:W",
];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Format {
    #[default]
    Normal,
    Unified,
    Context,
    Ed,
    Rcs,
    Sides,
    /// Both files in one.
    Merged,
}

#[derive(Debug, Default)]
struct Diff {
    rules: Rules,
    format: Format,
    /// Whether an option says so.
    chosen: bool,
    layout: Layout,
    formats: Formats,
    context: usize,
    width: usize,
    left_only: bool,
    changes_only: bool,
    brief: bool,
    identical: bool,
    text: bool,
    strip_cr: bool,
    recursive: bool,
    names_any_case: bool,
    new_file: bool,
    /// A file that is missing on the left alone is an empty one.
    new_left: bool,
    /// Names before this one are passed over in the first directory.
    starting: Option<String>,
    /// Patterns of names that are left out of directories.
    exclude: Vec<String>,
    /// What stands in place of the files' names and times.
    labels: Vec<String>,
    /// The options as they were given.
    given: Vec<String>,
    from: Option<String>,
    to: Option<String>,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let (diff, operands) = match Diff::new(words) {
        Ok(given) => given,
        Err(error) => {
            eprintln!("diff: {error}\ndiff: Try 'diff --help' for more information.");
            return 2;
        }
    };
    let pairs: Vec<(&str, &str)> = match (&diff.from, &diff.to, &operands[..]) {
        (Some(from), _, to) => to.iter().map(|to| (from.as_str(), to.as_str())).collect(),
        (None, Some(to), from) => from.iter().map(|from| (from.as_str(), to.as_str())).collect(),
        (None, None, [from, to]) => vec![(from.as_str(), to.as_str())],
        (None, None, operands) => {
            match &operands.get(..3) {
                Some(more) => eprintln!("diff: extra operand '{}'", more[2]),
                None => {
                    let last = operands.last().map_or("diff", String::as_str);
                    eprintln!("diff: missing operand after '{last}'");
                }
            }
            eprintln!("diff: Try 'diff --help' for more information.");
            return 2;
        }
    };
    pairs.iter().map(|(from, to)| diff.pair(from, to, out)).max().unwrap_or(0)
}

/// `sdiff`, as far as it asks nobody.
pub(crate) fn sdiff(words: &[String], out: &mut impl Write) -> i32 {
    let mut given = vec!["-y".to_owned()];
    for word in words {
        given.push(match word.as_str() {
            "-l" => "--left-column".to_owned(),
            "-s" => "--suppress-common-lines".to_owned(),
            "-o" | "--output" => {
                eprintln!("sdiff: -o is not supported: there is nobody to ask");
                return 2;
            }
            word => match word.strip_prefix("-w") {
                Some(width) => format!("-W{width}"),
                None => word.to_owned(),
            },
        });
    }
    run(&given, out)
}

impl Diff {
    fn new(words: &[String]) -> Result<(Diff, Vec<String>), String> {
        let mut diff = Diff { context: 3, width: WIDTH, ..Diff::default() };
        let mut operands = Vec::new();
        // `-3` is three lines of context.
        let mut digits = String::new();
        for arg in parse(words, LETTERS, LONG)? {
            match arg {
                Arg::Operand(path) => operands.push(path),
                Arg::Option(name, _) if name.len() == 1 && name.as_bytes()[0].is_ascii_digit() => {
                    digits.push_str(&name);
                }
                Arg::Option(name, value) => diff.option(&name, value)?,
            }
        }
        if let Ok(lines) = digits.parse() {
            diff.context = lines;
        }
        if matches!(diff.format, Format::Unified | Format::Context) {
            diff.rules.horizon = diff.rules.horizon.max(diff.context);
        }
        let mut paths = operands.iter().rev().peekable();
        let mut given: Vec<String> = Vec::new();
        for word in words.iter().rev() {
            match paths.next_if(|path| *path == word) {
                Some(_) => {}
                None if word == "--" => {}
                None => given.push(quoted(word)),
            }
        }
        given.reverse();
        diff.given = given;
        Ok((diff, operands))
    }

    fn option(&mut self, name: &str, value: Option<String>) -> Result<(), String> {
        let value_text = value.as_deref().unwrap_or_default();
        let number = |what: &str| {
            value_text.parse::<usize>().map_err(|_| format!("invalid {what} '{value_text}'"))
        };
        let pattern = || {
            let translated = translate(value_text, Syntax::Basic, false)?;
            regex::bytes::Regex::new(&translated).map_err(|_| format!("{value_text}: bad pattern"))
        };
        match name {
            "q" => self.brief = true,
            "s" => self.identical = true,
            "a" => self.text = true,
            "r" => self.recursive = true,
            "N" => self.new_file = true,
            "unidirectional-new-file" => self.new_left = true,
            "S" => self.starting = value,
            "x" => self.exclude.extend(value),
            "X" => {
                let mut text = String::new();
                open(value_text)
                    .and_then(|mut input| input.read_to_string(&mut text))
                    .map_err(|error| format!("{value_text}: {}", message(&error)))?;
                self.exclude.extend(text.lines().map(str::to_owned));
            }
            "L" => self.labels.extend(value),
            "from-file" => self.from = value,
            "to-file" => self.to = value,
            "strip-trailing-cr" => self.strip_cr = true,
            "i" => self.rules.fold_case = true,
            "w" => self.rules.space = Space::Nothing,
            "b" if self.rules.space != Space::Nothing => self.rules.space = Space::Amount,
            "Z" if self.rules.space == Space::All => self.rules.space = Space::NotTrailing,
            "E" if self.rules.space == Space::All => self.rules.space = Space::Expanded,
            "B" => self.rules.skip_blank = true,
            "I" => self.rules.skip.push(pattern()?),
            "d" => self.rules.minimal = true,
            "horizon-lines" => self.rules.horizon = number("horizon length")?,
            "normal" => self.choose(Format::Normal)?,
            "D" => {
                self.choose(Format::Merged)?;
                self.formats
                    .set_ifdef(value_text)
                    .map_err(|_| format!("conflicting -D option value '{value_text}'"))?;
            }
            name if name.ends_with("-format") => {
                self.choose(Format::Merged)?;
                let formats = &mut self.formats;
                let set = match name {
                    "changed-group-format" => formats.set_group(Of::Changed, value_text),
                    "new-group-format" => formats.set_group(Of::New, value_text),
                    "old-group-format" => formats.set_group(Of::Old, value_text),
                    "unchanged-group-format" => formats.set_group(Of::Unchanged, value_text),
                    "new-line-format" => formats.set_lines(Some(Of::New), value_text),
                    "old-line-format" => formats.set_lines(Some(Of::Old), value_text),
                    "unchanged-line-format" => formats.set_lines(Some(Of::Unchanged), value_text),
                    _ => formats.set_lines(None, value_text),
                };
                set.map_err(|_| format!("conflicting --{name} option value '{value_text}'"))?;
            }
            "ignore-file-name-case" => self.names_any_case = true,
            "no-ignore-file-name-case" => self.names_any_case = false,
            "suppress-blank-empty" => self.layout.bare_blank = true,
            "u" | "U" | "c" | "C" => {
                let unified = name.eq_ignore_ascii_case("u");
                self.choose(if unified { Format::Unified } else { Format::Context })?;
                if value.is_some() {
                    self.context = number("context length")?;
                }
            }
            "e" => self.choose(Format::Ed)?,
            "n" => self.choose(Format::Rcs)?,
            "y" => self.choose(Format::Sides)?,
            "p" => {
                self.layout.heading = regex::bytes::Regex::new("^[[:alpha:]$_]").ok();
                if !self.chosen {
                    self.format = Format::Context;
                }
            }
            "F" => self.layout.heading = Some(pattern()?),
            "t" => self.layout.tabs.expanded = true,
            "T" => self.layout.initial_tab = true,
            "tabsize" => self.layout.tabs.size = number("tabsize")?.max(1),
            "W" => self.width = number("width")?,
            "left-column" => self.left_only = true,
            "suppress-common-lines" => self.changes_only = true,
            "color" => match value_text {
                "always" => self.layout.colors = true,
                // Output is no terminal.
                "" | "auto" | "never" => self.layout.colors = false,
                other => return Err(format!("invalid color '{other}'")),
            },
            _ => {}
        }
        Ok(())
    }

    /// Takes a style; there is one alone.
    fn choose(&mut self, format: Format) -> Result<(), String> {
        if self.chosen && self.format != format {
            return Err("conflicting output style options".to_owned());
        }
        (self.format, self.chosen) = (format, true);
        Ok(())
    }

    fn pair(&self, from: &str, to: &str, out: &mut impl Write) -> i32 {
        let is_dir = |path: &str| path != "-" && Path::new(path).is_dir();
        let is_there = |path: &str| path == "-" || Path::new(path).exists();
        let none = |path: &str| eprintln!("diff: {path}: No such file or directory");
        match (is_dir(from), is_dir(to)) {
            (true, true) => self.directories(from, to, out, 0),
            (false, false) => match is_there(from) || is_there(to) {
                true => self.files(from, to, false, out),
                // Two empty files would be the same.
                false => {
                    none(from);
                    none(to);
                    2
                }
            },
            (is_first, _) => {
                let (directory, file) = if is_first { (from, to) } else { (to, from) };
                let found = joined(directory, base(file));
                match (is_there(file), is_first) {
                    _ if file == "-" => {
                        eprintln!("diff: cannot compare '-' to a directory");
                        2
                    }
                    (true, true) => self.files(&found, to, false, out),
                    (true, false) => self.files(from, &found, false, out),
                    // What is not there is an empty directory, or none to compare with.
                    (false, _) if self.new_file || (!is_first && self.new_left) => {
                        self.directories(from, to, out, 0)
                    }
                    (false, _) => {
                        none(file);
                        2
                    }
                }
            }
        }
    }

    fn directories(&self, from: &str, to: &str, out: &mut impl Write, depth: u32) -> i32 {
        let list = |path: &str| -> BTreeSet<String> {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        };
        let (left, mut right) = (list(from), list(to));
        // Names that differ by their case alone are one, that of the left.
        let mut other = BTreeMap::new();
        if self.names_any_case {
            for name in &left {
                let lower = name.to_lowercase();
                let twin = right.iter().find(|name| name.to_lowercase() == lower).cloned();
                if let Some(twin) = twin.filter(|twin| twin != name && !left.contains(twin)) {
                    right.remove(&twin);
                    right.insert(name.clone());
                    other.insert(name.clone(), twin);
                }
            }
        }
        let mut names: Vec<&String> = left.union(&right).collect();
        names.retain(|name| !self.exclude.iter().any(|pattern| wild(pattern, name)));
        if let Some(starting) = self.starting.as_ref().filter(|_| depth == 0) {
            names.retain(|name| *name >= starting);
        }
        let is_dir = |path: &str| std::fs::metadata(path).map(|metadata| metadata.is_dir());
        let mut status = 0;
        for name in names {
            let (a, b) = (joined(from, name), joined(to, other.get(name).unwrap_or(name)));
            let found = match (left.contains(name), right.contains(name)) {
                (has, other) if has != other && !self.new_file && !(self.new_left && other) => {
                    let side = if has { from } else { to };
                    let _ = writeln!(out, "Only in {side}: {name}");
                    1
                }
                _ => match alike(is_dir(&a).ok(), is_dir(&b).ok()) {
                    (true, true) if self.recursive && depth < MAX_DEPTH => {
                        self.directories(&a, &b, out, depth + 1)
                    }
                    (true, true) => {
                        let _ = writeln!(out, "Common subdirectories: {a} and {b}");
                        0
                    }
                    (a_dir, b_dir) if a_dir != b_dir => {
                        let (first, second) = (kind(&a), kind(&b));
                        let _ = writeln!(out, "File {a} is a {first} while file {b} is a {second}");
                        1
                    }
                    _ => self.files(&a, &b, true, out),
                },
            };
            status = status.max(found);
        }
        status
    }

    fn read(&self, path: &str, missing: bool) -> Result<Vec<u8>, i32> {
        let mut content = Vec::new();
        match open(path).and_then(|mut input| input.read_to_end(&mut content)) {
            Ok(_) if self.strip_cr => {
                let mut stripped = Vec::with_capacity(content.len());
                for line in content.split_inclusive(|byte| *byte == b'\n') {
                    match line.strip_suffix(b"\r\n") {
                        Some(body) => stripped.extend(body.iter().chain(b"\n")),
                        None => stripped.extend_from_slice(line),
                    }
                }
                Ok(stripped)
            }
            Ok(_) => Ok(content),
            Err(_) if missing && !Path::new(path).exists() => Ok(content),
            Err(error) => {
                eprintln!("diff: {path}: {}", message(&error));
                Err(2)
            }
        }
    }

    fn files(&self, from: &str, to: &str, named: bool, out: &mut impl Write) -> i32 {
        let old = self.read(from, self.new_file || self.new_left);
        let (old, new) = match (old, self.read(to, self.new_file)) {
            (Ok(old), Ok(new)) => (old, new),
            (Err(status), _) | (_, Err(status)) => return status,
        };
        let (mut old, mut new) = (old, new);
        let mut status = 0;
        if self.format == Format::Ed {
            // A script for ed cannot say that a newline is missing.
            for (path, content) in [(from, &mut old), (to, &mut new)] {
                if content.last().is_some_and(|last| *last != b'\n') {
                    content.push(b'\n');
                    eprintln!("diff: {path}: No newline at end of file\n");
                    status = 2;
                }
            }
        }
        match self.compare(from, to, named, &old, &new) {
            None => status,
            Some((differs, text)) => match out.write_all(&text) {
                Ok(()) => status.max(i32::from(differs)),
                Err(_) => 2,
            },
        }
    }

    /// Whether two contents differ, and what is said of them; nothing if there is nothing to say.
    fn compare(
        &self,
        from: &str,
        to: &str,
        named: bool,
        old: &[u8],
        new: &[u8],
    ) -> Option<(bool, Vec<u8>)> {
        let same = || {
            let text = format!("Files {from} and {to} are identical\n");
            self.identical.then(|| (false, text.into_bytes()))
        };
        let shows_all = match self.format {
            Format::Sides => !self.changes_only,
            Format::Merged => self.formats.shows_unchanged(),
            _ => false,
        };
        if old == new && !shows_all {
            return same();
        }
        let begin = |content: &[u8]| memchr::memchr(0, &content[..content.len().min(4096)]);
        if !self.text && (begin(old).is_some() || begin(new).is_some()) && old != new {
            let kind = if self.brief { "Files" } else { "Binary files" };
            return Some((true, format!("{kind} {from} and {to} differ\n").into_bytes()));
        }
        let compared = self.rules.compare(old, new);
        let differs = compared.differs();
        if !differs && !shows_all {
            return same();
        }
        if self.brief {
            let text = format!("Files {from} and {to} differ\n").into_bytes();
            return if differs { Some((true, text)) } else { same() };
        }
        let mut text = Vec::new();
        if named {
            let given = self.given.iter().map(|word| format!(" {word}")).collect::<String>();
            text.extend_from_slice(format!("diff{given} {from} {to}\n").as_bytes());
        }
        let head = |path: &str, label: usize| match self.labels.get(label) {
            Some(label) => label.clone(),
            None => format!("{path}\t{}", time(path)),
        };
        let names = || (head(from, 0), head(to, 1));
        text.extend(match self.format {
            Format::Normal => self.layout.normal(&compared),
            Format::Ed => self.layout.ed(&compared),
            Format::Rcs => self.layout.rcs(&compared),
            Format::Unified => {
                let (old, new) = names();
                self.layout.unified(&compared, [&old, &new], self.context)
            }
            Format::Context => {
                let (old, new) = names();
                self.layout.context(&compared, [&old, &new], self.context)
            }
            Format::Sides => {
                let sides = Sides {
                    width: self.width,
                    tabs: self.layout.tabs,
                    left_only: self.left_only,
                    changes_only: self.changes_only,
                };
                sides.write(&compared)
            }
            Format::Merged => self.formats.write(&compared),
        });
        Some((differs, text))
    }
}

/// Whether each of two names is a directory. What is not there is what the other one is.
fn alike(first: Option<bool>, second: Option<bool>) -> (bool, bool) {
    (first.or(second).unwrap_or(false), second.or(first).unwrap_or(false))
}

/// When a file was changed last; now, for what has no such time.
fn time(path: &str) -> String {
    let path = if path == "-" { "/dev/stdin" } else { path };
    let time = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.modified().ok(),
        Ok(_) => Some(std::time::SystemTime::now()),
        Err(_) => None,
    };
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    toolcell_zone::strftime_extended("%Y-%m-%d %H:%M:%S.%N %z", nanos)
}

fn kind(path: &str) -> &'static str {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => "directory",
        Ok(metadata) if metadata.len() == 0 => "regular empty file",
        _ => "regular file",
    }
}

/// A word as a shell would have to be given it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

fn joined(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
