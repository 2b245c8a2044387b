//! Small files of a state directory, each read and replaced as a whole.

use std::io::{self, Write as _};

use cap_std::fs::{Dir, OpenOptions};

/// The file's content; none if there is no such file. What cannot be read is an error, and not
/// nothing: whoever takes it for nothing writes over it next.
pub(crate) fn read(directory: &Dir, name: &str) -> io::Result<Option<Vec<u8>>> {
    match directory.read(name) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the file. Whoever reads it sees the old content or the new one; after a power failure
/// it may be either, or empty.
pub(crate) fn replace(directory: &Dir, name: &str, content: &[u8]) -> io::Result<()> {
    put(directory, name, content, false)
}

/// The same, and the content is on the disk before the old one is gone.
pub(crate) fn replace_synced(directory: &Dir, name: &str, content: &[u8]) -> io::Result<()> {
    put(directory, name, content, true)
}

fn put(directory: &Dir, name: &str, content: &[u8], sync: bool) -> io::Result<()> {
    let new = match name.rsplit_once('/') {
        Some((parent, name)) => format!("{parent}/.{name}.new"),
        None => format!(".{name}.new"),
    };
    let options = OpenOptions::new().write(true).create(true).truncate(true).clone();
    let mut file = directory.open_with(&new, &options)?;
    file.write_all(content)?;
    if sync {
        file.sync_data()?;
    }
    directory.rename(&new, directory, name)
}

/// Removes the file, which need not be there.
pub(crate) fn remove(directory: &Dir, name: &str) -> io::Result<()> {
    match directory.remove_file(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let directory = crate::ambient::open_dir_ambient(directory.path()).unwrap();
        assert_eq!(read(&directory, "f").unwrap(), None);
        replace(&directory, "f", b"one").unwrap();
        replace_synced(&directory, "f", b"two").unwrap();
        assert_eq!(read(&directory, "f").unwrap().unwrap(), b"two");
        directory.create_dir("d").unwrap();
        assert!(read(&directory, "d").is_err());
        replace(&directory, "d/f", b"three").unwrap();
        let names: Vec<_> =
            directory.read_dir("d").unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["f"]);
        remove(&directory, "d/f").unwrap();
        remove(&directory, "d/f").unwrap();
        assert!(remove(&directory, "d").is_err());
    }
}
