//! Hunks onto lines: at the place they name, near it, and with less of their context.

use super::parse::{FilePatch, Hunk};

#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// Lines of context that may be left out of the comparison at either end.
    pub(super) fuzz: usize,
    /// Runs of blanks are alike.
    pub(super) blanks: bool,
}

/// What is to be said of a hunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) text: String,
    /// It went where it was to go.
    pub(super) exact: bool,
}

#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) content: Vec<u8>,
    /// Hunks, by number, that found no place.
    pub(super) rejected: Vec<usize>,
    /// A hunk went elsewhere than it was to, or with fuzz.
    pub(super) inexact: bool,
    pub(super) reports: Vec<Report>,
    /// The first hunk fits only the other way round.
    pub(super) reversed: bool,
}

/// Steps that the search for one hunk's place may take. Against files and hunks of many equal lines.
const MAX_STEPS: usize = 200_000_000;

pub(super) fn apply(patch: &FilePatch, content: &[u8], settings: Settings) -> Outcome {
    let lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == b'\n').collect();
    let mut outcome = Outcome {
        content: Vec::with_capacity(content.len()),
        rejected: Vec::new(),
        inexact: false,
        reports: Vec::new(),
        reversed: false,
    };
    // Lines of the file that are written, and how far the last hunk was from its place.
    let (mut done, mut offset) = (0usize, 0isize);
    let mut added = 0isize;
    for (index, hunk) in patch.hunks.iter().enumerate() {
        let number = index + 1;
        // A file to be made must not have content.
        let exists = patch.old == "/dev/null" && !lines.is_empty() && hunk.old_start == 0;
        let found = place(hunk, &lines, done, offset, settings).filter(|_| !exists);
        let Some((at, fuzz)) = found else {
            if index == 0 && place(&hunk.reversed(), &lines, 0, 0, settings).is_some() {
                outcome.reversed = true;
                return outcome;
            }
            let line = hunk.new_start.saturating_add_signed(offset);
            outcome
                .reports
                .push(Report { text: format!("Hunk #{number} FAILED at {line}."), exact: false });
            outcome.rejected.push(index);
            continue;
        };
        let wanted = expected(hunk, 0);
        let away = at as isize - wanted as isize;
        offset = away;
        let exact = away == 0 && fuzz == 0;
        let new_line = (at as isize + 1 + added).max(1);
        let mut text = format!("Hunk #{number} succeeded at {new_line}");
        if fuzz > 0 {
            text.push_str(&format!(" with fuzz {fuzz}"));
        }
        if away != 0 {
            let plural = if away.abs() == 1 { "" } else { "s" };
            text.push_str(&format!(" (offset {away} line{plural})"));
        }
        outcome.reports.push(Report { text: format!("{text}."), exact });
        outcome.inexact |= !exact;
        outcome.content.extend(lines[done..at].concat());
        // Lines of context stay as the file has them.
        let mut from = at;
        for (side, line) in &hunk.lines {
            use super::parse::Side;
            match side {
                Side::Both => {
                    outcome.content.extend_from_slice(lines.get(from).unwrap_or(&&line[..]));
                    from += 1;
                }
                Side::Old => from += 1,
                Side::New => outcome.content.extend_from_slice(line),
            }
        }
        let (old, new) = (hunk.old_lines().count(), hunk.new_lines().count());
        added += new as isize - old as isize;
        done = (at + old).min(lines.len());
    }
    outcome.content.extend(lines[done..].concat());
    outcome
}

/// Where a hunk is to go, counted from 0.
fn expected(hunk: &Hunk, offset: isize) -> usize {
    // A hunk without old lines stands after the line that it names.
    let start = match hunk.old_lines().next() {
        Some(_) => hunk.old_start.saturating_sub(1),
        None => hunk.old_start,
    };
    start.saturating_add_signed(offset)
}

