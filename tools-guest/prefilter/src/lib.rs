//! Finds lines that may match a pattern, many bytes at a time.
//!
//! The regular expression engine looks for one literal by vectors everywhere, and for one of
//! several only on processors that it knows: in WebAssembly it goes through every byte then, three
//! times slower. That is most of what agents search for: anything that ignores case, and every
//! `error|warning`. Here the bytes at up to three places of the literals are compared instead.
//! The same finds the ends of lines that a pattern with a `$` is about.

mod ends;
mod scan;

use std::cell::Cell;

use grep_matcher::{ByteSet, LineMatchKind, LineTerminator, Match, Matcher, NoError};
use grep_regex::{RegexCaptures, RegexMatcher};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;
use regex_syntax::hir::literal::Extractor;

pub use regex_syntax::escape;
use scan::Scanner;

/// Bytes that a compiled pattern may take: ripgrep allows three times as much, which the memory of
/// a process of a cell has no room for.
pub const MAX_REGEX: usize = 32 << 20;

/// After this many lines it is clear whether looking at literals first is worth it.
const TRIED: u32 = 64;

/// Bytes that have to be passed by for each line that is looked at; below it, the engine alone is
/// quicker.
const WORTH: u64 = 128;

/// Those of UTF-8 and of UTF-16.
const BYTE_ORDER_MARKS: [&[u8]; 3] = [&[0xef, 0xbb, 0xbf], &[0xff, 0xfe], &[0xfe, 0xff]];

/// What a first look at a file says of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likely {
    /// None matches.
    No,
    /// One may match.
    Maybe,
    /// One matches.
    Yes,
}

/// A matcher of single lines that looks for literals first.
#[derive(Debug, Clone)]
pub struct Prefiltered {
    inner: RegexMatcher,
    /// The first one that is worth it is used.
    looks: Vec<Look>,
}

/// A way to find lines that may match.
#[derive(Debug, Clone)]
struct Look {
    scanner: Scanner,
    /// What a last line without an end may end with.
    endings: Vec<Vec<u8>>,
    /// Lines that were found.
    lines: Cell<u32>,
    /// Bytes that were passed by.
    passed: Cell<u64>,
}

impl Prefiltered {
    /// Puts a prefilter before a matcher, which must be of lines: no match contains a line's end.
    /// `patterns` is what the matcher is of, and it ignores case if `ignore_case`. A matcher that
    /// matches less, as only whole words, is fine.
    pub fn lines(inner: RegexMatcher, patterns: &[String], ignore_case: bool) -> Prefiltered {
        let parsed = parsed(patterns, ignore_case).unwrap_or_default();
        let beginning = literals(&parsed).and_then(|found| Look::for_any(&found));
        // A `$` is before a newline only where lines end with one.
        let by_newline = inner.line_terminator().is_some_and(|end| end.as_byte() == b'\n');
        let end = || ends::endings(&parsed).and_then(Look::for_ends);
        let end = by_newline.then(end).flatten();
        Prefiltered { inner, looks: beginning.into_iter().chain(end).collect() }
    }

    /// The matcher as it is.
    pub fn none(inner: RegexMatcher) -> Prefiltered {
        Prefiltered { inner, looks: Vec::new() }
    }

    /// Whether a line of a file matches, as far as that is known without looking at it as a line.
    /// What a byte order mark stands before is another text than these bytes, and may match.
    pub fn first_look(&self, content: &[u8]) -> Likely {
        if BYTE_ORDER_MARKS.iter().any(|mark| content.starts_with(mark)) {
            return Likely::Maybe;
        }
        match self.find_candidate_line(content) {
            Ok(None) | Err(_) => Likely::No,
            Ok(Some(LineMatchKind::Candidate(_))) => Likely::Maybe,
            // Behind the last line's end there is no line that could match, if only by being empty.
            Ok(Some(LineMatchKind::Confirmed(at)))
                if at == content.len() && content.last().is_none_or(|last| *last == b'\n') =>
            {
                Likely::Maybe
            }
            Ok(Some(LineMatchKind::Confirmed(_))) => Likely::Yes,
        }
    }

