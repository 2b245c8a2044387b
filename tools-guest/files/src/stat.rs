//! `stat`.

use std::io::Write;

use toolcell_program::args::Arg;
use toolcell_program::files::{Details, Kind, Space, look, space_of};
use toolcell_program::{message, mode};

use crate::arguments;

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = ["format=:c", "printf=:printf", "dereference:L", "file-system:f", "terse:t"];
    let args = match arguments("stat", words, "c:Lft", &long) {
        Ok(args) => args,
        Err(status) => return status,
    };
    let (mut format, mut newline, mut follow, mut filesystem) = (None, true, false, false);
    let mut paths = Vec::new();
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, value) => match letter.as_str() {
                "c" => (format, newline) = (value, true),
                "printf" => (format, newline) = (value, false),
                "L" => follow = true,
                "f" => filesystem = true,
                _ => {
                    format = Some("%n %s %b %f %u %g %D %i %h 0 0 %X %Y %Z %W %o".to_owned());
                }
            },
        }
    }
    if paths.is_empty() {
        eprintln!("stat: missing operand\nTry 'stat --help' for more information.");
        return 1;
    }
    let mut status = 0;
    for path in paths {
        if filesystem {
            status |= space(&path, format.as_deref(), newline, out);
            continue;
        }
        let details = match look(&path, follow) {
            Ok(details) => details,
            Err(error) => {
                eprintln!("stat: cannot statx '{path}': {}", message(&error));
                status = 1;
                continue;
            }
        };
        let text = match &format {
            Some(format) => {
                let mut text = shown(format, &path, &details, !newline);
                if newline {
                    text.push('\n');
                }
                text
            }
            None => whole(&path, &details),
        };
        if out.write_all(text.as_bytes()).is_err() {
            return 1;
        }
    }
    status
}

/// `-f`: the region as a filesystem.
fn space(path: &str, format: Option<&str>, newline: bool, out: &mut impl Write) -> i32 {
    match space_of(path) {
        Ok(space) if format.is_some() => {
            let mut text = space_shown(format.unwrap_or_default(), path, &space, !newline);
            if newline {
                text.push('\n');
            }
            i32::from(out.write_all(text.as_bytes()).is_err())
        }
        Ok(space) => {
            let blocks = |bytes: u64| bytes / 4096;
            let free = space.bytes.0.saturating_sub(space.bytes.1);
            let written = writeln!(
                out,
                "  File: \"{path}\"\n    ID: 0        Namelen: 255     Type: toolcell\n\
                 Block size: 4096       Fundamental block size: 4096\n\
                 Blocks: Total: {:<10} Free: {:<10} Available: {}\n\
                 Inodes: Total: {:<10} Free: {}",
                blocks(space.bytes.0),
                blocks(free),
                blocks(free),
                space.entries.0,
                space.entries.0.saturating_sub(space.entries.1),
            );
            i32::from(written.is_err())
        }
        Err(error) => {
            eprintln!(
                "stat: cannot read file system information for '{path}': {}",
                message(&error)
            );
            1
        }
    }
}

/// What a format says of a filesystem.
fn space_shown(format: &str, path: &str, space: &Space, escapes: bool) -> String {
    let free = |(all, used): (u64, u64)| all.saturating_sub(used);
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && escapes {
            text.push(match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                other => other.unwrap_or('\\'),
            });
            continue;
        }
        if c != '%' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('a' | 'f') => text.push_str(&(free(space.bytes) / 4096).to_string()),
            Some('b') => text.push_str(&(space.bytes.0 / 4096).to_string()),
            Some('c') => text.push_str(&space.entries.0.to_string()),
            Some('d') => text.push_str(&free(space.entries).to_string()),
            Some('i' | 't') => text.push('0'),
            Some('l') => text.push_str("255"),
            Some('n') => text.push_str(path),
            Some('s' | 'S') => text.push_str("4096"),
            Some('T') => text.push_str("toolcell"),
            Some('%') | None => text.push('%'),
            Some(_) => text.push('?'),
        }
    }
    text
}

