//! `xxd`.

use std::io::{self, Read, Write};

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};

#[derive(Debug, Clone, Copy)]
struct Options {
    columns: usize,
    group: usize,
    plain: bool,
    upper: bool,
    bits: bool,
    seek: u64,
    length: u64,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    // xxd takes `-ps` and `-c16` as one word each.
    let words: Vec<String> = words
        .iter()
        .map(|word| match word.as_str() {
            "-ps" | "-plain" | "-postscript" => "-p".to_owned(),
            "-revert" | "-reverse" => "-r".to_owned(),
            word => word.to_owned(),
        })
        .collect();
    let args = match parse(&words, "c:g:l:s:pruib", &[]) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("xxd: {error}");
            return 2;
        }
    };
    let (mut reverse, mut include, mut paths) = (false, false, Vec::new());
    let (mut columns, mut group) = (None, None);
    let mut options = Options {
        columns: 16,
        group: 2,
        plain: false,
        upper: false,
        bits: false,
        seek: 0,
        length: u64::MAX,
    };
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        let number = || {
            let text = value.as_deref().unwrap_or_default();
            match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).ok(),
                None => text.parse().ok(),
            }
        };
        let valid = match letter.as_str() {
            "c" => number().map(|n| columns = Some(n as usize)).is_some(),
            "g" => number().map(|n| group = Some(n as usize)).is_some(),
            "l" => number().map(|n| options.length = n).is_some(),
            "s" => number().map(|n| options.seek = n).is_some(),
            "p" => {
                options.plain = true;
                true
            }
            "u" => {
                options.upper = true;
                true
            }
            "b" => {
                options.bits = true;
                true
            }
            "i" => {
                include = true;
                true
            }
            _ => {
                reverse = true;
                true
            }
        };
        if !valid {
            eprintln!("xxd: invalid number for -{letter}");
            return 1;
        }
    }
    let usual = match options {
        Options { plain: true, .. } => 30,
        Options { bits: true, .. } => 6,
        _ if include => 12,
        _ => 16,
    };
    options.columns = columns.filter(|n| *n > 0).unwrap_or(usual);
    options.group = group.unwrap_or(if options.bits { 1 } else { 2 });
    if options.group == 0 {
        options.group = options.columns;
    }
    let path = paths.first().map_or("-", String::as_str);
    let done = open(path).and_then(|mut input| {
        let mut content = Vec::new();
        io::copy(&mut input.by_ref().take(options.seek), &mut io::sink())?;
        input.take(options.length).read_to_end(&mut content)?;
        match reverse {
            _ if include => include_file(&content, path, options, out),
            true => out.write_all(&revert(&content, options.plain)),
            false => dump(&content, options, out),
        }
    });
    match done {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("xxd: {path}: {}", message(&error));
            2
        }
    }
}

fn dump(content: &[u8], options: Options, out: &mut impl Write) -> io::Result<()> {
    let hex = |byte: &u8| match options.upper {
        _ if options.bits => format!("{byte:08b}"),
        true => format!("{byte:02X}"),
        false => format!("{byte:02x}"),
    };
    let blank = if options.bits { "        " } else { "  " };
    let mut offset = options.seek;
    for row in content.chunks(options.columns) {
        if options.plain {
            writeln!(out, "{}", row.iter().map(hex).collect::<String>())?;
            continue;
        }
        let mut digits = String::new();
        for at in 0..options.columns {
            if at > 0 && at % options.group == 0 {
                digits.push(' ');
            }
            match row.get(at) {
                Some(byte) => digits.push_str(&hex(byte)),
                None => digits.push_str(blank),
            }
        }
        let text: String = row
            .iter()
            .map(|byte| if (32..127).contains(byte) { *byte as char } else { '.' })
            .collect();
        writeln!(out, "{offset:08x}: {digits}  {text}")?;
        offset += row.len() as u64;
    }
    Ok(())
}

/// The bytes as C has them; of a file, as an array with its name and length.
fn include_file(
    content: &[u8],
    path: &str,
    options: Options,
    out: &mut impl Write,
) -> io::Result<()> {
    let usable = |char: char| if char.is_ascii_alphanumeric() { char } else { '_' };
    let name: String = path.chars().map(usable).collect();
    let lead = if path.starts_with(|first: char| first.is_ascii_digit()) { "__" } else { "" };
    let is_file = path != "-";
    if is_file {
        writeln!(out, "unsigned char {lead}{name}[] = {{")?;
    }
    let mut rows = content.chunks(options.columns).peekable();
    while let Some(row) = rows.next() {
        let hex = |byte: &u8| match options.upper {
            true => format!("0X{byte:02X}"),
            false => format!("0x{byte:02x}"),
        };
        let row: Vec<String> = row.iter().map(hex).collect();
        let comma = if rows.peek().is_some() { "," } else { "" };
        writeln!(out, "  {}{comma}", row.join(", "))?;
    }
    if is_file {
        writeln!(out, "}};\nunsigned int {lead}{name}_len = {};", content.len())?;
    }
    Ok(())
}

fn revert(content: &[u8], plain: bool) -> Vec<u8> {
    let text = String::from_utf8_lossy(content);
    let mut bytes = Vec::new();
    for line in text.lines() {
        let digits = match (plain, line.split_once(": ")) {
            (true, _) => line,
            // The text column begins after two blanks.
            (false, Some((_, rest))) => rest.split("  ").next().unwrap_or(rest),
            (false, None) => continue,
        };
        let digits: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(16)).collect();
        bytes.extend(digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8));
    }
    bytes
}
