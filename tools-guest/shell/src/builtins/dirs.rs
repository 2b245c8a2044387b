//! The working directory and the stack of directories.

use super::{Call, Letters};
use crate::shell::{Run, Shell};
use crate::system::{Errno, FileKind, System};

/// A path without `.`, `..` and double slashes, by its text alone.
fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

impl<S: System> Shell<S> {
    /// Changes the working directory; says nothing.
    fn change_directory(&mut self, path: &str, physical: bool) -> Result<(), Errno> {
        let full = self.absolute(path);
        // Each step must be there, also one that `..` takes back.
        let target = match physical {
            true => self.sys.real_path(&full)?,
            false => {
                let target = normalize(&full);
                if full.contains("/..") && self.sys.stat(&full, true).is_err() {
                    return Err(Errno::NotFound);
                }
                target
            }
        };
        let stat = self.sys.stat(&target, true)?;
        if stat.kind != FileKind::Directory {
            return Err(Errno::NotDirectory);
        }
        let old = std::mem::replace(&mut self.state.cwd, target.clone());
        let _ = self.set("OLDPWD", old);
        let _ = self.set("PWD", target);
        self.state.vars.entry("PWD").attributes.export = true;
        self.state.vars.entry("OLDPWD").attributes.export = true;
        Ok(())
    }

    fn short(&mut self, path: &str) -> String {
        let home = self.get("HOME").unwrap_or_default();
        match path.strip_prefix(&home) {
            Some(rest) if !home.is_empty() && (rest.is_empty() || rest.starts_with('/')) => {
                format!("~{rest}")
            }
            _ => path.to_owned(),
        }
    }

    fn stack(&self) -> Vec<String> {
        let mut stack = vec![self.state.cwd.clone()];
        stack.extend(self.state.dirs.iter().cloned());
        stack
    }
}

pub(super) fn cd<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut physical = shell.state.options.physical;
    let mut letters = Letters::new(call.args());
    while letters.operands().first().is_none_or(|word| word != "-") {
        match letters.next() {
            Some('L') => physical = false,
            Some('P') => physical = true,
            Some('e' | '@') => {}
            Some(letter) => return shell.bad_option(call, letter),
            None => break,
        }
    }
    let operands = letters.operands();
    if operands.len() > 1 {
        shell.builtin_error(call, "too many arguments");
        return Ok(1);
    }
    let mut show = false;
    let target = match operands.first().map(String::as_str) {
        None => match shell.get("HOME") {
            Some(home) => home,
            None => {
                shell.builtin_error(call, "HOME not set");
                return Ok(1);
            }
        },
        Some("-") => match shell.get("OLDPWD") {
            Some(old) => {
                show = true;
                old
            }
            None => {
                shell.builtin_error(call, "OLDPWD not set");
                return Ok(1);
            }
        },
        Some("") => return Ok(0),
        Some(path) => path.to_owned(),
    };
    let searched = shell.get("CDPATH").filter(|_| {
        !target.starts_with('/') && !target.starts_with("./") && !target.starts_with("../")
    });
    for directory in searched.iter().flat_map(|path| path.split(':')) {
        let candidate = match directory {
            "" => continue,
            directory => format!("{}/{target}", directory.trim_end_matches('/')),
        };
        if shell.change_directory(&candidate, physical).is_ok() {
            let cwd = shell.state.cwd.clone();
            return shell.print(call, &format!("{cwd}\n"));
        }
    }
    match shell.change_directory(&target, physical) {
        Ok(()) if show => {
            let cwd = shell.state.cwd.clone();
            shell.print(call, &format!("{cwd}\n"))
        }
        Ok(()) => Ok(0),
        Err(error) => {
            // A variable may hold where to go.
            let named = shell.get(&target).filter(|_| shell.state.shopt("cdable_vars"));
            if let Some(path) = named.filter(|path| !path.is_empty())
                && shell.change_directory(&path, physical).is_ok()
            {
                return shell.print(call, &format!("{path}\n"));
            }
            shell.builtin_error(call, &format!("{target}: {}", error.message()));
            Ok(1)
        }
    }
}

pub(super) fn pwd<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut physical = shell.state.options.physical;
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            'L' => physical = false,
            'P' => physical = true,
            letter => return shell.bad_option(call, letter),
        }
    }
    let cwd = shell.state.cwd.clone();
    let cwd = match physical {
        true => shell.sys.real_path(&cwd).unwrap_or(cwd),
        false => cwd,
    };
    shell.print(call, &format!("{cwd}\n"))
}

/// What an argument of `pushd`, `popd` or `dirs` says of the stack.
enum Entry {
    At(usize),
    /// A number that is not on it.
    Outside,
    /// A sign, and no number behind it.
    NoNumber,
    /// Something else.
    Other,
}

fn entry(text: &str, count: usize) -> Entry {
    let Some((sign @ ("+" | "-"), digits)) = text.split_at_checked(1) else { return Entry::Other };
    let Ok(number) = digits.parse::<usize>() else { return Entry::NoNumber };
    let at = match sign {
        "+" => Some(number),
        _ => count.checked_sub(number.saturating_add(1)),
    };
    at.filter(|at| *at < count).map_or(Entry::Outside, Entry::At)
}

