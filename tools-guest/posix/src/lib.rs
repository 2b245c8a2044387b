//! Regular expressions as POSIX has them, on the engine of the `regex` crate.
//!
//! 1. [`translate`] writes an expression of POSIX in that crate's syntax.
//! 2. [`Regex`] takes the longest of the matches that begin first, and not the first alternative.

mod longest;
mod syntax;

pub use longest::{Longest, Meaning, Regex, Text, with_bytes};
pub use syntax::{Syntax, ascii_class, class, escape, has_references, translate};
