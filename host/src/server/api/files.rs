//! The Files API: the files of an environment.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Query;
use super::execution_files::request_id;
use crate::clock::rfc3339;
use crate::door::{Door, Incoming, join};
use crate::environment::{ENVIRONMENT_MOUNT, ENVIRONMENT_REGION, Environment};
use crate::mime;
use crate::server::app::{App, Principal};
use crate::server::content::{self, Shown, Source};
use crate::server::error::{Answer, ApiError, Style};
use crate::server::receive::{self, Form, Pieces};
use crate::server::zip;
use crate::vfs::{Fault, FileLook, FileType, Follow};

/// Entries that one listing has. An environment may hold more, in several directories.
const MAX_LISTED: usize = 1_000_000;

/// Levels of directories that a listing goes down.
const MAX_DEPTH: u64 = 64;

/// The longest path and the longest name, in bytes.
const MAX_PATH: usize = 3_900;
const MAX_NAME: usize = 255;

const STYLE: Style = Style::Files;
const FULL: StatusCode = StatusCode::INSUFFICIENT_STORAGE;
const MALFORMED: &str = "The body is not the multipart form that is wanted.";

/// A clean path below an environment's root: names joined by slashes, empty for the root.
fn clean(text: &str) -> Result<String, ApiError> {
    let bad = |why: &str| {
        ApiError::new(
            STYLE,
            StatusCode::BAD_REQUEST,
            "INVALID_PATH",
            format!("Invalid path: {why}."),
        )
    };
    let mut names = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => return Err(bad("it holds ..")),
            name if name.len() > MAX_NAME => return Err(bad("a name is too long")),
            name if name.contains('\0') => return Err(bad("it holds a NUL")),
            name => names.push(name),
        }
    }
    let path = names.join("/");
    match path.len() > MAX_PATH {
        true => Err(bad("it is too long")),
        false => Ok(path),
    }
}

/// What stands in the URL after `/files/`, decoded once.
fn url_path(uri: &Uri) -> Result<String, ApiError> {
    let path = uri.path();
    let rest = path.find("/files/").map_or("", |at| &path[at + "/files/".len()..]);
    let decoded = percent_decode_str(rest).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| ApiError::bad(STYLE, "Invalid path: it is not UTF-8."))
}

/// Where a path of the environment is in the namespace of its door.
fn place(path: &str) -> String {
    join(ENVIRONMENT_MOUNT, path)
}

fn fault(path: &str) -> impl Fn(Fault) -> ApiError {
    let path = format!("/{path}");
    move |fault| ApiError::fault(STYLE, &fault, &path, FULL)
}

/// One request for the files of an environment.
struct Asked {
    app: Arc<App>,
    who: Principal,
    id: String,
    environment: Arc<Environment>,
    door: Door,
}

impl Asked {
    async fn new(
        app: Arc<App>,
        id: String,
        headers: &HeaderMap,
        door: &str,
    ) -> Result<Asked, ApiError> {
        let who = app.principal(headers, STYLE)?;
        let environment = app.environment(&who, &id).await?;
        let door = environment
            .door(door, &request_id(headers))
            .map_err(|error| ApiError::internal(STYLE, &error))?;
        Ok(Asked { app, who, id, environment, door })
    }

    /// The records of what was done reach the operating system before the answer does.
    fn flush(&self) -> Result<(), ApiError> {
        self.door.flush().map_err(|fault| ApiError::internal(STYLE, &fault))
    }

    /// What is at a path. No link leads anywhere: neither in the last place nor before it.
    fn look(&self, path: &str) -> Result<FileLook, ApiError> {
        let mediator = self.door.mediator();
        for (at, _) in path.match_indices('/') {
            let above = mediator.look_at(&place(&path[..at]), Follow::No).map_err(fault(path))?;
            if above.kind != FileType::Directory {
                return Err(fault(path)(Fault::Os(Errno::NOENT)));
            }
        }
        mediator.look_at(&place(path), Follow::No).map_err(fault(path))
    }

