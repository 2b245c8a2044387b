//! Environments: made, listed, renamed, deleted.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Query;
use crate::ambient;
use crate::clock::rfc3339;
use crate::server::ServeError;
use crate::server::app::{App, EnvironmentInfo, Principal};
use crate::server::error::{Answer, ApiError, Style};
use crate::server::receive;

/// The longest name or description.
const MAX_TEXT: usize = 2_000;

pub(super) fn shown(info: &EnvironmentInfo, who: &Principal) -> Value {
    json!({
        "id": info.id,
        "object": "environment",
        "userId": who.key,
        "name": info.name,
        "description": info.description,
        "status": "running",
        "isDefault": info.is_default,
        "createdAt": rfc3339(info.created_ns),
        "updatedAt": rfc3339(info.updated_ns),
    })
}

/// The environment both as `environment` and bare: clients read one or the other.
fn both(info: &EnvironmentInfo, who: &Principal) -> Value {
    let mut answer = shown(info, who);
    answer["environment"] = shown(info, who);
    answer
}

#[derive(Debug, Deserialize, Default)]
struct Fields {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

impl Fields {
    fn check(&self) -> Result<(), ApiError> {
        let fits = |text: &Option<String>| {
            text.as_ref().is_none_or(|text| text.chars().count() <= MAX_TEXT)
        };
        if !fits(&self.name) || !fits(&self.description) {
            let message = format!("name and description have up to {MAX_TEXT} characters.");
            return Err(ApiError::bad(Style::Files, message));
        }
        match self.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            true => Err(ApiError::bad(Style::Files, "name is empty.")),
            false => Ok(()),
        }
    }
}

fn failed(error: ServeError) -> ApiError {
    match &error {
        ServeError::Executions(error) => ApiError::execution(Style::Files, error),
        error => ApiError::internal(Style::Files, error),
    }
}

/// `GET /environments`
pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let who = app.principal(&headers, Style::Files)?;
    let query = Query::of(&uri);
    let limit = query.number("limit", 50, (1, 100), Style::Files)?;
    let offset = query.number("offset", 0, (0, u64::MAX), Style::Files)?;
    let all = app.environments(&who.organization);
    let data: Vec<Value> = all
        .iter()
        .skip(usize::try_from(offset).unwrap_or(usize::MAX))
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .map(|info| shown(info, &who))
        .collect();
    let more = offset.saturating_add(data.len() as u64) < all.len() as u64;
    Ok(Json(json!({
        "object": "list", "data": data, "has_more": more, "total_count": all.len(),
    }))
    .into_response())
}

fn new(
    who: &Principal,
    name: &str,
    description: Option<String>,
    is_default: bool,
) -> EnvironmentInfo {
    let now = ambient::now_ns();
    EnvironmentInfo {
        id: format!("env_{}", uuid::Uuid::new_v4().simple()),
        name: name.to_owned(),
        organization: who.organization.clone(),
        description,
        is_default,
        created_ns: now,
        updated_ns: now,
    }
}

/// A new environment.
pub(super) async fn make(
    app: &App,
    who: &Principal,
    name: &str,
    description: Option<String>,
) -> Result<EnvironmentInfo, ApiError> {
    Fields { name: Some(name.to_owned()), description: description.clone() }.check()?;
    let info = new(who, name.trim(), description, false);
    app.put_environment(info.clone()).await.map_err(failed)?;
    Ok(info)
}

/// `POST /environments`
pub(in crate::server) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let who = app.principal(&headers, Style::Files)?;
    let fields: Fields = receive::json(&app, body, Style::Files).await?;
    let name = fields.name.ok_or_else(|| ApiError::bad(Style::Files, "name is missing."))?;
    let info = make(&app, &who, &name, fields.description).await?;
    Ok((StatusCode::CREATED, Json(both(&info, &who))).into_response())
}

/// `GET /environments/default`, which makes one if there is none, and `GET /environments/{id}`
pub(in crate::server) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let who = app.principal(&headers, Style::Files)?;
    let info = match id.as_str() {
        "default" => {
            let existing =
                app.environments(&who.organization).into_iter().find(|info| info.is_default);
            match existing {
                Some(info) => info,
                None => {
                    let info = new(&who, "Default", None, true);
                    app.put_environment(info.clone()).await.map_err(failed)?;
                    info
                }
            }
        }
        id => app.environment_info(&who, id)?,
    };
    Ok(Json(both(&info, &who)).into_response())
}

/// `PATCH` and `PUT /environments/{id}`
pub(in crate::server) async fn update(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let who = app.principal(&headers, Style::Files)?;
    let mut info = app.environment_info(&who, &id)?;
    let fields: Fields = receive::json(&app, body, Style::Files).await?;
    fields.check()?;
    if let Some(name) = fields.name {
        info.name = name.trim().to_owned();
    }
    if fields.description.is_some() {
        info.description = fields.description;
    }
    info.updated_ns = ambient::now_ns();
    app.put_environment(info.clone()).await.map_err(failed)?;
    Ok(Json(both(&info, &who)).into_response())
}

/// `DELETE /environments/{id}`: its files go with it.
pub(in crate::server) async fn remove(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let who = app.principal(&headers, Style::Files)?;
    app.environment_info(&who, &id)?;
    app.remove_environment(&id).await.map_err(failed)?;
    Ok(Json(json!({ "success": true, "id": id, "deleted": true })).into_response())
}
