//! `diff` and `cmp`: the comparison is uutils'; directories are walked here.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;

use diffutilslib::params::{Format, Params, parse_params};

use toolcell_program::{message, open};
use toolcell_text::wild;

/// How deep directories are compared.
const MAX_DEPTH: u32 = 128;

struct Diff {
    params: Params,
    recursive: bool,
    new_file: bool,
    fold_case: bool,
    fold_space: Option<bool>,
    skip_blank: bool,
    /// Patterns of names that are left out of directories.
    exclude: Vec<String>,
    /// What stands in place of the files' names and times.
    labels: Vec<String>,
    header: Vec<String>,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let (mut recursive, mut new_file, mut fold_case, mut skip_blank) = (false, false, false, false);
    let (mut fold_space, mut rest, mut header) = (None, vec![OsString::from("diff")], Vec::new());
    let (mut exclude, mut labels) = (Vec::new(), Vec::new());
    // What the library does not know is taken out of the words first.
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some((option, value)) = with_value(word, &mut words) {
            header.push(quoted(word));
            if !word.contains('=') && (word == option || word.starts_with("--")) {
                header.push(quoted(&value));
            }
            match option {
                "-W" => rest.push(OsString::from(format!("--width={value}"))),
                "-x" => exclude.push(value),
                _ => labels.push(value),
            }
            continue;
        }
        let long = match word.as_str() {
            "--recursive" => "r",
            "--new-file" => "N",
            "--ignore-case" => "i",
            "--ignore-all-space" => "w",
            "--ignore-space-change" => "b",
            "--ignore-blank-lines" => "B",
            "--text" | "--minimal" => "a",
            "--color" | "--color=never" | "--color=auto" => "a",
            _ => "",
        };
        let letters = match word.strip_prefix('-') {
            Some(letters) if long.is_empty() && !letters.starts_with('-') => letters,
            _ => long,
        };
        let mut kept = String::new();
        for letter in letters.chars() {
            match letter {
                'r' => recursive = true,
                'N' => new_file = true,
                'i' => fold_case = true,
                'w' => fold_space = Some(true),
                'b' => fold_space = fold_space.or(Some(false)),
                'B' => skip_blank = true,
                'a' | 'd' => {}
                letter => kept.push(letter),
            }
        }
        let all_taken = !letters.is_empty() && kept.is_empty();
        if all_taken {
            header.push(word.clone());
        } else if !letters.is_empty() && kept.len() != letters.len() {
            header.push(word.clone());
            rest.push(format!("-{kept}").into());
        } else {
            if word.starts_with('-') && word.len() > 1 {
                header.push(word.clone());
            }
            rest.push(word.into());
        }
    }
    let params = match parse_params(rest.into_iter().peekable()) {
        Ok(params) => params,
        Err(error) => {
            eprintln!("{error}");
            return 2;
        }
    };
    let (from, to) = (text(&params.from), text(&params.to));
    let diff = Diff {
        params,
        recursive,
        new_file,
        fold_case,
        fold_space,
        skip_blank,
        exclude,
        labels,
        header,
    };
    let (from_dir, to_dir) = (Path::new(&from).is_dir(), Path::new(&to).is_dir());
    match (from_dir, to_dir) {
        (true, true) => diff.directories(&from, &to, out, 0),
        (true, false) if to != "-" => diff.files(&joined(&from, base(&to)), &to, false, out),
        (false, true) if from != "-" => diff.files(&from, &joined(&to, base(&from)), false, out),
        _ => diff.files(&from, &to, false, out),
    }
}

/// A word as a shell would have to be given it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// An option that has a value which the library does not know as it is spelled, and that value.
fn with_value<'a>(
    word: &str,
    words: &mut impl Iterator<Item = &'a String>,
) -> Option<(&'static str, String)> {
    for (short, long) in [("-W", "--width"), ("-x", "--exclude"), ("-L", "--label")] {
        let rest = word.strip_prefix(short).filter(|_| !word.starts_with("--"));
        let value = rest
            .filter(|value| !value.is_empty())
            .or_else(|| word.strip_prefix(long)?.strip_prefix('='));
        if let Some(value) = value {
            return Some((short, value.to_owned()));
        }
        if word == short || word == long {
            return Some((short, words.next()?.clone()));
        }
    }
    None
}

