//! A script over the lines of the input.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};
use std::ops::Range;

use toolcell_program::{message, open_input};
use toolcell_text::escape;

use super::script::{Action, Address, Command, Pattern, Piece, Substitute};

/// Bytes that the pattern space and the hold space may have. Against scripts that grow them without
/// end.
const MAX_SPACE: usize = 128 << 20;

/// Bytes read at once.
const BUFFER: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) quiet: bool,
    pub(super) extended: bool,
    pub(super) separate: bool,
    /// Whether what is written is to be seen at once.
    pub(super) unbuffered: bool,
    /// The suffix of the file that is kept; empty keeps none.
    pub(super) in_place: Option<String>,
    /// What ends a line.
    pub(super) end: u8,
    /// The columns that `l` folds at where it says nothing else.
    pub(super) columns: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            quiet: false,
            extended: false,
            separate: false,
            unbuffered: false,
            in_place: None,
            end: b'\n',
            columns: 70,
        }
    }
}

/// What is printed at the end of a cycle.
enum Later {
    Text(Vec<u8>),
    File(String),
}

/// Where lines are printed.
enum Target {
    Output,
    File { writer: BufWriter<File>, path: String, new: String },
}

/// Which of a command's expressions is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    From,
    To,
    Substitute,
}

enum Flow {
    /// The end of the script was reached.
    End,
    /// The cycle ends without printing.
    Delete,
    /// The script starts again without reading.
    Again,
    Quit(i32),
}

pub(super) struct Stream<'a, W> {
    script: Vec<Command>,
    /// Of each command with two addresses.
    ranges: Vec<Progress>,
    settings: Settings,
    files: VecDeque<String>,
    input: Option<BufReader<Box<dyn Read>>>,
    name: String,
    /// The line that comes next, so that the last is known.
    ahead: Option<(Vec<u8>, bool)>,
    line: usize,
    space: Vec<u8>,
    /// Whether the line had its end.
    ended: bool,
    hold: Vec<u8>,
    /// The same of what is held.
    hold_ended: bool,
    later: Vec<Later>,
    replaced: bool,
    /// The expression that was used last, by its command.
    last: Option<(usize, Which)>,
    writers: HashMap<String, Written>,
    readers: HashMap<String, Option<BufReader<File>>>,
    target: Target,
    /// Whether the last line of the output still lacks its end, which it gets before anything else.
    lacks_end: bool,
    status: i32,
    out: &'a mut W,
}

/// A file that lines are written to, and whether its last one lacks its end.
struct Written {
    writer: BufWriter<File>,
    lacks_end: bool,
}

type Done<T> = Result<T, String>;

/// Where the groups of a match are, the whole first.
type Groups = Vec<Option<(usize, usize)>>;

/// The end of a range that only a match ends.
/// Where the input is with regard to the range of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Before,
    /// Within, up to a line that the command line names.
    UntilLine(usize),
    /// Up to a line that was counted, or to the first after it that the command sees.
    UntilCounted(usize),
    /// Up to the first that the second address matches.
    UntilMatch,
    After,
}

impl Command {
    /// `0,/x/` is within its range from the start.
    fn range_at_start(&self) -> Progress {
        if self.from_zero { Progress::UntilMatch } else { Progress::Before }
    }
}

