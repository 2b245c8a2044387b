//! What is wrong with a command line, as GNU's programs say it. Upstream's say it in its own way,
//! over several lines, by messages that are asked for here.

use fluent::{FluentArgs, FluentValue};

/// Has upstream's messages about command lines replaced.
pub(crate) fn speak_as_gnu() {
    fluent::say_instead(instead);
}

/// The program's name and its words.
fn called() -> (String, Vec<String>) {
    let mut words = std::env::args();
    let name = words.next().unwrap_or_default();
    (name.rsplit('/').next().unwrap_or_default().to_owned(), words.collect())
}

fn instead(id: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
    match id {
        "common-error" => return Some(called().0),
        "common-help-suggestion" => return Some(hint(&called().0)),
        _ if !id.starts_with("clap-error-") => return None,
        _ => {}
    }
    let value = |name: &str| match args?.get(name)? {
        FluentValue::String(text) => Some(text.clone().into_owned()),
        FluentValue::Number(number) => Some(number.as_string().into_owned()),
        _ => None,
    };
    let (name, words) = called();
    let mut hint = format!("\n{}", hint(&name));
    let what = match id {
        "clap-error-unexpected-argument" => unexpected(&value("arg")?, &words),
        "clap-error-value-required" => missing_value(&value("option")?, &words),
        "clap-error-invalid-value" => {
            let option = value("option")?;
            let option = option.split_once(' ').map_or(option.as_str(), |(option, _)| option);
            let value = value("value")?;
            // What these say of a number ends there.
            let known = match (name.as_str(), option) {
                ("nl", "--starting-line-number") => Some("starting line number"),
                ("shuf", "--head-count") => Some("line count"),
                ("shuf", "--input-range") => Some("input range"),
                _ => None,
            };
            match known {
                Some(what) => {
                    hint.clear();
                    format!("invalid {what}: ‘{value}’")
                }
                None => format!("invalid argument ‘{value}’ for ‘{option}’"),
            }
        }
        "clap-error-missing-required-arguments" => match args {
            Some(_) => missing_operand(&name, &words),
            None => return None,
        },
        _ => return None,
    };
    eprintln!("{name}: {what}{hint}");
    std::process::exit(match name.as_str() {
        "expr" | "printenv" | "sort" | "test" | "tty" => 2,
        _ => 1,
    })
}

fn hint(name: &str) -> String {
    format!("Try '{name} --help' for more information.")
}

fn unexpected(argument: &str, words: &[String]) -> String {
    match argument.strip_prefix("--") {
        Some(_) => {
            // With its value, as it was written.
            let given = words.iter().find(|word| word.starts_with(argument));
            format!("unrecognized option '{}'", given.map_or(argument, String::as_str))
        }
        None => match argument.strip_prefix('-') {
            Some(letter) if !letter.is_empty() => format!("invalid option -- '{letter}'"),
            _ => format!("extra operand ‘{argument}’"),
        },
    }
}

/// `option` is such as `--key <KEY>`.
fn missing_value(option: &str, words: &[String]) -> String {
    let option = option.split_once(' ').map_or(option, |(option, _)| option);
    match words.last() {
        Some(last) if !last.starts_with("--") => {
            let letter = last.chars().last().unwrap_or_default();
            format!("option requires an argument -- '{letter}'")
        }
        _ => format!("option '{option}' requires an argument"),
    }
}

fn missing_operand(name: &str, words: &[String]) -> String {
    match name {
        "ln" => return "missing file operand".to_owned(),
        "truncate" if !words.is_empty() => {
            return "you must specify either ‘--size’ or ‘--reference’".to_owned();
        }
        _ => {}
    }
    match words.iter().rfind(|word| !word.starts_with('-') || word.as_str() == "-") {
        Some(last) => format!("missing operand after ‘{last}’"),
        None => "missing operand".to_owned(),
    }
}
