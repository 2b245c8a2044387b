//! What a character is: a byte in the locale `C`, one of Unicode in any other.

use std::borrow::Cow;

use toolcell_text::escape;

use crate::shell::Shell;
use crate::system::System;

impl<S: System> Shell<S> {
    /// Whether every byte is a character: the locale is `C`, or there is none.
    pub(crate) fn is_of_bytes(&self) -> bool {
        escape::is_of_bytes(|name| self.state.vars.get(name)?.value.scalar())
    }

    /// A text in the characters of the locale.
    pub(crate) fn in_locale<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match !text.is_ascii() && self.is_of_bytes() {
            true => escape::apart(text),
            false => Cow::Borrowed(text),
        }
    }

    /// The same of a text that is not needed any more.
    pub(crate) fn owned_in_locale(&self, text: String) -> String {
        match self.in_locale(&text) {
            Cow::Owned(apart) => apart,
            Cow::Borrowed(_) => text,
        }
    }

    /// A text that may hold characters of the locale, as the shell keeps it.
    pub(crate) fn out_of_locale(&self, text: String) -> String {
        match !text.is_ascii() && self.is_of_bytes() {
            true => escape::joined(&text),
            false => text,
        }
    }

    /// How many whole characters these bytes begin with, and of how many bytes those are. A byte
    /// that cannot be part of one counts for one.
    pub(crate) fn whole_characters(&self, bytes: &[u8]) -> (usize, usize) {
        if self.is_of_bytes() {
            return (bytes.len(), bytes.len());
        }
        let is_begun =
            |part: &[u8]| std::str::from_utf8(part).is_err_and(|error| error.error_len().is_none());
        let (mut count, mut length) = (0, 0);
        for chunk in bytes.utf8_chunks() {
            count += chunk.valid().chars().count();
            length += chunk.valid().len();
            let is_last = length + chunk.invalid().len() == bytes.len();
            if !(is_last && is_begun(chunk.invalid())) {
                count += chunk.invalid().len();
                length += chunk.invalid().len();
            }
        }
        (count, length)
    }

    /// The number by which a character stands in `'c`, which is how numbers name one.
    pub(crate) fn code_of_first(&self, text: &str) -> u32 {
        let first = self.in_locale(text).chars().next();
        first.map_or(0, |c| escape::escaped(c).map_or(u32::from(c), u32::from))
    }
}
