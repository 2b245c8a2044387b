//! `compgen`: what a word may become; and the builtins of completion, line editing and history,
//! which in a shell that runs a script do as little as in bash.

use toolcell_text::Pattern;

use super::{Call, Letters, NAMES, signal_name};
use crate::shell::{Run, Shell, Unwind};
use crate::state::SHOPTS;
use crate::syntax::ast::Kind;
use crate::syntax::{self, Parser};
use crate::system::{FileKind, System};
use crate::vars::Value;

/// The letters that stand for actions.
const LETTERS: &[(char, &str)] = &[
    ('a', "alias"),
    ('b', "builtin"),
    ('c', "command"),
    ('d', "directory"),
    ('e', "export"),
    ('f', "file"),
    ('g', "group"),
    ('j', "job"),
    ('k', "keyword"),
    ('s', "service"),
    ('u', "user"),
    ('v', "variable"),
];

/// All actions, in the order in which their words come.
const ACTIONS: &[&str] = &[
    "alias",
    "arrayvar",
    "binding",
    "builtin",
    "disabled",
    "enabled",
    "export",
    "function",
    "helptopic",
    "hostname",
    "job",
    "keyword",
    "running",
    "setopt",
    "shopt",
    "signal",
    "stopped",
    "variable",
    "command",
    "file",
    "user",
    "group",
    "service",
    "directory",
];

pub(super) fn compgen<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut actions: Vec<String> = Vec::new();
    let (mut glob, mut words, mut filter) = (None, None, None);
    let (mut prefix, mut suffix) = (String::new(), String::new());
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        if let Some((_, action)) = LETTERS.iter().find(|(known, _)| *known == letter) {
            actions.push((*action).to_owned());
            continue;
        }
        if !"AGWFCXPSo".contains(letter) {
            return shell.bad_option(call, letter);
        }
        let Some(value) = letters.value() else {
            return shell.lacks_value(call, letter);
        };
        match letter {
            'A' if ACTIONS.contains(&value) => actions.push(value.to_owned()),
            'A' => {
                shell.builtin_error(call, &format!("{value}: invalid action name"));
                return Ok(2);
            }
            'G' => glob = Some(value),
            'W' => words = Some(value),
            'X' => filter = Some(value),
            'P' => prefix = value.to_owned(),
            'S' => suffix = value.to_owned(),
            // What a line editor makes of the words.
            'o' => {}
            letter => {
                let message = format!("-{letter} is not supported: there is no line to complete");
                shell.builtin_error(call, &message);
                return Ok(1);
            }
        }
    }
    let word = letters.operands().first().cloned().unwrap_or_default();
    let nothing_asked = actions.is_empty() && glob.is_none() && words.is_none();
    let mut found = Vec::new();
    for action in ACTIONS.iter().filter(|action| actions.iter().any(|given| given == **action)) {
        let mut candidates = shell.candidates(action, &word);
        candidates.retain(|candidate| candidate.starts_with(&word));
        found.append(&mut candidates);
    }
    if let Some(pattern) = glob {
        found.append(&mut shell.glob_pattern(pattern));
    }
    if let Some(list) = words {
        let mut list = shell.split_list(list)?;
        list.retain(|candidate| candidate.starts_with(&word));
        found.append(&mut list);
    }
    if let Some(filter) = filter {
        // An `&` stands for the word; a `!` keeps what matches.
        let (keeps, pattern) = match filter.strip_prefix('!') {
            Some(pattern) => (true, pattern),
            None => (false, filter),
        };
        let pattern =
            Pattern::new(&pattern.replace('&', &word), shell.state.shopt("extglob"), false);
        found.retain(|candidate| pattern.matches(candidate) == keeps);
    }
    if found.is_empty() {
        return Ok(i32::from(!nothing_asked));
    }
    let output: String =
        found.iter().map(|candidate| format!("{prefix}{candidate}{suffix}\n")).collect();
    shell.print(call, &output)
}

