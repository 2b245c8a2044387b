//! A file as an answer: whole or a range of it, with its type, its hash and its time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::HashMap;

use super::app::App;
use super::error::{Answer, ApiError, Style};
use crate::door::OpenFile;
use crate::mime;
use crate::persist::{Blobs, Content, Digest, Entry};
use crate::vfs::{Fault, FileLook};

/// Bytes that are read and sent at once.
const PIECE: u64 = 256 << 10;

/// Files whose hashes are remembered.
const MAX_ETAGS: usize = 50_000;

/// What a file was when its hash was made: device and inode, size, times of change.
type Identity = ((u64, u64), u64, u64, u64);

/// The hashes of files, by what they were.
#[derive(Debug, Default)]
pub(super) struct Etags(Mutex<HashMap<Identity, blake3::Hash>>);

impl Etags {
    fn identity(look: &FileLook) -> Identity {
        (look.identity, look.size, look.modified, look.changed)
    }

    /// Remembers the hash of a file as it is now.
    pub(super) fn note(&self, look: &FileLook, hash: blake3::Hash) {
        let mut known = self.0.lock();
        if known.len() >= MAX_ETAGS {
            known.clear();
        }
        known.insert(Etags::identity(look), hash);
    }

    fn of(&self, file: &OpenFile) -> Result<blake3::Hash, Fault> {
        let identity = Etags::identity(file.look());
        if let Some(hash) = self.0.lock().get(&identity) {
            return Ok(*hash);
        }
        let mut hasher = blake3::Hasher::new();
        file.each(|piece| {
            hasher.update(piece);
            Ok::<(), Fault>(())
        })?;
        let hash = hasher.finalize();
        self.note(file.look(), hash);
        Ok(hash)
    }
}

/// How a file is to be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) name: &'a str,
    pub(super) mime: &'a str,
    pub(super) attachment: bool,
    pub(super) style: Style,
}

/// What is sent.
pub(super) struct Source {
    content: Box<dyn Content>,
    size: u64,
    modified_ns: u64,
    etag: String,
}

impl Source {
    /// An open file, whose hash is made if it is not known.
    pub(super) fn file(app: &App, file: OpenFile) -> Result<Source, Fault> {
        let hash = app.etags.of(&file)?.to_hex();
        let (size, modified_ns) = (file.look().size, file.look().modified);
        Ok(Source::new(Box::new(file), size, modified_ns, &hash))
    }

    /// Content of which the BLAKE3 is known.
    pub(super) fn new(
        content: Box<dyn Content>,
        size: u64,
        modified_ns: u64,
        blake3: &str,
    ) -> Source {
        let etag = format!("\"{}\"", blake3.get(..32).unwrap_or(blake3));
        Source { content, size, modified_ns, etag }
    }
}

/// A file of a version.
pub(super) struct Stored<'a> {
    pub(super) blobs: &'a Blobs,
    pub(super) path: &'a str,
    pub(super) entry: &'a Entry,
    pub(super) digest: &'a Digest,
}

/// Stands for content of which nothing is sent.
struct Unread;

impl Content for Unread {
    fn read(&self, _: u64, _: u64) -> Result<Vec<u8>, Fault> {
        Ok(Vec::new())
    }
}

/// Answers with a file of a version. It has been checked before the first byte of it is sent.
pub(super) async fn stored(
    app: &Arc<App>,
    method: &Method,
    headers: &HeaderMap,
    Stored { blobs, path, entry, digest }: Stored<'_>,
    style: Style,
) -> Answer {
    let content: Box<dyn Content> = match *method {
        Method::HEAD => Box::new(Unread),
        _ => {
            let fetched = app.executions.fetch(blobs, path, digest).await;
            Box::new(fetched.map_err(|error| ApiError::execution(style, &error))?)
        }
    };
    let source = Source::new(content, digest.size, entry.modified_ns, &digest.blake3);
    let name = path.rsplit('/').next().unwrap_or_default();
    let shown = Shown { name, mime: mime::of(path), attachment: false, style };
    answer(app, method, headers, source, shown)
}

/// What a range header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    Whole,
    Part(u64, u64),
    Impossible,
}

