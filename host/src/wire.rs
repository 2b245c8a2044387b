//! Calls, results and records as JSON: the only place that knows how they are spelled outside.
//!
//! ```text
//! {"id":"1","tool":"Read","input":{…},"execution":"name"}
//! {"id":"1","tool":"Read","is_error":false,"content":[…],"structured":{…},"mutations":[…],"usage":{…}}
//! ```

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::bash::TaskEvent;
use crate::call::{Content, ToolCall, ToolResult, Usage};
use crate::clock::rfc3339;
use crate::failure::Failure;
use crate::journal::{Facts, FileKind, Record};
use crate::notice::NewFile;
use crate::policy::Mutation;

/// A record of the journal.
pub fn record(record: &Record) -> Value {
    let process = record.actor.process.as_ref();
    json!({
        "seq": record.seq,
        "time": rfc3339(record.time_ns),
        "time_ns": record.time_ns,
        "call": record.actor.call,
        "tool": record.actor.tool,
        "component": record.actor.digest,
        "pid": process.map(|(pid, _)| pid),
        "argv0": process.map(|(_, name)| name),
        "op": record.operation.name(),
        "region": record.region,
        "path": record.path.as_str(),
        "other": record.other,
        "before": facts(&record.before),
        "after": facts(&record.after),
        "ranges": record.ranges,
        "outcome": record.outcome.name(),
        "error": record.error,
    })
}

fn facts(facts: &Facts) -> Value {
    let Facts::Present { kind, size, mode, modified_ns, hash, .. } = facts else {
        return Value::Null;
    };
    let kind = match kind {
        FileKind::File => "file",
        FileKind::Directory => "directory",
        FileKind::Link => "link",
        FileKind::Other => "other",
    };
    let hash = hash.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    json!({
        "kind": kind, "size": size, "mode": format!("{mode:o}"), "modified_ns": modified_ns,
        "blake3": hash,
    })
}

/// A call, and the execution it is for if it names one.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The call.
    pub call: ToolCall,
    /// The execution, where it is not the default.
    pub execution: Option<String>,
}

/// A line that is not a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// The id, if one could be made out.
    pub id: Option<String>,
    reason: String,
}

/// Reads one call.
///
/// # Errors
/// When the text is not JSON, or not of a call's shape.
pub fn parse(text: &str) -> Result<Request, Malformed> {
    let malformed = |id: Option<String>, reason: String| Malformed { id, reason };
    let value: Value = serde_json::from_str(text)
        .map_err(|error| malformed(None, format!("not JSON: {error}")))?;
    let Value::Object(mut fields) = value else {
        return Err(malformed(None, "a call is a JSON object".to_owned()));
    };
    let id = match fields.remove("id") {
        Some(Value::String(id)) => Some(id),
        Some(Value::Number(id)) => Some(id.to_string()),
        None | Some(Value::Null) => None,
        Some(_) => return Err(malformed(None, "id must be a string".to_owned())),
    };
    let text_field = |fields: &mut Map<String, Value>, name: &str| match fields.remove(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(malformed(id.clone(), format!("{name} must be a string"))),
    };
    let tool = text_field(&mut fields, "tool")?
        .ok_or_else(|| malformed(id.clone(), "tool is missing".to_owned()))?;
    let execution = text_field(&mut fields, "execution")?;
    let input = fields.remove("input").unwrap_or_else(|| json!({}));
    if let Some(name) = fields.keys().next() {
        let reason = format!("unknown field {name:?}; a call has id, tool, input and execution");
        return Err(malformed(id, reason));
    }
    let call = ToolCall { id: id.unwrap_or_default(), tool, input };
    Ok(Request { call, execution })
}

/// A result as it is written: serialize it where it is wanted.
pub fn result(result: &ToolResult) -> impl Serialize + '_ {
    let (structured, error) = match &result.outcome {
        Ok(structured) => (Structured::Result(structured), false),
        Err(failure) => (Structured::Error { error: failure.to_json() }, true),
    };
    let milliseconds = |time: std::time::Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
    ResultLine {
        id: &result.id,
        tool: &result.tool,
        is_error: error,
        content: result.content.iter().map(content).collect(),
        structured,
        mutations: result.mutations.iter().map(mutation).collect(),
        mutations_unlisted: result.mutations_unlisted,
        ended: result.ended.iter().map(ended).collect(),
        new_files: result.new_files.iter().map(new_file).collect(),
        usage: UsageLine {
            wall_ms: milliseconds(result.usage.wall),
            cpu_ms: milliseconds(result.usage.cpu),
            memory_bytes: result.usage.memory_bytes,
        },
    }
}

