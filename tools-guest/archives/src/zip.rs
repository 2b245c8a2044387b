//! `zip`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};

use toolcell_program::args::{Arg, parse};
use toolcell_program::files::{Details, Kind, look};
use toolcell_program::message;
use toolcell_text::wild;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

#[derive(Debug, Default)]
struct Options {
    recursive: bool,
    quiet: bool,
    junk: bool,
    delete: bool,
    freshen: bool,
    update: bool,
    moved: bool,
    links: bool,
    bare: bool,
    level: Option<i64>,
    include: Vec<String>,
    exclude: Vec<String>,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let mut options = Options::default();
    let mut operands = Vec::new();
    // `-x` and `-i` take the words up to the next option.
    let mut lists = None;
    let mut plain = Vec::new();
    for word in words {
        match (word.as_str(), lists) {
            ("-x" | "--exclude", _) => lists = Some('x'),
            ("-i" | "--include", _) => lists = Some('i'),
            ("@", Some(_)) => lists = None,
            (option, Some(_)) if option.starts_with('-') => {
                lists = None;
                plain.push(word.clone());
            }
            (_, Some('x')) => options.exclude.push(word.clone()),
            (_, Some(_)) => options.include.push(word.clone()),
            (_, None) => plain.push(word.clone()),
        }
    }
    let long = [
        "recurse-paths:r",
        "quiet:q",
        "junk-paths:j",
        "delete:d",
        "freshen:f",
        "update:u",
        "move:m",
        "symlinks:y",
        "no-dir-entries:D",
        "verbose:v",
    ];
    let args = match parse(&plain, "rqjdfumyDvXo0123456789T", &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("\nzip error: Invalid command arguments ({error})");
            return 16;
        }
    };
    for arg in args {
        match arg {
            Arg::Operand(path) => operands.push(path),
            Arg::Option(letter, _) => match letter.as_str() {
                "r" => options.recursive = true,
                "q" => options.quiet = true,
                "j" => options.junk = true,
                "d" => options.delete = true,
                "f" => options.freshen = true,
                "u" => options.update = true,
                "m" => options.moved = true,
                "y" => options.links = true,
                "D" => options.bare = true,
                digit => options.level = digit.parse().ok().or(options.level),
            },
        }
    }
    if operands.is_empty() {
        eprintln!("\nzip error: Nothing to do! (no archive is named)");
        return 12;
    }
    let mut archive = operands.remove(0);
    let named = archive.rsplit('/').next().unwrap_or_default().contains('.');
    if archive != "-" && !named {
        archive.push_str(".zip");
    }
    let done = match options.delete {
        true => delete(&archive, &operands, &options, out),
        false => add(&archive, &operands, &options, out),
    };
    match done {
        Ok(status) => status,
        Err(error) => {
            eprintln!("\nzip error: {} ({archive})", message(&error));
            15
        }
    }
}

/// What goes in: the name in the archive, the path, what it is.
struct Member {
    name: String,
    path: String,
    details: Details,
}

fn collect(path: &str, options: &Options, members: &mut Vec<Member>) -> io::Result<()> {
    let details = look(path, !options.links)?;
    let inside = path.trim_start_matches('/').trim_start_matches("./").trim_end_matches('/');
    let name = match options.junk {
        true => inside.rsplit('/').next().unwrap_or(inside).to_owned(),
        false => inside.to_owned(),
    };
    let whole = if details.is_dir() { format!("{name}/") } else { name };
    let chosen = (options.include.is_empty()
        || options.include.iter().any(|pattern| wild(pattern, &whole)))
        && !options.exclude.iter().any(|pattern| wild(pattern, &whole));
    let shown = !matches!(whole.as_str(), "" | "/" | "./");
    if details.is_dir() {
        if chosen && shown && !options.junk && !options.bare {
            members.push(Member { name: whole, path: path.to_owned(), details });
        }
        if options.recursive {
            let mut names: Vec<String> = fs::read_dir(path)?
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            for name in names {
                let child = format!("{}/{name}", path.trim_end_matches('/'));
                collect(&child, options, members)?;
            }
        }
    } else if chosen {
        members.push(Member { name: whole, path: path.to_owned(), details });
    }
    Ok(())
}

