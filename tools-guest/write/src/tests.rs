//! The tool's rules, each by a call on a small directory.

use std::fs;

use serde_json::{Value, json};
use toolcell_sdk::{FileState, MemorySession, Session as _, Tool as _, files};

use crate::Write;

/// The world before, one call, the file after. `seen`: what the session has read of it.
#[track_caller]
fn check(
    old: Option<&[u8]>,
    seen: Option<&[u8]>,
    content: &str,
    expected: Result<&[u8], &str>,
) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let session = MemorySession::new(directory.path());
    let path = format!("{}/f", session.cwd);
    if let Some(old) = old {
        fs::write(&path, old).unwrap();
    }
    if let Some(seen) = seen {
        session.remember(&path, FileState { hash: files::hash(seen), complete: true });
    }
    let result = Write::call(&session, "Write", json!({ "file_path": "f", "content": content }));
    let after = fs::read(&path).ok();
    match (result, expected) {
        (Ok(outcome), Ok(bytes)) => {
            assert_eq!(after.as_deref(), Some(bytes));
            // WRITE-R8: an edit may follow at once.
            assert_eq!(session.recall(&path).unwrap().hash, files::hash(bytes));
            outcome.structured
        }
        (Err(failure), Err(code)) => {
            assert_eq!((failure.code, after.as_deref()), (code, old));
            Value::Null
        }
        (result, expected) => panic!("{result:?} instead of {expected:?}"),
    }
}

#[test]
fn write_r1_r3_content_is_written_as_it_is() {
    assert_eq!(check(None, None, "a \r\nb", Ok(b"a \r\nb"))["type"], "create");
    let updated = check(Some(b"a\r\nb\r\n"), Some(b"a\r\nb\r\n"), "x\ny", Ok(b"x\ny"));
    assert_eq!(
        (&updated["type"], &updated["originalFile"]),
        (&json!("update"), &json!("a\r\nb\r\n"))
    );
}

#[test]
fn write_r2_directories_are_made() {
    let directory = tempfile::tempdir().unwrap();
    let session = MemorySession::new(directory.path());
    let input = json!({ "file_path": "a/b/c", "content": "x" });
    Write::call(&session, "Write", input).unwrap();
    assert_eq!(fs::read(directory.path().join("a/b/c")).unwrap(), b"x");
}

#[test]
fn write_r4_marks_and_utf16_are_kept() {
    let old = b"\xef\xbb\xbfa";
    check(Some(old), Some(old), "b", Ok(b"\xef\xbb\xbfb"));
    let old = b"\xff\xfea\0";
    check(Some(old), Some(old), "é", Ok(b"\xff\xfe\xe9\0"));
    check(Some(old), Some(old), "\u{feff}b", Ok(b"\xef\xbb\xbfb"));
}

#[test]
fn write_r5_r6_r7_what_was_not_seen_is_not_overwritten() {
    check(Some(b"old"), None, "new", Err("not_read"));
    check(Some(b""), None, "new", Ok(b"new"));
    check(Some(b"old"), Some(b"older"), "new", Err("modified_since_read"));
}

#[test]
fn write_r5_a_partial_view_is_not_enough() {
    let directory = tempfile::tempdir().unwrap();
    let session = MemorySession::new(directory.path());
    let path = format!("{}/f", session.cwd);
    fs::write(&path, "old").unwrap();
    session.remember(&path, FileState { hash: files::hash(b"old"), complete: false });
    let input = json!({ "file_path": "f", "content": "new" });
    assert_eq!(Write::call(&session, "Write", input).unwrap_err().code, "not_read");
}

#[test]
fn write_r5_the_guard_can_be_relaxed() {
    for (guard, allowed) in [("strict", false), ("relaxed", true), ("off", true)] {
        let directory = tempfile::tempdir().unwrap();
        let mut session = MemorySession::new(directory.path());
        session.settings.insert("write_guard".into(), guard.into());
        fs::write(directory.path().join("f"), "old").unwrap();
        let input = json!({ "file_path": "f", "content": "new" });
        assert_eq!(Write::call(&session, "Write", input).is_ok(), allowed, "{guard}");
    }
}

#[test]
fn write_r10_wrong_targets_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let session = MemorySession::new(directory.path());
    fs::create_dir(directory.path().join("d")).unwrap();
    fs::write(directory.path().join("file"), "x").unwrap();
    for (path, code) in [("d", "target_is_directory"), ("file/below", "not_a_directory")] {
        let input = json!({ "file_path": path, "content": "new" });
        assert_eq!(Write::call(&session, "Write", input).unwrap_err().code, code, "{path}");
    }
    assert_eq!(fs::read(directory.path().join("file")).unwrap(), b"x");
}

#[test]
fn write_r11_the_same_content_is_no_change() {
    let result = check(Some(b"same\n"), Some(b"same\n"), "same\n", Ok(b"same\n"));
    assert_eq!(result["structuredPatch"], json!([]));
}
