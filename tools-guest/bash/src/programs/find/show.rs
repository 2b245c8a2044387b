//! What `find` says of a file: `-printf`, `-ls`.

use toolcell_program::files::{Details, Kind, look};
use toolcell_program::mode;
use toolcell_shell::{FileKind, Stat};
use toolcell_text::Moment;
use toolcell_zone::strftime;

use super::{Entry, base};

/// Whose every file of a cell is, by name and by number.
pub(super) const OWNER: (&str, &str) = ("agent", "1000");

/// Columns that a directive may be made as wide as.
const MAX_WIDTH: usize = 4_096;

/// Half a year in nanoseconds: before that, `-ls` shows the year and not the hour.
const HALF_YEAR: u128 = 15_778_476 * 1_000_000_000;

/// What a format makes of a file that is at `full`.
pub(super) fn formatted(format: &str, entry: &Entry, full: &str, follow: bool) -> String {
    let mut text = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(digit @ '0'..='7') => {
                    let mut value = digit.to_digit(8).unwrap_or(0);
                    for _ in 0..2 {
                        let Some(next) = chars.peek().and_then(|next| next.to_digit(8)) else {
                            break;
                        };
                        value = value * 8 + next;
                        chars.next();
                    }
                    text.extend(char::from_u32(value & 0xff));
                }
                Some('c') => return text,
                Some(letter) => text.push(match letter {
                    'a' => '\x07',
                    'b' => '\x08',
                    'f' => '\x0c',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\x0b',
                    other => other,
                }),
                None => text.push('\\'),
            },
            '%' => {
                let mut left = false;
                while let Some(flag) = chars.next_if(|c| "-+ #0".contains(*c)) {
                    left |= flag == '-';
                }
                let mut digits = String::new();
                while let Some(digit) = chars.next_if(|c| c.is_ascii_digit() || *c == '.') {
                    digits.push(digit);
                }
                let Some(letter) = chars.next() else {
                    text.push('%');
                    break;
                };
                let time = matches!(letter, 'A' | 'B' | 'C' | 'T').then(|| chars.next()).flatten();
                let value = directive(letter, time, entry, full, follow);
                let (width, most) = digits.split_once('.').unwrap_or((&digits, ""));
                let value: String = match most.parse() {
                    Ok(most) => value.chars().take(most).collect(),
                    Err(_) => value,
                };
                let width = width.parse().unwrap_or(0).min(MAX_WIDTH);
                match left {
                    true => text.push_str(&format!("{value:<width$}")),
                    false => text.push_str(&format!("{value:>width$}")),
                }
            }
            c => text.push(c),
        }
    }
    text
}

fn directive(letter: char, time: Option<char>, entry: &Entry, full: &str, follow: bool) -> String {
    let details = || look(full, follow).or_else(|_| look(full, false)).ok();
    let of = |show: fn(&Details) -> String| details().map_or(String::new(), |found| show(&found));
    let stat = |show: fn(&Stat) -> String| entry.stat.map_or(String::new(), |stat| show(&stat));
    match letter {
        'p' => entry.path.clone(),
        'f' => base(&entry.path).to_owned(),
        'h' => entry.path.rsplit_once('/').map_or(".", |(dir, _)| dir).to_owned(),
        'P' => {
            let rest = entry.path.strip_prefix(&entry.start).unwrap_or(&entry.path);
            rest.trim_start_matches('/').to_owned()
        }
        'H' => entry.start.clone(),
        'd' => entry.depth.to_string(),
        's' => stat(|stat| stat.size.to_string()),
        'b' => of(|found| (found.allocated() / 512).to_string()),
        'k' => of(|found| (found.allocated() / 1024).to_string()),
        'n' => of(|found| found.links.to_string()),
        'i' => stat(|stat| stat.inode.to_string()),
        'D' => stat(|stat| stat.device.to_string()),
        'M' => of(|found| mode::shown(found.kind, found.mode)),
        'm' => stat(|stat| format!("{:o}", stat.mode)),
        'l' => target(entry, full),
        'y' => kind_letter(entry.kind).to_string(),
        'Y' => match (entry.kind, look(full, true)) {
            (FileKind::Symlink, Err(_)) => "N".to_owned(),
            (FileKind::Symlink, Ok(found)) => match found.kind {
                Kind::File => "f",
                Kind::Directory => "d",
                Kind::Character => "c",
                Kind::Pipe => "p",
                _ => "U",
            }
            .to_owned(),
            (kind, _) => kind_letter(kind).to_string(),
        },
        'u' | 'g' => OWNER.0.to_owned(),
        'U' | 'G' => OWNER.1.to_owned(),
        'a' | 'c' | 't' => shown_time(moment(letter, entry, details()), None),
        'A' | 'B' | 'C' | 'T' => shown_time(moment(letter, entry, details()), time),
        '%' => "%".to_owned(),
        other => format!("%{other}"),
    }
}

fn kind_letter(kind: FileKind) -> char {
    match kind {
        FileKind::File => 'f',
        FileKind::Directory => 'd',
        FileKind::Symlink => 'l',
        FileKind::Character => 'c',
        FileKind::Pipe => 'p',
        FileKind::Other => 's',
    }
}

/// What a link points to; empty for anything else.
pub(super) fn target(entry: &Entry, full: &str) -> String {
    match entry.kind {
        FileKind::Symlink => {
            std::fs::read_link(full).map_or(String::new(), |target| target.display().to_string())
        }
        _ => String::new(),
    }
}

/// When a file was read, changed, or changed in anything.
fn moment(letter: char, entry: &Entry, details: Option<Details>) -> u128 {
    match letter {
        'a' | 'A' => entry.stat.map_or(0, |stat| stat.accessed),
        't' | 'T' => entry.stat.map_or(0, |stat| stat.modified),
        _ => details.map_or(0, |found| u128::from(found.changed)),
    }
}

fn shown_time(time: u128, letter: Option<char>) -> String {
    let nanos = time % 1_000_000_000;
    let shown = |format: &str| strftime(format, Moment::of_nanos(time).seconds);
    match letter {
        Some('@') => format!("{}.{nanos:09}0", time / 1_000_000_000),
        Some('+') => format!("{}.{nanos:09}0", shown("%F+%T")),
        Some('S') => format!("{}.{nanos:09}0", shown("%S")),
        Some('T') => format!("{}.{nanos:09}0", shown("%T")),
        Some(letter) => shown(&format!("%{letter}")),
        None => format!("{}.{nanos:09}0 {}", shown("%a %b %e %T"), shown("%Y")),
    }
}

/// The line of `-ls`.
pub(super) fn listed(entry: &Entry, full: &str, follow: bool, now: u128) -> String {
    let Ok(found) = look(full, follow).or_else(|_| look(full, false)) else { return String::new() };
    let modified = u128::from(found.modified);
    let recent = modified <= now && now - modified < HALF_YEAR;
    let format = if recent { "%b %e %H:%M" } else { "%b %e  %Y" };
    let time = strftime(format, Moment::of_nanos(modified).seconds);
    let link = match target(entry, full) {
        target if target.is_empty() => target,
        target => format!(" -> {target}"),
    };
    format!(
        "{:>9} {:>6} {} {:>3} {:<8} {:<8} {:>8} {time} {}{link}\n",
        found.inode,
        found.allocated() / 1024,
        mode::shown(found.kind, found.mode),
        found.links,
        OWNER.0,
        OWNER.0,
        found.size,
        entry.path,
    )
}
