//! The command line of `tar`.

use std::io::Read;
use std::path::PathBuf;
use std::time::SystemTime;

use toolcell_program::args::{Arg, parse as arguments};
use toolcell_program::message;
use toolcell_text::{Pattern, wild};

use super::rename::Rename;
use crate::codec::Codec;

/// What `--exclude-vcs` leaves out.
const VERSION_CONTROL: &[&str] =
    &[".git", ".gitignore", ".gitattributes", ".gitmodules", ".svn", ".hg", ".hgignore", "CVS"];

/// What `--exclude-backups` leaves out.
const BACKUPS: &[&str] = &[".#*", "*~", "#*#"];

/// What is done where a member's file is there already.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    #[default]
    Replace,
    /// It stays, which is an error.
    Refuse,
    /// It stays.
    Skip,
    /// It stays unless it is older than the member.
    KeepNewer,
}

/// What becomes of a directory that holds a certain file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tagged {
    /// It and that file are packed.
    Itself,
    /// It is packed, empty.
    Empty,
    Nothing,
}

#[derive(Debug, Default)]
pub(super) struct Options {
    /// What is done: the letter of the option, or `D` for `--delete`.
    pub(super) mode: Option<char>,
    pub(super) archive: Option<String>,
    /// What the command line says the archive is packed with.
    pub(super) codec: Option<Codec>,
    /// Packed with what its name promises.
    pub(super) by_name: bool,
    pub(super) verbose: bool,
    pub(super) directory: Option<String>,
    pub(super) strip: usize,
    exclude: Vec<String>,
    anchored: bool,
    any_case: bool,
    tags: Vec<(String, Tagged)>,
    pub(super) to_stdout: bool,
    pub(super) existing: Existing,
    /// All is unpacked below this directory; empty, below one named like the archive.
    top_level: Option<String>,
    /// Files get the time of now.
    pub(super) touch: bool,
    pub(super) wildcards: bool,
    /// Links are followed.
    pub(super) dereference: bool,
    /// Of several names of a file, each is packed as a file.
    pub(super) hard_dereference: bool,
    pub(super) absolute: bool,
    /// Of a directory only itself.
    pub(super) shallow: bool,
    /// What is packed is removed.
    pub(super) remove: bool,
    pub(super) renames: Vec<Rename>,
    pub(super) shows_renamed: bool,
    /// Of every member, in seconds since 1970.
    pub(super) time: Option<u64>,
    /// Only of those that are younger.
    pub(super) clamp_time: bool,
    /// What is older is left out.
    pub(super) newer: Option<u64>,
    /// Of what counts for that, permission bits and the like are no part.
    pub(super) newer_content: bool,
    pub(super) mode_bits: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) group: Option<String>,
    /// Lists show owners by their numbers.
    pub(super) numeric: bool,
    /// Lists show seconds.
    pub(super) full_time: bool,
    pub(super) ignore_zeros: bool,
    pub(super) totals: bool,
    /// Lists end their names with a zero byte.
    null: bool,
    /// What is named, each with the directory that `-C` had led to.
    pub(super) paths: Vec<(PathBuf, String)>,
}

const LETTERS: &str = "AcdrtuxBC:I:JK:N:OPST:UX:ab:f:hH:ijklmnopsvz";

