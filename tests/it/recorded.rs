//! Commands recorded from a real bash, where the recordings lie beside the repository.

use std::path::Path;

use serde_json::{Value, json};
use tests::{World, call, details};

/// Of a hundred cases, this many must agree.
const WANTED: usize = 98;

#[tokio::test]
async fn recorded_commands_do_what_they_did() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/suites/bash-recorded");
    let Ok(entries) = std::fs::read_dir(&suite) else {
        eprintln!("skipped: no recordings in {}", suite.display());
        return;
    };
    let (mut count, mut agreed, mut wrong) = (0, 0, Vec::new());
    for entry in entries.flatten().filter(|e| e.path().extension().is_some_and(|x| x == "json")) {
        let cases: Value =
            serde_json::from_str(&std::fs::read_to_string(entry.path()).unwrap()).unwrap();
        for case in cases.as_object().unwrap().values() {
            count += 1;
            match differs(case).await {
                None => agreed += 1,
                Some(text) => wrong.push(text),
            }
        }
    }
    let report = wrong.join("\n");
    eprintln!("{agreed} of {count} agree");
    assert!(agreed * 100 >= count * WANTED, "{agreed} of {count} agree; not these:\n{report}");
}

/// What a command does that it did not do, if there is such a thing.
async fn differs(case: &Value) -> Option<String> {
    let text = |key: &str| case[key].as_str().unwrap_or_default();
    let world = World::new();
    let cell = world.cell();
    for (name, content) in case["files"].as_object().into_iter().flatten() {
        let path = world.region("workspace").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content.as_str().unwrap()).unwrap();
    }
    call(&cell, "Bash", json!({ "command": "cd workspace" })).await;
    let result =
        call(&cell, "Bash", json!({ "command": text("command"), "timeout": 20_000 })).await;
    let details = details(&result);
    let printed = details["stdout"].as_str().unwrap_or_default();
    let expected = text("stdout").trim_end_matches('\n');
    // Output and errors are one stream here; where there were errors, their words may differ.
    let same = printed == expected || !text("stderr").is_empty() && printed.contains(expected);
    let agrees = same && details["exitCode"] == case["exitCode"];
    (!agrees).then(|| {
        format!(
            "{}\n  was {} {expected:?}\n  is {} {printed:?}",
            text("command"),
            case["exitCode"],
            details["exitCode"]
        )
    })
}
