//! Text as JSON has it.

/// `"…"`, with what JSON does not take escaped.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c < ' ' || c == '\x7f' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_does_not_take_is_escaped() {
        assert_eq!(quoted("a é\u{85}"), "\"a é\u{85}\"");
        assert_eq!(quoted("\"\\\n\t\r\0\x1b\x7f"), r#""\"\\\n\t\r\u0000\u001b\u007f""#);
    }
}
