//! `df`: the regions of the cell as filesystems, their quotas as their sizes.

use std::io::Write;

use toolcell_program::args::Arg;
use toolcell_program::files::{Space, space_of, spaces};
use toolcell_program::message;

use crate::{arguments, human};

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
    let (mut people, mut inodes, mut kinds, mut block, mut total) =
        (None, false, false, 1024, false);
    let mut status = 0;
    let mut shown = Vec::new();
    let mut any = false;
    for arg in args {
        match arg {
            Arg::Operand(path) => {
                any = true;
                match space_of(&path) {
                    Ok(space) if shown.contains(&space) => {}
                    Ok(space) => shown.push(space),
                    Err(error) => {
                        eprintln!("df: {path}: {}", message(&error));
                        status = 1;
                    }
                }
            }
            Arg::Option(letter, value) => match letter.as_str() {
                "h" => people = Some(1024),
                "H" => people = Some(1000),
                "i" => inodes = true,
                "T" => kinds = true,
                "m" => block = 1 << 20,
                "total" => total = true,
                "output" => {
                    eprintln!("df: option '--output' is not supported");
                    return 1;
                }
                "B" => {
                    block = match value.as_deref() {
                        Some("1") => 1,
                        Some("K" | "1K" | "1024") => 1 << 10,
                        Some("M" | "1M") => 1 << 20,
                        Some("G" | "1G") => 1 << 30,
                        other => {
                            eprintln!("df: invalid -B argument '{}'", other.unwrap_or_default());
                            return 1;
                        }
                    };
                }
                _ => {}
            },
        }
    }
    if !any {
        shown = spaces();
    }
    if total {
        let sum = |pick: fn(&Space) -> u64| {
            shown.iter().map(pick).fold(0u64, |sum, one| sum.saturating_add(one))
        };
        shown.push(Space {
            name: "total".to_owned(),
            mounted: "-".to_owned(),
            bytes: (sum(|space| space.bytes.0), sum(|space| space.bytes.1)),
            entries: (sum(|space| space.entries.0), sum(|space| space.entries.1)),
        });
    }
    if shown.is_empty() {
        return status;
    }
    let head = match (inodes, people, block) {
        (true, ..) => ["Inodes", "IUsed", "IFree", "IUse%"],
        (_, Some(_), _) => ["Size", "Used", "Avail", "Use%"],
        (.., 1) => ["1B-blocks", "Used", "Available", "Use%"],
        (.., 1_048_576) => ["1M-blocks", "Used", "Available", "Use%"],
        (.., 1_073_741_824) => ["1G-blocks", "Used", "Available", "Use%"],
        _ => ["1K-blocks", "Used", "Available", "Use%"],
    };
    let amount = |value: u64| match (inodes, people) {
        (_, Some(base)) => human(value, base),
        (true, None) => value.to_string(),
        (false, None) => value.div_ceil(block).to_string(),
    };
    let mut rows: Vec<[String; 7]> = vec![[
        "Filesystem".to_owned(),
        "Type".to_owned(),
        head[0].to_owned(),
        head[1].to_owned(),
        head[2].to_owned(),
        head[3].to_owned(),
        "Mounted on".to_owned(),
    ]];
    for space in &shown {
        let (size, used) = if inodes { space.entries } else { space.bytes };
        let free = size.saturating_sub(used);
        let percent = match size {
            0 | u64::MAX => "-".to_owned(),
            size => format!("{}%", (u128::from(used) * 100).div_ceil(u128::from(size))),
        };
        // What has no limit shows none.
        let limited = |value: u64| if size == u64::MAX { "-".to_owned() } else { amount(value) };
        rows.push([
            space.name.clone(),
            "toolcell".to_owned(),
            limited(size),
            amount(used),
            limited(free),
            percent,
            space.mounted.clone(),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    for row in &rows {
        let mut line = format!("{:<1$}", row[0], widths[0].max(14));
        for column in 1..6 {
            if column == 1 {
                if kinds {
                    line.push_str(&format!(" {:<1$}", row[1], widths[1]));
                }
                continue;
            }
            line.push_str(&format!(" {:>1$}", row[column], widths[column].max(5)));
        }
        if writeln!(out, "{line} {}", row[6]).is_err() {
            return 1;
        }
    }
    status
}
