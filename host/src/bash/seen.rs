//! What a command means for the session's memory of files: those it changed are no longer as they
//! were read, and one that it shows counts as read.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::path::GuestPath;
use crate::session::{FileState, Session};
use crate::vfs::{Follow, Mediator, Node, OpenHow};

/// Changed files that are named.
const MAX_NAMED: usize = 10;

/// Bytes of a file that is remembered as shown.
const MAX_SHOWN: u64 = 256 << 10;

/// What to say of files that the session has read and the command changed; nothing if there are
/// none.
pub(super) fn changed(session: &Session, mediator: &Mediator) -> Option<String> {
    let (changes, _) = mediator.actor().changes();
    let paths: BTreeSet<String> = changes
        .into_iter()
        .map(|change| change.path.as_str().to_owned())
        .filter(|path| session.recall(path).is_some())
        .collect();
    if paths.is_empty() {
        return None;
    }
    let more = paths.len().saturating_sub(MAX_NAMED);
    let named: Vec<String> = paths.into_iter().take(MAX_NAMED).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "Files that were read before were changed by this command: {}{more}. Read them again \
         before editing.",
        named.join(", ")
    ))
}

/// Remembers the file that a command showed, if it did nothing else.
pub(super) fn shown(session: &Session, mediator: &Mediator, command: &str, result: &Value) {
    let Some((path, whole)) = shown_file(command) else { return };
    let Ok(path) = GuestPath::parse(&session.cwd(), path) else { return };
    let Ok(path) = mediator.canonical(&path) else { return };
    let how = OpenHow { follow: Follow::No, ..OpenHow::READ };
    let Ok(node @ Node::File(_)) = mediator.open(path.as_str(), how) else { return };
    let Some(content) = content(mediator, &node) else { return };
    let hash = blake3::hash(&content).to_hex().to_string();
    let complete = whole && result["persistedOutputPath"].is_null();
    // What was seen in full stays seen in full.
    let known = session.recall(path.as_str());
    if known.is_none_or(|known| known.hash != hash || !known.complete) {
        session.remember(path.as_str().to_owned(), FileState { hash, complete });
    }
}

fn content(mediator: &Mediator, node: &Node) -> Option<Vec<u8>> {
    if mediator.look(node).ok()?.size > MAX_SHOWN {
        return None;
    }
    let mut content = Vec::new();
    loop {
        let part = mediator.read_at(node, MAX_SHOWN, content.len() as u64).ok()?;
        if part.is_empty() {
            return Some(content);
        }
        content.extend_from_slice(&part);
        if content.len() as u64 > MAX_SHOWN {
            return None;
        }
    }
}

/// The one file that a simple command shows, and whether it shows all of it.
fn shown_file(command: &str) -> Option<(&str, bool)> {
    let command = command.trim();
    if command.contains(|c: char| "|&;<>(){}$`\"\\*?[~#!\n".contains(c)) {
        return None;
    }
    let words: Vec<&str> = command.split_whitespace().collect();
    let (name, words) = words.split_first()?;
    let unquoted = |word: &&&str| !word.contains('\'');
    let plain: Vec<&&str> =
        words.iter().filter(|word| !word.starts_with('-')).filter(unquoted).collect();
    let options = words.iter().any(|word| word.starts_with('-'));
    match (*name, plain.as_slice()) {
        ("cat" | "nl" | "bat", [path]) => Some((path, !options || *name != "bat")),
        ("head" | "tail", [path]) => Some((path, false)),
        // A number that belongs to `-n` stands before the path.
        ("head" | "tail", [count, path]) if count.bytes().all(|b| b.is_ascii_digit()) => {
            Some((path, false))
        }
        ("sed", [.., path]) if words.contains(&"-n") && words.len() == 3 => Some((path, false)),
        ("grep" | "rg", [.., path]) if words.len() >= 2 && plain.len() <= 2 => Some((path, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_show_one_file() {
        for (command, shown) in [
            ("cat a.txt", Some(("a.txt", true))),
            ("cat -n a.txt", Some(("a.txt", true))),
            ("head -n 5 a.txt", Some(("a.txt", false))),
            ("tail a.txt", Some(("a.txt", false))),
            ("sed -n '1,5p' a.txt", Some(("a.txt", false))),
            ("grep -n x a.txt", Some(("a.txt", false))),
            ("cat a.txt b.txt", None),
            ("cat a.txt | wc", None),
            ("cat a.txt > b", None),
            ("cat $x", None),
            ("echo a.txt", None),
            ("cat", None),
            ("", None),
        ] {
            assert_eq!(shown_file(command), shown, "{command}");
        }
    }
}
