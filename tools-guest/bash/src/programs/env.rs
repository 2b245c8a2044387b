//! `env`, and wrappers that change nothing in a cell.

use super::{World, not_started};

pub(super) fn run(words: &[String], mut world: World) -> i32 {
    let mut words = words.iter().peekable();
    let mut end = "\n";
    while let Some(word) = words.next_if(|word| word.starts_with('-')) {
        match word.as_str() {
            "-" | "-i" | "--ignore-environment" => world.env.clear(),
            "-0" | "--null" => end = "\0",
            "-u" | "--unset" => {
                let name = words.next().cloned().unwrap_or_default();
                world.env.retain(|(known, _)| *known != name);
            }
            "-C" | "--chdir" => {
                let directory = words.next().cloned().unwrap_or_default();
                world.cwd = world.absolute(&directory);
            }
            "-S" | "--split-string" => {
                let text = words.next().cloned().unwrap_or_default();
                let mut argv: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                argv.extend(words.cloned());
                return run(&argv, world);
            }
            "--" => break,
            word if word.starts_with("-u") => {
                world.env.retain(|(known, _)| known != &word[2..]);
            }
            word if word.starts_with("--unset=") => {
                world.env.retain(|(known, _)| known != &word[8..]);
            }
            word => {
                return wrong_option("env", word);
            }
        }
    }
    while let Some(word) = words.next_if(|word| word.contains('=')) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        world.env.retain(|(known, _)| known != name);
        world.env.push((name.to_owned(), value.to_owned()));
    }
    let argv: Vec<String> = words.cloned().collect();
    if argv.is_empty() {
        for (name, value) in &world.env {
            print!("{name}={value}{end}");
        }
        return 0;
    }
    match world.run(&argv) {
        Ok(exit) => exit.status(),
        Err(error) => not_started("env", &argv[0], error),
    }
}

/// Says that there is no such option.
pub(super) fn wrong_option(name: &str, word: &str) -> i32 {
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
    while let Some(word) = words.next_if(|word| word.starts_with('-')) {
        if word == "--" {
            break;
        }
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
    if argv.is_empty() {
        if name == "nice" {
            println!("0");
            return 0;
        }
        eprintln!("{name}: missing operand\nTry '{name} --help' for more information.");
        return 125;
    }
    match world.run(&argv) {
        Ok(exit) => exit.status(),
        Err(error) => not_started(name, &argv[0], error),
    }
}
