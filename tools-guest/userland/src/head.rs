//! `head`.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use toolcell_program::files::give_back;
use toolcell_program::{message, open, open_input};

use crate::ends::{Ends, Own, count, parse};

/// Bytes read at once.
const CHUNK: u64 = 64 << 10;

/// What is shown of each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    lines: bool,
    count: u64,
    /// Whether all but the last are shown.
    but_last: bool,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    // `-NUM` is the old way to write `-n NUM`.
    let words: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| match word.strip_prefix('-') {
            Some(old) if at == 0 && old.starts_with(|c: char| c.is_ascii_digit()) => {
                let (number, letters) =
                    old.split_at(old.bytes().take_while(u8::is_ascii_digit).count());
                match letters {
                    "c" => format!("-c{number}"),
                    letters => format!("-{letters}n{number}"),
                }
            }
            _ => word.clone(),
        })
        .collect();
    let part = |bytes: bool, value: &str| {
        let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
        Some(Part { lines: !bytes, count: count(digits)?, but_last: value.starts_with('-') })
    };
    let own = Own { letters: "", long: &[], take: |_: &str, _: Option<&str>| Ok(()) };
    let Ends { part, end, headers, paths } = match parse("head", &words, part, own) {
        Ok(ends) => ends,
        Err(status) => return status,
    };
    let part = part.unwrap_or(Part { lines: true, count: 10, but_last: false });
    let (mut status, mut shown) = (0, false);
    for path in &paths {
        let is_stdin = path == "-";
        let name = if is_stdin { "standard input" } else { path };
        let input = if is_stdin { Ok(open_input()) } else { open(path) };
        // What is a directory can be opened, and not read.
        let unreadable = |error: &io::Error| error.kind() == io::ErrorKind::IsADirectory;
        if headers && input.as_ref().map_or_else(unreadable, |_| true) {
            let blank = if shown { "\n" } else { "" };
            let _ = writeln!(out, "{blank}==> {name} <==");
            shown = true;
        }
        let result = match input {
            Ok(mut input) => show(&mut *input, part, end, is_stdin, out),
            Err(error) if unreadable(&error) => Err(error),
            Err(error) => {
                let _ = out.flush();
                eprintln!("head: cannot open '{path}' for reading: {}", message(&error));
                status = 1;
                continue;
            }
        };
        if let Err(error) = result {
            // What cannot be written is told of at the end.
            if out.flush().is_err() {
                return 1;
            }
            eprintln!("head: error reading '{name}': {}", message(&error));
            status = 1;
        }
    }
    status
}

fn show(
    input: &mut dyn Read,
    part: Part,
    end: u8,
    is_stdin: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let left = match part {
        Part { but_last: true, .. } => all_but_last(input, part, end, out)?,
        Part { lines: true, count, .. } => first_lines(input, count, end, out)?,
        Part { count, .. } => {
            first_bytes(input, count, out)?;
            0
        }
    };
    if is_stdin {
        give_back(left);
    }
    Ok(())
}

/// Takes no byte more than it shows: of a pipe, the rest is the next reader's.
fn first_bytes(input: &mut dyn Read, count: u64, out: &mut impl Write) -> io::Result<()> {
    let mut left = count;
    let mut buffer = vec![0; usize::try_from(count.min(CHUNK)).unwrap_or_default()];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = input.read(&mut buffer[..most])?;
        if read == 0 {
            break;
        }
        out.write_all(&buffer[..read])?;
        left -= read as u64;
    }
    Ok(())
}

/// Shows the first lines, and says how many bytes more it has read.
fn first_lines(
    input: &mut dyn Read,
    count: u64,
    end: u8,
    out: &mut impl Write,
) -> io::Result<usize> {
    let mut left = count;
    let mut buffer = vec![0; CHUNK as usize];
    while left > 0 {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        let mut shown = 0;
        while left > 0
            && let Some(length) = memchr::memchr(end, &buffer[shown..read])
        {
            shown += length + 1;
            left -= 1;
        }
        if left == 0 {
            out.write_all(&buffer[..shown])?;
            return Ok(read - shown);
        }
        out.write_all(&buffer[..read])?;
    }
    Ok(0)
}

/// Shows all but the last lines or bytes, and says how many bytes those are.
fn all_but_last(
    input: &mut dyn Read,
    part: Part,
    end: u8,
    out: &mut impl Write,
) -> io::Result<usize> {
    let count = usize::try_from(part.count).unwrap_or(usize::MAX);
    let mut buffer = vec![0; CHUNK as usize];
    let mut kept: VecDeque<u8> = VecDeque::new();
    let mut ends = 0;
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        kept.extend(&buffer[..read]);
        let show = match part.lines {
            false => kept.len().saturating_sub(count),
            true => {
                ends += memchr::memchr_iter(end, &buffer[..read]).count();
                let surplus = ends.saturating_sub(count);
                ends -= surplus;
                take_lines(&kept, surplus, end)
            }
        };
        write_front(&mut kept, show, out)?;
    }
    if part.lines {
        // The last line may be one without an end.
        let open = kept.back().is_some_and(|last| *last != end);
        let show = match count {
            0 => kept.len(),
            count => take_lines(&kept, (ends + usize::from(open)).saturating_sub(count), end),
        };
        write_front(&mut kept, show, out)?;
    }
    Ok(kept.len())
}

/// The length of the first lines.
fn take_lines(kept: &VecDeque<u8>, lines: usize, end: u8) -> usize {
    match lines {
        0 => 0,
        lines => {
            let ends = kept.iter().enumerate().filter(|(_, byte)| **byte == end);
            ends.take(lines).last().map_or(0, |(at, _)| at + 1)
        }
    }
}

fn write_front(kept: &mut VecDeque<u8>, count: usize, out: &mut impl Write) -> io::Result<()> {
    let front: Vec<u8> = kept.drain(..count).collect();
    out.write_all(&front)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(part: Part, input: &str) -> (String, usize) {
        let mut out = Vec::new();
        let mut reader = input.as_bytes();
        let left = match part {
            Part { but_last: true, .. } => all_but_last(&mut reader, part, b'\n', &mut out),
            Part { lines: true, count, .. } => first_lines(&mut reader, count, b'\n', &mut out),
            Part { count, .. } => first_bytes(&mut reader, count, &mut out).map(|()| reader.len()),
        };
        (String::from_utf8(out).unwrap(), left.unwrap())
    }

    #[test]
    fn what_is_shown_and_what_is_left() {
        for (lines, count, but_last, input, expected) in [
            (true, 1, false, "a\nb\nc\n", ("a\n", 4)),
            (true, 9, false, "a\nb", ("a\nb", 0)),
            (true, 0, false, "a\n", ("", 0)),
            (false, 3, false, "a\nb\nc\n", ("a\nb", 3)),
            (true, 1, true, "a\nb\nc\n", ("a\nb\n", 2)),
            (true, 1, true, "a\nb\nc", ("a\nb\n", 1)),
            (true, 0, true, "a\nb", ("a\nb", 0)),
            (true, 2, true, "a\nb\nc", ("a\n", 3)),
            (true, 9, true, "a\nb\n", ("", 4)),
            (false, 2, true, "abcd", ("ab", 2)),
            (false, 0, true, "abcd", ("abcd", 0)),
        ] {
            let part = Part { lines, count, but_last };
            let (text, left) = shown(part, input);
            assert_eq!((text.as_str(), left), expected, "{part:?} of {input:?}");
        }
    }
}
