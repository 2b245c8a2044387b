//! Searching a tree of 3,300 files and 32 MB: through a cell, and by the same code compiled
//! natively; `rg` and `find` beside them where they are installed.
#![allow(clippy::disallowed_methods, reason = "a bench sets the scene by paths")]
#![allow(missing_docs, reason = "a bench")]

mod common;

use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use toolcell::ToolCall;
use toolcell_sdk::{MemorySession, Tool as _};

fn search(criterion: &mut Criterion) {
    let executor = common::executor();
    let runtime = common::runtime();
    let (directory, cell) = common::cell(&runtime);
    let tree = directory.path().join("cell/regions/workspace");
    common::tree(&tree);
    let session = MemorySession::new(&tree);
    let call = |tool: &str, input: &Value| {
        let result = executor.block_on(cell.call(ToolCall::new("1", tool, input.clone())));
        assert!(!result.is_error(), "{}", result.text());
    };
    let native = |command: &str, arguments: &[&str]| {
        let mut command = Command::new(command);
        command.args(arguments).current_dir(&tree).stdout(Stdio::null());
        command.status().is_ok()
    };

    let mut group = criterion.benchmark_group("grep: a word, files_with_matches");
    let input = json!({ "pattern": "needle", "path": "/home/agent/workspace" });
    group.bench_function("Grep in a cell", |bench| bench.iter(|| call("Grep", &input)));
    let plain = json!({ "pattern": "needle" });
    group.bench_function("native: the same code", |bench| {
        bench.iter(|| toolcell_grep::Grep::call(&session, "Grep", plain.clone()).unwrap());
    });
    if native("rg", &["--version"]) {
        group.bench_function("native: rg -l -j1", |bench| {
            bench.iter(|| native("rg", &["-l", "-j1", "--hidden", "needle", "."]));
        });
        group.bench_function("native: rg -l", |bench| {
            bench.iter(|| native("rg", &["-l", "--hidden", "needle", "."]));
        });
    }
    group.bench_function("native: grep -rl", |bench| {
        bench.iter(|| native("grep", &["-rl", "needle", "."]));
    });
    group.finish();

    let mut group = criterion.benchmark_group("grep: nothing found, every byte read");
    let input = json!({ "pattern": "nothing_like_it", "path": "/home/agent/workspace" });
    group.bench_function("Grep in a cell", |bench| bench.iter(|| call("Grep", &input)));
    let plain = json!({ "pattern": "nothing_like_it" });
    group.bench_function("native: the same code", |bench| {
        bench.iter(|| toolcell_grep::Grep::call(&session, "Grep", plain.clone()).unwrap());
    });
    if native("rg", &["--version"]) {
        group.bench_function("native: rg -l -j1", |bench| {
            bench.iter(|| native("rg", &["-l", "-j1", "--hidden", "nothing_like_it", "."]));
        });
        group.bench_function("native: rg -l", |bench| {
            bench.iter(|| native("rg", &["-l", "--hidden", "nothing_like_it", "."]));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("glob: **/*.rs");
    let input = json!({ "pattern": "**/*.rs", "path": "/home/agent/workspace" });
    group.bench_function("Glob in a cell", |bench| bench.iter(|| call("Glob", &input)));
    let plain = json!({ "pattern": "**/*.rs" });
    group.bench_function("native: the same code", |bench| {
        bench.iter(|| toolcell_glob::Glob::call(&session, "Glob", plain.clone()).unwrap());
    });
    group.bench_function("native: find -name", |bench| {
        bench.iter(|| native("find", &[".", "-name", "*.rs"]));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5));
    targets = search
}
criterion_main!(benches);