    /// A file as the page has it.
    fn file(&self, path: &str, look: &FileLook) -> Value {
        json!({
            "name": path.rsplit('/').next().unwrap_or_default(),
            "path": format!("/{path}"),
            "type": "file",
            "size": look.size,
            "mimeType": mime::of(path),
            "modifiedAt": rfc3339(look.modified),
        })
    }
}

/// `GET /environments/{id}/files`
pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let asked = Asked::new(app, id, &headers, "files api").await?;
    let query = Query::of(&uri);
    let path = clean(query.get("path").unwrap_or("/"))?;
    let recursive = query.flag("recursive", false, STYLE)?;
    let depth = query.number("depth", 1, (0, MAX_DEPTH), STYLE)?.max(1);
    let depth = if recursive { MAX_DEPTH } else { depth };
    let offset = query.number("offset", 0, (0, u64::MAX), STYLE)?;
    let limit = query.number("limit", u64::MAX, (1, u64::MAX), STYLE)?;
    if !path.is_empty() && asked.look(&path)?.kind != FileType::Directory {
        let message = format!("/{path} is a file, not a directory.");
        return Err(ApiError::new(STYLE, StatusCode::BAD_REQUEST, "NOT_A_DIRECTORY", message));
    }
    let levels = usize::try_from(depth).unwrap_or(1);
    let found = asked.door.walk(&place(&path), levels, MAX_LISTED).map_err(fault(&path))?;
    let found: Vec<(String, FileLook)> = found
        .into_iter()
        .filter(|(_, look)| matches!(look.kind, FileType::RegularFile | FileType::Directory))
        .map(|(below, look)| (join(&path, &below), look))
        .collect();
    let total = found.len();
    let page = found
        .iter()
        .skip(usize::try_from(offset).unwrap_or(usize::MAX))
        .take(usize::try_from(limit).unwrap_or(usize::MAX));
    let (mut data, mut files) = (Vec::new(), Vec::new());
    for (path, look) in page {
        let directory = look.kind == FileType::Directory;
        let name = path.rsplit('/').next().unwrap_or_default();
        let modified = rfc3339(look.modified);
        let kind = if directory { "directory" } else { "file" };
        let has_children = directory.then(|| {
            let below = asked.door.mediator().entries(&place(path), 1);
            below.is_ok_and(|entries| !entries.is_empty())
        });
        data.push(Listed {
            name,
            path: format!("/{path}"),
            kind,
            size: (!directory).then_some(look.size),
            mime_type: (!directory).then(|| mime::of(path)),
            modified_at: modified.clone(),
        });
        files.push(ListedFile {
            name,
            path,
            kind,
            size: if directory { 0 } else { look.size },
            last_modified: modified,
            has_children,
        });
    }
    Ok(Json(Listing {
        object: "list",
        path: format!("/{path}"),
        has_more: offset.saturating_add(data.len() as u64) < total as u64,
        total_count: total,
        environment_id: &asked.id,
        depth,
        count: data.len(),
        data,
        files,
    })
    .into_response())
}

/// One answer for every client: the page's envelope, and what newer ones read.
#[derive(Serialize)]
struct Listing<'a> {
    object: &'static str,
    data: Vec<Listed<'a>>,
    path: String,
    has_more: bool,
    total_count: usize,
    #[serde(rename = "environmentId")]
    environment_id: &'a str,
    depth: u64,
    count: usize,
    files: Vec<ListedFile<'a>>,
}

/// An entry as the page has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    name: &'a str,
    path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'static str>,
    modified_at: String,
}

/// The same entry as newer clients read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedFile<'a> {
    name: &'a str,
    path: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    size: u64,
    last_modified: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_children: Option<bool>,
}

/// `PUT` and `DELETE /environments/{id}/files`: the root is no file, and stays.
pub(in crate::server) async fn root(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    receive::drain(body);
    Asked::new(app, id, &headers, "files api").await?;
    Err(ApiError::bad(STYLE, "The root of an environment cannot be replaced or deleted."))
}

