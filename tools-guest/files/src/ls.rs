//! `ls`, `dir` and `vdir`.

use std::cmp::Ordering;
use std::io::{self, Write};
use std::time::SystemTime;

use toolcell_program::args::Arg;
use toolcell_program::files::{Details, Kind, look};
use toolcell_program::{message, mode};
use toolcell_text::wild;

use crate::size::Unit;
use crate::{arguments, join};

/// Characters of a line, for the forms in columns, when `COLUMNS` does not say.
const WIDTH: usize = 80;

/// Half a year, in seconds: an older time is shown with its year.
const RECENT: i64 = 15_778_476;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    One,
    Long,
    Columns,
    Across,
    Commas,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Name,
    Size,
    Time,
    Extension,
    Version,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Literal,
    C,
    Escape,
    Shell,
    ShellAlways,
}

#[derive(Debug)]
struct Options {
    form: Form,
    all: bool,
    almost: bool,
    directory: bool,
    recursive: bool,
    sort: Sort,
    reverse: bool,
    first_directories: bool,
    /// What lengths of files are shown in, and what they take.
    sizes: Unit,
    allocated: Unit,
    inode: bool,
    blocks: bool,
    numeric: bool,
    owner: bool,
    group: bool,
    author: bool,
    context: bool,
    /// `F` marks all kinds, `p` directories alone, `t` all but programs.
    classify: Option<char>,
    follow: bool,
    follow_given: bool,
    time: char,
    style: String,
    ignore: Vec<String>,
    hide: Vec<String>,
    quoting: Quoting,
    color: bool,
    width: usize,
    end: char,
    now: i64,
}

const LONG: &[&str] = &[
    "all:a",
    "almost-all:A",
    "author:author",
    "block-size=:block-size",
    "classify=?:F",
    "color=?:color",
    "context:Z",
    "dereference:L",
    "dereference-command-line:H",
    "dereference-command-line-symlink-to-dir:H",
    "directory:d",
    "escape:b",
    "file-type:file-type",
    "format=:format",
    "full-time:full-time",
    "group-directories-first:group-directories-first",
    "hide=:hide",
    "hide-control-chars:q",
    "human-readable:h",
    "hyperlink=?:hyperlink",
    "ignore=:I",
    "ignore-backups:B",
    "indicator-style=:indicator-style",
    "inode:i",
    "kibibytes:k",
    "literal:N",
    "no-group:G",
    "numeric-uid-gid:n",
    "quote-name:Q",
    "quoting-style=:quoting-style",
    "recursive:R",
    "reverse:r",
    "show-control-chars:show-control-chars",
    "si:si",
    "size:s",
    "tabsize=:T",
    "sort=:sort",
    "time=:time",
    "time-style=:time-style",
    "width=:w",
    "zero:zero",
];

