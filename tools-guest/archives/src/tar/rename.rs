//! `--transform`: expressions as those of sed's `s`, over the names of members.

use std::collections::VecDeque;

use toolcell_posix::{Meaning, Regex, Syntax};

/// One `s/from/to/flags`.
#[derive(Debug)]
pub(super) struct Rename {
    from: Regex,
    to: Vec<Piece>,
    all: bool,
    /// Which match it begins with.
    nth: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// What a group matched; 0 for all of the match.
    Group(usize),
}

impl Rename {
    /// Reads expressions, which may be several with semicolons between them.
    ///
    /// # Errors
    /// What is wrong with one.
    pub(super) fn parse(text: &str) -> Result<Vec<Rename>, String> {
        let mut chars: VecDeque<char> = text.chars().collect();
        let mut renames = Vec::new();
        while !chars.is_empty() {
            renames.push(Rename::next(&mut chars)?);
        }
        Ok(renames)
    }

    fn next(chars: &mut VecDeque<char>) -> Result<Rename, String> {
        let bad = || "Invalid transform expression".to_owned();
        if chars.pop_front() != Some('s') {
            return Err(bad());
        }
        let delimiter = chars.pop_front().ok_or_else(bad)?;
        let from = until(chars, delimiter).ok_or_else(bad)?;
        let to = until(chars, delimiter).ok_or_else(bad)?;
        let (mut all, mut nth) = (false, 1);
        let (mut syntax, mut meaning) = (Syntax::Basic, Meaning::default());
        while let Some(flag) = chars.pop_front() {
            match flag {
                ';' => break,
                'g' => all = true,
                'i' => meaning.any_case = true,
                'x' => syntax = Syntax::Strict,
                // To which names it applies: to those of members in any case, to targets of links
                // never.
                'r' | 'R' | 'S' | 'h' | 'H' | 's' => {}
                digit => nth = digit.to_digit(10).filter(|nth| *nth > 0).ok_or_else(bad)? as usize,
            }
        }
        let from = Regex::posix(&from, syntax, meaning)
            .map_err(|error| format!("Invalid transform expression: {error}"))?;
        let to = pieces(&to);
        if to.iter().any(|piece| matches!(piece, Piece::Group(group) if *group > from.groups())) {
            return Err("Invalid transform replacement: back reference out of range".to_owned());
        }
        Ok(Rename { from, to, all, nth })
    }

    pub(super) fn apply(&self, name: &str) -> String {
        let (mut result, mut at, mut count) = (String::new(), 0, 0);
        let (mut from, mut last) = (0, None);
        while let Some(groups) = self.from.captures_at(name.as_bytes(), from) {
            let Some(found) = groups.first().cloned().flatten() else { break };
            // An empty match right after another one is none.
            let counts = !found.is_empty() || last != Some(found.end);
            count += usize::from(counts);
            last = Some(found.end);
            if counts && count >= self.nth {
                result.push_str(&name[at..found.start]);
                for piece in &self.to {
                    match piece {
                        Piece::Text(text) => result.push_str(text),
                        Piece::Group(group) => {
                            let range = groups.get(*group).cloned().flatten();
                            result.push_str(range.map_or("", |range| &name[range]));
                        }
                    }
                }
                at = found.end;
                if !self.all {
                    break;
                }
            }
            // After an empty match, the next one is a character further.
            from = match found.is_empty() {
                false => found.end,
                true => match name[found.end..].chars().next() {
                    Some(c) => found.end + c.len_utf8(),
                    None => break,
                },
            };
        }
        result.push_str(&name[at..]);
        result
    }
}

/// What is before a delimiter, which an escape makes a character.
fn until(chars: &mut VecDeque<char>, delimiter: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.pop_front()? {
            c if c == delimiter => return Some(text),
            '\\' => match chars.pop_front()? {
                c if c == delimiter => text.push(c),
                c => text.extend(['\\', c]),
            },
            c => text.push(c),
        }
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let group = match c {
            '&' => Some(0),
            '\\' => match chars.next() {
                Some(digit @ '0'..='9') => digit.to_digit(10),
                Some('n') => {
                    literal.push('\n');
                    None
                }
                Some(other) => {
                    literal.push(other);
                    None
                }
                None => None,
            },
            c => {
                literal.push(c);
                None
            }
        };
        if let Some(group) = group {
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
            pieces.push(Piece::Group(group as usize));
        }
    }
    pieces.push(Piece::Text(literal));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_changed_as_by_sed() {
        for (expression, name, expected) in [
            ("s,^p,z,", "p/a/p", "z/a/p"),
            ("s/a/b/g", "aXa", "bXb"),
            ("s/a/b/2", "aaa", "aba"),
            ("s/a/b/2g", "aaa", "abb"),
            ("s/A/b/i", "aa", "ba"),
            ("s/(.)$/<\\1>/x", "p/q", "p/<q>"),
            ("s/\\(.*\\)\\.c/\\1.o/;s/o$/&bj/", "d/x.c", "d/x.obj"),
            ("s|a/b|c|", "a/b/d", "c/d"),
            ("s/x*/-/g", "axb", "-a-b-"),
            ("s,/,\\,,", "a/b", "a,b"),
        ] {
            let renames = Rename::parse(expression).unwrap();
            let changed = renames.iter().fold(name.to_owned(), |name, one| one.apply(&name));
            assert_eq!(changed, expected, "{expression} {name}");
        }
        for wrong in ["x", "s/a", "s/a/b", "s/a/\\1/", "s/a/b/q", "s/[/b/"] {
            assert!(Rename::parse(wrong).is_err(), "{wrong}");
        }
    }
}
