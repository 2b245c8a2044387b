//! `strings`.

use std::io::Write;

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};

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
    let args =
        match parse(&words, "an:t:fo", &["all:a", "bytes=:n", "radix=:t", "print-file-name:f"]) {
            Ok(args) => args,
            Err(error) => {
                eprintln!("strings: {error}");
                return 2;
            }
        };
    let (mut least, mut radix, mut names, mut paths) = (4usize, None, false, Vec::new());
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, value) => match letter.as_str() {
                "n" => match value.as_deref().and_then(|value| value.parse().ok()) {
                    Some(count) if count > 0 => least = count,
                    _ => {
                        eprintln!(
                            "strings: invalid minimum string length {}",
                            value.unwrap_or_default()
                        );
                        return 1;
                    }
                },
                "t" => radix = value.and_then(|value| value.chars().next()),
                "o" => radix = Some('o'),
                "f" => names = true,
                _ => {}
            },
        }
    }
    if paths.is_empty() {
        paths.push("-".to_owned());
    }
    let mut status = 0;
    for path in &paths {
        let mut content = Vec::new();
        if let Err(error) = open(path).and_then(|mut input| input.read_to_end(&mut content)) {
            eprintln!("strings: '{path}': {}", message(&error));
            status = 1;
            continue;
        }
        let printable = |byte: &u8| (32..127).contains(byte) || *byte == b'\t';
        let mut at = 0;
        for run in content.split(|byte| !printable(byte)) {
            if run.len() >= least {
                let prefix = if names { format!("{path}: ") } else { String::new() };
                let offset = match radix {
                    Some('d') => format!("{at:7} "),
                    Some('o') => format!("{at:7o} "),
                    Some('x') => format!("{at:7x} "),
                    _ => String::new(),
                };
                let text = String::from_utf8_lossy(run);
                if writeln!(out, "{prefix}{offset}{text}").is_err() {
                    return 1;
                }
            }
            at += run.len() + 1;
        }
    }
    status
}