    /// Whether a line of a file may match.
    pub fn may_match(&self, content: &[u8]) -> bool {
        self.first_look(content) != Likely::No
    }
}

impl Look {
    fn for_any(literals: &[Vec<u8>]) -> Option<Look> {
        let scanner = Scanner::new(literals)?;
        Some(Look { scanner, endings: Vec::new(), lines: Cell::new(0), passed: Cell::new(0) })
    }

    /// For lines that end with one of these. What follows is a newline, with a carriage return
    /// before it where the matcher passes that over.
    fn for_ends(endings: Vec<Vec<u8>>) -> Option<Look> {
        let ended = |end: u8| endings.iter().map(move |ending| [&**ending, &[end]].concat());
        let look = Look::for_any(&ended(b'\n').chain(ended(b'\r')).collect::<Vec<_>>())?;
        Some(Look { endings, ..look })
    }

    fn find(&self, haystack: &[u8]) -> Option<usize> {
        let found = self.scanner.find(haystack).or_else(|| {
            let ends = self.endings.iter().any(|ending| haystack.ends_with(ending));
            ends.then(|| haystack.len() - 1)
        });
        self.lines.set(self.lines.get() + 1);
        let passed = found.unwrap_or(haystack.len()) as u64;
        self.passed.set(self.passed.get().saturating_add(passed));
        found
    }

    fn is_worth_it(&self) -> bool {
        let lines = self.lines.get();
        lines < TRIED || self.passed.get() / u64::from(lines) >= WORTH
    }
}

fn parsed(patterns: &[String], ignore_case: bool) -> Option<Vec<Hir>> {
    let mut parser = ParserBuilder::new();
    parser.utf8(false).multi_line(true).case_insensitive(ignore_case);
    patterns.iter().map(|pattern| parser.build().parse(pattern).ok()).collect()
}

/// What each match begins with, if that is one of a few.
fn literals(patterns: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut literals = Vec::new();
    for pattern in patterns {
        let found = Extractor::new().extract(pattern);
        literals.extend(found.literals()?.iter().map(|literal| literal.as_bytes().to_vec()));
    }
    Some(literals)
}

impl Matcher for Prefiltered {
    type Captures = RegexCaptures;
    type Error = NoError;

    fn find_at(&self, haystack: &[u8], at: usize) -> Result<Option<Match>, NoError> {
        self.inner.find_at(haystack, at)
    }

    fn new_captures(&self) -> Result<RegexCaptures, NoError> {
        self.inner.new_captures()
    }

    fn capture_count(&self) -> usize {
        self.inner.capture_count()
    }

    fn capture_index(&self, name: &str) -> Option<usize> {
        self.inner.capture_index(name)
    }

    fn try_find_iter<F, E>(&self, haystack: &[u8], matched: F) -> Result<Result<(), E>, NoError>
    where
        F: FnMut(Match) -> Result<bool, E>,
    {
        self.inner.try_find_iter(haystack, matched)
    }

    fn captures_at(
        &self,
        haystack: &[u8],
        at: usize,
        captures: &mut RegexCaptures,
    ) -> Result<bool, NoError> {
        self.inner.captures_at(haystack, at, captures)
    }

    fn shortest_match_at(&self, haystack: &[u8], at: usize) -> Result<Option<usize>, NoError> {
        self.inner.shortest_match_at(haystack, at)
    }

    fn non_matching_bytes(&self) -> Option<&ByteSet> {
        self.inner.non_matching_bytes()
    }

    fn line_terminator(&self) -> Option<LineTerminator> {
        self.inner.line_terminator()
    }

