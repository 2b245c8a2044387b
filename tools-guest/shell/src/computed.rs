//! Variables that the shell computes when they are asked for, and those that act when they are set.

use std::rc::Rc;

use crate::access::Refused;
use crate::shell::Shell;
use crate::system::System;
use crate::vars::{Assoc, Attributes, Value};

/// Whether a variable is computed, unless it has been unset.
fn is_special(name: &str) -> bool {
    matches!(
        name,
        "RANDOM"
            | "SRANDOM"
            | "LINENO"
            | "SECONDS"
            | "EPOCHSECONDS"
            | "EPOCHREALTIME"
            | "BASHPID"
            | "BASH_ALIASES"
            | "BASH_ARGC"
            | "BASH_ARGV"
            | "BASH_ARGV0"
            | "BASH_CMDS"
            | "BASH_COMMAND"
            | "BASH_LINENO"
            | "BASH_SOURCE"
            | "BASH_SUBSHELL"
            | "BASHOPTS"
            | "DIRSTACK"
            | "FUNCNAME"
            | "GROUPS"
            | "HISTCMD"
            | "PIPESTATUS"
            | "SHELLOPTS"
            | "_"
    )
}

/// Whether a computed variable cannot be set.
pub(crate) fn is_readonly(name: &str) -> bool {
    matches!(name, "SHELLOPTS" | "BASHOPTS")
}

/// Whether a computed variable cannot be unset.
pub(crate) fn stays(name: &str) -> bool {
    matches!(name, "BASH_ARGC" | "BASH_ARGV" | "BASH_LINENO" | "BASH_SOURCE")
}

/// What `declare` shows of a computed variable.
pub(crate) fn attributes(name: &str) -> Attributes {
    Attributes {
        readonly: is_readonly(name),
        integer: matches!(name, "RANDOM" | "SECONDS" | "BASHPID" | "SRANDOM" | "HISTCMD"),
        ..Attributes::default()
    }
}

impl<S: System> Shell<S> {
    /// Whether a variable is computed when it is asked for.
    pub(crate) fn is_computed(&self, name: &str) -> bool {
        is_special(name) && !self.state.ordinary.contains(name)
    }

    /// Values that exist only when they are asked for.
    pub(crate) fn computed(&mut self, name: &str) -> Option<Value> {
        if !self.is_computed(name) {
            return None;
        }
        let text = |text: String| Some(Value::Scalar(text));
        let array = |items: Vec<String>| {
            let items = items.into_iter().enumerate().map(|(at, item)| (at as i64, item));
            Some(Value::Indexed(Some(items.collect())))
        };
        let assoc = |pairs: &mut dyn Iterator<Item = (&String, &String)>| {
            let mut elements = Assoc::default();
            pairs.for_each(|(key, value)| elements.insert(key.clone(), value.clone()));
            Some(Value::Assoc(Some(elements)))
        };
        match name {
            "RANDOM" => {
                // The generator of POSIX's example, as bash uses it: good for dice, not for keys.
                let next = self.state.random.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                self.state.random = next;
                text(((next >> 16) & 0x7FFF).to_string())
            }
            "SRANDOM" => text(self.sys.random().to_string()),
            "LINENO" => text(self.state.line.to_string()),
            "SECONDS" => {
                let now = i64::try_from(self.now().as_secs()).unwrap_or(0);
                text((now - self.state.seconds_from).to_string())
            }
            "EPOCHSECONDS" => text(self.now().as_secs().to_string()),
            "EPOCHREALTIME" => {
                let now = self.now();
                text(format!("{}.{:06}", now.as_secs(), now.subsec_micros()))
            }
            "BASHPID" => text(self.sys.pid().to_string()),
            "BASH_SUBSHELL" => text(self.state.subshell.to_string()),
            "BASH_COMMAND" => text(self.command_text.clone()),
            "_" => text(self.state.last_argument.clone()),
            "PIPESTATUS" if self.state.pipe_status.is_empty() => Some(Value::Unset),
            "PIPESTATUS" => array(self.state.pipe_status.iter().map(i32::to_string).collect()),
            "FUNCNAME" => {
                if !self.state.in_function() && self.state.frames.is_empty() {
                    return Some(Value::Indexed(None));
                }
                let names = self.state.frames.iter().rev().map(|frame| frame.name.clone());
                let main = (!self.state.command_string).then(|| "main".to_owned());
                array(names.chain(main).collect())
            }
            "BASH_SOURCE" => {
                let sources = self.state.frames.iter().rev().map(|frame| frame.source.clone());
                let main = (!self.state.script.is_empty()).then(|| self.state.script.clone());
                array(sources.chain(main).collect())
            }
            "BASH_ARGC" | "BASH_ARGV" => {
                let calls = match (&self.state.arguments[..], self.state.in_function()) {
                    ([], true) => return Some(Value::Unset),
                    ([], false) => std::slice::from_ref(&*self.state.positional),
                    (calls, _) => calls,
                };
                let calls = calls.iter().rev();
                array(match name {
                    "BASH_ARGC" => calls.map(|call| call.len().to_string()).collect(),
                    _ => calls.flat_map(|call| call.iter().rev().cloned()).collect(),
                })
            }
            "BASH_LINENO" => {
                let lines = self.state.frames.iter().rev().map(|frame| frame.line.to_string());
                let main = (!self.state.command_string).then(|| "0".to_owned());
                array(lines.chain(main).collect())
            }
            "DIRSTACK" => {
                let mut dirs = vec![self.state.cwd.clone()];
                dirs.extend(self.state.dirs.iter().cloned());
                array(dirs)
            }
            "BASH_ALIASES" => assoc(&mut self.state.aliases.iter()),
            "BASH_CMDS" => assoc(&mut self.state.hash.iter()),
            "BASH_ARGV0" => text(self.state.name.clone()),
            // A script has no history.
            "HISTCMD" => text("0".to_owned()),
            "GROUPS" => array(vec!["1000".to_owned()]),
            "SHELLOPTS" => {
                let on = self.state.options.list().into_iter().filter(|(_, _, on)| *on);
                let names: Vec<&str> = on.map(|(name, ..)| name).collect();
                text(names.join(":"))
            }
            "BASHOPTS" => {
                let on = crate::state::SHOPTS.iter().filter(|(name, _)| self.state.shopt(name));
                let names: Vec<&str> = on.map(|(name, _)| *name).collect();
                text(names.join(":"))
            }
            _ => None,
        }
    }

