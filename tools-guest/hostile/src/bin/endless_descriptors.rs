//! Opens a file again and again, and does not take no for an answer. Ends by the limit of
//! descriptors.

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    drop(create(&at, "one"));
    let mut kept = Vec::new();
    loop {
        kept.push(open(&at, "one").expect("a descriptor"));
    }
}
