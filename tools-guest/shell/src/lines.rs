//! Commands that come from standard input.

use toolcell_text::escape as text;

use crate::shell::{Fd, MAX_CAPTURE, Run, Shell, Source, Unwind};
use crate::syntax::{Missing, Parser};
use crate::system::{Errno, System};

/// Bytes of a line that are asked for at a time.
const CHUNK: usize = 4096;

/// Lines of one command after which only one that may end it is a reason to look at all of it.
const MAX_LOOKS: usize = 100;

impl<S: System> Shell<S> {
    /// Runs commands as they come from standard input, and gives the status to exit with.
    pub fn run_stdin(&mut self) -> i32 {
        let begun = self.run_start_file();
        let result = begun.and_then(|_| self.run_lines());
        self.tell_killed();
        self.finish(result)
    }

    /// Runs each command when it is complete. No more is read than it takes: what follows may be
    /// there for the command to read, or be written by someone who waits for its answer.
    fn run_lines(&mut self) -> Run {
        let (mut status, mut line) = (self.state.status, 1);
        loop {
            let (source, ended) = self.whole_command(line)?;
            let source = text::decode(&source);
            if !source.is_empty() {
                status = self.run_source(Source::File, &source, line)?;
                line += source.bytes().filter(|byte| *byte == b'\n').count() as u32;
            }
            if ended {
                return Ok(status);
            }
        }
    }

    /// The lines up to the end of a command, and whether they are the last ones.
    fn whole_command(&mut self, line: u32) -> Result<(Vec<u8>, bool), Unwind> {
        let (mut source, mut lines) = (Vec::new(), 0);
        let mut missing = Missing::Text;
        loop {
            let start = source.len();
            if self.append_line(&mut source)? || source.len() > MAX_CAPTURE {
                return Ok((source, true));
            }
            lines += 1;
            let last = &source[start..source.len() - 1];
            let may_end = match &missing {
                Missing::Line(end) => {
                    let tabs = last.iter().take_while(|byte| **byte == b'\t').count();
                    text::decode(&last[tabs..]) == *end
                }
                Missing::Text => lines < MAX_LOOKS || may_end(&source[..start], last),
            };
            if !may_end {
                continue;
            }
            let parser = Parser::new(&text::decode(&source), line, self.parse_options());
            match parser.missing() {
                Some(more) => missing = more,
                None => return Ok((source, false)),
            }
        }
    }

    /// Appends a line of standard input; true if it has no end, as it is the last one.
    fn append_line(&mut self, source: &mut Vec<u8>) -> Result<bool, Unwind> {
        loop {
            // A command may have put something else in its place.
            let Some(Fd::System(fd)) = self.fds.get(&0).cloned() else {
                return Ok(true);
            };
            match self.sys.read_until(&fd, b'\n', CHUNK) {
                Ok(data) if data.is_empty() => return Ok(true),
                Ok(data) => source.extend_from_slice(&data),
                Err(Errno::Interrupted) => {
                    self.run_signals()?;
                }
                Err(_) => return Ok(true),
            }
            if source.ends_with(b"\n") {
                return Ok(false);
            }
        }
    }
}

/// Whether a line may be the last one of a command of many, by what it closes and by what goes on
/// before it.
fn may_end(before: &[u8], line: &[u8]) -> bool {
    let closes = |word: &[u8]| line.windows(word.len()).any(|part| part == word);
    before.trim_ascii_end().last().is_some_and(|byte| b"\\|&".contains(byte))
        || line.iter().any(|byte| b"})]'\"`".contains(byte))
        || [&b"fi"[..], b"done", b"esac"].into_iter().any(closes)
}
