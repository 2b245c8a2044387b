//! `grep`, `egrep` and `fgrep` with GNU's syntax and options, on ripgrep's engine.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;

use grep_matcher::{LineMatchKind, Matcher};
use grep_regex::RegexMatcherBuilder;

use toolcell_direct::Kind;
use toolcell_posix::{Longest, Meaning, Syntax as Posix, has_references, translate, with_bytes};
use toolcell_prefilter::{MAX_REGEX, Prefiltered};
use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};
use toolcell_text::{escape, wild};

/// Bytes read of a file at once; a longer line makes the buffer grow.
const CHUNK: usize = 256 << 10;

/// Bytes that one line may have.
const MAX_LINE: usize = 256 << 20;

/// GNU's colours.
const MATCH: &str = "01;31";
const NAME: &str = "35";
const NUMBER: &str = "32";
const SEPARATOR: &str = "36";

/// How patterns are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Basic,
    Extended,
    Fixed,
    Perl,
}

#[derive(Debug, Clone)]
struct Options {
    syntax: Syntax,
    patterns: Vec<String>,
    ignore_case: bool,
    invert: bool,
    word: bool,
    line: bool,
    count: bool,
    files: Option<bool>,
    most: Option<u64>,
    only: bool,
    quiet: bool,
    silent: bool,
    offset: bool,
    filename: Option<bool>,
    number: bool,
    null_names: bool,
    after: usize,
    before: usize,
    recursive: bool,
    follow: bool,
    include: Vec<String>,
    exclude: Vec<String>,
    exclude_dir: Vec<String>,
    binary_as_text: bool,
    binary_without_match: bool,
    /// As in the locale `C`, where every byte is a character.
    of_bytes: bool,
    label: String,
    null_data: bool,
    /// Whether each line is to be seen at once.
    line_buffered: bool,
    separator: Option<String>,
    color: bool,
    /// A tab stands between what is said of a line and the line.
    tab: bool,
    /// A directory that is named is passed over without a word.
    skip_directories: bool,
    /// Context was asked for, if only of no lines: what lies apart is separated.
    context: bool,
}

/// Files that a directory lists are read whole up to this length, and piece by piece above it.
const MAX_WHOLE: usize = 8 << 20;

const USAGE: &str =
    "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.";

const LONG: &[&str] = &[
    "extended-regexp:E",
    "fixed-strings:F",
    "basic-regexp:G",
    "perl-regexp:P",
    "regexp=:e",
    "file=:f",
    "ignore-case:i",
    "no-ignore-case",
    "invert-match:v",
    "word-regexp:w",
    "line-regexp:x",
    "count:c",
    "color=?",
    "colour=?",
    "files-without-match:L",
    "files-with-matches:l",
    "max-count=:m",
    "only-matching:o",
    "quiet:q",
    "silent:q",
    "no-messages:s",
    "byte-offset:b",
    "with-filename:H",
    "no-filename:h",
    "label=",
    "line-number:n",
    "initial-tab:T",
    "null:Z",
    "after-context=:A",
    "before-context=:B",
    "context=:C",
    "group-separator=",
    "no-group-separator",
    "text:a",
    "binary-files=",
    "exclude=",
    "exclude-from=",
    "exclude-dir=",
    "include=",
    "devices=:D",
    "directories=:d",
    "recursive:r",
    "dereference-recursive:R",
    "line-buffered",
    "null-data:z",
    "binary:U",
];

pub(crate) fn run(name: &str, words: &[String], out: &mut impl Write) -> i32 {
    if words.iter().any(|word| word == "-V") {
        return i32::from(writeln!(out, "grep (Toolcell) {}", env!("CARGO_PKG_VERSION")).is_err());
    }
    let parsed = options(name, words).and_then(|(options, paths)| {
        let engine = engine(&options)?;
        Ok((options, paths, engine))
    });
    let (options, paths, engine) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            match error.starts_with("Usage") {
                true => eprintln!("{error}"),
                false => eprintln!("grep: {error}"),
            }
            return 2;
        }
    };
    // Without patterns nothing matches, and GNU's grep does not even look.
    if options.patterns.is_empty() && !options.invert && options.files != Some(false) {
        return 1;
    }
    let mut search = Search { options, engine, failed: false, found: false, shown: false };
    search.paths(&paths, out);
    match (search.found, search.failed) {
        (true, false) => 0,
        (true, true) if search.options.quiet => 0,
        (_, true) => 2,
        (false, false) => 1,
    }
}