/// The long options. What `nothing` settles is so in a cell in any case, or nobody can tell.
const LONG: &[&str] = &[
    "absolute-names:P",
    "acls:nothing",
    "add-file=",
    "after-date=:N",
    "anchored",
    "append:r",
    "atime-preserve=?:nothing",
    "auto-compress:a",
    "blocking-factor=:nothing",
    "bzip2:j",
    "catenate:A",
    "cd=:C",
    "check-device:nothing",
    "check-links:nothing",
    "checkpoint=?:nothing",
    "checkpoint-action=:nothing",
    "clamp-mtime",
    "compare:d",
    "concatenate:A",
    "create:c",
    "delay-directory-restore:nothing",
    "delete",
    "dereference:h",
    "diff:d",
    "directory=:C",
    "exclude=",
    "exclude-backups",
    "exclude-caches",
    "exclude-caches-all",
    "exclude-caches-under",
    "exclude-from=:X",
    "exclude-tag=",
    "exclude-tag-all=",
    "exclude-tag-under=",
    "exclude-vcs",
    "extract:x",
    "file=:f",
    "files-from=:T",
    "force-local:nothing",
    "format=:nothing",
    "full-time",
    "get:x",
    "group=",
    "gunzip:z",
    "gzip:z",
    "hard-dereference",
    "hole-detection=:nothing",
    "ignore-case",
    "ignore-failed-read:nothing",
    "ignore-zeros:i",
    "keep-directory-symlink:nothing",
    "keep-newer-files",
    "keep-old-files:k",
    "list:t",
    "lzma",
    "mode=",
    "mtime=",
    "newer=:N",
    "newer-mtime=",
    "no-acls:nothing",
    "no-anchored",
    "no-auto-compress",
    "no-check-device:nothing",
    "no-delay-directory-restore:nothing",
    "no-ignore-case",
    "no-null",
    "no-overwrite-dir:nothing",
    "no-quote-chars=:nothing",
    "no-recursion",
    "no-same-owner:nothing",
    "no-same-permissions:nothing",
    "no-seek:nothing",
    "no-selinux:nothing",
    "no-unquote:nothing",
    "no-verbatim-files-from:nothing",
    "no-wildcards",
    "no-xattrs:nothing",
    "null",
    "numeric-owner",
    "old-archive:nothing",
    "one-file-system:nothing",
    "one-top-level=?",
    "overwrite",
    "overwrite-dir:nothing",
    "owner=",
    "pax-option=:nothing",
    "portability:nothing",
    "posix:nothing",
    "preserve-order:nothing",
    "preserve-permissions:nothing",
    "quote-chars=:nothing",
    "read-full-records:nothing",
    "record-size=:nothing",
    "recursion",
    "recursive-unlink:nothing",
    "remove-files",
    "restrict:nothing",
    "rmt-command=:nothing",
    "rsh-command=:nothing",
    "same-order:nothing",
    "same-owner:nothing",
    "same-permissions:nothing",
    "seek:nothing",
    "selinux:nothing",
    "show-stored-names",
    "show-transformed-names",
    "skip-old-files",
    "sort=:nothing",
    "sparse:nothing",
    "sparse-version=:nothing",
    "strip-components=",
    "to-stdout:O",
    "totals=?",
    "touch:m",
    "transform=",
    "ungzip:z",
    "unlink-first:nothing",
    "unquote:nothing",
    "update:u",
    "use-compress-program=:I",
    "utc:nothing",
    "verbatim-files-from:nothing",
    "verbose:v",
    "warning=:nothing",
    "wildcards",
    "wildcards-match-slash:nothing",
    "xattrs:nothing",
    "xattrs-exclude=:nothing",
    "xattrs-include=:nothing",
    "xform=:transform",
    "xz:J",
    "zstd",
];

/// What is wrong with a command line.
pub(super) enum Wrong {
    /// It is none of tar's: the status is that of `sysexits.h`.
    Usage(String),
    /// One of its values is none.
    Value(String),
}

pub(super) fn parse(words: &[String]) -> Result<Options, Wrong> {
    let mut options = Options::default();
    let args = arguments(&modern(words).map_err(Wrong::Value)?, LETTERS, LONG);
    for arg in args.map_err(Wrong::Usage)? {
        let done = match arg {
            Arg::Operand(path) => {
                options.name(&path);
                Ok(())
            }
            Arg::Option(name, value) => options.set(&name, value.unwrap_or_default()),
        };
        done.map_err(Wrong::Value)?;
    }
    Ok(options)
}

/// A command line in which options of the old kind, `xvf a.tar`, are of the usual one: `-x -v -f
/// a.tar`. The values of old options come after all letters.
fn modern(words: &[String]) -> Result<Vec<String>, String> {
    let old = match words.first() {
        Some(first) if !first.starts_with('-') => first,
        _ => return Ok(words.to_owned()),
    };
    let mut rest = words[1..].iter();
    let mut modern = Vec::new();
    for letter in old.chars() {
        modern.push(format!("-{letter}"));
        if LETTERS.contains(&format!("{letter}:")) {
            let value = rest.next();
            let value =
                value.ok_or_else(|| format!("Old option '{letter}' requires an argument."))?;
            modern.push(value.clone());
        }
    }
    modern.extend(rest.cloned());
    Ok(modern)
}

