//! What a system's databases and settings say: `getent`, `locale`.

use std::io::Write;

const TRY: &str = "Try `getent --help' or `getent --usage' for more information.";

/// `passwd` and `group` by name or number, `hosts` by name or address.
pub(crate) fn getent(words: &[String], out: &mut impl Write) -> i32 {
    let Some((database, keys)) = words.split_first() else {
        eprintln!("getent: wrong number of arguments\n{TRY}");
        return 1;
    };
    if !matches!(database.as_str(), "passwd" | "group" | "hosts") {
        eprintln!("Unknown database: {database}\n{TRY}");
        return 1;
    }
    let Ok(content) = std::fs::read_to_string(format!("/etc/{database}")) else { return 2 };
    let show = |line: &str| match line.split_once(char::is_whitespace) {
        Some((address, names)) if database == "hosts" => {
            format!("{address:<15} {}", names.trim())
        }
        _ => line.to_owned(),
    };
    let is = |line: &str, key: &str| match database.as_str() {
        "hosts" => line.split_whitespace().any(|word| word == key),
        _ => line.split(':').step_by(2).take(2).any(|field| field == key),
    };
    let mut status = 0;
    if keys.is_empty() {
        for line in content.lines() {
            if writeln!(out, "{}", show(line)).is_err() {
                return 1;
            }
        }
    }
    for key in keys {
        match content.lines().find(|line| is(line, key)) {
            Some(line) if writeln!(out, "{}", show(line)).is_err() => return 1,
            Some(_) => {}
            None => status = 2,
        }
    }
    status
}

const CATEGORIES: &[&str] = &[
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
];

/// The settings, what there is (`-a`), or the encoding (`charmap`).
pub(crate) fn locale(words: &[String], out: &mut impl Write) -> i32 {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let text = match words.first().map(String::as_str) {
        Some("-a" | "--all-locales") => "C\nC.utf8\nPOSIX\n".to_owned(),
        Some("-m" | "--charmaps") => "UTF-8\n".to_owned(),
        Some("charmap") => "UTF-8\n".to_owned(),
        Some("decimal_point") => ".\n".to_owned(),
        Some(word) => {
            eprintln!("locale: unknown name \"{word}\"");
            return 1;
        }
        None => {
            let (lang, all) = (variable("LANG"), variable("LC_ALL"));
            let mut text = format!("LANG={lang}\nLANGUAGE={}\n", variable("LANGUAGE"));
            for name in CATEGORIES {
                let own = variable(name);
                let line = match (all.is_empty(), own.is_empty()) {
                    (true, false) => format!("{name}={own}\n"),
                    (true, true) => format!("{name}=\"{lang}\"\n"),
                    (false, _) => format!("{name}=\"{all}\"\n"),
                };
                text.push_str(&line);
            }
            format!("{text}LC_ALL={all}\n")
        }
    };
    i32::from(out.write_all(text.as_bytes()).is_err())
}
