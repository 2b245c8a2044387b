//! What `--help` and `--version` say.

use std::io::Write;

/// A program: its name, how it is called behind its name, what it does, and whose program it does
/// what it does there.
type Program = (&'static str, &'static str, &'static str, &'static str);

const COREUTILS: &str = "GNU coreutils";
const DIFFUTILS: &str = "GNU diffutils";
const FINDUTILS: &str = "GNU findutils";
const UTIL_LINUX: &str = "util-linux";
const PROCPS: &str = "procps-ng";

const PROGRAMS: &[Program] = &[
    ("arch", "[OPTION]...", "Print the name of the machine's architecture.", COREUTILS),
    ("awk", "[OPTION]... PROGRAM [FILE]...", "Run an awk program over records of text.", "GNU awk"),
    ("bc", "[OPTION]... [FILE]...", "Calculate with numbers of any length.", "GNU bc"),
    ("bunzip2", "[OPTION]... [FILE]...", "Decompress .bz2 files.", "bzip2"),
    ("bzcat", "[FILE]...", "Decompress .bz2 files to standard output.", "bzip2"),
    ("bzip2", "[OPTION]... [FILE]...", "Compress files to .bz2.", "bzip2"),
    (
        "cat",
        "[OPTION]... [FILE]...",
        "Write files to standard output, one after another.",
        COREUTILS,
    ),
    ("chgrp", "[OPTION]... GROUP FILE...", "Change the group of files.", COREUTILS),
    ("chmod", "[OPTION]... MODE FILE...", "Change the permission bits of files.", COREUTILS),
    ("chown", "[OPTION]... OWNER[:GROUP] FILE...", "Change the owner of files.", COREUTILS),
    ("clear", "", "Clear the terminal.", "ncurses"),
    (
        "cmp",
        "[OPTION]... FILE1 [FILE2 [SKIP1 [SKIP2]]]",
        "Compare two files byte by byte.",
        DIFFUTILS,
    ),
    ("column", "[OPTION]... [FILE]...", "Put lines into columns.", UTIL_LINUX),
    ("comm", "[OPTION]... FILE1 FILE2", "Show which lines two sorted files share.", COREUTILS),
    ("cp", "[OPTION]... SOURCE... DESTINATION", "Copy files and directories.", COREUTILS),
    ("curl", "[OPTION]... URL", "Say that a cell has no network.", "curl"),
    ("date", "[OPTION]... [+FORMAT]", "Print a date and time, now or another.", COREUTILS),
    ("dc", "[OPTION]... [FILE]...", "Calculate with a stack.", "GNU dc"),
    ("dd", "[OPERAND]...", "Copy and convert blocks of a file.", COREUTILS),
    ("df", "[OPTION]... [FILE]...", "Show how full the regions of the cell are.", COREUTILS),
    ("diff", "[OPTION]... FILE1 FILE2", "Show in which lines files differ.", DIFFUTILS),
    ("dir", "[OPTION]... [FILE]...", "List files in columns.", COREUTILS),
    ("du", "[OPTION]... [FILE]...", "Show how much space files take.", COREUTILS),
    ("egrep", "[OPTION]... PATTERNS [FILE]...", "Find lines by extended expressions.", "GNU grep"),
    (
        "env",
        "[OPTION]... [NAME=VALUE]... [COMMAND [ARGUMENT]...]",
        "Run a command in another environment.",
        COREUTILS,
    ),
    (
        "envsubst",
        "[VARIABLES]",
        "Replace variables in standard input by their values.",
        "GNU gettext",
    ),
    ("fgrep", "[OPTION]... STRINGS [FILE]...", "Find lines by strings.", "GNU grep"),
    ("file", "[OPTION]... FILE...", "Say what files hold.", "file"),
    ("find", "[-H|-L|-P] [PATH]... [EXPRESSION]", "Find files in directories.", FINDUTILS),
    (
        "flock",
        "[OPTION]... FILE|DESCRIPTOR [COMMAND [ARGUMENT]...]",
        "Run a command under a lock.",
        UTIL_LINUX,
    ),
    ("fmt", "[-WIDTH] [OPTION]... [FILE]...", "Fill the lines of paragraphs.", COREUTILS),
    ("getconf", "NAME", "Show a setting of the system.", "glibc"),
    ("getent", "DATABASE [KEY]...", "Show entries of passwd, group and hosts.", "glibc"),
    ("getopt", "[OPTION]... OPTSTRING PARAMETER...", "Split the options of a script.", UTIL_LINUX),
    ("grep", "[OPTION]... PATTERNS [FILE]...", "Find lines by regular expressions.", "GNU grep"),
    ("groups", "[USER]...", "Show the groups of a user.", COREUTILS),
    ("gunzip", "[OPTION]... [FILE]...", "Decompress .gz files.", "GNU gzip"),
    ("gzip", "[OPTION]... [FILE]...", "Compress files to .gz.", "GNU gzip"),
    ("hd", "[OPTION]... [FILE]...", "Show bytes in hexadecimal and as text.", UTIL_LINUX),
    ("head", "[OPTION]... [FILE]...", "Show the first lines or bytes of files.", COREUTILS),
    ("hexdump", "[OPTION]... [FILE]...", "Show bytes by a format.", UTIL_LINUX),
    ("hostname", "", "Show the name of the machine.", "hostname"),
    ("iconv", "[OPTION]... [FILE]...", "Convert text from one encoding to another.", "glibc"),
    ("id", "[OPTION]... [USER]", "Show who the user is.", COREUTILS),
    ("install", "[OPTION]... SOURCE... DESTINATION", "Copy files and set their bits.", COREUTILS),
    ("killall", "[OPTION]... NAME...", "Send a signal to processes by name.", "psmisc"),
    ("less", "[FILE]...", "Write files to standard output: there is no terminal.", "less"),
    ("ln", "[OPTION]... TARGET... [LINK]", "Make links to files.", COREUTILS),
    ("locale", "[OPTION]...", "Show the locale.", "glibc"),
    ("logname", "", "Show the user's login name.", COREUTILS),
    ("ls", "[OPTION]... [FILE]...", "List files.", COREUTILS),
    ("mkdir", "[OPTION]... DIRECTORY...", "Make directories.", COREUTILS),
    ("more", "[FILE]...", "Write files to standard output: there is no terminal.", UTIL_LINUX),
    ("mv", "[OPTION]... SOURCE... DESTINATION", "Move or rename files.", COREUTILS),
    (
        "nice",
        "[OPTION] [COMMAND [ARGUMENT]...]",
        "Run a command; all of a cell have one priority.",
        COREUTILS,
    ),
    ("nohup", "COMMAND [ARGUMENT]...", "Run a command that hangups do not end.", COREUTILS),
    ("numfmt", "[OPTION]... [NUMBER]...", "Show numbers with units, or without.", COREUTILS),
    ("patch", "[OPTION]... [FILE [PATCH]]", "Apply a diff to files.", "GNU patch"),
    ("pgrep", "[OPTION]... PATTERN", "Find processes by name.", PROCPS),
    ("pkill", "[OPTION]... PATTERN", "Send a signal to processes by name.", PROCPS),
    ("ps", "[OPTION]...", "Show the processes of the cell.", PROCPS),
    ("rev", "[FILE]...", "Turn each line around.", UTIL_LINUX),
    ("rg", "[OPTION]... PATTERN [PATH]...", "Find lines in the files of directories.", "ripgrep"),
    ("sdiff", "[OPTION]... FILE1 FILE2", "Show two files side by side.", DIFFUTILS),
    (
        "sed",
        "[OPTION]... {SCRIPT | -e SCRIPT | -f FILE} [FILE]...",
        "Edit lines as they stream by.",
        "GNU sed",
    ),
    (
        "setsid",
        "[OPTION]... COMMAND [ARGUMENT]...",
        "Run a command in a session of its own.",
        UTIL_LINUX,
    ),
    ("stat", "[OPTION]... FILE...", "Show what is known of files.", COREUTILS),
    (
        "stdbuf",
        "OPTION... COMMAND [ARGUMENT]...",
        "Run a command; its buffers stay as they are.",
        COREUTILS,
    ),
    ("strings", "[OPTION]... [FILE]...", "Show the text in files of bytes.", "GNU binutils"),
    ("stty", "[OPTION]...", "Say that there is no terminal.", COREUTILS),
    ("sync", "[OPTION]... [FILE]...", "Do nothing: what is written is kept.", COREUTILS),
    ("tac", "[OPTION]... [FILE]...", "Write files with their last line first.", COREUTILS),
    ("tail", "[OPTION]... [FILE]...", "Show the last lines or bytes of files.", COREUTILS),
    ("tar", "[OPTION]... [FILE]...", "Make archives, and take files out of them.", "GNU tar"),
    (
        "timeout",
        "[OPTION]... DURATION COMMAND [ARGUMENT]...",
        "Run a command, and end it after a time.",
        COREUTILS,
    ),
    ("touch", "[OPTION]... FILE...", "Set when files were read and changed.", COREUTILS),
    ("tput", "CAPABILITY [PARAMETER]...", "Show what a terminal can do.", "ncurses"),
    ("tree", "[OPTION]... [DIRECTORY]...", "Show directories as a tree.", "tree"),
    ("uname", "[OPTION]...", "Show what system this is.", COREUTILS),
    ("unxz", "[OPTION]... [FILE]...", "Decompress .xz files.", "XZ Utils"),
    ("unzip", "[OPTION]... FILE[.zip] [MEMBER]...", "Take files out of a zip archive.", "Info-ZIP"),
    ("users", "", "Show who is logged in.", COREUTILS),
    ("vdir", "[OPTION]... [FILE]...", "List files with all that is known of them.", COREUTILS),
    ("wget", "[OPTION]... URL", "Say that a cell has no network.", "GNU Wget"),
    ("which", "[-a] NAME...", "Show which programs names stand for.", "debianutils"),
    ("who", "[OPTION]...", "Show who is logged in.", COREUTILS),
    ("whoami", "", "Show the user's name.", COREUTILS),
    (
        "xargs",
        "[OPTION]... [COMMAND [ARGUMENT]...]",
        "Run a command with words of standard input.",
        FINDUTILS,
    ),
    ("xxd", "[OPTION]... [INFILE [OUTFILE]]", "Show bytes in hexadecimal, or read them so.", "xxd"),
    ("xz", "[OPTION]... [FILE]...", "Compress files to .xz.", "XZ Utils"),
    ("xzcat", "[FILE]...", "Decompress .xz files to standard output.", "XZ Utils"),
    ("zcat", "[FILE]...", "Decompress .gz files to standard output.", "GNU gzip"),
    ("zegrep", "[OPTION]... PATTERNS [FILE]...", "Find lines in compressed files.", "GNU gzip"),
    ("zfgrep", "[OPTION]... STRINGS [FILE]...", "Find lines in compressed files.", "GNU gzip"),
    ("zgrep", "[OPTION]... PATTERNS [FILE]...", "Find lines in compressed files.", "GNU gzip"),
    ("zip", "[OPTION]... FILE[.zip] [FILE]...", "Put files into a zip archive.", "Info-ZIP"),
];

