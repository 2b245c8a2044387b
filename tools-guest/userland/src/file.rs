//! `file`: what a file is, from its first bytes.

use std::fs::File;
use std::io::{self, Read as _, Write};

use toolcell_program::args::{Arg, parse};
use toolcell_program::files::{Kind, look};
use toolcell_program::message;

/// Bytes that are looked at.
const LOOKED_AT: u64 = 1 << 20;

/// A line longer than this is worth a word.
const LONG_LINE: usize = 500;

/// What was found: for people, and as a MIME type and charset.
struct Found {
    text: String,
    mime: &'static str,
    charset: &'static str,
}

impl Found {
    fn new(text: impl Into<String>, mime: &'static str, charset: &'static str) -> Found {
        Found { text: text.into(), mime, charset }
    }

    fn binary(text: impl Into<String>, mime: &'static str) -> Found {
        Found::new(text, mime, "binary")
    }
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "brief:b",
        "mime:i",
        "mime-type:mime-type",
        "mime-encoding:mime-encoding",
        "dereference:L",
        "no-dereference:h",
        "files-from=:f",
        "print0:0",
        "separator=:F",
        "no-pad:N",
        "keep-going:k",
        "raw:r",
        "special-files:s",
        "uncompress:z",
    ];
    let args = match parse(words, "biLhf:0F:Nkrsz", &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("file: {error}\nUsage: file [-bchikLNnprsvz0] [-f namefile] file ...");
            return 1;
        }
    };
    let (mut brief, mut mime, mut charset, mut follow, mut pad) =
        (false, false, false, false, true);
    let (mut separator, mut end) = (":".to_owned(), "");
    let mut paths = Vec::new();
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, value) => match letter.as_str() {
                "b" => brief = true,
                "i" => (mime, charset) = (true, true),
                "mime-type" => mime = true,
                "mime-encoding" => charset = true,
                "L" => follow = true,
                "h" => follow = false,
                "N" => pad = false,
                "F" => separator = value.unwrap_or_default(),
                "0" => (separator, end, pad) = (String::new(), "\0", false),
                "f" => {
                    let from = value.unwrap_or_default();
                    let mut text = String::new();
                    let read = toolcell_program::open(&from)
                        .and_then(|mut input| input.read_to_string(&mut text));
                    match read {
                        Ok(_) => paths.extend(text.lines().map(str::to_owned)),
                        Err(error) => {
                            eprintln!("file: Cannot open `{from}' ({})", message(&error));
                            return 1;
                        }
                    }
                }
                _ => {}
            },
        }
    }
    if paths.is_empty() {
        eprintln!("Usage: file [-bchikLNnprsvz0] [-f namefile] file ...");
        return 1;
    }
    let width = paths.iter().map(|path| path.chars().count()).max().unwrap_or(0);
    for path in paths {
        let found = examine(&path, follow).unwrap_or_else(|error| {
            let text = format!("cannot open `{path}' ({})", message(&error));
            Found::new(text, "cannot open", "binary")
        });
        let failed = found.mime == "cannot open";
        let text = match (mime, charset) {
            _ if failed => found.text,
            (true, true) => format!("{}; charset={}", found.mime, found.charset),
            (true, false) => found.mime.to_owned(),
            (false, true) => found.charset.to_owned(),
            (false, false) => found.text,
        };
        let written = if brief {
            writeln!(out, "{text}")
        } else {
            let missing = if pad { width - path.chars().count() } else { 0 };
            let shown = if path == "-" { "/dev/stdin" } else { &path };
            writeln!(out, "{shown}{end}{separator}{} {text}", " ".repeat(missing))
        };
        if written.is_err() {
            return 1;
        }
    }
    0
}

