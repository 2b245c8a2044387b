//! Text, by pages of lines.

use std::fs::File;
use std::io::{BufRead as _, BufReader};

use serde_json::{Value, json};
use toolcell_sdk::files::{self, Target};
use toolcell_sdk::text::{self, Encoding, Eol, Form};
use toolcell_sdk::{Failure, FileState, Outcome, Session};

/// Lines of a read that names no range (READ-R5).
const DEFAULT_LINES: usize = 2_000;

/// Tokens of one answer, unless the cell says otherwise (READ-R5).
const DEFAULT_TOKENS: usize = 25_000;

/// The same with `allow_large`.
const LARGE_TOKENS: usize = 100_000;

/// Characters of a line that are shown (READ-R8).
const MAX_LINE_CHARS: usize = 2_000;

/// Files up to this size are loaded whole and hashed. A larger one is streamed up to the end of
/// the page, so that memory is bounded by the answer (READ-R23).
pub(crate) const WHOLE_BYTES: u64 = 16 << 20;

/// Bytes of one line that are held while streaming. The rest of it is counted and passed over.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Which lines are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Range {
    pub(crate) offset: Option<u64>,
    pub(crate) limit: Option<u64>,
    pub(crate) large: bool,
}

impl Range {
    fn is_explicit(self) -> bool {
        self.offset.is_some() || self.limit.is_some()
    }

    fn first(self) -> usize {
        self.offset.and_then(|line| usize::try_from(line).ok()).unwrap_or(1).max(1)
    }

    fn count(self) -> usize {
        let default = if self.large { usize::MAX } else { DEFAULT_LINES };
        self.limit.map_or(default, |count| usize::try_from(count).unwrap_or(usize::MAX))
    }
}

/// A page under construction.
struct Page {
    lines: Vec<String>,
    cut: Vec<usize>,
    first: usize,
    count: usize,
    /// Bytes of the answer so far, line numbers included.
    bytes: usize,
    budget: usize,
    over_budget: bool,
    /// Whether lines were left out after the last one shown.
    more: bool,
}

impl Page {
    fn new(range: Range, budget: usize) -> Page {
        Page {
            lines: Vec::new(),
            cut: Vec::new(),
            first: range.first(),
            count: range.count(),
            bytes: 0,
            budget,
            over_budget: false,
            more: false,
        }
    }

    /// Offers line `number`; whether more lines are wanted.
    fn offer(&mut self, number: usize, line: &str, length: Option<usize>) -> bool {
        if number < self.first {
            return true;
        }
        if self.lines.len() >= self.count {
            self.more = true;
            return false;
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (line, cut) = cut_line(line, length);
        let bytes = line.len() + number.ilog10() as usize + 3;
        if text::tokens(self.bytes + bytes) > self.budget {
            self.over_budget = true;
            self.more = true;
            return false;
        }
        if cut {
            self.cut.push(number);
        }
        self.bytes += bytes;
        self.lines.push(line);
        true
    }
}

/// Cuts a line that is too long, saying so in a way that no file content looks like.
fn cut_line(line: &str, length: Option<usize>) -> (String, bool) {
    let total = || length.unwrap_or_else(|| line.chars().count());
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((at, _)) => {
            let total = total();
            let shown = &line[..at];
            (
                format!("{shown}… [line truncated: {MAX_LINE_CHARS} of {total} characters shown]"),
                true,
            )
        }
        None => (line.to_owned(), false),
    }
}

pub(crate) fn read(
    session: &dyn Session,
    target: &Target,
    size: u64,
    whole: Option<Vec<u8>>,
    range: Range,
) -> Result<Outcome, Failure> {
    let configured = session.setting("read_max_tokens").and_then(|text| text.parse().ok());
    let budget = if range.large { LARGE_TOKENS } else { configured.unwrap_or(DEFAULT_TOKENS) };
    let page = Page::new(range, budget);
    match whole {
        Some(bytes) => loaded(session, target, range, page, &bytes),
        None => streamed(target, range, page, size),
    }
}

fn loaded(
    session: &dyn Session,
    target: &Target,
    range: Range,
    mut page: Page,
    bytes: &[u8],
) -> Result<Outcome, Failure> {
    let size = bytes.len() as u64;
    let (shown, form) = text::shown(bytes);
    let eol = text::majority_eol(shown.as_bytes());
    let total = shown.split('\n').count();
    for (at, line) in shown.split('\n').enumerate() {
        if !page.offer(at + 1, line, None) {
            break;
        }
    }
    refuse_over_budget(&page, range, text::tokens(bytes.len()))?;
    let complete = page.first == 1 && page.lines.len() == total || bytes.is_empty();
    session.remember(&target.path, FileState { hash: files::hash(bytes), complete });
    let past_end = page.first > total;
    let notice = if bytes.is_empty() {
        Some(json!({ "kind": "empty" }))
    } else if past_end {
        Some(json!({ "kind": "past_end", "offset": page.first, "lines": total }))
    } else {
        partial(&page, range, Some(total), size)
    };
    let total = if bytes.is_empty() { 0 } else { total };
    Ok(outcome(target, page, Some(total), form, eol, notice, size))
}

