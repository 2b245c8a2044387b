//! Walking and searching.

use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use grep_printer::{StandardBuilder, SummaryBuilder, SummaryKind};
use grep_regex::RegexMatcherBuilder;
use grep_searcher::{BinaryDetection, MmapChoice, Searcher, SearcherBuilder};
use ignore::overrides::OverrideBuilder;
use ignore::types::TypesBuilder;
use toolcell_prefilter::{MAX_REGEX, Prefiltered, escape};
use toolcell_program::files::{Kind, look};
use toolcell_program::message;
use toolcell_walk::{Found, Ignore, Order, Walk};

use crate::options::{Case, Mode, Options};

/// Files that a directory lists are read whole up to this length, and piece by piece above it.
const MAX_WHOLE: usize = 8 << 20;

const NOTHING_SEARCHED: &str = "No files were searched: what there is is left out by an ignore \
file, by -g or -t, by --max-depth, or is hidden. -uu searches all.";

/// Where the pipe's reader has gone, nothing more is to be said.
fn is_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

pub(crate) fn run(options: &Options) -> i32 {
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let mut run = Run { options, found: false, failed: false, searched: false };
    let result = run.all(&mut out).and_then(|()| Ok(out.flush()?));
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
    fn listed<'a>(path: &'a Path, options: &Options, matcher: &Prefiltered) -> Option<Input<'a>> {
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
}

impl Run<'_> {
    fn complain(&mut self, text: &str) {
        self.failed = true;
        if !self.options.silent_errors {
            eprintln!("rg: {text}");
        }
    }

    fn all(&mut self, out: &mut impl Write) -> Done {
        let o = self.options;
        let matcher = if o.mode == Mode::Files { None } else { Some(matcher(o)?) };
        // Without a path, what comes in is searched if something can come in.
        let input = o.paths.is_empty()
            && o.mode != Mode::Files
            && look("/dev/stdin", true)
                .is_ok_and(|details| matches!(details.kind, Kind::Pipe | Kind::File));
        let one_file = match o.paths.as_slice() {
            [path] => path == "-" || Path::new(path).is_file(),
            [] => input,
            _ => false,
        };
        let with_path = o.with_path.unwrap_or(!one_file);
        if input || o.paths.iter().any(|path| path == "-") {
            if let Some(matcher) = &matcher {
                let mut searcher = searcher(o, true);
                let input = (Input::Standard, PathBuf::from("<stdin>"));
                self.one(matcher, &mut searcher, input, with_path, out)?;
            }
            if input {
                return Ok(());
            }
        }
        let mut paths: Vec<&str> =
            o.paths.iter().map(String::as_str).filter(|path| *path != "-").collect();
        let implied = o.paths.is_empty();
        if implied {
            paths.push("./");
        }
        let (mut walked, mut named) = (searcher(o, false), searcher(o, true));
        // What has been looked through for NULs is not looked through again.
        let mut plain = searcher(o, false);
        plain.set_binary_detection(BinaryDetection::none());
        let walk = walk(o)?;
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
                match &matcher {
                    Some(matcher) => {
                        let input = (Input::File(Path::new(path)), PathBuf::from(path));
                        self.one(matcher, &mut named, input, with_path, out)?;
                    }
                    None => self.list(path, out)?,
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
                self.searched = true;
                let shown = path.strip_prefix("./").filter(|_| implied).unwrap_or(path);
                done = match &matcher {
                    None => self.list(shown, out),
                    Some(matcher) => match Input::listed(Path::new(path), o, matcher) {
                        Some(input) => {
                            let searcher = match input {
                                Input::Text(_) => &mut plain,
                                _ => &mut walked,
                            };
                            let input = (input, PathBuf::from(shown));
                            self.one(matcher, searcher, input, with_path, out)
                        }
                        None => Ok(()),
                    },
                };
                done.is_ok() && !(self.found && o.mode == Mode::Quiet)
            });
            done?;
            if self.found && o.mode == Mode::Quiet {
                return Ok(());
            }
        }
        if implied && !self.searched && o.mode != Mode::Files {
            self.complain(NOTHING_SEARCHED);
        }
        Ok(())
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
        matcher: &Prefiltered,
        searcher: &mut Searcher,
        (input, shown): (Input<'_>, PathBuf),
        with_path: bool,
        out: &mut impl Write,
    ) -> Done {
        let o = self.options;
        let summary = |kind| {
            let mut builder = SummaryBuilder::new();
            builder.kind(kind).exclude_zero(!o.include_zero).path(with_path);
            builder.path_terminator(o.null.then_some(0));
            builder
        };
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
                (done, sink.has_match())
            }};
        }
        let (done, found) = match o.mode {
            Mode::Lines | Mode::Files => {
                let mut printer = standard(o, with_path, self.found).build_no_color(&mut *out);
                match with_path {
                    true => search!(printer.sink_with_path(matcher, &shown)),
                    false => search!(printer.sink(matcher)),
                }
            }
            mode => {
                let kind = match mode {
                    Mode::Count => SummaryKind::Count,
                    Mode::CountMatches => SummaryKind::CountMatches,
                    Mode::WithMatch => SummaryKind::PathWithMatch,
                    Mode::WithoutMatch => SummaryKind::PathWithoutMatch,
                    _ => SummaryKind::QuietWithMatch,
                };
                let mut printer = summary(kind).build_no_color(&mut *out);
                search!(printer.sink_with_path(matcher, &shown))
            }
        };
        self.found |= found;
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

