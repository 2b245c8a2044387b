//! The tool's rules, each by a call on a small tree.

mod team;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use toolcell_sdk::{Failure, MemorySession, Tool as _};

use crate::Grep;

/// `src/a.txt` of the recorded ripgrep vectors.
const NEEDLES: &str =
    "one\ntwo needle\nthree\nfour\nfive needle\nsix\nseven\neight\nnine needle needle\n";

fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    for (age, (name, content)) in files.iter().enumerate() {
        let path = tree.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age as u64);
        fs::File::open(&path).unwrap().set_modified(time).unwrap();
    }
    tree
}

fn call(tree: &Path, input: Value) -> Result<Value, Failure> {
    let session = MemorySession::new(tree);
    Grep::call(&session, "Grep", input).map(|outcome| outcome.structured)
}

#[track_caller]
fn content(files: &[(&str, &[u8])], mut input: Value, expected: &[&str]) -> Value {
    let tree = tree(files);
    input["output_mode"] = "content".into();
    let result = call(tree.path(), input).unwrap();
    let lines: Vec<&str> = result["content"].as_str().unwrap().lines().collect();
    assert_eq!(lines, expected);
    result
}

#[track_caller]
fn listed(files: &[(&str, &[u8])], input: Value, expected: &[&str]) -> Value {
    let tree = tree(files);
    let result = call(tree.path(), input).unwrap();
    assert_eq!(result["filenames"], json!(expected));
    result
}

#[test]
fn grep_r1_the_dialect_is_rusts() {
    let files: &[(&str, &[u8])] = &[("a", b"interface{}\n-x\n")];
    listed(files, json!({ "pattern": "interface\\{\\}" }), &["a"]);
    listed(files, json!({ "pattern": "-x" }), &["a"]);
    let tree = tree(files);
    for pattern in ["(?=x)", "(a)\\1", "a{1,99999999}"] {
        assert_eq!(
            call(tree.path(), json!({ "pattern": pattern })).unwrap_err().code,
            "bad_pattern"
        );
    }
}

#[test]
fn grep_r3_files_newest_first() {
    listed(
        &[("new", b"x"), ("b", b"x"), ("a", b"x"), ("no", b"y")],
        json!({ "pattern": "x" }),
        &["new", "b", "a"],
    );
}

#[test]
fn grep_r4_lines_with_context_as_ripgrep_prints_them() {
    let files: &[(&str, &[u8])] = &[("src/a.txt", NEEDLES.as_bytes())];
    content(
        files,
        json!({ "pattern": "needle", "path": "src/a.txt", "context": 1 }),
        &[
            "1-one",
            "2:two needle",
            "3-three",
            "4-four",
            "5:five needle",
            "6-six",
            "--",
            "8-eight",
            "9:nine needle needle",
        ],
    );
    content(
        files,
        json!({ "pattern": "nine", "path": "src", "-B": 1 }),
        &["src/a.txt-8-eight", "src/a.txt:9:nine needle needle"],
    );
    content(files, json!({ "pattern": "five", "-n": false }), &["src/a.txt:five needle"]);
    content(
        files,
        json!({ "pattern": "needle", "path": "src/a.txt", "-o": true }),
        &["2:needle", "5:needle", "9:needle", "9:needle"],
    );
}

#[test]
fn grep_r5_counts_lines_and_totals_cover_everything() {
    let files: &[(&str, &[u8])] = &[("a", NEEDLES.as_bytes()), ("b", b"needle\n")];
    let tree = tree(files);
    let input = json!({ "pattern": "needle", "output_mode": "count", "head_limit": 1 });
    let result = call(tree.path(), input).unwrap();
    assert_eq!(result["content"], "a:3");
    assert_eq!((&result["numMatches"], &result["numFiles"]), (&json!(4), &json!(2)));
    assert_eq!(result["appliedLimit"], 1);
}

#[test]
fn grep_r6_r7_pages() {
    let files: &[(&str, &[u8])] = &[("a", b"x1\nx2\nx3\n")];
    let page = json!({ "pattern": "x", "head_limit": 1, "offset": 1, "path": "a" });
    let result = content(files, page, &["2:x2"]);
    assert_eq!((&result["appliedLimit"], &result["appliedOffset"]), (&json!(1), &json!(1)));
    assert_eq!(result["totalLines"], 3);
    let past = json!({ "pattern": "x", "offset": 3, "path": "a" });
    assert_eq!(content(files, past, &[])["pastEnd"], true);
    let all = content(files, json!({ "pattern": "x", "path": "a" }), &["1:x1", "2:x2", "3:x3"]);
    assert_eq!(all["appliedLimit"], Value::Null);
}

