//! The command line of `head` and `tail`.

use toolcell_program::args::{Arg, parse as split};

/// What is to be shown of which files.
pub(crate) struct Ends<P> {
    /// What `-c` or `-n` asks for, the last of them.
    pub(crate) part: Option<P>,
    /// What ends a line.
    pub(crate) end: u8,
    /// Whether each file is named before it.
    pub(crate) headers: bool,
    /// `-` alone if none is named.
    pub(crate) paths: Vec<String>,
}

/// The options that only one of the two has.
pub(crate) struct Own<'a, F> {
    /// By letter, as [`split`] takes them.
    pub(crate) letters: &'a str,
    /// By name, as [`split`] takes them.
    pub(crate) long: &'a [&'a str],
    /// Takes one, by its letter, or its name if it has none, and its value. What is wrong with that
    /// comes back.
    pub(crate) take: F,
}

/// Reads it. `part` makes something of the value of `-c` (then it is told `true`) or `-n`; none if
/// that is no number.
///
/// # Errors
/// The status to end with, after saying what is wrong.
pub(crate) fn parse<P>(
    name: &str,
    words: &[String],
    part: impl Fn(bool, &str) -> Option<P>,
    mut own: Own<'_, impl FnMut(&str, Option<&str>) -> Result<(), String>>,
) -> Result<Ends<P>, i32> {
    let long = ["bytes=:c", "lines=:n", "quiet:q", "silent:q", "verbose:v", "zero-terminated:z"];
    let long: Vec<&str> = long.iter().chain(own.long).copied().collect();
    let args = split(words, &format!("c:n:qvz{}", own.letters), &long).map_err(|error| {
        eprintln!("{name}: {error}\nTry '{name} --help' for more information.");
        1
    })?;
    let mut ends = Ends { part: None, end: b'\n', headers: false, paths: Vec::new() };
    let mut headers = None;
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                ends.paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        match letter.as_str() {
            "q" => headers = Some(false),
            "v" => headers = Some(true),
            "z" => ends.end = 0,
            letter @ ("c" | "n") => {
                let bytes = letter == "c";
                let value = value.unwrap_or_default();
                let Some(part) = part(bytes, &value) else {
                    let what = if bytes { "bytes" } else { "lines" };
                    eprintln!("{name}: invalid number of {what}: ‘{value}’");
                    return Err(1);
                };
                ends.part = Some(part);
            }
            other => {
                if let Err(error) = (own.take)(other, value.as_deref()) {
                    eprintln!("{name}: {error}");
                    return Err(1);
                }
            }
        }
    }
    if ends.paths.is_empty() {
        ends.paths.push("-".to_owned());
    }
    ends.headers = headers.unwrap_or(ends.paths.len() > 1);
    Ok(ends)
}

/// A number with the letter of its unit.
pub(crate) fn count(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" => 1,
        "b" => 512,
        "K" | "k" | "KiB" => 1 << 10,
        "kB" | "KB" => 1_000,
        "M" | "MiB" => 1 << 20,
        "MB" => 1_000_000,
        "G" | "GiB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}
