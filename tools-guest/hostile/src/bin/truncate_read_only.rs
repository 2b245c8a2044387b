//! Truncating a file of a read-only region at open (GHSA-2r75-cxrj-cmph), and by every other way.
//! The host checks the file's content.
//!
//! Exercises: resize, write_file, read_file

use toolcell_hostile::*;

fn main() {
    let at = directory(SHARED);
    let read = DescriptorFlags::READ;
    let write = DescriptorFlags::WRITE;
    let follow = PathFlags::SYMLINK_FOLLOW;
    refused("truncate without write", at.open_at(follow, "kept.txt", OpenFlags::TRUNCATE, read));
    if at.create_directory_at("probe").is_ok() {
        // This policy lets the region be changed; there is nothing to escape from.
        return;
    }
    refused("truncate", at.open_at(follow, "kept.txt", OpenFlags::TRUNCATE, write));
    refused(
        "create and truncate",
        at.open_at(follow, "kept.txt", OpenFlags::CREATE | OpenFlags::TRUNCATE, read | write),
    );
    refused("open for writing", at.open_at(follow, "kept.txt", OpenFlags::empty(), write));
    if let Ok(file) = open(&at, "kept.txt") {
        refused("set_size", file.set_size(0));
        refused("write", file.write(b"x", 0));
        refused("write_via_stream", file.write_via_stream(0));
        refused("append_via_stream", file.append_via_stream());
        refused("set_times", file.set_times(NewTimestamp::Now, NewTimestamp::Now));
    }
}
