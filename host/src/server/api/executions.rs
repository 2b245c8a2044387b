//! Executions: started, listed, paused, cancelled, and what they have done.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Query;
use crate::clock::rfc3339;
use crate::execution::{Activity, Ending, Execution, ExecutionRecord, StartRequest};
use crate::server::app::{Agent, App, Principal};
use crate::server::error::{Answer, ApiError, Style};
use crate::server::receive;
use crate::server::signed::Target;

/// Executions of one page.
const MAX_PAGE: u64 = 100;

/// Seconds that a synchronous start waits at most.
const MAX_SYNC_SECONDS: u64 = 25;

/// What an execution is started with. Fields that are not known are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Execute {
    #[serde(default)]
    temp_files: Option<Vec<TempFile>>,
    #[serde(default)]
    dynamic_data: Option<Map<String, Value>>,
    #[serde(default)]
    inputs: Option<Map<String, Value>>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    #[serde(default)]
    timeout_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct TempFile {
    id: String,
}

/// `POST /agents/{agentId}/execute`
pub(in crate::server) async fn execute(
    State(app): State<Arc<App>>,
    Path(agent): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let who = app.principal(&headers, Style::Agents)?;
    let agent = app.agent(&who, &agent, Style::Agents)?;
    let request: Execute = receive::json(&app, body, Style::Agents).await?;
    let execution = start(&app, &who, &agent, &request, Style::Agents).await?;
    let status = execution.record().status.name();
    let answer = json!({ "executionId": execution.id(), "status": status });
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// `POST /agents/{agentId}/execute/sync`
pub(in crate::server) async fn execute_sync(
    State(app): State<Arc<App>>,
    Path(agent): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let who = app.principal(&headers, Style::Agents)?;
    let agent = app.agent(&who, &agent, Style::Agents)?;
    let request: Execute = receive::json(&app, body, Style::Agents).await?;
    let seconds = request.timeout_seconds.unwrap_or(MAX_SYNC_SECONDS);
    if !(1..=MAX_SYNC_SECONDS).contains(&seconds) {
        let message = format!("timeoutSeconds is a number from 1 to {MAX_SYNC_SECONDS}.");
        return Err(ApiError::bad(Style::Agents, message));
    }
    let execution = start(&app, &who, &agent, &request, Style::Agents).await?;
    let mut events = execution.events();
    let ended = async {
        while !execution.record().status.is_terminal() {
            if events.recv().await == Err(tokio::sync::broadcast::error::RecvError::Closed) {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(seconds), ended).await;
    let record = execution.record();
    let mut answer = json!({ "executionId": record.id, "status": record.status.name() });
    if let Some(result) = result(&record) {
        answer["executionResult"] = result;
    }
    let status = if record.status.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(answer)).into_response())
}

/// `POST /api/v1/agent/{id}`: the first version's answer, and its errors.
pub(in crate::server) async fn execute_first(
    State(app): State<Arc<App>>,
    Path(agent): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let who = app.principal(&headers, Style::V1)?;
    let agent = app.agent(&who, &agent, Style::V1)?;
    let request: Execute = receive::json(&app, body, Style::V1).await?;
    let execution = start(&app, &who, &agent, &request, Style::V1).await?;
    let answer = json!({ "execution_id": execution.id() });
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

async fn start(
    app: &App,
    who: &Principal,
    agent: &Agent,
    request: &Execute,
    style: Style,
) -> Result<Arc<Execution>, ApiError> {
    let data = request.inputs.as_ref().or(request.dynamic_data.as_ref());
    let object = |map: Option<&Map<String, Value>>| {
        map.map_or(Value::Null, |map| Value::Object(map.clone()))
    };
    if let Some(environment) = &agent.environment {
        app.environment_info(who, environment)
            .map_err(|_| ApiError::bad(style, "The environment of the agent is not there."))?;
    }
    let start = StartRequest {
        agent: agent.id.clone(),
        organization: Some(who.organization.clone()),
        environment: agent.environment.clone(),
        staged: request.temp_files.iter().flatten().map(|file| file.id.clone()).collect(),
        inputs: object(data),
        metadata: object(request.metadata.as_ref()),
        ..StartRequest::default()
    };
    // It goes on when the client does not wait: half a start is nothing.
    let executions = app.executions.clone();
    let started = tokio::spawn(async move { executions.start(start).await }).await;
    let started = started.map_err(|error| ApiError::internal(style, &error))?;
    started.map_err(|error| ApiError::execution(style, &error))
}

/// `GET /executions`
pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let who = app.principal(&headers, Style::Agents)?;
    let query = Query::of(&uri);
    if let Some(organization) = query.get("organizationId")
        && organization != who.organization
    {
        let message = "User is not a member of the organization.";
        return Err(ApiError::new(Style::Agents, StatusCode::FORBIDDEN, "FORBIDDEN", message));
    }
    let page = query.page(MAX_PAGE, Style::Agents)?;
    let statuses: Vec<&str> = query.all("status").flat_map(|status| status.split(',')).collect();
    let agent = query.get("agentId").or(query.get("workflowId"));
    let wanted = |record: &ExecutionRecord| {
        record.organization.as_deref() == Some(who.organization.as_str())
            && (statuses.is_empty() || statuses.contains(&record.status.name()))
            && agent.is_none_or(|agent| agent == record.agent)
    };
    let all = app.executions.list().map_err(|error| ApiError::execution(Style::Agents, &error))?;
    let all: Vec<ExecutionRecord> = all.into_iter().filter(wanted).collect();
    Ok(Json(page.answer(&all, |record| item(&app, record))).into_response())
}

/// `GET /executions/{id}`
pub(in crate::server) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let execution = app.asked_execution(&headers, &id, Style::Agents)?;
    Ok(Json(item(&app, &execution.record())).into_response())
}

