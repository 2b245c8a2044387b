//! Two files side by side.

use super::lines::Compared;

/// The narrowest that the gap between the two sides is.
const GAP: usize = 3;

/// How tabs are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tabs {
    /// As spaces.
    pub(super) expanded: bool,
    pub(super) size: usize,
}

impl Default for Tabs {
    fn default() -> Tabs {
        Tabs { expanded: false, size: 8 }
    }
}

impl Tabs {
    pub(super) fn expand_into(self, line: &[u8], text: &mut Vec<u8>) {
        if !self.expanded {
            text.extend_from_slice(line);
            return;
        }
        let mut column = 0;
        for byte in line {
            match byte {
                b'\t' => {
                    let next = self.next(column);
                    text.resize(text.len() + next - column, b' ');
                    column = next;
                }
                byte => {
                    text.push(*byte);
                    // The rest of a character of several bytes takes no room.
                    column += usize::from(byte & 0xC0 != 0x80);
                }
            }
        }
    }

    fn next(self, column: usize) -> usize {
        (column / self.size + 1) * self.size
    }

    /// Goes from a column to another.
    fn fill(self, from: usize, to: usize, text: &mut Vec<u8>) {
        let mut at = from;
        while !self.expanded && self.next(at) <= to {
            text.push(b'\t');
            at = self.next(at);
        }
        text.resize(text.len() + to.saturating_sub(at), b' ');
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sides {
    pub(super) width: usize,
    pub(super) tabs: Tabs,
    /// Lines that are the same are shown on the left alone.
    pub(super) left_only: bool,
    /// They are not shown.
    pub(super) changes_only: bool,
}

impl Sides {
    /// How wide a side is, and in which column the right one begins: where tabs are kept, at a tab
    /// stop, or the right side's own would not line up.
    fn columns(self) -> (usize, usize) {
        let step = if self.tabs.expanded { 1 } else { self.tabs.size };
        let both = step + GAP;
        let middle = self.width / 2 + both / 2 + (self.width & both & 1);
        let right = middle - middle % step;
        let half = right.saturating_sub(GAP).min(self.width.saturating_sub(right));
        if half == 0 { (0, self.width) } else { (half, right) }
    }

    pub(super) fn write(self, compared: &Compared<'_>) -> Vec<u8> {
        let mut text = Vec::new();
        let (mut old, mut new) = (0, 0);
        for change in &compared.changes {
            self.same(compared, old..change.old.start, new, &mut text);
            let pairs = change.old.len().min(change.new.len());
            for at in 0..pairs {
                let left = compared.old[change.old.start + at];
                let right = compared.new[change.new.start + at];
                let mark = if change.skipped { ' ' } else { '|' };
                self.row(Some(left), mark, Some(right), &mut text);
            }
            for left in &compared.old[change.old.start + pairs..change.old.end] {
                self.row(Some(left), '<', None, &mut text);
            }
            for right in &compared.new[change.new.start + pairs..change.new.end] {
                self.row(None, '>', Some(right), &mut text);
            }
            (old, new) = (change.old.end, change.new.end);
        }
        self.same(compared, old..compared.old.len(), new, &mut text);
        text
    }

    fn same(
        self,
        compared: &Compared<'_>,
        old: std::ops::Range<usize>,
        new: usize,
        text: &mut Vec<u8>,
    ) {
        if self.changes_only {
            return;
        }
        for (left, right) in compared.old[old].iter().zip(&compared.new[new..]) {
            match self.left_only {
                true => self.row(Some(left), '(', None, text),
                false => self.row(Some(left), ' ', Some(right), text),
            }
        }
    }

    fn row(self, left: Option<&[u8]>, mark: char, right: Option<&[u8]>, text: &mut Vec<u8>) {
        let (half, second) = self.columns();
        let ended = |line: Option<&[u8]>| line.is_some_and(|line| line.ends_with(b"\n"));
        let mut column = left.map_or(0, |line| self.side(line, half, 0, text));
        if mark != ' ' {
            let at = (half + second - 1) / 2;
            self.tabs.fill(column, at, text);
            column = column.max(at) + 1;
            text.push(match (mark, ended(left), ended(right)) {
                ('|', true, false) => b'/',
                ('|', false, true) => b'\\',
                (mark, ..) => mark as u8,
            });
        }
        if let Some(line) = right.filter(|line| *line != b"\n") {
            self.tabs.fill(column, second, text);
            self.side(line, half, second, text);
        }
        if ended(left) || ended(right) {
            text.push(b'\n');
        }
    }

    /// As much of a line as there is room for; in which column it ends. `indent` is where the side
    /// begins.
    fn side(self, line: &[u8], room: usize, indent: usize, text: &mut Vec<u8>) -> usize {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut column = 0;
        for byte in line {
            match byte {
                b'\t' if self.tabs.expanded => {
                    let next = self.tabs.next(column).min(room);
                    self.tabs.fill(column, next, text);
                    column = next;
                }
                b'\t' if self.tabs.next(column) < room => {
                    text.push(b'\t');
                    column = self.tabs.next(column);
                }
                b'\t' => break,
                // The rest of a character of several bytes takes no room.
                byte if byte & 0xC0 == 0x80 => text.push(*byte),
                _ if column >= room => break,
                byte => {
                    text.push(*byte);
                    column += 1;
                }
            }
        }
        indent + column
    }
}
