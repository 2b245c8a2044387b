//! `env`, and wrappers that change nothing in a cell.

use std::io::Write as _;

use toolcell_text::escape;

use super::{World, not_started};

/// The long options, each with its letter; the letters that take a value are `C`, `S` and `u`.
const LONG: &[(&str, char)] = &[
    ("block-signal", 'n'),
    ("chdir", 'C'),
    ("debug", 'v'),
    ("default-signal", 'n'),
    ("ignore-environment", 'i'),
    ("ignore-signal", 'n'),
    ("list-signal-handling", 'n'),
    ("null", '0'),
    ("split-string", 'S'),
    ("unset", 'u'),
];

pub(super) fn run(words: &[String], mut world: World) -> i32 {
    let mut words = words.to_owned();
    let (mut at, mut end, mut told) = (0, "\n", false);
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')).cloned() {
        at += 1;
        if word == "--" {
            break;
        }
        if word == "-" {
            world.env.clear();
            continue;
        }
        // What is left of the word, behind the letter that is looked at.
        let (letters, given) = match word.strip_prefix("--") {
            None => (word[1..].to_owned(), None),
            Some(long) => {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let mut fits = LONG.iter().filter(|(known, _)| known.starts_with(name));
                match (fits.next(), fits.next()) {
                    (Some((_, letter)), None) => (letter.to_string(), value),
                    _ => return wrong_option("env", &word),
                }
            }
        };
        let mut rest = letters.as_str();
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let mut value = String::new();
            if "CSu".contains(letter) {
                let next = words.get(at).cloned();
                value = match (&given, std::mem::take(&mut rest), next) {
                    (Some(given), ..) => given.clone(),
                    (None, "", Some(next)) => {
                        at += 1;
                        next
                    }
                    (None, "", None) => {
                        eprintln!("env: option requires an argument -- '{letter}'");
                        eprintln!("Try 'env --help' for more information.");
                        return 125;
                    }
                    (None, attached, _) => attached.to_owned(),
                };
            }
            match letter {
                '0' => end = "\0",
                'C' => world.cwd = world.absolute(&value),
                'S' => match split(&value, &world) {
                    Ok(split) => {
                        words.splice(..at, split);
                        at = 0;
                    }
                    Err(error) => {
                        eprintln!("env: {error}");
                        return 125;
                    }
                },
                'i' => world.env.clear(),
                'u' => world.env.retain(|(known, _)| *known != value),
                'v' => told = true,
                // Signals do what they do by default, as nothing here can have changed that.
                'n' => {}
                _ => return wrong_option("env", &word),
            }
        }
    }
    let mut words = words[at..].iter().peekable();
    while let Some(word) = words.next_if(|word| word.contains('=')) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        world.env.retain(|(known, _)| known != name);
        world.env.push((name.to_owned(), value.to_owned()));
    }
    let argv: Vec<String> = words.cloned().collect();
    if argv.is_empty() {
        let each = world.env.iter().map(|(name, value)| format!("{name}={value}{end}"));
        return match std::io::stdout().write_all(&escape::encode(&each.collect::<String>())) {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("env: write error: {}", toolcell_program::message(&error));
                125
            }
        };
    }
    if end == "\0" {
        eprintln!("env: cannot specify --null (-0) with command");
        eprintln!("Try 'env --help' for more information.");
        return 125;
    }
    if told {
        eprintln!("executing: {}", argv[0]);
        for (index, word) in argv.iter().enumerate() {
            eprintln!("   arg[{index}]= '{word}'");
        }
    }
    match world.run(&argv) {
        Ok(exit) => exit.status(),
        Err(error) => not_started("env", &argv[0], error),
    }
}

