//! `unzip`.

use std::fs::{self, File, FileTimes};
use std::io::{self, BufRead as _, Read, Write};
use std::time::{Duration, SystemTime};

use toolcell_program::args::{Arg, parse};
use toolcell_program::files::{set_mode, symlink};
use toolcell_program::message;
use toolcell_text::wild;
use toolcell_text::{at_local, day_of};
use zip::read::ZipFile;
use zip::{CompressionMethod, DateTime, ZipArchive};

#[derive(Debug, Default)]
struct Options {
    list: bool,
    names_only: bool,
    test: bool,
    to_stdout: bool,
    overwrite: bool,
    never: bool,
    quiet: u8,
    junk: bool,
    directory: Option<String>,
    wanted: Vec<String>,
    exclude: Vec<String>,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let mut options = Options::default();
    // Members to leave out follow `-x`; options may stand among the operands.
    let (words, exclude) = match words.iter().position(|word| word == "-x") {
        Some(at) => {
            let end = words[at + 1..].iter().position(|word| word.starts_with('-'));
            let end = end.map_or(words.len(), |end| at + 1 + end);
            let rest: Vec<String> = words[..at].iter().chain(&words[end..]).cloned().collect();
            (rest, words[at + 1..end].to_vec())
        }
        None => (words.to_vec(), Vec::new()),
    };
    options.exclude = exclude;
    let args = match parse(&words, "lvtpcoqnjd:uZ1C", &[]) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("unzip: {error}");
            return 10;
        }
    };
    let mut archive = None;
    for arg in args {
        match arg {
            Arg::Operand(path) if archive.is_none() => archive = Some(path),
            Arg::Operand(pattern) => options.wanted.push(pattern),
            Arg::Option(letter, value) => match letter.as_str() {
                "l" | "v" => options.list = true,
                "Z" | "1" => options.names_only = true,
                "t" => options.test = true,
                "p" => (options.to_stdout, options.quiet) = (true, 2),
                "c" => options.to_stdout = true,
                "o" => options.overwrite = true,
                "n" => options.never = true,
                "q" => options.quiet += 1,
                "j" => options.junk = true,
                "d" => options.directory = value,
                _ => {}
            },
        }
    }
    let Some(path) = archive else {
        eprintln!("unzip: no archive is named");
        return 10;
    };
    let file = File::open(&path).or_else(|error| match path.ends_with(".zip") {
        true => Err(error),
        false => File::open(format!("{path}.zip")),
    });
    let Ok(file) = file else {
        eprintln!("unzip:  cannot find or open {path}, {path}.zip or {path}.ZIP.");
        return 9;
    };
    let mut archive = match ZipArchive::new(io::BufReader::new(file)) {
        Ok(archive) => archive,
        Err(_) => {
            eprintln!(
                "Archive:  {path}\n  End-of-central-directory signature not found.  Either this \
                 file is not\n  a zipfile, or it constitutes one disk of a multi-part archive.\n\
                 unzip:  cannot find zipfile directory in one of {path} or\n        {path}.zip, \
                 and cannot find {path}.ZIP, period."
            );
            return 9;
        }
    };
    let done = if options.names_only {
        names(&mut archive, &options, out)
    } else if options.list {
        list(&path, &mut archive, &options, out)
    } else {
        extract(&path, &mut archive, &options, out)
    };
    match done {
        Ok(status) => status,
        Err(error) => {
            eprintln!("unzip: {}", message(&error));
            50
        }
    }
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        (self.wanted.is_empty() || self.wanted.iter().any(|pattern| wild(pattern, name)))
            && !self.exclude.iter().any(|pattern| wild(pattern, name))
    }
}

fn name_of<R: Read>(entry: &ZipFile<'_, R>) -> String {
    String::from_utf8_lossy(entry.name_raw()).into_owned()
}

type Archive = ZipArchive<io::BufReader<File>>;

fn names(archive: &mut Archive, options: &Options, out: &mut impl Write) -> io::Result<i32> {
    for index in 0..archive.len() {
        let name = name_of(&archive.by_index_raw(index).map_err(io::Error::other)?);
        if options.wants(&name) {
            writeln!(out, "{name}")?;
        }
    }
    Ok(0)
}

fn list(
    path: &str,
    archive: &mut Archive,
    options: &Options,
    out: &mut impl Write,
) -> io::Result<i32> {
    writeln!(out, "Archive:  {path}")?;
    writeln!(out, "  Length      Date    Time    Name")?;
    writeln!(out, "---------  ---------- -----   ----")?;
    let (mut total, mut count) = (0, 0);
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(io::Error::other)?;
        let name = name_of(&entry);
        if !options.wants(&name) {
            continue;
        }
        let time = entry.last_modified().unwrap_or_default();
        let date = format!("{}-{:02}-{:02}", time.year(), time.month(), time.day());
        let clock = format!("{:02}:{:02}", time.hour(), time.minute());
        writeln!(out, "{:>9}  {date} {clock}   {name}", entry.size())?;
        total += entry.size();
        count += 1;
    }
    let plural = if count == 1 { "" } else { "s" };
    writeln!(out, "---------                     -------")?;
    writeln!(out, "{total:>9}                     {count} file{plural}")?;
    Ok(0)
}

