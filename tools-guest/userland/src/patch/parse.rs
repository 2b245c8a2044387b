//! A diff as hunks of files: unified here, and of the [older] kinds.

use super::older;

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FilePatch {
    /// The names of the headers.
    pub(super) old: String,
    pub(super) new: String,
    /// The headers' lines, with what follows the names.
    pub(super) old_line: String,
    pub(super) new_line: String,
    pub(super) hunks: Vec<Hunk>,
    /// Permission bits that the file gets.
    pub(super) mode: Option<u32>,
    /// The name it gets.
    pub(super) renamed: Option<String>,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) old_start: usize,
    pub(super) new_start: usize,
    /// What stands after the second `@@`.
    pub(super) section: Vec<u8>,
    pub(super) lines: Vec<(Side, Vec<u8>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Both,
    Old,
    New,
}

impl FilePatch {
    pub(super) fn reverse(&mut self) {
        std::mem::swap(&mut self.old, &mut self.new);
        std::mem::swap(&mut self.old_line, &mut self.new_line);
        (self.mode, self.renamed) = (None, None);
        for hunk in &mut self.hunks {
            *hunk = hunk.reversed();
        }
    }

    /// Whether it makes a file that is not there.
    pub(super) fn creates(&self) -> bool {
        self.old == "/dev/null" || self.hunks.iter().all(|hunk| hunk.old_lines().next().is_none())
    }

    /// Whether it leaves no file.
    pub(super) fn deletes(&self) -> bool {
        self.new == "/dev/null"
    }
}

impl Hunk {
    pub(super) fn reversed(&self) -> Hunk {
        let flip = |side| match side {
            Side::Both => Side::Both,
            Side::Old => Side::New,
            Side::New => Side::Old,
        };
        // What goes stands before what comes.
        let mut lines: Vec<(Side, Vec<u8>)> = Vec::new();
        let mut coming: Vec<(Side, Vec<u8>)> = Vec::new();
        for (side, line) in &self.lines {
            match flip(*side) {
                Side::New => coming.push((Side::New, line.clone())),
                Side::Old => lines.push((Side::Old, line.clone())),
                Side::Both => {
                    lines.append(&mut coming);
                    lines.push((Side::Both, line.clone()));
                }
            }
        }
        lines.append(&mut coming);
        Hunk {
            old_start: self.new_start,
            new_start: self.old_start,
            section: self.section.clone(),
            lines,
        }
    }

    /// The lines of the old file.
    pub(super) fn old_lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().filter(|(side, _)| *side != Side::New).map(|(_, line)| line.as_slice())
    }

    /// The lines of the new file.
    pub(super) fn new_lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().filter(|(side, _)| *side != Side::Old).map(|(_, line)| line.as_slice())
    }

    /// Lines at the beginning and at the end that are the same in both.
    pub(super) fn context(&self) -> (usize, usize) {
        let same = |line: &&(Side, Vec<u8>)| line.0 == Side::Both;
        (
            self.lines.iter().take_while(same).count(),
            self.lines.iter().rev().take_while(same).count(),
        )
    }

    pub(super) fn write(&self, into: &mut Vec<u8>) {
        let range = |start: usize, count: usize| match count {
            1 => start.to_string(),
            count => format!("{start},{count}"),
        };
        let (old, new) = (self.old_lines().count(), self.new_lines().count());
        let head = format!("@@ -{} +{} @@", range(self.old_start, old), range(self.new_start, new));
        into.extend_from_slice(head.as_bytes());
        into.extend_from_slice(&self.section);
        into.push(b'\n');
        for (side, line) in &self.lines {
            into.push(match side {
                Side::Both => b' ',
                Side::Old => b'-',
                Side::New => b'+',
            });
            into.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                into.extend_from_slice(b"\n\\ No newline at end of file\n");
            }
        }
    }
}

