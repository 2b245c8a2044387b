//! Finding and loading the file that a call names.

use std::fs::{self, File};

use crate::{Failure, PathError, Session};
use toolcell_direct::{self as direct, Kind, Stat};

/// Files shown as similar when one is missing.
const MAX_SIMILAR: usize = 3;

/// Names looked at in search of similar ones. A directory of a million names must not make a
/// simple mistake slow.
const MAX_NAMES: usize = 2_000;

/// A path as it was given, and as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As the agent wrote it, for messages.
    pub given: String,
    /// Absolute and free of links: the key of the session, and what is opened.
    pub path: String,
}

/// Makes a path absolute (relative to the session's directory, `~` for home) and folds `.` and
/// `..` as text.
pub fn absolute(session: &dyn Session, given: &str) -> String {
    let joined = match given {
        "~" => "/home/agent".to_owned(),
        home if home.starts_with("~/") => format!("/home/agent/{}", &home[2..]),
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        relative => format!("{}/{relative}", session.cwd()),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Resolves a path, every link included.
///
/// # Errors
/// When it holds a NUL byte, leads out of the agent's directories or in circles.
pub fn resolve(session: &dyn Session, given: &str) -> Result<Target, Failure> {
    if given.is_empty() || given.contains('\0') {
        let message = format!("The path {given:?} is empty or contains a NUL byte; remove it.");
        return Err(Failure::new("invalid_params", message));
    }
    let path = absolute(session, given);
    let path = session.canonical(&path).map_err(|error| match error {
        PathError::Outside => Failure::new(
            "path_not_in_workspace",
            format!("{given} leads outside the agent's directories."),
        )
        .hint("Use a path below /home/agent or /tmp."),
        PathError::Loop => Failure::new(
            "too_many_links",
            format!("Cannot follow {given}: too many levels of symbolic links."),
        ),
        PathError::NotDirectory => Failure::new(
            "not_a_directory",
            format!("Cannot reach {given}: a parent is a file, not a directory."),
        ),
        PathError::NotFound => missing(session, given, &path),
        PathError::Io => Failure::new("io_error", format!("Cannot resolve {given}.")),
    })?;
    Ok(Target { given: given.to_owned(), path })
}

/// The failure for a file that does not exist, with similar names of the same directory.
pub fn missing(session: &dyn Session, given: &str, path: &str) -> Failure {
    let mut message =
        format!("File does not exist. Note: your current working directory is {}.", session.cwd());
    let similar = similar_names(path);
    if !similar.is_empty() {
        message.push_str(&format!(" Did you mean {}?", similar.join(", ")));
    }
    Failure::new("file_not_found", message)
        .details(serde_json::json!({ "path": given, "similar": similar }))
}

fn similar_names(path: &str) -> Vec<String> {
    let Some((directory, wanted)) = path.rsplit_once('/') else { return Vec::new() };
    let root = if directory.is_empty() { "/" } else { directory };
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let wanted = wanted.to_lowercase();
    let stem = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    let mut scored: Vec<(usize, String)> = entries
        .take(MAX_NAMES)
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let lower = name.to_lowercase();
            let distance = edit_distance(&lower, &wanted);
            let near = lower == wanted
                || stem(&lower) == stem(&wanted)
                || distance <= 2.max(wanted.chars().count() / 4);
            near.then(|| (distance, format!("{directory}/{name}")))
        })
        .collect();
    scored.sort();
    scored.into_iter().take(MAX_SIMILAR).map(|(_, path)| path).collect()
}

fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replace = corner + usize::from(a != *b);
            corner = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(corner + 1);
        }
    }
    row[other.len()]
}

/// Looks at a file without opening it (rule X12): a pipe or device is refused here.
///
/// # Errors
/// When it is missing, a directory, or not a regular file.
pub fn regular(session: &dyn Session, target: &Target) -> Result<Stat, Failure> {
    let Target { given, path } = target;
    let stat = direct::stat(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing(session, given, path),
        _ => Failure::io("open", given, &error),
    })?;
    if stat.kind == Kind::Directory {
        let message =
            format!("{given} is a directory, not a file. Use ls (Bash) or Glob to list it.");
        return Err(Failure::new("target_is_directory", message));
    }
    if stat.kind != Kind::File {
        let message = format!("Cannot read {given}: not a regular file.");
        return Err(Failure::new("not_regular_file", message));
    }
    Ok(stat)
}