/// `complete`: it says how a line editor completes, and there is none.
pub(super) fn complete<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            'A' | 'C' | 'F' | 'G' | 'P' | 'S' | 'W' | 'X' | 'o' => drop(letters.value()),
            letter if "abcdefgjksuvprDEI".contains(letter) => {}
            letter => return shell.bad_option(call, letter),
        }
    }
    Ok(0)
}

pub(super) fn compopt<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            'o' => drop(letters.value()),
            'D' | 'E' | 'I' => {}
            letter => return shell.bad_option(call, letter),
        }
    }
    shell.builtin_error(call, "not currently executing completion function");
    Ok(1)
}

pub(super) fn bind<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    shell.builtin_error(call, "warning: line editing not enabled");
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            'm' | 'f' | 'q' | 'u' | 'r' | 'x' => drop(letters.value()),
            letter if "lpsvPSVX".contains(letter) => {}
            letter => return shell.bad_option(call, letter),
        }
    }
    Ok(0)
}

/// `history` and `fc`: a script has no history. A person's is kept outside of the shell.
pub(super) fn history<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let known = match call.name() {
        "fc" => "elnrs",
        _ => "cdanrwps",
    };
    // A number of `fc` is a command, counted from the last.
    let counts = |word: &&String| call.name() == "fc" && word[1..].parse::<u32>().is_ok();
    let mut letters = Letters::new(call.args());
    while letters.operands().first().is_none_or(|word| word.len() < 2 || !counts(&word)) {
        match letters.next() {
            Some('e' | 'd') => drop(letters.value()),
            Some(letter) if known.contains(letter) => {}
            Some(letter) => return shell.bad_option(call, letter),
            None => break,
        }
    }
    match shell.state.interactive {
        true => {
            shell.builtin_error(call, "not supported: the history is kept outside of this shell");
            Ok(2)
        }
        false => Ok(0),
    }
}

/// `suspend` and `logout`.
pub(super) fn leave<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    if call.name() == "suspend"
        && let Some(letter) = letters.next().filter(|letter| *letter != 'f')
    {
        return shell.bad_option(call, letter);
    }
    let why = match call.name() {
        "suspend" => "cannot suspend: no job control",
        _ => "not login shell: use `exit'",
    };
    shell.builtin_error(call, why);
    Ok(1)
}

