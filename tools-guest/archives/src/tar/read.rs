//! Archives that are listed, unpacked and compared.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use toolcell_program::files::{self, Kind, Time};
use toolcell_program::{message, mode};
use toolcell_text::wild;

use super::options::{Existing, Options};
use super::{NO_ARCHIVE, cannot_open};
use crate::codec::{Codec, peek};

/// Bytes that one file of an archive may become. Against archives made to fill the disk.
const MAX_FILE: u64 = 8 << 30;

fn reader(options: &Options) -> io::Result<Box<dyn Read>> {
    let input: Box<dyn Read> = match options.archive.as_deref() {
        None | Some("-") => Box::new(io::stdin().lock()),
        Some(path) => Box::new(File::open(path).map_err(cannot_open(path))?),
    };
    // Whether it is compressed is seen from its first bytes.
    let (start, input) = peek(input, 6)?;
    match (Codec::of(&start), options.codec) {
        (Some(codec), _) => Ok(codec.reader(input)),
        (None, Some(Codec::Gzip)) => Err(io::Error::other("gzip: stdin: not in gzip format")),
        (None, Some(_)) => Err(io::Error::other("the archive is not packed that way")),
        (None, None) => Ok(Box::new(input)),
    }
}

/// The next member; none at the end.
fn next<'a, R: Read>(
    entries: &mut tar::Entries<'a, R>,
    first: &mut bool,
) -> io::Result<Option<tar::Entry<'a, R>>> {
    let first = std::mem::take(first);
    match entries.next() {
        None => Ok(None),
        Some(Ok(entry)) => Ok(Some(entry)),
        Some(Err(_)) if first => Err(io::Error::other(NO_ARCHIVE)),
        Some(Err(error)) => {
            let text = error.to_string();
            let ends = ["failed to read entire block", "unexpected EOF"];
            match ends.iter().any(|end| text.contains(end)) {
                true => Err(io::Error::other("Unexpected EOF in archive")),
                false => Err(error),
            }
        }
    }
}

/// Says once that names lose the slash that they begin with.
fn tell_of_slash(name: &str, told: &mut bool, out: &mut impl Write) -> io::Result<()> {
    if name.starts_with('/') && !*told {
        out.flush()?;
        eprintln!("tar: Removing leading `/' from member names");
        *told = true;
    }
    Ok(())
}

/// The members that are asked for, and which of these were come by.
pub(super) struct Members<'a> {
    options: &'a Options,
    found: Vec<bool>,
}

impl Members<'_> {
    pub(super) fn of(options: &Options) -> Members<'_> {
        Members { options, found: vec![false; options.paths.len()] }
    }

    /// Whether a member is asked for. Where none is named, all are.
    pub(super) fn wants(&mut self, path: &str) -> bool {
        if self.options.excluded(path) {
            return false;
        }
        let path = path.trim_end_matches('/');
        let mut wants = self.found.is_empty();
        for ((_, wanted), found) in self.options.paths.iter().zip(&mut self.found) {
            let wanted = wanted.trim_end_matches('/');
            let below = path.starts_with(&format!("{wanted}/"));
            let fits = path == wanted || below || self.options.wildcards && wild(wanted, path);
            *found |= fits;
            wants |= fits;
        }
        wants
    }

    /// Tells of those that are not there, and how many there are.
    pub(super) fn missing(&self) -> u32 {
        let missing = self.options.paths.iter().zip(&self.found).filter(|(_, found)| !**found);
        missing.inspect(|((_, path), _)| eprintln!("tar: {path}: Not found in archive")).count()
            as u32
    }
}

pub(super) fn list(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    let mut archive = tar::Archive::new(reader(options)?);
    archive.set_ignore_zeros(options.ignore_zeros);
    let mut members = Members::of(options);
    let (mut entries, mut first) = (archive.entries()?, true);
    let mut told = options.absolute;
    while let Some(entry) = next(&mut entries, &mut first)? {
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !members.wants(&name) {
            continue;
        }
        tell_of_slash(&name, &mut told, out)?;
        let shown = match options.shows_renamed {
            true => renamed(options, &name),
            false => name,
        };
        if options.verbose {
            let header = entry.header();
            let kind = match header.entry_type() {
                tar::EntryType::Directory => Kind::Directory,
                tar::EntryType::Symlink => Kind::Symlink,
                _ => Kind::File,
            };
            let mut bits = mode::shown(kind, header.mode().unwrap_or(0));
            if header.entry_type() == tar::EntryType::Link {
                bits.replace_range(..1, "h");
            }
            let owner = |name: Option<&str>, number: io::Result<u64>| match name {
                Some(name) if !options.numeric && !name.is_empty() => name.to_owned(),
                _ => number.unwrap_or(0).to_string(),
            };
            let user = owner(header.username().ok().flatten(), header.uid());
            let group = owner(header.groupname().ok().flatten(), header.gid());
            let owners = format!("{user}/{group}");
            let size = entry.size().to_string();
            let width = 19usize.saturating_sub(owners.len() + 1).max(size.len());
            let format = if options.full_time { "%F %T" } else { "%F %R" };
            let time = toolcell_zone::strftime(format, header.mtime().unwrap_or(0) as i64);
            let target = match (entry.link_name()?, header.entry_type()) {
                (Some(target), tar::EntryType::Symlink) => format!(" -> {}", target.display()),
                (Some(target), tar::EntryType::Link) => format!(" link to {}", target.display()),
                _ => String::new(),
            };
            writeln!(out, "{bits} {owners} {size:>width$} {time} {shown}{target}")?;
        } else {
            writeln!(out, "{shown}")?;
        }
    }
    Ok(members.missing())
}

