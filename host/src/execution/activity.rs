//! What happened in an execution, as its clients read it: one JSON line each, in order.

use std::io::Write as _;

use cap_std::fs::{Dir, File};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::broadcast;

use crate::ambient;
use crate::call::ToolResult;
use crate::jsonl;
use crate::notice::NewFile;

const FILE: &str = "activities.jsonl";

/// Activities that a slow listener may be behind by.
const MAX_EVENTS: usize = 1_024;

/// Characters of a tool's output that an activity repeats. The result itself has all of it.
const MAX_OUTPUT_CHARS: usize = 10_000;

/// Activities of one execution. A loop of tool calls would otherwise fill the host's disk.
const MAX_LOG_BYTES: u64 = 64 << 20;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Its id.
    pub id: String,
    /// When, in nanoseconds since 1970.
    pub time_ns: u64,
    /// What, with an `activityType`.
    pub payload: Value,
}

impl Activity {
    fn new(payload: Value) -> Activity {
        Activity { id: uuid::Uuid::new_v4().to_string(), time_ns: ambient::now_ns(), payload }
    }

    /// The activity of a new file, always the same for the same file.
    pub fn file_added(execution: &str, file: &NewFile) -> Activity {
        let payload = json!({
            "activityType": "file_added",
            "fileId": file_id(execution, &file.path),
            "fileName": file.name(),
            "mimeType": file.mime_type(),
            "fileSize": file.size,
            "source": file.source,
            "path": file.path,
        });
        let id = stable_id(&[execution, "file_added", &file.seq.to_string()]);
        Activity { id, time_ns: file.time_ns, payload }
    }
}

/// The id of the file at a path of an execution: the same for as long as the path is.
pub(crate) fn file_id(execution: &str, path: &str) -> String {
    stable_id(&[execution, "file", path])
}

/// A UUID that is made of texts (version 8).
pub(crate) fn stable_id(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// The log of one execution, being written.
#[derive(Debug)]
pub(super) struct ActivityLog {
    file: Mutex<Option<(File, u64)>>,
    events: broadcast::Sender<Activity>,
}

impl ActivityLog {
    pub(super) fn new() -> ActivityLog {
        ActivityLog { file: Mutex::default(), events: broadcast::Sender::new(MAX_EVENTS) }
    }

    /// Adds one.
    pub(super) fn add(&self, directory: &Dir, payload: Value) -> std::io::Result<()> {
        let activity = Activity::new(payload);
        let line = jsonl::line(&activity);
        let mut file = self.file.lock();
        let (file, size) = match &mut *file {
            Some(file) => file,
            none => none.insert(jsonl::open(directory, FILE)?),
        };
        let ends = activity.payload["activityType"] == "status_changed";
        if *size + line.len() as u64 <= MAX_LOG_BYTES || ends {
            file.write_all(&line)?;
            *size += line.len() as u64;
        }
        // Nobody may be listening.
        let _ = self.events.send(activity);
        Ok(())
    }

    pub(super) fn events(&self) -> broadcast::Receiver<Activity> {
        self.events.subscribe()
    }

    /// Lets go of the file.
    pub(super) fn close(&self) {
        *self.file.lock() = None;
    }
}

/// The activities in an execution's directory.
pub(super) fn read(directory: &Dir) -> std::io::Result<Vec<Activity>> {
    jsonl::read(directory, FILE)
}

/// What a call of a tool is called in activities, and what is said of it when it begins; `None`
/// for tools that have no name there.
pub(super) fn started(tool: &str, input: &Value, action: &str) -> Option<Value> {
    let (name, fields): (&str, &[(&str, &str)]) = match tool {
        "Bash" => ("sdk_bash", &[("command", "command"), ("description", "description")]),
        "Read" => {
            ("sdk_read", &[("filePath", "file_path"), ("offset", "offset"), ("limit", "limit")])
        }
        "Write" => ("sdk_write", &[("filePath", "file_path")]),
        "Edit" => (
            "sdk_edit",
            &[
                ("filePath", "file_path"),
                ("oldString", "old_string"),
                ("newString", "new_string"),
                ("replaceAll", "replace_all"),
            ],
        ),
        "Glob" => ("sdk_glob", &[("pattern", "pattern"), ("path", "path")]),
        "Grep" => (
            "sdk_grep",
            &[
                ("pattern", "pattern"),
                ("path", "path"),
                ("glob", "glob"),
                ("outputMode", "output_mode"),
            ],
        ),
        "UploadFile" => ("element_file_upload", &[]),
        _ => return None,
    };
    let mut info = Map::from_iter([("actionName".to_owned(), json!(name))]);
    for (field, from) in fields {
        // What is not of the type that clients expect is left out: one that they cannot read
        // would cost them all the others.
        let value = &input[*from];
        let fits = match *field {
            "offset" | "limit" => value.is_u64(),
            "replaceAll" => value.is_boolean(),
            _ => value.is_string(),
        };
        if fits {
            info.insert((*field).to_owned(), value.clone());
        }
    }
    for required in ["command", "filePath", "oldString", "newString", "pattern"] {
        let wanted = fields.iter().any(|(field, _)| *field == required);
        if wanted && !info.contains_key(required) {
            info.insert(required.to_owned(), json!(""));
        }
    }
    let mut payload = json!({
        "activityType": "action_started",
        "message": message(tool, input),
        "actionName": name,
        "actionId": action,
    });
    if !fields.is_empty() {
        payload["info"] = Value::Object(info);
    }
    Some(payload)
}

/// What is said of a call when it has ended.
pub(super) fn ended(started: &Value, result: &ToolResult) -> Value {
    let name = started["actionName"].as_str().unwrap_or_default();
    let duration = u64::try_from(result.usage.wall.as_millis()).unwrap_or(u64::MAX);
    let mut payload = json!({
        "activityType": if result.is_error() { "action_failed" } else { "action_completed" },
        "message": started["message"],
        "actionName": name,
        "actionId": started["actionId"],
        "duration": duration,
    });
    let output: String = result.text().chars().take(MAX_OUTPUT_CHARS).collect();
    let Ok(structured) = &result.outcome else {
        payload["message"] = json!(output);
        return payload;
    };
    let mut info = match name {
        "sdk_bash" => {
            json!({ "output": output, "exitCode": structured["exitCode"].as_i64().unwrap_or(0) })
        }
        "sdk_read" => json!({ "content": output }),
        "sdk_write" | "sdk_edit" => json!({ "success": true }),
        "sdk_glob" => json!({ "files": output.lines().collect::<Vec<_>>() }),
        "sdk_grep" => json!({ "output": output }),
        _ => {
            let files = structured["files"].as_array().into_iter().flatten();
            json!({ "fileNames": files.map(|file| &file["name"]).collect::<Vec<_>>() })
        }
    };
    info["actionName"] = json!(name);
    payload["info"] = info;
    payload
}

fn message(tool: &str, input: &Value) -> String {
    let about = ["description", "command", "file_path", "pattern"]
        .iter()
        .find_map(|field| input[*field].as_str())
        .unwrap_or_default();
    let about: String = about.chars().take(200).collect();
    format!("{tool} {about}").trim_end().to_owned()
}
