//! `dd`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use toolcell_program::{message, open_input};

/// The largest block, against one that no memory holds.
const MAX_BLOCK: u64 = 64 << 20;

#[derive(Debug)]
struct Settings {
    input: Option<String>,
    output: Option<String>,
    read_block: usize,
    write_block: usize,
    /// Line length of `conv=block` and `conv=unblock`.
    line: usize,
    count: Option<u64>,
    skip: u64,
    seek: u64,
    conversions: Vec<String>,
    input_flags: Vec<String>,
    output_flags: Vec<String>,
    status: Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    All,
    NoTransfer,
    None,
}

const CONVERSIONS: &[&str] = &[
    "block",
    "excl",
    "fdatasync",
    "fsync",
    "lcase",
    "nocreat",
    "noerror",
    "notrunc",
    "sparse",
    "swab",
    "sync",
    "ucase",
    "unblock",
];
const INPUT_FLAGS: &[&str] = &[
    "binary",
    "cio",
    "count_bytes",
    "direct",
    "directory",
    "dsync",
    "fullblock",
    "noatime",
    "nocache",
    "noctty",
    "nofollow",
    "nonblock",
    "skip_bytes",
    "sync",
    "text",
];
const OUTPUT_FLAGS: &[&str] = &[
    "append",
    "binary",
    "cio",
    "direct",
    "directory",
    "dsync",
    "noatime",
    "nocache",
    "noctty",
    "nofollow",
    "nonblock",
    "seek_bytes",
    "sync",
    "text",
];

/// What was copied: whole blocks, parts of blocks, bytes.
#[derive(Debug, Default)]
struct Counts {
    read: (u64, u64),
    written: (u64, u64),
    cut: u64,
    bytes: u64,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let settings = match parse(words) {
        Ok(settings) => settings,
        Err(text) => {
            eprintln!("dd: {text}");
            return 1;
        }
    };
    let began = Instant::now();
    let mut counts = Counts::default();
    let result = copy(&settings, out, &mut counts);
    let flushed = out.flush().map_err(|error| failed("writing", "standard output", &error));
    let result = result.and_then(|status| flushed.map(|()| status));
    let status = match &result {
        Ok(status) => *status,
        Err(Failed { text, .. }) => {
            eprintln!("dd: {text}");
            1
        }
    };
    let told = !matches!(&result, Err(Failed { began: false, .. }));
    if told && settings.status != Status::None {
        summary(&settings, &counts, began.elapsed());
    }
    status
}

/// Why nothing more was copied.
#[derive(Debug)]
struct Failed {
    text: String,
    /// Whether copying had begun, so that there is something to sum up.
    began: bool,
}

fn failed(what: &str, name: &str, error: &io::Error) -> Failed {
    Failed { text: format!("error {what} '{name}': {}", message(error)), began: true }
}

fn parse(words: &[String]) -> Result<Settings, String> {
    let mut settings = Settings {
        input: None,
        output: None,
        read_block: 512,
        write_block: 512,
        line: 0,
        count: None,
        skip: 0,
        seek: 0,
        conversions: Vec::new(),
        input_flags: Vec::new(),
        output_flags: Vec::new(),
        status: Status::All,
    };
    let mut block = None;
    let help = "\nTry 'dd --help' for more information.";
    let list = |value: &str, known: &[&str], what: &str| {
        let parts: Vec<String> = value.split(',').map(str::to_owned).collect();
        match parts.iter().find(|part| !known.contains(&part.as_str())) {
            Some(part) => Err(format!("invalid {what}: ‘{part}’{help}")),
            None => Ok(parts),
        }
    };
    let size = |value: &str| {
        let size = number(value)?;
        match size {
            0 => Err(format!("invalid number: ‘{value}’")),
            size if size > MAX_BLOCK => Err(format!("{value}: a block is at most 64M here")),
            size => Ok(usize::try_from(size).unwrap_or(usize::MAX)),
        }
    };
    for word in words {
        toolcell_program::help::answer("dd", word, &[]);
        let unknown = || format!("unrecognized operand ‘{word}’{help}");
        let (name, value) = word.split_once('=').ok_or_else(unknown)?;
        match name {
            "if" => settings.input = Some(value.to_owned()),
            "of" => settings.output = Some(value.to_owned()),
            "bs" => block = Some(size(value)?),
            "ibs" => settings.read_block = size(value)?,
            "obs" => settings.write_block = size(value)?,
            "cbs" => settings.line = size(value)?,
            "count" => {
                settings.count =
                    Some(bytes_or_blocks(value, &mut settings.input_flags, "count_bytes")?)
            }
            "skip" | "iseek" => {
                settings.skip = bytes_or_blocks(value, &mut settings.input_flags, "skip_bytes")?;
            }
            "seek" | "oseek" => {
                settings.seek = bytes_or_blocks(value, &mut settings.output_flags, "seek_bytes")?;
            }
            "conv" => settings.conversions.extend(list(value, CONVERSIONS, "conversion")?),
            "iflag" => settings.input_flags.extend(list(value, INPUT_FLAGS, "input flag")?),
            "oflag" => settings.output_flags.extend(list(value, OUTPUT_FLAGS, "output flag")?),
            "status" => {
                settings.status = match value {
                    "none" => Status::None,
                    "noxfer" => Status::NoTransfer,
                    "progress" => Status::All,
                    _ => return Err(format!("invalid status level: ‘{value}’{help}")),
                };
            }
            _ => return Err(unknown()),
        }
    }
    if let Some(block) = block {
        (settings.read_block, settings.write_block) = (block, block);
    }
    Ok(settings)
}

