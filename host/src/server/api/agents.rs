//! Agents, who are called workflows since 1.8, and who asks.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::json;

use super::Query;
use crate::ambient;
use crate::clock::rfc3339;
use crate::server::app::{Agent, App};
use crate::server::error::{Answer, ApiError, Style};
use crate::server::receive;

/// Agents of one page.
const MAX_PAGE: u64 = 1_000;

/// The longest name.
const MAX_NAME: usize = 200;

/// `GET /agents`, `GET /workflows`
pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let who = app.principal(&headers, Style::Agents)?;
    let query = Query::of(&uri);
    let organization = query.get("organizationId").unwrap_or(&who.organization);
    if organization != who.organization {
        return Err(ApiError::missing(Style::Text, "Organization not found."));
    }
    let page = query.page(MAX_PAGE, Style::Text)?;
    let mut agents = app.agents(&who.organization);
    if let Some(search) = query.get("searchName") {
        let search = search.to_lowercase();
        agents.retain(|agent| agent.name.to_lowercase().contains(&search));
    }
    if query.get("sortField") == Some("created_at") {
        agents.sort_by_key(|agent| agent.created_ns);
    }
    if query.get("sortDirection") == Some("desc") {
        agents.reverse();
    }
    let answer = page.answer(&agents, |agent| {
        json!({
            "id": agent.id,
            "name": agent.name,
            "createdAt": rfc3339(agent.created_ns),
            "organizationId": agent.organization,
            "userId": who.key,
        })
    });
    Ok(Json(answer).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewAgent {
    name: String,
    #[serde(default)]
    organization_id: Option<String>,
    /// Ours: the environment that its executions see.
    #[serde(default)]
    environment_id: Option<String>,
}

/// `POST /workflows`
pub(in crate::server) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let who = app.principal(&headers, Style::Agents)?;
    let new: NewAgent = receive::json(&app, body, Style::Agents).await?;
    if new.organization_id.is_some_and(|organization| organization != who.organization) {
        let message = "User is not a member of the organization.";
        return Err(ApiError::new(Style::Agents, StatusCode::FORBIDDEN, "FORBIDDEN", message));
    }
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        let message = format!("name has 1 to {MAX_NAME} characters.");
        return Err(ApiError::bad(Style::Agents, message));
    }
    if let Some(environment) = &new.environment_id {
        app.environment_info(&who, environment)
            .map_err(|_| ApiError::missing(Style::Agents, "Environment not found."))?;
    }
    let agent = Agent {
        id: uuid::Uuid::new_v4().to_string(),
        name: name.to_owned(),
        organization: who.organization,
        environment: new.environment_id,
        created_ns: ambient::now_ns(),
    };
    let id = agent.id.clone();
    app.add_agent(agent).map_err(|error| ApiError::internal(Style::Agents, &error))?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

/// `GET /context` and `GET /users/v2/whoami`
pub(in crate::server) async fn context(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer {
    let who = app.principal(&headers, Style::Agents)?;
    let name = app.organizations.get(&who.organization).cloned().unwrap_or_default();
    Ok(Json(json!({
        "userId": who.key,
        "email": format!("{}@localhost", who.key),
        "organizations": [{ "id": who.organization, "name": name }],
    }))
    .into_response())
}
