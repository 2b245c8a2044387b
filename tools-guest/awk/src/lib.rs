//! The AWK language of POSIX, with the functions of gawk that scripts use.
//!
//! [`run`] takes the command line of `awk`. Commands, which `system`, `getline` and `print |` start,
//! are the caller's business: [`Commands`].

mod format;
mod interp;
mod lexer;
mod parser;
mod value;

use std::io::{self, Read, Write};

/// Starting commands, which run by `sh -c`.
pub trait Commands {
    /// Starts a command whose input is written.
    ///
    /// # Errors
    /// When it cannot be started.
    fn write_to(&mut self, command: &str) -> io::Result<Box<dyn Write>>;
    /// Starts a command whose output is read.
    ///
    /// # Errors
    /// When it cannot be started.
    fn read_from(&mut self, command: &str) -> io::Result<Box<dyn Read>>;
    /// Waits for a command that was started, after its stream is dropped; its status.
    fn wait(&mut self, command: &str) -> i32;
    /// Runs a command to its end; its status.
    fn system(&mut self, command: &str) -> i32;
    /// `strftime` of seconds since 1970.
    fn time(&mut self, format: &str, seconds: i64) -> String;
}

/// Runs `awk WORDS…` and gives the status to exit with.
pub fn run(
    words: &[String],
    environment: Vec<(String, String)>,
    commands: &mut dyn Commands,
    out: &mut dyn Write,
) -> i32 {
    match command_line(words) {
        Ok(line) => {
            let program = lexer::tokens(&line.source)
                .and_then(|tokens| parser::parse(tokens, interp::SPECIAL));
            match program {
                Ok(program) => interp::run(interp::Start {
                    program: &program,
                    commands,
                    out,
                    operands: line.operands,
                    assigns: line.assigns,
                    field_separator: line.field_separator,
                    environment,
                }),
                Err(error) => {
                    eprintln!("awk: {error}");
                    2
                }
            }
        }
        Err(error) => {
            eprintln!("awk: {error}");
            2
        }
    }
}

struct Line {
    source: String,
    operands: Vec<String>,
    assigns: Vec<(String, String)>,
    field_separator: Option<String>,
}

fn command_line(words: &[String]) -> Result<Line, String> {
    let mut words = words.iter();
    let mut line = Line {
        source: String::new(),
        operands: Vec::new(),
        assigns: Vec::new(),
        field_separator: None,
    };
    let mut files = false;
    let mut first = None;
    while let Some(word) = words.next() {
        if word == "--" {
            break;
        }
        if word.len() < 2 || !word.starts_with('-') {
            first = Some(word.clone());
            break;
        }
        let letter = word[1..2].to_owned();
        if !matches!(letter.as_str(), "F" | "v" | "f") {
            return Err(format!("unknown option {word}"));
        }
        let value = match word.get(2..).filter(|value| !value.is_empty()) {
            Some(value) => value.to_owned(),
            None => words
                .next()
                .cloned()
                .ok_or_else(|| format!("option requires an argument -- {letter}"))?,
        };
        match letter.as_str() {
            "F" => {
                let tab = value == "t";
                line.field_separator = Some(if tab { "\\t".to_owned() } else { value });
            }
            "v" => {
                let (name, value) =
                    value.split_once('=').ok_or_else(|| format!("invalid -v argument: {value}"))?;
                line.assigns.push((name.to_owned(), value.to_owned()));
            }
            _ => {
                files = true;
                let mut text = String::new();
                let read = match value.as_str() {
                    "-" => io::stdin().read_to_string(&mut text),
                    path => std::fs::File::open(path).and_then(|mut f| f.read_to_string(&mut text)),
                };
                read.map_err(|_| format!("can't open file {value}"))?;
                line.source.push_str(&text);
                line.source.push('\n');
            }
        }
    }
    let rest = first.into_iter().chain(words.cloned());
    line.operands = rest.collect();
    if !files {
        if line.operands.is_empty() {
            return Err("usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]".to_owned());
        }
        line.source = line.operands.remove(0);
    }
    Ok(line)
}
