//! The Bash tool through the library's front door, rule by rule.

use std::sync::Arc;

use serde_json::json;
use tests::{World, call, details};
use toolcell::process::{Exit, Fd};
use toolcell::runtime::EngineOptions;
use toolcell::vfs::Output;
use toolcell::{Cell, CustomProgram, Runtime, Shell, ToolResult};

async fn bash(cell: &Cell, command: &str) -> ToolResult {
    call(cell, "Bash", json!({ "command": command, "timeout": 60_000 })).await
}

/// Runs a command that must succeed and print this.
#[track_caller]
fn printed(result: &ToolResult, expected: &str) {
    assert!(!result.is_error(), "{}", result.text());
    assert_eq!(result.text(), expected);
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
async fn functions_and_substitutions_nest_deeply() {
    let world = World::new();
    let cell = world.cell();
    let called = "f() { if [ $1 -gt 0 ]; then f $(($1 - 1)); else echo bottom; fi; }; f 1200";
    printed(&bash(&cell, called).await, "bottom");
    let summed =
        "sum() { if (($1 == 0)); then echo 0; else echo $(($1 + $(sum $(($1 - 1))))); fi; }
        sum 500";
    printed(&bash(&cell, summed).await, "125250");
}

/// Whatever a script calls itself through, it is told so; a full stack would be status 139.
#[tokio::test]
async fn endless_recursion_ends_by_a_message() {
    let world = World::new();
    let cell = world.cell();
    let cases = [
        ("f() { f && f; }", "f: maximum function nesting level exceeded"),
        ("f() { { f; } >/dev/null; }", "f: maximum function nesting level exceeded"),
        ("f() { ( ( ( f ) ) ); }", "f: maximum function nesting level exceeded"),
        (
            "f() { for i in a; do while :; do case x in x) if :; then { ( f ); }; fi;; esac; break; done; done; }",
            "f: maximum function nesting level exceeded",
        ),
        ("f() { select x in a; do f; done <<<1; }", "f: maximum function nesting level exceeded"),
        ("f() { mapfile -C f -c 1 x <<<a; }", "f: maximum function nesting level exceeded"),
        ("f() { source /dev/stdin <<<f; }", "source: nested too deeply"),
        // Whichever of the two limits is met first.
        ("f() { eval 'eval \"eval f\"'; }", "nest"),
        ("f() { x=$(f); }", "nest"),
        ("f() { [[ $(f) == a ]]; }", "nest"),
        ("f() { declare -A m=([a]=$(f)); }", "nest"),
        ("f() { X=$(f) true; }", "nest"),
    ];
    for (function, expected) in cases {
        let result = bash(&cell, &format!("{function}; f; :")).await;
        let text = result.text();
        let shown: String = text.chars().take(300).collect();
        assert!(text.contains(expected), "{function}: {shown}");
        assert_ne!(details(&result)["exitCode"], 139, "{function}");
    }
}

#[tokio::test]
async fn a_program_of_the_users_own_is_found_by_its_name() {
    let jq = toolcell_artifacts::PROGRAMS.iter().find(|program| program.name == "jq").unwrap();
    let program = CustomProgram { name: "mine".to_owned(), wasm: jq.wasm.to_vec() };
    let world = World::with_runtime(tests::runtime_with(vec![program]));
    let cell = world.cell();
    printed(&bash(&cell, "command -v mine; echo '{\"a\": 1}' | mine .a").await, "/usr/bin/mine\n1");
}

/// What a built-in program begins with is shared: sixty of five megabytes fit into a call's 256.
#[tokio::test]
async fn many_programs_wait_at_once() {
    let mut options = tests::runtime_options();
    options.engine = EngineOptions { max_instances: 128 };
    let world = World::with_runtime(Runtime::new(options).unwrap());
    let cell = world.cell();
    let command =
        "exec {w}> >(for i in {1..60}; do dd bs=1 count=1 <&0 >>/tmp/o 2>&- & done; wait; wc -c </tmp/o)
        printf %060d 0 >&$w; exec {w}>&-; wait";
    printed(&bash(&cell, command).await, "60");
}

/// A child runs within its parent's poll while the parent waits; nobody can tell.
#[tokio::test]
async fn a_child_outlives_its_parent_and_starts_while_it_computes() {
    let world = World::new();
    let cell = world.cell();
    let command = "bash -c 'touch started & while [ ! -e started ]; do :; done; echo seen'";
    printed(&bash(&cell, command).await, "seen");
    // What is said of the killed one is not what is looked at.
    let killed = "cd /tmp
        { { until [ -s pid ] && pgrep -x head >/dev/null; do :; done; kill -9 $(<pid); while kill -0 $(<pid); do :; done 2>&-
          echo late; } | bash -c 'echo $$ > pid.; mv pid. pid; head -1 > got; :'
        echo ${PIPESTATUS[1]}; } 2>/dev/null; until [ -s got ]; do :; done; cat got; cd";
    printed(&bash(&cell, killed).await, "137\nlate");
    let nested = "bash -c 'bash -c \"bash -c \\\"exit 7\\\"; exit \\$?\"; exit $?'; echo $?";
    printed(&bash(&cell, nested).await, "7");
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

fn with_setting(world: &World, name: &str, value: &str) -> Cell {
    let mut options = world.options();
    options.settings.insert(name.to_owned(), value.to_owned());
    world.open(options)
}

#[tokio::test]
async fn bash_r1_a_session_file_is_run_before_each_command() {
    let world = World::new();
    let cell = with_setting(&world, "env_file", "/home/agent/workspace/env.sh");
    printed(&bash(&cell, "echo [$X]").await, "[]");
    bash(&cell, "echo 'export X=1; f() { echo f; }' > workspace/env.sh").await;

    printed(
        &bash(&cell, "echo [$X]; f; bash -c 'echo $X; type f >/dev/null || echo none' 2>/dev/null")
            .await,
        "[1]\nf\n1\nnone",
    );
}

#[tokio::test]
async fn a_persistent_shell_goes_on_where_it_was() {
    let world = World::new();
    let cell = with_setting(&world, "persistent_shell", "true");
    bash(&cell, "x=1; a=(b c); f() { echo f$x; }; alias l=ls; set -u; cd /tmp").await;
    printed(
        &bash(&cell, "echo $x ${a[1]}; f; alias l; set -o | grep nounset; pwd").await,
        "1 c\nf1\nalias l='ls'\nnounset        \ton\n/tmp",
    );
    let failed = bash(&cell, "x=2; echo $unset").await;
    assert!(failed.is_error(), "set -u is kept");

    // The host is another process.
    cell.close().unwrap();
    let cell = with_setting(&world, "persistent_shell", "true");
    printed(&bash(&cell, "set +u; echo $x; f").await, "2\nf2");

    // A command that is killed changes nothing.
    call(&cell, "Bash", json!({ "command": "x=3; while :; do :; done", "timeout": 100 })).await;
    printed(&bash(&cell, "echo $x").await, "2");
    printed(&bash(&cell, "trap 'echo bye' EXIT").await, "(Bash completed with no output)");
    printed(&bash(&cell, "exit 0").await, "bye");
    let restarted = call(&cell, "Bash", json!({ "restart": true })).await;
    printed(&restarted, "bash session restarted");
    printed(
        &bash(&cell, "echo [$x]; type f 2>/dev/null || echo none; pwd").await,
        "[]\nnone\n/home/agent",
    );
    cell.close().unwrap();

    let cell = world.cell();
    printed(&bash(&cell, "y=1; true").await, "(Bash completed with no output)");
    printed(&bash(&cell, "echo [$y]").await, "[]");
    let refused = call(&cell, "Bash", json!({ "restart": true })).await;
    assert!(refused.text().contains("persistent shell"), "{}", refused.text());
}

/// What a command of a person's shell prints, and a sign of the first of it.
#[derive(Debug, Default)]
struct Printed(parking_lot::Mutex<String>, tokio::sync::Notify);

impl Output for Printed {
    fn write(&self, data: &[u8]) -> Result<(), rustix::io::Errno> {
        self.0.lock().push_str(&String::from_utf8_lossy(data));
        self.1.notify_one();
        Ok(())
    }
}

/// Runs a command of a person's shell, which is interrupted as soon as it has printed something.
async fn interrupted(cell: &Cell, shell: &mut Shell<'_>, command: &str) -> (Option<Exit>, String) {
    let output = Arc::new(Printed::default());
    let interrupt = shell.interrupt();
    let run = shell.run(command, &[], Fd::null(), output.clone(), output.clone());
    let send = async {
        output.1.notified().await;
        interrupt.send(cell);
    };
    let (exit, ()) = tokio::join!(run, send);
    let printed = std::mem::take(&mut *output.0.lock());
    (exit, printed)
}

#[tokio::test]
async fn an_interrupt_ends_a_persons_command_and_not_the_shell() {
    let world = World::new();
    let cell = world.cell();
    let mut shell = Shell::interactive(&cell).unwrap();
    for command in [
        "x=1; cd workspace; echo begun; sleep 1000; echo not reached",
        "f() { while :; do :; done; }; echo begun; f; echo not reached",
        "echo begun; y=$(sleep 1000); echo not reached",
        "echo begun; yes | cat > /dev/null; echo not reached",
        "echo begun; for i in 1 2; do (sleep 1000); echo not reached; done",
    ] {
        let (exit, printed) = interrupted(&cell, &mut shell, command).await;
        assert_eq!((exit, &*printed), (Some(Exit::Status(130)), "begun\n"), "{command}");
        assert!(!shell.has_exited());
    }

    let (_, printed) = interrupted(&cell, &mut shell, "echo $? $x $(pwd); type -t f").await;

    assert_eq!(printed, "130 1 /home/agent/workspace\nfunction\n");
    shell.close().await;
}

#[tokio::test]
async fn what_a_cell_keeps_and_cannot_be_read_is_not_taken_for_nothing() {
    for file in ["shell.state", "session.json", "notices.jsonl"] {
        let world = World::new();
        world.cell().close().unwrap();
        let path = world.path("cell").join(file);
        let _ = std::fs::remove_file(&path);
        std::fs::create_dir(&path).unwrap();

        let opened = world.runtime.open_cell(world.options());

        assert!(matches!(opened, Err(toolcell::Error::Io { .. })), "{file}: {opened:?}");
    }
}

#[tokio::test]
async fn bash_r17_the_end_of_a_background_command_is_told_once() {
    let world = World::new();
    let cell = world.cell();
    let mut events = cell.task_events();
    let started =
        call(&cell, "Bash", json!({ "command": "echo out; exit 3", "run_in_background": true }))
            .await;
    let id = details(&started)["backgroundTaskId"].as_str().unwrap().to_owned();

    let event = events.recv().await.unwrap();

    assert_eq!((event.task_id.as_str(), event.status, event.exit_code), (id.as_str(), "failed", 3));
    let next = bash(&cell, "echo next").await;
    assert_eq!(next.ended, [event]);
    let told =
        "next\n<system-reminder>Background command \"echo out; exit 3\" failed (exit code 3).";
    assert!(next.text().starts_with(told), "{}", next.text());
    printed(&bash(&cell, "echo again").await, "again");

    // What a result has told is not told again.
    let started =
        call(&cell, "Bash", json!({ "command": "true", "run_in_background": true })).await;
    let id = details(&started)["backgroundTaskId"].as_str().unwrap().to_owned();
    call(&cell, "TaskOutput", json!({ "task_id": id, "block": true })).await;
    printed(&bash(&cell, "echo end").await, "end");
}

#[tokio::test]
async fn bash_r21_r22_what_a_command_means_for_what_was_read() {
    let world = World::new();
    let cell = world.cell();
    bash(&cell, "printf 'one\\ntwo\\n' > workspace/a.txt; cp workspace/a.txt workspace/b.txt")
        .await;
    let write = |path: &str| {
        let path = format!("/home/agent/workspace/{path}");
        json!({ "file_path": path, "content": "two\n" })
    };
    assert!(call(&cell, "Write", write("a.txt")).await.is_error(), "it was not read");
    bash(&cell, "cat workspace/a.txt").await;
    let written = call(&cell, "Write", write("a.txt")).await;
    assert!(!written.is_error(), "{}", written.text());
    bash(&cell, "cat workspace/b.txt | head -1").await;
    assert!(call(&cell, "Write", write("b.txt")).await.is_error(), "that was a pipe");

    let changed = bash(&cell, "sed -i s/two/2/ workspace/a.txt").await;

    let hint = details(&changed)["staleReadFileStateHint"].as_str().unwrap().to_owned();
    assert!(hint.contains("/home/agent/workspace/a.txt"), "{hint}");
    assert!(changed.text().contains(&hint), "{}", changed.text());
    assert!(
        details(&bash(&cell, "echo x > workspace/new").await)["staleReadFileStateHint"].is_null()
    );
}

#[tokio::test]
async fn bash_r24_the_commands_of_a_call_share_one_limit_of_memory() {
    let world = World::new();
    let mut options = world.options();
    options.memory_bytes = 64 << 20;
    let cell = world.open(options);
    // A shell needs three and a half times the length of what it collects.
    let fill = "$(head -c 10000000 /dev/zero | tr '\\0' a)";
    printed(&bash(&cell, &format!("x={fill}; echo ${{#x}}")).await, "10000000");

    let alone = bash(&cell, "x=$(head -c 30000000 /dev/zero | tr '\\0' a); echo ${#x}").await;
    let both = bash(&cell, &format!("{{ x={fill}; sleep 9; }} & x={fill}; sleep 9")).await;

    assert!(alone.text().contains("memory limit of 64"), "{}", alone.text());
    assert!(both.text().contains("memory limit of 64"), "{}", both.text());
    printed(&bash(&cell, "echo usable").await, "usable");
}

#[tokio::test]
async fn modes_are_kept_and_scripts_are_run() {
    let world = World::new();
    let cell = world.cell();
    let script = "cd workspace; printf '#!/bin/bash\\necho ran $1\\n' > s.sh; ./s.sh; echo $?; \
                  chmod +x s.sh; ./s.sh one; stat -c %a s.sh; cp s.sh t.sh; mv t.sh ../shared/; \
                  ../shared/t.sh two; sed -i s/ran/did/ s.sh; ./s.sh three; chmod a-x s.sh; ./s.sh";
    let result = bash(&cell, script).await;
    let expected = "Exit code 126\nbash: line 1: ./s.sh: Permission denied\n126\nran one\n755\nran two\n\
                    did three\nbash: line 1: ./s.sh: Permission denied";
    assert_eq!(result.text(), expected);

    let record = std::fs::metadata(world.region("shared").join("t.sh")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&record.permissions()) & 0o777, 0o755);
    printed(
        &bash(&cell, "chmod 4777 s.sh; stat -c %a s.sh; chmod 0 s.sh; stat -c %a s.sh").await,
        "755\n600",
    );
}

#[tokio::test]
async fn each_process_is_named_in_the_journal() {
    let world = World::new();
    let cell = world.cell();
    bash(&cell, "cd workspace; echo a > a; touch b; cp a c; find . -name c -delete").await;
    cell.close().unwrap();
    let journal = crate::journal::records(&world);
    let who = |path: &str| -> Vec<(String, &str)> {
        let path = format!("/home/agent/workspace/{path}");
        journal
            .iter()
            .filter(|record| record.path.as_str() == path)
            .map(|record| {
                let (_, name) = record.actor.process.clone().unwrap();
                (name, record.operation.name())
            })
            .collect()
    };
    assert!(who("a").iter().all(|(name, _)| name == "bash"), "{:?}", who("a"));
    assert_eq!(who("b")[0].0, "touch");
    assert_eq!(who("c")[0].0, "cp");
    assert_eq!(who("c").last().unwrap(), &("find".to_owned(), "unlink_file"));
    assert!(journal.iter().all(|record| record.actor.tool == "Bash"));
}

/// A module of WASI 0.1 by hand: it prints the file that its last argument names, and ends with 3;
/// with 2, and the error's number, where there is none.
const WASI_0_1: &str = r#"(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (local $last i32) (local $error i32)
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $args (i32.const 64) (i32.const 1024)))
    ;; The last argument runs from its pointer to the NUL at the end of all.
    (local.set $last (i32.load (i32.add (i32.const 60)
      (i32.mul (i32.load (i32.const 0)) (i32.const 4)))))
    (local.set $error
      (call $open (i32.const 3) (i32.const 1) (local.get $last)
        (i32.sub (i32.add (i32.const 1023) (i32.load (i32.const 4))) (local.get $last))
        (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))
    (if (local.get $error)
      (then
        (i32.store (i32.const 16) (i32.const 32))
        (i32.store (i32.const 20) (i32.const 3))
        (i32.store8 (i32.const 32)
          (i32.add (i32.const 48) (i32.div_u (local.get $error) (i32.const 10))))
        (i32.store8 (i32.const 33)
          (i32.add (i32.const 48) (i32.rem_u (local.get $error) (i32.const 10))))
        (i32.store8 (i32.const 34) (i32.const 10))
        (drop (call $write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 24)))
        (call $exit (i32.const 2))))
    (i32.store (i32.const 16) (i32.const 4096))
    (i32.store (i32.const 20) (i32.const 4096))
    (drop (call $read (i32.load (i32.const 8)) (i32.const 16) (i32.const 1) (i32.const 20)))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
    (call $exit (i32.const 3))))"#;

