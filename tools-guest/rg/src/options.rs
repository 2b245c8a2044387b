//! The command line.

use std::io::Read as _;

use grep_printer::{ColorSpecs, UserColorSpec};
use grep_searcher::Encoding;
use toolcell_program::args::{Arg, parse as arguments};
use toolcell_program::message;

/// What is printed of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    #[default]
    Lines,
    Count,
    CountMatches,
    WithMatch,
    WithoutMatch,
    Quiet,
    /// The files that would be searched.
    Files,
    /// A message in JSON for each line, file and search.
    Json,
}

/// Upper and lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Case {
    #[default]
    Sensitive,
    Insensitive,
    /// Insensitive unless the pattern has a capital.
    Smart,
}

/// What patterns are read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Engine {
    #[default]
    Usual,
    Perl,
    /// Perl's, where the usual one does not know the pattern.
    Either,
}

/// The order of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sort {
    #[default]
    Path,
    Modified,
    Accessed,
    Created,
}

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) patterns: Vec<String>,
    pub(crate) paths: Vec<String>,
    pub(crate) mode: Mode,
    pub(crate) engine: Engine,
    pub(crate) case: Case,
    pub(crate) unicode: bool,
    pub(crate) crlf: bool,
    pub(crate) null_data: bool,
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
    /// What to colour things by; none where nothing is coloured.
    pub(crate) colors: Option<ColorSpecs>,
    pub(crate) with_path: Option<bool>,
    pub(crate) only_matching: bool,
    /// Each match on a line of its own, with the line that it is in.
    pub(crate) per_match: bool,
    pub(crate) replace: Option<String>,
    pub(crate) before: usize,
    pub(crate) after: usize,
    pub(crate) passthru: bool,
    pub(crate) most: Option<u64>,
    /// Ends with the first line behind a match that does not match.
    pub(crate) stop_on_nonmatch: bool,
    pub(crate) most_columns: Option<u64>,
    pub(crate) columns_preview: bool,
    pub(crate) trim: bool,
    pub(crate) include_zero: bool,
    pub(crate) null: bool,
    pub(crate) text: bool,
    /// Binary files are searched on behind their first NUL, whether they are named or not.
    pub(crate) binary: bool,
    /// The encoding of what is searched; none finds it out by its first bytes.
    pub(crate) encoding: Option<Encoding>,
    /// Nothing is decoded, whatever the first bytes say.
    pub(crate) raw: bool,
    pub(crate) hidden: bool,
    pub(crate) ignore: bool,
    pub(crate) ignore_vcs: bool,
    pub(crate) ignore_above: bool,
    /// More files with rules of what is left out.
    pub(crate) ignore_files: Vec<String>,
    pub(crate) require_git: bool,
    pub(crate) follow: bool,
    pub(crate) depth: Option<usize>,
    pub(crate) most_bytes: Option<u64>,
    pub(crate) globs: Vec<(String, bool)>,
    pub(crate) globs_any_case: bool,
    pub(crate) types: Vec<(String, bool)>,
    pub(crate) type_changes: Vec<TypeChange>,
    pub(crate) sort: Sort,
    pub(crate) reverse: bool,
    pub(crate) silent_errors: bool,
    pub(crate) stats: bool,
    pub(crate) context_separator: Option<Vec<u8>>,
    pub(crate) match_separator: Vec<u8>,
    pub(crate) field_separator: Vec<u8>,
    pub(crate) path_separator: Option<u8>,
}

/// What the command line says of a type's globs.
#[derive(Debug)]
pub(crate) enum TypeChange {
    Add(String),
    Clear(String),
}

impl Options {
    /// Whether nothing is said of a file in which no line matches.
    pub(crate) fn only_tells_matches(&self) -> bool {
        let of_files_without = self.mode == Mode::WithoutMatch || self.include_zero;
        let by_other_lines = self.multiline || self.null_data || self.encoding.is_some();
        !(of_files_without || self.invert || self.passthru || by_other_lines || self.stats)
    }
}

pub(crate) enum Wanted {
    Search(Box<Options>),
    Text(String),
}

