//! What each builtin and keyword is for: `help`, `--help`, and the usage lines of error messages.

use toolcell_text::Pattern;

use super::{Call, Letters};
use crate::shell::{Run, Shell};
use crate::system::System;

/// One builtin or keyword.
struct Topic {
    name: &'static str,
    /// How it is written, as GNU bash's usage lines have it.
    usage: &'static str,
    /// What it does, in a sentence.
    does: &'static str,
}

const fn topic(name: &'static str, usage: &'static str, does: &'static str) -> Topic {
    Topic { name, usage, does }
}

/// Sorted by name.
const TOPICS: &[Topic] = &[
    topic("%", "job_spec [&]", "Bring a job to the foreground, or let it go on in the background."),
    topic("(( ... ))", "(( expression ))", "Evaluate an arithmetic expression; 0 is a failure."),
    topic(".", ". filename [arguments]", "Run the commands of a file in this shell."),
    topic(":", ":", "Do nothing, successfully."),
    topic("[", "[ arg... ]", "Evaluate a condition; as `test', up to a closing `]'."),
    topic("[[ ... ]]", "[[ expression ]]", "Evaluate a condition whose words are not split."),
    topic("alias", "alias [-p] [name[=value] ... ]", "Define or show aliases."),
    topic("bg", "bg [job_spec ...]", "Let stopped jobs go on in the background."),
    topic(
        "bind",
        "bind [-lpsvPSVX] [-m keymap] [-f filename] [-q name] [-u name] [-r keyseq] \
         [-x keyseq:shell-command] [keyseq:readline-function or readline-command]",
        "Say what keys do in a line editor.",
    ),
    topic("break", "break [n]", "Leave a loop, or n of them."),
    topic(
        "builtin",
        "builtin [shell-builtin [arg ...]]",
        "Run a builtin, whatever else its name is.",
    ),
    topic("caller", "caller [expr]", "Show where the running function was called."),
    topic(
        "case",
        "case WORD in [PATTERN [| PATTERN]...) COMMANDS ;;]... esac",
        "Run the commands of the first pattern that a word matches.",
    ),
    topic(
        "cd",
        "cd [-L|[-P [-e]] [-@]] [dir]",
        "Change the working directory; without dir, to HOME.",
    ),
    topic(
        "command",
        "command [-pVv] command [arg ...]",
        "Run a command that is no function, or say what it is.",
    ),
    topic(
        "compgen",
        "compgen [-abcdefgjksuv] [-o option] [-A action] [-G globpat] [-W wordlist] \
         [-F function] [-C command] [-X filterpat] [-P prefix] [-S suffix] [word]",
        "List what a word may be completed to.",
    ),
    topic(
        "complete",
        "complete [-abcdefgjksuv] [-pr] [-DEI] [-o option] [-A action] [-G globpat] \
         [-W wordlist] [-F function] [-C command] [-X filterpat] [-P prefix] [-S suffix] \
         [name ...]",
        "Say how a line editor completes the words of a command.",
    ),
    topic(
        "compopt",
        "compopt [-o|+o option] [-DEI] [name ...]",
        "Change the options of a completion.",
    ),
    topic(
        "continue",
        "continue [n]",
        "Go on with the next round of a loop, or of the nth around it.",
    ),
    topic("coproc", "coproc [NAME] command [redirections]", "Run a command beside, on two pipes."),
    topic(
        "declare",
        "declare [-aAfFgiIlnrtux] [name[=value] ...] or declare -p [-aAfFilnrtux] [name ...]",
        "Set values and attributes of variables, or show them.",
    ),
    topic("dirs", "dirs [-clpv] [+N] [-N]", "Show the stack of directories."),
    topic(
        "disown",
        "disown [-h] [-ar] [jobspec ... | pid ...]",
        "Forget jobs; they go on running.",
    ),
    topic("echo", "echo [-neE] [arg ...]", "Write arguments, with a blank between each."),
    topic(
        "enable",
        "enable [-a] [-dnps] [-f filename] [name ...]",
        "Turn builtins on and off, or list them.",
    ),
    topic("eval", "eval [arg ...]", "Run arguments, joined by blanks, as a command."),
    topic(
        "exec",
        "exec [-cl] [-a name] [command [argument ...]] [redirection ...]",
        "Put a program in this shell's place; without one, keep the redirections.",
    ),
    topic("exit", "exit [n]", "Leave the shell with status n."),
    topic(
        "export",
        "export [-fn] [name[=value] ...] or export -p",
        "Give variables to the programs that are started.",
    ),
    topic("false", "false", "Do nothing, unsuccessfully."),
    topic(
        "fc",
        "fc [-e ename] [-lnr] [first] [last] or fc -s [pat=rep] [command]",
        "Show or repeat commands of the history.",
    ),
    topic("fg", "fg [job_spec]", "Bring a job to the foreground."),
    topic(
        "for",
        "for NAME [in WORDS ... ] ; do COMMANDS; done",
        "Run commands once for each word.",
    ),
    topic(
        "for ((",
        "for (( exp1; exp2; exp3 )); do COMMANDS; done",
        "Run commands while an arithmetic expression is not 0.",
    ),
    topic(
        "function",
        "function name { COMMANDS ; } or name () { COMMANDS ; }",
        "Define a function.",
    ),
    topic("getopts", "getopts optstring name [arg ...]", "Take the next option of the arguments."),
    topic(
        "hash",
        "hash [-lr] [-p pathname] [-dt] [name ...]",
        "Remember, forget or show where programs are.",
    ),
    topic("help", "help [-dms] [pattern ...]", "Say what builtins and keywords do."),
    topic(
        "history",
        "history [-c] [-d offset] [n] or history -anrw [filename] or history -ps arg [arg...]",
        "Show or change the history.",
    ),
    topic(
        "if",
        "if COMMANDS; then COMMANDS; [ elif COMMANDS; then COMMANDS; ]... [ else COMMANDS; ] fi",
        "Run commands if others succeed.",
    ),
    topic(
        "jobs",
        "jobs [-lnprs] [jobspec ...] or jobs -x command [args]",
        "Show the jobs of this shell.",
    ),
    topic(
        "kill",
        "kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]",
        "Send a signal to processes, SIGTERM if none is named.",
    ),
    topic(
        "let",
        "let arg [arg ...]",
        "Evaluate arithmetic expressions; a last one of 0 is a failure.",
    ),
    topic("local", "local [option] name[=value] ...", "Declare variables of the running function."),
    topic("logout", "logout [n]", "Leave a login shell."),
    topic(
        "mapfile",
        "mapfile [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] \
         [-c quantum] [array]",
        "Read lines into an array, MAPFILE if none is named.",
    ),
    topic("popd", "popd [-n] [+N | -N]", "Take a directory from the stack and change to the next."),
    topic(
        "printf",
        "printf [-v var] format [arguments]",
        "Write arguments as a format says, or assign the text.",
    ),
    topic(
        "pushd",
        "pushd [-n] [+N | -N | dir]",
        "Put the working directory on the stack and change to another.",
    ),
    topic("pwd", "pwd [-LP]", "Show the working directory."),
    topic(
        "read",
        "read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] \
         [-t timeout] [-u fd] [name ...]",
        "Read a line and split it into variables, REPLY if none is named.",
    ),
    topic(
        "readarray",
        "readarray [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] \
         [-c quantum] [array]",
        "Read lines into an array; as `mapfile'.",
    ),
    topic(
        "readonly",
        "readonly [-aAf] [name[=value] ...] or readonly -p",
        "Set variables that cannot be changed any more.",
    ),
    topic("return", "return [n]", "Leave a function or a sourced file with status n."),
    topic(
        "select",
        "select NAME [in WORDS ... ;] do COMMANDS; done",
        "Show a menu of words and run commands for each choice.",
    ),
    topic(
        "set",
        "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]",
        "Set options and positional parameters, or show variables.",
    ),
    topic("shift", "shift [n]", "Drop the first n positional parameters."),
    topic("shopt", "shopt [-pqsu] [-o] [optname ...]", "Set, unset or show options of the shell."),
    topic("source", "source filename [arguments]", "Run the commands of a file in this shell."),
    topic("suspend", "suspend [-f]", "Stop the shell until it is told to go on."),
    topic("test", "test [expr]", "Evaluate a condition."),
    topic("time", "time [-p] pipeline", "Say how long a pipeline took."),
    topic("times", "times", "Show the processor time of the shell and of what it ran."),
    topic(
        "trap",
        "trap [-lp] [[arg] signal_spec ...]",
        "Run a command when a signal or an event comes.",
    ),
    topic("true", "true", "Do nothing, successfully."),
    topic("type", "type [-afptP] name [name ...]", "Say what a name would run."),
    topic(
        "typeset",
        "typeset [-aAfFgiIlnrtux] name[=value] ... or typeset -p [-aAfFilnrtux] [name ...]",
        "Set values and attributes of variables; as `declare'.",
    ),
    topic(
        "ulimit",
        "ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]",
        "Show or set the limits of what the shell starts.",
    ),
    topic("umask", "umask [-p] [-S] [mode]", "Show or set the permissions that new files lack."),
    topic("unalias", "unalias [-a] name [name ...]", "Forget aliases."),
    topic("unset", "unset [-f] [-v] [-n] [name ...]", "Forget variables and functions."),
    topic(
        "until",
        "until COMMANDS; do COMMANDS-2; done",
        "Run commands again and again until others succeed.",
    ),
    topic("wait", "wait [-fn] [-p var] [id ...]", "Wait for processes and give their status."),
    topic(
        "while",
        "while COMMANDS; do COMMANDS-2; done",
        "Run commands again and again while others succeed.",
    ),
    topic("{ ... }", "{ COMMANDS ; }", "Run commands as one."),
];

