//! Absolute paths, which WASI does not know.
//!
//! Exercises: stat, read_file, read_link, create_file, rename, symlink

use toolcell_hostile::*;

fn main() {
    for at in [root(), directory(WORKSPACE)] {
        for path in ["/etc/passwd", "//etc/passwd", "/home/agent/workspace/x", "/"] {
            refused(path, open(&at, path));
            refused(path, create(&at, path));
            refused(path, at.stat_at(PathFlags::SYMLINK_FOLLOW, path));
            refused(path, at.readlink_at(path));
            refused(path, at.rename_at(path, &at, "y"));
            refused(path, at.symlink_at("y", path));
        }
    }
}