const LONG: &[&str] = &[
    "after-context=:A",
    "auto-hybrid-regex:auto-hybrid-regex",
    "no-auto-hybrid-regex:default-engine",
    "before-context=:B",
    "binary",
    "no-binary",
    "block-buffered:nothing",
    "no-block-buffered:nothing",
    "byte-offset:b",
    "no-byte-offset",
    "case-sensitive:s",
    "color=",
    "colors=",
    "column:column",
    "context=:C",
    "context-separator=",
    "no-context-separator",
    "count:c",
    "crlf",
    "no-crlf",
    "count-matches:count-matches",
    "debug:nothing",
    "dfa-size-limit=:nothing",
    "encoding=:E",
    "no-encoding",
    "engine=",
    "field-context-separator=",
    "field-match-separator=",
    "file=:f",
    "files:files",
    "files-with-matches:l",
    "files-without-match:files-without-match",
    "fixed-strings:F",
    "no-fixed-strings",
    "follow:L",
    "no-follow",
    "glob=:g",
    "glob-case-insensitive",
    "no-glob-case-insensitive",
    "heading:heading",
    "hidden:.",
    "hostname-bin=:nothing",
    "hyperlink-format=:nothing",
    "iglob=:iglob",
    "ignore",
    "ignore-case:i",
    "ignore-exclude:nothing",
    "ignore-file=",
    "ignore-file-case-insensitive:nothing",
    "ignore-files:nothing",
    "ignore-global:nothing",
    "ignore-messages:nothing",
    "ignore-parent",
    "ignore-vcs",
    "include-zero:include-zero",
    "no-include-zero",
    "invert-match:v",
    "no-invert-match",
    "json",
    "no-json",
    "line-buffered:nothing",
    "no-line-buffered:nothing",
    "line-number:n",
    "line-regexp:x",
    "max-columns=:M",
    "max-columns-preview",
    "no-max-columns-preview",
    "max-count=:m",
    "max-depth=:d",
    "maxdepth=:d",
    "max-filesize=",
    "messages",
    "mmap:nothing",
    "multiline:U",
    "no-multiline",
    "multiline-dotall:multiline-dotall",
    "no-multiline-dotall",
    "no-column:no-column",
    "no-config:nothing",
    "no-filename:I",
    "no-heading:no-heading",
    "no-hidden:no-hidden",
    "no-ignore:no-ignore",
    "no-ignore-exclude:nothing",
    "no-ignore-file-case-insensitive:nothing",
    "no-ignore-files",
    "no-ignore-global:nothing",
    "no-ignore-messages:nothing",
    "no-ignore-parent",
    "no-ignore-vcs:no-ignore-vcs",
    "no-line-number:N",
    "no-messages:no-messages",
    "no-mmap:nothing",
    "no-pcre2:default-engine",
    "no-pcre2-unicode:no-unicode",
    "no-require-git:no-require-git",
    "no-unicode",
    "null:0",
    "null-data",
    "one-file-system:nothing",
    "no-one-file-system:nothing",
    "only-matching:o",
    "passthru:passthru",
    "passthrough:passthru",
    "path-separator=",
    "pcre2:P",
    "pcre2-unicode:unicode",
    "pcre2-version",
    "no-pre:nothing",
    "pretty:p",
    "quiet:q",
    "regex-size-limit=:nothing",
    "regexp=:e",
    "replace=:r",
    "require-git",
    "no-search-zip:nothing",
    "smart-case:S",
    "sort=:sort",
    "sort-files:nothing",
    "no-sort-files:nothing",
    "sortr=:sortr",
    "stats",
    "no-stats",
    "stop-on-nonmatch",
    "text:a",
    "no-text",
    "threads=:nothing",
    "trace:nothing",
    "trim:trim",
    "no-trim",
    "type=:t",
    "type-add=:type-add",
    "type-clear=",
    "type-list:type-list",
    "type-not=:T",
    "unicode",
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
    let letters = "A:abB:C:cd:E:e:Ff:g:HIij:L.lM:m:NnoPpqr:Ss0t:T:UuVvwx";
    let args = arguments(words, letters, LONG).map_err(|error| match error.split_once("-- '") {
        Some((_, rest)) if error.starts_with("invalid") => {
            format!("unrecognized flag -{}", rest.trim_end_matches('\''))
        }
        Some((_, rest)) => format!("missing value for flag -{}", rest.trim_end_matches('\'')),
        None => error.replace("unrecognized option '", "unrecognized flag ").replace('\'', ""),
    })?;
    let mut o = Options {
        unicode: true,
        ignore: true,
        ignore_vcs: true,
        ignore_above: true,
        require_git: true,
        context_separator: Some(b"--".to_vec()),
        match_separator: b":".to_vec(),
        field_separator: b"-".to_vec(),
        ..Options::default()
    };
    let mut unrestricted = 0;
    let mut given = false;
    let mut colors = Vec::new();
    let mut colored = false;
    // What asks for lines on one side asks for no less than -C does on both.
    let (mut before, mut after) = (None, None);
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(operand) => {
                o.paths.push(operand);
                continue;
            }
            Arg::Option(letter, value) => (letter, value),
        };
        match letter.as_str() {
            "A" => after = Some(number("-A", value)?),
            "B" => before = Some(number("-B", value)?),
            "C" => {
                o.before = number("-C", value)?;
                o.after = o.before;
            }
            "a" => o.text = true,
            "no-text" => o.text = false,
            "auto-hybrid-regex" => o.engine = Engine::Either,
            "default-engine" => o.engine = Engine::Usual,
            "b" => o.byte_offset = true,
            "no-byte-offset" => o.byte_offset = false,
            "binary" => o.binary = true,
            "no-binary" => o.binary = false,
            "c" => o.mode = Mode::Count,
            "color" => {
                colored = match value.as_deref().unwrap_or_default() {
                    "always" | "ansi" => true,
                    "never" | "auto" => false,
                    other => return Err(invalid_choice("--color", other)),
                };
            }
            "colors" => {
                let spec: UserColorSpec = value
                    .unwrap_or_default()
                    .parse()
                    .map_err(|error| format!("error parsing flag --colors: {error}"))?;
                colors.push(spec);
            }
            "context-separator" => o.context_separator = value.map(|text| unescape(&text)),
            "no-context-separator" => o.context_separator = None,
            "crlf" => o.crlf = true,
            "no-crlf" => o.crlf = false,
            "count-matches" => o.mode = Mode::CountMatches,
            "column" => (o.column, o.line_number) = (true, true),
            "no-column" => o.column = false,
            "d" => o.depth = Some(number("-d", value)?),
            "E" => (o.encoding, o.raw) = encoding(&value.unwrap_or_default())?,
            "no-encoding" => (o.encoding, o.raw) = (None, false),
            "engine" => {
                o.engine = match value.as_deref().unwrap_or_default() {
                    "default" => Engine::Usual,
                    "pcre2" => Engine::Perl,
                    "auto" => Engine::Either,
                    other => return Err(invalid_choice("--engine", other)),
                };
            }
            "j" | "nothing" => {}
            "e" => {
                given = true;
                o.patterns.extend(value);
            }
            "F" => o.fixed = true,
            "no-fixed-strings" => o.fixed = false,
            "f" => {
                given = true;
                let path = value.unwrap_or_default();
                let mut text = String::new();
                toolcell_program::open(&path)
                    .and_then(|mut input| input.read_to_string(&mut text))
                    .map_err(|error| format!("{path}: {}", message(&error)))?;
                o.patterns.extend(text.lines().map(str::to_owned));
            }
            "field-context-separator" => o.field_separator = unescape(&value.unwrap_or_default()),
            "field-match-separator" => o.match_separator = unescape(&value.unwrap_or_default()),
            "files" => o.mode = Mode::Files,
            "files-without-match" => o.mode = Mode::WithoutMatch,
            "g" => o.globs.extend(value.map(|glob| (glob, false))),
            "glob-case-insensitive" => o.globs_any_case = true,
            "no-glob-case-insensitive" => o.globs_any_case = false,
            "iglob" => o.globs.extend(value.map(|glob| (glob, true))),
            "H" => o.with_path = Some(true),
            "heading" => o.heading = true,
            "no-heading" => o.heading = false,
            "I" => o.with_path = Some(false),
            "i" => o.case = Case::Insensitive,
            "ignore" => o.ignore = true,
            "ignore-file" => o.ignore_files.extend(value),
            "no-ignore-files" => o.ignore_files.clear(),
            "ignore-parent" => o.ignore_above = true,
            "no-ignore-parent" => o.ignore_above = false,
            "ignore-vcs" => o.ignore_vcs = true,
            "include-zero" => o.include_zero = true,
            "no-include-zero" => o.include_zero = false,
            "json" => o.mode = Mode::Json,
            "no-json" if o.mode == Mode::Json => o.mode = Mode::Lines,
            "no-json" => {}
            "L" => o.follow = true,
            "no-follow" => o.follow = false,
            "." => o.hidden = true,
            "no-hidden" => o.hidden = false,
            "l" => o.mode = Mode::WithMatch,
            "M" => o.most_columns = Some(number("-M", value)?).filter(|most| *most > 0),
            "max-columns-preview" => o.columns_preview = true,
            "no-max-columns-preview" => o.columns_preview = false,
            "max-filesize" => o.most_bytes = Some(size(&value.unwrap_or_default())?),
            "m" => o.most = Some(number("-m", value)?),
            "messages" => o.silent_errors = false,
            "multiline-dotall" => o.dot_all = true,
            "no-multiline-dotall" => o.dot_all = false,
            "N" => o.line_number = false,
            "n" => o.line_number = true,
            "no-ignore" => o.ignore = false,
            "no-ignore-vcs" => o.ignore_vcs = false,
            "no-messages" => o.silent_errors = true,
            "no-require-git" => o.require_git = false,
            "require-git" => o.require_git = true,
            "no-unicode" => o.unicode = false,
            "unicode" => o.unicode = true,
            "0" => o.null = true,
            "null-data" => o.null_data = true,
            "o" => o.only_matching = true,
            "P" => o.engine = Engine::Perl,
            // The colours of it are for terminals that have some, and TERM says that there is none.
            "p" => (o.heading, o.line_number) = (true, true),
            "passthru" => o.passthru = true,
            "path-separator" => {
                o.path_separator = match unescape(&value.unwrap_or_default())[..] {
                    [] => None,
                    [byte] => Some(byte),
                    _ => return Err("A path separator must be exactly one byte".to_owned()),
                };
            }
            "pcre2-version" => {
                let text = "PCRE2 is not in this build: -P is an engine with its syntax.\n";
                return Ok(Wanted::Text(text.to_owned()));
            }
            "q" => o.mode = Mode::Quiet,
            "r" => o.replace = value,
            "S" => o.case = Case::Smart,
            "s" => o.case = Case::Sensitive,
            "sort" | "sortr" => {
                o.reverse = letter == "sortr";
                o.sort = match value.as_deref().unwrap_or_default() {
                    "none" | "path" => Sort::Path,
                    "modified" => Sort::Modified,
                    "accessed" => Sort::Accessed,
                    "created" => Sort::Created,
                    other => return Err(invalid_choice(&format!("--{letter}"), other)),
                };
            }
            "stats" => o.stats = true,
            "no-stats" => o.stats = false,
            "stop-on-nonmatch" => o.stop_on_nonmatch = true,
            "t" => o.types.extend(value.map(|name| (name, true))),
            "T" => o.types.extend(value.map(|name| (name, false))),
            "trim" => o.trim = true,
            "no-trim" => o.trim = false,
            "type-add" => o.type_changes.extend(value.map(TypeChange::Add)),
            "type-clear" => o.type_changes.extend(value.map(TypeChange::Clear)),
            "type-list" => return Ok(Wanted::Text(type_list())),
            "U" => o.multiline = true,
            "no-multiline" => o.multiline = false,
            "u" => unrestricted += 1,
            "V" => {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Wanted::Text(format!(
                    "ripgrep (Toolcell) {version}, compatible with ripgrep 14\n"
                )));
            }
            "v" => o.invert = true,
            "no-invert-match" => o.invert = false,
            "vimgrep" => {
                (o.column, o.line_number, o.with_path) = (true, true, Some(true));
                o.per_match = true;
            }
            "w" => o.word = true,
            "x" => o.whole_line = true,
            letter => return Err(format!("the flag -{letter} is not supported")),
        }
    }
    o.before = before.unwrap_or(o.before);
    o.after = after.unwrap_or(o.after);
    if unrestricted >= 1 {
        o.ignore = false;
    }
    if unrestricted >= 2 {
        o.hidden = true;
    }
    if unrestricted >= 3 {
        o.binary = true;
    }
    if o.mode == Mode::Count && o.only_matching {
        o.mode = Mode::CountMatches;
    }
    if o.mode == Mode::Json {
        o.stats = true;
    }
    if colored {
        let mut all = grep_printer::default_color_specs();
        all.append(&mut colors);
        o.colors = Some(ColorSpecs::new(&all));
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

fn invalid_choice(flag: &str, value: &str) -> String {
    format!("error parsing flag {flag}: choice '{value}' is unrecognized")
}

/// A label such as `utf-16`: the encoding, and whether nothing is decoded at all.
fn encoding(label: &str) -> Result<(Option<Encoding>, bool), String> {
    match label {
        "auto" => Ok((None, false)),
        "none" => Ok((None, true)),
        label => match Encoding::new(label) {
            Ok(encoding) => Ok((Some(encoding), false)),
            Err(error) => Err(format!("error parsing flag -E: {error}")),
        },
    }
}

/// A number of bytes: `10K`, `5M`, `1G`.
fn size(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M') => (&text[..text.len() - 1], 1 << 20),
        Some(b'G') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let count = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(factor));
    count.ok_or_else(|| {
        format!(
            "error parsing flag --max-filesize: invalid format for size '{text}', which should \
             be a non-empty sequence of digits followed by an optional 'K', 'M' or 'G' suffix"
        )
    })
}

/// Text in which `\t`, `\n`, `\r`, `\0`, `\\` and `\x7F` stand for bytes.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let simple = match (c, rest.as_bytes().first()) {
            ('\\', Some(b't')) => Some(b'\t'),
            ('\\', Some(b'n')) => Some(b'\n'),
            ('\\', Some(b'r')) => Some(b'\r'),
            ('\\', Some(b'0')) => Some(0),
            ('\\', Some(b'\\')) => Some(b'\\'),
            ('\\', Some(b'x')) => {
                let byte = rest.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                if let Some(byte) = byte {
                    bytes.push(byte);
                    rest = &rest[3..];
                    continue;
                }
                None
            }
            _ => None,
        };
        match simple {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[1..];
            }
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
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
