//! `tar`.

use std::fs::{File, FileTimes};
use std::io::{self, Read, Seek as _, Write};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use toolcell_program::files::{self, Kind};
use toolcell_program::{message, mode};
use toolcell_text::wild;

use crate::codec::{Codec, Packer, Plain, peek};

/// Bytes that one file of an archive may become. Against archives made to fill the disk.
const MAX_FILE: u64 = 8 << 30;

#[derive(Debug, Default)]
struct Options {
    mode: Option<char>,
    archive: Option<String>,
    /// What the command line says the archive is packed with.
    codec: Option<Codec>,
    /// Packed with what its name promises.
    by_name: bool,
    verbose: bool,
    directory: Option<String>,
    strip: usize,
    exclude: Vec<String>,
    to_stdout: bool,
    keep: bool,
    wildcards: bool,
    /// What is named, each with the directory that `-C` had led to.
    paths: Vec<(PathBuf, String)>,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let options = match parse(words) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("tar: {error}\nTry 'tar --help' or 'tar --usage' for more information.");
            return 2;
        }
    };
    let done = match options.mode {
        Some('c') => create(&options, out),
        Some('r') => append(&options, out),
        Some('t') => list(&options, out),
        Some('x') => extract(&options, out),
        Some(mode) => Err(io::Error::other(format!("-{mode} is not supported"))),
        None => Err(io::Error::other(
            "You must specify one of the '-Acdtrux', '--delete' or '--test-label' options",
        )),
    };
    match done {
        Ok(0) => 0,
        Ok(_) => {
            eprintln!("tar: Exiting with failure status due to previous errors");
            2
        }
        Err(error) => {
            let _ = out.flush();
            eprintln!("tar: {}\ntar: Error is not recoverable: exiting now", message(&error));
            2
        }
    }
}

fn parse(words: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = words.iter();
    let mut first = true;
    while let Some(word) = words.next() {
        let old = std::mem::take(&mut first) && !word.starts_with('-');
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let mut value = || {
                value
                    .clone()
                    .or_else(|| words.next().cloned())
                    .ok_or_else(|| format!("option '--{name}' requires an argument"))
            };
            match name {
                "create" => options.mode = Some('c'),
                "extract" | "get" => options.mode = Some('x'),
                "list" => options.mode = Some('t'),
                "append" => options.mode = Some('r'),
                "wildcards" => options.wildcards = true,
                "file" => options.archive = Some(value()?),
                "gzip" | "gunzip" => options.codec = Some(Codec::Gzip),
                "bzip2" => options.codec = Some(Codec::Bzip2),
                "xz" => options.codec = Some(Codec::Xz),
                "auto-compress" => options.by_name = true,
                "verbose" => options.verbose = true,
                "directory" => {
                    let directory = value()?;
                    options.enter(&directory);
                }
                "strip-components" => {
                    options.strip =
                        value()?.parse().map_err(|_| "invalid number of elements".to_owned())?;
                }
                "exclude" => options.exclude.push(value()?),
                "to-stdout" => options.to_stdout = true,
                "keep-old-files" | "skip-old-files" => options.keep = true,
                "numeric-owner"
                | "no-same-owner"
                | "no-same-permissions"
                | "no-wildcards"
                | "overwrite"
                | "preserve-permissions"
                | "sort"
                | "owner"
                | "group"
                | "warning" => {}
                "" => words.by_ref().for_each(|path| options.name(path)),
                name => return Err(format!("unrecognized option '--{name}'")),
            }
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
            match letter {
                'c' | 'x' | 't' | 'r' | 'u' => options.mode = Some(letter),
                'z' => options.codec = Some(Codec::Gzip),
                'j' => options.codec = Some(Codec::Bzip2),
                'J' => options.codec = Some(Codec::Xz),
                'a' => options.by_name = true,
                'v' => options.verbose = true,
                'O' => options.to_stdout = true,
                'k' => options.keep = true,
                'p' | 'm' | 'o' => {}
                'f' | 'C' => {
                    // Of old options, the values come after all letters.
                    let attached = !old && !rest.is_empty();
                    let value = match attached {
                        true => std::mem::take(&mut rest).to_owned(),
                        false => words
                            .next()
                            .cloned()
                            .ok_or_else(|| format!("option requires an argument -- '{letter}'"))?,
                    };
                    match letter {
                        'f' => options.archive = Some(value),
                        _ => options.enter(&value),
                    }
                }
                letter => return Err(format!("invalid option -- '{letter}'")),
            }
        }
    }
    Ok(options)
}

impl Options {
    /// Goes where `-C` leads, from where the one before it led.
    fn enter(&mut self, directory: &str) {
        self.directory = Some(self.base().join(directory).to_string_lossy().into_owned());
    }

    fn name(&mut self, path: &str) {
        self.paths.push((self.base(), path.to_owned()));
    }

    fn base(&self) -> PathBuf {
        PathBuf::from(self.directory.as_deref().unwrap_or(""))
    }

    fn excluded(&self, path: &str) -> bool {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
        self.exclude.iter().any(|glob| wild(glob, path) || wild(glob, name))
    }

