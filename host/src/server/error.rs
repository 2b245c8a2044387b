//! What a client is told goes wrong, in the form that its API has for it.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::metrics;
use crate::execution::ExecutionError;
use crate::persist::PersistError;
use crate::policy::Denied;
use crate::vfs::Fault;
use rustix::io::Errno;

/// Which API's form an error has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `{"code":404,"message":"…"}`
    Agents,
    /// The message as plain text.
    Text,
    /// `{"error":"Not Found","message":"…","code":"…"}`
    Files,
    /// `{"error":"…"}`
    V1,
}

/// An answer that is an error.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) message: String,
    pub(super) code: &'static str,
    pub(super) style: Style,
}

pub(super) type Answer = Result<Response, ApiError>;

impl ApiError {
    pub(super) fn new(
        style: Style,
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> ApiError {
        ApiError { status, message: message.into(), code, style }
    }

    pub(super) fn bad(style: Style, message: impl Into<String>) -> ApiError {
        ApiError::new(style, StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    pub(super) fn missing(style: Style, message: impl Into<String>) -> ApiError {
        ApiError::new(style, StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// Something of the host's: the client learns only that, the log the rest.
    pub(super) fn internal(style: Style, error: &dyn std::error::Error) -> ApiError {
        metrics::report(error);
        let message = "Internal server error.";
        ApiError::new(style, StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message)
    }

    /// A refused or failed file operation. `full` is the status for a full region.
    pub(super) fn fault(style: Style, fault: &Fault, path: &str, full: StatusCode) -> ApiError {
        let new = |status, code, message: String| ApiError::new(style, status, code, message);
        match fault {
            Fault::Denied(
                denied @ (Denied::QuotaExceeded { .. } | Denied::TooManyEntries { .. }),
            ) => new(full, "QUOTA_EXCEEDED", format!("{path} does not fit: {denied}.")),
            Fault::Denied(denied) => new(
                StatusCode::CONFLICT,
                "NOT_ALLOWED",
                format!("{path} cannot be changed: {denied}."),
            ),
            Fault::Os(Errno::NOENT | Errno::LOOP | Errno::PERM) => new(
                StatusCode::NOT_FOUND,
                "NOT_FOUND",
                format!("There is no file or directory {path}."),
            ),
            Fault::Os(Errno::EXIST) => {
                new(StatusCode::CONFLICT, "ALREADY_EXISTS", format!("{path} already exists."))
            }
            Fault::Os(Errno::ISDIR) => {
                new(StatusCode::CONFLICT, "IS_A_DIRECTORY", format!("{path} is a directory."))
            }
            Fault::Os(Errno::NOTDIR) => new(
                StatusCode::CONFLICT,
                "NOT_A_DIRECTORY",
                format!("A file is in the way of {path}."),
            ),
            Fault::Os(Errno::NOTEMPTY) => new(
                StatusCode::CONFLICT,
                "DIRECTORY_NOT_EMPTY",
                format!("{path} is not empty; use recursive=true to delete what it holds."),
            ),
            Fault::Os(Errno::INVAL | Errno::NAMETOOLONG) => {
                new(StatusCode::BAD_REQUEST, "INVALID_PATH", format!("{path} is no valid path."))
            }
            Fault::Os(Errno::NOSPC | Errno::DQUOT) => new(
                StatusCode::INSUFFICIENT_STORAGE,
                "DISK_FULL",
                "The server's disk is full.".into(),
            ),
            Fault::Os(_) => ApiError::internal(style, fault),
        }
    }

    /// What went wrong with an execution.
    pub(super) fn execution(style: Style, error: &ExecutionError) -> ApiError {
        let new = |status, code, message: String| ApiError::new(style, status, code, message);
        match error {
            ExecutionError::NotFound(_) => ApiError::missing(style, "Execution not found."),
            ExecutionError::Ended { status, .. } => new(
                StatusCode::BAD_REQUEST,
                "EXECUTION_ENDED",
                format!("The execution is {status}."),
            ),
            ExecutionError::Status { status, wanted, .. } => new(
                StatusCode::BAD_REQUEST,
                "WRONG_STATUS",
                format!("The execution is {status}: it cannot be {wanted}."),
            ),
            ExecutionError::Staged(id) => new(
                StatusCode::BAD_REQUEST,
                "STAGED_FILE_NOT_FOUND",
                format!("There is no staged file {id}; staged files expire."),
            ),
            ExecutionError::StagedFull => {
                new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_MUCH_STAGED", format!("{error}."))
            }
            ExecutionError::SharedFile(_) => ApiError::missing(style, "Shared file not found."),
            ExecutionError::Exists(_) | ExecutionError::Name(_) => {
                ApiError::bad(style, format!("{error}."))
            }
            ExecutionError::File { path, source, .. } => {
                ApiError::fault(style, source, path, StatusCode::PAYLOAD_TOO_LARGE)
            }
            ExecutionError::Persist(quota @ PersistError::Quota { .. }) => {
                new(StatusCode::PAYLOAD_TOO_LARGE, "QUOTA_EXCEEDED", format!("{quota}."))
            }
            ExecutionError::Persist(PersistError::NoVersion { .. }) => {
                ApiError::missing(style, "There is no such version.")
            }
            ExecutionError::Persist(error) if error.is_transient() => {
                metrics::report(error);
                let message = "The store cannot be reached now; try again.";
                new(StatusCode::SERVICE_UNAVAILABLE, "STORE_UNAVAILABLE", message.to_owned())
            }
            error => ApiError::internal(style, error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let ApiError { status, message, code, style } = self;
        let reason = status.canonical_reason().unwrap_or("Error");
        let body: Value = match style {
            Style::Text => {
                let mut response = Response::new(Body::from(message));
                *response.status_mut() = status;
                let kind = HeaderValue::from_static("text/plain; charset=utf-8");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                return response;
            }
            Style::Agents => json!({ "code": status.as_u16(), "message": message }),
            Style::Files => json!({ "error": reason, "message": message, "code": code }),
            Style::V1 => json!({ "error": message }),
        };
        (status, axum::Json(body)).into_response()
    }
}
