//! `gzip`, `bzip2`, `xz` and their other names.

mod list;
mod report;

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use flate2::GzHeader;
use flate2::bufread::GzDecoder;
use toolcell_program::args::{Arg, parse};
use toolcell_program::files::{Kind, Time, look, set_mode, set_times};
use toolcell_program::message;

use crate::codec::{Codec, Origin, peek};
use list::Listing;
use report::told;

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    codec: Codec,
    unpack: bool,
    to_stdout: bool,
}

impl Call {
    pub(crate) fn named(name: &str) -> Option<Call> {
        let (codec, unpack, to_stdout) = match name {
            "gzip" => (Codec::Gzip, false, false),
            "gunzip" => (Codec::Gzip, true, false),
            "zcat" => (Codec::Gzip, true, true),
            "bzip2" => (Codec::Bzip2, false, false),
            "bunzip2" => (Codec::Bzip2, true, false),
            "bzcat" => (Codec::Bzip2, true, true),
            "xz" => (Codec::Xz, false, false),
            "unxz" => (Codec::Xz, true, false),
            "xzcat" => (Codec::Xz, true, true),
            _ => return None,
        };
        Some(Call { codec, unpack, to_stdout })
    }
}

#[derive(Debug)]
struct Options {
    call: Call,
    keep: bool,
    force: bool,
    test: bool,
    list: bool,
    verbose: bool,
    quiet: bool,
    recursive: bool,
    /// Whether the name and the time in a packed file count: no says that they are not written,
    /// yes that they are restored.
    named: Option<bool>,
    level: u32,
    suffix: Option<String>,
}

pub(crate) fn run(call: Call, words: &[String], out: &mut impl Write) -> i32 {
    // Whatever it is called by, the program's messages begin with one name.
    let name = match call.codec {
        Codec::Gzip => "gzip",
        Codec::Bzip2 => "bzip2",
        Codec::Xz => "xz",
    };
    let long = [
        "stdout:c",
        "to-stdout:c",
        "compress:z",
        "decompress:d",
        "uncompress:d",
        "force:f",
        "keep:k",
        "list:l",
        "name:N",
        "no-name:n",
        "quiet:q",
        "recursive:r",
        "rsyncable",
        "suffix=:S",
        "test:t",
        "threads=:T",
        "verbose:v",
        "fast:1",
        "best:9",
        "extreme:e",
        "small:s",
    ];
    let letters = if call.codec == Codec::Xz {
        "cdefklnNqS:tT:vz0123456789"
    } else {
        "cdefklnNqrsS:tvz123456789"
    };
    let args = match parse(words, letters, &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("{name}: {error}\nTry `{name} --help' for more information.");
            return 1;
        }
    };
    let mut options = Options {
        call,
        keep: false,
        force: false,
        test: false,
        list: false,
        verbose: false,
        quiet: false,
        recursive: false,
        named: None,
        level: call.codec.level(),
        suffix: None,
    };
    let mut paths = Vec::new();
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, value) => match letter.as_str() {
                "c" => options.call.to_stdout = true,
                "d" => options.call.unpack = true,
                "z" => options.call.unpack = false,
                "k" => options.keep = true,
                "f" => options.force = true,
                "t" => (options.test, options.call.unpack) = (true, true),
                "l" => options.list = true,
                "v" => options.verbose = true,
                "q" => options.quiet = true,
                "N" => options.named = Some(true),
                "n" => options.named = Some(false),
                "r" => options.recursive = true,
                "S" => options.suffix = value,
                digit => options.level = digit.parse().unwrap_or(options.level),
            },
        }
    }
    if options.list && call.codec != Codec::Gzip {
        eprintln!("{name}: option '-l' is not supported");
        return 1;
    }
    if paths.is_empty() {
        paths.push("-".to_owned());
    }
    if options.recursive {
        paths = paths.iter().flat_map(|path| below(path, &options)).collect();
    }
    let mut status = 0;
    let mut listing = Listing::new(&options);
    for path in &paths {
        let path = &found(path, &options);
        let result = match options.list {
            true => listing.add(path, out),
            false => one(name, path, &options, out),
        };
        match result {
            Ok(()) => {}
            Err(trouble @ (Trouble::Warning(_) | Trouble::Said)) => {
                if let Trouble::Warning(text) = trouble
                    && !options.quiet
                {
                    eprintln!("{name}: {path}: {text}");
                }
                if status == 0 {
                    status = if options.call.codec == Codec::Bzip2 { 1 } else { 2 };
                }
            }
            Err(Trouble::Failed(text)) => {
                let shown = if path == "-" { "stdin" } else { path };
                // gzip begins its messages about content on a new line.
                let line = if options.call.codec == Codec::Gzip { "\n" } else { "" };
                eprintln!("{line}{name}: {shown}: {text}");
                status = 1;
            }
            Err(Trouble::NoFile(text)) => {
                eprintln!("{name}: {path}: {text}");
                status = 1;
            }
        }
    }
    listing.finish(out);
    status
}

