//! The expression of a command line: what is asked of each file, and what is done with it.

use std::fs::File;
use std::io::BufWriter;

use toolcell_posix::Syntax;
use toolcell_shell::{FileKind, System};
use toolcell_text::Moment;

use super::show::OWNER;
use super::{MAX_DEPTH, World};

/// An expression.
#[derive(Debug)]
pub(super) enum Test {
    True,
    False,
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Comma(Box<Test>, Box<Test>),
    Name {
        pattern: String,
        fold: bool,
        whole: bool,
    },
    Regex(Box<regex::Regex>),
    Kind(Vec<FileKind>),
    /// What a link leads to; a link that leads to nothing is one itself.
    TargetKind(Vec<FileKind>),
    /// Where a link points to.
    Target {
        pattern: String,
        fold: bool,
    },
    Links(Number),
    /// Its size in units of so many bytes.
    Size(Number, u64),
    Empty,
    /// Later than this, in nanoseconds since 1970.
    Newer(Clock, u128),
    /// Which file it is: device and inode.
    Same(u64, u64),
    Inode(Number),
    /// How many units of so many seconds ago.
    Age(Clock, Number, u64),
    Executable,
    Readable,
    Writable,
    /// All of the bits with `-`, any of them with `/`, just them with neither.
    Mode {
        how: Option<char>,
        bits: u32,
    },
    Print(Target, char),
    Printf(Target, String),
    List(Target),
    Exec(Exec),
    Delete,
    Prune,
    Quit,
}

/// A number that something is compared with: more than it (`+`), less (`-`) or just it (`=`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    sign: char,
    number: u64,
}

impl Number {
    pub(super) fn holds(self, value: u64) -> bool {
        match self.sign {
            '+' => value > self.number,
            '-' => value < self.number,
            _ => value == self.number,
        }
    }
}

/// Which of a file's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    Accessed,
    Changed,
    Modified,
}

impl Clock {
    fn new(letter: Option<char>) -> Option<Clock> {
        match letter? {
            'a' => Some(Clock::Accessed),
            'c' => Some(Clock::Changed),
            'm' => Some(Clock::Modified),
            _ => None,
        }
    }
}

/// Where output goes: a number of [`Query::files`], or standard output.
pub(super) type Target = Option<usize>;

/// A program to be run.
#[derive(Debug)]
pub(super) struct Exec {
    pub(super) words: Vec<String>,
    /// A number of [`Query::batches`], where many files are given to it at once.
    pub(super) batch: Option<usize>,
    /// Whether it runs where the file is.
    pub(super) in_directory: bool,
    /// Whether somebody is asked first.
    pub(super) asks: bool,
}

/// A program that is given many files at once, and those that it is still to be given.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) words: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) chars: usize,
    /// Where it runs, if not where `find` does.
    pub(super) directory: Option<String>,
}

/// All else that a command line says.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) depth_first: bool,
    pub(super) follow: bool,
    /// Whether more has to be known of a file than its name and kind.
    pub(super) details: bool,
    /// Whether directories of another region are left alone.
    pub(super) one_region: bool,
    pub(super) batches: Vec<Batch>,
    /// Files that output goes to, by the names they were given.
    pub(super) files: Vec<(String, BufWriter<File>)>,
    /// When ages are counted from.
    pub(super) now: u128,
}

/// Nanoseconds of a day.
const DAY: u128 = 86_400_000_000_000;

