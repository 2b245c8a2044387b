//! The command line of `tar`.

use std::io::Read;
use std::path::PathBuf;
use std::time::SystemTime;

use toolcell_program::message;
use toolcell_text::wild;

use super::rename::Rename;
use crate::codec::Codec;

/// Directories that `--exclude-vcs` leaves out.
const VERSION_CONTROL: &[&str] =
    &[".git", ".gitignore", ".gitattributes", ".gitmodules", ".svn", ".hg", ".hgignore", "CVS"];

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
    pub(super) to_stdout: bool,
    pub(super) keep: bool,
    pub(super) wildcards: bool,
    /// Links are followed.
    pub(super) dereference: bool,
    pub(super) absolute: bool,
    /// Of a directory only itself.
    pub(super) shallow: bool,
    /// What is packed is removed.
    pub(super) remove: bool,
    pub(super) renames: Vec<Rename>,
    pub(super) shows_renamed: bool,
    /// Of every member, in seconds since 1970.
    pub(super) time: Option<u64>,
    pub(super) mode_bits: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) group: Option<String>,
    /// Lists end their names with a zero byte.
    null: bool,
    /// What is named, each with the directory that `-C` had led to.
    pub(super) paths: Vec<(PathBuf, String)>,
}

/// The letters that take a value.
const TAKES: &str = "CIKTXfgN";

/// # Errors
/// What is wrong with the command line.
pub(super) fn parse(words: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = words.iter();
    let mut first = true;
    while let Some(word) = words.next() {
        let old = std::mem::take(&mut first) && !word.starts_with('-');
        if let Some(long) = word.strip_prefix("--") {
            if long.is_empty() {
                words.by_ref().for_each(|path| options.name(path));
                break;
            }
            let (name, given) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let mut value = || {
                given
                    .clone()
                    .or_else(|| words.next().cloned())
                    .ok_or_else(|| format!("option '--{name}' requires an argument"))
            };
            options.long(name, &mut value)?;
            continue;
        }
        let letters = match word.strip_prefix('-') {
            Some(letters) if !letters.is_empty() => letters,
            _ if old => word,
            _ => {
                options.name(word);
                continue;
            }
        };
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            // Of old options, the values come after all letters.
            let value = match TAKES.contains(letter) {
                false => String::new(),
                true if !old && !rest.is_empty() => std::mem::take(&mut rest).to_owned(),
                true => words.next().cloned().ok_or_else(|| match old {
                    true => format!("Old option '{letter}' requires an argument."),
                    false => format!("option requires an argument -- '{letter}'"),
                })?,
            };
            options.short(letter, value)?;
        }
    }
    Ok(options)
}

impl Options {
    fn short(&mut self, letter: char, value: String) -> Result<(), String> {
        match letter {
            'A' | 'c' | 'd' | 'r' | 't' | 'u' | 'x' => self.mode = Some(letter),
            'C' => self.enter(&value),
            'I' => self.codec = Some(packed_by(&value)?),
            'J' => self.codec = Some(Codec::Xz),
            'O' => self.to_stdout = true,
            'P' => self.absolute = true,
            'T' => self.names_from(&value)?,
            'X' => self.exclude_from(&value)?,
            'a' => self.by_name = true,
            'f' => self.archive = Some(value),
            'h' => self.dereference = true,
            'j' => self.codec = Some(Codec::Bzip2),
            'k' => self.keep = true,
            'v' => self.verbose = true,
            'z' => self.codec = Some(Codec::Gzip),
            'B' | 'S' | 'm' | 'o' | 'p' | 's' => {}
            letter => return Err(format!("invalid option -- '{letter}'")),
        }
        Ok(())
    }

    fn long(
        &mut self,
        name: &str,
        value: &mut dyn FnMut() -> Result<String, String>,
    ) -> Result<(), String> {
        match name {
            "absolute-names" => self.absolute = true,
            "append" => self.mode = Some('r'),
            "auto-compress" => self.by_name = true,
            "bzip2" => self.codec = Some(Codec::Bzip2),
            "catenate" | "concatenate" => self.mode = Some('A'),
            "create" => self.mode = Some('c'),
            "delete" => self.mode = Some('D'),
            "dereference" => self.dereference = true,
            "diff" | "compare" => self.mode = Some('d'),
            "directory" | "cd" => self.enter(&value()?),
            "exclude" => self.exclude.push(value()?),
            "exclude-from" => self.exclude_from(&value()?)?,
            "exclude-vcs" => {
                self.exclude.extend(VERSION_CONTROL.iter().map(|name| (*name).to_owned()));
            }
            "extract" | "get" => self.mode = Some('x'),
            "file" => self.archive = Some(value()?),
            "files-from" => self.names_from(&value()?)?,
            "group" => self.group = Some(value()?),
            "gzip" | "gunzip" | "ungzip" => self.codec = Some(Codec::Gzip),
            "keep-old-files" | "skip-old-files" => self.keep = true,
            "list" => self.mode = Some('t'),
            "mode" => self.mode_bits = Some(value()?),
            "mtime" => {
                let text = value()?;
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                let now = now.map_or(0, |now| now.as_nanos());
                let time = toolcell_text::when(&text, now).ok_or("Invalid date")?;
                self.time = u64::try_from(time / 1_000_000_000).ok();
            }
            "no-null" => self.null = false,
            "no-recursion" => self.shallow = true,
            "no-wildcards" => self.wildcards = false,
            "null" => self.null = true,
            "owner" => self.owner = Some(value()?),
            "recursion" => self.shallow = false,
            "remove-files" => self.remove = true,
            "show-transformed-names" => self.shows_renamed = true,
            "strip-components" => {
                self.strip = value()?.parse().map_err(|_| "invalid number of elements")?;
            }
            "to-stdout" => self.to_stdout = true,
            "transform" | "xform" => self.renames.extend(Rename::parse(&value()?)?),
            "update" => self.mode = Some('u'),
            "use-compress-program" => self.codec = Some(packed_by(&value()?)?),
            "verbose" => self.verbose = true,
            "wildcards" => self.wildcards = true,
            "xz" => self.codec = Some(Codec::Xz),
            // What these settle is so in a cell in any case.
            "format" | "sort" | "warning" | "blocking-factor" => drop(value()?),
            "anchored"
            | "no-anchored"
            | "no-same-owner"
            | "no-same-permissions"
            | "numeric-owner"
            | "overwrite"
            | "posix"
            | "preserve-permissions"
            | "same-permissions"
            | "sparse"
            | "touch"
            | "utc" => {}
            name => return Err(format!("unrecognized option '--{name}'")),
        }
        Ok(())
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

    pub(super) fn excluded(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let name = path.rsplit('/').next().unwrap_or(path);
        self.exclude.iter().any(|glob| {
            let glob = glob.trim_end_matches('/');
            wild(glob, path) || wild(glob, name)
        })
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
