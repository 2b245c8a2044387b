//! The command line: what goes in and out, and with which exit code.
#![allow(clippy::disallowed_methods, reason = "a test starts the command and looks at its files")]
#![allow(missing_docs, reason = "tests")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs the command in its own state directory, with nothing of the environment.
fn toolcell(state: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = command(state, arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn command(state: &Path, arguments: &[&str]) -> Command {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    std::fs::create_dir_all(&cache).unwrap();
    let link = state.join("cache");
    if !link.exists() {
        std::os::unix::fs::symlink(&cache, &link).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_toolcell"));
    command.arg("--state").arg(state).args(arguments).env_clear();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_demo_gives_a_result_for_each_call() {
    let state = tempfile::tempdir().unwrap();
    let demo = include_str!("../../fixtures/calls/demo.jsonl");
    let output = toolcell(state.path(), &["call"], demo);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let results = lines(&output);
    let errors: Vec<&str> = results
        .iter()
        .filter(|result| result["is_error"] == true)
        .map(|result| result["id"].as_str().unwrap())
        .collect();
    assert_eq!((results.len(), errors), (8, vec!["7", "8"]));
    assert_eq!(results[0]["mutations"][0]["op"], "create_file");
    assert!(results[0]["usage"]["memory_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn a_malformed_line_is_answered_with_its_number_and_the_run_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let input = "\n{oops\n{\"id\":\"2\",\"tool\":\"Nope\"}\n{\"id\":\"3\",\"tool\":\"Glob\",\"input\":{\"pattern\":\"*\"}}\n";
    let results = lines(&toolcell(state.path(), &["call"], input));
    assert_eq!(results.len(), 3);
    assert_eq!(results[0]["line"], 2);
    assert_eq!(results[0]["structured"]["error"]["code"], "malformed_call");
    assert_eq!(results[1]["structured"]["error"]["code"], "unknown_tool");
    assert_eq!(results[2]["is_error"], false);
}

#[test]
fn executions_are_apart() {
    let state = tempfile::tempdir().unwrap();
    let input = "{\"id\":\"1\",\"tool\":\"Write\",\"input\":{\"file_path\":\"a\",\"content\":\"x\"},\"execution\":\"one\"}\n\
        {\"id\":\"2\",\"tool\":\"Read\",\"input\":{\"file_path\":\"a\"},\"execution\":\"two\"}\n\
        {\"id\":\"3\",\"tool\":\"Read\",\"input\":{\"file_path\":\"a\"},\"execution\":\"../x\"}\n";
    let results = lines(&toolcell(state.path(), &["call"], input));
    assert_eq!(results[0]["is_error"], false);
    assert_eq!(results[1]["structured"]["error"]["code"], "file_not_found");
    assert_eq!(results[2]["structured"]["error"]["code"], "execution_unavailable");
}

#[test]
fn for_people_the_text_and_an_exit_code() {
    let state = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = toolcell(state.path(), arguments, "");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().unwrap(), text)
    };
    let (code, text) = run(&["call", "Write", "file_path=n.md", "content=hello"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(run(&["call", "Read", "file_path=n.md"]), (0, "1\thello\n".to_owned()));
    let (code, text) = run(&["call", "Read", "file_path=none.md"]);
    assert!(code == 1 && text.contains("File does not exist."), "{text}");
    let (code, text) = run(&["journal"]);
    assert!(
        code == 0 && text.contains("create_file") && text.contains("/home/agent/n.md"),
        "{text}"
    );
    let (_, text) = run(&["journal", "--json", "--path", "/nowhere/**"]);
    assert_eq!(text, "");
    assert_eq!(run(&["--execution", "none", "journal"]).0, 2);
    assert_eq!(run(&["call", "Read", "file_path"]).0, 2);
    assert_eq!(run(&["doctor"]).0, 0);
}

#[test]
fn schemas_come_in_each_providers_form() {
    let state = tempfile::tempdir().unwrap();
    for (format, first) in [
        ("anthropic", "/0/input_schema/properties"),
        ("openai", "/0/parameters/properties"),
        ("mcp", "/tools/0/inputSchema/properties"),
        ("json", "/0/component"),
    ] {
        let output = toolcell(state.path(), &["tools", "--format", format], "");
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(value.pointer(first).is_some(), "{format}: {value}");
    }
}

#[test]
fn the_shell_runs_scripts_and_commands_with_the_streams_of_this_process() {
    let state = tempfile::tempdir().unwrap();
    let shell = |arguments: &[&str], input: &str| {
        let output = toolcell(state.path(), &[&["bash"], arguments].concat(), input);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (status, out, err) = shell(&[], "x=1\necho \"out $x\"\necho err >&2\n(exit 5)\n");
    assert_eq!((status, out.as_str(), err.as_str()), (Some(5), "out 1\n", "err\n"));

    let (status, out, _) = shell(&["-c", "read a b; echo \"$0 $1 [$b]\"", "zero", "one"], "x y\n");
    assert_eq!((status, out.as_str()), (Some(0), "zero one [y]\n"));

    let (status, _, err) = shell(&["-c", "if"], "");
    assert_eq!(status, Some(2));
    assert!(err.contains("syntax error"), "{err}");
}

#[test]
fn a_device_as_input_is_one_to_programs_and_a_pipe_is_a_pipe() {
    let state = tempfile::tempdir().unwrap();
    let kind =
        ["bash", "-c", "[ -c /dev/stdin ] && echo device; [ -p /dev/stdin ] && echo pipe; cat"];

    let device = command(state.path(), &kind).stdin(Stdio::null()).output().unwrap();
    let pipe = toolcell(state.path(), &kind, "content");

    assert_eq!(String::from_utf8_lossy(&device.stdout), "device\n");
    assert_eq!(String::from_utf8_lossy(&pipe.stdout), "pipe\ncontent");
}
