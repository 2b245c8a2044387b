//! A file as text with `\n` line ends, and the way back to its bytes.

use toolcell_sdk::text::{self, Encoding, Form};

/// What is searched: UTF-8 (or, for a legacy encoding, the bytes as they are) with every `\r\n`
/// shown as `\n`, without byte order mark.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) text: Vec<u8>,
    pub(crate) form: Form,
    map: Map,
}

#[derive(Debug)]
enum Map {
    /// Positions in the text of the `\n`s that were `\r\n`, in order.
    Dropped(Vec<usize>),
    /// For each byte of the text, and its end, where it comes from.
    Each(Vec<u32>),
}

impl View {
    pub(crate) fn new(bytes: &[u8]) -> View {
        let form = text::form(bytes);
        let body = &bytes[form.bom..];
        match form.encoding {
            Encoding::Utf8 | Encoding::Unknown => View::of_bytes(body, form),
            Encoding::Utf16Le | Encoding::Utf16Be => View::of_utf16(body, form),
        }
    }

    fn of_bytes(body: &[u8], form: Form) -> View {
        let (mut text, mut dropped) = (Vec::with_capacity(body.len()), Vec::new());
        let mut rest = body;
        while let Some(at) = memchr::memmem::find(rest, b"\r\n") {
            text.extend_from_slice(&rest[..at]);
            dropped.push(text.len());
            text.push(b'\n');
            rest = &rest[at + 2..];
        }
        text.extend_from_slice(rest);
        View { text, form, map: Map::Dropped(dropped) }
    }

    fn of_utf16(body: &[u8], form: Form) -> View {
        let (mut text, mut each) = (Vec::new(), Vec::new());
        let units: Vec<u16> = text::units(body, form.encoding).collect();
        let mut at = 0;
        let mut buffer = [0; 4];
        for unit in char::decode_utf16(units.iter().copied()) {
            let here = (form.bom + at * 2) as u32;
            let (shown, width) = match &unit {
                Ok('\r') if units.get(at + 1) == Some(&0x0a) => ("", 1),
                // Comes right after the carriage return that was left out, and stands for both.
                Ok(char) => (&*char.encode_utf8(&mut buffer), char.len_utf16()),
                // Half a character matches nothing that can be typed.
                Err(_) => ("\u{fffd}", 1),
            };
            let after_cr = shown == "\n" && at > 0 && units[at - 1] == 0x0d;
            let from = if after_cr { here - 2 } else { here };
            each.extend(std::iter::repeat_n(from, shown.len()));
            text.extend_from_slice(shown.as_bytes());
            at += width;
        }
        each.push((form.bom + at * 2) as u32);
        View { text, form, map: Map::Each(each) }
    }

    /// The original position of a position in the text. Before a `\n` that was `\r\n` it is that
    /// of the `\r`, so that a span either takes both or neither.
    pub(crate) fn original(&self, position: usize) -> usize {
        match &self.map {
            Map::Dropped(dropped) => {
                self.form.bom + position + dropped.partition_point(|at| *at < position)
            }
            Map::Each(each) => each[position] as usize,
        }
    }

    /// The number of the line that holds a position, from 1.
    pub(crate) fn line(&self, position: usize) -> usize {
        memchr::memchr_iter(b'\n', &self.text[..position]).count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_leads_back() {
        let view = View::new(b"\xef\xbb\xbfa\r\nb\nc\r\n");
        assert_eq!(view.text, b"a\nb\nc\n");
        let back: Vec<usize> = (0..=view.text.len()).map(|at| view.original(at)).collect();
        assert_eq!(back, [3, 4, 6, 7, 8, 9, 11]);
    }

    #[test]
    fn utf16_leads_back_too() {
        let view = View::new(b"\xff\xfea\0\r\0\n\0\xe9\0");
        assert_eq!(view.text, "a\né".as_bytes());
        let back: Vec<usize> = (0..=view.text.len()).map(|at| view.original(at)).collect();
        assert_eq!(back, [2, 4, 8, 8, 10]);
    }
}