/// Ends the process with the answer to a `word` that is `--help` or `--version`, or what begins one
/// of them alone; comes back for every other. `options` are lines that tell of the options.
pub fn answer(name: &str, word: &str, options: &[&str]) {
    if let Some(text) = text(name, word, options) {
        // Nobody is left to hear of it if nobody reads.
        let _ = std::io::stdout().write_all(text.as_bytes());
        std::process::exit(0);
    }
}

fn text(name: &str, word: &str, options: &[&str]) -> Option<String> {
    let begins = |long: &str| word.len() > 3 && long.starts_with(word);
    let (_, call, does, origin) = *PROGRAMS.iter().find(|program| program.0 == name)?;
    if begins("--version") {
        let version = env!("CARGO_PKG_VERSION");
        return Some(format!("{name} (Toolcell) {version}, compatible with {origin}\n"));
    }
    if !begins("--help") {
        return None;
    }
    let blank = if call.is_empty() { "" } else { " " };
    let mut text = format!("Usage: {name}{blank}{call}\n{does}\n\n");
    for option in options {
        text.push_str(&format!("  {option}\n"));
    }
    text.push_str("      --help\n      --version\n");
    Some(text)
}

/// The lines that tell of options as [`crate::args::parse`] takes them.
pub(crate) fn options(letters: &str, long: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut told = Vec::new();
    let name = |entry: &str| {
        let (name, _) = entry.split_once(':').unwrap_or((entry, ""));
        match name.split_once('=') {
            Some((name, "?")) => format!("--{name}[=VALUE]"),
            Some((name, _)) => format!("--{name}=VALUE"),
            None => format!("--{name}"),
        }
    };
    for (at, letter) in letters.char_indices().filter(|(_, letter)| *letter != ':') {
        let behind = &letters[at + letter.len_utf8()..];
        let names = long
            .iter()
            .filter(|entry| entry.split_once(':').is_some_and(|(_, key)| key.chars().eq([letter])));
        let mut line = format!("-{letter}");
        let mut count = 0;
        for entry in names {
            line.push_str(&format!(", {}", name(entry)));
            told.push(*entry);
            count += 1;
        }
        if count == 0 && behind.starts_with("::") {
            line.push_str("[VALUE]");
        } else if count == 0 && behind.starts_with(':') {
            line.push_str(" VALUE");
        }
        lines.push(line);
    }
    let others = long.iter().filter(|entry| !told.contains(entry));
    lines.extend(others.map(|entry| format!("    {}", name(entry))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_told_of() {
        let lines =
            options("bs:I::x:", &["before:b", "separator=:s", "iso=?:I", "color=?", "debug"]);
        assert_eq!(
            lines,
            [
                "-b, --before",
                "-s, --separator=VALUE",
                "-I, --iso[=VALUE]",
                "-x VALUE",
                "    --color[=VALUE]",
                "    --debug",
            ]
        );
    }

    #[test]
    fn only_whole_words_ask() {
        let help = text("tac", "--help", &["-b, --before"]).unwrap();
        let expected = "Usage: tac [OPTION]... [FILE]...\n\
                        Write files with their last line first.\n\n  \
                        -b, --before\n      --help\n      --version\n";
        assert_eq!(help, expected);
        assert!(text("sed", "--version", &[]).unwrap().contains("GNU sed"));
        assert!(text("sed", "--vers", &[]).is_some());
        for word in ["--", "-h", "--helpful", "help", "--v"] {
            assert_eq!(text("tac", word, &[]), None, "{word}");
        }
        assert_eq!(text("nosuch", "--help", &[]), None);
    }
}
