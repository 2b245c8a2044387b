//! A slash behind a link makes it be followed, also where links are not (GHSA-vqjp-4c8c-hfgg).
//!
//! Exercises: stat, read_file, create_file, unlink_file, rename, remove_directory, create_directory

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    for path in ["outside-dir/", "outside-dir//", "outside-dir/.", "secret-link/", "up-link/"] {
        refused(
            path,
            at.open_at(PathFlags::empty(), path, OpenFlags::DIRECTORY, DescriptorFlags::READ),
        );
        refused(path, at.stat_at(PathFlags::empty(), path));
        refused(path, create(&at, path));
        refused(path, at.create_directory_at(path));
        refused(path, at.unlink_file_at(path));
        refused(path, at.remove_directory_at(path));
        refused(path, at.rename_at(path, &at, "moved/"));
    }
}
