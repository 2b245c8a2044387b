//! The Glob tool: files by the pattern of their path, newest first. Rules GLOB-R1 to GLOB-R17.

mod pattern;

use std::fs;
use std::time::{Duration, Instant};

use globset::GlobMatcher;
use ignore::gitignore::Gitignore;
use serde::Deserialize;
use serde_json::{Value, json};
use toolcell_direct::{self as direct, Kind};
use toolcell_sdk::describe::{Description, describe};
use toolcell_sdk::walk::{Deadline, VCS_DIRECTORIES};
use toolcell_sdk::{Failure, Outcome, Session, Tool, files};

use pattern::Pattern;

/// The component's tool.
#[derive(Debug)]
pub struct Glob;

/// Files listed (GLOB-R5).
const MAX_FILES: usize = 100;

/// Matches held for sorting. A tree of millions of files must not exhaust the tool's memory; past
/// it the count is a floor, and says so.
const MAX_MATCHES: usize = 500_000;

#[derive(Debug, Deserialize)]
struct Input {
    pattern: String,
    path: Option<String>,
}

const DESCRIPTION: &str = "Finds files by a pattern of their path, such as \"**/*.js\" or \
\"src/**/*.ts\". The pattern is relative to path; a pattern without ** matches that directory \
only. Gives up to 100 files, most recently modified first.";

impl Tool for Glob {
    fn describe() -> Value {
        describe([Description::new("Glob", DESCRIPTION)
            .read_only()
            .required(
                "pattern",
                json!({ "type": "string", "description": "The pattern to match files against" }),
            )
            .optional(
                "path",
                json!({ "type": "string", "description":
                    "The directory to search in (default: the current working directory)" }),
            )])
    }

    fn call(session: &dyn Session, _: &str, input: Value) -> Result<Outcome, Failure> {
        let input: Input = serde_json::from_value(input)
            .map_err(|error| Failure::new("invalid_params", error.to_string()))?;
        let started = Instant::now();
        let base = directory(session, input.path.as_deref())?;
        let pattern = Pattern::new(&input.pattern, &base)?;
        let mut search = Search::new(session);
        let matcher = pattern.matcher()?;
        let honor = session.setting("glob_respect_gitignore").as_deref() == Some("true");
        let hidden = session.setting("glob_hidden").as_deref() != Some("false");
        let options = Options { gitignore: honor, hidden };
        search.walk(&pattern, &matcher, options, pattern.max_depth().unwrap_or(usize::MAX));
        let mut deeper = None;
        if search.matches.is_empty()
            && let Some(deep) = pattern.anywhere()?
        {
            let mut deep_search = Search::new(session);
            deep_search.walk(&pattern, &deep, options, usize::MAX);
            deeper = Some(deep_search.matches.len()).filter(|count| *count > 0);
            // What it went through contains what the first one did.
            search.unreadable = search.unreadable.max(deep_search.unreadable);
        }
        Ok(search.finish(&input.pattern, started, deeper))
    }
}

#[derive(Debug, Clone, Copy)]
struct Options {
    gitignore: bool,
    hidden: bool,
}

/// GLOB-R12: the directory to search in, which must be one.
fn directory(session: &dyn Session, path: Option<&str>) -> Result<String, Failure> {
    // Models write these when they mean nothing.
    let path = path.filter(|path| !matches!(*path, "" | "undefined" | "null"));
    let Some(path) = path else { return Ok(session.cwd()) };
    let target = files::resolve(session, path)?;
    match fs::metadata(&target.path) {
        Ok(metadata) if metadata.is_dir() => Ok(target.path),
        Ok(_) => Err(Failure::new(
            "not_a_directory",
            format!("{path} is a file, not a directory to search in."),
        )),
        Err(_) => Err(Failure::new(
            "search_path_not_found",
            format!(
                "Directory does not exist: {path}. Note: your current working directory is {}.",
                session.cwd()
            ),
        )),
    }
}

/// Which entries are looked at, whatever the pattern says.
struct Filter {
    hidden: bool,
    vcs: bool,
    gitignore: Option<Gitignore>,
}

impl Filter {
    fn new(pattern: &Pattern, options: Options) -> Filter {
        let base = pattern.base();
        let gitignore = options.gitignore.then(|| Gitignore::new(format!("{base}/.gitignore")).0);
        Filter { hidden: options.hidden, vcs: pattern.names_vcs(), gitignore }
    }

    fn admits(&self, name: &str, path: &str, kind: Kind) -> bool {
        let is_dir = kind == Kind::Directory;
        let ignored = |rules: &Gitignore| rules.matched(path, is_dir).is_ignore();
        (self.hidden || !name.starts_with('.'))
            && (self.vcs || !is_dir || !VCS_DIRECTORIES.contains(&name))
            && !self.gitignore.as_ref().is_some_and(ignored)
    }
}

