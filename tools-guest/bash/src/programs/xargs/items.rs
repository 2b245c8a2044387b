//! The items of a list, read as they are asked for.

use std::io::{BufRead, Bytes};
use std::iter::Peekable;

use toolcell_text::escape::decode;

/// How items are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separation {
    /// By blanks and newlines; quotes and backslashes keep them.
    Blanks,
    /// By newlines; blanks before an item are none of it.
    Lines,
    /// By this byte, whatever else there is.
    Byte(u8),
}

/// An item, and whether a line ends with it.
pub(super) type Item = (String, bool);

pub(super) struct Items<R: BufRead> {
    input: Peekable<Bytes<R>>,
    separation: Separation,
    /// An item that ends the list.
    end: Option<String>,
    /// Bytes that one item may have.
    most: usize,
}

impl<R: BufRead> Items<R> {
    pub(super) fn new(
        input: R,
        separation: Separation,
        end: Option<String>,
        most: usize,
    ) -> Items<R> {
        Items { input: input.bytes().peekable(), separation, end, most }
    }

    /// The next item.
    ///
    /// # Errors
    /// What is wrong with the list.
    pub(super) fn next(&mut self) -> Result<Option<Item>, String> {
        let item = match self.separation {
            Separation::Byte(end) => self.until(end)?,
            Separation::Blanks | Separation::Lines => self.word()?,
        };
        Ok(item.filter(|(item, _)| self.end.as_ref() != Some(item)))
    }

    fn byte(&mut self) -> Result<Option<u8>, String> {
        let byte = self.input.next().transpose();
        byte.map_err(|error| toolcell_program::message(&error))
    }

    fn push(&self, item: &mut Vec<u8>, byte: u8) -> Result<(), String> {
        if item.len() >= self.most {
            return Err("argument line too long".to_owned());
        }
        item.push(byte);
        Ok(())
    }

    fn until(&mut self, end: u8) -> Result<Option<Item>, String> {
        let mut item = Vec::new();
        let mut any = false;
        while let Some(byte) = self.byte()? {
            any = true;
            if byte == end {
                break;
            }
            self.push(&mut item, byte)?;
        }
        Ok(any.then(|| (decode(&item), true)))
    }

    fn word(&mut self) -> Result<Option<Item>, String> {
        let by_lines = self.separation == Separation::Lines;
        let mut item: Option<Vec<u8>> = None;
        let ends_line = loop {
            let Some(byte) = self.byte()? else { break true };
            match byte {
                b'\n' if item.is_some() => break true,
                b'\n' => {}
                b' ' | b'\t' if item.is_none() => {}
                b' ' | b'\t' if !by_lines => break false,
                b'\'' | b'"' => {
                    let mut inner = item.take().unwrap_or_default();
                    self.quoted(byte, &mut inner)?;
                    item = Some(inner);
                }
                b'\\' => {
                    let mut inner = item.take().unwrap_or_default();
                    if let Some(byte) = self.byte()? {
                        self.push(&mut inner, byte)?;
                    }
                    item = Some(inner);
                }
                byte => {
                    let mut inner = item.take().unwrap_or_default();
                    self.push(&mut inner, byte)?;
                    item = Some(inner);
                }
            }
        };
        Ok(item.map(|item| (decode(&item), ends_line)))
    }

    fn quoted(&mut self, quote: u8, item: &mut Vec<u8>) -> Result<(), String> {
        loop {
            match self.byte()? {
                Some(byte) if byte == quote => return Ok(()),
                None | Some(b'\n') => {
                    let kind = if quote == b'"' { "double" } else { "single" };
                    return Err(format!(
                        "unmatched {kind} quote; by default quotes are special to xargs unless you use the -0 option"
                    ));
                }
                Some(byte) => self.push(item, byte)?,
            }
        }
    }
}
