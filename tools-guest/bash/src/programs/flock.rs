//! `flock`.

use std::rc::Rc;
use std::time::Duration;

use toolcell_shell::{Errno, OpenHow, System as _};

use super::World;
use crate::cell::{HostFd, LockMode};

// Statuses of sysexits.h, as util-linux's gives them.
const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const UNAVAILABLE: i32 = 69;

/// The long options, each with its letter.
const LONG: &[(&str, char)] = &[
    ("shared", 's'),
    ("exclusive", 'x'),
    ("unlock", 'u'),
    ("nonblocking", 'n'),
    ("nb", 'n'),
    ("timeout", 'w'),
    ("wait", 'w'),
    ("conflict-exit-code", 'E'),
    ("close", 'o'),
    ("no-fork", 'F'),
    ("verbose", 'v'),
    ("help", 'h'),
    ("version", 'V'),
];

const HELP: &str = "\
Usage:
 flock [options] <file>|<directory> <command> [<argument>...]
 flock [options] <file>|<directory> -c <command>
 flock [options] <file descriptor number>

Locks a file while a command runs, or what a descriptor of the shell is open on.

Options:
 -s, --shared             get a shared lock
 -x, --exclusive          get an exclusive lock (default)
 -u, --unlock             give the lock back
 -n, --nonblock           fail rather than wait
 -w, --timeout <secs>     wait no longer than this
 -E, --conflict-exit-code <number>  status where there is a conflict or the time is over
 -o, --close              close the descriptor before the command runs
 -c, --command <command>  run a command line by the shell
 -F, --no-fork            taken, and means nothing here
     --verbose            say what is done
 -h, --help               display this help
 -V, --version            display version
";

/// What the command line asks for.
struct Request {
    mode: LockMode,
    timeout: Option<Duration>,
    conflict: i32,
    closes: bool,
    verbose: bool,
}

pub(super) fn run(words: &[String], mut world: World) -> i32 {
    let (mut request, operands) = match parse(words) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let Some((file, command)) = operands.split_first() else {
        eprintln!("flock: not enough arguments\nTry 'flock --help' for more information.");
        return USAGE;
    };
    let argv: Vec<String> = match command {
        [] => {
            request.closes = false;
            return lock_descriptor(&request, file, &world);
        }
        [flag, rest @ ..] if matches!(flag.as_str(), "-c" | "--command") => match rest {
            [line] => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
            _ => {
                eprintln!("flock: {flag} requires exactly one command argument");
                return USAGE;
            }
        },
        command => command.to_vec(),
    };
    let path = world.absolute(file);
    let how = OpenHow { read: true, create: true, ..OpenHow::default() };
    let opened = match world.system.open(&path, how) {
        Err(Errno::IsDirectory) => {
            world.system.open(&path, OpenHow { read: true, ..OpenHow::default() })
        }
        opened => opened,
    };
    let fd: Rc<HostFd> = match opened {
        Ok(fd) => fd,
        Err(error) => {
            eprintln!("flock: cannot open lock file {file}: {}", error.message());
            return NO_INPUT;
        }
    };
    if let Err(status) = lock(&request, &fd, file) {
        return status;
    }
    if !request.closes {
        // Whatever the command leaves running keeps the lock.
        let free = (3..).find(|number| world.fds.iter().all(|(taken, _)| taken != number));
        world.fds.extend(free.map(|number| (number, fd.clone())));
    }
    if request.verbose {
        println!("flock: executing {}", argv[0]);
    }
    match world.run(&argv) {
        Ok(exit) => exit.status(),
        Err(error) => {
            eprintln!("flock: failed to execute {}: {}", argv[0], error.message());
            UNAVAILABLE
        }
    }
}

