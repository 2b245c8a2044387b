//! The description of all routes, for machines.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};

/// The document, as OpenAPI 3.1 has it.
const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /openapi.json`
pub(super) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}
