//! Gives the program's own stack the size that deep recursion in filters takes.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "wasi") {
        println!("cargo::rustc-link-arg-bins=-zstack-size={}", toolcell_stack::LINKED);
    }
}
