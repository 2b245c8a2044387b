//! The inputs of a filter, read one after the other as they are asked for.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use jaq_json::{Val, read};

use crate::options::{Options, text};
use crate::scan::Scanner;

/// How much of a line is read at once.
const PART: u64 = 64 << 10;

/// How far the inputs are read, which messages and functions tell of.
#[derive(Debug, Default)]
pub(crate) struct Place {
    file: RefCell<Option<String>>,
    lines: Cell<usize>,
    /// Files that could not be read.
    failed: Cell<usize>,
}

impl Place {
    /// The file that the last input is from; none for standard input.
    pub(crate) fn file(&self) -> Option<String> {
        self.file.borrow().clone().filter(|file| file != "<stdin>")
    }

    /// How many lines of it are read.
    pub(crate) fn lines(&self) -> usize {
        self.lines.get()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.get() > 0
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.file.borrow() {
            Some(file) => write!(f, "{file}:{}", self.lines.get()),
            None => write!(f, "<unknown>"),
        }
    }
}

/// What is read: the files, or standard input without any.
struct Source<'a> {
    files: VecDeque<String>,
    open: Option<Box<dyn BufRead>>,
    place: &'a Place,
}

impl Source<'_> {
    /// The next line, with its end, or a part of a long one. None at the end of all files. What
    /// cannot be read is told of, and the others are.
    fn line(&mut self, line: &mut Vec<u8>) -> bool {
        line.clear();
        loop {
            let Some(open) = &mut self.open else {
                let Some(path) = self.files.pop_front() else { return false };
                let (name, open): (_, io::Result<Box<dyn BufRead>>) = match path.as_str() {
                    "-" => ("<stdin>", Ok(Box::new(io::stdin().lock()))),
                    path => (path, open(path)),
                };
                match open {
                    Ok(open) => {
                        self.open = Some(open);
                        *self.place.file.borrow_mut() = Some(name.to_owned());
                        self.place.lines.set(0);
                    }
                    Err(error) => self.fail(name, &error),
                }
                continue;
            };
            match open.take(PART).read_until(b'\n', line) {
                Ok(0) => self.open = None,
                Ok(_) => {
                    let ends = usize::from(line.ends_with(b"\n"));
                    self.place.lines.set(self.place.lines.get() + ends);
                    return true;
                }
                Err(error) => {
                    self.open = None;
                    let name = self.place.file.borrow().clone().unwrap_or_default();
                    self.fail(&name, &error);
                }
            }
        }
    }

    fn fail(&self, name: &str, error: &io::Error) {
        let error = toolcell_program::message(error);
        eprintln!("jq: error: Could not open {name}: {error}");
        self.place.failed.set(self.place.failed.get() + 1);
    }
}

fn open(path: &str) -> io::Result<Box<dyn BufRead>> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(Box::new(BufReader::with_capacity(PART as usize, file)))
}

/// The inputs that the options ask for. What is no JSON is the last of them.
pub(crate) fn inputs<'a>(
    options: &Options,
    place: &'a Place,
) -> Box<dyn Iterator<Item = Result<Val, String>> + 'a> {
    let mut files: VecDeque<String> = options.files.clone().into();
    if files.is_empty() {
        files.push_back("-".to_owned());
    }
    let mut source = Source { files, open: None, place };
    match (options.raw_input, options.slurp) {
        (true, true) => Box::new(once(move || {
            let (mut all, mut line) = (Vec::new(), Vec::new());
            while source.line(&mut line) {
                all.extend_from_slice(&line);
            }
            Ok(text(&String::from_utf8_lossy(&all)))
        })),
        (true, false) => Box::new(lines(source)),
        (false, true) => {
            let separated = options.separate;
            Box::new(once(move || values(source, separated).collect()))
        }
        (false, false) => Box::new(values(source, options.separate)),
    }
}

/// One input, made when it is asked for.
fn once<T>(make: impl FnOnce() -> T) -> impl Iterator<Item = T> {
    let mut make = Some(make);
    std::iter::from_fn(move || make.take().map(|make| make()))
}

/// Each line as a text.
fn lines(mut source: Source<'_>) -> impl Iterator<Item = Result<Val, String>> {
    let mut part = Vec::new();
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        while source.line(&mut part) {
            line.extend_from_slice(&part);
            if line.pop_if(|end| *end == b'\n').is_some() {
                return Some(Ok(text(&String::from_utf8_lossy(&line))));
            }
        }
        (!line.is_empty()).then(|| Ok(text(&String::from_utf8_lossy(&line))))
    })
}

/// The values of the files, which are one text.
fn values(mut source: Source<'_>, separated: bool) -> impl Iterator<Item = Result<Val, String>> {
    let mut scanner = Scanner::new(separated);
    let mut line = Vec::new();
    let mut read = 0;
    let mut is_first = true;
    let mut is_over = false;
    std::iter::from_fn(move || {
        while !is_over {
            let mut part = &line[read..];
            let found = scanner.next(&mut part);
            read = line.len() - part.len();
            let found = match found {
                Some(found) => Some(found),
                None if source.line(&mut line) => {
                    // A byte order mark is no part of the text.
                    read = if is_first && line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
                    is_first = false;
                    continue;
                }
                None => {
                    is_over = true;
                    scanner.end()
                }
            };
            let value = found.map(|found| found.and_then(|()| value(scanner.value())));
            is_over |= matches!(value, Some(Err(_)));
            return value;
        }
        None
    })
}

/// A value from its text, as the scanner gives it.
fn value(text: &[u8]) -> Result<Val, String> {
    read::parse_single(text).map_err(|error| error.to_string())
}

/// A text that is one value, for `fromjson`.
pub(crate) fn from_json(text: &[u8]) -> Result<Val, String> {
    let mut scanner = Scanner::new(false);
    let mut part = text;
    let mut next = |scanner: &mut Scanner| scanner.next(&mut part).or_else(|| scanner.end());
    let result = match next(&mut scanner) {
        None => Err("Expected JSON value".to_owned()),
        Some(Err(what)) => Err(what),
        Some(Ok(())) => value(scanner.value()).and_then(|value| match next(&mut scanner) {
            None => Ok(value),
            Some(_) => Err("Unexpected extra JSON values".to_owned()),
        }),
    };
    result.map_err(|what| format!("{what} (while parsing '{}')", String::from_utf8_lossy(text)))
}
