//! `rev`.

use std::io::Write;

use toolcell_program::{message, open};
use toolcell_text::escape;

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let mut paths: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Some(option) = paths.iter().find(|word| word.len() > 1 && word.starts_with('-')) {
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
    let mut status = 0;
    for path in paths {
        let mut content = Vec::new();
        if let Err(error) = open(path).and_then(|mut input| input.read_to_end(&mut content)) {
            eprintln!("rev: cannot open {path}: {}", message(&error));
            status = 1;
            continue;
        }
        let text = escape::decode(&content);
        for line in text.split_inclusive('\n') {
            let (body, end) = match line.strip_suffix('\n') {
                Some(body) => (body, "\n"),
                None => (line, ""),
            };
            let reversed: String = body.chars().rev().collect();
            let written = out.write_all(&escape::encode(&reversed));
            if written.and_then(|()| out.write_all(end.as_bytes())).is_err() {
                return 1;
            }
        }
    }
    status
}
