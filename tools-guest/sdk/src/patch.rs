//! The difference between two texts, in hunks, as results carry it.

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Texts longer than this get no patch: finding a small difference would take too long.
const MAX_BYTES: usize = 4 << 20;

/// Changed lines listed. A patch is for reading; past this the text of the result says enough.
const MAX_LINES: usize = 20_000;

/// The hunks that turn `old` into `new`; empty if they are equal or too long.
pub fn structured(old: &str, new: &str) -> Value {
    if old == new || old.len() + new.len() > MAX_BYTES {
        return json!([]);
    }
    let diff =
        TextDiff::configure().timeout(std::time::Duration::from_millis(500)).diff_lines(old, new);
    let mut hunks = Vec::new();
    let mut listed = 0;
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        let (mut lines, mut old_start, mut new_start) = (Vec::new(), None, None);
        let (mut old_lines, mut new_lines) = (0, 0);
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            old_start = old_start.or(change.old_index());
            new_start = new_start.or(change.new_index());
            old_lines += usize::from(sign != '+');
            new_lines += usize::from(sign != '-');
            let text = change.value();
            lines.push(format!("{sign}{}", text.strip_suffix('\n').unwrap_or(text)));
        }
        listed += lines.len();
        if listed > MAX_LINES {
            return json!([]);
        }
        hunks.push(json!({
            "oldStart": old_start.map_or(0, |line| line + 1),
            "oldLines": old_lines,
            "newStart": new_start.map_or(0, |line| line + 1),
            "newLines": new_lines,
            "lines": lines,
        }));
    }
    Value::Array(hunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_is_one_hunk_with_context() {
        let hunks = structured("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nD\ne\nf\n");
        assert_eq!(
            hunks,
            json!([{
                "oldStart": 1, "oldLines": 6, "newStart": 1, "newLines": 6,
                "lines": [" a", " b", " c", "-d", "+D", " e", " f"],
            }])
        );
        assert_eq!(structured("a", "a"), json!([]));
    }
}