impl Query {
    /// Reads an expression.
    ///
    /// # Errors
    /// The message about the first word that cannot be understood.
    pub(super) fn read(
        words: &[String],
        world: &mut World,
        follow: bool,
    ) -> Result<(Test, Query), String> {
        let now = world.system.now().as_nanos();
        let query = Query {
            least: 0,
            most: MAX_DEPTH,
            depth_first: false,
            follow,
            details: false,
            one_region: false,
            batches: Vec::new(),
            files: Vec::new(),
            now,
        };
        let mut parser = Parser {
            words,
            at: 0,
            world,
            query,
            acts: false,
            syntax: Syntax::Emacs,
            asked: Asked::default(),
        };
        let test = if words.is_empty() { Test::True } else { parser.comma()? };
        match words.get(parser.at).map(String::as_str) {
            None => {}
            Some(")") => return Err("you have too many ')'".to_owned()),
            Some(word) => return Err(format!("paths must precede expression: `{word}'")),
        }
        let Parser { mut query, acts, asked, .. } = parser;
        if asked.deletes && asked.prunes && !asked.depth {
            return Err(
                "The -delete action automatically turns on -depth, but -prune does nothing \
                        when -depth is in effect.  If you want to carry on anyway, just explicitly \
                        use the -depth option."
                    .to_owned(),
            );
        }
        let test = match acts {
            true => test,
            false => Test::And(Box::new(test), Box::new(Test::Print(None, '\n'))),
        };
        query.details = query.one_region || test.asks_for_details();
        Ok((test, query))
    }
}

impl Test {
    /// Whether more has to be known of a file than its name and kind.
    fn asks_for_details(&self) -> bool {
        match self {
            Test::Not(inner) => inner.asks_for_details(),
            Test::And(left, right) | Test::Or(left, right) | Test::Comma(left, right) => {
                left.asks_for_details() || right.asks_for_details()
            }
            Test::True
            | Test::False
            | Test::Name { .. }
            | Test::Regex(_)
            | Test::Kind(_)
            | Test::TargetKind(_)
            | Test::Target { .. }
            | Test::Links(_)
            | Test::List(_)
            | Test::Print(..)
            | Test::Exec(_)
            | Test::Delete
            | Test::Prune
            | Test::Quit => false,
            Test::Size(..)
            | Test::Empty
            | Test::Newer(..)
            | Test::Same(..)
            | Test::Inode(_)
            | Test::Age(..)
            | Test::Executable
            | Test::Readable
            | Test::Writable
            | Test::Mode { .. }
            | Test::Printf(..) => true,
        }
    }
}

struct Parser<'a> {
    words: &'a [String],
    at: usize,
    world: &'a mut World,
    query: Query,
    /// Whether the expression says what to do with a file.
    acts: bool,
    /// That of `-regex`.
    syntax: Syntax,
    asked: Asked,
}

/// What must not be asked together: see [`Query::read`].
#[derive(Default)]
struct Asked {
    deletes: bool,
    prunes: bool,
    depth: bool,
}