pub(super) fn extract(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    if let Some(directory) = &options.directory {
        std::fs::read_dir(directory).map_err(cannot_open(directory))?;
    }
    let mut archive = tar::Archive::new(reader(options)?);
    archive.set_ignore_zeros(options.ignore_zeros);
    let mut members = Members::of(options);
    let mut failed = 0;
    let mut told = options.absolute;
    // What is put into a directory changes its time, and needs the right to write there.
    let mut directories = Vec::new();
    let (mut entries, mut first) = (archive.entries()?, true);
    while let Some(mut entry) = next(&mut entries, &mut first)? {
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !members.wants(&name) {
            continue;
        }
        tell_of_slash(&name, &mut told, out)?;
        let Some(inside) = place(options, &renamed(options, &name)) else {
            eprintln!("tar: {name}: Member name contains '..'");
            failed += 1;
            continue;
        };
        // The directory itself that is unpacked into, or what nothing is left of.
        let is_nothing = inside.as_os_str().is_empty();
        if options.verbose && !(is_nothing && options.strip > 0) {
            writeln!(out, "{name}")?;
        }
        if is_nothing {
            continue;
        }
        if options.to_stdout {
            io::copy(&mut entry.by_ref().take(MAX_FILE), out)?;
            continue;
        }
        let path = options.base().join(&inside);
        match unpack(&mut entry, &path, options) {
            Ok(Unpacked::Done) => {}
            Ok(Unpacked::Directory(attributes)) => directories.push((path, attributes)),
            Ok(Unpacked::KeptNewer) => {
                out.flush()?;
                eprintln!("tar: Current '{name}' is newer or same age");
            }
            Err(error) => {
                out.flush()?;
                let what = match (entry.header().entry_type(), entry.link_name()?) {
                    (tar::EntryType::Link, Some(to)) => format!("hard link to '{}'", to.display()),
                    _ => "open".to_owned(),
                };
                eprintln!("tar: {name}: Cannot {what}: {}", message(&error));
                failed += 1;
            }
        }
    }
    for (path, attributes) in directories.iter().rev() {
        attributes.set(path)?;
    }
    Ok(failed + members.missing())
}

/// What `--transform` makes of a member's name: the slash of a directory stays.
fn renamed(options: &Options, name: &str) -> String {
    match name.strip_suffix('/') {
        Some(name) => format!("{}/", options.renamed(name)),
        None => options.renamed(name),
    }
}

/// Where a member goes; `None` if that is outside of the directory that is unpacked into.
fn place(options: &Options, name: &str) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    let below =
        options.top_level().filter(|top| Path::new(name).iter().next() != Some(top.as_ref()));
    inside.extend(below);
    let empty = inside.clone();
    // The `.` that a name begins with is one of those that are stripped.
    for part in Path::new(name).components().skip(options.strip) {
        match part {
            Component::CurDir => {}
            Component::RootDir if !options.absolute => {}
            Component::ParentDir if !options.absolute => return None,
            part => inside.push(part),
        }
    }
    Some(if inside == empty { PathBuf::new() } else { inside })
}

/// Says where members differ from the files of their names, and how often they do.
pub(super) fn compare(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    let mut archive = tar::Archive::new(reader(options)?);
    archive.set_ignore_zeros(options.ignore_zeros);
    let mut members = Members::of(options);
    let mut count = 0;
    let (mut entries, mut first) = (archive.entries()?, true);
    while let Some(mut entry) = next(&mut entries, &mut first)? {
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !members.wants(&name) {
            continue;
        }
        let path = options.base().join(&name);
        let found = match files::look(&path.to_string_lossy(), options.dereference) {
            Ok(found) => found,
            Err(error) => {
                out.flush()?;
                eprintln!("tar: {name}: Warning: Cannot stat: {}", message(&error));
                count += 1;
                continue;
            }
        };
        for what in differences(&mut entry, &path, &found)? {
            writeln!(out, "{name}: {what}")?;
            count += 1;
        }
    }
    Ok(count + members.missing())
}

