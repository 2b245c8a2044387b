//! What a name means: `type`, `hash`, `alias`, `enable`.

use std::rc::Rc;

use super::{Call, Letters, NAMES, find};
use crate::quote;
use crate::shell::{Run, Shell};
use crate::syntax;
use crate::system::System;

pub(super) fn alias<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let show = |name: &str, value: &str| format!("alias {name}={}\n", quote::single(value));
    let mut letters = Letters::new(call.args());
    let mut all = false;
    while let Some(letter) = letters.next() {
        match letter {
            'p' => all = true,
            letter => return shell.bad_option(call, letter),
        }
    }
    let args = letters.operands();
    let mut output = String::new();
    if args.is_empty() || all {
        let mut listed: Vec<_> = shell.state.aliases.iter().collect();
        listed.sort();
        output = listed.into_iter().map(|(name, value)| show(name, value)).collect();
    }
    let mut status = 0;
    for arg in args {
        match arg.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                if name.contains([
                    '$', '`', '/', '=', ' ', '\t', '\n', '"', '\'', '\\', '|', '&', ';', '(', ')',
                    '<', '>',
                ]) {
                    shell.error_after(
                        call,
                        &mut output,
                        &format!("`{name}': invalid alias name"),
                    )?;
                    status = 1;
                    continue;
                }
                Rc::make_mut(&mut shell.state.aliases).insert(name.to_owned(), value.to_owned());
            }
            _ => match shell.state.aliases.get(arg.as_str()) {
                Some(value) => output.push_str(&show(arg, value)),
                None => {
                    shell.error_after(call, &mut output, &format!("{arg}: not found"))?;
                    status = 1;
                }
            },
        }
    }
    let written = shell.print(call, &output)?;
    Ok(status.max(written))
}

pub(super) fn unalias<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    if let Some(letter) = letters.next() {
        if letter != 'a' {
            return shell.bad_option(call, letter);
        }
        Rc::make_mut(&mut shell.state.aliases).clear();
        return Ok(0);
    }
    let names = letters.operands();
    if names.is_empty() {
        return shell.show_usage(call);
    }
    let mut status = 0;
    for name in names {
        if Rc::make_mut(&mut shell.state.aliases).remove(name).is_none() {
            shell.builtin_error(call, &format!("{name}: not found"));
            status = 1;
        }
    }
    Ok(status)
}

pub(super) fn type_<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (mut word, mut path, mut force, mut all, mut no_functions) =
        (false, false, false, false, false);
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            't' => word = true,
            'p' => path = true,
            'P' => force = true,
            'a' => all = true,
            'f' => no_functions = true,
            letter => return shell.bad_option(call, letter),
        }
    }
    let mut status = 0;
    let mut output = String::new();
    for name in letters.operands() {
        let mut meanings = meanings(shell, name, all);
        if no_functions {
            meanings.retain(|meaning| !matches!(meaning, Meaning::Function));
        }
        if force {
            meanings.retain(|meaning| matches!(meaning, Meaning::File(_)));
            if meanings.is_empty() {
                meanings.extend(
                    shell.locate_program(name).filter(|_| !name.contains('/')).map(Meaning::File),
                );
            }
        }
        if meanings.is_empty() {
            if !word && !path && !force {
                shell.error_after(call, &mut output, &format!("{name}: not found"))?;
            }
            status = 1;
        }
        for meaning in &meanings {
            if path || force {
                if let Meaning::File(path) = meaning {
                    output.push_str(&format!("{path}\n"));
                }
            } else if word {
                output.push_str(meaning.word());
                output.push('\n');
            } else {
                output.push_str(&sentence(shell, name, meaning));
            }
        }
    }
    let written = shell.print(call, &output)?;
    Ok(status.max(written))
}

/// What a name stands for.
enum Meaning {
    Alias(String),
    Keyword,
    Function,
    Builtin,
    File(String),
}

impl Meaning {
    fn word(&self) -> &'static str {
        match self {
            Meaning::Alias(_) => "alias",
            Meaning::Keyword => "keyword",
            Meaning::Function => "function",
            Meaning::Builtin => "builtin",
            Meaning::File(_) => "file",
        }
    }
}

fn meanings<S: System>(shell: &mut Shell<S>, name: &str, all: bool) -> Vec<Meaning> {
    let mut found = Vec::new();
    if shell.state.shopt("expand_aliases")
        && let Some(value) = shell.state.aliases.get(name)
    {
        found.push(Meaning::Alias(value.clone()));
    }
    if syntax::is_reserved(name) {
        found.push(Meaning::Keyword);
    }
    if shell.state.functions.contains_key(name) {
        found.push(Meaning::Function);
    }
    if find::<S>(name).is_some() && !shell.state.disabled.contains(name) {
        found.push(Meaning::Builtin);
    }
    if (all || found.is_empty())
        && let Some(path) = shell.locate_program(name)
    {
        let full = shell.absolute(&path);
        let is_there = shell.sys.stat(&full, true).is_ok_and(|stat| stat.executable);
        if is_there {
            found.push(Meaning::File(path));
        }
    }
    if !all {
        found.truncate(1);
    }
    found
}