/// What every generation of the clients needs of an execution.
fn item(app: &App, record: &ExecutionRecord) -> Value {
    let name = app.agent_name(&record.agent);
    let mut item = json!({
        "id": record.id,
        "agentId": record.agent,
        "agentName": name,
        "agentVersion": 1,
        "agentVersionDirty": false,
        "workflowId": record.agent,
        "workflowName": name,
        "workflowVersionId": record.agent,
        "organizationId": record.organization.as_deref().unwrap_or_default(),
        "status": record.status.name(),
        "createdAt": rfc3339(record.created_ns),
        "humanLabels": [],
        "comments": [],
        "hasBeenRerun": false,
    });
    let mut set = |name: &str, value: Value| item[name] = value;
    if let Some(started) = record.started_ns {
        set("startedAt", json!(rfc3339(started)));
    }
    if let Some(ended) = record.terminal_ns {
        set("terminalAt", json!(rfc3339(ended)));
        set("duration", json!(ended.saturating_sub(record.created_ns) as f64 / 1e9));
    }
    if let Some(environment) = &record.environment {
        set("customEnvironmentId", json!(environment));
    }
    for (name, value) in [("inputs", &record.inputs), ("metadata", &record.metadata)] {
        if value.is_object() {
            set(name, value.clone());
        }
    }
    if let Some(result) = result(record) {
        set("executionResult", result);
    }
    item
}

fn result(record: &ExecutionRecord) -> Option<Value> {
    let result = record.result.as_ref()?;
    Some(json!({
        "id": result.id,
        "executionId": record.id,
        "outcome": result.outcome,
        "reasoning": result.reasoning,
        "result": result.result,
        "createdAt": rfc3339(result.created_ns),
    }))
}

