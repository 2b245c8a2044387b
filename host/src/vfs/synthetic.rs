//! What the host itself provides below `/`: the directories that lead to the mounts, `/dev`,
//! `/etc`, and one entry for each program in `/bin` and `/usr/bin`.
//!
//! Nothing of it exists on the host's disk, and none of it says anything about the host.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::path::GuestPath;

/// A device, by what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Device {
    /// Reads end at once, writes vanish.
    Null,
    /// Reads are zeroes, writes vanish.
    Zero,
    /// Reads are zeroes, writes find no space.
    Full,
    /// Reads are random, writes vanish.
    Random,
}

/// One entry of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Directory,
    File(&'static [u8]),
    Device(Device),
    /// An open descriptor of the process itself, by number.
    Stream(u32),
    /// A program, which is run by its name.
    Program,
}

const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/false\nagent:x:1000:1000:agent:/home/agent:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
const GROUP: &[u8] = b"root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n";
const HOSTS: &[u8] = b"127.0.0.1\tlocalhost\n::1\tlocalhost\n";
const OS_RELEASE: &[u8] = concat!(
    "NAME=Toolcell\nID=toolcell\nPRETTY_NAME=\"Toolcell ",
    env!("CARGO_PKG_VERSION"),
    "\"\nVERSION_ID=\"",
    env!("CARGO_PKG_VERSION"),
    "\"\n"
)
.as_bytes();

const ENTRIES: &[(&str, Entry)] = &[
    ("/", Entry::Directory),
    ("/bin", Entry::Directory),
    ("/dev", Entry::Directory),
    ("/dev/fd", Entry::Directory),
    ("/dev/fd/0", Entry::Stream(0)),
    ("/dev/fd/1", Entry::Stream(1)),
    ("/dev/fd/2", Entry::Stream(2)),
    ("/dev/full", Entry::Device(Device::Full)),
    ("/dev/null", Entry::Device(Device::Null)),
    ("/dev/random", Entry::Device(Device::Random)),
    ("/dev/stderr", Entry::Stream(2)),
    ("/dev/stdin", Entry::Stream(0)),
    ("/dev/stdout", Entry::Stream(1)),
    ("/dev/urandom", Entry::Device(Device::Random)),
    ("/dev/zero", Entry::Device(Device::Zero)),
    ("/etc", Entry::Directory),
    ("/etc/group", Entry::File(GROUP)),
    ("/etc/hostname", Entry::File(b"toolcell\n")),
    ("/etc/hosts", Entry::File(HOSTS)),
    ("/etc/os-release", Entry::File(OS_RELEASE)),
    ("/etc/passwd", Entry::File(PASSWD)),
    ("/etc/shells", Entry::File(b"/bin/sh\n/bin/bash\n/usr/bin/sh\n/usr/bin/bash\n")),
    ("/home", Entry::Directory),
    ("/usr", Entry::Directory),
    ("/usr/bin", Entry::Directory),
];

/// The tree, by absolute path.
#[derive(Debug)]
pub struct Tree {
    entries: BTreeMap<Cow<'static, str>, Entry>,
}

impl Tree {
    /// The tree with programs of these names.
    pub fn new<'a>(programs: impl IntoIterator<Item = &'a str>) -> Tree {
        let mut entries: BTreeMap<Cow<'static, str>, Entry> =
            ENTRIES.iter().map(|(path, entry)| (Cow::Borrowed(*path), *entry)).collect();
        for name in programs {
            for directory in ["/bin", "/usr/bin"] {
                entries.insert(format!("{directory}/{name}").into(), Entry::Program);
            }
        }
        Tree { entries }
    }

    pub(super) fn get(&self, path: &GuestPath) -> Option<Entry> {
        let known = self.entries.get(path.as_str()).copied();
        // Which of these are open is known to the process alone.
        let number = || path.as_str().strip_prefix("/dev/fd/").and_then(|n| n.parse().ok());
        known.or_else(|| number().map(Entry::Stream))
    }

    /// The entries directly below `directory`, by name.
    pub(super) fn children<'a>(
        &'a self,
        directory: &'a GuestPath,
    ) -> impl Iterator<Item = (&'a str, Entry)> {
        let prefix = match directory.as_str() {
            "/" => "/".to_owned(),
            path => format!("{path}/"),
        };
        self.entries.iter().filter_map(move |(path, entry)| {
            let name = path.strip_prefix(prefix.as_str())?;
            (!name.is_empty() && !name.contains('/')).then_some((name, *entry))
        })
    }
}

/// What a program's entry reads as: the beginning of a WebAssembly component. The code itself is
/// the host's.
pub(super) const PROGRAM: &[u8] = b"\0asm\x0d\0\x01\0";

/// A stable number for `path`, as an inode number would be.
pub(super) fn number(path: &GuestPath) -> u64 {
    let hash = blake3::hash(path.as_str().as_bytes());
    hash.as_bytes()[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_direct_children_only() {
        let tree = Tree::new([]);
        let names = |path: &str| {
            let path = GuestPath::parse(&GuestPath::root(), path).unwrap();
            tree.children(&path).map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names("/"), ["bin", "dev", "etc", "home", "usr"]);
        assert_eq!(names("/usr"), ["bin"]);
        assert_eq!(
            names("/dev"),
            ["fd", "full", "null", "random", "stderr", "stdin", "stdout", "urandom", "zero"]
        );
    }
}
