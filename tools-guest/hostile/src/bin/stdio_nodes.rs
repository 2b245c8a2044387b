//! The names of the standard streams lead to the program's own, and to nobody else's.
//!
//! Exercises: read_file, write_file, resize, rename, unlink_file

use toolcell_hostile::*;

fn main() {
    let root = root();
    for name in ["dev/stdout", "dev/stderr", "dev/fd/1", "dev/fd/2"] {
        let flags = DescriptorFlags::WRITE;
        let follow = PathFlags::SYMLINK_FOLLOW;
        let opened = root.open_at(follow, name, OpenFlags::empty(), flags);
        let file = opened.expect("the own stream can be opened");
        let line = format!("through {name}\n");
        let written = file.write(line.as_bytes(), 0).expect("the own stream can be written");
        assert_eq!(written, line.len() as u64);
        refused("to read it", file.read(10, 0));
        refused("to resize it", file.set_size(1 << 40));
    }
    for name in ["dev/stdin", "dev/fd/0"] {
        let file = open(&root, name).expect("the own input can be opened");
        assert_eq!(file.read(10, 0).expect("it can be read").0, b"", "and is empty");
        refused("to write input", create(&root, name));
    }
    for name in ["dev/fd/3", "dev/fd/1000", "dev/tty", "dev/stdin/x", "dev/ptmx"] {
        refused(name, open(&root, name));
        refused(name, create(&root, name));
    }
    refused("to rename one", root.rename_at("dev/stdout", &root, "dev/stdin"));
    refused("to remove one", root.unlink_file_at("dev/stdout"));
}
