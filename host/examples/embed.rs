//! An agent loop's use of the library: one runtime, one cell, two calls.
//!
//! `cargo run --example embed`

use anyhow::Context as _;
use serde_json::json;
use toolcell::{CellOptions, Runtime, RuntimeOptions, ToolCall};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let state = std::env::temp_dir().join("toolcell-example");
    let runtime = Runtime::new(RuntimeOptions::new(state.join("cache")))?;
    let cell = runtime
        .open_cell(CellOptions::new(state.join("executions/example")))
        .context("is another example running?")?;

    // What a model asks for arrives as a name and JSON.
    let calls = [
        ("Write", json!({ "file_path": "workspace/plan.md", "content": "1. measure\n2. cut\n" })),
        ("Grep", json!({ "pattern": "cut", "path": "workspace", "output_mode": "content" })),
    ];
    for (number, (tool, input)) in calls.into_iter().enumerate() {
        let result = cell.call(ToolCall::new(number.to_string(), tool, input)).await;
        println!("{tool}: {}", result.text());
        for mutation in &result.mutations {
            println!("  {} {} {}", mutation.seq, mutation.operation.name(), mutation.path);
        }
    }
    cell.close()?;
    Ok(())
}
