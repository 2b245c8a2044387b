//! NotebookEdit: one cell of a notebook, every other byte of the file untouched (NB-R3).

use std::io;

use serde::{Deserialize, Serialize as _};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use toolcell_sdk::describe::Description;
use toolcell_sdk::files;
use toolcell_sdk::{Failure, FileState, Outcome, Session};

/// Cell ids listed when one is unknown.
const MAX_LISTED: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Replace,
    Insert,
    Delete,
}

#[derive(Debug, Deserialize)]
struct Input {
    notebook_path: String,
    cell_id: Option<String>,
    new_source: String,
    cell_type: Option<String>,
    edit_mode: Option<Mode>,
}

/// The cells as they stand in the file.
#[derive(Debug, Deserialize)]
struct Notebook<'a> {
    #[serde(borrow)]
    cells: Vec<&'a RawValue>,
    #[serde(default)]
    metadata: Value,
    nbformat: Option<u64>,
    nbformat_minor: Option<u64>,
}

pub(crate) fn description() -> Description {
    Description::new(
        "NotebookEdit",
        "Replaces, inserts or deletes one cell of a Jupyter notebook. The notebook must have been \
         read first; cell_id is the id that Read shows.",
    )
    .required(
        "notebook_path",
        json!({ "type": "string", "description": "The absolute path of the notebook" }),
    )
    .optional(
        "cell_id",
        json!({ "type": "string", "description":
            "The cell to change. With edit_mode insert, the new cell goes after it, or to the start without it" }),
    )
    .required("new_source", json!({ "type": "string", "description": "The cell's new source" }))
    .optional(
        "cell_type",
        json!({ "type": "string", "enum": ["code", "markdown"], "description":
            "The cell's type; needed for insert" }),
    )
    .optional(
        "edit_mode",
        json!({ "type": "string", "enum": ["replace", "insert", "delete"], "description":
            "What to do (default replace)" }),
    )
    .alias("notebookPath", "notebook_path")
    .alias("file_path", "notebook_path")
}

pub(crate) fn edit(session: &dyn Session, input: Value) -> Result<Outcome, Failure> {
    let input: Input = serde_json::from_value(input)
        .map_err(|error| Failure::new("invalid_params", error.to_string()))?;
    let target = files::resolve(session, &input.notebook_path)?;
    let _lock = session.lock(&target.path);
    if !target.path.ends_with(".ipynb") {
        let message = format!("{} is not a notebook (.ipynb).", target.given);
        return Err(Failure::new("invalid_params", message).hint("Use the Edit tool."));
    }
    files::regular(session, &target)?;
    let bytes = files::load(&target)?;
    match session.recall(&target.path) {
        None => return Err(crate::not_read()),
        Some(seen) if seen.hash != files::hash(&bytes) => return Err(crate::stale_failure()),
        Some(_) => {}
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| damaged(&target.given, "not UTF-8"))?;
    let change = change(text, &input, &target.given)?;
    files::replace(&target, Some(&bytes), change.text.as_bytes())?;
    let hash = files::hash(change.text.as_bytes());
    session.remember(&target.path, FileState { hash, complete: true });
    Ok(json!({
        "new_source": input.new_source,
        "old_source": change.old_source,
        "cell_id": change.cell_id,
        "cell_type": change.cell_type,
        "language": change.language,
        "edit_mode": match input.edit_mode.unwrap_or(Mode::Replace) {
            Mode::Replace => "replace",
            Mode::Insert => "insert",
            Mode::Delete => "delete",
        },
        "notebook_path": target.path,
        "original_file": text,
        "updated_file": change.text,
    })
    .into())
}

fn damaged(path: &str, reason: &str) -> Failure {
    Failure::new("bad_notebook", format!("{path} is not a readable notebook: {reason}."))
}

struct Change {
    text: String,
    old_source: Option<String>,
    cell_id: Option<String>,
    cell_type: String,
    language: String,
}

fn change(text: &str, input: &Input, path: &str) -> Result<Change, Failure> {
    let notebook: Notebook<'_> =
        serde_json::from_str(text).map_err(|error| damaged(path, &error.to_string()))?;
    let language = &notebook.metadata["language_info"]["name"];
    let language = language.as_str().unwrap_or("python").to_owned();
    let index = match &input.cell_id {
        Some(id) => Some(position(&notebook, id)?),
        None => None,
    };
    let mode = input.edit_mode.unwrap_or(Mode::Replace);
    let layout = Layout::of(text, &notebook);
    match (mode, index) {
        (Mode::Replace | Mode::Delete, None) => Err(Failure::new(
            "invalid_params",
            "cell_id is required for edit_mode replace and delete.",
        )),
        (Mode::Insert, after) => {
            let kind = input.cell_type.clone().ok_or_else(|| {
                Failure::new("invalid_params", "cell_type is required for edit_mode insert.")
            })?;
            let has_ids = (notebook.nbformat, notebook.nbformat_minor) >= (Some(4), Some(5));
            let id = has_ids.then(|| fresh_id(text, &input.new_source));
            let cell = new_cell(&kind, &input.new_source, id.as_deref());
            let text = layout.insert(text, &notebook, after, &cell);
            let at = after.map_or(0, |index| index + 1);
            let cell_id = Some(id.unwrap_or_else(|| format!("cell-{at}")));
            Ok(Change { text, old_source: None, cell_id, cell_type: kind, language })
        }
        (mode, Some(index)) => {
            let raw = notebook.cells[index];
            let mut cell: Value = serde_json::from_str(raw.get())
                .map_err(|error| damaged(path, &error.to_string()))?;
            let old_source = Some(joined(&cell["source"]));
            let old_type = cell["cell_type"].as_str().unwrap_or("code").to_owned();
            let kind = input.cell_type.clone().unwrap_or(old_type);
            let text = match mode {
                Mode::Delete => layout.delete(text, &notebook, index),
                Mode::Replace | Mode::Insert => {
                    set_source(&mut cell, &kind, &input.new_source);
                    layout.replace(text, raw, &cell)
                }
            };
            let cell_id = input.cell_id.clone();
            Ok(Change { text, old_source, cell_id, cell_type: kind, language })
        }
    }
}

