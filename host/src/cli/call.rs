//! `toolcell call`: tool calls, from the arguments or one a line from standard input.

use std::collections::HashMap;
use std::io::{self, BufRead as _, Read as _};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value};
use toolcell::wire::{self, Request};
use toolcell::{Cell, Failure, Runtime, ToolCall};

use super::{World, pair, printer};

/// Longest line of standard input, in bytes. A call with a larger content is refused; without the
/// limit, input without line ends would be held whole.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// Executions held open at once. Each holds a few files; the one that was used longest ago is
/// closed first, and opened again when it is named again.
const MAX_OPEN_CELLS: usize = 128;

/// Runs one call from the arguments and prints its text, or reads calls as JSON, one a line, and
/// prints a result a line.
///
/// As JSON a call is {"id":"1","tool":"Read","input":{…}}, with an optional "execution" that names
/// another execution of the same state.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The tool to call; without it, calls are read from standard input
    #[arg(id = "name", value_name = "TOOL")]
    tool: Option<String>,
    /// The tool's input: NAME=VALUE. A value that begins with [ or { is read as JSON
    #[arg(value_name = "NAME=VALUE")]
    input: Vec<String>,
    /// Print the whole result as JSON instead of its text
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(world: &World, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let runtime = world.runtime()?;
    match &arguments.tool {
        Some(tool) => one(world, &runtime, tool, arguments).await,
        None => many(world, &runtime).await,
    }
}

async fn one(
    world: &World,
    runtime: &Runtime,
    tool: &str,
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
    let mut input = Map::new();
    for argument in &arguments.input {
        let (name, value) = pair(argument, "input is given as NAME=VALUE")?;
        let value = match value.starts_with(['[', '{']) {
            true => serde_json::from_str(value).unwrap_or_else(|_| value.into()),
            false => Value::from(value),
        };
        input.insert(name.to_owned(), value);
    }
    let cell = runtime.open_cell(world.cell_options(&world.execution)?)?;
    let result = cell.call(ToolCall::new("1", tool, Value::Object(input))).await;
    match arguments.json {
        true => printer::json(&wire::result(&result))?,
        false => printer::text(&result.text())?,
    }
    cell.close()?;
    Ok(ExitCode::from(u8::from(result.is_error())))
}

async fn many(world: &World, runtime: &Runtime) -> anyhow::Result<ExitCode> {
    let mut cells = Cells { world, runtime, open: HashMap::new(), clock: 0 };
    let mut input = io::stdin().lock();
    let mut number = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut input).take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line);
        if read.context("cannot read standard input")? == 0 {
            break;
        }
        number += 1;
        let too_long = line.len() as u64 > MAX_LINE_BYTES;
        if too_long {
            skip_line(&mut input)?;
            line.clear();
            line.extend_from_slice(b"(too long)");
        }
        if !line.trim_ascii().is_empty() {
            answer(&mut cells, &line, number).await?;
        }
    }
    cells.close()?;
    Ok(ExitCode::SUCCESS)
}

fn skip_line(input: &mut impl io::BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (used, done) = match end {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

async fn answer(cells: &mut Cells<'_>, line: &[u8], number: u64) -> io::Result<()> {
    let text = String::from_utf8_lossy(line);
    let Request { call, execution } = match wire::parse(&text) {
        Ok(request) => request,
        Err(error) => return printer::json(&wire::malformed(number, &error)),
    };
    let execution = execution.unwrap_or_else(|| cells.world.execution.clone());
    let result = match cells.get(&execution) {
        Ok(cell) => cell.call(call).await,
        Err(error) => {
            // What the library says names directories of the host: not for the agent's eyes.
            let message = match error.is::<toolcell::Error>() {
                true => format!("The execution {execution:?} cannot be opened."),
                false => format!("{error}."),
            };
            eprintln!("toolcell: the execution {execution:?} cannot be opened: {error:#}");
            wire::refused(call, Failure::new("execution_unavailable", message))
        }
    };
    printer::json(&wire::result(&result))
}

/// The executions that are open.
struct Cells<'a> {
    world: &'a World,
    runtime: &'a Runtime,
    open: HashMap<String, (u64, Cell)>,
    clock: u64,
}

impl Cells<'_> {
    fn get(&mut self, execution: &str) -> anyhow::Result<&Cell> {
        self.clock += 1;
        if !self.open.contains_key(execution) {
            if self.open.len() >= MAX_OPEN_CELLS {
                self.close_oldest()?;
            }
            let cell = self.runtime.open_cell(self.world.cell_options(execution)?)?;
            self.open.insert(execution.to_owned(), (self.clock, cell));
        }
        let (used, cell) = self.open.get_mut(execution).context("it was just opened")?;
        *used = self.clock;
        Ok(cell)
    }

    fn close_oldest(&mut self) -> anyhow::Result<()> {
        let oldest = self.open.iter().min_by_key(|(_, (used, _))| *used);
        if let Some(name) = oldest.map(|(name, _)| name.clone())
            && let Some((_, cell)) = self.open.remove(&name)
        {
            cell.close()?;
        }
        Ok(())
    }

    fn close(self) -> anyhow::Result<()> {
        for (_, cell) in self.open.into_values() {
            cell.close()?;
        }
        Ok(())
    }
}
