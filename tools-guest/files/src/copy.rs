//! `cp`, and the copying that `mv` and `install` do.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write};

use toolcell_program::args::Arg;
use toolcell_program::files::{self, Details, Kind, Time, look, set_mode, symlink};
use toolcell_program::message;

use crate::backup::Backup;
use crate::{arguments, base_name, join, names};

/// Bytes that are copied at a time.
const CHUNK: usize = 256 << 10;

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Replace,
    Keep,
    /// Replace what is older.
    Older,
    Ask,
}

/// When symbolic links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FollowLinks {
    Always,
    /// Those on the command line.
    Given,
    Never,
}

#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) program: &'static str,
    pub(crate) recursive: bool,
    pub(crate) existing: Existing,
    pub(crate) force: bool,
    pub(crate) follow: FollowLinks,
    pub(crate) keep_mode: bool,
    pub(crate) keep_times: bool,
    pub(crate) verbose: bool,
    pub(crate) link: Option<Link>,
    pub(crate) parents: bool,
    pub(crate) attributes_only: bool,
    pub(crate) remove_first: bool,
    pub(crate) backup: Backup,
}

/// Links made instead of copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Hard,
    Symbolic,
}

impl Options {
    pub(crate) fn new(program: &'static str) -> Options {
        Options {
            program,
            recursive: false,
            existing: Existing::Replace,
            force: false,
            follow: FollowLinks::Always,
            keep_mode: false,
            keep_times: false,
            verbose: false,
            link: None,
            parents: false,
            attributes_only: false,
            remove_first: false,
            backup: Backup::default(),
        }
    }
}

/// Where things go: into a directory, or to just this name.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) path: String,
    pub(crate) directory: bool,
}

