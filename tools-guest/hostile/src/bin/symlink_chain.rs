//! Links that lead out in several steps, each of which looks harmless.
//!
//! Exercises: symlink, read_file, create_file, set_times

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    let _ = at.create_directory_at("chain");
    for (target, name) in [
        ("..", "chain/up"),
        ("up/..", "chain/up2"),
        ("up2/..", "chain/up3"),
        ("up3/..", "chain/up4"),
        ("up4/../../../..", "chain/out"),
        ("chain/out", "start"),
    ] {
        let _ = at.symlink_at(target, name);
    }
    for path in [
        "start/etc/shadow",
        "start/secret.txt",
        "chain/up4/secret.txt",
        "up-link/secret.txt",
        "chain/up/up-link/secret.txt",
    ] {
        no_secret(path, open(&at, path));
        refused(
            path,
            at.set_times_at(PathFlags::SYMLINK_FOLLOW, path, NewTimestamp::Now, NewTimestamp::Now),
        );
    }
    refused("create through up-link", create(&at, "up-link/new.txt"));
}
