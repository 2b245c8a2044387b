//! The Edit tool, with MultiEdit and NotebookEdit: literal replacement, spliced into the bytes
//! that are there. Rules EDIT-R1 to EDIT-R30 and NB-R1 to NB-R4.
//!
//! 1. [`view`] shows a file with every line ending as `\n`, and knows which byte each came from.
//! 2. [`find`] looks for a text in the view: exactly, then with differences that cannot change
//!    which text is meant.
//! 3. [`splice`] puts the replacement into the original bytes, in their encoding and line ends.
//! 4. [`diagnose`] says, when nothing was found, what is there instead.
//! 5. [`notebook`] does the same for one cell of a notebook.

mod diagnose;
mod find;
mod notebook;
mod splice;
mod view;

use std::fs;

use serde::Deserialize;
use serde_json::{Value, json};
use toolcell_sdk::describe::{Description, describe};
use toolcell_sdk::files::{self, Target};
use toolcell_sdk::sniff::{Kind, SNIFF_BYTES, sniff};
use toolcell_sdk::{Failure, FileState, Outcome, Session, Tool, patch, text};

use splice::{Applied, Replacement};

/// The component's tools.
#[derive(Debug)]
pub struct Edit;

/// Size of a file that can be edited (EDIT-R22): it is held several times over.
const MAX_BYTES: u64 = 16 << 20;

/// Old contents up to this size are given back in the result.
const MAX_ORIGINAL: usize = 1 << 20;

/// Edits of one MultiEdit. Each is a search through the whole file.
const MAX_EDITS: usize = 500;

#[derive(Debug, Deserialize)]
struct One {
    file_path: String,
    old_string: String,
    new_string: String,
    #[serde(default)]
    replace_all: bool,
}

#[derive(Debug, Deserialize)]
struct Many {
    file_path: String,
    edits: Vec<Replacement>,
}

const DESCRIPTION: &str = "Replaces text in a file. old_string must occur exactly once, or \
replace_all must be true. It is taken literally, and must match the file's indentation; leave out \
the line number and tab that Read puts before each line. An empty old_string makes a new file.";

const MULTI_DESCRIPTION: &str = "Makes several edits of one file, in order, each on the result of \
the one before. Either all of them are made or none.";

fn edit_schema() -> Value {
    json!({
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {
                "old_string": { "type": "string" },
                "new_string": { "type": "string" },
                "replace_all": { "type": "boolean" },
            },
            "required": ["old_string", "new_string"],
            "additionalProperties": false,
        },
        "description": "The edits, in order",
    })
}

impl Tool for Edit {
    fn describe() -> Value {
        let path =
            json!({ "type": "string", "description": "The absolute path of the file to change" });
        describe([
            Description::new("Edit", DESCRIPTION)
                .required("file_path", path.clone())
                .required(
                    "old_string",
                    json!({ "type": "string", "description": "The text to replace" }),
                )
                .required(
                    "new_string",
                    json!({ "type": "string", "description":
                        "The text to put in its place; must differ from old_string" }),
                )
                .optional(
                    "replace_all",
                    json!({ "type": "boolean", "description":
                        "Replace every occurrence of old_string (default false)" }),
                )
                .alias("filePath", "file_path")
                .alias("path", "file_path")
                .alias("oldString", "old_string")
                .alias("newString", "new_string")
                .alias("replaceAll", "replace_all"),
            Description::new("MultiEdit", MULTI_DESCRIPTION)
                .unadvertised()
                .required("file_path", path)
                .required("edits", edit_schema())
                .alias("filePath", "file_path")
                .alias("path", "file_path"),
            notebook::description(),
        ])
    }

    fn call(session: &dyn Session, name: &str, input: Value) -> Result<Outcome, Failure> {
        let invalid = |error: serde_json::Error| Failure::new("invalid_params", error.to_string());
        match name {
            "NotebookEdit" => notebook::edit(session, input),
            "MultiEdit" => {
                let input: Many = serde_json::from_value(input).map_err(invalid)?;
                many(session, &input)
            }
            _ => {
                let input: One = serde_json::from_value(input).map_err(invalid)?;
                one(session, input)
            }
        }
    }
}

