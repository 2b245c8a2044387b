//! The files to search: ripgrep's ignore rules, the glob and the type of the call.

use std::fs;

use ignore::overrides::{Override, OverrideBuilder};
use ignore::types::{Types, TypesBuilder};
use toolcell_sdk::walk::{Deadline, VCS_DIRECTORIES};
use toolcell_sdk::{Failure, Session, files};

use toolcell_walk::{Found, Ignore, Order, Walk};

use crate::Input;

/// Files of one search. A tree of millions must not exhaust the tool's memory.
const MAX_FILES: usize = 1_000_000;

/// Names suggested for an unknown type.
const MAX_SUGGESTED: usize = 5;

/// Where the search begins.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) path: String,
    pub(crate) is_file: bool,
}

impl Root {
    pub(crate) fn new(session: &dyn Session, path: Option<&str>) -> Result<Root, Failure> {
        let path = path.filter(|path| !matches!(*path, "" | "undefined" | "null"));
        let Some(path) = path else { return Ok(Root { path: session.cwd(), is_file: false }) };
        let target = files::resolve(session, path)?;
        match fs::metadata(&target.path) {
            Ok(metadata) if metadata.is_dir() => Ok(Root { path: target.path, is_file: false }),
            Ok(metadata) if metadata.is_file() => Ok(Root { path: target.path, is_file: true }),
            Ok(_) => Err(Failure::new(
                "not_regular_file",
                format!("Cannot search {path}: not a regular file."),
            )),
            Err(_) => Err(Failure::new(
                "search_path_not_found",
                format!(
                    "Path does not exist: {path}. Note: your current working directory is {}.",
                    session.cwd()
                ),
            )),
        }
    }
}

/// What was found, beside the files.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    /// How many files.
    pub(crate) found: usize,
    pub(crate) unreadable: usize,
    /// Files that the glob would have matched further down, when it matched none.
    pub(crate) deeper: Option<usize>,
}

/// Hands the files to `search`, in the byte order of their paths.
pub(crate) fn find(
    session: &dyn Session,
    root: &Root,
    input: &Input,
    deadline: &Deadline,
    mut search: impl FnMut(&str),
) -> Result<Candidates, Failure> {
    let types = types(input.file_type.as_deref())?;
    let globs: Vec<String> = input.glob.as_deref().map(split_globs).unwrap_or_default();
    let filter = overrides(&root.path, &globs)?;
    if root.is_file {
        // A file that is named is searched, whatever the rules say of it.
        search(&root.path);
        return Ok(Candidates { found: 1, ..Candidates::default() });
    }
    let in_work_tree = session.setting("grep_require_git").as_deref() != Some("false");
    let walk = |overrides, search: &mut dyn FnMut(&str)| {
        let walk = Walk {
            overrides,
            types: types.clone(),
            skip_hidden: false,
            skip_directories: VCS_DIRECTORIES,
            ignore: Ignore::All { in_work_tree },
            ignore_above: true,
            follow: false,
            depth: usize::MAX,
            order: Order::Paths,
        };
        candidates(&walk, &root.path, deadline, search)
    };
    let mut candidates = walk(filter, &mut search);
    let anchored = globs.iter().any(|glob| {
        glob.contains('/') && !glob.starts_with(['!', '/']) && !glob.starts_with("**/")
    });
    if candidates.found == 0 && anchored && !deadline.passed() {
        let deep: Vec<String> = globs
            .iter()
            .map(|glob| if glob.starts_with('!') { glob.clone() } else { format!("**/{glob}") })
            .collect();
        let deeper = walk(overrides(&root.path, &deep)?, &mut |_| {}).found;
        candidates.deeper = Some(deeper).filter(|count| *count > 0);
    }
    Ok(candidates)
}

fn candidates(
    walk: &Walk,
    root: &str,
    deadline: &Deadline,
    search: &mut dyn FnMut(&str),
) -> Candidates {
    let mut candidates = Candidates::default();
    walk.directory(root, root, &mut |found| {
        match found {
            Found::File(path) => {
                candidates.found += 1;
                search(path);
            }
            Found::Unreadable(..) | Found::Loop(..) => candidates.unreadable += 1,
        }
        !deadline.passed() && candidates.found < MAX_FILES
    });
    candidates
}

/// GREP-R11: several globs, separated by blanks or commas outside braces.
fn split_globs(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut globs = vec![String::new()];
    for char in text.chars() {
        match char {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        match globs.last_mut() {
            Some(glob) if depth > 0 || !matches!(char, ' ' | ',' | '\t') => glob.push(char),
            _ => globs.push(String::new()),
        }
    }
    globs.retain(|glob| !glob.is_empty());
    globs
}

fn overrides(root: &str, globs: &[String]) -> Result<Override, Failure> {
    let mut builder = OverrideBuilder::new(root);
    let bad = |glob: &str, error: ignore::Error| {
        Failure::new("bad_pattern", format!("Invalid glob {glob:?}: {error}."))
    };
    for glob in globs {
        builder.add(glob).map_err(|error| bad(glob, error))?;
    }
    builder.build().map_err(|error| bad(&globs.join(" "), error))
}

fn types(name: Option<&str>) -> Result<Types, Failure> {
    let mut builder = TypesBuilder::new();
    builder.add_defaults();
    if let Some(name) = name {
        builder.select(name);
    }
    builder.build().map_err(|_| unknown_type(name.unwrap_or_default(), &builder))
}

fn unknown_type(name: &str, known: &TypesBuilder) -> Failure {
    let lower = name.to_lowercase();
    let dotted = format!("*.{lower}");
    let near: Vec<String> = known
        .definitions()
        .into_iter()
        .filter(|known| {
            known.name().starts_with(&lower)
                || !lower.is_empty() && lower.starts_with(known.name())
                || known.globs().contains(&dotted)
        })
        .map(|known| known.name().to_owned())
        .take(MAX_SUGGESTED)
        .collect();
    let mut message = format!("unrecognized file type: {name}");
    if !near.is_empty() {
        message.push_str(&format!(". Did you mean: {}?", near.join(", ")));
    }
    Failure::new("bad_pattern", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grep_r11_globs_are_split_outside_braces() {
        for (text, expected) in [
            ("*.js", vec!["*.js"]),
            ("*.{ts,tsx} *.rs", vec!["*.{ts,tsx}", "*.rs"]),
            ("a,b , !c", vec!["a", "b", "!c"]),
            ("[a,b].c", vec!["[a,b].c"]),
        ] {
            assert_eq!(split_globs(text), expected, "{text}");
        }
    }
}
