//! Walking and searching.

use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use grep_matcher::LineTerminator;
use grep_printer::Stats;
use grep_searcher::{BinaryDetection, MmapChoice, Searcher, SearcherBuilder};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::overrides::OverrideBuilder;
use ignore::types::TypesBuilder;
use termcolor::{Ansi, NoColor, WriteColor};
use toolcell_program::files::{Details, Kind, look};
use toolcell_program::message;
use toolcell_walk::{Found, Ignore, Order, Walk};

use crate::matcher::{self, Built, Search};
use crate::options::{Mode, Options, Sort, TypeChange};
use crate::printing::{self, Printer};

/// Files that a directory lists are read whole up to this length, and piece by piece above it.
const MAX_WHOLE: usize = 8 << 20;

const NOTHING_SEARCHED: &str = "No files were searched: what there is is left out by an ignore \
file, by -g or -t, by --max-depth, or is hidden. -uu searches all.";

/// Where the pipe's reader has gone, nothing more is to be said.
fn is_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

pub(crate) fn run(options: &Options) -> i32 {
    let out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let mut out: Box<dyn WriteColor> = match options.colors {
        Some(_) => Box::new(Ansi::new(out)),
        None => Box::new(NoColor::new(out)),
    };
    let mut run =
        Run { options, found: false, failed: false, searched: false, stats: Stats::new() };
    let result = run.whole(&mut out).and_then(|()| Ok(out.flush()?));
    match result {
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(is_pipe) => 0,
        Err(error) => {
            eprintln!("rg: {error}");
            2
        }
        Ok(()) if run.failed && !(options.mode == Mode::Quiet && run.found) => 2,
        Ok(()) => i32::from(!run.found),
    }
}

type Done = Result<(), Box<dyn std::error::Error>>;

/// What is searched.
enum Input<'a> {
    Standard,
    File(&'a Path),
    /// A file's content, in which there is no NUL.
    Text(Vec<u8>),
    /// A file's content, in which there is one.
    Binary(Vec<u8>),
}

impl Input<'_> {
    /// A file that a directory has listed. It is read by one call, if it is not long; `None` if
    /// nothing is to be said of it.
    fn listed<'a>(path: &'a Path, options: &Options, matcher: &impl Search) -> Option<Input<'a>> {
        let content = path.to_str().map(|path| toolcell_direct::read(path, MAX_WHOLE));
        // What is wrong with it is told where it is opened.
        let Some(Ok(Some(content))) = content else { return Some(Input::File(path)) };
        if options.only_tells_matches() && !matcher.may_match(&content) {
            return None;
        }
        Some(match memchr::memchr(0, &content) {
            Some(_) => Input::Binary(content),
            None => Input::Text(content),
        })
    }
}

struct Run<'a> {
    options: &'a Options,
    found: bool,
    failed: bool,
    /// Whether the walk came to any file.
    searched: bool,
    stats: Stats,
}

/// The searchers of a run, each for inputs of one kind.
struct Searchers {
    /// Of what a directory lists.
    walked: Searcher,
    /// Of what is named.
    named: Searcher,
    /// Of what has been looked through for NULs, and is not looked through again.
    plain: Searcher,
}