struct Search<'a> {
    session: &'a dyn Session,
    deadline: Deadline,
    matches: Vec<(Option<Duration>, String)>,
    unreadable: usize,
    seen: usize,
    full: bool,
}

impl<'a> Search<'a> {
    fn new(session: &'a dyn Session) -> Search<'a> {
        Search {
            session,
            deadline: Deadline::new(session, "glob_timeout_seconds"),
            matches: Vec::new(),
            unreadable: 0,
            seen: 0,
            full: false,
        }
    }

    fn walk(&mut self, pattern: &Pattern, matcher: &GlobMatcher, options: Options, depth: usize) {
        let filter = Filter::new(pattern, options);
        let mut left = vec![(pattern.base().trim_end_matches('/').to_owned(), 0)];
        while let Some((directory, level)) = left.pop() {
            let root = if directory.is_empty() { "/" } else { &directory };
            let Ok(entries) = direct::list(root) else {
                self.unreadable += 1;
                continue;
            };
            let mut found = Vec::new();
            for (name, kind) in entries {
                if self.deadline.passed() {
                    break;
                }
                self.seen += 1;
                let path = format!("{directory}/{name}");
                if !filter.admits(&name, &path, kind) {
                    continue;
                }
                match kind {
                    Kind::Directory if level + 1 < depth => left.push((path, level + 1)),
                    // A pipe or device is no file to work on.
                    Kind::Directory | Kind::Other => {}
                    Kind::File | Kind::Link => {
                        let relative = path.strip_prefix(pattern.base()).unwrap_or(&path);
                        if matcher.is_match(relative.trim_start_matches('/'))
                            && (kind == Kind::File || self.links_inside(&path))
                        {
                            found.push(path);
                        }
                    }
                }
            }
            self.add(found);
            if self.full || self.deadline.passed() {
                return;
            }
        }
    }

    /// Adds files of one directory.
    fn add(&mut self, mut found: Vec<String>) {
        let room = MAX_MATCHES - self.matches.len();
        self.full = found.len() > room;
        found.truncate(room);
        let times = direct::modified(&found);
        self.matches.extend(times.into_iter().zip(found));
    }

    /// GLOB-R10: a link counts if it leads to a file of the agent's.
    fn links_inside(&self, path: &str) -> bool {
        let target = self.session.canonical(path);
        target.is_ok_and(|target| fs::metadata(target).is_ok_and(|metadata| metadata.is_file()))
    }

    fn finish(mut self, pattern: &str, started: Instant, deeper: Option<usize>) -> Outcome {
        self.matches.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        let total = self.matches.len();
        let timed_out = self.deadline.passed();
        let files: Vec<String> =
            self.matches.into_iter().take(MAX_FILES).map(|(_, path)| path).collect();
        Outcome::from(json!({
            "durationMs": u64::try_from(started.elapsed().as_millis()).unwrap_or(0),
            "numFiles": files.len(),
            "filenames": files,
            "truncated": total > MAX_FILES || timed_out || self.full,
            "totalMatches": total,
            "countIsComplete": !timed_out && !self.full,
            "timedOut": timed_out,
            "entriesSeen": self.seen,
            "unreadable": self.unreadable,
            "pattern": pattern,
            "deeperMatches": deeper,
        }))
    }
}

toolcell_sdk::export_tool!(crate::Glob);

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::Path;
    use std::time::SystemTime;