fn one(session: &dyn Session, input: One) -> Result<Outcome, Failure> {
    let edit = Replacement {
        old_string: input.old_string,
        new_string: input.new_string,
        replace_all: input.replace_all,
    };
    unequal(&edit)?;
    let target = files::resolve(session, &input.file_path)?;
    let _lock = session.lock(&target.path);
    if edit.old_string.is_empty()
        && let Some(outcome) = create(session, &target, &edit)?
    {
        return Ok(outcome);
    }
    let (bytes, stale) = load(session, &target)?;
    if edit.old_string.is_empty() && !bytes.is_empty() {
        let message = format!(
            "Cannot create {}: the file exists and is not empty, and an empty old_string matches \
             nothing in particular.",
            target.given
        );
        return Err(Failure::new("file_exists", message).hint("Give the text to replace."));
    }
    let applied = splice::apply(&bytes, &edit).map_err(|failure| changed(failure, stale))?;
    finish(session, &target, &bytes, &[applied], &edit, stale)
}

fn many(session: &dyn Session, input: &Many) -> Result<Outcome, Failure> {
    if input.edits.len() > MAX_EDITS {
        let message = format!("edits has {} entries; at most {MAX_EDITS}.", input.edits.len());
        return Err(Failure::new("invalid_params", message));
    }
    let target = files::resolve(session, &input.file_path)?;
    let _lock = session.lock(&target.path);
    let (original, stale) = match (input.edits.first(), fs::symlink_metadata(&target.path)) {
        (Some(first), Err(_)) if first.old_string.is_empty() => (Vec::new(), false),
        _ => load(session, &target)?,
    };
    let mut bytes = original.clone();
    let mut applied = Vec::new();
    for (index, edit) in input.edits.iter().enumerate() {
        let result = unequal(edit).and_then(|()| match edit.old_string.is_empty() {
            true if bytes.is_empty() => Ok(Applied::filled(&edit.new_string)),
            true => Err(Failure::new("file_exists", "old_string is empty, the file is not.")),
            false => splice::apply(&bytes, edit),
        });
        let next = result.map_err(|mut failure| {
            failure.message = format!(
                "Edit {} of {} failed, so none was made: {}",
                index + 1,
                input.edits.len(),
                failure.message
            );
            changed(failure, stale)
        })?;
        bytes.clone_from(&next.bytes);
        applied.push(next);
    }
    let summary = Replacement::default();
    finish(session, &target, &original, &applied, &summary, stale)
}

/// EDIT-R2: compared as given.
fn unequal(edit: &Replacement) -> Result<(), Failure> {
    if edit.old_string == edit.new_string {
        return Err(Failure::new(
            "edit_no_change",
            "No changes to make: old_string and new_string are exactly the same.",
        ));
    }
    Ok(())
}

/// EDIT-R7: an empty old_string makes a file; `None` if there is one.
fn create(
    session: &dyn Session,
    target: &Target,
    edit: &Replacement,
) -> Result<Option<Outcome>, Failure> {
    if fs::symlink_metadata(&target.path).is_ok() {
        return Ok(None);
    }
    let parents = files::create_parents(target)?;
    let content = edit.new_string.as_bytes();
    files::replace(target, None, content).inspect_err(|_| files::remove_parents(&parents))?;
    session.remember(&target.path, FileState { hash: files::hash(content), complete: true });
    let outcome = json!({
        "filePath": target.path,
        "oldString": "",
        "newString": edit.new_string,
        "originalFile": null,
        "structuredPatch": [],
        "userModified": false,
        "replaceAll": false,
        "staged": false,
        "occurrences": 1,
        "fallback": "none",
        "created": true,
    });
    Ok(Some(outcome.into()))
}

