//! `patch`, of unified diffs.

mod apply;
mod older;
mod parse;

use std::fs;
use std::io::{self, Read as _, Write};

use toolcell_program::args::{Arg, parse as arguments};
use toolcell_program::files::{look, set_mode};
use toolcell_program::message;

use apply::{Outcome, Settings, apply};
use parse::FilePatch;

#[derive(Debug)]
struct Options {
    strip: Option<usize>,
    input: Option<String>,
    output: Option<String>,
    rejects: Option<String>,
    directory: Option<String>,
    reverse: bool,
    forward: bool,
    batch: bool,
    dry_run: bool,
    backup: bool,
    suffix: String,
    quiet: bool,
    verbose: bool,
    remove_empty: bool,
    fuzz: usize,
    blanks: bool,
}

fn options(words: &[String]) -> Result<(Options, Vec<String>), String> {
    let long = [
        "backup:b",
        "batch:t",
        "binary:binary",
        "directory=:d",
        "dry-run:dry-run",
        "force:f",
        "forward:N",
        "fuzz=:F",
        "ignore-whitespace:l",
        "input=:i",
        "no-backup-if-mismatch:no-backup-if-mismatch",
        "output=:o",
        "quiet:s",
        "silent:s",
        "reject-file=:r",
        "remove-empty-files:E",
        "reverse:R",
        "strip=:p",
        "suffix=:z",
        "unified:u",
        "verbose:verbose",
    ];
    let mut options = Options {
        strip: None,
        input: None,
        output: None,
        rejects: None,
        directory: None,
        reverse: false,
        forward: false,
        batch: false,
        dry_run: false,
        backup: false,
        suffix: ".orig".to_owned(),
        quiet: false,
        verbose: false,
        remove_empty: false,
        fuzz: 2,
        blanks: false,
    };
    let mut operands = Vec::new();
    for arg in arguments(words, "bd:fF:i:lNo:p:r:REstuz:", &long)? {
        match arg {
            Arg::Operand(path) => operands.push(path),
            Arg::Option(letter, value) => {
                let text = value.clone().unwrap_or_default();
                let number = |what: &str| {
                    text.parse::<usize>().map_err(|_| format!("**** {what} {text} is not a number"))
                };
                match letter.as_str() {
                    "b" => options.backup = true,
                    "d" => options.directory = value,
                    "f" | "t" => options.batch = true,
                    "F" => options.fuzz = number("fuzz factor")?,
                    "i" => options.input = value,
                    "l" => options.blanks = true,
                    "N" => options.forward = true,
                    "o" => options.output = value,
                    "p" => options.strip = Some(number("strip count")?),
                    "r" => options.rejects = value,
                    "R" => options.reverse = true,
                    "E" => options.remove_empty = true,
                    "s" => options.quiet = true,
                    "z" => (options.suffix, options.backup) = (text, true),
                    "dry-run" => options.dry_run = true,
                    "verbose" => options.verbose = true,
                    _ => {}
                }
            }
        }
    }
    Ok((options, operands))
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let (mut options, operands) = match options(words) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("patch: {error}\npatch: Try 'patch --help' for more information.");
            return 2;
        }
    };
    let mut operands = operands.into_iter();
    let file = operands.next();
    options.input = options.input.or_else(|| operands.next());
    if let Some(extra) = operands.next() {
        eprintln!("patch: {extra}: extra operand\npatch: Try 'patch --help' for more information.");
        return 2;
    }
    let mut text = Vec::new();
    let read = match options.input.as_deref() {
        None | Some("-") => io::stdin().lock().read_to_end(&mut text).map(drop),
        Some(path) => fs::read(path).map(|content| text = content),
    };
    if let Err(error) = read {
        let path = options.input.as_deref().unwrap_or("-");
        eprintln!("patch: **** Can't open patch file {path} : {}", message(&error));
        return 2;
    }
    if let Some(directory) = &options.directory
        && let Err(error) = std::env::set_current_dir(directory)
    {
        eprintln!("patch: **** Can't change to directory {directory} : {}", message(&error));
        return 2;
    }
    let patches = match parse::parse(&text) {
        Ok(patches) => patches,
        Err(error) => {
            eprintln!("patch: **** {error}");
            return 2;
        }
    };
    if patches.is_empty() {
        if text.is_empty() {
            return 0;
        }
        eprintln!("patch: **** Only garbage was found in the patch input.");
        return 2;
    }
    let mut status = 0;
    for patch in patches {
        match one(patch, file.as_deref(), &options, out) {
            Ok(rejected) => status |= i32::from(rejected),
            Err(error) => {
                let _ = out.flush();
                eprintln!("patch: **** {error}");
                return 2;
            }
        }
    }
    status
}

/// The name a header gives, without as many leading parts as `-p` says; without `-p`, the last.
fn stripped(name: &str, strip: Option<usize>) -> Option<String> {
    if name == "/dev/null" || name.is_empty() {
        return None;
    }
    let Some(strip) = strip else { return name.rsplit('/').next().map(str::to_owned) };
    let mut rest = name;
    for _ in 0..strip {
        let (_, after) = rest.split_once('/')?;
        rest = after.trim_start_matches('/');
    }
    (!rest.is_empty()).then(|| rest.to_owned())
}

