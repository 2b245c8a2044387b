//! Context and normal diffs, as the hunks that a unified one would have.

use super::parse::{FilePatch, Hunk, Side, name, shown, unended};

/// The changes of one file in a context diff, whose header begins at `at`; and where it ends.
///
/// # Errors
/// What is wrong with a hunk.
pub(super) fn context(lines: &[&[u8]], at: usize) -> Result<(FilePatch, usize), String> {
    let (old_line, new_line) = (shown(&lines[at][4..]), shown(&lines[at + 1][4..]));
    let mut patch = FilePatch {
        old: name(&old_line),
        new: name(&new_line),
        old_line,
        new_line,
        ..FilePatch::default()
    };
    let mut at = at + 2;
    while lines.get(at).is_some_and(|line| line.starts_with(b"***************")) {
        let section = shown(&lines[at][15..]).into_bytes();
        at += 1;
        let malformed = |at: usize| {
            let text = lines.get(at).map(|line| shown(line)).unwrap_or_default();
            format!("malformed patch at line {}: {text}", at + 1)
        };
        let range = |at: usize, begin: &[u8], end: &str| {
            let line = lines.get(at)?.strip_prefix(begin)?;
            numbers(shown(line).strip_suffix(end)?)
        };
        let (old_start, _) = range(at, b"*** ", " ****").ok_or_else(|| malformed(at))?;
        at += 1;
        let old = half(lines, &mut at, b"- ", usize::MAX);
        let (new_start, end) = range(at, b"--- ", " ----").ok_or_else(|| malformed(at))?;
        at += 1;
        let count = if end == 0 { 0 } else { end + 1 - new_start };
        let new = half(lines, &mut at, b"+ ", count);
        let lines = merged(old, new).ok_or_else(|| malformed(at))?;
        patch.hunks.push(Hunk { old_start, new_start, section, lines });
    }
    Ok((patch, at))
}

/// A line of one file's part of a hunk, and whether it is in a change.
type Marked = (bool, Vec<u8>);

fn half(lines: &[&[u8]], at: &mut usize, own: &[u8], most: usize) -> Vec<Marked> {
    let mut half: Vec<Marked> = Vec::new();
    while let Some(line) = lines.get(*at) {
        if line.starts_with(b"\\") {
            if let Some((_, last)) = half.last_mut() {
                last.pop();
            }
        } else if half.len() == most {
            break;
        } else if let Some(rest) = line.strip_prefix(b"  ") {
            half.push((false, rest.to_vec()));
        } else if let Some(rest) = line.strip_prefix(own).or_else(|| line.strip_prefix(b"! ")) {
            half.push((true, rest.to_vec()));
        } else {
            break;
        }
        *at += 1;
    }
    half
}

/// The lines of both parts in one. A part without changes may have been left out.
fn merged(old: Vec<Marked>, new: Vec<Marked>) -> Option<Vec<(Side, Vec<u8>)>> {
    let mut lines = Vec::new();
    if old.is_empty() || new.is_empty() {
        let side = if old.is_empty() { Side::New } else { Side::Old };
        let only = if old.is_empty() { new } else { old };
        let lines = only.into_iter();
        return Some(
            lines.map(|(changed, line)| (if changed { side } else { Side::Both }, line)).collect(),
        );
    }
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    loop {
        while let Some((_, line)) = old.next_if(|(changed, _)| *changed) {
            lines.push((Side::Old, line));
        }
        while let Some((_, line)) = new.next_if(|(changed, _)| *changed) {
            lines.push((Side::New, line));
        }
        match (old.next(), new.next()) {
            (Some((_, line)), Some((_, other))) if line == other => lines.push((Side::Both, line)),
            (None, None) => return Some(lines),
            _ => return None,
        }
    }
}

/// The first line and the last.
type Range = (usize, usize);

/// `3` or `3,5`.
fn numbers(text: &str) -> Option<Range> {
    let (first, last) = text.split_once(',').unwrap_or((text, text));
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// A normal diff, which names no file.
///
/// # Errors
/// What is wrong with it.
pub(super) fn normal(lines: &[&[u8]]) -> Result<Option<FilePatch>, String> {
    let mut patch = FilePatch::default();
    let mut at = 0;
    while at < lines.len() {
        let Some((old, letter, new)) = command(&shown(lines[at])) else {
            at += 1;
            continue;
        };
        at += 1;
        let mut hunk =
            Hunk { old_start: old.0, new_start: new.0, section: Vec::new(), lines: Vec::new() };
        let mut take = |mark: &[u8], side: Side, count: usize| {
            for _ in 0..count {
                let line = lines.get(at).and_then(|line| line.strip_prefix(mark));
                let line = line.ok_or_else(|| format!("malformed patch at line {}", at + 1))?;
                hunk.lines.push((side, line.to_vec()));
                at += 1;
            }
            if lines.get(at).is_some_and(|line| line.starts_with(b"\\")) {
                unended(&mut hunk);
                at += 1;
            }
            if letter == 'c' && lines.get(at).is_some_and(|line| line.starts_with(b"---")) {
                at += 1;
            }
            Ok::<(), String>(())
        };
        let count = |(first, last): Range| (last + 1).saturating_sub(first);
        if letter != 'a' {
            take(b"< ", Side::Old, count(old))?;
        }
        if letter != 'd' {
            take(b"> ", Side::New, count(new))?;
        }
        patch.hunks.push(hunk);
    }
    Ok((!patch.hunks.is_empty()).then_some(patch))
}

/// `1,2c3`.
fn command(line: &str) -> Option<(Range, char, Range)> {
    let at = line.find(['a', 'c', 'd'])?;
    let letter = line[at..].chars().next()?;
    Some((numbers(&line[..at])?, letter, numbers(&line[at + 1..])?))
}