impl Parser<'_> {
    fn eat(&mut self, names: &[&str]) -> Option<&str> {
        let found = self.words.get(self.at).filter(|word| names.contains(&word.as_str()))?;
        self.at += 1;
        Some(found)
    }

    fn comma(&mut self) -> Result<Test, String> {
        let mut left = self.or()?;
        while let Some(word) = self.eat(&[","]).map(str::to_owned) {
            left = Test::Comma(Box::new(left), Box::new(self.operand(&word, Self::or)?));
        }
        Ok(left)
    }

    fn or(&mut self) -> Result<Test, String> {
        let mut left = self.and()?;
        while let Some(word) = self.eat(&["-o", "-or"]).map(str::to_owned) {
            left = Test::Or(Box::new(left), Box::new(self.operand(&word, Self::and)?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Test, String> {
        let mut left = self.primary()?;
        loop {
            let explicit = self.eat(&["-a", "-and"]).map(str::to_owned);
            let next = self.words.get(self.at).map(String::as_str);
            let right = match explicit {
                Some(word) => self.operand(&word, Self::primary)?,
                None if matches!(next, None | Some(")" | "," | "-o" | "-or")) => return Ok(left),
                None => self.primary()?,
            };
            left = Test::And(Box::new(left), Box::new(right));
        }
    }

    /// What must follow an operator.
    fn operand(
        &mut self,
        after: &str,
        read: fn(&mut Self) -> Result<Test, String>,
    ) -> Result<Test, String> {
        match self.words.get(self.at) {
            Some(_) => read(self),
            None => Err(format!("expected an expression after '{after}'")),
        }
    }

    fn value(&mut self, name: &str) -> Result<String, String> {
        let value = self.words.get(self.at).cloned();
        self.at += 1;
        value.ok_or_else(|| format!("missing argument to `{name}'"))
    }

    fn number(&mut self, name: &str) -> Result<Number, String> {
        let text = self.value(name)?;
        number(&text).ok_or_else(|| format!("invalid argument `{text}' to `{name}'"))
    }

    /// The time of a file that is named.
    fn time_of(&mut self, path: &str, clock: Clock) -> Result<u128, String> {
        let full = self.world.absolute(path);
        let failed = |error: String| format!("‘{path}’: {error}");
        if clock == Clock::Changed {
            let found = toolcell_program::files::look(&full, true);
            let found = found.map_err(|error| failed(toolcell_program::message(&error)))?;
            return Ok(u128::from(found.changed));
        }
        let stat = self.world.system.stat(&full, true);
        let stat = stat.map_err(|error| failed(error.message().to_owned()))?;
        Ok(if clock == Clock::Accessed { stat.accessed } else { stat.modified })
    }

    /// A file that output goes to, emptied.
    fn file(&mut self, name: &str) -> Result<Target, String> {
        self.acts = true;
        let path = self.value(name)?;
        let files = &mut self.query.files;
        if let Some(at) = files.iter().position(|(known, _)| *known == path) {
            return Ok(Some(at));
        }
        let file = File::create(self.world.absolute(&path))
            .map_err(|error| format!("‘{path}’: {}", toolcell_program::message(&error)))?;
        files.push((path, BufWriter::new(file)));
        Ok(Some(files.len() - 1))
    }

    fn primary(&mut self) -> Result<Test, String> {
        let Some(word) = self.words.get(self.at).cloned() else {
            return Err("expected an expression".to_owned());
        };
        self.at += 1;
        let name = word.as_str();
        Ok(match name {
            "(" => {
                let inner = self.operand("(", Self::comma)?;
                if self.eat(&[")"]).is_none() {
                    return Err("invalid expression; I was expecting to find a ')' somewhere but did not see one.".to_owned());
                }
                inner
            }
            "!" | "-not" => Test::Not(Box::new(self.operand(name, Self::primary)?)),
            "-o" | "-or" | "-a" | "-and" | "," => {
                return Err(format!(
                    "invalid expression; you have used a binary operator '{name}' with nothing before it."
                ));
            }
            "-true" => Test::True,
            "-false" => Test::False,
            "-name" | "-iname" | "-path" | "-ipath" | "-wholename" | "-iwholename" => Test::Name {
                pattern: self.value(name)?,
                fold: name.starts_with("-i"),
                whole: name.ends_with("path") || name.ends_with("wholename"),
            },
            "-regex" | "-iregex" => {
                let source = self.value(name)?;
                let failed =
                    |why| format!("failed to compile regular expression '{source}': {why}");
                let translated =
                    toolcell_posix::translate(&source, self.syntax, false).map_err(failed)?;
                let regex = regex::RegexBuilder::new(&format!(r"\A(?:{translated})\z"))
                    .case_insensitive(name == "-iregex")
                    .dot_matches_new_line(true)
                    .build();
                Test::Regex(Box::new(
                    regex.map_err(|_| failed("Invalid regular expression".to_owned()))?,
                ))
            }
            "-regextype" => {
                let text = self.value(name)?;
                self.syntax = match text.as_str() {
                    "findutils-default" | "emacs" => Syntax::Emacs,
                    "ed" | "grep" | "posix-basic" | "posix-minimal-basic" | "sed" => Syntax::Basic,
                    "awk" | "egrep" | "gnu-awk" | "posix-awk" | "posix-egrep"
                    | "posix-extended" => Syntax::Extended,
                    _ => {
                        return Err(format!(
                            "Unknown regular expression type ‘{text}’; valid types are ‘findutils-default’, ‘ed’, ‘emacs’, ‘gnu-awk’, ‘grep’, ‘posix-awk’, ‘awk’, ‘posix-basic’, ‘posix-egrep’, ‘egrep’, ‘posix-extended’, ‘posix-minimal-basic’, ‘sed’."
                        ));
                    }
                };
                Test::True
            }
            "-type" | "-xtype" => {
                let letters = self.value(name)?;
                let kinds = letters.split(',').map(|letter| match letter {
                    "f" => Ok(FileKind::File),
                    "d" => Ok(FileKind::Directory),
                    "l" => Ok(FileKind::Symlink),
                    "c" => Ok(FileKind::Character),
                    "p" => Ok(FileKind::Pipe),
                    "b" | "s" => Ok(FileKind::Other),
                    letter => Err(format!("Unknown argument to {name}: {letter}")),
                });
                let kinds = kinds.collect::<Result<_, _>>()?;
                if name == "-xtype" { Test::TargetKind(kinds) } else { Test::Kind(kinds) }
            }
            "-lname" | "-ilname" => {
                Test::Target { fold: name == "-ilname", pattern: self.value(name)? }
            }
            "-links" => Test::Links(self.number(name)?),
            "-user" | "-group" | "-uid" | "-gid" => {
                let text = self.value(name)?;
                let is_number = text.chars().all(|c| c.is_ascii_digit());
                if !is_number && text != OWNER.0 {
                    let what = if name == "-user" { "user" } else { "group" };
                    return Err(match name {
                        "-user" | "-group" => {
                            format!("‘{text}’ is not the name of a known {what}")
                        }
                        _ => format!("invalid argument `{text}' to `{name}'"),
                    });
                }
                if text == OWNER.0 || text == OWNER.1 { Test::True } else { Test::False }
            }
            "-nouser" | "-nogroup" => Test::False,
            "-size" => {
                let text = self.value(name)?;
                let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                let unit = match &text[digits.len()..] {
                    "c" => 1,
                    "w" => 2,
                    "" | "b" => 512,
                    "k" => 1 << 10,
                    "M" => 1 << 20,
                    "G" => 1 << 30,
                    other => return Err(format!("invalid -size type `{other}'")),
                };
                let number = number(digits);
                Test::Size(
                    number.ok_or_else(|| format!("Invalid argument `{text}' to -size"))?,
                    unit,
                )
            }
            "-empty" => Test::Empty,
            "-newer" | "-anewer" | "-cnewer" => {
                let path = self.value(name)?;
                let clock = Clock::new(name.chars().nth(1)).unwrap_or(Clock::Modified);
                Test::Newer(clock, self.time_of(&path, Clock::Modified)?)
            }
            _ if name.starts_with("-newer") => {
                let bad = || format!("invalid predicate `{name}'");
                let mut letters = name["-newer".len()..].chars();
                let clock = Clock::new(letters.next()).ok_or_else(bad)?;
                let than = letters.next().filter(|_| letters.next().is_none());
                let text = self.value(name)?;
                let time = match (than, Clock::new(than)) {
                    (Some('t'), _) => {
                        let now = Moment::of_nanos(self.query.now);
                        let time = toolcell_zone::when(&text, now, toolcell_zone::local());
                        // No file is from before 1970.
                        time.map(|time| time.to_nanos().unwrap_or(0)).ok_or_else(|| {
                            format!(
                                "I cannot figure out how to interpret ‘{text}’ as a date or time"
                            )
                        })?
                    }
                    (_, Some(than)) => self.time_of(&text, than)?,
                    _ => return Err(bad()),
                };
                Test::Newer(clock, time)
            }
            "-samefile" => {
                let path = self.value(name)?;
                let full = self.world.absolute(&path);
                let stat = self.world.system.stat(&full, false);
                let stat = stat.map_err(|error| format!("‘{path}’: {}", error.message()))?;
                Test::Same(stat.device, stat.inode)
            }
            "-inum" => Test::Inode(self.number(name)?),
            "-mtime" | "-mmin" | "-atime" | "-amin" | "-ctime" | "-cmin" => {
                let clock = Clock::new(name.chars().nth(1)).unwrap_or(Clock::Modified);
                let unit = if name.ends_with("min") { 60 } else { 86_400 };
                Test::Age(clock, self.number(name)?, unit)
            }
            "-executable" => Test::Executable,
            "-readable" => Test::Readable,
            "-writable" => Test::Writable,
            "-perm" => {
                let text = self.value(name)?;
                let (how, mode) = match text.strip_prefix(['-', '/']) {
                    Some(rest) => (text.chars().next(), rest),
                    None => (None, text.as_str()),
                };
                let bits = toolcell_program::mode::changed(mode, 0, false);
                Test::Mode { how, bits: bits.ok_or_else(|| format!("invalid mode ‘{text}’"))? }
            }
            "-maxdepth" | "-mindepth" => {
                let text = self.value(name)?;
                let depth: usize = text.parse().map_err(|_| {
                    format!(
                        "Expected a positive decimal integer argument to {name}, but got ‘{text}’"
                    )
                })?;
                match name {
                    "-maxdepth" => self.query.most = depth.min(MAX_DEPTH),
                    _ => self.query.least = depth,
                }
                Test::True
            }
            "-depth" | "-d" => {
                self.query.depth_first = true;
                self.asked.depth = true;
                Test::True
            }
            "-follow" => {
                self.query.follow = true;
                Test::True
            }
            "-mount" | "-xdev" => {
                self.query.one_region = true;
                Test::True
            }
            "-daystart" => {
                // From the end of today on, so that all of today is less than a day ago.
                self.query.now = (self.query.now / DAY + 1) * DAY;
                Test::True
            }
            "-noleaf" | "-warn" | "-nowarn" | "-ignore_readdir_race" | "-noignore_readdir_race" => {
                Test::True
            }
            "-print" | "-print0" => {
                self.acts = true;
                Test::Print(None, if name == "-print" { '\n' } else { '\0' })
            }
            "-fprint" | "-fprint0" => {
                Test::Print(self.file(name)?, if name == "-fprint" { '\n' } else { '\0' })
            }
            "-printf" => {
                self.acts = true;
                Test::Printf(None, self.value(name)?)
            }
            "-fprintf" => Test::Printf(self.file(name)?, self.value(name)?),
            "-ls" => {
                self.acts = true;
                Test::List(None)
            }
            "-fls" => Test::List(self.file(name)?),
            "-exec" | "-execdir" | "-ok" | "-okdir" => Test::Exec(self.exec(name)?),
            "-delete" => {
                self.acts = true;
                self.query.depth_first = true;
                self.asked.deletes = true;
                Test::Delete
            }
            "-prune" => {
                self.asked.prunes = true;
                Test::Prune
            }
            "-quit" => {
                self.acts = true;
                Test::Quit
            }
            "-help" | "--help" | "-version" | "--version" => {
                let word = format!("--{}", word.trim_start_matches('-'));
                toolcell_program::help::answer("find", &word, super::HELP);
                return Err(format!("unknown predicate `{word}'"));
            }
            name if name.starts_with('-') => return Err(format!("unknown predicate `{name}'")),
            name => return Err(format!("paths must precede expression: `{name}'")),
        })
    }

    fn exec(&mut self, name: &str) -> Result<Exec, String> {
        self.acts = true;
        let (asks, in_directory) = (name.starts_with("-ok"), name.ends_with("dir"));
        let mut words = Vec::new();
        let batch = loop {
            let word = self.value(name)?;
            if word == ";" {
                break None;
            }
            if word == "+" && !asks && words.last().is_some_and(|last| last == "{}") {
                words.pop();
                let words = words.clone();
                let batch = Batch { words, paths: Vec::new(), chars: 0, directory: None };
                self.query.batches.push(batch);
                break Some(self.query.batches.len() - 1);
            }
            words.push(word);
        };
        if words.is_empty() {
            return Err(format!("missing argument to `{name}'"));
        }
        Ok(Exec { words, batch, in_directory, asks })
    }
}

fn number(text: &str) -> Option<Number> {
    let (sign, digits) = match text.chars().next()? {
        sign @ ('+' | '-') => (sign, &text[1..]),
        _ => ('=', text),
    };
    let number = digits.parse().ok().filter(|_| digits.starts_with(|c: char| c.is_ascii_digit()));
    number.map(|number| Number { sign, number })
}
