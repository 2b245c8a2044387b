//! Commands: a recursive descent over the text, one complete command at a time.

use std::collections::HashMap;
use std::rc::Rc;

use super::ast::{
    Arg, Arm, ArmEnd, Assign, Command, Connector, Function, Here, Item, Kind, List, Part, Pipeline,
    Redirect, RedirectFd, RedirectKind, Stage, Timed, Word,
};
use super::words::{self, Mode};

/// How deeply commands and expansions may nest. Against text that would recurse without end.
const MAX_DEPTH: u32 = 250;

/// How often an alias may be replaced in one command.
const MAX_ALIASES: u32 = 1_000;

/// Why text is no script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) line: u32,
    /// The line that is shown under the message.
    pub(crate) shown: Option<String>,
    /// What could make it right, where it breaks off.
    pub(crate) missing: Option<Missing>,
}

/// What a text that breaks off lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Any text.
    Text,
    /// A line that ends a here-document, which may begin with tabs.
    Line(String),
}

pub(super) type Parse<T> = Result<T, SyntaxError>;

/// What the text means depends on these.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) aliases: Option<Rc<HashMap<String, String>>>,
    pub(crate) extglob: bool,
    /// Whether assignments count behind a command's name, too: `set -k`.
    pub(crate) keyword: bool,
}

/// Reads a script.
#[derive(Debug)]
pub(crate) struct Parser {
    pub(super) src: Vec<u8>,
    pub(super) pos: usize,
    pub(super) line: u32,
    pub(super) options: Options,
    pub(super) depth: u32,
    pending: Vec<(Rc<Here>, bool, bool)>,
    /// Names of aliases being replaced, with how much text was left behind each.
    replaced: Vec<(String, usize)>,
    replacements: u32,
    /// Whether the text is a here-document's body.
    pub(super) here: bool,
    /// Whether more text may follow: a here-document that breaks off is no whole one then.
    goes_on: bool,
    /// What is to be said of the text that was read, each with its line.
    pub(crate) warnings: Vec<(u32, String)>,
}

/// The reserved words, in the order in which bash lists them.
pub(crate) const KEYWORDS: &[&str] = &[
    "if", "then", "else", "elif", "fi", "case", "esac", "for", "select", "while", "until", "do",
    "done", "in", "function", "time", "{", "}", "!", "[[", "]]", "coproc",
];

/// Words that end a list where a command could begin.
const CLOSERS: &[&[u8]] = &[b"then", b"else", b"elif", b"fi", b"do", b"done", b"esac", b"}", b"in"];

const DECLARES: &[&str] = &["declare", "typeset", "local", "export", "readonly"];

