//! `toolcell call`: tool calls, from the arguments or one a line from standard input.

use std::io::{self, BufRead as _, Read as _};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value};
use toolcell::execution::{ExecutionError, Executions};
use toolcell::wire::{self, Request};
use toolcell::{Failure, ToolCall};

use super::{World, pair, printer};

/// Longest line of standard input, in bytes. A call with a larger content is refused; without the
/// limit, input without line ends would be held whole.
const MAX_LINE_BYTES: u64 = 64 << 20;

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
    let executions = world.executions()?;
    let code = match &arguments.tool {
        Some(tool) => one(world, &executions, tool, arguments).await,
        None => many(world, &executions).await,
    };
    executions.park_all().await;
    code
}

async fn one(
    world: &World,
    executions: &Executions,
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
    let execution = executions.get_or_start(&world.execution, &world.agent).await?;
    let result = execution.call(ToolCall::new("1", tool, Value::Object(input))).await;
    match arguments.json {
        true => printer::json(&wire::result(&result))?,
        false => printer::text(&result.text())?,
    }
    Ok(ExitCode::from(u8::from(result.is_error())))
}

async fn many(world: &World, executions: &Executions) -> anyhow::Result<ExitCode> {
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
            answer(world, executions, &line, number).await?;
        }
    }
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

async fn answer(
    world: &World,
    executions: &Executions,
    line: &[u8],
    number: u64,
) -> io::Result<()> {
    let text = String::from_utf8_lossy(line);
    let Request { call, execution } = match wire::parse(&text) {
        Ok(request) => request,
        Err(error) => return printer::json(&wire::malformed(number, &error)),
    };
    let id = execution.unwrap_or_else(|| world.execution.clone());
    let result = match executions.get_or_start(&id, &world.agent).await {
        Ok(execution) => execution.call(call).await,
        Err(error) => {
            // What the library says may name directories of the host: not for the agent's eyes.
            let message = match &error {
                ExecutionError::Name(_) => format!("{error}."),
                _ => format!("The execution {id:?} cannot be opened."),
            };
            let reason = super::chain(&error);
            eprintln!("toolcell: the execution {id:?} cannot be opened: {reason}");
            wire::refused(call, Failure::new("execution_unavailable", message))
        }
    };
    printer::json(&wire::result(&result))
}
