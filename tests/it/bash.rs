//! The Bash tool through the library's front door, rule by rule.

use serde_json::{Value, json};
use tests::{World, call};
use toolcell::{Cell, CustomProgram, ToolResult};

async fn bash(cell: &Cell, command: &str) -> ToolResult {
    call(cell, "Bash", json!({ "command": command, "timeout": 60_000 })).await
}

/// Runs a command that must succeed and print this.
#[track_caller]
fn printed(result: &ToolResult, expected: &str) {
    assert!(!result.is_error(), "{}", result.text());
    assert_eq!(result.text(), expected);
}

fn details(result: &ToolResult) -> Value {
    match &result.outcome {
        Ok(value) => value.clone(),
        Err(failure) => failure.details.clone().unwrap_or_default(),
    }
}

#[tokio::test]
async fn bash_r1_r2_the_directory_is_kept_and_nothing_else() {
    let world = World::new();
    let cell = world.cell();
    printed(
        &bash(&cell, "x=1; f() { :; }; mkdir -p workspace/d; cd workspace/d; pwd").await,
        "/home/agent/workspace/d",
    );
    printed(
        &bash(&cell, "pwd; echo \"[$x]\"; type f 2>/dev/null || echo none").await,
        "/home/agent/workspace/d\n[]\nnone",
    );
    printed(&bash(&cell, "(cd /tmp); pwd").await, "/home/agent/workspace/d");

    let outside = bash(&cell, "cd /etc").await;

    assert!(outside.text().contains("Shell cwd was reset to /home/agent"), "{}", outside.text());
    printed(&bash(&cell, "pwd").await, "/home/agent");
}

#[tokio::test]
async fn bash_r3_a_directory_that_is_gone_does_not_stop_the_next_call() {
    let world = World::new();
    let cell = world.cell();
    bash(&cell, "mkdir workspace/d; cd workspace/d").await;
    std::fs::remove_dir(world.region("workspace").join("d")).unwrap();

    let result = bash(&cell, "pwd").await;

    assert!(!result.is_error(), "{}", result.text());
    assert!(result.text().starts_with("/home/agent\nThe working directory"), "{}", result.text());
}

#[tokio::test]
async fn bash_r4_r5_r6_no_input_one_stream_and_silence() {
    let world = World::new();
    let cell = world.cell();
    printed(&bash(&cell, "cat; read x; echo $?").await, "1");
    printed(&bash(&cell, "echo a; echo b >&2; echo c").await, "a\nb\nc");
    printed(&bash(&cell, "true").await, "(Bash completed with no output)");
}

#[tokio::test]
async fn bash_r7_r8_statuses() {
    let world = World::new();
    let cell = world.cell();
    let failed = bash(&cell, "echo out; exit 3").await;
    assert!(failed.is_error());
    assert_eq!(failed.text(), "Exit code 3\nout");
    let killed = bash(&cell, "kill -9 $$").await;
    assert_eq!(details(&killed)["exitCode"], 137);
    assert_eq!(details(&killed)["signal"], 9);

    let nothing = bash(&cell, "echo a | grep b").await;
    assert!(!nothing.is_error());
    assert_eq!(details(&nothing)["returnCodeInterpretation"], "No matches found");
    assert!(bash(&cell, "echo '{}' | jq -e .a").await.is_error());
}

#[tokio::test]
async fn bash_r9_long_output_goes_to_a_file_that_can_be_read() {
    let world = World::new();
    let cell = world.cell();

    let result = bash(&cell, "seq 20000").await;

    let text = result.text();
    assert!(text.starts_with("<persisted-output>\nOutput too large ("), "{text}");
    assert!(text.len() < 3_000);
    let path = details(&result)["persistedOutputPath"].as_str().unwrap().to_owned();
    let lines = bash(&cell, &format!("wc -l < {path}")).await;
    printed(&lines, "20000");
}

#[tokio::test]
async fn bash_r13_r14_a_command_that_takes_too_long_is_ended_with_its_tree() {
    let world = World::new();
    let cell = world.cell();
    let input = json!({ "command": "echo begun; sleep 100 | cat", "timeout": 200 });

    let result = call(&cell, "Bash", input).await;

    assert!(result.is_error());
    assert_eq!(result.text(), "Command timed out after 0ms\nbegun".replace("0ms", "200ms"));
    assert_eq!(details(&result)["timedOutAfterMs"], 200);
    printed(&bash(&cell, "echo usable").await, "usable");
}

#[tokio::test]
async fn bash_r15_what_is_left_running_is_ended_and_said() {
    let world = World::new();
    let cell = world.cell();

    let result = bash(&cell, "sleep 100 & echo started").await;

    assert!(!result.is_error());
    assert!(result.text().starts_with("started\n1 background process"), "{}", result.text());
}

#[tokio::test]
async fn bash_r16_r18_background_tasks() {
    let world = World::new();
    let cell = world.cell();
    let input = json!({ "command": "echo one; echo two; cd /tmp", "run_in_background": true });

    let started = call(&cell, "Bash", input).await;

    let id = details(&started)["backgroundTaskId"].as_str().unwrap().to_owned();
    assert!(started.text().starts_with(&format!("Command running in background with ID: {id}. ")));
    let wait = json!({ "task_id": id, "block": true });
    let done = call(&cell, "TaskOutput", wait.clone()).await;
    assert_eq!(
        done.text(),
        "<status>completed</status>\n<exit_code>0</exit_code>\n<output>\none\ntwo\n</output>"
    );
    let again = call(&cell, "BashOutput", json!({ "bash_id": id })).await;
    assert_eq!(again.text(), "<status>completed</status>\n<exit_code>0</exit_code>");
    printed(&bash(&cell, "pwd").await, "/home/agent");

    let input = json!({ "command": "sleep 100", "run_in_background": true });
    let sleeping = details(&call(&cell, "Bash", input).await);
    let id = sleeping["backgroundTaskId"].as_str().unwrap();
    let unknown = call(&cell, "TaskStop", json!({ "task_id": "nope" })).await;
    assert!(unknown.text().contains(&format!("Running: {id}.")), "{}", unknown.text());
    let stopped = call(&cell, "KillShell", json!({ "shell_id": id })).await;
    assert!(stopped.text().starts_with(&format!("Successfully stopped task: {id}")));
}

