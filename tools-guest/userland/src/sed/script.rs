//! A script as commands.

use toolcell_posix::{Meaning, Regex, Syntax, Text, has_references, translate};
use toolcell_text::escape;

use super::run::Settings;

/// A piece of a script, and what messages about it begin with.
#[derive(Debug)]
pub(super) struct Source {
    text: String,
    name: String,
    by_line: bool,
}

impl Source {
    pub(super) fn expression(text: String, number: usize) -> Source {
        Source { text, name: format!("-e expression #{number}"), by_line: false }
    }

    pub(super) fn file(text: String, path: &str) -> Source {
        let text = text.strip_suffix('\n').map(str::to_owned).unwrap_or(text);
        Source { text, name: format!("file {path}"), by_line: true }
    }
}

/// An expression, with back-references only where there are some: their engine is slower.
#[derive(Debug)]
pub(super) enum Pattern {
    Plain(Box<Regex>),
    Referring(Box<fancy_regex::Regex>),
    /// The one that was used last.
    Last,
}

#[derive(Debug)]
pub(super) enum Address {
    Line(usize),
    Step {
        first: usize,
        step: usize,
    },
    Last,
    Match(Pattern),
    /// The end of a range: this many lines on, or the next line that is a multiple.
    Plus(usize),
    Multiple(usize),
}

/// A piece of what replaces a match.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Vec<u8>),
    Group(usize),
    Case(char),
}

#[derive(Debug)]
pub(super) struct Substitute {
    pub(super) pattern: Pattern,
    pub(super) with: Vec<Piece>,
    pub(super) global: bool,
    /// The first match that is replaced, from 1.
    pub(super) from: usize,
    pub(super) print: bool,
    pub(super) file: Option<String>,
}

#[derive(Debug)]
pub(super) enum Action {
    /// To the command after the matching brace unless its address matches.
    Open {
        end: usize,
    },
    Nothing,
    Number,
    Append(Vec<u8>),
    Insert(Vec<u8>),
    Change(Vec<u8>),
    /// To a label's command; none is the end.
    Branch(Option<usize>),
    BranchIf(Option<usize>),
    BranchUnless(Option<usize>),
    Delete,
    DeleteFirst,
    Name,
    Get,
    GetAppend,
    Hold,
    HoldAppend,
    /// The columns that lines are folded at; 0 for no folding.
    List(Option<usize>),
    Next,
    NextAppend,
    Print,
    PrintFirst,
    Quit {
        status: i32,
        print: bool,
    },
    ReadFile(String),
    ReadLine(String),
    Substitute(Box<Substitute>),
    WriteFile(String),
    WriteFirst(String),
    Exchange,
    Map(Vec<(char, char)>),
    Zap,
}

#[derive(Debug)]
pub(super) struct Command {
    pub(super) from: Option<Address>,
    pub(super) to: Option<Address>,
    /// `0,/x/`: the end may match on the first line.
    pub(super) from_zero: bool,
    pub(super) negated: bool,
    pub(super) action: Action,
}

struct Parser<'a> {
    source: &'a Source,
    chars: Vec<char>,
    at: usize,
    extended: bool,
}

type Parsed<T> = Result<T, String>;

/// Reads the pieces of a script as one. `#n` on the first line of it means `-n`.
pub(super) fn parse(sources: &[Source], settings: &mut Settings) -> Parsed<Vec<Command>> {
    // A text that ends in a backslash goes on in the next piece.
    let mut joined: Vec<Source> = Vec::new();
    for source in sources {
        match joined.last_mut().filter(|last| last.text.ends_with('\\')) {
            Some(last) => {
                last.text.push('\n');
                last.text.push_str(&source.text);
            }
            None => joined.push(Source {
                text: source.text.clone(),
                name: source.name.clone(),
                by_line: source.by_line,
            }),
        }
    }
    if joined.first().is_some_and(|first| first.text == "#n" || first.text.starts_with("#n\n")) {
        settings.quiet = true;
    }
    let mut commands: Vec<Command> = Vec::new();
    let mut labels: Vec<(String, usize)> = Vec::new();
    let mut jumps: Vec<(usize, String)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for source in &joined {
        let chars = source.text.chars().collect();
        let mut parser = Parser { source, chars, at: 0, extended: settings.extended };
        parser.all(&mut commands, &mut labels, &mut jumps, &mut open)?;
    }
    if !open.is_empty() {
        return Err("-e expression #1, char 0: unmatched `{'".to_owned());
    }
    for (command, label) in jumps {
        let found = labels.iter().find(|(name, _)| *name == label).map(|(_, at)| *at);
        if found.is_none() && !label.is_empty() {
            return Err(format!("can't find label for jump to `{label}'"));
        }
        match &mut commands[command].action {
            Action::Branch(to) | Action::BranchIf(to) | Action::BranchUnless(to) => *to = found,
            _ => {}
        }
    }
    Ok(commands)
}

