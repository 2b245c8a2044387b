//! `toolcell precompile`: fills the cache of compiled code.

use std::process::ExitCode;

use super::{World, printer};

pub(super) async fn run(world: &World) -> anyhow::Result<ExitCode> {
    let runtime = world.runtime(super::MAX_INSTANCES)?;
    let tools = runtime.tools().await?;
    runtime.compile_programs()?;
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    printer::text(&format!("ready: {}, and the programs of the shell", names.join(", ")))?;
    Ok(ExitCode::SUCCESS)
}
