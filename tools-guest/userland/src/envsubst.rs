//! `envsubst`.

use std::io::{self, BufRead as _, Write};

use toolcell_text::escape;

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let (list, format) = match words {
        [] => (false, None),
        [option, format] if matches!(option.as_str(), "-v" | "--variables") => (true, Some(format)),
        [word] if !word.starts_with('-') => (false, Some(word)),
        [word, ..] => {
            toolcell_program::help::answer("envsubst", word, &["-v, --variables"]);
            eprintln!("envsubst: unrecognized option '{word}'");
            return 1;
        }
    };
    let chosen = format.map(|format| {
        let mut names = Vec::new();
        expand(format, |name| {
            names.push(name.to_owned());
            None
        });
        names
    });
    if list {
        for name in chosen.unwrap_or_default() {
            if writeln!(out, "{name}").is_err() {
                return 1;
            }
        }
        return 0;
    }
    let value = |name: &str| {
        if chosen.as_ref().is_some_and(|chosen| !chosen.iter().any(|one| one == name)) {
            return None;
        }
        Some(std::env::var(name).unwrap_or_default())
    };
    // No name goes over the end of a line.
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) => return 0,
            Ok(_) => {}
            Err(error) => {
                eprintln!("envsubst: {}", toolcell_program::message(&error));
                return 1;
            }
        }
        let expanded = expand(&escape::decode(&line), value);
        if out.write_all(&escape::encode(&expanded)).is_err() {
            return 1;
        }
    }
}

/// Replaces `$name` and `${name}` by what `value` gives; by nothing else, so that `${a:-b}` stays.
fn expand(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        let after = &rest[1..];
        let (inner, braced) = match after.strip_prefix('{') {
            Some(inner) => (inner, true),
            None => (after, false),
        };
        let name_end =
            inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
        let name = &inner[..name_end];
        let whole = 1 + usize::from(braced) * 2 + name.len();
        let closed = !braced || inner[name_end..].starts_with('}');
        let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        match (closed && named).then(|| value(name)).flatten() {
            Some(text) => {
                result.push_str(&text);
                rest = &rest[whole..];
            }
            None => {
                result.push('$');
                rest = after;
            }
        }
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_alone_are_replaced() {
        let value = |name: &str| (name == "A").then(|| "x".to_owned());
        for (text, expected) in [
            ("$A ${A}b $Ab", "x xb $Ab"),
            ("${A:-y} $(A) $1 $", "${A:-y} $(A) $1 $"),
            ("${A $A", "${A x"),
        ] {
            assert_eq!(expand(text, value), expected);
        }
    }
}
