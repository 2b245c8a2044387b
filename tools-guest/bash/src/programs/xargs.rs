//! `xargs`.

use std::io::Read;

use toolcell_shell::Exit;

use super::{World, not_started};

/// Characters of one command line, as GNU's default.
const MAX_CHARS: usize = 131_072;

/// Bytes of input.
const MAX_INPUT: u64 = 256 << 20;

#[derive(Debug, Default)]
struct Options {
    delimiter: Option<u8>,
    replace: Option<String>,
    most: Option<usize>,
    lines: Option<usize>,
    skip_empty: bool,
    trace: bool,
    chars: Option<usize>,
    end: Option<String>,
    file: Option<String>,
}

pub(super) fn run(words: &[String], mut world: World) -> i32 {
    let (options, mut command) = match parse(words) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("xargs: {error}");
            return 1;
        }
    };
    if command.is_empty() {
        command.push("echo".to_owned());
    }
    let mut input = Vec::new();
    let read = match &options.file {
        Some(path) => std::fs::File::open(world.absolute(path))
            .and_then(|file| file.take(MAX_INPUT).read_to_end(&mut input)),
        None => std::io::stdin().lock().take(MAX_INPUT).read_to_end(&mut input),
    };
    if let Err(error) = read {
        eprintln!("xargs: {error}");
        return 1;
    }
    let items = match items(&input, &options) {
        Ok(items) => items,
        Err(error) => {
            eprintln!("xargs: {error}");
            return 1;
        }
    };
    // What a command reads is not the list.
    world.fds.retain(|(number, _)| *number != 0);
    let mut status = 0;
    let mut call = |argv: Vec<String>| -> Option<i32> {
        if options.trace {
            eprintln!("{}", argv.join(" "));
        }
        match world.run(&argv) {
            Ok(Exit::Status(0)) => {}
            Ok(Exit::Status(255)) => {
                eprintln!("xargs: {}: exited with status 255; aborting", argv[0]);
                return Some(124);
            }
            Ok(Exit::Status(_)) => status = 123,
            Ok(Exit::Signal(signal)) => {
                eprintln!("xargs: {}: terminated by signal {signal}", argv[0]);
                return Some(125);
            }
            Err(error) => return Some(not_started("xargs", &argv[0], error)),
        }
        None
    };
    if let Some(mark) = &options.replace {
        for (item, _) in &items {
            let mut argv = command.clone();
            // As in GNU's, not in the name of the program.
            for word in argv.iter_mut().skip(1) {
                *word = word.replace(mark.as_str(), item);
            }
            if let Some(status) = call(argv) {
                return status;
            }
        }
        return status;
    }
    if items.is_empty() {
        if !options.skip_empty
            && let Some(status) = call(command)
        {
            return status;
        }
        return status;
    }
    let own: usize = command.iter().map(|word| word.len() + 1).sum();
    let most_chars = options.chars.unwrap_or(MAX_CHARS);
    let mut at = 0;
    while at < items.len() {
        let mut argv = command.clone();
        let (mut chars, mut count, mut lines) = (own, 0, 0);
        while let Some((item, ends_line)) = items.get(at) {
            let full = options.most.is_some_and(|most| count >= most)
                || options.lines.is_some_and(|most| lines >= most)
                || count > 0 && chars + item.len() + 1 > most_chars;
            if full {
                break;
            }
            chars += item.len() + 1;
            count += 1;
            lines += usize::from(*ends_line);
            argv.push(item.clone());
            at += 1;
        }
        if let Some(status) = call(argv) {
            return status;
        }
    }
    status
}