/// Which file a patch is about.
fn target(patch: &FilePatch, options: &Options) -> Option<String> {
    let names = [&patch.old, &patch.new].map(|name| stripped(name, options.strip));
    let names: Vec<String> = names.into_iter().flatten().collect();
    let mut there: Vec<&String> = names.iter().filter(|name| look(name, true).is_ok()).collect();
    // Of several that are there, the one with the fewest parts and the shortest name.
    there.sort_by_key(|name| (name.matches('/').count(), name.len()));
    match there.first() {
        Some(name) => Some((*name).clone()),
        None => {
            let created = if options.reverse { &patch.old } else { &patch.new };
            stripped(created, options.strip).or_else(|| names.first().cloned())
        }
    }
}

/// Applies the patch of one file; whether a part of it was rejected comes back.
fn one(
    mut patch: FilePatch,
    file: Option<&str>,
    options: &Options,
    out: &mut impl Write,
) -> Result<bool, String> {
    if options.reverse {
        patch.reverse();
    }
    let name = file.map(str::to_owned).or_else(|| target(&patch, options));
    let Some(name) = name else {
        return Err("cannot find a file name in the patch; name the file, or use -p".to_owned());
    };
    // A path of the patch must stay where the user is.
    if file.is_none() && (name.starts_with('/') || name.split('/').any(|part| part == "..")) {
        return Err(format!("Ignoring potentially dangerous file name {name}"));
    }
    let output = options.output.clone().unwrap_or_else(|| name.clone());
    let verb = if options.dry_run { "checking" } else { "patching" };
    let shown = match options.output {
        Some(_) => format!("{output} (read from {name})"),
        None => name.clone(),
    };
    if !options.quiet {
        let _ = writeln!(out, "{verb} file {shown}");
    }
    let (content, existed) = match fs::read(&name) {
        Ok(content) => (content, true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !patch.creates() {
                return Err(format!("Can't reopen file {name} : No such file or directory"));
            }
            (Vec::new(), false)
        }
        Err(error) => return Err(format!("Can't open file {name} : {}", message(&error))),
    };
    let settings = Settings { fuzz: options.fuzz, blanks: options.blanks };
    let mut say = |line: String| {
        if !options.quiet {
            let _ = writeln!(out, "{line}");
        }
    };
    let Outcome { content: new, rejected, inexact, reports, reversed } =
        apply(&patch, &content, settings);
    let total = patch.hunks.len();
    let plural = |count: usize| if count == 1 { "hunk" } else { "hunks" };
    let reject = options.rejects.clone().unwrap_or_else(|| format!("{output}.rej"));
    if reversed {
        if options.forward {
            say("Reversed (or previously applied) patch detected!  Skipping patch.".to_owned());
        } else {
            say("Reversed (or previously applied) patch detected!  Assume -R? [n] ".to_owned());
            say("Apply anyway? [n] ".to_owned());
            say("Skipping patch.".to_owned());
        }
        let saving = match options.dry_run {
            true => String::new(),
            false => format!(" -- saving rejects to file {reject}"),
        };
        say(format!("{total} out of {total} {} ignored{saving}", plural(total)));
        if !options.dry_run {
            write_rejects(&reject, &patch, &(0..total).collect::<Vec<usize>>())?;
        }
        return Ok(true);
    }
    for report in reports {
        if options.verbose || !report.exact {
            say(report.text);
        }
    }
    if !rejected.is_empty() {
        let count = rejected.len();
        let saving = match options.dry_run {
            true => String::new(),
            false => format!(" -- saving rejects to file {reject}"),
        };
        say(format!("{count} out of {total} {} FAILED{saving}", plural(total)));
        if !options.dry_run {
            write_rejects(&reject, &patch, &rejected)?;
        }
    }
    if options.dry_run {
        return Ok(!rejected.is_empty());
    }
    let failed =
        |what: &str, error: &io::Error| format!("Can't {what} {output} : {}", message(error));
    let backup = options.backup || inexact || !rejected.is_empty();
    if backup && options.output.is_none() && existed {
        fs::write(format!("{name}{}", options.suffix), &content)
            .map_err(|error| failed("backup file", &error))?;
    }
    if new.is_empty() && existed && (patch.deletes() || options.remove_empty) {
        if rejected.is_empty() {
            fs::remove_file(&name).map_err(|error| failed("remove file", &error))?;
        }
        return Ok(!rejected.is_empty());
    }
    if let Some((parent, _)) = output.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
        fs::create_dir_all(parent).map_err(|error| failed("create directory of", &error))?;
    }
    if !existed || new != content || options.output.is_some() {
        fs::write(&output, &new).map_err(|error| failed("write file", &error))?;
    }
    if let Some(mode) = patch.mode {
        set_mode(&output, mode & 0o777).map_err(|error| failed("set the mode of", &error))?;
    }
    if let Some(to) =
        patch.renamed.filter(|to| file.is_none() && options.output.is_none() && *to != output)
    {
        fs::rename(&output, stripped(&to, Some(0)).unwrap_or(to))
            .map_err(|error| failed("rename", &error))?;
    }
    Ok(!rejected.is_empty())
}

fn write_rejects(path: &str, patch: &FilePatch, hunks: &[usize]) -> Result<(), String> {
    let mut text = format!("--- {}\n+++ {}\n", patch.old_line, patch.new_line).into_bytes();
    for index in hunks {
        patch.hunks[*index].write(&mut text);
    }
    fs::write(path, text).map_err(|error| format!("Can't create file {path} : {}", message(&error)))
}