/// A count of blocks; of bytes if it ends with `B`, which sets the flag that says so.
fn bytes_or_blocks(value: &str, flags: &mut Vec<String>, flag: &str) -> Result<u64, String> {
    if value.ends_with('B')
        && !value.ends_with("iB")
        && !value.ends_with(|c: char| c.is_ascii_digit())
    {
        flags.push(flag.to_owned());
    }
    number(value)
}

/// A number with its multipliers, such as `2x512` or `1M`.
fn number(text: &str) -> Result<u64, String> {
    let one = |part: &str| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let factor: u64 = match &part[digits..] {
            "" | "c" | "B" => 1,
            "w" => 2,
            "b" => 512,
            suffix => {
                let (base, letter) = match suffix.strip_suffix("iB").or(suffix.strip_suffix('B')) {
                    Some(letter) if suffix.ends_with("iB") => (1024u64, letter),
                    Some(letter) => (1000, letter),
                    None => (1024, suffix),
                };
                let power = match letter {
                    "k" | "K" => 1,
                    "M" => 2,
                    "G" => 3,
                    "T" => 4,
                    "P" => 5,
                    _ => return None,
                };
                base.pow(power)
            }
        };
        part[..digits].parse::<u64>().ok()?.checked_mul(factor)
    };
    let product = text.split('x').try_fold(1u64, |product, part| product.checked_mul(one(part)?));
    product.ok_or_else(|| format!("invalid number: ‘{text}’"))
}

impl Settings {
    fn converts(&self, name: &str) -> bool {
        self.conversions.iter().any(|conversion| conversion == name)
    }

    fn input_flag(&self, name: &str) -> bool {
        self.input_flags.iter().any(|flag| flag == name)
    }

    fn output_flag(&self, name: &str) -> bool {
        self.output_flags.iter().any(|flag| flag == name)
    }

    fn in_bytes(&self, blocks: u64, bytes: bool, block: usize) -> u64 {
        if bytes { blocks } else { blocks.saturating_mul(block as u64) }
    }
}

fn open_output(settings: &Settings, path: &str) -> Result<File, Failed> {
    let mut options = OpenOptions::new();
    options.write(true).append(settings.output_flag("append"));
    match (settings.converts("excl"), settings.converts("nocreat")) {
        (true, _) => options.create_new(true),
        (false, nocreat) => options.create(!nocreat),
    };
    // With a place to begin at, what lies before it stays.
    options.truncate(
        !settings.converts("notrunc") && settings.seek == 0 && !settings.output_flag("append"),
    );
    let cannot = |what: &str, error: &io::Error| Failed {
        text: format!("failed to {what} '{path}': {}", message(error)),
        began: false,
    };
    let mut file = options.open(path).map_err(|error| cannot("open", &error))?;
    let from =
        settings.in_bytes(settings.seek, settings.output_flag("seek_bytes"), settings.write_block);
    if settings.seek > 0 {
        if !settings.converts("notrunc") {
            file.set_len(from)
                .map_err(|error| cannot("truncate to the place to write in", &error))?;
        }
        file.seek(SeekFrom::Start(from)).map_err(|error| cannot("seek in", &error))?;
    }
    Ok(file)
}

