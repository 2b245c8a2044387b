//! One call, from what was asked to what is answered. The stages, in order:
//!
//! 1. a [`ToolCall`] becomes an [`Invocation`]: a tool that exists, with input that is valid;
//! 2. the invocation gets a [`Grant`]: the regions and rights it has, and no others;
//! 3. a fresh instance runs it, seeing files only through a mediator that holds the grant;
//! 4. the journal is handed over;
//! 5. the outcome is rendered for the model.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use crate::bash;
use crate::call::{Content, ToolCall, ToolResult, Usage};
use crate::cell::Cell;
use crate::failure::Failure;
use crate::notice::{self, NewFile};
use crate::policy::{Actor, Rights};
use crate::process::Control;
use crate::profile;
use crate::registry::{Served, Tool};
use crate::runtime::bindings::exports::toolcell::tool::tool as guest;
use crate::runtime::{Ended, Measured, State, Team, ToolPre, run_tool};
use crate::upload;
use crate::vfs::{MAX_DESCRIPTORS, Mediator};

/// A tool that exists and input that satisfies its schema.
#[derive(Debug)]
struct Invocation {
    tool: Arc<Tool>,
    input: Value,
}

/// Runs one call to its result.
pub(crate) async fn dispatch(cell: &Cell, call: ToolCall) -> ToolResult {
    let started = Instant::now();
    let ToolCall { id, tool, input } = call;
    let mut answer = Answer::default();
    let outcome = answered(cell, &id, &tool, input, &mut answer).await;
    let mut content = vec![Content::Text(match &outcome {
        Ok(structured) => profile::text(&tool, structured),
        Err(failure) => profile::failure(failure),
    })];
    content.append(&mut answer.images);
    let ended = cell.tasks().take_untold();
    content.extend(ended.iter().map(|event| {
        Content::Text(profile::reminder(&format!(
            "{}. Its output is in {}.",
            event.summary, event.output_path
        )))
    }));
    let (new_files, more) = new_files(cell);
    content.extend(
        new_files.iter().map(|file| Content::Text(profile::reminder(&notice::sentence(file)))),
    );
    if more > 0 {
        let text = format!("{more} more new files are in downloads/ and uploads/.");
        content.push(Content::Text(profile::reminder(&text)));
    }
    let (mutations, mutations_unlisted) =
        answer.actor.map(|actor| actor.changes()).unwrap_or_default();
    ToolResult {
        id,
        tool,
        content,
        outcome,
        mutations,
        mutations_unlisted,
        ended,
        new_files,
        usage: Usage {
            wall: started.elapsed(),
            cpu: answer.measured.cpu,
            memory_bytes: answer.measured.memory_bytes,
        },
    }
}

/// The files that have appeared and that no result has told of, and how many more there are.
fn new_files(cell: &Cell) -> (Vec<NewFile>, usize) {
    let told = cell.announce().and_then(|()| cell.notices().take_untold());
    told.unwrap_or_else(|error| {
        cell.runtime().report(&error);
        (Vec::new(), 0)
    })
}

async fn answered(
    cell: &Cell,
    id: &str,
    tool: &str,
    input: Value,
    answer: &mut Answer,
) -> Result<Value, Failure> {
    let invocation = invocation(cell, tool, input).await?;
    let structured = run(cell, id, &invocation, answer).await?;
    match structured["delegate"].as_str() {
        Some(helper) => delegated(cell, id, helper, invocation.input, answer).await,
        None => Ok(structured),
    }
}

/// What a run leaves beside its outcome.
#[derive(Default)]
struct Answer {
    images: Vec<Content>,
    actor: Option<Arc<Actor>>,
    measured: Measured,
}

/// Runs the tool that a result names instead of being one, with the same input. Once: what that
/// one gives is the result.
async fn delegated(
    cell: &Cell,
    id: &str,
    helper: &str,
    input: Value,
    answer: &mut Answer,
) -> Result<Value, Failure> {
    let invocation = invocation(cell, helper, input).await?;
    run(cell, id, &invocation, answer).await.map_err(|failure| {
        // A file that brings its reader down is damaged, or made to.
        let fatal = ["tool_crashed", "memory_limit", "stack_limit"];
        if !fatal.contains(&failure.code.as_str()) {
            return failure;
        }
        let path = invocation.input["file_path"].as_str().unwrap_or_default();
        let message = format!("Cannot read {path}: it is damaged or too complex.");
        Failure { details: Some(failure.to_json()), ..Failure::new("bad_file", message) }
    })
}