impl Options {
    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "A" | "c" | "d" | "r" | "t" | "u" | "x" => self.mode = name.chars().next(),
            "delete" => self.mode = Some('D'),
            "C" => self.enter(&value),
            "I" => self.codec = Some(packed_by(&value)?),
            "J" => self.codec = Some(Codec::Xz),
            "N" => (self.newer, self.newer_content) = (Some(seconds(&value)?), false),
            "newer-mtime" => (self.newer, self.newer_content) = (Some(seconds(&value)?), true),
            "O" => self.to_stdout = true,
            "P" => self.absolute = true,
            "T" => self.names_from(&value)?,
            "X" => self.exclude_from(&value)?,
            "a" => self.by_name = true,
            "no-auto-compress" => self.by_name = false,
            "add-file" => self.name(&value),
            "anchored" => self.anchored = true,
            "no-anchored" => self.anchored = false,
            "clamp-mtime" => self.clamp_time = true,
            "exclude" => self.exclude.push(value),
            "exclude-backups" => self.exclude_all(BACKUPS),
            "exclude-caches" => self.tags.push(("CACHEDIR.TAG".to_owned(), Tagged::Itself)),
            "exclude-caches-all" => self.tags.push(("CACHEDIR.TAG".to_owned(), Tagged::Nothing)),
            "exclude-caches-under" => self.tags.push(("CACHEDIR.TAG".to_owned(), Tagged::Empty)),
            "exclude-tag" => self.tags.push((value, Tagged::Itself)),
            "exclude-tag-all" => self.tags.push((value, Tagged::Nothing)),
            "exclude-tag-under" => self.tags.push((value, Tagged::Empty)),
            "exclude-vcs" => self.exclude_all(VERSION_CONTROL),
            "f" => self.archive = Some(value),
            "full-time" => self.full_time = true,
            "group" => self.group = Some(value),
            "h" => self.dereference = true,
            "hard-dereference" => self.hard_dereference = true,
            "i" => self.ignore_zeros = true,
            "ignore-case" => self.any_case = true,
            "no-ignore-case" => self.any_case = false,
            "j" => self.codec = Some(Codec::Bzip2),
            "k" => self.existing = Existing::Refuse,
            "keep-newer-files" => self.existing = Existing::KeepNewer,
            "m" => self.touch = true,
            "mode" => self.mode_bits = Some(value),
            "mtime" => self.time = Some(seconds(&value)?),
            "no-recursion" => self.shallow = true,
            "recursion" => self.shallow = false,
            "no-wildcards" => self.wildcards = false,
            "wildcards" => self.wildcards = true,
            "null" => self.null = true,
            "no-null" => self.null = false,
            "numeric-owner" => self.numeric = true,
            "one-top-level" => self.top_level = Some(value),
            "overwrite" => self.existing = Existing::Replace,
            "owner" => self.owner = Some(value),
            "remove-files" => self.remove = true,
            "show-transformed-names" | "show-stored-names" => self.shows_renamed = true,
            "skip-old-files" => self.existing = Existing::Skip,
            "strip-components" => {
                let count = value.parse();
                self.strip = count.map_err(|_| format!("{value}: Invalid number of elements"))?;
            }
            "totals" => self.totals = true,
            "transform" => self.renames.extend(Rename::parse(&value)?),
            "v" => self.verbose = true,
            "z" => self.codec = Some(Codec::Gzip),
            "lzma" | "zstd" => self.codec = Some(packed_by(name)?),
            "nothing" | "B" | "H" | "S" | "U" | "b" | "l" | "n" | "o" | "p" | "s" => {}
            name => return Err(format!("option '{name}' is not supported")),
        }
        Ok(())
    }

    fn exclude_all(&mut self, patterns: &[&str]) {
        self.exclude.extend(patterns.iter().map(|name| (*name).to_owned()));
    }

    /// Goes where `-C` leads, from where the one before it led.
    fn enter(&mut self, directory: &str) {
        self.directory = Some(self.base().join(directory).to_string_lossy().into_owned());
    }

    fn name(&mut self, path: &str) {
        self.paths.push((self.base(), path.to_owned()));
    }

    /// Names what a list holds, one on each line.
    fn names_from(&mut self, path: &str) -> Result<(), String> {
        let end = if self.null { '\0' } else { '\n' };
        let names = read(path)?;
        names.split(end).filter(|name| !name.is_empty()).for_each(|name| self.name(name));
        Ok(())
    }

    fn exclude_from(&mut self, path: &str) -> Result<(), String> {
        let patterns = read(path)?;
        let patterns = patterns.lines().filter(|pattern| !pattern.is_empty());
        self.exclude.extend(patterns.map(str::to_owned));
        Ok(())
    }

    pub(super) fn base(&self) -> PathBuf {
        PathBuf::from(self.directory.as_deref().unwrap_or(""))
    }

    /// Below which directory all is unpacked.
    pub(super) fn top_level(&self) -> Option<&str> {
        let given = self.top_level.as_deref()?;
        if !given.is_empty() {
            return Some(given);
        }
        let archive = self.archive.as_deref()?;
        let name = archive.rsplit('/').next().unwrap_or(archive);
        Some(name.split_once(".tar").map_or(name, |(stem, _)| stem).trim_end_matches(".tgz"))
    }

    /// Whether a pattern leaves out a member, or a directory that it is in.
    pub(super) fn excluded(&self, path: &str) -> bool {
        if self.exclude.is_empty() {
            return false;
        }
        let path = path.trim_end_matches('/');
        let mut starts = vec![0];
        if !self.anchored {
            starts.extend(path.match_indices('/').map(|(at, _)| at + 1));
        }
        let ends: Vec<usize> =
            path.match_indices('/').map(|(at, _)| at).chain([path.len()]).collect();
        self.exclude.iter().any(|glob| {
            let glob = glob.trim_end_matches('/');
            starts.iter().any(|start| {
                let ends = ends.iter().filter(|end| *end > start);
                ends.into_iter().any(|end| self.fits(glob, &path[*start..*end]))
            })
        })
    }

    fn fits(&self, glob: &str, text: &str) -> bool {
        match self.any_case {
            true => Pattern::new(glob, false, true).matches(text),
            false => wild(glob, text),
        }
    }

    /// The file that a directory holds which `--exclude-tag` or its like names.
    pub(super) fn tag(&self, names: &[String]) -> Option<(&str, Tagged)> {
        let found = self.tags.iter().find(|(tag, _)| names.contains(tag));
        found.map(|(tag, what)| (tag.as_str(), *what))
    }

    /// What `--transform` makes of a member's name.
    pub(super) fn renamed(&self, name: &str) -> String {
        let mut name = name.to_owned();
        for rename in &self.renames {
            name = rename.apply(&name);
        }
        name
    }
}