fn parse(name: &str, words: &[String]) -> Result<(Options, Vec<String>), i32> {
    let letters = "aAbBcCdDfFgGhHiI:klLmnNopqQrRsStT:uUvw:xXZ1";
    let args = arguments(name, words, letters, LONG)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let mut o = Options {
        form: match name {
            "dir" => Form::Columns,
            "vdir" => Form::Long,
            _ => Form::One,
        },
        all: false,
        almost: false,
        directory: false,
        recursive: false,
        sort: Sort::Name,
        reverse: false,
        first_directories: false,
        sizes: Unit::BYTES,
        allocated: Unit::KIB,
        inode: false,
        blocks: false,
        numeric: false,
        owner: true,
        group: true,
        author: false,
        context: false,
        classify: None,
        follow: false,
        follow_given: false,
        time: 'm',
        style: "locale".to_owned(),
        ignore: Vec::new(),
        hide: Vec::new(),
        quoting: if name == "ls" { Quoting::Literal } else { Quoting::Escape },
        color: false,
        width: columns.unwrap_or(WIDTH),
        end: '\n',
        now: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
    };
    let mut paths = Vec::new();
    let mut by_time = false;
    let mut sorted = false;
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        let bad = |what: &str, value: &str| {
            eprintln!("{name}: invalid argument '{value}' for '--{what}'");
            2
        };
        let text = value.as_deref().unwrap_or_default();
        match letter.as_str() {
            "a" => o.all = true,
            "A" => o.almost = true,
            "b" => o.quoting = Quoting::Escape,
            "B" => o.ignore.push("*~".to_owned()),
            "c" => (o.time, by_time) = ('c', true),
            "u" => (o.time, by_time) = ('a', true),
            "C" => o.form = Form::Columns,
            "d" => o.directory = true,
            "f" => (o.all, o.sort, sorted) = (true, Sort::None, true),
            "F" => o.classify = (text != "never" && text != "auto").then_some('F'),
            "file-type" => o.classify = Some('t'),
            "p" => o.classify = Some('p'),
            "indicator-style" => {
                o.classify = match text {
                    "none" => None,
                    "slash" => Some('p'),
                    "file-type" => Some('t'),
                    "classify" => Some('F'),
                    _ => return Err(bad("indicator-style", text)),
                };
            }
            "g" => (o.form, o.owner) = (Form::Long, false),
            "G" => o.group = false,
            "o" => (o.form, o.group) = (Form::Long, false),
            "h" => (o.sizes, o.allocated) = (Unit::People(1024), Unit::People(1024)),
            "si" => (o.sizes, o.allocated) = (Unit::People(1000), Unit::People(1000)),
            "H" => o.follow_given = true,
            "i" => o.inode = true,
            "I" => o.ignore.extend(value),
            "hide" => o.hide.extend(value),
            "l" => o.form = Form::Long,
            "L" => o.follow = true,
            "m" => o.form = Form::Commas,
            "n" => (o.form, o.numeric) = (Form::Long, true),
            "N" => o.quoting = Quoting::Literal,
            "Q" => o.quoting = Quoting::C,
            "quoting-style" => {
                o.quoting = match text {
                    "literal" => Quoting::Literal,
                    "c" => Quoting::C,
                    "escape" => Quoting::Escape,
                    "shell" | "shell-escape" => Quoting::Shell,
                    "shell-always" | "shell-escape-always" => Quoting::ShellAlways,
                    _ => return Err(bad("quoting-style", text)),
                };
            }
            "r" => o.reverse = true,
            "R" => o.recursive = true,
            "s" => o.blocks = true,
            "S" => (o.sort, sorted) = (Sort::Size, true),
            "t" => (o.sort, sorted) = (Sort::Time, true),
            "U" => (o.sort, sorted) = (Sort::None, true),
            "v" => (o.sort, sorted) = (Sort::Version, true),
            "X" => (o.sort, sorted) = (Sort::Extension, true),
            "sort" => {
                sorted = true;
                o.sort = match text {
                    "none" => Sort::None,
                    "size" => Sort::Size,
                    "time" => Sort::Time,
                    "extension" => Sort::Extension,
                    "version" => Sort::Version,
                    "name" => Sort::Name,
                    _ => return Err(bad("sort", text)),
                };
            }
            "time" => {
                o.time = match text {
                    "atime" | "access" | "use" => 'a',
                    "ctime" | "status" => 'c',
                    "mtime" | "modification" => 'm',
                    _ => return Err(bad("time", text)),
                };
                by_time = true;
            }
            "time-style" => o.style = text.trim_start_matches("posix-").to_owned(),
            "full-time" => (o.form, o.style) = (Form::Long, "full-iso".to_owned()),
            "format" => {
                o.form = match text {
                    "long" | "verbose" => Form::Long,
                    "commas" => Form::Commas,
                    "single-column" => Form::One,
                    "across" | "horizontal" => Form::Across,
                    "vertical" => Form::Columns,
                    _ => return Err(bad("format", text)),
                };
            }
            "group-directories-first" => o.first_directories = true,
            "color" => o.color = matches!(text, "" | "always" | "yes" | "force"),
            "w" => match text.parse() {
                Ok(0) => o.width = usize::MAX,
                Ok(width) => o.width = width,
                Err(_) => {
                    eprintln!("{name}: invalid line width: '{text}'");
                    return Err(2);
                }
            },
            "x" => o.form = Form::Across,
            "1" if o.form != Form::Long => o.form = Form::One,
            "zero" => (o.form, o.end, o.quoting) = (Form::One, '\0', Quoting::Literal),
            "author" => o.author = true,
            "Z" => o.context = true,
            "block-size" => {
                let Some(unit) = Unit::parse(text) else {
                    eprintln!("{name}: invalid --block-size argument '{text}'");
                    return Err(2);
                };
                (o.sizes, o.allocated) = (unit.clone(), unit);
            }
            "hyperlink" if matches!(text, "" | "always" | "yes" | "force") => {
                eprintln!("{name}: option '--hyperlink' is not supported");
                return Err(2);
            }
            _ => {}
        }
    }
    // A time that is chosen is what is sorted by, unless it is shown.
    if by_time && !sorted && o.form != Form::Long {
        o.sort = Sort::Time;
    }
    if paths.is_empty() {
        paths.push(".".to_owned());
    }
    Ok((o, paths))
}

