//! A tree as lines, JSON or XML.

use toolcell_program::files::{Details, Kind};
use toolcell_program::mode;
use toolcell_text::json as quoted;

use super::Node;

/// Who owns what is in a cell.
const OWNER: &str = "agent";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Bytes,
    Human,
    Si,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Lines,
    Json,
    Xml,
}

/// What is shown of each file, and how.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) format: Format,
    pub(super) report: bool,
    pub(super) full: bool,
    pub(super) classify: bool,
    pub(super) plain: bool,
    pub(super) ascii: bool,
    pub(super) colors: bool,
    pub(super) quotes: bool,
    pub(super) inode: bool,
    pub(super) mode: bool,
    pub(super) user: bool,
    pub(super) group: bool,
    pub(super) size: Option<Size>,
    /// The sizes are sums: the report has them too.
    pub(super) sums: bool,
    /// How a time is written; empty for the usual way.
    pub(super) time: Option<String>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    directories: u64,
    files: u64,
}

impl Look {
    pub(super) fn shown(&self, roots: &[Node], directories_only: bool) -> String {
        let mut counts = Counts::default();
        let mut text = String::new();
        for root in roots {
            if root.is_dir() {
                counts.directories += 1;
            }
            count(&root.children, &mut counts);
        }
        match self.format {
            Format::Lines => {
                for root in roots {
                    let note = note(root);
                    let (facts, name) = (self.facts(root), self.name(root, &root.name));
                    text.push_str(&format!("{facts}{name}{note}\n"));
                    self.lines(root, "", &mut text);
                }
                if self.report {
                    text.push_str(&self.report(roots, counts, directories_only));
                }
            }
            Format::Json => {
                text.push_str("[\n");
                self.json(roots, 1, &mut text);
                if self.report {
                    text.push_str(&format!(
                        ",\n  {{\"type\":\"report\",\"directories\":{}",
                        counts.directories
                    ));
                    if !directories_only {
                        text.push_str(&format!(",\"files\":{}", counts.files));
                    }
                    text.push_str("}\n");
                }
                text.push_str("]\n");
            }
            Format::Xml => {
                text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<tree>\n");
                self.xml(roots, 1, &mut text);
                if self.report {
                    let Counts { directories, files } = counts;
                    text.push_str("  <report>\n");
                    text.push_str(&format!("    <directories>{directories}</directories>\n"));
                    if !directories_only {
                        text.push_str(&format!("    <files>{files}</files>\n"));
                    }
                    text.push_str("  </report>\n");
                }
                text.push_str("</tree>\n");
            }
        }
        text
    }

    fn lines(&self, node: &Node, indent: &str, text: &mut String) {
        let (branch, last_branch, bar) = match self.ascii {
            true => ("|-- ", "`-- ", "|   "),
            false => ("├── ", "└── ", "│\u{a0}\u{a0} "),
        };
        for (at, child) in node.children.iter().enumerate() {
            let last = at + 1 == node.children.len();
            let (own, deeper) = match (self.plain, last) {
                (true, _) => ("", ""),
                (false, true) => (last_branch, "    "),
                (false, false) => (branch, bar),
            };
            let name = if self.full { &child.path } else { &child.name };
            let name = match self.quotes {
                true => format!("\"{name}\""),
                false => name.clone(),
            };
            let facts = self.facts(child);
            text.push_str(&format!("{indent}{own}{facts}{}", self.name(child, &name)));
            if let Some(target) = &child.target {
                let target = if self.quotes { format!("\"{target}\"") } else { target.clone() };
                let target = self.colored(child.leads_to, &target);
                let mark = self.mark(child.leads_to);
                text.push_str(&format!(" -> {target}{mark}"));
            }
            text.push_str(&note(child));
            text.push('\n');
            self.lines(child, &format!("{indent}{deeper}"), text);
        }
    }

    /// A name, with what shows its kind. A link is marked after what it leads to.
    fn name(&self, node: &Node, name: &str) -> String {
        let mark = if node.target.is_some() { "" } else { self.mark(node.details) };
        if self.colors && node.target.is_some() && node.leads_to.is_none() {
            return format!("\x1b[40;31;01m{name}\x1b[0m");
        }
        format!("{}{mark}", self.colored(node.details, name))
    }

