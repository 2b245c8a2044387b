//! Text files, decoded without losing a byte (rule X13).

use std::borrow::Cow;

/// How a file's bytes stand for text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16, little end first, with a byte order mark.
    Utf16Le,
    /// UTF-16, big end first, with a byte order mark.
    Utf16Be,
    /// ASCII with other bytes that are not UTF-8: some legacy encoding.
    Unknown,
}

impl Encoding {
    /// The name used in results.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
            Encoding::Unknown => "unknown-8bit",
        }
    }
}

/// What ends most lines of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eol {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
}

impl Eol {
    /// The name used in results.
    pub fn name(self) -> &'static str {
        match self {
            Eol::Lf => "lf",
            Eol::CrLf => "crlf",
        }
    }

    /// The characters.
    pub fn text(self) -> &'static str {
        match self {
            Eol::Lf => "\n",
            Eol::CrLf => "\r\n",
        }
    }
}

/// How a file is encoded, and the length of its byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The encoding.
    pub encoding: Encoding,
    /// Bytes of the mark; 0 without one.
    pub bom: usize,
}

/// Looks at the first bytes and, for UTF-8, at all of them.
pub fn form(bytes: &[u8]) -> Form {
    if bytes.starts_with(&[0xff, 0xfe]) {
        return Form { encoding: Encoding::Utf16Le, bom: 2 };
    }
    if bytes.starts_with(&[0xfe, 0xff]) {
        return Form { encoding: Encoding::Utf16Be, bom: 2 };
    }
    let bom = if bytes.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
    let encoding = match std::str::from_utf8(bytes) {
        Ok(_) => Encoding::Utf8,
        Err(_) => Encoding::Unknown,
    };
    Form { encoding, bom }
}

/// The text of a whole file for showing: without its mark, and with replacement characters for
/// what cannot be decoded. Never write this back.
pub fn shown(bytes: &[u8]) -> (Cow<'_, str>, Form) {
    let form = form(bytes);
    let body = &bytes[form.bom..];
    let text = match form.encoding {
        Encoding::Utf8 | Encoding::Unknown => String::from_utf8_lossy(body),
        Encoding::Utf16Le | Encoding::Utf16Be => {
            let units = units(body, form.encoding);
            let text = char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            Cow::Owned(text)
        }
    };
    (text, form)
}

/// The 16-bit units of a UTF-16 body. An odd last byte is left out.
pub fn units(body: &[u8], encoding: Encoding) -> impl Iterator<Item = u16> {
    body.chunks_exact(2).map(move |pair| match encoding {
        Encoding::Utf16Be => u16::from_be_bytes([pair[0], pair[1]]),
        _ => u16::from_le_bytes([pair[0], pair[1]]),
    })
}

/// Text in an encoding, without a byte order mark; `None` if some of it does not fit, which is
/// so for anything but ASCII in a legacy encoding.
pub fn encode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Utf8 => Some(text.as_bytes().to_vec()),
        Encoding::Unknown => text.is_ascii().then(|| text.as_bytes().to_vec()),
        Encoding::Utf16Le => Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        Encoding::Utf16Be => Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    }
}

/// A file's byte order mark.
pub fn bom(form: Form) -> &'static [u8] {
    match (form.encoding, form.bom) {
        (_, 0) => &[],
        (Encoding::Utf16Le, _) => &[0xff, 0xfe],
        (Encoding::Utf16Be, _) => &[0xfe, 0xff],
        (Encoding::Utf8 | Encoding::Unknown, _) => &[0xef, 0xbb, 0xbf],
    }
}

/// What ends most lines; `\n` where there are none.
pub fn majority_eol(text: &[u8]) -> Eol {
    let all = text.iter().filter(|byte| **byte == b'\n').count();
    let crlf = text.windows(2).filter(|pair| pair == b"\r\n").count();
    if crlf * 2 > all { Eol::CrLf } else { Eol::Lf }
}

/// A byte count for people: `512 B`, `1.5 KB`, `2.0 MB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

/// Tokens of a text by the fixed rule of four bytes each (rule X15).
pub fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x13_forms_are_told_apart() {
        for (bytes, encoding, bom, text) in [
            (&b"abc"[..], Encoding::Utf8, 0, "abc"),
            (b"\xef\xbb\xbfabc", Encoding::Utf8, 3, "abc"),
            (b"\xff\xfea\0b\0", Encoding::Utf16Le, 2, "ab"),
            (b"\xfe\xff\0a\0b", Encoding::Utf16Be, 2, "ab"),
            (b"caf\xe9", Encoding::Unknown, 0, "caf\u{fffd}"),
        ] {
            let (shown, form) = shown(bytes);
            assert_eq!((&*shown, form), (text, Form { encoding, bom }));
        }
    }

    #[test]
    fn only_ascii_fits_an_unknown_encoding() {
        assert_eq!(encode("a", Encoding::Unknown), Some(b"a".to_vec()));
        assert_eq!(encode("é", Encoding::Unknown), None);
        assert_eq!(encode("é", Encoding::Utf16Le), Some(vec![0xe9, 0]));
    }

    #[test]
    fn eol_goes_by_majority() {
        assert_eq!(majority_eol(b"a\r\nb\r\nc\n"), Eol::CrLf);
        assert_eq!(majority_eol(b"a\r\nb\n"), Eol::Lf);
        assert_eq!(majority_eol(b""), Eol::Lf);
    }
}
