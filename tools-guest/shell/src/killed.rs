//! What is said of a command that a signal has ended: `line 3:  1234 Killed    sleep 9`.
//!
//! bash runs the last command of a subshell or of `-c` in the place of the shell, and then nobody is
//! there to say it. So it is said when something comes after the command, and forgotten when nothing
//! does. In a substitution it is never said.

use crate::builtins;
use crate::jobs::Job;
use crate::shell::Shell;
use crate::system::{Exit, System};

/// What signals are called in messages, from 1.
const DESCRIPTIONS: [&str; 31] = [
    "Hangup",
    "Interrupt",
    "Quit",
    "Illegal instruction",
    "Trace/breakpoint trap",
    "Aborted",
    "Bus error",
    "Floating point exception",
    "Killed",
    "User defined signal 1",
    "Segmentation fault",
    "User defined signal 2",
    "Broken pipe",
    "Alarm clock",
    "Terminated",
    "Stack fault",
    "Child exited",
    "Continued",
    "Stopped (signal)",
    "Stopped",
    "Stopped (tty input)",
    "Stopped (tty output)",
    "Urgent I/O condition",
    "CPU time limit exceeded",
    "File size limit exceeded",
    "Virtual timer expired",
    "Profiling timer expired",
    "Window changed",
    "I/O possible",
    "Power failure",
    "Bad system call",
];

const INTERRUPT: u8 = 2;
const BROKEN_PIPE: u8 = 13;
const TERMINATE: u8 = 15;

/// A command in the foreground that a signal has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Killed {
    pub(crate) pid: u32,
    /// The signal that decides what is said.
    pub(crate) signal: u8,
    /// How the process ended, which of a pipeline is its first.
    pub(crate) first: Exit,
    /// The command as it is written.
    pub(crate) text: String,
    pub(crate) line: u32,
}

/// How a process ended, as `jobs` and messages say it.
pub(crate) fn described(exit: Exit) -> String {
    match exit {
        Exit::Status(0) => "Done".to_owned(),
        Exit::Status(status) => format!("Exit {status}"),
        Exit::Signal(signal) => match DESCRIPTIONS.get(usize::from(signal).wrapping_sub(1)) {
            Some(description) => (*description).to_owned(),
            None if signal > 33 => format!("Real-time signal {}", signal - 34),
            None => format!("Unknown signal {signal}"),
        },
    }
}

/// The signal of an end of which something is said: what ended by an interrupt, or because nobody
/// reads any more, ended as it should.
pub(crate) fn signal_to_tell(exit: Exit) -> Option<u8> {
    match exit {
        Exit::Signal(INTERRUPT | BROKEN_PIPE) | Exit::Status(_) => None,
        Exit::Signal(signal) => Some(signal),
    }
}

impl<S: System> Shell<S> {
    /// Says what is still to be said of the last command.
    pub(crate) fn tell_killed(&mut self) {
        let Some(killed) = self.killed.take().filter(|_| self.silent == 0) else { return };
        if self.is_plain(killed.signal) {
            let description = described(Exit::Signal(killed.signal));
            self.print_error(&format!("{description}\n"));
            return;
        }
        let description = described(killed.first);
        let line = std::mem::replace(&mut self.state.line, killed.line);
        self.complain(&format!("{:>5} {description:<24}{}", killed.pid, killed.text));
        self.state.line = line;
    }

    /// Says how a background command ended, if a signal has ended it.
    pub(crate) fn tell_ended(&mut self, job: &Job) {
        let Some(exit) = job.exits.last().copied().flatten() else { return };
        let Some(signal) = signal_to_tell(exit).filter(|signal| !self.is_plain(*signal)) else {
            return;
        };
        let text = job.text.strip_suffix(" &").unwrap_or(&job.text);
        let description = described(Exit::Signal(signal));
        self.complain(&format!("{:>5} {description:<24}{text}", job.pid()));
    }

    /// Whether a signal's name alone is said: to a person, of SIGTERM, and of what has a trap.
    fn is_plain(&self, signal: u8) -> bool {
        let trapped =
            builtins::signal_name(signal).is_some_and(|name| self.state.trap(name).is_some());
        self.state.interactive || signal == TERMINATE || trapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_described() {
        for (exit, expected) in [
            (Exit::Status(0), "Done"),
            (Exit::Status(3), "Exit 3"),
            (Exit::Signal(9), "Killed"),
            (Exit::Signal(31), "Bad system call"),
            (Exit::Signal(32), "Unknown signal 32"),
            (Exit::Signal(40), "Real-time signal 6"),
            (Exit::Signal(0), "Unknown signal 0"),
        ] {
            assert_eq!(described(exit), expected);
        }
        assert_eq!(signal_to_tell(Exit::Signal(13)), None);
        assert_eq!(signal_to_tell(Exit::Signal(15)), Some(15));
        assert_eq!(signal_to_tell(Exit::Status(137)), None);
    }
}
