//! Options as GNU's programs take them.

/// One option of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// An option by its letter or long name, with its value.
    Option(String, Option<String>),
    /// What is no option.
    Operand(String),
}

/// Splits a command line. `letters` are those that there are, each followed by `:` if it takes a
/// value and by `::` if it may, in the same word; `long` are the long names, each with the letter that it stands for and `=` if it takes
/// one (`=?` if it may).
///
/// `--help` and `--version` are answered here, and end the process, if they are none of `long`.
///
/// # Errors
/// The message about the first option that is not there.
pub fn parse(words: &[String], letters: &str, long: &[&str]) -> Result<Vec<Arg>, String> {
    let mut args = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            args.extend(words.by_ref().cloned().map(Arg::Operand));
            break;
        }
        if let Some(name) = word.strip_prefix("--") {
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (name, None),
            };
            let entry = match named(name, word, long) {
                Ok(entry) => entry,
                Err(error) => {
                    let program = crate::name();
                    let options = crate::help::options(letters, long);
                    let options: Vec<&str> = options.iter().map(String::as_str).collect();
                    crate::help::answer(&program, word, &options);
                    return Err(error);
                }
            };
            let (full, letter) = entry.split_once(':').unwrap_or((entry, ""));
            let (full, takes) = match full.split_once('=') {
                Some((full, "?")) => (full, None),
                Some((full, _)) => (full, Some(true)),
                None => (full, Some(false)),
            };
            let value = match (takes, value) {
                (Some(true), None) => Some(
                    words
                        .next()
                        .cloned()
                        .ok_or_else(|| format!("option '--{name}' requires an argument"))?,
                ),
                (Some(false), Some(_)) => {
                    return Err(format!("option '--{name}' doesn't allow an argument"));
                }
                (_, value) => value,
            };
            let key = if letter.is_empty() { full } else { letter };
            args.push(Arg::Option(key.to_owned(), value));
            continue;
        }
        let Some(cluster) = word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) else {
            args.push(Arg::Operand(word.clone()));
            continue;
        };
        let mut rest = cluster;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let at = letters.find(letter).filter(|_| letter != ':');
            let at = at.ok_or_else(|| format!("invalid option -- '{letter}'"))?;
            let behind = &letters[at + letter.len_utf8()..];
            let value = match behind.starts_with(':') {
                false => None,
                true if rest.is_empty() && behind.starts_with("::") => None,
                true if !rest.is_empty() => Some(std::mem::take(&mut rest).to_owned()),
                true => Some(
                    words
                        .next()
                        .cloned()
                        .ok_or_else(|| format!("option requires an argument -- '{letter}'"))?,
                ),
            };
            args.push(Arg::Option(letter.to_string(), value));
        }
    }
    Ok(args)
}

/// The choice that a word names, or what only one of their names begins with.
///
/// # Errors
/// The message about the value of `option`, with the names that there are.
pub fn choice<T: Copy + PartialEq>(
    option: &str,
    word: &str,
    choices: &[(&str, T)],
) -> Result<T, String> {
    if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == word) {
        return Ok(*choice);
    }
    let mut begun = choices.iter().filter(|(name, _)| name.starts_with(word));
    let reason = match (begun.next(), begun.next()) {
        (Some((_, choice)), None) => return Ok(*choice),
        (None, _) => "invalid",
        _ => "ambiguous",
    };
    // Names of the same stand in one line.
    let same = choices.chunk_by(|(_, before), (_, after)| before == after);
    let line = |names: &[(&str, T)]| {
        let names: Vec<String> = names.iter().map(|(name, _)| format!("‘{name}’")).collect();
        format!("\n  - {}", names.join(", "))
    };
    let names: String = same.map(line).collect();
    Err(format!("{reason} argument ‘{word}’ for ‘{option}’\nValid arguments are:{names}"))
}

/// The entry of a long name, or of the beginning of one that is the beginning of no other.
fn named<'a>(name: &str, word: &str, long: &[&'a str]) -> Result<&'a str, String> {
    let full = |entry: &'a str| entry.split(['=', ':']).next().unwrap_or_default();
    if let Some(entry) = long.iter().find(|entry| full(entry) == name) {
        return Ok(entry);
    }
    let begun: Vec<&str> = long.iter().copied().filter(|entry| entry.starts_with(name)).collect();
    let letter = |entry: &str| entry.split_once(':').map(|(_, letter)| letter.to_owned());
    match begun[..] {
        [] => Err(format!("unrecognized option '{word}'")),
        // Several names of one option.
        [first, ref rest @ ..]
            if rest
                .iter()
                .all(|entry| letter(entry).is_some() && letter(entry) == letter(first)) =>
        {
            Ok(first)
        }
        _ => {
            let names: Vec<String> =
                begun.iter().map(|entry| format!(" '--{}'", full(entry))).collect();
            Err(format!("option '{word}' is ambiguous; possibilities:{}", names.concat()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_values_and_long_names() {
        let words = ["-nA3", "--color=auto", "x", "--", "-y"].map(str::to_owned);
        let args = parse(&words, "nA:", &["color=?"]).unwrap();
        let option = |name: &str, value: Option<&str>| {
            Arg::Option(name.to_owned(), value.map(str::to_owned))
        };
        assert_eq!(
            args,
            [
                option("n", None),
                option("A", Some("3")),
                option("color", Some("auto")),
                Arg::Operand("x".to_owned()),
                Arg::Operand("-y".to_owned()),
            ]
        );
        let long = ["lines=:n", "line-bytes=:C", "quiet:q", "silent:q", "size", "sort=:s"];
        let one = |word: &str| parse(&[word.to_owned()], "", &long);
        assert_eq!(one("--lines=1"), Ok(vec![option("n", Some("1"))]));
        assert_eq!(one("--qu"), Ok(vec![option("q", None)]));
        assert_eq!(one("--so=x"), Ok(vec![option("s", Some("x"))]));
        let ambiguous = "option '--line=1' is ambiguous; possibilities: '--lines' '--line-bytes'";
        assert_eq!(one("--line=1"), Err(ambiguous.to_owned()));
        assert_eq!(one("--no=1"), Err("unrecognized option '--no=1'".to_owned()));
        assert_eq!(parse(&["-z".to_owned()], "n", &[]), Err("invalid option -- 'z'".to_owned()));
    }
}
