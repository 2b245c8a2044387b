//! The Grep tool: ripgrep's engine and ignore rules. Rules GREP-R1 to GREP-R22.
//!
//! 1. [`files`] finds the files to search; `toolcell_walk` says which are left out.
//! 2. [`part`] is what the call searches of them, and what each of its helpers does.
//! 3. [`search`] searches one of them.
//! 4. Here the results are put in order and cut to the page that was asked for.

mod files;
mod part;
mod search;

use std::cmp::Reverse;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use toolcell_sdk::describe::{Description, describe};
use toolcell_sdk::helpers::{Work, help};
use toolcell_sdk::walk::Deadline;
use toolcell_sdk::{Failure, Outcome, Session, Tool};

use files::{Candidates, Root};
use part::{Hit, Part, Searching};
use search::SEPARATOR;

/// The component's tool.
#[derive(Debug)]
pub struct Grep;

/// Lines, files or counts given unless the call says otherwise.
const DEFAULT_HEAD: usize = 250;

/// Bytes of lines held for one answer: `head_limit: 0` on a large tree would otherwise be held
/// whole, several times over.
const MAX_CONTENT_BYTES: usize = 16 << 20;

/// What a call's helpers are called by. No agent's call comes by this name.
const HELPER: &str = "Grep helper";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Content,
    FilesWithMatches,
    Count,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Input {
    pattern: String,
    path: Option<String>,
    glob: Option<String>,
    #[serde(rename = "type")]
    file_type: Option<String>,
    output_mode: Option<Mode>,
    #[serde(rename = "-A")]
    after: Option<usize>,
    #[serde(rename = "-B")]
    before: Option<usize>,
    context: Option<usize>,
    #[serde(rename = "-n")]
    numbers: Option<bool>,
    #[serde(rename = "-o", default)]
    only_matching: bool,
    #[serde(rename = "-i", default)]
    ignore_case: bool,
    #[serde(default)]
    multiline: bool,
    head_limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

/// What a helper is called with.
#[derive(Debug, Deserialize)]
struct Help {
    input: Input,
    left: Duration,
}

impl Input {
    fn mode(&self) -> Mode {
        self.output_mode.unwrap_or(Mode::FilesWithMatches)
    }

    fn window(&self) -> Window {
        let limit = match self.head_limit.unwrap_or(DEFAULT_HEAD) {
            0 => usize::MAX,
            limit => limit,
        };
        Window { offset: self.offset, limit }
    }

    /// Whether groups of lines are kept apart by a line of their own.
    fn separates(&self) -> bool {
        let context = self.context.unwrap_or(0);
        let around = self.before.unwrap_or(context) + self.after.unwrap_or(context);
        around > 0 && !self.only_matching
    }
}

const DESCRIPTION: &str = "Searches the contents of files with a regular expression (Rust syntax, \
as ripgrep). Files named by .gitignore are left out inside a git work tree. output_mode \
\"files_with_matches\" (default) lists files, \"content\" shows lines, \"count\" counts them. \
Literal braces need escaping (interface\\{\\}). By default a pattern matches within one line; \
multiline: true lets it span lines.";

impl Tool for Grep {
    fn describe() -> Value {
        let count = |text: &str| json!({ "type": "integer", "minimum": 0, "description": text });
        let flag = |text: &str| json!({ "type": "boolean", "description": text });
        let text = |text: &str| json!({ "type": "string", "description": text });
        describe([Description::new("Grep", DESCRIPTION)
            .read_only()
            .required("pattern", text("The regular expression to search for"))
            .optional(
                "path",
                text("File or directory to search in (default: the current working directory)"),
            )
            .optional("glob", text("Glob to filter files, such as \"*.js\" or \"*.{ts,tsx}\""))
            .optional(
                "output_mode",
                json!({ "type": "string", "enum": ["content", "files_with_matches", "count"],
                    "description": "What to give (default files_with_matches)" }),
            )
            .optional("-B", count("Lines to show before each match; content mode only"))
            .optional("-A", count("Lines to show after each match; content mode only"))
            .optional("-C", count("Alias for context"))
            .optional(
                "context",
                count("Lines to show before and after each match; content mode only"),
            )
            .optional("-n", flag("Show line numbers; content mode only (default true)"))
            .optional("-o", flag("Show only the matched parts of a line; content mode only"))
            .optional("-i", flag("Ignore case"))
            .optional("type", text("File type to search, such as js, py, rust"))
            .optional(
                "head_limit",
                count("Give only the first N lines, files or counts (default 250; 0 = unlimited)"),
            )
            .optional("offset", count("Leave out the first N lines, files or counts (default 0)"))
            .optional("multiline", flag("Let . match newlines and patterns span lines"))
            .alias("-C", "context")])
    }

    fn call(session: &dyn Session, name: &str, input: Value) -> Result<Outcome, Failure> {
        let bad = |error: serde_json::Error| Failure::new("invalid_params", error.to_string());
        if name == HELPER {
            let Help { input, left } = serde_json::from_value(input).map_err(bad)?;
            let mut searching = Searching::new(session, &input, false, Deadline::after(left))?;
            help(session, &mut |paths| searching.add(paths));
            return Ok(json!(searching.finish()).into());
        }
        let input: Input = serde_json::from_value(input).map_err(bad)?;
        let deadline = Deadline::new(session, "grep_timeout_seconds");
        let root = Root::new(session, input.path.as_deref())?;
        let run = Run::new(session, &input, root, deadline)?;
        Ok(match input.mode() {
            Mode::FilesWithMatches => run.files(),
            Mode::Count => run.count(),
            Mode::Content => run.content(),
        })
    }
}

/// The page that was asked for.
#[derive(Debug, Clone, Copy)]
struct Window {
    offset: usize,
    limit: usize,
}

impl Window {
    fn of<T>(self, items: Vec<T>) -> Vec<T> {
        items.into_iter().skip(self.offset).take(self.limit).collect()
    }

    fn contains(self, at: usize) -> bool {
        at >= self.offset && at - self.offset < self.limit
    }

    /// The fields that say what was left out of `total`; none if nothing was.
    fn describe(self, total: usize, result: &mut Value) {
        let cut = total > self.offset.saturating_add(self.limit);
        if cut && self.limit != usize::MAX {
            result["appliedLimit"] = self.limit.into();
        }
        if self.offset > 0 {
            result["appliedOffset"] = self.offset.into();
        }
        result["pastEnd"] = (total > 0 && self.offset >= total).into();
    }
}

/// A search that is done, and what is told of it.
struct Run<'a> {
    input: &'a Input,
    window: Window,
    cwd: String,
    candidates: Candidates,
    hits: Vec<Hit>,
    unreadable: usize,
    timed_out: bool,
}

