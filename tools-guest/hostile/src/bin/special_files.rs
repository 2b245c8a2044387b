//! A pipe and a socket that the host's user left in the region: opening one must neither wait nor
//! reach whoever is at the other end.
//!
//! Exercises: read_file, write_file, stat, link

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    for path in ["pipe", "socket"] {
        refused(path, open(&at, path));
        refused(path, create(&at, path));
        refused(
            path,
            at.open_at(PathFlags::empty(), path, OpenFlags::TRUNCATE, DescriptorFlags::WRITE),
        );
        refused(path, at.link_at(PathFlags::empty(), path, &at, "second-name"));
    }
}
