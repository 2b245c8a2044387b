//! Output. What comes from guests and files is escaped before a terminal sees it.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

/// Whether a person is reading along.
pub(super) fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Whether something can be read from a descriptor, after waiting for up to `timeout`.
pub(super) fn is_readable(from: &impl std::os::fd::AsFd, timeout: std::time::Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::new(from, PollFlags::IN)];
    let timeout = Timespec::try_from(timeout).ok();
    poll(&mut fds, timeout.as_ref()).is_ok_and(|ready| ready > 0)
}

/// Prints text that may hold anything, and a line end.
pub(super) fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let text = if io::stdout().is_terminal() { escape(text) } else { Cow::Borrowed(text) };
    writeln!(out, "{text}")?;
    out.flush()
}

/// Prints one JSON value on a line of its own.
pub(super) fn json(value: &impl serde::Serialize) -> io::Result<()> {
    // In one piece: standard output looks for line ends in whatever it is given.
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// Shows control characters, which could otherwise steer the terminal.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    let harmless = |char: char| !char.is_control() || matches!(char, '\n' | '\t');
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match harmless(char) {
            true => escaped.push(char),
            false => escaped.extend(char.escape_default()),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn no_escape_sequence_reaches_a_terminal() {
        assert_eq!(escape("a\tb\n"), "a\tb\n");
        assert_eq!(escape("\x1b[2J\r\u{9b}x"), "\\u{1b}[2J\\r\\u{9b}x");
    }
}
