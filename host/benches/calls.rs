//! What one call costs: an instance from start to end, a warm Read, a process, an interruption.
#![allow(clippy::disallowed_methods, reason = "a bench sets the scene by paths")]
#![allow(missing_docs, reason = "a bench")]

mod common;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;
use toolcell::wire;

fn instances(criterion: &mut Criterion) {
    let executor = common::executor();
    let runtime = common::runtime();
    let directory = tempfile::tempdir().unwrap();
    let mut options = toolcell::CellOptions::new(directory.path().join("cell"));
    let mut workspace = toolcell::RegionOption::new("workspace");
    workspace.access = toolcell::policy::Access::ReadOnly;
    options.regions.push(workspace);
    let cell = runtime.open_cell(options).unwrap();
    let mut group = criterion.benchmark_group("start and finish");
    // In a region that cannot be written, the first of these gives up at once.
    for (name, what) in [
        ("sparse_growth", "a small program: opens a directory, is refused a file"),
        ("absolute_path", "a program with 24 refused file operations, each printed"),
    ] {
        let program = common::program(&runtime, name);
        let argv = [name.to_owned()];
        group.bench_function(what, |bench| {
            bench.to_async(&executor).iter(|| async { cell.run(&program, &argv).await.unwrap() });
        });
    }
    let coreutils = common::packed_program(&runtime, "coreutils");
    for argv in [&["true"][..], &["basename", "/a/b"], &["cut", "-d,", "-f1"]] {
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        group.bench_function(format!("of coreutils: {}", argv.join(" ")), |bench| {
            bench.to_async(&executor).iter(|| async { cell.run(&coreutils, &argv).await.unwrap() });
        });
    }
    for argv in [&["/bin/true"][..], &["basename", "/a/b"], &["cut", "-d,", "-f1"]] {
        group.bench_function(format!("native: fork and exec of {}", argv.join(" ")), |bench| {
            bench.iter(|| {
                let mut command = Command::new(argv[0]);
                command.args(&argv[1..]).stdin(Stdio::null()).stdout(Stdio::null());
                command.status().unwrap()
            });
        });
    }
}

fn warm_calls(criterion: &mut Criterion) {
    let executor = common::executor();
    let runtime = common::runtime();
    let (directory, cell) = common::cell(&runtime);
    let path = directory.path().join("cell/regions/workspace/notes.md");
    std::fs::write(&path, "# Notes\n\n- one\n- two\n".repeat(20)).unwrap();
    let line = json!({ "id": "1", "tool": "Read", "input": { "file_path": "workspace/notes.md" } });
    let line = line.to_string();
    let mut group = criterion.benchmark_group("warm call, JSON in to JSON out");
    group.bench_function("Read of a small file", |bench| {
        bench.to_async(&executor).iter(|| async {
            let request = wire::parse(&line).unwrap();
            serde_json::to_string(&wire::result(&cell.call(request.call).await)).unwrap()
        });
    });
    let write = json!({ "id": "1", "tool": "Write",
        "input": { "file_path": "workspace/out.md", "content": "x".repeat(400) } });
    let write = write.to_string();
    group.bench_function("Write of a small file", |bench| {
        bench.to_async(&executor).iter(|| async {
            let request = wire::parse(&write).unwrap();
            serde_json::to_string(&wire::result(&cell.call(request.call).await)).unwrap()
        });
    });
    group.bench_function("native: read the file and number its lines", |bench| {
        bench.iter(|| {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.split('\n').enumerate();
            let text: Vec<String> = lines.map(|(at, line)| format!("{}\t{line}", at + 1)).collect();
            json!({ "content": text.join("\n") }).to_string()
        });
    });
}

fn command(criterion: &mut Criterion) {
    let state = tempfile::tempdir().unwrap();
    let toolcell = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_toolcell"));
        command.arg("--state").arg(state.path()).args(["call", "Read", "file_path=/etc/passwd"]);
        command.stdout(std::process::Stdio::null());
        command
    };
    assert!(toolcell().status().unwrap().success());
    let mut group = criterion.benchmark_group("command, code compiled before");
    group.bench_function("toolcell call Read", |bench| {
        bench.iter(|| toolcell().status().unwrap());
    });
    group.bench_function("native: cat", |bench| {
        bench.iter(|| {
            Command::new("cat").arg("/etc/passwd").stdout(std::process::Stdio::null()).status()
        });
    });
}

/// Time from the deadline of a busy loop to its result.
fn interruption(criterion: &mut Criterion) {
    let executor = common::executor();
    let runtime = common::runtime();
    let directory = tempfile::tempdir().unwrap();
    let limit = Duration::from_millis(20);
    let mut options = toolcell::CellOptions::new(directory.path().join("cell"));
    options.call_limit = limit;
    let cell = runtime.open_cell(options).unwrap();
    let program = common::program(&runtime, "spin");
    let argv = ["spin".to_owned()];
    criterion.bench_function("end of a busy loop, after its deadline", |bench| {
        bench.iter_custom(|rounds| {
            let mut late = Duration::ZERO;
            for _ in 0..rounds {
                let started = Instant::now();
                executor.block_on(cell.run(&program, &argv)).unwrap();
                late += started.elapsed().saturating_sub(limit);
            }
            late
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    targets = instances, warm_calls, command, interruption
}
criterion_main!(benches);