/// Loads a whole file.
///
/// # Errors
/// What the operating system says.
pub fn load(target: &Target) -> Result<Vec<u8>, Failure> {
    let read = direct::read(&target.path, usize::MAX - 1);
    let bytes = read.map_err(|error| Failure::io("read", &target.given, &error))?;
    Ok(bytes.unwrap_or_default())
}

/// The session's hash of a content.
pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Replaces a file's content in place (rule X11), or makes the file. Space for a longer content
/// is claimed before the first byte changes, and an old content is put back if writing fails.
///
/// # Errors
/// What the operating system says; the message tells whether the old content is intact.
pub fn replace(target: &Target, old: Option<&[u8]>, new: &[u8]) -> Result<(), Failure> {
    use std::io::{Seek as _, Write as _};
    let failed = |error: std::io::Error| {
        let mut failure = Failure::io("write", &target.given, &error);
        failure.message.push_str(" Nothing was changed.");
        failure
    };
    let Some(old) = old else {
        let mut file = File::create_new(&target.path).map_err(failed)?;
        return file.write_all(new).map_err(|error| {
            drop(fs::remove_file(&target.path));
            failed(error)
        });
    };
    let mut file = fs::OpenOptions::new().write(true).open(&target.path).map_err(failed)?;
    let written = (|| {
        if new.len() > old.len() {
            file.set_len(new.len() as u64)?;
        }
        file.write_all(new)?;
        file.set_len(new.len() as u64)
    })();
    written.map_err(|error| {
        let restored = (|| {
            file.rewind()?;
            file.write_all(old)?;
            file.set_len(old.len() as u64)
        })();
        match restored {
            Ok(()) => failed(error),
            Err(_) => {
                let mut failure = Failure::io("write", &target.given, &error);
                failure.message.push_str(" The file is damaged: its old content did not fit back.");
                failure
            }
        }
    })
}

/// Makes the directories above a path. Those that were made come back, outermost first, so that
/// they can be taken away again.
///
/// # Errors
/// When a file stands in the way, or the operating system says no.
pub fn create_parents(target: &Target) -> Result<Vec<String>, Failure> {
    let mut missing = Vec::new();
    let mut path = target.path.as_str();
    while let Some((parent, _)) = path.rsplit_once('/') {
        if parent.is_empty() {
            break;
        }
        match fs::metadata(parent) {
            Ok(metadata) if metadata.is_dir() => break,
            Ok(_) => {
                let message = format!("Cannot create {}: {parent} is a file.", target.given);
                return Err(Failure::new("not_a_directory", message));
            }
            Err(_) => missing.push(parent.to_owned()),
        }
        path = parent;
    }
    missing.reverse();
    for (made, parent) in missing.iter().enumerate() {
        if let Err(error) = fs::create_dir(parent) {
            missing[..made].iter().rev().for_each(|made| drop(fs::remove_dir(made)));
            return Err(Failure::io("create the directory of", &target.given, &error));
        }
    }
    Ok(missing)
}

/// Takes back what [`create_parents`] made.
pub fn remove_parents(made: &[String]) {
    made.iter().rev().for_each(|made| drop(fs::remove_dir(made)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemorySession;

    #[test]
    fn x6_paths_are_made_absolute_as_text() {
        let session = MemorySession::new(std::path::Path::new("/home/agent/w"));
        for (given, expected) in [
            ("a.txt", "/home/agent/w/a.txt"),
            ("./a/../b", "/home/agent/w/b"),
            ("/x//y/.", "/x/y"),
            ("~", "/home/agent"),
            ("~/n", "/home/agent/n"),
            ("../../../..", "/"),
        ] {
            assert_eq!(absolute(&session, given), expected, "{given}");
        }
    }

    #[test]
    fn names_near_by_are_suggested() {
        let directory = std::env::temp_dir().join(format!("toolcell-near-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        for name in ["config.toml", "README.md", "other"] {
            fs::write(directory.join(name), "").unwrap();
        }
        let near = |name: &str| similar_names(&format!("{}/{name}", directory.display()));
        assert_eq!(near("confg.toml"), [format!("{}/config.toml", directory.display())]);
        assert_eq!(near("readme.txt"), [format!("{}/README.md", directory.display())]);
        assert!(near("zzzzzz").is_empty());
        fs::remove_dir_all(&directory).unwrap();
    }
}