/// The files of a directory that are to be packed, or unpacked; of anything else itself.
fn below(path: &str, options: &Options) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(path) else { return vec![path.to_owned()] };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let paths = names.into_iter().map(|name| format!("{}/{name}", path.trim_end_matches('/')));
    let paths = paths.flat_map(|path| below(&path, options));
    let suffix = options.suffix.as_deref().unwrap_or(options.call.codec.suffix());
    paths.filter(|path| path.ends_with(suffix) == options.call.unpack).collect()
}

/// What `gunzip NAME` unpacks where there is only `NAME.gz`.
fn found(path: &str, options: &Options) -> String {
    let suffix = options.suffix.as_deref().unwrap_or(options.call.codec.suffix());
    let is_gzip = options.call.codec == Codec::Gzip && (options.call.unpack || options.list);
    match is_gzip && path != "-" && !path.ends_with(suffix) && look(path, true).is_err() {
        true => format!("{path}{suffix}"),
        false => path.to_owned(),
    }
}

enum Trouble {
    /// A warning that is printed already.
    Said,
    Warning(String),
    NoFile(String),
    Failed(String),
}

/// The name of the file that comes out; none is standard output.
fn target(path: &str, options: &Options) -> Result<Option<String>, Trouble> {
    if path == "-" || options.call.to_stdout || options.test {
        return Ok(None);
    }
    let suffix = options.suffix.as_deref().unwrap_or(options.call.codec.suffix());
    if !options.call.unpack {
        if path.ends_with(suffix) {
            return Err(Trouble::Warning(format!("already has {suffix} suffix -- unchanged")));
        }
        return Ok(Some(format!("{path}{suffix}")));
    }
    for short in [".tgz", ".tbz2", ".tbz", ".txz"] {
        if let Some(stem) = path.strip_suffix(short) {
            return Ok(Some(format!("{stem}.tar")));
        }
    }
    match path.strip_suffix(suffix) {
        Some(stem) if !stem.is_empty() => Ok(Some(stem.to_owned())),
        _ if options.call.codec == Codec::Bzip2 => Ok(Some(format!("{path}.out"))),
        _ if options.call.codec == Codec::Xz => {
            Err(Trouble::Warning("Filename has an unknown suffix, skipping".to_owned()))
        }
        _ => Err(Trouble::Warning("unknown suffix -- ignored".to_owned())),
    }
}