fn add(
    archive: &str,
    paths: &[String],
    options: &Options,
    out: &mut impl Write,
) -> io::Result<i32> {
    let mut members = Vec::new();
    let mut status = 0;
    for path in paths {
        if let Err(error) = collect(path, options, &mut members) {
            match error.kind() {
                io::ErrorKind::NotFound => eprintln!("\tzip warning: name not matched: {path}"),
                _ => eprintln!("\tzip warning: {path}: {}", message(&error)),
            }
            status = 18;
        }
    }
    let old = match archive {
        "-" => None,
        path => match File::open(path) {
            Ok(file) => Some(ZipArchive::new(file).map_err(io::Error::other)?),
            Err(_) => None,
        },
    };
    if old.is_none() && options.freshen || members.is_empty() {
        eprintln!("\nzip error: Nothing to do! ({archive})");
        return Ok(12);
    }
    // An archive must not become part of itself.
    members.retain(|member| {
        member.path != archive
            && member.path.trim_start_matches("./") != archive.trim_start_matches("./")
    });
    let had: HashSet<String> = match &old {
        Some(old) => names(old),
        None => HashSet::new(),
    };
    if options.freshen {
        members.retain(|member| had.contains(&member.name));
    }
    if archive == "-" {
        let mut content = io::Cursor::new(Vec::new());
        pack(&mut content, old, &members, &had, options, &mut io::sink())?;
        out.write_all(content.get_ref())?;
        return Ok(status);
    }
    let partial = format!("{archive}.part");
    let written = File::create(&partial)
        .and_then(|mut file| pack(&mut file, old, &members, &had, options, out))
        .and_then(|()| fs::rename(&partial, archive));
    if let Err(error) = written {
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    if options.moved {
        for member in members.iter().rev() {
            let _ = match member.details.is_dir() {
                true => fs::remove_dir(&member.path),
                false => fs::remove_file(&member.path),
            };
        }
    }
    Ok(status)
}

fn names(archive: &ZipArchive<File>) -> HashSet<String> {
    archive.file_names().flatten().map(std::borrow::Cow::into_owned).collect()
}

fn pack(
    file: &mut (impl Write + Seek),
    old: Option<ZipArchive<File>>,
    members: &[Member],
    had: &HashSet<String>,
    options: &Options,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut writer = ZipWriter::new(file);
    let new: HashSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    if let Some(mut old) = old {
        for index in 0..old.len() {
            let entry = old.by_index_raw(index).map_err(io::Error::other)?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            if !new.contains(name.as_str()) {
                writer.raw_copy_file(entry).map_err(io::Error::other)?;
            }
        }
    }
    for member in members {
        let verb = if had.contains(&member.name) { "updating" } else { "  adding" };
        let how = store(&mut writer, member, options)?;
        if !options.quiet {
            writeln!(out, "{verb}: {} ({how})", member.name)?;
        }
    }
    writer.finish().map_err(io::Error::other)?;
    Ok(())
}

/// Writes one member; how it was packed comes back.
fn store(
    writer: &mut ZipWriter<&mut (impl Write + Seek)>,
    member: &Member,
    options: &Options,
) -> io::Result<String> {
    let Details { kind, mode, size, modified, .. } = member.details;
    let large = size >= u64::from(u32::MAX);
    let base = SimpleFileOptions::default()
        .unix_permissions(mode)
        .large_file(large)
        .last_modified_time(time(modified));
    let stored = "stored 0%".to_owned();
    match kind {
        Kind::Directory => {
            let base = base.compression_method(CompressionMethod::Stored);
            writer.add_directory(member.name.as_str(), base).map_err(io::Error::other)?;
            return Ok(stored);
        }
        Kind::Symlink => {
            let target = fs::read_link(&member.path)?;
            writer
                .add_symlink(member.name.as_str(), target.to_string_lossy(), base)
                .map_err(io::Error::other)?;
            return Ok(stored);
        }
        _ => {}
    }
    let level = options.level.unwrap_or(6);
    let content = fs::read(&member.path)?;
    // As zip itself: what does not get smaller is stored.
    let packed = match level {
        0 => None,
        level => {
            let level = flate2::Compression::new(u32::try_from(level).unwrap_or(6));
            let mut encoder = flate2::read::DeflateEncoder::new(&content[..], level);
            let mut packed = Vec::new();
            encoder.read_to_end(&mut packed)?;
            (packed.len() < content.len()).then_some(packed.len())
        }
    };
    let base = match packed {
        None => base.compression_method(CompressionMethod::Stored),
        Some(_) => {
            base.compression_method(CompressionMethod::Deflated).compression_level(Some(level))
        }
    };
    writer.start_file(member.name.as_str(), base).map_err(io::Error::other)?;
    writer.write_all(&content)?;
    Ok(match packed {
        None => stored,
        Some(packed) => {
            let saved = (1.0 - packed as f64 / content.len() as f64) * 100.0;
            format!("deflated {saved:.0}%")
        }
    })
}

/// A time as archives keep it, which begin with 1980.
fn time(nanos: u64) -> DateTime {
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(0);
    let part = |format: &str| toolcell_zone::strftime(format, seconds).parse::<u16>().unwrap_or(0);
    let byte = |format: &str| u8::try_from(part(format)).unwrap_or(0);
    DateTime::from_date_and_time(
        part("%Y"),
        byte("%-m"),
        byte("%-d"),
        byte("%-H"),
        byte("%-M"),
        byte("%-S"),
    )
    .unwrap_or_default()
}

fn delete(
    archive: &str,
    patterns: &[String],
    options: &Options,
    out: &mut impl Write,
) -> io::Result<i32> {
    let mut old = ZipArchive::new(File::open(archive)?).map_err(io::Error::other)?;
    let partial = format!("{archive}.part");
    let mut writer = ZipWriter::new(File::create(&partial)?);
    let mut deleted = 0;
    for index in 0..old.len() {
        let entry = old.by_index_raw(index).map_err(io::Error::other)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        if patterns.iter().any(|pattern| wild(pattern, &name)) {
            deleted += 1;
            if !options.quiet {
                writeln!(out, "deleting: {name}")?;
            }
        } else {
            writer.raw_copy_file(entry).map_err(io::Error::other)?;
        }
    }
    writer.finish().map_err(io::Error::other)?;
    if deleted == 0 {
        fs::remove_file(&partial)?;
        eprintln!("\nzip error: Nothing to do! ({archive})");
        return Ok(12);
    }
    fs::rename(&partial, archive)?;
    Ok(0)
}
