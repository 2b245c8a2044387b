//! `iconv`, on the encodings of the web platform and the forms of Unicode.

use std::io::{Read as _, Write};

use encoding_rs::Encoding;
use toolcell_program::args::{Arg, parse};
use toolcell_program::message;

/// One encoding.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Charset {
    Ascii,
    Latin1,
    Utf16 { big: bool, mark: bool },
    Utf32 { big: bool, mark: bool },
    Other(&'static Encoding),
}

fn charset(name: &str) -> Option<Charset> {
    let plain: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_lowercase();
    Some(match plain.as_str() {
        "ascii" | "usascii" | "ansix341968" | "646" | "c" => Charset::Ascii,
        "latin1" | "iso88591" | "l1" => Charset::Latin1,
        "utf16" | "ucs2" | "unicode" => Charset::Utf16 { big: false, mark: true },
        "utf16le" | "ucs2le" => Charset::Utf16 { big: false, mark: false },
        "utf16be" | "ucs2be" => Charset::Utf16 { big: true, mark: false },
        "utf32" | "ucs4" => Charset::Utf32 { big: false, mark: true },
        "utf32le" | "ucs4le" => Charset::Utf32 { big: false, mark: false },
        "utf32be" | "ucs4be" => Charset::Utf32 { big: true, mark: false },
        "utf8" | "" => Charset::Other(encoding_rs::UTF_8),
        plain => {
            let codepage = plain.strip_prefix("cp").map(|number| format!("windows-{number}"));
            let found = Encoding::for_label(name.as_bytes())
                .or_else(|| Encoding::for_label(plain.as_bytes()))
                .or_else(|| Encoding::for_label(codepage?.as_bytes()))?;
            Charset::Other(found)
        }
    })
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = ["from-code=:f", "to-code=:t", "list:l", "output=:o", "silent:s", "verbose:v"];
    let args = match parse(words, "f:t:lco:sv", &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("iconv: {error}\nTry `iconv --help' for more information.");
            return 1;
        }
    };
    let (mut from, mut to) = (String::new(), String::new());
    let (mut output, mut leave_out, mut paths) = (None, false, Vec::new());
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, value) => match letter.as_str() {
                "f" => from = value.unwrap_or_default(),
                "t" => to = value.unwrap_or_default(),
                "o" => output = value,
                "c" => leave_out = true,
                "l" => {
                    let names = "ASCII UTF-8 UTF-16 UTF-16LE UTF-16BE UTF-32 UTF-32LE UTF-32BE \
                                 ISO-8859-1 ISO-8859-2 ISO-8859-15 WINDOWS-1250 WINDOWS-1251 \
                                 WINDOWS-1252 KOI8-R SHIFT_JIS EUC-JP ISO-2022-JP EUC-KR GBK \
                                 GB18030 BIG5 MACINTOSH";
                    let listed = names.split(' ').try_for_each(|name| writeln!(out, "{name}//"));
                    return i32::from(listed.is_err());
                }
                _ => {}
            },
        }
    }
    let (to, how) = to.split_once("//").unwrap_or((&to, ""));
    let how = how.to_uppercase();
    let replace = how.contains("TRANSLIT");
    leave_out |= how.contains("IGNORE");
    let from = from.split("//").next().unwrap_or_default();
    let (Some(source), Some(target)) = (charset(from), charset(to)) else {
        let (which, name) = if charset(from).is_none() { ("from", from) } else { ("to", to) };
        eprintln!("iconv: conversion {which} `{name}' is not supported");
        return 1;
    };
    if paths.is_empty() {
        paths.push("-".to_owned());
    }
    let mut content = Vec::new();
    let mut status = 0;
    for path in &paths {
        let read =
            toolcell_program::open(path).and_then(|mut input| input.read_to_end(&mut content));
        if let Err(error) = read {
            eprintln!("iconv: cannot open input file `{path}': {}", message(&error));
            status = 1;
        }
    }
    let (text, mut wrong) = decode(&content, source, leave_out);
    let (bytes, unfit) = encode(&text, target, replace, leave_out);
    // What comes first in the input is what stopped it.
    if let (Some(byte), Some(at)) = (unfit, wrong) {
        wrong = Some(byte.min(at));
    } else {
        wrong = wrong.or(unfit);
    }
    let written = match &output {
        Some(path) => std::fs::write(path, &bytes),
        None => out.write_all(&bytes).and_then(|()| out.flush()),
    };
    if let Err(error) = written {
        eprintln!("iconv: unable to write the output: {}", message(&error));
        return 1;
    }
    match wrong {
        Some(at) if !leave_out => {
            let at = if source == Charset::Other(encoding_rs::UTF_8) {
                at
            } else {
                at.min(content.len())
            };
            eprintln!("iconv: illegal input sequence at position {at}");
            1
        }
        Some(_) => 1,
        None => status,
    }
}

