//! `tree`: the tree is read whole, then [shown](show).

mod show;

use std::cmp::Ordering;
use std::collections::HashSet;
use std::io::Write;

use toolcell_program::args::{Arg, parse};
use toolcell_program::files::{self, Details, Kind};
use toolcell_text::wild;

/// How deep it goes.
const MAX_DEPTH: usize = 256;

#[derive(Debug, Default)]
struct Options {
    all: bool,
    directories: bool,
    /// Links to directories are entered.
    follow: bool,
    level: Option<usize>,
    /// A directory with more entries than this is not opened.
    entry_limit: Option<usize>,
    directories_first: bool,
    files_first: bool,
    order: Order,
    reverse: bool,
    prune: bool,
    /// A directory that one of the patterns names is shown whole.
    match_directories: bool,
    fold_case: bool,
    ignore: Vec<String>,
    only: Vec<String>,
    /// A directory's size is that of what is in it.
    sums: bool,
    look: show::Look,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Name,
    Version,
    Modified,
    Changed,
    Size,
    None,
}

/// A file, or a directory with what is in it.
#[derive(Debug)]
struct Node {
    name: String,
    path: String,
    details: Option<Details>,
    /// Where a link leads.
    target: Option<String>,
    /// What it leads to.
    leads_to: Option<Details>,
    size: u64,
    children: Vec<Node>,
    /// Why it was not opened.
    note: Option<String>,
}

impl Node {
    /// Whether it is a directory, or a link to one.
    fn is_dir(&self) -> bool {
        [self.details, self.leads_to].iter().flatten().any(Details::is_dir)
    }

    fn is_own_dir(&self) -> bool {
        self.details.is_some_and(|details| details.is_dir())
    }
}

const LETTERS: &str = "aAcCdDfFghiI:JlL:nNpP:qQrsStuUvXx";

const LONG: &[&str] = &[
    "charset=",
    "dirsfirst",
    "du",
    "filelimit=",
    "filesfirst",
    "ignore-case",
    "inodes",
    "matchdirs",
    "noreport",
    "prune",
    "si",
    "sort=",
    "timefmt=",
];

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let (options, mut paths) = match Options::new(words) {
        Ok(given) => given,
        Err((status, error)) => {
            eprintln!("tree: {error}");
            return status;
        }
    };
    if paths.is_empty() {
        paths.push(".".to_owned());
    }
    let mut status = 0;
    let mut roots = Vec::new();
    for path in paths {
        let name = if options.look.quotes { format!("\"{path}\"") } else { path.clone() };
        let details = files::look(&path, true).ok();
        let mut root = Node {
            name,
            details,
            target: None,
            leads_to: None,
            size: details.map_or(0, size),
            children: Vec::new(),
            note: None,
            path,
        };
        match root.is_dir() {
            true => options.fill(&mut root, 1, false, &mut HashSet::new()),
            false => {
                root.note = Some("error opening dir".to_owned());
                status = 2;
            }
        }
        roots.push(root);
    }
    match out.write_all(options.look.shown(&roots, options.directories).as_bytes()) {
        Ok(()) => status,
        Err(_) => 2,
    }
}

impl Options {
    fn new(words: &[String]) -> Result<(Options, Vec<String>), (i32, String)> {
        let mut options = Options::default();
        let mut paths = Vec::new();
        let look = &mut options.look;
        look.report = true;
        for arg in parse(words, LETTERS, LONG).map_err(|error| (1, error))? {
            let (name, value) = match arg {
                Arg::Operand(path) => {
                    paths.push(path);
                    continue;
                }
                Arg::Option(name, value) => (name, value.unwrap_or_default()),
            };
            match name.as_str() {
                "a" => options.all = true,
                "d" => options.directories = true,
                "l" => options.follow = true,
                "L" => match value.parse() {
                    Ok(level) if level > 0 => options.level = Some(level),
                    _ => {
                        return Err((1, "Invalid level, must be greater than 0.".to_owned()));
                    }
                },
                "filelimit" => options.entry_limit = value.parse().ok(),
                "dirsfirst" => options.directories_first = true,
                "filesfirst" => options.files_first = true,
                "r" => options.reverse = true,
                "t" => options.order = Order::Modified,
                "c" => options.order = Order::Changed,
                "v" => options.order = Order::Version,
                "U" => options.order = Order::None,
                "sort" => {
                    options.order = match value.as_str() {
                        "name" => Order::Name,
                        "version" => Order::Version,
                        "mtime" => Order::Modified,
                        "ctime" => Order::Changed,
                        "size" => Order::Size,
                        "none" => Order::None,
                        other => return Err((1, format!("Sort type '{other}' not valid"))),
                    }
                }
                "prune" => options.prune = true,
                "matchdirs" => options.match_directories = true,
                "ignore-case" => options.fold_case = true,
                "I" => options.ignore.extend(value.split('|').map(str::to_owned)),
                "P" => options.only.extend(value.split('|').map(str::to_owned)),
                "du" => (options.sums, look.size) = (true, look.size.or(Some(show::Size::Bytes))),
                "s" => look.size = look.size.or(Some(show::Size::Bytes)),
                "h" => look.size = Some(show::Size::Human),
                "si" => look.size = Some(show::Size::Si),
                "f" => look.full = true,
                "F" => look.classify = true,
                "i" => look.plain = true,
                "p" => look.mode = true,
                "u" => look.user = true,
                "g" => look.group = true,
                "inodes" => look.inode = true,
                "D" => look.time = look.time.take().or(Some(String::new())),
                "timefmt" => look.time = Some(value),
                "Q" => look.quotes = true,
                "C" => look.colors = true,
                "n" => look.colors = false,
                "S" | "A" => look.ascii = false,
                "charset" => look.ascii = !value.to_ascii_uppercase().starts_with("UTF"),
                "J" => look.format = show::Format::Json,
                "X" => look.format = show::Format::Xml,
                "noreport" => look.report = false,
                // Names are shown as they are, and there is one file system.
                _ => {}
            }
        }
        look.sums = options.sums;
        Ok((options, paths))
    }

