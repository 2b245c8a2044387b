//! Brace expansion: `{a,b}` and `{1..9..2}`, before everything else.

use crate::syntax::ast::{Part, Word};

/// Words that one word may become. Against `{1..1000000000}`.
const MAX_WORDS: usize = 1_000_000;

/// One step of a word: a character that may be a brace, or a part that may not.
#[derive(Debug, Clone)]
enum Unit {
    Char(char),
    Part(Part),
}

/// The words that `word` stands for; `None` when it has no braces to expand.
///
/// # Errors
/// When there would be too many.
pub(crate) fn expand(word: &Word) -> Result<Option<Vec<Word>>, String> {
    let any = word.0.iter().any(|part| matches!(part, Part::Literal(text) if text.contains('{')));
    if !any {
        return Ok(None);
    }
    let mut units = Vec::new();
    for part in &word.0 {
        match part {
            Part::Literal(text) => units.extend(text.chars().map(Unit::Char)),
            part => units.push(Unit::Part(part.clone())),
        }
    }
    let expanded = expand_units(&units)?;
    if expanded.len() == 1 && expanded[0].len() == units.len() {
        return Ok(None);
    }
    Ok(Some(expanded.into_iter().map(join).collect()))
}

/// A `~` that has come to the beginning of a word is one that stands for a home.
fn home(parts: &mut Vec<Part>) {
    let Some(Part::Literal(text)) = parts.first() else { return };
    let Some(rest) = text.strip_prefix('~') else { return };
    let name = rest.split('/').next().unwrap_or(rest);
    let whole = name.len() < rest.len() || parts.len() == 1;
    if whole && name.bytes().all(crate::syntax::is_home_name) {
        let (tilde, rest) = (Part::Tilde(name.to_owned()), rest[name.len()..].to_owned());
        parts[0] = tilde;
        if !rest.is_empty() {
            parts.insert(1, Part::Literal(rest));
        }
    }
}

fn join(units: Vec<Unit>) -> Word {
    let mut parts = Vec::new();
    for unit in units {
        match (unit, parts.last_mut()) {
            (Unit::Char(c), Some(Part::Literal(text))) => text.push(c),
            // Braces come before parameters: `$x{a,b}` is `$xa $xb`.
            (Unit::Char(c), Some(Part::Param(param)))
                if (c.is_ascii_alphanumeric() || c == '_')
                    && !param.braced
                    && param.source == param.name
                    && crate::syntax::is_name(&param.name) =>
            {
                param.name.push(c);
                param.source.push(c);
            }
            (Unit::Char(c), _) => parts.push(Part::Literal(c.to_string())),
            (Unit::Part(part), _) => parts.push(part),
        }
    }
    home(&mut parts);
    Word(parts)
}

fn is(unit: &Unit, c: char) -> bool {
    matches!(unit, Unit::Char(other) if *other == c)
}

fn expand_units(units: &[Unit]) -> Result<Vec<Vec<Unit>>, String> {
    let Some((open, close, commas)) = find(units) else { return Ok(vec![units.to_vec()]) };
    let inside = &units[open + 1..close];
    let alternatives = if commas.is_empty() {
        match sequence(inside)? {
            Some(items) => items,
            None => {
                // Not a brace expression: it stays, and what is inside and after it is looked at.
                let inner = expand_units(inside)?;
                let after = expand_units(&units[close + 1..])?;
                return product(&units[..=open], inner, Some(&units[close]), after);
            }
        }
    } else {
        let mut items = Vec::new();
        let mut from = open + 1;
        for end in commas.into_iter().chain([close]) {
            items.extend(expand_units(&units[from..end])?);
            from = end + 1;
        }
        items
    };
    let after = expand_units(&units[close + 1..])?;
    product(&units[..open], alternatives, None, after)
}

fn product(
    before: &[Unit],
    middle: Vec<Vec<Unit>>,
    close: Option<&Unit>,
    after: Vec<Vec<Unit>>,
) -> Result<Vec<Vec<Unit>>, String> {
    if middle.len().saturating_mul(after.len()) > MAX_WORDS {
        return Err(format!("brace expansion: more than {MAX_WORDS} words"));
    }
    let mut words = Vec::with_capacity(middle.len() * after.len());
    for middle in &middle {
        for after in &after {
            let units = before.iter().chain(middle).chain(close).chain(after);
            words.push(units.cloned().collect());
        }
    }
    Ok(words)
}