fn copy(settings: &Settings, out: &mut impl Write, counts: &mut Counts) -> Result<i32, Failed> {
    let name = settings.input.as_deref().unwrap_or("standard input");
    let mut input: Box<dyn Read> = match &settings.input {
        None => open_input(),
        Some(path) => match File::open(path) {
            Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_dir()) => {
                return Err(failed("reading", path, &io::ErrorKind::IsADirectory.into()));
            }
            Ok(file) => Box::new(file),
            Err(error) => {
                let text = format!("failed to open '{path}': {}", message(&error));
                return Err(Failed { text, began: false });
            }
        },
    };
    let mut file = match &settings.output {
        Some(path) => Some(open_output(settings, path)?),
        None => None,
    };
    let target = settings.output.as_deref().unwrap_or("standard output");
    let output: &mut dyn Write = match &mut file {
        Some(file) => file,
        None => out,
    };
    if settings.output.is_none() && settings.seek > 0 {
        let text = "'standard output': cannot seek: Illegal seek".to_owned();
        return Err(Failed { text, began: true });
    }
    let mut status = 0;
    let block = settings.read_block;
    let mut buffer = vec![0; block];
    let skip = settings.in_bytes(settings.skip, settings.input_flag("skip_bytes"), block);
    if !skip_input(&mut *input, skip, &mut buffer)
        .map_err(|error| failed("reading", name, &error))?
    {
        eprintln!("dd: '{name}': cannot skip to specified offset");
        return Ok(0);
    }
    let full = settings.input_flag("fullblock");
    let count_bytes = settings.input_flag("count_bytes");
    let (mut blocks, mut bytes) = (0u64, 0u64);
    let mut writer = Blocks { output, target, block: settings.write_block, kept: Vec::new() };
    let mut lines = Lines::default();
    loop {
        let wanted = match settings.count {
            Some(count) if count_bytes => {
                usize::try_from(count.saturating_sub(bytes)).unwrap_or(usize::MAX).min(block)
            }
            Some(count) if blocks >= count => 0,
            _ => block,
        };
        if wanted == 0 {
            break;
        }
        let read = match read_block(&mut *input, &mut buffer[..wanted], full) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if settings.converts("noerror") => {
                eprintln!("dd: error reading '{name}': {}", message(&error));
                status = 1;
                break;
            }
            Err(error) => {
                writer.finish(counts)?;
                return Err(failed("reading", name, &error));
            }
        };
        blocks += 1;
        bytes += read as u64;
        let whole = if read == block { &mut counts.read.0 } else { &mut counts.read.1 };
        *whole += 1;
        let mut data = buffer[..read].to_vec();
        if settings.converts("sync") && read < block {
            let filler = match settings.converts("block") || settings.converts("unblock") {
                true => b' ',
                false => 0,
            };
            data.resize(block, filler);
        }
        convert(settings, &mut data);
        let data = lines.convert(settings, &data, counts);
        // With one size for both, what was read is written as it came.
        match settings.read_block == settings.write_block && settings.line == 0 {
            true => writer.write(&data, counts)?,
            false => writer.collect(&data, counts)?,
        }
    }
    let rest = lines.finish(settings);
    writer.collect(&rest, counts)?;
    writer.finish(counts)?;
    Ok(status)
}

/// Passes over the beginning; false if there is less.
fn skip_input(input: &mut dyn Read, mut skip: u64, buffer: &mut [u8]) -> io::Result<bool> {
    while skip > 0 {
        let most = usize::try_from(skip).unwrap_or(usize::MAX).min(buffer.len());
        match input.read(&mut buffer[..most])? {
            0 => return Ok(false),
            read => skip -= read as u64,
        }
    }
    Ok(true)
}

/// One block, or what one read gives of it.
fn read_block(input: &mut dyn Read, buffer: &mut [u8], full: bool) -> io::Result<usize> {
    let mut filled = 0;
    loop {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => return Ok(filled),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if filled == 0 => return Err(error),
            Err(_) => return Ok(filled),
        }
        if !full || filled == buffer.len() {
            return Ok(filled);
        }
    }
}

fn convert(settings: &Settings, data: &mut [u8]) {
    if settings.converts("swab") {
        data.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
    }
    if settings.converts("ucase") {
        data.make_ascii_uppercase();
    }
    if settings.converts("lcase") {
        data.make_ascii_lowercase();
    }
}

/// Lines made into records of one length, and back.
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
    begun: bool,
}

impl Lines {
    fn convert(&mut self, settings: &Settings, data: &[u8], counts: &mut Counts) -> Vec<u8> {
        let mut made = Vec::with_capacity(data.len());
        if settings.line > 0 && settings.converts("block") {
            for byte in data {
                match byte {
                    b'\n' => self.end_record(settings.line, &mut made, counts),
                    byte => {
                        self.rest.push(*byte);
                        self.begun = true;
                    }
                }
            }
        } else if settings.line > 0 && settings.converts("unblock") {
            self.rest.extend_from_slice(data);
            while self.rest.len() >= settings.line {
                let record: Vec<u8> = self.rest.drain(..settings.line).collect();
                made.extend_from_slice(record.trim_ascii_end());
                made.push(b'\n');
            }
        } else {
            made.extend_from_slice(data);
        }
        made
    }

