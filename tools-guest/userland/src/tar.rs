//! `tar`, on the tar and flate2 libraries; and `gzip`, `gunzip`, `zcat`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::grep::wild;
use crate::message;

/// Bytes that one file of an archive may become. Against archives made to fill the disk.
const MAX_FILE: u64 = 8 << 30;

#[derive(Debug, Default)]
struct Options {
    mode: Option<char>,
    archive: Option<String>,
    gzip: bool,
    verbose: bool,
    directory: Option<String>,
    strip: usize,
    exclude: Vec<String>,
    to_stdout: bool,
    keep: bool,
    paths: Vec<String>,
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
                "file" => options.archive = Some(value()?),
                "gzip" | "gunzip" => options.gzip = true,
                "verbose" => options.verbose = true,
                "directory" => options.directory = Some(value()?),
                "strip-components" => {
                    options.strip =
                        value()?.parse().map_err(|_| "invalid number of elements".to_owned())?;
                }
                "exclude" => options.exclude.push(value()?),
                "to-stdout" => options.to_stdout = true,
                "keep-old-files" | "skip-old-files" => options.keep = true,
                "numeric-owner" | "no-same-owner" | "no-same-permissions" => {}
                "" => options.paths.extend(words.by_ref().cloned()),
                name => return Err(format!("unrecognized option '--{name}'")),
            }
            continue;
        }
        let letters = match word.strip_prefix('-') {
            Some(letters) if !letters.is_empty() => letters,
            _ if old => word,
            _ => {
                options.paths.push(word.clone());
                continue;
            }
        };
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            match letter {
                'c' | 'x' | 't' | 'r' | 'u' => options.mode = Some(letter),
                'z' => options.gzip = true,
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
                        _ => options.directory = Some(value),
                    }
                }
                letter => return Err(format!("invalid option -- '{letter}'")),
            }
        }
    }
    Ok(options)
}

impl Options {
    fn base(&self) -> PathBuf {
        PathBuf::from(self.directory.as_deref().unwrap_or(""))
    }

    fn excluded(&self, path: &str) -> bool {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
        self.exclude.iter().any(|glob| wild(glob, path) || wild(glob, name))
    }

    fn wanted(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let named = self.paths.iter().map(|wanted| wanted.trim_end_matches('/'));
        let mut named = named.peekable();
        named.peek().is_none()
            || named.any(|wanted| path == wanted || path.starts_with(&format!("{wanted}/")))
    }

    fn reader(&self) -> io::Result<Box<dyn Read>> {
        let mut input: Box<dyn Read> = match self.archive.as_deref() {
            None | Some("-") => Box::new(io::stdin().lock()),
            Some(path) => Box::new(File::open(path).map_err(|error| {
                io::Error::other(format!("{path}: Cannot open: {}", message(&error)))
            })?),
        };
        // Whether it is compressed is seen from its first bytes.
        let mut start = [0; 2];
        let mut count = 0;
        while count < 2 {
            match input.read(&mut start[count..])? {
                0 => break,
                more => count += more,
            }
        }
        let input = io::Cursor::new(start[..count].to_vec()).chain(input);
        Ok(match start == [0x1f, 0x8b] {
            true => Box::new(MultiGzDecoder::new(input)),
            false if self.gzip => return Err(io::Error::other("gzip: stdin: not in gzip format")),
            false => Box::new(input),
        })
    }
}

fn create(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    if options.paths.is_empty() {
        return Err(io::Error::other("Cowardly refusing to create an empty archive"));
    }
    let to_stdout = matches!(options.archive.as_deref(), None | Some("-"));
    let mut content: Box<dyn Write> = match options.archive.as_deref() {
        None | Some("-") => Box::new(io::stdout()),
        Some(path) => Box::new(io::BufWriter::new(File::create(path).map_err(|error| {
            io::Error::other(format!("{path}: Cannot open: {}", message(&error)))
        })?)),
    };
    if options.gzip {
        content = Box::new(GzEncoder::new(content, Compression::default()));
    }
    let mut builder = tar::Builder::new(content);
    builder.follow_symlinks(false);
    let mut failed = 0;
    for path in &options.paths {
        let name = path.trim_start_matches('/');
        if name.len() < path.len() {
            eprintln!("tar: Removing leading `/' from member names");
        }
        failed += add(options, &mut builder, &options.base().join(path), name, to_stdout, out)?;
    }
    builder.into_inner()?.flush()?;
    Ok(failed)
}

fn add(
    options: &Options,
    builder: &mut tar::Builder<Box<dyn Write>>,
    path: &Path,
    name: &str,
    to_stdout: bool,
    out: &mut impl Write,
) -> io::Result<u32> {
    if options.excluded(name) {
        return Ok(0);
    }
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            eprintln!("tar: {name}: Cannot stat: {}", message(&error));
            return Ok(1);
        }
    };
    let mut header = tar::Header::new_gnu();
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
    header.set_mtime(modified.map_or(0, |time| time.as_secs()));
    header.set_uid(1000);
    header.set_gid(1000);
    header.set_username("agent")?;
    header.set_groupname("agent")?;
    let is_dir = metadata.is_dir();
    let shown = if is_dir { format!("{}/", name.trim_end_matches('/')) } else { name.to_owned() };
    if options.verbose {
        match to_stdout {
            true => eprintln!("{shown}"),
            false => writeln!(out, "{shown}")?,
        }
    }
    if is_dir {
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        builder.append_data(&mut header, &shown, io::empty())?;
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
    header.set_mode(0o644);
    if metadata.is_symlink() {
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, name, std::fs::read_link(path)?)?;
    } else {
        header.set_size(metadata.len());
        builder.append_data(&mut header, name, File::open(path)?)?;
    }
    Ok(0)
}

