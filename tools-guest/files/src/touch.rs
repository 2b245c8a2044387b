//! `touch`.

use std::fs::File;
use std::io::{self, Write};
use std::time::SystemTime;

use toolcell_program::args::{Arg, choice};
use toolcell_program::files::{Time, look, set_times};
use toolcell_program::message;
use toolcell_text::{Moment, at_local, civil_day, year_of};
use toolcell_zone::{local, when};

use crate::arguments;

const HINT: &str = "Try 'touch --help' for more information.";

/// What `--time` may be, with the letter that says the same.
const TIMES: [(&str, char); 5] =
    [("atime", 'a'), ("access", 'a'), ("use", 'a'), ("mtime", 'm'), ("modify", 'm')];

#[derive(Default)]
struct Options {
    accessed: bool,
    modified: bool,
    no_create: bool,
    no_dereference: bool,
    date: Option<String>,
    stamp: Option<String>,
    reference: Option<String>,
    paths: Vec<String>,
}

/// What the two times become.
struct Times {
    accessed: Time,
    modified: Time,
}

pub(crate) fn run(words: &[String], _: &mut impl Write) -> i32 {
    let options = match options(words) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let times = match times(&options) {
        Ok(times) => times,
        Err(error) => {
            eprintln!("touch: {error}");
            return 1;
        }
    };
    let mut status = 0;
    for path in &options.paths {
        if let Err(error) = touch(path, &times, &options) {
            eprintln!("touch: {error}");
            status = 1;
        }
    }
    status
}

fn options(words: &[String]) -> Result<Options, i32> {
    let long = ["date=:d", "no-create:c", "no-dereference:h", "reference=:r", "time="];
    let mut options = Options::default();
    let said = |error: &str| {
        eprintln!("touch: {error}\n{HINT}");
        1
    };
    for arg in arguments("touch", words, "acd:fhmr:t:", &long)? {
        let (name, value) = match arg {
            Arg::Operand(path) => {
                options.paths.push(path);
                continue;
            }
            Arg::Option(name, value) => (name, value.unwrap_or_default()),
        };
        match name.as_str() {
            "a" => options.accessed = true,
            "m" => options.modified = true,
            "c" => options.no_create = true,
            "h" => options.no_dereference = true,
            "d" => options.date = Some(value),
            "t" => options.stamp = Some(value),
            "r" => options.reference = Some(value),
            "time" => match choice("--time", &value, &TIMES).map_err(|error| said(&error))? {
                'a' => options.accessed = true,
                _ => options.modified = true,
            },
            _ => {}
        }
    }
    // Neither is both.
    if !options.accessed && !options.modified {
        (options.accessed, options.modified) = (true, true);
    }
    if options.stamp.is_some() && (options.date.is_some() || options.reference.is_some()) {
        return Err(said("cannot specify times from more than one source"));
    }
    if options.paths.is_empty() {
        return Err(said("missing file operand"));
    }
    Ok(options)
}

/// What the options say that the times become. A date counts from the times of the reference.
fn times(options: &Options) -> Result<Times, String> {
    let now = Moment::from(SystemTime::now());
    let invalid = |text: &str| format!("invalid date format ‘{text}’");
    let read = |text: &str, from: Moment| when(text, from, local()).ok_or_else(|| invalid(text));
    let (accessed, modified) = match (&options.reference, &options.date, &options.stamp) {
        (Some(path), date, _) => {
            let found = look(path, !options.no_dereference).map_err(|error| {
                format!("failed to get attributes of '{path}': {}", message(&error))
            })?;
            let moment = |nanos: u64| match date {
                Some(date) => read(date, Moment::of_nanos(nanos.into())),
                None => Ok(Moment::of_nanos(nanos.into())),
            };
            (at(moment(found.accessed)?)?, at(moment(found.modified)?)?)
        }
        (None, Some(date), _) => {
            let time = at(read(date, now)?)?;
            (time, time)
        }
        (None, None, Some(text)) => {
            let time = at(stamp(text, now).ok_or_else(|| invalid(text))?)?;
            (time, time)
        }
        (None, None, None) => (Time::Now, Time::Now),
    };
    Ok(Times {
        accessed: if options.accessed { accessed } else { Time::Kept },
        modified: if options.modified { modified } else { Time::Kept },
    })
}

/// The time to set. What WASI can say of files begins with 1970, and ends with 2554.
fn at(moment: Moment) -> Result<Time, String> {
    let nanos = moment.to_nanos().and_then(|nanos| u64::try_from(nanos).ok());
    nanos
        .map(Time::At)
        .ok_or_else(|| "no file can have a time before 1970 or after 2554".to_owned())
}

/// `[[CC]YY]MMDDhhmm[.ss]` in local time. Of two digits of a year, those from 69 on are of the 20th
/// century, as POSIX has it.
fn stamp(text: &str, now: Moment) -> Option<Moment> {
    let (digits, seconds) = match text.split_once('.') {
        Some((digits, seconds)) if seconds.len() == 2 => (digits, seconds),
        Some(_) => return None,
        None => (text, "0"),
    };
    if !digits.bytes().chain(seconds.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = digits.split_at_checked(digits.len().checked_sub(8)?)?;
    let year = match (year.len(), year.parse::<i64>()) {
        (0, _) => year_of(now, local()),
        (2, Ok(year)) => year + if year < 69 { 2000 } else { 1900 },
        (4, Ok(year)) => year,
        _ => return None,
    };
    let part = |from: usize| rest[from..from + 2].parse::<i64>().ok();
    let (month, day, hour, minute) = (part(0)?, part(2)?, part(4)?, part(6)?);
    let second: i64 = seconds.parse().ok()?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = civil_day(year, month, day)?;
    let of_day = hour * 3600 + minute * 60 + second;
    Some(Moment { seconds: at_local(days * 86_400 + of_day, local())?, nanos: 0 })
}

fn touch(path: &str, times: &Times, options: &Options) -> Result<(), String> {
    let creates = !options.no_create && !options.no_dereference && !path.ends_with('/');
    let failed = |error: io::Error| format!("cannot touch '{path}': {}", message(&error));
    if path == "-" {
        // The file that standard output is; what it is has no name here.
        return Ok(());
    }
    if creates {
        match File::options().write(true).create_new(true).open(path) {
            Ok(_) if matches!((times.accessed, times.modified), (Time::Now, Time::Now)) => {
                return Ok(());
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let set = || set_times(path, !options.no_dereference, times.accessed, times.modified);
    match set() {
        Err(error) if error.kind() == io::ErrorKind::NotFound && creates => {
            // A link to what is not there yet.
            File::options().write(true).create(true).truncate(false).open(path).map_err(failed)?;
            set().map_err(failed)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && options.no_create => Ok(()),
        Err(error) if creates => Err(failed(error)),
        Err(error) => Err(format!("setting times of '{path}': {}", message(&error))),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_read() {
        let now = Moment { seconds: 1_700_000_000, nanos: 0 };
        for (text, expected) in [
            ("202401020304.05", Some(1_704_164_645)),
            ("202401020304", Some(1_704_164_640)),
            ("6901020304", Some(-31_438_560)),
            ("6801020304", Some(3_092_699_040)),
            ("01020304", Some(1_672_628_640)),
            ("0102030", None),
            ("010203040", None),
            ("202402300304", None),
            ("202401020360", None),
            ("202401020304.5", None),
            ("202401020304.61", None),
            ("202401020304.", None),
            ("2024-1020304", None),
            ("é1020304", None),
        ] {
            assert_eq!(stamp(text, now).map(|moment| moment.seconds), expected, "{text}");
        }
    }
}