fn whole(path: &str, details: &Details) -> String {
    let blocks = details.allocated() / 512;
    let kind = kind_name(details);
    format!(
        "  File: {}\n  Size: {:<10}\tBlocks: {blocks:<10} IO Block: 4096   {kind}\n\
         Device: {}\tInode: {:<11} Links: {}\n\
         Access: ({:04o}/{})  Uid: ( 1000/   agent)   Gid: ( 1000/   agent)\n\
         Access: {}\nModify: {}\nChange: {}\n Birth: -\n",
        target(path, details).map_or(path.to_owned(), |target| format!("{path} -> {target}")),
        details.size,
        device(details.device),
        details.inode,
        details.links,
        details.mode,
        mode::shown(details.kind, details.mode),
        time(details.accessed),
        time(details.modified),
        time(details.changed),
    )
}

fn device(device: u64) -> String {
    format!("{},{}", device >> 8 & 0xFFF, device & 0xFF)
}

fn target(path: &str, details: &Details) -> Option<String> {
    if details.kind != Kind::Symlink {
        return None;
    }
    Some(std::fs::read_link(path).ok()?.to_string_lossy().into_owned())
}

fn kind_name(details: &Details) -> &'static str {
    match details.kind {
        Kind::File if details.size == 0 => "regular empty file",
        Kind::File => "regular file",
        Kind::Directory => "directory",
        Kind::Symlink => "symbolic link",
        Kind::Character => "character special file",
        Kind::Pipe => "fifo",
        Kind::Other => "weird file",
    }
}

/// The type's bits, as `st_mode` has them.
fn kind_bits(kind: Kind) -> u32 {
    match kind {
        Kind::File | Kind::Other => 0o100_000,
        Kind::Directory => 0o040_000,
        Kind::Symlink => 0o120_000,
        Kind::Character => 0o020_000,
        Kind::Pipe => 0o010_000,
    }
}

fn time(nanos: u64) -> String {
    toolcell_zone::strftime_extended("%F %T.%N %z", nanos)
}

/// `--format`; with `escapes`, `--printf`.
fn shown(format: &str, path: &str, details: &Details, escapes: bool) -> String {
    let mut text = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if escapes => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some('"') => text.push('"'),
                Some(other) => text.extend(['\\', other].iter().skip(usize::from(other == '\\'))),
                None => text.push('\\'),
            },
            '%' => {
                let mut spec = String::new();
                while let Some(c) = chars.next_if(|c| "-+ #0123456789.".contains(*c)) {
                    spec.push(c);
                }
                let Some(letter) = chars.next() else {
                    text.push('%');
                    break;
                };
                let seconds = |nanos: u64| (nanos / 1_000_000_000).to_string();
                let value = match letter {
                    '%' => "%".to_owned(),
                    'a' => format!("{:o}", details.mode),
                    'A' => mode::shown(details.kind, details.mode),
                    'b' => (details.allocated() / 512).to_string(),
                    'B' => "512".to_owned(),
                    'd' => details.device.to_string(),
                    'D' => format!("{:x}", details.device),
                    'f' => format!("{:x}", kind_bits(details.kind) | details.mode),
                    'F' => kind_name(details).to_owned(),
                    'g' | 'u' => "1000".to_owned(),
                    'G' | 'U' => "agent".to_owned(),
                    'h' => details.links.to_string(),
                    'i' => details.inode.to_string(),
                    'm' => space_of(path).map_or("/".to_owned(), |space| space.mounted),
                    'n' => path.to_owned(),
                    'N' => match target(path, details) {
                        Some(target) => format!("'{path}' -> '{target}'"),
                        None => format!("'{path}'"),
                    },
                    'o' => "4096".to_owned(),
                    's' => details.size.to_string(),
                    't' | 'T' => "0".to_owned(),
                    'w' => "-".to_owned(),
                    'W' => "0".to_owned(),
                    'x' => time(details.accessed),
                    'X' => seconds(details.accessed),
                    'y' => time(details.modified),
                    'Y' => seconds(details.modified),
                    'z' => time(details.changed),
                    'Z' => seconds(details.changed),
                    _ => "?".to_owned(),
                };
                let left = spec.starts_with('-');
                let digits = spec.trim_start_matches(['-', '+', ' ', '#', '0']);
                let width: usize = digits.split('.').next().unwrap_or("").parse().unwrap_or(0);
                let width = width.min(1 << 10);
                match (left, spec.starts_with('0')) {
                    (true, _) => text.push_str(&format!("{value:<width$}")),
                    (false, true) => text.push_str(&format!("{value:0>width$}")),
                    (false, false) => text.push_str(&format!("{value:>width$}")),
                }
            }
            c => text.push(c),
        }
    }
    text
}
