//! Putting a replacement into a file's bytes: everything outside the replaced spans stays as it
//! is, and what is put in takes the encoding and the line ends of where it goes (EDIT-R8, R9).

use serde::Deserialize;
use serde_json::json;
use toolcell_sdk::Failure;
use toolcell_sdk::text::{self, Eol};

use crate::diagnose::diagnose;
use crate::find::{Fallback, find};
use crate::view::View;

/// Line numbers given with an ambiguous match.
const MAX_LINES: usize = 10;

/// Characters of the wanted text that are quoted back.
const MAX_QUOTED: usize = 500;

/// What to replace, by what.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Replacement {
    pub(crate) old_string: String,
    pub(crate) new_string: String,
    #[serde(default)]
    pub(crate) replace_all: bool,
}

/// A replacement that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) bytes: Vec<u8>,
    /// The text that was really replaced, the first time.
    pub(crate) matched: String,
    /// The lines on which the replacements begin.
    pub(crate) lines: Vec<usize>,
    pub(crate) fallback: Fallback,
}

impl Applied {
    /// An empty file, filled.
    pub(crate) fn filled(content: &str) -> Applied {
        Applied {
            bytes: content.as_bytes().to_vec(),
            matched: String::new(),
            lines: vec![1],
            fallback: Fallback::None,
        }
    }
}

/// Makes one replacement.
///
/// # Errors
/// When the text is not there, is there more than once, or does not fit the file's encoding.
pub(crate) fn apply(bytes: &[u8], edit: &Replacement) -> Result<Applied, Failure> {
    if edit.old_string.is_empty() {
        return Ok(Applied::filled(&edit.new_string));
    }
    let view = View::new(bytes);
    let old = edit.old_string.replace("\r\n", "\n");
    let new = edit.new_string.replace("\r\n", "\n");
    let found = find(&view.text, &old, &new);
    let lines: Vec<usize> = found.spans.iter().map(|(span, _)| view.line(span.start)).collect();
    if found.spans.is_empty() {
        return Err(not_found(&view, &edit.old_string, &old));
    }
    if found.spans.len() > 1 && !edit.replace_all {
        return Err(ambiguous(&edit.old_string, &lines));
    }
    let majority = text::majority_eol(&eols(bytes, &view));
    let mut result = Vec::with_capacity(bytes.len() + new.len());
    let (mut copied, mut fallback) = (0, found.fallback);
    for (span, new) in &found.spans {
        let (start, end) = (view.original(span.start), view.original(span.end));
        let eol = eol_at(&view, bytes, span.clone()).unwrap_or(majority);
        let with_eol = match eol {
            Eol::Lf => new.clone(),
            Eol::CrLf => new.replace('\n', "\r\n"),
        };
        let encoded = text::encode(&with_eol, view.form.encoding)
            .ok_or_else(|| unfit(&with_eol, view.form.encoding.name()))?;
        result.extend_from_slice(&bytes[copied..start]);
        result.extend_from_slice(&encoded);
        copied = end;
        let dropped = view.text[span.clone()].contains(&b'\n') && eol == Eol::CrLf;
        if fallback == Fallback::None && dropped && !edit.old_string.contains('\r') {
            fallback = Fallback::CrLf;
        }
    }
    result.extend_from_slice(&bytes[copied..]);
    let matched = String::from_utf8_lossy(&view.text[found.spans[0].0.clone()]).into_owned();
    Ok(Applied { bytes: result, matched, lines, fallback })
}

/// Nothing but the line ends, for counting which are more.
fn eols(bytes: &[u8], view: &View) -> Vec<u8> {
    memchr::memchr_iter(b'\n', &view.text)
        .flat_map(|at| eol_of(view, bytes, at).text().bytes())
        .collect()
}

/// How the `\n` at this position of the view is written in the file.
fn eol_of(view: &View, bytes: &[u8], at: usize) -> Eol {
    let written = &bytes[view.original(at)..view.original(at + 1)];
    if written.contains(&b'\r') { Eol::CrLf } else { Eol::Lf }
}

/// The line end of the span, or of the line it is on.
fn eol_at(view: &View, bytes: &[u8], span: std::ops::Range<usize>) -> Option<Eol> {
    let inside = memchr::memchr(b'\n', &view.text[span.clone()]).map(|at| span.start + at);
    let after = || memchr::memchr(b'\n', &view.text[span.end..]).map(|at| span.end + at);
    inside.or_else(after).map(|at| eol_of(view, bytes, at))
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((at, _)) => format!("{}… [cut]", &text[..at]),
        None => text.to_owned(),
    }
}

fn not_found(view: &View, given: &str, old: &str) -> Failure {
    let diagnosis = diagnose(&view.text, old);
    let message = format!(
        "String to replace not found in file.\nString: {}\n{}",
        quoted(given),
        diagnosis.text
    );
    Failure::new("edit_no_occurrence_found", message).details(json!({
        "nearest": diagnosis.lines,
        "difference": diagnosis.kind,
        "tried": ["exact", "crlf", "read_prefix", "trailing_ws", "unicode"],
    }))
}

