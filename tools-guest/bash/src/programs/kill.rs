//! `kill` as a program: the shell has one of its own.

use toolcell_shell::{Errno, System as _, signal_name, signal_number};

use super::World;

/// The highest number of a signal that has a name here.
const LAST: u8 = 31;

pub(super) fn run(words: &[String], mut world: World) -> i32 {
    let mut signal = 15;
    let mut words = words.iter().peekable();
    let usage = |text: &str| {
        eprintln!("kill: {text}\nTry 'kill --help' for more information.");
        1
    };
    while let Some(word) = words.next_if(|word| word.starts_with('-') && word.len() > 1) {
        let name = match word.as_str() {
            "--" => break,
            "-l" | "-L" | "--list" => return list(words.next().map(String::as_str)),
            "-s" | "--signal" => words.next().map(String::as_str).unwrap_or_default(),
            word => word.trim_start_matches('-'),
        };
        match signal_number(name) {
            Some(number) => signal = number,
            None => return usage(&format!("{name}: invalid signal")),
        }
    }
    if words.peek().is_none() {
        return usage("not enough arguments");
    }
    let mut status = 0;
    for word in words {
        let done = match word.parse::<u32>() {
            Ok(pid) => world.system.kill(pid, signal),
            Err(_) => return usage(&format!("failed to parse argument: '{word}'")),
        };
        if let Err(error) = done {
            let why = if error == Errno::NoProcess { "No such process" } else { error.message() };
            eprintln!("kill: ({word}) - {why}");
            status = 1;
        }
    }
    status
}

fn list(which: Option<&str>) -> i32 {
    match which {
        None => {
            let names: Vec<&str> = (1..=LAST).filter_map(signal_name).collect();
            println!("{}", names.join(" "));
            0
        }
        Some(word) => {
            let shown = match word.parse::<u8>() {
                // A status of 128 and more is that of a signal.
                Ok(number) => signal_name(number & 127).map(str::to_owned),
                Err(_) => signal_number(word).map(|number| number.to_string()),
            };
            match shown {
                Some(text) => {
                    println!("{text}");
                    0
                }
                None => {
                    eprintln!("kill: {word}: invalid signal");
                    1
                }
            }
        }
    }
}
