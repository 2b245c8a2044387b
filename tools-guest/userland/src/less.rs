//! `less` and `more` where nobody looks at a screen: what they show, all at once.

use std::io::{self, Write};

use toolcell_program::{help, message};

pub(crate) fn run(name: &str, words: &[String], out: &mut impl Write) -> i32 {
    for word in words {
        help::answer(name, word, &[]);
    }
    let mut status = 0;
    // Options are about the screen, as are commands that begin with `+`.
    let paths = words
        .iter()
        .filter(|word| word.as_str() == "-" || !word.starts_with('-') && !word.starts_with('+'));
    let mut paths: Vec<&str> = paths.map(String::as_str).collect();
    if paths.is_empty() {
        paths.push("-");
    }
    for path in paths {
        let copied = toolcell_program::open(path).and_then(|mut input| io::copy(&mut input, out));
        if let Err(error) = copied {
            match name {
                "more" => eprintln!("more: cannot open {path}: {}", message(&error)),
                _ => eprintln!("{path}: {}", message(&error)),
            }
            status = 1;
        }
    }
    status
}