fn sentence<S: System>(shell: &Shell<S>, name: &str, meaning: &Meaning) -> String {
    match meaning {
        Meaning::Alias(value) => format!("{name} is aliased to `{value}'\n"),
        Meaning::Keyword => format!("{name} is a shell keyword\n"),
        Meaning::Function => {
            let text = shell.state.functions.get(name).map(|f| syntax::print::function(f));
            format!("{name} is a function\n{}\n", text.unwrap_or_default())
        }
        Meaning::Builtin => format!("{name} is a shell builtin\n"),
        Meaning::File(path) if shell.state.hash.contains_key(name) && !name.contains('/') => {
            format!("{name} is hashed ({path})\n")
        }
        Meaning::File(path) => format!("{name} is {path}\n"),
    }
}

/// `command -v` and `command -V`.
pub(super) fn describe<S: System>(
    shell: &mut Shell<S>,
    call: &Call<'_>,
    names: &[String],
    long: bool,
) -> Run {
    let mut output = String::new();
    let mut status = 1;
    for name in names {
        let Some(meaning) = meanings(shell, name, false).into_iter().next() else {
            if long {
                shell.error_after(call, &mut output, &format!("{name}: not found"))?;
            }
            continue;
        };
        status = 0;
        if long {
            output.push_str(&sentence(shell, name, &meaning));
            continue;
        }
        match meaning {
            Meaning::Alias(value) => {
                output.push_str(&format!("alias {name}={}\n", quote::single(&value)));
            }
            Meaning::File(path) => output.push_str(&format!("{path}\n")),
            _ => output.push_str(&format!("{name}\n")),
        }
    }
    let written = shell.print(call, &output)?;
    Ok(status.max(written))
}

pub(super) fn hash<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    if !shell.state.options.hashall {
        shell.builtin_error(call, "hashing disabled");
        return Ok(1);
    }
    let mut letters = Letters::new(call.args());
    let (mut delete, mut path, mut show, mut reusable) = (false, None, false, false);
    while let Some(letter) = letters.next() {
        match letter {
            'r' => Rc::make_mut(&mut shell.state.hash).clear(),
            'd' => delete = true,
            't' => show = true,
            'l' => reusable = true,
            'p' => match letters.value() {
                Some(value) => path = Some(value.to_owned()),
                None => return shell.lacks_value(call, 'p'),
            },
            letter => return shell.bad_option(call, letter),
        }
    }
    let names = letters.operands();
    if names.is_empty() && (show || delete) {
        let letter = if show { 't' } else { 'd' };
        shell.builtin_error(call, &format!("-{letter}: option requires an argument"));
        return Ok(1);
    }
    let mut status = 0;
    let mut output = String::new();
    if names.is_empty() && reusable {
        for (name, path) in shell.state.hash.iter() {
            output.push_str(&format!("builtin hash -p {path} {name}\n"));
        }
    }
    if names.is_empty() && call.args().is_empty() {
        if shell.state.hash.is_empty() {
            return shell.print(call, "hash: hash table empty\n");
        }
        output.push_str("hits\tcommand\n");
        for path in shell.state.hash.values() {
            output.push_str(&format!("   1\t{path}\n"));
        }
    }
    for name in names {
        if let Some(path) = &path {
            Rc::make_mut(&mut shell.state.hash).insert(name.clone(), path.clone());
        } else if delete {
            Rc::make_mut(&mut shell.state.hash).remove(name);
        } else if show {
            match shell.state.hash.get(name) {
                Some(path) if names.len() > 1 => output.push_str(&format!("{name}\t{path}\n")),
                Some(path) => output.push_str(&format!("{path}\n")),
                None => {
                    shell.error_after(call, &mut output, &format!("{name}: not found"))?;
                    status = 1;
                }
            }
        } else if shell.find_program(name).is_some_and(|_| !name.contains('/')) {
        } else if find::<S>(name).is_none() && !shell.state.functions.contains_key(name) {
            shell.builtin_error(call, &format!("{name}: not found"));
            status = 1;
        }
    }
    let written = shell.print(call, &output)?;
    Ok(status.max(written))
}

pub(super) fn enable<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    let mut disable = false;
    while let Some(letter) = letters.next() {
        match letter {
            'n' => disable = true,
            'a' | 'p' | 's' => {}
            letter => return shell.bad_option(call, letter),
        }
    }
    let names = letters.operands();
    if names.is_empty() {
        let shown = |name: &&&str| shell.state.disabled.contains(**name) == disable;
        let prefix = if disable { "enable -n" } else { "enable" };
        let output: String =
            NAMES.iter().filter(shown).map(|name| format!("{prefix} {name}\n")).collect();
        return shell.print(call, &output);
    }
    let mut status = 0;
    for name in names {
        if find::<S>(name).is_none() {
            shell.builtin_error(call, &format!("{name}: not a shell builtin"));
            status = 1;
            continue;
        }
        let disabled = Rc::make_mut(&mut shell.state.disabled);
        match disable {
            true => disabled.insert(name.clone()),
            false => disabled.remove(name),
        };
    }
    Ok(status)
}
