//! What has been changed in an environment: its versions, as changes and as snapshots.
//!
//! Change and snapshot `n` are two views of version `n`: what it changed, and what it holds.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Query, environments};
use crate::clock::rfc3339;
use crate::persist::{
    Difference, Entry, Kind, LineDiff, PersistError, Version, Versions, compare, line_diff,
    line_diff_cost,
};
use crate::server::app::{App, Principal};
use crate::server::content::{self, Stored};
use crate::server::error::{Answer, ApiError, Style};
use crate::server::receive;

const STYLE: Style = Style::Files;

/// Versions that are looked through for those that have changes of the kinds that are asked for.
const MAX_SEARCHED: usize = 200;

/// Bytes of files that are compared line by line for one answer.
const MAX_COMPARED: u64 = 8 << 20;

/// Paths that one answer names.
const MAX_PATHS: usize = 10_000;

/// Bytes of text that one answer has.
const MAX_TEXT: u64 = 4 << 20;

/// The versions of one environment, for one request.
struct Asked {
    app: Arc<App>,
    who: Principal,
    environment: String,
    versions: Versions,
    /// The version that was looked at last: the one before it comes next.
    last: Arc<Version>,
    /// Bytes that may still be compared.
    left: u64,
}

fn failed(error: PersistError) -> ApiError {
    ApiError::execution(STYLE, &error.into())
}

impl Asked {
    async fn new(app: Arc<App>, id: String, headers: &HeaderMap) -> Result<Asked, ApiError> {
        let who = app.principal(headers, STYLE)?;
        app.environment_info(&who, &id)?;
        let failed = |error| ApiError::execution(STYLE, &error);
        let versions = app.executions.environment_versions(&id).await.map_err(failed)?;
        let Some(versions) = versions else {
            let message = "This server keeps no versions of environments.";
            return Err(ApiError::new(STYLE, StatusCode::NOT_FOUND, "NOT_KEPT", message));
        };
        let last = Arc::default();
        Ok(Asked { app, who, environment: id, versions, last, left: MAX_COMPARED })
    }

    /// The numbers of the versions, what has just been changed included, the latest first.
    async fn numbers(&self) -> Result<Vec<u64>, ApiError> {
        let synced = self.app.executions.sync_environment(&self.environment).await;
        synced.map_err(|error| ApiError::execution(STYLE, &error))?;
        let mut numbers = self.versions.numbers().await.map_err(failed)?;
        numbers.reverse();
        Ok(numbers)
    }

    async fn load(&mut self, number: u64) -> Result<Arc<Version>, PersistError> {
        if self.last.number != number {
            self.last = Arc::new(self.versions.load(number).await?);
        }
        Ok(self.last.clone())
    }

    /// A version and the one before it; the empty one, where that has been pruned.
    async fn load_both(&mut self, number: u64) -> Result<(Arc<Version>, Arc<Version>), ApiError> {
        let version = self.load(number).await.map_err(failed)?;
        let before = match self.load(number.saturating_sub(1)).await {
            Err(PersistError::NoVersion { .. }) => Arc::default(),
            before => before.map_err(failed)?,
        };
        Ok((before, version))
    }

    /// Whether these two may still be compared line by line; then they count as compared.
    fn affords(&mut self, states: (Option<&Entry>, Option<&Entry>)) -> bool {
        let left = self.left.checked_sub(line_diff_cost(states));
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    async fn lines(
        &self,
        path: &str,
        states: (Option<&Entry>, Option<&Entry>),
    ) -> Result<Option<LineDiff>, ApiError> {
        line_diff(self.versions.blobs(), path, states).await.map_err(failed)
    }
}

/// The part of a list that is asked for by `limit` and `offset`.
struct Window {
    limit: u64,
    offset: u64,
}

impl Window {
    fn of(query: &Query) -> Result<Window, ApiError> {
        let limit = query.number("limit", 20, (1, 100), STYLE)?;
        let offset = query.number("offset", 0, (0, u64::MAX), STYLE)?;
        Ok(Window { limit, offset })
    }

    /// Whether what stands at `at` is on it.
    fn has(&self, at: u64) -> bool {
        at >= self.offset && at - self.offset < self.limit
    }

