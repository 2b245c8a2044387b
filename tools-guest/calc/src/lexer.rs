//! bc's tokens.

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Number(String),
    Name(String),
    Text(String),
    /// An operator or a sign.
    Sign(&'static str),
    Newline,
}

/// Why a text is none of tokens.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub line: usize,
    pub text: String,
    /// Whether more text could set it right.
    pub is_open: bool,
}

/// Signs, the longest first.
const SIGNS: &[&str] = &[
    "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "==", "<=", ">=", "!=", "&&", "||", "+", "-",
    "*", "/", "%", "^", "=", "<", ">", "!", "(", ")", "{", "}", "[", "]", ",", ";", "&",
];

/// Splits a program. Every token comes with its line, from 1.
///
/// # Errors
/// What is wrong, and where.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Wrong> {
    let open = |line, text: &str| Wrong { line, text: text.to_owned(), is_open: true };
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(c) = rest.chars().next() {
        if c == '\n' {
            tokens.push((Token::Newline, line));
            line += 1;
            rest = &rest[1..];
        } else if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if let Some(after) = rest.strip_prefix("\\\n") {
            line += 1;
            rest = after;
        } else if let Some(after) = rest.strip_prefix("/*") {
            let end =
                after.find("*/").ok_or_else(|| open(line, "EOF encountered in a comment."))?;
            line += after[..end].matches('\n').count();
            rest = &after[end + 2..];
        } else if c == '#' {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if let Some(after) = rest.strip_prefix('"') {
            let end = after.find('"').ok_or_else(|| open(line, "unterminated string"))?;
            tokens.push((Token::Text(after[..end].to_owned()), line));
            line += after[..end].matches('\n').count();
            rest = &after[end + 1..];
        } else if c.is_ascii_digit() || c.is_ascii_uppercase() || c == '.' {
            let mut number = String::new();
            let mut point = false;
            loop {
                if let Some(after) = rest.strip_prefix("\\\n") {
                    line += 1;
                    rest = after;
                    continue;
                }
                match rest.chars().next() {
                    Some('.') if !point => {
                        point = true;
                        number.push('.');
                    }
                    Some(c) if c.is_ascii_digit() || c.is_ascii_uppercase() => number.push(c),
                    _ => break,
                }
                rest = &rest[1..];
            }
            // A point alone is the last value that was printed.
            tokens.push(match number.as_str() {
                "." => (Token::Name("last".to_owned()), line),
                _ => (Token::Number(number), line),
            });
        } else if c.is_ascii_lowercase() {
            let end = rest
                .find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_')
                .unwrap_or(rest.len());
            tokens.push((Token::Name(rest[..end].to_owned()), line));
            rest = &rest[end..];
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push((Token::Sign(sign), line));
            rest = &rest[sign.len()..];
        } else {
            let text = format!("illegal character: {c}");
            return Err(Wrong { line, text, is_open: false });
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_each_kind() {
        let found: Vec<Token> =
            tokens("a+=1.5 /* c */ \"t\"\n").unwrap().into_iter().map(|(token, _)| token).collect();
        assert_eq!(
            found,
            [
                Token::Name("a".to_owned()),
                Token::Sign("+="),
                Token::Number("1.5".to_owned()),
                Token::Text("t".to_owned()),
                Token::Newline,
            ]
        );
        assert!(tokens("\"open").is_err() && tokens("$").is_err());
    }
}
