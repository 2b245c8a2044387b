//! Searching one file.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

use grep_matcher::Matcher as _;
use grep_regex::RegexMatcherBuilder;
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkFinish, SinkMatch,
};
use serde::{Deserialize, Serialize};
use toolcell_prefilter::{Likely, MAX_REGEX, Prefiltered};
use toolcell_sdk::Failure;
use toolcell_sdk::walk::Deadline;

use crate::{Input, Mode};

/// Memory for one file: the longest line, or with `multiline` the longest file, that is searched.
const MAX_HEAP: usize = 64 << 20;

/// Files up to this size are searched in one piece; longer ones as they are read.
const MAX_WHOLE: usize = 4 << 20;

/// Characters of a line that are shown whole (GREP-R16).
const MAX_COLUMNS: usize = 500;

/// Characters shown on each side of a match on a longer line.
const WINDOW: usize = 200;

/// Between groups of lines that do not follow each other.
pub(crate) const SEPARATOR: &str = "--";

/// A compiled search.
#[derive(Debug)]
pub(crate) struct FileSearch {
    matcher: Prefiltered,
    searcher: Searcher,
    /// Whether the file was named by the call; else it was found in a directory.
    named: bool,
    only_matching: bool,
}

impl FileSearch {
    pub(crate) fn new(input: &Input, named: bool) -> Result<FileSearch, Failure> {
        let matcher = matcher(input)?;
        let content = input.mode() == Mode::Content;
        let context = input.context.unwrap_or(0);
        let around = |own: Option<usize>| match content && !input.only_matching {
            true => own.unwrap_or(context),
            false => 0,
        };
        let mut builder = SearcherBuilder::new();
        builder
            .line_number(content)
            .multi_line(input.multiline)
            .before_context(around(input.before))
            .after_context(around(input.after))
            .heap_limit(Some(MAX_HEAP));
        builder.binary_detection(match named {
            true => BinaryDetection::convert(0),
            false => BinaryDetection::quit(0),
        });
        let only_matching = input.only_matching;
        Ok(FileSearch { matcher, searcher: builder.build(), named, only_matching })
    }

    /// Whether a file has a match at all.
    pub(crate) fn matches(&mut self, path: &str, deadline: &Deadline) -> io::Result<bool> {
        let found = self.look(path)?;
        if let Look::Matches(_) = found {
            return Ok(true);
        }
        let mut sink = First { found: false };
        self.search(path, found, deadline, &mut sink)?;
        Ok(sink.found)
    }

    /// How many lines of a file match; with `multiline`, how many matches there are.
    pub(crate) fn count(&mut self, path: &str, deadline: &Deadline) -> io::Result<u64> {
        let matcher = self.matcher.clone();
        let mut sink = Count { matcher, count: 0, binary: false };
        self.run(path, deadline, &mut sink)?;
        Ok(if sink.binary && !self.named { 0 } else { sink.count })
    }

    /// A file's lines, each with `prefix` before it.
    pub(crate) fn lines(
        &mut self,
        path: &str,
        prefix: Option<String>,
        deadline: &Deadline,
        lines: &mut Lines,
    ) -> io::Result<FileLines> {
        lines.start_file(prefix);
        let matcher = self.matcher.clone();
        let only_matching = self.only_matching;
        let mut sink = Content { matcher, lines, only_matching, matched: 0, binary: None };
        let result = self.run(path, deadline, &mut sink);
        if let Some(offset) = sink.binary {
            if self.named && sink.matched > 0 {
                let text =
                    format!("binary file matches (found \"\\0\" byte around offset {offset})");
                sink.lines.rewind();
                sink.lines.push(text);
            } else if !self.named {
                // The NUL came after lines that looked like text.
                sink.lines.rewind();
            }
        }
        result.map(|()| std::mem::take(&mut lines.file))
    }

    fn run(
        &mut self,
        path: &str,
        deadline: &Deadline,
        sink: &mut impl Sink<Error = io::Error>,
    ) -> io::Result<()> {
        let found = self.look(path)?;
        self.search(path, found, deadline, sink)
    }