impl Run<'_> {
    fn complain(&mut self, text: &str) {
        self.failed = true;
        if !self.options.silent_errors {
            eprintln!("rg: {text}");
        }
    }

    fn whole(&mut self, out: &mut impl WriteColor) -> Done {
        let start = Instant::now();
        match self.options.mode {
            Mode::Files => self.all(|run, path, shown| run.list(shown.unwrap_or(path), out))?,
            _ => match matcher::build(self.options)? {
                Built::Usual(matcher) => self.search(&matcher, out)?,
                Built::Perl(matcher) => self.search(&matcher, out)?,
            },
        }
        if self.options.stats && self.options.mode != Mode::Files {
            printing::stats(self.options, &self.stats, start.elapsed(), out)?;
        }
        Ok(())
    }

    fn search(&mut self, matcher: &impl Search, out: &mut impl WriteColor) -> Done {
        let o = self.options;
        // Without a path, what comes in is searched if something can come in.
        let input = o.paths.is_empty()
            && look("/dev/stdin", true)
                .is_ok_and(|details| matches!(details.kind, Kind::Pipe | Kind::File));
        let one_file = match o.paths.as_slice() {
            [path] => path == "-" || Path::new(path).is_file(),
            [] => input,
            _ => false,
        };
        let with_path = o.with_path.unwrap_or(!one_file);
        let mut searchers = Searchers {
            walked: searcher(o, false),
            named: searcher(o, true),
            plain: searcher(o, false),
        };
        let mut printer = Printer::new(o, with_path, out);
        searchers.plain.set_binary_detection(BinaryDetection::none());
        if input || o.paths.iter().any(|path| path == "-") {
            let input = (Input::Standard, PathBuf::from("<stdin>"));
            self.one(matcher, &mut searchers.named, input, with_path, &mut printer)?;
        }
        if input {
            return Ok(());
        }
        self.all(|run, path, shown| {
            let Some(shown) = shown else {
                let input = (Input::File(Path::new(path)), PathBuf::from(path));
                return run.one(matcher, &mut searchers.named, input, with_path, &mut printer);
            };
            let Some(input) = Input::listed(Path::new(path), o, matcher) else { return Ok(()) };
            let searcher = match input {
                Input::Text(_) => &mut searchers.plain,
                _ => &mut searchers.walked,
            };
            run.one(matcher, searcher, (input, PathBuf::from(shown)), with_path, &mut printer)
        })
    }

    /// Goes over all files that are wanted, in their order: each by its path, and by what it is
    /// shown as if a directory lists it.
    fn all(&mut self, mut visit: impl FnMut(&mut Self, &str, Option<&str>) -> Done) -> Done {
        let o = self.options;
        let mut later: Vec<(u64, String, bool)> = Vec::new();
        let mut paths: Vec<&str> =
            o.paths.iter().map(String::as_str).filter(|path| *path != "-").collect();
        let implied = o.paths.is_empty();
        if implied {
            paths.push("./");
        }
        let walk = walk(o)?;
        let rules = self.more_rules()?;
        for path in paths {
            let kind = match std::fs::metadata(path) {
                Ok(metadata) => metadata,
                Err(error) => {
                    self.complain(&format!("{path}: {}", message(&error)));
                    continue;
                }
            };
            if !kind.is_dir() {
                // One that is named is searched, whatever the rules say of it.
                match o.sort {
                    Sort::Path => visit(self, path, None)?,
                    sort => later.push((time(sort, path), path.to_owned(), true)),
                }
                continue;
            }
            let mut done: Done = Ok(());
            walk.directory(path, &from_root(path)?, &mut |found| {
                let path = match found {
                    Found::File(path) => path,
                    Found::Unreadable(path, error) => {
                        self.complain(&format!("{path}: {}", message(&error)));
                        return true;
                    }
                    Found::Loop(link, above) => {
                        let text = format!("File system loop found: {link} points to an ancestor");
                        self.complain(&format!("{text} {above}"));
                        return true;
                    }
                };
                let left_out = |rules: &Gitignore| match from_root(path) {
                    // The directories that a file is in count as far as the rules reach.
                    Ok(path) if Path::new(&path).starts_with(rules.path()) => {
                        rules.matched_path_or_any_parents(path, false).is_ignore()
                    }
                    Ok(path) => rules.matched(path, false).is_ignore(),
                    Err(_) => false,
                };
                if rules.as_ref().is_some_and(left_out) {
                    return true;
                }
                if let Some(most) = o.most_bytes
                    && look(path, true).is_ok_and(|details| details.size > most)
                {
                    return true;
                }
                self.searched = true;
                match o.sort {
                    Sort::Path => done = visit(self, path, Some(shown(path, implied))),
                    sort => later.push((time(sort, path), path.to_owned(), false)),
                }
                done.is_ok() && !(self.found && o.mode == Mode::Quiet)
            });
            done?;
            if self.found && o.mode == Mode::Quiet {
                return Ok(());
            }
        }
        later.sort();
        if o.reverse {
            later.reverse();
        }
        for (_, path, named) in &later {
            visit(self, path, (!named).then(|| shown(path, implied)))?;
        }
        if implied && !self.searched && o.mode != Mode::Files {
            self.complain(NOTHING_SEARCHED);
        }
        Ok(())
    }

    /// The rules of `--ignore-file`.
    fn more_rules(&mut self) -> Result<Option<Gitignore>, Box<dyn std::error::Error>> {
        if self.options.ignore_files.is_empty() || !self.options.ignore {
            return Ok(None);
        }
        let mut builder = GitignoreBuilder::new(from_root(".")?);
        for path in &self.options.ignore_files {
            match std::fs::read_to_string(path) {
                Ok(rules) => {
                    for rule in rules.lines() {
                        builder.add_line(None, rule)?;
                    }
                }
                Err(error) => self.complain(&format!("{path}: {}", message(&error))),
            }
        }
        Ok(Some(builder.build()?))
    }

    /// Tells of a file that would be searched.
    fn list(&mut self, path: &str, out: &mut impl Write) -> Done {
        self.found = true;
        let end = if self.options.null { '\0' } else { '\n' };
        Ok(write!(out, "{path}{end}")?)
    }

    /// Searches one input, which is shown by a path.
    fn one(
        &mut self,
        matcher: &impl Search,
        searcher: &mut Searcher,
        (input, shown): (Input<'_>, PathBuf),
        with_path: bool,
        printer: &mut Printer<impl WriteColor>,
    ) -> Done {
        macro_rules! search {
            ($sink:expr) => {{
                let mut sink = $sink;
                let done = match &input {
                    Input::Standard => {
                        searcher.search_reader(matcher, io::stdin().lock(), &mut sink)
                    }
                    Input::File(path) => searcher.search_path(matcher, path, &mut sink),
                    Input::Text(content) => searcher.search_slice(matcher, content, &mut sink),
                    // It ends where it is found out, as it does when it is read piece by piece.
                    Input::Binary(content) => {
                        searcher.search_reader(matcher, &content[..], &mut sink)
                    }
                };
                (done, sink)
            }};
        }
        let (done, found, stats) = match printer {
            Printer::Lines(printer) => {
                let (done, sink) = match with_path {
                    true => search!(printer.sink_with_path(matcher, &shown)),
                    false => search!(printer.sink(matcher)),
                };
                (done, sink.has_match(), sink.stats().cloned())
            }
            Printer::Messages(printer) => {
                let (done, sink) = search!(printer.sink_with_path(matcher, &shown));
                (done, sink.has_match(), Some(sink.stats().clone()))
            }
            Printer::Summary(printer) => {
                let (done, sink) = search!(printer.sink_with_path(matcher, &shown));
                (done, sink.has_match(), sink.stats().cloned())
            }
        };
        self.found |= found;
        if let Some(stats) = stats {
            self.stats += &stats;
        }
        match done {
            Ok(()) => Ok(()),
            Err(error) if is_pipe(&error) => Err(error.into()),
            Err(error) => {
                self.complain(&format!("{}: {}", shown.display(), message(&error)));
                Ok(())
            }
        }
    }
}