fn streamed(target: &Target, range: Range, mut page: Page, size: u64) -> Result<Outcome, Failure> {
    let error = |error| Failure::io("read", &target.given, &error);
    let mut reader = BufReader::with_capacity(256 << 10, File::open(&target.path).map_err(error)?);
    let head = reader.fill_buf().map_err(error)?;
    let form = text::form(&head[..head.len().min(4)]);
    if matches!(form.encoding, Encoding::Utf16Le | Encoding::Utf16Be) {
        let message = format!(
            "{} is UTF-16 text of {}; files in that encoding can be read up to {}.",
            target.given,
            text::size(size),
            text::size(WHOLE_BYTES)
        );
        return Err(Failure::new("file_too_large", message).hint("Convert it with iconv in Bash."));
    }
    let eol = text::majority_eol(head);
    reader.consume(form.bom);
    let mut number = 0;
    let mut ended = false;
    loop {
        number += 1;
        let Some((line, length, last)) = next_line(&mut reader).map_err(error)? else {
            ended = true;
            break;
        };
        let text = String::from_utf8_lossy(&line);
        if !page.offer(number, &text, (length > line.len()).then_some(length)) {
            break;
        }
        if last {
            ended = true;
            break;
        }
    }
    refuse_over_budget(&page, range, text::tokens(usize::try_from(size).unwrap_or(usize::MAX)))?;
    let total = ended.then_some(number);
    let notice = match total {
        Some(total) if page.first > total => {
            Some(json!({ "kind": "past_end", "offset": page.first, "lines": total }))
        }
        _ => partial(&page, range, total, size),
    };
    Ok(outcome(target, page, total, form, eol, notice, size))
}

/// The next line without its `\n`, at most [`MAX_LINE_BYTES`] of it, its length in bytes, and
/// whether it is the last piece of the file.
fn next_line(
    reader: &mut impl std::io::BufRead,
) -> std::io::Result<Option<(Vec<u8>, usize, bool)>> {
    let (mut line, mut length) = (Vec::new(), 0);
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(Some((line, length, true)));
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let piece = &buffer[..end.unwrap_or(buffer.len())];
        let room = MAX_LINE_BYTES.saturating_sub(line.len()).min(piece.len());
        line.extend_from_slice(&piece[..room]);
        length += piece.len();
        let used = piece.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Ok(Some((line, length, false)));
        }
    }
}

/// READ-R6: a range that was asked for and does not fit is an error.
fn refuse_over_budget(page: &Page, range: Range, tokens: usize) -> Result<(), Failure> {
    if !page.over_budget || !range.is_explicit() && !page.lines.is_empty() {
        return Ok(());
    }
    let max = page.budget;
    let message = format!(
        "File content ({tokens} tokens) exceeds maximum allowed tokens ({max}). Use offset and \
         limit parameters to read specific portions of the file, or search for specific content \
         instead of reading the whole file."
    );
    let hint = match page.lines.len() {
        0 => "One line alone is too long: use Grep with -o to find what you need in it.".to_owned(),
        fits => format!("Try offset: {}, limit: {fits}.", page.first),
    };
    Err(Failure::new("file_too_large", message).hint(hint))
}

fn partial(page: &Page, range: Range, total: Option<usize>, size: u64) -> Option<Value> {
    if !page.more || range.is_explicit() {
        return None;
    }
    let last = page.first + page.lines.len() - 1;
    Some(json!({
        "kind": "partial",
        "first": page.first,
        "last": last,
        "lines": total,
        "bytes": size,
        "next": last + 1,
    }))
}

fn outcome(
    target: &Target,
    page: Page,
    total: Option<usize>,
    form: Form,
    eol: Eol,
    notice: Option<Value>,
    size: u64,
) -> Outcome {
    let empty = notice.as_ref().is_some_and(|notice| notice["kind"] != "partial");
    let lines = if empty { 0 } else { page.lines.len() };
    Outcome::from(json!({
        "type": "text",
        "file": {
            "filePath": target.path,
            "content": if empty { String::new() } else { page.lines.join("\n") },
            "numLines": lines,
            "startLine": page.first,
            "totalLines": total,
            "truncatedByTokenCap": page.over_budget,
            "encoding": form.encoding.name(),
            "eol": eol.name(),
            "bom": form.bom > 0,
            "cutLines": page.cut,
            "size": size,
        },
        "notice": notice,
    }))
}
