//! The longest of the matches that begin at a place.
//!
//! The `regex` crate takes the first alternative that matches, as Perl does. Where a match begins
//! is the same for both; where it ends is found here.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::ops::Range;

use regex::bytes::RegexBuilder;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, nfa};
use toolcell_text::escape;

use crate::syntax::{Syntax, ascii_class, class, translate_with};

/// Bytes that the automaton of one expression may have.
const MAX_BYTES: usize = 4 << 20;

/// How an expression is meant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meaning {
    /// Capitals are small letters.
    pub any_case: bool,
    /// A dot is a newline, too.
    pub dot_is_newline: bool,
    /// `^` and `$` are at lines, and not at the ends of the text alone.
    pub by_lines: bool,
    /// What the expression is compared with.
    pub text: Text,
}

/// What a character of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Text {
    /// One of Unicode; of a byte that is none, a character is [made](toolcell_text::escape).
    #[default]
    Escaped,
    /// One of Unicode, among bytes that are none.
    Raw,
    /// A byte.
    Bytes,
}

/// A regular expression. Of the matches that begin first, the longest counts.
#[derive(Debug)]
pub struct Regex {
    first: regex::bytes::Regex,
    pattern: String,
    meaning: Meaning,
    /// For the ends of its matches, once one is asked for.
    longest: OnceCell<Option<Longest>>,
    /// The same for a text that is all of a match; nothing where it cannot be made.
    whole: OnceCell<Option<regex::bytes::Regex>>,
}

impl Regex {
    /// An expression in the syntax of the `regex` crate.
    ///
    /// # Errors
    /// That crate's.
    pub fn new(pattern: &str, meaning: Meaning) -> Result<Regex, regex::Error> {
        Ok(Regex {
            first: build(pattern, meaning)?,
            pattern: pattern.to_owned(),
            meaning,
            longest: OnceCell::new(),
            whole: OnceCell::new(),
        })
    }

    /// An expression of POSIX. One whose classes of characters are too large for it, repeated as
    /// often as it says, has those of ASCII.
    ///
    /// # Errors
    /// What the C library says of an expression that is not well formed.
    pub fn posix(source: &str, syntax: Syntax, meaning: Meaning) -> Result<Regex, String> {
        let too_big = |error: &regex::Error| matches!(error, regex::Error::CompiledTooBig(_));
        let of_bytes = meaning.text == Text::Bytes;
        let source = if of_bytes { escape::apart(source) } else { Cow::Borrowed(source) };
        let translated = |class: fn(&str) -> Option<&'static str>| {
            let translated = translate_with(class, &source, syntax, false)?;
            Ok::<_, String>(match meaning.text {
                Text::Escaped => translated,
                Text::Raw | Text::Bytes => with_bytes(&translated, of_bytes),
            })
        };
        let classes = if of_bytes { ascii_class } else { class };
        let built = match Regex::new(&translated(classes)?, meaning) {
            Err(error) if too_big(&error) => Regex::new(&translated(ascii_class)?, meaning),
            built => built,
        };
        built.map_err(|error| match too_big(&error) {
            true => "Regular expression too big".to_owned(),
            false => "Invalid preceding regular expression".to_owned(),
        })
    }

    /// How many groups it has, all of it not counted.
    pub fn groups(&self) -> usize {
        self.first.captures_len() - 1
    }

    /// Whether there is a match anywhere.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.first.is_match(text)
    }

    /// The first match that begins at `from` or later.
    pub fn find_at(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let found = self.first.find_at(text, from)?.range();
        Some(found.start..self.end(text, &found))
    }

    fn end(&self, text: &[u8], found: &Range<usize>) -> usize {
        let longest = self.longest.get_or_init(|| Longest::new(&self.pattern, self.meaning));
        let end = longest.as_ref().and_then(|longest| longest.end(text, found.start));
        end.map_or(found.end, |end| end.max(found.end))
    }

    /// The same with its groups: the first one is all of the match.
    pub fn captures_at(&self, text: &[u8], from: usize) -> Option<Vec<Option<Range<usize>>>> {
        if self.groups() == 0 {
            return Some(vec![Some(self.find_at(text, from)?)]);
        }
        let ranges = |locations: &regex::bytes::CaptureLocations, start: usize| {
            let range = |(from, to): (usize, usize)| start + from..start + to;
            (0..locations.len()).map(|at| locations.get(at).map(range)).collect::<Vec<_>>()
        };
        let mut locations = self.first.capture_locations();
        let found = self.first.captures_read_at(&mut locations, text, from)?.range();
        let end = self.end(text, &found);
        let mut groups = ranges(&locations, 0);
        if end > found.end {
            let all = found.start..end;
            let whole = self
                .whole
                .get_or_init(|| build(&format!(r"\A(?:{})\z", self.pattern), self.meaning).ok());
            if let Some(whole) = whole
                && whole.captures_read(&mut locations, &text[all.clone()]).is_some()
            {
                groups = ranges(&locations, all.start);
            }
            groups[0] = Some(all);
        }
        Some(groups)
    }
}

