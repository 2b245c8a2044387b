//! What is asked of a terminal: `tput`, `clear`, `stty`. There is none, and `TERM` says so; a script that
//! sets another gets the sequences that all of these have in common.

use std::io::{self, Write};

use toolcell_program::args::{Arg, parse};

/// The size that is said of a terminal that is not there.
const COLUMNS: &str = "80";
const LINES: &str = "24";

/// Sequences by their capabilities; `%1` and `%2` are parameters.
const SEQUENCES: &[(&str, &str)] = &[
    ("bel", "\x07"),
    ("blink", "\x1b[5m"),
    ("bold", "\x1b[1m"),
    ("civis", "\x1b[?25l"),
    ("clear", "\x1b[H\x1b[2J\x1b[3J"),
    ("cnorm", "\x1b[?12l\x1b[?25h"),
    ("cr", "\r"),
    ("cub", "\x1b[%1D"),
    ("cub1", "\x08"),
    ("cud", "\x1b[%1B"),
    ("cud1", "\n"),
    ("cuf", "\x1b[%1C"),
    ("cuf1", "\x1b[C"),
    ("cup", "\x1b[%1;%2H"),
    ("cuu", "\x1b[%1A"),
    ("cuu1", "\x1b[A"),
    ("dim", "\x1b[2m"),
    ("ed", "\x1b[J"),
    ("el", "\x1b[K"),
    ("el1", "\x1b[1K"),
    ("home", "\x1b[H"),
    ("ind", "\n"),
    ("invis", "\x1b[8m"),
    ("op", "\x1b[39;49m"),
    ("rc", "\x1b8"),
    ("rev", "\x1b[7m"),
    ("ritm", "\x1b[23m"),
    ("rmcup", "\x1b[?1049l\x1b[23;0;0t"),
    ("rmso", "\x1b[27m"),
    ("rmul", "\x1b[24m"),
    ("sc", "\x1b7"),
    ("sgr0", "\x1b(B\x1b[m"),
    ("sitm", "\x1b[3m"),
    ("smcup", "\x1b[?1049h\x1b[22;0;0t"),
    ("smso", "\x1b[7m"),
    ("smul", "\x1b[4m"),
];

/// Of these, a terminal without capabilities has some.
const DUMB: &[&str] = &["bel", "cr", "cud1", "ind"];

/// What a capability comes to.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// What is printed.
    Text(String),
    /// There is no such thing for this terminal.
    Absent,
    Unknown,
}

fn answer(terminal: &str, words: &[&str]) -> Answer {
    let dumb = matches!(terminal, "dumb" | "unknown");
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u32>().ok()).unwrap_or(0);
    let name = words.first().copied().unwrap_or_default();
    match name {
        "cols" => return Answer::Text(format!("{COLUMNS}\n")),
        "lines" => return Answer::Text(format!("{LINES}\n")),
        "colors" => {
            let count = match (dumb, terminal.contains("256color")) {
                (true, _) => "-1",
                (false, true) => "256",
                (false, false) => "8",
            };
            return Answer::Text(format!("{count}\n"));
        }
        "am" => return Answer::Text(String::new()),
        "longname" if dumb => return Answer::Text("80-column dumb tty".to_owned()),
        "longname" => return Answer::Text(terminal.to_owned()),
        "setaf" | "setab" if !dumb => {
            let (base, bright) = if name == "setaf" { (30, 90) } else { (40, 100) };
            return Answer::Text(match number(1) {
                color @ 0..8 => format!("\x1b[{}m", base + color),
                color @ 8..16 => format!("\x1b[{}m", bright + color - 8),
                color => format!("\x1b[{};5;{color}m", base + 8),
            });
        }
        // Nothing has to be set up or put back.
        "init" | "reset" if !dumb => return Answer::Text(String::new()),
        "setaf" | "setab" | "init" | "reset" => return Answer::Absent,
        _ => {}
    }
    match SEQUENCES.iter().find(|(known, _)| *known == name) {
        None => Answer::Unknown,
        Some(_) if dumb && !DUMB.contains(&name) => Answer::Absent,
        Some((_, sequence)) => {
            // The places of `cup` are counted from zero, those of its sequence from one.
            let from = u32::from(name == "cup");
            let text = sequence.replace("%1", &(number(1) + from).to_string());
            Answer::Text(text.replace("%2", &(number(2) + from).to_string()))
        }
    }
}

fn terminal() -> String {
    std::env::var("TERM").unwrap_or_default()
}

pub(crate) fn tput(words: &[String], out: &mut impl Write) -> i32 {
    let args = match parse(words, "ST:xV", &[]) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("tput: {error}\nUsage: tput [options] [command]");
            return 2;
        }
    };
    let (mut name, mut several, mut operands) = (terminal(), false, Vec::new());
    for arg in args {
        match arg {
            Arg::Operand(word) => operands.push(word),
            Arg::Option(letter, value) => match letter.as_str() {
                "T" => name = value.unwrap_or_default(),
                "S" => several = true,
                "V" => {
                    return i32::from(writeln!(out, "tput (Toolcell)").is_err());
                }
                _ => {}
            },
        }
    }
    if name.is_empty() {
        eprintln!("tput: No value for $TERM and no -T specified");
        return 2;
    }
    let lines: Vec<String> = match several {
        true => io::stdin().lines().map_while(Result::ok).collect(),
        false if operands.is_empty() => {
            eprintln!("Usage: tput [options] [command]");
            return 2;
        }
        false => vec![operands.join(" ")],
    };
    let mut status = 0;
    for line in &lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match answer(&name, &words) {
            Answer::Text(text) if out.write_all(text.as_bytes()).is_err() => return 1,
            Answer::Text(_) => {}
            Answer::Absent => status = 1,
            Answer::Unknown => {
                let name = words.first().copied().unwrap_or_default();
                eprintln!("tput: unknown terminfo capability '{name}'");
                status = 4;
            }
        }
    }
    status
}

/// Settings are of a terminal, and standard input is none.
pub(crate) fn stty(words: &[String]) -> i32 {
    if let [word] = words {
        toolcell_program::help::answer("stty", word, &[]);
    }
    eprintln!("stty: 'standard input': Inappropriate ioctl for device");
    1
}

pub(crate) fn clear(out: &mut impl Write) -> i32 {
    let name = terminal();
    if name.is_empty() {
        eprintln!("TERM environment variable not set.");
        return 1;
    }
    match answer(&name, &["clear"]) {
        Answer::Text(text) => i32::from(out.write_all(text.as_bytes()).is_err()),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_those_of_the_terminal() {
        let text = |text: &str| Answer::Text(text.to_owned());
        for (terminal, words, expected) in [
            ("dumb", &["cols"][..], text("80\n")),
            ("dumb", &["bold"], Answer::Absent),
            ("dumb", &["setaf", "1"], Answer::Absent),
            ("dumb", &["nosuch"], Answer::Unknown),
            ("xterm", &["setaf", "1"], text("\x1b[31m")),
            ("xterm-256color", &["setab", "12"], text("\x1b[104m")),
            ("xterm-256color", &["setaf", "200"], text("\x1b[38;5;200m")),
            ("xterm", &["cup", "1", "2"], text("\x1b[2;3H")),
            ("xterm", &["nosuch"], Answer::Unknown),
        ] {
            assert_eq!(answer(terminal, words), expected, "{terminal} {words:?}");
        }
    }
}
