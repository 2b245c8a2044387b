//! `..` in all its forms, from each directory that a guest can open.
//!
//! Exercises: stat, read_file, create_file, create_directory, unlink_file

use toolcell_hostile::*;

fn main() {
    for start in ["home", "home/agent", WORKSPACE, "dev", "etc", "tmp"] {
        let at = directory(start);
        for up in
            ["..", "../", "./..", "../.", "..//", "x/../..", "../../../../../../..", ".././.."]
        {
            for file in ["etc/shadow", "proc/self/environ", "outside/secret.txt", "secret.txt"] {
                no_secret(&format!("{start}: {up}/{file}"), open(&at, &format!("{up}/{file}")));
            }
            let name = format!("{up}/created-by-dot-dot-{}", up.len());
            if create(&at, &name).is_ok() {
                // Inside a writable region, that is where `..` leads; outside it is an escape,
                // which the test sees on the disk.
                println!("created {start}: {name}");
            }
            let _ = at.create_directory_at(&format!("{up}/made-{}", up.len()));
            let _ = at.unlink_file_at(&format!("{up}/secret.txt"));
            let _ = at.stat_at(PathFlags::SYMLINK_FOLLOW, &format!("{up}/etc/shadow"));
        }
    }
}
