//! `tac`.

use std::io::Write;

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let args = match parse(words, "bs:", &["before:b", "separator=:s"]) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("tac: {error}\nTry 'tac --help' for more information.");
            return 1;
        }
    };
    let (mut before, mut separator, mut paths) = (false, b"\n".to_vec(), Vec::new());
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, _) if letter == "b" => before = true,
            Arg::Option(_, value) => separator = value.unwrap_or_default().into_bytes(),
        }
    }
    if separator.is_empty() {
        separator = vec![0];
    }
    if paths.is_empty() {
        paths.push("-".to_owned());
    }
    let mut status = 0;
    for path in &paths {
        let mut content = Vec::new();
        let read = open(path).and_then(|mut input| input.read_to_end(&mut content));
        if let Err(error) = read {
            eprintln!("tac: failed to open '{path}' for reading: {}", message(&error));
            status = 1;
            continue;
        }
        if reversed(&content, &separator, before, out).is_err() {
            return 1;
        }
    }
    status
}

fn reversed(
    content: &[u8],
    separator: &[u8],
    before: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let mut end = content.len();
    let found: Vec<usize> = memchr::memmem::find_iter(content, separator).collect();
    for at in found.into_iter().rev() {
        let cut = if before { at } else { at + separator.len() };
        out.write_all(&content[cut.min(end)..end])?;
        end = cut;
    }
    out.write_all(&content[..end])
}
