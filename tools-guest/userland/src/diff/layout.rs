//! Changes as diff writes them, all but side by side.

use std::ops::Range;

use regex::bytes::Regex;

use super::lines::{Change, Compared};

/// The longest that is shown of the line that a hunk stands under.
const MAX_HEADING: usize = 40;

const NO_NEWLINE: &[u8] = b"\n\\ No newline at end of file\n";

/// How changes are written.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) colors: bool,
    pub(super) tabs: super::side::Tabs,
    /// A tab before each line, so that its own tabs line up.
    pub(super) initial_tab: bool,
    /// An empty line of context has no blank before it.
    pub(super) bare_blank: bool,
    /// Lines that head what follows them, as a function's first.
    pub(super) heading: Option<Regex>,
}

#[derive(Debug, Clone, Copy)]
enum Color {
    Head,
    Range,
    Old,
    New,
}

/// What is written, with its colors.
struct Writer<'l> {
    layout: &'l Layout,
    text: Vec<u8>,
}

impl Writer<'_> {
    fn colored(&mut self, color: Color, text: &str) {
        self.begin(color);
        self.text.extend_from_slice(text.as_bytes());
        self.end();
        self.text.push(b'\n');
    }

    fn begin(&mut self, color: Color) {
        let code = match color {
            Color::Head => "1",
            Color::Range => "36",
            Color::Old => "31",
            Color::New => "32",
        };
        if self.layout.colors {
            self.text.extend_from_slice(format!("\x1b[{code}m").as_bytes());
        }
    }

    fn end(&mut self) {
        if self.layout.colors {
            self.text.extend_from_slice(b"\x1b[0m");
        }
    }

    /// Lines, each after its mark.
    fn lines(&mut self, mark: &str, lines: &[&[u8]], color: Option<Color>) {
        lines.iter().for_each(|line| self.line(mark, line, color));
    }

    fn line(&mut self, mark: &str, line: &[u8], color: Option<Color>) {
        if let Some(color) = color {
            self.begin(color);
        }
        self.text.extend_from_slice(mark.as_bytes());
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        if self.layout.initial_tab {
            // In the place of the space that a mark may end with.
            if mark.ends_with(' ') {
                self.text.pop();
            }
            self.text.push(b'\t');
        }
        if body.is_empty() && mark.trim().is_empty() && self.layout.bare_blank {
            let marked = self.text.len() - mark.len();
            self.text.truncate(marked);
        }
        self.layout.tabs.expand_into(body, &mut self.text);
        if color.is_some() {
            self.end();
        }
        self.text.extend_from_slice(if body.len() < line.len() { b"\n" } else { NO_NEWLINE });
    }
}

/// `1`, or `1,3`: lines as they are counted from 1.
fn numbers(range: &Range<usize>) -> String {
    match range.len() {
        0 => range.start.to_string(),
        1 => range.end.to_string(),
        _ => format!("{},{}", range.start + 1, range.end),
    }
}

/// `1,3`: the first line and how many.
fn counted(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => range.end.to_string(),
        count => format!("{},{count}", range.start + 1),
    }
}

