//! Our own routes: what a loop needs that drives executions over HTTP, and the files that signed
//! URLs open.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::IntoResponse as _;
use axum::response::sse::{Event, KeepAlive, Sse};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::Query;
use super::execution_files::request_id;
use super::executions::{activity, end};
use crate::call::ToolCall;
use crate::execution::{Activity, Ending, Saved};
use crate::journal::{self, Reader};
use crate::mime;
use crate::server::app::App;
use crate::server::content::{self, Shown, Source, Stored};
use crate::server::error::{Answer, ApiError, Style};
use crate::server::receive::{self, Pieces, last_component};
use crate::server::signed::{Refusal, Target};
use crate::vfs::Fault;
use crate::wire;

const STYLE: Style = Style::Agents;

/// Records of the journal that one answer has.
const MAX_RECORDS: u64 = 10_000;

/// `POST /toolcell/v1/executions/{id}/tools/{tool}`: the body is the input.
pub(in crate::server) async fn call(
    State(app): State<Arc<App>>,
    Path((id, tool)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let execution = app.asked_execution(&headers, &id, STYLE)?;
    let input: Value = receive::json(&app, body, STYLE).await?;
    let given = request_id(&headers);
    let call = if given.is_empty() { uuid::Uuid::new_v4().to_string() } else { given };
    app.metrics.tool_calls.fetch_add(1, Ordering::Relaxed);
    let mut result = execution.call(ToolCall::new(call, tool, input)).await;
    if let Ok(structured) = &mut result.outcome
        && result.tool == crate::upload::NAME
    {
        // What was handed over is fetched here, by whoever has the browser.
        let base = app.base(&headers);
        for file in structured["files"].as_array_mut().into_iter().flatten() {
            let path = file["path"].as_str().unwrap_or_default().to_owned();
            file["url"] = json!(app.signed(&base, Target::Execution(&id, &path)));
        }
    }
    let code = result.outcome.as_ref().err().map(|failure| failure.code.as_str());
    let status = match code {
        Some("unknown_tool") => StatusCode::NOT_FOUND,
        Some("execution_paused" | "execution_ended") => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    };
    Ok((status, Json(wire::result(&result))).into_response())
}

#[derive(Debug, Deserialize)]
struct Finish {
    #[serde(default)]
    outcome: Option<String>,
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default)]
    result: Value,
    /// `completed` (the default) or `failed`.
    #[serde(default)]
    status: Option<String>,
}

/// `POST /toolcell/v1/executions/{id}/finish`: when it answers, `shared/` is in the store.
pub(in crate::server) async fn finish(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let execution = app.asked_execution(&headers, &id, STYLE)?;
    let finish: Finish = receive::json(&app, body, STYLE).await?;
    let reasoning = finish.reasoning.unwrap_or_default();
    let ending = match finish.status.as_deref() {
        None | Some("completed") => {
            let outcome = finish.outcome.as_deref().unwrap_or("success");
            Ending::completed(outcome, &reasoning, finish.result)
        }
        Some("failed") => Ending::failed(&reasoning),
        Some(other) => {
            let message = format!("status is completed or failed, not {other:?}.");
            return Err(ApiError::bad(STYLE, message));
        }
    };
    let record = end(&execution, ending).await?;
    let status = match record.saved {
        Some(Saved::Refused { .. }) => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::OK,
    };
    let answer = json!({
        "executionId": id,
        "status": record.status.name(),
        "shared": record.saved,
    });
    Ok((status, Json(answer)).into_response())
}

