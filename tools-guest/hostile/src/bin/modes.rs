//! Permission bits: through links that lead out, of a region that may be read-only, of nodes that
//! are not the guest's, and bits that nobody should get.
//!
//! Exercises: set_mode

use std::io;

use toolcell_hostile::*;
use toolcell_program::files::{look, set_mode};

fn refused(attempt: &str, result: io::Result<()>) {
    match result {
        Err(error) => println!("refused {attempt}: {error}"),
        Ok(()) => escaped(attempt),
    }
}

fn main() {
    for path in [
        "/home/agent/workspace/secret-link",
        "/home/agent/workspace/outside-dir/secret.txt",
        "/home/agent/workspace/up-link/secret.txt",
        "/home/agent/workspace/../../../../../etc/shadow",
        "/home/agent/workspace/pipe",
        "/home/agent/workspace/socket",
        "/home/agent/workspace",
        "/home/agent/workspace/.",
        "/home/agent/workspace/own.txt/",
        "/home/agent/workspace/none",
        "/bin/ls",
        "/dev/null",
        "/",
    ] {
        refused(path, set_mode(path, 0o777));
    }
    let own = "/home/agent/workspace/own.txt";
    for asked in [0o7777, 0o000, 0o022] {
        if set_mode(own, asked).is_ok() {
            match look(own, false) {
                Ok(details) if details.mode & 0o7022 == 0 && details.mode & 0o600 == 0o600 => {}
                other => escaped(&format!("{asked:o} became {other:?}")),
            }
        }
    }
    // Where the region is read-only, the host compares what was with what is.
    let kept = "/home/agent/shared/kept.txt";
    let before = look(kept, false).map(|details| details.mode).unwrap_or(0o644);
    if set_mode(kept, 0o755).is_ok() && set_mode(kept, before).is_err() {
        escaped("a mode that cannot be set back");
    }
}