struct Entry {
    name: String,
    details: Details,
    /// Where a link leads.
    target: Option<String>,
    /// What is there.
    target_details: Option<Details>,
}

impl Entry {
    fn leads_to_directory(&self) -> bool {
        self.details.is_dir() || self.target_details.is_some_and(|details| details.is_dir())
    }
}

pub(crate) fn run(name: &str, words: &[String], out: &mut impl Write) -> i32 {
    let (options, paths) = match parse(name, words) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let mut list = List { program: name, options, status: 0, out, first: true };
    let mut files = Vec::new();
    let mut directories = Vec::new();
    let several = paths.len() > 1;
    for path in paths {
        let long = list.options.form == Form::Long || list.options.classify == Some('F');
        let follow =
            list.options.follow || list.options.follow_given || !list.options.directory && !long;
        // A link that leads nowhere is shown itself.
        let entry = list.entry(&path, path.clone(), follow).or_else(|error| {
            match follow && !list.options.follow {
                true => list.entry(&path, path.clone(), false),
                false => Err(error),
            }
        });
        match entry {
            Ok(entry) if entry.details.is_dir() && !list.options.directory => {
                directories.push(entry);
            }
            Ok(entry) => files.push(entry),
            Err(error) => {
                eprintln!("{name}: cannot access '{path}': {}", message(&error));
                list.status = 2;
            }
        }
    }
    list.sort(&mut files);
    list.sort(&mut directories);
    let written = list.all(files, directories, several);
    if written.is_err() && list.status == 0 {
        list.status = 2;
    }
    list.status
}

struct List<'a, W> {
    program: &'a str,
    options: Options,
    status: i32,
    out: &'a mut W,
    /// Nothing was shown yet: no line between two directories is due.
    first: bool,
}

