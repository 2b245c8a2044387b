//! The kernel's own doors to what a process has open.
//!
//! Exercises: stat, read_file, symlink, read_link

use toolcell_hostile::*;

fn main() {
    let root = root();
    for path in [
        "proc",
        "proc/self/fd/0",
        "proc/self/root",
        "proc/self/environ",
        "sys",
        "dev/fd/3",
        "dev/mem",
        "dev/sda",
        "dev/tty",
        "dev/../proc/self/maps",
        "etc/shadow",
        "root",
        "var",
    ] {
        refused(path, open(&root, path));
        refused(path, root.stat_at(PathFlags::SYMLINK_FOLLOW, path));
        refused(path, root.readlink_at(path));
    }
    let at = directory(WORKSPACE);
    let _ = at.symlink_at("../../../../../proc/self/root/etc/shadow", "proc-link");
    refused("a link into /proc", open(&at, "proc-link"));
}