impl<'a> Run<'a> {
    fn new(
        session: &dyn Session,
        input: &'a Input,
        root: Root,
        deadline: Deadline,
    ) -> Result<Run<'a>, Failure> {
        let mut work =
            Work::new(session, HELPER, || json!({ "input": input, "left": deadline.left() }));
        if input.mode() == Mode::Content && input.offset > 0 {
            // Alone, the lines before the page need not be held.
            work = work.alone();
        }
        let mut searching = Searching::new(session, input, root.is_file, deadline.clone())?;
        let mut search = |paths| searching.add(paths);
        let candidates = files::find(session, &root, input, &deadline, |path| {
            work.add(path.to_owned(), &mut search);
        })?;
        let mut parts: Vec<Part> = work.finish(&mut search)?;
        parts.push(searching.finish());
        let unreadable = parts.iter().map(|part| part.unreadable).sum();
        let timed_out = deadline.passed() || parts.iter().any(|part| part.timed_out);
        let mut hits: Vec<Hit> = parts.into_iter().flat_map(|part| part.hits).collect();
        hits.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        let (window, cwd) = (input.window(), session.cwd());
        Ok(Run { input, window, cwd, candidates, hits, unreadable, timed_out })
    }

    fn files(mut self) -> Outcome {
        let mut hits = std::mem::take(&mut self.hits);
        hits.sort_by_key(|hit| Reverse(hit.modified));
        let total = hits.len();
        let names: Vec<&str> = hits.iter().map(|hit| shown(&self.cwd, &hit.path)).collect();
        let names = self.window.of(names);
        self.finish(
            total,
            json!({
                "mode": "files_with_matches",
                "numFiles": names.len(),
                "filenames": names,
                "totalFiles": total,
            }),
        )
    }

    fn count(mut self) -> Outcome {
        let hits = std::mem::take(&mut self.hits);
        let (total, matches) = (hits.len(), hits.iter().map(|hit| hit.count).sum::<u64>());
        let lines: Vec<String> = self
            .window
            .of(hits)
            .into_iter()
            .map(|hit| format!("{}:{}", shown(&self.cwd, &hit.path), hit.count))
            .collect();
        self.finish(
            total,
            json!({
                "mode": "count",
                "numFiles": total,
                "filenames": [],
                "content": lines.join("\n"),
                "numLines": lines.len(),
                "numMatches": matches,
            }),
        )
    }

    fn content(mut self) -> Outcome {
        let hits = std::mem::take(&mut self.hits);
        let files = hits.len();
        let page = Page::of(hits, self.window, self.input.separates());
        let mut outcome = self.finish(
            page.total,
            json!({
                "mode": "content",
                "numFiles": 0,
                "filenames": [],
                "content": page.lines.join("\n"),
                "numLines": page.lines.len(),
                "totalLines": page.total,
                "totalFiles": files,
            }),
        );
        if page.is_cut {
            outcome.structured["cutAtBytes"] = MAX_CONTENT_BYTES.into();
        }
        outcome
    }

    fn finish(&self, total: usize, mut result: Value) -> Outcome {
        self.window.describe(total, &mut result);
        result["timedOut"] = self.timed_out.into();
        result["unreadable"] = (self.candidates.unreadable + self.unreadable).into();
        result["filesSearched"] = self.candidates.found.into();
        if let Some(count) = self.candidates.deeper {
            result["deeperFiles"] = count.into();
        }
        result.into()
    }
}

