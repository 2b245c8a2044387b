//! Those who look for processes by name: `pgrep`, `pkill` and `killall`.

use std::time::Duration;

use regex::{Regex, RegexBuilder};
use toolcell_program::args::{Arg, parse as arguments};
use toolcell_shell::{System as _, signal_name, signal_number};

use super::World;
use crate::cell::{Running, running};

/// How often `killall -w` looks whether all are gone.
const AGAIN: Duration = Duration::from_millis(10);

/// Whom all processes belong to.
const OWNER: [&str; 2] = ["agent", "1000"];

/// Takes a signal out of a command line: `-9`, `-KILL`, `-SIGTERM`.
fn take_signal(words: &[String]) -> (Vec<String>, Option<u8>) {
    let signal = |word: &String| word.strip_prefix('-').and_then(signal_number);
    let at = words.iter().position(|word| signal(word).is_some());
    let mut words = words.to_owned();
    let found = at.and_then(|at| signal(&words.remove(at)));
    (words, found)
}

/// Says what is wrong with a command line.
fn wrong(program: &str, text: &str) -> i32 {
    eprintln!("{program}: {text}\nTry `{program} --help' for more information.");
    2
}

#[derive(Debug, Default)]
struct Query {
    pattern: Option<Regex>,
    /// The whole command line is looked at, not the name alone.
    full: bool,
    invert: bool,
    parents: Option<Vec<u32>>,
    /// Whether a user who is asked for is the one that there is.
    user: Option<bool>,
    /// Only what is older than this.
    older: Option<Duration>,
    newest: bool,
    oldest: bool,
}

impl Query {
    fn find(&self, own: u32) -> Vec<Running> {
        let fits = |process: &Running| {
            let text = match self.full {
                true => process.command_line(),
                false => process.name().to_owned(),
            };
            self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&text))
                && self.parents.as_ref().is_none_or(|all| all.contains(&process.parent))
                && self.user.unwrap_or(true)
                && self.older.is_none_or(|age| process.age >= age)
        };
        let mut found: Vec<Running> = running()
            .into_iter()
            .filter(|process| process.pid != own && fits(process) != self.invert)
            .collect();
        if self.newest {
            found = found.pop().into_iter().collect();
        } else if self.oldest {
            found.truncate(1);
        }
        found
    }
}

const LONG: &[&str] = &[
    "count:c",
    "delimiter=:d",
    "echo:e",
    "euid=:u",
    "exact:x",
    "full:f",
    "ignore-ancestors:A",
    "ignore-case:i",
    "inverse:v",
    "lightweight:w",
    "list-full:a",
    "list-name:l",
    "newest:n",
    "older=:O",
    "oldest:o",
    "parent=:P",
    "runstates=:r",
    "signal=:signal",
    "terminal=:t",
    "uid=:u",
];

/// `pgrep` and `pkill`.
pub(super) fn grep(program: &str, words: &[String], mut world: World) -> i32 {
    let (words, given) =
        if program == "pkill" { take_signal(words) } else { (words.to_owned(), None) };
    let mut signal = given.unwrap_or(15);
    let args = match arguments(&words, "Aacd:efiLlnoO:P:qr:s:t:u:U:vwx", LONG) {
        Ok(args) => args,
        Err(error) => return wrong(program, &error),
    };
    let mut query = Query::default();
    let (mut patterns, mut exact, mut any_case, mut criteria) = (Vec::new(), false, false, false);
    let (mut count, mut names, mut whole, mut echo) = (false, false, false, false);
    let mut delimiter = "\n".to_owned();
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(pattern) => {
                patterns.push(pattern);
                continue;
            }
            Arg::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        criteria |= matches!(letter.as_str(), "O" | "P" | "r" | "t" | "u" | "U");
        match letter.as_str() {
            "a" => whole = true,
            "c" => count = true,
            "d" => delimiter = value.replace("\\n", "\n").replace("\\t", "\t"),
            "e" => echo = true,
            "f" => query.full = true,
            "i" => any_case = true,
            "l" => names = true,
            "n" => query.newest = true,
            "o" => query.oldest = true,
            "O" => match value.parse() {
                Ok(seconds) => query.older = Some(Duration::from_secs(seconds)),
                Err(_) => return wrong(program, &format!("not a number: {value}")),
            },
            "P" => {
                let parents: Result<Vec<u32>, _> = value.split(',').map(str::parse).collect();
                match parents {
                    Ok(parents) => query.parents = Some(parents),
                    Err(_) => return wrong(program, &format!("not a number: {value}")),
                }
            }
            "signal" => match signal_number(&value) {
                Some(number) => signal = number,
                None => return wrong(program, &format!("Unknown signal \"{value}\".")),
            },
            "u" | "U" => {
                let mut users = value.split(',');
                query.user = Some(users.any(|user| OWNER.contains(&user)));
            }
            "v" => query.invert = true,
            "x" => exact = true,
            // All sleep, none has a terminal, and each has one thread.
            "A" | "L" | "w" => {}
            "r" => query.user = Some(query.user.unwrap_or(true) && value.contains('S')),
            "t" => query.user = Some(query.user.unwrap_or(true) && value.contains('?')),
            letter => return wrong(program, &format!("option '{letter}' is not supported")),
        }
    }
    if patterns.len() > 1 {
        return wrong(program, "only one pattern can be provided");
    }
    if let Some(pattern) = patterns.first() {
        let text = if exact { format!("^(?:{pattern})$") } else { pattern.clone() };
        match RegexBuilder::new(&text).case_insensitive(any_case).build() {
            Ok(pattern) => query.pattern = Some(pattern),
            Err(_) => return wrong(program, &format!("invalid pattern '{pattern}'")),
        }
    } else if !criteria {
        return wrong(program, "no matching criteria specified");
    }
    let found = query.find(world.system.pid());
    if program == "pkill" {
        for process in &found {
            // One that ended meanwhile is gone, as was wanted.
            let _ = world.system.kill(process.pid, signal);
            if echo {
                println!("{} killed (pid {})", process.name(), process.pid);
            }
        }
    }
    if count {
        println!("{}", found.len());
    } else if program == "pgrep" && !found.is_empty() {
        let shown: Vec<String> = found
            .iter()
            .map(|process| match (whole, names) {
                (true, _) => format!("{} {}", process.pid, process.command_line()),
                (false, true) => format!("{} {}", process.pid, process.name()),
                (false, false) => process.pid.to_string(),
            })
            .collect();
        println!("{}", shown.join(&delimiter));
    }
    i32::from(found.is_empty())
}

