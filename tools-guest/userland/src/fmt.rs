//! `fmt`: paragraphs filled anew. Where their lines break is what costs least over all of a
//! paragraph, by the same costs as GNU's, so that the same text comes out the same.

mod breaks;

use std::io::{self, BufRead, BufReader, Read, Write};

use breaks::{Break, Room, Word, choose, settled};
use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};

/// Columns of a line, unless said otherwise.
const WIDTH: usize = 75;

/// The most that may be asked for.
const MAX_WIDTH: usize = 2500;

/// By how many percent of the width lines should be shorter than it.
const LEEWAY: usize = 7;

/// Bytes of words that are looked at together: of a longer paragraph, what is settled is written.
const MAX_BYTES: usize = 5000;

/// How far the lines after the first of a tagged paragraph are in, if nothing shows it.
const TAG_INDENT: usize = 3;

/// Words that are.
const MAX_WORDS: usize = 998;

const TAB: usize = 8;

/// Which lines are of one paragraph.
///
/// Of several that are asked for, the last in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Those that are in as far as the first.
    Plain,
    /// The first must be in by more or less than the others.
    Tagged,
    /// The first may be.
    Crown,
    /// Each line by itself: none are joined.
    Split,
}

#[derive(Debug)]
struct Options {
    kind: Kind,
    /// One space between words, two after sentences.
    uniform: bool,
    room: Room,
    /// What lines begin with that are filled, and the blanks before and after it.
    prefix: Vec<u8>,
    lead: usize,
    trail: usize,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let (options, paths) = match options(words) {
        Ok(read) => read,
        Err(error) => {
            eprintln!("fmt: {error}");
            return 1;
        }
    };
    let mut status = 0;
    for path in &paths {
        let input = match open(path) {
            Ok(input) => input,
            Err(error) => {
                eprintln!("fmt: cannot open '{path}' for reading: {}", message(&error));
                status = 1;
                continue;
            }
        };
        if let Err(error) = Filler::new(&options, input, out).run() {
            eprintln!("fmt: {path}: {}", message(&error));
            return 1;
        }
    }
    status
}

fn options(words: &[String]) -> Result<(Options, Vec<String>), String> {
    let long = [
        "crown-margin:c",
        "prefix=:p",
        "split-only:s",
        "tagged-paragraph:t",
        "uniform-spacing:u",
        "width=:w",
        "goal=:g",
    ];
    // `-60` is the oldest way to say `-w 60`, as the first word alone.
    let mut words = words.to_vec();
    if let Some(first) = words.first_mut()
        && first
            .strip_prefix('-')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    {
        first.insert(1, 'w');
    }
    let args = parse(&words, "cp:stuw:g:", &long)
        .map_err(|error| format!("{error}\nTry 'fmt --help' for more information."))?;
    let (mut kind, mut uniform, mut prefix) = (Kind::Plain, false, String::new());
    let (mut width, mut goal, mut paths) = (None, None, Vec::new());
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        let number = |most: usize| match value.parse::<usize>() {
            Ok(number) if number <= most => Ok(number),
            Ok(_) => Err(format!("invalid width: '{value}': Numerical result out of range")),
            Err(_) => Err(format!("invalid width: '{value}'")),
        };
        match letter.as_str() {
            "c" => kind = kind.max(Kind::Crown),
            "s" => kind = kind.max(Kind::Split),
            "t" => kind = kind.max(Kind::Tagged),
            "u" => uniform = true,
            "p" => prefix = value,
            "w" => width = Some(number(MAX_WIDTH)?),
            _ => goal = Some(number(width.unwrap_or(WIDTH))?),
        }
    }
    let width = width.or(goal.map(|goal| goal + 10)).unwrap_or(WIDTH);
    let goal = goal.unwrap_or(width * (2 * (100 - LEEWAY) + 1) / 200);
    let lead = prefix.len() - prefix.trim_start_matches(' ').len();
    let full = prefix.trim_start_matches(' ');
    let bare = full.trim_end_matches(' ');
    let trail = full.len() - bare.len();
    let prefix = bare.as_bytes().to_vec();
    if paths.is_empty() {
        paths.push("-".to_owned());
    }
    let room = Room { width, goal };
    Ok((Options { kind, uniform, room, prefix, lead, trail }, paths))
}

/// What a line begins with, up to its first word.
#[derive(Debug, Clone, Copy, Default)]
struct Start {
    /// The column of the prefix, and of what comes after it.
    prefix: usize,
    column: usize,
    /// The next byte; nothing at the end of the input.
    byte: Option<u8>,
}

