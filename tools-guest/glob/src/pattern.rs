//! A pattern, split into the directory that it names literally and what has to be matched.

use globset::{GlobBuilder, GlobMatcher};
use toolcell_sdk::Failure;
use toolcell_sdk::walk::VCS_DIRECTORIES;

/// Characters that make a path component more than a name.
const SPECIAL: &[char] = &['*', '?', '[', ']', '{', '}', '\\', ','];

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    base: String,
    rest: String,
}

impl Pattern {
    /// Reads a pattern relative to `directory`, or absolute.
    pub(crate) fn new(text: &str, directory: &str) -> Result<Pattern, Failure> {
        if text.contains('\0') {
            return Err(bad(text, "it contains a NUL byte; remove it"));
        }
        if text.split('/').any(|part| part == "..") {
            return Err(bad(text, "it may not contain ..; use path to search elsewhere"));
        }
        let text = match text.strip_prefix("~/") {
            Some(rest) => format!("/home/agent/{rest}"),
            None => text.to_owned(),
        };
        let (mut base, text) = match text.strip_prefix('/') {
            Some(rest) => (String::new(), rest),
            None => (directory.trim_end_matches('/').to_owned(), text.as_str()),
        };
        let mut parts: Vec<&str> =
            text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        while parts.len() > 1 && !parts[0].contains(SPECIAL) {
            base.push('/');
            base.push_str(parts.remove(0));
        }
        let base = if base.is_empty() { "/".to_owned() } else { base };
        Ok(Pattern { base, rest: parts.join("/") })
    }

    /// Where the search begins.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether a directory of a version control system is meant.
    pub(crate) fn names_vcs(&self) -> bool {
        let named = |text: &str| text.split('/').any(|part| VCS_DIRECTORIES.contains(&part));
        named(&self.base) || named(&self.rest)
    }

    /// How deep below the base a match can be; `None` for any depth.
    pub(crate) fn max_depth(&self) -> Option<usize> {
        // Inside braces a slash may be optional.
        let bounded = !self.rest.contains("**") && !self.rest.contains('{');
        bounded.then(|| self.rest.split('/').count())
    }

    pub(crate) fn matcher(&self) -> Result<GlobMatcher, Failure> {
        build(&self.rest)
    }

    /// The same pattern at any depth, if that is something else.
    pub(crate) fn anywhere(&self) -> Result<Option<GlobMatcher>, Failure> {
        if self.rest.starts_with("**") {
            return Ok(None);
        }
        build(&format!("**/{}", self.rest)).map(Some)
    }
}

fn build(pattern: &str) -> Result<GlobMatcher, Failure> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| bad(pattern, &error.kind().to_string()))
}

fn bad(pattern: &str, reason: &str) -> Failure {
    Failure::new("bad_pattern", format!("Invalid pattern {pattern:?}: {reason}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_directories_become_the_base() {
        for (text, base, rest) in [
            ("*.rs", "/w", "*.rs"),
            ("src/a/*.rs", "/w/src/a", "*.rs"),
            ("src/file", "/w/src", "file"),
            ("/abs/*/x", "/abs", "*/x"),
            ("./a//b/**", "/w/a/b", "**"),
            ("~/n/*", "/home/agent/n", "*"),
            ("{a,b}/c", "/w", "{a,b}/c"),
        ] {
            let expected = Pattern { base: base.into(), rest: rest.into() };
            assert_eq!(Pattern::new(text, "/w").unwrap(), expected, "{text}");
        }
    }
}
