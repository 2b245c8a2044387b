//! What patterns become: ripgrep's engine, or one with look-around and back-references.

use std::fmt::Display;

use fancy_regex::{BytesMode, Regex, RegexBuilder};
use grep_matcher::{Captures, Match, Matcher};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use toolcell_prefilter::{MAX_REGEX, Prefiltered, escape};

use crate::options::{Case, Engine, Options};

/// A matcher that may say at once that nothing in a file matches.
pub(crate) trait Search: Matcher<Error: Display> {
    fn may_match(&self, content: &[u8]) -> bool;
}

impl Search for Prefiltered {
    fn may_match(&self, content: &[u8]) -> bool {
        self.may_match(content)
    }
}

impl Search for Perl {
    fn may_match(&self, _content: &[u8]) -> bool {
        true
    }
}

/// What the options ask for.
pub(crate) enum Built {
    Usual(Prefiltered),
    Perl(Perl),
}

/// # Errors
/// What is wrong with a pattern.
pub(crate) fn build(o: &Options) -> Result<Built, String> {
    match o.engine {
        Engine::Usual => usual(o).map(Built::Usual),
        Engine::Perl => Perl::new(o).map(Built::Perl),
        Engine::Either => usual(o).map(Built::Usual).or_else(|error| match is_for_perl(&error) {
            true => Perl::new(o).map(Built::Perl),
            false => Err(error),
        }),
    }
}

fn is_for_perl(error: &str) -> bool {
    error.contains("look-around") || error.contains("backreference")
}

fn usual(o: &Options) -> Result<Prefiltered, String> {
    let matcher = regex(o).map_err(|error| {
        let text = error.to_string();
        match o.engine == Engine::Usual && is_for_perl(&text) {
            true => format!(
                "{text}\n\nConsider enabling PCRE2 with the --pcre2 flag, which can handle \
                 backreferences\nand look-around."
            ),
            false => text,
        }
    })?;
    if o.multiline || o.null_data || o.crlf {
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

fn regex(o: &Options) -> Result<RegexMatcher, grep_regex::Error> {
    let mut builder = RegexMatcherBuilder::new();
    builder
        .case_insensitive(o.case == Case::Insensitive)
        .case_smart(o.case == Case::Smart)
        .fixed_strings(o.fixed)
        .word(o.word)
        .whole_line(o.whole_line)
        .multi_line(true)
        .size_limit(MAX_REGEX)
        .unicode(o.unicode);
    match (o.multiline, o.null_data, o.crlf) {
        (true, ..) => builder.dot_matches_new_line(o.dot_all),
        (false, true, _) => builder.line_terminator(Some(0)),
        (false, false, true) => builder.crlf(true),
        (false, false, false) => builder.line_terminator(Some(b'\n')),
    };
    builder.build_many(&o.patterns)
}

/// Look-around, back-references and the rest of Perl's, by trying one way after the other. It
/// looks at each line by itself.
#[derive(Debug)]
pub(crate) struct Perl {
    regex: Regex,
}

impl Perl {
    fn new(o: &Options) -> Result<Perl, String> {
        let patterns: Vec<String> = match o.fixed {
            true => o.patterns.iter().map(|text| escape(text)).collect(),
            false => o.patterns.iter().map(|pattern| format!("(?:{pattern})")).collect(),
        };
        let mut pattern = patterns.join("|");
        if o.whole_line {
            pattern = format!("^(?:{pattern})$");
        } else if o.word {
            pattern = format!(r"(?<!\w)(?:{pattern})(?!\w)");
        }
        let any_case = match o.case {
            Case::Sensitive => false,
            Case::Insensitive => true,
            Case::Smart => !o.patterns.iter().any(|pattern| has_capital(pattern)),
        };
        let regex = RegexBuilder::new(&pattern)
            .case_insensitive(any_case)
            .multi_line(true)
            .dot_matches_new_line(o.dot_all)
            .bytes_mode(if o.unicode { BytesMode::UnicodeBytes } else { BytesMode::Ascii })
            .delegate_size_limit(MAX_REGEX)
            .build();
        regex.map(|regex| Perl { regex }).map_err(|error| format!("PCRE2: {error}"))
    }
}

/// Whether a pattern has a capital that is no part of an escape, as `\S` is one.
fn has_capital(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            c if c.is_uppercase() => return true,
            _ => {}
        }
    }
    false
}

/// Where the groups of a match lie.
#[derive(Debug, Clone)]
pub(crate) struct Groups(Vec<Option<Match>>);

impl Captures for Groups {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> Option<Match> {
        self.0.get(index).copied().flatten()
    }
}

impl Matcher for Perl {
    type Captures = Groups;
    type Error = fancy_regex::Error;

    fn find_at(&self, haystack: &[u8], at: usize) -> Result<Option<Match>, Self::Error> {
        let found = self.regex.find_from_pos(haystack, at)?;
        Ok(found.map(|found| Match::new(found.start(), found.end())))
    }

    fn new_captures(&self) -> Result<Groups, Self::Error> {
        Ok(Groups(vec![None; self.regex.captures_len()]))
    }

    fn capture_count(&self) -> usize {
        self.regex.captures_len()
    }

    fn capture_index(&self, name: &str) -> Option<usize> {
        self.regex.capture_names().position(|group| group == Some(name))
    }

    fn captures_at(
        &self,
        haystack: &[u8],
        at: usize,
        groups: &mut Groups,
    ) -> Result<bool, Self::Error> {
        let found = self.regex.captures_from_pos(haystack, at)?;
        let Some(found) = found else { return Ok(false) };
        for (index, group) in groups.0.iter_mut().enumerate() {
            *group = found.get(index).map(|group| Match::new(group.start(), group.end()));
        }
        Ok(true)
    }
}