impl<W: Write> List<'_, W> {
    fn all(&mut self, files: Vec<Entry>, directories: Vec<Entry>, several: bool) -> io::Result<()> {
        if !files.is_empty() {
            self.show(&files)?;
            self.first = false;
        }
        for entry in directories {
            self.directory(&entry.name, several || self.options.recursive, true)?;
        }
        Ok(())
    }

    fn entry(&self, path: &str, name: String, follow: bool) -> io::Result<Entry> {
        let details = look(path, follow)?;
        let link = details.kind == Kind::Symlink;
        let wanted = link
            && (self.options.form == Form::Long
                || self.options.color
                || self.options.classify.is_some()
                || self.options.first_directories);
        let target = match wanted {
            true => std::fs::read_link(path).ok(),
            false => None,
        };
        Ok(Entry {
            name,
            details,
            target: target.map(|target| target.to_string_lossy().into_owned()),
            target_details: if wanted { look(path, true).ok() } else { None },
        })
    }

    fn hidden(&self, name: &str) -> bool {
        let o = &self.options;
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| wild(pattern, name));
        if matches(&o.ignore) {
            return true;
        }
        !o.all && !o.almost && (name.starts_with('.') || matches(&o.hide))
    }

    fn directory(&mut self, path: &str, titled: bool, given: bool) -> io::Result<()> {
        let names = match std::fs::read_dir(path) {
            Ok(names) => names,
            Err(error) => {
                eprintln!("{}: cannot open directory '{path}': {}", self.program, message(&error));
                self.status = self.status.max(if given { 2 } else { 1 });
                return Ok(());
            }
        };
        let mut entries = Vec::new();
        if self.options.all {
            for name in [".", ".."] {
                entries.extend(self.entry(&join(path, name), name.to_owned(), true));
            }
        }
        // Without a need for them, the details of ten thousand files are not asked for.
        let plain = matches!(self.options.sort, Sort::Name | Sort::None | Sort::Version)
            && matches!(self.options.form, Form::One | Form::Columns | Form::Across | Form::Commas)
            && !self.options.inode
            && !self.options.blocks
            && !self.options.follow;
        for name in names.flatten() {
            let kind = name.file_type().ok();
            let name = name.file_name().to_string_lossy().into_owned();
            if self.hidden(&name) {
                continue;
            }
            if let Some(kind) = kind.filter(|kind| plain && (kind.is_file() || kind.is_dir()))
                && !(kind.is_file() && (self.options.classify == Some('F') || self.options.color))
            {
                let kind = if kind.is_dir() { Kind::Directory } else { Kind::File };
                entries.push(Entry {
                    name,
                    details: unknown(kind),
                    target: None,
                    target_details: None,
                });
                continue;
            }
            let full = join(path, &name);
            let entry = self.entry(&full, name.clone(), self.options.follow).or_else(|error| {
                match self.options.follow {
                    true => self.entry(&full, name, false),
                    false => Err(error),
                }
            });
            match entry {
                Ok(entry) => entries.push(entry),
                Err(error) => {
                    eprintln!("{}: cannot access '{full}': {}", self.program, message(&error));
                    self.status = self.status.max(1);
                }
            }
        }
        self.sort(&mut entries);
        if titled {
            if !self.first {
                writeln!(self.out)?;
            }
            writeln!(self.out, "{}:", self.quoted(path))?;
        }
        self.first = false;
        if self.options.form == Form::Long || self.options.blocks {
            let total: u64 = entries.iter().map(|entry| entry.details.allocated()).sum();
            writeln!(self.out, "total {}", self.options.allocated.show(total))?;
        }
        self.show(&entries)?;
        if self.options.recursive {
            for entry in entries {
                if entry.details.is_dir() && entry.name != "." && entry.name != ".." {
                    self.directory(&join(path, &entry.name), true, false)?;
                }
            }
        }
        Ok(())
    }

    fn sort(&self, entries: &mut [Entry]) {
        let o = &self.options;
        let compare = |a: &Entry, b: &Entry| {
            let order = match o.sort {
                Sort::None => return Ordering::Equal,
                Sort::Name => Ordering::Equal,
                Sort::Size => b.details.size.cmp(&a.details.size),
                Sort::Time => self.time(&b.details).cmp(&self.time(&a.details)),
                Sort::Extension => extension(&a.name).cmp(extension(&b.name)),
                Sort::Version => by_version(&a.name, &b.name),
            };
            let order = order.then_with(|| a.name.as_bytes().cmp(b.name.as_bytes()));
            if o.reverse { order.reverse() } else { order }
        };
        entries.sort_by(|a, b| match o.first_directories {
            true => b.leads_to_directory().cmp(&a.leads_to_directory()).then_with(|| compare(a, b)),
            false => compare(a, b),
        });
        if o.sort == Sort::None && o.reverse {
            entries.reverse();
        }
    }

    fn time(&self, details: &Details) -> u64 {
        match self.options.time {
            'a' => details.accessed,
            'c' => details.changed,
            _ => details.modified,
        }
    }

    fn show(&mut self, entries: &[Entry]) -> io::Result<()> {
        match self.options.form {
            Form::Long => return self.long(entries),
            Form::One => {
                for entry in entries {
                    let text = self.cell(entry, &self.widths(entries));
                    write!(self.out, "{text}{}", self.options.end)?;
                }
                return Ok(());
            }
            _ => {}
        }
        let widths = self.widths(entries);
        let cells: Vec<(String, usize)> = entries
            .iter()
            .map(|entry| {
                let text = self.cell(entry, &widths);
                let width = self.cell_width(entry, &widths);
                (text, width)
            })
            .collect();
        match self.options.form {
            Form::Commas => {
                let mut at = 0;
                for (index, (text, width)) in cells.iter().enumerate() {
                    let last = index + 1 == cells.len();
                    let taken = width + if last { 0 } else { 2 };
                    if at > 0 && at + taken > self.options.width {
                        writeln!(self.out)?;
                        at = 0;
                    } else if at > 0 {
                        write!(self.out, " ")?;
                    }
                    write!(self.out, "{text}{}", if last { "" } else { "," })?;
                    at += taken;
                }
                if !cells.is_empty() {
                    writeln!(self.out)?;
                }
                Ok(())
            }
            form => self.columns(&cells, form == Form::Across),
        }
    }

    fn columns(&mut self, cells: &[(String, usize)], across: bool) -> io::Result<()> {
        if cells.is_empty() {
            return Ok(());
        }
        let fits = |columns: usize| {
            let rows = cells.len().div_ceil(columns);
            let mut widths = vec![0; columns];
            for (index, (_, width)) in cells.iter().enumerate() {
                let column = if across { index % columns } else { index / rows };
                widths[column] = widths[column].max(width + 2);
            }
            let used = widths.iter().rposition(|width| *width > 0).map_or(0, |last| last + 1);
            let total: usize = widths.iter().sum::<usize>().saturating_sub(2);
            (used == columns && total < self.options.width).then_some((rows, widths))
        };
        let most = cells.len().min(self.options.width / 3 + 1);
        let (rows, widths) =
            (1..=most).rev().find_map(fits).unwrap_or_else(|| (cells.len(), vec![0]));
        for row in 0..rows {
            let mut line = String::new();
            let mut missing = 0;
            for (column, width) in widths.iter().enumerate() {
                let index = if across { row * widths.len() + column } else { column * rows + row };
                let Some((text, taken)) = cells.get(index) else { continue };
                line.extend(std::iter::repeat_n(' ', missing));
                line.push_str(text);
                missing = width.saturating_sub(*taken);
            }
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// How wide inode numbers and sizes in blocks are.
    fn widths(&self, entries: &[Entry]) -> (usize, usize) {
        let width = |text: &dyn Fn(&Entry) -> String| {
            entries.iter().map(|entry| text(entry).len()).max().unwrap_or(0)
        };
        (
            if self.options.inode { width(&|entry| entry.details.inode.to_string()) } else { 0 },
            if self.options.blocks { width(&|entry| self.blocks(entry)) } else { 0 },
        )
    }

    fn blocks(&self, entry: &Entry) -> String {
        self.options.allocated.show(entry.details.allocated())
    }

    fn prefix(&self, entry: &Entry, (inode, blocks): (usize, usize)) -> String {
        let mut text = String::new();
        if self.options.inode {
            text.push_str(&format!("{:>inode$} ", entry.details.inode));
        }
        if self.options.blocks {
            text.push_str(&format!("{:>blocks$} ", self.blocks(entry)));
        }
        text
    }

    fn cell(&self, entry: &Entry, widths: &(usize, usize)) -> String {
        format!(
            "{}{}{}",
            self.prefix(entry, *widths),
            self.colored(&entry.name, &entry.details, entry.target_details.is_some()),
            self.mark(entry)
        )
    }

    fn cell_width(&self, entry: &Entry, widths: &(usize, usize)) -> usize {
        self.prefix(entry, *widths).len()
            + self.quoted(&entry.name).chars().count()
            + self.mark(entry).len()
    }

    fn mark(&self, entry: &Entry) -> &'static str {
        let Some(how) = self.options.classify else { return "" };
        match entry.details.kind {
            Kind::Directory => "/",
            _ if how == 'p' => "",
            Kind::Symlink if self.options.form == Form::Long => "",
            Kind::Symlink => "@",
            Kind::Pipe => "|",
            Kind::File if how == 'F' && entry.details.mode & 0o111 != 0 => "*",
            _ => "",
        }
    }

    fn colored(&self, name: &str, details: &Details, leads: bool) -> String {
        let text = self.quoted(name);
        if !self.options.color {
            return text;
        }
        let code = match details.kind {
            Kind::Directory => "01;34",
            Kind::Symlink if leads => "01;36",
            Kind::Symlink => "40;31;01",
            Kind::Pipe => "40;33",
            Kind::Character => "40;33;01",
            Kind::File if details.mode & 0o111 != 0 => "01;32",
            Kind::File | Kind::Other => return text,
        };
        format!("\x1b[0m\x1b[{code}m{text}\x1b[0m")
    }

    fn quoted(&self, name: &str) -> String {
        let control = |c: char| c.is_control();
        match self.options.quoting {
            Quoting::Literal => name.to_owned(),
            Quoting::C => format!("\"{}\"", escaped(name, '"')),
            Quoting::Escape => escaped(name, ' '),
            style @ (Quoting::Shell | Quoting::ShellAlways) => {
                let plain = !name.is_empty()
                    && !name.contains(|c: char| {
                        c.is_whitespace() || control(c) || "!\"#$&'()*;<=>?[\\]^`{|}~".contains(c)
                    });
                match plain && style == Quoting::Shell {
                    true => name.to_owned(),
                    false => format!("'{}'", name.replace('\'', "'\\''")),
                }
            }
        }
    }

    fn long(&mut self, entries: &[Entry]) -> io::Result<()> {
        let size = |entry: &Entry| match entry.details.kind {
            Kind::Character => "1, 3".to_owned(),
            _ => self.options.sizes.show(entry.details.size),
        };
        let who = if self.options.numeric { "1000" } else { "agent" };
        let widths = self.widths(entries);
        let links = entries.iter().map(|entry| entry.details.links.to_string().len()).max();
        let sizes = entries.iter().map(|entry| size(entry).len()).max().unwrap_or(0);
        let links = links.unwrap_or(0);
        let mut lines = String::new();
        for entry in entries {
            let details = &entry.details;
            lines.push_str(&self.prefix(entry, widths));
            lines.push_str(&mode::shown(details.kind, details.mode));
            lines.push_str(&format!(" {:>links$}", details.links));
            if self.options.owner {
                lines.push_str(&format!(" {who}"));
            }
            if self.options.group {
                lines.push_str(&format!(" {who}"));
            }
            if self.options.author {
                lines.push_str(&format!(" {who}"));
            }
            // There is no security context to show.
            if self.options.context {
                lines.push_str(" ?");
            }
            lines.push_str(&format!(" {:>sizes$} ", size(entry)));
            lines.push_str(&self.date(self.time(details)));
            lines.push(' ');
            lines.push_str(&self.colored(&entry.name, details, entry.target_details.is_some()));
            lines.push_str(self.mark(entry));
            if let Some(target) = &entry.target {
                lines.push_str(" -> ");
                match &entry.target_details {
                    Some(details) => {
                        lines.push_str(&self.colored(target, details, true));
                        if self.options.classify.is_some() && details.is_dir() {
                            lines.push('/');
                        }
                    }
                    None => lines.push_str(&self.quoted(target)),
                }
            }
            lines.push(self.options.end);
        }
        self.out.write_all(lines.as_bytes())
    }

    fn date(&self, nanos: u64) -> String {
        let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
        let age = self.options.now.saturating_sub(seconds);
        let recent = (0..RECENT).contains(&age);
        let shown = |format: &str| toolcell_zone::strftime_extended(format, nanos);
        match self.options.style.as_str() {
            "full-iso" => shown("%F %T.%N %z"),
            "long-iso" => shown("%F %R"),
            "iso" if recent => shown("%m-%d %R"),
            "iso" => shown("%F "),
            style => match style.strip_prefix('+') {
                Some(format) => {
                    let format = match format.split_once('\n') {
                        Some((old, new)) => {
                            if recent {
                                new
                            } else {
                                old
                            }
                        }
                        None => format,
                    };
                    shown(format)
                }
                None if recent => shown("%b %e %H:%M"),
                None => shown("%b %e  %Y"),
            },
        }
    }
}