impl<'a, W: Write> Stream<'a, W> {
    pub(super) fn new(
        script: Vec<Command>,
        settings: Settings,
        mut files: Vec<String>,
        out: &'a mut W,
    ) -> Stream<'a, W> {
        if files.is_empty() {
            files.push("-".to_owned());
        }
        Stream {
            ranges: script.iter().map(Command::range_at_start).collect(),
            script,
            settings,
            files: files.into(),
            input: None,
            name: "-".to_owned(),
            ahead: None,
            line: 0,
            space: Vec::new(),
            ended: true,
            hold: Vec::new(),
            hold_ended: true,
            later: Vec::new(),
            replaced: false,
            last: None,
            writers: HashMap::new(),
            readers: HashMap::new(),
            target: Target::Output,
            lacks_end: false,
            status: 0,
            out,
        }
    }

    pub(super) fn run(mut self) -> i32 {
        // A file that is written to is there even if nothing is.
        let files: Vec<String> =
            self.script.iter().filter_map(written).map(str::to_owned).collect();
        let result = files
            .into_iter()
            .filter(|path| !path.starts_with("/dev/std"))
            .try_for_each(|path| self.open_writer(path))
            .and_then(|()| self.cycles());
        let finished = result.and_then(|status| {
            self.finish_file()?;
            for (path, file) in &mut self.writers {
                file.writer.flush().map_err(|error| couldnt(path, &error))?;
            }
            self.out.flush().map_err(|error| couldnt("stdout", &error))?;
            Ok(status)
        });
        match finished {
            Ok(0) => self.status,
            Ok(status) => status,
            Err(text) => {
                if let Target::File { new, .. } = &self.target {
                    let _ = fs::remove_file(new);
                }
                let _ = self.out.flush();
                eprintln!("sed: {text}");
                4
            }
        }
    }

    fn open_writer(&mut self, path: String) -> Done<()> {
        if let Entry::Vacant(entry) = self.writers.entry(path) {
            let file = File::create(entry.key()).map_err(|error| {
                format!("couldn't open file {}: {}", entry.key(), message(&error))
            })?;
            entry.insert(Written { writer: BufWriter::new(file), lacks_end: false });
        }
        Ok(())
    }

    fn cycles(&mut self) -> Done<i32> {
        let mut read = true;
        loop {
            if read && !self.next_line()? {
                return Ok(0);
            }
            read = true;
            let flow = self.commands()?;
            match flow {
                Flow::End | Flow::Quit(_) => {
                    if !self.settings.quiet {
                        self.print_space()?;
                    }
                }
                Flow::Delete => {}
                Flow::Again => read = false,
            }
            self.flush_later()?;
            if self.settings.unbuffered {
                self.out.flush().map_err(|error| couldnt("stdout", &error))?;
            }
            if let Flow::Quit(status) = flow {
                // Whoever quits ends the line, though it were the last.
                self.write(&[])?;
                self.give_back();
                return Ok(status);
            }
        }
    }

    /// Leaves what follows to whoever reads standard input next.
    fn give_back(&mut self) {
        if self.name == "-"
            && let Some(input) = &self.input
        {
            let ahead =
                self.ahead.as_ref().map_or(0, |(line, ended)| line.len() + usize::from(*ended));
            toolcell_program::files::give_back(input.buffer().len() + ahead);
        }
    }

    /// Opens the next file that can be; false at the end of them.
    fn open_next(&mut self) -> Done<bool> {
        while let Some(path) = self.files.pop_front() {
            let failed = |stream: &mut Self, text: String| {
                let _ = stream.out.flush();
                eprintln!("sed: {text}");
                stream.status = 2;
            };
            if path == "-" && self.settings.in_place.is_none() {
                self.input = Some(BufReader::with_capacity(BUFFER, open_input()));
                self.name = path;
                return Ok(true);
            }
            if fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
                failed(
                    self,
                    match self.settings.in_place {
                        Some(_) => format!("couldn't edit {path}: not a regular file"),
                        None => format!("couldn't read {path}: Is a directory"),
                    },
                );
                continue;
            }
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) => {
                    failed(self, format!("can't read {path}: {}", message(&error)));
                    continue;
                }
            };
            self.input = Some(BufReader::with_capacity(BUFFER, Box::new(file)));
            self.name.clone_from(&path);
            if self.settings.in_place.is_some() {
                let (directory, name) = match path.rsplit_once('/') {
                    Some((directory, name)) => (format!("{directory}/"), name),
                    None => (String::new(), path.as_str()),
                };
                let new = format!("{directory}.sed-{name}.new");
                let writer = File::create(&new).map_err(|error| {
                    format!("couldn't open temporary file {new}: {}", message(&error))
                })?;
                self.target = Target::File { writer: BufWriter::new(writer), path, new };
                self.lacks_end = false;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Puts the changed file in the place of the one that was read.
    fn finish_file(&mut self) -> Done<()> {
        let Target::File { mut writer, path, new } =
            std::mem::replace(&mut self.target, Target::Output)
        else {
            return Ok(());
        };
        writer.flush().map_err(|error| couldnt(&new, &error))?;
        drop(writer);
        let suffix = self.settings.in_place.clone().unwrap_or_default();
        if !suffix.is_empty() {
            let kept = match suffix.contains('*') {
                true => {
                    let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
                    let slash = if directory.is_empty() { "" } else { "/" };
                    format!("{directory}{slash}{}", suffix.replace('*', name))
                }
                false => format!("{path}{suffix}"),
            };
            fs::copy(&path, &kept)
                .map_err(|error| format!("cannot rename {path}: {}", message(&error)))?;
        }
        fs::rename(&new, &path).map_err(|error| format!("cannot rename {new}: {}", message(&error)))
    }

    /// The next line of the file that is open.
    fn read_raw(&mut self) -> Done<Option<(Vec<u8>, bool)>> {
        let Some(input) = &mut self.input else { return Ok(None) };
        let mut line = Vec::new();
        let read = input.read_until(self.settings.end, &mut line);
        read.map_err(|error| format!("read error on {}: {}", self.name, message(&error)))?;
        if line.is_empty() {
            return Ok(None);
        }
        let ended = line.last() == Some(&self.settings.end);
        if ended {
            line.pop();
        }
        Ok(Some((line, ended)))
    }

    /// The next line; of the same file alone where files are separate.
    fn take_line(&mut self) -> Done<Option<(Vec<u8>, bool)>> {
        if let Some(line) = self.ahead.take() {
            return Ok(Some(line));
        }
        loop {
            if let Some(line) = self.read_raw()? {
                return Ok(Some(line));
            }
            if self.settings.separate && self.input.is_some() {
                return Ok(None);
            }
            if !self.open_next()? {
                self.input = None;
                return Ok(None);
            }
        }
    }

    fn is_last(&mut self) -> Done<bool> {
        if self.ahead.is_none() {
            self.ahead = self.take_line()?;
        }
        Ok(self.ahead.is_none())
    }

    /// Reads the next line into the pattern space; false at the end of all.
    fn next_line(&mut self) -> Done<bool> {
        loop {
            if let Some((line, ended)) = self.take_line()? {
                (self.space, self.ended) = (line, ended);
                self.line += 1;
                self.replaced = false;
                return Ok(true);
            }
            if !self.settings.separate {
                return Ok(false);
            }
            self.finish_file()?;
            self.input = None;
            // Each file begins anew.
            self.line = 0;
            self.hold.clear();
            self.hold_ended = true;
            self.readers.clear();
            self.ranges = self.script.iter().map(Command::range_at_start).collect();
            if !self.open_next()? {
                return Ok(false);
            }
        }
    }

    fn sink(&mut self) -> &mut dyn Write {
        match &mut self.target {
            Target::Output => self.out,
            Target::File { writer, .. } => writer,
        }
    }

    fn write(&mut self, data: &[u8]) -> Done<()> {
        let end = [self.settings.end];
        if std::mem::take(&mut self.lacks_end) {
            self.sink().write_all(&end).map_err(|error| couldnt("stdout", &error))?;
        }
        self.sink().write_all(data).map_err(|error| couldnt("stdout", &error))
    }

    fn write_line(&mut self, line: &[u8], ended: bool) -> Done<()> {
        self.write(line)?;
        match ended {
            true => self.write(&[self.settings.end]),
            false => {
                self.lacks_end = true;
                Ok(())
            }
        }
    }

    fn print_space(&mut self) -> Done<()> {
        let space = std::mem::take(&mut self.space);
        let done = self.write_line(&space, self.ended);
        self.space = space;
        done
    }

    fn flush_later(&mut self) -> Done<()> {
        for later in std::mem::take(&mut self.later) {
            match later {
                Later::Text(text) => self.write(&text)?,
                Later::File(path) => {
                    let content = match path.as_str() {
                        "/dev/stdin" => {
                            let mut content = Vec::new();
                            let _ = io::Read::read_to_end(&mut io::stdin().lock(), &mut content);
                            content
                        }
                        // A file that cannot be read is like an empty one.
                        path => fs::read(path).unwrap_or_default(),
                    };
                    self.write(&content)?;
                }
            }
        }
        Ok(())
    }

    fn matches_address(&mut self, at: usize, which: Which) -> Done<bool> {
        let command = &self.script[at];
        let address = if which == Which::To { &command.to } else { &command.from };
        Ok(match address {
            None => true,
            Some(Address::Line(line)) => self.line == *line,
            Some(Address::Step { first, step: 0 }) => self.line == *first,
            Some(Address::Step { first, step }) => {
                self.line >= *first && (self.line - first).is_multiple_of(*step)
            }
            Some(Address::Last) => self.is_last()?,
            Some(Address::Match(_)) => {
                let space = std::mem::take(&mut self.space);
                let found = self.find(at, which, &space, 0).map(|found| found.is_some());
                self.space = space;
                found?
            }
            Some(Address::Plus(_) | Address::Multiple(_)) => false,
        })
    }

    /// Whether a command is for this line.
    fn selected(&mut self, at: usize) -> Done<bool> {
        let command = &self.script[at];
        let negated = command.negated;
        if command.to.is_none() {
            return Ok(self.matches_address(at, Which::From)? != negated);
        }
        let progress = self.ranges[at];
        let inside = match progress {
            Progress::UntilMatch => {
                if self.matches_address(at, Which::To)? {
                    self.ranges[at] = Progress::After;
                }
                true
            }
            Progress::UntilLine(end) => {
                if self.line >= end {
                    self.ranges[at] = Progress::After;
                }
                self.line <= end
            }
            Progress::UntilCounted(end) => {
                if self.line >= end {
                    self.ranges[at] = Progress::After;
                }
                true
            }
            Progress::Before | Progress::After if self.begins(at)? => {
                self.ranges[at] = self.range_from_here(at)?;
                true
            }
            Progress::Before | Progress::After => false,
        };
        Ok(inside != negated)
    }

    /// Whether a command's range goes on after this line.
    fn is_within(&self, at: usize) -> bool {
        !matches!(self.ranges[at], Progress::Before | Progress::After)
    }

    /// Whether a range begins at this line. One from a line by its number begins at the first that
    /// its command sees from there on, unless it is over by then.
    fn begins(&mut self, at: usize) -> Done<bool> {
        let command = &self.script[at];
        match (&command.from, &command.to, self.ranges[at]) {
            (Some(Address::Line(from)), to, Progress::Before) => Ok(match to {
                Some(Address::Line(to)) if *to < self.line => self.line == *from,
                _ => self.line >= *from,
            }),
            _ => Ok(!command.from_zero && self.matches_address(at, Which::From)?),
        }
    }

    /// How far a range goes that begins at this line.
    fn range_from_here(&mut self, at: usize) -> Done<Progress> {
        let line = self.line;
        if matches!(self.script[at].to, Some(Address::Last)) && self.is_last()? {
            return Ok(Progress::After);
        }
        let (end, within) = match self.script[at].to {
            Some(Address::Line(end)) => (end, Progress::UntilLine(end)),
            Some(Address::Plus(count)) => (line + count, Progress::UntilCounted(line + count)),
            Some(Address::Multiple(of)) => {
                let end = if of == 0 { line } else { line.div_ceil(of) * of };
                (end, Progress::UntilCounted(end))
            }
            _ => return Ok(Progress::UntilMatch),
        };
        Ok(if end > line { within } else { Progress::After })
    }

    /// The groups of the first match from `start` on, in bytes of `text`.
    fn find(&mut self, at: usize, which: Which, text: &[u8], start: usize) -> Done<Option<Groups>> {
        let mut which = (at, which);
        if matches!(pattern(&self.script[at], which.1), Some(Pattern::Last)) {
            which = self.last.ok_or("no previous regular expression")?;
        } else {
            self.last = Some(which);
        }
        Ok(match pattern(&self.script[which.0], which.1) {
            Some(Pattern::Plain(regex)) => {
                let groups = regex.captures_at(text, start);
                let pair = |group: Range<usize>| (group.start, group.end);
                groups.map(|groups| groups.into_iter().map(|group| group.map(pair)).collect())
            }
            Some(Pattern::Referring(regex)) => {
                let lossy = String::from_utf8_lossy(text);
                let Cow::Borrowed(text) = lossy else {
                    return Err("back-references need valid UTF-8".to_owned());
                };
                let captures = regex
                    .captures_from_pos(text, start)
                    .map_err(|_| "the expression backtracks without end".to_owned())?;
                captures.map(|captures| {
                    (0..captures.len())
                        .map(|group| captures.get(group).map(|m| (m.start(), m.end())))
                        .collect()
                })
            }
            Some(Pattern::Last) | None => None,
        })
    }

    fn commands(&mut self) -> Done<Flow> {
        let mut at = 0;
        while at < self.script.len() {
            let selected = self.selected(at)?;
            let here = at;
            at += 1;
            if let Action::Open { end } = self.script[here].action {
                if !selected {
                    at = end;
                }
                continue;
            }
            if !selected {
                continue;
            }
            if self.space.len() > MAX_SPACE || self.hold.len() > MAX_SPACE {
                return Err(format!("a space holds more than {MAX_SPACE} bytes"));
            }
            let end = self.script.len();
            match &self.script[here].action {
                Action::Open { .. } | Action::Nothing => {}
                Action::Number => {
                    let text = format!("{}\n", self.line);
                    self.write(text.as_bytes())?;
                }
                Action::Append(text) => self.later.push(Later::Text(text.clone())),
                Action::Insert(text) => {
                    let text = text.clone();
                    self.write(&text)?;
                }
                Action::Change(text) => {
                    // Of a range, the last line is replaced and the others vanish.
                    let command = &self.script[here];
                    let whole = command.to.is_some() && !command.negated;
                    if !whole || !self.is_within(here) {
                        let text = text.clone();
                        self.write(&text)?;
                    }
                    return Ok(Flow::Delete);
                }
                Action::Branch(to) => at = to.unwrap_or(end),
                Action::BranchIf(to) => {
                    if std::mem::take(&mut self.replaced) {
                        at = to.unwrap_or(end);
                    }
                }
                Action::BranchUnless(to) => {
                    if !std::mem::take(&mut self.replaced) {
                        at = to.unwrap_or(end);
                    }
                }
                Action::Delete => return Ok(Flow::Delete),
                Action::DeleteFirst => {
                    return Ok(match self.first_end() {
                        Some(newline) => {
                            self.space.drain(..=newline);
                            Flow::Again
                        }
                        None => Flow::Delete,
                    });
                }
                Action::Name => {
                    let name = self.name.clone();
                    self.write_line(name.as_bytes(), true)?;
                }
                Action::Get => {
                    self.space.clone_from(&self.hold);
                    self.ended = self.hold_ended;
                }
                Action::GetAppend => {
                    self.ended = self.hold_ended;
                    self.space.push(self.settings.end);
                    self.space.extend_from_slice(&self.hold);
                }
                Action::Hold => {
                    self.hold.clone_from(&self.space);
                    self.hold_ended = self.ended;
                }
                Action::HoldAppend => {
                    self.hold_ended = self.ended;
                    self.hold.push(self.settings.end);
                    self.hold.extend_from_slice(&self.space);
                }
                Action::List(columns) => {
                    let columns = columns.unwrap_or(self.settings.columns);
                    let text = listed(&self.space, columns, self.settings.end);
                    self.write(text.as_bytes())?;
                }
                Action::Next => {
                    if self.is_last()? {
                        // Without a next line, GNU's prints and ends.
                        return Ok(Flow::End);
                    }
                    if !self.settings.quiet {
                        self.print_space()?;
                    }
                    self.flush_later()?;
                    self.next_line()?;
                }
                Action::NextAppend => {
                    if self.is_last()? {
                        return Ok(Flow::End);
                    }
                    self.flush_later()?;
                    if let Some((line, ended)) = self.take_line()? {
                        self.space.push(self.settings.end);
                        self.space.extend_from_slice(&line);
                        self.ended = ended;
                        self.line += 1;
                        self.replaced = false;
                    }
                }
                Action::Print => self.print_space()?,
                Action::PrintFirst => {
                    let (first, ended) = self.first_line();
                    let first = first.to_vec();
                    self.write_line(&first, ended)?;
                }
                Action::Quit { status, print } => {
                    let status = *status;
                    if !print {
                        self.space.clear();
                        self.later.clear();
                        self.settings.quiet = true;
                    }
                    return Ok(Flow::Quit(status));
                }
                Action::ReadFile(path) => self.later.push(Later::File(path.clone())),
                Action::ReadLine(path) => {
                    let path = path.clone();
                    let reader = self
                        .readers
                        .entry(path.clone())
                        .or_insert_with(|| File::open(&path).ok().map(BufReader::new));
                    let mut line = Vec::new();
                    if let Some(reader) = reader {
                        let _ = reader.read_until(b'\n', &mut line);
                    }
                    if !line.is_empty() {
                        self.later.push(Later::Text(line));
                    }
                }
                Action::Substitute(_) => self.substitute(here)?,
                Action::WriteFile(path) => {
                    let path = path.clone();
                    self.write_file(&path, &self.space.clone(), self.ended)?;
                }
                Action::WriteFirst(path) => {
                    let path = path.clone();
                    let (first, ended) = self.first_line();
                    let first = first.to_vec();
                    self.write_file(&path, &first, ended)?;
                }
                Action::Exchange => {
                    std::mem::swap(&mut self.space, &mut self.hold);
                    std::mem::swap(&mut self.ended, &mut self.hold_ended);
                }
                Action::Map(pairs) => {
                    let text = escape::decode(&self.space);
                    let mapped: String = text
                        .chars()
                        .map(|c| pairs.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to))
                        .collect();
                    self.space = escape::encode(&mapped).into_owned();
                }
                Action::Zap => self.space.clear(),
            }
        }
        Ok(Flow::End)
    }

    /// The first line of the pattern space, and whether it has its end.
    fn first_line(&self) -> (&[u8], bool) {
        match self.first_end() {
            Some(end) => (&self.space[..end], true),
            None => (&self.space, self.ended),
        }
    }

    fn first_end(&self) -> Option<usize> {
        self.space.iter().position(|byte| *byte == self.settings.end)
    }

    fn write_file(&mut self, path: &str, line: &[u8], ended: bool) -> Done<()> {
        let mut whole = line.to_vec();
        let end = self.settings.end;
        match path {
            "/dev/stdout" if matches!(self.target, Target::Output) => self.write_line(line, ended),
            "/dev/stdout" => {
                whole.push(end);
                self.out.write_all(&whole).map_err(|error| couldnt("stdout", &error))
            }
            "/dev/stderr" => {
                whole.push(end);
                io::stderr().write_all(&whole).map_err(|error| couldnt("stderr", &error))
            }
            path => {
                let Some(file) = self.writers.get_mut(path) else { return Ok(()) };
                if std::mem::replace(&mut file.lacks_end, !ended) {
                    whole.insert(0, end);
                }
                whole.extend(ended.then_some(end));
                file.writer.write_all(&whole).map_err(|error| couldnt(path, &error))
            }
        }
    }

    fn substitute(&mut self, at: usize) -> Done<()> {
        let space = std::mem::take(&mut self.space);
        let result = self.replaced_text(at, &space);
        let Some(text) = result.inspect_err(|_| self.space.clear())? else {
            self.space = space;
            return Ok(());
        };
        self.space = text;
        self.replaced = true;
        let Action::Substitute(substitute) = &self.script[at].action else { return Ok(()) };
        let (print, file) = (substitute.print, substitute.file.clone());
        if print {
            self.print_space()?;
        }
        if let Some(file) = file {
            self.write_file(&file, &self.space.clone(), self.ended)?;
        }
        Ok(())
    }

    fn replaced_text(&mut self, at: usize, space: &[u8]) -> Done<Option<Vec<u8>>> {
        let mut result = Vec::with_capacity(space.len() + 16);
        let (mut copied, mut start, mut count) = (0, 0, 0);
        let mut previous_end = None;
        let mut any = false;
        while start <= space.len() {
            let Some(groups) = self.find(at, Which::Substitute, space, start)? else { break };
            let Some((from, to)) = groups.first().copied().flatten() else { break };
            // Nothing is found where the last match ended.
            if from == to && previous_end == Some(to) {
                start = next_char(space, to);
                continue;
            }
            count += 1;
            previous_end = Some(to);
            let Action::Substitute(substitute) = &self.script[at].action else { break };
            if count >= substitute.from {
                result.extend_from_slice(&space[copied..from]);
                replace(substitute, space, &groups, &mut result);
                copied = to;
                any = true;
                if !substitute.global {
                    break;
                }
            }
            start = if from == to { next_char(space, to) } else { to };
        }
        if !any {
            return Ok(None);
        }
        result.extend_from_slice(&space[copied..]);
        Ok(Some(result))
    }
}

