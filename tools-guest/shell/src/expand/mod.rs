//! Expansion: what the words of a command become.

mod brace;
mod fields;
mod glob;
mod param;

use std::cell::RefCell;
use std::rc::Rc;

use crate::shell::{Capture, Fd, Shell, Unwind};
use crate::syntax::ast::{Kind, List, Part, RedirectKind, Word};
use crate::system::System;
use crate::text;

pub(crate) use fields::{Field, Fields, Ifs};
pub(crate) use param::attribute_letters;

/// Fields that one command may have. Against a word that becomes gigabytes of arguments.
const MAX_FIELDS: usize = 2_000_000;

type Expand<T> = Result<T, Unwind>;

impl<S: System> Shell<S> {
    /// The separators of now.
    pub(crate) fn ifs(&self) -> Ifs {
        Ifs::new(self.state.vars.get("IFS").and_then(|var| var.value.scalar()))
    }

    /// Everything: braces, tildes, parameters, substitution, splitting, names.
    pub(crate) fn expand_words(&mut self, words: &[Word]) -> Expand<Vec<String>> {
        let mut result = Vec::with_capacity(words.len());
        for word in words {
            self.expand_word_into(word, &mut result)?;
            if result.len() > MAX_FIELDS {
                self.complain(&format!("a command has more than {MAX_FIELDS} words"));
                return Err(Unwind::Discard(1));
            }
        }
        Ok(result)
    }

    pub(crate) fn expand_word_into(&mut self, word: &Word, result: &mut Vec<String>) -> Expand<()> {
        let braced = match self.state.options.braceexpand {
            true => brace::expand(word),
            false => Ok(None),
        };
        match braced {
            Ok(None) => self.expand_one(word, result),
            Ok(Some(words)) => words.iter().try_for_each(|word| self.expand_one(word, result)),
            Err(message) => {
                self.complain(&message);
                Err(Unwind::Discard(1))
            }
        }
    }

    fn expand_one(&mut self, word: &Word, result: &mut Vec<String>) -> Expand<()> {
        let mut fields = Fields::new(self.ifs(), true);
        self.expand_parts(&word.0, false, false, &mut fields)?;
        for field in fields.into_fields() {
            if !self.glob(field, result) {
                return Err(Unwind::Discard(1));
            }
        }
        Ok(())
    }

    /// As one field, of which is known what was quoted.
    pub(crate) fn expand_field(&mut self, word: &Word) -> Expand<Field> {
        let mut fields = Fields::new(self.ifs(), false);
        self.expand_parts(&word.0, false, false, &mut fields)?;
        Ok(fields.into_field())
    }

    /// Without splitting and names: one text.
    pub(crate) fn expand_string(&mut self, word: &Word) -> Expand<String> {
        match &word.0[..] {
            [Part::Literal(text)] => Ok(text.clone()),
            _ => Ok(self.expand_field(word)?.text),
        }
    }

    /// As [`Shell::expand_string`], for a variable's value or a here-string.
    pub(crate) fn expand_value(&mut self, word: &Word) -> Expand<String> {
        if let Some(text) = word.as_literal() {
            return Ok(text.to_owned());
        }
        let mut fields = Fields::value(self.ifs());
        self.expand_parts(&word.0, false, false, &mut fields)?;
        Ok(fields.into_field().text)
    }

    /// As a pattern: what is quoted stands for itself.
    pub(crate) fn expand_pattern(&mut self, word: &Word) -> Expand<String> {
        Ok(self.expand_field(word)?.pattern())
    }

    /// As a regular expression: what is quoted stands for itself.
    pub(crate) fn expand_regex(&mut self, word: &Word) -> Expand<String> {
        let mut regex = String::new();
        for (text, quoted) in self.expand_field(word)?.pieces() {
            match quoted {
                true => regex.push_str(&toolcell_posix::escape(text)),
                false => regex.push_str(text),
            }
        }
        Ok(regex)
    }

    /// The value of arithmetic.
    pub(crate) fn expand_arith(&mut self, word: &Word) -> Expand<i64> {
        self.expand_arith_in("", word)
    }

    /// The same within a command, whose name and a colon stand before what is wrong.
    pub(crate) fn expand_arith_in(&mut self, command: &str, word: &Word) -> Expand<i64> {
        match word.as_literal() {
            Some(text) => self.arithmetic_in(command, text),
            None => {
                let text = self.expand_subscripts(word)?;
                self.arithmetic_in(command, &text)
            }
        }
    }

