//! The files of an execution: uploaded, listed, downloaded.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use serde_json::{Map, Value, json};

use super::executions::text;
use crate::clock::rfc3339;
use crate::door::{Door, join};
use crate::execution::{Execution, ExecutionRecord, file_id};
use crate::mime;
use crate::policy::{DEFAULT_REGIONS, RegionDefault};
use crate::server::app::App;
use crate::server::error::{Answer, ApiError, Style};
use crate::server::receive::{Form, last_component};
use crate::server::signed::Target;
use crate::vfs::{Fault, FileLook, FileType};

const MALFORMED: &str = "Invalid file upload request.";

/// Files that a listing has. A region may hold more.
const MAX_LISTED: usize = 200_000;

/// The regions, in the order in which listings have them.
const REGIONS: [&str; 4] = ["uploads", "downloads", "workspace", "shared"];

/// Levels of directories that a listing goes down.
const MAX_DEPTH: usize = 64;

/// One file of an execution.
pub(super) struct Found {
    /// Its guest path.
    path: String,
    region: &'static str,
    look: FileLook,
}

/// `GET /executions/{id}/context-files`
pub(in crate::server) async fn list_context(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let execution = execution(&app, &headers, &id, "Execution files not found.")?;
    let record = execution.record();
    let base = app.base(&headers);
    let found = files(&execution, &["uploads", "downloads"]).await?;
    let shown: Vec<Value> =
        found.iter().map(|file| context_file(&app, &base, &record, file)).collect();
    Ok(Json(Value::Array(shown)).into_response())
}

/// The execution that a request is about; `missing` is what is said where there is none.
fn execution(
    app: &App,
    headers: &HeaderMap,
    id: &str,
    missing: &str,
) -> Result<Arc<Execution>, ApiError> {
    let who = app.principal(headers, Style::Agents)?;
    app.execution(&who, id, Style::Text).map_err(|error| match error.status {
        StatusCode::NOT_FOUND => ApiError::missing(Style::Text, missing),
        _ => error,
    })
}

/// The files of these regions, in the order of the regions and of their paths.
async fn files(execution: &Execution, regions: &[&str]) -> Result<Vec<Found>, ApiError> {
    let failed = |error| ApiError::execution(Style::Text, &error);
    let door = execution.reading_door("").await.map_err(failed)?;
    let mut found = Vec::new();
    for name in regions {
        let Some(region) = DEFAULT_REGIONS.iter().find(|region| region.name == *name) else {
            continue;
        };
        found.extend(region_files(&door, region).map_err(|fault| {
            ApiError::fault(Style::Text, &fault, region.mount, StatusCode::PAYLOAD_TOO_LARGE)
        })?);
    }
    Ok(found)
}

fn region_files(door: &Door, region: &RegionDefault) -> Result<Vec<Found>, Fault> {
    let entries = door.walk(region.mount, MAX_DEPTH, MAX_LISTED)?;
    let files = entries.into_iter().filter(|(_, look)| look.kind == FileType::RegularFile);
    let found = files.map(|(path, look)| Found {
        path: join(region.mount, &path),
        region: region.name,
        look,
    });
    Ok(found.collect())
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// A path as clients know it, such as `uploads/document.pdf`.
fn relative(path: &str) -> &str {
    path.strip_prefix("/home/agent/").unwrap_or(path)
}

fn context_file(app: &App, base: &str, record: &ExecutionRecord, file: &Found) -> Value {
    let (path, name) = (relative(&file.path), name(&file.path));
    let mime = mime::of(name);
    let url = app.signed(base, Target::Execution(&record.id, &file.path));
    let extension = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty());
    json!({
        "id": file_id(&record.id, &file.path),
        "executionId": record.id,
        "agentId": record.agent,
        "workflowId": record.agent,
        "filePath": path,
        "fileName": name,
        "fileExt": extension.map_or("", |(_, extension)| extension),
        "fileSize": file.look.size,
        "fileType": mime.split('/').next().unwrap_or_default(),
        "mimeType": mime,
        "createdAt": rfc3339(file.look.modified),
        "signedUrl": url,
        "downloadUrl": url,
    })
}

