//! The Write tool: the whole content of a file, byte for byte. Rules WRITE-R1 to WRITE-R13.

use std::fs;

use serde::Deserialize;
use serde_json::{Value, json};
use toolcell_sdk::describe::{Description, describe};
use toolcell_sdk::files::{self, Target};
use toolcell_sdk::text::{self, Encoding};
use toolcell_sdk::{Failure, FileState, Outcome, Session, Tool, patch};

/// The component's tool.
#[derive(Debug)]
pub struct Write;

#[derive(Debug, Deserialize)]
struct Input {
    file_path: String,
    content: String,
}

/// Old contents up to this size are given back in the result.
const MAX_ORIGINAL: usize = 1 << 20;

const DESCRIPTION: &str = "Writes a file, replacing what it held. The file_path must be an \
absolute path; missing directories are made. An existing file must have been read in full first. \
Prefer Edit for changing a part of a file.";

impl Tool for Write {
    fn describe() -> Value {
        describe([Description::new("Write", DESCRIPTION)
            .idempotent()
            .required(
                "file_path",
                json!({ "type": "string", "description": "The absolute path of the file to write" }),
            )
            .required(
                "content",
                json!({ "type": "string", "description": "The whole content of the file" }),
            )
            .alias("filePath", "file_path")
            .alias("path", "file_path")])
    }

    fn call(session: &dyn Session, _: &str, input: Value) -> Result<Outcome, Failure> {
        let input: Input = serde_json::from_value(input)
            .map_err(|error| Failure::new("invalid_params", error.to_string()))?;
        let target = files::resolve(session, &input.file_path)?;
        let _lock = session.lock(&target.path);
        match fs::symlink_metadata(&target.path) {
            Ok(_) => update(session, &target, &input.content),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                create(session, &target, &input.content)
            }
            Err(error) => Err(Failure::io("write", &target.given, &error)),
        }
    }
}

fn create(session: &dyn Session, target: &Target, content: &str) -> Result<Outcome, Failure> {
    let parents = files::create_parents(target)?;
    files::replace(target, None, content.as_bytes())
        .inspect_err(|_| files::remove_parents(&parents))?;
    let hash = files::hash(content.as_bytes());
    session.remember(&target.path, FileState { hash, complete: true });
    Ok(json!({
        "type": "create",
        "filePath": target.path,
        "content": content,
        "originalFile": null,
        "structuredPatch": [],
        "userModified": false,
        "staged": false,
    })
    .into())
}

fn update(session: &dyn Session, target: &Target, content: &str) -> Result<Outcome, Failure> {
    files::regular(session, target)?;
    let old = files::load(target)?;
    guard(session, target, &old)?;
    let (shown, form) = text::shown(&old);
    // A mark or UTF-16 is kept, unless the content brings a mark of its own (WRITE-R4).
    let new = if content.starts_with('\u{feff}') {
        content.as_bytes().to_vec()
    } else {
        let encoding = match form.encoding {
            Encoding::Unknown => Encoding::Utf8,
            encoding => encoding,
        };
        let body = text::encode(content, encoding).unwrap_or_default();
        [text::bom(form), &body].concat()
    };
    if new != old {
        files::replace(target, Some(&old), &new)?;
    }
    session.remember(&target.path, FileState { hash: files::hash(&new), complete: true });
    let original = (old.len() <= MAX_ORIGINAL).then_some(&shown);
    Ok(json!({
        "type": "update",
        "filePath": target.path,
        "content": content,
        "originalFile": original,
        "structuredPatch": patch::structured(&shown, content),
        "userModified": false,
        "staged": false,
    })
    .into())
}

/// WRITE-R5 to R7: an existing content must have been seen, all of it, as it is now.
fn guard(session: &dyn Session, target: &Target, old: &[u8]) -> Result<(), Failure> {
    if old.is_empty() || session.setting("write_guard").as_deref() == Some("off") {
        return Ok(());
    }
    let relaxed = session.setting("write_guard").as_deref() == Some("relaxed");
    let details = json!({ "path": target.given });
    match session.recall(&target.path) {
        None if relaxed && !target.path.ends_with(".ipynb") => Ok(()),
        Some(state) if state.hash != files::hash(old) => Err(Failure::new(
            "modified_since_read",
            "File has been modified since read, either by the user or by a linter. Read it again \
             before attempting to write it.",
        )
        .details(details)),
        Some(state) if state.complete => Ok(()),
        None | Some(_) => Err(Failure::new(
            "not_read",
            "File has not been read yet. Read it first before writing to it.",
        )
        .details(details)),
    }
}

toolcell_sdk::export_tool!(crate::Write);

#[cfg(test)]
mod tests;