/// Builtins that take `--help` for a word like any other.
const WITHOUT_HELP: [&str; 6] = ["echo", "test", "[", ":", "true", "false"];

/// How the builtin of this name is written.
fn usage(name: &str) -> &'static str {
    TOPICS.iter().find(|topic| topic.name == name).map_or("", |topic| topic.usage)
}

impl<S: System> Shell<S> {
    /// An option that a builtin does not have.
    pub(super) fn bad_option(&mut self, call: &Call<'_>, letter: char) -> Run {
        self.builtin_error(call, &format!("-{letter}: invalid option"));
        self.show_usage(call)
    }

    /// An option whose value is not there.
    pub(super) fn lacks_value(&mut self, call: &Call<'_>, letter: char) -> Run {
        self.builtin_error(call, &format!("-{letter}: option requires an argument"));
        self.show_usage(call)
    }

    /// Says how a builtin is called to one that called it otherwise.
    pub(super) fn show_usage(&mut self, call: &Call<'_>) -> Run {
        let name = call.name();
        self.print_error(&format!("{name}: usage: {}\n", usage(name)));
        Ok(2)
    }
}

/// Whether a call asks what the builtin does.
pub(super) fn is_asked(call: &Call<'_>) -> bool {
    call.args().first().is_some_and(|word| word == "--help") && !WITHOUT_HELP.contains(&call.name())
}