/// Takes the target from the operands: the one that `-t` gave, or the last.
pub(crate) fn target(
    program: &str,
    operands: &mut Vec<String>,
    given: Option<String>,
    just_name: bool,
) -> Result<Target, i32> {
    let usage = |text: String| {
        eprintln!("{program}: {text}\nTry '{program} --help' for more information.");
        1
    };
    if let Some(path) = given {
        if operands.is_empty() {
            return Err(usage("missing file operand".to_owned()));
        }
        return match look(&path, true) {
            Ok(details) if details.is_dir() => Ok(Target { path, directory: true }),
            Ok(_) => {
                eprintln!("{program}: target directory '{path}': Not a directory");
                Err(1)
            }
            Err(error) => {
                eprintln!("{program}: target directory '{path}': {}", message(&error));
                Err(1)
            }
        };
    }
    let Some(path) = operands.pop() else {
        return Err(usage("missing file operand".to_owned()));
    };
    if operands.is_empty() {
        return Err(usage(format!("missing destination file operand after '{path}'")));
    }
    let directory = !just_name && look(&path, true).is_ok_and(|details| details.is_dir());
    if just_name && operands.len() > 1 {
        return Err(usage(format!("extra operand '{}'", operands[1])));
    }
    if !directory && operands.len() > 1 {
        let why = match look(&path, true) {
            Ok(_) => "Not a directory".to_owned(),
            Err(error) => message(&error),
        };
        eprintln!("{program}: target '{path}': {why}");
        return Err(1);
    }
    if !directory && path.ends_with('/') && !look(&operands[0], true).is_ok_and(|d| d.is_dir()) {
        let (verb, from) = if program == "mv" { ("move", "to") } else { ("create", "file") };
        match verb {
            "move" => {
                eprintln!("mv: cannot move '{}' {from} '{path}': Not a directory", operands[0])
            }
            _ => eprintln!("{program}: cannot create regular file '{path}': Not a directory"),
        }
        return Err(1);
    }
    Ok(Target { path, directory })
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "archive:a",
        "attributes-only:attributes-only",
        "backup=?:backup",
        "copy-contents:copy-contents",
        "debug:v",
        "dereference:L",
        "force:f",
        "interactive:i",
        "link:l",
        "no-clobber:n",
        "no-dereference:P",
        "no-preserve=:no-preserve",
        "no-target-directory:T",
        "one-file-system:x",
        "parents:parents",
        "preserve=?:preserve",
        "recursive:R",
        "reflink=?:reflink",
        "remove-destination:remove-destination",
        "sparse=:sparse",
        "strip-trailing-slashes:strip-trailing-slashes",
        "suffix=:S",
        "symbolic-link:s",
        "target-directory=:t",
        "update=?:u",
        "verbose:v",
    ];
    let args = match arguments("cp", words, "abdfiHlLnPprRsS:t:TuvxZ", &long) {
        Ok(args) => args,
        Err(status) => return status,
    };
    let mut options = Options::new("cp");
    let (mut operands, mut directory, mut just_name) = (Vec::new(), None, false);
    let mut follow = None;
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                operands.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        let text = value.as_deref().unwrap_or_default();
        match letter.as_str() {
            "a" => {
                (options.recursive, options.keep_mode, options.keep_times) = (true, true, true);
                follow = Some(FollowLinks::Never);
            }
            "attributes-only" => options.attributes_only = true,
            "b" | "backup" | "S" => match options.backup.take("cp", &letter, value.as_deref()) {
                Ok(()) => {}
                Err(status) => return status,
            },
            "d" | "P" => follow = Some(FollowLinks::Never),
            "f" => options.force = true,
            "H" => follow = Some(FollowLinks::Given),
            "i" => options.existing = Existing::Ask,
            "l" => options.link = Some(Link::Hard),
            "L" => follow = Some(FollowLinks::Always),
            "n" => options.existing = Existing::Keep,
            "p" => (options.keep_mode, options.keep_times) = (true, true),
            "preserve" => {
                let all = text.is_empty();
                for what in text.split(',') {
                    match what {
                        "mode" => options.keep_mode = true,
                        "timestamps" => options.keep_times = true,
                        "links" | "ownership" | "context" | "xattr" => {}
                        _ if all || what == "all" => {
                            (options.keep_mode, options.keep_times) = (true, true);
                        }
                        _ => {
                            eprintln!("cp: invalid argument '{what}' for '--preserve'");
                            return 1;
                        }
                    }
                }
            }
            "no-preserve" => {
                for what in text.split(',') {
                    options.keep_mode &= !matches!(what, "mode" | "all");
                    options.keep_times &= !matches!(what, "timestamps" | "all");
                }
            }
            "parents" => options.parents = true,
            "r" | "R" => options.recursive = true,
            "remove-destination" => options.remove_first = true,
            "s" => options.link = Some(Link::Symbolic),
            "t" => directory = value,
            "T" => just_name = true,
            "u" => {
                options.existing = match text {
                    "" | "older" => Existing::Older,
                    "all" => Existing::Replace,
                    "none" | "none-fail" => Existing::Keep,
                    _ => {
                        eprintln!("cp: invalid argument '{text}' for '--update'");
                        return 1;
                    }
                };
            }
            "v" => options.verbose = true,
            _ => {}
        }
    }
    options.follow = follow.unwrap_or(match options.recursive {
        true => FollowLinks::Never,
        false => FollowLinks::Always,
    });
    let target = match target("cp", &mut operands, directory, just_name) {
        Ok(target) => target,
        Err(status) => return status,
    };
    if options.parents && !target.directory {
        eprintln!("cp: with --parents, the destination must be a directory");
        return 1;
    }
    let mut copier = Copier::new(options, out);
    for path in operands {
        let to = match (target.directory, copier.options.parents) {
            (false, _) => target.path.clone(),
            (true, true) => {
                let to = join(&target.path, path.trim_start_matches('/').trim_end_matches('/'));
                if let Some((parents, _)) = to.rsplit_once('/')
                    && let Err(error) = fs::create_dir_all(parents)
                {
                    eprintln!("cp: cannot make directory '{parents}': {}", message(&error));
                    copier.failed = true;
                    continue;
                }
                to
            }
            // `cp -r a/. b` copies what is in `a`.
            (true, false) if matches!(base_name(&path), "." | "..") => {
                join(&target.path, base_name(&path))
            }
            (true, false) => join(&target.path, base_name(&path)),
        };
        if copier.may_make(&path, &to) {
            copier.copy(&path, &to, true);
        }
    }
    i32::from(copier.failed)
}