/// The text up to the first byte that is none (or without such bytes), and where that was.
fn decode(content: &[u8], charset: Charset, leave_out: bool) -> (String, Option<usize>) {
    let units = |size: usize, big: bool| -> Vec<u32> {
        let number = |unit: &[u8]| {
            let fold = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
            match big {
                true => unit.iter().fold(0, fold),
                false => unit.iter().rev().fold(0, fold),
            }
        };
        content.chunks_exact(size).map(number).collect()
    };
    let order = |size: usize, big: bool, mark: bool| {
        if mark && units(size, true).first() == Some(&0xfeff) { true } else { big }
    };
    let mut text = String::new();
    let mut wrong = None;
    match charset {
        Charset::Latin1 => text.extend(content.iter().map(|byte| char::from(*byte))),
        Charset::Ascii => {
            for (at, byte) in content.iter().enumerate() {
                match byte.is_ascii() {
                    true => text.push(char::from(*byte)),
                    false => {
                        wrong = wrong.or(Some(at));
                        if !leave_out {
                            break;
                        }
                    }
                }
            }
        }
        Charset::Utf16 { big, mark } => {
            let units = units(2, order(2, big, mark));
            let units = units.iter().skip(usize::from(mark && units.first() == Some(&0xfeff)));
            let mut at = 0;
            for decoded in char::decode_utf16(units.map(|unit| (unit & 0xFFFF) as u16)) {
                match decoded {
                    Ok(c) => {
                        text.push(c);
                        at += c.len_utf16() * 2;
                    }
                    Err(_) => {
                        wrong = wrong.or(Some(at));
                        at += 2;
                        if !leave_out {
                            break;
                        }
                    }
                }
            }
        }
        Charset::Utf32 { big, mark } => {
            let units = units(4, order(4, big, mark));
            let skip = usize::from(mark && units.first() == Some(&0xfeff));
            for (at, unit) in units.iter().enumerate().skip(skip) {
                match char::from_u32(*unit) {
                    Some(c) => text.push(c),
                    None => {
                        wrong = wrong.or(Some(at * 4));
                        if !leave_out {
                            break;
                        }
                    }
                }
            }
        }
        Charset::Other(encoding) if encoding == encoding_rs::UTF_8 => {
            let mut rest = content;
            loop {
                match std::str::from_utf8(rest) {
                    Ok(valid) => {
                        text.push_str(valid);
                        break;
                    }
                    Err(error) => {
                        let good = error.valid_up_to();
                        text.push_str(&String::from_utf8_lossy(&rest[..good]));
                        wrong = wrong.or(Some(content.len() - rest.len() + good));
                        if !leave_out {
                            break;
                        }
                        rest = &rest[good + error.error_len().unwrap_or(rest.len() - good)..];
                    }
                }
            }
        }
        Charset::Other(encoding) => {
            let (decoded, damaged) = encoding.decode_without_bom_handling(content);
            if damaged {
                wrong = Some(decoded.find('\u{fffd}').unwrap_or(0));
            }
            text.push_str(&decoded);
        }
    }
    (text, wrong)
}