fn parse(words: &[String]) -> Result<(Options, Vec<String>), String> {
    let mut options = Options::default();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next_if(|word| word.len() > 1 && word.starts_with('-')) {
        if word == "--" {
            break;
        }
        let (name, mut value) = match word.strip_prefix("--") {
            Some(long) => match long.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (long.to_owned(), None),
            },
            None => {
                let letter: String = word.chars().skip(1).take(1).collect();
                let rest: String = word.chars().skip(2).collect();
                (letter, (!rest.is_empty()).then_some(rest))
            }
        };
        let takes = matches!(
            name.as_str(),
            "I" | "n"
                | "max-args"
                | "P"
                | "max-procs"
                | "d"
                | "delimiter"
                | "L"
                | "s"
                | "max-chars"
                | "a"
                | "arg-file"
                | "E"
        );
        if takes && value.is_none() {
            value = words.next().cloned();
        }
        let text = value.clone().unwrap_or_default();
        let number = || text.parse::<usize>().map_err(|_| format!("invalid number \"{text}\""));
        match name.as_str() {
            "0" | "null" => options.delimiter = Some(0),
            "d" | "delimiter" => options.delimiter = Some(delimiter(&text)?),
            "I" => options.replace = Some(text),
            "i" | "replace" => options.replace = Some(value.unwrap_or_else(|| "{}".to_owned())),
            "n" | "max-args" => options.most = Some(number()?.max(1)),
            "L" | "max-lines" => options.lines = Some(number()?.max(1)),
            "l" => options.lines = Some(text.parse().unwrap_or(1)),
            "P" | "max-procs" => {
                number()?;
            }
            "s" | "max-chars" => options.chars = Some(number()?),
            "r" | "no-run-if-empty" => options.skip_empty = true,
            "t" | "verbose" => options.trace = true,
            "a" | "arg-file" => options.file = Some(text),
            "E" => options.end = Some(text),
            "x" | "exit" | "o" | "open-tty" => {}
            name => return Err(format!("invalid option -- '{name}'")),
        }
        // Letters without a value may stand together: `-0r`.
        if !takes
            && word.len() > 2
            && !word.starts_with("--")
            && matches!(name.as_str(), "0" | "r" | "t")
        {
            for letter in word.chars().skip(2) {
                match letter {
                    '0' => options.delimiter = Some(0),
                    'r' => options.skip_empty = true,
                    't' => options.trace = true,
                    'n' | 'I' | 'P' | 'L' => {
                        let text = words.next().cloned().unwrap_or_default();
                        match letter {
                            'I' => options.replace = Some(text),
                            'n' => options.most = text.parse().ok(),
                            'L' => options.lines = text.parse().ok(),
                            _ => {}
                        }
                    }
                    letter => return Err(format!("invalid option -- '{letter}'")),
                }
            }
        }
    }
    Ok((options, words.cloned().collect()))
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        b"\\n" => Ok(b'\n'),
        b"\\t" => Ok(b'\t'),
        b"\\0" => Ok(0),
        _ => Err(format!("Invalid input delimiter specification {text}")),
    }
}

/// The items of the input, each with whether it is the last of its line.
fn items(input: &[u8], options: &Options) -> Result<Vec<(String, bool)>, String> {
    let text = toolcell_text::escape::decode;
    if let Some(delimiter) = options.delimiter {
        let input = input.strip_suffix(&[delimiter]).unwrap_or(input);
        if input.is_empty() {
            return Ok(Vec::new());
        }
        return Ok(input.split(|byte| *byte == delimiter).map(|item| (text(item), true)).collect());
    }
    let mut items: Vec<(String, bool)> = Vec::new();
    for line in input.split(|byte| *byte == b'\n') {
        if options.replace.is_some() {
            let line = text(line);
            let line = line.trim_start_matches([' ', '\t']);
            if !line.is_empty() {
                items.push((unquote(line)?, true));
            }
            continue;
        }
        let before = items.len();
        let mut word: Option<Vec<u8>> = None;
        let mut bytes = line.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b' ' | b'\t' => items.extend(word.take().map(|word| (text(&word), false))),
                b'\'' | b'"' => {
                    let word = word.get_or_insert_default();
                    loop {
                        match bytes.next() {
                            Some(other) if other == byte => break,
                            Some(other) => word.push(*other),
                            None => {
                                let kind = if *byte == b'"' { "double" } else { "single" };
                                return Err(format!(
                                    "unmatched {kind} quote; by default quotes are special to xargs unless you use the -0 option"
                                ));
                            }
                        }
                    }
                }
                b'\\' => word.get_or_insert_default().extend(bytes.next()),
                byte => word.get_or_insert_default().push(*byte),
            }
        }
        items.extend(word.map(|word| (text(&word), false)));
        if items.len() > before
            && let Some(last) = items.last_mut()
        {
            last.1 = true;
        }
        if let Some(end) = &options.end
            && let Some(at) = items.iter().position(|(item, _)| item == end)
        {
            items.truncate(at);
            break;
        }
    }
    Ok(items)
}

fn unquote(line: &str) -> Result<String, String> {
    let mut result = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => result.extend(chars.next()),
            '\'' | '"' => loop {
                match chars.next() {
                    Some(other) if other == c => break,
                    Some(other) => result.push(other),
                    None => return Err("unmatched quote".to_owned()),
                }
            },
            c => result.push(c),
        }
    }
    Ok(result)
}
