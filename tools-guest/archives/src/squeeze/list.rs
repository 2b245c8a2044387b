//! `gzip -l`: what is in packed files.

use std::io::{self, BufReader, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::{CrcWriter, GzHeader};
use toolcell_program::files::look;
use toolcell_program::message;
use toolcell_zone::strftime;

use super::{Counted, Options, Trouble, own_name};

/// Bytes of the shortest header, and of what stands behind the content.
pub(super) const BARE: u64 = 18;

/// The list, and what all of it comes to.
pub(super) struct Listing<'a> {
    options: &'a Options,
    files: usize,
    packed: u64,
    whole: u64,
    /// Bytes of the last file that are not of its content.
    header: u64,
}

impl<'a> Listing<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self { options, files: 0, packed: 0, whole: 0, header: 0 }
    }

    /// Writes the line of a file.
    pub(super) fn add(&mut self, path: &str, out: &mut impl Write) -> Result<(), Trouble> {
        let input = toolcell_program::open(path).map_err(|e| Trouble::NoFile(message(&e)))?;
        let mut packed = 0;
        let mut decoder =
            MultiGzDecoder::new(BufReader::new(Counted { stream: input, bytes: &mut packed }));
        let mut sink = CrcWriter::new(io::sink());
        let whole = io::copy(&mut decoder, &mut sink)
            .map_err(|_| Trouble::Failed("not in gzip format".to_owned()))?;
        let header = decoder.header().cloned().unwrap_or_default();
        drop(decoder);
        self.header = length(&header);
        let verbose = self.options.verbose;
        if self.files == 0 && !self.options.quiet {
            let details = if verbose { "method  crc     date  time  " } else { "" };
            let sizes = "         compressed        uncompressed  ratio uncompressed_name";
            let _ = writeln!(out, "{details}{sizes}");
        }
        let named = self.options.named == Some(true);
        if verbose {
            let own = Some(header.mtime()).filter(|seconds| named && *seconds != 0);
            let modified = || look(path, true).map_or(0, |found| found.modified / 1_000_000_000);
            let seconds = own.map_or_else(modified, u64::from);
            let time = strftime("%b %e %H:%M", i64::try_from(seconds).unwrap_or(0));
            let _ = write!(out, "defla {:08x} {time} ", sink.crc().sum());
        }
        let name = match own_name(&header).filter(|_| named) {
            Some(name) => name,
            None if path == "-" => "stdout".to_owned(),
            None => path.strip_suffix(".gz").unwrap_or(path).to_owned(),
        };
        self.files += 1;
        self.packed += packed;
        self.whole += whole;
        let ratio = ratio(whole, packed, self.header);
        let _ = writeln!(out, "{packed:>19} {whole:>19} {ratio} {name}");
        Ok(())
    }

    /// Writes what several files come to.
    pub(super) fn finish(&self, out: &mut impl Write) {
        if self.files > 1 && !self.options.quiet {
            let details = if self.options.verbose { " ".repeat(28) } else { String::new() };
            let ratio = ratio(self.whole, self.packed, self.header);
            let _ =
                writeln!(out, "{details}{:>19} {:>19} {ratio} (totals)", self.packed, self.whole);
        }
    }
}

/// Bytes of a packed file that are not of its content.
pub(super) fn length(header: &GzHeader) -> u64 {
    let text = |text: Option<&[u8]>| text.map_or(0, |text| text.len() as u64 + 1);
    let extra = header.extra().map_or(0, |extra| extra.len() as u64 + 2);
    BARE + text(header.filename()) + text(header.comment()) + extra
}

/// How much smaller the content became.
pub(super) fn ratio(whole: u64, packed: u64, header: u64) -> String {
    let saved = match whole {
        0 => 0.0,
        whole => (whole as f64 - (packed as f64 - header as f64)) / whole as f64 * 100.0,
    };
    format!("{saved:5.1}%")
}