fn build(pattern: &str, meaning: Meaning) -> Result<regex::bytes::Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .case_insensitive(meaning.any_case)
        .dot_matches_new_line(meaning.dot_is_newline)
        .multi_line(meaning.by_lines)
        .unicode(meaning.text != Text::Bytes)
        .build()
}

/// An expression in which the characters that stand for bytes are those bytes. Among characters of
/// Unicode, a class cannot hold any.
pub fn with_bytes(pattern: &str, in_classes: bool) -> String {
    let mut result = String::with_capacity(pattern.len());
    let (mut depth, mut is_escaped) = (0_usize, false);
    for c in pattern.chars() {
        match escape::escaped(c) {
            Some(byte) if in_classes => result.push_str(&format!("\\x{byte:02X}")),
            Some(byte) if depth == 0 => result.push_str(&format!("(?-u:\\x{byte:02X})")),
            _ => result.push(c),
        }
        match c {
            '[' if !is_escaped => depth += 1,
            ']' if !is_escaped => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    result
}

/// An expression, for the ends of its matches.
#[derive(Debug)]
pub struct Longest {
    dfa: DFA,
    cache: RefCell<Cache>,
}

impl Longest {
    /// For an expression in the syntax of the `regex` crate. `None` where the first match is the
    /// longest anyway, as there are no alternatives, and where no automaton can be made.
    pub fn new(pattern: &str, meaning: Meaning) -> Option<Longest> {
        if !pattern.contains('|') {
            return None;
        }
        let syntax = syntax::Config::new()
            .utf8(false)
            .case_insensitive(meaning.any_case)
            .dot_matches_new_line(meaning.dot_is_newline)
            .multi_line(meaning.by_lines)
            .unicode(meaning.text != Text::Bytes);
        let dfa = DFA::builder()
            .configure(DFA::config().match_kind(MatchKind::All).cache_capacity(MAX_BYTES))
            .syntax(syntax)
            .thompson(nfa::thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_BYTES)))
            .build(pattern)
            .ok()?;
        let cache = RefCell::new(dfa.create_cache());
        Some(Longest { dfa, cache })
    }

    /// Where the longest match that begins at `start` ends. `None` where there is none, and where
    /// the automaton cannot tell: at Unicode's word boundaries beside what is not ASCII.
    pub fn end(&self, text: &[u8], start: usize) -> Option<usize> {
        let input = Input::new(text).anchored(Anchored::Yes).range(start..);
        let found = self.dfa.try_search_fwd(&mut self.cache.borrow_mut(), &input);
        found.ok().flatten().map(|half| half.offset())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_and_not_the_first() {
        for (pattern, text, start, end) in [
            ("a|ab", "xabc", 1, Some(3)),
            ("(a|ab)(c|bcd)", "abcd", 0, Some(4)),
            ("[^,]*|\"[^\"]+\"", "\"b,c\",d", 0, Some(5)),
            ("x|^ab", "ab", 0, Some(2)),
            ("x|^b", "ab", 1, None),
            ("é|éa", "éa", 0, Some(3)),
            ("a|b$", "b\nx", 0, None),
        ] {
            let longest = Longest::new(pattern, Meaning::default()).unwrap();
            assert_eq!(longest.end(text.as_bytes(), start), end, "{pattern} in {text}");
        }
        let lines = Meaning { by_lines: true, ..Meaning::default() };
        assert_eq!(Longest::new("a|b$", lines).unwrap().end(b"b\nx", 0), Some(1));
        assert!(Longest::new("ab*", Meaning::default()).is_none());
    }

    #[test]
    fn classes_that_are_too_large_are_those_of_ascii() {
        let repeated = |count: u32| {
            let source = format!("^[[:alpha:]]{{1,{count}}}$");
            Regex::posix(&source, Syntax::Strict, Meaning::default()).unwrap()
        };
        for (count, text, matches) in
            [(2, "aé", true), (2, "aéé", false), (4_000, "aa", true), (4_000, "aé", false)]
        {
            let regex = repeated(count);
            assert_eq!(regex.is_match(text.as_bytes()), matches, "{count}: {text}");
        }
        let nested = "((a{999}){999}){999}";
        let error = Regex::posix(nested, Syntax::Strict, Meaning::default()).unwrap_err();
        assert_eq!(error, "Regular expression too big");
    }

    #[test]
    fn groups_are_those_of_the_longest_match() {
        let regex = Regex::new("(a|ab)(c|bcd)?(x*)", Meaning::default()).unwrap();
        assert_eq!(regex.groups(), 3);
        for (text, groups) in [
            ("zabcdx", vec![Some(1..6), Some(1..2), Some(2..5), Some(5..6)]),
            ("ab", vec![Some(0..2), Some(0..2), None, Some(2..2)]),
            ("a", vec![Some(0..1), Some(0..1), None, Some(1..1)]),
        ] {
            assert_eq!(regex.captures_at(text.as_bytes(), 0), Some(groups), "{text}");
        }
        assert_eq!(regex.captures_at(b"ab", 1), None);
        assert_eq!(regex.find_at(b"xab", 0), Some(1..3));
    }
}