    fn mark(&self, details: Option<Details>) -> &'static str {
        match details {
            Some(details) if self.classify => match details.kind {
                Kind::Directory => "/",
                Kind::File if details.mode & 0o111 != 0 => "*",
                Kind::Pipe => "|",
                _ => "",
            },
            _ => "",
        }
    }

    fn colored(&self, details: Option<Details>, text: &str) -> String {
        if !self.colors {
            return text.to_owned();
        }
        let code = match details.map(|details| (details.kind, details.mode & 0o111)) {
            Some((Kind::Directory, _)) => "01;34",
            Some((Kind::Symlink, _)) => "01;36",
            Some((Kind::File, 1..)) => "01;32",
            _ => "00",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// `[-rw-r--r--    6]  `, or nothing.
    fn facts(&self, node: &Node) -> String {
        let Some(details) = node.details else { return String::new() };
        let mut facts = Vec::new();
        if self.inode {
            facts.push(format!("{:>7}", details.inode));
        }
        if self.mode {
            facts.push(mode::shown(details.kind, details.mode));
        }
        for _ in [self.user, self.group].iter().filter(|shown| **shown) {
            facts.push(format!("{OWNER:<8}"));
        }
        match self.size {
            Some(Size::Bytes) => facts.push(format!("{:>11}", node.size)),
            Some(size) => facts.push(format!("{:>4}", human(node.size, size))),
            None => {}
        }
        if let Some(format) = &self.time {
            facts.push(time(format, details.modified));
        }
        match facts.is_empty() {
            true => String::new(),
            false => format!("[{}]  ", facts.join(" ")),
        }
    }

    fn report(&self, roots: &[Node], counts: Counts, directories_only: bool) -> String {
        let plural = |count: u64, one: &str, many: &str| {
            format!("{count} {}", if count == 1 { one } else { many })
        };
        let mut text = plural(counts.directories, "directory", "directories");
        if !directories_only {
            text.push_str(&format!(", {}", plural(counts.files, "file", "files")));
        }
        if self.sums {
            let sum: u64 = roots.iter().map(|root| root.size).sum();
            text = match self.size {
                Some(Size::Bytes) | None => format!("{sum:>12} bytes used in {text}"),
                Some(size) => format!("{:>5} used in {text}", human(sum, size)),
            };
        }
        format!("\n{text}\n")
    }

    /// What JSON and XML say of a file beside its name.
    fn fields(&self, node: &Node) -> Vec<(&'static str, String, bool)> {
        let Some(details) = node.details else { return Vec::new() };
        let mut fields = Vec::new();
        if self.inode {
            fields.push(("inode", details.inode.to_string(), false));
        }
        if self.mode {
            let bits = if details.kind == Kind::Symlink { 0o777 } else { details.mode };
            fields.push(("mode", format!("{bits:04o}"), true));
            fields.push(("prot", mode::shown(details.kind, details.mode), true));
        }
        for (shown, name) in [(self.user, "user"), (self.group, "group")] {
            if shown {
                fields.push((name, OWNER.to_owned(), true));
            }
        }
        if self.size.is_some() {
            fields.push(("size", node.size.to_string(), false));
        }
        if let Some(format) = &self.time {
            fields.push(("time", time(format, details.modified), true));
        }
        fields
    }

    fn json(&self, nodes: &[Node], level: usize, text: &mut String) {
        let indent = "  ".repeat(level);
        for (at, node) in nodes.iter().enumerate() {
            let name = if self.full { &node.path } else { &node.name };
            let kind = kind(node);
            text.push_str(&format!("{indent}{{\"type\":\"{kind}\",\"name\":{}", quoted(name)));
            if let Some(target) = &node.target {
                text.push_str(&format!(",\"target\":{}", quoted(target)));
            }
            for (key, value, is_text) in self.fields(node) {
                let value = if is_text { quoted(&value) } else { value };
                text.push_str(&format!(",\"{key}\":{value}"));
            }
            if let Some(note) = &node.note {
                text.push_str(&format!(",\"error\":{}", quoted(note)));
            }
            if !node.children.is_empty() {
                text.push_str(",\"contents\":[\n");
                self.json(&node.children, level + 1, text);
                text.push_str(&indent);
                text.push(']');
            }
            text.push('}');
            text.push_str(if at + 1 < nodes.len() { ",\n" } else { "\n" });
        }
    }

    fn xml(&self, nodes: &[Node], level: usize, text: &mut String) {
        let indent = "  ".repeat(level);
        for node in nodes {
            let (kind, name) = (kind(node), if self.full { &node.path } else { &node.name });
            text.push_str(&format!("{indent}<{kind} name=\"{}\"", escaped(name)));
            if let Some(target) = &node.target {
                text.push_str(&format!(" target=\"{}\"", escaped(target)));
            }
            for (key, value, _) in self.fields(node) {
                text.push_str(&format!(" {key}=\"{}\"", escaped(&value)));
            }
            text.push('>');
            if !node.children.is_empty() {
                text.push('\n');
                self.xml(&node.children, level + 1, text);
                text.push_str(&indent);
            }
            text.push_str(&format!("</{kind}>\n"));
        }
    }
}

fn count(nodes: &[Node], counts: &mut Counts) {
    for node in nodes {
        match node.is_dir() {
            true => counts.directories += 1,
            false => counts.files += 1,
        }
        count(&node.children, counts);
    }
}

fn note(node: &Node) -> String {
    node.note.as_ref().map(|note| format!("  [{note}]")).unwrap_or_default()
}

fn kind(node: &Node) -> &'static str {
    match node.details.map(|details| details.kind) {
        Some(Kind::Directory) => "directory",
        Some(Kind::Symlink) => "link",
        Some(Kind::Pipe) => "fifo",
        Some(Kind::Character) => "char",
        _ => "file",
    }
}

/// The usual way names the year of what is old, and else the hour.
fn time(format: &str, modified: u64) -> String {
    let seconds = (modified / 1_000_000_000) as i64;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age = now.map_or(0, |now| now.as_secs() as i64) - seconds;
    let recent = (0..365 * 86_400 / 2).contains(&age);
    let format = match format {
        "" if recent => "%b %e %H:%M",
        "" => "%b %e  %Y",
        format => format,
    };
    toolcell_zone::strftime(format, seconds)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A size with the letter of its power.
fn human(bytes: u64, size: Size) -> String {
    let (step, letters) = match size {
        Size::Si => (1000.0, "kMGTPE"),
        _ => (1024.0, "KMGTPE"),
    };
    let (mut size, mut letters) = (bytes as f64, letters.chars());
    let mut letter = None;
    while size >= step {
        size /= step;
        letter = letters.next();
    }
    match letter {
        None => bytes.to_string(),
        Some(letter) if size < 10.0 => format!("{size:.1}{letter}"),
        Some(letter) => format!("{size:.0}{letter}"),
    }
}
