//! Rules of the repository, so that `cargo test` is the whole gate.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for directory in ["host", "tests", "tools-guest"] {
        sources(&root().join(directory), &mut found);
    }
    let relative = |path: &Path| path.strip_prefix(root()).unwrap().display().to_string();
    found.iter().map(|path| (relative(path), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_file_says_first_what_it_is() {
    for (path, text) in all_sources() {
        assert!(text.starts_with("//!"), "{path} has no paragraph at its top");
    }
}

/// What each module of the host must not know.
const MUST_NOT_KNOW: &[(&str, &[&str])] = &[
    ("path", &["policy", "vfs", "journal", "runtime", "session", "cell", "registry", "dispatch"]),
    (
        "policy",
        &["vfs", "journal", "runtime", "session", "cell", "registry", "dispatch", "ambient"],
    ),
    ("journal", &["vfs", "runtime", "session", "cell", "registry", "dispatch"]),
    ("process", &["runtime", "session", "cell", "registry", "dispatch", "bash", "wire", "profile"]),
    (
        "vfs",
        &[
            "process", "bash", "runtime", "session", "cell", "registry", "dispatch", "wire",
            "profile",
        ],
    ),
    ("door", &["cell", "execution", "server", "wire", "profile", "bash", "runtime"]),
    ("persist", &["cell", "execution", "server", "runtime", "session", "dispatch", "wire"]),
    ("execution", &["server", "profile", "registry", "dispatch"]),
    ("environment", &["execution", "server", "runtime", "dispatch"]),
    ("runtime", &["cell", "registry", "dispatch", "wire", "profile", "schema", "call"]),
    ("profile", &["vfs", "runtime", "journal", "session", "cell", "registry", "dispatch"]),
];

#[test]
fn dependencies_point_one_way() {
    for (path, text) in all_sources() {
        let Some(inside) = path.strip_prefix("host/src/") else { continue };
        let module = inside.split(['/', '.']).next().unwrap_or_default();
        let forbidden = MUST_NOT_KNOW.iter().find(|(name, _)| *name == module);
        for other in forbidden.map(|(_, others)| *others).unwrap_or_default() {
            for form in [format!("crate::{other}::"), format!("crate::{other};")] {
                assert!(!text.contains(&form), "{path} must not know {other}");
            }
        }
    }
}

#[test]
fn only_the_journal_makes_tickets_and_only_the_grant_makes_permits() {
    for (path, text) in all_sources() {
        if !path.starts_with("host/src/") {
            continue;
        }
        let makes = |what: &str| {
            text.lines().any(|line| {
                let line = line.trim_start();
                line.contains(&format!("{what} {{ "))
                    && !line.contains("struct")
                    && !line.contains("impl")
                    && !line.starts_with("//")
                    && !line.contains("->")
            })
        };
        assert!(!makes("Permit") || path.ends_with("policy/grant.rs"), "{path} makes a Permit");
        assert!(!makes("Ticket") || path.ends_with("journal/writer.rs"), "{path} makes a Ticket");
    }
}

#[test]
fn unsafe_code_is_where_compiled_code_is_loaded_and_nowhere_else() {
    for (path, text) in all_sources() {
        let used = text.lines().any(|line| line.trim_start().starts_with("unsafe {"));
        assert!(!used || path == "host/src/runtime/cache.rs", "{path} has an unsafe block");
    }
}

#[test]
fn nothing_is_left_for_later_in_the_code() {
    for (path, text) in all_sources() {
        if path == "tests/it/tidy.rs" {
            continue;
        }
        for call in ["todo!", "unimplemented!"] {
            assert!(!text.contains(call), "{path} has a {call}");
        }
        // Words of their own: `\uXXXX` is a message of jq.
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let left = words.find(|word| ["TODO", "FIXME", "XXX"].contains(word));
        assert_eq!(left, None, "{path}");
    }
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    for document in
        ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") {
                assert!(
                    root().join(file).exists(),
                    "{document} links to {file}, which is not there"
                );
            }
        }
    }
}
