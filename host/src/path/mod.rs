//! Guest text to guest path: what a path may be before anybody asks what it may do.
//!
//! Two validated forms come out of here. A [`GuestPath`] is an absolute name in the guest's
//! namespace; it labels things and is never handed to the operating system. A [`Component`] is a
//! single name; it is the only form in which a name operation reaches the operating system.
//! This module knows nothing of regions, files or policy.

mod component;
mod guest;

pub use component::{Component, escape, unescape};
pub use guest::{GuestPath, Parts};

/// Longest path a guest may pass, in bytes. Longer ones would make each resolution an allocation
/// of the guest's choosing; Linux refuses them at the same length.
pub const MAX_PATH_BYTES: usize = 4096;

/// Longest single name, in bytes, as on every common file system.
pub const MAX_NAME_BYTES: usize = 255;

/// Why a text is not a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing there.
    #[error("the path is empty")]
    Empty,
    /// A NUL byte, which would end the name early in the operating system.
    #[error("the path contains a NUL byte; remove it")]
    Nul,
    /// Over [`MAX_PATH_BYTES`] or [`MAX_NAME_BYTES`].
    #[error("the path or one of its names is too long")]
    TooLong,
    /// `.` or `..` where a name is needed.
    #[error("the path does not end in a name")]
    NoName,
}