    fn end_record(&mut self, length: usize, made: &mut Vec<u8>, counts: &mut Counts) {
        counts.cut += u64::from(self.rest.len() > length);
        self.rest.resize(length, b' ');
        made.append(&mut self.rest);
        self.begun = false;
    }

    fn finish(&mut self, settings: &Settings) -> Vec<u8> {
        let mut made = Vec::new();
        if self.begun {
            self.end_record(settings.line, &mut made, &mut Counts::default());
        } else if !self.rest.is_empty() {
            made.extend_from_slice(self.rest.trim_ascii_end());
            made.push(b'\n');
        }
        made
    }
}

/// Writes blocks.
struct Blocks<'a> {
    output: &'a mut dyn Write,
    target: &'a str,
    block: usize,
    kept: Vec<u8>,
}

impl Blocks<'_> {
    /// Writes `data` as one block or a part of one.
    fn write(&mut self, data: &[u8], counts: &mut Counts) -> Result<(), Failed> {
        let mut rest = data;
        while !rest.is_empty() {
            match self.output.write(rest) {
                Ok(0) => {
                    return Err(failed("writing", self.target, &io::ErrorKind::WriteZero.into()));
                }
                Ok(count) => {
                    counts.bytes += count as u64;
                    rest = &rest[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    counts.written.1 += u64::from(rest.len() < data.len());
                    return Err(failed("writing", self.target, &error));
                }
            }
        }
        match data.len() {
            0 => {}
            length if length == self.block => counts.written.0 += 1,
            _ => counts.written.1 += 1,
        }
        Ok(())
    }

    /// Writes as many whole blocks as there are, and keeps the rest.
    fn collect(&mut self, data: &[u8], counts: &mut Counts) -> Result<(), Failed> {
        self.kept.extend_from_slice(data);
        while self.kept.len() >= self.block {
            let block: Vec<u8> = self.kept.drain(..self.block).collect();
            self.write(&block, counts)?;
        }
        Ok(())
    }

    fn finish(&mut self, counts: &mut Counts) -> Result<(), Failed> {
        let rest = std::mem::take(&mut self.kept);
        self.write(&rest, counts)
    }
}

fn summary(settings: &Settings, counts: &Counts, took: Duration) {
    eprintln!("{}+{} records in", counts.read.0, counts.read.1);
    eprintln!("{}+{} records out", counts.written.0, counts.written.1);
    match counts.cut {
        0 => {}
        1 => eprintln!("1 truncated record"),
        cut => eprintln!("{cut} truncated records"),
    }
    if settings.status == Status::NoTransfer {
        return;
    }
    let (bytes, seconds) = (counts.bytes, took.as_secs_f64().max(1e-9));
    let also = match bytes {
        0..1000 => String::new(),
        1000..1024 => format!(" ({}B)", scaled(bytes as f64, 1000.0, false)),
        _ => format!(
            " ({}B, {}iB)",
            scaled(bytes as f64, 1000.0, false),
            scaled(bytes as f64, 1024.0, false)
        ),
    };
    let plural = if bytes == 1 { "" } else { "s" };
    let rate = scaled((bytes as f64 / seconds).max(0.0), 1000.0, true);
    let time = toolcell_text::float('g', seconds, 6, false);
    eprintln!("{bytes} byte{plural}{also} copied, {time} s, {rate}B/s");
}

/// A number with the letter of its power: `3.1 k`, `52 M`. A rate keeps a decimal below 100.
fn scaled(number: f64, base: f64, rate: bool) -> String {
    let letters = if base == 1000.0 { "kMGTPE" } else { "KMGTPE" };
    let (mut number, mut letter) = (number / base, 0);
    while number >= base && letter + 1 < letters.len() {
        number /= base;
        letter += 1;
    }
    let decimal = number < 9.95 || rate && number < 99.95;
    let text = if decimal { format!("{number:.1}") } else { format!("{number:.0}") };
    format!("{text} {}", &letters[letter..=letter])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_multipliers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("2b", Some(1024)),
            ("3w", Some(6)),
            ("1k", Some(1024)),
            ("1kB", Some(1000)),
            ("1KiB", Some(1024)),
            ("2x3x4", Some(24)),
            ("1M", Some(1 << 20)),
            ("x", None),
            ("", None),
            ("1Z", None),
            ("99999999999G", None),
        ] {
            assert_eq!(number(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn sizes_and_rates_are_scaled() {
        assert_eq!(scaled(3072.0, 1000.0, false), "3.1 k");
        assert_eq!(scaled(52_428_800.0, 1000.0, false), "52 M");
        assert_eq!(scaled(52_428_800.0, 1024.0, false), "50 M");
        assert_eq!(scaled(16_700_000.0, 1000.0, true), "16.7 M");
        assert_eq!(scaled(235_000.0, 1000.0, true), "235 k");
    }
}