/// Whether `word` is a reserved word.
pub(crate) fn is_reserved(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

pub(super) fn is_meta(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

impl Parser {
    /// Begins at the start of `src`, which is line `line`.
    pub(crate) fn new(src: &str, line: u32, options: Options) -> Parser {
        Parser {
            src: src.as_bytes().to_vec(),
            pos: 0,
            line,
            options,
            depth: 0,
            pending: Vec::new(),
            replaced: Vec::new(),
            replacements: 0,
            here: false,
            goes_on: false,
            warnings: Vec::new(),
        }
    }

    /// A parser for a piece of this one's text.
    pub(super) fn inner(&self, src: &str, line: u32) -> Parser {
        Parser { depth: self.depth, ..Parser::new(src, line, self.options.clone()) }
    }

    /// What the text means from here on.
    pub(crate) fn set_options(&mut self, options: Options) {
        self.options = options;
    }

    /// What the text lacks to be whole commands. What is wrong with them otherwise is not said.
    pub(crate) fn missing(mut self) -> Option<Missing> {
        self.goes_on = true;
        if self.src.ends_with(b"\\\n") {
            return Some(Missing::Text);
        }
        loop {
            match self.next_command() {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return error.missing,
            }
        }
    }

    /// Reads the next complete command, to the end of its line. `None` at the end.
    pub(crate) fn next_command(&mut self) -> Parse<Option<List>> {
        self.replacements = 0;
        self.skip_newlines()?;
        if self.peek().is_none() {
            return Ok(None);
        }
        let list = self.list(true)?;
        if list.0.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Some(list))
    }

    // ---------------------------------------------------------------- text

    pub(super) fn peek(&self) -> Option<u8> {
        self.src.get(self.pos).copied()
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.src.get(self.pos + ahead).copied()
    }

    pub(super) fn at(&self, text: &[u8]) -> bool {
        self.src[self.pos.min(self.src.len())..].starts_with(text)
    }

    pub(super) fn eat(&mut self, text: &[u8]) -> bool {
        let found = self.at(text);
        if found {
            self.pos += text.len();
        }
        found
    }

    pub(super) fn text(&self, from: usize, to: usize) -> String {
        String::from_utf8_lossy(&self.src[from..to]).into_owned()
    }

    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.pos += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => {
                    self.pos += 2;
                    self.line += 1;
                }
                Some(b'#') if self.pos == 0 || is_meta(self.src[self.pos - 1]) => {
                    while self.peek().is_some_and(|c| c != b'\n') {
                        self.pos += 1;
                    }
                }
                _ => return,
            }
        }
    }

    pub(super) fn newline(&mut self) -> Parse<bool> {
        if self.peek() != Some(b'\n') {
            return Ok(false);
        }
        self.pos += 1;
        self.line += 1;
        self.here_documents()?;
        Ok(true)
    }

    pub(super) fn skip_newlines(&mut self) -> Parse<()> {
        loop {
            self.skip_blanks();
            if !self.newline()? {
                return Ok(());
            }
        }
    }

    pub(super) fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(format!("syntax nests more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    // -------------------------------------------------------------- errors

    pub(super) fn error(&self, message: String) -> SyntaxError {
        SyntaxError { message, line: self.line, shown: None, missing: None }
    }

    /// The text ends before `what`, which is to close what was opened in `line`.
    pub(super) fn unclosed(&self, what: &str, line: u32) -> SyntaxError {
        SyntaxError {
            message: format!("unexpected EOF while looking for matching `{what}'"),
            line,
            shown: None,
            missing: Some(Missing::Text),
        }
    }

    /// The line in which the text ends: after a last one that nothing ends, too.
    fn end_line(&self) -> u32 {
        self.line + u32::from(self.src.last() != Some(&b'\n'))
    }

    /// Complains of what comes next.
    pub(super) fn unexpected(&self) -> SyntaxError {
        let token = self.token();
        if token.is_empty() {
            return SyntaxError {
                message: "syntax error: unexpected end of file".to_owned(),
                line: self.end_line(),
                shown: None,
                missing: Some(Missing::Text),
            };
        }
        let start = self.src[..self.pos].iter().rposition(|c| *c == b'\n').map_or(0, |at| at + 1);
        let end = self.src[self.pos..].iter().position(|c| *c == b'\n');
        let end = end.map_or(self.src.len(), |at| self.pos + at);
        let shown =
            if token == "newline" { self.text(start, self.pos) } else { self.text(start, end) };
        SyntaxError {
            message: format!("syntax error near unexpected token `{token}'"),
            line: self.line,
            shown: Some(shown),
            missing: None,
        }
    }

    fn token(&self) -> String {
        const OPERATORS: &[&str] = &[
            ";;&", "<<<", "<<-", "&>>", ";;", ";&", "&&", "||", "|&", "<<", ">>", "<&", ">&", "<>",
            ">|", "&>", ";", "&", "|", "<", ">", "(", ")",
        ];
        let rest = &self.src[self.pos.min(self.src.len())..];
        if rest.first() == Some(&b'\n') {
            return "newline".to_owned();
        }
        if let Some(operator) = OPERATORS.iter().find(|op| rest.starts_with(op.as_bytes())) {
            return (*operator).to_owned();
        }
        let end = rest.iter().position(|c| is_meta(*c)).unwrap_or(rest.len());
        String::from_utf8_lossy(&rest[..end]).into_owned()
    }

    // --------------------------------------------------------------- lists

    /// A reserved word stands here, as a word of its own.
    fn at_word(&self, word: &[u8]) -> bool {
        let process =
            |next: u8| matches!(next, b'<' | b'>') && self.peek_at(word.len() + 1) == Some(b'(');
        let next = self.peek_at(word.len());
        self.at(word) && next.is_none_or(|next| is_meta(next) && !process(next))
    }

    fn eat_word(&mut self, word: &[u8]) -> bool {
        let found = self.at_word(word);
        if found {
            self.pos += word.len();
        }
        found
    }

    fn expect_word(&mut self, word: &[u8]) -> Parse<()> {
        self.skip_newlines()?;
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn at_list_end(&self) -> bool {
        match self.peek() {
            None | Some(b')') => true,
            Some(b';') => matches!(self.peek_at(1), Some(b';' | b'&')),
            _ => CLOSERS.iter().any(|word| self.at_word(word)),
        }
    }

    /// Commands up to what closes them, which is left; at the top, to the end of the line.
    fn list(&mut self, top: bool) -> Parse<List> {
        let mut items = Vec::new();
        loop {
            if top {
                self.skip_blanks()
            } else {
                self.skip_newlines()?
            }
            if top && self.newline()? {
                return Ok(List(items));
            }
            if self.peek().is_none() && !self.pending.is_empty() {
                self.here_documents()?;
            }
            if self.at_list_end() {
                if top && self.peek().is_some() {
                    return Err(self.unexpected());
                }
                return Ok(List(items));
            }
            let mut item = self.and_or()?;
            self.skip_blanks();
            match self.peek() {
                Some(b'&') => {
                    self.pos += 1;
                    item.background = true;
                    items.push(item);
                }
                Some(b';') if !matches!(self.peek_at(1), Some(b';' | b'&')) => {
                    self.pos += 1;
                    items.push(item);
                }
                Some(b'\n') => items.push(item),
                _ if self.at_list_end() => items.push(item),
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// A list that must not be empty.
    fn body(&mut self) -> Parse<List> {
        let list = self.deeper(|parser| parser.list(false))?;
        if list.0.is_empty() { Err(self.unexpected()) } else { Ok(list) }
    }

    /// The commands of `$(…)`, up to and with the `)`.
    pub(super) fn substitution(&mut self) -> Parse<List> {
        let line = self.line;
        let outer = std::mem::take(&mut self.pending);
        let list = self.deeper(|parser| parser.list(false))?;
        self.pending = outer;
        if self.eat(b")") {
            return Ok(list);
        }
        match self.peek() {
            None => Err(self.unclosed(")", self.end_line().max(line))),
            Some(_) => Err(self.unexpected()),
        }
    }

    fn and_or(&mut self) -> Parse<Item> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.skip_blanks();
            let connector = if self.eat(b"&&") {
                Connector::And
            } else if self.eat(b"||") {
                Connector::Or
            } else {
                return Ok(Item { first, rest, background: false });
            };
            self.skip_newlines()?;
            rest.push((connector, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Parse<Pipeline> {
        let (mut negated, mut timed) = (false, None);
        loop {
            self.skip_blanks();
            if self.eat_word(b"!") {
                negated = !negated;
            } else if timed.is_none() && self.eat_word(b"time") {
                timed = Some(Timed::Bash);
                self.skip_blanks();
                if self.eat_word(b"-p") {
                    timed = Some(Timed::Posix);
                }
                self.skip_blanks();
                self.eat_word(b"--");
            } else {
                break;
            }
        }
        let mut stages = Vec::new();
        let nothing = matches!(self.peek(), None | Some(b'\n' | b';'));
        if nothing && (timed.is_some() || negated) {
            return Ok(Pipeline { negated, timed, stages });
        }
        loop {
            let command = self.deeper(Parser::command)?;
            self.skip_blanks();
            let with_stderr = self.at(b"|&");
            stages.push(Stage { command, with_stderr });
            if self.at(b"||") || !self.eat(b"|") {
                return Ok(Pipeline { negated, timed, stages });
            }
            if with_stderr {
                self.pos += 1;
            }
            self.skip_newlines()?;
        }
    }

    // ------------------------------------------------------------ commands

    fn command(&mut self) -> Parse<Command> {
        self.skip_blanks();
        self.expand_alias();
        let line = self.line;
        let kind = match self.compound()? {
            Some(kind) => kind,
            None => return self.simple(line),
        };
        let redirects = if matches!(kind, Kind::Function(_) | Kind::Coproc { .. }) {
            Vec::new()
        } else {
            self.redirects()?
        };
        Ok(Command { kind, redirects, line })
    }

    fn redirects(&mut self) -> Parse<Vec<Redirect>> {
        let mut redirects = Vec::new();
        loop {
            self.skip_blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(redirects),
            }
        }
    }

    /// A compound command, or none if a simple one stands here.
    fn compound(&mut self) -> Parse<Option<Kind>> {
        Ok(Some(match self.peek() {
            Some(b'(') => self.parenthesized()?,
            Some(b'{') if self.eat_word(b"{") => {
                let list = self.body()?;
                self.expect_word(b"}")?;
                Kind::Group(list)
            }
            Some(b'[') if self.eat_word(b"[[") => Kind::Cond(self.condition()?),
            Some(b'i') if self.eat_word(b"if") => self.if_command()?,
            Some(b'w') if self.eat_word(b"while") => self.while_command(false)?,
            Some(b'u') if self.eat_word(b"until") => self.while_command(true)?,
            Some(b'f') if self.eat_word(b"for") => self.for_command()?,
            Some(b's') if self.eat_word(b"select") => {
                let (name, words) = self.loop_head()?;
                let body = self.do_group()?;
                Kind::Select { name, words, body }
            }
            Some(b'c') if self.eat_word(b"case") => self.case_command()?,
            Some(b'c') if self.eat_word(b"coproc") => self.coproc()?,
            Some(b'f') if self.eat_word(b"function") => {
                self.skip_blanks();
                let name = self.raw_word();
                if name.is_empty() {
                    return Err(self.unexpected());
                }
                self.skip_blanks();
                if self.eat(b"(") {
                    self.skip_blanks();
                    if !self.eat(b")") {
                        return Err(self.unexpected());
                    }
                }
                self.function(name)?
            }
            Some(_) if CLOSERS[..8].iter().any(|word| self.at_word(word)) => {
                return Err(self.unexpected());
            }
            _ => return Ok(None),
        }))
    }

    /// Text up to the next metacharacter.
    fn raw_word(&mut self) -> String {
        let start = self.pos;
        while self.peek().is_some_and(|c| !is_meta(c)) {
            self.pos += 1;
        }
        self.text(start, self.pos)
    }

    fn parenthesized(&mut self) -> Parse<Kind> {
        if self.at(b"((")
            && let Some(end) = words::double_paren_end(&self.src, self.pos + 2)
        {
            let word = self.arithmetic(self.pos + 2, end)?;
            self.pos = end + 2;
            return Ok(Kind::Arith(word));
        }
        self.pos += 1;
        let list = self.body()?;
        if !self.eat(b")") {
            return Err(self.unexpected());
        }
        Ok(Kind::Subshell(list))
    }

    fn if_command(&mut self) -> Parse<Kind> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.body()?;
            self.expect_word(b"then")?;
            branches.push((condition, self.body()?));
            self.skip_newlines()?;
            if self.eat_word(b"elif") {
                continue;
            }
            if self.eat_word(b"else") {
                otherwise = Some(self.body()?);
            }
            self.expect_word(b"fi")?;
            return Ok(Kind::If { branches, otherwise });
        }
    }

    fn while_command(&mut self, until: bool) -> Parse<Kind> {
        let condition = self.body()?;
        let body = self.do_group()?;
        Ok(Kind::While { until, condition, body })
    }

    fn do_group(&mut self) -> Parse<List> {
        self.skip_newlines()?;
        let close: &[u8] = if self.eat_word(b"{") {
            b"}"
        } else if self.eat_word(b"do") {
            b"done"
        } else {
            return Err(self.unexpected());
        };
        let list = self.body()?;
        self.expect_word(close)?;
        Ok(list)
    }

    fn for_command(&mut self) -> Parse<Kind> {
        self.skip_blanks();
        if self.at(b"((") {
            let start = self.pos + 2;
            let Some(end) = words::double_paren_end(&self.src, start) else {
                return Err(self.unexpected());
            };
            let cuts = words::semicolons(&self.src, start, end);
            let [first, second] = cuts[..] else {
                return Err(self.error("syntax error: arithmetic expression required".to_owned()));
            };
            let parts = [
                Rc::new(self.arithmetic(start, first)?),
                Rc::new(self.arithmetic(first + 1, second)?),
                Rc::new(self.arithmetic(second + 1, end)?),
            ];
            self.pos = end + 2;
            self.skip_blanks();
            if self.peek() == Some(b';') {
                self.pos += 1;
            }
            let body = self.do_group()?;
            return Ok(Kind::ForArith { parts, body });
        }
        let (name, words) = self.loop_head()?;
        let body = self.do_group()?;
        Ok(Kind::For { name, words, body })
    }

    fn loop_head(&mut self) -> Parse<(String, Option<Vec<Word>>)> {
        self.skip_blanks();
        let start = self.pos;
        let name = self.raw_word();
        if name.is_empty() {
            self.pos = start;
            return Err(self.unexpected());
        }
        self.skip_newlines()?;
        let mut words = None;
        if self.eat_word(b"in") {
            let list = words.insert(Vec::new());
            loop {
                self.skip_blanks();
                match self.word(Mode::Argument)? {
                    Some(word) => list.push(word),
                    None => break,
                }
            }
        }
        self.skip_blanks();
        if self.peek() == Some(b';') && self.peek_at(1) != Some(b';') {
            self.pos += 1;
        } else if words.is_some() && self.peek() != Some(b'\n') {
            return Err(self.unexpected());
        }
        Ok((name, words))
    }

    fn case_command(&mut self) -> Parse<Kind> {
        self.skip_blanks();
        let Some(word) = self.word(Mode::Argument)? else { return Err(self.unexpected()) };
        self.expect_word(b"in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.eat_word(b"esac") {
                return Ok(Kind::Case { word, arms });
            }
            if self.eat(b"(") {
                self.skip_blanks();
            }
            let mut patterns = Vec::new();
            loop {
                self.skip_blanks();
                let Some(pattern) = self.word(Mode::Word)? else { return Err(self.unexpected()) };
                patterns.push(pattern);
                self.skip_blanks();
                if self.eat(b")") {
                    break;
                }
                if !self.eat(b"|") {
                    return Err(self.unexpected());
                }
            }
            let body = self.deeper(|parser| parser.list(false))?;
            self.skip_newlines()?;
            let end = if self.eat(b";;&") {
                ArmEnd::Test
            } else if self.eat(b";;") {
                ArmEnd::Break
            } else if self.eat(b";&") {
                ArmEnd::Fall
            } else if self.at_word(b"esac") {
                ArmEnd::Break
            } else {
                return Err(self.unexpected());
            };
            arms.push(Arm { patterns, body, end });
        }
    }

    fn coproc(&mut self) -> Parse<Kind> {
        self.skip_blanks();
        let start = self.pos;
        let name = self.raw_word();
        self.skip_blanks();
        let compound = !is_reserved(&name)
            && words::is_name(&name)
            && (self.peek() == Some(b'(') || self.at_word(b"{") || self.at_compound());
        let name = if compound {
            name
        } else {
            self.pos = start;
            "COPROC".to_owned()
        };
        let body = Box::new(self.command()?);
        Ok(Kind::Coproc { name, body })
    }

    fn at_compound(&self) -> bool {
        const OPENERS: &[&[u8]] = &[b"if", b"while", b"until", b"for", b"case", b"select", b"[["];
        OPENERS.iter().any(|word| self.at_word(word))
    }

    fn function(&mut self, name: String) -> Parse<Kind> {
        let line = self.line;
        self.skip_newlines()?;
        let start = self.line;
        let Some(kind) = self.compound()? else { return Err(self.unexpected()) };
        let redirects = self.redirects()?;
        let body = Command { kind, redirects, line: start };
        Ok(Kind::Function(Rc::new(Function { name, body, line })))
    }

    fn simple(&mut self, line: u32) -> Parse<Command> {
        let (mut assigns, mut args, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        let mut declares = false;
        // As in bash, the lines within the first two words count: a command is behind them.
        let (mut line, mut begun) = (line, self.line);
        loop {
            let read = assigns.len() + args.len();
            if (1..=2).contains(&read) && redirects.is_empty() {
                line += self.line.saturating_sub(begun);
            }
            self.skip_blanks();
            begun = self.line;
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if (args.is_empty() || self.options.keyword)
                && let Some(assign) = self.assignment(false)?
            {
                assigns.push(assign);
                continue;
            }
            if declares && let Some(assign) = self.assignment(true)? {
                args.push(Arg::Assign(assign));
                continue;
            }
            let Some(word) = self.word(Mode::Argument)? else { break };
            if args.is_empty() {
                let name = word.as_literal();
                declares = name.is_some_and(|name| DECLARES.contains(&name));
                let before = self.pos;
                self.skip_blanks();
                if assigns.is_empty() && redirects.is_empty() && self.eat(b"(") {
                    self.skip_blanks();
                    let constant = word.as_constant();
                    if let Some(name) = constant.filter(|_| self.eat(b")")) {
                        let kind = self.function(name)?;
                        return Ok(Command { kind, redirects: Vec::new(), line });
                    }
                    return Err(self.unexpected());
                }
                self.pos = before;
                if name.is_some_and(|name| matches!(name, "command" | "builtin")) {
                    // `command declare a=(…)`: the next word decides.
                    let at = self.pos;
                    self.skip_blanks();
                    declares = DECLARES.iter().any(|name| self.at_word(name.as_bytes()));
                    self.pos = at;
                }
            }
            args.push(Arg::Word(word));
            self.expand_next_alias();
        }
        if assigns.is_empty() && args.is_empty() && redirects.is_empty() {
            return Err(self.unexpected());
        }
        if self.peek() == Some(b'(') {
            return Err(self.unexpected());
        }
        Ok(Command { kind: Kind::Simple { assigns, args }, redirects, line })
    }

    /// An assignment, or nothing. As an argument, only one to an array.
    fn assignment(&mut self, argument: bool) -> Parse<Option<Assign>> {
        let Some(head) = words::assignment_head(&self.src, self.pos) else { return Ok(None) };
        let array = self.src.get(head.value) == Some(&b'(');
        if argument && !array {
            return Ok(None);
        }
        let name = self.text(self.pos, head.name_end);
        let index = match head.index {
            Some((from, to)) => Some(self.subscript(from, to)?),
            None => None,
        };
        self.pos = head.value;
        let value = match array {
            true => {
                self.pos += 1;
                super::ast::AssignValue::Array(self.elements()?)
            }
            false => {
                let word = self.word(Mode::Assign)?.unwrap_or_default();
                super::ast::AssignValue::Scalar(word)
            }
        };
        Ok(Some(Assign { name, index, append: head.append, value }))
    }

    // ---------------------------------------------------------- redirects

    fn redirect(&mut self) -> Parse<Option<Redirect>> {
        let start = self.pos;
        let fd = self.redirect_fd();
        const OPERATORS: &[(&[u8], RedirectKind)] = &[
            (b"<<<", RedirectKind::HereString),
            (b"<<-", RedirectKind::HereDoc { strip: true, quoted: false }),
            (b"<<", RedirectKind::HereDoc { strip: false, quoted: false }),
            (b"<&", RedirectKind::DupIn),
            (b"<>", RedirectKind::ReadWrite),
            (b"<", RedirectKind::Read),
            (b">>", RedirectKind::Append),
            (b">&", RedirectKind::DupOut),
            (b">|", RedirectKind::Clobber),
            (b">", RedirectKind::Write),
            (b"&>>", RedirectKind::BothAppend),
            (b"&>", RedirectKind::BothWrite),
        ];
        let found = OPERATORS.iter().find(|(text, _)| self.at(text));
        let process = self.at(b"<(") || self.at(b">(");
        let Some((text, kind)) = found.filter(|_| !process) else {
            self.pos = start;
            return Ok(None);
        };
        self.pos += text.len();
        self.skip_blanks();
        let from = self.pos;
        let Some(target) = self.word(Mode::Word)? else { return Err(self.unexpected()) };
        let RedirectKind::HereDoc { strip, .. } = *kind else {
            return Ok(Some(Redirect { fd, kind: *kind, target, here: None }));
        };
        let quoted = target.0.iter().any(|part| matches!(part, Part::Quoted(..) | Part::Double(_)));
        // An expansion means nothing here, and stands for its text.
        let raw = self.text(from, self.pos).replace(['\'', '"'], "");
        let delimiter = target.as_constant().unwrap_or(raw);
        let here = Rc::new(Here { delimiter, ..Here::default() });
        self.pending.push((here.clone(), strip, quoted));
        let kind = RedirectKind::HereDoc { strip, quoted };
        Ok(Some(Redirect { fd, kind, target, here: Some(here) }))
    }

    fn redirect_fd(&mut self) -> RedirectFd {
        let rest = &self.src[self.pos..];
        let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        if digits > 0 && matches!(rest.get(digits), Some(b'<' | b'>')) {
            if let Ok(number) = self.text(self.pos, self.pos + digits).parse() {
                self.pos += digits;
                return RedirectFd::Number(number);
            }
            return RedirectFd::Default;
        }
        if rest.first() != Some(&b'{') {
            return RedirectFd::Default;
        }
        // It is one word, whatever comes behind.
        let word = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let close = rest[..word].windows(2).position(|two| matches!(two, b"}<" | b"}>"));
        if let Some(close) = close {
            let name = self.text(self.pos + 1, self.pos + close);
            // An element of an array does as well.
            let base = match name.split_once('[') {
                Some((base, index)) if index.len() > 1 && index.ends_with(']') => base,
                _ => &name,
            };
            if words::is_name(base) {
                self.pos += close + 1;
                return RedirectFd::Variable(name);
            }
        }
        RedirectFd::Default
    }

    /// Reads the bodies that the line before asked for.
    fn here_documents(&mut self) -> Parse<()> {
        for (here, strip, quoted) in std::mem::take(&mut self.pending) {
            let first = self.line;
            let mut body = String::new();
            let (mut joined, mut ended) = (false, false);
            while self.pos < self.src.len() {
                let rest = &self.src[self.pos..];
                let length = rest.iter().position(|c| *c == b'\n');
                let end = self.pos + length.unwrap_or(rest.len());
                let text = self.text(self.pos, end);
                self.pos = (end + 1).min(self.src.len());
                self.line += u32::from(length.is_some());
                let text = if strip { text.trim_start_matches('\t') } else { &text };
                if text == here.delimiter && !joined {
                    ended = true;
                    break;
                }
                body.push_str(text);
                body.push('\n');
                // A line that goes on cannot be followed by the delimiter.
                joined = !quoted && text.bytes().rev().take_while(|c| *c == b'\\').count() % 2 == 1;
            }
            if !ended && self.goes_on {
                let missing = Some(Missing::Line(here.delimiter.clone()));
                return Err(SyntaxError { missing, ..self.error(String::new()) });
            }
            if !ended {
                let begun = first.saturating_sub(1).max(1);
                let what = &here.delimiter;
                let warning = format!(
                    "here-document at line {begun} delimited by end-of-file (wanted `{what}')"
                );
                self.warnings.push(((self.end_line() - 1).max(begun), warning));
            }
            let word = if quoted {
                Word(vec![Part::Quoted(body, super::ast::Quote::Single)])
            } else {
                self.inner(&body, first).here_body()?
            };
            let _ = here.body.set(word);
        }
        Ok(())
    }

    // -------------------------------------------------------------- aliases

    fn expand_alias(&mut self) {
        while self.replace_alias() {}
    }

    /// After an alias that ends in a blank, the next word is looked at too.
    fn expand_next_alias(&mut self) {
        let left = self.src.len() - self.pos;
        let at_end = self.replaced.iter().any(|(name, behind)| {
            left >= *behind
                && left <= *behind + 1
                && self.alias(name).is_some_and(|value| value.ends_with([' ', '\t']))
        });
        if at_end {
            self.skip_blanks();
            self.replace_alias();
        }
    }

    fn alias(&self, name: &str) -> Option<&String> {
        self.options.aliases.as_ref().and_then(|aliases| aliases.get(name))
    }

    fn replace_alias(&mut self) -> bool {
        if self.options.aliases.is_none() || self.replacements >= MAX_ALIASES {
            return false;
        }
        let left = |parser: &Parser| parser.src.len() - parser.pos;
        while self.replaced.last().is_some_and(|(_, behind)| left(self) <= *behind) {
            self.replaced.pop();
        }
        let length = self.src[self.pos..].iter().take_while(|c| !is_meta(**c)).count();
        let name = self.text(self.pos, self.pos + length);
        let active = self.replaced.iter().any(|(other, _)| *other == name);
        let Some(value) = self.alias(&name).filter(|_| !active).cloned() else { return false };
        self.replacements += 1;
        self.src.splice(self.pos..self.pos + length, value.bytes());
        let behind = self.src.len() - self.pos - value.len();
        self.replaced.push((name, behind));
        self.skip_blanks();
        true
    }
}
