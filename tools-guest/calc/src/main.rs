//! `bc` and `dc`: one program, which acts by the name it is called by.
//!
//! 1. [`number`] is a decimal number with a scale, and the arithmetic that both share.
//! 2. [`lexer`] and [`parser`] read bc's language; [`bc`] runs it. [`library`] is what `-l` adds.
//! 3. [`dc`] is the calculator with a stack.

mod bc;
mod dc;
mod input;
mod lexer;
mod library;
mod number;
mod parser;

use std::io;

fn main() {
    let (name, words) = toolcell_program::start();
    let mut out = io::stdout().lock();
    let status = match name.as_str() {
        "bc" => bc::run(&words, &mut out),
        "dc" => dc::run(&words, &mut out),
        _ => {
            eprintln!("calc: {name}: no such program");
            127
        }
    };
    toolcell_program::finish(&name, status, &mut out)
}