    /// Reads a file that is not too long, and says what is clear without searching its lines.
    fn look(&self, path: &str) -> io::Result<Look> {
        let Some(bytes) = toolcell_direct::read(path, MAX_WHOLE)? else { return Ok(Look::Long) };
        let likely = self.matcher.first_look(&bytes);
        if likely == Likely::No {
            return Ok(Look::Nothing);
        }
        let wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        // Of a file that is whole in memory the engine looks for NUL in its first part only.
        if !self.named && !wide && memchr::memchr(0, &bytes).is_some() {
            return Ok(Look::Nothing);
        }
        Ok(match likely {
            Likely::Yes => Look::Matches(bytes),
            _ => Look::Unclear(bytes),
        })
    }

    fn search(
        &mut self,
        path: &str,
        found: Look,
        deadline: &Deadline,
        sink: &mut impl Sink<Error = io::Error>,
    ) -> io::Result<()> {
        match found {
            Look::Nothing => return Ok(()),
            Look::Matches(bytes) | Look::Unclear(bytes) => {
                return self.searcher.search_slice(&self.matcher, &bytes, sink);
            }
            Look::Long => {}
        }
        let reader = Timed { file: File::open(path)?, deadline };
        match self.searcher.search_reader(&self.matcher, reader, sink) {
            // What was found so far counts; the deadline says the rest.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(()),
            result => result,
        }
    }
}

/// What a first look at a file says, with its content if it has to be searched.
enum Look {
    Nothing,
    Matches(Vec<u8>),
    Unclear(Vec<u8>),
    /// Too long to be read whole.
    Long,
}

fn matcher(input: &Input) -> Result<Prefiltered, Failure> {
    if input.pattern.contains('\0') {
        let message = "The pattern contains a NUL byte; remove it.";
        return Err(Failure::new("invalid_params", message));
    }
    let mut builder = RegexMatcherBuilder::new();
    builder
        .case_insensitive(input.ignore_case)
        .multi_line(true)
        .size_limit(MAX_REGEX)
        .dot_matches_new_line(input.multiline);
    if !input.multiline {
        builder.crlf(true).line_terminator(Some(b'\n'));
    }
    let matcher = builder.build(&input.pattern).map_err(|error| {
        let failure = Failure::new("bad_pattern", error.to_string());
        match error.to_string().contains("\\n") && !input.multiline {
            true => failure.hint("Set multiline: true to let the pattern match line ends."),
            false => failure,
        }
    })?;
    // Set on the builder, `crlf` would promise that no match spans lines.
    let crlf = format!("(?R:{})", input.pattern);
    Ok(match input.multiline {
        true => Prefiltered::none(builder.build(&crlf).unwrap_or(matcher)),
        false => {
            Prefiltered::lines(matcher, std::slice::from_ref(&input.pattern), input.ignore_case)
        }
    })
}

/// A file that stops being read when time is up.
struct Timed<'a> {
    file: File,
    deadline: &'a Deadline,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.deadline.passed() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.file.read(buffer)
    }
}

struct First {
    found: bool,
}

impl Sink for First {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, _: &SinkMatch<'_>) -> io::Result<bool> {
        self.found = true;
        Ok(false)
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> io::Result<bool> {
        Ok(true)
    }
}

struct Count {
    matcher: Prefiltered,
    count: u64,
    binary: bool,
}

impl Sink for Count {
    type Error = io::Error;

    fn matched(&mut self, searcher: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        if searcher.multi_line_with_matcher(&self.matcher) {
            let count = &mut self.count;
            self.matcher
                .find_iter(found.bytes(), |_| {
                    *count += 1;
                    true
                })
                .map_err(io::Error::other)?;
        } else {
            self.count += 1;
        }
        Ok(true)
    }

    fn finish(&mut self, _: &Searcher, finish: &SinkFinish) -> io::Result<()> {
        self.binary = finish.binary_byte_offset().is_some();
        Ok(())
    }
}

/// Output lines: counted all, held only where the page may be.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Of all lines that come by here, those that are held.
    held: Range<usize>,
    bytes_left: usize,
    numbers: bool,
    separators: bool,
    prefix: Option<String>,
    /// Lines so far, and separators between files.
    position: usize,
    file: FileLines,
}

/// The lines of one file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct FileLines {
    /// How many there are.
    pub(crate) total: usize,
    /// Those before the ones that are held.
    pub(crate) before: usize,
    pub(crate) held: Vec<String>,
}

