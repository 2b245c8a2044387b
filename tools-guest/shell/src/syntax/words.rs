//! Words: quoting, expansions, subscripts, array elements.

use std::rc::Rc;

use super::ast::{Anchor, Element, Index, Op, Param, Part, Quote, Word};
use super::parser::{Parse, Parser, is_meta};
use crate::text;

/// Where a word stands, which decides where it ends and what quotes mean in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// A word of which nothing more is known.
    Word,
    /// The value of an assignment: `~` also counts after `:`.
    Assign,
    /// An argument: in one that reads like an assignment, `~` also counts after the `=` and `:`.
    Argument,
    /// The pattern right of `==` between `[[` and `]]`.
    Pattern,
    /// The expression right of `=~`.
    Regex,
    /// Between double quotes.
    Double,
    /// A here-document's body.
    Here,
    /// Arithmetic, subscripts: expansions happen, quotes vanish.
    Arith,
    /// A word within `${…}`, with what else ends it; `quoted` when between double quotes.
    Brace { quoted: bool, stop: Option<u8>, pattern: bool },
}

/// Whether this can stand in what follows a `~`.
pub(crate) fn is_home_name(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'+' | b'.')
}

/// Whether this can name a variable.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_')
        && bytes.all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// Where an assignment's parts lie in the text.
pub(super) struct Head {
    pub(super) name_end: usize,
    pub(super) index: Option<(usize, usize)>,
    pub(super) append: bool,
    pub(super) value: usize,
}

/// Looks whether `name=`, `name+=`, `name[…]=` or `name[…]+=` stands at `at`.
pub(super) fn assignment_head(src: &[u8], at: usize) -> Option<Head> {
    let first = *src.get(at)?;
    if !(first.is_ascii_alphabetic() || first == b'_') {
        return None;
    }
    let length = src[at..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == b'_').count();
    let name_end = at + length;
    let mut next = name_end;
    let mut index = None;
    if src.get(next) == Some(&b'[') {
        let close = bracket_end(src, next + 1)?;
        index = Some((next + 1, close));
        next = close + 1;
    }
    let append = src.get(next) == Some(&b'+');
    if append {
        next += 1;
    }
    (src.get(next) == Some(&b'=')).then_some(Head { name_end, index, append, value: next + 1 })
}

/// The end of quoted text or of an expansion that begins at `at`; `None` if none begins there.
fn skip_quoted(src: &[u8], at: usize) -> Option<usize> {
    match src.get(at)? {
        b'\\' => Some(at + 2),
        b'\'' => Some(src[at + 1..].iter().position(|c| *c == b'\'')? + at + 2),
        b'"' => {
            let mut at = at + 1;
            while src.get(at).is_some_and(|c| *c != b'"') {
                at = match src[at] {
                    b'$' | b'`' | b'\\' => skip_quoted(src, at).unwrap_or(at + 1),
                    _ => at + 1,
                };
            }
            Some(at + 1)
        }
        b'`' => {
            let mut at = at + 1;
            while src.get(at).is_some_and(|c| *c != b'`') {
                at += if src[at] == b'\\' { 2 } else { 1 };
            }
            Some(at + 1)
        }
        b'$' => match src.get(at + 1)? {
            b'(' => Some(balanced(src, at + 2, b'(', b')')? + 1),
            b'{' => Some(balanced(src, at + 2, b'{', b'}')? + 1),
            _ => None,
        },
        _ => None,
    }
}

/// Where the bracket closes that was opened before `at`.
fn balanced(src: &[u8], mut at: usize, open: u8, close: u8) -> Option<usize> {
    let mut depth = 0u32;
    loop {
        let c = *src.get(at)?;
        if let Some(end) = skip_quoted(src, at) {
            at = end;
            continue;
        }
        if c == open {
            depth += 1;
        } else if c == close {
            if depth == 0 {
                return Some(at);
            }
            depth -= 1;
        }
        at += 1;
    }
}

/// Where the `]` of a subscript is.
fn bracket_end(src: &[u8], at: usize) -> Option<usize> {
    balanced(src, at, b'[', b']').filter(|end| !src[at..*end].contains(&b'\n'))
}

