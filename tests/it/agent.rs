//! Tasks as agents write them: each case of `fixtures/agent` is one call of Bash, and must print
//! what bash and GNU's programs printed. `TOOLCELL_RECORD=1` asks this machine's own for the
//! answers anew.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tests::{World, call, details, native};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/agent")
}

/// What bash and the programs beside it make of a case: both streams as one, and the status.
fn recorded(case: &str) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let script = format!("exec 2>&1\n{case}");
    let output = native("/bin/bash", directory.path()).args(["-c", &script]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    json!({ "output": text.trim_end_matches('\n'), "status": output.status.code() })
}

async fn in_a_cell(case: &str) -> Value {
    let world = World::new();
    let cell = world.cell();
    call(&cell, "Bash", json!({ "command": "cd workspace" })).await;
    let result = call(&cell, "Bash", json!({ "command": case, "timeout": 60_000 })).await;
    let details = details(&result);
    json!({ "output": details["stdout"], "status": details["exitCode"] })
}

#[tokio::test]
async fn tasks_of_agents_do_what_they_do_elsewhere() {
    let record = std::env::var_os("TOOLCELL_RECORD").is_some();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cases"));
    files.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let cases: Vec<&str> = text.trim_end().split("\n%%\n").collect();
        let answers = file.with_extension("answers.json");
        if record {
            let answered: Vec<Value> = cases.iter().map(|case| recorded(case)).collect();
            let mut text = serde_json::to_string_pretty(&answered).unwrap();
            text.push('\n');
            std::fs::write(&answers, text).unwrap();
        }
        let answers: Vec<Value> =
            serde_json::from_str(&std::fs::read_to_string(&answers).unwrap()).unwrap();
        assert_eq!(answers.len(), cases.len(), "{}: record the answers anew", file.display());
        for (case, expected) in cases.iter().zip(&answers) {
            count += 1;
            let given = in_a_cell(case).await;
            if given != *expected {
                let name = case.lines().next().unwrap_or_default();
                wrong.push(format!("{name}\n  was {expected}\n  is  {given}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
