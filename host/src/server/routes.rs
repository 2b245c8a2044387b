//! The table of routes.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, patch, post, put};
use serde_json::json;

use super::api::{
    agents, changes, environments, execution_files, executions, extension, files, first,
    shared_files, staging,
};
use super::app::App;
use super::error::{ApiError, Style};
use super::openapi;

/// Every route.
pub(super) fn router(app: Arc<App>) -> Router {
    let environments = environments_api();
    Router::new()
        .nest("/agents/v2", agents_api())
        .nest("/api/v1", first_api())
        .nest("/v1", environments.clone())
        .merge(environments)
        .nest("/toolcell/v1", extension_api())
        .route("/users/v2/whoami", get(agents::context))
        .route("/healthz", get(|| async { axum::Json(json!({ "status": "ok" })) }))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi::document))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn_with_state(app.clone(), around))
        .with_state(app)
}

fn agents_api() -> Router<Arc<App>> {
    let started = |path: &str| format!("/{path}/{{id}}/execute");
    let mut router = Router::new()
        .route("/temp-files", post(staging::stage_for_key))
        .route("/temp-files/{organization}", post(staging::stage))
        .route("/executions", get(executions::list))
        .route("/executions/{id}", get(executions::show))
        .route("/executions/{id}/activities", get(executions::activities))
        .route("/executions/{id}/user-messages", post(executions::add_message))
        .route("/executions/{id}/pause", post(executions::pause))
        .route("/executions/{id}/resume", post(executions::resume))
        .route("/executions/{id}/cancel", post(executions::cancel))
        .route("/executions/{id}/status", post(executions::set_status))
        .route(
            "/executions/{id}/context-files",
            get(execution_files::list_context).post(execution_files::upload),
        )
        .route("/executions/{id}/files", get(execution_files::list))
        .route("/executions/{id}/agent-files", get(execution_files::list))
        .route("/executions/{id}/debug-files/{file}/download", get(execution_files::download_debug))
        .route("/agents/{id}/shared-files", get(shared_files::list).post(shared_files::add))
        .route(
            "/agents/{id}/shared-files/{file}",
            put(shared_files::replace).delete(shared_files::remove),
        )
        .route("/agents/{id}/shared-files/{file}/freeze", patch(shared_files::freeze))
        .route("/agents/{id}/shared-files/{file}/download", get(shared_files::download))
        .route("/agents", get(agents::list))
        .route("/workflows", get(agents::list).post(agents::create))
        .route("/context", get(agents::context));
    for who in ["agents", "workflows"] {
        router = router
            .route(&started(who), post(executions::execute))
            .route(&format!("{}/sync", started(who)), post(executions::execute_sync));
    }
    for files in ["context-files", "files", "agent-files"] {
        let path = format!("/executions/{{id}}/{files}/{{file}}/download");
        router = router.route(&path, get(execution_files::download));
    }
    router
}

fn first_api() -> Router<Arc<App>> {
    Router::new()
        .route("/health", get(first::health))
        .route("/agent/{id}", post(executions::execute_first))
        .route("/agent/{id}/execute", post(executions::execute_first))
        .route("/execution/{id}/status", get(first::status))
        .route("/execution/{id}/result", get(first::result))
        .route("/execution/{id}/browser_session/recording", get(first::recording))
}

fn environments_api() -> Router<Arc<App>> {
    let mut router = Router::new()
        .route("/environments", get(environments::list).post(environments::create))
        .route(
            "/environments/{id}",
            get(environments::show)
                .patch(environments::update)
                .put(environments::update)
                .delete(environments::remove),
        )
        .route("/environments/{id}/files", get(files::list).put(files::root).delete(files::root))
        .route("/environments/{id}/files/", get(files::list).put(files::root).delete(files::root))
        .route("/environments/{id}/files/{*path}", any(files::at_path))
        .route("/environments/{id}/changes", get(changes::list))
        .route("/environments/{id}/snapshots", get(changes::snapshots))
        .route("/environments/{id}/snapshots/initialize", post(changes::initialize))
        .route("/environments/{id}/snapshots/{change}/files", get(changes::files));
    for view in ["changes", "snapshots"] {
        let of = |what: &str| format!("/environments/{{id}}/{view}/{{change}}/{what}");
        router = router
            .route(&of("diff"), get(changes::diff))
            .route(&of("file"), get(changes::file))
            .route(&of("fork"), post(changes::fork));
    }
    router
}

fn extension_api() -> Router<Arc<App>> {
    Router::new()
        .route("/executions/{id}/tools/{tool}", post(extension::call))
        .route("/executions/{id}/finish", post(extension::finish))
        .route("/executions/{id}/downloads/{name}", put(extension::deposit))
        .route("/executions/{id}/events", get(extension::events))
        .route("/executions/{id}/journal", get(extension::journal))
        .route("/signed/{kind}/{owner}", get(extension::signed))
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, app.metrics.text()).into_response()
}

fn style_of(path: &str) -> Style {
    if path.starts_with("/api/v1") {
        Style::V1
    } else if path.starts_with("/v1/") || path.starts_with("/environments") {
        Style::Files
    } else {
        Style::Agents
    }
}

async fn nowhere(request: Request) -> Response {
    let style = style_of(request.uri().path());
    super::receive::drain(request.into_body());
    ApiError::missing(style, "There is no such route.").into_response()
}

async fn not_so(request: Request) -> Response {
    let style = style_of(request.uri().path());
    super::receive::drain(request.into_body());
    let message = "The route does not take this method.";
    ApiError::new(style, StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)
        .into_response()
}

/// Around every request: an id for it, and its count.
async fn around(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let given = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let id = given.filter(plain).map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    let id = HeaderValue::from_str(&id).ok();
    if let Some(id) = &id {
        request.headers_mut().insert("x-request-id", id.clone());
    }
    let path = request.uri().path();
    let mut response = match percent_encoding::percent_decode_str(path).decode_utf8() {
        Ok(_) => next.run(request).await,
        Err(_) => {
            let error = ApiError::bad(style_of(path), "Invalid path: it is not UTF-8.");
            super::receive::drain(request.into_body());
            error.into_response()
        }
    };
    if let Some(id) = id {
        response.headers_mut().insert("x-request-id", id);
    }
    app.metrics.request(response.status().as_u16(), started.elapsed());
    response
}
