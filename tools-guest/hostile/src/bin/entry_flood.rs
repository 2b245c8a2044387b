//! Empty files and directories without end, which cost no bytes.
//!
//! Exercises: create_file, create_directory, symlink, link

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    let mut made = 0;
    for number in 0..20_000 {
        let before = made;
        made += u32::from(create(&at, &format!("f{number}")).is_ok());
        made += u32::from(at.create_directory_at(&format!("d{number}")).is_ok());
        made += u32::from(at.symlink_at("x", &format!("l{number}")).is_ok());
        made += u32::from(at.link_at(PathFlags::empty(), "f0", &at, &format!("h{number}")).is_ok());
        if made == before {
            break;
        }
    }
    println!("made {made}");
}
