//! Everything a shell knows that a subshell inherits. It is cheap to clone, which is how a
//! subshell begins in place, and it can be serialized, which is how one begins in a new process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::jobs::Job;
use crate::syntax::ast::Function;
use crate::vars::{Attributes, Variables};

macro_rules! options {
    ($($field:ident $name:literal $letter:literal)*) => {
        /// What `set -o` sets.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        pub(crate) struct Options { $(pub(crate) $field: bool,)* }

        impl Options {
            /// Name, letter (a space if it has none) and value of each, sorted by name.
            pub(crate) fn list(&self) -> Vec<(&'static str, char, bool)> {
                vec![$(($name, $letter, self.$field),)*]
            }

            /// The option of this name.
            pub(crate) fn by_name(&mut self, name: &str) -> Option<&mut bool> {
                match name { $($name => Some(&mut self.$field),)* _ => None }
            }

            /// The name of the option of this letter.
            pub(crate) fn name(&self, letter: char) -> Option<&'static str> {
                let all = self.list().into_iter();
                let known = all.filter(|(_, known, _)| *known == letter && letter != ' ');
                known.last().map(|(name, ..)| name)
            }
        }
    };
}

options! {
    allexport "allexport" 'a'
    braceexpand "braceexpand" 'B'
    emacs "emacs" ' '
    errexit "errexit" 'e'
    errtrace "errtrace" 'E'
    functrace "functrace" 'T'
    hashall "hashall" 'h'
    histexpand "histexpand" 'H'
    history "history" ' '
    ignoreeof "ignoreeof" ' '
    interactive_comments "interactive-comments" ' '
    keyword "keyword" 'k'
    monitor "monitor" 'm'
    noclobber "noclobber" 'C'
    noexec "noexec" 'n'
    noglob "noglob" 'f'
    nolog "nolog" ' '
    notify "notify" 'b'
    nounset "nounset" 'u'
    onecmd "onecmd" 't'
    physical "physical" 'P'
    pipefail "pipefail" ' '
    posix "posix" ' '
    privileged "privileged" 'p'
    verbose "verbose" 'v'
    vi "vi" ' '
    xtrace "xtrace" 'x'
}

/// What `shopt` sets, with what is on from the start.
pub(crate) const SHOPTS: &[(&str, bool)] = &[
    ("autocd", false),
    ("assoc_expand_once", false),
    ("cdable_vars", false),
    ("cdspell", false),
    ("checkhash", false),
    ("checkjobs", false),
    ("checkwinsize", true),
    ("cmdhist", true),
    ("compat31", false),
    ("compat32", false),
    ("compat40", false),
    ("compat41", false),
    ("compat42", false),
    ("compat43", false),
    ("compat44", false),
    ("complete_fullquote", true),
    ("direxpand", false),
    ("dirspell", false),
    ("dotglob", false),
    ("execfail", false),
    ("expand_aliases", false),
    ("extdebug", false),
    ("extglob", false),
    ("extquote", true),
    ("failglob", false),
    ("force_fignore", true),
    ("globasciiranges", true),
    ("globskipdots", true),
    ("globstar", false),
    ("gnu_errfmt", false),
    ("histappend", false),
    ("histreedit", false),
    ("histverify", false),
    ("hostcomplete", true),
    ("huponexit", false),
    ("inherit_errexit", false),
    ("interactive_comments", true),
    ("lastpipe", false),
    ("lithist", false),
    ("localvar_inherit", false),
    ("localvar_unset", false),
    ("login_shell", false),
    ("mailwarn", false),
    ("no_empty_cmd_completion", false),
    ("nocaseglob", false),
    ("nocasematch", false),
    ("noexpand_translation", false),
    ("nullglob", false),
    ("patsub_replacement", true),
    ("progcomp", true),
    ("progcomp_alias", false),
    ("promptvars", true),
    ("restricted_shell", false),
    ("shift_verbose", false),
    ("sourcepath", true),
    ("varredir_close", false),
    ("xpg_echo", false),
];

/// One call of a function, or one sourced file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) name: String,
    pub(crate) source: String,
    /// The line it was called from.
    pub(crate) line: u32,
    pub(crate) is_function: bool,
}

/// Where what a shell's commands read comes from. One in the background reads it only if it was
/// given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Input {
    /// From wherever the shell's own does.
    Own,
    /// From a pipe, for the one command that is next.
    Piped,
    /// A pipe or a redirection gave it to the command that this is in.
    Given,
}

