//! Reading record by record.

use std::io::{self, Read};
use std::rc::Rc;

use crate::pattern::Matcher;
use crate::text::Text;

/// Bytes that are asked for at once.
const CHUNK: usize = 64 << 10;

/// What ends a record.
#[derive(Debug, Clone)]
pub(crate) enum Separator {
    Byte(u8),
    /// Empty lines.
    Paragraph,
    Regex(Rc<Matcher>),
}

/// A record, and what ended it.
pub(crate) struct Record {
    pub(crate) text: Text,
    pub(crate) end: Text,
}

/// Something that is read record by record.
pub(crate) struct Reader {
    input: Box<dyn Read>,
    /// What is read; what is before `from` was given out.
    buffer: Vec<u8>,
    from: usize,
    ended: bool,
}

impl Reader {
    pub(crate) fn new(input: Box<dyn Read>) -> Reader {
        Reader { input, buffer: Vec::new(), from: 0, ended: false }
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn next(&mut self, separator: &Separator) -> io::Result<Option<Record>> {
        if matches!(separator, Separator::Paragraph) {
            self.skip_newlines()?;
        }
        // Bytes that were looked at already.
        let mut seen = 0;
        loop {
            let rest = &self.buffer[self.from..];
            let found = match separator {
                Separator::Byte(byte) => {
                    memchr::memchr(*byte, &rest[seen..]).map(|at| (seen + at, seen + at + 1))
                }
                Separator::Paragraph => memchr::memmem::find(&rest[seen..], b"\n\n")
                    .map(|at| (seen + at, seen + at + 2)),
                // Where it reaches the end of what is read, it might go on.
                Separator::Regex(matcher) => matcher
                    .matches(rest)
                    .find(|found| !found.is_empty())
                    .map(|found| (found.start, found.end))
                    .filter(|(_, end)| *end < rest.len() || self.ended),
            };
            if let Some((at, end)) = found {
                let record = Record { text: rest[..at].into(), end: rest[at..end].into() };
                self.from += end;
                return Ok(Some(record));
            }
            if self.ended {
                return Ok(self.last(separator));
            }
            seen = match separator {
                Separator::Paragraph => rest.len().saturating_sub(1),
                _ => rest.len(),
            };
            self.fill()?;
        }
    }

    /// What is left at the end of the input.
    fn last(&mut self, separator: &Separator) -> Option<Record> {
        let rest = &self.buffer[self.from..];
        let rest = match separator {
            Separator::Paragraph => rest.strip_suffix(b"\n").unwrap_or(rest),
            _ => rest,
        };
        let record = Record { text: rest.into(), end: Text::default() };
        self.from = self.buffer.len();
        (!record.text.is_empty()).then_some(record)
    }

    fn skip_newlines(&mut self) -> io::Result<()> {
        loop {
            let newlines = self.buffer[self.from..].iter().take_while(|b| **b == b'\n').count();
            self.from += newlines;
            if self.from < self.buffer.len() || self.ended {
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// Reads more; what a long record needs is asked for in steps that grow with it.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.from);
        self.from = 0;
        let old = self.buffer.len();
        let wanted = CHUNK.max(old);
        self.buffer.resize(old + wanted, 0);
        let mut read = 0;
        while read < wanted {
            match self.input.read(&mut self.buffer[old + read..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.buffer.truncate(old + read);
                    return Err(error);
                }
            }
            // A record that is short may be complete: whoever writes the next one may wait for it.
            if old < CHUNK {
                break;
            }
        }
        self.buffer.truncate(old + read);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Reading;

    /// Gives a byte at a time.
    struct Slow(Vec<u8>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            buffer[0] = self.0.remove(0);
            Ok(1)
        }
    }

    fn all(input: &str, separator: &Separator) -> Vec<String> {
        let mut reader = Reader::new(Box::new(Slow(input.as_bytes().to_vec())));
        let mut records = Vec::new();
        while let Some(record) = reader.next(separator).unwrap() {
            records.push(String::from_utf8_lossy(&record.text).into_owned());
        }
        records
    }

    #[test]
    fn records_end_where_their_separator_does() {
        let line = Separator::Byte(b'\n');
        assert_eq!(all("a\n\nb", &line), ["a", "", "b"]);
        assert_eq!(all("a\nb\n", &line), ["a", "b"]);
        assert_eq!(all("\n\n\na\nb\n\n\n\nc\n\n", &Separator::Paragraph), ["a\nb", "c"]);
        let regex = Separator::Regex(Rc::new(Matcher::new(";+", Reading::default()).unwrap()));
        assert_eq!(all("a;;;b;c\n", &regex), ["a", "b", "c\n"]);
        assert_eq!(all("", &line), Vec::<String>::new());
    }

    #[test]
    fn what_ended_a_record_is_known() {
        let mut reader = Reader::new(Box::new(&b"a--b"[..]));
        let regex = Separator::Regex(Rc::new(Matcher::new("-+", Reading::default()).unwrap()));
        let ends: Vec<Text> =
            std::iter::from_fn(|| reader.next(&regex).unwrap()).map(|record| record.end).collect();
        assert_eq!(ends.iter().map(|end| &**end).collect::<Vec<_>>(), [&b"--"[..], b""]);
    }
}
