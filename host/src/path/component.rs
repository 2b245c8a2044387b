//! One name: neither empty, nor `.` or `..`, without a slash or NUL.
//!
//! A file on disk can have a name that is not UTF-8, which a guest cannot say. Such names are
//! shown with `\xNN` for each offending byte, and the escaped form is accepted back.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::{MAX_NAME_BYTES, PathError};

/// A single file name in the bytes that the operating system gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component(Box<[u8]>);

impl Component {
    /// Checks one name.
    ///
    /// # Errors
    /// When it is empty, `.`, `..`, holds a slash or NUL, or is over [`MAX_NAME_BYTES`].
    pub fn new(name: &[u8]) -> Result<Component, PathError> {
        match name {
            b"" => Err(PathError::Empty),
            b"." | b".." => Err(PathError::NoName),
            name if name.contains(&0) => Err(PathError::Nul),
            name if name.contains(&b'/') => Err(PathError::NoName),
            name if name.len() > MAX_NAME_BYTES => Err(PathError::TooLong),
            name => Ok(Component(name.into())),
        }
    }

    /// The name as the operating system takes it.
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }

    /// The name as a guest sees it, [`escape`]d where it is not UTF-8.
    pub fn text(&self) -> Cow<'_, str> {
        escape(&self.0)
    }
}

/// Shows a name to a guest: UTF-8 as it is, every other byte as `\xNN`.
pub fn escape(name: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(name) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(name.len() + 8);
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    Cow::Owned(text)
}

/// The bytes that [`escape`] showed as `text`, when they differ from the text itself.
///
/// A caller tries the text as it stands first, so that a name which really holds a backslash wins.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find("\\x") {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let hex = rest.get(at + 2..at + 4).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex {
            Some(byte) if byte >= 0x80 => {
                bytes.push(byte);
                found = true;
                rest = &rest[at + 4..];
            }
            _ => {
                bytes.extend_from_slice(b"\\x");
                rest = &rest[at + 2..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    found.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_one_name() {
        let long = [b'a'; MAX_NAME_BYTES + 1];
        for (name, why) in [
            (&b""[..], PathError::Empty),
            (b".", PathError::NoName),
            (b"..", PathError::NoName),
            (b"a/b", PathError::NoName),
            (b"a\0", PathError::Nul),
            (&long, PathError::TooLong),
        ] {
            assert_eq!(Component::new(name), Err(why), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn escaped_names_come_back() {
        for name in [&b"caf\xe9"[..], b"\xff\xfe", b"a\xc3", b"\xe2\x82x"] {
            let text = escape(name).into_owned();
            assert_eq!(unescape(&text).as_deref(), Some(name), "{text}");
        }
        for plain in ["a", "a\\x", "a\\x4", "a\\x41", "é"] {
            assert_eq!(unescape(plain), None, "{plain}");
        }
    }
}
