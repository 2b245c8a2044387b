//! The AWK language of POSIX, with the functions of gawk that scripts use.
//!
//! [`run`] takes the command line of `awk`. Commands, which `system`, `getline` and `print |` start,
//! are the caller's business: [`Commands`].

mod array;
mod builtins;
mod eval;
mod format;
mod input;
mod interp;
mod lexer;
mod options;
mod parser;
mod pattern;
mod record;
mod streams;
mod text;
mod value;
mod vars;

use std::io::{self, Read, Write};

/// Starting commands, which run by `sh -c`.
pub trait Commands {
    /// Starts a command whose input is written.
    ///
    /// # Errors
    /// When it cannot be started.
    fn write_to(&mut self, command: &str) -> io::Result<Box<dyn Write>>;
    /// Starts a command whose output is read.
    ///
    /// # Errors
    /// When it cannot be started.
    fn read_from(&mut self, command: &str) -> io::Result<Box<dyn Read>>;
    /// Waits for a command that was started, after its stream is dropped; its status.
    fn wait(&mut self, command: &str) -> i32;
    /// Runs a command to its end; its status.
    fn system(&mut self, command: &str) -> i32;
}

/// Runs `awk WORDS…` and gives the status to exit with. Bytes outside of UTF-8 in words and in the
/// environment have the form that the shell gives them (`toolcell_text::escape`).
pub fn run(
    words: &[String],
    environment: Vec<(String, String)>,
    commands: &mut dyn Commands,
    out: &mut dyn Write,
) -> i32 {
    let room = toolcell_stack::Stack::of_program();
    let line = match options::read(words) {
        Ok(options::Asked::Run(line)) => line,
        Ok(options::Asked::Version) => {
            let _ = writeln!(
                out,
                "awk (Toolcell) {}, compatible with GNU awk",
                env!("CARGO_PKG_VERSION")
            );
            return 0;
        }
        Err(error) => return refuse(&error),
    };
    let program = lexer::tokens(&line.source)
        .and_then(|tokens| parser::parse(tokens, vars::special::NAMES, room));
    match program {
        Ok(program) => interp::run(interp::Start {
            program: &program,
            commands,
            out,
            operands: line.operands,
            assigns: line.assigns,
            field_separator: line.field_separator,
            environment,
            room,
        }),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &str) -> i32 {
    eprintln!("awk: {error}");
    2
}
