//! The Grep tool: ripgrep's engine and ignore rules. Rules GREP-R1 to GREP-R22.
//!
//! 1. [`files`] finds the files to search; `toolcell_walk` says which are left out.
//! 2. [`search`] searches one of them.
//! 3. Here the results are put in order and cut to the page that was asked for.

mod files;
mod search;

use serde::Deserialize;
use serde_json::{Value, json};
use toolcell_sdk::describe::{Description, describe};
use toolcell_sdk::walk::Deadline;
use toolcell_sdk::{Failure, Outcome, Session, Tool};

use files::{Candidates, Root};
use search::{FileSearch, Lines};

/// The component's tool.
#[derive(Debug)]
pub struct Grep;

/// Lines, files or counts given unless the call says otherwise.
const DEFAULT_HEAD: usize = 250;

/// Bytes of lines held for one answer: `head_limit: 0` on a large tree would otherwise be held
/// whole, several times over.
const MAX_CONTENT_BYTES: usize = 16 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Content,
    FilesWithMatches,
    Count,
}

#[derive(Debug, Deserialize)]
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

    fn call(session: &dyn Session, _: &str, input: Value) -> Result<Outcome, Failure> {
        let input: Input = serde_json::from_value(input)
            .map_err(|error| Failure::new("invalid_params", error.to_string()))?;
        let mode = input.output_mode.unwrap_or(Mode::FilesWithMatches);
        let deadline = Deadline::new(session, "grep_timeout_seconds");
        let search = FileSearch::new(&input, mode == Mode::Content)?;
        let root = Root::new(session, input.path.as_deref())?;
        let candidates = files::find(session, &root, &input, &deadline)?;
        let window = Window {
            offset: input.offset,
            limit: match input.head_limit.unwrap_or(DEFAULT_HEAD) {
                0 => usize::MAX,
                limit => limit,
            },
        };
        let run = Run { session, root, candidates, search, deadline, window };
        Ok(match mode {
            Mode::FilesWithMatches => run.files(),
            Mode::Count => run.count(),
            Mode::Content => run.content(&input),
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

struct Run<'a> {
    session: &'a dyn Session,
    root: Root,
    candidates: Candidates,
    search: FileSearch,
    deadline: Deadline,
    window: Window,
}

impl Run<'_> {
    fn files(mut self) -> Outcome {
        let mut found = Vec::new();
        for path in std::mem::take(&mut self.candidates.paths) {
            if self.deadline.passed() {
                break;
            }
            match self.search.matches(&path, &self.root, &self.deadline) {
                Ok(true) => found.push(path),
                Ok(false) => {}
                Err(_) => self.candidates.unreadable += 1,
            }
        }
        let times = toolcell_direct::modified(&found);
        let mut found: Vec<_> = times.into_iter().zip(found).collect();
        found.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        let total = found.len();
        let shown = found.into_iter().map(|(_, path)| self.shown(&path)).collect();
        let names: Vec<String> = self.window.of(shown);
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
        let mut counts: Vec<(String, u64)> = Vec::new();
        for path in std::mem::take(&mut self.candidates.paths) {
            if self.deadline.passed() {
                break;
            }
            match self.search.count(&path, &self.root, &self.deadline) {
                Ok(0) => {}
                Ok(count) => counts.push((path, count)),
                Err(_) => self.candidates.unreadable += 1,
            }
        }
        let (total, matches) = (counts.len(), counts.iter().map(|(_, count)| count).sum::<u64>());
        let lines: Vec<String> = self
            .window
            .of(counts)
            .into_iter()
            .map(|(path, count)| format!("{}:{count}", self.shown(&path)))
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

    fn content(mut self, input: &Input) -> Outcome {
        let context = input.context.unwrap_or(0);
        let has_context = input.before.unwrap_or(context) + input.after.unwrap_or(context) > 0;
        let mut lines = Lines::new(
            self.window.offset,
            self.window.limit,
            MAX_CONTENT_BYTES,
            input.numbers.unwrap_or(true),
            has_context && !input.only_matching,
        );
        let mut files = 0;
        for path in std::mem::take(&mut self.candidates.paths) {
            if self.deadline.passed() {
                break;
            }
            let prefix = (!self.root.is_file).then(|| self.shown(&path));
            lines.start_file(prefix);
            match self.search.lines(&path, &self.root, &self.deadline, &mut lines) {
                Ok(any) => files += usize::from(any),
                Err(_) => self.candidates.unreadable += 1,
            }
        }
        let total = lines.total();
        let cut_bytes = lines.is_full();
        let shown = lines.into_shown();
        let mut outcome = self.finish(
            total,
            json!({
                "mode": "content",
                "numFiles": 0,
                "filenames": [],
                "content": shown.join("\n"),
                "numLines": shown.len(),
                "totalLines": total,
                "totalFiles": files,
            }),
        );
        if cut_bytes {
            outcome.structured["cutAtBytes"] = MAX_CONTENT_BYTES.into();
        }
        outcome
    }

    /// GREP-R4: relative below the working directory, absolute elsewhere.
    fn shown(&self, path: &str) -> String {
        let cwd = self.session.cwd();
        let below = path.strip_prefix(&cwd).and_then(|rest| rest.strip_prefix('/'));
        below.unwrap_or(path).to_owned()
    }

    fn finish(&self, total: usize, mut result: Value) -> Outcome {
        self.window.describe(total, &mut result);
        result["timedOut"] = self.deadline.passed().into();
        result["unreadable"] = self.candidates.unreadable.into();
        result["filesSearched"] = self.candidates.found.into();
        if let Some(count) = self.candidates.deeper {
            result["deeperFiles"] = count.into();
        }
        result.into()
    }
}

toolcell_sdk::export_tool!(crate::Grep);

#[cfg(test)]
mod tests;
