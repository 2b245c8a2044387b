//! `toolcell exec`: executions, from their start to their end.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::{Value, json};
use toolcell::clock::rfc3339 as time;
use toolcell::execution::{
    Ending, ExecutionError, ExecutionRecord, Executions, HostFile, Recovered, Saved, StartRequest,
};

use super::{World, printer};

/// Starts, ends and shows executions.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Exec,
}

#[derive(Debug, Subcommand)]
enum Exec {
    /// Start one: restore the agent's shared files, and put files into uploads/
    Start {
        /// Its name; a new UUID where none is given
        #[arg(long)]
        id: Option<String>,
        /// Put this file of the host into uploads/
        #[arg(long, value_name = "FILE")]
        stage: Vec<PathBuf>,
        /// Let it see this environment at /workspace
        #[arg(long, value_name = "ID")]
        environment: Option<String>,
        /// What it is to work with, as JSON
        #[arg(long, value_name = "JSON")]
        inputs: Option<String>,
    },
    /// End one that has done its work: its shared files are saved
    Finish {
        /// The execution
        id: String,
        /// What came of it
        #[arg(long, default_value = "success")]
        outcome: String,
        /// Why, in words
        #[arg(long, default_value = "")]
        reasoning: String,
        /// What came of it, as JSON
        #[arg(long, value_name = "JSON")]
        result: Option<String>,
        /// It could not do its work
        #[arg(long)]
        failed: bool,
    },
    /// End one from outside: its shared files are saved all the same
    Cancel {
        /// The execution
        id: String,
    },
    /// Refuse tool calls until it is resumed
    Pause {
        /// The execution
        id: String,
    },
    /// Take tool calls again
    Resume {
        /// The execution
        id: String,
    },
    /// Remove one that has ended, with its files; what it put into shared/ stays, and so does its
    /// journal, in the store
    Remove {
        /// The execution
        id: String,
    },
    /// List all, the latest first
    List {
        /// Print JSON, an execution a line
        #[arg(long)]
        json: bool,
    },
    /// Show what is known of one
    Show {
        /// The execution
        id: String,
    },
}

pub(super) async fn run(world: &World, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let executions = world.executions()?;
    say(&executions.recover().await?);
    let code = act(world, &executions, &arguments.command).await;
    executions.park_all().await;
    code
}

async fn act(world: &World, executions: &Executions, command: &Exec) -> anyhow::Result<ExitCode> {
    match command {
        Exec::Start { id, stage, environment, inputs } => {
            let files = stage.iter().map(|path| {
                let name = path.file_name().and_then(|name| name.to_str());
                let name = name.with_context(|| format!("{} has no name", path.display()))?;
                Ok(HostFile { name: name.to_owned(), path: path.clone() })
            });
            let request = StartRequest {
                id: id.clone(),
                agent: world.agent.clone(),
                environment: environment.clone(),
                files: files.collect::<anyhow::Result<_>>()?,
                inputs: parse(inputs.as_deref(), "--inputs")?,
                ..StartRequest::default()
            };
            let execution = executions.start(request).await?;
            printer::text(execution.id())?;
        }
        Exec::Finish { id, outcome, reasoning, result, failed } => {
            let ending = match failed {
                true => Ending::failed(reasoning),
                false => {
                    Ending::completed(outcome, reasoning, parse(result.as_deref(), "--result")?)
                }
            };
            let record = executions.get(id)?.finish(ending).await?;
            printer::text(&ended(&record))?;
            sync_environment(executions, &record).await?;
            return Ok(ExitCode::from(u8::from(matches!(
                record.saved,
                Some(Saved::Refused { .. })
            ))));
        }
        Exec::Cancel { id } => {
            let record = executions.get(id)?.finish(Ending::cancelled()).await?;
            printer::text(&ended(&record))?;
            sync_environment(executions, &record).await?;
        }
        Exec::Pause { id } => executions.get(id)?.pause()?,
        Exec::Resume { id } => executions.get(id)?.resume()?,
        Exec::Remove { id } => executions.remove(id).await?,
        Exec::List { json } => {
            for record in executions.list()? {
                match json {
                    true => printer::json(&record)?,
                    false => printer::text(&format!(
                        "{}  {:<10}  {}  {}",
                        time(record.created_ns),
                        record.status.name(),
                        record.id,
                        record.agent
                    ))?,
                }
            }
        }
        Exec::Show { id } => {
            let (record, activities, files) = match executions.get(id) {
                // Removed, perhaps.
                Err(ExecutionError::NotFound(_)) => {
                    let kept = executions.archived(id).await?;
                    (kept.record, kept.activities, Some(kept.files))
                }
                found => {
                    let execution = found?;
                    (execution.record(), execution.activities()?, None)
                }
            };
            let mut shown = serde_json::to_value(record)?;
            if let Some(files) = files {
                shown["files"] = serde_json::to_value(files)?;
            }
            let activities: Vec<Value> = activities
                .into_iter()
                .map(|activity| json!({ "time": time(activity.time_ns), "payload": activity.payload }))
                .collect();
            shown["activities"] = Value::Array(activities);
            printer::text(&serde_json::to_string_pretty(&shown)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn sync_environment(executions: &Executions, record: &ExecutionRecord) -> anyhow::Result<()> {
    if let Some(environment) = &record.environment {
        executions.sync_environment(environment).await?;
    }
    Ok(())
}

fn parse(text: Option<&str>, option: &str) -> anyhow::Result<Value> {
    match text {
        Some(text) => {
            serde_json::from_str(text).with_context(|| format!("{option} takes JSON, not {text:?}"))
        }
        None => Ok(Value::Null),
    }
}

fn ended(record: &ExecutionRecord) -> String {
    let shared = match &record.saved {
        Some(Saved::Done { version, written: 0, removed: 0, .. }) => {
            format!("shared/ is as it was (version {version})")
        }
        Some(Saved::Done { version, written, removed, frozen, overwrote }) => {
            let mut text =
                format!("shared/ is version {version}: {written} written, {removed} removed");
            if !frozen.is_empty() {
                text.push_str(&format!("; frozen, and left as they were: {}", frozen.join(", ")));
            }
            for (path, version) in overwrote {
                text.push_str(&format!("; replaced {path}, which version {version} has"));
            }
            text
        }
        Some(Saved::Refused { reason }) => format!("shared/ was not saved: {reason}"),
        None => String::new(),
    };
    format!("{} {}: {shared}", record.id, record.status)
}

/// Says on standard error what recovery did, if it did anything.
pub(super) fn say(recovered: &Recovered) {
    for id in &recovered.discarded {
        eprintln!("toolcell: the execution {id} was cut off while it was started, and is gone");
    }
    for id in &recovered.finished {
        eprintln!("toolcell: the execution {id} was cut off while it was ended, and has ended now");
    }
    for (id, reason) in &recovered.waiting {
        eprintln!("toolcell: the execution {id} cannot be ended now: {reason}");
    }
    if recovered.expired > 0 {
        eprintln!("toolcell: {} staged files had expired", recovered.expired);
    }
}