fn examine(path: &str, follow: bool) -> io::Result<Found> {
    let mut content = Vec::new();
    if path == "-" {
        io::stdin().lock().take(LOOKED_AT).read_to_end(&mut content)?;
        return Ok(of_content(&content));
    }
    let details = look(path, follow)?;
    Ok(match details.kind {
        Kind::Directory => Found::binary("directory", "inode/directory"),
        Kind::Symlink => {
            let target = std::fs::read_link(path)?;
            let broken =
                if look(path, true).is_err() { "broken symbolic link" } else { "symbolic link" };
            Found::binary(format!("{broken} to {}", target.display()), "inode/symlink")
        }
        Kind::Character => Found::binary("character special (1/3)", "inode/chardevice"),
        Kind::Pipe => Found::binary("fifo (named pipe)", "inode/fifo"),
        Kind::File | Kind::Other => {
            File::open(path)?.take(LOOKED_AT).read_to_end(&mut content)?;
            of_content(&content)
        }
    })
}

fn of_content(content: &[u8]) -> Found {
    if content.is_empty() {
        return Found::binary("empty", "inode/x-empty");
    }
    if content.len() == 1 {
        return Found::binary("very short file (no magic)", "application/octet-stream");
    }
    magic(content)
        .or_else(|| text(content))
        .unwrap_or_else(|| Found::binary("data", "application/octet-stream"))
}

