//! `hexdump` and `hd`.

use std::io::{self, Read, Write};

use toolcell_program::args::{Arg, parse};
use toolcell_program::message;

/// How a line shows its sixteen bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Two-byte numbers in base 16, eight of five columns.
    Words,
    /// The same, wider: `-x`.
    WideHex,
    /// `-d`
    WideDecimal,
    /// `-o`
    WideOctal,
    /// `-c`
    Chars,
    /// `-b`
    Octal,
    /// `-C`
    Canonical,
}

pub(crate) fn run(name: &str, words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "canonical:C",
        "length=:n",
        "skip=:s",
        "no-squeezing:v",
        "one-byte-char:c",
        "one-byte-octal:b",
        "two-bytes-hex:x",
        "two-bytes-decimal:d",
        "two-bytes-octal:o",
        "format=:e",
        "format-file=:f",
    ];
    let args = match parse(words, "bcCde:f:n:os:vx", &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("{name}: {error}\nTry '{name} --help' for more information.");
            return 1;
        }
    };
    let mut form = if name == "hd" { Form::Canonical } else { Form::Words };
    let (mut skip, mut most, mut squeeze) = (0, u64::MAX, true);
    let mut paths = Vec::new();
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        match letter.as_str() {
            "C" => form = Form::Canonical,
            "x" => form = Form::WideHex,
            "d" => form = Form::WideDecimal,
            "o" => form = Form::WideOctal,
            "c" => form = Form::Chars,
            "b" => form = Form::Octal,
            "v" => squeeze = false,
            "n" | "s" => {
                let text = value.unwrap_or_default();
                let Some(number) = number(&text) else {
                    eprintln!("{name}: failed to parse length: '{text}'");
                    return 1;
                };
                if letter == "n" { most = number } else { skip = number }
            }
            _ => {
                eprintln!("{name}: option '-{letter}' is not supported");
                return 1;
            }
        }
    }
    let mut status = 0;
    let mut input: Box<dyn Read> = Box::new(io::empty());
    if paths.is_empty() {
        input = Box::new(io::stdin().lock());
    }
    for path in paths {
        match toolcell_program::open(&path) {
            Ok(file) => input = Box::new(input.chain(file)),
            Err(error) => {
                eprintln!("{name}: {path}: {}", message(&error));
                status = 1;
            }
        }
    }
    if io::copy(&mut input.by_ref().take(skip), &mut io::sink()).is_err() {
        return 1;
    }
    match dump(input.take(most), form, skip, squeeze, out) {
        Ok(()) => status,
        Err(error) => {
            eprintln!("{name}: {}", message(&error));
            1
        }
    }
}

fn number(text: &str) -> Option<u64> {
    let (text, unit) = match text.chars().last()? {
        'k' | 'K' => (&text[..text.len() - 1], 1 << 10),
        'm' | 'M' => (&text[..text.len() - 1], 1 << 20),
        'b' if !text.starts_with("0x") => (&text[..text.len() - 1], 512),
        _ => (text, 1),
    };
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    };
    number.checked_mul(unit)
}

fn dump(
    mut input: impl Read,
    form: Form,
    mut offset: u64,
    squeeze: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut last: Option<Vec<u8>> = None;
    let mut starred = false;
    let mut any = false;
    loop {
        let mut line = Vec::with_capacity(16);
        input.by_ref().take(16).read_to_end(&mut line)?;
        if line.is_empty() {
            break;
        }
        any = true;
        let count = line.len() as u64;
        if squeeze && line.len() == 16 && last.as_ref() == Some(&line) {
            if !starred {
                writeln!(out, "*")?;
                starred = true;
            }
        } else {
            starred = false;
            writeln!(out, "{}", shown(&line, form, offset))?;
            last = Some(line);
        }
        offset += count;
        if count < 16 {
            break;
        }
    }
    match form {
        _ if !any => Ok(()),
        Form::Canonical => writeln!(out, "{offset:08x}"),
        _ => writeln!(out, "{offset:07x}"),
    }
}

fn shown(line: &[u8], form: Form, offset: u64) -> String {
    let bytes = |text: &dyn Fn(u8) -> String, width: usize| {
        let mut all: String = line.iter().map(|byte| text(*byte)).collect();
        while all.len() < width {
            all.push(' ');
        }
        all
    };
    let pairs = |text: &dyn Fn(u16) -> String, width: usize| {
        let mut all: String = line
            .chunks(2)
            .map(|pair| {
                let low = pair[0];
                let high = pair.get(1).copied().unwrap_or(0);
                text(u16::from_le_bytes([low, high]))
            })
            .collect();
        while all.len() < width {
            all.push(' ');
        }
        all
    };
    match form {
        Form::Words => format!("{offset:07x}{}", pairs(&|word| format!(" {word:04x}"), 40)),
        Form::WideHex => format!("{offset:07x}{}", pairs(&|word| format!("    {word:04x}"), 64)),
        Form::WideDecimal => format!("{offset:07x}{}", pairs(&|word| format!("   {word:05}"), 64)),
        Form::WideOctal => format!("{offset:07x}{}", pairs(&|word| format!("  {word:06o}"), 64)),
        Form::Octal => format!("{offset:07x}{}", bytes(&|byte| format!(" {byte:03o}"), 64)),
        Form::Chars => {
            let text = |byte: u8| {
                let name = match byte {
                    0 => "\\0".to_owned(),
                    7 => "\\a".to_owned(),
                    8 => "\\b".to_owned(),
                    9 => "\\t".to_owned(),
                    10 => "\\n".to_owned(),
                    11 => "\\v".to_owned(),
                    12 => "\\f".to_owned(),
                    13 => "\\r".to_owned(),
                    32..=126 => char::from(byte).to_string(),
                    _ => format!("{byte:03o}"),
                };
                format!("{name:>4}")
            };
            format!("{offset:07x}{}", bytes(&text, 64))
        }
        Form::Canonical => {
            let mut hex = String::new();
            for at in 0..16 {
                if at % 8 == 0 {
                    hex.push(' ');
                }
                match line.get(at) {
                    Some(byte) => hex.push_str(&format!(" {byte:02x}")),
                    None => hex.push_str("   "),
                }
            }
            let text: String = line
                .iter()
                .map(|byte| if (32..=126).contains(byte) { char::from(*byte) } else { '.' })
                .collect();
            format!("{offset:08x}{hex}  |{text}|")
        }
    }
}
