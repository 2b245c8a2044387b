//! What every tool guest shares.
//!
//! A tool is a function from a name and validated JSON to an [`Outcome`] or a [`Failure`]; it
//! reaches files through `std::fs` and everything else through [`Session`]. So its rules are
//! tested natively, against a temporary directory and a [`MemorySession`], and the component is
//! the same code behind the macro [`export_tool!`].

pub mod describe;
pub mod failure;
pub mod files;
pub mod helpers;
pub mod patch;
pub mod session;
pub mod sniff;
pub mod text;
pub mod walk;

pub use failure::Failure;
pub use session::{FileState, MemorySession, PathError, Session};

/// An image for the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Such as `image/png`.
    pub media_type: String,
    /// The encoded image.
    pub data: Vec<u8>,
}

/// What a call found or did.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The structured result; the host renders text from it.
    pub structured: serde_json::Value,
    /// Images beside the text.
    pub images: Vec<Image>,
}

impl From<serde_json::Value> for Outcome {
    fn from(structured: serde_json::Value) -> Outcome {
        Outcome { structured, images: Vec::new() }
    }
}

/// A tool, or several that share a component.
pub trait Tool {
    /// Names, descriptions and schemas; see [`describe`].
    fn describe() -> serde_json::Value;

    /// Runs one call. `input` satisfies the schema of the tool called `name`.
    ///
    /// # Errors
    /// What the agent can be told.
    fn call(
        session: &dyn Session,
        name: &str,
        input: serde_json::Value,
    ) -> Result<Outcome, Failure>;
}

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod component;

/// Makes the component's exports from a [`Tool`]. Does nothing on other targets.
#[macro_export]
macro_rules! export_tool {
    ($tool:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod exported {
            struct Exported;
            impl $crate::component::Guest for Exported {
                fn describe() -> String {
                    <$tool as $crate::Tool>::describe().to_string()
                }
                fn call(
                    name: String,
                    input: String,
                ) -> Result<$crate::component::Outcome, $crate::component::Failure> {
                    $crate::component::call::<$tool>(&name, &input)
                }
            }
            #[allow(unsafe_code, reason = "generated: the component's entry points")]
            mod entry {
                use super::Exported;
                $crate::component::export!(Exported with_types_in $crate::component::bindings);
            }
        }
    };
}
