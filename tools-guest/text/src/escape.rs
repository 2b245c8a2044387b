//! Bytes as text, without losing any.
//!
//! A shell's data is bytes; its language works on characters. A byte that is not part of UTF-8
//! becomes one character of a private plane and turns back into that byte on the way out, as
//! Python's `surrogateescape` does it.

use std::borrow::Cow;

/// Where the escaped bytes lie: U+10FF00 + byte, at the end of the last private plane.
const ESCAPE: u32 = 0x0010_FF00;

/// Text of these bytes.
pub fn decode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| escape(*byte)));
    }
    text
}

/// The character that stands for a byte outside of UTF-8; none for one of ASCII.
pub fn escape(byte: u8) -> Option<char> {
    if byte.is_ascii() { None } else { char::from_u32(ESCAPE + u32::from(byte)) }
}

/// The byte that a character stands for, if it stands for one.
pub fn escaped(c: char) -> Option<u8> {
    let byte = u32::from(c).checked_sub(ESCAPE).and_then(|byte| u8::try_from(byte).ok());
    byte.filter(|byte| !byte.is_ascii())
}

/// The bytes of this text.
pub fn encode(text: &str) -> Cow<'_, [u8]> {
    // What stands for a byte begins with this one.
    if !text.as_bytes().contains(&0xF4) || !text.contains(|c| escaped(c).is_some()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match escaped(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// Whether every byte is a character: the locale is `C`, which is also what no locale comes to.
/// `get` gives what the variables of the locale are set to.
pub fn is_of_bytes<T: AsRef<str>>(get: impl Fn(&str) -> Option<T>) -> bool {
    let mut set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(get);
    set.find(|locale| !locale.as_ref().is_empty())
        .is_none_or(|locale| matches!(locale.as_ref(), "C" | "POSIX"))
}

/// A text with each byte of what is not ASCII as a character: that is how a locale without
/// characters has it. [`joined`] turns it back.
pub fn apart(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let bytes = encode(text);
    Cow::Owned(bytes.iter().map(|byte| escape(*byte).unwrap_or(char::from(*byte))).collect())
}

/// A text in which bytes that make up a character are one.
pub fn joined(text: &str) -> String {
    decode(&encode(text))
}

#[cfg(test)]
mod tests {
    #[test]
    fn characters_come_apart_and_together() {
        let text = "a\u{e9}\u{65e5}\u{10ffe9}b";
        let apart = super::apart(text);
        assert_eq!(apart.chars().count(), 8);
        assert_eq!(super::joined(&apart), text);
        assert_eq!(super::encode(&apart), super::encode(text));
    }

    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(encode(&decode(&all)).as_ref(), all);
        assert_eq!(decode("grün".as_bytes()), "grün");
    }
}