/// The request and the operands, or the status to end with.
fn parse(words: &[String]) -> Result<(Request, &[String]), i32> {
    let wrong = |message: String| {
        eprintln!("flock: {message}\nTry 'flock --help' for more information.");
        USAGE
    };
    let mut request = Request {
        mode: LockMode::Exclusive,
        timeout: None,
        conflict: 1,
        closes: false,
        verbose: false,
    };
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.len() > 1 && word.starts_with('-')) {
        at += 1;
        if word == "--" {
            break;
        }
        let (letters, mut given) = match word.strip_prefix("--") {
            None => (word[1..].to_owned(), None),
            Some(long) => {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let fits = |known: &&(&str, char)| known.0 == name;
                let begins = |known: &&(&str, char)| known.0.starts_with(name);
                match LONG.iter().find(fits).or_else(|| LONG.iter().find(begins)) {
                    Some((_, letter)) => (letter.to_string(), value),
                    None => return Err(wrong(format!("unrecognized option '{word}'"))),
                }
            }
        };
        let mut rest = letters.as_str();
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let mut value = String::new();
            if matches!(letter, 'w' | 'E') {
                let attached = std::mem::take(&mut rest);
                value = match given.take() {
                    Some(value) => value,
                    None if !attached.is_empty() => attached.to_owned(),
                    None => {
                        at += 1;
                        let next = words.get(at - 1).cloned();
                        let missing = format!("option requires an argument -- '{letter}'");
                        next.ok_or_else(|| wrong(missing))?
                    }
                };
            }
            match letter {
                's' => request.mode = LockMode::Shared,
                'x' | 'e' => request.mode = LockMode::Exclusive,
                'u' => request.mode = LockMode::None,
                'n' => request.timeout = Some(Duration::ZERO),
                'o' => request.closes = true,
                'v' => request.verbose = true,
                'F' => {}
                'w' => {
                    let seconds = value.parse::<f64>().ok().filter(|seconds| *seconds >= 0.0);
                    let timeout = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
                    let Some(timeout) = timeout else {
                        eprintln!("flock: invalid timeout value: '{value}'");
                        return Err(USAGE);
                    };
                    request.timeout = Some(timeout);
                }
                'E' => match value.parse::<u8>() {
                    Ok(status) => request.conflict = i32::from(status),
                    Err(_) => {
                        eprintln!("flock: invalid exit code: '{value}'");
                        return Err(USAGE);
                    }
                },
                'h' => {
                    print!("{HELP}");
                    return Err(0);
                }
                'V' => {
                    println!("flock (toolcell) {}", env!("CARGO_PKG_VERSION"));
                    return Err(0);
                }
                letter => return Err(wrong(format!("invalid option -- '{letter}'"))),
            }
        }
    }
    Ok((request, &words[at.min(words.len())..]))
}

/// Locks what a descriptor is open on that the parent keeps.
fn lock_descriptor(request: &Request, number: &str, world: &World) -> i32 {
    let Ok(wanted) = number.parse::<u32>() else {
        eprintln!("flock: bad file descriptor: '{number}'");
        return USAGE;
    };
    let Some((_, fd)) = world.fds.iter().find(|(other, _)| *other == wanted) else {
        eprintln!("flock: {number}: Bad file descriptor");
        return DATA;
    };
    lock(request, fd, number).err().unwrap_or(0)
}

fn lock(request: &Request, fd: &HostFd, name: &str) -> Result<(), i32> {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let started = std::time::Instant::now();
    match fd.lock(request.mode, request.timeout.map(nanos)) {
        Ok(true) => {
            if request.verbose {
                let seconds = started.elapsed().as_secs_f64();
                println!("flock: getting lock took {seconds:.6} seconds");
            }
            Ok(())
        }
        Ok(false) => {
            if request.verbose {
                let why = match request.timeout {
                    Some(Duration::ZERO) => "failed to get lock",
                    _ => "timeout while waiting to get lock",
                };
                println!("flock: {why}");
            }
            Err(request.conflict)
        }
        Err(error) => {
            eprintln!("flock: {name}: {}", crate::cell::errno(error).message());
            Err(DATA)
        }
    }
}
