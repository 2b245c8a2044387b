//! Moving a file of a read-only region into a writable one, by link or rename, to change it
//! there (GHSA-4ch3-9j33-3pmj).
//!
//! Exercises: link, rename

use toolcell_hostile::*;

fn main() {
    let (from, to) = (directory(SHARED), directory(WORKSPACE));
    refused("link", from.link_at(PathFlags::empty(), "kept.txt", &to, "linked.txt"));
    refused(
        "link, followed",
        from.link_at(PathFlags::SYMLINK_FOLLOW, "kept.txt", &to, "linked2.txt"),
    );
    refused("rename", from.rename_at("kept.txt", &to, "moved.txt"));
    if from.create_directory_at("probe").is_err() {
        refused("link inside", from.link_at(PathFlags::empty(), "kept.txt", &from, "linked.txt"));
        refused("rename inside", from.rename_at("kept.txt", &from, "renamed.txt"));
        let _ = create(&to, "new.txt");
        refused("rename over", to.rename_at("new.txt", &from, "kept.txt"));
    }
}
