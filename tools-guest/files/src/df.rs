//! `df`: the regions of the cell as filesystems, their quotas as their sizes.

use std::io::Write;

use toolcell_program::args::Arg;
use toolcell_program::files::{Space, space_of, spaces};
use toolcell_program::message;

use crate::arguments;
use crate::size::Unit;

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "human-readable:h",
        "si:H",
        "inodes:i",
        "portability:P",
        "print-type:T",
        "block-size=:B",
        "all:a",
        "local:l",
        "type=:t",
        "exclude-type=:x",
        "total:total",
        "sync:l",
        "no-sync:l",
        "output=?:output",
    ];
    let args = match arguments("df", words, "hHikmPTB:alt:x:", &long) {
        Ok(args) => args,
        Err(status) => return status,
    };
    let (mut unit, mut inodes, mut kinds, mut portable, mut total) =
        (Unit::KIB, false, false, false, false);
    let mut status = 0;
    let mut shown = Vec::new();
    let mut any = false;
    let mut columns: Option<Vec<Column>> = None;
    for arg in args {
        match arg {
            Arg::Operand(path) => {
                any = true;
                match space_of(&path) {
                    // A file is shown with what it is in, however often that was.
                    Ok(space) if shown.iter().any(|(_, seen)| *seen == space) => {}
                    Ok(space) => shown.push((path, space)),
                    Err(error) => {
                        eprintln!("df: {path}: {}", message(&error));
                        status = 1;
                    }
                }
            }
            Arg::Option(letter, value) => match letter.as_str() {
                "h" => unit = Unit::People(1024),
                "H" => unit = Unit::People(1000),
                "i" => inodes = true,
                "T" => kinds = true,
                "P" => portable = true,
                "m" => unit = Unit::MIB,
                "total" => total = true,
                "output" => match Column::list(value.as_deref()) {
                    Ok(list) => columns = Some(list),
                    Err(name) => {
                        eprintln!("df: option --output: field '{name}' unknown\n{TRY}");
                        return 1;
                    }
                },
                "B" => match Unit::parse(value.as_deref().unwrap_or_default()) {
                    Some(given) => unit = given,
                    None => {
                        eprintln!("df: invalid -B argument '{}'", value.unwrap_or_default());
                        return 1;
                    }
                },
                _ => {}
            },
        }
    }
    if columns.is_some() && (inodes || kinds || portable) {
        let option = if inodes {
            "-i"
        } else if kinds {
            "-T"
        } else {
            "-P"
        };
        eprintln!("df: options {option} and --output are mutually exclusive\n{TRY}");
        return 1;
    }
    if !any {
        shown = spaces().into_iter().map(|space| ("-".to_owned(), space)).collect();
    }
    if total {
        let sum = |pick: fn(&Space) -> u64| {
            shown.iter().fold(0u64, |sum, (_, space)| sum.saturating_add(pick(space)))
        };
        let all = Space {
            name: "total".to_owned(),
            mounted: "-".to_owned(),
            bytes: (sum(|space| space.bytes.0), sum(|space| space.bytes.1)),
            entries: (sum(|space| space.entries.0), sum(|space| space.entries.1)),
        };
        shown.push(("-".to_owned(), all));
    }
    if shown.is_empty() {
        return status;
    }
    let fields = columns.is_some();
    let columns = columns.unwrap_or_else(|| {
        let amounts = match inodes {
            true => [Column::Inodes, Column::InodesUsed, Column::InodesFree, Column::InodesShare],
            false => [Column::Size, Column::Used, Column::Free, Column::Share],
        };
        let kind = kinds.then_some(Column::Kind);
        [Column::Source].into_iter().chain(kind).chain(amounts).chain([Column::Target]).collect()
    });
    let head = columns.iter().map(|column| column.head(&unit, fields, portable)).collect();
    let row = |(file, space): &(String, Space)| {
        columns.iter().map(|column| column.show(file, space, &unit)).collect()
    };
    let rows: Vec<Vec<String>> = [head].into_iter().chain(shown.iter().map(row)).collect();
    let width = |at: usize| rows.iter().map(|row: &Vec<String>| row[at].len()).max().unwrap_or(0);
    let widths: Vec<usize> =
        columns.iter().enumerate().map(|(at, column)| width(at).max(column.least())).collect();
    for row in &rows {
        let mut line = String::new();
        for (at, (text, column)) in row.iter().zip(&columns).enumerate() {
            if at > 0 {
                line.push(' ');
            }
            match column.is_text() {
                // What ends a line is not filled up.
                true if at + 1 == columns.len() => line.push_str(text),
                true => line.push_str(&format!("{text:<0$}", widths[at])),
                false => line.push_str(&format!("{text:>0$}", widths[at])),
            }
        }
        if writeln!(out, "{line}").is_err() {
            return 1;
        }
    }
    status
}