/// A date, or that of a file whose path begins with `.` or `/`, in seconds since 1970.
fn seconds(text: &str) -> Result<u64, String> {
    if text.starts_with(['.', '/']) {
        let details = toolcell_program::files::look(text, true);
        let details = details.map_err(|error| format!("{text}: {}", message(&error)))?;
        return Ok(details.modified / 1_000_000_000);
    }
    let time = toolcell_zone::when(text, SystemTime::now().into(), toolcell_zone::local());
    let seconds = time.and_then(|time| u64::try_from(time.seconds).ok());
    seconds.ok_or_else(|| "Invalid date".to_owned())
}

fn read(path: &str) -> Result<String, String> {
    let mut text = Vec::new();
    toolcell_program::open(path)
        .and_then(|mut input| input.read_to_end(&mut text))
        .map_err(|error| format!("{path}: Cannot open: {}", message(&error)))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn packed_by(program: &str) -> Result<Codec, String> {
    match program.split_whitespace().next().unwrap_or_default() {
        "gzip" | "pigz" => Ok(Codec::Gzip),
        "bzip2" | "pbzip2" => Ok(Codec::Bzip2),
        "xz" => Ok(Codec::Xz),
        _ => Err(format!("{program}: this program is not among those that a cell packs with")),
    }
}
