//! What upstream's `sort` would start threads for, which a cell does not have: `-m` and `-c`; and
//! the end of the last line of each file, which it loses without them.

use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

/// Letters of `sort` that take what follows them as their value.
const WITH_VALUE: &[char] = &['k', 'o', 'S', 't', 'T'];

/// Names of the options that do.
const WITH_VALUE_LONG: &[&str] = &[
    "batch-size",
    "buffer-size",
    "compress-program",
    "field-separator",
    "files0-from",
    "key",
    "output",
    "parallel",
    "random-source",
    "sort",
    "temporary-directory",
];

/// How `-c` says what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Tell,
    Silent,
}

/// A command line.
#[derive(Debug, Default)]
struct Words {
    name: OsString,
    /// Options, without those that are handled here.
    options: Vec<OsString>,
    operands: Vec<OsString>,
    check: Option<Check>,
}

/// Runs `sort` by upstream's function. Files that are sorted already come out the same when they
/// are sorted, so `-m` needs nothing of its own; what is in order is what sorting does not change.
pub(crate) fn run(arguments: std::vec::IntoIter<OsString>) -> i32 {
    let words = split(arguments);
    match words.check {
        Some(check) => self::check(&words, check),
        None if words.operands.len() < 2 => sort(&words, &words.operands),
        None => sort_several(&words),
    }
}

/// Sorts more than one file. Upstream's strings them together as they are, so that the last line of
/// a file without a newline at its end would be one with the first line of the next: a file that
/// holds no more than a newline is put between them, and a stream is kept in one to be looked at.
fn sort_several(words: &Words) -> i32 {
    let mut made = Vec::new();
    let operands = ended_files(words, &mut made);
    let status = match operands {
        Ok(operands) => sort(words, &operands),
        Err(error) => {
            eprintln!("sort: cannot create temporary file: {}", toolcell_program::message(&error));
            2
        }
    };
    for path in made {
        let _ = fs::remove_file(path);
    }
    status
}

fn ended_files(words: &Words, made: &mut Vec<PathBuf>) -> io::Result<Vec<OsString>> {
    let end = line_end(words);
    let Some((last, others)) = words.operands.split_last() else { return Ok(Vec::new()) };
    let mut keep = |content: &[u8]| -> io::Result<OsString> {
        let path = temporary("sort");
        made.push(path.clone());
        fs::write(&path, content)?;
        Ok(path.into_os_string())
    };
    let mut between = None;
    let mut operands = Vec::new();
    for operand in others {
        let is_file = fs::metadata(operand).is_ok_and(|metadata| metadata.is_file());
        if operand != "-" && is_file && !operand.to_string_lossy().starts_with("/dev/") {
            operands.push(operand.clone());
            // One that cannot be read is told of by upstream.
            if last_byte(operand).is_ok_and(|last| last.is_some_and(|last| last != end)) {
                let newline = match between.take() {
                    Some(path) => path,
                    None => keep(&[end])?,
                };
                operands.push(newline.clone());
                between = Some(newline);
            }
            continue;
        }
        match read(&operand.to_string_lossy()) {
            Ok(mut content) => {
                if content.last().is_some_and(|last| *last != end) {
                    content.push(end);
                }
                operands.push(keep(&content)?);
            }
            Err(_) => operands.push(operand.clone()),
        }
    }
    operands.push(last.clone());
    Ok(operands)
}

/// The last byte of a file, if it has one.
fn last_byte(path: &OsString) -> io::Result<Option<u8>> {
    let mut file = fs::File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(None);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(Some(last[0]))
}

/// What ends a line.
fn line_end(words: &Words) -> u8 {
    let zero = |word: &OsString| word == "-z" || word == "--zero-terminated";
    if words.options.iter().any(zero) { 0 } else { b'\n' }
}

/// A path for a temporary file.
fn temporary(what: &str) -> PathBuf {
    let directory = std::env::var_os("TMPDIR").map_or_else(|| "/tmp".into(), PathBuf::from);
    let unique = RandomState::new().build_hasher().finish();
    directory.join(format!(".{what}-{unique:x}"))
}

fn sort(words: &Words, operands: &[OsString]) -> i32 {
    let output = output(words);
    let before = output.as_ref().map(written_at);
    let status = upstream(words, &[], operands);
    if let Some(path) = output
        && status == 0
        && before == Some(written_at(&path))
    {
        // Nothing to sort: upstream's then leaves the file as it was.
        return match fs::write(&path, "") {
            Ok(()) => 0,
            Err(error) => {
                let error = toolcell_program::message(&error);
                eprintln!("sort: open failed: {}: {error}", path.to_string_lossy());
                2
            }
        };
    }
    status
}

/// The file of `-o`.
fn output(words: &Words) -> Option<OsString> {
    let at = words.options.iter().rposition(|word| {
        let word = word.to_string_lossy();
        word.starts_with("-o") || word.starts_with("--output")
    })?;
    let word = words.options[at].to_string_lossy();
    match word.strip_prefix("--output=").or(word.strip_prefix("-o").filter(|rest| !rest.is_empty()))
    {
        Some(path) => Some(path.into()),
        None => words.options.get(at + 1).cloned(),
    }
}

fn written_at(path: &OsString) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn upstream(words: &Words, more: &[&str], operands: &[OsString]) -> i32 {
    let mut all = vec![words.name.clone()];
    all.extend_from_slice(&words.options);
    all.extend(more.iter().map(OsString::from));
    all.push("--".into());
    all.extend_from_slice(operands);
    uu_sort::uumain(all.into_iter())
}

