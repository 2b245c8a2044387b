//! `getopt`, the enhanced one.

use std::io::Write;

const OPTIONS: &[&str] = &[
    "-a, --alternative",
    "-l, --longoptions=NAMES",
    "-n, --name=NAME",
    "-o, --options=LETTERS",
    "-q, --quiet",
    "-Q, --quiet-output",
    "-s, --shell=SHELL",
    "-T, --test",
    "-u, --unquoted",
];

#[derive(Debug, Default)]
struct Options {
    short: String,
    long: Vec<String>,
    name: Option<String>,
    quiet: bool,
    no_output: bool,
    unquoted: bool,
    alternative: bool,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let mut options = Options::default();
    let mut rest = words;
    let mut given = false;
    let usage = |text: &str| {
        eprintln!("getopt: {text}\nTry 'getopt --help' for more information.");
        2
    };
    // The old form: the letters first, no quoting.
    if let Some(first) = words.first().filter(|word| !word.starts_with('-')) {
        options.short = first.clone();
        options.unquoted = true;
        given = true;
        rest = &words[1..];
        if rest.first().is_some_and(|word| word == "--") {
            rest = &rest[1..];
        }
    } else {
        while let Some(word) = rest.first() {
            rest = &rest[1..];
            if word == "--" {
                break;
            }
            let (key, attached) = match word.split_once('=') {
                Some((key, value)) if word.starts_with("--") => (key, Some(value.to_owned())),
                _ if word.starts_with("--") => (word.as_str(), None),
                _ => word.split_at_checked(2).map_or((word.as_str(), None), |(key, value)| {
                    (key, (!value.is_empty()).then(|| value.to_owned()))
                }),
            };
            let mut value = || {
                attached.clone().or_else(|| {
                    let (first, others) = rest.split_first()?;
                    rest = others;
                    Some(first.clone())
                })
            };
            match key {
                "-T" | "--test" => return 4,
                "-o" | "--options" => {
                    options.short = value().unwrap_or_default();
                    given = true;
                }
                "-l" | "--longoptions" | "--long" => {
                    let names = value().unwrap_or_default();
                    options.long.extend(
                        names.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned),
                    );
                }
                "-n" | "--name" => options.name = value(),
                "-s" | "--shell" => drop(value()),
                "-q" | "--quiet" => options.quiet = true,
                "-Q" | "--quiet-output" => options.no_output = true,
                "-u" | "--unquoted" => options.unquoted = true,
                "-a" | "--alternative" => options.alternative = true,
                key if !key.starts_with('-') && !given => {
                    options.short = word.clone();
                    given = true;
                    break;
                }
                key => {
                    toolcell_program::help::answer("getopt", key, OPTIONS);
                    return usage(&format!("unrecognized option '{key}'"));
                }
            }
        }
    }
    if !given {
        return usage("missing optstring argument");
    }
    let (line, failed) = parse(&options, rest);
    if !options.no_output && writeln!(out, "{line}").is_err() {
        return 1;
    }
    i32::from(failed)
}

fn quoted(text: &str, options: &Options) -> String {
    match options.unquoted {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// The words in order, and whether one of them was wrong.
fn parse(options: &Options, words: &[String]) -> (String, bool) {
    let name = options.name.as_deref().unwrap_or("getopt");
    let mut failed = false;
    let mut complain = |text: String| {
        if !options.quiet {
            eprintln!("{name}: {text}");
        }
        failed = true;
    };
    let in_order = options.short.starts_with('-');
    let stop = options.short.starts_with('+') || std::env::var_os("POSIXLY_CORRECT").is_some();
    let short = options.short.trim_start_matches(['+', '-', ':']);
    let mut line = String::new();
    let mut operands = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            operands.extend(words.by_ref().cloned());
            break;
        }
        let long = word.strip_prefix("--").or_else(|| {
            word.strip_prefix('-').filter(|rest| options.alternative && !rest.is_empty())
        });
        if let Some(long) = long {
            let (key, value) = match long.split_once('=') {
                Some((key, value)) => (key, Some(value.to_owned())),
                None => (long, None),
            };
            let bare = |option: &String| option.trim_end_matches(':').to_owned();
            let mut found: Vec<&String> =
                options.long.iter().filter(|option| bare(option).starts_with(key)).collect();
            if let Some(exact) = options.long.iter().find(|option| bare(option) == key) {
                found = vec![exact];
            }
            let option = match found.as_slice() {
                [] => {
                    complain(format!("unrecognized option '--{key}'"));
                    continue;
                }
                [option] => *option,
                _ => {
                    complain(format!("option '--{key}' is ambiguous"));
                    continue;
                }
            };
            let full = bare(option);
            line.push_str(&format!(" --{full}"));
            if option.ends_with("::") {
                let value = value.unwrap_or_default();
                line.push_str(&format!(" {}", quoted(&value, options)));
            } else if option.ends_with(':') {
                match value.or_else(|| words.next().cloned()) {
                    Some(value) => line.push_str(&format!(" {}", quoted(&value, options))),
                    None => {
                        line.truncate(line.len() - full.len() - 3);
                        complain(format!("option '--{full}' requires an argument"));
                    }
                }
            } else if value.is_some() {
                line.truncate(line.len() - full.len() - 3);
                complain(format!("option '--{full}' doesn't allow an argument"));
            }
            continue;
        }
        let Some(cluster) = word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) else {
            if in_order {
                line.push_str(&format!(" {}", quoted(word, options)));
                continue;
            }
            operands.push(word.clone());
            if stop {
                operands.extend(words.by_ref().cloned());
                break;
            }
            continue;
        };
        let mut rest = cluster;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let Some(at) = short.find(letter).filter(|_| letter != ':') else {
                complain(format!("invalid option -- '{letter}'"));
                continue;
            };
            let after = &short[at + letter.len_utf8()..];
            if after.starts_with("::") {
                let value = std::mem::take(&mut rest);
                line.push_str(&format!(" -{letter} {}", quoted(value, options)));
            } else if after.starts_with(':') {
                let value = match std::mem::take(&mut rest) {
                    "" => words.next().cloned(),
                    value => Some(value.to_owned()),
                };
                match value {
                    Some(value) => {
                        line.push_str(&format!(" -{letter} {}", quoted(&value, options)));
                    }
                    None => complain(format!("option requires an argument -- '{letter}'")),
                }
            } else {
                line.push_str(&format!(" -{letter}"));
            }
        }
    }
    line.push_str(" --");
    for operand in operands {
        line.push_str(&format!(" {}", quoted(&operand, options)));
    }
    (line, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(short: &str, long: &[&str], words: &[&str], expected: &str, failed: bool) {
        let options = Options {
            short: short.to_owned(),
            long: long.iter().map(|name| (*name).to_owned()).collect(),
            quiet: true,
            ..Options::default()
        };
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(parse(&options, &words), (expected.to_owned(), failed));
    }

    #[test]
    fn words_in_their_order() {
        check("ab:", &[], &["x", "-ab", "1", "y"], " -a -b '1' -- 'x' 'y'", false);
        check("c::", &[], &["-cq", "-c", "q"], " -c 'q' -c '' -- 'q'", false);
        check("", &["beta:", "be"], &["--beta=z", "--be"], " --beta 'z' --be --", false);
        check("", &["alpha"], &["--al", "it's"], " --alpha -- 'it'\\''s'", false);
        check("+a", &[], &["x", "-a"], " -- 'x' '-a'", false);
        check("a", &[], &["-z"], " --", true);
        check("b:", &["beta:"], &["-b"], " --", true);
    }
}
