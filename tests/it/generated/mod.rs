//! Generated commands of the userland, run in a cell and by this machine's own programs: what they
//! print and how they end must be the same. Run with
//!
//! ```text
//! GENERATED_SECONDS=600 cargo test --release -p tests --test it generated -- --ignored --nocapture
//! ```
//!
//! `GENERATED_SEED` chooses another sequence of commands, `GENERATED_ONLY` keeps to commands that
//! contain a text, `GENERATED_LOCALE` runs them in another locale (`C`), and `GENERATED_MESSAGES=1`
//! compares what stands on standard error word by word. A command that differs is made smaller before
//! it is shown.

mod grammar;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use grammar::{Grammar, Random};
use serde_json::json;
use tests::{World, call, details, native};
use toolcell::Cell;

/// Differences after which a run ends.
const MOST_SHOWN: usize = 100;

/// Differences of one program that are shown.
const MOST_ALIKE: usize = 5;

/// Lines shown of an answer.
const MOST_LINES: usize = 6;

/// Statuses of a command that took too long, on either side.
const TIMED_OUT: i64 = 124;
const TERMINATED: i64 = 143;

/// Commands that are run over the same files.
const PER_WORLD: usize = 100;

/// What a command printed, and its status.
#[derive(PartialEq)]
struct Answer {
    output: String,
    status: Option<i64>,
}

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The command as both sides run it.
fn wrapped(command: &str) -> String {
    let locale = setting("GENERATED_LOCALE").map(|name| format!("export LC_ALL={name}; "));
    let command = locale.unwrap_or_default() + command;
    match setting("GENERATED_MESSAGES").is_some() {
        true => format!("( {command} ) 2>&1 < /dev/null; s=$?; rm -rf w; exit $s"),
        false => format!(
            "( {command} ) 2> /tmp/err.$$ < /dev/null; s=$?\n\
             [ -s /tmp/err.$$ ] && echo '[a message]'; rm -rf /tmp/err.$$ w; exit $s"
        ),
    }
}

fn natively(directory: &Path, command: &str) -> Answer {
    let output = native("/usr/bin/timeout", directory)
        .args(["10", "/bin/bash", "-c", &wrapped(command)])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    Answer {
        // The tool shows no byte 0, as no agent could read it.
        output: text.trim_end_matches('\n').replace('\0', "\u{fffd}"),
        status: output.status.code().map(i64::from),
    }
}

async fn in_a_cell(cell: &Cell, command: &str) -> Answer {
    let arguments = json!({ "command": wrapped(command), "timeout": 10_000 });
    let result = call(cell, "Bash", arguments).await;
    let details = details(&result);
    Answer {
        output: details["stdout"].as_str().unwrap_or("no answer").to_owned(),
        status: details["exitCode"].as_i64(),
    }
}

/// Both sides' answers when they differ. What is no command at all is left to the shell's tests, and
/// of what has no end each side prints as much as it can.
async fn difference(cell: &Cell, native: &Path, command: &str) -> Option<(Answer, Answer)> {
    let expected = natively(native, command);
    let given = in_a_cell(cell, command).await;
    let is_endless = (expected.status, given.status) == (Some(TIMED_OUT), Some(TERMINATED));
    let is_wrong = given.output.contains("bash: -c: line");
    (expected != given && !is_endless && !is_wrong).then_some((expected, given))
}

/// The lines of one answer that the other lacks.
fn lines_of(answer: &Answer, other: &Answer) -> String {
    let others: Vec<&str> = other.output.lines().collect();
    let alone = answer.output.lines().filter(|line| !others.contains(line)).take(MOST_LINES);
    let mut text = format!("status {:?}", answer.status);
    alone.for_each(|line| text.push_str(&format!("\n{line}")));
    text
}

/// The program that a command is about.
fn subject(command: &str) -> String {
    let from = command.find("cd w; ").map_or(0, |at| at + 6);
    command[from..].split([' ', ';']).next().unwrap_or_default().to_owned()
}

/// Leaves out stages, and then words, for as long as the answers differ.
async fn shrunk(cell: &Cell, native: &Path, command: &str) -> String {
    // What changes files must stay where it is.
    if command.contains("cd w;") {
        return command.to_owned();
    }
    let mut command = command.to_owned();
    for (separator, keeps) in [(" | ", 0), (" ", 1)] {
        let mut at = keeps;
        loop {
            let mut parts: Vec<&str> = command.split(separator).collect();
            let Some(part) = parts.get(at).filter(|_| parts.len() > 1) else { break };
            let quotes = part.matches('\'').count();
            let is_needed = *part == "|" || at > 0 && parts[at - 1] == "|" || quotes % 2 == 1;
            parts.remove(at);
            let fewer = parts.join(separator);
            if !is_needed && difference(cell, native, &fewer).await.is_some() {
                command = fewer;
            } else {
                at += 1;
            }
        }
    }
    command
}