fn matcher(o: &Options) -> Result<Prefiltered, String> {
    let mut builder = RegexMatcherBuilder::new();
    builder
        .case_insensitive(o.case == Case::Insensitive)
        .case_smart(o.case == Case::Smart)
        .fixed_strings(o.fixed)
        .word(o.word)
        .whole_line(o.whole_line)
        .multi_line(true)
        .size_limit(MAX_REGEX)
        .unicode(true);
    match o.multiline {
        true => builder.dot_matches_new_line(o.dot_all),
        false => builder.crlf(o.crlf).line_terminator(Some(b'\n')),
    };
    let matcher = builder.build_many(&o.patterns).map_err(|error| {
        let text = error.to_string();
        match text.contains("look-around") || text.contains("backreference") {
            true => format!("{text}\n\nThere is no PCRE2 in this ripgrep."),
            false => text,
        }
    })?;
    if o.multiline {
        return Ok(Prefiltered::none(matcher));
    }
    // Who may ignore case finds all that who does not ignore it would.
    let ignore_case = o.case != Case::Sensitive;
    Ok(match o.fixed {
        true => {
            let patterns: Vec<String> = o.patterns.iter().map(|text| escape(text)).collect();
            Prefiltered::lines(matcher, &patterns, ignore_case)
        }
        false => Prefiltered::lines(matcher, &o.patterns, ignore_case),
    })
}

fn searcher(o: &Options, named: bool) -> Searcher {
    // A file that is named is searched though it is binary, up to the first match.
    let binary = match (o.text, named) {
        (true, _) => BinaryDetection::none(),
        (false, true) => BinaryDetection::convert(0),
        (false, false) => BinaryDetection::quit(0),
    };
    SearcherBuilder::new()
        .line_number(o.line_number)
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

fn standard(o: &Options, with_path: bool, before: bool) -> StandardBuilder {
    let mut builder = StandardBuilder::new();
    let context = o.before > 0 || o.after > 0;
    let between = match (o.heading, context) {
        (true, _) => Some(Vec::new()),
        (false, true) => Some(b"--".to_vec()),
        (false, false) => None,
    };
    builder
        .heading(o.heading)
        .path(with_path)
        .only_matching(o.only_matching)
        .per_match(false)
        .replacement(o.replace.as_ref().map(|text| text.clone().into_bytes()))
        .max_columns(o.most_columns)
        .column(o.column)
        .byte_offset(o.byte_offset)
        .trim_ascii(o.trim)
        // A printer is made for each file, and does not know of those before it.
        .separator_search(between.filter(|_| before))
        .path_terminator(o.null.then_some(0));
    builder
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
        overrides.case_insensitive(*fold)?.add(glob)?;
    }
    let mut types = TypesBuilder::new();
    if !o.types.is_empty() || !o.type_adds.is_empty() {
        types.add_defaults();
    }
    for definition in &o.type_adds {
        types.add_def(definition)?;
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
        follow: o.follow,
        depth: o.depth.unwrap_or(usize::MAX),
        order: if o.reverse { Order::NamesReversed } else { Order::Names },
    })
}
