//! How results read to one family of agents: pure functions from data to text.
//!
//! [`cc`] is the default. It reproduces the texts that models trained on the common file tools
//! know, byte for byte where those are public.

mod cc;

pub use cc::{failure, reminder, text};