fn options(name: &str, words: &[String]) -> Result<(Options, Vec<String>), String> {
    let mut options = Options {
        syntax: match name {
            "egrep" => Syntax::Extended,
            "fgrep" => Syntax::Fixed,
            _ => Syntax::Basic,
        },
        patterns: Vec::new(),
        ignore_case: false,
        invert: false,
        word: false,
        line: false,
        count: false,
        files: None,
        most: None,
        only: false,
        quiet: false,
        silent: false,
        offset: false,
        filename: None,
        number: false,
        null_names: false,
        after: 0,
        before: 0,
        recursive: false,
        follow: false,
        include: Vec::new(),
        exclude: Vec::new(),
        exclude_dir: Vec::new(),
        binary_as_text: false,
        binary_without_match: false,
        of_bytes: escape::is_of_bytes(|name| std::env::var(name).ok()),
        label: "(standard input)".to_owned(),
        null_data: false,
        line_buffered: false,
        separator: Some("--".to_owned()),
        color: false,
        tab: false,
        skip_directories: false,
        context: false,
    };
    // `-NUM` is `-C NUM`.
    let words: Vec<String> = words
        .iter()
        .map(|word| match word.strip_prefix('-') {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()) => {
                format!("-C{digits}")
            }
            _ => word.clone(),
        })
        .collect();
    let args = parse(&words, "D:EFGPe:f:iyvwxcLlm:oqsbHhnTZA:B:C:ad:rRUzI", LONG)
        .map_err(|error| format!("{error}\n{USAGE}"))?;
    let (mut given, mut operands) = (false, Vec::new());
    let (mut after, mut before, mut around) = (None, None, None);
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(word) => {
                operands.push(word);
                continue;
            }
            Arg::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        let length = || {
            value.parse::<usize>().map_err(|_| format!("{value}: invalid context length argument"))
        };
        match letter.as_str() {
            "E" => options.syntax = Syntax::Extended,
            "F" => options.syntax = Syntax::Fixed,
            "G" => options.syntax = Syntax::Basic,
            "P" => options.syntax = Syntax::Perl,
            "e" => {
                given = true;
                options.patterns.extend(value.split('\n').map(str::to_owned));
            }
            "f" => {
                given = true;
                let mut content = String::new();
                open(&value)
                    .and_then(|mut input| input.read_to_string(&mut content))
                    .map_err(|error| format!("{value}: {}", message(&error)))?;
                if !content.is_empty() {
                    let content = content.strip_suffix('\n').unwrap_or(&content);
                    options.patterns.extend(content.split('\n').map(str::to_owned));
                }
            }
            "i" | "y" => options.ignore_case = true,
            "no-ignore-case" => options.ignore_case = false,
            "v" => options.invert = true,
            "w" => options.word = true,
            "x" => options.line = true,
            "c" => options.count = true,
            "L" => options.files = Some(false),
            "l" => options.files = Some(true),
            "m" => {
                let most = value.parse::<i64>().map_err(|_| "invalid max count".to_owned())?;
                options.most = u64::try_from(most).ok();
            }
            "o" => options.only = true,
            "q" => options.quiet = true,
            "s" => options.silent = true,
            "b" => options.offset = true,
            "H" => options.filename = Some(true),
            "h" => options.filename = Some(false),
            "n" => options.number = true,
            "Z" => options.null_names = true,
            "A" => after = Some(length()?),
            "B" => before = Some(length()?),
            "C" => around = Some(length()?),
            "a" => options.binary_as_text = true,
            "I" => options.binary_without_match = true,
            "r" => options.recursive = true,
            "R" => (options.recursive, options.follow) = (true, true),
            "z" => options.null_data = true,
            "label" => options.label = value,
            "include" => options.include.push(value),
            "exclude" => options.exclude.push(value),
            "exclude-from" => {
                let patterns = std::fs::read_to_string(&value);
                let patterns = patterns.map_err(|error| format!("{value}: {}", message(&error)))?;
                let patterns = patterns.lines().filter(|pattern| !pattern.is_empty());
                options.exclude.extend(patterns.map(str::to_owned));
            }
            "exclude-dir" => options.exclude_dir.push(value),
            "group-separator" => options.separator = Some(value),
            "no-group-separator" => options.separator = None,
            "color" | "colour" => options.color = value == "always",
            "binary-files" => match value.as_str() {
                "text" => options.binary_as_text = true,
                "without-match" => options.binary_without_match = true,
                "binary" => {}
                _ => return Err("invalid argument for --binary-files".to_owned()),
            },
            "d" => {
                options.recursive = value == "recurse";
                options.skip_directories = value == "skip";
            }
            "T" => options.tab = true,
            // There are no devices to read or to skip.
            "U" | "D" => {}
            "line-buffered" => options.line_buffered = true,
            other => return Err(format!("unsupported option '--{other}'")),
        }
    }
    options.context = after.or(before).or(around).is_some();
    options.after = after.or(around).unwrap_or(0);
    options.before = before.or(around).unwrap_or(0);
    if !given {
        if operands.is_empty() {
            return Err(USAGE.to_owned());
        }
        options.patterns = operands.remove(0).split('\n').map(str::to_owned).collect();
    }
    if operands.is_empty() && !options.recursive {
        operands.push("-".to_owned());
    }
    Ok((options, operands))
}

