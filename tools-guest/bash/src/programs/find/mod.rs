//! `find`.

mod show;

use std::io::Write;

use toolcell_shell::{Exit, FileKind, Stat, Sys, System};

use super::World;
use show::OWNER;

/// How deep directories are followed.
const MAX_DEPTH: usize = 512;

/// Characters of one command line of `-exec … +`.
const MAX_CHARS: usize = 131_072;

/// An expression.
#[derive(Debug)]
enum Test {
    True,
    False,
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Comma(Box<Test>, Box<Test>),
    Name {
        pattern: String,
        fold: bool,
        whole: bool,
    },
    Regex(Box<regex::Regex>),
    Kind(Vec<FileKind>),
    /// What a link leads to; a link that leads to nothing is one itself.
    TargetKind(Vec<FileKind>),
    /// Where a link points to.
    Target {
        pattern: String,
        fold: bool,
    },
    Links {
        sign: char,
        number: u64,
    },
    Size {
        sign: char,
        units: u64,
        unit: u64,
    },
    Empty,
    Newer(u128),
    /// Which file it is: device and inode.
    Same(u64, u64),
    Inode {
        sign: char,
        number: u64,
    },
    Age {
        sign: char,
        amount: u64,
        unit: u64,
    },
    Executable,
    /// All of the bits with `-`, any of them with `/`, just them with neither.
    Mode {
        how: Option<char>,
        bits: u32,
    },
    Print {
        end: char,
    },
    Printf(String),
    List,
    Exec {
        words: Vec<String>,
        batch: Option<usize>,
        in_directory: bool,
    },
    Delete,
    Prune,
    Quit,
}

impl Test {
    /// Whether more has to be known of a file than its name and kind.
    fn asks_for_details(&self) -> bool {
        match self {
            Test::Not(inner) => inner.asks_for_details(),
            Test::And(left, right) | Test::Or(left, right) | Test::Comma(left, right) => {
                left.asks_for_details() || right.asks_for_details()
            }
            Test::True
            | Test::False
            | Test::Name { .. }
            | Test::Regex(_)
            | Test::Kind(_)
            | Test::TargetKind(_)
            | Test::Target { .. }
            | Test::Links { .. }
            | Test::List
            | Test::Print { .. }
            | Test::Exec { .. }
            | Test::Delete
            | Test::Prune
            | Test::Quit => false,
            Test::Size { .. }
            | Test::Empty
            | Test::Newer(_)
            | Test::Same(..)
            | Test::Inode { .. }
            | Test::Age { .. }
            | Test::Executable
            | Test::Mode { .. }
            | Test::Printf(_) => true,
        }
    }
}

struct Find {
    world: World,
    out: std::io::BufWriter<std::io::Stdout>,
    least: usize,
    most: usize,
    depth_first: bool,
    follow: bool,
    /// Whether a test asks for more than names and kinds.
    details: bool,
    now: u128,
    status: i32,
    batches: Vec<(Vec<String>, Vec<String>)>,
    stop: bool,
}

/// One file that is looked at.
struct Entry {
    path: String,
    start: String,
    depth: usize,
    kind: FileKind,
    /// None where no test asks for it: see [`Test::asks_for_details`].
    stat: Option<Stat>,
}

