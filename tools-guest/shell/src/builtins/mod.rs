//! The commands that the shell itself is.
//!
//! One file for each family; this one knows them all by name.

mod complete;
mod declare;
mod dirs;
mod flow;
mod help;
mod input;
mod job;
mod limits;
mod names;
mod options;
mod output;
mod test;
mod traps;

use crate::shell::{Run, Shell, Unwind};
use crate::syntax::ast::Assign;
use crate::system::{Errno, System};
use crate::text;

pub use traps::{signal_name, signal_number};

/// What a builtin is called with.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Its name, then its arguments.
    pub(crate) words: &'a [String],
    /// For each word, the array assignment that it stands for; empty when there is none at all.
    pub(crate) arrays: &'a [Option<&'a Assign>],
}

impl Call<'_> {
    pub(crate) fn name(&self) -> &str {
        &self.words[0]
    }

    pub(crate) fn args(&self) -> &[String] {
        &self.words[1..]
    }
}

/// A builtin.
pub(crate) type Builtin<S> = fn(&mut Shell<S>, &Call<'_>) -> Run;

/// Every builtin's name.
pub(crate) const NAMES: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// The builtin of this name.
pub(crate) fn find<S: System>(name: &str) -> Option<Builtin<S>> {
    Some(match name {
        ":" | "true" => |_, _| Ok(0),
        "false" => |_, _| Ok(1),
        "." | "source" => flow::source,
        "[" | "test" => test::test,
        "alias" => names::alias,
        "unalias" => names::unalias,
        "bg" | "fg" => job::foreground,
        "break" | "continue" => flow::break_loop,
        "builtin" => flow::builtin,
        "caller" => flow::caller,
        "cd" => dirs::cd,
        "command" => flow::command,
        "bind" => complete::bind,
        "compgen" => complete::compgen,
        "complete" => complete::complete,
        "compopt" => complete::compopt,
        "fc" | "history" => complete::history,
        "suspend" | "logout" => complete::leave,
        "declare" | "typeset" | "local" | "export" | "readonly" => declare::declare,
        "dirs" => dirs::dirs,
        "disown" => job::disown,
        "echo" => output::echo,
        "enable" => names::enable,
        "eval" => flow::eval,
        "exec" => flow::exec,
        "exit" => flow::exit,
        "getopts" => input::getopts,
        "hash" => names::hash,
        "jobs" => job::jobs,
        "kill" => job::kill,
        "let" => declare::let_,
        "mapfile" | "readarray" => input::mapfile,
        "popd" => dirs::popd,
        "printf" => output::printf,
        "pushd" => dirs::pushd,
        "pwd" => dirs::pwd,
        "read" => input::read,
        "return" => flow::return_,
        "set" => options::set,
        "shift" => flow::shift,
        "shopt" => options::shopt,
        "times" => job::times,
        "trap" => traps::trap,
        "type" => names::type_,
        "ulimit" => limits::ulimit,
        "umask" => limits::umask,
        "unset" => declare::unset,
        "wait" => job::wait,
        "help" => help::help,
        _ => return None,
    })
}

/// Runs a builtin, or says what it is for if that is asked.
pub(crate) fn run<S: System>(shell: &mut Shell<S>, builtin: Builtin<S>, call: &Call<'_>) -> Run {
    match help::is_asked(call) {
        true => help::answer(shell, call),
        false => builtin(shell, call),
    }
}

/// Whether the arguments of this builtin are assignments.
pub(crate) fn declares(name: &str) -> bool {
    matches!(name, "declare" | "typeset" | "local" | "export" | "readonly")
}

/// Options of a builtin, letter by letter.
pub(crate) struct Letters<'a> {
    words: &'a [String],
    at: usize,
    rest: &'a str,
}

impl<'a> Letters<'a> {
    /// Reads from the first argument on.
    pub(crate) fn new(args: &'a [String]) -> Letters<'a> {
        Letters { words: args, at: 0, rest: "" }
    }

    /// The next letter.
    pub(crate) fn next(&mut self) -> Option<char> {
        if self.rest.is_empty() {
            let word = self.words.get(self.at)?;
            let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty())?;
            self.at += 1;
            if letters == "-" {
                return None;
            }
            self.rest = letters;
        }
        let letter = self.rest.chars().next()?;
        self.rest = &self.rest[letter.len_utf8()..];
        Some(letter)
    }

    /// The value of an option: the rest of its word, or the next one.
    pub(crate) fn value(&mut self) -> Option<&'a str> {
        if !self.rest.is_empty() {
            return Some(std::mem::take(&mut self.rest));
        }
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    /// What is left after the options.
    pub(crate) fn operands(&self) -> &'a [String] {
        &self.words[self.at.min(self.words.len())..]
    }
}

impl<S: System> Shell<S> {
    /// Complains in a builtin's name.
    pub(crate) fn builtin_error(&mut self, call: &Call<'_>, message: &str) {
        self.complain(&format!("{}: {message}", call.name()));
    }

    /// Complains in a builtin's name after what it has to print before that.
    pub(crate) fn error_after(
        &mut self,
        call: &Call<'_>,
        output: &mut String,
        message: &str,
    ) -> Result<(), Unwind> {
        self.print(call, &std::mem::take(output))?;
        self.builtin_error(call, message);
        Ok(())
    }

    /// Prints to standard output; a reader that is gone ends the shell, as SIGPIPE would.
    pub(crate) fn print(&mut self, call: &Call<'_>, output: &str) -> Run {
        if output.is_empty() {
            return Ok(0);
        }
        match self.write_fd(1, text::encode(output).as_ref()) {
            Ok(()) => Ok(0),
            Err(Errno::Pipe) if self.state.trap("PIPE").is_none() => match self.state.subshell {
                0 => self.sys.die(13),
                _ => Err(Unwind::Exit(141)),
            },
            Err(error) => {
                self.builtin_error(call, &format!("write error: {}", error.message()));
                Ok(1)
            }
        }
    }
}