/// What lines are compared with.
enum Engine {
    /// The second is for how far a match goes, where there are alternatives: the longest counts.
    Plain(Box<Prefiltered>, Option<Box<Longest>>),
    /// With look-around or back-references, which have no quick way.
    Fancy(Box<fancy_regex::Regex>),
}

impl Engine {
    fn is_match(&self, line: &[u8]) -> bool {
        match self {
            Engine::Plain(matcher, _) => matcher.is_match(line).unwrap_or(false),
            // One that takes too long does not match.
            Engine::Fancy(regex) => {
                regex.is_match(&*String::from_utf8_lossy(line)).unwrap_or(false)
            }
        }
    }

    /// Where the first line begins that may match; none if no line does.
    fn candidate(&self, lines: &[u8]) -> Option<usize> {
        let found = match self {
            Engine::Plain(matcher, _) => matcher.find_candidate_line(lines),
            // Each line is looked at, then.
            Engine::Fancy(_) => return Some(0),
        };
        let at = match found {
            Ok(found) => match found? {
                LineMatchKind::Confirmed(at) | LineMatchKind::Candidate(at) => at,
            },
            Err(_) => return Some(0),
        };
        Some(memchr::memrchr(b'\n', &lines[..at]).map_or(0, |before| before + 1))
    }

    /// The parts of a line that match, the empty ones left out.
    fn spans(&self, line: &[u8]) -> Vec<(usize, usize)> {
        let mut spans = Vec::new();
        match self {
            Engine::Plain(matcher, None) => {
                let _ = matcher.find_iter(line, |found| {
                    spans.push((found.start(), found.end()));
                    true
                });
            }
            Engine::Plain(matcher, Some(longest)) => {
                let mut from = 0;
                while let Ok(Some(found)) = matcher.find_at(line, from) {
                    let end = longest.end(line, found.start()).unwrap_or(0).max(found.end());
                    spans.push((found.start(), end));
                    // After an empty match, the next one begins a byte on.
                    from = end + usize::from(end == found.start());
                    if from > line.len() {
                        break;
                    }
                }
            }
            Engine::Fancy(regex) => {
                // What is not UTF-8 has no offsets that would be the line's.
                let line = std::str::from_utf8(line).unwrap_or_default();
                let found = regex.find_iter(line).map_while(Result::ok);
                spans.extend(found.map(|found| (found.start(), found.end())));
            }
        }
        spans.retain(|(start, end)| start < end);
        spans
    }
}

fn engine(options: &Options) -> Result<Engine, String> {
    let posix = matches!(options.syntax, Syntax::Basic | Syntax::Extended);
    let refers = |pattern: &String| has_references(pattern);
    if !(posix && options.patterns.iter().any(refers)) {
        let plain = matcher(options);
        if plain.is_ok() || options.syntax != Syntax::Perl {
            // With -w, how far a match goes is decided by what is around it.
            let longest = match posix && options.only && !options.word {
                true => Longest::new(
                    &patterns(options, false)?.join("|"),
                    Meaning {
                        any_case: options.ignore_case,
                        by_lines: !options.null_data,
                        ..Meaning::default()
                    },
                ),
                false => None,
            };
            return plain.map(|plain| Engine::Plain(Box::new(plain), longest.map(Box::new)));
        }
    }
    let joined = patterns(options, true)?.join("|");
    let joined = match options.word && !options.line {
        true => format!(r"(?<!\w)(?:{joined})(?!\w)"),
        false => joined,
    };
    let flags = if options.ignore_case { "(?i)" } else { "" };
    let regex = fancy_regex::Regex::new(&format!("{flags}{joined}"));
    regex.map(|regex| Engine::Fancy(Box::new(regex))).map_err(|error| error.to_string())
}