/// The start of the character after the one at `at`.
fn next_char(text: &[u8], at: usize) -> usize {
    let mut next = at + 1;
    while text.get(next).is_some_and(|byte| byte & 0xC0 == 0x80) {
        next += 1;
    }
    next
}

fn pattern(command: &Command, which: Which) -> Option<&Pattern> {
    let address = match which {
        Which::From => &command.from,
        Which::To => &command.to,
        Which::Substitute => match &command.action {
            Action::Substitute(substitute) => return Some(&substitute.pattern),
            _ => return None,
        },
    };
    match address {
        Some(Address::Match(pattern)) => Some(pattern),
        _ => None,
    }
}

fn couldnt(what: &str, error: &io::Error) -> String {
    format!("couldn't write to {what}: {}", message(error))
}

/// The file that a command writes to.
fn written(command: &Command) -> Option<&str> {
    match &command.action {
        Action::WriteFile(path) | Action::WriteFirst(path) => Some(path),
        Action::Substitute(substitute) => substitute.file.as_deref(),
        _ => None,
    }
}

fn replace(
    substitute: &Substitute,
    space: &[u8],
    groups: &[Option<(usize, usize)>],
    into: &mut Vec<u8>,
) {
    // What is in force until `\E`, and for the next character alone.
    let (mut case, mut next) = (None, None);
    for piece in &substitute.with {
        let text: &[u8] = match piece {
            Piece::Case('E') => {
                (case, next) = (None, None);
                continue;
            }
            Piece::Case(letter @ ('U' | 'L')) => {
                (case, next) = (Some(*letter), next);
                continue;
            }
            Piece::Case(letter) => {
                next = Some(*letter);
                continue;
            }
            Piece::Text(text) => text,
            Piece::Group(number) => match groups.get(*number).copied().flatten() {
                Some((from, to)) => &space[from..to],
                None => continue,
            },
        };
        if case.is_none() && next.is_none() || text.is_empty() {
            into.extend_from_slice(text);
            continue;
        }
        let text = escape::decode(text);
        let mut changed = match case {
            Some('U') => text.to_uppercase(),
            Some(_) => text.to_lowercase(),
            None => text,
        };
        if let Some(letter) = next.take() {
            let mut chars = changed.chars();
            let first = chars.next().map(String::from).unwrap_or_default();
            let first = if letter == 'u' { first.to_uppercase() } else { first.to_lowercase() };
            changed = first + chars.as_str();
        }
        into.extend_from_slice(&escape::encode(&changed));
    }
}

/// `l`: what is not printable as escapes, lines folded so that each has fewer columns than this; 0
/// for no folding.
fn listed(space: &[u8], columns: usize, end: u8) -> String {
    let end = char::from(end);
    let mut text = String::new();
    let mut width = 0;
    for byte in space {
        let piece = match byte {
            b'\\' => "\\\\".to_owned(),
            7 => "\\a".to_owned(),
            8 => "\\b".to_owned(),
            9 => "\\t".to_owned(),
            10 => "\\n".to_owned(),
            11 => "\\v".to_owned(),
            12 => "\\f".to_owned(),
            13 => "\\r".to_owned(),
            32..=126 => char::from(*byte).to_string(),
            byte => format!("\\{byte:03o}"),
        };
        if columns > 0 && width + piece.len() >= columns {
            text.extend(['\\', end]);
            width = 0;
        }
        width += piece.len();
        text.push_str(&piece);
    }
    text.extend(['$', end]);
    text
}
