//! `xxd`: bytes as digits, and back.

mod dump;
mod revert;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open_input};

/// Bytes of one line of a dump, at most.
const MAX_COLUMNS: usize = 256;

/// How bytes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Groups of digits with their offset and their characters.
    Hex,
    /// The same, each group as one number whose first byte is the least.
    LittleEndian,
    /// The same in base 2.
    Bits,
    /// Digits alone.
    Plain,
    /// An array of C.
    Include,
}

#[derive(Debug)]
struct Options {
    form: Form,
    /// Bytes of a line; 0 for all of them in one.
    columns: usize,
    group: usize,
    upper: bool,
    /// One `*` for lines of nothing but zeros.
    skip_zeros: bool,
    decimal_offsets: bool,
    /// Added to each offset that is shown.
    shift: u64,
    /// The name of the array, and whether it is written in capitals.
    name: Option<String>,
    capitals: bool,
}

/// Where to begin.
#[derive(Debug, Clone, Copy)]
enum Start {
    At(u64),
    /// So far before the end.
    BeforeEnd(u64),
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    // xxd takes long names with one hyphen.
    let words: Vec<String> = words
        .iter()
        .map(|word| match word.trim_start_matches('-') {
            "ps" | "plain" | "postscript" if word.starts_with('-') => "-p",
            "revert" | "reverse" if word.starts_with('-') => "-r",
            "autoskip" if word.starts_with('-') => "-a",
            "include" if word.starts_with('-') => "-i",
            "bits" if word.starts_with('-') => "-b",
            "capitalize" if word.starts_with('-') => "-C",
            "cols" if word.starts_with('-') => "-c",
            "groupsize" if word.starts_with('-') => "-g",
            "len" if word.starts_with('-') => "-l",
            "name" if word.starts_with('-') => "-n",
            "seek" | "skip" if word.starts_with('-') => "-s",
            "uppercase" | "upper" if word.starts_with('-') => "-u",
            _ => word.as_str(),
        })
        .map(str::to_owned)
        .collect();
    let args = match parse(&words, "abCc:deg:il:n:o:prR:s:u", &[]) {
        Ok(args) => args,
        Err(error) => return wrong(&error),
    };
    let (mut form, mut reverse, mut paths) = (Form::Hex, false, Vec::new());
    let (mut columns, mut group) = (None, None);
    let (mut start, mut most) = (Start::At(0), u64::MAX);
    let mut options = Options {
        form,
        columns: 0,
        group: 0,
        upper: false,
        skip_zeros: false,
        decimal_offsets: false,
        shift: 0,
        name: None,
        capitals: false,
    };
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        let valid = match letter.as_str() {
            "a" => set(&mut options.skip_zeros),
            "b" => put(&mut form, Some(Form::Bits)),
            "C" => set(&mut options.capitals),
            "c" => put(&mut columns, length(&value).map(Some)),
            "d" => set(&mut options.decimal_offsets),
            "e" => put(&mut form, Some(Form::LittleEndian)),
            "g" => put(&mut group, length(&value).map(Some)),
            "i" => put(&mut form, Some(Form::Include)),
            "l" => put(&mut most, number(&value)),
            "n" => put(&mut options.name, Some(Some(value.clone()))),
            "o" => put(&mut options.shift, number(&value)),
            "p" => put(&mut form, Some(Form::Plain)),
            "r" => set(&mut reverse),
            "s" => put(&mut start, place(&value)),
            "u" => set(&mut options.upper),
            // Colours are for terminals.
            _ => true,
        };
        if !valid {
            return wrong(&format!("invalid number '{value}' for -{letter}"));
        }
    }
    if paths.len() > 2 {
        return wrong("more than two files");
    }
    options.form = form;
    if let Err(error) = options.lay_out(columns, group) {
        eprintln!("xxd: {error}");
        return 1;
    }
    let path = paths.first().map_or("-", String::as_str);
    let target = paths.get(1).map(String::as_str).filter(|target| *target != "-");
    let done = match (reverse, target) {
        (true, target) => revert(path, target, start, &options, out),
        (false, None) => show(path, start, most, options, out),
        (false, Some(target)) => File::create(target)
            .map_err(|error| Failure { path: target.to_owned(), status: 3, error })
            .and_then(|file| {
                let mut file = io::BufWriter::new(file);
                show(path, start, most, options, &mut file)?;
                file.flush().map_err(|error| Failure { path: target.to_owned(), status: 3, error })
            }),
    };
    match done {
        Ok(()) => 0,
        Err(Failure { path, status, error }) => {
            eprintln!("xxd: {path}: {}", message(&error));
            status
        }
    }
}

fn wrong(error: &str) -> i32 {
    eprintln!("xxd: {error}");
    eprintln!(
        "Usage:\n       xxd [options] [infile [outfile]]\n    or\n       \
         xxd -r [-s [-]offset] [-c cols] [-ps] [infile [outfile]]"
    );
    1
}

fn set(flag: &mut bool) -> bool {
    *flag = true;
    true
}