pub(super) fn run(words: &[String], mut world: World) -> i32 {
    let mut at = 0;
    let mut follow = false;
    while let Some(word) = words.get(at) {
        match word.as_str() {
            "-L" | "-follow" => follow = true,
            "-P" | "-H" => follow = false,
            _ => break,
        }
        at += 1;
    }
    let starts = words[at..].iter().take_while(|word| {
        !word.starts_with('-') && !matches!(word.as_str(), "(" | ")" | "!" | ",")
    });
    let mut starts: Vec<String> = starts.cloned().collect();
    let expression = &words[at + starts.len()..];
    if starts.is_empty() {
        starts.push(".".to_owned());
    }
    let now = world.system.now().as_nanos();
    let mut parser = Parser {
        words: expression,
        at: 0,
        world: &mut world,
        acts: false,
        least: 0,
        most: MAX_DEPTH,
        depth_first: false,
        follow,
        batches: Vec::new(),
    };
    let parsed = if expression.is_empty() { Ok(Test::True) } else { parser.comma() };
    let parsed = parsed.and_then(|test| match parser.words.get(parser.at) {
        None => Ok(test),
        Some(word) => Err(format!("paths must precede expression: `{word}'")),
    });
    let test = match parsed {
        Ok(test) => test,
        Err(error) => {
            eprintln!("find: {error}");
            return 1;
        }
    };
    let (acts, least, most) = (parser.acts, parser.least, parser.most);
    let (depth_first, follow) = (parser.depth_first, parser.follow);
    let batches = std::mem::take(&mut parser.batches);
    let test = match acts {
        true => test,
        false => Test::And(Box::new(test), Box::new(Test::Print { end: '\n' })),
    };
    let mut find = Find {
        world,
        out: std::io::BufWriter::new(std::io::stdout()),
        least,
        most,
        depth_first,
        follow,
        details: test.asks_for_details(),
        now,
        status: 0,
        batches: batches.into_iter().map(|words| (words, Vec::new())).collect(),
        stop: false,
    };
    for start in starts {
        if find.stop {
            break;
        }
        find.start(start, &test);
    }
    for batch in 0..find.batches.len() {
        find.run_batch(batch);
    }
    let _ = find.out.flush();
    find.status
}

struct Parser<'a> {
    words: &'a [String],
    at: usize,
    world: &'a mut World,
    acts: bool,
    least: usize,
    most: usize,
    depth_first: bool,
    follow: bool,
    batches: Vec<Vec<String>>,
}

