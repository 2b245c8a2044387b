//! The component around a [`Tool`]: bindings, and the session as the host offers it.

#[allow(
    missing_docs,
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    unreachable_pub,
    reason = "generated from the WIT files"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "toolcell:tool/guest",
        pub_export_macro: true,
        export_macro_name: "export",
    });
}

pub use bindings::export;
pub use bindings::exports::toolcell::tool::tool::{Failure, Guest, Image, Outcome};
use bindings::toolcell::tool::{helpers, session as host};

use crate::helpers::Helpers;
use crate::{FileState, PathError, Session, Tool};

struct HostSession;

impl Session for HostSession {
    fn cwd(&self) -> String {
        host::cwd()
    }

    fn canonical(&self, path: &str) -> Result<String, PathError> {
        host::canonical(path).map_err(|error| match error {
            host::PathError::NotFound => PathError::NotFound,
            host::PathError::NotDirectory => PathError::NotDirectory,
            host::PathError::Loop => PathError::Loop,
            host::PathError::Outside => PathError::Outside,
            host::PathError::Io => PathError::Io,
        })
    }

    fn recall(&self, path: &str) -> Option<FileState> {
        host::recall(path).map(|state| FileState { hash: state.hash, complete: state.complete })
    }

    fn remember(&self, path: &str, state: FileState) {
        let FileState { hash, complete } = state;
        host::remember(path, &host::FileState { hash, complete });
    }

    fn lock(&self, path: &str) -> Box<dyn std::any::Any> {
        Box::new(host::lock(path))
    }

    fn setting(&self, name: &str) -> Option<String> {
        host::setting(name)
    }

    fn remaining_ms(&self) -> u64 {
        host::remaining_ms()
    }

    fn helpers(&self) -> Option<&dyn Helpers> {
        Some(&HostHelpers)
    }
}

struct HostHelpers;

impl Helpers for HostHelpers {
    fn start(&self, name: &str, input: &str) -> u32 {
        helpers::start(name, input)
    }

    fn offer(&self, piece: &str) -> bool {
        helpers::offer(piece)
    }

    fn take(&self) -> Option<String> {
        helpers::take()
    }

    fn close(&self) {
        helpers::close();
    }

    fn finish(&self) -> Vec<String> {
        helpers::finish()
    }
}

/// Runs one call of `T`.
///
/// # Errors
/// The tool's own failure, or that the input is not JSON, which the host never sends.
pub fn call<T: Tool>(name: &str, input: &str) -> Result<Outcome, Failure> {
    let result = serde_json::from_str(input)
        .map_err(|error| crate::Failure::new("invalid_params", error.to_string()))
        .and_then(|input| T::call(&HostSession, name, input));
    match result {
        Ok(outcome) => Ok(Outcome {
            structured: outcome.structured.to_string(),
            images: outcome
                .images
                .into_iter()
                .map(|image| Image { media_type: image.media_type, data: image.data })
                .collect(),
        }),
        Err(failure) => Err(Failure {
            code: failure.code.to_owned(),
            message: failure.message,
            hint: failure.hint,
            details: failure.details.map(|details| details.to_string()),
        }),
    }
}
