//! Jupyter notebooks: every cell with its outputs, under the id that NotebookEdit takes.

use serde_json::{Value, json};
use toolcell_sdk::files::{self, Target};
use toolcell_sdk::{Failure, FileState, Image, Outcome, Session, text};

use crate::picture;

/// READ-R16.
const MAX_BYTES: u64 = 100 << 20;

/// Characters of one output that are shown. Training logs run to megabytes.
const MAX_OUTPUT_CHARS: usize = 10_000;

/// Images shown of one notebook.
const MAX_IMAGES: usize = 20;

pub(crate) fn read(
    session: &dyn Session,
    target: &Target,
    size: u64,
    whole: Option<Vec<u8>>,
) -> Result<Outcome, Failure> {
    if size > MAX_BYTES {
        let message = format!(
            "{} is a notebook of {}; at most {} can be read.",
            target.given,
            text::size(size),
            text::size(MAX_BYTES)
        );
        return Err(Failure::new("file_too_large", message)
            .hint("Take the cells you need out of it in the shell, for instance with jq."));
    }
    let bytes = whole.map_or_else(|| files::load(target), Ok)?;
    let damaged = |reason: &str| {
        let message = format!("{} is not a readable notebook: {reason}.", target.given);
        Failure::new("bad_notebook", message)
    };
    let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let notebook: Value =
        serde_json::from_slice(body).map_err(|error| damaged(&error.to_string()))?;
    let cells = notebook["cells"].as_array().ok_or_else(|| damaged("it has no cells"))?;
    let language = notebook["metadata"]["language_info"]["name"].as_str().unwrap_or("python");
    let mut images = Vec::new();
    let cells: Vec<Value> = cells
        .iter()
        .enumerate()
        .map(|(index, cell)| show_cell(index, cell, language, &mut images))
        .collect();
    session.remember(&target.path, FileState { hash: files::hash(&bytes), complete: true });
    let structured =
        json!({ "type": "notebook", "file": { "filePath": target.path, "cells": cells } });
    Ok(Outcome { structured, images })
}

fn show_cell(index: usize, cell: &Value, language: &str, images: &mut Vec<Image>) -> Value {
    let id = cell["id"].as_str().map_or_else(|| format!("cell-{index}"), str::to_owned);
    let outputs = cell["outputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let outputs: Vec<Value> = outputs.iter().map(|output| show_output(output, images)).collect();
    json!({
        "id": id,
        "cellType": cell["cell_type"],
        "language": language,
        "source": joined(&cell["source"]),
        "executionCount": cell["execution_count"],
        "outputs": outputs,
    })
}

fn show_output(output: &Value, images: &mut Vec<Image>) -> Value {
    let kind = output["output_type"].as_str().unwrap_or("unknown");
    let data = &output["data"];
    let mut text = match kind {
        "stream" => joined(&output["text"]),
        "error" => {
            let name = output["ename"].as_str().unwrap_or("Error");
            let value = output["evalue"].as_str().unwrap_or_default();
            format!("{name}: {value}")
        }
        _ => joined(&data["text/plain"]),
    };
    for media_type in ["image/png", "image/jpeg", "image/gif", "image/webp"] {
        if data[media_type].is_null() {
            continue;
        }
        let image = picture::from_base64(media_type, &joined(&data[media_type]));
        match image {
            Some(image) if images.len() < MAX_IMAGES => {
                images.push(image);
                text.push_str(&format!("\n[image {} below: {media_type}]", images.len()));
            }
            Some(_) => text.push_str(&format!("\n[{media_type} left out: over {MAX_IMAGES}]")),
            None => text.push_str(&format!("\n[{media_type} left out: it cannot be decoded]")),
        }
    }
    let length = text.chars().count();
    if length > MAX_OUTPUT_CHARS {
        let cut: String = text.chars().take(MAX_OUTPUT_CHARS).collect();
        text =
            format!("{cut}… [output truncated: {MAX_OUTPUT_CHARS} of {length} characters shown]");
    }
    json!({ "type": kind, "text": text.trim_start_matches('\n') })
}

/// A source or text: one string, or a list of lines.
fn joined(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}