fn split(arguments: std::vec::IntoIter<OsString>) -> Words {
    let mut words = Words::default();
    let mut arguments = arguments.into_iter();
    words.name = arguments.next().unwrap_or_default();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        match text.strip_prefix('-') {
            Some("-") => {
                words.operands.extend(arguments.by_ref());
            }
            Some("-merge") => {}
            Some("-check" | "-check=diagnose-first") => words.check = Some(Check::Tell),
            Some("-check=quiet" | "-check=silent") => words.check = Some(Check::Silent),
            Some(long) if long.starts_with('-') => {
                words.options.push(argument);
                if WITH_VALUE_LONG.contains(&&long[1..]) {
                    words.options.extend(arguments.next());
                }
            }
            Some(letters) if !letters.is_empty() => {
                let end = letters.find(WITH_VALUE).unwrap_or(letters.len());
                let (flags, rest) = letters.split_at(end);
                for flag in flags.chars() {
                    match flag {
                        'm' => {}
                        'c' => words.check = Some(Check::Tell),
                        'C' => words.check = Some(Check::Silent),
                        flag => words.options.push(format!("-{flag}").into()),
                    }
                }
                if !rest.is_empty() {
                    words.options.push(format!("-{rest}").into());
                    if rest.len() == 1 {
                        words.options.extend(arguments.next());
                    }
                }
            }
            _ => words.operands.push(argument),
        }
    }
    let mut is_size = false;
    for option in &mut words.options {
        let text = option.to_string_lossy();
        let (name, size) = match text.strip_prefix("-S") {
            Some(size) => ("-S", size),
            None if is_size => ("", &*text),
            None => match text.strip_prefix("--buffer-size=") {
                Some(size) => ("--buffer-size=", size),
                None => ("", ""),
            },
        };
        let held = held(size).map(|size| format!("{name}{size}"));
        is_size = matches!(&*text, "-S" | "--buffer-size");
        if let Some(held) = held {
            *option = held.into();
        }
    }
    words
}

/// The buffer to have in place of one that no 32-bit address reaches or that is a part of a
/// machine's memory, which upstream refuses.
fn held(size: &str) -> Option<&'static str> {
    let digits = size.trim_end_matches(|c: char| !c.is_ascii_digit());
    let count: u64 = digits.parse().ok()?;
    let power = match &size[digits.len()..] {
        "b" => 0,
        "" | "K" | "k" => 1,
        "M" | "m" => 2,
        "G" | "g" => 3,
        "T" | "t" => 4,
        "P" => 5,
        "%" => return Some("1G"),
        "E" => 6,
        _ => return None,
    };
    let bytes = u128::from(count) << (10 * power);
    (bytes > 1 << 30).then_some("1G")
}

/// `-c` and `-C`: 0 if the input is in order, 1 if it is not.
fn check(words: &Words, check: Check) -> i32 {
    let letter = if check == Check::Tell { 'c' } else { 'C' };
    if output(words).is_some() {
        eprintln!("sort: options '-{letter}o' are incompatible");
        return 2;
    }
    if let [_, extra, ..] = &words.operands[..] {
        eprintln!("sort: extra operand '{}' not allowed with -{letter}", extra.to_string_lossy());
        return 2;
    }
    let path = words.operands.first().map_or("-".into(), |path| path.to_string_lossy());
    let content = match read(&path) {
        Ok(content) => content,
        Err(error) => {
            let error = toolcell_program::message(&error);
            eprintln!("sort: open failed: {path}: {error}");
            return 2;
        }
    };
    match first_disorder(words, &content) {
        Ok(None) => 0,
        Ok(Some((line, text))) => {
            if check == Check::Tell {
                eprintln!("sort: {path}:{line}: disorder: {}", String::from_utf8_lossy(text));
            }
            1
        }
        Err(status) => status,
    }
}

fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    toolcell_program::open(path)?.read_to_end(&mut content)?;
    Ok(content)
}

/// The number and text of the first line that does not belong after the one before it; or the
/// status of a sort that failed. Lines up to it are changed by sorting, and fewer are not: so it is
/// found by halving.
fn first_disorder<'a>(words: &Words, content: &'a [u8]) -> Result<Option<(usize, &'a [u8])>, i32> {
    let end = line_end(words);
    let lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == end).collect();
    if in_order(words, &lines, end)? {
        return Ok(None);
    }
    let (mut ordered, mut disordered) = (1, lines.len());
    while disordered - ordered > 1 {
        let middle = ordered.midpoint(disordered);
        match in_order(words, &lines[..middle], end)? {
            true => ordered = middle,
            false => disordered = middle,
        }
    }
    let line = lines[disordered - 1];
    Ok(Some((disordered, line.strip_suffix(&[end]).unwrap_or(line))))
}

/// Whether sorting leaves these lines as they are.
fn in_order(words: &Words, lines: &[&[u8]], end: u8) -> Result<bool, i32> {
    let mut content = lines.concat();
    if content.last().is_some_and(|last| *last != end) {
        content.push(end);
    }
    let failed = |error: io::Error| {
        eprintln!("sort: cannot create temporary file: {}", toolcell_program::message(&error));
        2
    };
    let (from, to) = (temporary("sort"), temporary("sorted"));
    fs::write(&from, &content).map_err(failed)?;
    let more = ["-o", &to.to_string_lossy()];
    let status = upstream(words, &more, &[from.clone().into_os_string()]);
    let sorted = fs::read(&to);
    let _ = (fs::remove_file(&from), fs::remove_file(&to));
    match status {
        0 => Ok(sorted.map_err(failed)? == content),
        status => Err(status),
    }
}
