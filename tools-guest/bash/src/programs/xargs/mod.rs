//! `xargs`.

mod items;

use std::io::{BufRead, BufReader, BufWriter, Stdout, Write};

use toolcell_shell::{Errno, Exit, System, encode};

use super::{World, not_started};
use items::{Items, Separation};

/// Characters of one command line, as GNU's default.
const MAX_CHARS: usize = 131_072;

/// Programs that run at once, at most.
const MAX_PROGRAMS: usize = 64;

/// Options that take a value; those in [`MAY`] may have one in the same word.
const TAKES: &str = "aEILPdns";
const MAY: &str = "eil";

#[derive(Debug)]
struct Options {
    separation: Separation,
    replace: Option<String>,
    most: Option<usize>,
    lines: Option<usize>,
    chars: usize,
    programs: usize,
    skip_empty: bool,
    trace: bool,
    asks: bool,
    end: Option<String>,
    file: Option<String>,
    slot: Option<String>,
}

/// What ends all of it: the status, after saying why.
struct End(i32);

pub(super) fn run(words: &[String], mut world: World) -> i32 {
    let (options, command) = match parse(words) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("xargs: {error}");
            return 1;
        }
    };
    if options.asks {
        eprintln!("xargs: failed to open /dev/tty for reading: No such device or address");
        return 1;
    }
    let input: Box<dyn BufRead> = match &options.file {
        Some(path) => match std::fs::File::open(world.absolute(path)) {
            Ok(file) => Box::new(BufReader::new(file)),
            Err(error) => {
                let message = toolcell_program::message(&error);
                eprintln!("xargs: Cannot open input file ‘{path}’: {message}");
                return 1;
            }
        },
        None => Box::new(std::io::stdin().lock()),
    };
    // What a command reads is not the list.
    world.fds.retain(|(number, _)| *number != 0);
    let mut list =
        Items::new(input, options.separation, options.end.clone(), options.chars.max(MAX_CHARS));
    let out = BufWriter::new(std::io::stdout());
    let mut runner = Runner { world, options, command, out, running: Vec::new(), status: 0 };
    let ended = runner.all(&mut list);
    let printed = runner.out.flush().map_err(unprinted);
    let waited = runner.wait_for_all();
    match ended.and(printed).and(waited) {
        Ok(()) => runner.status,
        Err(End(status)) => status,
    }
}

struct Runner {
    world: World,
    options: Options,
    /// The program and its first arguments; nothing where the items are printed.
    command: Vec<String>,
    /// Where they are printed.
    out: BufWriter<Stdout>,
    /// What runs, in slots that are free again once it has ended.
    running: Vec<Option<u32>>,
    status: i32,
}

impl Runner {
    fn all<R: BufRead>(&mut self, list: &mut Items<R>) -> Result<(), End> {
        if let Some(mark) = self.options.replace.clone() {
            return self.each(list, &mark);
        }
        let own: usize = self.command.iter().map(|word| word.len() + 1).sum();
        let (mut items, mut chars, mut lines) = (Vec::new(), own, 0);
        let mut any = false;
        loop {
            let (item, ends_line) = match list.next() {
                Ok(Some(item)) => item,
                Ok(None) => break,
                Err(error) => {
                    if !items.is_empty() {
                        self.call(&mut items)?;
                    }
                    eprintln!("xargs: {error}");
                    return Err(End(1));
                }
            };
            any = true;
            if own + item.len() + 1 > self.options.chars {
                eprintln!("xargs: argument line too long");
                return Err(End(1));
            }
            if chars + item.len() + 1 > self.options.chars {
                self.call(&mut items)?;
                (chars, lines) = (own, 0);
            }
            chars += item.len() + 1;
            lines += usize::from(ends_line);
            items.push(item);
            let full = self.options.most.is_some_and(|most| items.len() >= most)
                || self.options.lines.is_some_and(|most| lines >= most);
            if full {
                self.call(&mut items)?;
                (chars, lines) = (own, 0);
            }
        }
        if !items.is_empty() || !(any || self.options.skip_empty) {
            self.call(&mut items)?;
        }
        Ok(())
    }

    /// Runs the command once for each item, which stands where the mark is.
    fn each<R: BufRead>(&mut self, list: &mut Items<R>, mark: &str) -> Result<(), End> {
        let command = self.command.clone();
        loop {
            let item = match list.next() {
                Ok(Some((item, _))) => item,
                Ok(None) => return Ok(()),
                Err(error) => {
                    eprintln!("xargs: {error}");
                    return Err(End(1));
                }
            };
            let mut argv = command.clone();
            // As in GNU's, not in the name of the program.
            for word in argv.iter_mut().skip(1).filter(|_| !mark.is_empty()) {
                *word = word.replace(mark, &item);
            }
            self.start(argv)?;
        }
    }

