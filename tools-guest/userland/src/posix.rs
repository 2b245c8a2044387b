//! POSIX regular expressions in the syntax of the engine.

/// A POSIX expression in the engine's syntax. GNU lets `\+ \? \|` count in basic ones too.
pub(crate) fn translate(pattern: &str, extended: bool, references: bool) -> Result<String, String> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut result = String::with_capacity(pattern.len() + 8);
    let mut at = 0;
    let mut depth = 0u32;
    // Whether a `*` here would have nothing to repeat.
    let mut start = true;
    while at < chars.len() {
        let c = chars[at];
        at += 1;
        let mut escaped = false;
        let mut c = c;
        if c == '\\' {
            let Some(next) = chars.get(at).copied() else {
                return Err("Trailing backslash".to_owned());
            };
            at += 1;
            escaped = true;
            c = next;
        }
        // In basic expressions these count when escaped, in extended ones when not.
        let special = matches!(c, '(' | ')' | '{' | '}' | '+' | '?' | '|');
        if special && escaped != extended {
            match c {
                '(' => {
                    depth += 1;
                    result.push('(');
                    start = true;
                    continue;
                }
                ')' if depth == 0 && extended => result.push_str("\\)"),
                ')' if depth == 0 => return Err("Unmatched ) or \\)".to_owned()),
                ')' => {
                    depth -= 1;
                    result.push(')');
                }
                '|' => {
                    result.push('|');
                    start = true;
                    continue;
                }
                '{' if start || !is_interval(&chars[at..], extended) => result.push_str("\\{"),
                '{' => {
                    let end = chars[at..].iter().position(|c| *c == '}').unwrap_or(0);
                    let text: String = chars[at..at + end].iter().collect();
                    let text = text.trim_end_matches('\\');
                    let text = match text.strip_prefix(',') {
                        Some(most) => format!("0,{most}"),
                        None => text.to_owned(),
                    };
                    result.push_str(&format!("{{{text}}}"));
                    at += end + 1;
                }
                '}' => result.push_str("\\}"),
                '+' | '?' if start => result.push_str(&format!("\\{c}")),
                c => result.push(c),
            }
            start = false;
            continue;
        }
        if escaped {
            match c {
                '<' => result.push_str("\\b{start}"),
                '>' => result.push_str("\\b{end}"),
                'b' | 'B' | 'w' | 'W' | 's' | 'S' => result.push_str(&format!("\\{c}")),
                '1'..='9' if references => result.push_str(&format!("\\{c}")),
                '1'..='9' => {
                    return Err(format!("back-reference \\{c} is not supported"));
                }
                c if c.is_alphanumeric() => result.push(c),
                c => result.push_str(&format!("\\{c}")),
            }
            start = false;
            continue;
        }
        match c {
            '[' => at = bracket(&chars, at, &mut result)?,
            '*' if start => result.push_str("\\*"),
            '^' if !extended && !start => result.push_str("\\^"),
            '$' if !extended && !ends_branch(&chars[at..]) => result.push_str("\\$"),
            '^' => {
                result.push('^');
                continue;
            }
            '(' | ')' | '{' | '}' | '+' | '?' | '|' => result.push_str(&format!("\\{c}")),
            c => result.push(c),
        }
        start = false;
    }
    if depth > 0 {
        return Err("Unmatched ( or \\(".to_owned());
    }
    Ok(result)
}

fn is_interval(chars: &[char], extended: bool) -> bool {
    let end = chars.iter().position(|c| *c == '}');
    end.is_some_and(|end| {
        let text: String = chars[..end].iter().collect();
        let text = if extended { text.as_str() } else { text.trim_end_matches('\\') };
        !text.is_empty() && text != "," && text.chars().all(|c| c.is_ascii_digit() || c == ',')
    })
}

/// Whether a `$` before this is at the end of a branch of a basic expression.
fn ends_branch(rest: &[char]) -> bool {
    matches!(rest, [] | ['\\', ')' | '|', ..])
}

/// A bracket expression after its `[`; where it ends.
fn bracket(chars: &[char], mut at: usize, result: &mut String) -> Result<usize, String> {
    result.push('[');
    if chars.get(at) == Some(&'^') {
        result.push('^');
        at += 1;
    }
    let first = at;
    loop {
        let Some(c) = chars.get(at).copied() else {
            return Err("Unmatched [, [^, [:, [., or [=".to_owned());
        };
        if c == ']' && at > first {
            result.push(']');
            return Ok(at + 1);
        }
        if c == '[' && matches!(chars.get(at + 1), Some(':' | '.' | '=')) {
            let kind = chars[at + 1];
            let close = (at + 2..chars.len().saturating_sub(1))
                .find(|end| chars[*end] == kind && chars[*end + 1] == ']');
            if let Some(close) = close {
                let name: String = chars[at + 2..close].iter().collect();
                match kind {
                    ':' => result.push_str(&format!("[:{name}:]")),
                    _ => result.push_str(&regex::escape(&name)),
                }
                at = close + 2;
                continue;
            }
        }
        let edge = c == '-' && (at == first || chars.get(at + 1) == Some(&']'));
        if matches!(c, '\\' | '[' | ']' | '&' | '~' | '^') || edge {
            result.push('\\');
        }
        result.push(c);
        at += 1;
    }
}

/// Whether an expression refers back to a group of its own.
pub(crate) fn has_references(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next().is_some_and(|next| ('1'..='9').contains(&next)) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, extended: bool, expected: &str) {
        assert_eq!(translate(pattern, extended, false).as_deref(), Ok(expected), "{pattern}");
    }

    #[test]
    fn translates_posix_expressions() {
        check("a+b", false, "a\\+b");
        check("a\\+b", false, "a+b");
        check("a+b", true, "a+b");
        check("\\(a\\|b\\)", false, "(a|b)");
        check("*a", false, "\\*a");
        check("a\\{2,3\\}", false, "a{2,3}");
        check("a{2}", true, "a{2}");
        check("a{x", true, "a\\{x");
        check("[]a-]", true, "[\\]a\\-]");
        check("[[:digit:]]", true, "[[:digit:]]");
        check("a^b$c", false, "a\\^b\\$c");
        check("\\<w\\>", false, "\\b{start}w\\b{end}");
    }
}