impl<S: System> Shell<S> {
    /// Says that there is no such entry.
    fn no_entry(&mut self, call: &Call<'_>, written: &str) -> Run {
        let message = match self.state.dirs.is_empty() {
            true => "directory stack empty".to_owned(),
            false => format!("{written}: directory stack index out of range"),
        };
        self.builtin_error(call, &message);
        Ok(1)
    }

    /// Says that an argument is not one.
    fn no_argument(&mut self, call: &Call<'_>, written: &str, what: &str) -> Run {
        self.builtin_error(call, &format!("{written}: {what}"));
        self.show_usage(call)
    }
}

/// The argument of `pushd` or `popd`, and whether the directory is not changed.
fn target<'a>(call: &Call<'a>) -> (Option<&'a String>, bool) {
    let args = &call.words[1..];
    let (args, stay) = match args.split_first() {
        Some((word, rest)) if word == "-n" => (rest, true),
        _ => (args, false),
    };
    (args.iter().find(|word| *word != "--"), stay)
}

pub(super) fn pushd<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (target, stay) = target(call);
    let mut stack = shell.stack();
    let Some(target) = target else {
        if stack.len() < 2 {
            shell.builtin_error(call, "no other directory");
            return Ok(1);
        }
        stack.swap(0, 1);
        return move_to(shell, call, stack);
    };
    match entry(target, stack.len()) {
        Entry::At(at) if stack.len() > 1 => {
            stack.rotate_left(at);
            move_to(shell, call, stack)
        }
        Entry::At(_) | Entry::Outside => shell.no_entry(call, target),
        Entry::NoNumber if target != "-" => shell.no_argument(call, target, "invalid number"),
        _ if stay => {
            shell.state.dirs.insert(0, target.clone());
            dirs_text(shell, call)
        }
        _ => {
            let old = shell.state.cwd.clone();
            let path = match target.as_str() {
                "-" => shell.get("OLDPWD").unwrap_or_default(),
                path => path.to_owned(),
            };
            if let Err(error) = shell.change_directory(&path, false) {
                shell.builtin_error(call, &format!("{path}: {}", error.message()));
                return Ok(1);
            }
            shell.state.dirs.insert(0, old);
            dirs_text(shell, call)
        }
    }
}

fn move_to<S: System>(shell: &mut Shell<S>, call: &Call<'_>, stack: Vec<String>) -> Run {
    let (first, rest) = stack.split_first().expect("the stack holds the working directory");
    if let Err(error) = shell.change_directory(first, false) {
        shell.builtin_error(call, &format!("{first}: {}", error.message()));
        return Ok(1);
    }
    shell.state.dirs = rest.to_vec();
    dirs_text(shell, call)
}

pub(super) fn popd<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (target, stay) = target(call);
    let mut stack = shell.stack();
    let at = match target.map(|word| (word, entry(word, stack.len()))) {
        None if stack.len() > 1 => usize::from(stay),
        None => return shell.no_entry(call, ""),
        Some((_, Entry::At(at))) if stack.len() > 1 => at,
        Some((word, Entry::At(_) | Entry::Outside)) => return shell.no_entry(call, word),
        Some((word, Entry::NoNumber)) => return shell.no_argument(call, word, "invalid number"),
        Some((word, Entry::Other)) => return shell.no_argument(call, word, "invalid argument"),
    };
    stack.remove(at);
    match at {
        0 => move_to(shell, call, stack),
        _ => {
            shell.state.dirs = stack[1..].to_vec();
            dirs_text(shell, call)
        }
    }
}

fn dirs_text<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let stack = shell.stack();
    let texts: Vec<String> = stack.iter().map(|path| shell.short(path)).collect();
    shell.print(call, &format!("{}\n", texts.join(" ")))
}

pub(super) fn dirs<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (mut long, mut lines, mut numbers) = (false, false, false);
    for word in call.args() {
        let count = shell.state.dirs.len() + 1;
        match word.as_str() {
            "-c" => {
                shell.state.dirs.clear();
                return Ok(0);
            }
            "-l" => long = true,
            "-p" => lines = true,
            "-v" => (lines, numbers) = (true, true),
            "--" => {}
            word => match entry(word, count) {
                Entry::At(at) => {
                    let path = shell.stack().swap_remove(at);
                    let path = if long { path } else { shell.short(&path) };
                    return shell.print(call, &format!("{path}\n"));
                }
                Entry::Outside => return shell.no_entry(call, &word[1..]),
                Entry::NoNumber => return shell.no_argument(call, word, "invalid number"),
                Entry::Other => return shell.no_argument(call, word, "invalid option"),
            },
        }
    }
    let mut texts = Vec::new();
    for (at, path) in shell.stack().into_iter().enumerate() {
        let path = if long { path } else { shell.short(&path) };
        texts.push(if numbers { format!("{at:2}  {path}") } else { path });
    }
    let separator = if lines { "\n" } else { " " };
    shell.print(call, &format!("{}\n", texts.join(separator)))
}
