//! Killing the command while it starts and ends executions: what was acknowledged is there, what was
//! not is there as a whole or not at all.
//!
//! `TOOLCELL_KILLS` sets how many rounds there are; the default is few enough to like running it.
#![allow(clippy::disallowed_methods, reason = "a test starts the command and kills it")]
#![allow(missing_docs, reason = "tests")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn command(state: &Path, arguments: &[&str]) -> Command {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    std::fs::create_dir_all(&cache).unwrap();
    let link = state.join("cache");
    if !link.exists() {
        std::os::unix::fs::symlink(&cache, &link).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_toolcell"));
    command.arg("--state").arg(state).args(arguments).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(state: &Path, arguments: &[&str]) -> String {
    let output = command(state, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// The arguments that start an execution.
fn start(id: &str) -> [&str; 6] {
    ["exec", "start", "--id", id, "--environment", "env"]
}

/// How often the command can be looked at before it comes to its end by itself.
fn looks(state: &Path, arguments: &[&str]) -> u64 {
    let mut child = command(state, arguments).spawn().unwrap();
    (0..).find(|_| child.try_wait().unwrap().is_some()).unwrap_or(0)
}

/// Runs the command, and kills it when it has been looked at `looks` times. Whether it came to its
/// end before.
fn kill(state: &Path, arguments: &[&str], looks: u64) -> bool {
    let mut child: Child = command(state, arguments).spawn().unwrap();
    for _ in 0..looks {
        if child.try_wait().unwrap().is_some() {
            break;
        }
    }
    let _ = child.kill();
    let output: Output = child.wait_with_output().unwrap();
    output.status.success()
}

/// How an execution stands; `None` if there is none.
fn status(state: &Path, id: &str) -> Option<String> {
    let listed = run(state, &["exec", "list", "--json"]);
    let mut records = listed.lines().map(|line| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        (record["id"].as_str().unwrap().to_owned(), record["status"].as_str().unwrap().to_owned())
    });
    records.find(|(known, _)| known == id).map(|(_, status)| status)
}

#[test]
fn a_kill_at_any_point_of_start_and_end_loses_nothing_that_was_acknowledged() {
    let rounds = std::env::var("TOOLCELL_KILLS").ok().and_then(|text| text.parse().ok());
    let rounds: u64 = rounds.unwrap_or(5);
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path();
    // Somewhat more looks than the commands need, so that some come to their end.
    let calm = tempfile::tempdir().unwrap();
    let to_start = looks(calm.path(), &start("one")) * 5 / 4;
    let write = "command=echo 1 > shared/n; echo 1 > /workspace/n";
    run(calm.path(), &["--execution", "one", "call", "Bash", write]);
    let to_finish = looks(calm.path(), &["exec", "finish", "one"]) * 5 / 4;
    let mut random: u64 = 7;
    let mut next = |below: u64| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut saved = 0;
    for round in 1..=rounds {
        let id = format!("run-{round}");
        let started = kill(state, &start(&id), next(to_start));
        match status(state, &id).as_deref() {
            Some("running") => {}
            None => {
                assert!(!started, "{id} was acknowledged and is gone");
                run(state, &start(&id));
            }
            other => panic!("{id} is {other:?}"),
        }
        let found = run(
            state,
            &[
                "--execution",
                &id,
                "call",
                "Bash",
                "command=cat shared/*/n /workspace/n | sort -u; ls shared",
            ],
        );
        let expected = match saved {
            0 => String::new(),
            saved => format!("{saved}\na\nb\nc"),
        };
        assert!(found == expected || saved == 0, "{id} began with {found:?}, not {expected:?}");
        let write = format!(
            "command=for d in a b c; do mkdir -p shared/$d; echo {round} > shared/$d/n; done; \
             echo {round} > /workspace/n"
        );
        run(state, &["--execution", &id, "call", "Bash", &write]);

        let ended = kill(state, &["exec", "finish", &id], next(to_finish));
        match status(state, &id).as_deref() {
            // Recovery has done the rest, if there was any.
            Some("completed") => {}
            Some("running") => {
                assert!(!ended, "the end of {id} was acknowledged and is lost");
                run(state, &["exec", "finish", &id]);
            }
            other => panic!("{id} is {other:?}"),
        }
        saved = round;
    }
    // A machine that has nothing but the store.
    run(state, &start("last"));
    run(state, &["exec", "finish", "last"]);
    std::fs::remove_dir_all(state.join("environments")).unwrap();
    run(state, &start("elsewhere"));
    let found =
        run(state, &["--execution", "elsewhere", "call", "Bash", "command=cat /workspace/n"]);
    assert_eq!(found, rounds.to_string());
    let history = run(state, &["history", "default"]);
    let versions = history.lines().filter(|line| line.starts_with("version ")).count();
    assert_eq!(versions as u64, rounds, "{history}");
}