/// The cell of this id; failing that, `cell-N` by position, for cells that have no id.
fn position(notebook: &Notebook<'_>, wanted: &str) -> Result<usize, Failure> {
    let ids: Vec<Option<String>> = notebook.cells.iter().map(|cell| id_of(cell)).collect();
    if let Some(index) = ids.iter().position(|id| id.as_deref() == Some(wanted)) {
        return Ok(index);
    }
    let numbered = wanted.strip_prefix("cell-").and_then(|number| number.parse::<usize>().ok());
    if let Some(index) = numbered.filter(|index| matches!(ids.get(*index), Some(None))) {
        return Ok(index);
    }
    let known: Vec<String> = ids
        .into_iter()
        .enumerate()
        .take(MAX_LISTED)
        .map(|(index, id)| id.unwrap_or_else(|| format!("cell-{index}")))
        .collect();
    let message = format!("There is no cell {wanted:?}. The cells are: {}.", known.join(", "));
    Err(Failure::new("cell_not_found", message).details(json!({ "cells": known })))
}

fn id_of(cell: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        id: Option<String>,
    }
    serde_json::from_str::<Id>(cell.get()).ok()?.id
}

fn joined(source: &Value) -> String {
    match source {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

fn lines(source: &str) -> Value {
    source.split_inclusive('\n').collect()
}

fn set_source(cell: &mut Value, kind: &str, source: &str) {
    cell["source"] = if cell["source"].is_string() { source.into() } else { lines(source) };
    cell["cell_type"] = kind.into();
    let Some(cell) = cell.as_object_mut() else { return };
    if kind == "code" {
        cell.insert("outputs".to_owned(), json!([]));
        cell.insert("execution_count".to_owned(), Value::Null);
    } else {
        cell.shift_remove("outputs");
        cell.shift_remove("execution_count");
    }
}

fn new_cell(kind: &str, source: &str, id: Option<&str>) -> Value {
    let mut cell = json!({ "cell_type": kind });
    if let Some(id) = id {
        cell["id"] = id.into();
    }
    cell["metadata"] = json!({});
    if kind == "code" {
        cell["execution_count"] = Value::Null;
        cell["outputs"] = json!([]);
    }
    cell["source"] = lines(source);
    cell
}

/// An id that no other cell has: a hash of what the notebook will hold.
fn fresh_id(text: &str, source: &str) -> String {
    files::hash(format!("{source}\0{text}").as_bytes())[..8].to_owned()
}

/// How the file is indented.
struct Layout {
    /// What stands between two cells, after the comma.
    separator: String,
    /// Before each further line of a cell.
    indent: String,
    /// One level; `None` for a file on one line.
    unit: Option<String>,
}

impl Layout {
    fn of(text: &str, notebook: &Notebook<'_>) -> Layout {
        let Some(first) = notebook.cells.first() else {
            return Layout { separator: String::new(), indent: String::new(), unit: None };
        };
        let start = offset(text, first);
        let before = &text[..start];
        let separator = &before[before.trim_end().len()..];
        let indent = separator.rsplit('\n').next().unwrap_or_default().to_owned();
        let inner = first.get().lines().nth(1).unwrap_or_default();
        let inner = &inner[..inner.len() - inner.trim_start().len()];
        let unit = inner.strip_prefix(indent.as_str()).filter(|unit| !unit.is_empty());
        Layout { separator: separator.to_owned(), unit: unit.map(str::to_owned), indent }
    }

    fn render(&self, cell: &Value) -> String {
        let mut bytes = Vec::new();
        let Some(unit) = &self.unit else {
            let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, OneLine);
            return match cell.serialize(&mut serializer) {
                Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(_) => cell.to_string(),
            };
        };
        let formatter = serde_json::ser::PrettyFormatter::with_indent(unit.as_bytes());
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        match cell.serialize(&mut serializer) {
            Ok(()) => {
                let text = String::from_utf8_lossy(&bytes);
                text.replace('\n', &format!("\n{}", self.indent))
            }
            Err(_) => cell.to_string(),
        }
    }

    fn replace(&self, text: &str, raw: &RawValue, cell: &Value) -> String {
        let start = offset(text, raw);
        let end = start + raw.get().len();
        format!("{}{}{}", &text[..start], self.render(cell), &text[end..])
    }

    fn insert(
        &self,
        text: &str,
        notebook: &Notebook<'_>,
        after: Option<usize>,
        cell: &Value,
    ) -> String {
        let rendered = self.render(cell);
        match (after, notebook.cells.first()) {
            (Some(index), _) => {
                let raw = notebook.cells[index];
                let end = offset(text, raw) + raw.get().len();
                format!("{},{}{rendered}{}", &text[..end], self.separator, &text[end..])
            }
            (None, Some(first)) => {
                let start = offset(text, first);
                format!("{}{rendered},{}{}", &text[..start], self.separator, &text[start..])
            }
            (None, None) => {
                // `"cells": []` is the only place without a cell to go by.
                let key = text.find("\"cells\"").unwrap_or(0);
                let at = text[key..].find('[').map_or(text.len(), |at| key + at + 1);
                format!("{}{rendered}{}", &text[..at], &text[at..])
            }
        }
    }

    fn delete(&self, text: &str, notebook: &Notebook<'_>, index: usize) -> String {
        let bounds = |index: usize| {
            let raw: &RawValue = notebook.cells[index];
            let start = offset(text, raw);
            (start, start + raw.get().len())
        };
        let (start, end) = bounds(index);
        let (start, end) = match (index.checked_sub(1), notebook.cells.get(index + 1)) {
            (_, Some(next)) => (start, offset(text, next)),
            (Some(before), None) => (bounds(before).1, end),
            (None, None) => (start, end),
        };
        format!("{}{}", &text[..start], &text[end..])
    }
}

/// JSON on one line as Python writes it, which is what writes notebooks.
struct OneLine;

impl serde_json::ser::Formatter for OneLine {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }
}

