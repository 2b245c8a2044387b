//! What a script is, once it is parsed.
//!
//! The tree can be serialized, because a stage of a pipeline runs in a process of its own, which
//! is given the tree and the shell's state.

use std::cell::OnceCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

/// Commands, one after the other.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct List(pub(crate) Vec<Item>);

/// One and-or list of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) first: Pipeline,
    pub(crate) rest: Vec<(Connector, Pipeline)>,
    /// Whether it ends with `&`.
    pub(crate) background: bool,
}

/// `&&` or `||`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Connector {
    And,
    Or,
}

/// Commands connected by pipes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    pub(crate) negated: bool,
    pub(crate) timed: Option<Timed>,
    pub(crate) stages: Vec<Stage>,
}

/// How `time` reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Timed {
    Bash,
    Posix,
}

/// One command of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stage {
    pub(crate) command: Command,
    /// Whether `|&` leads on from it.
    pub(crate) with_stderr: bool,
}

/// A command with its redirections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Command {
    pub(crate) kind: Kind,
    pub(crate) redirects: Vec<Redirect>,
    pub(crate) line: u32,
}

impl Command {
    /// Whether it says itself where its standard input comes from.
    pub(crate) fn redirects_stdin(&self) -> bool {
        use RedirectKind::{DupIn, HereDoc, HereString, Read, ReadWrite};
        let of_stdin = |redirect: &Redirect| {
            matches!(redirect.fd, RedirectFd::Default | RedirectFd::Number(0))
                && matches!(redirect.kind, Read | ReadWrite | DupIn | HereDoc { .. } | HereString)
        };
        self.redirects.iter().any(of_stdin)
    }
}

/// What a command is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Simple { assigns: Vec<Assign>, args: Vec<Arg> },
    Group(List),
    Subshell(List),
    If { branches: Vec<(List, List)>, otherwise: Option<List> },
    While { until: bool, condition: List, body: List },
    For { name: String, words: Option<Vec<Word>>, body: List },
    ForArith { parts: [Rc<Word>; 3], body: List },
    Select { name: String, words: Option<Vec<Word>>, body: List },
    Case { word: Word, arms: Vec<Arm> },
    Cond(Cond),
    Arith(Word),
    Function(Rc<Function>),
    Coproc { name: String, body: Box<Command> },
}

/// A function as it was defined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) body: Command,
    pub(crate) line: u32,
}

/// One arm of `case`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Arm {
    pub(crate) patterns: Vec<Word>,
    pub(crate) body: List,
    pub(crate) end: ArmEnd,
}

/// What follows an arm: `;;`, `;&` or `;;&`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ArmEnd {
    Break,
    Fall,
    Test,
}

/// An expression between `[[` and `]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Cond {
    Word(Word),
    Unary(String, Word),
    Binary(Word, String, Word),
    Not(Box<Cond>),
    And(Box<Cond>, Box<Cond>),
    Or(Box<Cond>, Box<Cond>),
    Paren(Box<Cond>),
}

/// An argument of a simple command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Arg {
    Word(Word),
    /// An assignment to an array given to `declare` and its like.
    Assign(Assign),
}

/// An assignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Assign {
    pub(crate) name: String,
    pub(crate) index: Option<Word>,
    pub(crate) append: bool,
    pub(crate) value: AssignValue,
}

/// What is assigned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum AssignValue {
    Scalar(Word),
    Array(Vec<Element>),
}

/// One element between the parentheses of an array assignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Element {
    pub(crate) index: Option<Word>,
    pub(crate) append: bool,
    pub(crate) value: Word,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Redirect {
    pub(crate) fd: RedirectFd,
    pub(crate) kind: RedirectKind,
    pub(crate) target: Word,
    pub(crate) here: Option<Rc<Here>>,
}

/// What stands before the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RedirectFd {
    /// Nothing: the operator's own.
    Default,
    Number(u32),
    /// `{name}`, or `{name[index]}`: the shell chooses one and tells the variable.
    Variable(String),
}