impl Parser<'_> {
    fn error<T>(&self, text: &str) -> Parsed<T> {
        let at = self.at.min(self.chars.len());
        Err(match self.source.by_line {
            true => {
                let line = self.chars[..at].iter().filter(|c| **c == '\n').count() + 1;
                format!("{} line {line}: {text}", self.source.name)
            }
            false => format!("{}, char {at}: {text}", self.source.name),
        })
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&what) {
            self.at += 1;
        }
    }

    fn blanks(&mut self) {
        self.skip(|c| c == ' ' || c == '\t');
    }

    fn number(&mut self) -> Option<usize> {
        let start = self.at;
        self.skip(|c| c.is_ascii_digit());
        let digits: String = self.chars[start..self.at].iter().collect();
        digits.parse().ok()
    }

    fn all(
        &mut self,
        commands: &mut Vec<Command>,
        labels: &mut Vec<(String, usize)>,
        jumps: &mut Vec<(usize, String)>,
        open: &mut Vec<usize>,
    ) -> Parsed<()> {
        loop {
            self.skip(|c| c.is_whitespace() || c == ';');
            if self.peek().is_none() {
                return Ok(());
            }
            let (from, to, from_zero) = self.addresses()?;
            self.blanks();
            let mut negated = false;
            while self.peek() == Some('!') {
                self.at += 1;
                negated = true;
                self.blanks();
            }
            let Some(letter) = self.next() else { return self.error("missing command") };
            let addressed = from.is_some();
            let action = match letter {
                '#' => {
                    if addressed {
                        return self.error("comments don't accept any addresses");
                    }
                    self.skip(|c| c != '\n');
                    continue;
                }
                ':' => {
                    if addressed {
                        return self.error(": doesn't want any addresses");
                    }
                    self.blanks();
                    let label = self.label(false);
                    if label.is_empty() {
                        return self.error("\":\" lacks a label");
                    }
                    labels.push((label, commands.len()));
                    continue;
                }
                '{' => {
                    open.push(commands.len());
                    commands.push(Command {
                        from,
                        to,
                        from_zero,
                        negated,
                        action: Action::Open { end: 0 },
                    });
                    continue;
                }
                '}' => {
                    let Some(start) = open.pop() else { return self.error("unexpected `}'") };
                    if addressed {
                        return self.error("} doesn't want any addresses");
                    }
                    commands[start].action = Action::Open { end: commands.len() };
                    self.ended()?;
                    continue;
                }
                'a' => Action::Append(self.text()?),
                'i' => Action::Insert(self.text()?),
                'c' => Action::Change(self.text()?),
                'b' | 't' | 'T' => {
                    self.blanks();
                    let label = self.label(true);
                    jumps.push((commands.len(), label));
                    match letter {
                        'b' => Action::Branch(None),
                        't' => Action::BranchIf(None),
                        _ => Action::BranchUnless(None),
                    }
                }
                'r' => Action::ReadFile(self.file_name()?),
                'R' => Action::ReadLine(self.file_name()?),
                'w' => Action::WriteFile(self.file_name()?),
                'W' => Action::WriteFirst(self.file_name()?),
                's' => self.substitute()?,
                'y' => self.map()?,
                'q' | 'Q' if to.is_some() => {
                    return self.error("command only uses one address");
                }
                'q' | 'Q' | 'l' | 'L' => {
                    self.blanks();
                    let number = self.number();
                    self.ended()?;
                    match letter {
                        'l' | 'L' => Action::List(number),
                        letter => Action::Quit {
                            status: number.map_or(0, |number| (number & 0xFF) as i32),
                            print: letter == 'q',
                        },
                    }
                }
                'v' => {
                    self.skip(|c| c != '\n' && c != ';');
                    Action::Nothing
                }
                'e' => return self.error("the e command is not supported"),
                letter => {
                    let action = match letter {
                        '=' => Action::Number,
                        'd' => Action::Delete,
                        'D' => Action::DeleteFirst,
                        'F' => Action::Name,
                        'g' => Action::Get,
                        'G' => Action::GetAppend,
                        'h' => Action::Hold,
                        'H' => Action::HoldAppend,
                        'n' => Action::Next,
                        'N' => Action::NextAppend,
                        'p' => Action::Print,
                        'P' => Action::PrintFirst,
                        'x' => Action::Exchange,
                        'z' => Action::Zap,
                        ',' => return self.error("unexpected `,'"),
                        letter => return self.error(&format!("unknown command: `{letter}'")),
                    };
                    self.ended()?;
                    action
                }
            };
            commands.push(Command { from, to, from_zero, negated, action });
        }
    }

    /// What may follow a command.
    fn ended(&mut self) -> Parsed<()> {
        self.blanks();
        match self.peek() {
            None | Some('\n' | ';' | '}' | '#') => Ok(()),
            Some(_) => {
                self.at += 1;
                self.error("extra characters after command")
            }
        }
    }

    fn label(&mut self, before_brace: bool) -> String {
        let start = self.at;
        self.skip(|c| !(matches!(c, '\n' | ';') || before_brace && c == '}'));
        let label: String = self.chars[start..self.at].iter().collect();
        label.trim_end().to_owned()
    }

    fn file_name(&mut self) -> Parsed<String> {
        self.blanks();
        let start = self.at;
        self.skip(|c| c != '\n');
        match start == self.at {
            true => self.error("missing filename in r/R/w/W commands"),
            false => Ok(self.chars[start..self.at].iter().collect()),
        }
    }

    fn addresses(&mut self) -> Parsed<(Option<Address>, Option<Address>, bool)> {
        let Some(from) = self.address()? else { return Ok((None, None, false)) };
        self.blanks();
        let zero = matches!(from, Address::Line(0));
        if self.peek() != Some(',') {
            if zero {
                return self.wrong_zero();
            }
            return Ok((Some(from), None, false));
        }
        self.at += 1;
        self.blanks();
        let to = match self.peek() {
            Some(sign @ ('+' | '~')) => {
                self.at += 1;
                let Some(number) = self.number() else {
                    return self.error("expected number after +/~");
                };
                Some(if sign == '+' { Address::Plus(number) } else { Address::Multiple(number) })
            }
            _ => self.address()?,
        };
        let Some(to) = to else { return self.error("unexpected `,'") };
        if zero && !matches!(to, Address::Match(_)) {
            return self.wrong_zero();
        }
        Ok((Some(from), Some(to), zero))
    }

    /// Complains at the command, as GNU's does.
    fn wrong_zero<T>(&mut self) -> Parsed<T> {
        self.at += 1;
        self.error("invalid usage of line address 0")
    }

    fn address(&mut self) -> Parsed<Option<Address>> {
        Ok(Some(match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                let first = self.number().unwrap_or(usize::MAX);
                self.blanks();
                if self.peek() == Some('~') {
                    self.at += 1;
                    let step = self.number().unwrap_or(0);
                    return Ok(Some(Address::Step { first, step }));
                }
                Address::Line(first)
            }
            Some('$') => {
                self.at += 1;
                Address::Last
            }
            Some('/') => {
                self.at += 1;
                Address::Match(self.address_pattern('/')?)
            }
            Some('\\') => {
                self.at += 1;
                let Some(delimiter) = self.next() else {
                    return self.error("unterminated address regex");
                };
                Address::Match(self.address_pattern(delimiter)?)
            }
            _ => return Ok(None),
        }))
    }

    fn address_pattern(&mut self, delimiter: char) -> Parsed<Pattern> {
        let Some(text) = self.delimited(delimiter, true) else {
            return self.error("unterminated address regex");
        };
        let (mut fold, mut lines) = (false, false);
        while let Some(flag @ ('I' | 'M')) = self.peek() {
            self.at += 1;
            fold |= flag == 'I';
            lines |= flag == 'M';
        }
        self.pattern(&text, fold, lines)
    }

    /// The text up to a delimiter, which may be escaped within. In an expression, it may also
    /// stand in brackets.
    fn delimited(&mut self, delimiter: char, expression: bool) -> Option<String> {
        let mut text = String::new();
        let mut bracket = false;
        loop {
            match self.next()? {
                c if c == delimiter && !bracket => return Some(text),
                '\n' if expression && delimiter != '\n' && !bracket => return None,
                // In brackets it is a character, and what ends them does so after it, too.
                '\\' if bracket && self.peek() == Some(']') => text.push('\\'),
                '\\' => match self.next()? {
                    c if c == delimiter && c != '&' => {
                        // The delimiter without its own meaning in an expression, where it has one.
                        if expression && "^$.*[]+?(){}|".contains(c) {
                            text.push('\\');
                        }
                        text.push(c);
                    }
                    c => text.extend(['\\', c]),
                },
                c => {
                    if expression && c == '[' && !bracket {
                        // A closing bracket that comes first is an ordinary one.
                        bracket = true;
                        text.push(c);
                        if self.peek() == Some('^') {
                            text.extend(self.next());
                        }
                        if self.peek() == Some(']') {
                            text.extend(self.next());
                        }
                        continue;
                    }
                    if bracket && c == '[' && matches!(self.peek(), Some(':' | '.' | '=')) {
                        let kind = self.next()?;
                        text.extend(['[', kind]);
                        loop {
                            let c = self.next()?;
                            text.push(c);
                            if c == kind && self.peek() == Some(']') {
                                text.extend(self.next());
                                break;
                            }
                        }
                        continue;
                    }
                    bracket &= c != ']';
                    text.push(c);
                }
            }
        }
    }

    fn pattern(&self, text: &str, fold: bool, lines: bool) -> Parsed<Pattern> {
        if text.is_empty() {
            return Ok(Pattern::Last);
        }
        let text = escapes(text);
        let syntax = if self.extended { Syntax::Strict } else { Syntax::Basic };
        if has_references(&text) {
            let translated = match translate(&text, syntax, true) {
                Ok(translated) => translated,
                Err(error) => return self.error(&error),
            };
            let flags =
                format!("(?s{}{})", if fold { "i" } else { "" }, if lines { "m" } else { "" });
            return match fancy_regex::Regex::new(&format!("{flags}{translated}")) {
                Ok(regex) => Ok(Pattern::Referring(Box::new(regex))),
                Err(_) => self.error("Invalid back reference"),
            };
        }
        let text_of = if escape::is_of_bytes(|name| std::env::var(name).ok()) {
            Text::Bytes
        } else {
            Text::Raw
        };
        let meaning =
            Meaning { any_case: fold, dot_is_newline: true, by_lines: lines, text: text_of };
        match Regex::posix(&text, syntax, meaning) {
            Ok(regex) => Ok(Pattern::Plain(Box::new(regex))),
            Err(error) => self.error(&error),
        }
    }

    /// The text of `a`, `i` and `c`: up to the end of the line, lines that end in a backslash
    /// going on.
    fn text(&mut self) -> Parsed<Vec<u8>> {
        self.blanks();
        if self.peek().is_none() {
            return self.error("expected \\ after `a', `c' or `i'");
        }
        if self.peek() == Some('\\') {
            self.at += 1;
            let before = self.at;
            self.blanks();
            match self.peek() {
                Some('\n') => self.at += 1,
                // One line: what stands after the backslash, its blanks kept.
                Some(_) => self.at = before,
                // No text at all: with `a`, what is left of it is the end that a line may lack.
                None => return Ok(Vec::new()),
            }
        }
        let mut text: Vec<u8> = Vec::new();
        let mut buffer = [0; 4];
        let mut rest = String::new();
        while let Some(c) = self.next().filter(|c| *c != '\n') {
            rest.push(c);
            if c == '\\' {
                rest.extend(self.next());
            }
        }
        let mut chars = rest.chars();
        while let Some(c) = chars.next() {
            let letter = if c == '\\' { chars.next() } else { None };
            match letter.and_then(|letter| escaped(letter, &mut chars)) {
                Some(code) => text.push(code),
                // What no escape begins stands for itself, and a backslash at the end for nothing.
                None if c == '\\' && letter.is_none() => {}
                None => {
                    let plain = letter.unwrap_or(c).encode_utf8(&mut buffer);
                    text.extend_from_slice(plain.as_bytes());
                }
            }
        }
        text.push(b'\n');
        Ok(text)
    }

    fn substitute(&mut self) -> Parsed<Action> {
        let Some(delimiter) = self.next().filter(|c| *c != '\n' && *c != '\\') else {
            return self.error("unterminated `s' command");
        };
        let (Some(pattern), Some(with)) =
            (self.delimited(delimiter, true), self.delimited(delimiter, false))
        else {
            return self.error("unterminated `s' command");
        };
        let mut substitute = Substitute {
            pattern: Pattern::Last,
            with: pieces(&with),
            global: false,
            from: 1,
            print: false,
            file: None,
        };
        let (mut fold, mut lines) = (false, false);
        loop {
            match self.peek() {
                Some('g') => substitute.global = true,
                Some('p') => substitute.print = true,
                Some('i' | 'I') => fold = true,
                Some('m' | 'M') => lines = true,
                Some('e') => return self.error("the e flag is not supported"),
                Some('w') => {
                    self.at += 1;
                    substitute.file = Some(self.file_name()?);
                    break;
                }
                Some(c) if c.is_ascii_digit() => {
                    match self.number() {
                        Some(0) | None => {
                            return self.error("number option to `s' command may not be zero");
                        }
                        Some(number) => substitute.from = number,
                    }
                    continue;
                }
                None | Some('\n' | ';' | '}' | '#' | ' ' | '\t') => {
                    self.ended()?;
                    break;
                }
                Some(_) => {
                    self.at += 1;
                    return self.error("unknown option to `s'");
                }
            }
            self.at += 1;
        }
        substitute.pattern = self.pattern(&pattern, fold, lines)?;
        let groups = match &substitute.pattern {
            Pattern::Plain(regex) => regex.groups(),
            Pattern::Referring(regex) => regex.captures_len() - 1,
            Pattern::Last => 9,
        };
        for piece in &substitute.with {
            if let Piece::Group(number) = piece
                && *number > groups
            {
                return self.error(&format!("invalid reference \\{number} on `s' command's RHS"));
            }
        }
        Ok(Action::Substitute(Box::new(substitute)))
    }

    fn map(&mut self) -> Parsed<Action> {
        let Some(delimiter) = self.next() else {
            return self.error("unterminated `y' command");
        };
        let (Some(from), Some(to)) =
            (self.delimited(delimiter, false), self.delimited(delimiter, false))
        else {
            return self.error("unterminated `y' command");
        };
        let plain = |text: &str| -> Vec<char> {
            let text = escapes(text);
            let mut chars = text.chars();
            let mut plain = Vec::new();
            while let Some(c) = chars.next() {
                plain.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
            }
            plain
        };
        let (from, to) = (plain(&from), plain(&to));
        if from.len() != to.len() {
            return self.error("strings for `y' command are different lengths");
        }
        self.ended()?;
        Ok(Action::Map(from.into_iter().zip(to).collect()))
    }
}

