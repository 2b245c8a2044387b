//! Why a text was not found: the nearest place in the file, and the first difference there
//! (EDIT-R20), in about a kilobyte.

use serde_json::{Value, json};

/// Pairs of lines compared. Past it the search for the nearest place stops with the best so far.
const MAX_COMPARISONS: usize = 2_000_000;

/// Characters shown of a line.
const MAX_SHOWN: usize = 120;

/// What was found out.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    pub(crate) text: String,
    /// First and last line of the nearest place.
    pub(crate) lines: Value,
    /// The kind of the first difference.
    pub(crate) kind: &'static str,
}

const TRIED: &str =
    "Line ends, line number prefixes, trailing blanks and typographic characters were allowed for.";

pub(crate) fn diagnose(text: &[u8], old: &str) -> Diagnosis {
    let text = String::from_utf8_lossy(text);
    let unescaped = old.replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\"");
    if unescaped != old && text.contains(&unescaped) {
        return Diagnosis {
            text: format!(
                "The text is there if the escapes in old_string (\\n, \\t, \\\") are meant as the \
                 characters themselves; write those. {TRIED}"
            ),
            lines: Value::Null,
            kind: "escapes",
        };
    }
    let (file, wanted): (Vec<&str>, Vec<&str>) =
        (text.split('\n').collect(), old.trim_matches('\n').split('\n').collect());
    let Some(start) = nearest(&file, &wanted) else {
        return Diagnosis {
            text: format!("No similar text was found. {TRIED}"),
            lines: Value::Null,
            kind: "no_similar_text",
        };
    };
    let end = (start + wanted.len()).min(file.len());
    let at = wanted.iter().zip(&file[start..end]).position(|(wanted, have)| wanted != have);
    let (kind, difference) = match at {
        Some(at) => {
            let (wanted, have) = (wanted[at], file[start + at]);
            let (kind, what) = classify(wanted, have);
            let line = start + at + 1;
            let difference = format!(
                "Line {line} differs ({what}):\n  file:       {}\n  old_string: {}",
                visible(have),
                visible(wanted)
            );
            (kind, difference)
        }
        None => ("boundary", "The lines are there, but begin or end differently.".to_owned()),
    };
    let lines = json!([start + 1, end]);
    let text = format!("The nearest text is on lines {}-{end}. {difference}\n{TRIED}", start + 1);
    Diagnosis { text, lines, kind }
}

/// The line at which the most of `wanted` is found, letters and digits alone being compared.
fn nearest(file: &[&str], wanted: &[&str]) -> Option<usize> {
    let essence = |line: &&str| {
        line.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let file: Vec<String> = file.iter().map(essence).collect();
    let wanted: Vec<String> = wanted.iter().map(essence).collect();
    let mut best = (0, 0);
    let mut comparisons = 0;
    for start in 0..file.len() {
        let mut score = 0;
        for (offset, wanted) in wanted.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
            let Some(have) = file.get(start + offset) else { break };
            comparisons += 1;
            score += if have == wanted {
                wanted.len() * 4
            } else {
                let same = have.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count();
                let contains = !have.is_empty()
                    && (have.contains(wanted.as_str()) || wanted.contains(have.as_str()));
                if contains { have.len().min(wanted.len()) * 2 } else { same }
            };
        }
        if score > best.0 {
            best = (score, start);
        }
        if comparisons > MAX_COMPARISONS {
            break;
        }
    }
    let total: usize = wanted.iter().map(|line| line.len() * 4).sum();
    // Under an eighth of a match it is chance.
    (best.0 * 8 >= total && best.0 > 0).then_some(best.1)
}

fn classify(wanted: &str, have: &str) -> (&'static str, &'static str) {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let (wanted_indent, have_indent) = (&wanted[..indent(wanted)], &have[..indent(have)]);
    if wanted.trim_start() == have.trim_start() && wanted_indent != have_indent {
        return match wanted_indent.contains('\t') != have_indent.contains('\t') {
            true => ("tabs_spaces", "tabs against spaces"),
            false => ("indentation", "indentation depth"),
        };
    }
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    if wanted.trim_end() == have.trim_end() {
        return ("trailing_blanks", "blanks at the end of the line");
    }
    if plain(wanted) == plain(have) {
        return ("blanks", "blanks inside the line");
    }
    if wanted.to_lowercase() == have.to_lowercase() {
        return ("case", "upper and lower case");
    }
    let quotes = |line: &str| line.replace(['\'', '"', '`'], "'");
    if quotes(wanted) == quotes(have) {
        return ("quotes", "kind of quotes");
    }
    ("text", "other text")
}

/// A line with its tabs and trailing blanks to be seen, cut to a readable length.
fn visible(line: &str) -> String {
    let body = line.trim_end_matches([' ', '\t']);
    let blanks = line.len() - body.len();
    let mut shown: String = body.chars().take(MAX_SHOWN).collect::<String>().replace('\t', "→");
    if body.chars().count() > MAX_SHOWN {
        shown.push('…');
    }
    shown.push_str(&"·".repeat(blanks.min(20)));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_r20_names_place_and_difference() {
        let file = "fn main() {\n\tlet x = 1;\n\tprintln!(\"{x}\");\n}\n";
        for (old, lines, kind) in [
            ("    let x = 1;", json!([2, 2]), "tabs_spaces"),
            ("\t\tlet x = 1;", json!([2, 2]), "indentation"),
            ("\tlet  x = 1;", json!([2, 2]), "blanks"),
            ("\tlet X = 1;", json!([2, 2]), "case"),
            ("\tprintln!('{x}');", json!([3, 3]), "quotes"),
            ("\tlet x = 2;\n\tprintln!(\"{x}\");", json!([2, 3]), "text"),
            ("something else entirely", Value::Null, "no_similar_text"),
            ("let x = 1;\\n\\tprintln", Value::Null, "escapes"),
        ] {
            let diagnosis = diagnose(file.as_bytes(), old);
            assert_eq!((diagnosis.lines, diagnosis.kind), (lines, kind), "{old:?}");
            assert!(diagnosis.text.len() < 1024);
        }
    }

    #[test]
    fn tabs_and_blanks_can_be_seen() {
        assert_eq!(visible("\tx  "), "→x··");
    }
}