struct Filler<'a, W: Write> {
    options: &'a Options,
    input: BufReader<Box<dyn Read>>,
    out: &'a mut W,
    /// The column of the next byte of the input.
    column: usize,
    /// Whether tabs are written as well, as they have been read.
    tabs: bool,
    /// The next line.
    next: Start,
    /// Columns before the prefix, the first line and the others of the paragraph.
    prefix_indent: usize,
    first_indent: usize,
    other_indent: usize,
    /// Words of the paragraph that are not written, and how long they are together.
    words: Vec<Word>,
    bytes: usize,
    /// Columns of the line that was written last, of this paragraph.
    last_length: usize,
}

impl<'a, W: Write> Filler<'a, W> {
    fn new(options: &'a Options, input: Box<dyn Read>, out: &'a mut W) -> Filler<'a, W> {
        Filler {
            options,
            input: BufReader::new(input),
            out,
            column: 0,
            tabs: false,
            next: Start::default(),
            prefix_indent: 0,
            first_indent: 0,
            other_indent: 0,
            words: Vec::new(),
            bytes: 0,
            last_length: 0,
        }
    }

    fn run(mut self) -> io::Result<()> {
        self.next = self.start_of_line()?;
        while self.paragraph()? {
            let breaks = self.breaks();
            self.write_lines(&breaks, breaks.len())?;
        }
        Ok(())
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.input.fill_buf()?.first().copied();
        self.input.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    /// Passes blanks, from `byte` on; what comes after them.
    fn blanks(&mut self, mut byte: Option<u8>) -> io::Result<Option<u8>> {
        loop {
            match byte {
                Some(b' ') => self.column += 1,
                Some(b'\t') => {
                    self.tabs = true;
                    self.column = (self.column / TAB + 1) * TAB;
                }
                other => return Ok(other),
            }
            byte = self.byte()?;
        }
    }

    fn start_of_line(&mut self) -> io::Result<Start> {
        self.column = 0;
        let first = self.byte()?;
        let mut byte = self.blanks(first)?;
        let options = self.options;
        let mut prefix = self.column;
        if options.prefix.is_empty() {
            prefix = prefix.min(options.lead);
        } else {
            for expected in &options.prefix {
                if byte != Some(*expected) {
                    return Ok(Start { prefix, column: self.column, byte });
                }
                self.column += 1;
                byte = self.byte()?;
            }
            byte = self.blanks(byte)?;
        }
        Ok(Start { prefix, column: self.column, byte })
    }

    /// Whether a line has something to fill: there are words, and they are in far enough.
    fn has_words(&self, start: Start) -> bool {
        let Options { prefix, trail, .. } = self.options;
        !matches!(start.byte, None | Some(b'\n'))
            && start.column >= start.prefix + prefix.len() + trail
    }

    fn goes_on(&self) -> bool {
        self.next.prefix == self.prefix_indent && self.has_words(self.next)
    }

    /// Reads a paragraph, after writing what comes before it as it is. False at the end.
    fn paragraph(&mut self) -> io::Result<bool> {
        self.last_length = 0;
        while self.next.prefix < self.options.lead || !self.has_words(self.next) {
            if !self.copy_line()? {
                return Ok(false);
            }
            self.next = self.start_of_line()?;
        }
        self.prefix_indent = self.next.prefix;
        self.first_indent = self.next.column;
        self.words.clear();
        self.bytes = 0;
        self.line(true)?;
        self.indent_others(self.goes_on());
        let joins = match self.options.kind {
            Kind::Split => false,
            Kind::Plain | Kind::Crown => true,
            Kind::Tagged => self.next.column != self.first_indent,
        };
        while joins && self.goes_on() && self.next.column == self.other_indent {
            self.line(false)?;
        }
        if let Some(last) = self.words.last_mut() {
            (last.period, last.ends) = (true, true);
        }
        Ok(true)
    }

    /// Settles how far the lines after the first are in.
    fn indent_others(&mut self, goes_on: bool) {
        match self.options.kind {
            Kind::Crown if goes_on => self.other_indent = self.next.column,
            Kind::Tagged if goes_on && self.next.column != self.first_indent => {
                self.other_indent = self.next.column;
            }
            // A line alone: as far as in the paragraph before, unless that looked like the first.
            Kind::Tagged if self.other_indent != self.first_indent => {}
            Kind::Tagged => {
                self.other_indent = if self.first_indent == 0 { TAG_INDENT } else { 0 };
            }
            Kind::Plain | Kind::Crown | Kind::Split => self.other_indent = self.first_indent,
        }
    }

    /// Reads the words of a line, and the start of the next.
    fn line(&mut self, is_first: bool) -> io::Result<()> {
        let mut byte = self.next.byte;
        while let Some(first) = byte.filter(|byte| *byte != b'\n') {
            let mut text = Vec::new();
            let mut next = Some(first);
            while let Some(letter) = next.filter(|byte| text.is_empty() || !is_space(*byte)) {
                if self.bytes + text.len() >= MAX_BYTES {
                    if self.words.is_empty() {
                        self.out.write_all(&text)?;
                        text.clear();
                    } else {
                        self.write_settled(is_first)?;
                    }
                }
                text.push(letter);
                next = self.byte()?;
            }
            byte = next;
            self.column += text.len();
            let after = self.column;
            byte = self.blanks(byte)?;
            let mut word = Word::new(text);
            let space = self.column - after;
            let is_last = matches!(byte, None | Some(b'\n'));
            word.ends = byte.is_none() || word.period && (is_last || space > 1);
            word.space = match is_last || self.options.uniform {
                true => 1 + usize::from(word.ends),
                false => space,
            };
            if self.words.len() == MAX_WORDS {
                self.write_settled(is_first)?;
            }
            self.bytes += word.text.len();
            self.words.push(word);
        }
        self.next = match byte {
            Some(_) => self.start_of_line()?,
            None => Start::default(),
        };
        Ok(())
    }

    /// Writes a line that is not filled, up to its end. False at the end of the input.
    fn copy_line(&mut self) -> io::Result<bool> {
        let Start { prefix, column, byte } = self.next;
        let is_end = matches!(byte, None | Some(b'\n'));
        let mut line = Line::default();
        if column > prefix || !is_end {
            line.blanks(prefix, self.tabs);
            let shown = self.options.prefix.len().min(column - prefix);
            line.text(&self.options.prefix[..shown]);
            if !is_end {
                line.blanks(column, self.tabs);
            } else if byte.is_none() && column >= prefix + self.options.prefix.len() {
                line.text(b"\n");
            }
        }
        let mut byte = byte;
        while let Some(next) = byte.filter(|byte| *byte != b'\n') {
            line.text(&[next]);
            byte = self.byte()?;
        }
        if byte.is_some() {
            line.text(b"\n");
        }
        self.out.write_all(&line.bytes)?;
        Ok(byte.is_some())
    }

    fn breaks(&self) -> Vec<Break> {
        let indents = (self.first_indent, self.other_indent);
        choose(&self.words, self.options.room, indents, self.last_length)
    }

    /// Of a paragraph that is longer than what is looked at together, writes the lines up to the
    /// best of their breaks.
    fn write_settled(&mut self, is_first: bool) -> io::Result<()> {
        if is_first {
            self.indent_others(false);
        }
        let breaks = self.breaks();
        let end = settled(&breaks);
        self.write_lines(&breaks, end)?;
        self.words.drain(..end);
        self.bytes = self.words.iter().map(|word| word.text.len()).sum();
        Ok(())
    }

    fn write_lines(&mut self, breaks: &[Break], end: usize) -> io::Result<()> {
        let mut at = 0;
        while at < end {
            let indent = if at == 0 { self.first_indent } else { self.other_indent };
            let mut line = Line::default();
            line.blanks(self.prefix_indent, self.tabs);
            line.text(&self.options.prefix);
            line.blanks(indent, self.tabs);
            let words = &self.words[at..breaks[at].next];
            for (word, has_more) in words.iter().zip((0..words.len()).rev()) {
                line.text(&word.text);
                if has_more > 0 {
                    line.blanks(line.column + word.space, self.tabs);
                }
            }
            self.last_length = line.column;
            line.text(b"\n");
            self.out.write_all(&line.bytes)?;
            at = breaks[at].next;
        }
        Ok(())
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// A line as it is written.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
    column: usize,
}

impl Line {
    fn text(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.column += text.len();
    }

    /// Blanks up to a column, with tabs where they are shorter.
    fn blanks(&mut self, column: usize, tabs: bool) {
        let stop = column / TAB * TAB;
        if tabs && self.column + 1 < stop {
            while self.column < stop {
                self.bytes.push(b'\t');
                self.column = (self.column / TAB + 1) * TAB;
            }
        }
        while self.column < column {
            self.bytes.push(b' ');
            self.column += 1;
        }
    }
}
