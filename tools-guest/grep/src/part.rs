//! What one of those who work at a call searches, and finds.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use toolcell_sdk::walk::Deadline;
use toolcell_sdk::{Failure, Session};

use crate::search::{FileLines, FileSearch, Lines};
use crate::{Input, MAX_CONTENT_BYTES, Mode, shown};

/// A file with matches.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hit {
    pub(crate) path: String,
    /// Lines or matches; with `files_with_matches`, one.
    pub(crate) count: u64,
    /// What is shown of it, in `content` mode.
    #[serde(default, skip_serializing_if = "FileLines::is_empty")]
    pub(crate) lines: FileLines,
    /// When it was changed, in `files_with_matches` mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) modified: Option<Duration>,
}

/// What was found in some of the files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) hits: Vec<Hit>,
    pub(crate) unreadable: usize,
    pub(crate) timed_out: bool,
}

/// A search under way.
pub(crate) struct Searching {
    search: FileSearch,
    mode: Mode,
    /// Whether the call names the file, whose path is not shown then.
    named: bool,
    cwd: String,
    lines: Lines,
    deadline: Deadline,
    part: Part,
}

impl Searching {
    pub(crate) fn new(
        session: &dyn Session,
        input: &Input,
        named: bool,
        deadline: Deadline,
    ) -> Result<Searching, Failure> {
        let window = input.window();
        // Of the lines of some of the files, none behind this is on the page.
        let end = window.offset.saturating_add(window.limit);
        Ok(Searching {
            search: FileSearch::new(input, named)?,
            mode: input.mode(),
            named,
            cwd: session.cwd(),
            lines: Lines::new(
                window.offset..end,
                MAX_CONTENT_BYTES,
                input.numbers.unwrap_or(true),
                input.separates(),
            ),
            deadline,
            part: Part::default(),
        })
    }

    /// Searches these files.
    pub(crate) fn add(&mut self, paths: Vec<String>) {
        for path in paths {
            if self.deadline.passed() {
                return;
            }
            match self.file(path) {
                Ok(hit) => self.part.hits.extend(hit),
                Err(_) => self.part.unreadable += 1,
            }
        }
    }

    fn file(&mut self, path: String) -> std::io::Result<Option<Hit>> {
        let mut lines = FileLines::default();
        let count = match self.mode {
            Mode::FilesWithMatches => u64::from(self.search.matches(&path, &self.deadline)?),
            Mode::Count => self.search.count(&path, &self.deadline)?,
            Mode::Content => {
                let prefix = (!self.named).then(|| shown(&self.cwd, &path).to_owned());
                lines = self.search.lines(&path, prefix, &self.deadline, &mut self.lines)?;
                lines.total as u64
            }
        };
        Ok((count > 0).then_some(Hit { path, count, lines, modified: None }))
    }

    /// All that was found.
    pub(crate) fn finish(mut self) -> Part {
        if self.mode == Mode::FilesWithMatches {
            let paths: Vec<String> = self.part.hits.iter().map(|hit| hit.path.clone()).collect();
            let times = toolcell_direct::modified(&paths);
            for (hit, time) in self.part.hits.iter_mut().zip(times) {
                hit.modified = time;
            }
        }
        self.part.timed_out = self.deadline.passed();
        self.part
    }
}
