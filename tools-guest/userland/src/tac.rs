//! `tac`.

use std::io::Write;
use std::ops::Range;

use regex::bytes::Regex;
use toolcell_posix::{Syntax, translate};
use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let args = match parse(words, "brs:", &["before:b", "regex:r", "separator=:s"]) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("tac: {error}\nTry 'tac --help' for more information.");
            return 1;
        }
    };
    let (mut before, mut separator, mut paths) = (false, "\n".to_owned(), Vec::new());
    let mut is_regex = false;
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, _) if letter == "b" => before = true,
            Arg::Option(letter, _) if letter == "r" => is_regex = true,
            Arg::Option(_, value) => separator = value.unwrap_or_default(),
        }
    }
    let separator = match separator_of(&separator, is_regex) {
        Ok(separator) => separator,
        Err(error) => {
            eprintln!("tac: {error}");
            return 1;
        }
    };
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

/// What records end with.
enum Separator {
    Text(Vec<u8>),
    Regex(Regex),
}

fn separator_of(text: &str, is_regex: bool) -> Result<Separator, String> {
    Ok(match (is_regex, text) {
        (true, "") => return Err("separator cannot be empty".to_owned()),
        (true, text) => {
            let translated = translate(text, Syntax::Emacs, false)?;
            let anchored = format!(r"\A(?:{translated})");
            Separator::Regex(Regex::new(&anchored).map_err(|error| error.to_string())?)
        }
        // As with GNU's, an empty one is the byte 0.
        (false, "") => Separator::Text(vec![0]),
        (false, text) => Separator::Text(text.as_bytes().to_vec()),
    })
}

impl Separator {
    /// Where they are, from the end on: as with GNU's, each is looked for backwards, so that `,*`
    /// finds one comma at a time.
    fn find(&self, content: &[u8]) -> Vec<Range<usize>> {
        match self {
            Separator::Text(text) => {
                let starts = memchr::memmem::find_iter(content, text);
                let mut found: Vec<_> = starts.map(|at| at..at + text.len()).collect();
                found.reverse();
                found
            }
            Separator::Regex(regex) => {
                let (mut found, mut end) = (Vec::new(), content.len());
                for at in (0..content.len()).rev() {
                    let matched = regex.find(&content[at..end]).map(|matched| matched.end());
                    if let Some(length) = matched.filter(|length| *length > 0) {
                        found.push(at..at + length);
                        end = at;
                    }
                }
                found
            }
        }
    }
}

fn reversed(
    content: &[u8],
    separator: &Separator,
    before: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let mut end = content.len();
    for found in separator.find(content) {
        let cut = if before { found.start } else { found.end };
        out.write_all(&content[cut.min(end)..end])?;
        end = cut;
    }
    out.write_all(&content[..end])
}