/// The changes in a diff. What stands between them is left out.
///
/// # Errors
/// What is wrong with a hunk, or that the diff is of another kind.
pub(super) fn parse(text: &[u8]) -> Result<Vec<FilePatch>, String> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut patches: Vec<FilePatch> = Vec::new();
    // What git's extended headers said of the file that comes next.
    let mut extended: Option<FilePatch> = None;
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if line.starts_with(b"diff --git ") {
            patches.extend(extended.take().filter(is_whole));
            let text = shown(line);
            let rest = text.trim_start_matches("diff --git ");
            let (old, new) = rest.split_once(" b/").unwrap_or((rest, rest));
            extended = Some(FilePatch {
                old: old.to_owned(),
                new: format!("b/{new}"),
                ..FilePatch::default()
            });
        } else if let (Some(patch), Some(rest)) = (
            &mut extended,
            line.strip_prefix(b"new file mode ").or(line.strip_prefix(b"new mode ")),
        ) {
            if line.starts_with(b"new file") {
                patch.old = "/dev/null".to_owned();
            }
            patch.mode = u32::from_str_radix(shown(rest).trim(), 8).ok();
        } else if let (Some(patch), Some(rest)) = (&mut extended, line.strip_prefix(b"rename to "))
        {
            patch.renamed = Some(shown(rest));
        } else if line.starts_with(b"*** ")
            && lines.get(at + 1).is_some_and(|next| next.starts_with(b"--- "))
        {
            let (patch, end) = older::context(&lines, at)?;
            if !patch.hunks.is_empty() {
                patches.push(patch);
            }
            at = end;
            continue;
        } else if line.starts_with(b"--- ")
            && lines.get(at + 1).is_some_and(|next| next.starts_with(b"+++ "))
        {
            let mut patch = extended.take().unwrap_or_default();
            (patch.old_line, patch.new_line) = (shown(&line[4..]), shown(&lines[at + 1][4..]));
            (patch.old, patch.new) = (name(&patch.old_line), name(&patch.new_line));
            at += 2;
            while let Some(head) = lines.get(at).filter(|line| line.starts_with(b"@@ -")) {
                let mut hunk = header(&shown(head)).ok_or_else(|| {
                    format!("malformed patch at line {}: {}", at + 1, shown(head))
                })?;
                at += 1;
                at = body(&lines, at, &mut hunk)?;
                patch.hunks.push(hunk.0);
            }
            if !patch.hunks.is_empty() {
                patches.push(patch);
            }
            continue;
        }
        at += 1;
    }
    patches.extend(extended.filter(is_whole));
    if patches.is_empty() {
        patches.extend(older::normal(&lines)?);
    }
    Ok(patches)
}

/// A line as text, without its end.
pub(super) fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']).to_owned()
}

/// Whether git's headers alone change something.
fn is_whole(patch: &FilePatch) -> bool {
    patch.mode.is_some() || patch.renamed.is_some()
}

/// A header's file name: up to the tab before the time.
pub(super) fn name(line: &str) -> String {
    let name = line.split('\t').next().unwrap_or(line);
    // Without a tab, a time may follow two blanks or one.
    match name.find(" 19").or_else(|| name.find(" 20")) {
        Some(at) if name[at + 1..].len() >= 10 && name.as_bytes()[at + 5] == b'-' => {
            name[..at].trim_end().to_owned()
        }
        _ => name.trim_end().to_owned(),
    }
}

/// A hunk without its lines, and how many there are to be of the old and the new file.
type Expected = (Hunk, usize, usize);

fn header(line: &str) -> Option<Expected> {
    let (ranges, section) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(usize, usize)> {
        match text.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let ((old_start, old), (new_start, new)) = (range(old)?, range(new)?);
    let section = section.as_bytes().to_vec();
    Some((Hunk { old_start, new_start, section, lines: Vec::new() }, old, new))
}

fn body(lines: &[&[u8]], mut at: usize, hunk: &mut Expected) -> Result<usize, String> {
    let (hunk, old, new) = hunk;
    while *old > 0 || *new > 0 {
        let Some(line) = lines.get(at) else {
            return Err(format!("unexpected end of file in patch at line {}", at + 1));
        };
        let (side, rest) = match line.first() {
            Some(b' ') => (Side::Both, &line[1..]),
            Some(b'-') => (Side::Old, &line[1..]),
            Some(b'+') => (Side::New, &line[1..]),
            // Mailers take trailing blanks away, and an empty line of context with them.
            Some(b'\n' | b'\r' | b'\t') => (Side::Both, *line),
            Some(b'\\') => {
                unended(hunk);
                at += 1;
                continue;
            }
            _ => {
                let text = String::from_utf8_lossy(line).trim_end().to_owned();
                return Err(format!("malformed patch at line {}: {text}", at + 1));
            }
        };
        let counts = |count: &mut usize| match *count {
            0 => Err(format!("malformed patch at line {}", at + 1)),
            _ => {
                *count -= 1;
                Ok(())
            }
        };
        if side != Side::New {
            counts(old)?;
        }
        if side != Side::Old {
            counts(new)?;
        }
        let mut line = rest.to_vec();
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        hunk.lines.push((side, line));
        at += 1;
    }
    if lines.get(at).is_some_and(|line| line.starts_with(b"\\")) {
        unended(hunk);
        at += 1;
    }
    Ok(at)
}

/// The last line has no end.
pub(super) fn unended(hunk: &mut Hunk) {
    if let Some((_, line)) = hunk.lines.last_mut() {
        line.pop();
    }
}