    fn reader(&self) -> io::Result<Box<dyn Read>> {
        let input: Box<dyn Read> = match self.archive.as_deref() {
            None | Some("-") => Box::new(io::stdin().lock()),
            Some(path) => Box::new(File::open(path).map_err(|error| {
                io::Error::other(format!("{path}: Cannot open: {}", message(&error)))
            })?),
        };
        // Whether it is compressed is seen from its first bytes.
        let (start, input) = peek(input, 6)?;
        match (Codec::of(&start), self.codec) {
            (Some(codec), _) => Ok(codec.reader(input)),
            (None, Some(Codec::Gzip)) => Err(io::Error::other("gzip: stdin: not in gzip format")),
            (None, Some(_)) => Err(io::Error::other("the archive is not packed that way")),
            (None, None) => Ok(Box::new(input)),
        }
    }
}

fn create(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    if options.paths.is_empty() {
        return Err(io::Error::other("Cowardly refusing to create an empty archive"));
    }
    let to_stdout = matches!(options.archive.as_deref(), None | Some("-"));
    let content: Box<dyn Write> = match options.archive.as_deref() {
        None | Some("-") => Box::new(io::stdout()),
        Some(path) => Box::new(io::BufWriter::new(File::create(path).map_err(|error| {
            io::Error::other(format!("{path}: Cannot open: {}", message(&error)))
        })?)),
    };
    let named = options.archive.as_deref().filter(|_| options.by_name).and_then(Codec::of_name);
    let packer: Box<dyn Packer> = match options.codec.or(named) {
        Some(codec) => codec.writer(content, codec.level())?,
        None => Box::new(Plain(content)),
    };
    write_archive(options, packer, to_stdout, out)
}

/// Adds to an archive that is there, in the place of its end.
fn append(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    let Some(path) = options.archive.as_deref().filter(|path| *path != "-") else {
        return Err(io::Error::other("Options '-Aru' are incompatible with '-f -'"));
    };
    let cannot =
        |error: io::Error| io::Error::other(format!("{path}: Cannot open: {}", message(&error)));
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(cannot)?;
    let (start, _) = peek(File::open(path).map_err(cannot)?, 6)?;
    if Codec::of(&start).is_some() || options.codec.is_some() {
        return Err(io::Error::other("Cannot update compressed archives"));
    }
    let mut end = 0;
    for entry in tar::Archive::new(&file).entries()? {
        let entry = entry?;
        end = entry.raw_file_position() + entry.size().next_multiple_of(512);
    }
    file.set_len(end)?;
    file.seek(io::SeekFrom::Start(end))?;
    let packer: Box<dyn Packer> = Box::new(Plain(Box::new(io::BufWriter::new(file))));
    write_archive(options, packer, false, out)
}

/// Adds what is named, and the end.
fn write_archive(
    options: &Options,
    packer: Box<dyn Packer>,
    to_stdout: bool,
    out: &mut impl Write,
) -> io::Result<u32> {
    let mut builder = tar::Builder::new(packer);
    builder.follow_symlinks(false);
    let mut failed = 0;
    for (base, path) in &options.paths {
        let name = path.trim_start_matches('/');
        if name.len() < path.len() {
            eprintln!("tar: Removing leading `/' from member names");
        }
        failed += add(options, &mut builder, &base.join(path), name, to_stdout, out)?;
    }
    builder.into_inner()?.finish()?;
    Ok(failed)
}

/// Writes a member whose name keeps a `./` that it begins with: the library drops it.
fn write_member(
    builder: &mut tar::Builder<Box<dyn Packer>>,
    header: &mut tar::Header,
    name: &str,
    content: impl Read,
) -> io::Result<()> {
    let field = header.as_gnu_mut().map(|header| &mut header.name);
    match field {
        Some(field) if name.starts_with("./") && name.len() <= field.len() => {
            field.fill(0);
            field[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(header, content)
        }
        _ => builder.append_data(header, name, content),
    }
}

fn add(
    options: &Options,
    builder: &mut tar::Builder<Box<dyn Packer>>,
    path: &Path,
    name: &str,
    to_stdout: bool,
    out: &mut impl Write,
) -> io::Result<u32> {
    if options.excluded(name) {
        return Ok(0);
    }
    let details = match files::look(&path.to_string_lossy(), false) {
        Ok(details) => details,
        Err(error) => {
            eprintln!("tar: {name}: Cannot stat: {}", message(&error));
            return Ok(1);
        }
    };
    let mut header = tar::Header::new_gnu();
    header.set_mtime(details.modified / 1_000_000_000);
    header.set_mode(details.mode);
    header.set_uid(1000);
    header.set_gid(1000);
    header.set_username("agent")?;
    header.set_groupname("agent")?;
    let is_dir = details.is_dir();
    let shown = if is_dir { format!("{}/", name.trim_end_matches('/')) } else { name.to_owned() };
    if options.verbose {
        match to_stdout {
            true => eprintln!("{shown}"),
            false => writeln!(out, "{shown}")?,
        }
    }
    if is_dir {
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        write_member(builder, &mut header, &shown, io::empty())?;
        let mut names: Vec<String> = std::fs::read_dir(path)?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let mut failed = 0;
        for child in names {
            let name = format!("{shown}{child}");
            failed += add(options, builder, &path.join(&child), &name, to_stdout, out)?;
        }
        return Ok(failed);
    }
    if details.kind == Kind::Symlink {
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, name, std::fs::read_link(path)?)?;
    } else {
        header.set_size(details.size);
        write_member(builder, &mut header, name, File::open(path)?)?;
    }
    Ok(0)
}