impl Layout {
    fn writer(&self) -> Writer<'_> {
        Writer { layout: self, text: Vec::new() }
    }

    pub(super) fn normal(&self, compared: &Compared<'_>) -> Vec<u8> {
        let mut writer = self.writer();
        for change in compared.changes.iter().filter(|change| !change.skipped) {
            let letter = letter(change);
            let head = format!("{}{letter}{}", numbers(&change.old), numbers(&change.new));
            writer.colored(Color::Range, &head);
            writer.lines("< ", &compared.old[change.old.clone()], Some(Color::Old));
            if letter == 'c' {
                writer.text.extend_from_slice(b"---\n");
            }
            writer.lines("> ", &compared.new[change.new.clone()], Some(Color::New));
        }
        writer.text
    }

    /// `names` are what the two files are headed by.
    pub(super) fn unified(
        &self,
        compared: &Compared<'_>,
        names: [&str; 2],
        context: usize,
    ) -> Vec<u8> {
        let mut writer = self.writer();
        writer.colored(Color::Head, &format!("--- {}", names[0]));
        writer.colored(Color::Head, &format!("+++ {}", names[1]));
        for group in compared.groups(context) {
            let span = compared.span(group, context);
            writer.begin(Color::Range);
            let head = format!("@@ -{} +{} @@", counted(&span.old), counted(&span.new));
            writer.text.extend_from_slice(head.as_bytes());
            writer.end();
            self.write_heading(compared, span.old.start, &mut writer.text);
            writer.text.push(b'\n');
            let mut at = span.old.start;
            for change in group {
                writer.lines(" ", &compared.old[at..change.old.start], None);
                writer.lines("-", &compared.old[change.old.clone()], Some(Color::Old));
                writer.lines("+", &compared.new[change.new.clone()], Some(Color::New));
                at = change.old.end;
            }
            writer.lines(" ", &compared.old[at..span.old.end], None);
        }
        writer.text
    }

    pub(super) fn context(
        &self,
        compared: &Compared<'_>,
        names: [&str; 2],
        context: usize,
    ) -> Vec<u8> {
        let mut writer = self.writer();
        writer.colored(Color::Head, &format!("*** {}", names[0]));
        writer.colored(Color::Head, &format!("--- {}", names[1]));
        for group in compared.groups(context) {
            let span = compared.span(group, context);
            writer.text.extend_from_slice(b"***************");
            self.write_heading(compared, span.old.start, &mut writer.text);
            writer.text.push(b'\n');
            writer.colored(Color::Range, &format!("*** {} ****", numbers(&span.old)));
            let olds: Vec<_> = group.iter().map(|change| (&change.old, &change.new)).collect();
            half(&mut writer, &compared.old, span.old, &olds, "- ", Color::Old);
            writer.colored(Color::Range, &format!("--- {} ----", numbers(&span.new)));
            let news: Vec<_> = group.iter().map(|change| (&change.new, &change.old)).collect();
            half(&mut writer, &compared.new, span.new, &news, "+ ", Color::New);
        }
        writer.text
    }

    /// A script for `ed`, the last change first.
    pub(super) fn ed(&self, compared: &Compared<'_>) -> Vec<u8> {
        let mut text = Vec::new();
        for change in compared.changes.iter().rev().filter(|change| !change.skipped) {
            let letter = letter(change);
            text.extend_from_slice(format!("{}{letter}\n", numbers(&change.old)).as_bytes());
            if letter == 'd' {
                continue;
            }
            let mut open = true;
            for line in &compared.new[change.new.clone()] {
                if !open {
                    text.extend_from_slice(b"a\n");
                    open = true;
                }
                match line.strip_suffix(b"\n").unwrap_or(line) {
                    // A dot alone would end the text: it is written as two, and one is taken away.
                    b"." => {
                        text.extend_from_slice(b"..\n.\ns/.//\n");
                        open = false;
                    }
                    body => {
                        text.extend_from_slice(body);
                        text.push(b'\n');
                    }
                }
            }
            if open {
                text.extend_from_slice(b".\n");
            }
        }
        text
    }

    /// A script as RCS has it.
    pub(super) fn rcs(&self, compared: &Compared<'_>) -> Vec<u8> {
        let mut text = Vec::new();
        for Change { old, new, .. } in compared.changes.iter().filter(|change| !change.skipped) {
            if !old.is_empty() {
                let head = format!("d{} {}\n", old.start + 1, old.len());
                text.extend_from_slice(head.as_bytes());
            }
            if !new.is_empty() {
                text.extend_from_slice(format!("a{} {}\n", old.end, new.len()).as_bytes());
                compared.new[new.clone()].iter().for_each(|line| text.extend_from_slice(line));
            }
        }
        text
    }

    /// The last line before this one that heads what follows.
    fn write_heading(&self, compared: &Compared<'_>, before: usize, text: &mut Vec<u8>) {
        let Some(pattern) = &self.heading else { return };
        let mut lines = compared.old[..before].iter().rev();
        let Some(line) = lines.find(|line| pattern.is_match(line.trim_ascii_end())) else { return };
        let line = line.trim_ascii();
        text.push(b' ');
        text.extend_from_slice(line[..line.len().min(MAX_HEADING)].trim_ascii_end());
    }
}

fn letter(change: &Change) -> char {
    match (change.old.is_empty(), change.new.is_empty()) {
        (true, _) => 'a',
        (false, true) => 'd',
        (false, false) => 'c',
    }
}

/// One file's part of a hunk: nothing when none of its lines is in a change.
fn half(
    writer: &mut Writer<'_>,
    lines: &[&[u8]],
    span: Range<usize>,
    changes: &[(&Range<usize>, &Range<usize>)],
    mark: &str,
    color: Color,
) {
    if changes.iter().all(|(own, _)| own.is_empty()) {
        return;
    }
    let mut at = span.start;
    for (own, other) in changes {
        writer.lines("  ", &lines[at..own.start], Some(color));
        let changed = if other.is_empty() { mark } else { "! " };
        writer.lines(changed, &lines[(*own).clone()], Some(color));
        at = own.end;
    }
    writer.lines("  ", &lines[at..span.end], Some(color));
}
