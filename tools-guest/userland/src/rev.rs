//! `rev`.

use std::io::{BufRead as _, BufReader, Write};

use toolcell_program::{message, open};
use toolcell_text::escape;

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let mut paths: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Some(option) = paths.iter().find(|word| word.len() > 1 && word.starts_with('-')) {
        toolcell_program::help::answer("rev", option, &[]);
        match option.strip_prefix("--") {
            Some(_) => eprintln!("rev: unrecognized option '{option}'"),
            None => eprintln!("rev: invalid option -- '{}'", &option[1..]),
        }
        eprintln!("Try 'rev --help' for more information.");
        return 1;
    }
    if paths.is_empty() {
        paths.push("-");
    }
    let of_bytes = escape::is_of_bytes(|name| std::env::var(name).ok());
    let mut status = 0;
    for path in paths {
        let mut input = match open(path) {
            Ok(input) => BufReader::new(input),
            Err(error) => {
                eprintln!("rev: cannot open {path}: {}", message(&error));
                status = 1;
                continue;
            }
        };
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    eprintln!("rev: {path}: {}", message(&error));
                    status = 1;
                    break;
                }
            }
            let end = if line.pop_if(|end| *end == b'\n').is_some() { "\n" } else { "" };
            if of_bytes {
                line.reverse();
            } else {
                let reversed: String = escape::decode(&line).chars().rev().collect();
                line = escape::encode(&reversed).into_owned();
            }
            let written = out.write_all(&line);
            if written.and_then(|()| out.write_all(end.as_bytes())).is_err() {
                return 1;
            }
        }
    }
    status
}
