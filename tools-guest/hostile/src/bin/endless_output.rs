//! Prints for ever. Ends by the output limit.

use std::io::Write as _;

fn main() {
    let line = [b'y'; 4096];
    let mut out = std::io::stdout().lock();
    while out.write_all(&line).is_ok() {}
}
