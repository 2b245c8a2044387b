//! `gzip`, `bzip2`, `xz` and their other names.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use toolcell_program::args::{Arg, parse};
use toolcell_program::files::{look, set_mode};
use toolcell_program::message;

use crate::codec::{Codec, peek};

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
    recursive: bool,
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
        "rsyncable:n",
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
        recursive: false,
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
    if options.list {
        let _ = writeln!(out, "         compressed        uncompressed  ratio uncompressed_name");
    }
    if paths.is_empty() {
        paths.push("-".to_owned());
    }
    if options.recursive {
        paths = paths.iter().flat_map(|path| below(path, &options)).collect();
    }
    let mut status = 0;
    for path in &paths {
        let path = &found(path, &options);
        let result = match options.list {
            true => list(path, out),
            false => one(name, path, &options, out),
        };
        match result {
            Ok(()) => {}
            Err(trouble @ (Trouble::Warning(_) | Trouble::Said)) => {
                if let Trouble::Warning(text) = trouble {
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
    let is_gzip = options.call.codec == Codec::Gzip && options.call.unpack;
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
    let target = target(path, options)?;
    if let Some(target) = target.as_deref().filter(|to| !options.force && Path::new(to).exists()) {
        eprintln!("{name}: {target} already exists;\tnot overwritten");
        return Err(Trouble::Said);
    }
    let input = toolcell_program::open(path).map_err(|error| Trouble::NoFile(message(&error)))?;
    let done = (|| -> io::Result<()> {
        let mut sink: Box<dyn Write + '_> = match &target {
            Some(target) => Box::new(io::BufWriter::new(File::create(target)?)),
            None if options.test => Box::new(io::sink()),
            None => Box::new(&mut *out),
        };
        match unpack {
            true => {
                let (start, mut input) = peek(input, 6)?;
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
                let mut packer = codec.writer(&mut sink, options.level)?;
                io::copy(&mut { input }, &mut packer)?;
                packer.finish()?;
            }
        }
        sink.flush()
    })();
    match (done, target) {
        (Ok(()), Some(target)) => {
            if let Ok(details) = look(path, true) {
                if details.mode != 0o644 {
                    let _ = set_mode(&target, details.mode);
                }
                let (before, after) =
                    (details.size, look(&target, true).map_or(0, |details| details.size));
                if options.verbose {
                    let (whole, packed) = if unpack { (after, before) } else { (before, after) };
                    let fate = if options.keep { "created" } else { "replaced with" };
                    eprintln!("{path}:\t{} -- {fate} {target}", ratio(whole, packed));
                }
            }
            if !options.keep {
                let _ = std::fs::remove_file(path);
            }
            Ok(())
        }
        (Ok(()), None) => Ok(()),
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

fn ratio(whole: u64, packed: u64) -> String {
    let saved = match whole {
        0 => 0.0,
        whole => (1.0 - packed as f64 / whole as f64) * 100.0,
    };
    format!("{saved:5.1}%")
}

/// `gzip -l`.
fn list(path: &str, out: &mut impl Write) -> Result<(), Trouble> {
    let file = File::open(path).map_err(|error| Trouble::NoFile(message(&error)))?;
    let packed = file.metadata().map_or(0, |metadata| metadata.len());
    let whole = io::copy(&mut Codec::Gzip.reader(file), &mut io::sink())
        .map_err(|_| Trouble::Failed("not in gzip format".to_owned()))?;
    let name = path.strip_suffix(".gz").unwrap_or(path);
    let _ = writeln!(out, "{packed:>19} {whole:>19} {} {name}", ratio(whole, packed));
    Ok(())
}