/// What is known by its first bytes.
fn magic(content: &[u8]) -> Option<Found> {
    let starts = |magic: &[u8]| content.starts_with(magic);
    let at = |offset: usize, magic: &[u8]| {
        content.get(offset..).is_some_and(|rest| rest.starts_with(magic))
    };
    let big = |offset: usize| {
        content.get(offset..offset + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    };
    let little = |offset: usize| {
        content.get(offset..offset + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    };
    let short = |offset: usize| {
        content.get(offset..offset + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
    };
    let byte = |offset: usize| content.get(offset).copied().unwrap_or(0);
    if starts(b"\x89PNG\r\n\x1a\n") {
        let color = match byte(25) {
            0 => "grayscale",
            2 => "RGB",
            3 => "colormap",
            4 => "gray+alpha",
            _ => "RGBA",
        };
        let prefix = if matches!(byte(25), 2 | 6) { "/color " } else { " " };
        let prefix = if byte(25) == 0 || byte(25) == 4 { " " } else { prefix };
        let woven = if byte(28) == 0 { "non-interlaced" } else { "interlaced" };
        let text = format!(
            "PNG image data, {} x {}, {}-bit{prefix}{color}, {woven}",
            big(16),
            big(20),
            byte(24)
        );
        return Some(Found::binary(text, "image/png"));
    }
    if starts(b"GIF87a") || starts(b"GIF89a") {
        let version = String::from_utf8_lossy(&content[3..6]).into_owned();
        let text = format!("GIF image data, version {version}, {} x {}", short(6), short(8));
        return Some(Found::binary(text, "image/gif"));
    }
    if starts(b"\xff\xd8\xff") {
        let mut text = "JPEG image data".to_owned();
        if at(6, b"JFIF\0") {
            text.push_str(&format!(", JFIF standard {}.{:02}", byte(11), byte(12)));
        } else if at(6, b"Exif\0") {
            text.push_str(", Exif standard");
        }
        if let Some((width, height)) = jpeg_size(content) {
            text.push_str(&format!(", baseline, precision 8, {width}x{height}"));
        }
        return Some(Found::binary(text, "image/jpeg"));
    }
    if starts(b"RIFF") && at(8, b"WEBP") {
        return Some(Found::binary("RIFF (little-endian) data, Web/P image", "image/webp"));
    }
    if starts(b"RIFF") && at(8, b"WAVE") {
        return Some(Found::binary("RIFF (little-endian) data, WAVE audio", "audio/x-wav"));
    }
    if starts(b"%PDF-") {
        let version: String = content[5..].iter().take(3).map(|byte| char::from(*byte)).collect();
        return Some(Found::binary(format!("PDF document, version {version}"), "application/pdf"));
    }
    if starts(b"\x1f\x8b") {
        return Some(gzip(content));
    }
    if starts(b"BZh") {
        let text = format!("bzip2 compressed data, block size = {}00k", char::from(byte(3)));
        return Some(Found::binary(text, "application/x-bzip2"));
    }
    if starts(b"\xfd7zXZ\0") {
        let check = match byte(7) & 15 {
            0 => "NONE",
            1 => "CRC32",
            4 => "CRC64",
            10 => "SHA256",
            _ => "unknown",
        };
        let text = format!("XZ compressed data, checksum {check}");
        return Some(Found::binary(text, "application/x-xz"));
    }
    if starts(b"\x28\xb5\x2f\xfd") {
        return Some(Found::binary("Zstandard compressed data (v0.8+)", "application/zstd"));
    }
    if starts(b"7z\xbc\xaf\x27\x1c") {
        return Some(Found::binary(
            "7-zip archive data, version 0.4",
            "application/x-7z-compressed",
        ));
    }
    if starts(b"PK\x05\x06") {
        return Some(Found::binary("Zip archive data (empty)", "application/zip"));
    }
    if starts(b"PK\x03\x04") {
        return Some(zip(content, short(4), short(8)));
    }
    if at(257, b"ustar") {
        let kind =
            if at(257, b"ustar  \0") { "POSIX tar archive (GNU)" } else { "POSIX tar archive" };
        return Some(Found::binary(kind, "application/x-tar"));
    }
    if starts(b"\x7fELF") {
        return Some(elf(content));
    }
    if starts(b"\0asm") {
        // A component has the layer 1 where a module has none.
        let text = match (short(4), short(6)) {
            (version, 0) => {
                format!("WebAssembly (wasm) binary module version {version:#x} (MVP)")
            }
            (version, _) => format!("WebAssembly (wasm) binary component version {version:#x}"),
        };
        return Some(Found::binary(text, "application/wasm"));
    }
    if starts(b"SQLite format 3\0") && content.len() > 99 {
        let text = format!(
            "SQLite 3.x database, last written using SQLite version {}, file counter {}, \
             database pages {}",
            big(96),
            big(24),
            big(28)
        );
        return Some(Found::binary(text, "application/vnd.sqlite3"));
    }
    if starts(b"ID3") {
        return Some(Found::binary("Audio file with ID3 version 2", "audio/mpeg"));
    }
    if starts(b"OggS") {
        return Some(Found::binary("Ogg data", "application/ogg"));
    }
    if at(4, b"ftyp") {
        return Some(Found::binary("ISO Media, MP4 Base Media v1", "video/mp4"));
    }
    if starts(b"BM") && content.len() > 26 && little(2) as usize >= content.len().min(26) {
        let text = format!("PC bitmap, {} x {} x {}", little(18), little(22), short(28));
        return Some(Found::binary(text, "image/bmp"));
    }
    None
}

fn gzip(content: &[u8]) -> Found {
    let mut text = "gzip compressed data".to_owned();
    let flags = content.get(3).copied().unwrap_or(0);
    if flags & 8 != 0
        && flags & 4 == 0
        && let Some(rest) = content.get(10..)
        && let Some(end) = rest.iter().position(|byte| *byte == 0)
    {
        text.push_str(&format!(", was \"{}\"", String::from_utf8_lossy(&rest[..end])));
    }
    let time = content.get(4..8).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    if time != 0 {
        let date = toolcell_zone::strftime("%a %b %e %H:%M:%S %Y", i64::from(time));
        text.push_str(&format!(", last modified: {date}"));
    }
    match content.get(8) {
        Some(2) => text.push_str(", max compression"),
        Some(4) => text.push_str(", max speed"),
        _ => {}
    }
    if content.get(9) == Some(&3) {
        text.push_str(", from Unix");
    }
    if let Some(size) = content.last_chunk::<4>() {
        let size = u32::from_le_bytes(*size);
        text.push_str(&format!(", original size modulo 2^32 {size}"));
    }
    Found::binary(text, "application/gzip")
}

fn zip(content: &[u8], version: u16, method: u16) -> Found {
    let name_length = content.get(26..28).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]));
    let name = content.get(30..30 + usize::from(name_length)).unwrap_or_default();
    let inside = |text: &[u8]| content.windows(text.len()).take(4096).any(|window| window == text);
    if name == b"[Content_Types].xml" || name.starts_with(b"_rels/") {
        for (part, text, mime) in [
            (
                b"word/".as_slice(),
                "Microsoft Word 2007+",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (
                b"xl/",
                "Microsoft Excel 2007+",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            (
                b"ppt/",
                "Microsoft PowerPoint 2007+",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            ),
        ] {
            if inside(part) {
                return Found::binary(text, mime);
            }
        }
        return Found::binary("Microsoft OOXML", "application/octet-stream");
    }
    let method = match method {
        0 => "store".to_owned(),
        8 => "deflate".to_owned(),
        method => format!("{method:#x}"),
    };
    let text = format!(
        "Zip archive data, at least v{}.{} to extract, compression method={method}",
        version / 10,
        version % 10
    );
    Found::binary(text, "application/zip")
}

fn elf(content: &[u8]) -> Found {
    let byte = |at: usize| content.get(at).copied().unwrap_or(0);
    let bits = if byte(4) == 2 { "64-bit" } else { "32-bit" };
    let order = if byte(5) == 2 { "MSB" } else { "LSB" };
    let short = |at: usize| match byte(5) {
        2 => u16::from_be_bytes([byte(at), byte(at + 1)]),
        _ => u16::from_le_bytes([byte(at), byte(at + 1)]),
    };
    if content.len() < 20 {
        return Found::binary(format!("ELF {bits} {order}"), "application/octet-stream");
    }
    let (kind, mime) = match short(16) {
        1 => ("relocatable", "application/x-object"),
        2 => ("executable", "application/x-executable"),
        3 => ("shared object", "application/x-sharedlib"),
        4 => ("core file", "application/x-coredump"),
        _ => ("unknown type", "application/octet-stream"),
    };
    let machine = match short(18) {
        3 => "Intel 80386",
        40 => "ARM",
        62 => "x86-64",
        183 => "ARM aarch64",
        243 => "UCB RISC-V",
        _ => "unknown arch",
    };
    Found::binary(format!("ELF {bits} {order} {kind}, {machine}, version 1 (SYSV)"), mime)
}

/// Width and height of the first frame.
fn jpeg_size(content: &[u8]) -> Option<(u16, u16)> {
    let mut at = 2;
    loop {
        let marker = content.get(at..at + 4)?;
        if marker[0] != 0xff {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([marker[2], marker[3]]));
        if matches!(marker[1], 0xc0..=0xc3) {
            let frame = content.get(at + 5..at + 9)?;
            return Some((
                u16::from_be_bytes([frame[2], frame[3]]),
                u16::from_be_bytes([frame[0], frame[1]]),
            ));
        }
        at += 2 + length.max(2);
    }
}

/// The kind of text, and what is odd about it.
fn text(content: &[u8]) -> Option<Found> {
    if let Some(rest) = content.strip_prefix(b"\xef\xbb\xbf")
        && std::str::from_utf8(rest).is_ok()
    {
        return Some(described(rest, "Unicode text, UTF-8 (with BOM) text", "utf-8"));
    }
    for (mark, text, charset) in [
        (b"\xff\xfe".as_slice(), "Unicode text, UTF-16, little-endian text", "utf-16le"),
        (b"\xfe\xff", "Unicode text, UTF-16, big-endian text", "utf-16be"),
    ] {
        if content.starts_with(mark) {
            return Some(Found::new(text, "text/plain", charset));
        }
    }
    let odd = |byte: &u8| matches!(byte, 0..=6 | 14..=26 | 28..=31 | 127);
    if content.iter().any(odd) {
        return None;
    }
    // The last character of a long file may be cut.
    let valid = match std::str::from_utf8(content) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && content.len() as u64 == LOOKED_AT,
    };
    Some(if content.is_ascii() {
        described(content, "ASCII text", "us-ascii")
    } else if valid {
        described(content, "Unicode text, UTF-8 text", "utf-8")
    } else if content.iter().any(|byte| (0x80..0xa0).contains(byte)) {
        described(content, "Non-ISO extended-ASCII text", "unknown-8bit")
    } else {
        described(content, "ISO-8859 text", "iso-8859-1")
    })
}

/// Interpreters of scripts: the end of the name, what `file` says, the MIME type.
const SCRIPTS: &[(&str, &str, &str)] = &[
    ("bash", "Bourne-Again shell script", "text/x-shellscript"),
    ("sh", "POSIX shell script", "text/x-shellscript"),
    ("zsh", "Paul Falstad's zsh script", "text/x-shellscript"),
    ("python", "Python script", "text/x-script.python"),
    ("python3", "Python script", "text/x-script.python"),
    ("node", "Node.js script executable", "application/javascript"),
    ("perl", "Perl script text executable", "text/x-perl"),
    ("ruby", "Ruby script", "text/x-ruby"),
    ("awk", "awk script", "text/x-awk"),
];

fn described(content: &[u8], encoding: &str, charset: &'static str) -> Found {
    let whole = String::from_utf8_lossy(content);
    let start = whole.trim_start();
    let first = whole.lines().next().unwrap_or_default();
    let mut kind: Option<(String, &'static str)> = None;
    let mut executable = false;
    let mut alone = false;
    if let Some(command) = first.strip_prefix("#!") {
        let mut words = command.split_whitespace();
        let mut program = words.next().unwrap_or_default();
        if program.ends_with("/env") {
            program = words.find(|word| !word.starts_with('-')).unwrap_or_default();
        }
        let name = program.rsplit('/').next().unwrap_or_default();
        executable = true;
        kind = Some(match SCRIPTS.iter().find(|(script, ..)| *script == name) {
            Some((_, text, mime)) => {
                executable = !text.ends_with("executable");
                alone = text.ends_with("text executable");
                ((*text).to_owned(), mime)
            }
            None => (format!("a {} script", command.trim()), "text/plain"),
        });
    } else if let Some(values @ 1..) = json_values(&whole) {
        kind = Some(match values {
            1 => ("JSON text data".to_owned(), "application/json"),
            _ => ("New Line Delimited JSON text data".to_owned(), "application/x-ndjson"),
        });
        alone = true;
    } else if start.starts_with("<?xml") {
        kind = Some(("XML 1.0 document".to_owned(), "text/xml"));
    } else if starts_any(start, &["<!doctype html", "<html", "<head", "<body", "<title"]) {
        kind = Some(("HTML document".to_owned(), "text/html"));
    } else if starts_any(start, &["<svg"]) {
        kind = Some(("SVG Scalable Vector Graphics image".to_owned(), "image/svg+xml"));
    } else if whole.starts_with("diff --git ")
        || whole.starts_with("--- ") && whole.contains("\n+++ ")
    {
        kind = Some(("unified diff output".to_owned(), "text/x-diff"));
    } else if whole.lines().any(|line| line.starts_with("#include")) {
        let plus = ["class ", "namespace ", "template", "std::"];
        let text =
            if plus.iter().any(|word| whole.contains(word)) { "C++ source" } else { "C source" };
        let mime = if text == "C source" { "text/x-c" } else { "text/x-c++" };
        kind = Some((text.to_owned(), mime));
    } else if whole.lines().any(|line| {
        (line.starts_with("def ") || line.starts_with("class ")) && line.trim_end().ends_with(':')
            || line.starts_with("from ") && line.contains(" import ")
    }) {
        kind = Some(("Python script".to_owned(), "text/x-script.python"));
        executable = true;
    } else if is_csv(&whole) {
        kind = Some(("CSV text".to_owned(), "text/csv"));
        alone = true;
    }
    let mut text = match &kind {
        Some((kind, _)) if alone => kind.clone(),
        Some((kind, _)) => format!("{kind}, {encoding}"),
        None => encoding.to_owned(),
    };
    if executable {
        text.push_str(" executable");
    }
    let longest = content.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or(0);
    if longest > LONG_LINE && !alone {
        text.push_str(&format!(", with very long lines ({longest})"));
    }
    let crlf = content.windows(2).filter(|pair| pair == b"\r\n").count();
    let lf = content.iter().filter(|byte| **byte == b'\n').count() - crlf;
    let cr = content.iter().filter(|byte| **byte == b'\r').count() - crlf;
    if !alone {
        let ends: Vec<&str> = [(crlf, "CRLF"), (cr, "CR"), (lf, "LF")]
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(_, name)| *name)
            .collect();
        match ends.as_slice() {
            [] => text.push_str(", with no line terminators"),
            ["LF"] => {}
            ends => text.push_str(&format!(", with {} line terminators", ends.join(", "))),
        }
        if content.contains(&27) {
            text.push_str(", with escape sequences");
        }
    }
    Found::new(text, kind.map_or("text/plain", |(_, mime)| mime), charset)
}

fn starts_any(text: &str, starts: &[&str]) -> bool {
    let start: String = text.chars().take(20).collect::<String>().to_lowercase();
    starts.iter().any(|one| start.starts_with(one))
}

/// How many JSON objects and arrays a text is, one after another. Only the form is looked at:
/// brackets that match, strings that end.
fn json_values(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    let mut chars = text.chars();
    let mut values = 0;
    while let Some(c) = chars.next() {
        if open.is_empty() {
            match c {
                '{' | '[' => values += 1,
                c if c.is_whitespace() => continue,
                _ => return None,
            }
        }
        match c {
            '"' => loop {
                match chars.next() {
                    Some('\\') => drop(chars.next()),
                    Some('"') => break,
                    Some('\n') | None => return None,
                    Some(_) => {}
                }
            },
            '{' | '[' => open.push(c),
            '}' if open.pop() != Some('{') => return None,
            ']' if open.pop() != Some('[') => return None,
            '}' | ']' | ',' | ':' | '-' | '+' | '.' => {}
            c if c.is_ascii_digit() || c.is_whitespace() => {}
            // `true`, `false`, `null` and exponents.
            c if "truefalsnlE".contains(c) => {}
            _ => return None,
        }
    }
    open.is_empty().then_some(values)
}

/// Whether the first lines have the same number of commas each, three lines and one comma at least.
/// A line goes on where its end is within quotes.
fn is_csv(text: &str) -> bool {
    const LINES: usize = 10;
    let (mut quoted, mut commas, mut lines, mut first) = (false, 0, 0, None);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => commas += 1,
            '\n' if !quoted => {
                if commas == 0 || *first.get_or_insert(commas) != commas {
                    return false;
                }
                lines += 1;
                commas = 0;
            }
            _ => {}
        }
        if lines == LINES {
            break;
        }
    }
    lines > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_by_what_they_are() {
        for (content, text) in [
            (b"hello\n".as_slice(), "ASCII text"),
            ("h\u{e9}\n".as_bytes(), "Unicode text, UTF-8 text"),
            (b"a\r\nb\r\n", "ASCII text, with CRLF line terminators"),
            (b"abc", "ASCII text, with no line terminators"),
            (b"\xe9t\xe9\n", "ISO-8859 text"),
            (b"{\"a\": [1, true]}\n", "JSON text data"),
            (b"{\"a\": 1}\n[2]\n", "New Line Delimited JSON text data"),
            (b"{\"a\": 1}\n2\n", "ASCII text"),
            (b"a,b\n1,2\n", "ASCII text"),
            (b"a,b\n1,2\n3,4\n", "CSV text"),
            (b"a,b\n1,\"2\n,\"\n3,4\n", "CSV text"),
            ("h\u{e9},b\n1,2\n3,4\n".as_bytes(), "CSV text"),
            (b"a,b\n1,2,3\n4,5\n", "ASCII text"),
            (b"x", "very short file (no magic)"),
            (b"#!/bin/sh\n", "POSIX shell script, ASCII text executable"),
            (b"#!/usr/bin/env python3\n", "Python script, ASCII text executable"),
            (b"\0\x01\x02", "data"),
            (b"\0asm\x01\0\0\0", "WebAssembly (wasm) binary module version 0x1 (MVP)"),
            (b"%PDF-1.7\n", "PDF document, version 1.7"),
            (b"{not json}\n", "ASCII text"),
        ] {
            assert_eq!(of_content(content).text, text);
        }
    }
}
