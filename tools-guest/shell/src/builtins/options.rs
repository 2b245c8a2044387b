//! `set` and `shopt`.

use std::rc::Rc;

use super::{Call, Letters, declare};
use crate::shell::{Run, Shell};
use crate::state::SHOPTS;
use crate::syntax;
use crate::system::System;

pub(super) fn set<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let args = call.args();
    if args.is_empty() {
        return show_variables(shell, call);
    }
    let mut at = 0;
    while let Some(word) = args.get(at) {
        let on = match word.as_bytes().first() {
            Some(b'-') => true,
            Some(b'+') => false,
            _ => break,
        };
        at += 1;
        match word.as_str() {
            "--" => {
                shell.state.positional = Rc::new(args[at..].to_vec());
                return Ok(0);
            }
            "-" => {
                shell.state.options.xtrace = false;
                shell.state.options.verbose = false;
                if at < args.len() {
                    shell.state.positional = Rc::new(args[at..].to_vec());
                }
                return Ok(0);
            }
            _ => {}
        }
        for letter in word.chars().skip(1) {
            if letter == 'o' {
                let Some(name) = args.get(at) else { return show_options(shell, call, on) };
                at += 1;
                if !shell.set_option(name, on) {
                    shell.builtin_error(call, &format!("{name}: invalid option name"));
                    return Ok(2);
                }
                continue;
            }
            match shell.set_letter(letter, on) {
                true => {}
                false => {
                    if (letter, on) == ('r', true) {
                        shell.builtin_error(call, "-r: a restricted shell is not supported");
                        return Ok(2);
                    }
                    let sign = if on { '-' } else { '+' };
                    shell.builtin_error(call, &format!("{sign}{letter}: invalid option"));
                    return shell.show_usage(call);
                }
            }
        }
    }
    if at < args.len() {
        shell.state.positional = Rc::new(args[at..].to_vec());
    }
    Ok(0)
}

impl<S: System> Shell<S> {
    /// Sets an option of `set -o`; `false` if there is no such thing.
    pub fn set_option(&mut self, name: &str, on: bool) -> bool {
        let options = &mut self.state.options;
        let Some(option) = options.by_name(name) else { return false };
        *option = on;
        match (name, on) {
            // A line is edited in one way.
            ("vi", true) => options.emacs = false,
            ("emacs", true) => options.vi = false,
            // Two options are variables as well.
            ("posix", true) => drop(self.set("POSIXLY_CORRECT", "y".to_owned())),
            ("posix", false) => self.state.vars.unset("POSIXLY_CORRECT"),
            ("ignoreeof", true) => drop(self.set("IGNOREEOF", "10".to_owned())),
            ("ignoreeof", false) => self.state.vars.unset("IGNOREEOF"),
            _ => {}
        }
        true
    }

    /// Sets the option of this letter; `false` if there is none.
    pub fn set_letter(&mut self, letter: char, on: bool) -> bool {
        let name = self.state.options.name(letter);
        name.is_some_and(|name| self.set_option(name, on))
    }

    /// Sets what `shopt` sets, and what only tells how the shell was started; `false` if there is
    /// no such thing.
    pub fn start_shopt(&mut self, name: &str, on: bool) -> bool {
        let known = SHOPTS.iter().any(|(known, _)| *known == name);
        if known {
            self.state.set_shopt(name, on);
            // Others stand for more than themselves.
            self.set_shopt(name, on);
        }
        known
    }

    /// Sets what `shopt` sets; `false` if there is no such thing.
    pub fn set_shopt(&mut self, name: &str, on: bool) -> bool {
        if !SHOPTS.iter().any(|(known, _)| *known == name) {
            return false;
        }
        match name {
            // They tell how the shell was started.
            "login_shell" | "restricted_shell" => return true,
            "extdebug" => {
                self.state.options.functrace = on;
                self.state.options.errtrace = on;
            }
            _ => {}
        }
        self.state.set_shopt(name, on);
        true
    }
}

fn show_variables<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut output = String::new();
    for name in shell.state.vars.names() {
        let value = shell.state.vars.get(&name).and_then(|var| declare::plain(&var.value));
        if let Some(value) = value {
            output.push_str(&format!("{name}={value}\n"));
        }
    }
    if !shell.state.options.posix {
        for function in shell.state.functions.values() {
            output.push_str(&syntax::print::function(function));
            output.push('\n');
        }
    }
    shell.print(call, &output)
}

fn show_options<S: System>(shell: &mut Shell<S>, call: &Call<'_>, readable: bool) -> Run {
    let mut output = String::new();
    for (name, _, on) in shell.state.options.list() {
        match readable {
            true => output.push_str(&format!("{name:<15}\t{}\n", if on { "on" } else { "off" })),
            false => output.push_str(&format!("set {}o {name}\n", if on { '-' } else { '+' })),
        }
    }
    shell.print(call, &output)
}

pub(super) fn shopt<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (mut set, mut unset, mut quiet, mut print, mut options) =
        (false, false, false, false, false);
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            's' => set = true,
            'u' => unset = true,
            'q' => quiet = true,
            'p' => print = true,
            'o' => options = true,
            letter => return shell.bad_option(call, letter),
        }
    }
    if set && unset {
        shell.builtin_error(call, "cannot set and unset shell options simultaneously");
        return Ok(1);
    }
    let names = letters.operands();
    let line = |name: &str, on: bool| match (print, options) {
        (false, _) => format!("{name:<15}\t{}\n", if on { "on" } else { "off" }),
        (true, true) => format!("set {}o {name}\n", if on { '-' } else { '+' }),
        (true, false) => format!("shopt -{} {name}\n", if on { 's' } else { 'u' }),
    };
    if names.is_empty() {
        let all: Vec<(&str, bool)> = match options {
            true => shell.state.options.list().into_iter().map(|(n, _, on)| (n, on)).collect(),
            false => SHOPTS.iter().map(|(name, _)| (*name, shell.state.shopt(name))).collect(),
        };
        let wanted = all.into_iter().filter(|(_, on)| !(set && !on || unset && *on));
        let output: String = wanted.map(|(name, on)| line(name, on)).collect();
        return shell.print(call, &output);
    }
    let mut status = 0;
    let mut output = String::new();
    for name in names {
        if set && name.starts_with("compat") && !options {
            shell.builtin_error(call, &format!("{name}: not supported: this is bash 5.2"));
            status = 1;
            continue;
        }
        let current = match options {
            true => shell.state.options.by_name(name).map(|on| *on),
            false => {
                let known = SHOPTS.iter().any(|(known, _)| known == name);
                known.then(|| shell.state.shopt(name))
            }
        };
        let Some(on) = current else {
            let what = if options { "option name" } else { "shell option name" };
            shell.error_after(call, &mut output, &format!("{name}: invalid {what}"))?;
            status = 1;
            continue;
        };
        if set || unset {
            match options {
                true => drop(shell.set_option(name, set)),
                false => drop(shell.set_shopt(name, set)),
            }
            continue;
        }
        if !on {
            status = 1;
        }
        if !quiet {
            output.push_str(&line(name, on));
        }
    }
    let written = shell.print(call, &output)?;
    Ok(status.max(written))
}
