//! `ln`.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use toolcell_program::args::Arg;
use toolcell_program::files::{Kind, look, symlink};
use toolcell_program::message;

use crate::backup::Backup;
use crate::copy::target;
use crate::{arguments, base_name, join};

#[derive(Debug, Default)]
struct Options {
    symbolic: bool,
    /// A symbolic link says how to get there from where it is.
    relative: bool,
    /// A hard link is of what a symbolic link leads to, not of the link.
    follow: bool,
    force: bool,
    ask: bool,
    verbose: bool,
    backup: Backup,
}

const LONG: &[&str] = &[
    "backup=?:backup",
    "directory:d",
    "force:f",
    "interactive:i",
    "logical:L",
    "no-dereference:n",
    "no-target-directory:T",
    "physical:P",
    "relative:r",
    "suffix=:S",
    "symbolic:s",
    "target-directory=:t",
    "verbose:v",
];

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let args = match arguments("ln", words, "bdfFiLnPrS:st:Tv", LONG) {
        Ok(args) => args,
        Err(status) => return status,
    };
    let mut options = Options::default();
    let (mut operands, mut directory) = (Vec::new(), None);
    // A link to a directory is the target itself, or nothing is looked at but the name.
    let (mut no_links, mut just_name) = (false, false);
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                operands.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        match letter.as_str() {
            "b" | "backup" | "S" => match options.backup.take("ln", &letter, value.as_deref()) {
                Ok(()) => {}
                Err(status) => return status,
            },
            "f" => (options.force, options.ask) = (true, false),
            "i" => (options.force, options.ask) = (false, true),
            "L" => options.follow = true,
            "P" => options.follow = false,
            "n" => no_links = true,
            "r" => options.relative = true,
            "s" => options.symbolic = true,
            "t" => directory = value,
            "T" => just_name = true,
            "v" => options.verbose = true,
            _ => {}
        }
    }
    if options.relative && !options.symbolic {
        eprintln!("ln: cannot do --relative without --symbolic");
        return 1;
    }
    // With one name, the link is made here.
    if operands.len() == 1 && directory.is_none() {
        if just_name {
            eprintln!("ln: missing destination file operand after '{}'", operands[0]);
            eprintln!("Try 'ln --help' for more information.");
            return 1;
        }
        directory = Some(".".to_owned());
    }
    let is_link = |path: &String| look(path, false).is_ok_and(|found| found.kind == Kind::Symlink);
    if no_links && directory.is_none() && operands.last().is_some_and(is_link) {
        just_name = true;
    }
    let target = match target("ln", &mut operands, directory, just_name) {
        Ok(target) => target,
        Err(status) => return status,
    };
    let mut status = 0;
    for from in operands {
        let to = match (target.directory, target.path.as_str()) {
            (true, ".") => base_name(&from).trim_end_matches('/').to_owned(),
            (true, directory) => join(directory, base_name(&from).trim_end_matches('/')),
            (false, path) => path.to_owned(),
        };
        match options.link(&from, &to) {
            Ok(made) => {
                if options.verbose && made {
                    let arrow = if options.symbolic { "->" } else { "=>" };
                    let _ = writeln!(out, "'{to}' {arrow} '{from}'");
                }
            }
            Err(error) => {
                eprintln!("ln: {error}");
                status = 1;
            }
        }
    }
    status
}

impl Options {
    /// Makes one link; whether it was made.
    fn link(&self, from: &str, to: &str) -> Result<bool, String> {
        let source = match self.symbolic {
            true => None,
            false => {
                let source = look(from, self.follow)
                    .map_err(|error| format!("failed to access '{from}': {}", message(&error)))?;
                if source.is_dir() {
                    return Err(format!("{from}: hard link not allowed for directory"));
                }
                Some(source)
            }
        };
        if let Ok(there) = look(to, false)
            && (self.force || self.ask || self.backup.is_on())
        {
            if there.is_dir() {
                return Err(format!("{to}: cannot overwrite directory"));
            }
            let same = |source: toolcell_program::files::Details| {
                (source.device, source.inode) == (there.device, there.inode)
            };
            if source.is_some_and(same) || self.symbolic && from == to {
                return Err(format!("'{from}' and '{to}' are the same file"));
            }
            if self.ask && !replaces(to) {
                return Ok(false);
            }
            let gone = match self.backup.name(to) {
                Some(kept) => fs::rename(to, kept),
                None => fs::remove_file(to),
            };
            gone.map_err(|error| format!("cannot remove '{to}': {}", message(&error)))?;
        }
        let made = match self.symbolic {
            true if self.relative => relative(from, to).and_then(|from| symlink(&from, to)),
            true => symlink(from, to),
            false => {
                let of = match self.follow {
                    true => fs::canonicalize(from),
                    false => Ok(PathBuf::from(from)),
                };
                of.and_then(|of| fs::hard_link(of, to))
            }
        };
        made.map(|()| true).map_err(|error| {
            let why = message(&error);
            let plain = matches!(
                error.kind(),
                io::ErrorKind::AlreadyExists
                    | io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::ReadOnlyFilesystem
            );
            match (self.symbolic, plain) {
                (true, _) if from.is_empty() => {
                    format!("failed to create symbolic link '{to}' -> '': {why}")
                }
                (true, _) => format!("failed to create symbolic link '{to}': {why}"),
                (false, true) => format!("failed to create hard link '{to}': {why}"),
                (false, false) => format!("failed to create hard link '{to}' => '{from}': {why}"),
            }
        })
    }
}

/// Asks whether a file is replaced.
fn replaces(path: &str) -> bool {
    eprint!("ln: replace '{path}'? ");
    let mut answer = String::new();
    let _ = io::stdin().read_line(&mut answer);
    answer.starts_with(['y', 'Y'])
}

/// The way to `from` out of the directory that `to` is in.
fn relative(from: &str, to: &str) -> io::Result<String> {
    let from = plain(Path::new(from))?;
    let to = plain(Path::new(to))?;
    let directory = to.parent().unwrap_or(Path::new("/"));
    let common = from.components().zip(directory.components()).take_while(|(a, b)| a == b).count();
    let mut path: PathBuf =
        directory.components().skip(common).map(|_| Component::ParentDir).collect();
    path.extend(from.components().skip(common));
    match path.as_os_str().is_empty() {
        true => Ok(".".to_owned()),
        false => Ok(path.to_string_lossy().into_owned()),
    }
}

/// A path from the root without `.` and `..`; links of its directory are followed.
fn plain(path: &Path) -> io::Result<PathBuf> {
    let mut plain = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    let directory = plain.parent().and_then(|directory| fs::canonicalize(directory).ok());
    Ok(match (directory, plain.file_name()) {
        (Some(directory), Some(name)) => directory.join(name),
        _ => plain,
    })
}
