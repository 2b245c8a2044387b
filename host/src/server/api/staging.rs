//! Files that are staged for executions to come.

use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use serde_json::json;

use super::Query;
use crate::server::app::{App, Principal};
use crate::server::error::{Answer, ApiError, Style};
use crate::server::receive::{Form, last_component};

const MALFORMED: &str = "Invalid file upload request.";

/// `POST /temp-files/{organizationId}`
pub(in crate::server) async fn stage(
    State(app): State<Arc<App>>,
    Path(organization): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let who = app.principal(&headers, Style::Agents)?;
    staged(&app, &who, &organization, request).await
}

/// `POST /temp-files?organizationId=`: without it, the key's own.
pub(in crate::server) async fn stage_for_key(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let who = app.principal(&headers, Style::Agents)?;
    let query = Query::of(&uri);
    let organization = query.get("organizationId").unwrap_or(&who.organization).to_owned();
    staged(&app, &who, &organization, request).await
}

async fn staged(app: &Arc<App>, who: &Principal, organization: &str, request: Request) -> Answer {
    if organization != who.organization {
        let message = "User is not a member of the organization.";
        return Err(ApiError::new(Style::Text, StatusCode::FORBIDDEN, "FORBIDDEN", message));
    }
    let failed = |error| ApiError::execution(Style::Text, &error);
    let mut form = Form::new(app, request, Style::Text, MALFORMED)?;
    let mut received = Vec::new();
    while let Some(mut part) = form.next().await? {
        let Some(name) = part.file_name().filter(|_| part.name() == "files") else { continue };
        let name = last_component(&name)
            .ok_or_else(|| ApiError::bad(Style::Text, format!("{name:?} is no file name.")))?;
        let mut staging =
            app.executions.staged().begin(name, Some(organization)).map_err(failed)?;
        while let Some(piece) = part.next().await? {
            staging.write(&piece).map_err(failed)?;
            if staging.size() > app.limits.uploads_bytes {
                let message = format!(
                    "{name} does not fit: uploads/ may hold {} bytes.",
                    app.limits.uploads_bytes
                );
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(ApiError::new(Style::Text, status, "TOO_LARGE", message));
            }
        }
        received.push(staging);
    }
    if received.is_empty() {
        return Err(ApiError::bad(Style::Text, MALFORMED));
    }
    // All of them are there.
    let mut files = Vec::new();
    for staging in received {
        let file = staging.finish().map_err(failed)?;
        files.push(json!({ "id": file.id, "name": file.name }));
    }
    Ok(Json(json!({ "tempFiles": files })).into_response())
}
