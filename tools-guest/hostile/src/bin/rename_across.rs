//! Renames and links between regions, and of the places where regions are mounted.
//!
//! Exercises: rename, link, remove_directory, unlink_file, create_directory, symlink

use toolcell_hostile::*;

fn main() {
    let (here, there, home) = (directory(WORKSPACE), directory(SHARED), directory("home/agent"));
    let _ = create(&here, "own.txt");
    refused("rename to another region", here.rename_at("own.txt", &there, "own.txt"));
    refused(
        "link to another region",
        here.link_at(PathFlags::empty(), "own.txt", &there, "own.txt"),
    );
    refused("rename by path", home.rename_at("workspace/own.txt", &home, "shared/own.txt"));
    for mount in ["shared", "workspace", "downloads", "uploads"] {
        refused("rename a mount", home.rename_at(mount, &home, "elsewhere"));
        refused("rename onto a mount", home.rename_at("workspace/own.txt", &home, mount));
        refused("remove a mount", home.remove_directory_at(mount));
        refused("unlink a mount", home.unlink_file_at(mount));
        refused("make a mount", home.create_directory_at(mount));
        refused("link a mount away", home.symlink_at("workspace", mount));
    }
    let root = root();
    for path in ["home", "home/agent", "etc", "dev", "etc/passwd", "dev/null"] {
        refused(path, root.rename_at(path, &root, "moved"));
        refused(path, root.remove_directory_at(path));
        refused(path, root.unlink_file_at(path));
    }
    refused("create at the root", create(&root, "new"));
    refused("mkdir at the root", root.create_directory_at("new"));
    refused("symlink at the root", root.symlink_at("home", "new"));
}
