//! Writing text so that the shell reads it back: `%q`, `@Q`, `set`, `declare -p`, traces.

use crate::text;

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '_' | '/' | '.' | '-' | ':' | '=' | '@' | '%' | '+' | ',')
        || !c.is_ascii() && !c.is_control() && !is_escaped_byte(c)
}

fn is_escaped_byte(c: char) -> bool {
    text::escaped(c).is_some()
}

fn needs_dollar(text: &str) -> bool {
    text.chars().any(|c| c.is_control() || is_escaped_byte(c))
}

/// `$'…'`.
pub(crate) fn dollar(text: &str) -> String {
    let mut quoted = String::from("$'");
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0b' => quoted.push_str("\\v"),
            '\x0c' => quoted.push_str("\\f"),
            '\x1b' => quoted.push_str("\\E"),
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            c if is_escaped_byte(c) => quoted.push_str(&format!("\\{:03o}", u32::from(c) & 0xFF)),
            c if c.is_control() => quoted.push_str(&format!("\\{:03o}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// `'…'`, as `${x@Q}` and traces write it.
pub(crate) fn single(text: &str) -> String {
    if needs_dollar(text) {
        return dollar(text);
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// As `printf %q` writes it.
pub(crate) fn backslashed(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    if needs_dollar(text) {
        return dollar(text);
    }
    let mut quoted = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        let special = matches!(
            c,
            ' ' | '!'
                | '"'
                | '$'
                | '&'
                | '\''
                | '('
                | ')'
                | '*'
                | ';'
                | '<'
                | '>'
                | '?'
                | '['
                | '\\'
                | ']'
                | '^'
                | '`'
                | '{'
                | '|'
                | '}'
                | ','
        ) || at == 0 && matches!(c, '#' | '~')
            || c == '~'
                && text[..].chars().nth(at.wrapping_sub(1)).is_some_and(|c| matches!(c, ':' | '='));
        if special {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

/// As a trace shows a word: bare when it can be.
pub(crate) fn traced(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    let mut before = None;
    let special = text.chars().any(|c| {
        let tilde = c == '~' && matches!(before, None | Some('=' | ':'));
        let comment = c == '#' && before.is_none();
        before = Some(c);
        tilde || comment || " \t\n'\"\\|&;()<>!{}*[]?^$`".contains(c)
    });
    match special {
        true => format!("'{}'", text.replace('\'', "'\\''")),
        false if needs_dollar(text) => dollar(text),
        false => text.to_owned(),
    }
}

/// As `set` and `export` show a value.
pub(crate) fn assigned(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    match text.chars().all(|c| is_plain(c) && c != '=') || text.chars().all(is_plain) {
        true => text.to_owned(),
        false => single(text),
    }
}

/// `"…"`, as `declare -p` writes it.
pub(crate) fn double(text: &str) -> String {
    if needs_dollar(text) {
        return dollar(text);
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '$' | '`' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// A key within brackets.
pub(crate) fn key(text: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric()
            || !c.is_ascii()
            || matches!(c, '_' | '.' | '-' | '/' | ':' | '@' | '%' | '+' | ',' | '=' | '#' | '~')
    };
    // `[@]` would be all elements.
    let reads_otherwise = matches!(text, "" | "@") || text.starts_with(['#', '~']);
    match !reads_otherwise && text.chars().all(plain) {
        true => text.to_owned(),
        false => double(text),
    }
}