/// `PUT /toolcell/v1/executions/{id}/downloads/{name}`: the browser's download, as it arrives. It is
/// in `downloads/`, and announced, when all of it is there.
pub(in crate::server) async fn deposit(
    State(app): State<Arc<App>>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let execution = app.asked_execution(&headers, &id, STYLE)?;
    let failed = |error| ApiError::execution(STYLE, &error);
    let name = last_component(&name).filter(|last| *last == name).map(str::to_owned);
    let name = name.ok_or_else(|| ApiError::bad(STYLE, "That is no file name."))?;
    let open = match execution.open_door("download", &request_id(&headers)).await {
        Ok(open) => open,
        Err(error) => {
            receive::drain(body);
            return Err(failed(error));
        }
    };
    let path = format!("/home/agent/downloads/{name}");
    let shown = format!("downloads/{name}");
    let fault =
        |fault: Fault| ApiError::fault(STYLE, &fault, &shown, StatusCode::PAYLOAD_TOO_LARGE);
    let mut incoming = open.door.receive("downloads").map_err(fault)?;
    let mut pieces = Pieces::new(&app, body, STYLE);
    while let Some(piece) = pieces.next().await? {
        if let Err(found) = incoming.write(&piece) {
            pieces.drain();
            return Err(fault(found));
        }
    }
    let received = incoming.publish(&path, true).map_err(fault)?;
    open.done(&[received]).map_err(failed)?;
    let answer = json!({
        "path": path,
        "size": received.size,
        "mimeType": mime::of(&name),
        "blake3": received.hash.to_hex().as_str(),
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `GET /toolcell/v1/executions/{id}/events`: activities from now on, as server-sent events. Ends
/// when the execution or the server does.
pub(in crate::server) async fn events(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let execution = app.asked_execution(&headers, &id, STYLE)?;
    let cell = execution.cell().await.map_err(|error| ApiError::execution(STYLE, &error))?;
    let base = app.base(&headers);
    let stopping = app.stopping.subscribe();
    let state = (app, stopping, execution.events(), cell.file_events(), execution, cell, false);
    let stream = futures_util::stream::unfold(state, move |state| {
        let base = base.clone();
        async move {
            let (app, mut stopping, mut events, mut files, execution, cell, done) = state;
            if done {
                return None;
            }
            let id = execution.id().to_owned();
            let next = tokio::select! {
                event = events.recv() => event,
                file = files.recv() => file.map(|file| Activity::file_added(&id, &file)),
                _ = stopping.wait_for(|stopping| *stopping) => return None,
            };
            let (event, done) = match next {
                Ok(one) => {
                    let status = one.payload["status"].as_str().unwrap_or_default();
                    let ends = matches!(status, "completed" | "cancelled" | "failed")
                        && one.payload["activityType"] == "status_changed";
                    let kind =
                        one.payload["activityType"].as_str().unwrap_or("activity").to_owned();
                    let data = activity(&app, &base, &id, &one).to_string();
                    (Event::default().event(kind).id(one.id).data(data), ends)
                }
                Err(RecvError::Lagged(missed)) => {
                    let data = json!({ "missed": missed }).to_string();
                    (Event::default().event("missed").data(data), false)
                }
                Err(RecvError::Closed) => return None,
            };
            let state = (app, stopping, events, files, execution, cell, done);
            Some((Ok::<_, Infallible>(event), state))
        }
    });
    let alive = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(stream).keep_alive(alive).into_response())
}

/// `GET /toolcell/v1/executions/{id}/journal?from=&limit=`
pub(in crate::server) async fn journal(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let execution = app.asked_execution(&headers, &id, STYLE)?;
    let query = Query::of(&uri);
    let from = query.number("from", 1, (1, u64::MAX), STYLE)?;
    let limit = query.number("limit", 1_000, (1, MAX_RECORDS), STYLE)?;
    let cell = execution.cell().await.map_err(|error| ApiError::execution(STYLE, &error))?;
    let failed = |error| ApiError::internal(STYLE, &error);
    cell.journal().flush().map_err(failed)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let reader =
        journal::read(cell.journal().directory(), Reader::of(from, most)).map_err(failed)?;
    let shown: Vec<Value> = reader.records().iter().map(wire::record).collect();
    let answer = json!({ "object": "list", "data": shown, "has_more": reader.has_more() });
    Ok(Json(answer).into_response())
}

/// `GET` and `HEAD /toolcell/v1/signed/{kind}/{owner}`: no key is asked for, and one does no harm.
pub(in crate::server) async fn signed(
    State(app): State<Arc<App>>,
    Path((kind, owner)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let query = Query::of(&uri);
    let path = query.get("path").unwrap_or_default();
    let target = match kind.as_str() {
        "execution" => Target::Execution(&owner, path),
        "shared" => Target::Shared(&owner, path),
        _ => return Err(ApiError::missing(Style::Text, "File not found.")),
    };
    let expires = query.get("expires").and_then(|text| text.parse().ok()).unwrap_or(0);
    let signature = query.get("signature").unwrap_or_default();
    app.signer.check(target, expires, signature).map_err(|refusal| {
        let message = match refusal {
            Refusal::Wrong => "The signature is wrong.",
            Refusal::Late => "The URL has expired; list the files again for a new one.",
        };
        ApiError::new(Style::Text, StatusCode::FORBIDDEN, "FORBIDDEN", message)
    })?;
    let missing = || ApiError::missing(Style::Text, "File not found.");
    match target {
        Target::Execution(id, path) => {
            let execution = app.executions.get(id).map_err(|_| missing())?;
            let door = execution.reading_door(&request_id(&headers)).await;
            let door = door.map_err(|error| ApiError::execution(Style::Text, &error))?;
            let file = door.open(path).map_err(|_| missing())?;
            let name = path.rsplit('/').next().unwrap_or_default();
            let shown = Shown { name, mime: mime::of(path), attachment: false, style: Style::Text };
            let source = Source::file(&app, file)
                .map_err(|fault| ApiError::internal(Style::Text, &fault))?;
            content::answer(&app, &method, &headers, source, shown)
        }
        Target::Shared(agent, path) => shared(&app, &method, &headers, agent, path).await,
    }
}

/// A shared file comes from the store.
async fn shared(
    app: &Arc<App>,
    method: &Method,
    headers: &HeaderMap,
    agent: &str,
    path: &str,
) -> Answer {
    let failed = |error| ApiError::execution(Style::Text, &error);
    let shared = app.executions.shared(agent).map_err(failed)?;
    let latest = shared.latest().await.map_err(failed)?;
    let found = latest.tree.get(path).and_then(|entry| Some((entry, entry.file()?)));
    let (entry, digest) = found.ok_or_else(|| ApiError::missing(Style::Text, "File not found."))?;
    let stored = Stored { blobs: shared.versions().blobs(), path, entry, digest };
    content::stored(app, method, headers, stored, Style::Text).await
}
