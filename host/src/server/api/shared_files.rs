//! An agent's shared files between executions.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::execution::{NewContent, SharedFiles};
use crate::mime;
use crate::persist::Entry;
use crate::server::app::{Agent, App};
use crate::server::error::{Answer, ApiError, Style};
use crate::server::receive::{self, Form, last_component};
use crate::server::signed::Target;

const MALFORMED: &str = "Invalid file upload request.";

fn open(app: &App, id: &str, headers: &HeaderMap) -> Result<(Agent, SharedFiles), ApiError> {
    let who = app.principal(headers, Style::Agents)?;
    let agent = app.agent(&who, id, Style::Text)?;
    let shared = app.shared(&agent, Style::Text)?;
    Ok((agent, shared))
}

fn failed(error: crate::execution::ExecutionError) -> ApiError {
    ApiError::execution(Style::Text, &error)
}

fn shown(app: &App, base: &str, agent: &Agent, path: &str, entry: &Entry) -> Value {
    let digest = entry.file();
    let mut shown = json!({
        "id": entry.id,
        "agentId": agent.id,
        "filePath": path,
        "fileName": path.rsplit('/').next().unwrap_or_default(),
        "fileSize": digest.map_or(0, |digest| digest.size),
        "mimeType": mime::of(path),
        "createdAt": rfc3339(entry.created_ns),
        "updatedAt": rfc3339(entry.updated_ns),
        "version": entry.revision,
        "isFrozen": entry.frozen,
        "downloadUrl": app.signed(base, Target::Shared(&agent.id, path)),
    });
    if let Some(digest) = digest {
        shown["checksum"] = json!(digest.sha256);
    }
    if let Some(execution) = &entry.by {
        shown["lastModifiedByExecutionId"] = json!(execution);
    }
    shown
}

/// `GET /agents/{agentId}/shared-files`
pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let (agent, shared) = open(&app, &id, &headers)?;
    let latest = shared.latest().await.map_err(failed)?;
    let base = app.base(&headers);
    let files: Vec<Value> = latest
        .tree
        .iter()
        .filter(|(_, entry)| entry.file().is_some())
        .map(|(path, entry)| shown(&app, &base, &agent, path, entry))
        .collect();
    Ok(Json(json!({ "files": files, "totalSize": latest.bytes() })).into_response())
}

/// `POST /agents/{agentId}/shared-files`
pub(in crate::server) async fn add(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let (agent, shared) = open(&app, &id, &headers)?;
    let received = received(&app, &shared, request).await?;
    let entries = shared.put(received).await.map_err(failed)?;
    let base = app.base(&headers);
    let files: Vec<Value> =
        entries.iter().map(|(path, entry)| shown(&app, &base, &agent, path, entry)).collect();
    Ok(Json(json!({ "files": files })).into_response())
}

/// `PUT /agents/{agentId}/shared-files/{fileId}`
pub(in crate::server) async fn replace(
    State(app): State<Arc<App>>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let (agent, shared) = open(&app, &id, &headers)?;
    let (path, _) = match shared.find(&file).await {
        Ok(found) => found,
        Err(error) => {
            receive::drain(request.into_body());
            return Err(failed(error));
        }
    };
    let mut received = received(&app, &shared, request).await?;
    let Some((_, content)) = received.pop().filter(|_| received.is_empty()) else {
        return Err(ApiError::bad(Style::Text, "Exactly one file replaces another."));
    };
    let entries = shared.put(vec![(path, content)]).await.map_err(failed)?;
    let (path, entry) =
        entries.first().ok_or_else(|| ApiError::missing(Style::Text, "Shared file not found."))?;
    Ok(Json(shown(&app, &app.base(&headers), &agent, path, entry)).into_response())
}

async fn received(
    app: &Arc<App>,
    shared: &SharedFiles,
    request: Request,
) -> Result<Vec<(String, NewContent)>, ApiError> {
    let mut form = Form::new(app, request, Style::Text, MALFORMED)?;
    let mut received: Vec<(String, NewContent)> = Vec::new();
    while let Some(mut part) = form.next().await? {
        let Some(given) = part.file_name().filter(|_| part.name() == "files") else { continue };
        let name = last_component(&given)
            .ok_or_else(|| ApiError::bad(Style::Text, format!("{given:?} is no file name.")))?;
        let mut content = shared.receive().map_err(failed)?;
        while let Some(piece) = part.next().await? {
            content.write(&piece).map_err(failed)?;
        }
        // The later of two with one name wins.
        received.retain(|(known, _)| known != name);
        received.push((name.to_owned(), content));
    }
    match received.is_empty() {
        true => Err(ApiError::bad(Style::Text, MALFORMED)),
        false => Ok(received),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Freeze {
    is_frozen: bool,
}

/// `PATCH /agents/{agentId}/shared-files/{fileId}/freeze`
pub(in crate::server) async fn freeze(
    State(app): State<Arc<App>>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let (agent, shared) = open(&app, &id, &headers)?;
    let freeze: Freeze = receive::json(&app, body, Style::Text).await?;
    let (path, entry) = shared.freeze(&file, freeze.is_frozen).await.map_err(failed)?;
    Ok(Json(shown(&app, &app.base(&headers), &agent, &path, &entry)).into_response())
}

/// `DELETE /agents/{agentId}/shared-files/{fileId}`, and `delete-all` in its place
pub(in crate::server) async fn remove(
    State(app): State<Arc<App>>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let (_, shared) = open(&app, &id, &headers)?;
    match file.as_str() {
        "delete-all" => shared.remove_all().await,
        file => shared.remove(file).await,
    }
    .map_err(failed)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /agents/{agentId}/shared-files/{fileId}/download`
pub(in crate::server) async fn download(
    State(app): State<Arc<App>>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let (agent, shared) = open(&app, &id, &headers)?;
    let (path, _) = shared.find(&file).await.map_err(failed)?;
    let url = app.signed(&app.base(&headers), Target::Shared(&agent.id, &path));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response())
}