/// The patterns in the syntax of the engine, each to be matched by itself.
fn patterns(options: &Options, references: bool) -> Result<Vec<String>, String> {
    let translated = |pattern: &String| {
        let translated = match options.syntax {
            Syntax::Fixed => regex::escape(pattern),
            Syntax::Perl => pattern.clone(),
            Syntax::Basic => translate(pattern, Posix::Basic, references)?,
            Syntax::Extended => translate(pattern, Posix::Extended, references)?,
        };
        let translated = with_bytes(&translated, options.of_bytes);
        Ok(match options.line {
            true => format!("^(?:{translated})$"),
            false => format!("(?:{translated})"),
        })
    };
    options.patterns.iter().map(translated).collect()
}

fn matcher(options: &Options) -> Result<Prefiltered, String> {
    let patterns = patterns(options, false)?;
    // Without patterns nothing matches.
    let joined = if patterns.is_empty() { "[^\\s\\S]".to_owned() } else { patterns.join("|") };
    let mut builder = RegexMatcherBuilder::new();
    builder.case_insensitive(options.ignore_case).unicode(!options.of_bytes);
    // With -z a newline is a character like any other.
    builder.multi_line(!options.null_data).dot_matches_new_line(options.null_data);
    builder.size_limit(MAX_REGEX);
    builder.line_terminator(Some(if options.null_data { 0 } else { b'\n' }));
    if options.word && !options.line {
        builder.word(true);
    }
    // A class of characters by their kind has no meaning among bytes.
    let matcher = builder.build(&joined).or_else(|_| builder.unicode(true).build(&joined));
    let matcher = matcher.map_err(|error| {
        let text = error.to_string();
        text.lines().last().unwrap_or("invalid pattern").trim().to_owned()
    })?;
    Ok(Prefiltered::lines(matcher, &patterns, options.ignore_case))
}

struct Search {
    options: Options,
    engine: Engine,
    failed: bool,
    found: bool,
    /// Whether lines have been printed, so that a group is separated from the one before it.
    shown: bool,
}

impl Search {
    /// Searches what the command line names; nothing stands for the working directory, whose name
    /// is not shown then.
    fn paths(&mut self, paths: &[String], out: &mut impl Write) {
        if paths.is_empty() {
            return self.directory("", out, 0);
        }
        let directory = |path: &String| path != "-" && Path::new(path).is_dir();
        let several = paths.len() > 1 || self.options.recursive && paths.iter().any(directory);
        for path in paths {
            if self.found && self.options.quiet {
                return;
            }
            if path != "-" && Path::new(path).is_dir() {
                if self.options.recursive {
                    self.directory(path, out, 0);
                } else if !self.options.skip_directories {
                    self.failed = true;
                    if !self.options.silent {
                        let _ = out.flush();
                        eprintln!("grep: {path}: Is a directory");
                    }
                    if self.options.count {
                        let _ =
                            self.summary(path, self.options.filename.unwrap_or(several), 0, out);
                    }
                }
                continue;
            }
            let several =
                self.options.filename.unwrap_or(several && (path != "-" || paths.len() > 1));
            self.file(path, several, out);
        }
    }

    fn complain(&mut self, path: &str, error: &io::Error) {
        self.failed = true;
        if !self.options.silent {
            eprintln!("grep: {path}: {}", message(error));
        }
    }

