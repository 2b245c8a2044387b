//! jq as a program of a cell, on the jaq libraries.

#[cfg(target_os = "wasi")]
mod filter;
#[cfg(target_os = "wasi")]
mod options;

/// Rust 1.95's library turns every exit status but 0 into 1; the C library's own way out is given
/// the status here.
#[cfg(target_os = "wasi")]
#[allow(unsafe_code, reason = "the C library looks it up by this name")]
#[unsafe(no_mangle)]
extern "C" fn _Exit(code: i32) -> ! {
    wasip2::cli::exit::exit_with_code((code & 0xFF) as u8);
    unreachable!("the host ends the process")
}

#[cfg(target_os = "wasi")]
fn main() {
    if let Some(cwd) = std::env::var_os("PWD") {
        // A directory that is gone is told of by whatever looks at it.
        let _ = std::env::set_current_dir(cwd);
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    let status = match options::parse(words) {
        Ok(options) => filter::run(options),
        Err(error) => {
            eprintln!(
                "jq: error: {error}\nUse jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://jqlang.github.io/jq"
            );
            2
        }
    };
    std::process::exit(status);
}

/// Outside of a cell, the machine's own is there.
#[cfg(not(target_os = "wasi"))]
fn main() {
    std::process::exit(126);
}
