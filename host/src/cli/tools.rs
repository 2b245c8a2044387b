//! `toolcell tools`: the schemas, in the form that a provider takes.

use std::process::ExitCode;

use serde_json::{Value, json};
use toolcell::Tool;

use super::{World, printer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The Messages API's `tools`
    Anthropic,
    /// Function tools
    Openai,
    /// The result of MCP's `tools/list`
    Mcp,
    /// Everything that is known, tools accepted from older models included
    Json,
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The form to print them in
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
}

pub(super) async fn run(world: &World, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let tools = world.runtime(super::MAX_INSTANCES)?.tools().await?;
    let all = arguments.format == Format::Json;
    let shown = tools.iter().filter(|tool| all || tool.advertised);
    let shown: Vec<Value> = shown.map(|tool| show(tool, arguments.format)).collect();
    let document = match arguments.format {
        Format::Mcp => json!({ "tools": shown }),
        _ => Value::Array(shown),
    };
    printer::text(&serde_json::to_string_pretty(&document)?)?;
    Ok(ExitCode::SUCCESS)
}

fn show(tool: &Tool, format: Format) -> Value {
    let (name, description, schema) = (&tool.name, &tool.description, tool.schema.json());
    match format {
        Format::Anthropic => {
            json!({ "name": name, "description": description, "input_schema": schema })
        }
        Format::Openai => json!({
            "type": "function",
            "name": name,
            "description": description,
            "parameters": schema,
            "strict": false,
        }),
        Format::Mcp => json!({
            "name": name,
            "description": description,
            "inputSchema": schema,
            "annotations": tool.annotations,
        }),
        Format::Json => json!({
            "name": name,
            "description": description,
            "input_schema": schema,
            "annotations": tool.annotations,
            "advertised": tool.advertised,
            "component": tool.digest,
        }),
    }
}
