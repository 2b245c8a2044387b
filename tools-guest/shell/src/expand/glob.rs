//! Pathname expansion.

use super::fields::Field;
use crate::shell::Shell;
use crate::system::{FileKind, System};
use toolcell_text::Pattern;

/// Names that one pattern may become.
const MAX_NAMES: usize = 1_000_000;

/// How deep `**` goes.
const MAX_DEPTH: u32 = 128;

impl<S: System> Shell<S> {
    /// Adds the names that `field` matches, or what stands for them when there are none. `false`
    /// when `failglob` forbids that.
    pub(crate) fn glob(&mut self, field: Field, names: &mut Vec<String>) -> bool {
        let extglob = self.state.shopt("extglob");
        if self.state.options.noglob || !field.is_pattern(extglob) {
            names.push(field.text);
            return true;
        }
        let mut found = self.glob_pattern(&field.pattern());
        if let Some(ignore) = self.ignored_names() {
            let patterns: Vec<Pattern> =
                ignore.split(':').map(|text| Pattern::new(text, extglob, false)).collect();
            found.retain(|name| !patterns.iter().any(|pattern| pattern.matches(name)));
        }
        if !found.is_empty() {
            names.append(&mut found);
            return true;
        }
        if self.state.shopt("failglob") {
            self.complain(&format!("no match: {}", field.text));
            return false;
        }
        if !self.state.shopt("nullglob") {
            names.push(field.text);
        }
        true
    }

    fn ignored_names(&self) -> Option<String> {
        let ignore = self.state.vars.get("GLOBIGNORE")?.value.scalar().cloned();
        ignore.filter(|text| !text.is_empty())
    }

    /// Whether a pattern matches names that begin with a dot, too.
    fn matches_dots(&self) -> bool {
        self.state.shopt("dotglob") || self.ignored_names().is_some()
    }

    /// The names that `pattern` matches, sorted.
    pub(crate) fn glob_pattern(&mut self, pattern: &str) -> Vec<String> {
        let mut found = Vec::new();
        let parts = split(pattern);
        let (prefix, parts) = match parts.split_first() {
            Some((first, rest)) if first.is_empty() => ("/".to_owned(), rest),
            _ => (String::new(), &parts[..]),
        };
        self.glob_parts(prefix, false, parts, &mut found, 0);
        // By bytes, as in the C locales.
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Adds what `parts` match below `prefix`, of which `matched` says whether a pattern has found it.
    fn glob_parts(
        &mut self,
        prefix: String,
        matched: bool,
        parts: &[String],
        found: &mut Vec<String>,
        depth: u32,
    ) {
        if found.len() >= MAX_NAMES || depth > MAX_DEPTH {
            return;
        }
        let Some((part, rest)) = parts.split_first() else {
            found.push(prefix);
            return;
        };
        if part.is_empty() {
            // Slashes at the end, or several in a row: what is before must be a directory. Before
            // the first of `**/` there may be nothing.
            if !prefix.is_empty() && self.is_directory(&prefix) {
                // Before another name, as many slashes as were written: the name brings its own.
                let before_name = rest.iter().any(|part| !part.is_empty());
                let slashes = match (prefix.ends_with('/'), before_name) {
                    (false, true) => "//",
                    (true, false) => "",
                    (true, true) | (false, false) => "/",
                };
                let prefix = prefix + slashes;
                self.glob_parts(prefix, matched, rest, found, depth);
            }
            return;
        }
        let joined = |prefix: &str, name: &str| match prefix {
            "" => name.to_owned(),
            prefix if prefix.ends_with('/') => format!("{prefix}{name}"),
            prefix => format!("{prefix}/{name}"),
        };
        if part == "**" && self.state.shopt("globstar") {
            if rest.is_empty() && !prefix.is_empty() && self.is_directory(&prefix) {
                // As in bash, a name that was written keeps its slash, and one that was found has none.
                found.push(if matched { prefix.clone() } else { joined(&prefix, "") });
            }
            self.glob_star(&prefix, rest, found, depth);
            return;
        }
        let extglob = self.state.shopt("extglob");
        let pattern = Pattern::new(part, extglob, self.state.shopt("nocaseglob"));
        // A directory does not list these two.
        let dots = matches!(part.as_str(), "." | "..").then(|| part.clone());
        if let Some(name) = dots.or_else(|| pattern.literal()) {
            let path = joined(&prefix, &name);
            let full = self.absolute(&path);
            let exists = match rest.is_empty() {
                true => self.sys.stat(&full, false).is_ok(),
                false => true,
            };
            if exists {
                self.glob_parts(path, matched, rest, found, depth + 1);
            }
            return;
        }
        let dots = self.matches_dots();
        let mut entries = self.entries(&prefix);
        if pattern.begins_with_dot() && !self.state.shopt("globskipdots") {
            entries.extend([".", ".."].map(|name| (name.to_owned(), FileKind::Directory)));
        }
        for (name, kind) in entries {
            if name.starts_with('.') && !dots && !pattern.begins_with_dot() {
                continue;
            }
            if !rest.is_empty() && !matches!(kind, FileKind::Directory | FileKind::Symlink) {
                continue;
            }
            if pattern.matches(&name) {
                self.glob_parts(joined(&prefix, &name), true, rest, found, depth + 1);
            }
        }
    }

    /// `**`: this directory and every one below.
    fn glob_star(&mut self, prefix: &str, rest: &[String], found: &mut Vec<String>, depth: u32) {
        if depth > MAX_DEPTH || found.len() >= MAX_NAMES {
            return;
        }
        let last = rest.is_empty();
        if !last {
            self.glob_parts(prefix.to_owned(), true, rest, found, depth + 1);
        }
        let dots = self.matches_dots();
        for (name, kind) in self.entries(prefix) {
            if name.starts_with('.') && !dots {
                continue;
            }
            let path = match prefix {
                "" => name,
                prefix if prefix.ends_with('/') => format!("{prefix}{name}"),
                prefix => format!("{prefix}/{name}"),
            };
            if last {
                found.push(path.clone());
            }
            if kind == FileKind::Directory {
                self.glob_star(&path, rest, found, depth + 1);
            }
        }
    }

    fn entries(&mut self, prefix: &str) -> Vec<(String, FileKind)> {
        let path = self.absolute(if prefix.is_empty() { "." } else { prefix });
        let mut entries = self.sys.read_dir(&path).unwrap_or_default();
        entries.sort();
        entries
    }

    pub(crate) fn is_directory(&mut self, path: &str) -> bool {
        let path = self.absolute(path);
        self.sys.stat(&path, true).is_ok_and(|stat| stat.kind == FileKind::Directory)
    }
}

/// Cuts a pattern at its slashes, but not within brackets or groups.
fn split(pattern: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut escaped, mut depth) = (false, 0u32);
    for c in pattern.chars() {
        let part = parts.last_mut().expect("it begins with one");
        match c {
            _ if escaped => {
                escaped = false;
                if c == '/' {
                    part.pop();
                    parts.push(String::new());
                    continue;
                }
            }
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("it begins with one").push(c);
    }
    parts
}