/// Where `))` closes arithmetic that begins at `at`; `None` if it is not arithmetic.
pub(super) fn double_paren_end(src: &[u8], at: usize) -> Option<usize> {
    let end = balanced(src, at, b'(', b')')?;
    (src.get(end + 1) == Some(&b')')).then_some(end)
}

/// Where the semicolons of `for ((a; b; c))` are.
pub(super) fn semicolons(src: &[u8], from: usize, to: usize) -> Vec<usize> {
    let (mut at, mut found) = (from, Vec::new());
    while at < to {
        if let Some(end) = skip_quoted(src, at) {
            at = end;
            continue;
        }
        if src[at] == b';' {
            found.push(at);
        }
        at += 1;
    }
    found
}

impl Parser {
    /// A word, or none if none begins here.
    pub(super) fn word(&mut self, mode: Mode) -> Parse<Option<Word>> {
        let start = self.pos;
        let parts = self.parts(mode)?;
        Ok((self.pos > start).then_some(Word(parts)))
    }

    /// The text from `from` to `to` as arithmetic.
    pub(super) fn arithmetic(&mut self, from: usize, to: usize) -> Parse<Word> {
        let source = self.text(from, to);
        let mut inner = self.inner(&source, self.line);
        let parts = inner.parts(Mode::Arith)?;
        self.line = inner.line;
        Ok(Word(parts))
    }

    /// A subscript: arithmetic, or a key.
    pub(super) fn subscript(&mut self, from: usize, to: usize) -> Parse<Word> {
        let source = self.text(from, to);
        self.inner(&source, self.line).whole_subscript()
    }

    /// The whole text as a subscript.
    pub(crate) fn whole_subscript(&mut self) -> Parse<Word> {
        let mut parts = Vec::new();
        loop {
            parts.append(&mut self.parts(Mode::Brace {
                quoted: false,
                stop: None,
                pattern: true,
            })?);
            match self.eat(b"}") {
                true => parts.push(Part::Literal("}".to_owned())),
                false => return Ok(Word(parts)),
            }
        }
    }

    /// The whole text as the body of a here-document.
    pub(super) fn here_body(&mut self) -> Parse<Word> {
        self.here = true;
        Ok(Word(self.parts(Mode::Here)?))
    }

    /// The whole text as if between double quotes; prompts and `${x@P}` are read so.
    pub(crate) fn quoted_text(&mut self) -> Parse<Word> {
        Ok(Word(vec![Part::Double(self.parts(Mode::Here)?)]))
    }

    /// The elements of an array, up to and with the `)`.
    pub(super) fn elements(&mut self) -> Parse<Vec<Element>> {
        let mut elements = Vec::new();
        let line = self.line;
        loop {
            self.skip_newlines()?;
            if self.eat(b")") {
                return Ok(elements);
            }
            let mut index = None;
            let mut append = false;
            if self.peek() == Some(b'[')
                && let Some(close) = bracket_end(&self.src, self.pos + 1)
            {
                let plus = self.src.get(close + 1) == Some(&b'+');
                let equals = close + 1 + usize::from(plus);
                if self.src.get(equals) == Some(&b'=') {
                    index = Some(self.subscript(self.pos + 1, close)?);
                    append = plus;
                    self.pos = equals + 1;
                }
            }
            let value = match self.word(Mode::Word)? {
                Some(word) => word,
                None if index.is_some() => Word::default(),
                None if self.peek().is_none() => return Err(self.unclosed(")", line)),
                None => return Err(self.unexpected()),
            };
            elements.push(Element { index, append, value });
        }
    }

    fn ends(&self, mode: Mode, c: u8, parens: u32) -> bool {
        match mode {
            Mode::Word | Mode::Assign | Mode::Argument => {
                is_meta(c) && !((c == b'<' || c == b'>') && self.peek_at(1) == Some(b'('))
            }
            Mode::Pattern => is_meta(c),
            Mode::Regex => match c {
                b' ' | b'\t' | b'\n' => parens == 0,
                b')' => parens == 0,
                b'&' => self.peek_at(1) == Some(b'&'),
                _ => false,
            },
            Mode::Double => c == b'"',
            Mode::Here | Mode::Arith => false,
            Mode::Brace { stop, .. } => c == b'}' || stop == Some(c),
        }
    }