impl Parser<'_> {
    fn eat(&mut self, names: &[&str]) -> bool {
        let found = self.words.get(self.at).is_some_and(|word| names.contains(&word.as_str()));
        self.at += usize::from(found);
        found
    }

    fn comma(&mut self) -> Result<Test, String> {
        let mut left = self.or()?;
        while self.eat(&[","]) {
            left = Test::Comma(Box::new(left), Box::new(self.or()?));
        }
        Ok(left)
    }

    fn or(&mut self) -> Result<Test, String> {
        let mut left = self.and()?;
        while self.eat(&["-o", "-or"]) {
            left = Test::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Test, String> {
        let mut left = self.primary()?;
        loop {
            let explicit = self.eat(&["-a", "-and"]);
            let next = self.words.get(self.at).map(String::as_str);
            if !explicit && matches!(next, None | Some(")" | "," | "-o" | "-or")) {
                return Ok(left);
            }
            left = Test::And(Box::new(left), Box::new(self.primary()?));
        }
    }

    fn value(&mut self, name: &str) -> Result<String, String> {
        let value = self.words.get(self.at).cloned();
        self.at += 1;
        value.ok_or_else(|| format!("missing argument to `{name}'"))
    }

    fn primary(&mut self) -> Result<Test, String> {
        let Some(word) = self.words.get(self.at).cloned() else {
            return Err("expected an expression".to_owned());
        };
        self.at += 1;
        let name = word.as_str();
        Ok(match name {
            "(" => {
                let inner = self.comma()?;
                if !self.eat(&[")"]) {
                    return Err("invalid expression; I was expecting to find a ')' somewhere but did not see one.".to_owned());
                }
                inner
            }
            "!" | "-not" => Test::Not(Box::new(self.primary()?)),
            "-true" => Test::True,
            "-false" => Test::False,
            "-name" | "-iname" | "-path" | "-ipath" | "-wholename" | "-iwholename" => Test::Name {
                pattern: self.value(name)?,
                fold: name.starts_with("-i"),
                whole: name.ends_with("path") || name.ends_with("wholename"),
            },
            "-regex" | "-iregex" => {
                let source = self.value(name)?;
                let fold = if name == "-iregex" { "(?i)" } else { "" };
                // Emacs' syntax, GNU's default, writes groups and alternatives with backslashes.
                let source = source.replace("\\(", "(").replace("\\)", ")").replace("\\|", "|");
                let regex = regex::Regex::new(&format!("{fold}^(?:{source})$"));
                Test::Regex(Box::new(
                    regex.map_err(|_| format!("invalid regular expression: {source}"))?,
                ))
            }
            "-regextype" => {
                self.value(name)?;
                Test::True
            }
            "-type" | "-xtype" => {
                let letters = self.value(name)?;
                let kinds = letters.split(',').map(|letter| match letter {
                    "f" => Ok(FileKind::File),
                    "d" => Ok(FileKind::Directory),
                    "l" => Ok(FileKind::Symlink),
                    "c" => Ok(FileKind::Character),
                    "p" => Ok(FileKind::Pipe),
                    "b" | "s" => Ok(FileKind::Other),
                    letter => Err(format!("Unknown argument to -type: {letter}")),
                });
                let kinds = kinds.collect::<Result<_, _>>()?;
                if name == "-xtype" { Test::TargetKind(kinds) } else { Test::Kind(kinds) }
            }
            "-lname" | "-ilname" => {
                Test::Target { fold: name == "-ilname", pattern: self.value(name)? }
            }
            "-links" => {
                let text = self.value(name)?;
                let (sign, digits) = sign(&text);
                let number =
                    digits.parse().map_err(|_| format!("invalid argument `{text}' to `-links'"))?;
                Test::Links { sign, number }
            }
            "-user" | "-group" | "-uid" | "-gid" => {
                let text = self.value(name)?;
                let is_number = text.chars().all(|c| c.is_ascii_digit());
                if !is_number && text != OWNER.0 {
                    let what = if name == "-user" { "user" } else { "group" };
                    return Err(match name {
                        "-user" | "-group" => {
                            format!("‘{text}’ is not the name of a known {what}")
                        }
                        _ => format!("invalid argument `{text}' to `{name}'"),
                    });
                }
                if text == OWNER.0 || text == OWNER.1 { Test::True } else { Test::False }
            }
            "-nouser" | "-nogroup" => Test::False,
            "-ls" => {
                self.acts = true;
                Test::List
            }
            "-size" => {
                let text = self.value(name)?;
                let (sign, rest) = sign(&text);
                let digits = rest.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                let unit = match &rest[digits.len()..] {
                    "c" => 1,
                    "w" => 2,
                    "" | "b" => 512,
                    "k" => 1 << 10,
                    "M" => 1 << 20,
                    "G" => 1 << 30,
                    _ => return Err(format!("Invalid argument `{text}' to -size")),
                };
                let units =
                    digits.parse().map_err(|_| format!("Invalid argument `{text}' to -size"))?;
                Test::Size { sign, units, unit }
            }
            "-empty" => Test::Empty,
            "-newer" | "-anewer" | "-cnewer" => {
                let path = self.value(name)?;
                let full = self.world.absolute(&path);
                let stat = self.world.system.stat(&full, true);
                Test::Newer(
                    stat.map_err(|error| format!("‘{path}’: {}", error.message()))?.modified,
                )
            }
            "-newermt" => {
                let text = self.value(name)?;
                let now = self.world.system.now().as_nanos();
                let time = toolcell_text::when(&text, now).ok_or_else(|| {
                    format!("I cannot figure out how to interpret ‘{text}’ as a date or time")
                })?;
                Test::Newer(time)
            }
            "-samefile" => {
                let path = self.value(name)?;
                let full = self.world.absolute(&path);
                let stat = self.world.system.stat(&full, false);
                let stat = stat.map_err(|error| format!("‘{path}’: {}", error.message()))?;
                Test::Same(stat.device, stat.inode)
            }
            "-inum" => {
                let text = self.value(name)?;
                let (sign, digits) = sign(&text);
                let number = digits.parse();
                Test::Inode {
                    sign,
                    number: number.map_err(|_| format!("invalid argument `{text}' to `-inum'"))?,
                }
            }
            "-mtime" | "-mmin" | "-atime" | "-amin" | "-ctime" | "-cmin" => {
                let text = self.value(name)?;
                let (sign, digits) = sign(&text);
                let amount =
                    digits.parse().map_err(|_| format!("invalid argument `{text}' to `{name}'"))?;
                Test::Age { sign, amount, unit: if name.ends_with("min") { 60 } else { 86_400 } }
            }
            "-executable" => Test::Executable,
            "-perm" => {
                let text = self.value(name)?;
                let (how, mode) = match text.strip_prefix(['-', '/']) {
                    Some(rest) => (text.chars().next(), rest),
                    None => (None, text.as_str()),
                };
                let bits = toolcell_program::mode::changed(mode, 0, false);
                Test::Mode { how, bits: bits.ok_or_else(|| format!("invalid mode ‘{text}’"))? }
            }
            "-readable" | "-writable" => Test::True,
            "-maxdepth" | "-mindepth" => {
                let text = self.value(name)?;
                let depth: usize = text.parse().map_err(|_| {
                    format!(
                        "Expected a positive decimal integer argument to {name}, but got ‘{text}’"
                    )
                })?;
                match name {
                    "-maxdepth" => self.most = depth.min(MAX_DEPTH),
                    _ => self.least = depth,
                }
                Test::True
            }
            "-depth" | "-d" => {
                self.depth_first = true;
                Test::True
            }
            "-follow" => {
                self.follow = true;
                Test::True
            }
            "-mount" | "-xdev" | "-noleaf" | "-daystart" | "-warn" | "-nowarn" => Test::True,
            "-print" | "-print0" => {
                self.acts = true;
                Test::Print { end: if name == "-print" { '\n' } else { '\0' } }
            }
            "-printf" => {
                self.acts = true;
                Test::Printf(self.value(name)?)
            }
            "-exec" | "-execdir" | "-ok" => {
                self.acts = true;
                let mut words = Vec::new();
                let batch = loop {
                    let word =
                        self.value(name).map_err(|_| format!("missing argument to `{name}'"))?;
                    if word == ";" {
                        break None;
                    }
                    if word == "+" && words.last().is_some_and(|last| last == "{}") {
                        words.pop();
                        self.batches.push(words.clone());
                        break Some(self.batches.len() - 1);
                    }
                    words.push(word);
                };
                if words.is_empty() {
                    return Err(format!("missing argument to `{name}'"));
                }
                Test::Exec { words, batch, in_directory: name == "-execdir" }
            }
            "-delete" => {
                self.acts = true;
                self.depth_first = true;
                Test::Delete
            }
            "-prune" => Test::Prune,
            "-quit" => {
                self.acts = true;
                Test::Quit
            }
            name if name.starts_with('-') => return Err(format!("unknown predicate `{name}'")),
            name => {
                return Err(format!("paths must precede expression: `{name}'"));
            }
        })
    }
}

fn sign(text: &str) -> (char, &str) {
    match text.chars().next() {
        Some(sign @ ('+' | '-')) => (sign, &text[1..]),
        _ => ('=', text),
    }
}

fn compare(sign: char, value: u64, wanted: u64) -> bool {
    match sign {
        '+' => value > wanted,
        '-' => value < wanted,
        _ => value == wanted,
    }
}

impl Find {
    fn start(&mut self, start: String, test: &Test) {
        let full = self.world.absolute(&start);
        match self.world.system.stat(&full, self.follow) {
            Ok(stat) => {
                let (path, kind, stat) = (start.clone(), stat.kind, Some(stat));
                self.visit(Entry { path, start, depth: 0, kind, stat }, test);
            }
            Err(error) => {
                let _ = self.out.flush();
                eprintln!("find: ‘{start}’: {}", error.message());
                self.status = 1;
            }
        }
    }

    /// What a directory holds. Where no test asks for more than names and kinds, nothing else is
    /// known of it.
    fn list(&mut self, directory: &str) -> Sys<Vec<(String, FileKind, Option<Stat>)>> {
        let mut found: Vec<_> = match self.details {
            true => {
                let all = self.world.system.list_dir(directory)?;
                all.into_iter().map(|(name, stat)| (name, stat.kind, Some(stat))).collect()
            }
            false => {
                let all = self.world.system.read_dir(directory)?;
                all.into_iter().map(|(name, kind)| (name, kind, None)).collect()
            }
        };
        for (name, kind, stat) in found.iter_mut().filter(|_| self.follow) {
            // A link to nothing is itself.
            let path = format!("{}/{name}", directory.trim_end_matches('/'));
            if *kind == FileKind::Symlink
                && let Ok(target) = self.world.system.stat(&path, true)
            {
                (*kind, *stat) = (target.kind, Some(target));
            }
        }
        Ok(found)
    }

    fn visit(&mut self, entry: Entry, test: &Test) {
        let wanted = entry.depth >= self.least;
        let mut prune = false;
        if wanted && !self.depth_first {
            self.test(test, &entry, &mut prune);
        }
        let descend = entry.kind == FileKind::Directory && entry.depth < self.most;
        if descend && !prune && !self.stop {
            let full = self.world.absolute(&entry.path);
            match self.list(&full) {
                Ok(mut found) => {
                    // The order of a directory is the machine's; by name it is the same always.
                    found.sort_by(|a, b| a.0.cmp(&b.0));
                    for (name, kind, stat) in found {
                        if self.stop {
                            break;
                        }
                        let path = match entry.path.ends_with('/') {
                            true => format!("{}{name}", entry.path),
                            false => format!("{}/{name}", entry.path),
                        };
                        let (start, depth) = (entry.start.clone(), entry.depth + 1);
                        self.visit(Entry { path, start, depth, kind, stat }, test);
                    }
                }
                Err(error) => {
                    eprintln!("find: ‘{}’: {}", entry.path, error.message());
                    self.status = 1;
                }
            }
        }
        if wanted && self.depth_first && !self.stop {
            self.test(test, &entry, &mut prune);
        }
    }

    fn test(&mut self, test: &Test, entry: &Entry, prune: &mut bool) -> bool {
        match test {
            Test::True => true,
            Test::False => false,
            Test::Not(inner) => !self.test(inner, entry, prune),
            Test::And(left, right) => {
                self.test(left, entry, prune) && self.test(right, entry, prune)
            }
            Test::Or(left, right) => {
                self.test(left, entry, prune) || self.test(right, entry, prune)
            }
            Test::Comma(left, right) => {
                self.test(left, entry, prune);
                self.test(right, entry, prune)
            }
            Test::Name { pattern, fold, whole } => {
                let text = if *whole { entry.path.as_str() } else { base(&entry.path) };
                toolcell_shell::matches(pattern, text, *fold)
            }
            Test::Regex(regex) => regex.is_match(&entry.path),
            Test::Kind(kinds) => kinds.contains(&entry.kind),
            Test::TargetKind(kinds) => {
                let full = self.world.absolute(&entry.path);
                let target = match entry.kind {
                    FileKind::Symlink => self.world.system.stat(&full, true),
                    _ => return kinds.contains(&entry.kind),
                };
                kinds.contains(&target.map_or(FileKind::Symlink, |target| target.kind))
            }
            Test::Target { pattern, fold } => {
                let target = show::target(entry, &self.world.absolute(&entry.path));
                entry.kind == FileKind::Symlink && toolcell_shell::matches(pattern, &target, *fold)
            }
            Test::Links { sign, number } => {
                let full = self.world.absolute(&entry.path);
                let details = toolcell_program::files::look(&full, self.follow);
                details.is_ok_and(|details| compare(*sign, details.links, *number))
            }
            Test::List => {
                let full = self.world.absolute(&entry.path);
                let line = show::listed(entry, &full, self.follow, self.now);
                let _ = self.out.write_all(line.as_bytes());
                true
            }
            Test::Size { sign, units, unit } => {
                entry.stat.is_some_and(|stat| compare(*sign, stat.size.div_ceil(*unit), *units))
            }
            Test::Empty => match entry.kind {
                FileKind::Directory => {
                    let full = self.world.absolute(&entry.path);
                    self.world.system.read_dir(&full).is_ok_and(|names| names.is_empty())
                }
                FileKind::File => entry.stat.is_some_and(|stat| stat.size == 0),
                _ => false,
            },
            Test::Same(device, inode) => {
                entry.stat.is_some_and(|stat| (stat.device, stat.inode) == (*device, *inode))
            }
            Test::Inode { sign, number } => entry.stat.is_some_and(|stat| match sign {
                '+' => stat.inode > *number,
                '-' => stat.inode < *number,
                _ => stat.inode == *number,
            }),
            Test::Newer(than) => entry.stat.is_some_and(|stat| stat.modified > *than),
            Test::Age { sign, amount, unit } => {
                let Some(stat) = entry.stat else { return false };
                let age = self.now.saturating_sub(stat.modified) / 1_000_000_000;
                let age = u64::try_from(age).unwrap_or(u64::MAX);
                // Minutes are rounded up, days down.
                let units = if *unit == 60 { age.div_ceil(60) } else { age / unit };
                compare(*sign, units, *amount)
            }
            Test::Executable => entry.stat.is_some_and(|stat| stat.executable),
            Test::Mode { how, bits } => entry.stat.is_some_and(|stat| match how {
                Some('-') => stat.mode & bits == *bits,
                Some(_) => *bits == 0 || stat.mode & bits != 0,
                None => stat.mode == *bits,
            }),
            Test::Print { end } => {
                let _ = write!(self.out, "{}{end}", entry.path);
                true
            }
            Test::Printf(format) => {
                let full = self.world.absolute(&entry.path);
                let text = show::formatted(format, entry, &full, self.follow);
                let _ = self.out.write_all(text.as_bytes());
                true
            }
            Test::Exec { words, batch, in_directory } => {
                self.exec(words, *batch, *in_directory, entry)
            }
            Test::Delete => self.delete(entry),
            Test::Prune => {
                *prune = true;
                true
            }
            Test::Quit => {
                self.stop = true;
                true
            }
        }
    }

    fn exec(
        &mut self,
        words: &[String],
        batch: Option<usize>,
        in_directory: bool,
        entry: &Entry,
    ) -> bool {
        if let Some(batch) = batch {
            self.batches[batch].1.push(entry.path.clone());
            let chars: usize = self.batches[batch].1.iter().map(|path| path.len() + 1).sum();
            if chars > MAX_CHARS {
                self.run_batch(batch);
            }
            return true;
        }
        let _ = self.out.flush();
        let cwd = self.world.cwd.clone();
        let mut path = entry.path.clone();
        if in_directory {
            let full = self.world.absolute(&entry.path);
            let directory = full.rsplit_once('/').map_or("/", |(directory, _)| directory);
            self.world.cwd = if directory.is_empty() { "/" } else { directory }.to_owned();
            path = format!("./{}", base(&entry.path));
        }
        let argv: Vec<String> = words.iter().map(|word| word.replace("{}", &path)).collect();
        let result = self.world.run(&argv);
        self.world.cwd = cwd;
        match result {
            Ok(exit) => exit == Exit::Status(0),
            Err(error) => {
                eprintln!("find: ‘{}’: {}", argv[0], error.message());
                self.status = 1;
                false
            }
        }
    }

    fn run_batch(&mut self, batch: usize) {
        let (words, paths) = &mut self.batches[batch];
        if paths.is_empty() {
            return;
        }
        let mut argv = words.clone();
        argv.append(paths);
        let _ = self.out.flush();
        match self.world.run(&argv) {
            Ok(Exit::Status(0)) => {}
            Ok(_) => self.status = 1,
            Err(error) => {
                eprintln!("find: ‘{}’: {}", argv[0], error.message());
                self.status = 1;
            }
        }
    }

    fn delete(&mut self, entry: &Entry) -> bool {
        if entry.path == "." {
            return true;
        }
        let full = self.world.absolute(&entry.path);
        let removed = match entry.kind {
            FileKind::Directory => std::fs::remove_dir(&full),
            _ => std::fs::remove_file(&full),
        };
        if let Err(error) = &removed {
            let text = error.to_string();
            let text = text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text);
            eprintln!("find: cannot delete ‘{}’: {text}", entry.path);
            self.status = 1;
        }
        removed.is_ok()
    }
}

fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed {
        "" => path.get(..1).unwrap_or_default(),
        path => path.rsplit('/').next().unwrap_or(path),
    }
}