#[test]
fn grep_r9_the_limit_counts_context_and_separators() {
    let files: &[(&str, &[u8])] = &[("a", NEEDLES.as_bytes())];
    let input = json!({ "pattern": "needle", "context": 1, "head_limit": 7, "path": "a" });
    let result = content(
        files,
        input,
        &["1-one", "2:two needle", "3-three", "4-four", "5:five needle", "6-six", "--"],
    );
    assert_eq!(result["totalLines"], 9);
}

#[test]
fn grep_r10_gitignore_counts_inside_a_work_tree() {
    let files: &[(&str, &[u8])] = &[(".gitignore", b"*.log\n"), ("s/i.log", b"x"), (".h", b"x")];
    listed(files, json!({ "pattern": "x" }), &["s/i.log", ".h"]);
    let inside: &[(&str, &[u8])] =
        &[(".git/HEAD", b"x"), (".gitignore", b"*.log\n"), ("s/i.log", b"x"), (".h", b"x")];
    listed(inside, json!({ "pattern": "x" }), &[".h"]);
    listed(inside, json!({ "pattern": "x", "path": "s/i.log" }), &["s/i.log"]);
    let own: &[(&str, &[u8])] =
        &[(".ignore", b"a\n"), (".rgignore", b"b\n"), ("a", b"x"), ("b", b"x"), ("c", b"x")];
    listed(own, json!({ "pattern": "x" }), &["c"]);
}

#[test]
fn grep_r11_globs() {
    let files: &[(&str, &[u8])] = &[("a.js", b"x"), ("d/b.js", b"x"), ("d/c.ts", b"x")];
    listed(files, json!({ "pattern": "x", "glob": "*.js" }), &["a.js", "d/b.js"]);
    listed(files, json!({ "pattern": "x", "glob": "d/*.js" }), &["d/b.js"]);
    listed(files, json!({ "pattern": "x", "glob": "*.{js,ts} !b.*" }), &["a.js", "d/c.ts"]);
    let deep: &[(&str, &[u8])] = &[("w/d/b.js", b"x")];
    let result = listed(deep, json!({ "pattern": "x", "glob": "d/*.js" }), &[]);
    assert_eq!(result["deeperFiles"], 1);
    listed(files, json!({ "pattern": "x", "type": "ts" }), &["d/c.ts"]);
}

#[test]
fn grep_r12_r13_what_is_rejected_says_why() {
    let tree = tree(&[("a", b"x")]);
    let failure = call(tree.path(), json!({ "pattern": "(" })).unwrap_err();
    assert!(failure.message.contains("regex parse error"), "{}", failure.message);
    let failure = call(tree.path(), json!({ "pattern": "x", "type": "javascript" })).unwrap_err();
    assert!(failure.message.contains("unrecognized file type: javascript"), "{}", failure.message);
    let failure = call(tree.path(), json!({ "pattern": "x", "glob": "a{b" })).unwrap_err();
    assert_eq!(failure.code, "bad_pattern");
    let failure = call(tree.path(), json!({ "pattern": "x", "path": "nope" })).unwrap_err();
    assert_eq!(failure.code, "search_path_not_found");
}

#[test]
fn grep_r14_binary_and_other_encodings() {
    let files: &[(&str, &[u8])] = &[
        ("bin", b"needle\0\n"),
        ("wide", b"\xff\xfen\0e\0e\0d\0l\0e\0\n\0"),
        ("bad", b"\xffneedle\n"),
    ];
    listed(files, json!({ "pattern": "needle" }), &["wide", "bad"]);
    content(
        files,
        json!({ "pattern": "needle", "path": "bin" }),
        &["binary file matches (found \"\\0\" byte around offset 6)"],
    );
    content(files, json!({ "pattern": "needle", "path": "wide" }), &["1:needle"]);
    content(files, json!({ "pattern": "needle", "path": "bad" }), &["1:\u{fffd}needle"]);
}

