//! `ps`.

use std::cmp::Reverse;
use std::time::Duration;

use super::World;
use crate::cell::{Running, running};

/// One column: its name for `-o`, its heading, whether its values stand to the right.
struct Column {
    name: &'static str,
    head: &'static str,
    right: bool,
    value: fn(&Running) -> String,
}

const USER: &str = "agent";

const COLUMNS: &[Column] = &[
    Column { name: "pid", head: "PID", right: true, value: |p| p.pid.to_string() },
    Column { name: "ppid", head: "PPID", right: true, value: |p| p.parent.to_string() },
    Column { name: "user", head: "USER", right: false, value: |_| USER.to_owned() },
    Column { name: "uid", head: "UID", right: false, value: |_| USER.to_owned() },
    Column { name: "pcpu", head: "%CPU", right: true, value: percent },
    Column { name: "pmem", head: "%MEM", right: true, value: |_| "0.0".to_owned() },
    Column { name: "vsz", head: "VSZ", right: true, value: |_| "0".to_owned() },
    Column { name: "rss", head: "RSS", right: true, value: |_| "0".to_owned() },
    Column { name: "nlwp", head: "NLWP", right: true, value: |_| "1".to_owned() },
    Column { name: "ni", head: "NI", right: true, value: |_| "0".to_owned() },
    Column { name: "pri", head: "PRI", right: true, value: |_| "19".to_owned() },
    Column { name: "c", head: "C", right: true, value: |_| "0".to_owned() },
    Column { name: "tty", head: "TTY", right: false, value: |_| "?".to_owned() },
    Column { name: "stat", head: "STAT", right: false, value: |_| "S".to_owned() },
    Column { name: "time", head: "TIME", right: true, value: |p| clock(p.cpu, true) },
    Column { name: "etime", head: "ELAPSED", right: true, value: |p| clock(p.age, false) },
    Column { name: "etimes", head: "ELAPSED", right: true, value: |p| p.age.as_secs().to_string() },
    Column { name: "stime", head: "STIME", right: false, value: |p| started(p, "%H:%M") },
    Column { name: "start", head: "START", right: false, value: |p| started(p, "%H:%M") },
    Column {
        name: "lstart",
        head: "STARTED",
        right: true,
        value: |p| started(p, "%a %b %e %T %Y"),
    },
    Column { name: "comm", head: "COMMAND", right: false, value: |p| p.name().to_owned() },
    Column { name: "cmd", head: "CMD", right: false, value: Running::command_line },
    Column { name: "args", head: "COMMAND", right: false, value: Running::command_line },
];

fn column(name: &str) -> Option<&'static Column> {
    let name = match name {
        "%cpu" => "pcpu",
        "%mem" => "pmem",
        "ucmd" | "ucomm" => "comm",
        "command" => "args",
        "state" | "s" => "stat",
        "tt" | "tname" => "tty",
        "euser" | "uname" => "user",
        "cputime" => "time",
        "start_time" | "bsdstart" => "start",
        "rssize" | "rsz" => "rss",
        "vsize" => "vsz",
        "thcount" => "nlwp",
        "nice" => "ni",
        name => name,
    };
    COLUMNS.iter().find(|column| column.name == name)
}

fn percent(process: &Running) -> String {
    let age = process.age.as_secs_f64().max(0.001);
    format!("{:.1}", (process.cpu.as_secs_f64() / age * 100.0).min(100.0))
}

fn clock(time: Duration, hours: bool) -> String {
    let seconds = time.as_secs();
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours || h > 0 { format!("{h:02}:{m:02}:{s:02}") } else { format!("{m:02}:{s:02}") }
}

fn started(process: &Running, format: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let start = now.unwrap_or_default().saturating_sub(process.age);
    toolcell_zone::strftime(format, start.as_secs() as i64)
}

