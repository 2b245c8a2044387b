//! Gives the program's own stack the size that deep recursion in filters takes, and prepares the
//! library's definitions.
//!
//! jq's library has some 160 definitions in its own language. To read and compile all of them takes
//! ten times as long as everything else that a small filter does, which needs two or three. Here
//! they are written down one by one, each with those that it needs.

#[path = "../src/calls.rs"]
mod calls;
mod source;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use jaq_core::load::parse::Def;

fn main() {
    toolcell_stack::link();
    for path in ["build", "src/calls.rs", "src/prelude.jq"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let prelude = include_str!("../src/prelude.jq");
    let prelude = source::definitions(prelude).expect("the prelude is a list of definitions");
    let libraries = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let definitions: Vec<Def<&str>> = libraries.chain(prelude).collect();
    let called: Vec<Vec<usize>> = definitions.iter().map(|one| named(&definitions, one)).collect();
    let mut table = "const DEFINITIONS: &[Definition] = &[\n".to_owned();
    for (index, definition) in definitions.iter().enumerate() {
        let text = source::of_definition(definition);
        let again = source::definitions(&text).map(|again| format!("{again:?}"));
        let expected = format!("{:?}", [definition]);
        assert_eq!(again, Some(expected), "{} is written as it is read", definition.name);
        let needs = Vec::from_iter(reached(&called, index));
        let line = format!(
            "Definition {{ name: {:?}, text: {text:?}, needs: &{needs:?} }},",
            definition.name
        );
        writeln!(table, "    {line}").expect("a String takes everything");
    }
    table.push_str("];\n");
    let out = env::var_os("OUT_DIR").expect("Cargo says where to write");
    fs::write(Path::new(&out).join("definitions.rs"), table).expect("the table can be written");
}

/// The definitions that have a name which this one calls. A parameter of the same name, or the same
/// name with other parameters, makes them more than are needed, which does no harm.
fn named(definitions: &[Def<&str>], definition: &Def<&str>) -> Vec<usize> {
    let mut names = BTreeSet::new();
    calls::names(&definition.body, &mut names);
    let is_called = |(_, other): &(usize, &Def<&str>)| names.contains(other.name);
    definitions.iter().enumerate().filter(is_called).map(|(index, _)| index).collect()
}

/// Everything that a definition needs, itself included, in order.
fn reached(called: &[Vec<usize>], from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(one) = open.pop() {
        open.extend(called[one].iter().filter(|other| reached.insert(**other)));
    }
    reached
}