    fn directory(&mut self, path: &str, out: &mut impl Write, depth: u32) {
        let mut names = match toolcell_direct::list(if path.is_empty() { "." } else { path }) {
            Ok(names) => names,
            Err(error) => return self.complain(path, &error),
        };
        if depth > 1_000 {
            return;
        }
        // The order of the directory is the machine's; by name it is the same everywhere.
        names.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, kind) in names {
            if self.found && self.options.quiet {
                return;
            }
            let full = match path {
                path if path.is_empty() || path.ends_with('/') => format!("{path}{name}"),
                path => format!("{path}/{name}"),
            };
            let (is_dir, is_link) = (kind == Kind::Directory, kind == Kind::Link);
            if is_link && !self.options.follow {
                continue;
            }
            let is_dir = is_dir || is_link && Path::new(&full).is_dir();
            if is_dir {
                if !self.options.exclude_dir.iter().any(|glob| wild(glob, &name)) {
                    self.directory(&full, out, depth + 1);
                }
                continue;
            }
            let included = self.options.include.is_empty()
                || self.options.include.iter().any(|glob| wild(glob, &name));
            if included && !self.options.exclude.iter().any(|glob| wild(glob, &name)) {
                let filename = self.options.filename.unwrap_or(true);
                self.found_file(&full, kind == Kind::File, filename, out);
            }
        }
    }

    /// Searches what a directory lists. A regular file that is not long is read by one call.
    fn found_file(&mut self, path: &str, regular: bool, filename: bool, out: &mut impl Write) {
        if regular && let Ok(Some(content)) = toolcell_direct::read(path, MAX_WHOLE) {
            let lines = Lines::of(content);
            return self.search(lines, path, filename, out);
        }
        self.file(path, filename, out);
    }

    fn file(&mut self, path: &str, filename: bool, out: &mut impl Write) {
        let input = match open(path) {
            Ok(input) => input,
            Err(error) => return self.complain(path, &error),
        };
        let name = match path {
            "-" => self.options.label.clone(),
            path => path.to_owned(),
        };
        self.search(Lines::reading(input, path == "-"), &name, filename, out);
    }

    fn search(&mut self, lines: Lines, name: &str, filename: bool, out: &mut impl Write) {
        if let Err(error) = self.lines(lines, name, filename, out) {
            self.complain(name, &error);
        }
    }

    /// Searches one input line by line.
    fn lines(
        &mut self,
        mut reader: Lines,
        name: &str,
        filename: bool,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let end = if self.options.null_data { 0 } else { b'\n' };
        let lists = self.options.count || self.options.files.is_some() || self.options.quiet;
        // Lines that are not shown need not be looked at one by one.
        let skips = !self.options.invert
            && !self.options.null_data
            && (lists || self.options.before == 0 && self.options.after == 0);
        let (mut number, mut selected) = (0u64, 0u64);
        let mut before = VecDeque::new();
        let (mut after, mut last_shown, mut binary) = (0usize, 0u64, None);
        let mut left_out = false;
        loop {
            if skips && binary.is_some() {
                let skipped = reader.skip(|lines| self.engine.candidate(lines));
                if self.options.number || self.options.context {
                    number += memchr::memchr_iter(end, &reader.buffer[skipped]).count() as u64;
                }
            }
            let Some((offset, range)) = reader.next(end)? else { break };
            number += 1;
            let line = &reader.buffer[range];
            if binary.is_none() {
                binary = Some(
                    !self.options.binary_as_text
                        && !self.options.null_data
                        && memchr::memchr(0, &reader.buffer[..reader.buffer.len().min(32 << 10)])
                            .is_some(),
                );
                if binary == Some(true) && self.options.binary_without_match {
                    break;
                }
            }
            let matched = self.engine.is_match(line);
            if matched == self.options.invert {
                if lists || after == 0 && self.options.before == 0 {
                    continue;
                }
                let line = line.to_vec();
                if after > 0 {
                    if self.show(name, filename, '-', number, offset, &line, end, out)? {
                        (after, last_shown) = (after - 1, number);
                        continue;
                    }
                    (after, left_out) = (0, true);
                }
                self.keep(&mut before, (number, offset, line));
                continue;
            }
            selected += 1;
            self.found = true;
            if self.options.quiet {
                return Ok(());
            }
            if self.options.files.is_some() {
                break;
            }
            if !lists {
                if binary == Some(true) {
                    return binary_matches(name, out);
                }
                let first = before.front().map_or(number, |(number, ..)| *number);
                // A group is apart from the one before it, and from another file's.
                let apart = first > last_shown + 1 || last_shown == 0;
                if self.options.context
                    && self.shown
                    && apart
                    && let Some(separator) = &self.options.separator
                {
                    writeln!(out, "{}", self.colored(SEPARATOR, separator))?;
                }
                let line = line.to_vec();
                for (number, offset, line) in std::mem::take(&mut before) {
                    if self.show(name, filename, '-', number, offset, &line, end, out)? {
                        last_shown = number;
                    } else {
                        left_out = true;
                    }
                }
                self.shown = true;
                let is_shown = match self.options.only {
                    true => self.show_matches(name, filename, number, offset, &line, end, out)?,
                    false => self.show(name, filename, ':', number, offset, &line, end, out)?,
                };
                if is_shown {
                    last_shown = number;
                } else {
                    left_out = true;
                    self.keep(&mut before, (number, offset, line));
                }
                after = self.options.after;
            }
            if self.options.most.is_some_and(|most| selected >= most) {
                while after > 0
                    && !lists
                    && let Some((offset, range)) = reader.next(end)?
                {
                    number += 1;
                    let line = reader.buffer[range].to_vec();
                    let is_shown =
                        self.show(name, filename, '-', number, offset, &line, end, out)?;
                    after = if is_shown { after - 1 } else { 0 };
                    left_out |= !is_shown;
                }
                reader.give_back();
                break;
            }
        }
        if left_out && !self.options.binary_without_match {
            binary_matches(name, out)?;
        }
        self.summary(name, filename, selected, out)
    }

    /// Keeps a line that may be shown before the next match.
    fn keep(&self, before: &mut VecDeque<Kept>, line: Kept) {
        if self.options.before > 0 {
            before.push_back(line);
            if before.len() > self.options.before {
                before.pop_front();
            }
        }
    }

    fn summary(
        &mut self,
        name: &str,
        filename: bool,
        selected: u64,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let stop = if self.options.null_names { "\0" } else { "\n" };
        if self.options.quiet {
            return Ok(());
        }
        match self.options.files {
            Some(true) if selected > 0 => return write!(out, "{name}{stop}"),
            Some(false) if selected == 0 => return write!(out, "{name}{stop}"),
            Some(_) => return Ok(()),
            None => {}
        }
        if self.options.count {
            if filename {
                let separator = if self.options.null_names { "\0" } else { ":" };
                write!(out, "{name}{separator}")?;
            }
            writeln!(out, "{selected}")?;
        }
        Ok(())
    }

    fn prefix(
        &self,
        name: &str,
        filename: bool,
        separator: char,
        number: u64,
        offset: u64,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let separator = separator.to_string();
        let separator = self.colored(SEPARATOR, &separator);
        if filename {
            let name = self.colored(NAME, name);
            match self.options.null_names {
                true => write!(out, "{name}\0")?,
                false => write!(out, "{name}{separator}")?,
            }
        }
        if self.options.number {
            write!(out, "{}{separator}", self.colored(NUMBER, &number.to_string()))?;
        }
        if self.options.offset {
            write!(out, "{}{separator}", self.colored(NUMBER, &offset.to_string()))?;
        }
        if self.options.tab && (filename || self.options.number || self.options.offset) {
            out.write_all(b"\t")?;
        }
        Ok(())
    }

    /// A text as a terminal shows it in a colour, if colours are wanted.
    fn colored<'t>(&self, color: &str, text: &'t str) -> Cow<'t, str> {
        match self.options.color {
            true => Cow::Owned(format!("\x1b[{color}m\x1b[K{text}\x1b[m\x1b[K")),
            false => Cow::Borrowed(text),
        }
    }

    /// A line with what matches in it in a colour.
    fn show_colored(&self, line: &[u8], out: &mut impl Write) -> io::Result<()> {
        let mut shown = 0;
        for (from, to) in self.engine.spans(line) {
            out.write_all(&line[shown..from])?;
            write!(out, "\x1b[{MATCH}m\x1b[K")?;
            out.write_all(&line[from..to])?;
            out.write_all(b"\x1b[m\x1b[K")?;
            shown = to;
        }
        out.write_all(&line[shown..])
    }

    /// Writes a line; false if it is no text, and left out.
    #[allow(clippy::too_many_arguments, reason = "they are what a line of output is made of")]
    fn show(
        &self,
        name: &str,
        filename: bool,
        separator: char,
        number: u64,
        offset: u64,
        line: &[u8],
        end: u8,
        out: &mut impl Write,
    ) -> io::Result<bool> {
        if separator == '-' && self.options.only {
            return Ok(true);
        }
        if !self.options.is_text(line) {
            return Ok(false);
        }
        self.prefix(name, filename, separator, number, offset, out)?;
        match self.options.color && (separator == ':') != self.options.invert {
            true => self.show_colored(line, out)?,
            false => out.write_all(line)?,
        }
        self.end_line(end, out)?;
        Ok(true)
    }

    /// Writes what matches in a line; false if some of it is no text, and left out.
    #[allow(clippy::too_many_arguments, reason = "they are what a line of output is made of")]
    fn show_matches(
        &self,
        name: &str,
        filename: bool,
        number: u64,
        offset: u64,
        line: &[u8],
        end: u8,
        out: &mut impl Write,
    ) -> io::Result<bool> {
        if self.options.invert {
            return Ok(true);
        }
        let mut is_text = true;
        for (from, to) in self.engine.spans(line) {
            if !self.options.is_text(&line[from..to]) {
                is_text = false;
                continue;
            }
            self.prefix(name, filename, ':', number, offset + from as u64, out)?;
            match self.options.color {
                true => self.show_colored(&line[from..to], out)?,
                false => out.write_all(&line[from..to])?,
            }
            self.end_line(end, out)?;
        }
        Ok(is_text)
    }

    fn end_line(&self, end: u8, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&[end])?;
        match self.options.line_buffered {
            true => out.flush(),
            false => Ok(()),
        }
    }
}

