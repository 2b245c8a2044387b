//! The Read tool: text by pages, images, notebooks, PDF by delegation; anything else is named and
//! refused.
//!
//! What a file is, its bytes decide ([`toolcell_sdk::sniff`]), not its name. Rules READ-R1 to
//! READ-R23 of the tool semantics; the rendering (line numbers, notices) is the host's.

mod notebook;
mod page;
mod picture;

use std::fs::File;
use std::io::Read as _;

use serde::Deserialize;
use serde_json::{Value, json};
use toolcell_sdk::describe::{Description, describe};
use toolcell_sdk::files::{self, Target};
use toolcell_sdk::sniff::{Kind, SNIFF_BYTES, sniff};
use toolcell_sdk::{Failure, Outcome, Session, Tool, text};

/// The component's tool.
#[derive(Debug)]
pub struct Read;

#[derive(Debug, Deserialize)]
struct Input {
    file_path: String,
    offset: Option<u64>,
    limit: Option<u64>,
    pages: Option<String>,
    #[serde(default)]
    allow_large: bool,
}

impl Tool for Read {
    fn describe() -> Value {
        describe([Description::new("Read", DESCRIPTION)
            .read_only()
            .required(
                "file_path",
                json!({ "type": "string", "description": "The absolute path of the file to read" }),
            )
            .optional(
                "offset",
                json!({ "type": "integer", "minimum": 0, "description":
                    "The line number to start reading from. Only provide it if the file is too large to read at once" }),
            )
            .optional(
                "limit",
                json!({ "type": "integer", "minimum": 1, "description":
                    "The number of lines to read. Only provide it if the file is too large to read at once" }),
            )
            .optional(
                "pages",
                json!({ "type": "string", "description":
                    "Page range for PDF files, such as \"1-5\"" }),
            )
            .optional(
                "page_images",
                json!({ "type": "boolean", "description":
                    "PDF files only: show the pages as images instead of their text" }),
            )
            .optional(
                "allow_large",
                json!({ "type": "boolean", "description":
                    "Read past the usual size limits, up to what still fits the context" }),
            )
            .alias("filePath", "file_path")
            .alias("path", "file_path")])
    }

    fn call(session: &dyn Session, _: &str, input: Value) -> Result<Outcome, Failure> {
        let input: Input = serde_json::from_value(input)
            .map_err(|error| Failure::new("invalid_params", error.to_string()))?;
        let target = files::resolve(session, &input.file_path)?;
        let size = files::regular(session, &target)?.size;
        // Nearly every file is small: read it once, and decide by what was read.
        let whole = match size <= page::WHOLE_BYTES {
            true => Some(files::load(&target)?),
            false => None,
        };
        let kind = match &whole {
            Some(bytes) => sniff(&bytes[..bytes.len().min(SNIFF_BYTES)]),
            None => sniff(&head(&target)?),
        };
        if input.pages.is_some() && kind != Kind::Pdf {
            let message = format!(
                "pages is for PDF files only, and {} is not one; leave it out.",
                target.given
            );
            return Err(Failure::new("invalid_params", message));
        }
        match kind {
            Kind::Image(kind) => picture::read(session, &target, kind, size, whole),
            // A component of its own reads these; the host calls it with the same input.
            Kind::Pdf => Ok(json!({ "delegate": "ReadPdf" }).into()),
            Kind::Binary(name) => Err(binary(&target, name, size)),
            Kind::Text if target.path.ends_with(".ipynb") => {
                notebook::read(session, &target, size, whole)
            }
            Kind::Text => {
                let range = page::Range {
                    offset: input.offset,
                    limit: input.limit,
                    large: input.allow_large,
                };
                page::read(session, &target, size, whole, range)
            }
        }
    }
}

const DESCRIPTION: &str = "Reads a file. The file_path must be an absolute path. By default the \
first 2000 lines are read; offset and limit select others of a long file. Lines longer than 2000 \
characters are cut. The text comes with line numbers, as a number and a tab before each line, \
which are not part of the file. Images (PNG, JPEG, GIF, WebP) are shown as such; Jupyter \
notebooks come with all cells and their outputs. PDF documents come as text by page; of more than \
10 pages, say which with pages, at most 20 at a time. Directories cannot be read; list them with \
Glob or ls.";

fn head(target: &Target) -> Result<Vec<u8>, Failure> {
    let error = |error| Failure::io("read", &target.given, &error);
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    let file = File::open(&target.path).map_err(error)?;
    file.take(SNIFF_BYTES as u64).read_to_end(&mut head).map_err(error)?;
    Ok(head)
}

fn binary(target: &Target, kind: &str, size: u64) -> Failure {
    let message =
        format!("Cannot read binary file {} ({kind}, {}).", target.given, text::size(size));
    Failure::new("binary_file", message)
        .details(json!({ "path": target.given, "type": kind, "size": size }))
}

toolcell_sdk::export_tool!(crate::Read);

#[cfg(test)]
mod tests;