const KILLALL: &[&str] = &[
    "exact:e",
    "ignore-case:I",
    "list:l",
    "older-than=:o",
    "quiet:q",
    "regexp:r",
    "signal=:s",
    "user=:u",
    "verbose:v",
    "wait:w",
];

pub(super) fn killall(words: &[String], mut world: World) -> i32 {
    let (words, given) = take_signal(words);
    let mut signal = given.unwrap_or(15);
    let args = match arguments(&words, "eIlo:qrs:u:vw", KILLALL) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("killall: {error}");
            return 1;
        }
    };
    let (mut any_case, mut quiet, mut by_regex, mut verbose, mut wait) =
        (false, false, false, false, false);
    let mut query = Query::default();
    let mut names = Vec::new();
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(name) => {
                names.push(name);
                continue;
            }
            Arg::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        match letter.as_str() {
            "I" => any_case = true,
            "l" => {
                let names: Vec<&str> = (1..=31).filter_map(signal_name).collect();
                println!("{}", names.join(" "));
                return 0;
            }
            "o" => match age(&value) {
                Some(age) => query.older = Some(age),
                None => {
                    eprintln!("killall: Invalid time format: {value}");
                    return 1;
                }
            },
            "q" => quiet = true,
            "r" => by_regex = true,
            "s" => match signal_number(&value) {
                Some(number) => signal = number,
                None => {
                    eprintln!("{value}: unknown signal; killall -l lists signals.");
                    return 1;
                }
            },
            "u" => query.user = Some(OWNER.contains(&value.as_str())),
            "v" => verbose = true,
            "w" => wait = true,
            _ => {}
        }
    }
    if names.is_empty() && query.user.is_none() {
        eprintln!("Usage: killall [OPTION]... [--] NAME...");
        return 1;
    }
    let own = world.system.pid();
    let mut status = 0;
    let mut killed = Vec::new();
    let all = names.is_empty().then(|| ".*".to_owned());
    for name in names.iter().chain(&all) {
        let text = match by_regex || all.is_some() {
            true => name.clone(),
            false => format!("^{}$", regex::escape(name)),
        };
        let Ok(pattern) = RegexBuilder::new(&text).case_insensitive(any_case).build() else {
            eprintln!("killall: Bad regular expression: {name}");
            return 1;
        };
        query.pattern = Some(pattern);
        let found = query.find(own);
        if found.is_empty() {
            status = 1;
            if !quiet {
                eprintln!("{name}: no process found");
            }
        }
        for process in found {
            let _ = world.system.kill(process.pid, signal);
            if verbose {
                let (name, pid) = (process.name(), process.pid);
                println!("Killed {name}({pid}) with signal {signal}");
            }
            killed.push(process.pid);
        }
    }
    while wait && running().iter().any(|process| killed.contains(&process.pid)) {
        std::thread::sleep(AGAIN);
    }
    status
}

/// `30s`, `5m`, `2h`, `1d`, `1w`.
fn age(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let count: u64 = text[..text.len() - 1].parse().ok()?;
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}
