//! The longest of the matches that begin at a place, as POSIX wants it of regular expressions.
//!
//! The `regex` crate takes the first alternative that matches, as Perl does. Where a match begins
//! is the same for both; where it ends is found here.

use std::cell::RefCell;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, nfa};

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
}

/// A regular expression, for the ends of its matches.
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
            .multi_line(meaning.by_lines);
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
}
