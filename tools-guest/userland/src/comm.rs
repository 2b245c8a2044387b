//! `comm`.

use std::io::{BufRead, BufReader, Read, Write};

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};

/// Whether lines out of order are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// Once there is a line that the other file lacks.
    Default,
    /// Always, and nothing comes after it.
    Strict,
    Never,
}

#[derive(Debug)]
struct Options {
    /// Which of the three columns are shown.
    shown: [bool; 3],
    separator: Vec<u8>,
    check: Check,
    total: bool,
    /// What ends a line.
    end: u8,
}

/// One of the two files.
struct Side {
    number: usize,
    input: BufReader<Box<dyn Read>>,
    /// The line that is looked at, and the one before it, without their ends.
    line: Option<Vec<u8>>,
    before: Option<Vec<u8>>,
    told: bool,
}

const HINT: &str = "Try 'comm --help' for more information.";

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "check-order:check-order",
        "nocheck-order:nocheck-order",
        "output-delimiter=:output-delimiter",
        "total:total",
        "zero-terminated:z",
    ];
    let args = match parse(words, "123z", &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("comm: {error}\n{HINT}");
            return 1;
        }
    };
    let mut options = Options {
        shown: [true; 3],
        separator: b"\t".to_vec(),
        check: Check::Default,
        total: false,
        end: b'\n',
    };
    let mut paths = Vec::new();
    let mut given: Option<String> = None;
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        match letter.as_str() {
            "1" => options.shown[0] = false,
            "2" => options.shown[1] = false,
            "3" => options.shown[2] = false,
            "z" => options.end = 0,
            "check-order" => options.check = Check::Strict,
            "nocheck-order" => options.check = Check::Never,
            "total" => options.total = true,
            _ => {
                if given.as_ref().is_some_and(|given| *given != value) {
                    eprintln!("comm: multiple output delimiters specified");
                    return 1;
                }
                options.separator =
                    if value.is_empty() { vec![0] } else { value.clone().into_bytes() };
                given = Some(value);
            }
        }
    }
    let [first, second] = &paths[..] else {
        match &paths[..] {
            [] => eprintln!("comm: missing operand\n{HINT}"),
            [only] => eprintln!("comm: missing operand after ‘{only}’\n{HINT}"),
            [_, _, extra, ..] => eprintln!("comm: extra operand ‘{extra}’\n{HINT}"),
            _ => {}
        }
        return 1;
    };
    let mut sides = Vec::new();
    for (at, path) in [first, second].into_iter().enumerate() {
        match open(path) {
            Ok(input) => sides.push(Side {
                number: at + 1,
                input: BufReader::with_capacity(64 << 10, input),
                line: None,
                before: None,
                told: false,
            }),
            Err(error) => {
                eprintln!("comm: {path}: {}", message(&error));
                return 1;
            }
        }
    }
    let Ok([mut left, mut right]) = <[Side; 2]>::try_from(sides) else { return 1 };
    match compare(&options, &mut left, &mut right, out) {
        Ok(()) if left.told || right.told => {
            let _ = out.flush();
            eprintln!("comm: input is not in sorted order");
            1
        }
        Ok(()) => 0,
        Err(Failure::Disorder) => 1,
        Err(Failure::Io(error)) => {
            let _ = out.flush();
            eprintln!("comm: {}", message(&error));
            1
        }
    }
}

/// Why nothing more is compared.
enum Failure {
    /// Lines are out of order, which has been told.
    Disorder,
    Io(std::io::Error),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Io(error)
    }
}

fn compare(
    options: &Options,
    left: &mut Side,
    right: &mut Side,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut totals = [0u64; 3];
    let mut unpaired = false;
    left.advance(options, unpaired, out)?;
    right.advance(options, unpaired, out)?;
    loop {
        let order = match (&left.line, &right.line) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => a.cmp(b),
        };
        let (column, line) = match order {
            std::cmp::Ordering::Less => (0, &left.line),
            std::cmp::Ordering::Greater => (1, &right.line),
            std::cmp::Ordering::Equal => (2, &right.line),
        };
        totals[column] += 1;
        if options.shown[column] {
            for _ in options.shown[..column].iter().filter(|shown| **shown) {
                out.write_all(&options.separator)?;
            }
            out.write_all(line.as_deref().unwrap_or_default())?;
            out.write_all(&[options.end])?;
        }
        unpaired |= order.is_ne();
        if order.is_le() {
            left.advance(options, unpaired, out)?;
        }
        if order.is_ge() {
            right.advance(options, unpaired, out)?;
        }
    }
    if options.total {
        for total in totals {
            out.write_all(total.to_string().as_bytes())?;
            out.write_all(&options.separator)?;
        }
        out.write_all(b"total")?;
        out.write_all(&[options.end])?;
    }
    Ok(())
}

impl Side {
    /// Goes on to the next line; at the end of the file, the last two are looked at once more.
    fn advance(
        &mut self,
        options: &Options,
        unpaired: bool,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let mut next = Vec::new();
        self.input.read_until(options.end, &mut next)?;
        if next.is_empty() {
            let last = self.line.take();
            return self.check(last.as_deref(), options, unpaired, out);
        }
        if next.last() == Some(&options.end) {
            next.pop();
        }
        self.before = self.line.replace(next);
        let line = self.line.take();
        let checked = self.check(line.as_deref(), options, unpaired, out);
        self.line = line;
        checked
    }

    fn check(
        &mut self,
        line: Option<&[u8]>,
        options: &Options,
        unpaired: bool,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let wanted = match options.check {
            Check::Default => unpaired,
            Check::Strict => true,
            Check::Never => false,
        };
        let in_order = match (&self.before, line) {
            (Some(before), Some(line)) => before.as_slice() <= line,
            _ => true,
        };
        if in_order || !wanted || self.told {
            return Ok(());
        }
        out.flush()?;
        eprintln!("comm: file {} is not in sorted order", self.number);
        self.told = true;
        match options.check {
            Check::Strict => Err(Failure::Disorder),
            Check::Default | Check::Never => Ok(()),
        }
    }
}