/// The first brace that closes, and the commas directly inside it.
fn find(units: &[Unit]) -> Option<(usize, usize, Vec<usize>)> {
    for (open, unit) in units.iter().enumerate() {
        // `${` was parsed as a part, so a `$` here stands for itself.
        if !is(unit, '{') {
            continue;
        }
        let (mut depth, mut commas) = (0u32, Vec::new());
        for (at, unit) in units.iter().enumerate().skip(open + 1) {
            if is(unit, '{') {
                depth += 1;
            } else if is(unit, '}') {
                if depth == 0 {
                    return Some((open, at, commas));
                }
                depth -= 1;
            } else if is(unit, ',') && depth == 0 {
                commas.push(at);
            }
        }
    }
    None
}

/// The items of `x..y` or `x..y..step`.
fn sequence(inside: &[Unit]) -> Result<Option<Vec<Vec<Unit>>>, String> {
    let text: Option<String> = inside
        .iter()
        .map(|unit| match unit {
            Unit::Char(c) => Some(*c),
            Unit::Part(_) => None,
        })
        .collect();
    let Some(text) = text else { return Ok(None) };
    let parts: Vec<&str> = text.split("..").collect();
    let (first, last, step) = match parts[..] {
        [first, last] => (first, last, 1),
        [first, last, step] => match step.parse::<i64>() {
            Ok(step) => (first, last, step),
            Err(_) => return Ok(None),
        },
        _ => return Ok(None),
    };
    let step = i128::from(step.unsigned_abs().max(1));
    let chars = |text: &str| {
        let mut chars = text.chars();
        let c = chars.next().filter(char::is_ascii_alphabetic);
        c.filter(|_| chars.next().is_none())
    };
    let (from, to, letters) = match (first.parse::<i64>(), last.parse::<i64>()) {
        (Ok(from), Ok(to)) => (from, to, false),
        _ => match (chars(first), chars(last)) {
            (Some(from), Some(to)) => (i64::from(u32::from(from)), i64::from(u32::from(to)), true),
            _ => return Ok(None),
        },
    };
    let padded = |text: &str| {
        let digits = text.trim_start_matches(['-', '+']);
        digits.len() > 1 && digits.starts_with('0')
    };
    let width = match !letters && (padded(first) || padded(last)) {
        true => first.len().max(last.len()),
        false => 0,
    };
    let count = (i128::from(from) - i128::from(to)).abs() / step + 1;
    if count > MAX_WORDS as i128 {
        return Err(format!("brace expansion: more than {MAX_WORDS} words"));
    }
    let sign = if from <= to { 1 } else { -1 };
    let items = (0..count).map(|at| {
        let value = i128::from(from) + sign * at * step;
        let text = match letters {
            true => u32::try_from(value).ok().and_then(char::from_u32).unwrap_or('?').to_string(),
            false if value < 0 => format!("-{:0>1$}", -value, width.saturating_sub(1)),
            false => format!("{value:0>width$}"),
        };
        text.chars().map(Unit::Char).collect()
    });
    Ok(Some(items.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let words = expand(&Word::literal(text)).unwrap();
        let words = words.unwrap_or_else(|| vec![Word::literal(text)]);
        let words: Vec<&str> = words.iter().map(|word| word.as_literal().unwrap()).collect();
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn expands_as_bash_does() {
        check("a{b,c}d", "abd acd");
        check("{a,b{1,2}}", "a b1 b2");
        check("{1..5..2}", "1 3 5");
        check("{01..10..3}", "01 04 07 10");
        check("{-1..1}", "-1 0 1");
        check("{c..a}", "c b a");
        check("{a}", "{a}");
        check("{a,b", "{a,b");
        check("{{a,b}}", "{a} {b}");
        check("{,x}y", "y xy");
        check("{1..2}{a,b}", "1a 1b 2a 2b");
        assert!(expand(&Word::literal("{1..1000000000}")).is_err());
    }
}
