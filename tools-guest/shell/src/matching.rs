//! The regular expressions of `[[ text =~ expression ]]`: the C library's extended ones.

use std::rc::Rc;

use toolcell_posix::{Meaning, Regex, Syntax, has_references, translate};

/// Expressions that are kept compiled, the one used last at the end: those of a loop.
const MAX_KEPT: usize = 16;

/// What was compiled.
#[derive(Debug, Default)]
pub(crate) struct Expressions {
    kept: Vec<(String, bool, Rc<Expression>)>,
}

/// An expression that is well formed.
#[derive(Debug)]
pub(crate) enum Expression {
    Plain(Box<Regex>),
    /// One that refers to a group of its own, which only the slower engine can do.
    Referring(fancy_regex::Regex),
}

impl Expressions {
    /// The expression of this source; `None` where it is not well formed.
    pub(crate) fn get(&mut self, source: &str, any_case: bool) -> Option<Rc<Expression>> {
        let same = |kept: &(String, bool, Rc<Expression>)| kept.0 == source && kept.1 == any_case;
        let expression = match self.kept.iter().rposition(same) {
            Some(at) => self.kept.remove(at).2,
            None => Rc::new(Expression::new(source, any_case)?),
        };
        if self.kept.len() >= MAX_KEPT {
            self.kept.remove(0);
        }
        self.kept.push((source.to_owned(), any_case, expression.clone()));
        Some(expression)
    }
}

impl Expression {
    fn new(source: &str, any_case: bool) -> Option<Expression> {
        if has_references(source) {
            let translated = translate(source, Syntax::Library, true).ok()?;
            let flags = if any_case { "(?si)" } else { "(?s)" };
            let regex = fancy_regex::Regex::new(&format!("{flags}{translated}")).ok()?;
            return Some(Expression::Referring(regex));
        }
        let meaning = Meaning { any_case, dot_is_newline: true, ..Meaning::default() };
        let regex = Regex::posix(source, Syntax::Library, meaning).ok()?;
        Some(Expression::Plain(Box::new(regex)))
    }

    /// The first match and its groups, empty where one took no part.
    pub(crate) fn captures(&self, text: &str) -> Option<Vec<String>> {
        let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
        match self {
            Expression::Plain(regex) => {
                let groups = regex.captures_at(text.as_bytes(), 0)?;
                let groups = groups.into_iter();
                Some(groups.map(|range| part(range.and_then(|range| text.get(range)))).collect())
            }
            Expression::Referring(regex) => {
                let groups = regex.captures(text).ok()??;
                Some(groups.iter().map(|group| part(group.map(|group| group.as_str()))).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_the_c_library_does() {
        for (source, text, groups) in [
            ("a|ab", "xab", Some(vec!["ab"])),
            ("(a|ab)(c|bcd)?", "abcd", Some(vec!["abcd", "a", "bcd"])),
            ("(a)|(b)", "b", Some(vec!["b", "", "b"])),
            ("(ab)\\1", "xabab", Some(vec!["abab", "ab"])),
            ("a+?", "aaa", Some(vec!["aaa"])),
            ("^.$", "é", Some(vec!["é"])),
            ("b$", "b\nc", None),
        ] {
            let expression = Expression::new(source, false).unwrap();
            let found = expression.captures(text);
            let groups = groups.map(|groups| groups.into_iter().map(str::to_owned).collect());
            assert_eq!(found, groups, "{source} in {text}");
        }
        assert!(Expression::new("*a", false).is_none());
        assert!(Expression::new("B", true).unwrap().captures("abc").is_some());
    }

    #[test]
    fn the_expressions_used_last_are_kept() {
        let mut expressions = Expressions::default();
        let first = expressions.get("a", false).unwrap();
        for round in 0..2 * MAX_KEPT {
            expressions.get(&format!("b{{{round}}}"), false).unwrap();
            assert!(Rc::ptr_eq(&first, &expressions.get("a", false).unwrap()));
        }
        assert!(!Rc::ptr_eq(&first, &expressions.get("a", true).unwrap()));
        assert_eq!(expressions.kept.len(), MAX_KEPT);
    }
}
