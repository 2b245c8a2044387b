//! The tools' rules around the splice, each by a call on a small directory.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use toolcell_sdk::{Failure, FileState, MemorySession, Session as _, Tool as _, files};

use crate::Edit;

struct World {
    directory: tempfile::TempDir,
    session: MemorySession,
}

impl World {
    fn new(content: Option<&str>) -> World {
        let directory = tempfile::tempdir().unwrap();
        if let Some(content) = content {
            fs::write(directory.path().join("f"), content).unwrap();
        }
        let session = MemorySession::new(directory.path());
        World { directory, session }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join("f")
    }

    fn content(&self) -> String {
        fs::read_to_string(self.file()).unwrap_or_default()
    }

    fn seen(&self, content: &str) {
        let state = FileState { hash: files::hash(content.as_bytes()), complete: true };
        self.session.remember(self.file().to_str().unwrap(), state);
    }

    fn edit(&self, old: &str, new: &str) -> Result<Value, Failure> {
        self.call("Edit", json!({ "file_path": "f", "old_string": old, "new_string": new }))
    }

    fn call(&self, name: &str, input: Value) -> Result<Value, Failure> {
        Edit::call(&self.session, name, input).map(|outcome| outcome.structured)
    }
}

#[test]
fn edit_r2_equal_strings_are_refused_as_given() {
    let world = World::new(Some("a"));
    let failure = world.edit("a", "a").unwrap_err();
    assert_eq!(
        failure.message,
        "No changes to make: old_string and new_string are exactly the same."
    );
    // Straight and curly quotes are not the same.
    assert_eq!(world.edit("'", "’").unwrap_err().code, "edit_no_occurrence_found");
}

#[test]
fn edit_r7_an_empty_old_string_creates_and_never_replaces() {
    let world = World::new(None);
    let outcome = world.edit("", "new\n").unwrap();
    assert_eq!((world.content().as_str(), &outcome["created"]), ("new\n", &json!(true)));
    let world = World::new(Some(""));
    world.edit("", "filled").unwrap();
    assert_eq!(world.content(), "filled");
    assert_eq!(world.edit("", "again").unwrap_err().code, "file_exists");
    assert_eq!(world.content(), "filled");
}

#[test]
fn edit_r11_r23_r24_wrong_targets() {
    let world = World::new(None);
    fs::create_dir(world.directory.path().join("f")).unwrap();
    assert_eq!(world.edit("a", "b").unwrap_err().code, "target_is_directory");
    let world = World::new(None);
    assert_eq!(world.edit("a", "b").unwrap_err().code, "file_not_found");
    let world = World::new(Some("a\0b"));
    assert_eq!(world.edit("a", "b").unwrap_err().code, "binary_file");
    fs::write(world.directory.path().join("n.ipynb"), "{}").unwrap();
    let input = json!({ "file_path": "n.ipynb", "old_string": "a", "new_string": "b" });
    let failure = world.call("Edit", input).unwrap_err();
    assert!(failure.hint.unwrap().contains("NotebookEdit"));
}

#[test]
fn edit_r12_r13_guards() {
    let mut world = World::new(Some("a b"));
    assert!(world.edit("a", "x").is_ok(), "relaxed: a unique match is enough");
    world.session.settings.insert("edit_guard".into(), "strict".into());
    let world = World { session: world.session, directory: world.directory };
    fs::write(world.file(), "changed").unwrap();
    assert_eq!(world.edit("changed", "x").unwrap_err().code, "modified_since_read");
    world.seen("changed");
    assert!(world.edit("changed", "x").is_ok());
    let mut fresh = World::new(Some("a"));
    fresh.session.settings.insert("edit_guard".into(), "strict".into());
    assert_eq!(fresh.edit("a", "x").unwrap_err().code, "not_read");
}

#[test]
fn edit_r12_a_changed_file_is_edited_and_said_to_be() {
    let world = World::new(Some("one two"));
    world.seen("one");
    assert_eq!(world.edit("two", "three").unwrap()["staleMerge"], true);
    world.seen("older");
    let failure = world.edit("gone", "x").unwrap_err();
    assert_eq!(failure.code, "modified_since_read");
}

#[test]
fn edit_r22_large_files_are_refused_by_size() {
    let world = World::new(None);
    fs::File::create(world.file()).unwrap().set_len(17 << 20).unwrap();
    let failure = world.edit("a", "b").unwrap_err();
    assert_eq!(failure.code, "file_too_large");
    assert!(failure.message.contains("17.0 MB") && failure.message.contains("16.0 MB"));
}

#[test]
fn edit_r25_a_failure_leaves_the_file_alone() {
    let world = World::new(Some("a\r\nb\n"));
    for (old, new) in [("zz", "x"), ("\n", "x"), ("a\r\nb", "a\r\nb")] {
        assert!(world.edit(old, new).is_err());
        assert_eq!(world.content(), "a\r\nb\n");
    }
}

#[test]
fn edit_r26_success_is_remembered() {
    let world = World::new(Some("a"));
    world.edit("a", "b").unwrap();
    let state = world.session.recall(world.file().to_str().unwrap()).unwrap();
    assert_eq!(state.hash, files::hash(b"b"));
}

#[test]
fn multi_edit_is_all_or_nothing() {
    let world = World::new(Some("one two"));
    let edits = |edits: Value| json!({ "file_path": "f", "edits": edits });
    let chain = edits(json!([
        { "old_string": "one", "new_string": "three" },
        { "old_string": "three two", "new_string": "four" },
    ]));
    assert_eq!(world.call("MultiEdit", chain).unwrap()["occurrences"], 2);
    assert_eq!(world.content(), "four");
    let broken = edits(json!([
        { "old_string": "four", "new_string": "five" },
        { "old_string": "six", "new_string": "seven" },
    ]));
    let failure = world.call("MultiEdit", broken).unwrap_err();
    assert!(failure.message.starts_with("Edit 2 of 2 failed, so none was made"));
    assert_eq!(world.content(), "four");
}

#[test]
fn nb_r1_a_notebook_must_have_been_read() {
    let world = World::new(None);
    let path = world.directory.path().canonicalize().unwrap().join("n.ipynb");
    let notebook = "{\"cells\": [{\"cell_type\": \"markdown\", \"metadata\": {}, \"source\": \"a\"}], \"nbformat\": 4}";
    fs::write(&path, notebook).unwrap();
    let input = json!({ "notebook_path": "n.ipynb", "cell_id": "cell-0", "new_source": "b" });
    assert_eq!(world.call("NotebookEdit", input.clone()).unwrap_err().code, "not_read");
    let state = FileState { hash: files::hash(notebook.as_bytes()), complete: true };
    world.session.remember(path.to_str().unwrap(), state);
    let outcome = world.call("NotebookEdit", input).unwrap();
    assert_eq!((&outcome["old_source"], &outcome["edit_mode"]), (&json!("a"), &json!("replace")));
    assert_eq!(fs::read_to_string(&path).unwrap(), notebook.replace("\"a\"", "\"b\""));
}