fn world_with_wasi_0_1() -> World {
    let wasm = wat::parse_str(WASI_0_1).unwrap();
    let program = CustomProgram { name: "old".to_owned(), wasm };
    World::with_runtime(tests::runtime_with(vec![program]))
}

#[tokio::test]
async fn a_module_of_wasi_0_1_is_a_program_too() {
    let world = world_with_wasi_0_1();
    let cell = world.cell();
    let command = "echo 'b c' > f; old a f | tr a-z A-Z; echo ${PIPESTATUS[0]}; old none; echo $?";
    printed(&bash(&cell, command).await, "B C\n3\n44\n2");
}

/// It knows nothing of a working directory: paths begin in what is opened for it.
#[tokio::test]
async fn a_foreign_programs_paths_begin_where_it_was_started() {
    let world = world_with_wasi_0_1();
    let cell = world.cell();
    let command = "mkdir -p workspace/a/b; echo up > workspace/up; cd workspace/a; echo here > f
        old f; old ./f; old b/../f; old ../up; cd b; old ../../up; old ../../../../../etc/hosts | head -1";
    printed(&bash(&cell, command).await, "here\nhere\nhere\nup\nup\n127.0.0.1\tlocalhost");
    // At the root there is no other way; a directory that is gone is none to begin in.
    printed(&bash(&cell, "(cd /; old home/agent/workspace/up); :").await, "up");
    let command =
        "mkdir /tmp/gone; (cd /tmp/gone; rmdir /tmp/gone; old home/agent/workspace/up); :";
    printed(&bash(&cell, command).await, "up");
}

#[test]
fn a_program_that_is_none_is_refused_when_it_is_added() {
    let wasm = wat::parse_str(WASI_0_1).unwrap();
    for (wasm, said) in [
        (wasm[..wasm.len() - 1].to_vec(), "WASI 0.1 module"),
        (b"#!/bin/sh\n".to_vec(), "component"),
        (wat::parse_str("(module)").unwrap(), "WASI 0.1 module"),
    ] {
        let mut options = tests::runtime_options();
        options.programs = vec![CustomProgram { name: "broken".to_owned(), wasm }];
        let error = toolcell::Runtime::new(options).unwrap_err();
        let text = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(text.contains("broken") && text.contains(said), "{text}");
    }
}
