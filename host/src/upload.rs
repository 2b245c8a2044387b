//! The Upload File tool: the agent names files of its own that go to the browser or application
//! that the embedder drives.
//!
//! A path is `downloads/x`, `uploads/x`, `workspace/x`, `shared/x`, or absolute and below one of
//! these; nothing else is handed over.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::cell::{Cell, HOME};
use crate::door::{Door, OpenFile};
use crate::failure::Failure;
use crate::mime;
use crate::path::GuestPath;
use crate::policy::DEFAULT_REGIONS;
use crate::vfs::Mediator;

/// Files that one call may hand over.
pub const MAX_FILES_PER_UPLOAD: usize = 100;

/// A file that the agent hands over.
#[derive(Debug)]
pub struct OutgoingFile {
    /// Its last name.
    pub name: String,
    /// Its guest path.
    pub path: String,
    /// The type that its name suggests.
    pub mime_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its content.
    pub content: OpenFile,
}

/// Takes what the agent hands over: the embedder's browser, or whatever stands for it.
#[async_trait]
pub trait FileUploader: std::fmt::Debug + Send + Sync {
    /// Takes one file. The text is for the agent, such as where the file is now.
    ///
    /// # Errors
    /// The reason, in a sentence for the agent.
    async fn upload(&self, file: OutgoingFile) -> Result<String, String>;
}

/// The tool's name.
pub(crate) const NAME: &str = "UploadFile";

pub(crate) const DESCRIPTION: &str = "Uploads files to the web page or application that is being worked with. A path is \
     downloads/NAME, uploads/NAME, workspace/NAME, shared/NAME, or absolute below /home/agent.";

pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "file_paths": {
                "type": "array",
                "items": {"type": "string"},
                "description": "The files, such as downloads/report.pdf"
            }
        },
        "required": ["file_paths"]
    })
}

pub(crate) async fn call(cell: &Cell, mediator: Mediator, input: &Value) -> Result<Value, Failure> {
    let Some(uploader) = cell.options().uploader.clone() else {
        let message = "There is no browser or application to upload to in this session.";
        return Err(Failure::new("no_uploader", message));
    };
    let paths: Vec<&str> =
        input["file_paths"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if paths.is_empty() || paths.len() > MAX_FILES_PER_UPLOAD {
        let message = format!(
            "file_paths names {} files; 1 to {MAX_FILES_PER_UPLOAD} are taken.",
            paths.len()
        );
        return Err(Failure::new("invalid_params", message));
    }
    // All of them are there, or none is handed over.
    let door = Door::new(mediator);
    let files: Vec<OutgoingFile> =
        paths.iter().map(|path| outgoing(&door, path)).collect::<Result<_, _>>()?;
    let mut uploaded = Vec::new();
    for file in files {
        let (name, path, size) = (file.name.clone(), file.path.clone(), file.size);
        let mime_type = file.mime_type.clone();
        let message = uploader.upload(file).await.map_err(|reason| {
            let done = uploaded.len();
            let message = format!("{path} was not uploaded: {reason} ({done} before it were.)");
            Failure::new("upload_refused", message)
        })?;
        uploaded.push(json!({
            "name": name, "path": path, "size": size, "mimeType": mime_type, "message": message,
        }));
    }
    Ok(json!({ "files": uploaded }))
}

fn outgoing(door: &Door, given: &str) -> Result<OutgoingFile, Failure> {
    let path = resolve(given).ok_or_else(|| {
        let message = format!(
            "{given} cannot be uploaded: only files in downloads/, uploads/, workspace/ and \
             shared/ can."
        );
        Failure::new("path_not_allowed", message)
    })?;
    // Where a link leads must lie inside too.
    let real = door.mediator().canonical(&path).unwrap_or_else(|_| path.clone());
    let missing = || Failure::new("not_found", format!("There is no file {given}."));
    if resolve(real.as_str()).is_none() {
        return Err(missing());
    }
    let content = door.open(path.as_str()).map_err(|_| missing())?;
    Ok(OutgoingFile {
        name: path.name().unwrap_or_default().to_owned(),
        mime_type: mime::of(path.as_str()).to_owned(),
        path: path.as_str().to_owned(),
        size: content.look().size,
        content,
    })
}

/// The absolute path of what the agent named, if it lies in a region.
fn resolve(given: &str) -> Option<GuestPath> {
    let home = GuestPath::parse(&GuestPath::root(), HOME).ok()?;
    let path = GuestPath::parse(&home, given).ok()?;
    let inside = DEFAULT_REGIONS.iter().any(|region| {
        path.as_str().strip_prefix(region.mount).is_some_and(|rest| rest.starts_with('/'))
    });
    inside.then_some(path)
}

/// Keeps nothing: for tests and loops that only want the activity.
#[derive(Debug, Default)]
pub struct Discard;

#[async_trait]
impl FileUploader for Discard {
    async fn upload(&self, file: OutgoingFile) -> Result<String, String> {
        Ok(format!("{} was handed over.", file.name))
    }
}

/// How the cell's options hold one.
pub(crate) type Uploader = Arc<dyn FileUploader>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_regions_are_handed_over() {
        for (given, expected) in [
            ("downloads/x.pdf", Some("/home/agent/downloads/x.pdf")),
            ("shared/a/b", Some("/home/agent/shared/a/b")),
            ("/home/agent/uploads/x", Some("/home/agent/uploads/x")),
            ("./workspace/../uploads/x", Some("/home/agent/uploads/x")),
            ("downloads", None),
            ("downloads/", None),
            ("x.pdf", None),
            ("downloads/../x", None),
            ("/etc/passwd", None),
            ("../../etc/passwd", None),
            ("/home/agent/downloadsx/y", None),
            ("", None),
            ("a\0b", None),
        ] {
            let path = resolve(given);
            assert_eq!(path.as_ref().map(GuestPath::as_str), expected, "{given:?}");
        }
    }
}
