//! The archivers and compressors of a cell, on libraries: one program, which acts by the name it is
//! called by.

mod codec;
mod squeeze;
mod tar;
mod unzip;
mod zip;

use std::io;

fn main() {
    let (name, words) = toolcell_program::start();
    let mut out = io::BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let status = match name.as_str() {
        "tar" => tar::run(&words, &mut out),
        "unzip" => unzip::run(&words, &mut out),
        "zip" => zip::run(&words, &mut out),
        _ => match squeeze::Call::named(&name) {
            Some(call) => squeeze::run(call, &words, &mut out),
            None => {
                eprintln!("archives: {name}: no such program");
                127
            }
        },
    };
    toolcell_program::finish(&name, status, &mut out)
}
