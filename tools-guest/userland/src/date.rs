//! `date`.

use std::io::{BufRead, Write};
use std::time::SystemTime;

use toolcell_program::args::{Arg, choice, parse};
use toolcell_program::{message, open};
use toolcell_text::{Moment, strftime_extended};
use toolcell_zone::{Local, local, when};

const DEFAULT_FORMAT: &str = "%a %b %e %H:%M:%S %Z %Y";
const EMAIL: &str = "%a, %d %b %Y %H:%M:%S %z";
const HINT: &str = "Try 'date --help' for more information.";

/// How exact `--iso-8601` is, with its format; `--rfc-3339` knows some of them.
const ISO: [(&str, &str); 5] = [
    ("hours", "%Y-%m-%dT%H%:z"),
    ("minutes", "%Y-%m-%dT%H:%M%:z"),
    ("date", "%Y-%m-%d"),
    ("seconds", "%Y-%m-%dT%H:%M:%S%:z"),
    ("ns", "%Y-%m-%dT%H:%M:%S,%N%:z"),
];
const RFC: [(&str, &str); 3] =
    [("date", "%Y-%m-%d"), ("seconds", "%Y-%m-%d %H:%M:%S%:z"), ("ns", "%Y-%m-%d %H:%M:%S.%N%:z")];

/// Where the times come from.
enum Source {
    Now,
    Text(String),
    File(String),
    Reference(String),
    Resolution,
}

struct Options {
    source: Source,
    format: String,
    utc: bool,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let options = match options(words) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("date: {error}");
            return 1;
        }
    };
    let zone = match options.utc {
        true => &Local::utc(),
        false => local(),
    };
    let mut status = 0;
    let result = match &options.source {
        Source::Now => Ok(now()),
        Source::Text(text) => read(text, zone),
        Source::Reference(path) => modified(path),
        Source::Resolution => {
            return i32::from(writeln!(out, "0.000000001").is_err());
        }
        Source::File(path) => {
            let lines = match open(path) {
                Ok(input) => std::io::BufReader::new(input).lines(),
                Err(error) => {
                    eprintln!("date: {path}: {}", message(&error));
                    return 1;
                }
            };
            for line in lines.map_while(Result::ok) {
                match read(&line, zone) {
                    Ok(moment) if show(&options.format, moment, zone, out).is_err() => return 1,
                    Ok(_) => {}
                    Err(error) => {
                        eprintln!("date: {error}");
                        status = 1;
                    }
                }
            }
            return status;
        }
    };
    match result {
        Ok(moment) => i32::from(show(&options.format, moment, zone, out).is_err()),
        Err(error) => {
            eprintln!("date: {error}");
            1
        }
    }
}

fn show(format: &str, moment: Moment, zone: &Local, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "{}", strftime_extended(format, moment, zone))
}

fn options(words: &[String]) -> Result<Options, String> {
    let long = [
        "date=:d",
        "debug",
        "file=:f",
        "iso-8601=?:I",
        "resolution",
        "rfc-822:R",
        "rfc-2822:R",
        "rfc-3339=",
        "rfc-email:R",
        "reference=:r",
        "set=:s",
        "uct:u",
        "utc:u",
        "universal:u",
    ];
    let hinted = |error: String| format!("{error}\n{HINT}");
    let args = parse(words, "d:f:I::r:Rs:u", &long).map_err(hinted)?;
    let (mut source, mut format, mut utc, mut sets) = (Source::Now, None, false, false);
    let mut operands = Vec::new();
    for arg in args {
        let (name, value) = match arg {
            Arg::Operand(word) => {
                operands.push(word);
                continue;
            }
            Arg::Option(name, value) => (name, value),
        };
        let text = value.clone().unwrap_or_default();
        let (new_source, new_format) = match name.as_str() {
            "d" => (Some(Source::Text(text)), None),
            "f" => (Some(Source::File(text)), None),
            "r" => (Some(Source::Reference(text)), None),
            "resolution" => (Some(Source::Resolution), None),
            "I" => {
                let precision = value.as_deref().unwrap_or("date");
                (None, Some(choice("--iso-8601", precision, &ISO).map_err(hinted)?))
            }
            "rfc-3339" => (None, Some(choice("--rfc-3339", &text, &RFC).map_err(hinted)?)),
            "R" => (None, Some(EMAIL)),
            "u" => {
                utc = true;
                (None, None)
            }
            "s" => {
                sets = true;
                (None, None)
            }
            _ => (None, None),
        };
        if let Some(new) = new_source {
            // The last of one kind counts; two kinds are too many.
            let same = std::mem::discriminant(&source) == std::mem::discriminant(&new);
            if !same && !matches!(source, Source::Now) {
                let message = "the options to specify dates for printing are mutually exclusive";
                return Err(format!("{message}\n{HINT}"));
            }
            source = new;
        }
        if let Some(new) = new_format
            && format.replace(new.to_owned()).is_some()
        {
            return Err("multiple output formats specified".to_owned());
        }
    }
    if sets && !matches!(source, Source::Now) {
        let message = "the options to print and set the time may not be used together";
        return Err(format!("{message}\n{HINT}"));
    }
    if let Some(second) = operands.get(1) {
        return Err(format!("extra operand ‘{second}’\n{HINT}"));
    }
    if let Some(operand) = operands.first() {
        match operand.strip_prefix('+') {
            Some(_) if format.is_some() => {
                return Err("multiple output formats specified".to_owned());
            }
            Some(text) => format = Some(text.to_owned()),
            None if sets || !matches!(source, Source::Now) => {
                return Err(format!(
                    "the argument ‘{operand}’ lacks a leading '+';\nwhen using an option to \
                     specify date(s), any non-option\nargument must be a format string beginning \
                     with '+'\n{HINT}"
                ));
            }
            None if is_clock_setting(operand) => sets = true,
            None => return Err(format!("invalid date ‘{operand}’")),
        }
    }
    if sets {
        return Err("cannot set date: Operation not permitted".to_owned());
    }
    let format = format.unwrap_or_else(|| match source {
        Source::Resolution => String::new(),
        _ => DEFAULT_FORMAT.to_owned(),
    });
    Ok(Options { source, format, utc })
}

/// `MMDDhhmm[[CC]YY][.ss]`
fn is_clock_setting(word: &str) -> bool {
    let (digits, seconds) = word.split_once('.').unwrap_or((word, "00"));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    matches!(digits.len(), 8 | 10 | 12)
        && seconds.len() == 2
        && all_digits(digits)
        && all_digits(seconds)
}

fn now() -> Moment {
    Moment::from(SystemTime::now())
}

fn modified(path: &str) -> Result<Moment, String> {
    let found = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    found.map(Moment::from).map_err(|error| format!("{path}: {}", message(&error)))
}

fn read(text: &str, zone: &Local) -> Result<Moment, String> {
    when(text, now(), zone).ok_or_else(|| format!("invalid date ‘{text}’"))
}
