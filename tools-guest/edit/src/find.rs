//! Looking for a text: exactly, then allowing for differences that cannot change which text is
//! meant (EDIT-R15). Nothing here guesses (EDIT-R18).

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;
use unicode_normalization::UnicodeNormalization as _;

/// Which difference was allowed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fallback {
    None,
    /// The file has `\r\n` where the text has `\n`.
    CrLf,
    /// Every line of the text began with the number that Read puts there.
    ReadPrefix,
    /// Blanks at line ends.
    TrailingBlanks,
    /// Typographic quotes, dashes and spaces; composed and decomposed letters.
    Unicode,
}

impl Fallback {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Fallback::None => "none",
            Fallback::CrLf => "crlf",
            Fallback::ReadPrefix => "read_prefix",
            Fallback::TrailingBlanks => "trailing_ws",
            Fallback::Unicode => "unicode",
        }
    }
}

/// Occurrences, left to right, not overlapping, each with what goes in its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) spans: Vec<(Range<usize>, String)>,
    pub(crate) fallback: Fallback,
}

/// Looks for `old` in `text`; both have `\n` line ends. Empty when there is none.
pub(crate) fn find(text: &[u8], old: &str, new: &str) -> Found {
    let exact = exact(text, old, new);
    if !exact.is_empty() {
        return Found { spans: exact, fallback: Fallback::None };
    }
    if let Some((old, new)) = without_prefix(old, new) {
        let spans = self::exact(text, &old, &new);
        if !spans.is_empty() && !old.is_empty() {
            return Found { spans, fallback: Fallback::ReadPrefix };
        }
    }
    let spans = ignoring_trailing_blanks(text, old, new);
    if !spans.is_empty() {
        return Found { spans, fallback: Fallback::TrailingBlanks };
    }
    Found { spans: ignoring_typography(text, old, new), fallback: Fallback::Unicode }
}

fn exact(text: &[u8], old: &str, new: &str) -> Vec<(Range<usize>, String)> {
    memmem::find_iter(text, old.as_bytes())
        .map(|start| (start..start + old.len(), new.to_owned()))
        .collect()
}

/// Both texts without Read's line numbers, if every line of `old` has one.
fn without_prefix(old: &str, new: &str) -> Option<(String, String)> {
    let strip = |line: &str| {
        let rest = line.trim_start_matches(' ');
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let rest = (digits > 0).then(|| &rest[digits..])?;
        rest.strip_prefix('\t').or_else(|| rest.strip_prefix('→')).map(str::to_owned)
    };
    let body = old.strip_suffix('\n').unwrap_or(old);
    let stripped: Option<Vec<String>> = body.split('\n').map(strip).collect();
    let mut stripped = stripped?.join("\n");
    if body.len() < old.len() {
        stripped.push('\n');
    }
    let new: Vec<String> =
        new.split('\n').map(|line| strip(line).unwrap_or_else(|| line.to_owned())).collect();
    Some((stripped, new.join("\n")))
}

/// A text with something folded away, each byte knowing the span that it came from.
#[derive(Default)]
struct Folded {
    text: Vec<u8>,
    from: Vec<(u32, u32)>,
}

impl Folded {
    fn push(&mut self, bytes: &[u8], from: Range<usize>) {
        self.text.extend_from_slice(bytes);
        let from = (from.start as u32, from.end as u32);
        self.from.extend(std::iter::repeat_n(from, bytes.len()));
    }

    /// The original span of a span, if it does not cut anything in two.
    fn original(&self, span: Range<usize>) -> Option<Range<usize>> {
        let first = self.from.get(span.start)?;
        let last = self.from.get(span.end.checked_sub(1)?)?;
        let cuts =
            |at: usize| at > 0 && self.from.get(at).is_some_and(|from| *from == self.from[at - 1]);
        (!cuts(span.start) && !cuts(span.end)).then_some(first.0 as usize..last.1 as usize)
    }
}

fn ignoring_trailing_blanks(text: &[u8], old: &str, new: &str) -> Vec<(Range<usize>, String)> {
    let fold = |text: &[u8]| {
        let mut folded = Folded::default();
        let mut start = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let body = line.strip_suffix(b"\n").unwrap_or(line);
            let kept = body.trim_ascii_end().len();
            // Only blanks and tabs: a form feed or a carriage return is something else.
            let kept = body.len()
                - body[kept..].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            for at in 0..kept {
                folded.push(&body[at..=at], start + at..start + at + 1);
            }
            if line.len() > body.len() {
                folded.push(b"\n", start + body.len()..start + line.len());
            }
            start += line.len();
        }
        folded
    };
    let wanted = fold(old.as_bytes()).text;
    if wanted.iter().all(u8::is_ascii_whitespace) {
        return Vec::new();
    }
    let folded = fold(text);
    memmem::find_iter(&folded.text, &wanted)
        .filter_map(|start| folded.original(start..start + wanted.len()))
        .map(|span| (span, new.to_owned()))
        .collect()
}

/// One character as plain typing would have it, decomposed.
fn plain(char: char) -> Cow<'static, str> {
    match char {
        '\u{2018}'..='\u{201b}' => "'".into(),
        '\u{201c}'..='\u{201f}' => "\"".into(),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-".into(),
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ".into(),
        char if char.is_ascii() => char.to_string().into(),
        char => std::iter::once(char).nfd().collect::<String>().into(),
    }
}