/// The words of a text by the rules of `-S`: quotes, escapes, `${NAME}`, and comments.
fn split(text: &str, world: &World) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(open)) if c == open => quote = None,
            (' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c', None) => words.extend(word.take()),
            ('#', None) if word.is_none() => break,
            ('$', None | Some('"')) => {
                let name: String = match chars.next() {
                    Some('{') => chars.by_ref().take_while(|c| *c != '}').collect(),
                    _ => {
                        return Err(format!(
                            "only ${{VARNAME}} expansion is supported, error at: ${}",
                            chars.collect::<String>()
                        ));
                    }
                };
                let value = world.env.iter().find(|(known, _)| *known == name);
                word.get_or_insert_default().push_str(value.map_or("", |(_, value)| value));
            }
            ('\\', Some('\'')) => match chars.peek() {
                Some('\\' | '\'') => word.get_or_insert_default().extend(chars.next()),
                _ => word.get_or_insert_default().push('\\'),
            },
            ('\\', _) => {
                let escaped = match chars.next() {
                    Some('c') if quote.is_none() => break,
                    Some('_') if quote.is_none() => {
                        words.extend(word.take());
                        continue;
                    }
                    Some('_') => ' ',
                    Some('f') => '\x0c',
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some('v') => '\x0b',
                    Some(c @ ('"' | '#' | '$' | '\'' | '\\')) => c,
                    Some(c) => return Err(format!("invalid sequence '\\{c}' in -S")),
                    None => return Err("invalid backslash at end of string in -S".to_owned()),
                };
                word.get_or_insert_default().push(escaped);
            }
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("no terminating quote in -S string".to_owned());
    }
    words.extend(word);
    Ok(words)
}

/// Says that there is no such option.
pub(super) fn wrong_option(name: &str, word: &str) -> i32 {
    toolcell_program::help::answer(name, word, &[]);
    match word.strip_prefix("--") {
        Some(_) => eprintln!("{name}: unrecognized option '{word}'"),
        None => {
            let letter = word.chars().nth(1).unwrap_or_default();
            eprintln!("{name}: invalid option -- '{letter}'");
        }
    }
    eprintln!("Try '{name} --help' for more information.");
    125
}

/// Runs a command; what the wrapper asks for (a priority, a buffer, no hang-up) has no meaning
/// here. Its own options are skipped.
pub(super) fn plainly(name: &str, words: &[String], mut world: World) -> i32 {
    let mut words = words.iter().peekable();
    let mut mode = false;
    let mut forks = false;
    while let Some(word) = words.next_if(|word| word.starts_with('-')) {
        if word == "--" {
            break;
        }
        if name == "setsid" {
            // There is neither a session to leave nor a terminal to take.
            match word.as_str() {
                "-f" | "--fork" => forks = true,
                "-c" | "--ctty" | "-w" | "--wait" => {}
                word => {
                    wrong_option("setsid", word);
                    return 1;
                }
            }
            continue;
        }
        mode |= name == "stdbuf";
        let takes = matches!(word.as_str(), "-n" | "-o" | "-i" | "-e");
        if takes && name != "nohup" {
            let value = words.next();
            let number = value.is_some_and(|value| value.parse::<i32>().is_ok());
            if name == "nice" && !number {
                let value = value.map_or("", String::as_str);
                eprintln!("nice: invalid adjustment ‘{value}’");
                return 125;
            }
        }
    }
    let argv: Vec<String> = words.cloned().collect();
    if name == "stdbuf" && !argv.is_empty() && !mode {
        eprintln!("stdbuf: you must specify a buffering mode option");
        eprintln!("Try 'stdbuf --help' for more information.");
        return 125;
    }
    if argv.is_empty() {
        if name == "setsid" {
            eprintln!("setsid: no command specified\nTry 'setsid --help' for more information.");
            return 1;
        }
        if name == "nice" {
            println!("0");
            return 0;
        }
        eprintln!("{name}: missing operand\nTry '{name} --help' for more information.");
        return 125;
    }
    if forks {
        return world.start(&argv).map_or_else(|error| not_started(name, &argv[0], error), |_| 0);
    }
    match world.run(&argv) {
        Ok(exit) => exit.status(),
        Err(error) => not_started(name, &argv[0], error),
    }
}