    /// Sets an element of a computed array, of those that mean something.
    pub(crate) fn set_computed_element(
        &mut self,
        name: &str,
        index: &str,
        value: String,
    ) -> Result<(), Refused> {
        match name {
            "BASH_ALIASES" => {
                drop(Rc::make_mut(&mut self.state.aliases).insert(index.into(), value))
            }
            "BASH_CMDS" => drop(Rc::make_mut(&mut self.state.hash).insert(index.into(), value)),
            "DIRSTACK" => {
                let at = self.arithmetic(index).map_err(|_| Refused)?;
                // The first one is the working directory, which `cd` alone changes.
                let entry = usize::try_from(at - 1).ok().and_then(|at| self.state.dirs.get_mut(at));
                if let Some(entry) = entry {
                    *entry = value;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Forgets an element of a computed array. Whether there is such an array.
    pub(crate) fn unset_computed_element(&mut self, name: &str, index: &str) -> bool {
        match name {
            _ if !self.is_computed(name) => return false,
            "BASH_ALIASES" => drop(Rc::make_mut(&mut self.state.aliases).remove(index)),
            "BASH_CMDS" => drop(Rc::make_mut(&mut self.state.hash).remove(index)),
            _ => return false,
        }
        true
    }

    /// A variable that has been unset is one like any other from then on.
    pub(crate) fn was_unset(&mut self, name: &str) {
        if name == "POSIXLY_CORRECT" {
            self.state.options.posix = false;
        }
        // What a command's last argument is, and how a pipeline ended, is told each time anew.
        if is_special(name) && !matches!(name, "_" | "PIPESTATUS") {
            Rc::make_mut(&mut self.state.ordinary).insert(name.to_owned());
        }
    }

    /// Says that this shell behaves as one version does, if another is asked for.
    fn check_compatibility(&mut self, value: &str) {
        const VERSIONS: [&str; 8] = ["31", "32", "40", "41", "42", "43", "44", "50"];
        let digits = value.replace('.', "");
        let message = match digits.as_str() {
            "" | "51" | "52" => return,
            known if VERSIONS.contains(&known) => "not supported: this is bash 5.2",
            _ => "compatibility value out of range",
        };
        self.complain(&format!("BASH_COMPAT: {value}: {message}"));
    }

    /// Some variables act when they are set.
    pub(crate) fn assigned(&mut self, name: &str, value: &str) {
        match name {
            "POSIXLY_CORRECT" => self.state.options.posix = true,
            "BASH_ARGV0" => self.state.name = value.to_owned(),
            "BASH_COMPAT" => self.check_compatibility(value),
            "RANDOM" => self.state.random = value.parse().unwrap_or(0),
            "SECONDS" => {
                let now = i64::try_from(self.now().as_secs()).unwrap_or(0);
                self.state.seconds_from = now - value.parse::<i64>().unwrap_or(0);
            }
            "OPTIND" => self.state.getopts_at = 0,
            _ => {}
        }
    }
}