impl Options {
    /// Whether a part of a file can be shown.
    fn is_text(&self, part: &[u8]) -> bool {
        self.binary_as_text
            || (self.null_data || memchr::memchr(0, part).is_none())
                && (self.of_bytes || std::str::from_utf8(part).is_ok())
    }
}

/// A line by its number, where it begins and what it holds.
type Kept = (u64, u64, Vec<u8>);

/// Says that a file has a match in what cannot be shown.
fn binary_matches(name: &str, out: &mut impl Write) -> io::Result<()> {
    out.flush()?;
    eprintln!("grep: {name}: binary file matches");
    Ok(())
}

/// Lines of an input, in one buffer that is moved and filled.
struct Lines {
    input: Option<Box<dyn Read>>,
    is_stdin: bool,
    buffer: Vec<u8>,
    start: usize,
    offset: u64,
}

impl Lines {
    fn reading(input: Box<dyn Read>, is_stdin: bool) -> Lines {
        Lines { input: Some(input), is_stdin, buffer: Vec::new(), start: 0, offset: 0 }
    }

    fn of(content: Vec<u8>) -> Lines {
        Lines { input: None, is_stdin: false, buffer: content, start: 0, offset: 0 }
    }

    /// Leaves what follows to whoever reads standard input next.
    fn give_back(&self) {
        if self.is_stdin {
            toolcell_program::files::give_back(self.buffer.len().saturating_sub(self.start));
        }
    }

