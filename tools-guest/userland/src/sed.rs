//! `sed`, GNU's.
//!
//! 1. [`script`] reads a script. 2. [`mod@run`] runs it over the lines of the input.

mod run;
mod script;

use std::io::Write;

use toolcell_program::message;

use run::{Settings, Stream};
use script::{Source, parse};

const OPTIONS: &[&str] = &[
    "-e, --expression=SCRIPT",
    "-f, --file=FILE",
    "-E, -r, --regexp-extended",
    "-i, --in-place[=SUFFIX]",
    "-l, --line-length=COLUMNS",
    "-n, --quiet, --silent",
    "-s, --separate",
    "-u, --unbuffered",
    "-z, --null-data",
    "    --posix, --sandbox, --follow-symlinks: taken, and nothing changes",
];

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let mut settings = Settings::default();
    let mut sources: Vec<Source> = Vec::new();
    let mut operands: Vec<String> = Vec::new();
    let mut words = words.iter();
    let fail = |text: &str| {
        eprintln!("sed: {text}");
        1
    };
    while let Some(word) = words.next() {
        if word == "--" {
            operands.extend(words.by_ref().cloned());
            break;
        }
        let (key, mut value) = match word.strip_prefix("--") {
            Some(long) => match long.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (long.to_owned(), None),
            },
            None if word.len() > 1 && word.starts_with('-') => {
                // A cluster: its letters one by one, the last with what is attached.
                let mut letters = word[1..].chars();
                let mut last = None;
                while let Some(letter) = letters.next() {
                    match letter {
                        'n' => settings.quiet = true,
                        'E' | 'r' => settings.extended = true,
                        's' => settings.separate = true,
                        'z' => settings.end = 0,
                        'u' => settings.unbuffered = true,
                        'i' | 'e' | 'f' | 'l' => {
                            let rest = letters.as_str().to_owned();
                            last = Some((letter.to_string(), (!rest.is_empty()).then_some(rest)));
                            break;
                        }
                        letter => {
                            return fail(&format!(
                                "invalid option -- '{letter}'\nUsage: sed [OPTION]... \
                                 {{script-only-if-no-other-script}} [input-file]..."
                            ));
                        }
                    }
                }
                match last {
                    Some(last) => last,
                    None => continue,
                }
            }
            None => {
                operands.push(word.clone());
                continue;
            }
        };
        let mut argument = || value.take().or_else(|| words.next().cloned());
        match key.as_str() {
            "quiet" | "silent" => settings.quiet = true,
            "regexp-extended" => settings.extended = true,
            "separate" => settings.separate = true,
            "null-data" | "zero-terminated" => settings.end = 0,
            "unbuffered" => settings.unbuffered = true,
            "posix" | "sandbox" | "follow-symlinks" | "binary" => {}
            "l" | "line-length" => match argument().map(|text| (text.parse(), text)) {
                Some((Ok(columns), _)) => settings.columns = columns,
                Some((Err(_), text)) => return fail(&format!("invalid line length: {text}")),
                None => return fail("option requires an argument -- 'l'"),
            },
            "i" | "in-place" => {
                settings.in_place = Some(value.take().unwrap_or_default());
                settings.separate = true;
            }
            "e" | "expression" => match argument() {
                Some(text) => sources.push(Source::expression(text, sources.len() + 1)),
                None => return fail("option requires an argument -- 'e'"),
            },
            "f" | "file" => {
                let Some(path) = argument() else {
                    return fail("option requires an argument -- 'f'");
                };
                let mut text = Vec::new();
                let read = toolcell_program::open(&path)
                    .and_then(|mut input| input.read_to_end(&mut text));
                if let Err(error) = read {
                    return fail(&format!("couldn't open file {path}: {}", message(&error)));
                }
                sources.push(Source::file(String::from_utf8_lossy(&text).into_owned(), &path));
            }
            key => {
                toolcell_program::help::answer("sed", word, OPTIONS);
                return fail(&format!(
                    "unrecognized option '--{key}'\nUsage: sed [OPTION]... \
                     {{script-only-if-no-other-script}} [input-file]..."
                ));
            }
        }
    }
    if sources.is_empty() {
        if operands.is_empty() {
            eprintln!("Usage: sed [OPTION]... {{script-only-if-no-other-script}} [input-file]...");
            return 1;
        }
        sources.push(Source::expression(operands.remove(0), 1));
    }
    let script = match parse(&sources, &mut settings) {
        Ok(script) => script,
        Err(error) => return fail(&error),
    };
    Stream::new(script, settings, operands, out).run()
}