    /// The answer, `total` being how many there are in all.
    fn answer(&self, total: u64, data: Vec<Value>) -> Value {
        let more = self.offset.saturating_add(data.len() as u64) < total;
        json!({
            "object": "list", "limit": self.limit, "offset": self.offset, "total": total,
            "hasMore": more, "data": data,
        })
    }
}

/// The number in `chg_7` or `snap_7`.
fn number(id: &str) -> Result<u64, ApiError> {
    let number = id.strip_prefix("chg_").or_else(|| id.strip_prefix("snap_"));
    let number = number.and_then(|number| number.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| ApiError::missing(STYLE, "There is no such change."))
}

fn clean(path: &str) -> &str {
    path.trim_matches('/')
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn kind(entry: Option<&Entry>) -> &'static str {
    match entry.map(|entry| &entry.kind) {
        Some(Kind::Directory) => "directory",
        _ => "file",
    }
}

/// What a change is called: by its kind, and by the door where it is new.
fn words(difference: Difference, version: &Version) -> (&'static str, &'static str) {
    match difference {
        Difference::Added if version.author.execution.is_none() => ("created", "uploaded"),
        Difference::Added => ("created", "created"),
        Difference::Changed => ("modified", "modified"),
        Difference::Removed => ("deleted", "deleted"),
    }
}

fn title(all: &[(Difference, &str)]) -> String {
    match all {
        [(difference, path)] => {
            let word = match difference {
                Difference::Added => "Add",
                Difference::Changed => "Change",
                Difference::Removed => "Delete",
            };
            format!("{word} {path}")
        }
        all => format!("{} paths changed", all.len()),
    }
}

/// `GET /environments/{id}/changes?limit=&offset=&operation=`
pub(in crate::server) async fn list(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let mut asked = Asked::new(app, id, &headers).await?;
    let query = Query::of(&uri);
    let window = Window::of(&query)?;
    let wanted: Vec<String> =
        query.all("operation").flat_map(|list| list.split(',')).map(str::to_owned).collect();
    let known = ["created", "uploaded", "modified", "deleted"];
    if let Some(word) = wanted.iter().find(|word| !known.contains(&word.as_str())) {
        let message = format!("operation is one of {}, not {word:?}.", known.join(", "));
        return Err(ApiError::bad(STYLE, message));
    }
    let mut numbers = asked.numbers().await?;
    let partial = !wanted.is_empty() && numbers.len() > MAX_SEARCHED;
    if partial {
        numbers.truncate(MAX_SEARCHED);
    }
    let (mut total, mut data) = (0, Vec::new());
    for number in numbers {
        let shown = window.has(total);
        if shown || !wanted.is_empty() {
            let (before, version) = asked.load_both(number).await?;
            let mut all = compare(&before.tree, &version.tree);
            all.retain(|(difference, _)| {
                wanted.is_empty()
                    || wanted.iter().any(|word| word == words(*difference, &version).1)
            });
            if all.is_empty() && !wanted.is_empty() {
                continue;
            }
            if shown {
                data.push(asked.change(&before, &version, all).await?);
            }
        }
        total += 1;
    }
    let mut answer = window.answer(total, data);
    answer["partial"] = json!(partial);
    Ok(Json(answer).into_response())
}

impl Asked {
    /// A change with the files that differ in it.
    async fn change(
        &mut self,
        before: &Version,
        version: &Version,
        all: Vec<(Difference, &str)>,
    ) -> Result<Value, ApiError> {
        let mut partial = all.len() > MAX_PATHS;
        let (mut files, mut added, mut removed) = (Vec::new(), 0, 0);
        for (difference, path) in all.iter().take(MAX_PATHS) {
            let states = (before.tree.get(*path), version.tree.get(*path));
            let lines = match self.affords(states) {
                true => self.lines(path, states).await?.unwrap_or_default(),
                false => {
                    partial = true;
                    LineDiff::default()
                }
            };
            let (more, less) = (lines.added, lines.removed);
            (added, removed) = (added + more, removed + less);
            let (change, operation) = words(*difference, version);
            files.push(json!({
                "path": path, "name": name(path), "changeKind": change, "operation": operation,
                "entryType": kind(states.1.or(states.0)), "previousPath": null,
                "additions": more, "deletions": less,
            }));
        }
        let thread = version.author.execution.as_deref();
        Ok(json!({
            "id": format!("chg_{}", version.number),
            "snapshotId": format!("snap_{}", version.number),
            "environmentId": self.environment,
            "createdAt": rfc3339(version.committed_ns),
            "title": title(&all),
            "sourceKind": if thread.is_some() { "thread" } else { "manual" },
            "sourceThreadId": thread,
            "additions": added, "deletions": removed, "partial": partial,
            "files": files,
        }))
    }
}

/// `GET /environments/{id}/snapshots?limit=&offset=`
pub(in crate::server) async fn snapshots(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let mut asked = Asked::new(app, id, &headers).await?;
    let query = Query::of(&uri);
    let window = Window::of(&query)?;
    let (mut total, mut data) = (0, Vec::new());
    for number in asked.numbers().await? {
        total += 1;
        if !window.has(total - 1) {
            continue;
        }
        let (before, version) = asked.load_both(number).await?;
        let all = compare(&before.tree, &version.tree);
        let change = asked.change(&before, &version, all).await?;
        let files = change["files"].as_array().map_or(&[][..], Vec::as_slice);
        let paths: Vec<&Value> = files.iter().map(|file| &file["path"]).collect();
        data.push(json!({
            "id": format!("snap_{number}"),
            "environmentId": asked.environment,
            "sourceThreadId": change["sourceThreadId"],
            "parentSnapshotId": parent(number),
            "ledgerCommitSha": version.author.commit,
            "changedPaths": paths,
            "additions": change["additions"],
            "deletions": change["deletions"],
            "partial": change["partial"],
            "metadata": {},
            "createdAt": change["createdAt"],
        }));
    }
    Ok(Json(window.answer(total, data)).into_response())
}

fn parent(number: u64) -> Option<String> {
    (number > 1).then(|| format!("snap_{}", number - 1))
}

/// `POST /environments/{id}/snapshots/initialize`: there is nothing to begin; the versions are.
pub(in crate::server) async fn initialize(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    receive::drain(body);
    let asked = Asked::new(app, id, &headers).await?;
    let latest = asked.numbers().await?.first().copied();
    Ok(Json(json!({
        "success": true,
        "environmentId": asked.environment,
        "snapshotId": latest.map(|number| format!("snap_{number}")),
    }))
    .into_response())
}

/// `GET /environments/{id}/snapshots/{snapshot}/files?prefix=`: what it held.
pub(in crate::server) async fn files(
    State(app): State<Arc<App>>,
    Path((id, change)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let mut asked = Asked::new(app, id, &headers).await?;
    let query = Query::of(&uri);
    let prefix = query.get("prefix");
    let number = number(&change)?;
    let version = asked.load(number).await.map_err(failed)?;
    let below = prefix.unwrap_or_default().trim_start_matches('/');
    let found: Vec<_> = version
        .tree
        .iter()
        .filter(|(path, entry)| path.starts_with(below) && !matches!(entry.kind, Kind::Link { .. }))
        .collect();
    let data: Vec<Value> = found
        .iter()
        .take(MAX_PATHS)
        .map(|(path, entry)| {
            json!({
                "path": path, "name": name(path), "type": kind(Some(entry)),
                "size": entry.file().map(|digest| digest.size),
            })
        })
        .collect();
    Ok(Json(json!({
        "object": "list", "environmentId": asked.environment,
        "snapshotId": format!("snap_{number}"), "prefix": prefix, "total": found.len(),
        "hasMore": data.len() < found.len(), "data": data,
    }))
    .into_response())
}

/// `GET /environments/{id}/changes/{change}/diff?path=`, and the same of a snapshot
pub(in crate::server) async fn diff(
    State(app): State<Arc<App>>,
    Path((id, change)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let mut asked = Asked::new(app, id, &headers).await?;
    let query = Query::of(&uri);
    let path = query.get("path").map(clean);
    let number = number(&change)?;
    let (before, version) = asked.load_both(number).await?;
    let mut all = compare(&before.tree, &version.tree);
    all.retain(|(_, found)| path.is_none_or(|path| *found == path));
    if let (Some(path), true) = (path, all.is_empty()) {
        let message = format!("/{path} is not in this change.");
        return Err(ApiError::missing(STYLE, &message));
    }
    let mut partial = all.len() > MAX_PATHS;
    all.truncate(MAX_PATHS);
    let (mut text, mut added, mut removed) = (String::new(), 0, 0);
    for (_, path) in &all {
        let states = (before.tree.get(*path), version.tree.get(*path));
        if text.len() as u64 > MAX_TEXT || !asked.affords(states) {
            partial = true;
            continue;
        }
        match asked.lines(path, states).await? {
            Some(diff) => {
                text.push_str(&diff.unified);
                (added, removed) = (added + diff.added, removed + diff.removed);
            }
            None if kind(states.1.or(states.0)) == "file" => {
                text.push_str(&format!("Binary files a/{path} and b/{path} differ\n"));
            }
            None => {}
        }
    }
    let paths: Vec<&str> = all.iter().map(|(_, path)| *path).collect();
    Ok(Json(json!({
        "environmentId": asked.environment,
        "snapshotId": format!("snap_{number}"),
        "parentSnapshotId": parent(number),
        "fromCommitSha": (before.number > 0).then_some(&before.author.commit),
        "toCommitSha": version.author.commit,
        "path": path,
        "diff": text,
        "changedPaths": paths,
        "additions": added, "deletions": removed, "partial": partial,
    }))
    .into_response())
}

/// `GET /environments/{id}/changes/{change}/file?path=&format=`, and the same of a snapshot: a file
/// as it was then, as text in JSON or with `format=raw` as it is.
pub(in crate::server) async fn file(
    State(app): State<Arc<App>>,
    Path((id, change)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let mut asked = Asked::new(app, id, &headers).await?;
    let query = Query::of(&uri);
    let path = query.get("path").map(clean).filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| ApiError::bad(STYLE, "path is missing."))?;
    let raw = match query.get("format") {
        None | Some("json") => false,
        Some("raw") => true,
        Some(other) => {
            let message = format!("format is raw or json, not {other:?}.");
            return Err(ApiError::bad(STYLE, message));
        }
    };
    let number = number(&change)?;
    let version = asked.load(number).await.map_err(failed)?;
    let found = version.tree.get(path).and_then(|entry| Some((entry, entry.file()?)));
    let (entry, digest) =
        found.ok_or_else(|| ApiError::missing(STYLE, format!("/{path} was no file then.")))?;
    if !raw && digest.size > MAX_TEXT {
        let message = format!("/{path} is too long for JSON; ask for it with format=raw.");
        return Err(ApiError::new(STYLE, StatusCode::PAYLOAD_TOO_LARGE, "TOO_LONG", message));
    }
    let stored = Stored { blobs: asked.versions.blobs(), path, entry, digest };
    if raw {
        return content::stored(&asked.app, &method, &headers, stored, STYLE).await;
    }
    let content = asked.app.executions.fetch(stored.blobs, path, digest).await;
    let content = content.map_err(|error| ApiError::execution(STYLE, &error))?;
    let text = content.text().map_err(|error| ApiError::execution(STYLE, &error))?;
    let text = text.ok_or_else(|| {
        let message = format!("/{path} is not text; ask for it with format=raw.");
        ApiError::new(STYLE, StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_TEXT", message)
    })?;
    let snapshot = format!("snap_{number}");
    Ok(Json(json!({ "path": path, "snapshotId": snapshot, "content": text })).into_response())
}

#[derive(Debug, Deserialize, Default)]
struct Fork {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// `POST /environments/{id}/changes/{change}/fork`, and the same of a snapshot: a new environment
/// that begins with what this one held then.
pub(in crate::server) async fn fork(
    State(app): State<Arc<App>>,
    Path((id, change)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let mut asked = Asked::new(app, id, &headers).await?;
    let fork: Fork = receive::json(&asked.app, body, STYLE).await?;
    let number = number(&change)?;
    asked.load(number).await.map_err(failed)?;
    let from = asked.app.environment_info(&asked.who, &asked.environment)?;
    let name = fork.name.unwrap_or_else(|| format!("{} at {change}", from.name));
    let info = environments::make(&asked.app, &asked.who, &name, fork.description).await?;
    let forked = asked.app.executions.fork_environment((&asked.versions, number), &info.id).await;
    if let Err(error) = forked {
        let _ = asked.app.remove_environment(&info.id).await;
        return Err(ApiError::execution(STYLE, &error));
    }
    let answer = json!({
        "environment": environments::shown(&info, &asked.who),
        "snapshot": null,
        "sourceSnapshotId": format!("snap_{number}"),
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}
