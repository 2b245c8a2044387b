//! `install`.

use std::fs;
use std::io::Write;

use toolcell_program::args::Arg;
use toolcell_program::files::{look, set_mode};
use toolcell_program::{message, mode};

use crate::copy::{Copier, Options, set_times, target};
use crate::{arguments, base_name, join};

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "backup=?:backup",
        "compare:C",
        "directory:d",
        "group=:g",
        "mode=:m",
        "no-target-directory:T",
        "owner=:o",
        "preserve-timestamps:p",
        "strip:s",
        "suffix=:S",
        "target-directory=:t",
        "verbose:v",
    ];
    let args = match arguments("install", words, "bcCdDg:m:o:psS:t:Tv", &long) {
        Ok(args) => args,
        Err(status) => return status,
    };
    let mut options = Options::new("install");
    let (mut operands, mut directory, mut just_name) = (Vec::new(), None, false);
    let (mut wanted, mut make, mut parents, mut times) = (0o755, false, false, false);
    let mut compare = false;
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                operands.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        match letter.as_str() {
            "b" | "backup" | "S" => match options.backup.take("install", &letter, value.as_deref())
            {
                Ok(()) => {}
                Err(status) => return status,
            },
            "C" => compare = true,
            "d" => make = true,
            "D" => parents = true,
            "m" => {
                let text = value.unwrap_or_default();
                match mode::changed(&text, 0, make) {
                    Some(mode) => wanted = mode,
                    None => {
                        eprintln!("install: invalid mode '{text}'");
                        return 1;
                    }
                }
            }
            "p" => times = true,
            "t" => directory = value,
            "T" => just_name = true,
            "v" => options.verbose = true,
            "g" | "o" if !matches!(value.as_deref(), Some("agent" | "1000")) => {
                let name = value.unwrap_or_default();
                eprintln!("install: cannot change ownership to '{name}': Operation not permitted");
                return 1;
            }
            _ => {}
        }
    }
    if make {
        if operands.is_empty() {
            eprintln!("install: missing file operand");
            return 1;
        }
        let mut status = 0;
        for path in operands {
            let made = fs::create_dir_all(&path);
            if let Err(error) = made.and_then(|()| set_mode(&path, wanted)) {
                eprintln!("install: cannot create directory '{path}': {}", message(&error));
                status = 1;
            } else if options.verbose {
                let _ = writeln!(out, "install: creating directory '{path}'");
            }
        }
        return status;
    }
    if parents {
        let parent = match &directory {
            Some(path) => Some(path.as_str()),
            None => operands.last().and_then(|path| Some(path.rsplit_once('/')?.0)),
        };
        if let Some(parent) = parent.filter(|parent| !parent.is_empty())
            && let Err(error) = fs::create_dir_all(parent)
        {
            eprintln!("install: cannot create directory '{parent}': {}", message(&error));
            return 1;
        }
    }
    let target = match target("install", &mut operands, directory, just_name) {
        Ok(target) => target,
        Err(status) => return status,
    };
    // What is there is replaced by a new file: a program that runs keeps its own.
    options.remove_first = !options.backup.is_on();
    let mut copier = Copier::new(options, out);
    for from in operands {
        let to = match target.directory {
            true => join(&target.path, base_name(&from)),
            false => target.path.clone(),
        };
        if look(&from, true).is_ok_and(|details| details.is_dir()) {
            copier.fail(&format!("omitting directory '{from}'"));
            continue;
        }
        if !copier.may_make(&from, &to) {
            continue;
        }
        if compare && same(&from, &to) && look(&to, true).is_ok_and(|d| d.mode == wanted) {
            continue;
        }
        let before = std::mem::replace(&mut copier.failed, false);
        copier.copy(&from, &to, true);
        if !copier.failed {
            if let Err(error) = set_mode(&to, wanted) {
                let why = message(&error);
                copier.fail(&format!("cannot change permissions of '{to}': {why}"));
            }
            if times && let Ok(source) = look(&from, true) {
                let _ = set_times(&to, &source);
            }
        }
        copier.failed |= before;
    }
    i32::from(copier.failed)
}

fn same(one: &str, other: &str) -> bool {
    let sizes = (look(one, true), look(other, true));
    matches!(sizes, (Ok(a), Ok(b)) if a.size == b.size)
        && matches!((fs::read(one), fs::read(other)), (Ok(a), Ok(b)) if a == b)
}
