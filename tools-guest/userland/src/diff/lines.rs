//! What differs between two files, by lines. The algorithm is the crate `imara-diff`'s, git's own
//! descendant of the one in GNU diff.

use std::borrow::Cow;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};
use regex::bytes::Regex;

/// Which white space counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Space {
    #[default]
    All,
    /// A tab is what it looks like.
    Expanded,
    /// All but at the end of a line.
    NotTrailing,
    /// That there is some, not how much.
    Amount,
    Nothing,
}

/// What of a line counts, and which changes do not.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) space: Space,
    pub(super) fold_case: bool,
    /// A change of blank lines alone does not count.
    pub(super) skip_blank: bool,
    /// Nor does one of lines alone of which each matches one of these.
    pub(super) skip: Vec<Regex>,
    pub(super) minimal: bool,
    /// How many of the lines that both files end with a change may be moved over, where it is the
    /// same change further down.
    pub(super) horizon: usize,
}

/// Lines of the one file that stand for lines of the other. Counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) old: Range<usize>,
    pub(super) new: Range<usize>,
    /// Whether it is one that does not count.
    pub(super) skipped: bool,
}

/// Two files' lines, each with its end, and how they differ.
#[derive(Debug)]
pub(super) struct Compared<'t> {
    pub(super) old: Vec<&'t [u8]>,
    pub(super) new: Vec<&'t [u8]>,
    pub(super) changes: Vec<Change>,
}

impl Rules {
    pub(super) fn compare<'t>(&self, old: &'t [u8], new: &'t [u8]) -> Compared<'t> {
        let lines = |text: &'t [u8]| text.split_inclusive(|byte| *byte == b'\n').collect();
        let (old, new): (Vec<&[u8]>, Vec<&[u8]>) = (lines(old), lines(new));
        // As in GNU diff, what both begin and end with is no part of the comparison.
        let pairs = old.iter().zip(&new);
        let begin = pairs.take_while(|(old, new)| old == new).count();
        let pairs = old[begin..].iter().rev().zip(new[begin..].iter().rev());
        let end = pairs.take_while(|(old, new)| old == new).count();
        let end = end.saturating_sub(self.horizon);
        let mut input = InternedInput::default();
        input.update_before(old[begin..old.len() - end].iter().map(|line| self.counts(line)));
        input.update_after(new[begin..new.len() - end].iter().map(|line| self.counts(line)));
        let algorithm = match self.minimal {
            true => Algorithm::MyersMinimal,
            false => Algorithm::Myers,
        };
        let mut diff = Diff::compute(algorithm, &input);
        diff.postprocess_no_heuristic(&input);
        let range = |range: Range<u32>| begin + range.start as usize..begin + range.end as usize;
        let changes = diff.hunks().map(|hunk| {
            let (from, to) = (range(hunk.before), range(hunk.after));
            let mut lines = old[from.clone()].iter().chain(&new[to.clone()]);
            let skips = self.skip_blank || !self.skip.is_empty();
            let skipped = skips && lines.all(|line| self.skips(line));
            Change { old: from, new: to, skipped }
        });
        let changes = changes.collect();
        Compared { old, new, changes }
    }

    fn skips(&self, line: &[u8]) -> bool {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let blank = || match self.space {
            Space::All | Space::Expanded => text.is_empty(),
            _ => text.iter().all(|byte| is_space(*byte)),
        };
        self.skip_blank && blank() || self.skip.iter().any(|pattern| pattern.is_match(text))
    }

