//! Cells: how long a new one takes to its first result, and what an idle one keeps.
#![allow(clippy::disallowed_methods, reason = "a bench sets the scene by paths")]
#![allow(missing_docs, reason = "a bench")]

mod common;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;
use toolcell::{Cell, CellOptions, ToolCall};

const IDLE: usize = 1_000;

fn first_call(criterion: &mut Criterion) {
    common::new_cells(criterion, "a new cell and its first Read", |executor, cell| {
        let input = json!({ "file_path": "/etc/passwd" });
        let result = executor.block_on(cell.call(ToolCall::new("1", "Read", input)));
        assert!(!result.is_error());
    });
}

/// Not a time: resident memory before and after, printed for each idle cell.
fn idle_memory(_: &mut Criterion) {
    let executor = common::executor();
    let runtime = common::runtime();
    let directory = tempfile::tempdir().unwrap();
    let open = |number: usize| -> Cell {
        let cell = runtime.open_cell(CellOptions::new(directory.path().join(number.to_string())));
        let cell = cell.unwrap();
        let input = json!({ "file_path": "notes.md", "content": "x" });
        executor.block_on(cell.call(ToolCall::new("1", "Write", input)));
        cell
    };
    let _warm: Vec<Cell> = (0..20).map(open).collect();
    let before = resident();
    let idle: Vec<Cell> = (20..20 + IDLE).map(open).collect();
    let each = resident().saturating_sub(before) / idle.len() as u64;
    println!("idle cell that ran a call: {each} bytes resident, of {IDLE} cells");
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    targets = first_call, idle_memory
}
criterion_main!(benches);
