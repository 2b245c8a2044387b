//! `cmp`.

use std::io::{BufRead, BufReader, Read, Write};

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};

/// What is read of each file at a time.
const BUFFER: usize = 64 << 10;

#[derive(Default)]
struct Wanted {
    bytes: bool,
    verbose: bool,
    silent: bool,
    skip: [u64; 2],
    limit: Option<u64>,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    match given(words) {
        Ok((wanted, paths)) => match wanted.compare(&paths, out) {
            Ok(status) => status,
            Err(_) if wanted.silent => 2,
            Err(error) => {
                eprintln!("cmp: {error}");
                2
            }
        },
        Err(error) => {
            eprintln!("cmp: {error}\ncmp: Try 'cmp --help' for more information.");
            2
        }
    }
}

fn given(words: &[String]) -> Result<(Wanted, [String; 2]), String> {
    let long =
        ["print-bytes:b", "ignore-initial=:i", "verbose:l", "bytes=:n", "quiet:s", "silent:s"];
    let mut wanted = Wanted::default();
    let mut operands = Vec::new();
    let number = |name: &str, value: &str| {
        size(value).ok_or_else(|| format!("invalid --{name} value '{value}'"))
    };
    for arg in parse(words, "bi:ln:s", &long)? {
        match arg {
            Arg::Operand(path) => operands.push(path),
            Arg::Option(name, value) => {
                let value = value.unwrap_or_default();
                match name.as_str() {
                    "b" => wanted.bytes = true,
                    "l" => wanted.verbose = true,
                    "s" => wanted.silent = true,
                    "n" => wanted.limit = Some(number("bytes", &value)?),
                    _ => {
                        let (old, new) = value.split_once(':').unwrap_or((&value, &value));
                        let both = [old, new].map(|part| number("ignore-initial", part));
                        let [old, new] = both;
                        wanted.skip = [old?, new?];
                    }
                }
            }
        }
    }
    if wanted.verbose && wanted.silent {
        return Err("options -l and -s are incompatible".to_owned());
    }
    for (at, skip) in operands.iter().skip(2).enumerate() {
        match wanted.skip.get_mut(at) {
            Some(place) => *place = number("ignore-initial", skip)?,
            None => return Err(format!("extra operand '{skip}'")),
        }
    }
    let mut paths = operands.into_iter();
    let first = paths.next().ok_or("missing operand after 'cmp'")?;
    let second = paths.next().unwrap_or_else(|| "-".to_owned());
    Ok((wanted, [first, second]))
}

/// A number of bytes with its unit.
fn size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let power = |letter: u8| b"KMGTPE".iter().position(|known| *known == letter);
    let factor = match unit.as_bytes() {
        [] => 1,
        b"kB" => 1000,
        [letter] | [letter, b'i', b'B'] => {
            1024_u64.checked_pow(power(letter.to_ascii_uppercase())? as u32 + 1)?
        }
        [letter, b'B'] => 1000_u64.checked_pow(power(*letter)? as u32 + 1)?,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

impl Wanted {
    fn compare(&self, paths: &[String; 2], out: &mut impl Write) -> Result<i32, String> {
        let failed = |path: &str| {
            let path = path.to_owned();
            move |error: std::io::Error| format!("{path}: {}", message(&error))
        };
        let mut readers = Vec::with_capacity(2);
        for (path, skip) in paths.iter().zip(self.skip) {
            let mut reader = BufReader::with_capacity(BUFFER, open(path).map_err(failed(path))?);
            std::io::copy(&mut reader.by_ref().take(skip), &mut std::io::sink())
                .map_err(failed(path))?;
            readers.push(reader);
        }
        let [old, new] = &mut readers[..] else { return Ok(2) };
        let width = self.width(paths);
        let (mut number, mut line, mut at_start, mut differs) = (0_u64, 1_u64, true, false);
        while self.limit.is_none_or(|limit| number < limit) {
            let left = old.fill_buf().map_err(failed(&paths[0]))?;
            let right = new.fill_buf().map_err(failed(&paths[1]))?;
            let room = self.limit.map_or(usize::MAX, |limit| (limit - number) as usize);
            let count = left.len().min(right.len()).min(room);
            if count == 0 {
                if left.len() == right.len() {
                    break;
                }
                let ended = &paths[usize::from(!left.is_empty())];
                if self.silent {
                    return Ok(1);
                }
                eprintln!("cmp: EOF on {ended} {}", self.end(number, line, at_start));
                return Ok(1);
            }
            for (a, b) in left[..count].iter().zip(&right[..count]) {
                number += 1;
                if a != b {
                    differs = true;
                    if self.silent {
                        return Ok(1);
                    }
                    if !self.verbose {
                        let _ = write!(
                            out,
                            "{} {} differ: byte {number}, line {line}",
                            paths[0], paths[1]
                        );
                        if self.bytes {
                            let _ = write!(out, " is {a:3o} {} {b:3o} {}", shown(*a), shown(*b));
                        }
                        let _ = writeln!(out);
                        return Ok(1);
                    }
                    let written = match self.bytes {
                        true => writeln!(
                            out,
                            "{number:width$} {a:3o} {:<4} {b:3o} {}",
                            shown(*a),
                            shown(*b)
                        ),
                        false => writeln!(out, "{number:width$} {a:3o} {b:3o}"),
                    };
                    if written.is_err() {
                        return Ok(2);
                    }
                }
                at_start = *a == b'\n';
                line += u64::from(at_start);
            }
            old.consume(count);
            new.consume(count);
        }
        Ok(i32::from(differs))
    }

    /// How many digits the numbers of bytes may have.
    fn width(&self, paths: &[String; 2]) -> usize {
        let mut most = self.limit.unwrap_or(u64::MAX);
        for (path, skip) in paths.iter().zip(self.skip) {
            if let Ok(metadata) = std::fs::metadata(path)
                && metadata.is_file()
            {
                most = most.min(metadata.len().saturating_sub(skip));
            }
        }
        most.to_string().len()
    }

    fn end(&self, number: u64, line: u64, at_start: bool) -> String {
        match (number, self.verbose, at_start) {
            (0, ..) => "which is empty".to_owned(),
            (_, true, _) => format!("after byte {number}"),
            (_, false, true) => format!("after byte {number}, line {}", line - 1),
            (_, false, false) => format!("after byte {number}, in line {line}"),
        }
    }
}

/// A byte as `cat -v` shows it.
fn shown(byte: u8) -> String {
    let (meta, byte) = if byte >= 0x80 { ("M-", byte - 0x80) } else { ("", byte) };
    match byte {
        0x7f => format!("{meta}^?"),
        byte if byte < 0x20 => format!("{meta}^{}", char::from(byte + 0x40)),
        byte => format!("{meta}{}", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_bytes() {
        assert_eq!(
            ["7", "1K", "2kB", "1MiB", "3MB"].map(size),
            [Some(7), Some(1024), Some(2000), Some(1 << 20), Some(3_000_000),]
        );
        assert_eq!(["", "x", "1Q", "99999999999999999999"].map(size), [None; 4]);
        assert_eq!([b'a', b'\n', 0x7f, 0x80, 0xff].map(shown), ["a", "^J", "^?", "M-^@", "M-^?"]);
    }
}