fn one(name: &str, path: &str, options: &Options, out: &mut impl Write) -> Result<(), Trouble> {
    let Call { codec, unpack, .. } = options.call;
    if path != "-" {
        match look(path, true) {
            Ok(details) if details.is_dir() => {
                return Err(Trouble::Warning("is a directory -- ignored".to_owned()));
            }
            Ok(_) => {}
            Err(error) => return Err(Trouble::NoFile(message(&error))),
        }
    }
    // What it says of itself counts with `-N`.
    let restored = unpack && options.named == Some(true);
    let own = restored.then(|| header(path)).flatten();
    let target = named_target(path, options, own.as_ref())?;
    if let Some(target) = target.as_deref().filter(|to| !options.force && Path::new(to).exists()) {
        eprintln!("{name}: {target} already exists;\tnot overwritten");
        return Err(Trouble::Said);
    }
    let mut counts = (0, 0);
    let input = toolcell_program::open(path).map_err(|error| Trouble::NoFile(message(&error)))?;
    let mut input = Counted { stream: input, bytes: &mut counts.0 };
    let done = (|| -> io::Result<()> {
        let mut sink: Box<dyn Write + '_> = match &target {
            Some(target) => Box::new(io::BufWriter::new(File::create(target)?)),
            None if options.test => Box::new(io::sink()),
            None => Box::new(&mut *out),
        };
        let mut sink = Counted { stream: &mut sink, bytes: &mut counts.1 };
        match unpack {
            true => {
                let (start, mut input) = peek(&mut input, 6)?;
                match Codec::of(&start) {
                    Some(found) if found == codec => {
                        io::copy(&mut codec.reader(input), &mut sink)?;
                    }
                    // `zcat -f` shows what is not packed as it is.
                    _ if options.force && options.call.to_stdout => {
                        io::copy(&mut input, &mut sink)?;
                    }
                    _ if start.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                    _ => return Err(io::ErrorKind::InvalidInput.into()),
                }
            }
            false => {
                let origin = origin(path, options);
                let mut packer = codec.writer(&mut sink, options.level, &origin)?;
                io::copy(&mut input, &mut packer)?;
                packer.finish()?;
            }
        }
        sink.flush()
    })();
    match (done, target) {
        (Ok(()), target) => {
            if options.verbose {
                told(path, target.as_deref(), options, counts);
            }
            if let Some(target) = target {
                keep_attributes(path, &target, own.as_ref());
                if !options.keep {
                    let _ = std::fs::remove_file(path);
                }
            }
            Ok(())
        }
        (Err(error), target) => {
            if let Some(target) = target {
                let _ = std::fs::remove_file(target);
            }
            Err(Trouble::Failed(match (error.kind(), codec) {
                (io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData, Codec::Gzip) => {
                    "not in gzip format".to_owned()
                }
                (io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData, Codec::Bzip2) => {
                    "not a bzip2 file or damaged".to_owned()
                }
                (io::ErrorKind::InvalidInput, Codec::Xz) => "File format not recognized".to_owned(),
                (io::ErrorKind::InvalidData, Codec::Xz) => "Compressed data is corrupt".to_owned(),
                (io::ErrorKind::UnexpectedEof, Codec::Xz) => "Unexpected end of input".to_owned(),
                (io::ErrorKind::UnexpectedEof, _) => "unexpected end of file".to_owned(),
                _ => message(&error),
            }))
        }
    }
}

/// What gzip says of a file beside its content; of standard input only when it was changed.
fn origin(path: &str, options: &Options) -> Origin {
    let place = if path == "-" { "/dev/stdin" } else { path };
    let found = look(place, true).ok().filter(|found| found.kind == Kind::File);
    match found.filter(|_| options.named != Some(false)) {
        Some(found) => Origin {
            name: (path != "-").then(|| path.rsplit('/').next().unwrap_or(path).to_owned()),
            modified: u32::try_from(found.modified / 1_000_000_000).unwrap_or(0),
        },
        None => Origin::default(),
    }
}

/// The target, by the name that a packed file gives itself, if that counts.
fn named_target(
    path: &str,
    options: &Options,
    own: Option<&GzHeader>,
) -> Result<Option<String>, Trouble> {
    let target = target(path, options)?;
    let name = own.and_then(own_name);
    Ok(target.map(|target| match (name, path.rsplit_once('/')) {
        (Some(name), Some((directory, _))) => format!("{directory}/{name}"),
        (Some(name), None) => name,
        (None, _) => target,
    }))
}

/// What a packed file says of itself.
fn header(path: &str) -> Option<GzHeader> {
    let input = BufReader::new(File::open(path).ok()?);
    GzDecoder::new(input).header().cloned()
}

/// The name of the file that was packed, without a directory.
fn own_name(header: &GzHeader) -> Option<String> {
    let name = String::from_utf8_lossy(header.filename()?).into_owned();
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    (!name.is_empty() && name != "." && name != "..").then_some(name)
}

/// Gives a file the bits and the times of the one that it was made from, or the time that this one
/// gives itself.
fn keep_attributes(path: &str, target: &str, own: Option<&GzHeader>) {
    let Ok(found) = look(path, true) else { return };
    if found.mode != 0o644 {
        let _ = set_mode(target, found.mode);
    }
    let modified = match own.map(GzHeader::mtime) {
        Some(seconds) if seconds != 0 => u64::from(seconds) * 1_000_000_000,
        _ => found.modified,
    };
    let _ = set_times(target, true, Time::At(found.accessed), Time::At(modified));
}

/// A stream, and how many bytes went through it.
struct Counted<'a, S> {
    stream: S,
    bytes: &'a mut u64,
}

impl<S: Read> Read for Counted<'_, S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(into)?;
        *self.bytes += count as u64;
        Ok(count)
    }
}

impl<S: Write> Write for Counted<'_, S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let count = self.stream.write(from)?;
        *self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
