//! Every operation that changes something, on a region that may be read-only. The host compares
//! the region before and after where it is.
//!
//! Exercises: create_file, write_file, resize, create_directory, remove_directory, unlink_file,
//! rename, link, symlink, set_times

use toolcell_hostile::*;

fn main() {
    let at = directory(SHARED);
    if at.create_directory_at("probe").is_ok() {
        let _ = at.remove_directory_at("probe");
        return;
    }
    let nofollow = PathFlags::empty();
    refused("create", create(&at, "new"));
    refused(
        "open to write",
        at.open_at(nofollow, "kept.txt", OpenFlags::empty(), DescriptorFlags::WRITE),
    );
    refused("mkdir", at.create_directory_at("new"));
    refused("rmdir", at.remove_directory_at("kept-dir"));
    refused("unlink", at.unlink_file_at("kept.txt"));
    refused("rename", at.rename_at("kept.txt", &at, "new"));
    refused("link", at.link_at(nofollow, "kept.txt", &at, "new"));
    refused("symlink", at.symlink_at("kept.txt", "new"));
    refused(
        "set_times_at",
        at.set_times_at(nofollow, "kept.txt", NewTimestamp::Now, NewTimestamp::Now),
    );
    refused("set_times", at.set_times(NewTimestamp::Now, NewTimestamp::Now));
}
