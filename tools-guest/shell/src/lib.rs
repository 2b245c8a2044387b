//! The shell language of a cell: GNU bash 5.2's, over a small [`System`].
//!
//! Text becomes a tree in `syntax`; `exec` walks it; `expand` turns its words into fields;
//! `process` starts programs and pipelines; `builtins` are the commands that the shell itself is.
//! Commands are read and run one at a time, so an error on a later line undoes nothing.
//!
//! There is no `fork`. A subshell runs in place, on a copy of the [state](Shell), which is thrown
//! away after it; what must run beside the shell (a stage of a pipeline, a job, a process
//! substitution) and is no plain program goes on in a new process from a serialized state.

mod access;
mod arith;
mod builtins;
mod command_line;
mod computed;
mod condition;
mod exec;
mod expand;
mod jobs;
mod killed;
mod lines;
mod locale;
mod matching;
mod process;
mod quote;
mod redirect;
mod shell;
mod state;
mod syntax;
mod system;
mod trace;
mod traps;
mod vars;

pub use builtins::{signal_name, signal_number};
pub use command_line::run;
pub use shell::{Shell, Start};
pub use system::{
    Disposition, Errno, Exit, FileKind, OpenHow, Program, Session, Spawn, Stat, Sys, System, Times,
};
use toolcell_text::escape as text;
pub use toolcell_text::escape::{decode, encode};

/// Whether a shell pattern matches all of a text, upper and lower case alike with `fold`.
pub fn matches(pattern: &str, text: &str, fold: bool) -> bool {
    toolcell_text::Pattern::new(pattern, false, fold).matches(text)
}

/// Whether a text breaks off before a command is complete.
pub fn is_incomplete(source: &str) -> bool {
    syntax::Parser::new(source, 1, syntax::Options::default()).missing().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_breaks_off_where_a_command_does() {
        for (text, expected) in [
            ("echo a\n", false),
            ("", false),
            ("# '\n", false),
            ("echo 'a\n", true),
            ("echo $(a\n", true),
            ("if true; then\n", true),
            ("a |\n", true),
            ("a &&\n\n", true),
            ("f()\n", true),
            ("echo a \\\n", true),
            ("cat <<E\nx\n", true),
            ("cat <<E\nx\nE\n", false),
            ("cat <<-E\n\tE\n", false),
            ("cat <<A <<B\nA\n", true),
            ("x=$(cat <<E\nE\n", true),
            // More would not help.
            ("foo(\n", false),
            ("fi\n", false),
        ] {
            assert_eq!(is_incomplete(text), expected, "{text}");
        }
    }
}
