//! The command line.

use toolcell_program::args::{Arg, parse as arguments};

/// What is printed of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Lines,
    Count,
    CountMatches,
    WithMatch,
    WithoutMatch,
    Quiet,
    /// The files that would be searched.
    Files,
}

/// Upper and lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Insensitive,
    /// Insensitive unless the pattern has a capital.
    Smart,
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) patterns: Vec<String>,
    pub(crate) paths: Vec<String>,
    pub(crate) mode: Mode,
    pub(crate) case: Case,
    pub(crate) crlf: bool,
    pub(crate) fixed: bool,
    pub(crate) word: bool,
    pub(crate) whole_line: bool,
    pub(crate) invert: bool,
    pub(crate) multiline: bool,
    pub(crate) dot_all: bool,
    pub(crate) line_number: bool,
    pub(crate) column: bool,
    pub(crate) byte_offset: bool,
    pub(crate) heading: bool,
    pub(crate) with_path: Option<bool>,
    pub(crate) only_matching: bool,
    pub(crate) replace: Option<String>,
    pub(crate) before: usize,
    pub(crate) after: usize,
    pub(crate) passthru: bool,
    pub(crate) most: Option<u64>,
    pub(crate) most_columns: Option<u64>,
    pub(crate) trim: bool,
    pub(crate) include_zero: bool,
    pub(crate) null: bool,
    pub(crate) text: bool,
    pub(crate) hidden: bool,
    pub(crate) ignore: bool,
    pub(crate) ignore_vcs: bool,
    pub(crate) require_git: bool,
    pub(crate) follow: bool,
    pub(crate) depth: Option<usize>,
    pub(crate) globs: Vec<(String, bool)>,
    pub(crate) types: Vec<(String, bool)>,
    pub(crate) type_adds: Vec<String>,
    pub(crate) reverse: bool,
    pub(crate) silent_errors: bool,
}

impl Options {
    /// Whether nothing is said of a file in which no line matches.
    pub(crate) fn only_tells_matches(&self) -> bool {
        let of_files_without = self.mode == Mode::WithoutMatch || self.include_zero;
        !(of_files_without || self.invert || self.passthru || self.multiline)
    }
}

pub(crate) enum Wanted {
    Search(Box<Options>),
    Text(String),
}

const LONG: &[&str] = &[
    "after-context=:A",
    "auto-hybrid-regex:nothing",
    "before-context=:B",
    "block-buffered:nothing",
    "byte-offset:b",
    "case-sensitive:s",
    "color=:color",
    "colors=:color",
    "column:column",
    "context=:C",
    "count:c",
    "crlf",
    "no-crlf",
    "count-matches:count-matches",
    "engine=:color",
    "file=:f",
    "files:files",
    "files-with-matches:l",
    "files-without-match:files-without-match",
    "fixed-strings:F",
    "follow:L",
    "glob=:g",
    "heading:heading",
    "hidden:.",
    "iglob=:iglob",
    "ignore-case:i",
    "include-zero:include-zero",
    "invert-match:v",
    "line-buffered:nothing",
    "line-number:n",
    "line-regexp:x",
    "max-columns=:M",
    "max-count=:m",
    "max-depth=:d",
    "mmap:nothing",
    "multiline:U",
    "multiline-dotall:multiline-dotall",
    "no-column:no-column",
    "no-config:nothing",
    "no-filename:I",
    "no-heading:no-heading",
    "no-hidden:no-hidden",
    "no-ignore:no-ignore",
    "no-ignore-parent:nothing",
    "no-ignore-vcs:no-ignore-vcs",
    "no-line-number:N",
    "no-messages:no-messages",
    "no-mmap:nothing",
    "no-require-git:no-require-git",
    "no-unicode:nothing",
    "null:0",
    "only-matching:o",
    "passthru:passthru",
    "passthrough:passthru",
    "pretty:p",
    "quiet:q",
    "regexp=:e",
    "replace=:r",
    "smart-case:S",
    "sort=:sort",
    "sortr=:sortr",
    "text:a",
    "threads=:color",
    "trim:trim",
    "type=:t",
    "type-add=:type-add",
    "type-list:type-list",
    "type-not=:T",
    "unrestricted:u",
    "version:V",
    "vimgrep:vimgrep",
    "with-filename:H",
    "word-regexp:w",
];

fn number<T: std::str::FromStr>(name: &str, value: Option<String>) -> Result<T, String> {
    let value = value.unwrap_or_default();
    value.parse().map_err(|_| format!("error parsing flag {name}: value is not a valid number"))
}