/// Loads what is to be edited, checks passed in the order of EDIT-R11; whether it has changed
/// since the agent saw it comes back too.
fn load(session: &dyn Session, target: &Target) -> Result<(Vec<u8>, bool), Failure> {
    let size = files::regular(session, target)?.size;
    if target.path.ends_with(".ipynb") {
        let message = format!("{} is a Jupyter notebook.", target.given);
        return Err(Failure::new("use_notebook_edit", message)
            .hint("Use the NotebookEdit tool to edit it."));
    }
    if size > MAX_BYTES {
        let message = format!(
            "{} is {}; files up to {} can be edited.",
            target.given,
            text::size(size),
            text::size(MAX_BYTES)
        );
        return Err(Failure::new("file_too_large", message).hint("Use sed in Bash."));
    }
    let bytes = files::load(target)?;
    let strict = session.setting("edit_guard").as_deref() == Some("strict");
    let stale = guard(session, target, &bytes, strict)?;
    if let kind @ (Kind::Image(_) | Kind::Pdf | Kind::Binary(_)) =
        sniff(&bytes[..bytes.len().min(SNIFF_BYTES)])
    {
        let name = match kind {
            Kind::Image(image) => image.media_type(),
            Kind::Pdf => "PDF document",
            Kind::Binary(name) => name,
            Kind::Text => "text",
        };
        let message =
            format!("Cannot edit binary file {} ({name}, {}).", target.given, text::size(size));
        return Err(Failure::new("binary_file", message));
    }
    Ok((bytes, stale))
}

/// EDIT-R12 and R13. Relaxed, a match against the current content is proof enough.
fn guard(
    session: &dyn Session,
    target: &Target,
    bytes: &[u8],
    strict: bool,
) -> Result<bool, Failure> {
    let seen = session.recall(&target.path);
    let stale = seen.as_ref().is_some_and(|seen| seen.hash != files::hash(bytes));
    match seen {
        _ if !strict || bytes.is_empty() => Ok(stale),
        Some(_) if stale => Err(stale_failure()),
        Some(_) => Ok(false),
        None => Err(not_read()),
    }
}

fn not_read() -> Failure {
    Failure::new("not_read", "File has not been read yet. Read it first before writing to it.")
}

fn stale_failure() -> Failure {
    Failure::new(
        "modified_since_read",
        "File has been modified since read, either by the user or by a linter. Read it again \
         before attempting to write it.",
    )
}

/// EDIT-R13: what does not match in a file that has changed is told as the change.
fn changed(failure: Failure, stale: bool) -> Failure {
    match failure.code {
        "edit_no_occurrence_found" if stale => {
            let mut stale = stale_failure();
            stale.details = failure.details;
            stale.hint = Some(failure.message);
            stale
        }
        _ => failure,
    }
}

fn finish(
    session: &dyn Session,
    target: &Target,
    old: &[u8],
    applied: &[Applied],
    edit: &Replacement,
    stale: bool,
) -> Result<Outcome, Failure> {
    let Some(last) = applied.last() else {
        return Err(Failure::new("invalid_params", "edits is empty."));
    };
    let parents = files::create_parents(target)?;
    let existing = fs::symlink_metadata(&target.path).is_ok().then_some(old);
    files::replace(target, existing, &last.bytes)
        .inspect_err(|_| files::remove_parents(&parents))?;
    session.remember(&target.path, FileState { hash: files::hash(&last.bytes), complete: true });
    let (before, _) = text::shown(old);
    let (after, _) = text::shown(&last.bytes);
    let mut outcome = json!({
        "filePath": target.path,
        "oldString": last.matched,
        "newString": edit.new_string,
        "originalFile": (old.len() <= MAX_ORIGINAL).then_some(&before),
        "structuredPatch": patch::structured(&before, &after),
        "userModified": false,
        "replaceAll": edit.replace_all,
        "staged": false,
        "occurrences": applied.iter().map(|applied| applied.lines.len()).sum::<usize>(),
        "lines": last.lines.iter().take(10).collect::<Vec<_>>(),
        "fallback": last.fallback.name(),
        "staleMerge": stale,
    });
    if edit.old_string.is_empty() && !applied.is_empty() {
        outcome["edits"] = applied.len().into();
        outcome["fallback"] = applied
            .iter()
            .map(|applied| applied.fallback.name())
            .find(|name| *name != "none")
            .unwrap_or("none")
            .into();
    }
    Ok(outcome.into())
}

toolcell_sdk::export_tool!(crate::Edit);

#[cfg(test)]
mod tests;