/// Escapes that stand for one character; others stay.
fn escapes(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            result.push(c);
            continue;
        }
        let Some(letter) = chars.next() else {
            result.push('\\');
            break;
        };
        match escaped(letter, &mut chars) {
            Some(code) => {
                // It means what it means unescaped, as in GNU's; a backslash is one.
                if code == b'\\' {
                    result.push('\\');
                }
                result.push(escape::escape(code).unwrap_or(char::from(code)));
            }
            None => result.extend(['\\', letter]),
        }
    }
    // Several bytes may be a character.
    escape::joined(&result)
}

/// The byte that an escape stands for, if it does: `letter` is what follows the backslash, `chars`
/// what comes after it.
fn escaped(letter: char, chars: &mut std::str::Chars<'_>) -> Option<u8> {
    let (base, most) = match letter {
        'a' => return Some(7),
        'f' => return Some(12),
        'n' => return Some(b'\n'),
        'r' => return Some(b'\r'),
        't' => return Some(b'\t'),
        'v' => return Some(11),
        'c' => {
            let key = chars.clone().next().filter(char::is_ascii)?;
            chars.next();
            return Some(key.to_ascii_uppercase() as u8 ^ 0x40);
        }
        'd' => (10, 3),
        'o' => (8, 3),
        'x' => (16, 2),
        _ => return None,
    };
    let digits: String = chars.clone().take(most).take_while(|c| c.is_digit(base)).collect();
    let code = u32::from_str_radix(&digits, base).ok()?;
    chars.nth(digits.len() - 1);
    Some(code as u8)
}

/// What replaces a match.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    let mut push = |piece: Piece, literal: &mut Vec<u8>| {
        if !literal.is_empty() {
            pieces.push(Piece::Text(std::mem::take(literal)));
        }
        pieces.push(piece);
    };
    let mut chars = text.chars();
    let mut buffer = [0; 4];
    while let Some(c) = chars.next() {
        match c {
            '&' => push(Piece::Group(0), &mut literal),
            '\\' => match chars.next() {
                Some(digit) if digit.is_ascii_digit() => {
                    push(Piece::Group(digit as usize - '0' as usize), &mut literal);
                }
                Some(case @ ('U' | 'L' | 'u' | 'l' | 'E')) => push(Piece::Case(case), &mut literal),
                Some(letter) => match escaped(letter, &mut chars) {
                    Some(code) => literal.push(code),
                    None => literal.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes()),
                },
                None => literal.push(b'\\'),
            },
            c => literal.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    pieces
}
