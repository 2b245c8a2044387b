//! A directory as a zip archive, made while it is sent.

use std::io::{self, Write};

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::sync::mpsc;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::error::{Answer, ApiError, Style};
use crate::door::{Door, join};
use crate::environment::ENVIRONMENT_MOUNT;
use crate::vfs::{Fault, FileType};

/// Entries that an archive has.
const MAX_ENTRIES: usize = 100_000;

/// Levels of directories that it goes down.
const MAX_DEPTH: usize = 64;

/// Pieces that wait to be sent.
const WAITING: usize = 8;

/// Bytes of a piece.
const PIECE: usize = 64 << 10;

/// Answers with what is below `path`.
pub(super) fn answer(door: Door, path: &str) -> Answer {
    let root = join(ENVIRONMENT_MOUNT, path);
    let entries = door.walk(&root, MAX_DEPTH, MAX_ENTRIES).map_err(|fault| {
        ApiError::fault(Style::Files, &fault, path, axum::http::StatusCode::INSUFFICIENT_STORAGE)
    })?;
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(WAITING);
    let failed = sender.clone();
    tokio::task::spawn_blocking(move || {
        let mut pipe = Pipe { sender, buffer: Vec::new() };
        let written = write(&mut pipe, &door, &root, &entries).and_then(|()| pipe.flush());
        if let Err(error) = written {
            // The archive breaks off: a whole one would be taken for all there is.
            let _ = failed.blocking_send(Err(error));
        }
    });
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    let name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("workspace");
    let name: String =
        name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect();
    let mut response: Response = Body::from_stream(pieces).into_response();
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/zip"));
    if let Ok(value) = format!("attachment; filename=\"{name}.zip\"").parse() {
        head.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn write(
    pipe: &mut Pipe,
    door: &Door,
    root: &str,
    entries: &[(String, crate::vfs::FileLook)],
) -> io::Result<()> {
    let mut archive: ZipWriter<StreamWriter<&mut Pipe>> = ZipWriter::new_stream(pipe);
    for (path, look) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(look.mode & 0o777)
            .large_file(look.size >= u64::from(u32::MAX));
        match look.kind {
            FileType::Directory => archive.add_directory(path.as_str(), options)?,
            FileType::RegularFile => {
                let file = match door.open(&join(root, path)) {
                    // Removed meanwhile.
                    Err(Fault::Os(_)) => continue,
                    file => file.map_err(io::Error::other)?,
                };
                archive.start_file(path.as_str(), options)?;
                file.each(|piece| archive.write_all(piece).map_err(Failed))
                    .map_err(|Failed(error)| error)?;
            }
            _ => {}
        }
    }
    archive.finish()?;
    Ok(())
}

struct Failed(io::Error);

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Failed {
        Failed(io::Error::other(fault))
    }
}

/// What the archive is written to, and the body is read from.
struct Pipe {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Pipe {
    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pipe {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(data);
        if self.buffer.len() >= PIECE {
            self.send()?;
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() { Ok(()) } else { self.send() }
    }
}
