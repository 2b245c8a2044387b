//! The language against GNU bash: each case of `fixtures/bash/*.cases` must print what bash
//! printed and end as bash ended. The answers lie beside the cases, so no bash is needed here;
//! `TOOLCELL_RECORD=1` asks the machine's own bash for them anew.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const SHELL: &str = env!("CARGO_BIN_EXE_toolcell-shell-native");

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bash")
}

/// What a case gives: standard output and status, without the name of its directory.
fn run(shell: &str, option: &str, case: &str) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let Output { status, stdout, .. } = Command::new(shell)
        .arg0("bash")
        .args([option, case])
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("HOME", "/home/agent"), ("LANG", "C.UTF-8")])
        .output()
        .unwrap();
    let name = directory.path().to_string_lossy().into_owned();
    let stdout = String::from_utf8_lossy(&stdout).replace(&name, "DIR");
    json!({ "stdout": stdout, "status": status.code() })
}

#[test]
fn every_case_does_what_bash_did() {
    let record = std::env::var_os("TOOLCELL_RECORD").is_some();
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cases"));
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let cases: Vec<&str> = text.trim_end().split("\n%%\n").collect();
        let answers = file.with_extension("answers.json");
        let option = if file.ends_with("interactive.cases") { "-ic" } else { "-c" };
        if record {
            let recorded: Vec<Value> =
                cases.iter().map(|case| run("/bin/bash", option, case)).collect();
            let lines: Vec<String> = recorded.iter().map(Value::to_string).collect();
            std::fs::write(&answers, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
        }
        let answers: Vec<Value> =
            serde_json::from_str(&std::fs::read_to_string(&answers).unwrap()).unwrap();
        assert_eq!(answers.len(), cases.len(), "{}: record the answers anew", file.display());
        for (case, expected) in cases.iter().zip(&answers) {
            count += 1;
            let given = run(SHELL, option, case);
            if given != *expected {
                wrong.push(format!("{case}\n  bash {expected}\n  ours {given}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
}
