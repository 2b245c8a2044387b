//! The uutils coreutils as one program, which acts by the name it is called by.

#[cfg(target_os = "wasi")]
mod cell;
#[cfg(target_os = "wasi")]
mod sort;
#[cfg(target_os = "wasi")]
mod usage;

#[cfg(target_os = "wasi")]
fn main() {
    cell::main();
}

/// Outside of a cell, the machine's own are there.
#[cfg(not(target_os = "wasi"))]
fn main() {
    std::process::exit(126);
}