const TRY: &str = "Try 'df --help' for more information.";

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Source,
    Kind,
    Inodes,
    InodesUsed,
    InodesFree,
    InodesShare,
    Size,
    Used,
    Free,
    Share,
    File,
    Target,
}

impl Column {
    const ALL: [(&str, Column); 12] = [
        ("source", Column::Source),
        ("fstype", Column::Kind),
        ("itotal", Column::Inodes),
        ("iused", Column::InodesUsed),
        ("iavail", Column::InodesFree),
        ("ipcent", Column::InodesShare),
        ("size", Column::Size),
        ("used", Column::Used),
        ("avail", Column::Free),
        ("pcent", Column::Share),
        ("file", Column::File),
        ("target", Column::Target),
    ];

    /// Those that `--output` names; all, if it names none.
    fn list(names: Option<&str>) -> Result<Vec<Column>, String> {
        let Some(names) = names else {
            return Ok(Column::ALL.iter().map(|(_, column)| *column).collect());
        };
        let named = |name: &str| {
            let found = Column::ALL.iter().find(|(known, _)| *known == name);
            found.map(|(_, column)| *column).ok_or_else(|| name.to_owned())
        };
        names.split(',').map(named).collect()
    }

    fn is_text(self) -> bool {
        matches!(self, Column::Source | Column::Kind | Column::File | Column::Target)
    }

    /// The characters that it has at least.
    fn least(self) -> usize {
        match self {
            Column::Source => 14,
            Column::Size | Column::Used | Column::Free => 5,
            Column::Inodes | Column::InodesUsed | Column::InodesFree => 5,
            Column::Kind | Column::Share | Column::InodesShare | Column::File => 4,
            Column::Target => 0,
        }
    }

    fn head(self, unit: &Unit, fields: bool, portable: bool) -> String {
        let people = matches!(unit, Unit::People(_));
        match self {
            Column::Source => "Filesystem",
            Column::Kind => "Type",
            Column::Inodes => "Inodes",
            Column::InodesUsed => "IUsed",
            Column::InodesFree => "IFree",
            Column::InodesShare => "IUse%",
            Column::Size if people => "Size",
            Column::Size if portable => {
                let Unit::Blocks(bytes, _) = unit else { return "Size".to_owned() };
                return format!("{bytes}-blocks");
            }
            Column::Size => return format!("{}-blocks", unit.name()),
            Column::Used => "Used",
            Column::Free if people || fields => "Avail",
            Column::Free => "Available",
            Column::Share if portable => "Capacity",
            Column::Share => "Use%",
            Column::File => "File",
            Column::Target => "Mounted on",
        }
        .to_owned()
    }

    fn show(self, file: &str, space: &Space, unit: &Unit) -> String {
        // What has no limit shows none.
        let limited = |amount: u64, limit: u64, shown: &dyn Fn(u64) -> String| match limit {
            u64::MAX => "-".to_owned(),
            _ => shown(amount),
        };
        let share = |(size, used): (u64, u64)| match size {
            0 | u64::MAX => "-".to_owned(),
            size => format!("{}%", (u128::from(used) * 100).div_ceil(u128::from(size))),
        };
        let bytes = |size: u64| unit.show(size);
        let count = |count: u64| match unit {
            Unit::People(_) => unit.show(count),
            Unit::Blocks(..) => count.to_string(),
        };
        let ((size, used), (inodes, inodes_used)) = (space.bytes, space.entries);
        match self {
            Column::Source => space.name.clone(),
            Column::Kind => "toolcell".to_owned(),
            Column::Inodes => limited(inodes, inodes, &count),
            Column::InodesUsed => count(inodes_used),
            Column::InodesFree => limited(inodes.saturating_sub(inodes_used), inodes, &count),
            Column::InodesShare => share(space.entries),
            Column::Size => limited(size, size, &bytes),
            Column::Used => bytes(used),
            Column::Free => limited(size.saturating_sub(used), size, &bytes),
            Column::Share => share(space.bytes),
            Column::File => file.to_owned(),
            Column::Target => space.mounted.clone(),
        }
    }
}