fn list(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    let mut archive = tar::Archive::new(options.reader()?);
    for entry in archive.entries()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !options.wanted(&name) || options.excluded(&name) {
            continue;
        }
        if options.verbose {
            let header = entry.header();
            let kind = match header.entry_type() {
                tar::EntryType::Directory => 'd',
                tar::EntryType::Symlink => 'l',
                _ => '-',
            };
            let mode = header.mode().unwrap_or(0);
            let bits: String = (0..9)
                .map(|at| if mode >> (8 - at) & 1 == 1 { ['r', 'w', 'x'][at % 3] } else { '-' })
                .collect();
            let size = entry.size();
            writeln!(out, "{kind}{bits} agent/agent {size:9} {name}")?;
        } else {
            writeln!(out, "{name}")?;
        }
    }
    Ok(0)
}

fn extract(options: &Options, out: &mut impl Write) -> io::Result<u32> {
    let mut archive = tar::Archive::new(options.reader()?);
    let mut failed = 0;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !options.wanted(&name) || options.excluded(&name) {
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
    Ok(failed)
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
            symlink(&target, path)
        }
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            if options.keep && path.exists() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            // An old link must not lead the content elsewhere.
            let _ = std::fs::remove_file(path);
            let mut file = File::create(path)?;
            io::copy(&mut entry.by_ref().take(MAX_FILE), &mut file)?;
            Ok(())
        }
        tar::EntryType::Link => {
            let target = entry.link_name()?.map(PathBuf::from).unwrap_or_default();
            std::fs::copy(options.base().join(target), path).map(drop)
        }
        _ => Err(io::Error::other("this kind of member is not supported")),
    }
}

/// The standard library's function for it is not stable on WASI.
#[cfg(target_os = "wasi")]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    let path = std::env::current_dir()?.join(path);
    let path = path.to_string_lossy();
    let target = target.to_string_lossy();
    let roots = wasip2::filesystem::preopens::get_directories();
    let (root, _) = roots.first().ok_or(io::ErrorKind::NotFound)?;
    root.symlink_at(&target, path.trim_start_matches('/'))
        .map_err(|code| io::Error::other(code.message()))
}

#[cfg(unix)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

/// `gzip`, `gunzip` and `zcat`.
pub(crate) fn gzip(name: &str, words: &[String], out: &mut impl Write) -> i32 {
    let letters = "cdfknqtv123456789";
    let long = [
        "stdout:c",
        "decompress:d",
        "force:f",
        "keep:k",
        "no-name:n",
        "quiet:q",
        "fast:1",
        "best:9",
    ];
    let args = match crate::args::parse(words, letters, &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("{name}: {error}");
            return 1;
        }
    };
    let (mut decompress, mut to_stdout) = (name != "gzip", name == "zcat");
    let (mut keep, mut force, mut test, mut level, mut paths) =
        (false, false, false, 6, Vec::new());
    for arg in args {
        match arg {
            crate::args::Arg::Operand(path) => paths.push(path),
            crate::args::Arg::Option(letter, _) => match letter.as_str() {
                "c" => to_stdout = true,
                "d" => decompress = true,
                "k" => keep = true,
                "f" => force = true,
                "t" => (test, decompress) = (true, true),
                digit => level = digit.parse().unwrap_or(level),
            },
        }
    }
    if paths.is_empty() {
        paths.push("-".to_owned());
    }
    let mut status = 0;
    for path in &paths {
        let target = match (path.as_str(), to_stdout || test, decompress) {
            ("-", ..) | (_, true, _) => None,
            (path, _, false) => Some(format!("{path}.gz")),
            (path, _, true) => match path.strip_suffix(".gz").or_else(|| path.strip_suffix(".tgz"))
            {
                Some(stem) if path.ends_with(".tgz") => Some(format!("{stem}.tar")),
                Some(stem) => Some(stem.to_owned()),
                None => {
                    eprintln!("{name}: {path}: unknown suffix -- ignored");
                    status = 2;
                    continue;
                }
            },
        };
        if let Some(target) =
            target.as_deref().filter(|target| !force && Path::new(target).exists())
        {
            eprintln!("{name}: {target} already exists; not overwritten");
            status = 2;
            continue;
        }
        let done = crate::open(path).and_then(|input| {
            let mut sink: Box<dyn Write + '_> = match &target {
                Some(target) => Box::new(io::BufWriter::new(File::create(target)?)),
                None if test => Box::new(io::sink()),
                None => Box::new(&mut *out),
            };
            match decompress {
                true => {
                    let mut decoder = MultiGzDecoder::new(io::BufReader::new(input));
                    io::copy(&mut decoder, &mut sink)?;
                }
                false => {
                    let mut encoder = GzEncoder::new(&mut sink, Compression::new(level));
                    io::copy(&mut { input }, &mut encoder)?;
                    encoder.finish()?;
                }
            }
            sink.flush()
        });
        match (done, &target) {
            (Ok(()), Some(_)) if !keep => {
                let _ = std::fs::remove_file(path);
            }
            (Ok(()), _) => {}
            (Err(error), target) => {
                if let Some(target) = target {
                    let _ = std::fs::remove_file(target);
                }
                let text = match error.kind() {
                    io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                        "not in gzip format".to_owned()
                    }
                    _ => message(&error),
                };
                eprintln!("\n{name}: {path}: {text}");
                status = 1;
            }
        }
    }
    status
}
