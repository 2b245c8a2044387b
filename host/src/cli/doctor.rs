//! `toolcell doctor`: what this machine has and lacks, and what that costs.

use std::process::ExitCode;

use toolcell::ambient;
use toolcell::runtime::{CacheState, VERSION, features};

use super::{World, printer};

/// Open files below which many cells at once will not fit.
const FEW_FILES: u64 = 4_096;

pub(super) fn run(world: &World) -> anyhow::Result<ExitCode> {
    let mut missing = false;
    printer::text(&format!("engine        wasmtime {VERSION}"))?;
    for (name, found, cost) in features() {
        missing |= !found && cost.starts_with("required");
        let state = if found { "found" } else { "missing" };
        let note = if found { String::new() } else { format!(" ({cost})") };
        printer::text(&format!("{name:<13} {state}{note}"))?;
    }
    let files = ambient::raise_open_files_limit();
    let note = if files < FEW_FILES { " (few: raise the limit to run many cells)" } else { "" };
    printer::text(&format!("open files    {files}{note}"))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    printer::text(&format!("threads       {threads}"))?;
    printer::text(&format!("state         {}", world.state.display()))?;
    for (name, size, state) in world.runtime(super::MAX_INSTANCES)?.components() {
        let state = match state {
            CacheState::Ready => "compiled",
            CacheState::Missing => "not compiled (the first call compiles it, in seconds)",
        };
        printer::text(&format!("tool {name:<8} {} KB, {state}", size / 1024))?;
    }
    Ok(ExitCode::from(u8::from(missing)))
}
