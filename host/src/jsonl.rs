//! Files of JSON, a line each, that are only ever added to.
//!
//! A crash may cut the last line. Such a line says nothing, and what is added later must not be
//! taken for its end.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use cap_std::fs::{Dir, File, OpenOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::kept;

/// What the file holds, in order; nothing if there is no such file.
pub(crate) fn read<T: DeserializeOwned>(directory: &Dir, name: &str) -> io::Result<Vec<T>> {
    Ok(parse(&kept::read(directory, name)?.unwrap_or_default()))
}

/// What such a file's bytes hold.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Vec<T> {
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Opens the file to add to it, and ends a line that was cut. How long it is comes back too.
pub(crate) fn open(directory: &Dir, name: &str) -> io::Result<(File, u64)> {
    let options = OpenOptions::new().read(true).append(true).create(true).clone();
    let mut file = directory.open_with(name, &options)?;
    let size = file.metadata()?.len();
    if size == 0 {
        return Ok((file, 0));
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok((file, size));
    }
    file.write_all(b"\n")?;
    Ok((file, size + 1))
}

/// One line.
pub(crate) fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_a_crash_cut_takes_no_other_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let directory = crate::ambient::open_dir_ambient(directory.path()).unwrap();
        let add = |value: &str| open(&directory, "f").unwrap().0.write_all(&line(&value)).unwrap();
        let all = || read::<String>(&directory, "f").unwrap();
        assert_eq!(all(), [""; 0]);
        add("one");
        open(&directory, "f").unwrap().0.write_all(b"\"tw").unwrap();
        assert_eq!(all(), ["one"]);
        add("three");
        add("four");
        assert_eq!(all(), ["one", "three", "four"]);
        let (_, size) = open(&directory, "f").unwrap();
        assert_eq!(size, directory.metadata("f").unwrap().len());
    }
}
