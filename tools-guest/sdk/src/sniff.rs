//! What a file is by its first bytes, whatever its name says.

/// How much of a file is enough.
pub const SNIFF_BYTES: usize = 8 * 1024;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An image that a model can look at.
    Image(ImageKind),
    /// A PDF document.
    Pdf,
    /// Something binary, by name.
    Binary(&'static str),
    /// Text, as far as one can tell.
    Text,
}

/// The image formats that models take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ImageKind {
    Png,
    Jpeg,
    Gif,
    WebP,
}

impl ImageKind {
    /// Such as `image/png`.
    pub fn media_type(self) -> &'static str {
        match self {
            ImageKind::Png => "image/png",
            ImageKind::Jpeg => "image/jpeg",
            ImageKind::Gif => "image/gif",
            ImageKind::WebP => "image/webp",
        }
    }
}

const MAGIC: &[(&[u8], &str)] = &[
    (b"\x7fELF", "ELF executable or library"),
    (b"MZ", "Windows executable"),
    (b"PK\x03\x04", "zip archive"),
    (b"PK\x05\x06", "zip archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\0", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstandard data"),
    (b"7z\xbc\xaf\x27\x1c", "7-zip archive"),
    (b"Rar!\x1a\x07", "rar archive"),
    (b"\0asm", "WebAssembly binary"),
    (b"\xca\xfe\xba\xbe", "Java class or Mach-O binary"),
    (b"\xcf\xfa\xed\xfe", "Mach-O binary"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"OggS", "Ogg media"),
    (b"ID3", "MP3 audio"),
    (b"fLaC", "FLAC audio"),
    (b"\x1aE\xdf\xa3", "Matroska media"),
    (b"wOFF", "WOFF font"),
    (b"wOF2", "WOFF2 font"),
    (b"\0\x01\0\0", "TrueType font"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Office document"),
];

/// Looks at the first [`SNIFF_BYTES`] of a file.
pub fn sniff(head: &[u8]) -> Kind {
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Kind::Image(ImageKind::Png);
    }
    if head.starts_with(b"\xff\xd8\xff") {
        return Kind::Image(ImageKind::Jpeg);
    }
    if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
        return Kind::Image(ImageKind::Gif);
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Kind::Image(ImageKind::WebP);
    }
    if head.starts_with(b"%PDF-") {
        return Kind::Pdf;
    }
    let is_utf16 = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    let has_nul = head.contains(&0);
    // Some of these marks are plain letters: they count only where a NUL byte agrees, or where
    // they are no text themselves.
    let known = MAGIC.iter().find(|(magic, _)| {
        head.starts_with(magic) && (has_nul || magic.iter().any(|byte| !byte.is_ascii_graphic()))
    });
    match known {
        Some((_, name)) => Kind::Binary(name),
        None if has_nul && !is_utf16 => Kind::Binary("binary data"),
        None => Kind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide_and_letters_alone_do_not() {
        for (head, kind) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Kind::Image(ImageKind::Png)),
            (b"RIFF\x04\0\0\0WEBPVP8 ", Kind::Image(ImageKind::WebP)),
            (b"%PDF-1.7\n", Kind::Pdf),
            (b"\x7fELF\x02\x01", Kind::Binary("ELF executable or library")),
            (b"MZ notes about zones", Kind::Text),
            (b"MZ\x90\0", Kind::Binary("Windows executable")),
            (b"ab\0cd", Kind::Binary("binary data")),
            (b"\xff\xfea\0", Kind::Text),
            (b"", Kind::Text),
            (b"caf\xe9", Kind::Text),
        ] {
            assert_eq!(sniff(head), kind, "{}", head.escape_ascii());
        }
    }
}
