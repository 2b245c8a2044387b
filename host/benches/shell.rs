//! Commands through the Bash tool, and the same by `bash -c` with the machine's own programs.
#![allow(clippy::disallowed_methods, reason = "a bench sets the scene by paths")]
#![allow(missing_docs, reason = "a bench")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;
use toolcell::{Cell, ToolCall};

/// What is compared: a name, and a command that writes little.
const COMMANDS: [(&str, &str); 12] = [
    ("echo", "echo hi"),
    ("1,000 x a program that does nothing", "for i in {1..1000}; do /bin/true; done"),
    (
        "1,000 x a program in a substitution",
        r#"for i in $(seq 1000); do x=$(basename "/a/$i"); done"#,
    ),
    ("100,000 x while and arithmetic", "i=0; while ((i<100000)); do ((i++)); done"),
    ("100,000 x for", "for ((i=0;i<100000;i++)); do :; done"),
    ("while read of 50,000 lines", "seq 50000 | while read x; do :; done"),
    ("sort of 1,000,000 lines", "seq 1000000 -1 1 | sort -n | tail -1"),
    ("awk over 1,000,000 lines", "seq 1000000 | awk '{s+=$1} END {print s}'"),
    ("256 MiB through cat | cat", "head -c 256M /dev/zero | cat | cat > /dev/null"),
    ("grep -r in 32 MB", "grep -r needle . | wc -l"),
    ("rg in 32 MB", "rg -j1 needle . | wc -l"),
    ("find in 3,300 files", "find . -name '*.rs' | wc -l"),
];

fn commands(criterion: &mut Criterion) {
    let executor = common::executor();
    let runtime = common::runtime();
    let (directory, cell) = common::cell(&runtime);
    let tree = directory.path().join("cell/regions/workspace");
    common::tree(&tree);
    for (name, command) in COMMANDS {
        let mut group = criterion.benchmark_group(name);
        let ours = format!("cd /home/agent/workspace; {command}");
        group.bench_function("in a cell", |bench| bench.iter(|| bash(&executor, &cell, &ours)));
        if natively(&tree, command) {
            group.bench_function("native", |bench| bench.iter(|| natively(&tree, command)));
        }
        group.finish();
    }
}

fn first_command(criterion: &mut Criterion) {
    common::new_cells(criterion, "a new cell and its first echo", |executor, cell| {
        bash(executor, cell, "echo hi");
    });
}

fn bash(executor: &tokio::runtime::Runtime, cell: &Cell, command: &str) {
    let input = json!({ "command": command });
    let result = executor.block_on(cell.call(ToolCall::new("1", "Bash", input)));
    assert!(!result.is_error(), "{command}: {}", result.text());
}

/// Whether bash and what it runs are there.
fn natively(directory: &Path, command: &str) -> bool {
    let mut bash = Command::new("bash");
    bash.args(["-o", "pipefail", "-c", command]).current_dir(directory);
    bash.stdout(Stdio::null()).stderr(Stdio::null());
    bash.status().is_ok_and(|status| status.success())
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = commands, first_command
}
criterion_main!(benches);