/// Details of a file that nobody asked about.
fn unknown(kind: Kind) -> Details {
    Details {
        kind,
        mode: 0,
        links: 0,
        size: 0,
        accessed: 0,
        modified: 0,
        changed: 0,
        device: 0,
        inode: 0,
    }
}

fn extension(name: &str) -> &str {
    name.rfind('.').map_or("", |at| &name[at..])
}

/// Numbers within names compared as numbers.
fn by_version(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let digits = |text: &[u8]| {
                    text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len())
                };
                let ((x, rest_a), (y, rest_b)) = (a.split_at(digits(a)), b.split_at(digits(b)));
                let bare = |text: &[u8]| {
                    let zeros = text.iter().take_while(|byte| **byte == b'0').count();
                    text[zeros..].to_vec()
                };
                let (x, y) = (bare(x), bare(y));
                let order = x.len().cmp(&y.len()).then_with(|| x.cmp(&y));
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (rest_a, rest_b);
            }
            (Some(x), Some(y)) if x != y => {
                // Letters come before other signs, and `~` before all.
                let rank = |byte: u8| match byte {
                    b'~' => (0, byte),
                    byte if byte.is_ascii_alphabetic() => (1, byte),
                    byte => (2, byte),
                };
                return rank(*x).cmp(&rank(*y));
            }
            _ => (a, b) = (&a[1..], &b[1..]),
        }
    }
}

/// A name with C's escapes, and one before `also`.
fn escaped(name: &str, also: char) -> String {
    let mut text = String::new();
    for c in name.chars() {
        match c {
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            '\\' => text.push_str("\\\\"),
            c if c == also => text.extend(['\\', c]),
            c if c.is_control() => text.push_str(&format!("\\{:03o}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_their_order() {
        let mut names = ["f10", "f9", "f1.2", "f1.10", "f", "g1", "f01"];
        names.sort_by(|a, b| by_version(a, b));
        assert_eq!(names, ["f", "f01", "f1.2", "f1.10", "f9", "f10", "g1"]);
    }

    #[test]
    fn names_with_escapes() {
        assert_eq!(escaped("a b\n\x01", ' '), "a\\ b\\n\\001");
    }
}
