//! Files whose names are gone, kept open and growing: bytes that no listing shows.
//!
//! Exercises: create_file, write_file, unlink_file, rename

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    let mut open = Vec::new();
    let mut total = 0;
    let data = vec![b'x'; 64 << 10];
    for number in 0..200 {
        let name = format!("ghost-{number}");
        let Ok(file) = create(&at, &name) else { break };
        match number % 2 {
            0 => drop(at.unlink_file_at(&name)),
            // Replaced instead of removed.
            _ => {
                let _ = create(&at, "over");
                let _ = at.rename_at("over", &at, &name);
                let _ = at.unlink_file_at(&name);
            }
        }
        for round in 0..8 {
            total += file.write(&data, round * data.len() as u64).unwrap_or(0);
        }
        open.push(file);
    }
    println!("wrote {total}");
    // Under any policy of the test the region holds far less than was asked for.
    if total > 64 << 20 {
        escaped("more than the quota");
    }
}
