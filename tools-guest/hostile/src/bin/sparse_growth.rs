//! Growth that writes next to nothing: by set_size, and by a write far past the end.
//!
//! Exercises: resize, write_file

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    let Ok(file) = create(&at, "sparse") else { return };
    for size in [1 << 40, 1 << 62, u64::MAX, (i64::MAX as u64) + 1] {
        refused("set_size", file.set_size(size));
        refused("write far away", file.write(b"x", size - 1));
        refused("write over the end of numbers", file.write(&[0; 64], u64::MAX - 8));
        let stream = file.write_via_stream(size - 1).expect("a stream is no growth");
        match stream.blocking_write_and_flush(b"x") {
            Err(_) => println!("refused stream far away"),
            Ok(()) => escaped("stream far away"),
        }
    }
    let size = file.stat().map(|stat| stat.size);
    if size != Ok(0) {
        escaped("the file grew");
    }
}
