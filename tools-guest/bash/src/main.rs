//! The shell as a program of a cell.

#[cfg(target_os = "wasi")]
mod cell;
#[cfg(target_os = "wasi")]
mod programs;

#[cfg(target_os = "wasi")]
fn main() {
    cell::main();
}

/// Outside of a cell there is no host to ask; `toolcell-shell-native` is the shell there.
#[cfg(not(target_os = "wasi"))]
fn main() {
    std::process::exit(126);
}