pub(crate) fn parse(words: &[String]) -> Result<Wanted, String> {
    let letters = "A:abB:C:cd:E:e:Ff:g:HIij:L.lM:m:NnopqQr:Ss0t:T:UuVvwxz";
    let args = arguments(words, letters, LONG).map_err(|error| match error.split_once("-- '") {
        Some((_, rest)) => format!("unrecognized flag -{}", rest.trim_end_matches('\'')),
        None => error.replace("unrecognized option '", "unrecognized flag ").replace('\'', ""),
    })?;
    let mut o = Options {
        patterns: Vec::new(),
        paths: Vec::new(),
        mode: Mode::Lines,
        case: Case::Sensitive,
        crlf: false,
        fixed: false,
        word: false,
        whole_line: false,
        invert: false,
        multiline: false,
        dot_all: false,
        line_number: false,
        column: false,
        byte_offset: false,
        heading: false,
        with_path: None,
        only_matching: false,
        replace: None,
        before: 0,
        after: 0,
        passthru: false,
        most: None,
        most_columns: None,
        trim: false,
        include_zero: false,
        null: false,
        text: false,
        hidden: false,
        ignore: true,
        ignore_vcs: true,
        require_git: true,
        follow: false,
        depth: None,
        globs: Vec::new(),
        types: Vec::new(),
        type_adds: Vec::new(),
        reverse: false,
        silent_errors: false,
    };
    let mut unrestricted = 0;
    let mut given = false;
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(operand) => {
                o.paths.push(operand);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        match letter.as_str() {
            "A" => o.after = number("-A", value)?,
            "B" => o.before = number("-B", value)?,
            "C" => {
                o.before = number("-C", value)?;
                o.after = o.before;
            }
            "a" => o.text = true,
            "b" => o.byte_offset = true,
            "c" => o.mode = Mode::Count,
            "crlf" => o.crlf = true,
            "no-crlf" => o.crlf = false,
            "count-matches" => o.mode = Mode::CountMatches,
            "column" => (o.column, o.line_number) = (true, true),
            "no-column" => o.column = false,
            "d" => o.depth = Some(number("-d", value)?),
            "E" | "color" | "j" | "nothing" | "sort" => {}
            "e" => {
                given = true;
                o.patterns.extend(value);
            }
            "F" => o.fixed = true,
            "f" => {
                given = true;
                let path = value.unwrap_or_default();
                let mut text = String::new();
                toolcell_program::open(&path)
                    .and_then(|mut input| input.read_to_string(&mut text))
                    .map_err(|error| format!("{path}: {error}"))?;
                o.patterns.extend(text.lines().map(str::to_owned));
            }
            "files" => o.mode = Mode::Files,
            "files-without-match" => o.mode = Mode::WithoutMatch,
            "g" => o.globs.extend(value.map(|glob| (glob, false))),
            "iglob" => o.globs.extend(value.map(|glob| (glob, true))),
            "H" => o.with_path = Some(true),
            "heading" => o.heading = true,
            "no-heading" => o.heading = false,
            "I" => o.with_path = Some(false),
            "i" => o.case = Case::Insensitive,
            "include-zero" => o.include_zero = true,
            "L" => o.follow = true,
            "." => o.hidden = true,
            "no-hidden" => o.hidden = false,
            "l" => o.mode = Mode::WithMatch,
            "M" => o.most_columns = Some(number("-M", value)?).filter(|most| *most > 0),
            "m" => o.most = Some(number("-m", value)?),
            "multiline-dotall" => o.dot_all = true,
            "N" => o.line_number = false,
            "n" => o.line_number = true,
            "no-ignore" => o.ignore = false,
            "no-ignore-vcs" => o.ignore_vcs = false,
            "no-messages" => o.silent_errors = true,
            "no-require-git" => o.require_git = false,
            "0" => o.null = true,
            "o" => o.only_matching = true,
            "p" => (o.heading, o.line_number) = (true, true),
            "passthru" => o.passthru = true,
            "q" => o.mode = Mode::Quiet,
            "r" => o.replace = value,
            "S" => o.case = Case::Smart,
            "s" => o.case = Case::Sensitive,
            "sortr" => o.reverse = true,
            "t" => o.types.extend(value.map(|name| (name, true))),
            "T" => o.types.extend(value.map(|name| (name, false))),
            "trim" => o.trim = true,
            "type-add" => o.type_adds.extend(value),
            "type-list" => return Ok(Wanted::Text(type_list())),
            "U" => o.multiline = true,
            "u" => unrestricted += 1,
            "V" => {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Wanted::Text(format!("ripgrep (Toolcell) {version}\n")));
            }
            "v" => o.invert = true,
            "vimgrep" => {
                (o.column, o.line_number, o.with_path) = (true, true, Some(true));
            }
            "w" => o.word = true,
            "x" => o.whole_line = true,
            letter => return Err(format!("the flag -{letter} is not supported")),
        }
    }
    if unrestricted >= 1 {
        o.ignore = false;
    }
    if unrestricted >= 2 {
        o.hidden = true;
    }
    if unrestricted >= 3 {
        o.text = true;
    }
    if !given && o.mode != Mode::Files {
        if o.paths.is_empty() {
            return Err(
                "the following required arguments were not provided:\n  <PATTERN>".to_owned()
            );
        }
        o.patterns.push(o.paths.remove(0));
    }
    Ok(Wanted::Search(Box::new(o)))
}

fn type_list() -> String {
    let mut builder = ignore::types::TypesBuilder::new();
    builder.add_defaults();
    let lines = builder
        .definitions()
        .into_iter()
        .map(|definition| format!("{}: {}\n", definition.name(), definition.globs().join(", ")));
    lines.collect()
}