/// Seconds since 1970 of a time in an archive, which is one of the local zone.
fn seconds(time: DateTime) -> u64 {
    let day = day_of(time.year().into(), time.month().into(), time.day().into());
    let (hours, minutes, seconds) = (time.hour(), time.minute(), time.second());
    let of_day = i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds);
    let found = at_local(day * 86_400 + of_day, toolcell_zone::local());
    found.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0)
}

fn extract(
    path: &str,
    archive: &mut Archive,
    options: &Options,
    out: &mut impl Write,
) -> io::Result<i32> {
    if options.quiet == 0 {
        writeln!(out, "Archive:  {path}")?;
    }
    let mut status = 0;
    let mut any = false;
    let mut bad = 0;
    for index in 0..archive.len() {
        let mut entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                eprintln!("   skipping: member {index}: {error}");
                status = 81;
                continue;
            }
        };
        let name = name_of(&entry);
        if !options.wants(&name) {
            continue;
        }
        any = true;
        if options.test {
            let result = io::copy(&mut entry, &mut io::sink());
            bad += i32::from(result.is_err());
            if options.quiet == 0 {
                let text = if result.is_ok() { "OK" } else { "bad CRC" };
                writeln!(out, "    testing: {name:<23}  {text}")?;
            }
            continue;
        }
        if options.to_stdout {
            if options.quiet == 0 && !entry.is_dir() {
                writeln!(out, "  inflating: {name}  ")?;
            }
            io::copy(&mut entry, out)?;
            continue;
        }
        let Some(inside) = entry.enclosed_name() else {
            eprintln!("warning:  skipped \"../\" path component(s) in {name}");
            status = status.max(1);
            continue;
        };
        let inside = inside.to_string_lossy().into_owned();
        let inside = match options.junk {
            true => inside.rsplit('/').next().unwrap_or_default().to_owned(),
            false => inside,
        };
        let target = match options.directory.as_deref() {
            None | Some(".") => inside,
            Some(directory) => format!("{}/{inside}", directory.trim_end_matches('/')),
        };
        if entry.is_dir() {
            if !options.junk && fs::metadata(&target).is_err() {
                fs::create_dir_all(&target)?;
                if options.quiet == 0 {
                    writeln!(out, "   creating: {target}/")?;
                }
            }
            continue;
        }
        match unpack(&mut entry, &target, options, out) {
            Ok(()) => {}
            Err(error) => {
                eprintln!("error:  cannot create {target}\n        {}", message(&error));
                status = 50;
            }
        }
    }
    if options.test {
        let text = match bad {
            0 => format!("No errors detected in compressed data of {path}."),
            _ => format!("At least one error was detected in {path}."),
        };
        writeln!(out, "{text}")?;
        return Ok(if bad == 0 { 0 } else { 2 });
    }
    if !any && !options.wanted.is_empty() {
        for pattern in &options.wanted {
            eprintln!("caution: filename not matched:  {pattern}");
        }
        return Ok(11);
    }
    Ok(status)
}

fn unpack<R: Read>(
    entry: &mut ZipFile<'_, R>,
    target: &str,
    options: &Options,
    out: &mut impl Write,
) -> io::Result<()> {
    if let Some((parent, _)) = target.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
        fs::create_dir_all(parent)?;
    }
    if fs::symlink_metadata(target).is_ok() {
        if options.never {
            return Ok(());
        }
        if !options.overwrite && !agreed(target, out)? {
            return Ok(());
        }
        // An old link must not lead the content elsewhere.
        fs::remove_file(target)?;
    }
    if entry.is_symlink() {
        let mut link = String::new();
        entry.read_to_string(&mut link)?;
        if options.quiet == 0 {
            writeln!(out, "    linking: {target:<22}  -> {link} ")?;
        }
        return symlink(&link, target);
    }
    if options.quiet == 0 {
        let verb = match entry.compression() {
            CompressionMethod::Stored => " extracting",
            _ => "  inflating",
        };
        writeln!(out, "{verb}: {target:<22}  ")?;
    }
    let mut file = File::create(target)?;
    io::copy(entry, &mut file)?;
    if let Some(time) = entry.last_modified() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds(time));
        file.set_times(FileTimes::new().set_modified(time))?;
    }
    drop(file);
    match entry.unix_mode() {
        Some(mode) if mode & 0o777 != 0o644 && mode & 0o777 != 0 => set_mode(target, mode & 0o777),
        _ => Ok(()),
    }
}

/// Asks whether a file may be replaced; without somebody to answer, it may not.
fn agreed(target: &str, out: &mut impl Write) -> io::Result<bool> {
    out.flush()?;
    eprint!("replace {target}? [y]es, [n]o, [A]ll, [N]one, [r]ename: ");
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        eprintln!(" NULL\n(EOF or read error, treating as \"[N]one\" ...)");
        return Ok(false);
    }
    Ok(answer.trim_start().starts_with(['y', 'Y', 'A']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_archives_in_seconds() {
        let time = DateTime::from_date_and_time(2020, 2, 29, 12, 30, 10).unwrap();
        assert_eq!(seconds(time), 1_582_979_410);
    }
}