#[tokio::test]
async fn bash_r20_a_refusal_of_the_sandbox_is_said() {
    let world = World::new();
    let cell = world.cell();
    let result = bash(&cell, "echo x > /etc/passwd").await;
    assert!(result.text().contains("bash: line 1: /etc/passwd: Read-only file system"));
    assert!(result.text().contains("The sandbox refused something"), "{}", result.text());
}

#[tokio::test]
async fn bash_r25_r28_bad_and_long_commands() {
    let world = World::new();
    let cell = world.cell();
    assert!(call(&cell, "Bash", json!({})).await.is_error());
    assert_eq!(details(&bash(&cell, "if true; then").await)["exitCode"], 2);
    let unknown = bash(&cell, "nosuch").await;
    assert_eq!(unknown.text(), "Exit code 127\nbash: line 1: nosuch: command not found");
    let long = format!("cat > workspace/f <<'E'\n{}\nE\nwc -c < workspace/f", "x".repeat(150_000));
    printed(&bash(&cell, &long).await, "150001");
}

#[tokio::test]
async fn changes_of_processes_are_recorded() {
    let world = World::new();
    let cell = world.cell();
    let result =
        bash(&cell, "echo a | tee workspace/f | cat > workspace/g; mv workspace/g workspace/h")
            .await;
    let changed: Vec<&str> =
        result.mutations.iter().map(|mutation| mutation.path.as_str()).collect();
    for name in ["f", "g", "h"] {
        let path = format!("/home/agent/workspace/{name}");
        assert!(changed.contains(&path.as_str()), "{changed:?}");
    }
}

#[tokio::test]
async fn pipelines_are_concurrent_and_bounded() {
    let world = World::new();
    let cell = world.cell();
    printed(&bash(&cell, "yes | head -1; echo ${PIPESTATUS[0]}").await, "y\n141");
    let result = bash(&cell, "cat /dev/zero | head -c 64M | wc -c").await;
    printed(&result, "67108864");
    assert!(result.usage.memory_bytes < 16 << 20, "{:?}", result.usage);
    printed(&bash(&cell, "diff <(echo a) <(echo a) && echo same").await, "same");
    printed(
        &bash(&cell, "{ echo a; echo b >&2; } > workspace/f 2>&1; cat workspace/f").await,
        "a\nb",
    );
}

/// Commands made to bring the host down. Each ends by its own limit, and the cell stays usable.
#[tokio::test]
async fn hostile_commands_end_by_their_limits() {
    let world = World::new();
    let cell = world.cell();
    let deep = format!("echo $(({}1{}))", "(".repeat(1_000), ")".repeat(1_000));
    let nested = format!("{}true{}", "( ".repeat(10_000), " )".repeat(10_000));
    let cases = [
        (":(){ :|:& };:", "Resource temporarily unavailable"),
        ("f() { f; }; f", "maximum function nesting level exceeded"),
        (&*deep, "recursion level exceeded"),
        (&*nested, "nests more than"),
        ("s=x; while :; do s=$s$s; done", "A process reached its memory limit of 256.0MB."),
        ("eval() { :; }; f() { . <(echo f); }; f", ""),
        (
            "exec {a}<f; for i in {1..3000}; do exec {fd}</dev/null || break; done",
            "Too many open files",
        ),
        ("{1..1000000000}", "more than 1000000 words"),
    ];
    for (command, expected) in cases {
        let input = json!({ "command": command, "timeout": 10_000 });
        let result = call(&cell, "Bash", input).await;
        let text = result.text();
        let shown: String = command.chars().take(60).collect();
        assert!(text.contains(expected), "{shown}: {}", text.chars().take(500).collect::<String>());
    }
    printed(&bash(&cell, "echo usable").await, "usable");
}

#[tokio::test]
async fn a_program_of_the_users_own_is_found_by_its_name() {
    let jq = toolcell_artifacts::PROGRAMS.iter().find(|program| program.name == "jq").unwrap();
    let program = CustomProgram { name: "mine".to_owned(), wasm: jq.wasm.to_vec() };
    let world = World::with_runtime(tests::runtime_with(vec![program]));
    let cell = world.cell();
    printed(&bash(&cell, "command -v mine; echo '{\"a\": 1}' | mine .a").await, "/usr/bin/mine\n1");
}

/// Of a component that is not the shell, the process interface is the end.
#[tokio::test]
async fn only_the_shell_starts_processes() {
    let shell = toolcell_artifacts::PROGRAMS.iter().find(|program| program.name == "bash").unwrap();
    let program = CustomProgram { name: "other".to_owned(), wasm: shell.wasm.to_vec() };
    let world = World::with_runtime(tests::runtime_with(vec![program]));
    let cell = world.cell();
    let result = bash(&cell, "other -c 'echo escaped'").await;
    assert_eq!(result.text(), "Exit code 137");
}