    /// What of a line counts.
    fn counts<'l>(&self, line: &'l [u8]) -> Cow<'l, [u8]> {
        let text = match self.space {
            Space::All => Cow::Borrowed(line),
            Space::Expanded => {
                let mut expanded = Vec::with_capacity(line.len());
                for byte in line {
                    match byte {
                        b'\t' => expanded.resize((expanded.len() / 8 + 1) * 8, b' '),
                        byte => expanded.push(*byte),
                    }
                }
                Cow::Owned(expanded)
            }
            Space::NotTrailing => Cow::Borrowed(line.trim_ascii_end()),
            Space::Amount => {
                let mut text = Vec::with_capacity(line.len());
                for byte in line.trim_ascii_end() {
                    match is_space(*byte) {
                        true if text.last() == Some(&b' ') => {}
                        true => text.push(b' '),
                        false => text.push(*byte),
                    }
                }
                Cow::Owned(text)
            }
            Space::Nothing => {
                Cow::Owned(line.iter().copied().filter(|byte| !is_space(*byte)).collect())
            }
        };
        if !self.fold_case {
            return text;
        }
        Cow::Owned(match std::str::from_utf8(&text) {
            Ok(text) => text.to_lowercase().into_bytes(),
            Err(_) => text.to_ascii_lowercase(),
        })
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

impl Compared<'_> {
    /// Whether a change counts.
    pub(super) fn differs(&self) -> bool {
        self.changes.iter().any(|change| !change.skipped)
    }

    /// Changes that are shown together, with `context` lines around them; not those of which none
    /// counts.
    pub(super) fn groups(&self, context: usize) -> Vec<&[Change]> {
        let joined = self.changes.chunk_by(|before, after| {
            let between = after.old.start - before.old.end;
            match after.skipped {
                true => between < context,
                false => between <= context.saturating_mul(2),
            }
        });
        joined.filter(|group| group.iter().any(|change| !change.skipped)).collect()
    }

    /// The lines of a group with those around it, in the old and in the new file.
    pub(super) fn span(&self, group: &[Change], context: usize) -> Change {
        let (first, last) = (&group[0], &group[group.len() - 1]);
        let before = context.min(first.old.start).min(first.new.start);
        let after = context.min(self.old.len() - last.old.end).min(self.new.len() - last.new.end);
        Change {
            old: first.old.start - before..last.old.end + after,
            new: first.new.start - before..last.new.end + after,
            skipped: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &Rules, old: &str, new: &str, expected: &[(Range<usize>, Range<usize>)]) {
        let compared = rules.compare(old.as_bytes(), new.as_bytes());
        let changes = compared.changes.iter().filter(|change| !change.skipped);
        let found: Vec<_> =
            changes.map(|change| (change.old.clone(), change.new.clone())).collect();
        assert_eq!(found, expected, "{rules:?}\n{old:?}\n{new:?}");
    }

    #[test]
    fn a_change_of_repeated_lines_stands_as_far_down_as_it_can() {
        check(&Rules::default(), "a\nb\na\nb\n", "a\nb\na\nb\na\nb\n", &[(4..4, 4..6)]);
        check(&Rules::default(), "x\n\ny\n", "x\n\nz\n\ny\n", &[(2..2, 2..4)]);
    }

    #[test]
    fn a_missing_last_newline_differs_where_white_space_counts() {
        check(&Rules::default(), "a\n", "a", &[(0..1, 0..1)]);
        check(&Rules { space: Space::Amount, ..Rules::default() }, "a\n", "a", &[]);
    }

    #[test]
    fn what_does_not_count() {
        let with = |space| Rules { space, ..Rules::default() };
        check(&with(Space::Amount), "a  b \n", "a b\n", &[]);
        check(&with(Space::Amount), "a b\n", "ab\n", &[(0..1, 0..1)]);
        check(&with(Space::Nothing), "a b\n", " ab\n", &[]);
        check(&with(Space::NotTrailing), "a \n", "a\n", &[]);
        check(&with(Space::Expanded), "a\tb\n", "a       b\n", &[]);
        check(&Rules { fold_case: true, ..Rules::default() }, "É\n", "é\n", &[]);
        let blank = Rules { skip_blank: true, ..Rules::default() };
        check(&blank, "a\n\nb\n", "a\nb\n", &[]);
        check(&blank, "a\n\nb\n", "a\nb\nc\n", &[(3..3, 2..3)]);
        let skip = vec![Regex::new("^#").unwrap()];
        let comments = Rules { skip, ..Rules::default() };
        check(&comments, "#1\na\n", "#2\na\n", &[]);
        check(&comments, "#1\na\n", "2\na\n", &[(0..1, 0..1)]);
    }
}
