//! Names that are no names: with NUL, without end, empty, or of another alphabet.
//!
//! Exercises: create_file, create_directory, rename, symlink, stat

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    let (component, path) = ("x".repeat(4096), "x/".repeat(4096));
    let names = ["", "a\0b", "\0", "a/\0/b", &component, &path, ".", "..", "a/..", "/", "//"];
    for name in names {
        let shown = name.escape_debug().take(20).collect::<String>();
        refused(&shown, create(&at, name));
        refused(&shown, at.create_directory_at(name));
        refused(&shown, at.symlink_at("target", name));
        refused(&shown, at.rename_at("kept", &at, name));
    }
    refused("a link to NUL", at.symlink_at("a\0b", "link"));
    refused("a link without end", at.symlink_at(&component.repeat(2), "link"));
    refused("a link to nothing", at.symlink_at("", "link"));
    // Bytes that are not UTF-8 cannot be said, but their escapes can.
    no_secret("escaped bytes", open(&at, "\\xff\\xfe"));
    refused("an escaped slash", open(&at, "..\\x2f..\\x2fsecret.txt"));
}
