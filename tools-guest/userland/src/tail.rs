//! `tail`.
//!
//! 1. [`run`] shows the ends of files.
//! 2. [`follow`] goes on with what they grow by.

mod follow;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};

use toolcell_program::{message, open_input};

use crate::ends::{Ends, Own, count, parse};
use follow::{Follow, Followed};

/// What is shown of each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    LastLines(u64),
    LastBytes(u64),
    FromLine(u64),
    FromByte(u64),
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let words = without_old_form(words);
    let part = |bytes: bool, value: &str| {
        let count = count(value.trim_start_matches(['+', '-']))?;
        Some(match (bytes, value.starts_with('+')) {
            (true, true) => Part::FromByte(count),
            (true, false) => Part::LastBytes(count),
            (false, true) => Part::FromLine(count),
            (false, false) => Part::LastLines(count),
        })
    };
    let mut follow = Follow::default();
    let own = Own {
        letters: follow::LETTERS,
        long: follow::LONG,
        take: |option: &str, value: Option<&str>| follow.take(option, value),
    };
    let Ends { part, end, headers, paths } = match parse("tail", &words, part, own) {
        Ok(ends) => ends,
        Err(status) => return status,
    };
    let part = part.unwrap_or(Part::LastLines(10));
    let mut status = 0;
    let mut followed = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let mut input = match open(path) {
            Ok(input) => input,
            Err(error) => {
                let _ = out.flush();
                let what = match error.kind() {
                    io::ErrorKind::IsADirectory => format!("error reading '{path}'"),
                    _ => format!("cannot open '{path}' for reading"),
                };
                eprintln!("tail: {what}: {}", message(&error));
                status = 1;
                followed.push(Followed::missing(path));
                continue;
            }
        };
        if headers {
            let name = if path == "-" { "standard input" } else { path };
            let blank = if at > 0 { "\n" } else { "" };
            let _ = writeln!(out, "{blank}==> {name} <==");
        }
        if let Err(error) = show(&mut input, part, end, out) {
            eprintln!("tail: error reading '{path}': {}", message(&error));
            status = 1;
        }
        if let Input::File(file) = input {
            followed.push(Followed::new(path, file));
        }
    }
    match follow.is_wanted() {
        true => follow.run(followed, headers, status, out),
        false => status,
    }
}

/// `-NUM`, `-NUMf` and `+NUM` are the old way to write `-n NUM`, `-f` and `-n +NUM`.
fn without_old_form(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    let from = words.first().and_then(|word| word.strip_prefix('+')).map(str::to_owned);
    // Before several files, it is the name of one.
    if let Some(from) = from.filter(|_| words.len() <= 2) {
        let digits = from.strip_suffix('f').unwrap_or(&from);
        if !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()) {
            words[0] = format!("-n+{digits}");
            if digits != from {
                words.insert(1, "-f".to_owned());
            }
            return words;
        }
    }
    let old = words.first().and_then(|word| word.strip_prefix('-')).map(str::to_owned);
    let Some(old) = old else { return words };
    let digits = old.strip_suffix('f').unwrap_or(&old);
    if !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()) {
        words[0] = format!("-n{digits}");
        if digits != old {
            words.insert(1, "-f".to_owned());
        }
    }
    words
}

/// What is read: of a file it can be looked how long it is.
enum Input {
    Stream(Box<dyn Read>),
    File(File),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Stream(stream) => stream.read(buffer),
            Input::File(file) => file.read(buffer),
        }
    }
}

/// Standard input is not followed: it may be a pipe, whose end is one.
fn open(path: &str) -> io::Result<Input> {
    if path == "-" {
        return Ok(Input::Stream(open_input()));
    }
    let file = File::open(path)?;
    match file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(Input::File(file)),
    }
}

/// Keeps no more than what may have to be shown.
fn show(input: &mut dyn Read, part: Part, end: u8, out: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    let (mut lines, mut bytes) = (1u64, 0u64);
    let mut kept: VecDeque<u8> = VecDeque::new();
    let mut ends = 0u64;
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        let data = &buffer[..count];
        match part {
            Part::FromByte(from) => {
                let skip = from.saturating_sub(1).saturating_sub(bytes).min(count as u64);
                bytes += count as u64;
                out.write_all(&data[skip as usize..])?;
            }
            Part::FromLine(from) => {
                let mut rest = data;
                while lines < from
                    && let Some(at) = memchr::memchr(end, rest)
                {
                    rest = &rest[at + 1..];
                    lines += 1;
                }
                if lines >= from {
                    out.write_all(rest)?;
                }
            }
            Part::LastBytes(most) => {
                kept.extend(data);
                let extra = kept.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
                kept.drain(..extra);
            }
            Part::LastLines(most) => {
                kept.extend(data);
                ends += memchr::memchr_iter(end, data).count() as u64;
                // One more end than lines: the last line may be one without.
                while ends > most.saturating_add(1) {
                    let first = kept.iter().position(|byte| *byte == end).unwrap_or(0);
                    kept.drain(..=first);
                    ends -= 1;
                }
            }
        }
    }
    if let Part::LastLines(most) = part {
        let complete = kept.back() == Some(&end);
        let mut lines = ends + u64::from(!complete && !kept.is_empty());
        while lines > most {
            match kept.iter().position(|byte| *byte == end) {
                Some(first) => kept.drain(..=first),
                None => kept.drain(..),
            };
            lines -= 1;
        }
    }
    let (a, b) = kept.as_slices();
    out.write_all(a)?;
    out.write_all(b)
}