/// Everything below `/environments/{id}/files/`: a file by its path, or one of the actions, which
/// are `POST` alone.
pub(in crate::server) async fn at_path(
    State(app): State<Arc<App>>,
    Path((id, _)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let named = url_path(&uri);
    match method {
        Method::GET | Method::HEAD => read(app, id, &named?, &uri, &method, &headers).await,
        Method::PUT => put(app, id, &named?, &uri, &headers, request.into_body()).await,
        Method::DELETE => delete(app, id, &named?, &uri, &headers).await,
        Method::POST => {
            let action = named?;
            match action.as_str() {
                "mkdir" => make_directory(app, id, &headers, request.into_body()).await,
                "bulk" => bulk(app, id, &headers, request).await,
                "upload" => upload(app, id, &headers, request).await,
                "move" => rename(app, id, &headers, request.into_body()).await,
                "send" => send(app, id, &headers, request.into_body()).await,
                _ => {
                    app.principal(&headers, STYLE)?;
                    let message = "POST is for mkdir, bulk, upload, move and send.";
                    Err(ApiError::missing(STYLE, message))
                }
            }
        }
        _ => {
            let message = "GET, HEAD, PUT, DELETE and POST are understood here.";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            Err(ApiError::new(STYLE, status, "METHOD_NOT_ALLOWED", message))
        }
    }
}

async fn read(
    app: Arc<App>,
    id: String,
    named: &str,
    uri: &Uri,
    method: &Method,
    headers: &HeaderMap,
) -> Answer {
    let asked = Asked::new(app, id, headers, "files api").await?;
    let path = clean(named)?;
    let query = Query::of(uri);
    // The route of newer clients, unless the environment has a file of that path.
    if let Some(below) = path.strip_prefix("download/").or((path == "download").then_some(""))
        && asked.look(&path).is_err()
    {
        return match below.is_empty() || asked.look(below)?.kind == FileType::Directory {
            true => zip::answer(asked.door.clone(), below),
            false => show(&asked, below, true, method, headers),
        };
    }
    let attachment = query.flag("download", false, STYLE)?;
    show(&asked, &path, attachment, method, headers)
}

fn show(
    asked: &Asked,
    path: &str,
    attachment: bool,
    method: &Method,
    headers: &HeaderMap,
) -> Answer {
    let kind = if path.is_empty() { FileType::Directory } else { asked.look(path)?.kind };
    if kind == FileType::Directory {
        let message =
            format!("/{path} is a directory; list it with ?path=, or use files/download/.");
        return Err(ApiError::new(STYLE, StatusCode::BAD_REQUEST, "IS_A_DIRECTORY", message));
    }
    // A link leads to nothing here, wherever it points.
    if kind != FileType::RegularFile {
        return Err(fault(path)(Fault::Os(Errno::NOENT)));
    }
    let file = asked.door.open(&place(path)).map_err(fault(path))?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let shown = Shown { name, mime: mime::of(path), attachment, style: STYLE };
    let source = Source::file(&asked.app, file).map_err(fault(path))?;
    content::answer(&asked.app, method, headers, source, shown)
}

async fn put(
    app: Arc<App>,
    id: String,
    named: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Answer {
    match begin_put(app, id, named, uri, headers).await {
        Ok((asked, path, replace, incoming)) => {
            take_put(&asked, &path, replace, incoming, body).await
        }
        Err(error) => {
            // Who waits for a go-ahead has sent nothing, and who does not is heard to the end.
            if !headers.contains_key(header::EXPECT) {
                receive::drain(body);
            }
            Err(error)
        }
    }
}

async fn begin_put(
    app: Arc<App>,
    id: String,
    named: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(Asked, String, bool, Incoming), ApiError> {
    let asked = Asked::new(app, id, headers, "files api").await?;
    let path = clean(named)?;
    if path.is_empty() || named.ends_with('/') {
        return Err(ApiError::bad(STYLE, "Invalid path: a file needs a name."));
    }
    if !headers.contains_key(header::CONTENT_TYPE) {
        return Err(ApiError::bad(STYLE, "The Content-Type header is missing."));
    }
    let length = receive::length(headers);
    if length.is_none() && !headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(ApiError::bad(STYLE, "The Content-Length header is missing."));
    }
    let limit = asked.app.limits.file_bytes;
    if length.is_some_and(|length| length > limit) {
        return Err(too_large(&path, limit));
    }
    let query = Query::of(uri);
    let only_new = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value == "*");
    let replace = query.flag("overwrite", true, STYLE)? && !only_new;
    let existing = may_put(&asked.door, &path, replace)?;
    if let Some(length) = length {
        fits(&asked, &path, length, existing)?;
    }
    let incoming = asked.door.receive(ENVIRONMENT_REGION).map_err(fault(&path))?;
    Ok((asked, path, replace, incoming))
}

async fn take_put(
    asked: &Asked,
    path: &str,
    replace: bool,
    mut incoming: Incoming,
    body: Body,
) -> Answer {
    let mut pieces = Pieces::new(&asked.app, body, STYLE);
    while let Some(piece) = pieces.next().await? {
        if let Err(error) = take(asked, path, &mut incoming, &piece) {
            pieces.drain();
            return Err(error);
        }
    }
    publish(asked, path, incoming, replace)?;
    asked.flush()?;
    let file = asked.file(path, &asked.look(path)?);
    Ok(Json(json!({ "success": true, "file": file })).into_response())
}

fn take(asked: &Asked, path: &str, incoming: &mut Incoming, piece: &Bytes) -> Result<(), ApiError> {
    let limit = asked.app.limits.file_bytes;
    if incoming.size() + piece.len() as u64 > limit {
        return Err(too_large(path, limit));
    }
    incoming.write(piece).map_err(fault(path))
}

/// Gives a received file its name, and remembers its hash.
fn publish(asked: &Asked, path: &str, incoming: Incoming, replace: bool) -> Result<u64, ApiError> {
    make_parent(&asked.door, path)?;
    let received = incoming.publish(&place(path), replace).map_err(fault(path))?;
    if let Ok(look) = asked.door.mediator().look_at(&place(path), Follow::No) {
        asked.app.etags.note(&look, received.hash);
    }
    Ok(received.size)
}

/// Makes the directories above a path, as far as they are not there.
fn make_parent(door: &Door, path: &str) -> Result<(), ApiError> {
    path.rsplit_once('/').map_or(Ok(()), |(parent, _)| make_directories(door, parent))
}

/// Makes a directory and those above it, unless something else is in the way.
fn make_directories(door: &Door, path: &str) -> Result<(), ApiError> {
    nothing_in_the_way(door, path)?;
    door.make_directories(&place(path)).map_err(|found| match found {
        Fault::Os(Errno::EXIST) => fault(path)(Fault::Os(Errno::NOTDIR)),
        other => fault(path)(other),
    })
}

/// Whether everything above a path, as far as it is there, is a directory.
fn nothing_in_the_way(door: &Door, path: &str) -> Result<(), ApiError> {
    let mut above = path;
    while let Some((parent, _)) = above.rsplit_once('/') {
        match door.mediator().look_at(&place(parent), Follow::No) {
            Ok(look) if look.kind != FileType::Directory => {
                return Err(fault(path)(Fault::Os(Errno::NOTDIR)));
            }
            _ => above = parent,
        }
    }
    Ok(())
}

/// Whether a file can be put at a path; how long the one that is there is.
fn may_put(door: &Door, path: &str, replace: bool) -> Result<u64, ApiError> {
    nothing_in_the_way(door, path)?;
    match door.mediator().look_at(&place(path), Follow::No) {
        Ok(look) if look.kind == FileType::Directory => Err(fault(path)(Fault::Os(Errno::ISDIR))),
        Ok(_) if !replace => Err(fault(path)(Fault::Os(Errno::EXIST))),
        Ok(look) => Ok(look.size),
        Err(Fault::Os(Errno::NOENT | Errno::NOTDIR)) => Ok(0),
        Err(other) => Err(fault(path)(other)),
    }
}

/// Refuses early what cannot fit. What is received counts while what it replaces is still there,
/// so this is not the last word.
fn fits(asked: &Asked, path: &str, length: u64, existing: u64) -> Result<(), ApiError> {
    let ledger = asked.environment.region().ledger();
    let quota = ledger.quota().bytes;
    let after = ledger.bytes().saturating_sub(existing).saturating_add(length);
    match after > quota {
        true => {
            let message = format!(
                "/{path} does not fit: the environment holds {} of {quota} bytes and would hold \
                 {after}.",
                ledger.bytes()
            );
            Err(ApiError::new(STYLE, FULL, "QUOTA_EXCEEDED", message))
        }
        false => Ok(()),
    }
}

fn too_large(path: &str, limit: u64) -> ApiError {
    let message = format!("/{path} is larger than a file may be ({limit} bytes).");
    ApiError::new(STYLE, StatusCode::PAYLOAD_TOO_LARGE, "FILE_TOO_LARGE", message)
}

async fn delete(app: Arc<App>, id: String, named: &str, uri: &Uri, headers: &HeaderMap) -> Answer {
    let asked = Asked::new(app, id, headers, "files api").await?;
    let path = clean(named)?;
    if path.is_empty() {
        return Err(ApiError::bad(STYLE, "The root of an environment cannot be deleted."));
    }
    let recursive = Query::of(uri).flag("recursive", false, STYLE)?;
    if asked.look(&path)?.kind == FileType::Directory && !recursive {
        let entries = asked.door.mediator().entries(&place(&path), 1).map_err(fault(&path))?;
        if !entries.is_empty() {
            return Err(fault(&path)(Fault::Os(Errno::NOTEMPTY)));
        }
    }
    asked.door.remove(&place(&path)).map_err(fault(&path))?;
    asked.flush()?;
    let answer = json!({ "success": true, "environmentId": asked.id, "filePath": path });
    Ok(Json(answer).into_response())
}

#[derive(Debug, Deserialize)]
struct MakeDirectory {
    path: String,
}

async fn make_directory(app: Arc<App>, id: String, headers: &HeaderMap, body: Body) -> Answer {
    let asked = Asked::new(app, id, headers, "files api").await?;
    let wanted: MakeDirectory = receive::json(&asked.app, body, STYLE).await?;
    let path = clean(&wanted.path)?;
    if path.is_empty() {
        return Err(ApiError::bad(STYLE, "path is empty."));
    }
    make_directories(&asked.door, &path)?;
    asked.flush()?;
    let given = wanted.path.trim_start_matches('/');
    let answer = json!({ "success": true, "path": given, "environmentId": asked.id });
    Ok(Json(answer).into_response())
}

/// Where a part's name leads below a directory: its own directories stay, and nothing leads out.
fn part_path(base: &str, name: &str) -> Result<String, ApiError> {
    if name.starts_with('/') || name.contains('\\') {
        let message = format!("Invalid path: {name:?} is not relative.");
        return Err(ApiError::new(STYLE, StatusCode::BAD_REQUEST, "INVALID_PATH", message));
    }
    let name = clean(name)?;
    match name.is_empty() {
        true => Err(ApiError::bad(STYLE, "A file has no name.")),
        false => Ok(join(base, &name)),
    }
}

async fn bulk(app: Arc<App>, id: String, headers: &HeaderMap, request: Request) -> Answer {
    let asked = match Asked::new(app, id, headers, "files api").await {
        Ok(asked) => asked,
        Err(error) => return refused(request, error),
    };
    let limit = asked.app.limits.bulk_bytes;
    // The form around the files is longer than they are.
    if receive::length(headers).is_some_and(|length| length > limit + (1 << 20)) {
        return refused(request, bulk_too_large(limit));
    }
    let mut form = Form::new(&asked.app, request, STYLE, MALFORMED)?;
    let mut base = String::new();
    let mut total = 0;
    let mut received: Vec<(String, Incoming)> = Vec::new();
    while let Some(mut part) = form.next().await? {
        match (part.name(), part.file_name()) {
            ("basePath", None) => base = clean(&part.text().await?)?,
            ("files" | "file" | "files[]", Some(name)) => {
                part_path("", &name)?;
                let mut incoming = asked.door.receive(ENVIRONMENT_REGION).map_err(fault(&name))?;
                while let Some(piece) = part.next().await? {
                    take(&asked, &name, &mut incoming, &piece)?;
                    total += piece.len() as u64;
                    if total > limit {
                        return Err(bulk_too_large(limit));
                    }
                }
                incoming.complete().map_err(fault(&name))?;
                received.push((name, incoming));
            }
            _ => while part.next().await?.is_some() {},
        }
    }
    if received.is_empty() {
        return Err(ApiError::bad(STYLE, "The form has no files."));
    }
    // The directory is known when the form has ended, wherever it stood in it. Everything that can
    // be refused is refused before anything is changed.
    let mut named = Vec::new();
    for (name, incoming) in received {
        let path = part_path(&base, &name)?;
        may_put(&asked.door, &path, true)?;
        named.push((path, incoming));
    }
    for (one, _) in &named {
        let below = format!("{one}/");
        if named.iter().any(|(other, _)| other.starts_with(&below)) {
            return Err(fault(one)(Fault::Os(Errno::NOTDIR)));
        }
    }
    let mut uploaded = Vec::new();
    for (path, incoming) in named {
        let size = publish(&asked, &path, incoming, true)?;
        uploaded.push(json!({ "path": format!("/{path}"), "size": size }));
    }
    asked.flush()?;
    let count = uploaded.len();
    let answer = json!({ "success": true, "uploaded": uploaded, "total": count });
    Ok(Json(answer).into_response())
}

fn bulk_too_large(limit: u64) -> ApiError {
    let message = format!("The files are larger than {limit} bytes together.");
    ApiError::new(STYLE, StatusCode::PAYLOAD_TOO_LARGE, "BULK_TOO_LARGE", message)
}

fn refused(request: Request, error: ApiError) -> Answer {
    if !request.headers().contains_key(header::EXPECT) {
        receive::drain(request.into_body());
    }
    Err(error)
}

async fn upload(app: Arc<App>, id: String, headers: &HeaderMap, request: Request) -> Answer {
    let asked = match Asked::new(app, id, headers, "files api").await {
        Ok(asked) => asked,
        Err(error) => return refused(request, error),
    };
    let mut form = Form::new(&asked.app, request, STYLE, MALFORMED)?;
    let mut directory = String::new();
    let mut received: Option<(String, Incoming)> = None;
    while let Some(mut part) = form.next().await? {
        match (part.name(), part.file_name()) {
            ("path", None) => directory = clean(&part.text().await?)?,
            ("file", Some(name)) if received.is_none() => {
                let name = receive::last_component(&name)
                    .ok_or_else(|| ApiError::bad(STYLE, format!("{name:?} is no file name.")))?
                    .to_owned();
                let mut incoming = asked.door.receive(ENVIRONMENT_REGION).map_err(fault(&name))?;
                while let Some(piece) = part.next().await? {
                    take(&asked, &name, &mut incoming, &piece)?;
                }
                received = Some((name, incoming));
            }
            ("file", Some(_)) => {
                return Err(ApiError::bad(STYLE, "The form has more than one file; use bulk."));
            }
            _ => while part.next().await?.is_some() {},
        }
    }
    let (name, incoming) = received.ok_or_else(|| ApiError::bad(STYLE, "The form has no file."))?;
    let path = join(&directory, &name);
    may_put(&asked.door, &path, true)?;
    let size = publish(&asked, &path, incoming, true)?;
    asked.flush()?;
    Ok(Json(json!({
        "success": true,
        "environmentId": asked.id,
        "filename": name,
        "path": path,
        "size": size,
    }))
    .into_response())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rename {
    source_path: String,
    dest_path: String,
}

async fn rename(app: Arc<App>, id: String, headers: &HeaderMap, body: Body) -> Answer {
    let asked = Asked::new(app, id, headers, "files api").await?;
    let wanted: Rename = receive::json(&asked.app, body, STYLE).await?;
    let (from, to) = (clean(&wanted.source_path)?, clean(&wanted.dest_path)?);
    if from.is_empty() || to.is_empty() {
        return Err(ApiError::bad(STYLE, "The root of an environment cannot be moved."));
    }
    asked.look(&from)?;
    if to.starts_with(&format!("{from}/")) {
        return Err(ApiError::bad(STYLE, format!("/{from} cannot be moved into itself.")));
    }
    if from != to && asked.door.mediator().look_at(&place(&to), Follow::No).is_ok() {
        return Err(fault(&to)(Fault::Os(Errno::EXIST)));
    }
    make_parent(&asked.door, &to)?;
    let mediator = asked.door.mediator();
    let root = mediator.root();
    let (old, new) = (place(&from), place(&to));
    mediator
        .rename(&root, crate::vfs::beneath_root(&old), &root, crate::vfs::beneath_root(&new))
        .map_err(fault(&to))?;
    asked.flush()?;
    Ok(Json(json!({
        "success": true, "environmentId": asked.id, "sourcePath": from, "destPath": to,
    }))
    .into_response())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Send {
    destination_environment_id: String,
    paths: Vec<String>,
}

async fn send(app: Arc<App>, id: String, headers: &HeaderMap, body: Body) -> Answer {
    let asked = Asked::new(app, id, headers, "files api").await?;
    let wanted: Send = receive::json(&asked.app, body, STYLE).await?;
    let to = asked.app.environment(&asked.who, &wanted.destination_environment_id).await?;
    let to = to
        .door("files api", &request_id(headers))
        .map_err(|error| ApiError::internal(STYLE, &error))?;
    let mut files = Vec::new();
    for path in &wanted.paths {
        let path = clean(path)?;
        if path.is_empty() {
            return Err(ApiError::bad(STYLE, "A path is empty."));
        }
        match asked.look(&path)?.kind {
            FileType::Directory => {
                let depth = usize::try_from(MAX_DEPTH).unwrap_or(1);
                let found =
                    asked.door.walk(&place(&path), depth, MAX_LISTED).map_err(fault(&path))?;
                let regular =
                    found.into_iter().filter(|(_, look)| look.kind == FileType::RegularFile);
                files.extend(regular.map(|(below, _)| join(&path, &below)));
            }
            _ => files.push(path),
        }
    }
    for path in &files {
        may_put(&to, path, true)?;
    }
    let mut copied = Vec::new();
    for path in &files {
        let file = asked.door.open(&place(path)).map_err(fault(path))?;
        let mut incoming = to.receive(ENVIRONMENT_REGION).map_err(fault(path))?;
        file.each(|piece| incoming.write(piece)).map_err(fault(path))?;
        incoming.complete().map_err(fault(path))?;
        copied.push((path, incoming));
    }
    // All of them fit.
    let count = copied.len();
    for (path, incoming) in copied {
        make_parent(&to, path)?;
        incoming.publish(&place(path), true).map_err(fault(path))?;
    }
    to.flush().map_err(|fault| ApiError::internal(STYLE, &fault))?;
    Ok(Json(json!({
        "success": true,
        "environmentId": asked.id,
        "destinationEnvironmentId": wanted.destination_environment_id,
        "paths": files,
        "count": count,
    }))
    .into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_and_never_lead_out() {
        for (text, expected) in [
            ("src/app.py", "src/app.py"),
            ("/src/", "src"),
            ("//src//./a", "src/a"),
            ("/", ""),
            ("", ""),
            ("a b/ü", "a b/ü"),
        ] {
            assert_eq!(clean(text).unwrap(), expected, "{text}");
        }
        let long = "x".repeat(256);
        for text in ["..", "a/../b", "a/..", "a\0b", &long, &"y/".repeat(3_000)] {
            assert_eq!(clean(text).unwrap_err().status, StatusCode::BAD_REQUEST, "{text}");
        }
    }

    #[test]
    fn a_url_is_decoded_once() {
        for (url, expected) in [
            ("/v1/environments/e/files/src%2Fapp.py", "src/app.py"),
            ("/environments/e/files/a%20b/%C3%BC", "a b/ü"),
            ("/v1/environments/e/files/a%252Fb", "a%2Fb"),
            ("/v1/environments/e/files/files/x", "files/x"),
        ] {
            assert_eq!(url_path(&url.parse().unwrap()).unwrap(), expected, "{url}");
        }
        assert!(url_path(&"/v1/environments/e/files/%FF".parse().unwrap()).is_err());
    }

    #[test]
    fn names_of_parts_stay_below_their_directory() {
        assert_eq!(part_path("src", "a/b.py").unwrap(), "src/a/b.py");
        assert_eq!(part_path("", "b.py").unwrap(), "b.py");
        for name in ["../b.py", "/b.py", "a\\b", "", "."] {
            assert!(part_path("src", name).is_err(), "{name}");
        }
    }
}