    fn find_candidate_line(&self, haystack: &[u8]) -> Result<Option<LineMatchKind>, NoError> {
        match self.looks.iter().find(|look| look.is_worth_it()) {
            Some(look) => Ok(look.find(haystack).map(LineMatchKind::Candidate)),
            None => self.inner.find_candidate_line(haystack),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grep_regex::RegexMatcherBuilder;

    /// The lines that match, found through candidates as a searcher finds them.
    fn matching(matcher: &Prefiltered, text: &str) -> Vec<usize> {
        let bytes = text.as_bytes();
        let (mut at, mut lines) = (0, Vec::new());
        while at < bytes.len()
            && let Some(found) = matcher.find_candidate_line(&bytes[at..]).unwrap()
        {
            let (LineMatchKind::Confirmed(offset) | LineMatchKind::Candidate(offset)) = found;
            let start = text[..at + offset].rfind('\n').map_or(0, |before| before + 1);
            let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
            if matcher.is_match(&bytes[start..end]).unwrap() {
                lines.push(text[..start].matches('\n').count());
            }
            at = (end + 1).min(text.len());
        }
        lines
    }

    #[track_caller]
    fn check(pattern: &str, ignore_case: bool, filtered: bool, text: &str) {
        let mut builder = RegexMatcherBuilder::new();
        builder.line_terminator(Some(b'\n')).multi_line(true).case_insensitive(ignore_case);
        let inner = builder.build(pattern).unwrap();
        let expected: Vec<usize> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| inner.is_match(line.as_bytes()).unwrap())
            .map(|(number, _)| number)
            .collect();

        let matcher = Prefiltered::lines(inner, &[pattern.to_owned()], ignore_case);

        assert_eq!(!matcher.looks.is_empty(), filtered, "{pattern}");
        assert_eq!(matching(&matcher, text), expected, "{pattern}");
    }

    const TEXT: &str = "Error: no such file\nall is well\nWARNING: low disk, errors follow\n\
        a straße in Köln\nw0042 w1 w0092 w1\nUSER and uſer and user\nKelvin \u{212a}ey\nerror";

    #[test]
    fn lines_are_those_that_the_engine_alone_finds() {
        for (pattern, ignore_case, filtered) in [
            ("error", false, false),
            ("error", true, true),
            ("warn|fail|error", false, true),
            ("w00[0-9]2 w1", false, true),
            ("user", true, true),
            ("key", true, true),
            ("köln", true, true),
            ("nothing|like|this", true, true),
            ("[a-z]+:", false, false),
            ("", false, false),
            (".*", true, false),
            ("^w0|^us", true, true),
            ("well$|disk", false, true),
            ("w[0-9]$", false, true),
            ("[a-z]+(file|well)$", false, true),
            ("[a-z]+R$", true, true),
            ("[a-z]+ (in|low) .*[a-z]$", false, false),
            ("[a-z]*$", false, false),
            ("^$", false, false),
        ] {
            check(pattern, ignore_case, filtered, TEXT);
        }
    }

    #[test]
    fn what_may_be_decoded_may_match() {
        for (pattern, content, expected) in [
            ("^a", &b"x\na"[..], Likely::Yes),
            ("^a", b"x\nb", Likely::No),
            ("^a", b"\xef\xbb\xbfa", Likely::Maybe),
            ("^a", b"\xff\xfea\0", Likely::Maybe),
            ("bc", b"x\nabcd", Likely::Yes),
            ("bc", b"x\nb\nc", Likely::No),
            ("^$", b"a\n", Likely::Maybe),
            ("^$", b"a\n\nb\n", Likely::Yes),
            ("", b"", Likely::Maybe),
            ("a?$", b"b", Likely::Yes),
            ("\\w+bcd$", b"x\nabcd\n", Likely::Maybe),
        ] {
            let mut builder = RegexMatcherBuilder::new();
            let inner =
                builder.multi_line(true).line_terminator(Some(b'\n')).build(pattern).unwrap();
            let matcher = Prefiltered::none(inner);
            assert_eq!(matcher.first_look(content), expected, "{pattern} {content:?}");
        }
    }

    #[test]
    fn one_that_finds_something_in_every_line_steps_aside() {
        let text = "needle NEEDLE\n".repeat(1_000);

        let inner = RegexMatcherBuilder::new()
            .line_terminator(Some(b'\n'))
            .case_insensitive(true)
            .build("needle x")
            .unwrap();
        let matcher = Prefiltered::lines(inner, &["needle".to_owned()], true);

        assert_eq!(matching(&matcher, &text), [0; 0]);
        assert_eq!(matcher.looks[0].lines.get(), TRIED);
    }
}