    /// A text whose subscripts are read once more. What an expansion puts into that of an
    /// associative array is a key as it stands, and is escaped from what reads it.
    pub(crate) fn expand_subscripts(&mut self, word: &Word) -> Expand<String> {
        let opens = |part: &Part| matches!(part, Part::Literal(text) if text.contains('['));
        let any = |parts: &[Part]| parts.iter().any(opens);
        if !any(&word.0) && !matches!(&word.0[..], [Part::Double(parts)] if any(parts)) {
            return self.expand_string(word);
        }
        let mut text = String::new();
        self.expand_subscript_parts(&word.0, false, &mut text)?;
        Ok(text)
    }

    fn expand_subscript_parts(
        &mut self,
        parts: &[Part],
        quoted: bool,
        text: &mut String,
    ) -> Expand<()> {
        for part in parts {
            match part {
                Part::Literal(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Part::Double(inner) => {
                    self.expand_subscript_parts(inner, true, text)?;
                    continue;
                }
                _ => {}
            }
            let array = open_subscript(text).map(|name| self.resolve(name).0);
            let is_key = array.is_some_and(|name| self.is_assoc(&name));
            let mut fields = Fields::new(self.ifs(), false);
            self.expand_parts(std::slice::from_ref(part), quoted, false, &mut fields)?;
            for c in fields.into_field().text.chars() {
                if is_key && matches!(c, '\\' | '\'' | '"' | '$' | '`' | '[' | ']' | '~') {
                    text.push('\\');
                }
                text.push(c);
            }
        }
        Ok(())
    }

    /// The key that a subscript means of which the text is read once more: its quotes go, and what
    /// they do not protect is expanded. `None` if it cannot be read.
    pub(crate) fn key(&mut self, subscript: &str) -> Expand<Option<String>> {
        if !subscript.contains(['\\', '\'', '"', '$', '`', '~']) {
            return Ok(Some(subscript.to_owned()));
        }
        let mut parser =
            crate::syntax::Parser::new(subscript, self.state.line, self.parse_options());
        match parser.whole_subscript() {
            Ok(word) => self.expand_string(&word).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// The same of an element that a builtin is given the name of; of other arrays, the subscript
    /// as it stands.
    pub(crate) fn named_key(&mut self, array: &str, subscript: &str) -> Expand<Option<String>> {
        let (array, _) = self.resolve(array);
        match self.is_assoc(&array) && !self.state.shopt("assoc_expand_once") {
            true if !is_balanced(subscript) => Ok(None),
            true => self.key(subscript),
            false => Ok(Some(subscript.to_owned())),
        }
    }

    /// `source` as if between double quotes.
    pub(crate) fn expand_text(&mut self, source: &str) -> Expand<String> {
        let mut parser = crate::syntax::Parser::new(source, self.state.line, self.parse_options());
        match parser.quoted_text() {
            Ok(word) => self.expand_string(&word),
            Err(_) => Ok(source.to_owned()),
        }
    }

    /// Expands parts into fields. `quoted` is between double quotes; `inner` is the word of an
    /// unquoted `${x:-word}`, whose own text is split too.
    pub(crate) fn expand_parts(
        &mut self,
        parts: &[Part],
        quoted: bool,
        inner: bool,
        out: &mut Fields,
    ) -> Expand<()> {
        for part in parts {
            match part {
                Part::Literal(text) if quoted => out.push(text, true),
                Part::Literal(text) if inner => out.push_split(text),
                Part::Literal(text) => out.push(text, false),
                Part::Quoted(text, _) => out.push(text, true),
                Part::Double(parts) => {
                    // Quotes make a field, unless nothing but an empty "$@" is between them.
                    if parts.is_empty() || !parts.iter().all(is_all_arguments) {
                        out.push("", true);
                    }
                    self.expand_parts(parts, true, false, out)?;
                }
                Part::Tilde(name) => {
                    let text = self.tilde(name);
                    out.push(&text, true);
                }
                Part::Param(param) => self.expand_param(param, quoted, out)?,
                Part::Command(list, _) => {
                    let text = self.substitute(list)?;
                    self.push_expanded(&text, quoted, out);
                }
                Part::Arith(word) => {
                    let value = self.expand_arith(word)?.to_string();
                    self.push_expanded(&value, quoted, out);
                }
                Part::Process { read, list } => {
                    let path = self.process_substitution(*read, list)?;
                    out.push(&path, true);
                }
            }
        }
        Ok(())
    }

    fn push_expanded(&mut self, text: &str, quoted: bool, out: &mut Fields) {
        match quoted {
            true => out.push(text, true),
            false => out.push_split(text),
        }
    }

    fn tilde(&mut self, name: &str) -> String {
        let value = match name {
            "" => self.get("HOME").or_else(|| Some("/home/agent".to_owned())),
            "+" => self.get("PWD"),
            "-" => self.get("OLDPWD"),
            "agent" => Some("/home/agent".to_owned()),
            "root" => Some("/root".to_owned()),
            number => number.parse::<usize>().ok().and_then(|at| match at {
                0 => Some(self.state.cwd.clone()),
                at => self.state.dirs.get(at - 1).cloned(),
            }),
        };
        value.unwrap_or_else(|| format!("~{name}"))
    }

    // --------------------------------------------------------- substitution

    /// The output of commands, without the newlines at its end.
    pub(crate) fn substitute(&mut self, list: &Rc<List>) -> Expand<String> {
        if let Some(path) = file_to_read(list) {
            let path = self.expand_string(&path.clone())?;
            let full = self.absolute(&path);
            let content = match self.read_file(&full) {
                Ok(content) => content,
                Err(error) => {
                    self.complain(&format!("{path}: {}", error.message()));
                    self.substituted = Some(1);
                    return Ok(String::new());
                }
            };
            self.substituted = Some(0);
            return Ok(self.captured(content));
        }
        if self.is_nearly_full() {
            self.complain("command substitution: nested too deeply");
            return Err(Unwind::Discard(1));
        }
        let capture: Capture = Rc::new(RefCell::new(Vec::new()));
        let line = self.state.line;
        let inherits = self.state.shopt("inherit_errexit") || self.state.options.posix;
        let inner = capture.clone();
        self.silent += 1;
        let status = self.subshell(|shell| {
            shell.fds.insert(1, Fd::Capture(inner));
            if !inherits {
                shell.state.options.errexit = false;
            }
            shell.nested(|shell| shell.run_list(list))
        });
        self.collect_late(&capture);
        self.silent -= 1;
        self.killed = None;
        self.state.line = line;
        self.substituted = Some(status);
        self.state.status = status;
        let content = std::mem::take(&mut *capture.borrow_mut());
        Ok(self.captured(content))
    }

    fn captured(&mut self, mut content: Vec<u8>) -> String {
        if content.contains(&0) {
            self.complain("warning: command substitution: ignored null byte in input");
            content.retain(|byte| *byte != 0);
        }
        while content.last() == Some(&b'\n') {
            content.pop();
        }
        text::decode(&content)
    }
}

fn is_all_arguments(part: &Part) -> bool {
    use crate::syntax::ast::{Index, Op};
    let Part::Param(param) = part else { return false };
    let many = param.name == "@" || matches!(param.index, Some(Index::At));
    many && matches!(
        param.op,
        Op::None
            | Op::Remove { .. }
            | Op::Replace { .. }
            | Op::Substring { .. }
            | Op::Case { .. }
            | Op::Transform(_)
    ) || matches!(param.op, Op::Keys { star: false } | Op::Names { star: false })
}

/// The file of `$(<file)`.
fn file_to_read(list: &List) -> Option<&Word> {
    let [item] = &list.0[..] else { return None };
    let [stage] = &item.first.stages[..] else { return None };
    if item.background || !item.rest.is_empty() || item.first.negated {
        return None;
    }
    let Kind::Simple { assigns, args } = &stage.command.kind else { return None };
    let [redirect] = &stage.command.redirects[..] else { return None };
    let only = assigns.is_empty() && args.is_empty() && redirect.kind == RedirectKind::Read;
    only.then_some(&redirect.target)
}

/// Whether each bracket of a subscript that nothing escapes has its other one.
fn is_balanced(subscript: &str) -> bool {
    let mut depth = 0u32;
    let mut bytes = subscript.bytes();
    while let Some(c) = bytes.next() {
        match c {
            b'\\' => drop(bytes.next()),
            b'[' => depth += 1,
            b']' if depth == 0 => return false,
            b']' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// The array whose subscript is open at the end of a text.
fn open_subscript(text: &str) -> Option<&str> {
    let mut open = Vec::new();
    let mut escaped = false;
    for (at, c) in text.bytes().enumerate() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' => escaped = true,
            b'[' => open.push(at),
            b']' => drop(open.pop()),
            _ => {}
        }
    }
    let before = &text[..*open.first()?];
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = &before[before.trim_end_matches(is_part).len()..];
    (!name.is_empty()).then_some(name)
}
