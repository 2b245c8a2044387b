//! The library's definitions, as many as a filter needs.

use std::collections::BTreeSet;

use jaq_core::load;
use jaq_core::load::parse::{Def, Term};

use crate::calls;

/// A definition that build/main.rs has taken apart from the others.
struct Definition {
    name: &'static str,
    text: &'static str,
    /// Those that it needs, itself included, as places in the table.
    needs: &'static [usize],
}

include!(concat!(env!("OUT_DIR"), "/definitions.rs"));

/// The definitions that a filter calls and those that they call, in the order of the library.
pub(crate) fn needed(filter: &Term<&str>) -> Vec<Def<&'static str>> {
    let mut names = BTreeSet::new();
    calls::names(filter, &mut names);
    let called = DEFINITIONS.iter().filter(|definition| names.contains(definition.name));
    let needed: BTreeSet<usize> = called.flat_map(|called| called.needs).copied().collect();
    let read = |index: usize| load::parse(DEFINITIONS[index].text, |parser| parser.defs());
    // Each was read when it was written.
    needed.into_iter().filter_map(read).flatten().collect()
}