    /// Parts up to where the mode ends.
    pub(super) fn parts(&mut self, mode: Mode) -> Parse<Vec<Part>> {
        self.deeper(|parser| parser.parts_inside(mode))
    }

    fn parts_inside(&mut self, mode: Mode) -> Parse<Vec<Part>> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut parens = 0u32;
        let in_quotes = matches!(
            mode,
            Mode::Double | Mode::Here | Mode::Brace { quoted: true, pattern: false, .. }
        );
        let tildes = matches!(
            mode,
            Mode::Word | Mode::Assign | Mode::Argument | Mode::Brace { quoted: false, .. }
        ) || mode == Mode::Pattern;
        let start = self.pos;
        // In a word of `"${…}"` single quotes quote nothing, and yet what is between two of them
        // does not end it.
        let pairs = matches!(mode, Mode::Brace { quoted: true, pattern: false, .. }) && !self.here;
        let mut pair_end = 0;
        while let Some(c) = self.peek() {
            if self.pos >= pair_end && self.ends(mode, c, parens) {
                break;
            }
            if pairs && c == b'\'' && self.pos > pair_end {
                let rest = &self.src[self.pos + 1..];
                let Some(length) = rest.iter().position(|c| *c == b'\'') else {
                    return Err(self.unclosed("'", self.line));
                };
                pair_end = self.pos + 1 + length;
            }
            if c == b'~' && tildes {
                let begins = match mode {
                    _ if self.pos == start => true,
                    Mode::Assign => literal.ends_with(':'),
                    Mode::Argument => after_assignment(&parts, &literal),
                    _ => false,
                };
                if begins && let Some(tilde) = self.tilde() {
                    flush(&mut literal, &mut parts);
                    parts.push(tilde);
                    continue;
                }
            }
            match c {
                b'\\' => self.backslash(mode, in_quotes, &mut literal, &mut parts),
                b'\'' if !in_quotes && mode != Mode::Arith => {
                    let from = self.pos + 1;
                    let length = self.src[from..].iter().position(|c| *c == b'\'');
                    let Some(length) = length else { return Err(self.unclosed("'", self.line)) };
                    flush(&mut literal, &mut parts);
                    let quoted = self.text(from, from + length);
                    self.line += quoted.matches('\n').count() as u32;
                    parts.push(Part::Quoted(quoted, Quote::Single));
                    self.pos = from + length + 1;
                }
                b'"' if mode == Mode::Here => {
                    literal.push('"');
                    self.pos += 1;
                }
                b'"' if mode == Mode::Arith => self.pos += 1,
                b'"' => {
                    flush(&mut literal, &mut parts);
                    let line = self.line;
                    self.pos += 1;
                    let inner = self.parts(Mode::Double)?;
                    if !self.eat(b"\"") {
                        return Err(self.unclosed("\"", line));
                    }
                    parts.push(Part::Double(inner));
                }
                // Within `${…}`, `$'…'` quotes even between double quotes.
                b'$' if self.peek_at(1) == Some(b'\'')
                    && matches!(mode, Mode::Brace { .. })
                    && !self.here =>
                {
                    flush(&mut literal, &mut parts);
                    parts.extend(self.dollar(false)?);
                }
                b'$' => match self.dollar(in_quotes)? {
                    Some(part) => {
                        flush(&mut literal, &mut parts);
                        parts.push(part);
                    }
                    None => {
                        literal.push('$');
                        self.pos += 1;
                    }
                },
                b'`' => {
                    flush(&mut literal, &mut parts);
                    parts.push(self.backquote(in_quotes)?);
                }
                b'<' | b'>' if self.peek_at(1) == Some(b'(') && may_substitute(mode) => {
                    flush(&mut literal, &mut parts);
                    self.pos += 2;
                    let list = Rc::new(self.substitution()?);
                    parts.push(Part::Process { read: c == b'<', list });
                }
                b'?' | b'*' | b'+' | b'@' | b'!'
                    if self.peek_at(1) == Some(b'(')
                        && (is_argument(mode) && self.options.extglob || mode == Mode::Pattern) =>
                {
                    literal.push(c as char);
                    literal.push('(');
                    self.pos += 2;
                    self.extended(&mut literal, &mut parts)?;
                }
                _ => {
                    if mode == Mode::Regex {
                        match c {
                            b'(' => parens += 1,
                            b')' => parens = parens.saturating_sub(1),
                            _ => {}
                        }
                    }
                    self.one_char(&mut literal);
                }
            }
        }
        flush(&mut literal, &mut parts);
        Ok(parts)
    }

    /// Takes one character as it is.
    fn one_char(&mut self, literal: &mut String) {
        let from = self.pos;
        self.pos += 1;
        while self.peek().is_some_and(|c| c & 0xC0 == 0x80) {
            self.pos += 1;
        }
        if self.src[from] == b'\n' {
            self.line += 1;
        }
        literal.push_str(&String::from_utf8_lossy(&self.src[from..self.pos]));
    }

    /// The inside of `@(…)`, up to and with its `)`.
    fn extended(&mut self, literal: &mut String, parts: &mut Vec<Part>) -> Parse<()> {
        let line = self.line;
        loop {
            let inner =
                self.parts(Mode::Brace { quoted: false, stop: Some(b')'), pattern: true })?;
            for part in inner {
                match part {
                    Part::Literal(text) => literal.push_str(&text),
                    part => {
                        flush(literal, parts);
                        parts.push(part);
                    }
                }
            }
            match self.peek() {
                Some(b')') => {
                    self.pos += 1;
                    literal.push(')');
                    return Ok(());
                }
                Some(_) => self.one_char(literal),
                None => return Err(self.unclosed(")", line)),
            }
            // A nested group's `)` ended the text above: count it by looking at what was read.
        }
    }

    fn backslash(
        &mut self,
        mode: Mode,
        in_quotes: bool,
        literal: &mut String,
        parts: &mut Vec<Part>,
    ) {
        let next = self.peek_at(1);
        if next == Some(b'\n') {
            self.pos += 2;
            self.line += 1;
            return;
        }
        let escapes = match next {
            None => false,
            Some(c) if in_quotes => match c {
                b'$' | b'`' | b'\\' => true,
                b'"' => mode != Mode::Here,
                b'}' => matches!(mode, Mode::Brace { .. }),
                _ => false,
            },
            Some(c) if mode == Mode::Arith => matches!(c, b'$' | b'`' | b'\\' | b'"'),
            Some(_) => true,
        };
        self.pos += 1;
        if !escapes {
            literal.push('\\');
            return;
        }
        let mut quoted = String::new();
        self.one_char(&mut quoted);
        flush(literal, parts);
        parts.push(Part::Quoted(quoted, Quote::Backslash));
    }

    fn tilde(&mut self) -> Option<Part> {
        let rest = &self.src[self.pos + 1..];
        let length = rest.iter().take_while(|c| is_home_name(**c)).count();
        let ends = rest.get(length).is_none_or(|c| is_meta(*c) || matches!(c, b'/' | b':' | b'}'));
        if !ends {
            return None;
        }
        let name = self.text(self.pos + 1, self.pos + 1 + length);
        self.pos += 1 + length;
        Some(Part::Tilde(name))
    }

    /// What `$` begins, or none if it stands for itself.
    fn dollar(&mut self, in_quotes: bool) -> Parse<Option<Part>> {
        let Some(next) = self.peek_at(1) else { return Ok(None) };
        let part = match next {
            b'\'' if !in_quotes => {
                let from = self.pos + 2;
                let mut at = from;
                while self.src.get(at).is_some_and(|c| *c != b'\'') {
                    at += if self.src[at] == b'\\' { 2 } else { 1 };
                }
                if at >= self.src.len() {
                    return Err(self.unclosed("'", self.line));
                }
                let raw = self.text(from, at);
                self.line += raw.matches('\n').count() as u32;
                self.pos = at + 1;
                Part::Quoted(ansi_c(&raw), Quote::Dollar)
            }
            b'"' if !in_quotes => {
                let line = self.line;
                self.pos += 2;
                let inner = self.parts(Mode::Double)?;
                if !self.eat(b"\"") {
                    return Err(self.unclosed("\"", line));
                }
                Part::Double(inner)
            }
            b'(' => {
                if self.peek_at(2) == Some(b'(')
                    && let Some(end) = double_paren_end(&self.src, self.pos + 3)
                {
                    let word = self.arithmetic(self.pos + 3, end)?;
                    self.pos = end + 2;
                    return Ok(Some(Part::Arith(word)));
                }
                self.pos += 2;
                let from = self.pos;
                let list = self.substitution()?;
                let source = self.text(from, self.pos - 1);
                Part::Command(Rc::new(list), source.into())
            }
            b'[' => {
                let Some(end) = balanced(&self.src, self.pos + 2, b'[', b']') else {
                    return Ok(None);
                };
                let word = self.arithmetic(self.pos + 2, end)?;
                self.pos = end + 1;
                Part::Arith(word)
            }
            b'{' => {
                self.pos += 2;
                Part::Param(Box::new(self.braced(in_quotes)?))
            }
            c if c.is_ascii_alphabetic() || c == b'_' => {
                self.pos += 1;
                let from = self.pos;
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == b'_') {
                    self.pos += 1;
                }
                Part::Param(Box::new(plain(self.text(from, self.pos))))
            }
            c if c.is_ascii_digit() || b"@*#?-$!".contains(&c) => {
                self.pos += 2;
                Part::Param(Box::new(plain((c as char).to_string())))
            }
            _ => return Ok(None),
        };
        Ok(Some(part))
    }

    fn backquote(&mut self, in_quotes: bool) -> Parse<Part> {
        let line = self.line;
        self.pos += 1;
        let mut source = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.unclosed("`", line)),
                Some(b'`') => break,
                Some(b'\\')
                    if matches!(self.peek_at(1), Some(b'`' | b'\\' | b'$'))
                        || in_quotes && self.peek_at(1) == Some(b'"') =>
                {
                    source.extend(self.peek_at(1));
                    self.pos += 2;
                }
                Some(c) => {
                    if c == b'\n' {
                        self.line += 1;
                    }
                    source.push(c);
                    self.pos += 1;
                }
            }
        }
        self.pos += 1;
        let source = String::from_utf8_lossy(&source).into_owned();
        let mut inner = self.inner(&source, line);
        let mut list = super::ast::List::default();
        while let Some(more) = self.deeper(|_| inner.next_command())? {
            list.0.extend(more.0);
        }
        Ok(Part::Command(Rc::new(list), source.into()))
    }

    /// What stands between `${` and `}`.
    fn braced(&mut self, in_quotes: bool) -> Parse<Param> {
        let (from, line) = (self.pos, self.line);
        let mut param = self.braced_inside(in_quotes)?;
        if self.peek() != Some(b'}') {
            let Some(end) = balanced(&self.src, self.pos, b'{', b'}') else {
                return Err(self.unclosed("}", line));
            };
            self.pos = end;
            param.op = Op::Bad;
        }
        param.source = self.text(from, self.pos);
        if param.source == param.name {
            // Told apart from `$name` when it is printed.
            param.braced = true;
        }
        self.pos += 1;
        Ok(param)
    }

    fn braced_inside(&mut self, in_quotes: bool) -> Parse<Param> {
        let mut param = plain(String::new());
        if self.peek() == Some(b'#') && self.peek_at(1) != Some(b'}') {
            let next = self.peek_at(1).unwrap_or(b' ');
            let special = b"@*?-$!#".contains(&next) && self.peek_at(2) == Some(b'}');
            if next.is_ascii_alphanumeric() || next == b'_' || special {
                self.pos += 1;
                param.name = self.param_name();
                param.index = self.index()?;
                param.op = Op::Length;
                return Ok(param);
            }
        }
        if self.peek() == Some(b'!') {
            let next = self.peek_at(1).unwrap_or(b'}');
            if next.is_ascii_alphanumeric() || next == b'_' || b"#@*".contains(&next) {
                self.pos += 1;
                param.indirect = true;
            }
        }
        param.name = self.param_name();
        if param.name.is_empty() {
            param.op = Op::Bad;
            return Ok(param);
        }
        if param.indirect {
            for (text, star) in [(b"*}", true), (b"@}", false)] {
                if self.at(text) {
                    self.pos += 1;
                    param.op = Op::Names { star };
                    return Ok(param);
                }
            }
        }
        param.index = self.index()?;
        if param.indirect && self.peek() == Some(b'}') {
            let star = match param.index {
                Some(Index::At) => Some(false),
                Some(Index::Star) => Some(true),
                _ => None,
            };
            if let Some(star) = star {
                param.op = Op::Keys { star };
                param.indirect = false;
                return Ok(param);
            }
        }
        param.op = self.operator(in_quotes)?;
        Ok(param)
    }

    fn param_name(&mut self) -> String {
        let from = self.pos;
        match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                    self.pos += 1;
                }
            }
            Some(c) if c.is_ascii_alphabetic() || c == b'_' => {
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == b'_') {
                    self.pos += 1;
                }
            }
            Some(c) if b"@*#?-$!".contains(&c) => self.pos += 1,
            _ => {}
        }
        self.text(from, self.pos)
    }

    fn index(&mut self) -> Parse<Option<Index>> {
        if self.peek() != Some(b'[') {
            return Ok(None);
        }
        let Some(end) = bracket_end(&self.src, self.pos + 1) else { return Ok(None) };
        let index = match &self.src[self.pos + 1..end] {
            b"@" => Index::At,
            b"*" => Index::Star,
            _ => Index::Word(self.subscript(self.pos + 1, end)?),
        };
        self.pos = end + 1;
        Ok(Some(index))
    }

    fn operator(&mut self, quoted: bool) -> Parse<Op> {
        let word = |parser: &mut Parser, stop: Option<u8>, pattern: bool| -> Parse<Word> {
            let mode = Mode::Brace { quoted, stop, pattern };
            Ok(Word(parser.parts(mode)?))
        };
        let Some(c) = self.peek() else { return Err(self.unclosed("}", self.line)) };
        let colon = c == b':' && matches!(self.peek_at(1), Some(b'-' | b'=' | b'?' | b'+'));
        if colon {
            self.pos += 1;
        }
        let c = self.peek().unwrap_or(b'}');
        Ok(match c {
            b'}' => Op::None,
            b'-' | b'=' | b'?' | b'+' => {
                self.pos += 1;
                Op::Test { kind: c as char, colon, word: word(self, None, false)? }
            }
            b'#' | b'%' => {
                self.pos += 1;
                let longest = self.eat(&[c]);
                Op::Remove { suffix: c == b'%', longest, pattern: word(self, None, true)? }
            }
            b'/' => {
                self.pos += 1;
                let anchor = match self.peek() {
                    Some(b'/') => Anchor::All,
                    Some(b'#') => Anchor::Start,
                    Some(b'%') => Anchor::End,
                    _ => Anchor::First,
                };
                if anchor != Anchor::First {
                    self.pos += 1;
                }
                let pattern = word(self, Some(b'/'), true)?;
                let with = match self.eat(b"/") {
                    true => word(self, None, true)?,
                    false => Word::default(),
                };
                Op::Replace { anchor, pattern, with }
            }
            b'^' | b',' | b'~' => {
                self.pos += 1;
                let all = self.eat(&[c]);
                let pattern = match self.peek() {
                    Some(b'}') => None,
                    _ => Some(word(self, None, true)?),
                };
                let upper = match c {
                    b'^' => Some(true),
                    b',' => Some(false),
                    _ => None,
                };
                Op::Case { upper, all, pattern }
            }
            b'@' if self.peek_at(2) == Some(b'}') => {
                let letter = self.peek_at(1).unwrap_or(b'}') as char;
                self.pos += 2;
                Op::Transform(letter)
            }
            b':' => {
                self.pos += 1;
                let (offset, more) = self.slice_part()?;
                let length = if more { Some(self.slice_part()?.0) } else { None };
                Op::Substring { offset, length }
            }
            _ => Op::Bad,
        })
    }

    /// One of the two expressions of a substring, and whether a `:` follows it. The `:` of `a?b:c`
    /// does not end it.
    fn slice_part(&mut self) -> Parse<(Word, bool)> {
        let from = self.pos;
        let (mut at, mut questions, mut parens) = (from, 0u32, 0u32);
        loop {
            let Some(c) = self.src.get(at).copied() else {
                return Err(self.unclosed("}", self.line));
            };
            if let Some(end) = skip_quoted(&self.src, at) {
                at = end;
                continue;
            }
            match c {
                b'}' => break,
                b'(' => parens += 1,
                b')' => parens = parens.saturating_sub(1),
                b'?' => questions += 1,
                b':' if parens == 0 && questions == 0 => break,
                b':' => questions = questions.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
        let word = self.arithmetic(from, at)?;
        self.pos = at;
        let more = self.eat(b":");
        Ok((word, more))
    }
}

fn may_substitute(mode: Mode) -> bool {
    let inner = matches!(mode, Mode::Brace { quoted: false, pattern: false, .. });
    is_argument(mode) || inner || mode == Mode::Regex
}

/// Whether what comes next stands after the `=` of something like an assignment, or after a `:`
/// of its value. `literal` is what was read since the last of `parts`.
fn after_assignment(parts: &[Part], literal: &str) -> bool {
    let first = match parts.first() {
        None => literal,
        Some(Part::Literal(first)) => first,
        Some(_) => return false,
    };
    let Some(value) = assigned_value(first) else { return false };
    parts.is_empty() && value.is_empty() || literal.ends_with(':')
}

/// What follows the `=` of a text that reads `name=…`, `name+=…` or `name[…]=…`.
pub(crate) fn assigned_value(text: &str) -> Option<&str> {
    let (target, value) = text.split_once('=')?;
    let target = target.strip_suffix('+').unwrap_or(target);
    let name = target.split_once('[').map_or(target, |(name, _)| name);
    is_name(name).then_some(value)
}

fn is_argument(mode: Mode) -> bool {
    matches!(mode, Mode::Word | Mode::Assign | Mode::Argument)
}

fn plain(name: String) -> Param {
    let source = name.clone();
    Param { name, index: None, indirect: false, op: Op::None, source, braced: false }
}

fn flush(literal: &mut String, parts: &mut Vec<Part>) {
    if !literal.is_empty() {
        parts.push(Part::Literal(std::mem::take(literal)));
    }
}

/// What `$'…'` stands for.
pub(crate) fn ansi_c(raw: &str) -> String {
    let mut bytes = Vec::new();
    let raw = text::encode(raw);
    let mut at = 0;
    while at < raw.len() {
        if raw[at] != b'\\' {
            bytes.push(raw[at]);
            at += 1;
            continue;
        }
        at += 1;
        let Some(c) = raw.get(at).copied() else {
            bytes.push(b'\\');
            break;
        };
        at += 1;
        let digits = |at: usize, most: usize, radix: u32| {
            let count =
                raw[at..].iter().take(most).take_while(|c| (**c as char).is_digit(radix)).count();
            let text = std::str::from_utf8(&raw[at..at + count]).unwrap_or_default();
            (count, u32::from_str_radix(text, radix).unwrap_or(0))
        };
        match c {
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'e' | b'E' => bytes.push(27),
            b'f' => bytes.push(12),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'v' => bytes.push(11),
            b'\\' | b'\'' | b'"' | b'?' => bytes.push(c),
            b'0'..=b'7' => {
                let (count, value) = digits(at - 1, 3, 8);
                at += count - 1;
                if value & 0xFF == 0 {
                    break;
                }
                bytes.push((value & 0xFF) as u8);
            }
            b'x' => {
                let (count, value) = digits(at, 2, 16);
                at += count;
                match (count, value) {
                    (0, _) => bytes.extend_from_slice(b"\\x"),
                    (_, 0) => break,
                    _ => bytes.push(value as u8),
                }
            }
            b'u' | b'U' => {
                let (count, value) = digits(at, if c == b'u' { 4 } else { 8 }, 16);
                at += count;
                match char::from_u32(value) {
                    _ if count == 0 => bytes.extend_from_slice(&[b'\\', c]),
                    Some('\0') | None => break,
                    Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            }
            b'c' => {
                if let Some(c) = raw.get(at) {
                    bytes.push(c & 0x1F);
                    at += 1;
                }
            }
            _ => bytes.extend_from_slice(&[b'\\', c]),
        }
    }
    text::decode(&bytes)
}