/// Answers with a file, or what is asked for of it.
pub(super) fn answer(
    app: &Arc<App>,
    method: &Method,
    headers: &HeaderMap,
    source: Source,
    shown: Shown<'_>,
) -> Answer {
    let Source { content, size, modified_ns, etag } = source;
    let mut response = Response::new(Body::empty());
    let head = response.headers_mut();
    let set = |head: &mut HeaderMap, name, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            head.insert(name, value);
        }
    };
    set(head, header::ETAG, &etag);
    set(head, header::ACCEPT_RANGES, "bytes");
    let modified = UNIX_EPOCH + Duration::from_nanos(modified_ns);
    set(head, header::LAST_MODIFIED, &httpdate::fmt_http_date(modified));
    // A page that an agent wrote must not run in the API's name.
    set(head, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(head, header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    if unchanged(headers, &etag, modified) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    set(head, header::CONTENT_TYPE, shown.mime);
    set(head, header::CONTENT_DISPOSITION, &disposition(shown.name, shown.attachment));
    let wanted = match applies(headers, &etag) {
        true => range(headers.get(header::RANGE), size),
        false => Range::Whole,
    };
    let (start, end) = match wanted {
        Range::Whole => (0, size),
        Range::Part(start, end) => {
            set(head, header::CONTENT_RANGE, &format!("bytes {start}-{}/{size}", end - 1));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            (start, end)
        }
        Range::Impossible => {
            let mut response = axum::response::IntoResponse::into_response(ApiError::new(
                shown.style,
                StatusCode::RANGE_NOT_SATISFIABLE,
                "INVALID_RANGE",
                format!("The file has {size} bytes."),
            ));
            set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(response);
        }
    };
    set(response.headers_mut(), header::CONTENT_LENGTH, &(end - start).to_string());
    if method != Method::HEAD {
        let app = app.clone();
        let pieces = futures_util::stream::unfold(start, move |offset| {
            let piece = match end - offset {
                0 => None,
                left => Some(content.read(offset, left.min(PIECE))),
            };
            let app = app.clone();
            async move {
                match piece? {
                    // Cut while it was sent: the connection ends, for the length was promised.
                    Ok(piece) if piece.is_empty() => {
                        Some((Err(std::io::Error::other("the file became shorter")), end))
                    }
                    Ok(piece) => {
                        let length = piece.len() as u64;
                        app.metrics
                            .sent_bytes
                            .fetch_add(length, std::sync::atomic::Ordering::Relaxed);
                        Some((Ok(Bytes::from(piece)), offset + length))
                    }
                    Err(fault) => Some((Err(std::io::Error::other(fault)), end)),
                }
            }
        });
        *response.body_mut() = Body::from_stream(pieces);
    }
    Ok(response)
}

/// RFC 9110, 13.1: `If-None-Match` first, and `If-Modified-Since` only without it.
fn unchanged(headers: &HeaderMap, etag: &str, modified: SystemTime) -> bool {
    if let Some(wanted) = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()) {
        return wanted.split(',').any(|one| {
            let one = one.trim();
            one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag
        });
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let seconds =
        |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    since
        .and_then(|text| httpdate::parse_http_date(text).ok())
        .is_some_and(|since| seconds(modified) <= seconds(since))
}

/// Whether `If-Range` lets the range count.
fn applies(headers: &HeaderMap, etag: &str) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|value| value.as_bytes() == etag.as_bytes())
}

/// One range of bytes. Several, and what is no range, count as none (RFC 9110, 14.2).
fn range(value: Option<&HeaderValue>, size: u64) -> Range {
    let text =
        value.and_then(|value| value.to_str().ok()).and_then(|text| text.strip_prefix("bytes="));
    let Some((first, last)) = text.and_then(|text| text.trim().split_once('-')) else {
        return Range::Whole;
    };
    if last.contains(',') {
        return Range::Whole;
    }
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => Range::Whole,
        (Ok(first), _) if first >= size && (last.is_empty() || last.parse::<u64>().is_ok()) => {
            Range::Impossible
        }
        (Ok(first), Ok(last)) => Range::Part(first, last.saturating_add(1).min(size)),
        (Ok(first), Err(_)) if last.is_empty() => Range::Part(first, size),
        (Err(_), Ok(0)) if first.is_empty() => Range::Impossible,
        (Err(_), Ok(_)) if first.is_empty() && size == 0 => Range::Impossible,
        (Err(_), Ok(last)) if first.is_empty() => Range::Part(size.saturating_sub(last), size),
        _ => Range::Whole,
    }
}

/// RFC 6266: a name in ASCII for old clients, and the real one beside it.
fn disposition(name: &str, attachment: bool) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b'!');
    let kind = if attachment { "attachment" } else { "inline" };
    let plain: String = name
        .chars()
        .map(|char| match char {
            '"' | '\\' | '%' => '_',
            char if char.is_ascii_graphic() || char == ' ' => char,
            _ => '_',
        })
        .collect();
    if plain == name {
        return format!("{kind}; filename=\"{plain}\"");
    }
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_rfc_9110_has_them() {
        for (text, size, expected) in [
            ("bytes=0-3", 10, Range::Part(0, 4)),
            ("bytes=4-", 10, Range::Part(4, 10)),
            ("bytes=-3", 10, Range::Part(7, 10)),
            ("bytes=-30", 10, Range::Part(0, 10)),
            ("bytes=8-100", 10, Range::Part(8, 10)),
            ("bytes=10-", 10, Range::Impossible),
            ("bytes=10-11", 10, Range::Impossible),
            ("bytes=-0", 10, Range::Impossible),
            ("bytes=0-", 0, Range::Impossible),
            ("bytes=3-1", 10, Range::Whole),
            ("bytes=0-1,3-4", 10, Range::Whole),
            ("bytes=a-b", 10, Range::Whole),
            ("bytes=-", 10, Range::Whole),
            ("items=0-1", 10, Range::Whole),
            ("bytes=99999999999999999999-", 10, Range::Whole),
        ] {
            assert_eq!(range(Some(&HeaderValue::from_static(text)), size), expected, "{text}");
        }
        assert_eq!(range(None, 10), Range::Whole);
    }

    #[test]
    fn names_that_are_not_ascii_are_given_twice() {
        for (name, expected) in [
            ("app.py", "inline; filename=\"app.py\""),
            ("a b.txt", "inline; filename=\"a b.txt\""),
            (
                "dökument \"x\".pdf",
                "inline; filename=\"d_kument _x_.pdf\"; filename*=UTF-8''d%C3%B6kument%20%22x%22.pdf",
            ),
            (
                "a\r\nSet-Cookie: x",
                "inline; filename=\"a__Set-Cookie: x\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x",
            ),
        ] {
            assert_eq!(disposition(name, false), expected);
        }
        assert!(disposition("x", true).starts_with("attachment"));
    }
}