/// The operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RedirectKind {
    Read,
    Write,
    Clobber,
    Append,
    ReadWrite,
    DupIn,
    DupOut,
    BothWrite,
    BothAppend,
    HereDoc { strip: bool, quoted: bool },
    HereString,
}

/// The body of a here-document, which is read after the line that asks for it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Here {
    #[serde(with = "once")]
    pub(crate) body: OnceCell<Word>,
    pub(crate) delimiter: String,
}

mod once {
    use super::{OnceCell, Word};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(cell: &OnceCell<Word>, s: S) -> Result<S::Ok, S::Error> {
        cell.get().serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<OnceCell<Word>, D::Error> {
        let word = Option::<Word>::deserialize(d)?;
        Ok(word.map(OnceCell::from).unwrap_or_default())
    }
}

/// A word: parts that are expanded and joined.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Word(pub(crate) Vec<Part>);

/// One part of a word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Part {
    /// Unquoted text.
    Literal(String),
    /// `\c`, `'…'` or `$'…'`: text as it is.
    Quoted(String, Quote),
    /// `"…"`.
    Double(Vec<Part>),
    /// `~` or `~name` where a tilde means something.
    Tilde(String),
    /// `$name`, `${…}`.
    Param(Box<Param>),
    /// `$(…)` or `` `…` ``.
    Command(Rc<List>, Rc<str>),
    /// `$((…))`.
    Arith(Word),
    /// `<(…)` or `>(…)`.
    Process { read: bool, list: Rc<List> },
}

/// How quoted text was written; printing a function keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Quote {
    Backslash,
    Single,
    Dollar,
}

/// A parameter expansion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) index: Option<Index>,
    pub(crate) indirect: bool,
    pub(crate) op: Op,
    /// As it was written between the braces, for messages.
    pub(crate) source: String,
    /// Whether a plain name stood between braces.
    pub(crate) braced: bool,
}

/// A subscript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Index {
    /// `[@]`.
    At,
    /// `[*]`.
    Star,
    /// Any other: an arithmetic expression, or the key of an associative array.
    Word(Word),
}

/// What is done with a parameter's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Op {
    None,
    Length,
    /// `-`, `=`, `?`, `+`; `colon` also takes an empty value as unset.
    Test {
        kind: char,
        colon: bool,
        word: Word,
    },
    /// `#`, `##`, `%`, `%%`.
    Remove {
        suffix: bool,
        longest: bool,
        pattern: Word,
    },
    Replace {
        anchor: Anchor,
        pattern: Word,
        with: Word,
    },
    Substring {
        offset: Word,
        length: Option<Word>,
    },
    Case {
        upper: Option<bool>,
        all: bool,
        pattern: Option<Word>,
    },
    Transform(char),
    /// `${!prefix*}`, `${!prefix@}`.
    Names {
        star: bool,
    },
    /// `${!array[@]}`.
    Keys {
        star: bool,
    },
    /// What no operator is: an error when it is expanded.
    Bad,
}

/// Where a replacement must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Anchor {
    First,
    All,
    Start,
    End,
}

impl Word {
    /// A word of this text, not quoted.
    pub(crate) fn literal(text: &str) -> Word {
        Word(vec![Part::Literal(text.to_owned())])
    }

    /// The text, if the word is nothing but unquoted text.
    pub(crate) fn as_literal(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text, if nothing in the word is expanded.
    pub(crate) fn as_constant(&self) -> Option<String> {
        let mut text = String::new();
        constant(&self.0, &mut text).then_some(text)
    }
}

fn constant(parts: &[Part], text: &mut String) -> bool {
    parts.iter().all(|part| match part {
        Part::Literal(literal) | Part::Quoted(literal, _) => {
            text.push_str(literal);
            true
        }
        Part::Double(parts) => constant(parts, text),
        _ => false,
    })
}
