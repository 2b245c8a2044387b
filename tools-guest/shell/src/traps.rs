//! Traps that run between commands: those of signals, and of the events DEBUG, ERR and RETURN.

use std::rc::Rc;

use crate::builtins;
use crate::shell::{Run, Shell, Source, Unwind};
use crate::syntax::ast::{Command, Kind, Pipeline};
use crate::system::{INTERRUPT, System};

/// What a message calls a text of the trap of this name.
fn origin(name: &str) -> Source {
    Source::Text(match name {
        "EXIT" => "exit trap",
        "DEBUG" => "debug trap",
        "ERR" => "error trap",
        "RETURN" => "return trap",
        _ => "trap",
    })
}

impl<S: System> Shell<S> {
    /// Says which command is next: `BASH_COMMAND` names it from now on, and the DEBUG trap runs.
    /// `false` is what a trap that fails means with `extdebug`: the command is skipped. With a
    /// status of 2, the function or the sourced file that it is in returns as well.
    pub(crate) fn announce(&mut self, text: impl FnOnce(&Self) -> String) -> Result<bool, Unwind> {
        if std::mem::take(&mut self.state.announced) {
            return Ok(true);
        }
        if self.state.names_commands && self.in_traps.is_empty() {
            self.command_text = text(self);
        }
        let status = self.run_trap("DEBUG")?;
        match (self.state.shopt("extdebug"), status) {
            (false, _) | (true, 0) => Ok(true),
            (true, 2) if !self.state.frames.is_empty() => Err(Unwind::Return(2)),
            (true, _) => Ok(false),
        }
    }

    /// A command of a pipeline or of the background, which is told of before it begins.
    pub(crate) fn announce_stage(&mut self, command: &Command) -> Result<bool, Unwind> {
        let Kind::Simple { .. } = command.kind else { return Ok(true) };
        self.state.line = command.line;
        let runs = self.announce(|shell| shell.command_text(command))?;
        self.state.announced = true;
        Ok(runs)
    }

    /// A pipeline that nobody tests has failed.
    pub(crate) fn failed(&mut self, pipeline: &Pipeline, status: i32) -> Result<(), Unwind> {
        if let Some(last) = pipeline.stages.last() {
            let command = &last.command;
            let is_alone = pipeline.stages.len() == 1;
            if !(is_alone && matches!(command.kind, Kind::Simple { .. })) {
                self.state.line = command.line;
                if self.state.names_commands && self.in_traps.is_empty() {
                    self.command_text = self.command_text(command);
                }
            }
        }
        self.run_trap("ERR")?;
        match self.state.options.errexit {
            true => Err(Unwind::Exit(status)),
            false => Ok(()),
        }
    }

    /// Runs the trap of this name, if there is one and it does not run now. It leaves `$?` alone; its own
    /// status comes back.
    pub(crate) fn run_trap(&mut self, name: &str) -> Run {
        if self.state.traps.is_empty() || self.in_traps.iter().any(|running| running == name) {
            return Ok(0);
        }
        let Some(command) = self.state.trap(name).filter(|text| !text.is_empty()).cloned() else {
            return Ok(0);
        };
        let status = self.state.status;
        let line = self.state.line;
        let pipe_status = self.state.pipe_status.clone();
        self.in_traps.push(name.to_owned());
        let from = origin(name);
        // What a signal runs has lines of its own.
        let first = if from == Source::Text("trap") { 1 } else { line };
        let result = self.nested(|shell| shell.run_source(from, &command, first));
        self.in_traps.pop();
        self.state.line = line;
        self.state.pipe_status = pipe_status;
        match result {
            Ok(own) | Err(Unwind::Discard(own)) => {
                self.state.status = status;
                Ok(own)
            }
            Err(unwind) => Err(unwind),
        }
    }

    /// Runs the EXIT trap, which can change the status with which the shell ends.
    pub(crate) fn run_exit_trap(&mut self, status: i32) -> i32 {
        let Some(command) = self.state.trap("EXIT").filter(|text| !text.is_empty()).cloned() else {
            return status;
        };
        Rc::make_mut(&mut self.state.traps).remove("EXIT");
        self.in_traps.push("EXIT".to_owned());
        let result = self.run_source(origin("EXIT"), &command, 1);
        self.in_traps.pop();
        match result {
            Err(Unwind::Exit(code)) => code,
            _ => status,
        }
    }

    /// Runs the traps of signals that have come in. An interrupt without a trap, of which only an
    /// interactive shell is told, ends the command line.
    pub(crate) fn run_signals(&mut self) -> Result<(), Unwind> {
        self.take_signals()?;
        match (self.interrupted, self.state.subshell) {
            (false, _) => Ok(()),
            (true, 0) => Err(Unwind::Discard(128 + i32::from(INTERRUPT))),
            (true, _) => Err(Unwind::Exit(128 + i32::from(INTERRUPT))),
        }
    }

    /// Runs the traps of signals that have come in, and notes an interrupt without one. The first
    /// signal comes back.
    pub(crate) fn take_signals(&mut self) -> Result<Option<u8>, Unwind> {
        let signals = self.sys.signals();
        let first = signals.first().copied();
        for signal in signals {
            let name = builtins::signal_name(signal).unwrap_or_default();
            match self.state.trap(name).is_some() {
                true => drop(self.run_trap(name)?),
                false => self.interrupted |= signal == INTERRUPT && self.state.interactive,
            }
        }
        Ok(first)
    }

    /// Takes away the traps that a function does not see: all events, unless an option or the
    /// function's own attribute says otherwise.
    pub(crate) fn hide_traps(&mut self, function: &str) -> Vec<(String, String)> {
        let mut hidden = Vec::new();
        if self.state.traps.is_empty() {
            return hidden;
        }
        let attributes = self.state.function_attributes.get(function);
        let traced = self.state.options.functrace || attributes.is_some_and(|known| known.trace);
        let names = [("ERR", self.state.options.errtrace), ("DEBUG", traced), ("RETURN", traced)];
        for (name, inherited) in names {
            if !inherited && let Some(command) = Rc::make_mut(&mut self.state.traps).remove(name) {
                hidden.push((name.to_owned(), command));
            }
        }
        hidden
    }

    pub(crate) fn show_traps(&mut self, hidden: Vec<(String, String)>) {
        for (name, command) in hidden {
            Rc::make_mut(&mut self.state.traps).entry(name).or_insert(command);
        }
    }
}
