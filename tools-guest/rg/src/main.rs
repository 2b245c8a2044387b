//! ripgrep's command line as a program of a cell, on ripgrep's own libraries.
//!
//! 1. [`options`] is the command line. 2. [`mod@matcher`] is what its patterns become. 3. [`search`] walks
//!    directories and searches files. 4. [`printing`] says what is found.
//!
//! Files are searched one after the other, in the order of their names: a cell's program has one
//! thread, and its output is the same each time.

mod matcher;
mod options;
mod printing;
mod search;

fn main() {
    let (_, words) = toolcell_program::start();
    let status = match options::parse(&words) {
        Ok(options::Wanted::Search(options)) => search::run(&options),
        Ok(options::Wanted::Text(text)) => {
            print!("{text}");
            0
        }
        Err(error) => {
            eprintln!("rg: {error}");
            2
        }
    };
    std::process::exit(status);
}