impl<S: System> Shell<S> {
    /// The words of an action; of files and directories, those that begin as `word` does.
    fn candidates(&mut self, action: &str, word: &str) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        match action {
            "alias" => {
                let mut names: Vec<String> = self.state.aliases.keys().cloned().collect();
                names.sort_unstable();
                names
            }
            "arrayvar" => {
                self.variables(|value, _| matches!(value, Value::Indexed(_) | Value::Assoc(_)))
            }
            "builtin" | "helptopic" => owned(NAMES),
            "command" => self.commands(word),
            "directory" => self.files(word, true),
            "disabled" => self.state.disabled.iter().cloned().collect(),
            "enabled" => {
                let disabled = &self.state.disabled;
                let enabled = NAMES.iter().filter(|name| !disabled.contains(**name));
                enabled.map(|name| (*name).to_owned()).collect()
            }
            "export" => self.variables(|_, exported| exported),
            "file" => self.files(word, false),
            "function" => self.state.functions.keys().cloned().collect(),
            "group" => self.names_in("/etc/group"),
            "hostname" => self.hosts(),
            "job" | "running" => {
                self.reap();
                let all = action == "job";
                let jobs = self.jobs.list.iter().filter(|job| all || !job.is_done());
                // A job goes by the first word of its text.
                let first = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
                jobs.map(|job| first(&job.text)).collect()
            }
            "keyword" => owned(syntax::KEYWORDS),
            "setopt" => {
                let options = self.state.options.list();
                options.iter().map(|(name, ..)| (*name).to_owned()).collect()
            }
            "shopt" => SHOPTS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            "signal" => (1..=31).filter_map(signal_name).map(|name| format!("SIG{name}")).collect(),
            "user" => self.names_in("/etc/passwd"),
            "variable" => self.variables(|_, _| true),
            // There are no services, no stopped jobs and no keys to bind.
            _ => Vec::new(),
        }
    }

    fn variables(&self, wanted: impl Fn(&Value, bool) -> bool) -> Vec<String> {
        let mut names = self.state.vars.names();
        names.retain(|name| {
            let var = self.state.vars.get(name);
            var.is_some_and(|var| wanted(&var.value, var.attributes.export))
        });
        names
    }

    /// Aliases, keywords, functions, builtins, and the programs of each directory of `PATH`.
    fn commands(&mut self, word: &str) -> Vec<String> {
        let mut names = Vec::new();
        for action in ["alias", "keyword", "function", "builtin"] {
            names.append(&mut self.candidates(action, word));
        }
        let path = self.get("PATH").unwrap_or_default();
        for directory in path.split(':').filter(|directory| !directory.is_empty()) {
            let full = self.absolute(directory);
            let entries = self.sys.read_dir(&full).unwrap_or_default();
            let mut programs: Vec<String> = entries
                .into_iter()
                .filter(|(_, kind)| *kind != FileKind::Directory)
                .map(|(name, _)| name)
                .collect();
            programs.sort_unstable();
            names.append(&mut programs);
        }
        names
    }

    fn files(&mut self, word: &str, only_directories: bool) -> Vec<String> {
        let (directory, begin) = match word.rsplit_once('/') {
            Some((directory, begin)) => (format!("{directory}/"), begin),
            None => (String::new(), word),
        };
        let full = self.absolute(if directory.is_empty() { "." } else { &directory });
        let entries = self.sys.read_dir(&full).unwrap_or_default();
        let mut names = Vec::new();
        for (name, kind) in entries {
            if !name.starts_with(begin) || begin.is_empty() && matches!(name.as_str(), "." | "..") {
                continue;
            }
            let path = format!("{directory}{name}");
            let mut is_directory = || match kind {
                FileKind::Directory => true,
                FileKind::Symlink => self.is_directory(&path),
                _ => false,
            };
            if !only_directories || is_directory() {
                names.push(path);
            }
        }
        names.sort_unstable();
        names
    }

    /// The first field of each line.
    fn names_in(&mut self, path: &str) -> Vec<String> {
        let content = self.read_file(path).unwrap_or_default();
        let content = String::from_utf8_lossy(&content).into_owned();
        content.lines().filter_map(|line| line.split(':').next()).map(str::to_owned).collect()
    }

    fn hosts(&mut self) -> Vec<String> {
        let content = self.read_file("/etc/hosts").unwrap_or_default();
        let content = String::from_utf8_lossy(&content).into_owned();
        let names = content.lines().flat_map(|line| line.split_whitespace().skip(1));
        names.map(str::to_owned).collect()
    }

    /// The words of `-W`: they are split by `IFS` and expanded, but for names of files.
    fn split_list(&mut self, list: &str) -> Result<Vec<String>, Unwind> {
        let ifs = self.get("IFS").unwrap_or_else(|| " \t\n".to_owned());
        let blank = |c: char| matches!(c, ' ' | '\t' | '\n');
        let source = match ifs.chars().all(blank) {
            true => list.replace('\n', " "),
            // Blanks are a part of words that something else separates.
            false => {
                let pieces = list.split(|c| ifs.contains(c)).filter(|piece| !piece.is_empty());
                pieces.map(|piece| format!("\"{piece}\" ")).collect()
            }
        };
        let source = format!(": {source}");
        let mut parser = Parser::new(&source, self.state.line, self.parse_options());
        let Ok(Some(parsed)) = parser.next_command() else { return Ok(Vec::new()) };
        let stage = parsed.0.first().and_then(|item| item.first.stages.first());
        let Some(Kind::Simple { args, .. }) = stage.map(|stage| &stage.command.kind) else {
            return Ok(Vec::new());
        };
        let noglob = std::mem::replace(&mut self.state.options.noglob, true);
        let words = self.expand_args(&args[1..]);
        self.state.options.noglob = noglob;
        words
    }
}