async fn invocation(cell: &Cell, name: &str, input: Value) -> Result<Invocation, Failure> {
    let registry = cell.runtime().registry();
    let tool = registry.get(name).await.map_err(|error| {
        cell.runtime().report(&error);
        Failure::new("internal_error", format!("The tool {name} cannot be loaded."))
    })?;
    let tool = tool.ok_or_else(|| {
        let known = registry.names().join(", ");
        let message = format!("No such tool: {name}. The tools are: {known}.");
        Failure::new("unknown_tool", message)
    })?;
    let input = tool.schema.validate(name, input)?;
    Ok(Invocation { tool, input })
}

/// A tool that only reads gets every region to read.
fn rights(tool: &Tool) -> Rights {
    if tool.read_only { Rights::Read } else { Rights::ReadWrite }
}

async fn run(
    cell: &Cell,
    id: &str,
    invocation: &Invocation,
    answer: &mut Answer,
) -> Result<Value, Failure> {
    let Invocation { tool, input } = invocation;
    let journal = cell.journal();
    let actor = journal
        .actor(id, &tool.name, &tool.digest)
        .map_err(|_| Failure::new("internal_error", "The journal cannot be written."))?;
    answer.actor = Some(actor.clone());
    let mediator = Mediator::new(cell.space().clone(), cell.grant(actor.clone(), rights(tool)));
    let outcome = match &tool.served {
        Served::Component(pre) => run_component(cell, tool, pre, mediator, input, answer).await,
        Served::Host(host) => {
            bash::call(cell, *host, id, mediator, input, &mut answer.measured).await
        }
        Served::Upload => upload::call(cell, mediator, input).await,
    };
    let ended = cell.end_call();
    match ended {
        Ok(()) => outcome,
        // The change may stand; what must not happen is that this goes unsaid.
        Err(error) => {
            cell.runtime().report(&error);
            let message =
                format!("{} ran, but its record could not be kept in the journal.", tool.name);
            Err(Failure::new("journal_failed", message))
        }
    }
}

async fn run_component(
    cell: &Cell,
    tool: &Tool,
    pre: &ToolPre,
    mediator: Mediator,
    input: &Value,
    answer: &mut Answer,
) -> Result<Value, Failure> {
    let engine = cell.runtime().engine();
    let mut state = State::new(
        mediator,
        cell.session().clone(),
        Control::new(cell.options().call_limit),
        cell.options().memory_bytes,
        // A tool gets everything by its input; arguments and environment are for programs.
        &[],
        &[],
    );
    if tool.read_only {
        state = state.in_team(Team::new(engine, pre, cell.runtime().slots()));
    }
    let input = input.to_string();
    let _slot = cell.runtime().slot().await;
    let (result, measured) = run_tool(engine, pre, state, Some((&tool.name, &input))).await;
    answer.measured = measured;
    if let Err(ended @ Ended::Host(_)) = &result {
        cell.runtime().report(ended);
    }
    outcome(tool, result, &answer.measured, &mut answer.images)
}

fn outcome(
    tool: &Tool,
    result: Result<Result<guest::Outcome, guest::Failure>, Ended>,
    measured: &Measured,
    images: &mut Vec<Content>,
) -> Result<Value, Failure> {
    let failure =
        match result {
            Ok(Ok(outcome)) => {
                images.extend(outcome.images.into_iter().map(|image| Content::Image {
                    media_type: image.media_type,
                    data: image.data,
                }));
                return serde_json::from_str(&outcome.structured).map_err(|_| {
                    Failure::new("tool_crashed", format!("{} gave no valid result.", tool.name))
                });
            }
            Ok(Err(failure)) => told(&tool.name, failure, measured),
            Err(ended) => Failure::ended(&tool.name, &ended),
        };
    Err(match &measured.denied {
        Some(denied) => failure.because(denied),
        None => failure,
    })
}

/// What the guest says went wrong, with a limit that it may have run into without knowing.
fn told(tool: &str, failure: guest::Failure, measured: &Measured) -> Failure {
    let guest::Failure { code, mut message, hint, details } = failure;
    if measured.descriptors_exhausted {
        message.push_str(&format!(" {tool} reached its limit of {MAX_DESCRIPTORS} open files."));
    }
    let details = details.and_then(|text| serde_json::from_str(&text).ok());
    Failure { code, message, hint, details }
}