pub(super) fn run(words: &[String], _: World) -> i32 {
    let mut names = vec!["pid", "tty", "time", "comm"];
    let mut headings: Vec<(usize, String)> = Vec::new();
    let mut chosen: Option<Vec<u32>> = None;
    let mut command = None;
    let mut bare = false;
    let mut all = false;
    let mut order = String::new();
    let mut words = words.iter();
    let mut formats: Vec<String> = Vec::new();
    while let Some(word) = words.next() {
        let mut value = |attached: &str| match attached {
            "" => words.next().cloned().unwrap_or_default(),
            attached => attached.to_owned(),
        };
        match word.as_str() {
            "--no-headers" | "--no-heading" | "h" => bare = true,
            "--forest" | "f" | "w" | "ww" => {}
            "--sort" | "k" => order = value(""),
            word if word.starts_with("--sort=") => order = word[7..].to_owned(),
            word if word.starts_with("--cols") || word == "--width" => {}
            word if word.starts_with("--pid=") => chosen = pids(&word[6..]),
            "--pid" => chosen = pids(&value("")),
            "-o" | "-O" | "--format" | "o" => formats.push(value("")),
            "-p" | "p" => chosen = pids(&value("")),
            "-C" => command = Some(value("")),
            "-u" | "-U" | "-g" | "-G" | "-t" => drop(value("")),
            word if word.starts_with("-o") => formats.push(word[2..].to_owned()),
            word if word.starts_with("-p") => chosen = pids(&word[2..]),
            word if word.bytes().all(|byte| byte.is_ascii_digit()) => chosen = pids(word),
            word if word.starts_with("--") => {
                toolcell_program::help::answer("ps", word, &[]);
                eprintln!("error: unknown gnu long option");
                return 1;
            }
            word => {
                let dash = word.starts_with('-');
                for letter in word.trim_start_matches('-').chars() {
                    match letter {
                        'e' | 'A' | 'a' | 'x' | 'd' => all = true,
                        'f' if dash => {
                            names = vec!["uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"];
                        }
                        'u' if !dash => {
                            names = vec![
                                "user", "pid", "pcpu", "pmem", "vsz", "rss", "tty", "stat",
                                "start", "time", "args",
                            ];
                        }
                        'l' | 'F' | 'j' | 'H' | 'f' | 'w' | 'T' | 'L' | 'u' => {}
                        letter => {
                            eprintln!("error: unsupported option ('{letter}')");
                            return 1;
                        }
                    }
                }
            }
        }
    }
    // Every process is the agent's own: who asks for all gets the same.
    let _ = all;
    let owned: Vec<String> = formats
        .iter()
        .flat_map(|format| format.split([',', ' ']))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if !owned.is_empty() {
        names = Vec::new();
        for format in &owned {
            let (name, heading) = match format.split_once('=') {
                Some((name, heading)) => (name, Some(heading)),
                None => (format.as_str(), None),
            };
            if let Some(heading) = heading {
                headings.push((names.len(), heading.to_owned()));
            }
            names.push(name);
        }
    }
    let mut columns = Vec::new();
    for name in names {
        match column(name) {
            Some(column) => columns.push(column),
            None => {
                eprintln!("error: unknown user-defined format specifier \"{name}\"");
                return 1;
            }
        }
    }
    let mut processes: Vec<Running> = running()
        .into_iter()
        .filter(|process| chosen.as_ref().is_none_or(|chosen| chosen.contains(&process.pid)))
        .filter(|process| command.as_ref().is_none_or(|command| process.name() == command))
        .collect();
    // The last key first: what it leaves as it is, those before it order.
    for key in order.split(',').rev().filter(|key| !key.is_empty()) {
        let Some(column) = column(key.trim_start_matches(['+', '-'])) else {
            eprintln!("error: unknown sort specifier");
            return 1;
        };
        let value = |process: &Running| {
            let text = (column.value)(process);
            (text.parse::<f64>().ok().map(f64::to_bits), text)
        };
        match key.starts_with('-') {
            true => processes.sort_by_cached_key(|process| Reverse(value(process))),
            false => processes.sort_by_cached_key(value),
        }
    }
    let mut rows = Vec::new();
    let head = |index: usize, column: &Column| {
        let given = headings.iter().find(|(at, _)| *at == index);
        given.map_or(column.head.to_owned(), |(_, heading)| heading.clone())
    };
    let heads: Vec<String> =
        columns.iter().enumerate().map(|(index, column)| head(index, column)).collect();
    let shown = !bare && !heads.iter().all(String::is_empty);
    if shown {
        rows.push(heads);
    }
    rows.extend(processes.iter().map(|process| {
        columns.iter().map(|column| (column.value)(process)).collect::<Vec<String>>()
    }));
    for row in &rows {
        let mut line = String::new();
        for (index, (column, text)) in columns.iter().zip(row).enumerate() {
            let width = rows.iter().map(|row| row[index].chars().count()).max().unwrap_or(0);
            let width = if column.right { width.max(5) } else { width };
            match (column.right, index + 1 == columns.len()) {
                (true, _) => line.push_str(&format!("{text:>width$}")),
                (false, true) => line.push_str(text),
                (false, false) => line.push_str(&format!("{text:<width$}")),
            }
            if index + 1 < columns.len() {
                line.push(' ');
            }
        }
        println!("{}", line.trim_end());
    }
    i32::from(processes.is_empty())
}

fn pids(text: &str) -> Option<Vec<u32>> {
    Some(text.split([',', ' ']).filter_map(|pid| pid.parse().ok()).collect())
}
