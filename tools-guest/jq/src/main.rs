//! jq as a program of a cell, on the jaq libraries.

#[cfg(target_os = "wasi")]
mod calls;
#[cfg(target_os = "wasi")]
mod compile;
#[cfg(target_os = "wasi")]
mod definitions;
#[cfg(target_os = "wasi")]
mod input;
#[cfg(target_os = "wasi")]
mod message;
#[cfg(target_os = "wasi")]
mod number;
#[cfg(target_os = "wasi")]
mod options;
#[cfg(target_os = "wasi")]
mod output;
#[cfg(target_os = "wasi")]
mod paths;
#[cfg(target_os = "wasi")]
mod rewrite;
#[cfg(target_os = "wasi")]
mod run;
#[cfg(target_os = "wasi")]
mod scan;

#[cfg(target_os = "wasi")]
fn main() {
    toolcell_program::enter();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let status = match options::parse(words) {
        Ok(options) if options.help => {
            print!("{}", options::HELP);
            0
        }
        Ok(options) if options.version => {
            println!("jq-1.7.1");
            0
        }
        Ok(options) => run::run(&options),
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