/// GREP-R4: relative below the working directory, absolute elsewhere.
fn shown<'a>(cwd: &str, path: &'a str) -> &'a str {
    let below = path.strip_prefix(cwd).and_then(|rest| rest.strip_prefix('/'));
    below.unwrap_or(path)
}

/// The lines that are shown.
#[derive(Debug, Default)]
struct Page {
    lines: Vec<String>,
    bytes: usize,
    /// Lines of all pages.
    total: usize,
    /// Whether lines of this page had to be left out for their size.
    is_cut: bool,
}

impl Page {
    fn of(hits: Vec<Hit>, window: Window, separates: bool) -> Page {
        let mut page = Page::default();
        for hit in hits {
            if separates && page.total > 0 {
                page.push(window, SEPARATOR.to_owned());
            }
            let lines = hit.lines;
            let after = lines.total - lines.before - lines.held.len();
            page.total += lines.before;
            for line in lines.held {
                page.push(window, line);
            }
            page.is_cut |= after > 0 && window.contains(page.total);
            page.total += after;
        }
        page
    }

    fn push(&mut self, window: Window, line: String) {
        let is_wanted = window.contains(self.total) && !self.is_cut;
        self.total += 1;
        if is_wanted && self.bytes + line.len() < MAX_CONTENT_BYTES {
            self.bytes += line.len() + 1;
            self.lines.push(line);
        } else {
            self.is_cut |= is_wanted;
        }
    }
}

toolcell_sdk::export_tool!(crate::Grep);

#[cfg(test)]
mod tests;