#[test]
fn grep_r15_carriage_returns_do_not_matter() {
    let files: &[(&str, &[u8])] = &[("a", b"needle\r\nx\r\n")];
    content(files, json!({ "pattern": "needle$", "path": "a" }), &["1:needle"]);
}

#[test]
fn grep_r16_of_long_lines_the_match_is_shown() {
    let line = format!("{}needle{}\n", "a".repeat(3000), "b".repeat(3000));
    let tree = tree(&[("a", line.as_bytes())]);
    let input = json!({ "pattern": "needle", "output_mode": "content", "path": "a" });
    let result = call(tree.path(), input).unwrap();
    let text = result["content"].as_str().unwrap();
    assert!(text.contains("aneedleb") && text.len() < 500, "{text}");
    assert!(text.ends_with("[line cut: 400 of 6006 characters shown]"), "{text}");
}

#[test]
fn grep_r17_multiline() {
    let files: &[(&str, &[u8])] = &[("a", NEEDLES.as_bytes())];
    let input = json!({ "pattern": "one.*three", "multiline": true, "path": "a" });
    content(files, input, &["1:one", "2:two needle", "3:three"]);
    let tree = tree(files);
    let failure = call(tree.path(), json!({ "pattern": "one\\ntwo" })).unwrap_err();
    assert!(failure.hint.unwrap().contains("multiline"), "{}", failure.message);
}

#[test]
fn grep_r19_a_deadline_gives_what_was_found() {
    let tree = tree(&[("a", b"x")]);
    let mut session = MemorySession::new(tree.path());
    session.settings.insert("grep_timeout_seconds".into(), "0".into());
    let result = Grep::call(&session, "Grep", json!({ "pattern": "x" })).unwrap().structured;
    assert_eq!(result["timedOut"], true);
}

#[test]
fn grep_r20_r22_links_are_skipped_and_empty_patterns_match() {
    let tree = tree(&[("a", b"x\ny\n")]);
    std::os::unix::fs::symlink("a", tree.path().join("link")).unwrap();
    let result = call(tree.path(), json!({ "pattern": "", "output_mode": "count" })).unwrap();
    assert_eq!((&result["content"], &result["numMatches"]), (&json!("a:2"), &json!(2)));
}

#[test]
fn an_empty_line_matches_and_the_end_of_a_file_is_none() {
    let files: &[(&str, &[u8])] = &[("full", b"a\nb\n"), ("gap", b"a\n\nb"), ("none", b"")];
    listed(files, json!({ "pattern": "^$" }), &["gap"]);
    listed(files, json!({ "pattern": "" }), &["full", "gap"]);
    listed(files, json!({ "pattern": "b$" }), &["full", "gap"]);
}

#[test]
fn what_helpers_find_comes_as_if_one_had_looked_for_it() {
    let names: Vec<String> =
        (0..700).map(|at| format!("{}/f{at}", ["a", "a-b", "a/c", "a0"][at % 4])).collect();
    let text =
        |at: usize| format!("one\nneedle {at}\nthree\nfour\n{}", "needle\nsix\n".repeat(at % 3));
    let files: Vec<(String, String)> =
        names.into_iter().enumerate().map(|(at, name)| (name, text(at))).collect();
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let tree = tree(&files);
    for input in [
        json!({ "pattern": "needle" }),
        json!({ "pattern": "needle 6", "head_limit": 7, "offset": 20 }),
        json!({ "pattern": "nothing_like_it" }),
        json!({ "pattern": "needle", "output_mode": "count", "head_limit": 0 }),
        json!({ "pattern": "needle", "output_mode": "content", "head_limit": 0 }),
        json!({ "pattern": "needle", "output_mode": "content", "context": 1 }),
        json!({ "pattern": "needle", "output_mode": "content", "head_limit": 9, "offset": 650 }),
        json!({ "pattern": "needle", "output_mode": "content", "-A": 1, "offset": 600 }),
    ] {
        let alone = call(tree.path(), input.clone()).unwrap();
        let session = team::Session::new(tree.path());
        let together = Grep::call(&session, "Grep", input.clone()).unwrap().structured;
        assert_eq!(together, alone, "{input}");
        let pages_lines = input["output_mode"] == "content" && input["offset"].is_u64();
        assert_eq!(session.helped(), !pages_lines, "{input}");
    }
}
