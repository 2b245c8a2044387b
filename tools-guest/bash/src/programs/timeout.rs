//! `timeout`.

use std::time::{Duration, Instant};

use toolcell_shell::{Disposition, Exit, System as _};

use super::env::wrong_option;
use super::{World, not_started};
use crate::cell::running;

/// How long is slept between two looks at the command.
const LOOK: Duration = Duration::from_millis(5);

const KILL: u8 = 9;

/// Signals that are given on to the command: SIGHUP, SIGINT, SIGQUIT and SIGTERM.
const GIVEN_ON: &[u8] = &[1, 2, 3, 15];

/// The long options, each with its letter; `k` and `s` take a value.
const LONG: &[(&str, char)] = &[
    ("foreground", 'f'),
    ("kill-after", 'k'),
    ("preserve-status", 'p'),
    ("signal", 's'),
    ("verbose", 'v'),
];

const HINT: &str = "Try 'timeout --help' for more information.";

pub(super) fn run(words: &[String], mut world: World) -> i32 {
    let mut words = words.iter().peekable();
    let (mut signal, mut kill_after, mut preserve) = (15, None, false);
    let (mut verbose, mut foreground) = (false, false);
    while let Some(word) = words.next_if(|word| word.starts_with('-') && word.len() > 1) {
        if word == "--" {
            break;
        }
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
                    _ => return wrong_option("timeout", word),
                }
            }
        };
        let mut rest = letters.as_str();
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let mut value = String::new();
            if "ks".contains(letter) {
                value = match (&given, std::mem::take(&mut rest)) {
                    (Some(given), _) => given.clone(),
                    (None, "") => words.next().cloned().unwrap_or_default(),
                    (None, attached) => attached.to_owned(),
                };
            }
            match letter {
                's' => match toolcell_shell::signal_number(&value) {
                    Some(number) => signal = number,
                    None => {
                        eprintln!("timeout: ‘{value}’: invalid signal\n{HINT}");
                        return 125;
                    }
                },
                'k' => match duration(&value) {
                    Some(after) => kill_after = Some(after),
                    None => {
                        eprintln!("timeout: invalid time interval ‘{value}’\n{HINT}");
                        return 125;
                    }
                },
                'p' => preserve = true,
                'v' => verbose = true,
                'f' => foreground = true,
                _ => return wrong_option("timeout", word),
            }
        }
    }
    let Some(limit) = words.next() else {
        eprintln!("{HINT}");
        return 125;
    };
    let Some(limit) = duration(limit) else {
        eprintln!("timeout: invalid time interval ‘{limit}’\n{HINT}");
        return 125;
    };
    let argv: Vec<String> = words.cloned().collect();
    if argv.is_empty() {
        eprintln!("{HINT}");
        return 125;
    }
    for signal in GIVEN_ON {
        world.system.handle(*signal, Disposition::Keep);
    }
    let pid = match world.start(&argv) {
        Ok(pid) => pid,
        Err(error) => return not_started("timeout", &argv[0], error),
    };
    let send = |world: &mut World, signal| match foreground {
        true => drop(world.system.kill(pid, signal)),
        false => send_to_all(world, pid, signal),
    };
    let started = Instant::now();
    let mut told = None;
    loop {
        if let Ok(Some(exit)) = world.system.wait(pid, false) {
            return match (exit, told) {
                // GNU's sends SIGKILL to itself, too, and ends by the signal that ends a command.
                (Exit::Signal(KILL), Some(_)) => end_by(&mut world, KILL),
                (Exit::Signal(signal), None) => end_by(&mut world, signal),
                (_, Some(_)) if !preserve => 124,
                (exit, _) => exit.status(),
            };
        }
        let now = Instant::now();
        match told {
            None if !limit.is_zero() && now - started >= limit => {
                tell(verbose, signal, &argv);
                send(&mut world, signal);
                told = Some(now);
            }
            Some(at) if kill_after.is_some_and(|after| now - at >= after) => {
                tell(verbose, KILL, &argv);
                send(&mut world, KILL);
            }
            _ => {}
        }
        for signal in world.system.signals() {
            send(&mut world, signal);
        }
        std::thread::sleep(LOOK);
    }
}

/// Sends a signal to the command and to everything that it has started, as GNU's does by a process
/// group: what goes on would keep a pipe open that somebody reads to its end.
fn send_to_all(world: &mut World, pid: u32, signal: u8) {
    let running = running();
    let mut all = vec![pid];
    // A child's number is above its parent's.
    for process in &running {
        if all.contains(&process.parent) {
            all.push(process.pid);
        }
    }
    for pid in all {
        // One that has ended meanwhile is no error.
        let _ = world.system.kill(pid, signal);
    }
}

/// `-v` says what is sent.
fn tell(verbose: bool, signal: u8, argv: &[String]) {
    if verbose {
        let name = toolcell_shell::signal_name(signal).unwrap_or_default();
        eprintln!("timeout: sending signal {name} to command ‘{}’", argv[0]);
    }
}

/// Ends by a signal. The status is for whom the signal does not end.
fn end_by(world: &mut World, signal: u8) -> i32 {
    let own = world.system.pid();
    let _ = world.system.kill(own, signal);
    Exit::Signal(signal).status()
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) => (number, text.chars().last()?),
        None => (text, 's'),
    };
    let factor = match unit {
        'm' => 60.0,
        'h' => 3_600.0,
        'd' => 86_400.0,
        _ => 1.0,
    };
    let seconds = number.parse::<f64>().ok().filter(|number| *number >= 0.0)? * factor;
    Duration::try_from_secs_f64(seconds).ok()
}
