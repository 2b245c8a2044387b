//! The language: text in, tree out, and text again.
//!
//! [`parser`] reads commands, [`words`] what they are made of, [`cond`] what stands between `[[`
//! and `]]`; [`print`] writes a tree as `declare -f` shows it.

pub(crate) mod ast;
mod cond;
mod parser;
pub(crate) mod print;
mod words;

pub(crate) use parser::{KEYWORDS, Missing, Options, Parser, SyntaxError, is_reserved};
pub(crate) use words::{ansi_c, assigned_value, is_home_name, is_name};
