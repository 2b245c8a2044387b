//! Walks directories by ripgrep's rules of what is left out.
//!
//! The `ignore` crate's own walker looks for four kinds of ignore files in every directory by
//! trying to open them, and asks for an inode with every entry. Here the listing that is needed
//! anyway says which ignore files there are. What they mean is the crate's business still.

mod ignored;

use std::cmp::Ordering;
use std::io;
use std::rc::Rc;

use ignore::Match;
use ignore::overrides::Override;
use ignore::types::Types;
use toolcell_direct::{self as direct, Kind};

use ignored::Level;

/// Which files are walked to.
#[derive(Debug, Clone)]
pub struct Walk {
    /// What the call itself says of files; it counts before all else.
    pub overrides: Override,
    /// The types of files that are wanted.
    pub types: Types,
    /// Whether names that begin with a dot are left out, unless a rule asks for them.
    pub skip_hidden: bool,
    /// Names of directories that are never descended into.
    pub skip_directories: &'static [&'static str],
    /// Which ignore files count.
    pub ignore: Ignore,
    /// Whether those of the directories above the first one count too.
    pub ignore_above: bool,
    /// Whether links are followed; else they are left out.
    pub follow: bool,
    /// Directories below the first one that are descended into: with 1, only its own entries are
    /// walked to.
    pub depth: usize,
    /// The order of a directory's entries by their names.
    pub order: Order,
}

/// Which ignore files count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignore {
    /// None.
    Nothing,
    /// `.rgignore` and `.ignore`.
    Own,
    /// Those, and git's: only inside a work tree if `in_work_tree`.
    All {
        /// See above.
        in_work_tree: bool,
    },
}

/// The order of a directory's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By name.
    Names,
    /// By name, the last one first.
    NamesReversed,
    /// So that the paths of all files come in the order of their bytes: what is in `a/` comes after
    /// `a-b` and before `a0`.
    Paths,
}