impl FileLines {
    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl Lines {
    pub(crate) fn new(
        held: Range<usize>,
        max_bytes: usize,
        numbers: bool,
        separators: bool,
    ) -> Lines {
        Lines {
            held,
            bytes_left: max_bytes,
            numbers,
            separators,
            prefix: None,
            position: 0,
            file: FileLines::default(),
        }
    }

    /// What follows is of this file; its path is shown if there is more than one.
    fn start_file(&mut self, prefix: Option<String>) {
        self.prefix = prefix;
        self.file = FileLines::default();
    }

    fn push(&mut self, line: String) {
        let at = self.position;
        self.position += 1;
        self.file.total += 1;
        if at < self.held.start {
            self.file.before += 1;
        } else if at < self.held.end {
            match self.bytes_left.checked_sub(line.len() + 1) {
                Some(left) => {
                    self.bytes_left = left;
                    self.file.held.push(line);
                }
                // What follows would be shown with a hole before it.
                None => self.held.end = at,
            }
        }
    }

    /// Takes back the lines of this file.
    fn rewind(&mut self) {
        let file = std::mem::take(&mut self.file);
        self.position -= file.total;
        self.bytes_left += file.held.iter().map(|line| line.len() + 1).sum::<usize>();
    }

    fn separator(&mut self) {
        if self.separators {
            self.push(SEPARATOR.to_owned());
        }
    }

    fn line(&mut self, number: Option<u64>, sign: char, text: &str) {
        if self.separators && self.file.total == 0 && self.position > 0 {
            // The one between two files is nobody's; it is put there with the page.
            self.position += 1;
        }
        let mut line = String::new();
        if let Some(prefix) = &self.prefix {
            line.push_str(prefix);
            line.push(sign);
        }
        if let Some(number) = number.filter(|_| self.numbers) {
            line.push_str(&number.to_string());
            line.push(sign);
        }
        line.push_str(text);
        self.push(line);
    }
}

struct Content<'a> {
    matcher: Prefiltered,
    lines: &'a mut Lines,
    only_matching: bool,
    matched: u64,
    binary: Option<u64>,
}

impl Sink for Content<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        self.matched += 1;
        let mut spans = Vec::new();
        let bytes = found.bytes();
        self.matcher
            .find_iter(bytes, |span| {
                spans.push((span.start(), span.end()));
                true
            })
            .map_err(io::Error::other)?;
        let mut start = 0;
        for (offset, line) in found.lines().enumerate() {
            let number = found.line_number().map(|first| first + offset as u64);
            let end = start + line.len();
            let inside = |span: &&(usize, usize)| span.0 < end && span.1 > start || span.0 == start;
            if self.only_matching {
                for (from, to) in spans.iter().filter(inside) {
                    let part = trim_eol(&bytes[(*from).max(start)..(*to).min(end)]);
                    if !part.is_empty() {
                        self.lines.line(number, ':', &String::from_utf8_lossy(part));
                    }
                }
            } else {
                let first = spans.iter().find(inside).map_or(0, |span| span.0.max(start) - start);
                self.lines.line(number, ':', &shorten(trim_eol(line), first));
            }
            start = end;
        }
        Ok(true)
    }

    fn context(&mut self, _: &Searcher, context: &SinkContext<'_>) -> io::Result<bool> {
        let text = shorten(trim_eol(context.bytes()), 0);
        self.lines.line(context.line_number(), '-', &text);
        Ok(true)
    }

    fn context_break(&mut self, _: &Searcher) -> io::Result<bool> {
        if self.lines.file.total > 0 {
            self.lines.separator();
        }
        Ok(true)
    }

    fn finish(&mut self, _: &Searcher, finish: &SinkFinish) -> io::Result<()> {
        self.binary = finish.binary_byte_offset();
        Ok(())
    }
}

fn trim_eol(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// GREP-R16: of a long line, the part around its first match, marked as cut.
fn shorten(line: &[u8], first_match: usize) -> String {
    let text = String::from_utf8_lossy(line);
    let length = text.chars().count();
    if length <= MAX_COLUMNS {
        return text.into_owned();
    }
    let at = String::from_utf8_lossy(&line[..first_match.min(line.len())]).chars().count();
    let from = at.saturating_sub(WINDOW);
    let shown: String = text.chars().skip(from).take(2 * WINDOW).collect();
    let count = shown.chars().count();
    let before = if from > 0 { "…" } else { "" };
    let after = if from + count < length { "…" } else { "" };
    format!("{before}{shown}{after} [line cut: {count} of {length} characters shown]")
}
