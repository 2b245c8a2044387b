//! Opens files, listings and streams and keeps them. The program must be told, the host must go on.
//!
//! Exercises: read_file, read_directory

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    let mut kept = Vec::new();
    let refusal = loop {
        match open(&at, "own.txt") {
            Ok(file) => kept.push(file),
            Err(error) => break error,
        }
        if kept.len() > 100_000 {
            escaped("descriptors without end");
        }
    };
    println!("refused descriptor {}: {refusal:?}", kept.len());
    kept.clear();
    let mut listings = Vec::new();
    let refusal = loop {
        match at.read_directory() {
            Ok(listing) => listings.push(listing),
            Err(error) => break error,
        }
        if listings.len() > 100_000 {
            escaped("listings without end");
        }
    };
    println!("refused listing {}: {refusal:?}", listings.len());
    listings.clear();
    let Ok(file) = open(&at, "own.txt") else { escaped("a descriptor that was given back") };
    let mut streams = Vec::new();
    while let Ok(stream) = file.read_via_stream(0) {
        streams.push(stream);
        if streams.len() > 100_000 {
            escaped("streams without end");
        }
    }
    println!("refused stream {}", streams.len());
}