/// Answers `NAME --help`; the status is that of a wrong call, as bash's is.
pub(super) fn answer<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let about = TOPICS.iter().find(|topic| topic.name == call.name());
    let text = about.map(|topic| Form::Full.show(topic)).unwrap_or_default();
    shell.print(call, &text)?;
    Ok(2)
}

/// How much is said of a topic.
#[derive(Clone, Copy)]
enum Form {
    Full,
    Sentence,
    Usage,
    Manual,
}

impl Form {
    fn show(self, topic: &Topic) -> String {
        let Topic { name, usage, does } = topic;
        match self {
            Form::Full => format!("{name}: {usage}\n    {does}\n"),
            Form::Sentence => format!("{name} - {does}\n"),
            Form::Usage => format!("{name}: {usage}\n"),
            Form::Manual => format!(
                "NAME\n    {name} - {does}\n\nSYNOPSIS\n    {usage}\n\nDESCRIPTION\n    {does}\n\n\
                 SEE ALSO\n    bash(1)\n\n"
            ),
        }
    }
}

pub(super) fn help<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut form = Form::Full;
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        form = match letter {
            'd' => Form::Sentence,
            'm' => Form::Manual,
            's' => Form::Usage,
            letter => return shell.bad_option(call, letter),
        };
    }
    let patterns = letters.operands();
    if patterns.is_empty() {
        shell.print_version();
        let all: String = TOPICS.iter().map(|topic| format!(" {}\n", topic.usage)).collect();
        let head = "`help NAME' says what one of these does.\n\n";
        return shell.print(call, &format!("{head}{all}"));
    }
    let mut output = String::new();
    for (at, written) in patterns.iter().enumerate() {
        let is_pattern = written.contains(['*', '?', '[']) && !written.starts_with('[');
        if is_pattern {
            let word = if patterns.len() > 1 { "keywords" } else { "keyword" };
            output
                .push_str(&format!("Shell commands matching {word} `{}'\n\n", patterns.join(", ")));
        }
        let pattern = Pattern::new(written, false, false);
        let exact = TOPICS.iter().filter(|topic| topic.name == written);
        let mut found: Vec<&Topic> = exact.collect();
        if found.is_empty() {
            // The beginning of a name stands for it.
            let begins = |topic: &&Topic| match is_pattern {
                true => pattern.matches(topic.name),
                false => topic.name.starts_with(written.as_str()),
            };
            found = TOPICS.iter().filter(begins).collect();
        }
        if found.is_empty() && at + 1 == patterns.len() && output.is_empty() {
            let message = format!("no help topics match `{written}'.  Try `help' for all of them.");
            shell.builtin_error(call, &message);
            return Ok(1);
        }
        output.extend(found.into_iter().map(|topic| form.show(topic)));
    }
    shell.print(call, &output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_is_told_of() {
        let told = |name: &&&str| TOPICS.iter().all(|topic| topic.name != **name);
        let untold: Vec<_> = super::super::NAMES.iter().filter(told).collect();
        assert!(untold.is_empty(), "no help for {untold:?}");
        assert!(TOPICS.is_sorted_by_key(|topic| topic.name));
    }
}
