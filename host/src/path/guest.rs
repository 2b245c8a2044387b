//! Absolute names in the guest's namespace.

use std::fmt;
use std::sync::Arc;

use super::{Component, MAX_PATH_BYTES, PathError};

/// An absolute guest path without `.`, `..`, doubled slashes or NUL, such as
/// `/home/agent/workspace/notes.md`. The root is `/`.
///
/// Cheap to clone. It names a place for people, policy and the journal; it is not a way to open
/// anything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestPath(Arc<str>);

impl GuestPath {
    /// The root directory.
    pub fn root() -> GuestPath {
        GuestPath("/".into())
    }

    /// Reads `text`, relative to `base` unless it starts with a slash, folding `.` and `..` as
    /// text. `..` at the root stays there.
    ///
    /// # Errors
    /// When `text` is empty, too long or holds a NUL byte.
    pub fn parse(base: &GuestPath, text: &str) -> Result<GuestPath, PathError> {
        check(text)?;
        let mut path = if text.starts_with('/') { String::new() } else { base.trunk().to_owned() };
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => path.truncate(path.rfind('/').unwrap_or(0)),
                name => {
                    path.push('/');
                    path.push_str(name);
                }
            }
        }
        if path.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong);
        }
        Ok(if path.is_empty() { GuestPath::root() } else { GuestPath(path.into()) })
    }

    /// This path with one more name.
    pub fn join(&self, name: &Component) -> GuestPath {
        self.join_text(&name.text())
    }

    /// This path with a relative path that is known to hold nothing but names.
    pub fn join_text(&self, names: &str) -> GuestPath {
        if names.is_empty() {
            return self.clone();
        }
        let mut path = String::with_capacity(self.0.len() + 1 + names.len());
        path.push_str(self.trunk());
        path.push('/');
        path.push_str(names);
        GuestPath(path.into())
    }

    /// The text, with its leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is left of this path below `ancestor`: `""` for the ancestor itself.
    pub fn below<'a>(&'a self, ancestor: &GuestPath) -> Option<&'a str> {
        let rest = self.0.strip_prefix(ancestor.trunk())?;
        if rest.is_empty() || *self == *ancestor {
            return Some("");
        }
        rest.strip_prefix('/')
    }

    /// The last name, or `None` for the root.
    pub fn name(&self) -> Option<&str> {
        self.0.rsplit('/').next().filter(|name| !name.is_empty())
    }

    fn trunk(&self) -> &str {
        if &*self.0 == "/" { "" } else { &self.0 }
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A relative path as a guest passed it to a filesystem call, split but not yet resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    text: &'a str,
    /// Ended in a slash, so that it must name a directory.
    pub directory: bool,
}

impl<'a> Parts<'a> {
    /// Checks `text` without interpreting it.
    ///
    /// # Errors
    /// When it is empty, too long or holds a NUL byte.
    pub fn new(text: &'a str) -> Result<Parts<'a>, PathError> {
        check(text)?;
        Ok(Parts { text, directory: text.ends_with('/') || text.ends_with("/.") })
    }

    /// The pieces between slashes, `.` and empty ones left out; `..` stays.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.text.split('/').filter(|part| !matches!(*part, "" | "."))
    }

    /// Whether the path starts at the root of the namespace.
    pub fn is_absolute(&self) -> bool {
        self.text.starts_with('/')
    }

    /// Whether it is nothing but plain names joined by single slashes.
    pub fn is_plain(&self) -> bool {
        !self.directory && self.text.split('/').all(|part| !matches!(part, "" | "." | ".."))
    }

    /// The text as it was passed.
    pub fn text(&self) -> &'a str {
        self.text
    }
}

fn check(text: &str) -> Result<(), PathError> {
    if text.is_empty() {
        Err(PathError::Empty)
    } else if text.len() > MAX_PATH_BYTES {
        Err(PathError::TooLong)
    } else if text.contains('\0') {
        Err(PathError::Nul)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, text: &str, expected: &str) {
        let base = GuestPath::parse(&GuestPath::root(), base).unwrap();
        assert_eq!(GuestPath::parse(&base, text).unwrap().as_str(), expected);
    }

    #[test]
    fn folds_as_text() {
        check("/home/agent", "a/b", "/home/agent/a/b");
        check("/home/agent", "../x", "/home/x");
        check("/home/agent", "../../../../x", "/x");
        check("/home/agent", "/a//b/./c/", "/a/b/c");
        check("/home/agent", ".", "/home/agent");
        check("/", "..", "/");
    }

    #[test]
    fn refuses_what_is_no_path() {
        let root = GuestPath::root();
        assert_eq!(GuestPath::parse(&root, ""), Err(PathError::Empty));
        assert_eq!(GuestPath::parse(&root, "a\0b"), Err(PathError::Nul));
        let long = "a/".repeat(MAX_PATH_BYTES);
        assert_eq!(GuestPath::parse(&root, &long), Err(PathError::TooLong));
    }

    #[test]
    fn below_is_not_a_text_prefix() {
        let root = GuestPath::root();
        let path = |text| GuestPath::parse(&root, text).unwrap();
        assert_eq!(path("/a/b").below(&path("/a")), Some("b"));
        assert_eq!(path("/a").below(&path("/a")), Some(""));
        assert_eq!(path("/ab").below(&path("/a")), None);
        assert_eq!(path("/a").below(&root), Some("a"));
        assert_eq!(root.below(&root), Some(""));
    }
}
