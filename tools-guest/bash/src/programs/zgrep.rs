//! `zgrep`: `grep` in files that may be packed.

use toolcell_shell::Exit;

use super::{World, not_started};

/// What is run for a file: `$1` is its name, the rest is for `grep`.
const SCRIPT: &str = r#"file=$1; shift; gzip -cdfq -- "$file" | grep "$@""#;

/// The letters of `grep` that take a value.
const TAKES: &str = "ABCDdefmX";

pub(super) fn run(name: &str, words: &[String], mut world: World) -> i32 {
    let mut options: Vec<String> = Vec::new();
    match name {
        "zegrep" => options.push("-E".to_owned()),
        "zfgrep" => options.push("-F".to_owned()),
        _ => {}
    }
    let (mut has_pattern, mut names) = (false, None);
    let mut operands: Vec<String> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            operands.extend(words.by_ref().cloned());
            break;
        }
        if word.len() < 2 || !word.starts_with('-') {
            operands.push(word.clone());
            continue;
        }
        options.push(word.clone());
        if let Some(long) = word.strip_prefix("--") {
            has_pattern |= long.starts_with("regexp") || long.starts_with("file");
            match long {
                "with-filename" => names = Some(true),
                "no-filename" => names = Some(false),
                _ => {}
            }
            continue;
        }
        let letters = &word[1..];
        let taking = letters.find(|letter| TAKES.contains(letter));
        for letter in letters[..taking.unwrap_or(letters.len())].chars() {
            match letter {
                'H' => names = Some(true),
                'h' => names = Some(false),
                _ => {}
            }
        }
        if let Some(at) = taking {
            has_pattern |= matches!(letters.as_bytes()[at], b'e' | b'f');
            if at + 1 == letters.len() {
                options.extend(words.next().cloned());
            }
        }
    }
    if !has_pattern {
        if operands.is_empty() {
            eprintln!("Usage: {name} [OPTION]... [-e] PATTERN [FILE]...");
            eprintln!("Look for instances of PATTERN in the input FILEs, using their");
            eprintln!("uncompressed contents if they are compressed.");
            return 2;
        }
        options.extend(["-e".to_owned(), operands.remove(0)]);
    }
    if operands.is_empty() {
        operands.push("-".to_owned());
    }
    if names.unwrap_or(operands.len() > 1) {
        options.push("-H".to_owned());
    }
    // Found in none is 1, as of grep; trouble with one is 2 for all.
    let mut status = 1;
    for file in operands {
        let argv = ["bash", "-c", SCRIPT, name, &file].map(str::to_owned).into_iter();
        let label = if file == "-" { "(standard input)" } else { &file };
        let label = format!("--label={label}");
        let argv: Vec<String> = argv.chain([label]).chain(options.iter().cloned()).collect();
        match world.run(&argv) {
            Ok(Exit::Status(0)) if status == 1 => status = 0,
            Ok(Exit::Status(0 | 1)) => {}
            Ok(Exit::Status(_) | Exit::Signal(_)) => status = 2,
            Err(error) => return not_started(name, "bash", error),
        }
    }
    status
}
