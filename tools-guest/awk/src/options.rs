//! The command line.

use std::io::{self, Read};

use toolcell_text::escape;

/// What a command line asks for.
pub(crate) enum Asked {
    Run(Line),
    Version,
}

/// A program to run, and what with.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) source: String,
    pub(crate) operands: Vec<String>,
    pub(crate) assigns: Vec<(String, String)>,
    pub(crate) field_separator: Option<String>,
}

/// gawk's long names of the options with a value.
const LONG: &[(&str, char)] =
    &[("field-separator", 'F'), ("assign", 'v'), ("file", 'f'), ("source", 'e')];

/// Options that ask for what is so anyway.
const WITHOUT_EFFECT: &[&str] =
    &["--posix", "--gnu", "--re-interval", "--traditional", "--no-optimize", "-P", "-r", "-O"];

const USAGE: &str = "usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]";

/// Reads a command line.
///
/// # Errors
/// The message about what is wrong with it.
pub(crate) fn read(words: &[String]) -> Result<Asked, String> {
    let mut words = words.iter();
    let mut line = Line::default();
    let mut has_program = false;
    let mut first = None;
    while let Some(word) = words.next() {
        if word == "--" {
            break;
        }
        if word.len() < 2 || !word.starts_with('-') {
            first = Some(word.clone());
            break;
        }
        if matches!(word.as_str(), "--version" | "-V" | "-Wversion" | "-Wv") {
            return Ok(Asked::Version);
        }
        if WITHOUT_EFFECT.contains(&word.as_str()) {
            continue;
        }
        let (letter, value) = match word.strip_prefix("--") {
            Some(long) => {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                let found = LONG.iter().find(|(long, _)| *long == name);
                (found.map(|(_, letter)| *letter), value)
            }
            None => {
                let letter = word[1..].chars().next().filter(|c| "Fvfe".contains(*c));
                (letter, word.get(2..).filter(|value| !value.is_empty()))
            }
        };
        let letter = letter.ok_or_else(|| format!("unknown option {word}"))?;
        let value = match value {
            Some(value) => value.to_owned(),
            None => words
                .next()
                .cloned()
                .ok_or_else(|| format!("option requires an argument -- {letter}"))?,
        };
        match letter {
            'F' => {
                let tab = value == "t";
                line.field_separator = Some(if tab { "\\t".to_owned() } else { value });
            }
            'v' => {
                let (name, value) =
                    value.split_once('=').ok_or_else(|| format!("invalid -v argument: {value}"))?;
                line.assigns.push((name.to_owned(), value.to_owned()));
            }
            'e' => {
                has_program = true;
                line.source.push_str(&value);
                line.source.push('\n');
            }
            _ => {
                has_program = true;
                line.source.push_str(&file(&value)?);
                line.source.push('\n');
            }
        }
    }
    line.operands = first.into_iter().chain(words.cloned()).collect();
    if !has_program {
        if line.operands.is_empty() {
            return Err(USAGE.to_owned());
        }
        line.source = line.operands.remove(0);
    }
    Ok(Asked::Run(line))
}

/// The program in a file.
fn file(path: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = match path {
        "-" => io::stdin().read_to_end(&mut bytes),
        path => std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    match read {
        Ok(_) => Ok(escape::decode(&bytes)),
        Err(_) => Err(format!("can't open file {path}")),
    }
}