/// Where a hunk goes, and with how much fuzz.
fn place(
    hunk: &Hunk,
    lines: &[&[u8]],
    least: usize,
    offset: isize,
    settings: Settings,
) -> Option<(usize, usize)> {
    let old: Vec<&[u8]> = hunk.old_lines().collect();
    if old.is_empty() {
        let at = expected(hunk, 0);
        return (at >= least && at <= lines.len()).then_some((at, 0));
    }
    let (prefix, suffix) = hunk.context();
    let most = settings.fuzz.min(prefix.max(suffix));
    let mut steps = 0;
    for fuzz in 0..=most {
        // As much is left out at either end as brings both to the same length.
        let longest = prefix.max(suffix);
        let left = (fuzz + prefix).saturating_sub(longest).min(prefix);
        let right = (fuzz + suffix).saturating_sub(longest).min(suffix);
        let middle = &old[left..old.len() - right.min(old.len() - left)];
        // A hunk with less context before than after is at the start of the file, and with less
        // after than before at its end, until as much fuzz is allowed as there is less.
        let at_start = fuzz + prefix < longest && hunk.old_start <= 1;
        let at_end = fuzz + suffix < longest;
        let fits = |at: usize, steps: &mut usize| {
            let from = at + left;
            from + middle.len() <= lines.len()
                && at >= least
                && (!at_start || at == 0)
                && (!at_end || at + old.len() == lines.len())
                && middle.iter().zip(&lines[from..]).all(|(wanted, line)| {
                    *steps += 1;
                    same(wanted, line, settings.blanks)
                })
        };
        let first = expected(hunk, offset);
        let reach = lines.len().max(first);
        for distance in 0..=reach {
            if steps > MAX_STEPS {
                return None;
            }
            if fits(first + distance, &mut steps) {
                return Some((first + distance, fuzz));
            }
            if distance > 0
                && let Some(at) = first.checked_sub(distance)
                && fits(at, &mut steps)
            {
                return Some((at, fuzz));
            }
        }
    }
    None
}

fn same(wanted: &[u8], line: &[u8], blanks: bool) -> bool {
    if wanted == line {
        return true;
    }
    if !blanks {
        return false;
    }
    let words = |text: &[u8]| {
        let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    words(wanted) == words(line)
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    const PATCH: &str = "--- a\n+++ b\n@@ -2,5 +2,5 @@\n 2\n 3\n-4\n+four\n 5\n 6\n";

    #[track_caller]
    fn check(content: &str, expected: &str, said: &str) {
        let patch = parse(PATCH.as_bytes()).unwrap().remove(0);
        let settings = Settings { fuzz: 2, blanks: false };
        let outcome = apply(&patch, content.as_bytes(), settings);
        assert_eq!(String::from_utf8(outcome.content).unwrap(), expected);
        assert_eq!(outcome.reports[0].text, said);
    }

    #[test]
    fn hunks_find_their_places() {
        check("1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\nfour\n5\n6\n7\n", "Hunk #1 succeeded at 2.");
        check(
            "0\n1\n2\n3\n4\n5\n6\n",
            "0\n1\n2\n3\nfour\n5\n6\n",
            "Hunk #1 succeeded at 3 (offset 1 line).",
        );
        check(
            "1\ntwo\n3\n4\n5\nsix\n",
            "1\ntwo\n3\nfour\n5\nsix\n",
            "Hunk #1 succeeded at 2 with fuzz 1.",
        );
        check("1\n2\n3\n5\n", "1\n2\n3\n5\n", "Hunk #1 FAILED at 2.");
    }

    #[test]
    fn a_patch_that_is_applied_is_seen() {
        let patch = parse(PATCH.as_bytes()).unwrap().remove(0);
        let settings = Settings { fuzz: 2, blanks: false };
        assert!(apply(&patch, b"1\n2\n3\nfour\n5\n6\n", settings).reversed);
    }

    #[test]
    fn damaged_patches_are_refused() {
        for text in ["--- a\n+++ b\n@@ -1,2 +1 @@\n 1\n", "--- a\n+++ b\n@@ -x +1 @@\n 1\n"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(parse(b"nothing here\n"), Ok(Vec::new()));
    }
}