/// The files that commands name, the same in each of `directories`.
fn write_files(grammar: &Grammar, random: &mut Random, directories: [&Path; 2]) {
    let mut lines = |rule: &str, most: usize| -> Vec<String> {
        (0..1 + random.below(most)).map(|_| grammar.expand(rule, random)).collect()
    };
    let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let a = lines("text-line", 12);
    let mut w = a.clone();
    w.extend(lines("text-line", 2));
    w.remove(0);
    let middle = w.len() / 2;
    w.splice(middle..middle, lines("text-line", 2));
    let (mut s1, mut s2) = (lines("key-line", 8), lines("key-line", 8));
    s1.sort();
    s2.sort();
    let x = text(&lines("text-line", 4));
    // In Latin-1, which is no UTF-8.
    let latin: Vec<u8> = text(&lines("utf8-line", 6))
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect();
    let files = [
        ("a.txt", text(&a)),
        ("w.txt", text(&w)),
        ("b.txt", text(&lines("text-line", 12))),
        ("n.txt", text(&lines("number-line", 12))),
        ("t.txt", text(&lines("tab-line", 8))),
        ("c.txt", text(&lines("csv-line", 8))),
        ("u.txt", text(&lines("utf8-line", 6))),
        ("g.txt", text(&lines("log-line", 12))),
        ("x.txt", x.trim_end().to_owned()),
        ("e.txt", String::new()),
        ("s1.txt", text(&s1)),
        ("s2.txt", text(&s2)),
        ("j.json", format!("[{}]\n", lines("json", 4).join(","))),
        ("l.json", text(&lines("json", 4))),
        ("d/one.txt", text(&lines("text-line", 5))),
        ("d/two.md", text(&lines("text-line", 5))),
        ("d/.hidden", text(&lines("text-line", 1))),
        ("d/sub/three.txt", text(&lines("number-line", 5))),
        ("d/sub/deep/four.c", text(&lines("csv-line", 5))),
        ("d2/one.txt", text(&lines("text-line", 2))),
        ("d2/sub/three.txt", text(&lines("number-line", 2))),
        ("d2/sub/five.txt", text(&lines("number-line", 2))),
    ];
    let files = files.map(|(name, content)| (name, content.into_bytes()));
    let files: Vec<_> = files.into_iter().chain([("y.txt", latin)]).collect();
    for directory in directories {
        for (name, content) in &files {
            let path = directory.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
        }
        std::fs::create_dir_all(directory.join("d/empty")).unwrap();
        symlink("one.txt", directory.join("d/link")).unwrap();
    }
}

#[tokio::test]
#[ignore = "minutes: compares with this machine's programs"]
async fn generated_commands_do_what_they_do_elsewhere() {
    let seconds = setting("GENERATED_SECONDS").map_or(60, |text| text.parse().unwrap());
    let seed = setting("GENERATED_SEED").map_or(1, |text| text.parse().unwrap());
    let only = setting("GENERATED_ONLY").unwrap_or_default();
    let grammar = Grammar::parse(include_str!("commands.txt"));
    let mut random = Random::new(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut count, mut shown) = (0, BTreeSet::new());
    let mut subjects: BTreeMap<String, usize> = BTreeMap::new();
    while Instant::now() < end && shown.len() < MOST_SHOWN {
        let native = tempfile::tempdir().unwrap();
        let world = World::new();
        let cell = world.cell();
        write_files(&grammar, &mut random, [native.path(), &world.region("workspace")]);
        call(&cell, "Bash", json!({ "command": "cd workspace" })).await;
        let mut run = 0;
        while run < PER_WORLD && Instant::now() < end && shown.len() < MOST_SHOWN {
            let command = grammar.command(&mut random);
            if !command.contains(&only) {
                continue;
            }
            run += 1;
            count += 1;
            if difference(&cell, native.path(), &command).await.is_none() {
                continue;
            }
            let command = shrunk(&cell, native.path(), &command).await;
            let Some((expected, given)) = difference(&cell, native.path(), &command).await else {
                println!("differs at times: {command}");
                continue;
            };
            let seen = subjects.entry(subject(&command)).or_default();
            *seen += 1;
            if *seen <= MOST_ALIKE && shown.insert(command.clone()) {
                println!("== {command}");
                println!("-- native: {}", lines_of(&expected, &given));
                println!("-- cell: {}", lines_of(&given, &expected));
            }
            // What was tried may have changed files on one side.
            break;
        }
    }
    println!("{count} commands; differences by program: {subjects:?}");
    assert!(shown.is_empty(), "{} of {count} commands differ", shown.len());
}
