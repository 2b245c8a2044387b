//! `mv`.

use std::fs;
use std::io::{self, Write};

use toolcell_program::args::Arg;
use toolcell_program::files::{Kind, look};
use toolcell_program::message;

use crate::copy::{Copier, Existing, FollowLinks, Options, target};
use crate::{arguments, base_name, join};

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "backup=?:backup",
        "debug:v",
        "force:f",
        "interactive:i",
        "no-clobber:n",
        "no-target-directory:T",
        "strip-trailing-slashes:strip-trailing-slashes",
        "suffix=:S",
        "target-directory=:t",
        "update=?:u",
        "verbose:v",
    ];
    let args = match arguments("mv", words, "bfinS:t:TuvZ", &long) {
        Ok(args) => args,
        Err(status) => return status,
    };
    let mut options = Options::new("mv");
    let (mut operands, mut directory, mut just_name) = (Vec::new(), None, false);
    let mut verbose = false;
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                operands.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        match letter.as_str() {
            "b" | "backup" | "S" => match options.backup.take("mv", &letter, value.as_deref()) {
                Ok(()) => {}
                Err(status) => return status,
            },
            "f" => options.existing = Existing::Replace,
            "i" => options.existing = Existing::Ask,
            "n" => options.existing = Existing::Keep,
            "t" => directory = value,
            "T" => just_name = true,
            "u" => options.existing = Existing::Older,
            "v" => verbose = true,
            _ => {}
        }
    }
    options.recursive = true;
    options.follow = FollowLinks::Never;
    (options.keep_mode, options.keep_times) = (true, true);
    let target = match target("mv", &mut operands, directory, just_name) {
        Ok(target) => target,
        Err(status) => return status,
    };
    let mut copier = Copier::new(options, out);
    for from in operands {
        let to = match target.directory {
            true => join(&target.path, base_name(&from)),
            false => target.path.clone(),
        };
        if copier.may_make(&from, &to) && one(&mut copier, &from, &to) && verbose {
            let _ = writeln!(copier.out, "renamed '{from}' -> '{to}'");
        }
    }
    i32::from(copier.failed)
}

/// Whether it was moved.
fn one(copier: &mut Copier<'_, impl Write>, from: &str, to: &str) -> bool {
    let source = match look(from, false) {
        Ok(details) => details,
        Err(error) => {
            copier.fail(&format!("cannot stat '{from}': {}", message(&error)));
            return false;
        }
    };
    if let Ok(there) = look(to, false) {
        let id = (there.device, there.inode);
        // A link over what it leads to would lose that, and lead to itself.
        let leads_there = source.kind == Kind::Symlink
            && look(from, true).is_ok_and(|target| (target.device, target.inode) == id);
        if id == (source.device, source.inode) || leads_there {
            copier.fail(&format!("'{from}' and '{to}' are the same file"));
            return false;
        }
        if there.is_dir() != source.is_dir() {
            copier.fail(&match there.is_dir() {
                true => format!("cannot overwrite directory '{to}' with non-directory '{from}'"),
                false => format!("cannot overwrite non-directory '{to}' with directory '{from}'"),
            });
            return false;
        }
        if !copier.may_replace(from, to, &source, &there) {
            return false;
        }
    }
    match fs::rename(from, to) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let before = std::mem::replace(&mut copier.failed, false);
            let existing = std::mem::replace(&mut copier.options.existing, Existing::Replace);
            let remove_first = std::mem::replace(&mut copier.options.remove_first, true);
            copier.copy(from, to, true);
            copier.options.existing = existing;
            copier.options.remove_first = remove_first;
            let copied = !copier.failed;
            copier.failed |= before;
            if !copied {
                return false;
            }
            let removed = match source.kind {
                Kind::Directory => fs::remove_dir_all(from),
                _ => fs::remove_file(from),
            };
            if let Err(error) = removed {
                copier.fail(&format!("cannot remove '{from}': {}", message(&error)));
            }
            true
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            copier.fail(&format!("cannot move '{from}' to a subdirectory of itself, '{to}'"));
            false
        }
        Err(error) => {
            copier.fail(&format!("cannot move '{from}' to '{to}': {}", message(&error)));
            false
        }
    }
}
