//! Asks an expression of a file, and does with it what the expression says.

use std::io::{BufRead, Write};

use toolcell_program::{files, message};
use toolcell_shell::{Exit, FileKind, Stat, System};

use super::expression::{Clock, Exec, Target, Test};
use super::{Entry, Find, base, show};

/// Characters of one command line of `-exec … +`.
const MAX_CHARS: usize = 131_072;

impl Find {
    pub(super) fn test(&mut self, test: &Test, entry: &Entry, prune: &mut bool) -> bool {
        let of = |holds: &dyn Fn(&Stat) -> bool| entry.stat.as_ref().is_some_and(holds);
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
            Test::Links(number) => {
                self.details(entry).is_some_and(|details| number.holds(details.links))
            }
            Test::List(target) => {
                let full = self.world.absolute(&entry.path);
                let line = show::listed(entry, &full, self.query.follow, self.query.now);
                self.write(*target, line.as_bytes())
            }
            Test::Size(number, unit) => of(&|stat| number.holds(stat.size.div_ceil(*unit))),
            Test::Empty => match entry.kind {
                FileKind::Directory => {
                    let full = self.world.absolute(&entry.path);
                    self.world.system.read_dir(&full).is_ok_and(|names| names.is_empty())
                }
                FileKind::File => of(&|stat| stat.size == 0),
                _ => false,
            },
            Test::Same(device, inode) => of(&|stat| (stat.device, stat.inode) == (*device, *inode)),
            Test::Inode(number) => of(&|stat| number.holds(stat.inode)),
            Test::Newer(clock, than) => self.time(entry, *clock).is_some_and(|time| time > *than),
            Test::Age(clock, number, unit) => {
                let Some(time) = self.time(entry, *clock) else { return false };
                let age = self.query.now.saturating_sub(time) / 1_000_000_000;
                let age = u64::try_from(age).unwrap_or(u64::MAX);
                // Minutes are rounded up, days down.
                number.holds(if *unit == 60 { age.div_ceil(60) } else { age / unit })
            }
            Test::Executable => of(&|stat| stat.executable),
            Test::Readable => of(&|stat| stat.readable),
            Test::Writable => of(&|stat| stat.writable),
            Test::Mode { how, bits } => of(&|stat| match how {
                Some('-') => stat.mode & bits == *bits,
                Some(_) => *bits == 0 || stat.mode & bits != 0,
                None => stat.mode == *bits,
            }),
            Test::Print(target, end) => {
                self.write(*target, format!("{}{end}", entry.path).as_bytes())
            }
            Test::Printf(target, format) => {
                let full = self.world.absolute(&entry.path);
                let text = show::formatted(format, entry, &full, self.query.follow);
                self.write(*target, text.as_bytes())
            }
            Test::Exec(exec) => self.exec(exec, entry),
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

    fn details(&self, entry: &Entry) -> Option<files::Details> {
        files::look(&self.world.absolute(&entry.path), self.query.follow).ok()
    }

    /// One of a file's times, in nanoseconds since 1970.
    fn time(&self, entry: &Entry, clock: Clock) -> Option<u128> {
        match clock {
            Clock::Accessed => entry.stat.map(|stat| stat.accessed),
            Clock::Modified => entry.stat.map(|stat| stat.modified),
            Clock::Changed => self.details(entry).map(|details| u128::from(details.changed)),
        }
    }

    /// An action on output is true in any case.
    fn write(&mut self, target: Target, text: &[u8]) -> bool {
        match target.and_then(|at| self.query.files.get_mut(at)) {
            Some((_, file)) => {
                if file.write_all(text).is_err() {
                    self.status = 1;
                }
            }
            None => {
                if let Err(error) = self.out.write_all(text) {
                    self.unwritten(&error);
                }
            }
        }
        true
    }

    fn exec(&mut self, exec: &Exec, entry: &Entry) -> bool {
        let (mut path, mut directory) = (entry.path.clone(), None);
        if exec.in_directory {
            let full = self.world.absolute(&entry.path);
            let parent = full.rsplit_once('/').map_or("/", |(parent, _)| parent);
            directory = Some(if parent.is_empty() { "/" } else { parent }.to_owned());
            path = format!("./{}", base(&entry.path));
        }
        if let Some(at) = exec.batch {
            if self.query.batches[at].directory != directory {
                self.run_batch(at);
            }
            let batch = &mut self.query.batches[at];
            batch.directory = directory;
            batch.chars += path.len() + 1;
            batch.paths.push(path);
            if batch.chars > MAX_CHARS {
                self.run_batch(at);
            }
            return true;
        }
        if exec.asks && !self.confirmed(&exec.words, &entry.path) {
            return false;
        }
        let argv: Vec<String> = exec.words.iter().map(|word| word.replace("{}", &path)).collect();
        self.call(&argv, directory) == Some(Exit::Status(0))
    }

    /// Runs a program; `None`, after saying so, where it could not be started.
    fn call(&mut self, argv: &[String], directory: Option<String>) -> Option<Exit> {
        self.flush();
        let cwd = self.world.cwd.clone();
        if let Some(directory) = directory {
            self.world.cwd = directory;
        }
        let result = self.world.run(argv);
        self.world.cwd = cwd;
        match result {
            Ok(exit) => Some(exit),
            Err(error) => {
                let name = argv.first().map_or("", String::as_str);
                self.fail(&format!("‘{name}’: {}", error.message()));
                None
            }
        }
    }

    /// Whether whoever is asked says yes.
    fn confirmed(&mut self, words: &[String], path: &str) -> bool {
        self.flush();
        let name = words.first().map_or("", String::as_str);
        eprint!("< {name} ... {path} > ? ");
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.is_ok() && answer.trim_start().starts_with(['y', 'Y'])
    }

    /// Runs a program for the files that were gathered for it.
    pub(super) fn run_batch(&mut self, at: usize) {
        let batch = &mut self.query.batches[at];
        if batch.paths.is_empty() {
            return;
        }
        let mut argv = batch.words.clone();
        argv.append(&mut batch.paths);
        batch.chars = 0;
        let directory = batch.directory.take();
        if self.call(&argv, directory) != Some(Exit::Status(0)) {
            self.status = 1;
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
            self.fail(&format!("cannot delete ‘{}’: {}", entry.path, message(error)));
        }
        removed.is_ok()
    }
}