/// The members that are asked for, and which of these were come by.
struct Members<'a> {
    options: &'a Options,
    found: Vec<bool>,
}

impl Members<'_> {
    fn of(options: &Options) -> Members<'_> {
        Members { options, found: vec![false; options.paths.len()] }
    }

    /// Whether a member is asked for. Where none is named, all are.
    fn wants(&mut self, path: &str) -> bool {
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
    fn missing(&self) -> u32 {
        let missing = self.options.paths.iter().zip(&self.found).filter(|(_, found)| !**found);
        missing.inspect(|((_, path), _)| eprintln!("tar: {path}: Not found in archive")).count()
            as u32
    }
}

fn list(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    let mut archive = tar::Archive::new(options.reader()?);
    let mut members = Members::of(options);
    for entry in archive.entries()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !members.wants(&name) {
            continue;
        }
        if options.verbose {
            let header = entry.header();
            let kind = match header.entry_type() {
                tar::EntryType::Directory => Kind::Directory,
                tar::EntryType::Symlink => Kind::Symlink,
                _ => Kind::File,
            };
            let bits = mode::shown(kind, header.mode().unwrap_or(0));
            let owner = |name: Option<&str>| name.unwrap_or("agent").to_owned();
            let user = owner(header.username().ok().flatten());
            let owners = format!("{user}/{}", owner(header.groupname().ok().flatten()));
            let size = entry.size().to_string();
            let width = 19usize.saturating_sub(owners.len() + 1).max(size.len());
            let time = toolcell_text::time("%F %R", header.mtime().unwrap_or(0) as i64);
            let target = match entry.link_name()? {
                Some(target) if kind == Kind::Symlink => format!(" -> {}", target.display()),
                _ => String::new(),
            };
            writeln!(out, "{bits} {owners} {size:>width$} {time} {name}{target}")?;
        } else {
            writeln!(out, "{name}")?;
        }
    }
    Ok(members.missing())
}

fn extract(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    let mut archive = tar::Archive::new(options.reader()?);
    let mut members = Members::of(options);
    let mut failed = 0;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !members.wants(&name) {
            continue;
        }
        let mut inside = PathBuf::new();
        let mut outside = false;
        for part in Path::new(&name)
            .components()
            .filter(|part| *part != Component::CurDir)
            .skip(options.strip)
        {
            match part {
                Component::Normal(part) => inside.push(part),
                Component::RootDir => {}
                _ => outside = true,
            }
        }
        if outside {
            eprintln!("tar: {name}: Member name contains '..'");
            failed += 1;
            continue;
        }
        if inside.as_os_str().is_empty() {
            continue;
        }
        if options.verbose {
            writeln!(out, "{name}")?;
        }
        if options.to_stdout {
            io::copy(&mut entry.by_ref().take(MAX_FILE), out)?;
            continue;
        }
        let path = options.base().join(&inside);
        if let Err(error) = unpack(&mut entry, &path, options) {
            eprintln!("tar: {name}: Cannot open: {}", message(&error));
            failed += 1;
        }
    }
    Ok(failed + members.missing())
}

fn unpack<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    path: &Path,
    options: &Options,
) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    match entry.header().entry_type() {
        tar::EntryType::Directory => std::fs::create_dir_all(path),
        tar::EntryType::Symlink => {
            let target = entry.link_name()?.map(PathBuf::from).unwrap_or_default();
            let _ = std::fs::remove_file(path);
            files::symlink(&target.to_string_lossy(), &path.to_string_lossy())
        }
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            if options.keep && path.exists() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            // An old link must not lead the content elsewhere.
            let _ = std::fs::remove_file(path);
            let mut file = File::create(path)?;
            io::copy(&mut entry.by_ref().take(MAX_FILE), &mut file)?;
            let header = entry.header();
            if let Ok(seconds) = header.mtime() {
                let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
                file.set_times(FileTimes::new().set_modified(time))?;
            }
            match header.mode() {
                Ok(mode) if mode & 0o777 != 0o644 => {
                    files::set_mode(&path.to_string_lossy(), mode & 0o777)
                }
                _ => Ok(()),
            }
        }
        tar::EntryType::Link => {
            let target = entry.link_name()?.map(PathBuf::from).unwrap_or_default();
            let _ = std::fs::remove_file(path);
            std::fs::hard_link(options.base().join(target), path)
        }
        _ => Err(io::Error::other("this kind of member is not supported")),
    }
}