/// The bytes up to the first character that the encoding lacks (or without such characters), and
/// where in the text, as UTF-8, that was.
fn encode(
    text: &str,
    charset: Charset,
    replace: bool,
    leave_out: bool,
) -> (Vec<u8>, Option<usize>) {
    let mut bytes = Vec::new();
    let mut wrong = None;
    let mut put = |unit: u32, size: usize, big: bool| match big {
        true => bytes.extend_from_slice(&unit.to_be_bytes()[4 - size..]),
        false => bytes.extend_from_slice(&unit.to_le_bytes()[..size]),
    };
    match charset {
        Charset::Utf16 { big, mark } => {
            if mark && !text.is_empty() {
                put(0xfeff, 2, big);
            }
            text.encode_utf16().for_each(|unit| put(u32::from(unit), 2, big));
            return (bytes, None);
        }
        Charset::Utf32 { big, mark } => {
            if mark && !text.is_empty() {
                put(0xfeff, 4, big);
            }
            text.chars().for_each(|c| put(u32::from(c), 4, big));
            return (bytes, None);
        }
        Charset::Ascii | Charset::Latin1 | Charset::Other(_) => {}
    }
    let mut buffer = [0; 4];
    for (at, c) in text.char_indices() {
        let fits = match charset {
            Charset::Ascii => c.is_ascii().then(|| vec![c as u8]),
            Charset::Latin1 => u8::try_from(u32::from(c)).ok().map(|byte| vec![byte]),
            Charset::Other(encoding) => {
                let (encoded, _, unfit) = encoding.encode(c.encode_utf8(&mut buffer));
                (!unfit).then(|| encoded.into_owned())
            }
            Charset::Utf16 { .. } | Charset::Utf32 { .. } => None,
        };
        match fits {
            Some(encoded) => bytes.extend_from_slice(&encoded),
            None if replace => bytes.extend_from_slice(plain(c).as_bytes()),
            None => {
                wrong = wrong.or(Some(at));
                if !leave_out {
                    break;
                }
            }
        }
    }
    (bytes, wrong)
}

/// What stands for a character where it is not known.
fn plain(c: char) -> &'static str {
    match c {
        '\u{c0}'..='\u{c5}' => "A",
        '\u{c7}' => "C",
        '\u{c8}'..='\u{cb}' => "E",
        '\u{cc}'..='\u{cf}' => "I",
        '\u{d1}' => "N",
        '\u{d2}'..='\u{d6}' | '\u{d8}' => "O",
        '\u{d9}'..='\u{dc}' => "U",
        '\u{df}' => "ss",
        '\u{e0}'..='\u{e5}' => "a",
        '\u{e6}' => "ae",
        '\u{e7}' => "c",
        '\u{e8}'..='\u{eb}' => "e",
        '\u{ec}'..='\u{ef}' => "i",
        '\u{f1}' => "n",
        '\u{f2}'..='\u{f6}' | '\u{f8}' => "o",
        '\u{f9}'..='\u{fc}' => "u",
        '\u{fd}' | '\u{ff}' => "y",
        '\u{2018}' | '\u{2019}' => "'",
        '\u{201c}' | '\u{201d}' => "\"",
        '\u{2013}' | '\u{2014}' => "-",
        '\u{2026}' => "...",
        '\u{20ac}' => "EUR",
        '\u{a0}' => " ",
        '\u{a9}' => "(C)",
        '\u{ab}' => "<<",
        '\u{bb}' => ">>",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for name in ["utf-16", "UTF-16BE", "utf-32le", "ISO-8859-1", "cp1252", "UTF8"] {
            let charset = charset(name).unwrap();
            let (bytes, wrong) = encode("a\u{e9}\n", charset, false, false);
            assert_eq!(wrong, None);
            assert_eq!(decode(&bytes, charset, false), ("a\u{e9}\n".to_owned(), None), "{name}");
        }
        assert_eq!(charset("nonsense"), None);
        assert_eq!(encode("a\u{e9}b", Charset::Ascii, false, false), (b"a".to_vec(), Some(1)));
        assert_eq!(encode("a\u{e9}b", Charset::Ascii, true, false).0, b"aeb");
        assert_eq!(encode("a\u{e9}b", Charset::Ascii, false, true).0, b"ab");
        let (text, wrong) = decode(b"a\xffb", Charset::Other(encoding_rs::UTF_8), false);
        assert_eq!((text.as_str(), wrong), ("a", Some(1)));
    }
}
