//! Links in circles, and links that multiply.
//!
//! Exercises: symlink, stat, read_file, rename

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    for (target, name) in
        [("loop-b", "loop-a"), ("loop-a", "loop-b"), ("self", "self"), ("x/../self2", "self2")]
    {
        let _ = at.symlink_at(target, name);
    }
    for path in ["loop-a", "self", "self2", "self/x", "loop-a/../loop-b/"] {
        refused(path, open(&at, path));
        refused(path, at.stat_at(PathFlags::SYMLINK_FOLLOW, path));
        refused(path, create(&at, path));
    }
    // Each link names the one before many times over.
    let _ = at.create_directory_at("m0");
    for level in 1..40 {
        let before = format!("m{}/../", level - 1);
        let _ =
            at.symlink_at(&format!("{}m{}", before.repeat(200), level - 1), &format!("m{level}"));
    }
    refused("links that multiply", open(&at, "m39/x"));
}
