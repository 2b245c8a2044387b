//! Gives the shell's own stack the size that deep recursion in scripts takes.

/// Bytes: what the shell lets scripts use of it, and some for what they run last. Of a stack that
/// is not touched nothing is held.
const STACK: usize = 6 << 20;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "wasi") {
        println!("cargo::rustc-link-arg-bins=-zstack-size={STACK}");
    }
}