/// A path of a walk as it is shown: where no directory is named, without the `./`.
fn shown(path: &str, implied: bool) -> &str {
    path.strip_prefix("./").filter(|_| implied).unwrap_or(path)
}

/// What a file is sorted by; one that is gone comes first.
fn time(sort: Sort, path: &str) -> u64 {
    let of = |details: Details| match sort {
        Sort::Path => 0,
        Sort::Modified => details.modified,
        Sort::Accessed => details.accessed,
        // No more is known of when it was made than when it was changed.
        Sort::Created => details.changed,
    };
    look(path, true).map_or(0, of)
}

fn searcher(o: &Options, named: bool) -> Searcher {
    // A file that is named is searched though it is binary, up to the first match.
    let binary = match (o.text || o.null_data, named || o.binary) {
        (true, _) => BinaryDetection::none(),
        (false, true) => BinaryDetection::convert(0),
        (false, false) => BinaryDetection::quit(0),
    };
    SearcherBuilder::new()
        .line_terminator(match (o.null_data, o.crlf) {
            (true, _) => LineTerminator::byte(0),
            (false, true) => LineTerminator::crlf(),
            (false, false) => LineTerminator::byte(b'\n'),
        })
        .line_number(o.line_number || o.mode == Mode::Json)
        .encoding(o.encoding.clone())
        .bom_sniffing(!o.raw)
        .stop_on_nonmatch(o.stop_on_nonmatch)
        .invert_match(o.invert)
        .multi_line(o.multiline)
        .before_context(o.before)
        .after_context(o.after)
        .passthru(o.passthru)
        .max_matches(o.most)
        .binary_detection(binary)
        .memory_map(MmapChoice::never())
        .build()
}

/// Where a path is from the root of the filesystem, by its text alone.
fn from_root(path: &str) -> io::Result<String> {
    let mut from_root = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        match part {
            Component::ParentDir => {
                from_root.pop();
            }
            part => from_root.push(part),
        }
    }
    Ok(from_root.to_string_lossy().into_owned())
}

fn walk(o: &Options) -> Result<Walk, Box<dyn std::error::Error>> {
    let mut overrides = OverrideBuilder::new(from_root(".")?);
    for (glob, fold) in &o.globs {
        overrides.case_insensitive(*fold || o.globs_any_case)?.add(glob)?;
    }
    let mut types = TypesBuilder::new();
    if !o.types.is_empty() || !o.type_changes.is_empty() {
        types.add_defaults();
    }
    for change in &o.type_changes {
        match change {
            TypeChange::Add(definition) => types.add_def(definition)?,
            TypeChange::Clear(name) => {
                types.clear(name);
            }
        }
    }
    for (name, wanted) in &o.types {
        match wanted {
            true => types.select(name),
            false => types.negate(name),
        };
    }
    Ok(Walk {
        overrides: overrides.build()?,
        types: types.build()?,
        skip_hidden: !o.hidden,
        skip_directories: &[],
        ignore: match (o.ignore, o.ignore_vcs) {
            (false, _) => Ignore::Nothing,
            (true, false) => Ignore::Own,
            (true, true) => Ignore::All { in_work_tree: o.require_git },
        },
        ignore_above: o.ignore_above,
        follow: o.follow,
        depth: o.depth.unwrap_or(usize::MAX),
        order: if o.reverse { Order::NamesReversed } else { Order::Names },
    })
}
