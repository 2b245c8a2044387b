//! The first version of the agents' API, as far as clients still use it: status and result.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
use serde_json::json;

use crate::clock::rfc3339;
use crate::execution::Status;
use crate::server::app::App;
use crate::server::error::{Answer, ApiError, Style};

/// `GET /api/v1/health`
pub(in crate::server) async fn health() -> Answer {
    Ok(Json(json!({ "status": "ok" })).into_response())
}

/// `GET /api/v1/execution/{id}/status`
pub(in crate::server) async fn status(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let record = app.asked_execution(&headers, &id, Style::V1)?.record();
    let updated = record.terminal_ns.or(record.started_ns).unwrap_or(record.created_ns);
    let mut answer = json!({
        "execution_id": id,
        "status": record.status.name(),
        "updated_at": rfc3339(updated),
    });
    if record.status == Status::Cancelled {
        answer["reason"] = json!("user_requested");
    }
    Ok(Json(answer).into_response())
}

/// `GET /api/v1/execution/{id}/result`
pub(in crate::server) async fn result(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let record = app.asked_execution(&headers, &id, Style::V1)?.record();
    let mut answer = json!({ "execution_id": id, "status": record.status.name() });
    if let Some(result) = &record.result {
        answer["execution_result"] = json!({
            "outcome": result.outcome,
            "reasoning": result.reasoning,
            "result": result.result,
        });
    }
    match record.status {
        Status::Failed => answer["error"] = json!("The execution failed."),
        Status::Cancelled => answer["error"] = json!("The execution was cancelled."),
        _ => {}
    }
    Ok(Json(answer).into_response())
}

/// `GET /api/v1/execution/{id}/browser_session/recording`: there is no browser here.
pub(in crate::server) async fn recording(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    app.asked_execution(&headers, &id, Style::V1)?;
    Err(ApiError::missing(Style::V1, "This execution has no recording."))
}
