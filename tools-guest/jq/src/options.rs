//! The command line of jq.

use jaq_json::{Val, read};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Usage: jq [OPTION]... FILTER [FILE]...

  -n, --null-input      null is the input; 'input' and 'inputs' read
  -R, --raw-input       each line is an input, as a string
  -s, --slurp           all inputs become one array
  -c, --compact-output  a line for each result
  -r, --raw-output      strings without quotes
  -j, --join-output     the same, and no line ends
      --raw-output0     the same, with NUL after each
  -a, --ascii-output    only ASCII; the rest as \\u escapes
  -S, --sort-keys       keys in order
  -C, --color-output    in colours
      --tab, --indent N how results are indented
      --seq             a record separator before each result
      --stream          inputs as [path, leaf] events
      --unbuffered      each result is written at once
  -e, --exit-status     1 if the last result is false or null, 4 if there is none
  -f, --from-file FILE  the filter is in a file
      --arg NAME TEXT, --argjson NAME JSON, --slurpfile NAME FILE, --rawfile NAME FILE
                        $NAME in the filter
      --args, --jsonargs
                        what follows is $ARGS.positional
";

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) null_input: bool,
    pub(crate) raw_input: bool,
    pub(crate) slurp: bool,
    pub(crate) raw_output: bool,
    pub(crate) join: bool,
    pub(crate) end_null: bool,
    pub(crate) ascii: bool,
    pub(crate) compact: bool,
    pub(crate) sort_keys: bool,
    pub(crate) exit_status: bool,
    pub(crate) help: bool,
    pub(crate) version: bool,
    pub(crate) tab: bool,
    pub(crate) color: bool,
    pub(crate) separate: bool,
    pub(crate) stream: bool,
    pub(crate) unbuffered: bool,
    pub(crate) indent: Option<usize>,
    pub(crate) filter: String,
    pub(crate) files: Vec<String>,
    pub(crate) named: Vec<(String, Val)>,
    pub(crate) positional: Vec<Val>,
}

/// Text as a value.
pub(crate) fn text(text: &str) -> Val {
    Val::utf8_str(text.to_owned())
}

/// Reads the command line.
pub(crate) fn parse(words: Vec<String>) -> Result<Options, String> {
    let mut options = Options::default();
    let mut filter = None;
    let mut from_file = None;
    // What operands are: 0 files, 1 texts, 2 JSON.
    let mut operands = 0;
    let mut words = words.into_iter();
    let mut only_operands = false;
    while let Some(word) = words.next() {
        if only_operands || !word.starts_with('-') || word == "-" {
            match (filter.is_none() && from_file.is_none(), operands) {
                (true, _) => filter = Some(word),
                (false, 0) => options.files.push(word),
                (false, 1) => options.positional.push(text(&word)),
                (false, _) => options.positional.push(json(&word, "--jsonargs")?),
            }
            continue;
        }
        let mut next = |name: &str| words.next().ok_or_else(|| format!("{name} takes a parameter"));
        match word.as_str() {
            "--" => only_operands = true,
            "--null-input" => options.null_input = true,
            "--raw-input" => options.raw_input = true,
            "--slurp" => options.slurp = true,
            "--raw-output" => options.raw_output = true,
            "--join-output" => (options.raw_output, options.join) = (true, true),
            "--raw-output0" => (options.raw_output, options.end_null) = (true, true),
            "--ascii-output" => options.ascii = true,
            "--compact-output" => options.compact = true,
            "--sort-keys" => options.sort_keys = true,
            "--exit-status" => options.exit_status = true,
            "--tab" => options.tab = true,
            "--help" => options.help = true,
            "--version" => options.version = true,
            "--color-output" => options.color = true,
            "--monochrome-output" => options.color = false,
            "--seq" => options.separate = true,
            "--stream" => options.stream = true,
            "--unbuffered" => options.unbuffered = true,
            "--indent" => {
                let count = next("--indent")?;
                let count = count.parse().ok().filter(|count| *count <= 7);
                options.indent = Some(count.ok_or("Cannot indent more than 7 characters")?);
            }
            "--arg" => {
                let (name, value) = (next("--arg")?, next("--arg")?);
                options.named.push((name, text(&value)));
            }
            "--argjson" => {
                let (name, value) = (next("--argjson")?, next("--argjson")?);
                let value = json(&value, &format!("--argjson {name}"))?;
                options.named.push((name, value));
            }
            "--slurpfile" | "--rawfile" => {
                let (name, path) = (next(&word)?, next(&word)?);
                let content = std::fs::read(&path)
                    .map_err(|error| format!("Bad JSON in {word} {name} {path}: {error}"))?;
                let value = if word == "--rawfile" {
                    Val::utf8_str(content)
                } else {
                    let values: Result<Vec<Val>, _> = read::parse_many(&content).collect();
                    let values = values.map_err(|error| format!("Bad JSON in {path}: {error}"))?;
                    values.into_iter().collect()
                };
                options.named.push((name, value));
            }
            "--args" => operands = 1,
            "--jsonargs" => operands = 2,
            "--from-file" => from_file = Some(next("-f")?),
            word if word.starts_with("--") => return Err(format!("Unknown arguments: {word}")),
            cluster => {
                for letter in cluster.chars().skip(1) {
                    match letter {
                        'n' => options.null_input = true,
                        'R' => options.raw_input = true,
                        's' => options.slurp = true,
                        'r' => options.raw_output = true,
                        'j' => (options.raw_output, options.join) = (true, true),
                        'a' => options.ascii = true,
                        'c' => options.compact = true,
                        'S' => options.sort_keys = true,
                        'e' => options.exit_status = true,
                        'h' => options.help = true,
                        'V' => options.version = true,
                        'C' => options.color = true,
                        'M' => options.color = false,
                        'f' => from_file = Some(next("-f")?),
                        letter => return Err(format!("Unknown arguments: -{letter}")),
                    }
                }
            }
        }
    }
    options.filter = match (from_file, filter) {
        (Some(path), filter) => {
            options.files.splice(0..0, filter);
            std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?
        }
        (None, Some(filter)) => filter,
        (None, None) => ".".to_owned(),
    };
    Ok(options)
}

fn json(source: &str, what: &str) -> Result<Val, String> {
    read::parse_single(source.as_bytes()).map_err(|_| format!("Invalid JSON text passed to {what}"))
}
