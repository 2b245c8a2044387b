//! `set -x`: what is run is shown before it is, as bash shows it.

use crate::quote;
use crate::shell::{Shell, Unwind};
use crate::syntax::ast::{Arg, Assign, AssignValue, Word};
use crate::syntax::print;
use crate::system::System;
use crate::text;

impl<S: System> Shell<S> {
    /// Writes a line of `set -x` to standard error, or to the descriptor `BASH_XTRACEFD`. What is
    /// run from within another command shows the first character of `PS4` once more.
    pub(crate) fn trace(&mut self, text: impl FnOnce() -> String) {
        if !self.state.options.xtrace {
            return;
        }
        let ps4 = self.get("PS4").unwrap_or_default();
        self.state.options.xtrace = false;
        let prefix = self.prompt(&ps4).unwrap_or_default();
        self.state.options.xtrace = true;
        let first: String = prefix.chars().take(1).collect();
        let level = first.repeat(self.state.nested as usize);
        let line = format!("{level}{prefix}{}\n", text());
        let number = self.get("BASH_XTRACEFD").and_then(|text| text.parse().ok()).unwrap_or(2);
        let _ = self.write_fd(number, text::encode(&line).as_ref());
    }

    /// Runs what is within another command: a substitution, the text of `eval` or of a trap.
    pub(crate) fn nested<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        self.state.nested += 1;
        let result = body(self);
        self.state.nested = self.state.nested.saturating_sub(1);
        result
    }

    /// A command with what is set for it alone.
    pub(crate) fn trace_words(
        &mut self,
        assigns: &[Assign],
        args: &[Arg],
        words: &[String],
    ) -> Result<(), Unwind> {
        if !self.state.options.xtrace {
            return Ok(());
        }
        for assign in assigns {
            if let AssignValue::Scalar(word) = &assign.value {
                let value = self.expand_value(word)?;
                self.trace_assign(assign, &value);
            }
        }
        for arg in args {
            if let Arg::Assign(assign) = arg {
                self.trace(|| print::declared(assign));
            }
        }
        let words: Vec<String> = words.iter().map(|word| quote::traced(word)).collect();
        self.trace(|| words.join(" "));
        Ok(())
    }

    /// An assignment of one value.
    pub(crate) fn trace_assign(&mut self, assign: &Assign, value: &str) {
        let Assign { name, index, append, .. } = assign;
        match index {
            None => self.trace_value(name, *append, value),
            Some(index) if self.state.options.xtrace => {
                let target = format!("{name}[{}]", print::word(index));
                self.trace_value(&target, *append, value);
            }
            Some(_) => {}
        }
    }

    /// The same, of what `export` is given.
    pub(crate) fn trace_value(&mut self, target: &str, append: bool, value: &str) {
        self.trace(|| {
            let equals = if append { "+=" } else { "=" };
            let value = if value.is_empty() { String::new() } else { quote::traced(value) };
            format!("{target}{equals}{value}")
        });
    }

    /// The head of `for` or `select`.
    pub(crate) fn trace_head(&mut self, kind: &str, name: &str, words: Option<&[Word]>) {
        self.trace(|| loop_head(kind, name, words));
    }
}

/// The head of `for` or `select`, as it is shown.
pub(crate) fn loop_head(kind: &str, name: &str, words: Option<&[Word]>) -> String {
    let words = words.map(|words| words.iter().map(print::word).collect::<Vec<_>>());
    let words = words.map_or("\"$@\"".to_owned(), |words| words.join(" "));
    format!("{kind} {name} in {words}")
}