fn text(name: &OsString) -> String {
    name.to_string_lossy().into_owned()
}

fn joined(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Diff {
    fn directories(&self, from: &str, to: &str, out: &mut impl Write, depth: u32) -> i32 {
        let list = |path: &str| -> Vec<String> {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        };
        let (left, right) = (list(from), list(to));
        let mut names: Vec<&String> = left.iter().chain(&right).collect();
        names.sort();
        names.dedup();
        names.retain(|name| !self.exclude.iter().any(|pattern| wild(pattern, name)));
        let mut status = 0;
        for name in names {
            let (a, b) = (joined(from, name), joined(to, name));
            let found = match (left.contains(name), right.contains(name)) {
                (true, false) | (false, true) if !self.new_file => {
                    let side = if left.contains(name) { from } else { to };
                    let _ = writeln!(out, "Only in {side}: {name}");
                    1
                }
                _ => match (Path::new(&a).is_dir(), Path::new(&b).is_dir()) {
                    (true, true) if self.recursive && depth < MAX_DEPTH => {
                        self.directories(&a, &b, out, depth + 1)
                    }
                    (true, true) => {
                        let _ = writeln!(out, "Common subdirectories: {a} and {b}");
                        0
                    }
                    (true, false) if Path::new(&b).exists() => {
                        let _ = writeln!(
                            out,
                            "File {a} is a directory while file {b} is a regular file"
                        );
                        1
                    }
                    (false, true) if Path::new(&a).exists() => {
                        let _ = writeln!(
                            out,
                            "File {a} is a regular file while file {b} is a directory"
                        );
                        1
                    }
                    _ => self.files(&a, &b, true, out),
                },
            };
            status = status.max(found);
        }
        status
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, i32> {
        let mut content = Vec::new();
        match open(path).and_then(|mut input| input.read_to_end(&mut content)) {
            Ok(_) => Ok(content),
            Err(_) if self.new_file && !Path::new(path).exists() => Ok(content),
            Err(error) => {
                eprintln!("diff: {path}: {}", message(&error));
                Err(2)
            }
        }
    }

    /// What of a content counts.
    fn folded(&self, content: &[u8]) -> Vec<u8> {
        if !self.fold_case && self.fold_space.is_none() && !self.skip_blank {
            return content.to_vec();
        }
        let text = String::from_utf8_lossy(content);
        let mut result = String::with_capacity(text.len());
        for line in text.lines() {
            let mut line = match self.fold_space {
                Some(true) => line.split_whitespace().collect::<String>(),
                Some(false) => {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    let lead = if line.starts_with(char::is_whitespace) { " " } else { "" };
                    format!("{lead}{}", words.join(" "))
                }
                None => line.to_owned(),
            };
            if self.fold_case {
                line = line.to_lowercase();
            }
            if self.skip_blank && line.is_empty() {
                continue;
            }
            result.push_str(&line);
            result.push('\n');
        }
        result.into_bytes()
    }

    fn files(&self, from: &str, to: &str, named: bool, out: &mut impl Write) -> i32 {
        let (a, b) = match (self.read(from), self.read(to)) {
            (Ok(a), Ok(b)) => (a, b),
            (Err(status), _) | (_, Err(status)) => return status,
        };
        if self.folded(&a) == self.folded(&b) {
            if self.params.report_identical_files {
                let _ = writeln!(out, "Files {from} and {to} are identical");
            }
            return 0;
        }
        if self.params.brief {
            let _ = writeln!(out, "Files {from} and {to} differ");
            return 1;
        }
        let binary =
            |content: &[u8]| memchr::memchr(0, &content[..content.len().min(4096)]).is_some();
        if binary(&a) || binary(&b) {
            let _ = writeln!(out, "Binary files {from} and {to} differ");
            return 1;
        }
        // Folding changes what is compared; where it leaves something, the folded text is shown.
        let (a, b) = match self.fold_case || self.fold_space.is_some() || self.skip_blank {
            true => (self.folded(&a), self.folded(&b)),
            false => (a, b),
        };
        if named {
            let words = self.header.join(" ");
            let space = if words.is_empty() { "" } else { " " };
            let _ = writeln!(out, "diff{space}{words} {from} {to}");
        }
        let params = Params {
            from: from.into(),
            to: to.into(),
            executable: "diff".into(),
            ..self.params.clone()
        };
        let text = match params.format {
            Format::Normal => single(&diffutilslib::normal_diff(&a, &b, &params)),
            Format::Unified => diffutilslib::unified_diff(&a, &b, &params),
            Format::Context => diffutilslib::context_diff(&a, &b, &params),
            Format::SideBySide => {
                let mut side = Vec::new();
                diffutilslib::side_by_side_diff(&a, &b, &mut side, &params);
                side
            }
            Format::Ed => match diffutilslib::ed_diff(&a, &b, &params) {
                Ok(text) => text,
                Err(error) => {
                    eprintln!("diff: {error}");
                    return 2;
                }
            },
        };
        let heads = matches!(params.format, Format::Unified | Format::Context);
        let text = if heads { self.labelled(text) } else { text };
        match out.write_all(&text) {
            Ok(()) => 1,
            Err(_) => 2,
        }
    }

    /// The first lines, which name the files, with the labels that were given.
    fn labelled(&self, text: Vec<u8>) -> Vec<u8> {
        let mut lines = text.split_inclusive(|byte| *byte == b'\n');
        let mut result = Vec::with_capacity(text.len());
        for label in self.labels.iter().take(2) {
            let mark = lines.next().and_then(|line| line.get(..4)).unwrap_or_default();
            result.extend_from_slice(mark);
            result.extend_from_slice(label.as_bytes());
            result.push(b'\n');
        }
        lines.for_each(|line| result.extend_from_slice(line));
        result
    }
}

/// The library writes a range of one line as `4,4d3`; diff writes `4d3`.
fn single(text: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let head = line.first().is_some_and(u8::is_ascii_digit);
        let command = line.iter().position(|byte| matches!(byte, b'a' | b'c' | b'd'));
        match command.filter(|_| head) {
            Some(at) => {
                let end = line.len() - usize::from(line.ends_with(b"\n"));
                result.extend_from_slice(one_number(&line[..at]));
                result.push(line[at]);
                result.extend_from_slice(one_number(&line[at + 1..end]));
                result.extend_from_slice(&line[end..]);
            }
            None => result.extend_from_slice(line),
        }
    }
    result
}

fn one_number(range: &[u8]) -> &[u8] {
    match range.iter().position(|byte| *byte == b',') {
        Some(comma) if range[..comma] == range[comma + 1..] => &range[..comma],
        _ => range,
    }
}

pub(crate) fn cmp(words: &[String], out: &mut impl Write) -> i32 {
    let _ = out.flush();
    let silent = words.iter().any(|word| matches!(word.as_str(), "-s" | "--quiet" | "--silent"));
    let words = std::iter::once("cmp".to_owned()).chain(words.iter().cloned());
    let params = match diffutilslib::cmp::parse_params(words.map(OsString::from).peekable()) {
        Ok(params) => params,
        Err(error) => {
            eprintln!("{error}");
            return 2;
        }
    };
    match diffutilslib::cmp::cmp(&params) {
        Ok(diffutilslib::cmp::Cmp::Equal) => 0,
        Ok(diffutilslib::cmp::Cmp::Different) => 1,
        Err(_) if silent => 2,
        Err(error) => {
            eprintln!("{error}");
            2
        }
    }
}
