//! Bodies: received in pieces, counted as they come, refused early.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use multer::{Field, Multipart};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use super::app::App;
use super::error::{ApiError, Style};

/// The longest JSON body.
const MAX_JSON_BYTES: usize = 16 << 20;

/// The longest text field of a form.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// Files of one form.
pub(super) const MAX_FORM_FILES: usize = 1_000;

/// What is read of a body that has been refused, so that its sender reads the answer instead of a
/// broken connection.
const MAX_DRAIN_BYTES: usize = 1 << 30;

/// How long that is done.
const DRAIN_LIMIT: Duration = Duration::from_secs(20);

/// How long the body says it is.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads what is left of a refused body in the background, so that the answer arrives.
pub(super) fn drain(body: Body) {
    drain_stream(body.into_data_stream());
}

fn drain_stream(mut stream: BodyDataStream) {
    tokio::spawn(tokio::time::timeout(DRAIN_LIMIT, async move {
        let mut drained = 0;
        while let Some(Ok(piece)) = stream.next().await {
            drained += piece.len();
            if drained > MAX_DRAIN_BYTES {
                break;
            }
        }
    }));
}

/// A body, piece by piece.
pub(super) struct Pieces<'a> {
    app: &'a App,
    stream: BodyDataStream,
    style: Style,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(app: &'a App, body: Body, style: Style) -> Pieces<'a> {
        Pieces { app, stream: body.into_data_stream(), style }
    }

    /// The next piece. A client that is silent for too long has gone.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let wait = Duration::from_secs(self.app.limits.idle_seconds);
        let gone = || {
            let message = "The request's body did not arrive in time.";
            ApiError::new(self.style, StatusCode::REQUEST_TIMEOUT, "TIMEOUT", message)
        };
        match tokio::time::timeout(wait, self.stream.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(piece))) => {
                self.app.metrics.received_bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
                Ok(Some(piece))
            }
            Ok(Some(Err(_))) => Err(ApiError::bad(self.style, "The request's body broke off.")),
            Err(_) => Err(gone()),
        }
    }

    /// Gives the rest up.
    pub(super) fn drain(self) {
        drain_stream(self.stream);
    }
}

/// A JSON body; an empty one is an empty object.
pub(super) async fn json<T: DeserializeOwned>(
    app: &App,
    body: Body,
    style: Style,
) -> Result<T, ApiError> {
    let mut pieces = Pieces::new(app, body, style);
    let mut text = Vec::new();
    while let Some(piece) = pieces.next().await? {
        text.extend_from_slice(&piece);
        if text.len() > MAX_JSON_BYTES {
            pieces.drain();
            let message = format!("The body is longer than {MAX_JSON_BYTES} bytes.");
            return Err(ApiError::new(
                style,
                StatusCode::PAYLOAD_TOO_LARGE,
                "BODY_TOO_LARGE",
                message,
            ));
        }
    }
    if text.trim_ascii().is_empty() {
        text = b"{}".to_vec();
    }
    let wrong = |error: serde_json::Error| {
        ApiError::bad(style, format!("The body is not the JSON that is wanted: {error}."))
    };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(wrong)?;
    // A list would be taken for the fields in their order.
    if !value.is_object() {
        return Err(ApiError::bad(style, "The body is not the JSON that is wanted: no object."));
    }
    serde_json::from_value(value).map_err(wrong)
}

/// A form with files.
pub(super) struct Form {
    multipart: Multipart<'static>,
    body: SharedBody,
    app: Arc<App>,
    style: Style,
    malformed: &'static str,
    files: usize,
}

/// The body of a form, which is still at hand when the form is given up.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Option<BodyDataStream>>>);

impl Stream for SharedBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut *self.0.lock() {
            Some(stream) => stream.poll_next_unpin(context),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        if let Some(stream) = self.body.0.lock().take() {
            drain_stream(stream);
        }
    }
}

impl Form {
    /// The form of a request; `malformed` is what is said of one that is none.
    pub(super) fn new(
        app: &Arc<App>,
        request: Request,
        style: Style,
        malformed: &'static str,
    ) -> Result<Form, ApiError> {
        let (head, body) = request.into_parts();
        let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = kind.and_then(|kind| multer::parse_boundary(kind).ok());
        let Some(boundary) = boundary else {
            drain(body);
            return Err(ApiError::bad(style, malformed));
        };
        let body = SharedBody(Arc::new(Mutex::new(Some(body.into_data_stream()))));
        let multipart = Multipart::new(body.clone(), boundary);
        Ok(Form { multipart, body, app: app.clone(), style, malformed, files: 0 })
    }

    /// The next part.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, ApiError> {
        let wait = Duration::from_secs(self.app.limits.idle_seconds);
        let field = tokio::time::timeout(wait, self.multipart.next_field()).await;
        let bad = || ApiError::bad(self.style, self.malformed);
        let Some(field) = field.map_err(|_| bad())?.map_err(|_| bad())? else { return Ok(None) };
        self.files += usize::from(field.file_name().is_some());
        if self.files > MAX_FORM_FILES {
            let message = format!("A request can bring {MAX_FORM_FILES} files.");
            return Err(ApiError::bad(self.style, message));
        }
        Ok(Some(Part {
            field,
            app: self.app.clone(),
            style: self.style,
            malformed: self.malformed,
        }))
    }
}

/// One part of a form.
pub(super) struct Part {
    field: Field<'static>,
    app: Arc<App>,
    style: Style,
    malformed: &'static str,
}

impl Part {
    pub(super) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The file's name as its sender wrote it, with what browsers escape undone.
    pub(super) fn file_name(&self) -> Option<String> {
        let name = self.field.file_name()?;
        Some(name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let wait = Duration::from_secs(self.app.limits.idle_seconds);
        match tokio::time::timeout(wait, self.field.chunk()).await {
            Ok(Ok(piece)) => {
                let length = piece.as_ref().map_or(0, |piece| piece.len() as u64);
                self.app.metrics.received_bytes.fetch_add(length, Ordering::Relaxed);
                Ok(piece)
            }
            _ => Err(ApiError::bad(self.style, self.malformed)),
        }
    }

    /// A text field.
    pub(super) async fn text(mut self) -> Result<String, ApiError> {
        let mut text = Vec::new();
        while let Some(piece) = self.next().await? {
            text.extend_from_slice(&piece);
            if text.len() > MAX_TEXT_BYTES {
                return Err(ApiError::bad(self.style, self.malformed));
            }
        }
        String::from_utf8(text).map_err(|_| ApiError::bad(self.style, self.malformed))
    }
}

/// The last component of a name that a client gave a file; `None` for one that can be none.
pub(super) fn last_component(name: &str) -> Option<&str> {
    let last = name.rsplit(['/', '\\']).next()?;
    let fits = !matches!(last, "" | "." | "..") && !last.contains('\0') && last.len() <= 255;
    fits.then_some(last)
}

#[cfg(test)]
mod tests {
    use super::last_component;

    #[test]
    fn only_the_last_component_counts() {
        for (name, expected) in [
            ("document.pdf", Some("document.pdf")),
            ("a/b/c.txt", Some("c.txt")),
            ("..\\..\\evil.txt", Some("evil.txt")),
            ("/etc/passwd", Some("passwd")),
            ("dökument \"x\".pdf", Some("dökument \"x\".pdf")),
            ("", None),
            (".", None),
            ("..", None),
            ("a/..", None),
            ("a/", None),
            ("a\0b", None),
        ] {
            assert_eq!(last_component(name), expected, "{name:?}");
        }
        assert_eq!(last_component(&"x".repeat(256)), None);
    }
}