/// Whether there is a value, which then stands in `place`.
fn put<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

/// A number in base 10, 16 (`0x`) or 8 (`0`).
fn number(text: &str) -> Option<u64> {
    match (text.strip_prefix("0x"), text.strip_prefix('0')) {
        (Some(digits), _) => u64::from_str_radix(digits, 16).ok(),
        (None, Some(digits)) if !digits.is_empty() => u64::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    }
}

fn length(text: &str) -> Option<usize> {
    number(text).and_then(|number| usize::try_from(number).ok())
}

fn place(text: &str) -> Option<Start> {
    let text = text.strip_prefix('+').unwrap_or(text);
    match text.strip_prefix('-') {
        Some(text) => number(text).map(Start::BeforeEnd),
        None => number(text).map(Start::At),
    }
}

impl Options {
    /// Settles what a line is.
    fn lay_out(&mut self, columns: Option<usize>, group: Option<usize>) -> Result<(), String> {
        let usual = match self.form {
            Form::Plain => 30,
            Form::Bits => 6,
            Form::Include => 12,
            Form::Hex | Form::LittleEndian => 16,
        };
        let endless = self.form == Form::Plain && columns == Some(0);
        self.columns = columns.filter(|columns| endless || *columns > 0).unwrap_or(usual);
        if self.columns > MAX_COLUMNS && !matches!(self.form, Form::Plain | Form::Include) {
            return Err(format!("invalid number of columns (max. {MAX_COLUMNS})."));
        }
        self.group = group.unwrap_or(match self.form {
            Form::Bits => 1,
            Form::LittleEndian => 4,
            Form::Hex | Form::Plain | Form::Include => 2,
        });
        if self.group == 0 || self.group > self.columns {
            self.group = self.columns;
        }
        if self.form == Form::LittleEndian && !self.group.is_power_of_two() {
            return Err("number of octets per group must be a power of 2 with -e.".to_owned());
        }
        Ok(())
    }
}

/// What ended the program.
struct Failure {
    path: String,
    status: i32,
    error: io::Error,
}

fn show(
    path: &str,
    start: Start,
    most: u64,
    mut options: Options,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let failed = |error| Failure { path: path.to_owned(), status: 2, error };
    let mut input: Box<dyn Read> = match path {
        "-" => open_input(),
        path => Box::new(File::open(path).map_err(failed)?),
    };
    let mut offset = 0;
    match start {
        Start::At(0) => {}
        Start::At(at) => {
            let passed = io::copy(&mut input.by_ref().take(at), &mut io::sink());
            if passed.map_err(failed)? < at {
                eprintln!("xxd: Sorry, cannot seek.");
                return Ok(());
            }
            offset = at;
        }
        Start::BeforeEnd(count) => {
            let mut file = match path {
                "-" => File::open("/dev/stdin"),
                path => File::open(path),
            }
            .map_err(failed)?;
            let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
            offset = length.saturating_sub(count);
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            input = Box::new(file);
        }
    }
    if options.form == Form::Include && options.name.is_none() && path != "-" {
        options.name = Some(path.to_owned());
    }
    dump::write(input.take(most), offset, &options, out).map_err(failed)
}

fn revert(
    path: &str,
    target: Option<&str>,
    start: Start,
    options: &Options,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let failed = |error| Failure { path: path.to_owned(), status: 2, error };
    let mut text = Vec::new();
    let mut input: Box<dyn Read> = match path {
        "-" => open_input(),
        path => Box::new(File::open(path).map_err(failed)?),
    };
    input.read_to_end(&mut text).map_err(failed)?;
    let shift = match start {
        Start::At(at) => i128::from(at),
        Start::BeforeEnd(count) => -i128::from(count),
    };
    let runs = match options.form {
        Form::Plain => revert::plain(&text),
        _ => revert::dumped(&text, options.columns, options.form == Form::Bits),
    };
    let Some(target) = target else {
        // What is no file is filled with zeros up to where bytes belong.
        let mut at = 0;
        for run in runs {
            let gap = i128::from(run.offset) + shift - i128::from(at);
            let Ok(gap) = u64::try_from(gap) else {
                eprintln!("xxd: Sorry, cannot seek backwards.");
                return Err(Failure {
                    path: path.to_owned(),
                    status: 5,
                    error: io::ErrorKind::NotSeekable.into(),
                });
            };
            io::copy(&mut io::repeat(0).take(gap), out).map_err(failed)?;
            out.write_all(&run.bytes).map_err(failed)?;
            at += gap + run.bytes.len() as u64;
        }
        return Ok(());
    };
    let failed = |error| Failure { path: target.to_owned(), status: 3, error };
    // What the file holds elsewhere stays: so a dump patches it.
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(target);
    let mut file = file.map_err(failed)?;
    for run in runs {
        let at = u64::try_from(i128::from(run.offset) + shift)
            .map_err(|_| failed(io::ErrorKind::InvalidInput.into()))?;
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        file.write_all(&run.bytes).map_err(failed)?;
    }
    Ok(())
}
