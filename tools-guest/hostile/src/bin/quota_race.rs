//! Writes until the region is full, while seven others do the same. The host counts the bytes.
//!
//! Exercises: create_file, write_file

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    let name = format!("race-{}", wasip2::random::random::get_random_u64());
    let Ok(file) = create(&at, &name) else { return };
    let data = vec![b'x'; 700];
    let mut offset = 0;
    let mut refusals = 0;
    while refusals < 50 && offset < 1 << 24 {
        match file.write(&data, offset) {
            Ok(written) => offset += written,
            Err(_) => refusals += 1,
        }
    }
    println!("wrote {offset}");
}
