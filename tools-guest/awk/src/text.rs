//! Text: bytes, which may be a part of a larger piece that others share.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::rc::Rc;

/// Bytes. A field of a record is such a part of it, and costs no copy.
#[derive(Clone, Default)]
pub(crate) struct Text {
    /// None where there are no bytes.
    whole: Option<Rc<[u8]>>,
    from: usize,
    to: usize,
}

/// How many times as much as it says a text may hold on to when it is kept.
const MAX_SLACK: usize = 4;

impl Text {
    /// A part of it.
    pub(crate) fn part(&self, range: Range<usize>) -> Text {
        if range.is_empty() {
            return Text::default();
        }
        let (from, to) = (self.from + range.start, self.from + range.end);
        Text { whole: self.whole.clone(), from, to }
    }

    /// The same for a variable, which may outlive the record: it does not hold on to all of it.
    pub(crate) fn kept(self) -> Text {
        match &self.whole {
            Some(whole) if whole.len() / MAX_SLACK > self.len() + 16 => Text::from(&*self),
            _ => self,
        }
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.whole.as_ref().map_or(&[], |whole| &whole[self.from..self.to])
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Text {
        match bytes.is_empty() {
            true => Text::default(),
            false => Text { whole: Some(bytes.into()), from: 0, to: bytes.len() },
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::from(text.as_bytes())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(self).fmt(formatter)
    }
}

/// What a character of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Units {
    /// One of UTF-8; a byte outside of it is one, too.
    #[default]
    Characters,
    /// A byte, as in the locale `C`.
    Bytes,
}

impl Units {
    fn are_bytes(self, bytes: &[u8]) -> bool {
        self == Units::Bytes || bytes.is_ascii()
    }

    /// How many characters.
    pub(crate) fn count(self, bytes: &[u8]) -> usize {
        if self.are_bytes(bytes) {
            return bytes.len();
        }
        bytes.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
    }

    /// How many bytes the first `chars` characters take.
    pub(crate) fn offset(self, bytes: &[u8], chars: usize) -> usize {
        let head = &bytes[..chars.min(bytes.len())];
        if self.are_bytes(head) {
            return head.len();
        }
        let mut left = chars;
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                if left == 0 {
                    return at;
                }
                left -= 1;
                at += c.len_utf8();
            }
            let skipped = left.min(chunk.invalid().len());
            left -= skipped;
            at += skipped;
            if skipped < chunk.invalid().len() {
                return at;
            }
        }
        at
    }

    /// Each character as bytes.
    pub(crate) fn chars(self, bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut at = 0;
        std::iter::from_fn(move || {
            let next = &bytes[at..bytes.len().min(at + MAX_CHARACTER)];
            let start = at;
            at += self.offset(next, 1);
            (at > start).then_some(start..at)
        })
    }

    /// With the capitals or the small letters of each part that is text changed.
    pub(crate) fn changed(self, bytes: &[u8], case: Case) -> Text {
        let mut result = Vec::with_capacity(bytes.len());
        if self.are_bytes(bytes) {
            result.extend_from_slice(bytes);
            match case {
                Case::Lower => result.make_ascii_lowercase(),
                Case::Upper => result.make_ascii_uppercase(),
            }
            return Text::from(&*result);
        }
        for chunk in bytes.utf8_chunks() {
            let changed = match case {
                Case::Lower => chunk.valid().to_lowercase(),
                Case::Upper => chunk.valid().to_uppercase(),
            };
            result.extend_from_slice(changed.as_bytes());
            result.extend_from_slice(chunk.invalid());
        }
        Text::from(&*result)
    }
}

/// Bytes that a character of UTF-8 takes at most.
pub(crate) const MAX_CHARACTER: usize = 4;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Case {
    Lower,
    Upper,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_those_of_utf8_and_bytes_outside_of_it() {
        let bytes = b"a\xc3\xa9\xffb\xc3";
        let units = Units::Characters;
        assert_eq!((units.count(bytes), Units::Bytes.count(bytes)), (5, 6));
        for (chars, at) in [(0, 0), (1, 1), (2, 3), (3, 4), (4, 5), (5, 6), (9, 6)] {
            assert_eq!(units.offset(bytes, chars), at, "{chars} characters");
            assert_eq!(Units::Bytes.offset(bytes, chars), chars.min(6), "{chars} bytes");
        }
        let all: Vec<&[u8]> = units.chars(bytes).map(|range| &bytes[range]).collect();
        assert_eq!(all, [&b"a"[..], b"\xc3\xa9", b"\xff", b"b", b"\xc3"]);
        assert_eq!(Units::Bytes.chars(bytes).count(), 6);
        assert_eq!(&*units.changed(bytes, Case::Upper), b"A\xc3\x89\xffB\xc3");
        assert_eq!(&*Units::Bytes.changed(bytes, Case::Upper), b"A\xc3\xa9\xffB\xc3");
    }

    #[test]
    fn what_is_kept_does_not_keep_all() {
        let record = Text::from(&*vec![b'x'; 10_000]);
        let field = record.part(5..8).kept();
        drop(record);
        assert_eq!(field.whole.as_ref().map(|whole| whole.len()), Some(3));
        assert_eq!(&*field, b"xxx");
    }
}
