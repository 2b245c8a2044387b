//! `strings`.

use std::io::{self, BufRead, BufReader, Write};

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};

const LONG: &[&str] = &[
    "all:a",
    "bytes=:n",
    "encoding=:e",
    "include-all-whitespace:w",
    "output-separator=:s",
    "print-file-name:f",
    "radix=:t",
];

/// How a character is stored.
#[derive(Debug, Clone, Copy)]
struct Encoding {
    bytes: usize,
    big_endian: bool,
    /// Whether what is beyond ASCII is text too.
    eight_bits: bool,
}

struct Options {
    least: usize,
    radix: Option<char>,
    names: bool,
    all_blanks: bool,
    separator: String,
    encoding: Encoding,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    // `-NUM` is the old way to write `-n NUM`.
    let words: Vec<String> = words
        .iter()
        .map(|word| match word.strip_prefix('-') {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()) => {
                format!("-n{digits}")
            }
            _ => word.clone(),
        })
        .collect();
    let (options, mut paths) = match options(&words) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("strings: {error}");
            return 1;
        }
    };
    if paths.is_empty() {
        paths.push("-".to_owned());
    }
    let mut status = 0;
    for path in &paths {
        let prefix = match (options.names, path.as_str()) {
            (false, _) => String::new(),
            (true, "-") => "{standard input}: ".to_owned(),
            (true, path) => format!("{path}: "),
        };
        let done = open(path).map_err(Failure::Input);
        match done.and_then(|input| scan(BufReader::new(input), &prefix, &options, out)) {
            Ok(()) => {}
            Err(Failure::Input(error)) => {
                eprintln!("strings: '{path}': {}", message(&error));
                status = 1;
            }
            Err(Failure::Output) => return 1,
        }
    }
    status
}

fn options(words: &[String]) -> Result<(Options, Vec<String>), String> {
    let mut options = Options {
        least: 4,
        radix: None,
        names: false,
        all_blanks: false,
        separator: "\n".to_owned(),
        encoding: Encoding { bytes: 1, big_endian: false, eight_bits: false },
    };
    let mut paths = Vec::new();
    for arg in parse(words, "adn:e:t:fos:w", LONG)? {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        match letter.as_str() {
            "n" => match value.parse() {
                Ok(least) if least > 0 => options.least = least,
                _ => return Err(format!("invalid minimum string length {value}")),
            },
            "t" => match value.as_str() {
                "d" | "o" | "x" => options.radix = value.chars().next(),
                _ => return Err(format!("invalid radix '{value}'")),
            },
            "e" => {
                let (bytes, big_endian, eight_bits) = match value.as_str() {
                    "s" => (1, false, false),
                    "S" => (1, false, true),
                    "l" => (2, false, false),
                    "b" => (2, true, false),
                    "L" => (4, false, false),
                    "B" => (4, true, false),
                    _ => return Err(format!("invalid encoding '{value}'")),
                };
                options.encoding = Encoding { bytes, big_endian, eight_bits };
            }
            "o" => options.radix = Some('o'),
            "f" => options.names = true,
            "w" => options.all_blanks = true,
            "s" => options.separator = value,
            // All of a file is looked at in any case.
            _ => {}
        }
    }
    Ok((options, paths))
}

enum Failure {
    Input(io::Error),
    Output,
}

impl Options {
    /// The byte that a character is printed as, if it is text.
    fn printed(&self, character: u32) -> Option<u8> {
        let byte = u8::try_from(character).ok()?;
        let is_text = matches!(byte, b'\t' | 32..=126)
            || (self.all_blanks && matches!(byte, b'\n' | b'\r' | 11 | 12))
            || (self.encoding.eight_bits && byte > 127);
        is_text.then_some(byte)
    }
}

/// Prints what is text. Characters are looked for at each byte, as a text may begin at any.
fn scan(
    mut input: impl BufRead,
    prefix: &str,
    options: &Options,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let Encoding { bytes, big_endian, .. } = options.encoding;
    let mut window: Vec<u8> = Vec::with_capacity(bytes);
    let (mut run, mut begun) = (Vec::new(), 0u64);
    // The place of the window's first byte.
    let mut at = 0u64;
    // The least that a text must have is kept back; the rest is written as it comes.
    let head = |run: &[u8], begun: u64, out: &mut dyn Write| -> io::Result<()> {
        out.write_all(prefix.as_bytes())?;
        match options.radix {
            Some('d') => write!(out, "{begun:7} ")?,
            Some('o') => write!(out, "{begun:7o} ")?,
            Some(_) => write!(out, "{begun:7x} ")?,
            None => {}
        }
        out.write_all(run)
    };
    let mut printing = false;
    loop {
        let block = input.fill_buf().map_err(Failure::Input)?;
        if block.is_empty() {
            break;
        }
        let count = block.len();
        for byte in block {
            window.push(*byte);
            if window.len() < bytes {
                continue;
            }
            let value = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
            let character = match big_endian {
                true => window.iter().fold(0, value),
                false => window.iter().rev().fold(0, value),
            };
            match options.printed(character) {
                Some(byte) if printing => out.write_all(&[byte]).map_err(|_| Failure::Output)?,
                Some(byte) => {
                    if run.is_empty() {
                        begun = at;
                    }
                    run.push(byte);
                    if run.len() >= options.least {
                        head(&run, begun, out).map_err(|_| Failure::Output)?;
                        printing = true;
                    }
                }
                None => {
                    if printing {
                        let end = options.separator.as_bytes();
                        out.write_all(end).map_err(|_| Failure::Output)?;
                    }
                    printing = false;
                    run.clear();
                    // What is no text may have begun a byte too early.
                    window.remove(0);
                    at += 1;
                    continue;
                }
            }
            at += bytes as u64;
            window.clear();
        }
        input.consume(count);
    }
    if printing {
        out.write_all(options.separator.as_bytes()).map_err(|_| Failure::Output)?;
    }
    Ok(())
}