    fn call(&mut self, items: &mut Vec<String>) -> Result<(), End> {
        let mut argv = self.command.clone();
        argv.append(items);
        self.start(argv)
    }

    fn start(&mut self, argv: Vec<String>) -> Result<(), End> {
        if self.command.is_empty() {
            // What `echo` would do, without a process for it.
            self.trace("echo ", &argv)?;
            let line = format!("{}\n", argv.join(" "));
            return self.out.write_all(&encode(&line)).map_err(unprinted);
        }
        let free = match self.running.iter().position(Option::is_none) {
            Some(free) => free,
            None if self.running.len() < self.options.programs => {
                self.running.push(None);
                self.running.len() - 1
            }
            None => self.wait()?,
        };
        self.trace("", &argv)?;
        if let Some(name) = &self.options.slot {
            self.world.env.retain(|(known, _)| known != name);
            self.world.env.push((name.clone(), free.to_string()));
        }
        loop {
            match self.world.start(&argv) {
                Ok(pid) => {
                    self.running[free] = Some(pid);
                    return Ok(());
                }
                // No process more is to be had before one of ours has ended.
                Err(Errno::Again) if self.running.iter().any(Option::is_some) => {
                    self.wait()?;
                }
                Err(error) => return Err(End(not_started("xargs", &argv[0], error))),
            }
        }
    }

    /// Says with `-t` what is about to run.
    fn trace(&mut self, lead: &str, argv: &[String]) -> Result<(), End> {
        if self.options.trace {
            self.out.flush().map_err(unprinted)?;
            eprintln!("{lead}{}", argv.join(" "));
        }
        Ok(())
    }

    /// Waits until one that runs has ended; its slot.
    fn wait(&mut self) -> Result<usize, End> {
        let pids: Vec<u32> = self.running.iter().copied().flatten().collect();
        let (pid, exit) = loop {
            match self.world.system.wait_any(&pids) {
                Ok(ended) => break ended,
                Err(Errno::Interrupted) => {}
                Err(error) => return Err(End(not_started("xargs", &self.command[0], error))),
            }
        };
        let slot = self.running.iter().position(|running| *running == Some(pid)).unwrap_or(0);
        self.running[slot] = None;
        let name = &self.command[0];
        match exit {
            Exit::Status(0) => {}
            Exit::Status(255) => {
                eprintln!("xargs: {name}: exited with status 255; aborting");
                return Err(End(124));
            }
            Exit::Status(_) => self.status = 123,
            Exit::Signal(signal) => {
                eprintln!("xargs: {name}: terminated by signal {signal}");
                return Err(End(125));
            }
        }
        Ok(slot)
    }

    fn wait_for_all(&mut self) -> Result<(), End> {
        let mut result = Ok(());
        while self.running.iter().any(Option::is_some) {
            result = result.and(self.wait().map(|_| ()));
        }
        result
    }
}

fn unprinted(error: std::io::Error) -> End {
    eprintln!("xargs: echo: write error: {}", toolcell_program::message(&error));
    End(123)
}

const HINT: &str = "\nTry 'xargs --help' for more information.";

fn parse(words: &[String]) -> Result<(Options, Vec<String>), String> {
    let mut options = Options {
        separation: Separation::Blanks,
        replace: None,
        most: None,
        lines: None,
        chars: MAX_CHARS,
        programs: 1,
        skip_empty: false,
        trace: false,
        asks: false,
        end: None,
        file: None,
        slot: None,
    };
    let mut words = words.iter().peekable();
    while let Some(word) = words.next_if(|word| word.len() > 1 && word.starts_with('-')) {
        if word == "--" {
            break;
        }
        let missing = |name: &str| format!("option requires an argument -- '{name}'{HINT}");
        if let Some(long) = word.strip_prefix("--") {
            let (name, mut value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let letter = letter(name).ok_or_else(|| {
                toolcell_program::help::answer("xargs", word, HELP);
                format!("unrecognized option '--{name}'{HINT}")
            })?;
            if value.is_none() && (TAKES.contains(letter) || letter == 'S') {
                let next = words.next().cloned();
                value = Some(next.ok_or(format!("option '--{name}' requires an argument{HINT}"))?);
            }
            options.set(letter, value)?;
            continue;
        }
        let mut rest = &word[1..];
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let value = match rest {
                "" if TAKES.contains(letter) => {
                    Some(words.next().cloned().ok_or_else(|| missing(&letter.to_string()))?)
                }
                "" => None,
                _ if TAKES.contains(letter) || MAY.contains(letter) => {
                    Some(std::mem::take(&mut rest).to_owned())
                }
                _ => None,
            };
            options.set(letter, value)?;
        }
    }
    if options.replace.is_some() && options.separation == Separation::Blanks {
        options.separation = Separation::Lines;
    }
    Ok((options, words.cloned().collect()))
}

