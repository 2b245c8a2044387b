//! Links with an absolute target: made by the guest, and put there by the host.
//!
//! Exercises: symlink, read_link, read_file, write_file, stat, read_directory

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    for target in ["/", "/etc/passwd", "/proc/self/root", "//x"] {
        refused(target, at.symlink_at(target, "made-link"));
    }
    refused("read through secret-link", open(&at, "secret-link"));
    refused("write through secret-link", create(&at, "secret-link"));
    refused(
        "list outside-dir",
        open(&at, "outside-dir").and_then(|dir| dir.read_directory().map(|_| ())),
    );
    refused("below outside-dir", open(&at, "outside-dir/secret.txt"));
    refused("create below outside-dir", create(&at, "outside-dir/new.txt"));
    refused("stat through secret-link", at.stat_at(PathFlags::SYMLINK_FOLLOW, "secret-link"));
    refused("the target of secret-link", at.readlink_at("secret-link"));
}