fn differences<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    path: &Path,
    found: &files::Details,
) -> io::Result<Vec<&'static str>> {
    let header = entry.header();
    let kind = match header.entry_type() {
        tar::EntryType::Directory => Kind::Directory,
        tar::EntryType::Symlink => Kind::Symlink,
        _ => Kind::File,
    };
    if kind != found.kind {
        return Ok(vec!["File type differs"]);
    }
    let mut what = Vec::new();
    if kind == Kind::Symlink {
        let target = entry.link_name()?.map(|target| target.into_owned());
        if target != Some(std::fs::read_link(path)?) {
            what.push("Symlink differs");
        }
        return Ok(what);
    }
    if header.mode().is_ok_and(|mode| mode & 0o777 != found.mode & 0o777) {
        what.push("Mode differs");
    }
    if kind == Kind::File {
        if header.mtime().is_ok_and(|time| time != found.modified / 1_000_000_000) {
            what.push("Mod time differs");
        }
        if entry.size() != found.size {
            what.push("Size differs");
        } else if !is_same(entry, File::open(path)?)? {
            what.push("Contents differ");
        }
    }
    Ok(what)
}

/// Whether two of the same length hold the same.
fn is_same(mut left: impl Read, mut right: impl Read) -> io::Result<bool> {
    let (mut ours, mut theirs) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let count = left.read(&mut ours)?;
        if count == 0 {
            return Ok(true);
        }
        right.read_exact(&mut theirs[..count])?;
        if ours[..count] != theirs[..count] {
            return Ok(false);
        }
    }
}

/// What became of a member.
enum Unpacked {
    Done,
    /// A directory, and what it gets when all is in it.
    Directory(Attributes),
    KeptNewer,
}

/// What a file gets besides its content.
struct Attributes {
    modified: Option<u64>,
    mode: Option<u32>,
}

impl Attributes {
    fn of(header: &tar::Header, options: &Options) -> Attributes {
        Attributes {
            modified: header.mtime().ok().filter(|_| !options.touch),
            mode: header.mode().ok().map(|mode| mode & 0o777),
        }
    }

    fn set(&self, path: &Path) -> io::Result<()> {
        let path = path.to_string_lossy();
        if let Some(seconds) = self.modified {
            let time = Time::At(seconds.saturating_mul(1_000_000_000));
            files::set_times(&path, true, Time::Kept, time)?;
        }
        match self.mode {
            Some(mode) if files::look(&path, true)?.mode & 0o777 != mode => {
                files::set_mode(&path, mode)
            }
            _ => Ok(()),
        }
    }
}

fn unpack<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    path: &Path,
    options: &Options,
) -> io::Result<Unpacked> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    let attributes = Attributes::of(entry.header(), options);
    let kind = entry.header().entry_type();
    if kind == tar::EntryType::Directory {
        std::fs::create_dir_all(path)?;
        return Ok(Unpacked::Directory(attributes));
    }
    match (options.existing, files::look(&path.to_string_lossy(), false)) {
        (Existing::Refuse, Ok(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
        (Existing::Skip, Ok(_)) => return Ok(Unpacked::Done),
        (Existing::KeepNewer, Ok(there))
            if entry.header().mtime().is_ok_and(|time| there.modified / 1_000_000_000 >= time) =>
        {
            return Ok(Unpacked::KeptNewer);
        }
        // An old link must not lead the content elsewhere.
        (_, Ok(there)) if !there.is_dir() => std::fs::remove_file(path)?,
        _ => {}
    }
    let target = entry.link_name()?.map(PathBuf::from).unwrap_or_default();
    match kind {
        tar::EntryType::Symlink => {
            files::symlink(&target.to_string_lossy(), &path.to_string_lossy())?;
        }
        tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
            let mut file = File::create(path)?;
            io::copy(&mut entry.by_ref().take(MAX_FILE), &mut file)?;
            drop(file);
            attributes.set(path)?;
        }
        tar::EntryType::Link => {
            let inside = place(options, &renamed(options, &target.to_string_lossy()));
            let inside = inside.ok_or(io::ErrorKind::PermissionDenied)?;
            std::fs::hard_link(options.base().join(inside), path)?;
        }
        _ => return Err(io::Error::other("this kind of member is not supported")),
    }
    Ok(Unpacked::Done)
}