/// What `--help` says of the options.
const HELP: &[&str] = &[
    "-0, --null",
    "-a, --arg-file=FILE",
    "-d, --delimiter=CHARACTER",
    "-E END, -e[END], --eof[=END]",
    "-I TEXT, -i[TEXT], --replace[=TEXT]",
    "-L LINES, -l[LINES], --max-lines[=LINES]",
    "-n, --max-args=COUNT",
    "-o, --open-tty",
    "-p, --interactive",
    "-P, --max-procs=COUNT",
    "    --process-slot-var=NAME",
    "-r, --no-run-if-empty",
    "-s, --max-chars=COUNT",
    "-t, --verbose",
    "-x, --exit",
];

/// The letter that a long name stands for.
fn letter(name: &str) -> Option<char> {
    Some(match name {
        "arg-file" => 'a',
        "delimiter" => 'd',
        "eof" => 'e',
        "exit" => 'x',
        "interactive" => 'p',
        "max-args" => 'n',
        "max-chars" => 's',
        "max-lines" => 'l',
        "max-procs" => 'P',
        "no-run-if-empty" => 'r',
        "null" => '0',
        "open-tty" => 'o',
        "process-slot-var" => 'S',
        "replace" => 'i',
        "verbose" => 't',
        _ => return None,
    })
}

impl Options {
    fn set(&mut self, letter: char, value: Option<String>) -> Result<(), String> {
        let text = value.clone().unwrap_or_default();
        let number = |least: usize| match text.parse::<usize>() {
            Ok(number) if number >= least => Ok(number),
            Ok(number) => {
                Err(format!("value {number} for -{letter} option should be >= {least}{HINT}"))
            }
            Err(_) => Err(format!("invalid number \"{text}\" for -{letter} option{HINT}")),
        };
        match letter {
            '0' => self.separation = Separation::Byte(0),
            'd' => self.separation = Separation::Byte(delimiter(&text)?),
            'I' | 'i' => {
                if self.most.is_some() {
                    ignored("--max-args and --replace/-I/-i", "--max-args");
                }
                self.replace = Some(value.unwrap_or_else(|| "{}".to_owned()));
                (self.most, self.lines) = (None, None);
            }
            'n' => {
                self.most = Some(number(1)?);
                // One item each is what is done for a mark in any case.
                if self.most > Some(1) && self.replace.take().is_some() {
                    ignored("--replace and --max-args/-n", "--replace");
                }
                if self.replace.is_some() {
                    self.most = None;
                }
                self.lines = None;
            }
            'L' | 'l' => {
                self.lines = Some(if value.is_some() { number(1)? } else { 1 });
                if self.replace.take().is_some() {
                    ignored("--replace and -L", "--replace");
                }
                self.most = None;
            }
            // 0 is as many as there may be.
            'P' => {
                let count = number(0)?;
                self.programs = if count == 0 { MAX_PROGRAMS } else { count.min(MAX_PROGRAMS) };
            }
            's' => self.chars = number(1)?.min(MAX_CHARS),
            'r' => self.skip_empty = true,
            't' => self.trace = true,
            'p' => self.asks = true,
            'a' => self.file = Some(text),
            'E' | 'e' => self.end = value.filter(|text| !text.is_empty()),
            'S' => self.slot = Some(text),
            // Too long a line ends it in any case, and there is no terminal.
            'x' | 'o' => {}
            letter => return Err(format!("invalid option -- '{letter}'{HINT}")),
        }
        Ok(())
    }
}

fn ignored(both: &str, first: &str) {
    eprintln!(
        "xargs: warning: options {both} are mutually exclusive, ignoring previous {first} value"
    );
}

fn delimiter(text: &str) -> Result<u8, String> {
    let bad = || {
        format!(
            "Invalid input delimiter specification {text}: the delimiter must be either a single \
             character or an escape sequence starting with \\."
        )
    };
    let numbered = |digits: &str, base| u8::from_str_radix(digits, base).map_err(|_| bad());
    match text.as_bytes() {
        [byte] => Ok(*byte),
        [b'\\', b'x', ..] => numbered(&text[2..], 16),
        [b'\\', b'0'..=b'7', ..] => numbered(&text[1..], 8),
        [b'\\', letter] => Ok(match letter {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' => b'\\',
            _ => return Err(bad()),
        }),
        _ => Err(bad()),
    }
}