/// Where a raw value lies in the text that it was parsed from.
fn offset(text: &str, raw: &RawValue) -> usize {
    raw.get().as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTEBOOK: &str = "{\n \"cells\": [\n  {\n   \"cell_type\": \"code\",\n   \"execution_count\": 3,\n   \"id\": \"a1\",\n   \"metadata\": {},\n   \"outputs\": [{\"x\": 1e-05}],\n   \"source\": [\n    \"x = 1\\n\",\n    \"y\"\n   ]\n  },\n  {\n   \"cell_type\": \"markdown\",\n   \"metadata\": {\"k\": \"\\u00e9\"},\n   \"source\": \"# T\"\n  }\n ],\n \"metadata\": {},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}\n";

    fn input(id: Option<&str>, source: &str, kind: Option<&str>, mode: Mode) -> Input {
        Input {
            notebook_path: String::new(),
            cell_id: id.map(str::to_owned),
            new_source: source.to_owned(),
            cell_type: kind.map(str::to_owned),
            edit_mode: Some(mode),
        }
    }

    #[test]
    fn nb_r3_only_the_cell_changes() {
        let change = change(NOTEBOOK, &input(Some("a1"), "z\n", None, Mode::Replace), "n").unwrap();
        assert_eq!(change.old_source.as_deref(), Some("x = 1\ny"));
        let expected = NOTEBOOK
            .replace("\"execution_count\": 3", "\"execution_count\": null")
            .replace("[{\"x\": 1e-05}]", "[]")
            .replace("\n    \"x = 1\\n\",\n    \"y\"\n   ]", "\n    \"z\\n\"\n   ]");
        assert_eq!(change.text, expected);
    }

    #[test]
    fn nb_r2_positions_are_for_cells_without_id() {
        let markdown = input(Some("cell-1"), "# U", None, Mode::Replace);
        let replaced = change(NOTEBOOK, &markdown, "n").unwrap().text;
        assert!(replaced.contains("\"source\": \"# U\""), "{replaced}");
        let unknown = input(Some("cell-0"), "", None, Mode::Replace);
        let failure = change(NOTEBOOK, &unknown, "n").err().unwrap();
        assert_eq!(failure.code, "cell_not_found");
        assert!(failure.message.ends_with("a1, cell-1."), "{}", failure.message);
    }

    #[test]
    fn inserting_and_deleting_keep_valid_json() {
        for after in [None, Some("a1"), Some("cell-1")] {
            let inserted = input(after, "new", Some("markdown"), Mode::Insert);
            let inserted = change(NOTEBOOK, &inserted, "n").unwrap();
            let value: Value = serde_json::from_str(&inserted.text).unwrap();
            assert_eq!(value["cells"].as_array().unwrap().len(), 3, "{}", inserted.text);
            // Taking it away again gives the file back to the byte.
            let id = inserted.cell_id.as_deref();
            let deleted = change(&inserted.text, &input(id, "", None, Mode::Delete), "n").unwrap();
            assert_eq!(deleted.text, NOTEBOOK);
        }
    }
}
