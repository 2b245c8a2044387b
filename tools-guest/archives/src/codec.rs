//! The compressed formats: gzip, bzip2, xz.

use std::io::{self, BufReader, Read, Write};

use bzip2::read::MultiBzDecoder;
use bzip2::write::BzEncoder;
use flate2::GzBuilder;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzReader, XzWriter};

/// The number by which the format of gzip names the system.
const UNIX: u8 = 3;

/// Memory that unpacking may take, in KiB: the dictionary of `xz -9` and room for the rest.
const MEMORY_KIB: u32 = 96 << 10;

/// One format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Gzip,
    Bzip2,
    Xz,
}

impl Codec {
    /// The format that content begins as.
    pub(crate) fn of(start: &[u8]) -> Option<Codec> {
        match start {
            [0x1f, 0x8b, ..] => Some(Codec::Gzip),
            [b'B', b'Z', b'h', ..] => Some(Codec::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Some(Codec::Xz),
            _ => None,
        }
    }

    /// The format that a file's name promises.
    pub(crate) fn of_name(name: &str) -> Option<Codec> {
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        match name {
            _ if ends(&[".gz", ".tgz"]) => Some(Codec::Gzip),
            _ if ends(&[".bz2", ".tbz2", ".tbz"]) => Some(Codec::Bzip2),
            _ if ends(&[".xz", ".txz"]) => Some(Codec::Xz),
            _ => None,
        }
    }

    /// The level that is taken when none is asked for.
    pub(crate) fn level(self) -> u32 {
        if self == Codec::Bzip2 { 9 } else { 6 }
    }

    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Codec::Gzip => ".gz",
            Codec::Bzip2 => ".bz2",
            Codec::Xz => ".xz",
        }
    }

    /// Reads what `input` holds unpacked.
    pub(crate) fn reader<'a>(self, input: impl Read + 'a) -> Box<dyn Read + 'a> {
        let input = BufReader::with_capacity(64 << 10, input);
        match self {
            Codec::Gzip => Box::new(MultiGzDecoder::new(input)),
            Codec::Bzip2 => Box::new(MultiBzDecoder::new(input)),
            Codec::Xz => Box::new(XzReader::new_mem_limit(input, true, MEMORY_KIB)),
        }
    }

    /// Writes into `output` packed, at a level from 1 to 9. The format of gzip says what it was
    /// packed from; the others say nothing of it.
    ///
    /// # Errors
    /// The library's.
    pub(crate) fn writer<'a>(
        self,
        output: impl Write + 'a,
        level: u32,
        origin: &Origin,
    ) -> io::Result<Box<dyn Packer + 'a>> {
        Ok(match self {
            Codec::Gzip => {
                let header = GzBuilder::new().operating_system(UNIX).mtime(origin.modified);
                let header = match &origin.name {
                    Some(name) => header.filename(name.as_bytes()),
                    None => header,
                };
                Box::new(header.write(output, flate2::Compression::new(level)))
            }
            Codec::Bzip2 => Box::new(BzEncoder::new(output, bzip2::Compression::new(level))),
            Codec::Xz => Box::new(XzWriter::new(output, XzOptions::with_preset(level))?),
        })
    }
}

/// What something was packed from.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    /// The name of the file, without its directory.
    pub name: Option<String>,
    /// When it was changed, in seconds since 1970; 0 where that is not known.
    pub modified: u32,
}

/// Something to write into that has an end.
pub(crate) trait Packer: Write {
    /// Writes the end.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

impl<W: Write> Packer for GzEncoder<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        GzEncoder::finish(*self)?.flush()
    }
}

impl<W: Write> Packer for BzEncoder<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        BzEncoder::finish(*self)?.flush()
    }
}

impl<W: Write> Packer for XzWriter<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        XzWriter::finish(*self)?.flush()
    }
}

/// What is written as it is.
pub(crate) struct Plain<W>(pub(crate) W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Packer for Plain<W> {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
}

/// The first bytes of `input`, up to `most`, and all of it again.
pub(crate) fn peek<'a>(
    mut input: impl Read + 'a,
    most: usize,
) -> io::Result<(Vec<u8>, impl Read + 'a)> {
    let mut start = Vec::new();
    input.by_ref().take(most as u64).read_to_end(&mut start)?;
    let whole = io::Cursor::new(start.clone()).chain(input);
    Ok((start, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let content: Vec<u8> = (0..200_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for codec in [Codec::Gzip, Codec::Bzip2, Codec::Xz] {
            let mut packed = Vec::new();
            let mut writer = codec.writer(&mut packed, 3, &Origin::default()).unwrap();
            writer.write_all(&content).unwrap();
            writer.finish().unwrap();
            assert!(packed.len() < content.len() / 2, "{codec:?}");
            assert_eq!(Codec::of(&packed), Some(codec));

            let mut back = Vec::new();
            // Two streams one after the other are one content.
            let twice = packed.iter().chain(&packed).copied().collect::<Vec<u8>>();
            codec.reader(&twice[..]).read_to_end(&mut back).unwrap();
            assert_eq!(back.len(), 2 * content.len(), "{codec:?}");

            let cut = &packed[..packed.len() - 9];
            assert!(codec.reader(cut).read_to_end(&mut Vec::new()).is_err(), "{codec:?} is cut");
            let (start, mut whole) = peek(&packed[..], 6).unwrap();
            assert_eq!(start, packed[..6]);
            let mut all = Vec::new();
            whole.read_to_end(&mut all).unwrap();
            assert_eq!(all, packed);
        }
    }
}
