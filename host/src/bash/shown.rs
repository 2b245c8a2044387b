//! What a model reads of a command's output.

/// Characters of a good result that are shown in full.
const MAX_INLINE: usize = 30_000;

/// Characters of a failure that are shown: half from the start, half from the end.
const MAX_FAILURE: usize = 10_000;

/// Bytes of output that is kept in a file that are shown.
const PREVIEW: usize = 2_000;

/// Programs for which 1 is an answer and no failure, with what it says.
const ANSWERS: &[(&[&str], &str)] = &[
    (&["grep", "egrep", "fgrep", "rg"], "No matches found"),
    (&["find"], "Some directories were inaccessible"),
    (&["diff"], "Files differ"),
    (&["test", "["], "Condition is false"),
];

/// Output as text: without escape sequences of terminals; of what a carriage return overwrites,
/// what was last there.
pub(super) fn clean(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => skip_escape(&mut chars),
            '\0' => plain.push('\u{FFFD}'),
            c => plain.push(c),
        }
    }
    if !plain.contains('\r') {
        return plain;
    }
    let lines = plain.split('\n').map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.rsplit('\r').next().unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Skips an escape sequence after its ESC, as ECMA-48 builds them.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            for c in chars.by_ref() {
                if ('@'..='~').contains(&c) {
                    return;
                }
            }
        }
        Some(']') => {
            while let Some(c) = chars.next() {
                if c == '\x07' || c == '\x1b' && chars.next_if_eq(&'\\').is_some() {
                    return;
                }
            }
        }
        Some('(' | ')' | '#') => {
            chars.next();
        }
        _ => {}
    }
}

/// Whether output is too long to be shown in full.
pub(super) fn is_long(text: &str) -> bool {
    text.chars().nth(MAX_INLINE).is_some()
}

/// The beginning of output that is kept in a file.
pub(super) fn preview(text: &str) -> &str {
    let mut end = text.len().min(PREVIEW);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A failure's output, with its middle left out if it is long.
pub(super) fn shortened(text: &str) -> String {
    let count = text.chars().count();
    if count <= MAX_FAILURE {
        return text.to_owned();
    }
    let head: String = text.chars().take(MAX_FAILURE / 2).collect();
    let tail: String = text.chars().skip(count - MAX_FAILURE / 2).collect();
    let cut = count - MAX_FAILURE;
    format!("{head}\n\n... [{cut} characters truncated] ...\n\n{tail}")
}

/// What status 1 says, if the command that decides it gives an answer by it.
pub(super) fn interpretation(command: &str) -> Option<&'static str> {
    let last =
        command.trim_end().rsplit(['|', ';', '&', '\n']).find(|part| !part.trim().is_empty());
    let mut words = last?.split_whitespace().skip_while(|word| word.contains('='));
    let name = words.next()?.rsplit('/').next()?;
    let found = ANSWERS.iter().find(|(names, _)| names.contains(&name));
    found.map(|(_, meaning)| *meaning)
}

/// Bytes for a person.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes}B"),
        1_024..1_048_576 => format!("{:.1}KB", bytes as f64 / 1_024.0),
        _ => format!("{:.1}MB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_r12_escapes_and_overwritten_text_are_not_shown() {
        assert_eq!(clean(b"\x1b[31mred\x1b[0m \x1b]0;title\x07x"), "red x");
        assert_eq!(clean(b"10%\r50%\r100%\ndone\r\n"), "100%\ndone\n");
        assert_eq!(clean(b"a\0\xff"), "a\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn bash_r10_a_long_failure_keeps_both_ends() {
        let text = format!("start{}end", "x".repeat(20_000));
        let shown = shortened(&text);
        assert!(shown.starts_with("start") && shown.ends_with("end"));
        assert!(shown.contains("... [10008 characters truncated] ..."));
    }

    #[test]
    fn bash_r8_some_programs_answer_by_their_status() {
        assert_eq!(interpretation("cat f | grep x"), Some("No matches found"));
        assert_eq!(interpretation("cd d && /usr/bin/diff a b"), Some("Files differ"));
        assert_eq!(interpretation("grep x f | wc -l"), None);
        assert_eq!(interpretation("jq -e . f"), None);
    }
}
