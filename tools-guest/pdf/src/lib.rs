//! What Read does with a PDF document: its text by page, and pictures of its pages when asked.
//! Rule READ-R15.
//!
//! It is a component of its own, called by Read's delegation, so that a Read of anything else
//! does not carry fonts and a renderer. What it parses is anybody's file: a document that makes
//! the renderer fail ends this instance and nothing else.

mod layout;
mod pages;
mod render;

use hayro::hayro_syntax::{LoadPdfError, Pdf};
use serde::Deserialize;
use serde_json::{Value, json};
use toolcell_sdk::describe::{Description, describe};
use toolcell_sdk::files::{self, Target};
use toolcell_sdk::{Failure, FileState, Outcome, Session, Tool, text};

/// The component's tool.
#[derive(Debug)]
pub struct ReadPdf;

/// Pages read without being asked for by number.
const MAX_UNASKED: usize = 10;

/// Pages of one call.
pub(crate) const MAX_PAGES: usize = 20;

/// Size of a document.
const MAX_BYTES: u64 = 20 << 20;

/// Tokens of one answer.
const MAX_TOKENS: usize = 25_000;

#[derive(Debug, Deserialize)]
struct Input {
    file_path: String,
    pages: Option<String>,
    #[serde(default)]
    page_images: bool,
}

impl Tool for ReadPdf {
    fn describe() -> Value {
        describe([Description::new("ReadPdf", "Reads a PDF document. Used by Read.")
            .read_only()
            .unadvertised()
            .required("file_path", json!({ "type": "string" }))
            .optional("pages", json!({ "type": "string" }))
            .optional("page_images", json!({ "type": "boolean" }))
            // Read hands its whole input on.
            .optional("offset", json!({ "type": "integer" }))
            .optional("limit", json!({ "type": "integer" }))
            .optional("allow_large", json!({ "type": "boolean" }))])
    }

    fn call(session: &dyn Session, _: &str, input: Value) -> Result<Outcome, Failure> {
        let input: Input = serde_json::from_value(input)
            .map_err(|error| Failure::new("invalid_params", error.to_string()))?;
        let target = files::resolve(session, &input.file_path)?;
        let size = files::regular(session, &target)?.size;
        if size > MAX_BYTES {
            let (size, most) = (text::size(size), text::size(MAX_BYTES));
            let reason = format!("it is {size}, and at most {most} can be read");
            return Err(unreadable(&target, "file_too_large", &reason));
        }
        let bytes = files::load(&target)?;
        let hash = files::hash(&bytes);
        let pdf = Pdf::new(bytes).map_err(|error| match error {
            LoadPdfError::Decryption(_) => unreadable(&target, "bad_pdf", "it is encrypted"),
            LoadPdfError::Invalid => unreadable(&target, "bad_pdf", "it is damaged"),
        })?;
        let total = pdf.pages().len();
        let chosen = pages::choose(input.pages.as_deref(), total, &target)?;
        let mut outcome = match input.page_images {
            true => pictures(&pdf, &chosen, &target)?,
            false => texts(&pdf, &chosen),
        };
        let file = &mut outcome.structured["file"];
        file["filePath"] = target.path.as_str().into();
        file["originalSize"] = size.into();
        file["totalPages"] = total.into();
        let complete = chosen.len() == total;
        session.remember(&target.path, FileState { hash, complete });
        Ok(outcome)
    }
}

fn unreadable(target: &Target, code: &'static str, reason: &str) -> Failure {
    let message = format!("Cannot read PDF {}: {reason}.", target.given);
    Failure::new(code, message).hint("Where it is installed, pdftotext may still get its text.")
}

/// The text of pages, in order, up to the budget.
fn texts(pdf: &Pdf, chosen: &[usize]) -> Outcome {
    let mut left = MAX_TOKENS * 4;
    let mut shown = Vec::new();
    let mut cut = None;
    for number in chosen {
        let Some(page) = pdf.pages().get(number - 1) else { continue };
        let text = layout::text_of(page);
        if text.len() > left {
            cut = Some(*number);
            let end = text.floor_char_boundary(left);
            shown.push(json!({ "page": number, "text": text[..end] }));
            break;
        }
        left -= text.len();
        shown.push(json!({ "page": number, "text": text }));
    }
    json!({ "type": "pdf", "file": { "pages": shown, "cutInPage": cut } }).into()
}

fn pictures(pdf: &Pdf, chosen: &[usize], target: &Target) -> Result<Outcome, Failure> {
    let mut images = Vec::new();
    for number in chosen {
        let Some(page) = pdf.pages().get(number - 1) else { continue };
        let image = render::picture_of(page).ok_or_else(|| {
            unreadable(target, "bad_pdf", &format!("page {number} cannot be rendered"))
        })?;
        images.push(image);
    }
    let structured = json!({
        "type": "parts",
        "file": { "count": images.len() },
        "firstPage": chosen.first(),
    });
    Ok(Outcome { structured, images })
}

toolcell_sdk::export_tool!(crate::ReadPdf);

#[cfg(test)]
mod tests;
