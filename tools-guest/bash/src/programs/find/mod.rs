//! `find`: how files are come by. What is asked of each is an [`expression`]; [`act`] answers it.

mod act;
mod expression;
mod show;

use std::io::{BufWriter, Stdout, Write};

use toolcell_shell::{FileKind, Stat, Sys, System};

use super::World;
use expression::{Query, Test};

/// How deep directories are followed.
const MAX_DEPTH: usize = 512;

/// What `--help` says of expressions.
pub(super) const HELP: &[&str] = &[
    "operators: ( EXPR ), ! -not, -a -and, -o -or, ,",
    "where: -maxdepth, -mindepth, -depth, -xdev, -mount, -daystart, -follow, -regextype",
    "names: -name, -iname, -path, -ipath, -regex, -iregex, -lname, -ilname",
    "kinds: -type, -xtype, -empty, -size, -links, -inum, -samefile, -perm, -executable, -readable,",
    "       -writable, -user, -group, -uid, -gid, -nouser, -nogroup",
    "times: -newer, -newerXY, -anewer, -cnewer, -mtime, -mmin, -atime, -amin, -ctime, -cmin",
    "actions: -print, -print0, -printf, -ls, -fprint, -fprint0, -fprintf, -fls, -delete, -exec,",
    "         -execdir, -ok, -okdir, -prune, -quit",
];

struct Find {
    world: World,
    query: Query,
    out: BufWriter<Stdout>,
    status: i32,
    stop: bool,
    /// Whether it was told that output is lost.
    lost: bool,
}

/// One file that is looked at.
struct Entry {
    path: String,
    start: String,
    depth: usize,
    kind: FileKind,
    /// None where no test asks for it: see [`Query::details`].
    stat: Option<Stat>,
}

pub(super) fn run(words: &[String], mut world: World) -> i32 {
    let (mut follow, mut follow_starts) = (false, false);
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        match word.as_str() {
            "-L" | "-follow" => (follow, follow_starts) = (true, true),
            "-H" => (follow, follow_starts) = (false, true),
            "-P" => (follow, follow_starts) = (false, false),
            // How much is optimized says nothing about what is found.
            word if word.starts_with("-O") => {}
            _ => break,
        }
        rest = after;
    }
    let starts = rest.iter().take_while(|word| {
        !word.starts_with('-') && !matches!(word.as_str(), "(" | ")" | "!" | ",")
    });
    let mut starts: Vec<String> = starts.cloned().collect();
    let words = &rest[starts.len()..];
    if starts.is_empty() {
        starts.push(".".to_owned());
    }
    let (test, query) = match Query::read(words, &mut world, follow) {
        Ok(read) => read,
        Err(error) => {
            eprintln!("find: {error}");
            return 1;
        }
    };
    let out = BufWriter::new(std::io::stdout());
    let mut find = Find { world, query, out, status: 0, stop: false, lost: false };
    for start in starts {
        if find.stop {
            break;
        }
        find.start(start, follow_starts, &test);
    }
    for batch in 0..find.query.batches.len() {
        find.run_batch(batch);
    }
    find.flush();
    find.status
}

impl Find {
    /// Says what went wrong, after what was found before it.
    fn fail(&mut self, message: &str) {
        let _ = self.out.flush();
        eprintln!("find: {message}");
        self.status = 1;
    }

    /// Ends the search, as its output goes nowhere.
    fn unwritten(&mut self, error: &std::io::Error) {
        if !self.lost {
            eprintln!("find: ‘standard output’: {}", toolcell_program::message(error));
            eprintln!("find: write error");
        }
        self.status = 1;
        self.lost = true;
        self.stop = true;
    }

    /// Writes what is left of all output.
    fn flush(&mut self) {
        if let Err(error) = self.out.flush() {
            self.unwritten(&error);
        }
        for at in 0..self.query.files.len() {
            let (path, file) = &mut self.query.files[at];
            if let Err(error) = file.flush() {
                let message = format!("‘{path}’: {}", toolcell_program::message(&error));
                self.fail(&message);
            }
        }
    }

    fn start(&mut self, start: String, follow: bool, test: &Test) {
        let full = self.world.absolute(&start);
        let found = match start.is_empty() {
            true => Err(toolcell_shell::Errno::NotFound),
            // A link that leads to nothing is itself.
            false => match self.world.system.stat(&full, follow || self.query.follow) {
                Err(toolcell_shell::Errno::NotFound) => self.world.system.stat(&full, false),
                found => found,
            },
        };
        match found {
            Ok(stat) => {
                let (path, kind) = (start.clone(), stat.kind);
                let entry = Entry { path, start, depth: 0, kind, stat: Some(stat) };
                self.visit(entry, stat.device, test);
            }
            Err(error) => self.fail(&format!("‘{start}’: {}", error.message())),
        }
    }

    /// What a directory holds. Where no test asks for more than names and kinds, nothing else is
    /// known of it.
    fn list(&mut self, directory: &str) -> Sys<Vec<(String, FileKind, Option<Stat>)>> {
        let mut found: Vec<_> = match self.query.details {
            true => {
                let all = self.world.system.list_dir(directory)?;
                all.into_iter().map(|(name, stat)| (name, stat.kind, Some(stat))).collect()
            }
            false => {
                let all = self.world.system.read_dir(directory)?;
                all.into_iter().map(|(name, kind)| (name, kind, None)).collect()
            }
        };
        for (name, kind, stat) in found.iter_mut().filter(|_| self.query.follow) {
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

    /// Looks at a file and at all below it. `device` is that of the place where it began.
    fn visit(&mut self, entry: Entry, device: u64, test: &Test) {
        let wanted = entry.depth >= self.query.least;
        let mut prune = false;
        if wanted && !self.query.depth_first {
            self.test(test, &entry, &mut prune);
        }
        let elsewhere =
            self.query.one_region && entry.stat.is_some_and(|stat| stat.device != device);
        let descend = entry.kind == FileKind::Directory
            && entry.depth < self.query.most
            && !elsewhere
            && !prune
            && !self.stop;
        if descend {
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
                        self.visit(Entry { path, start, depth, kind, stat }, device, test);
                    }
                }
                Err(error) => self.fail(&format!("‘{}’: {}", entry.path, error.message())),
            }
        }
        if wanted && self.query.depth_first && !self.stop {
            self.test(test, &entry, &mut prune);
        }
    }
}

fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed {
        "" => path.get(..1).unwrap_or_default(),
        path => path.rsplit('/').next().unwrap_or(path),
    }
}