    use super::*;
    use toolcell_sdk::MemorySession;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        for (age, name) in files.iter().enumerate() {
            let path = tree.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = fs::File::create(&path).unwrap();
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age as u64);
            file.set_modified(modified).unwrap();
        }
        tree
    }

    fn call(tree: &Path, input: Value) -> Result<Value, Failure> {
        let session = MemorySession::new(tree);
        Glob::call(&session, "Glob", input).map(|outcome| outcome.structured)
    }

    #[track_caller]
    fn check(files: &[&str], input: Value, expected: &[&str]) -> Value {
        let tree = tree(files);
        let root = tree.path().canonicalize().unwrap();
        let result = call(&root, input).unwrap();
        let names: Vec<String> = result["filenames"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| {
                let path = Path::new(name.as_str().unwrap());
                path.strip_prefix(&root).unwrap().display().to_string()
            })
            .collect();
        assert_eq!(names, expected);
        result
    }

    #[test]
    fn glob_r1_r2_r3_patterns_are_relative_and_stars_stop_at_slashes() {
        let files = ["a.txt", "sub/b.txt", "sub/deep/c.txt", "sub/d.rs"];
        check(&files, json!({ "pattern": "*.txt" }), &["a.txt"]);
        check(&files, json!({ "pattern": "**/*.txt" }), &["a.txt", "sub/b.txt", "sub/deep/c.txt"]);
        check(&files, json!({ "pattern": "sub/*.txt" }), &["sub/b.txt"]);
        check(&files, json!({ "pattern": "*.txt", "path": "sub" }), &["sub/b.txt"]);
        check(&files, json!({ "pattern": "**/*.{rs,md}" }), &["sub/d.rs"]);
        check(&files, json!({ "pattern": "sub" }), &[]);
        check(&files, json!({ "pattern": "[!a].txt" }), &[]);
        check(&files, json!({ "pattern": "*.txt", "path": "undefined" }), &["a.txt"]);
    }

    #[test]
    fn glob_r3_says_when_deeper_files_would_match() {
        let result = check(&["x/a.json", "y/b.json"], json!({ "pattern": "*.json" }), &[]);
        assert_eq!(result["deeperMatches"], 2);
    }

    #[test]
    fn glob_r4_newest_first_then_by_name() {
        check(&["new", "b/mid", "old"], json!({ "pattern": "**" }), &["new", "b/mid", "old"]);
    }

    #[test]
    fn glob_r5_counts_all_before_cutting() {
        let names: Vec<String> = (0..130).map(|number| format!("f{number:03}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let result = check(&names, json!({ "pattern": "f*" }), &names[..100]);
        assert_eq!((&result["totalMatches"], &result["truncated"]), (&json!(130), &json!(true)));
    }

    #[test]
    fn glob_r6_r7_hidden_files_yes_version_control_no() {
        let files = [".env", ".git/config", "node_modules/m.js"];
        check(&files, json!({ "pattern": "**/*" }), &[".env", "node_modules/m.js"]);
        check(&files, json!({ "pattern": ".git/*" }), &[".git/config"]);
    }

    /// A directory whose path is longer than any that can be opened: not even root can read it.
    #[test]
    fn glob_r8_what_cannot_be_read_is_counted() {
        use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
        let tree = tree(&["a.txt"]);
        let name = "d".repeat(250);
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut directory = openat(CWD, tree.path(), flags, Mode::empty()).unwrap();
        for _ in 0..17 {
            mkdirat(&directory, name.as_str(), Mode::RWXU).unwrap();
            directory = openat(&directory, name.as_str(), flags, Mode::empty()).unwrap();
        }

        let found = call(tree.path(), json!({ "pattern": "**/*.txt" })).unwrap();
        let nothing = call(tree.path(), json!({ "pattern": "*.rs" })).unwrap();

        assert_eq!((&found["numFiles"], &found["unreadable"]), (&json!(1), &json!(1)));
        assert_eq!((&nothing["numFiles"], &nothing["unreadable"]), (&json!(0), &json!(1)));
    }

    #[test]
    fn glob_r9_a_deadline_gives_what_was_found() {
        let tree = tree(&["a"]);
        let mut session = MemorySession::new(tree.path());
        session.settings = HashMap::from([("glob_timeout_seconds".to_owned(), "0".to_owned())]);
        let outcome = Glob::call(&session, "Glob", json!({ "pattern": "*" })).unwrap();
        assert_eq!(outcome.structured["timedOut"], true);
        assert_eq!(outcome.structured["countIsComplete"], false);
    }

    #[test]
    fn glob_r10_links_to_directories_are_not_followed() {
        let tree = tree(&["dir/file"]);
        std::os::unix::fs::symlink("dir", tree.path().join("link")).unwrap();
        std::os::unix::fs::symlink("dir/file", tree.path().join("to-file")).unwrap();
        let result = call(tree.path(), json!({ "pattern": "**" })).unwrap();
        assert_eq!(result["totalMatches"], 2, "{result}");
    }

    #[test]
    fn glob_r11_absolute_patterns_are_split() {
        let tree = tree(&["sub/a.txt"]);
        let root = tree.path().canonicalize().unwrap();
        let pattern = format!("{}/sub/*.txt", root.display());
        assert_eq!(call(&root, json!({ "pattern": pattern })).unwrap()["totalMatches"], 1);
        let failure = call(&root, json!({ "pattern": "../*" })).unwrap_err();
        assert_eq!(failure.code, "bad_pattern");
    }

    #[test]
    fn glob_r12_wrong_paths_and_patterns_are_errors() {
        let tree = tree(&["file"]);
        for (input, code) in [
            (json!({ "pattern": "*", "path": "nowhere" }), "search_path_not_found"),
            (json!({ "pattern": "*", "path": "file" }), "not_a_directory"),
            (json!({ "pattern": "a{b" }), "bad_pattern"),
            (json!({ "pattern": "[z-a]" }), "bad_pattern"),
        ] {
            assert_eq!(call(tree.path(), input).unwrap_err().code, code);
        }
    }
}