fn ended(event: &TaskEvent) -> Value {
    json!({
        "task_id": event.task_id,
        "status": event.status,
        "exit_code": event.exit_code,
        "command": event.command,
        "output_path": event.output_path,
        "summary": event.summary,
    })
}

fn new_file(file: &NewFile) -> Value {
    json!({
        "path": file.path,
        "name": file.name(),
        "size": file.size,
        "mime_type": file.mime_type(),
        "source": file.source,
    })
}

#[derive(Serialize)]
struct ResultLine<'a> {
    id: &'a str,
    tool: &'a str,
    is_error: bool,
    content: Vec<ContentLine<'a>>,
    structured: Structured<'a>,
    mutations: Vec<MutationLine<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    mutations_unlisted: u64,
    /// Background commands that ended since the last result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ended: Vec<Value>,
    /// Files that have appeared in downloads/ and uploads/ since the last result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    new_files: Vec<Value>,
    usage: UsageLine,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Structured<'a> {
    Result(&'a Value),
    Error { error: Value },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum ContentLine<'a> {
    Text { text: &'a str },
    Image { source: SourceLine<'a> },
}

#[derive(Serialize)]
struct SourceLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    media_type: &'a str,
    data: String,
}

#[derive(Serialize)]
struct MutationLine<'a> {
    seq: u64,
    op: &'static str,
    path: &'a str,
}

#[derive(Serialize)]
struct UsageLine {
    wall_ms: f64,
    cpu_ms: f64,
    memory_bytes: usize,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn content(content: &Content) -> ContentLine<'_> {
    match content {
        Content::Text(text) => ContentLine::Text { text },
        Content::Image { media_type, data } => {
            let data = BASE64_STANDARD.encode(data);
            ContentLine::Image { source: SourceLine { kind: "base64", media_type, data } }
        }
    }
}

fn mutation(mutation: &Mutation) -> MutationLine<'_> {
    MutationLine { seq: mutation.seq, op: mutation.operation.name(), path: mutation.path.as_str() }
}

/// The result of a call that could not be made at all.
pub fn refused(call: ToolCall, failure: Failure) -> ToolResult {
    ToolResult {
        id: call.id,
        tool: call.tool,
        content: vec![Content::Text(failure.message.clone())],
        outcome: Err(failure),
        mutations: Vec::new(),
        mutations_unlisted: 0,
        ended: Vec::new(),
        new_files: Vec::new(),
        usage: Usage::default(),
    }
}

/// The result for a line that is not a call.
pub fn malformed(line: u64, error: &Malformed) -> Value {
    let failure =
        Failure::new("malformed_call", format!("Line {line} is not a tool call: {error}."));
    json!({
        "id": error.id,
        "tool": null,
        "line": line,
        "is_error": true,
        "content": [{ "type": "text", "text": failure.message }],
        "structured": { "error": failure.to_json() },
        "mutations": [],
        "usage": { "wall_ms": 0, "cpu_ms": 0, "memory_bytes": 0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_and_what_is_none_says_why() {
        let request = parse(r#"{"id":7,"tool":"Read","input":{"a":1},"execution":"e"}"#).unwrap();
        assert_eq!(request.call, ToolCall::new("7", "Read", json!({ "a": 1 })));
        assert_eq!(request.execution.as_deref(), Some("e"));
        for (text, reason) in [
            ("{", "not JSON"),
            ("[]", "a call is a JSON object"),
            ("{}", "tool is missing"),
            (r#"{"tool":1}"#, "tool must be a string"),
            (r#"{"tool":"Read","inptu":{}}"#, "unknown field \"inptu\""),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().starts_with(reason), "{text}: {error}");
        }
    }
}