pub(crate) struct Copier<'a, W> {
    pub(crate) options: Options,
    pub(crate) failed: bool,
    pub(crate) out: &'a mut W,
    pub(crate) asked: io::Stdin,
    /// What the operands before became, each with the device and inode that it was made of.
    made: HashMap<String, (u64, u64)>,
}

impl<'a, W: Write> Copier<'a, W> {
    pub(crate) fn new(options: Options, out: &'a mut W) -> Copier<'a, W> {
        Copier { options, failed: false, out, asked: io::stdin(), made: HashMap::new() }
    }

    /// Whether an operand may become `to`: not if that is what one before it became, which would be
    /// lost.
    pub(crate) fn may_make(&mut self, from: &str, to: &str) -> bool {
        // What cannot be looked at is told of where it is copied.
        let Ok(source) = look(from, self.options.follow != FollowLinks::Never) else { return true };
        let id = (source.device, source.inode);
        let program = self.options.program;
        match self.made.get(to) {
            Some(before) if *before == id => {
                let kind = if source.is_dir() { "directory" } else { "file" };
                eprintln!("{program}: warning: source {kind} '{from}' specified more than once");
                false
            }
            Some(_) if !source.is_dir() && !self.options.backup.is_numbered() => {
                self.fail(&format!("will not overwrite just-created '{to}' with '{from}'"));
                false
            }
            Some(_) => true,
            None => {
                // With -n, what is there already was not made here.
                let keeps = matches!(self.options.existing, Existing::Keep);
                if !(keeps && look(to, false).is_ok()) {
                    self.made.insert(to.to_owned(), id);
                }
                true
            }
        }
    }

    pub(crate) fn fail(&mut self, what: &str) {
        eprintln!("{}: {what}", self.options.program);
        self.failed = true;
    }

    /// Copies one thing to one name.
    pub(crate) fn copy(&mut self, from: &str, to: &str, given: bool) {
        let follow = match self.options.follow {
            FollowLinks::Always => true,
            FollowLinks::Given => given,
            FollowLinks::Never => false,
        };
        let source = match look(from, follow) {
            Ok(details) => details,
            Err(error) => return self.fail(&format!("cannot stat '{from}': {}", message(&error))),
        };
        let looks_through = follow && self.options.link.is_none() && !self.options.remove_first;
        let there = look(to, looks_through).ok();
        if source.is_dir() {
            return self.directory(from, to, &source, there.as_ref());
        }
        if let Err(text) = self.may_write_through(from, to, &source) {
            return self.fail(&text);
        }
        if let Some(there) = &there {
            if there.is_dir() {
                return self.fail(&format!(
                    "cannot overwrite directory '{to}' with non-directory '{from}'"
                ));
            }
            if self.options.existing == Existing::Keep {
                return;
            }
            if (there.device, there.inode) == (source.device, source.inode) {
                if self.options.link == Some(Link::Hard) {
                    return;
                }
                return self.fail(&format!("'{from}' and '{to}' are the same file"));
            }
            if !self.may_replace(from, to, &source, there) {
                return;
            }
        }
        let done = self.file(from, to, &source, there.as_ref());
        match done {
            Ok(()) if self.options.verbose => {
                let _ = writeln!(self.out, "'{from}' -> '{to}'");
            }
            Ok(()) => {}
            Err(text) => self.fail(&text),
        }
    }

    /// A file is written through a link that is there: not if that leads to the file itself, which
    /// would be emptied, or to nothing.
    fn may_write_through(&self, from: &str, to: &str, source: &Details) -> Result<(), String> {
        let Options { remove_first, ref backup, existing, link, .. } = self.options;
        let goes = remove_first || backup.is_on() || existing == Existing::Keep || link.is_some();
        let is_link = look(to, false).is_ok_and(|there| there.kind == Kind::Symlink);
        if goes || !is_link || source.kind == Kind::Symlink {
            return Ok(());
        }
        match look(to, true) {
            Err(_) => Err(format!("not writing through dangling symlink '{to}'")),
            Ok(target) if (target.device, target.inode) == (source.device, source.inode) => {
                Err(format!("'{from}' and '{to}' are the same file"))
            }
            Ok(_) => Ok(()),
        }
    }

    /// Whether the file that is there may go; it is put aside if that is wanted.
    pub(crate) fn may_replace(
        &mut self,
        from: &str,
        to: &str,
        source: &Details,
        there: &Details,
    ) -> bool {
        let program = self.options.program;
        match self.options.existing {
            Existing::Keep => return false,
            Existing::Older if there.modified >= source.modified => return false,
            Existing::Ask => {
                let _ = self.out.flush();
                eprint!("{program}: overwrite '{to}'? ");
                let mut answer = String::new();
                let read = self.asked.read_line(&mut answer);
                if read.is_err() || !answer.trim_start().starts_with(['y', 'Y']) {
                    return false;
                }
            }
            Existing::Replace | Existing::Older => {}
        }
        if let Some(aside) = self.options.backup.name(to) {
            if aside == from {
                let why = format!("backing up '{to}' might destroy source;  '{from}' not copied");
                self.fail(&why);
                return false;
            }
            if let Err(error) = fs::rename(to, &aside) {
                let why = message(&error);
                self.fail(&format!("cannot backup '{to}' for '{from}': {why}"));
                return false;
            }
        } else if (self.options.remove_first
            || there.kind == Kind::Symlink && source.kind == Kind::Symlink)
            && let Err(error) = fs::remove_file(to)
        {
            self.fail(&format!("cannot remove '{to}': {}", message(&error)));
            return false;
        }
        true
    }

    fn file(
        &mut self,
        from: &str,
        to: &str,
        source: &Details,
        there: Option<&Details>,
    ) -> Result<(), String> {
        let create =
            |error: io::Error| format!("cannot create regular file '{to}': {}", message(&error));
        match self.options.link {
            Some(link) => {
                let directory = to.rsplit_once('/').map_or(".", |(directory, _)| directory);
                if link == Link::Symbolic && !from.starts_with('/') && directory != "." {
                    let only = "can make relative symbolic links only in current directory";
                    return Err(format!("{to}: {only}"));
                }
                if there.is_some() && self.options.force {
                    let _ = fs::remove_file(to);
                }
                let (made, what) = match link {
                    Link::Hard => (fs::hard_link(from, to), "link"),
                    Link::Symbolic => (symlink(from, to), "symbolic link"),
                };
                return made.map_err(|error| {
                    format!("cannot create {what} '{to}' to '{from}': {}", message(&error))
                });
            }
            None if source.kind == Kind::Symlink => {
                let target = fs::read_link(from).map_err(|error| {
                    format!("cannot read symbolic link '{from}': {}", message(&error))
                })?;
                if there.is_some() {
                    let _ = fs::remove_file(to);
                }
                symlink(&target.to_string_lossy(), to).map_err(|error| {
                    format!("cannot create symbolic link '{to}': {}", message(&error))
                })?;
                if self.options.keep_times {
                    let _ = set_times(to, source);
                }
                return Ok(());
            }
            None => {}
        }
        let mut input = File::open(from)
            .map_err(|error| format!("cannot open '{from}' for reading: {}", message(&error)))?;
        let open = || match self.options.attributes_only {
            true => File::options().append(true).create(true).open(to),
            false => File::create(to),
        };
        let mut output = match open() {
            Err(_) if self.options.force && there.is_some() => {
                let _ = fs::remove_file(to);
                open().map_err(create)?
            }
            result => result.map_err(create)?,
        };
        if !self.options.attributes_only {
            let mut buffer = vec![0; CHUNK];
            loop {
                let count = input
                    .read(&mut buffer)
                    .map_err(|error| format!("error reading '{from}': {}", message(&error)))?;
                if count == 0 {
                    break;
                }
                output
                    .write_all(&buffer[..count])
                    .map_err(|error| format!("error writing '{to}': {}", message(&error)))?;
            }
        }
        drop(output);
        self.keep(from, to, source, there)
    }

    /// Gives a copy what it keeps of its source: a new file has its permission bits anyway.
    fn keep(
        &self,
        from: &str,
        to: &str,
        source: &Details,
        there: Option<&Details>,
    ) -> Result<(), String> {
        let wanted = there.is_none() || self.options.keep_mode;
        if wanted
            && source.kind == Kind::File
            && look(to, true).is_ok_and(|d| d.mode != source.mode)
        {
            // What the host provides has no bits to set, such as `/dev/null`.
            let set = set_mode(to, source.mode);
            if self.options.keep_mode {
                set.map_err(|error| {
                    format!("preserving permissions for '{to}': {}", message(&error))
                })?;
            }
        }
        if self.options.keep_times {
            set_times(to, source).map_err(|error| {
                format!("preserving times for '{to}' of '{from}': {}", message(&error))
            })?;
        }
        Ok(())
    }

    fn directory(&mut self, from: &str, to: &str, source: &Details, there: Option<&Details>) {
        if !self.options.recursive {
            return self.fail(&format!("-r not specified; omitting directory '{from}'"));
        }
        if let Some(there) = there {
            if !there.is_dir() {
                return self.fail(&format!(
                    "cannot overwrite non-directory '{to}' with directory '{from}'"
                ));
            }
            if (there.device, there.inode) == (source.device, source.inode) {
                return self
                    .fail(&format!("cannot copy a directory, '{from}', into itself, '{to}'"));
            }
        }
        if inside(to, source) {
            return self.fail(&format!("cannot copy a directory, '{from}', into itself, '{to}'"));
        }
        if there.is_none() {
            if let Err(error) = fs::create_dir(to) {
                return self.fail(&format!("cannot create directory '{to}': {}", message(&error)));
            }
            if self.options.verbose {
                let _ = writeln!(self.out, "'{from}' -> '{to}'");
            }
        }
        match names(from) {
            Ok(names) => {
                for name in names {
                    self.copy(&join(from, &name), &join(to, &name), false);
                }
            }
            Err(error) => {
                self.fail(&format!("cannot access '{from}': {}", message(&error)));
            }
        }
        if (there.is_none() || self.options.keep_mode)
            && look(to, true).is_ok_and(|details| details.mode != source.mode)
        {
            let _ = set_mode(to, source.mode);
        }
        if self.options.keep_times {
            let _ = set_times(to, source);
        }
    }
}

/// Whether a path lies in this directory.
fn inside(path: &str, directory: &Details) -> bool {
    let whole = std::env::current_dir().unwrap_or_default().join(path);
    whole.ancestors().skip(1).any(|parent| {
        look(&parent.to_string_lossy(), true)
            .is_ok_and(|found| (found.device, found.inode) == (directory.device, directory.inode))
    })
}

/// Sets the times of `to` to those of what was copied.
pub(crate) fn set_times(to: &str, source: &Details) -> io::Result<()> {
    files::set_times(
        to,
        source.kind != Kind::Symlink,
        Time::At(source.accessed),
        Time::At(source.modified),
    )
}