fn fold_typography(text: &[u8]) -> Folded {
    let mut folded = Folded::default();
    let mut at = 0;
    for chunk in text.utf8_chunks() {
        for char in chunk.valid().chars() {
            folded.push(plain(char).as_bytes(), at..at + char.len_utf8());
            at += char.len_utf8();
        }
        for byte in chunk.invalid() {
            folded.push(&[*byte], at..at + 1);
            at += 1;
        }
    }
    folded
}

fn ignoring_typography(text: &[u8], old: &str, new: &str) -> Vec<(Range<usize>, String)> {
    let wanted = fold_typography(old.as_bytes());
    if wanted.text.is_empty() {
        return Vec::new();
    }
    let folded = fold_typography(text);
    memmem::find_iter(&folded.text, &wanted.text)
        .filter_map(|start| {
            let span = folded.original(start..start + wanted.text.len())?;
            Some((span, keep_typography(text, &folded, start, &wanted, old, new)))
        })
        .collect()
}

/// EDIT-R16: what `new` has in common with `old` stays as the file has it.
fn keep_typography(
    text: &[u8],
    folded: &Folded,
    start: usize,
    wanted: &Folded,
    old: &str,
    new: &str,
) -> String {
    use similar::{Algorithm, DiffOp, capture_diff_slices};
    let (old_chars, new_chars): (Vec<char>, Vec<char>) =
        (old.chars().collect(), new.chars().collect());
    let offsets: Vec<usize> = old.char_indices().map(|(at, _)| at).chain([old.len()]).collect();
    // Where the folded form of the old text's byte `at` begins.
    let folded_at = |at: usize| wanted.from.partition_point(|(from, _)| (*from as usize) < at);
    let mut result = String::new();
    for operation in capture_diff_slices(Algorithm::Myers, &old_chars, &new_chars) {
        match operation {
            DiffOp::Equal { old_index, len, .. } => {
                let first = start + folded_at(offsets[old_index]);
                let last = start + folded_at(offsets[old_index + len]);
                match folded.original(first..last).and_then(|span| text.get(span)) {
                    Some(bytes) => result.push_str(&String::from_utf8_lossy(bytes)),
                    None => result.extend(&old_chars[old_index..old_index + len]),
                }
            }
            DiffOp::Delete { .. } => {}
            DiffOp::Insert { new_index, new_len, .. }
            | DiffOp::Replace { new_index, new_len, .. } => {
                result.extend(&new_chars[new_index..new_index + new_len]);
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, old: &str, new: &str, fallback: Fallback, expected: &[&str]) {
        let found = find(text.as_bytes(), old, new);
        let results: Vec<String> = found
            .spans
            .iter()
            .map(|(span, new)| format!("{}{new}{}", &text[..span.start], &text[span.end..]))
            .collect();
        assert_eq!(results, expected);
        if !expected.is_empty() {
            assert_eq!(found.fallback, fallback);
        }
    }

    #[test]
    fn edit_r1_text_is_literal() {
        check("a.b a+b", "a.b", "$&\\1", Fallback::None, &["$&\\1 a+b"]);
    }

    #[test]
    fn edit_r5_occurrences_do_not_overlap() {
        assert_eq!(find(b"aaaa", "aa", "b").spans.len(), 2);
    }

    #[test]
    fn edit_r15b_read_prefixes_are_stripped() {
        check("x\n\ty\nz\n", "1\tx\n2\t\ty", "1\tx\n2\tY", Fallback::ReadPrefix, &["x\nY\nz\n"]);
        check("x\ny\n", "     1→x\n     2→y", "q", Fallback::ReadPrefix, &["q\n"]);
        // One line without a number: these are not Read's.
        check("x\ny\n", "1\tx\ny", "q", Fallback::None, &[]);
    }

    #[test]
    fn edit_r15c_trailing_blanks_do_not_matter() {
        check("a  \nb\t\nc", "a\nb\nc", "x", Fallback::TrailingBlanks, &["x"]);
        check("a\nb", "a   \nb  ", "x", Fallback::TrailingBlanks, &["x"]);
        check("  a\nb", "a\n b", "x", Fallback::None, &[]);
        check("a\n\n\nb", "  ", "x", Fallback::None, &[]);
    }

    #[test]
    fn edit_r15d_typography_does_not_matter() {
        check("say “hi” – now", "say \"hi\" - now", "x", Fallback::Unicode, &["x"]);
        check("cafe\u{301}", "caf\u{e9}", "tea", Fallback::Unicode, &["tea"]);
        check("a\u{a0}b", "a b", "x", Fallback::Unicode, &["x"]);
        // Half of a decomposed letter is no match.
        check("e\u{301}", "e\u{e9}", "x", Fallback::None, &[]);
    }

    #[test]
    fn edit_r16_the_files_own_characters_stay() {
        check(
            "say “hi” to ‘Bob’",
            "say \"hi\" to 'Bob'",
            "say \"hello\" to 'Bob'",
            Fallback::Unicode,
            &["say “hello” to ‘Bob’"],
        );
        // Exact comes first, so that a straight quote can be made a curly one.
        check("a \"b\"", "\"b\"", "“b”", Fallback::None, &["a “b”"]);
    }
}
