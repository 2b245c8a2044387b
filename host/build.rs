//! Tells the host which release of the engine it is linked with, so that compiled code from
//! another patch release is never loaded: by default the engine compares major versions only.

#![allow(clippy::disallowed_methods, reason = "a build script works by paths")]
fn main() {
    println!("cargo::rerun-if-changed=../Cargo.lock");
    println!("cargo::rerun-if-changed=build.rs");
    let lock = std::fs::read_to_string("../Cargo.lock").expect("the workspace has a lock file");
    let version = lock
        .split("[[package]]")
        .find(|package| package.contains("name = \"wasmtime\"\n"))
        .and_then(|package| package.split("version = \"").nth(1)?.split('"').next())
        .expect("the lock file names wasmtime's version");
    println!("cargo::rustc-env=TOOLCELL_ENGINE_VERSION={version}");
}