/// What a walk comes to.
#[derive(Debug)]
pub enum Found<'a> {
    /// A file, by a path that begins with the root's.
    File(&'a str),
    /// A directory that cannot be listed.
    Unreadable(&'a str, io::Error),
    /// A link to the second path, a directory that it is in. It is not followed.
    Loop(&'a str, &'a str),
}

/// What is left to be looked at: of each open directory, the rest of its entries.
struct Open {
    /// Its path as it is shown.
    shown: String,
    /// Its path from the root of the filesystem, by which rules are asked.
    path: String,
    entries: std::vec::IntoIter<(String, Kind)>,
    rules: Option<Rc<Level>>,
}

impl Walk {
    /// Walks the directory at `root`, which is shown as it is written; `path` is where that is
    /// from the root of the filesystem. Goes on as long as `visit` says so.
    pub fn directory(&self, root: &str, path: &str, visit: &mut impl FnMut(Found<'_>) -> bool) {
        if self.depth == 0 {
            return;
        }
        let above = match self.ignore {
            Ignore::Nothing => None,
            _ if !self.ignore_above => None,
            _ => Level::above(path),
        };
        let root = match root.trim_end_matches('/') {
            "" if root.starts_with('/') => "/",
            root => root,
        };
        let mut open = Vec::new();
        match self.open(root.to_owned(), path.trim_end_matches('/').to_owned(), above) {
            Ok(directory) => open.push(directory),
            Err(error) => {
                visit(Found::Unreadable(root, error));
            }
        }
        while let Some(directory) = open.last_mut() {
            let Some((name, kind)) = directory.entries.next() else {
                open.pop();
                continue;
            };
            let shown = match directory.shown.ends_with('/') {
                true => format!("{}{name}", directory.shown),
                false => format!("{}/{name}", directory.shown),
            };
            let path = format!("{}/{name}", directory.path);
            let (kind, identity) = match kind {
                Kind::Link if self.follow => match direct::target(&shown) {
                    Ok((kind, identity)) => (kind, Some(identity)),
                    Err(_) => continue,
                },
                kind => (kind, None),
            };
            let is_dir = kind == Kind::Directory;
            if !matches!(kind, Kind::File | Kind::Directory)
                || is_dir && self.skip_directories.contains(&name.as_str())
                || self.leaves_out(&directory.rules, &name, &path, is_dir)
            {
                continue;
            }
            let rules = directory.rules.clone();
            let goes_on = if !is_dir {
                visit(Found::File(&shown))
            } else if open.len() >= self.depth {
                true
            } else if let Some(above) = identity.and_then(|identity| ancestor(&open, identity)) {
                visit(Found::Loop(&shown, above))
            } else {
                match self.open(shown.clone(), path, rules) {
                    Ok(directory) => {
                        open.push(directory);
                        true
                    }
                    Err(error) => visit(Found::Unreadable(&shown, error)),
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    fn open(&self, shown: String, path: String, above: Option<Rc<Level>>) -> io::Result<Open> {
        let mut entries = direct::list(&shown)?;
        match self.order {
            Order::Names => entries.sort_unstable_by(|one, other| one.0.cmp(&other.0)),
            Order::NamesReversed => entries.sort_unstable_by(|one, other| other.0.cmp(&one.0)),
            Order::Paths => entries.sort_unstable_by(path_order),
        }
        let rules = match self.ignore {
            Ignore::Nothing => None,
            _ => Level::of(&path, &entries, above),
        };
        Ok(Open { shown, path, entries: entries.into_iter(), rules })
    }

    fn leaves_out(&self, rules: &Option<Rc<Level>>, name: &str, path: &str, is_dir: bool) -> bool {
        match self.overrides.matched(path, is_dir) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => {}
        }
        let ignored = ignored::said(rules, path, is_dir, self.ignore);
        let of_type = match ignored {
            Match::Ignore(()) => return true,
            _ => self.types.matched(path, is_dir),
        };
        of_type.is_ignore()
            || self.skip_hidden
                && name.starts_with('.')
                && !ignored.is_whitelist()
                && !of_type.is_whitelist()
    }
}

/// As the bytes of the paths that begin with them: a directory's have a slash after its name. That
/// of a link is not known; it is compared as a file's.
fn path_order(one: &(String, Kind), other: &(String, Kind)) -> Ordering {
    fn bytes((name, kind): &(String, Kind)) -> impl Iterator<Item = u8> {
        name.bytes().chain((*kind == Kind::Directory).then_some(b'/'))
    }
    bytes(one).cmp(bytes(other))
}

/// The open directory that is this one.
fn ancestor(open: &[Open], identity: (u64, u64)) -> Option<&str> {
    let is_it = |open: &&Open| direct::target(&open.shown).is_ok_and(|(_, own)| own == identity);
    open.iter().find(is_it).map(|open| open.shown.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn all() -> Walk {
        Walk {
            overrides: Override::empty(),
            types: Types::empty(),
            skip_hidden: true,
            skip_directories: &[],
            ignore: Ignore::All { in_work_tree: true },
            ignore_above: true,
            follow: false,
            depth: usize::MAX,
            order: Order::Names,
        }
    }

    #[track_caller]
    fn check(walk: &Walk, files: &[(&str, &str)], expected: &[&str]) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for (name, content) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match content.strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                None => fs::write(path, content).unwrap(),
            }
        }
        let root = root.to_str().unwrap();

        let mut found = Vec::new();
        walk.directory(&format!("{root}/"), root, &mut |what| {
            let Found::File(path) = what else { panic!("{what:?}") };
            found.push(path.strip_prefix(root).unwrap()[1..].to_owned());
            true
        });

        assert_eq!(found, expected);
    }

    const TREE: &[(&str, &str)] =
        &[("b/c.rs", ""), ("b/.d", ""), ("a.rs", ""), (".e/f", ""), ("b/g/h.md", "")];

    #[test]
    fn files_come_by_name_and_hidden_ones_do_not() {
        check(&all(), TREE, &["a.rs", "b/c.rs", "b/g/h.md"]);
        let reversed = Walk { order: Order::NamesReversed, ..all() };
        check(&reversed, TREE, &["b/g/h.md", "b/c.rs", "a.rs"]);
        let hidden = Walk { skip_hidden: false, ..all() };
        check(&hidden, TREE, &[".e/f", "a.rs", "b/.d", "b/c.rs", "b/g/h.md"]);
    }

    #[test]
    fn paths_come_in_the_order_of_their_bytes() {
        let files = [("a/z", ""), ("a-b", ""), ("a.c", ""), ("a0", ""), ("a/b/c", "")];
        let paths = Walk { order: Order::Paths, ..all() };
        check(&paths, &files, &["a-b", "a.c", "a/b/c", "a/z", "a0"]);
    }

    #[test]
    fn depth_counts_directories() {
        check(&Walk { depth: 1, ..all() }, TREE, &["a.rs"]);
        check(&Walk { depth: 2, ..all() }, TREE, &["a.rs", "b/c.rs"]);
    }

    #[test]
    fn ignore_files_count_as_far_as_they_are_wanted() {
        let files = [
            (".git/config", ""),
            (".gitignore", "*.log\n!.keep\n"),
            (".ignore", "tmp/\n"),
            (".keep", ""),
            ("a.log", ""),
            ("b", ""),
            ("sub/.gitignore", "!c.log\n"),
            ("sub/c.log", ""),
            ("tmp/d", ""),
        ];
        check(&all(), &files, &[".keep", "b", "sub/c.log"]);
        let own = Walk { ignore: Ignore::Own, ..all() };
        check(&own, &files, &["a.log", "b", "sub/c.log"]);
        let nothing = Walk { ignore: Ignore::Nothing, ..all() };
        check(&nothing, &files, &["a.log", "b", "sub/c.log", "tmp/d"]);
        check(&all(), &files[1..], &["a.log", "b", "sub/c.log"]);
    }

    #[test]
    fn ignore_files_above_count_where_they_are_wanted() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::write(root.join(".ignore"), "*.log\n").unwrap();
        fs::create_dir(root.join("below")).unwrap();
        fs::write(root.join("below/a.log"), "").unwrap();
        let below = root.join("below");
        let files = |walk: &Walk| {
            let mut count = 0;
            walk.directory(below.to_str().unwrap(), below.to_str().unwrap(), &mut |found| {
                count += u32::from(matches!(found, Found::File(_)));
                true
            });
            count
        };

        assert_eq!(files(&all()), 0);
        assert_eq!(files(&Walk { ignore_above: false, ..all() }), 1);
    }

    #[test]
    fn links_are_followed_where_that_is_asked_for() {
        let files = [("a/b", ""), ("a/self", "-> ../a"), ("file", "-> a/b"), ("gone", "-> x")];
        check(&all(), &files, &["a/b"]);
        let follow = Walk { follow: true, ..all() };
        check(&follow, &[("a/b", ""), ("c", "-> a"), ("file", "-> a/b")], &["a/b", "c/b", "file"]);
    }

    #[test]
    fn a_link_to_a_directory_that_it_is_in_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_str().unwrap();
        fs::create_dir(directory.path().join("a")).unwrap();
        std::os::unix::fs::symlink("..", directory.path().join("a/up")).unwrap();

        let mut loops = Vec::new();
        Walk { follow: true, ..all() }.directory(root, root, &mut |what| {
            if let Found::Loop(link, above) = what {
                loops.push((link.to_owned(), above.to_owned()));
            }
            true
        });

        assert_eq!(loops, [(format!("{root}/a/up"), root.to_owned())]);
    }

    #[test]
    fn what_cannot_be_listed_is_told_and_the_visitor_ends_the_walk() {
        let mut seen = Vec::new();
        all().directory("/nowhere", "/nowhere", &mut |what| {
            seen.push(matches!(what, Found::Unreadable("/nowhere", _)));
            true
        });
        assert_eq!(seen, [true]);
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_str().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let mut count = 0;
        all().directory(root, root, &mut |_| {
            count += 1;
            count < 2
        });
        assert_eq!(count, 2);
    }
}