    /// Goes by the lines that are here whole, up to the one that `candidate` finds among them. What
    /// it has gone by comes back.
    fn skip(&mut self, candidate: impl FnOnce(&[u8]) -> Option<usize>) -> Range<usize> {
        let rest = &self.buffer[self.start..];
        let whole = match self.input {
            Some(_) => memchr::memrchr(b'\n', rest).map_or(0, |last| last + 1),
            None => rest.len(),
        };
        let skipped = match whole {
            0 => 0,
            whole => candidate(&rest[..whole]).unwrap_or(whole),
        };
        let range = self.start..self.start + skipped;
        self.start = range.end;
        self.offset += skipped as u64;
        range
    }

    fn next(&mut self, end: u8) -> io::Result<Option<(u64, Range<usize>)>> {
        let mut searched = self.start;
        loop {
            if let Some(length) = memchr::memchr(end, &self.buffer[searched..]) {
                let range = self.start..searched + length;
                let offset = self.offset;
                self.offset += range.len() as u64 + 1;
                self.start = range.end + 1;
                return Ok(Some((offset, range)));
            }
            let Some(input) = &mut self.input else {
                let range = self.start..self.buffer.len();
                let offset = self.offset;
                self.start = self.buffer.len();
                self.offset += range.len() as u64;
                return Ok((!range.is_empty()).then_some((offset, range)));
            };
            if self.buffer.len() - self.start > MAX_LINE {
                return Err(io::Error::other("line too long"));
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            searched = self.buffer.len();
            self.buffer.resize(searched + CHUNK, 0);
            let count = input.read(&mut self.buffer[searched..])?;
            self.buffer.truncate(searched + count);
            if count == 0 {
                self.input = None;
            }
        }
    }
}