fn ambiguous(old: &str, lines: &[usize]) -> Failure {
    let count = lines.len();
    let shown: Vec<String> = lines.iter().take(MAX_LINES).map(usize::to_string).collect();
    let more = if count > MAX_LINES { ", …" } else { "" };
    let message = format!(
        "Found {count} matches of the string to replace, but replace_all is false. To replace all \
         occurrences, set replace_all to true. To replace only one occurrence, please provide \
         more context to uniquely identify the instance.\nString: {}\nThe matches begin on lines \
         {}{more}.",
        quoted(old),
        shown.join(", ")
    );
    Failure::new("edit_expected_occurrence_mismatch", message).details(
        json!({ "occurrences": count, "lines": lines.iter().take(MAX_LINES).collect::<Vec<_>>() }),
    )
}

fn unfit(new: &str, encoding: &str) -> Failure {
    let first = new.chars().find(|char| !char.is_ascii()).unwrap_or('?');
    let message = format!(
        "The file is not UTF-8 ({encoding}), and new_string has characters that do not fit it, \
         the first being {first:?}. Nothing was changed."
    );
    Failure::new("encoding", message).hint("Convert the file to UTF-8 with iconv in Bash first.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], old: &str, new: &str, expected: &[u8]) {
        let edit =
            Replacement { old_string: old.into(), new_string: new.into(), replace_all: false };
        let applied = apply(bytes, &edit).unwrap_or_else(|failure| panic!("{}", failure.message));
        assert_eq!(applied.bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    fn fail(bytes: &[u8], old: &str, new: &str) -> Failure {
        let edit =
            Replacement { old_string: old.into(), new_string: new.into(), replace_all: false };
        apply(bytes, &edit).unwrap_err()
    }

    #[test]
    fn edit_r8_line_ends_stay_and_new_ones_fit_in() {
        check(b"a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", b"x\r\ny\r\nz\r\nc\r\n");
        // A mixed file stays mixed; the insertion goes by the span, then by its line.
        check(b"a\r\nb\nc\n", "b\n", "x\ny\n", b"a\r\nx\ny\nc\n");
        check(b"a\r\nb\nc\n", "a", "x\ny", b"x\r\ny\r\nb\nc\n");
        // On a last line without an end, the majority decides.
        check(b"a\r\nb\r\nc", "c", "x\ny", b"a\r\nb\r\nx\r\ny");
        check(b"a\nb\n", "a\r\nb", "c\r\nd", b"c\nd\n");
        check(b"one\rtwo\n", "two", "2", b"one\r2\n");
    }

    #[test]
    fn edit_r9_marks_and_encodings_stay() {
        check(b"\xef\xbb\xbfa\n", "a", "b", b"\xef\xbb\xbfb\n");
        check(b"\xff\xfea\0b\0", "a", "é", b"\xff\xfe\xe9\0b\0");
        check(b"caf\xe9 one\n", "one", "two", b"caf\xe9 two\n");
        assert_eq!(fail(b"caf\xe9 one\n", "one", "zwölf").code, "encoding");
    }

    #[test]
    fn edit_r10_nothing_is_trimmed_or_added() {
        check(b"a\nb\n", "a", "a  ", b"a  \nb\n");
        check(b"  a", "a", "\tb\n", b"  \tb\n");
    }

    #[test]
    fn edit_r21_escapes_are_not_interpreted() {
        check(b"a", "a", "\\n\\t", b"\\n\\t");
    }

    #[test]
    fn edit_r27_deleting_takes_exactly_the_text() {
        check(b"a b c\n", "b ", "", b"a c\n");
        check(b"a\r\nb\r\n", "a\n", "", b"b\r\n");
    }

    #[test]
    fn edit_r3_r4_say_what_was_found() {
        let failure = fail(b"a\nb\n", "zzz", "y");
        assert_eq!(failure.code, "edit_no_occurrence_found");
        assert!(
            failure.message.starts_with("String to replace not found in file.\nString: zzz\n"),
            "{}",
            failure.message
        );
        let failure = fail(b"x\nx\nx\n", "x", "y");
        assert_eq!(failure.code, "edit_expected_occurrence_mismatch");
        assert!(failure.message.starts_with("Found 3 matches of the string to replace, but"));
        assert!(failure.message.ends_with("lines 1, 2, 3."));
    }

    #[test]
    fn edit_r6_replace_all() {
        let edit =
            Replacement { old_string: "x".into(), new_string: "yy".into(), replace_all: true };
        assert_eq!(apply(b"x x\r\nx", &edit).unwrap().bytes, b"yy yy\r\nyy");
        assert_eq!(apply(b"a", &edit).unwrap_err().code, "edit_no_occurrence_found");
    }
}