    /// Reads what is in a directory. `whole`: a pattern named it. `seen`: the directories that were
    /// read before.
    fn fill(&self, node: &mut Node, level: usize, whole: bool, seen: &mut HashSet<(u64, u64)>) {
        if self.level.is_some_and(|most| level > most) || level > MAX_DEPTH {
            return;
        }
        let directory = node.leads_to.or(node.details);
        seen.extend(directory.map(|details| (details.device, details.inode)));
        let mut children = self.list(&node.path, whole);
        if self.entry_limit.is_some_and(|limit| children.len() > limit) {
            let count = children.len();
            node.note = Some(format!("{count} entries exceeds filelimit, not opening dir"));
            return;
        }
        self.sort(&mut children);
        for child in children.iter_mut().filter(|child| self.enters(child)) {
            let linked = child.leads_to.map(|details| (details.device, details.inode));
            if linked.is_some_and(|linked| seen.contains(&linked)) {
                child.note = Some("recursive, not followed".to_owned());
                continue;
            }
            let whole = self.match_directories && self.matches(&self.only, child);
            self.fill(child, level + 1, whole, seen);
        }
        if self.prune {
            children.retain(|child| !child.is_own_dir() || !child.children.is_empty());
        }
        if self.sums {
            node.size += children.iter().map(|child| child.size).sum::<u64>();
            self.sort(&mut children);
        }
        node.children = children;
    }

    fn enters(&self, node: &Node) -> bool {
        node.is_own_dir() || self.follow && node.is_dir()
    }

    fn matches(&self, globs: &[String], node: &Node) -> bool {
        globs.iter().any(|glob| {
            let (glob, fits) = match glob.strip_suffix('/') {
                Some(glob) => (glob, node.is_dir()),
                None => (glob.as_str(), true),
            };
            let alike = match self.fold_case {
                true => wild(&glob.to_lowercase(), &node.name.to_lowercase()),
                false => wild(glob, &node.name),
            };
            fits && alike
        })
    }

    fn list(&self, directory: &str, whole: bool) -> Vec<Node> {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let nodes = entries.map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{}/{name}", directory.trim_end_matches('/'));
            let details = files::look(&path, false).ok();
            let is_link = details.is_some_and(|details| details.kind == Kind::Symlink);
            let target = is_link.then(|| std::fs::read_link(&path).ok()).flatten();
            Node {
                name,
                target: target.map(|target| target.to_string_lossy().into_owned()),
                leads_to: is_link.then(|| files::look(&path, true).ok()).flatten(),
                size: details.map_or(0, size),
                details,
                children: Vec::new(),
                note: None,
                path,
            }
        });
        nodes
            .filter(|node| {
                (self.all || !node.name.starts_with('.'))
                    && (!self.directories || node.is_dir())
                    && !self.matches(&self.ignore, node)
                    && (self.only.is_empty()
                        || whole
                        || self.enters(node)
                        || self.matches(&self.only, node))
            })
            .collect()
    }

    fn sort(&self, nodes: &mut [Node]) {
        // To the second, as tree does.
        let by = |of: fn(&Details) -> u64, node: &Node| {
            node.details.as_ref().map_or(0, of) / 1_000_000_000
        };
        nodes.sort_by(|a, b| {
            let first = match (self.directories_first, self.files_first) {
                (true, _) => b.is_dir().cmp(&a.is_dir()),
                (false, true) => a.is_dir().cmp(&b.is_dir()),
                (false, false) => Ordering::Equal,
            };
            let names = a.name.cmp(&b.name);
            let order = match self.order {
                Order::Name => names,
                Order::Version => versions(&a.name, &b.name).then(names),
                Order::Modified => by(|d| d.modified, a).cmp(&by(|d| d.modified, b)).then(names),
                Order::Changed => by(|d| d.changed, a).cmp(&by(|d| d.changed, b)).then(names),
                Order::Size => b.size.cmp(&a.size).then(names),
                Order::None => Ordering::Equal,
            };
            first.then(if self.reverse { order.reverse() } else { order })
        });
    }
}

/// What is shown as a size: a directory's is what it takes itself.
fn size(details: Details) -> u64 {
    if details.is_dir() { details.allocated() } else { details.size }
}

/// Compares names in which runs of digits are numbers.
fn versions(a: &str, b: &str) -> Ordering {
    let pieces = |text: &str| {
        let digits = |c: &u8| c.is_ascii_digit();
        text.as_bytes()
            .chunk_by(|a, b| digits(a) == digits(b))
            .map(|piece| {
                let text = String::from_utf8_lossy(piece).into_owned();
                (text.parse::<u64>().ok(), text)
            })
            .collect::<Vec<_>>()
    };
    let (a, b) = (pieces(a), pieces(b));
    for ((number, text), (other, other_text)) in a.iter().zip(&b) {
        let order = match (number, other) {
            (Some(number), Some(other)) => number.cmp(other),
            _ => text.cmp(other_text),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}