/// The state of a shell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) vars: Variables,
    pub(crate) functions: Rc<BTreeMap<String, Rc<Function>>>,
    /// Where functions come from that the shell's own script does not define.
    pub(crate) function_sources: Rc<BTreeMap<String, String>>,
    /// Of functions that have any.
    pub(crate) function_attributes: Rc<BTreeMap<String, Attributes>>,
    pub(crate) aliases: Rc<HashMap<String, String>>,
    pub(crate) options: Options,
    pub(crate) shopts: Rc<BTreeSet<String>>,
    /// `$1` and on.
    pub(crate) positional: Rc<Vec<String>>,
    /// `$0`.
    pub(crate) name: String,
    /// The script, or empty for `-c`.
    pub(crate) script: String,
    pub(crate) frames: Vec<Frame>,
    /// What the shell and then each frame was called with, while `extdebug` is on.
    pub(crate) arguments: Vec<Vec<String>>,
    /// Whether something that was read asks for `BASH_COMMAND`.
    pub(crate) names_commands: bool,
    /// Whether the DEBUG trap has run for the command that is next.
    pub(crate) announced: bool,
    pub(crate) status: i32,
    pub(crate) pipe_status: Vec<i32>,
    pub(crate) cwd: String,
    /// What is done on each signal or event; an empty text ignores it.
    pub(crate) traps: Rc<BTreeMap<String, String>>,
    pub(crate) dirs: Vec<String>,
    pub(crate) umask: u32,
    pub(crate) background: Option<u32>,
    /// `$$`.
    pub(crate) pid: u32,
    pub(crate) subshell: u32,
    /// How many commands are around this one that run it as a part of theirs.
    pub(crate) nested: u32,
    /// In a subshell the jobs of the shell that it is one of: they are shown, and not waited for.
    pub(crate) parent_jobs: Vec<Job>,
    /// In a subshell that has set no trap, those of the shell that it is one of: they are shown, and
    /// do nothing.
    pub(crate) parent_traps: Option<Rc<BTreeMap<String, String>>>,
    pub(crate) random: u32,
    /// When `SECONDS` was 0, in seconds since 1970.
    pub(crate) seconds_from: i64,
    pub(crate) last_argument: String,
    /// Where `getopts` is within an argument.
    pub(crate) getopts_at: usize,
    pub(crate) hash: Rc<BTreeMap<String, String>>,
    pub(crate) disabled: Rc<BTreeSet<String>>,
    /// Variables that were computed until they were unset.
    pub(crate) ordinary: Rc<BTreeSet<String>>,
    pub(crate) command_string: bool,
    pub(crate) interactive: bool,
    pub(crate) input: Input,
    pub(crate) loops: u32,
    pub(crate) line: u32,
}

impl Default for State {
    fn default() -> State {
        let on = SHOPTS.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned());
        State {
            vars: Variables::default(),
            functions: Rc::default(),
            function_sources: Rc::default(),
            function_attributes: Rc::default(),
            aliases: Rc::default(),
            options: Options {
                braceexpand: true,
                hashall: true,
                interactive_comments: true,
                ..Options::default()
            },
            shopts: Rc::new(on.collect()),
            positional: Rc::default(),
            name: "bash".to_owned(),
            script: String::new(),
            frames: Vec::new(),
            arguments: Vec::new(),
            names_commands: false,
            announced: false,
            status: 0,
            pipe_status: Vec::new(),
            cwd: "/".to_owned(),
            traps: Rc::default(),
            dirs: Vec::new(),
            umask: 0o022,
            background: None,
            pid: 0,
            subshell: 0,
            nested: 0,
            parent_jobs: Vec::new(),
            parent_traps: None,
            random: 0,
            seconds_from: 0,
            last_argument: String::new(),
            getopts_at: 0,
            hash: Rc::default(),
            disabled: Rc::default(),
            ordinary: Rc::default(),
            command_string: false,
            interactive: false,
            input: Input::Own,
            loops: 0,
            line: 1,
        }
    }
}

impl State {
    pub(crate) fn shopt(&self, name: &str) -> bool {
        self.shopts.contains(name)
    }

    pub(crate) fn set_shopt(&mut self, name: &str, on: bool) {
        let shopts = Rc::make_mut(&mut self.shopts);
        match on {
            true => {
                shopts.insert(name.to_owned());
            }
            false => {
                shopts.remove(name);
            }
        }
    }

    /// Whether a function runs.
    pub(crate) fn in_function(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.is_function)
    }

    pub(crate) fn trap(&self, name: &str) -> Option<&String> {
        self.traps.get(name)
    }
}
