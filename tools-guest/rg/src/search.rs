//! Walking and searching.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use grep_matcher::Matcher as _;
use grep_printer::{StandardBuilder, SummaryBuilder, SummaryKind};
use grep_regex::RegexMatcherBuilder;
use grep_searcher::{BinaryDetection, MmapChoice, Searcher, SearcherBuilder};
use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;
use ignore::types::TypesBuilder;
use toolcell_prefilter::{Prefiltered, escape};
use toolcell_program::files::{Kind, look};
use toolcell_program::message;

use crate::options::{Case, Mode, Options};

/// Files that a directory lists are read whole up to this length, and piece by piece above it.
const MAX_WHOLE: usize = 8 << 20;

/// Where the pipe's reader has gone, nothing more is to be said.
fn is_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

pub(crate) fn run(options: &Options) -> i32 {
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let mut run = Run { options, found: false, failed: false };
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
        if options.only_tells_matches() && !may_match(matcher, &content) {
            return None;
        }
        Some(match memchr::memchr(0, &content) {
            Some(_) => Input::Binary(content),
            None => Input::Text(content),
        })
    }
}

/// Whether a line may match. What a byte order mark stands before is another text than these bytes.
fn may_match(matcher: &Prefiltered, content: &[u8]) -> bool {
    let marks: [&[u8]; 3] = [&[0xef, 0xbb, 0xbf], &[0xff, 0xfe], &[0xfe, 0xff]];
    marks.iter().any(|mark| content.starts_with(mark))
        || matcher.find_candidate_line(content).is_ok_and(|found| found.is_some())
}

struct Run<'a> {
    options: &'a Options,
    found: bool,
    failed: bool,
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
        for path in paths {
            if let Err(error) = std::fs::metadata(path) {
                self.complain(&format!("{path}: {}", message(&error)));
                continue;
            }
            for entry in walk(o, path)?.build() {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => {
                        self.complain(&error.to_string());
                        continue;
                    }
                };
                if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                    continue;
                }
                let shown = match implied {
                    true => entry.path().strip_prefix("./").unwrap_or(entry.path()).to_owned(),
                    false => entry.path().to_owned(),
                };
                let Some(matcher) = &matcher else {
                    self.found = true;
                    let end = if o.null { '\0' } else { '\n' };
                    write!(out, "{}{end}", shown.display())?;
                    continue;
                };
                let input = match entry.depth() {
                    0 => Input::File(entry.path()),
                    _ => match Input::listed(entry.path(), o, matcher) {
                        Some(input) => input,
                        None => continue,
                    },
                };
                let searcher = match (&input, entry.depth()) {
                    (Input::Text(_), _) => &mut plain,
                    (_, 0) => &mut named,
                    _ => &mut walked,
                };
                self.one(matcher, searcher, (input, shown), with_path, out)?;
                if self.found && o.mode == Mode::Quiet {
                    return Ok(());
                }
            }
        }
        Ok(())
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
        .unicode(true);
    match o.multiline {
        true => builder.dot_matches_new_line(o.dot_all),
        false => builder.line_terminator(Some(b'\n')),
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

fn walk(o: &Options, path: &str) -> Result<WalkBuilder, ignore::Error> {
    let mut builder = WalkBuilder::new(path);
    builder
        .hidden(!o.hidden)
        .ignore(o.ignore)
        .git_ignore(o.ignore && o.ignore_vcs)
        .git_exclude(o.ignore && o.ignore_vcs)
        .git_global(false)
        .parents(o.ignore)
        .require_git(o.require_git)
        .follow_links(o.follow)
        .max_depth(o.depth);
    if o.ignore {
        builder.add_custom_ignore_filename(".rgignore");
    }
    match o.reverse {
        true => builder.sort_by_file_name(|a, b| b.cmp(a)),
        false => builder.sort_by_file_name(std::cmp::Ord::cmp),
    };
    if !o.globs.is_empty() {
        let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let mut overrides = OverrideBuilder::new(cwd);
        for (glob, fold) in &o.globs {
            overrides.case_insensitive(*fold)?.add(glob)?;
        }
        builder.overrides(overrides.build()?);
    }
    if !o.types.is_empty() || !o.type_adds.is_empty() {
        let mut types = TypesBuilder::new();
        types.add_defaults();
        for definition in &o.type_adds {
            types.add_def(definition)?;
        }
        for (name, wanted) in &o.types {
            match wanted {
                true => types.select(name),
                false => types.negate(name),
            };
        }
        builder.types(types.build()?);
    }
    Ok(builder)
}