/// `POST /executions/{id}/context-files`
pub(in crate::server) async fn upload(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let execution = execution(&app, &headers, &id, "Execution not found.")?;
    let failed = |error| ApiError::execution(Style::Text, &error);
    let open = match execution.open_door("upload", &request_id(&headers)).await {
        Ok(open) => open,
        Err(error) => {
            crate::server::receive::drain(request.into_body());
            return Err(failed(error));
        }
    };
    let mut form = Form::new(&app, request, Style::Text, MALFORMED)?;
    let mut received = Vec::new();
    while let Some(mut part) = form.next().await? {
        let Some(given) = part.file_name().filter(|_| part.name() == "files") else { continue };
        let name = last_component(&given)
            .ok_or_else(|| ApiError::bad(Style::Text, format!("{given:?} is no file name.")))?;
        let path = format!("/home/agent/uploads/{name}");
        let fault = |fault: Fault| {
            ApiError::fault(Style::Text, &fault, relative(&path), StatusCode::PAYLOAD_TOO_LARGE)
        };
        let mut incoming = open.door.receive("uploads").map_err(fault)?;
        while let Some(piece) = part.next().await? {
            incoming.write(&piece).map_err(fault)?;
        }
        incoming.complete().map_err(fault)?;
        if let Ok(look) = open.door.mediator().look_at(&path, crate::vfs::Follow::No)
            && look.kind == FileType::Directory
        {
            return Err(fault(Fault::Os(rustix::io::Errno::ISDIR)));
        }
        received.push((path, incoming));
    }
    if received.is_empty() {
        return Err(ApiError::bad(Style::Text, MALFORMED));
    }
    // All of them are here and fit.
    let mut published = Vec::new();
    for (path, incoming) in received {
        let done = incoming.publish(&path, true).map_err(|fault| {
            ApiError::fault(Style::Text, &fault, relative(&path), StatusCode::PAYLOAD_TOO_LARGE)
        })?;
        published.push(done);
    }
    open.done(&published).map_err(failed)?;
    Ok(text(StatusCode::OK, "Files uploaded."))
}

pub(super) fn request_id(headers: &HeaderMap) -> String {
    let id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    id.unwrap_or_default().chars().take(64).collect()
}

/// `GET /executions/{id}/files`
pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let execution = execution(&app, &headers, &id, "Execution files not found.")?;
    let record = execution.record();
    let base = app.base(&headers);
    let found = files(&execution, &REGIONS).await?;
    let mut directories: Map<String, Value> =
        REGIONS.iter().map(|region| ((*region).to_owned(), json!([]))).collect();
    for file in &found {
        if let Some(Value::Array(files)) = directories.get_mut(file.region) {
            files.push(agent_file(&app, &base, &record, file));
        }
    }
    let last = found.iter().map(|file| file.look.modified).max().unwrap_or(0);
    let mut answer = json!({ "directories": directories });
    if last > 0 {
        answer["lastUpdated"] = json!(rfc3339(last));
    }
    Ok(Json(answer).into_response())
}

fn agent_file(app: &App, base: &str, record: &ExecutionRecord, file: &Found) -> Value {
    let created_by = match file.region {
        "uploads" => "user",
        "downloads" => "environment",
        _ => "agent",
    };
    let time = rfc3339(file.look.modified);
    json!({
        "id": file_id(&record.id, &file.path),
        "agentId": record.agent,
        "workflowId": record.agent,
        "executionId": record.id,
        "filePath": relative(&file.path),
        "fileName": name(&file.path),
        "fileSize": file.look.size,
        "mimeType": mime::of(&file.path),
        "createdAt": time,
        "updatedAt": time,
        "directory": file.region,
        "createdBy": created_by,
        "downloadUrl": app.signed(base, Target::Execution(&record.id, &file.path)),
    })
}

/// `GET /executions/{id}/files/{fileId}/download` and its like
pub(in crate::server) async fn download(
    State(app): State<Arc<App>>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let execution = execution(&app, &headers, &id, "File not found.")?;
    let all = files(&execution, &REGIONS).await?;
    let found = all.iter().find(|found| file_id(&id, &found.path) == file);
    let found = found.ok_or_else(|| ApiError::missing(Style::Text, "File not found."))?;
    let url = app.signed(&app.base(&headers), Target::Execution(&id, &found.path));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response())
}

/// `GET /executions/{id}/debug-files/{fileId}/download`: there are none.
pub(in crate::server) async fn download_debug(
    State(app): State<Arc<App>>,
    Path((id, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    execution(&app, &headers, &id, "File not found.")?;
    Err(ApiError::missing(Style::Text, "File not found."))
}
