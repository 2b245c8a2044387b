//! Swaps a directory for a link that leads out, again and again, while opening below it. With
//! another copy of itself running, the swap falls between the check and the use.
//!
//! Exercises: rename, symlink, read_file, create_file, unlink_file

use toolcell_hostile::*;

fn main() {
    let at = directory(WORKSPACE);
    let id = wasip2::random::random::get_random_u64();
    let (real, link) = (format!("real-{id}"), format!("link-{id}"));
    let _ = at.create_directory_at(&real);
    let _ = at.symlink_at("outside-dir", &link);
    for round in 0..400 {
        let _ = at.rename_at(&real, &at, "swapped");
        no_secret("read", open(&at, "swapped/secret.txt"));
        let _ = create(&at, &format!("swapped/swap-{round}"));
        let _ = at.rename_at("swapped", &at, &real);
        let _ = at.rename_at(&link, &at, "swapped");
        no_secret("read", open(&at, "swapped/secret.txt"));
        let _ = create(&at, &format!("swapped/swap-{round}"));
        let _ = at.unlink_file_at("swapped/secret.txt");
        let _ = at.rename_at("swapped", &at, &link);
    }
}
