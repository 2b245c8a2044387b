//! `hexdump` and `hd`.

mod format;

use std::io::{self, Read, Write};

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open_input};

use format::Format;

/// Bytes of one block of a format, at most.
const MAX_BLOCK: usize = 64 << 10;

const LONG: &[&str] = &[
    "canonical:C",
    "color=?:L",
    "format-file=:f",
    "format=:e",
    "length=:n",
    "no-squeezing:v",
    "one-byte-char:c",
    "one-byte-octal:b",
    "skip=:s",
    "two-bytes-decimal:d",
    "two-bytes-hex:x",
    "two-bytes-octal:o",
];

/// What is shown where no option says anything else.
const WORDS: &[&str] = &["\"%07.7_Ax\\n\"", "\"%07.7_ax \" 8/2 \"%04x \" \"\\n\""];

/// The formats that a letter stands for.
fn named(letter: &str) -> Option<&'static [&'static str]> {
    Some(match letter {
        "b" => &["\"%07.7_Ax\\n\"", "\"%07.7_ax \" 16/1 \"%03o \" \"\\n\""],
        "C" => &[
            "\"%08.8_Ax\\n\"",
            "\"%08.8_ax  \" 8/1 \"%02x \" \"  \" 8/1 \"%02x \"",
            "\"  |\" 16/1 \"%_p\" \"|\\n\"",
        ],
        "c" => &["\"%07.7_Ax\\n\"", "\"%07.7_ax \" 16/1 \"%3_c \" \"\\n\""],
        "d" => &["\"%07.7_Ax\\n\"", "\"%07.7_ax \" 8/2 \"  %05u \" \"\\n\""],
        "o" => &["\"%07.7_Ax\\n\"", "\"%07.7_ax \" 8/2 \" %06o \" \"\\n\""],
        "x" => &["\"%07.7_Ax\\n\"", "\"%07.7_ax \" 8/2 \"   %04x \" \"\\n\""],
        _ => return None,
    })
}

struct Options {
    formats: Vec<Format>,
    skip: u64,
    most: u64,
    squeeze: bool,
    paths: Vec<String>,
}

pub(crate) fn run(name: &str, words: &[String], out: &mut impl Write) -> i32 {
    let options = match options(name, words) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{name}: {error}");
            return 1;
        }
    };
    let mut status = 0;
    let mut input: Box<dyn Read> = Box::new(io::empty());
    if options.paths.is_empty() {
        input = open_input();
    }
    let mut failed = 0;
    for path in &options.paths {
        match toolcell_program::open(path) {
            Ok(file) => input = Box::new(input.chain(file)),
            Err(error) => {
                eprintln!("{name}: {path}: {}", message(&error));
                status = 1;
                failed += 1;
            }
        }
    }
    if failed > 0 && failed == options.paths.len() {
        eprintln!("{name}: all input file arguments failed");
        return 1;
    }
    if io::copy(&mut input.by_ref().take(options.skip), &mut io::sink()).is_err() {
        return 1;
    }
    match dump(input.take(options.most), &options, out) {
        Ok(()) => status,
        Err(error) => {
            eprintln!("{name}: {}", message(&error));
            1
        }
    }
}

fn options(name: &str, words: &[String]) -> Result<Options, String> {
    let hint = |error| format!("{error}\nTry '{name} --help' for more information.");
    let args = parse(words, "bCcde:f:L:n:os:vx", LONG).map_err(hint)?;
    let mut options =
        Options { formats: Vec::new(), skip: 0, most: u64::MAX, squeeze: true, paths: Vec::new() };
    let mut add = |texts: &[&str]| -> Result<(), String> {
        for text in texts {
            options.formats.push(Format::new(text)?);
        }
        Ok(())
    };
    if name == "hd" {
        add(named("C").unwrap_or_default())?;
    }
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                options.paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        let number = || {
            number(&value)
                .ok_or_else(|| format!("failed to parse length: '{value}': Invalid argument"))
        };
        match letter.as_str() {
            "e" => add(&[&value])?,
            "f" => {
                let text = std::fs::read_to_string(&value)
                    .map_err(|error| format!("can't read {value}: {}", message(&error)))?;
                let lines = text.lines().map(str::trim);
                let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
                lines.try_for_each(|line| add(&[line]))?;
            }
            "n" => options.most = number()?,
            "s" => options.skip = number()?,
            "v" => options.squeeze = false,
            // Colours are for terminals.
            "L" => {}
            letter => add(named(letter).unwrap_or_default())?,
        }
    }
    if options.formats.is_empty() {
        for text in WORDS {
            options.formats.push(Format::new(text)?);
        }
    }
    Ok(options)
}

/// A number with one of the units of 1024 (`K`, `KiB`) or of 1000 (`KB`).
fn number(text: &str) -> Option<u64> {
    let hex = text.strip_prefix("0x");
    let digits = hex.unwrap_or(text);
    let base = if hex.is_some() { 16 } else { 10 };
    let end = digits.find(|c: char| !c.is_digit(base)).unwrap_or(digits.len());
    let (digits, unit) = digits.split_at(end);
    let number = u64::from_str_radix(digits, base).ok()?;
    let mut letters = unit.chars();
    let Some(letter) = letters.next() else { return Some(number) };
    let power = "KMGTPE".find(letter.to_ascii_uppercase())?;
    let factor: u64 = match letters.as_str() {
        "" | "iB" => 1024,
        "B" => 1000,
        _ => return None,
    };
    number.checked_mul(factor.checked_pow(u32::try_from(power).ok()? + 1)?)
}

fn dump(mut input: impl Read, options: &Options, out: &mut impl Write) -> io::Result<()> {
    let mut formats: Vec<Format> = options.formats.clone();
    let size = formats.iter().map(Format::bytes).max().unwrap_or(0);
    if size == 0 {
        return Ok(());
    }
    if size > MAX_BLOCK {
        return Err(io::Error::other(format!("a block is at most {MAX_BLOCK} bytes")));
    }
    formats.iter_mut().for_each(|format| format.fill(size));
    let mut input = io::BufReader::new(&mut input);
    let (mut offset, mut block, mut last) = (options.skip, vec![0; size], vec![0; size]);
    let (mut any, mut starred, mut line) = (false, false, Vec::new());
    loop {
        let mut count = 0;
        while count < size {
            match input.read(&mut block[count..])? {
                0 => break,
                read => count += read,
            }
        }
        if count == 0 {
            break;
        }
        if options.squeeze && any && count == size && block == last {
            if !starred {
                out.write_all(b"*\n")?;
            }
            starred = true;
            offset += count as u64;
            continue;
        }
        // The last block of an input that ends within it is shown as if it went on with zeros.
        block[count..].fill(0);
        (any, starred) = (true, false);
        line.clear();
        formats.iter().for_each(|format| format.show(&block, count, offset, &mut line));
        out.write_all(&line)?;
        offset += count as u64;
        if count < size {
            break;
        }
        std::mem::swap(&mut block, &mut last);
    }
    // Of several formats for the end, the last counts.
    match formats.iter().rev().find_map(|format| format.end(offset)) {
        Some(end) if any => out.write_all(&end),
        _ => Ok(()),
    }
}