/// `GET /executions/{id}/activities`
pub(in crate::server) async fn activities(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let execution = app.asked_execution(&headers, &id, Style::Agents)?;
    let query = Query::of(&uri);
    let limit = query.number("limit", u64::MAX, (1, u64::MAX), Style::Agents)?;
    let activities = execution.activities();
    let mut activities = activities.map_err(|error| ApiError::execution(Style::Agents, &error))?;
    match query.get("order") {
        None | Some("asc") => {}
        Some("desc") => activities.reverse(),
        Some(order) => {
            let message = format!("order is asc or desc, not {order:?}.");
            return Err(ApiError::bad(Style::Agents, message));
        }
    }
    activities.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let base = app.base(&headers);
    let shown: Vec<Value> = activities.iter().map(|one| activity(&app, &base, &id, one)).collect();
    Ok(Json(Value::Array(shown)).into_response())
}

/// An activity as clients read it.
pub(in crate::server) fn activity(
    app: &App,
    base: &str,
    execution: &str,
    activity: &Activity,
) -> Value {
    let mut payload = activity.payload.clone();
    if payload["activityType"] == "file_added" {
        let path = payload["path"].as_str().unwrap_or_default().to_owned();
        payload["presignedUrl"] = json!(app.signed(base, Target::Execution(execution, &path)));
    }
    json!({
        "id": activity.id,
        "executionId": execution,
        "timestamp": rfc3339(activity.time_ns),
        "payload": payload,
    })
}

#[derive(Debug, Deserialize)]
struct Message {
    message: String,
}

/// `POST /executions/{id}/user-messages`
pub(in crate::server) async fn add_message(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let who = app.principal(&headers, Style::Agents)?;
    let execution = app.execution(&who, &id, Style::Agents)?;
    let message: Message = receive::json(&app, body, Style::Agents).await?;
    execution
        .add_message(&message.message, &who.key)
        .map_err(|error| ApiError::execution(Style::Agents, &error))?;
    Ok(text(StatusCode::CREATED, "User message added."))
}

pub(super) fn text(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

#[derive(Debug, Deserialize)]
struct Wanted {
    status: String,
}

/// `POST /executions/{id}/status`
pub(in crate::server) async fn set_status(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let execution = app.asked_execution(&headers, &id, Style::Agents)?;
    let wanted: Wanted = receive::json(&app, body, Style::Agents).await?;
    turn(&execution, &wanted.status).await?;
    Ok(text(StatusCode::OK, "Execution status updated."))
}

/// Ends an execution, to the end of the end: whether the client waits for it or not.
pub(super) async fn end(
    execution: &Arc<Execution>,
    ending: Ending,
) -> Result<ExecutionRecord, ApiError> {
    let execution = execution.clone();
    let ended = tokio::spawn(async move { execution.finish(ending).await }).await;
    let ended = ended.map_err(|error| ApiError::internal(Style::Agents, &error))?;
    ended.map_err(|error| ApiError::execution(Style::Agents, &error))
}

/// `POST /executions/{id}/pause`
pub(in crate::server) async fn pause(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    turned(&app, &id, &headers, "paused").await
}

/// `POST /executions/{id}/resume`
pub(in crate::server) async fn resume(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    turned(&app, &id, &headers, "running").await
}

/// `POST /executions/{id}/cancel`
pub(in crate::server) async fn cancel(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    turned(&app, &id, &headers, "cancelled").await
}

async fn turned(app: &App, id: &str, headers: &HeaderMap, status: &str) -> Answer {
    let execution = app.asked_execution(headers, id, Style::Agents)?;
    turn(&execution, status).await?;
    let status = execution.record().status.name();
    Ok(Json(json!({ "executionId": id, "status": status })).into_response())
}

async fn turn(execution: &Arc<Execution>, status: &str) -> Result<(), ApiError> {
    let turned = match status {
        "paused" => execution.pause(),
        "running" => execution.resume(),
        "cancelled" => return end(execution, Ending::cancelled()).await.map(drop),
        other => {
            let message = format!("status is running, paused or cancelled, not {other:?}.");
            return Err(ApiError::bad(Style::Agents, message));
        }
    };
    turned.map_err(|error| ApiError::execution(Style::Agents, &error))
}
