//! Tokens into a program.

use std::collections::HashMap;
use std::rc::Rc;

use toolcell_stack::Stack;
use toolcell_text::escape;

use crate::builtins::Builtin;
use crate::lexer::Token;
use crate::pattern::Pattern as Regexp;
use crate::text::Text;

/// Operands of one kind of operator that may stand in a row: each is a level of the tree.
const MAX_CHAIN: u32 = 2_000;

/// Where a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Global(usize),
    Local(usize),
}

/// What can be assigned to.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Var(Slot),
    Field(Box<Expr>),
    Element(Slot, Vec<Expr>),
}

/// An expression.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Number(f64),
    Text(Text),
    /// A regular expression that stands for a match with the record.
    Match(Rc<Regexp>),
    Get(Place),
    Assign(Place, Option<char>, Box<Expr>),
    Step(Place, f64, bool),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    Arith(char, Box<Expr>, Box<Expr>),
    Concat(Vec<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Matches(bool, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Choose(Box<Expr>, Box<Expr>, Box<Expr>),
    In(Vec<Expr>, Slot),
    Call(usize, Vec<Expr>),
    Builtin(Builtin, Vec<Expr>),
    Getline(Option<Box<Place>>, Source),
    Group(Box<Expr>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
}

/// Where `getline` reads from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Input,
    File(Box<Expr>),
    Command(Box<Expr>),
}

/// Where output goes, if not to standard output.
pub(crate) type Target = Option<(Redirect, Expr)>;

/// A statement.
#[derive(Debug, Clone)]
pub(crate) enum Stmt {
    Expr(Expr),
    Print(Vec<Expr>, Option<(Redirect, Expr)>),
    Printf(Vec<Expr>, Option<(Redirect, Expr)>),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    DoWhile(Box<Stmt>, Expr),
    For(Option<Box<Stmt>>, Option<Expr>, Option<Box<Stmt>>, Box<Stmt>),
    ForIn(Slot, Slot, Box<Stmt>),
    /// The cases in their order; one without a value is the default.
    Switch(Expr, Vec<(Option<Expr>, Vec<Stmt>)>),
    Block(Vec<Stmt>),
    Next,
    NextFile,
    Exit(Option<Expr>),
    Return(Option<Expr>),
    Break,
    Continue,
    Delete(Slot, Option<Vec<Expr>>),
}

/// Where output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirect {
    Write,
    Append,
    Command,
}

/// When a rule's action runs.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    Begin,
    End,
    Always,
    Expr(Expr),
    Range(Expr, Expr),
}

/// A function.
#[derive(Debug, Clone, Default)]
pub(crate) struct Function {
    pub(crate) params: usize,
    pub(crate) body: Vec<Stmt>,
}

/// A program.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) rules: Vec<(Pattern, Option<Vec<Stmt>>)>,
    pub(crate) functions: Vec<Function>,
    pub(crate) globals: HashMap<String, usize>,
}

pub(crate) struct Parser {
    tokens: Vec<(Token, u32)>,
    at: usize,
    program: Program,
    names: HashMap<String, usize>,
    locals: Vec<String>,
    room: Stack,
    no_in: bool,
    no_gt: bool,
    /// Which functions are called, with how many arguments.
    calls: Vec<(usize, usize)>,
}

type Parse<T> = Result<T, String>;

/// Parses a whole program. `globals` are known from the start, in their order.
///
/// # Errors
/// The message about the first mistake.
pub(crate) fn parse(tokens: Vec<(Token, u32)>, globals: &[&str], room: Stack) -> Parse<Program> {
    let mut parser = Parser {
        tokens,
        at: 0,
        program: Program::default(),
        names: HashMap::new(),
        locals: Vec::new(),
        room,
        no_in: false,
        no_gt: false,
        calls: Vec::new(),
    };
    for name in globals {
        parser.global(name);
    }
    parser.declare_functions();
    parser.items()?;
    for (function, arguments) in &parser.calls {
        let name = || parser.names.iter().find(|(_, at)| *at == function).map_or("", |(n, _)| n);
        if *arguments > parser.program.functions[*function].params {
            return Err(format!("function {} is called with too many arguments", name()));
        }
    }
    Ok(parser.program)
}

/// What stands where a regular expression is wanted: a text there is one.
fn regexp(expr: Expr) -> Expr {
    match expr {
        Expr::Text(source) => Expr::Match(Rc::new(Regexp::new(escape::decode(&source)))),
        expr => expr,
    }
}

impl Parser {
    fn global(&mut self, name: &str) -> usize {
        let next = self.program.globals.len();
        *self.program.globals.entry(name.to_owned()).or_insert(next)
    }

    fn slot(&mut self, name: &str) -> Slot {
        match self.locals.iter().position(|local| local == name) {
            Some(at) => Slot::Local(at),
            None => Slot::Global(self.global(name)),
        }
    }

    /// Functions may be called before they are defined.
    fn declare_functions(&mut self) {
        for pair in self.tokens.windows(2) {
            if let (Token::Keyword("function"), Token::Name(name, _)) = (&pair[0].0, &pair[1].0) {
                let next = self.names.len();
                self.names.entry(name.clone()).or_insert(next);
            }
        }
        self.program.functions = vec![Function::default(); self.names.len()];
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)].0
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)].0
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn error<T>(&self) -> Parse<T> {
        let line = self.tokens[self.at.min(self.tokens.len() - 1)].1;
        Err(match self.peek() {
            Token::End => format!("syntax error at source line {line}: unexpected end of program"),
            Token::Newline => format!("syntax error at source line {line}: unexpected newline"),
            Token::Op(op) => format!("syntax error at source line {line}: unexpected {op}"),
            Token::Keyword(word) => {
                format!("syntax error at source line {line}: unexpected {word}")
            }
            Token::Name(name, _) => {
                format!("syntax error at source line {line}: unexpected {name}")
            }
            _ => format!("syntax error at source line {line}"),
        })
    }

    fn is(&self, op: &str) -> bool {
        matches!(self.peek(), Token::Op(other) if *other == op)
    }

    fn eat(&mut self, op: &str) -> bool {
        let found = self.is(op);
        if found {
            self.at += 1;
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Keyword(other) if *other == word);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, op: &str) -> Parse<()> {
        if self.eat(op) { Ok(()) } else { self.error() }
    }

    fn newlines(&mut self) {
        while *self.peek() == Token::Newline {
            self.at += 1;
        }
    }

    fn ends(&mut self) {
        while *self.peek() == Token::Newline || self.is(";") {
            self.at += 1;
        }
    }

    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.room.is_full() {
            return Err("the program nests too deeply".to_owned());
        }
        inside(self)
    }

    fn items(&mut self) -> Parse<()> {
        loop {
            self.ends();
            match self.peek().clone() {
                Token::End => return Ok(()),
                Token::Keyword("function") => {
                    self.at += 1;
                    self.function()?;
                }
                Token::Keyword("BEGIN") => {
                    self.at += 1;
                    let body = self.block()?;
                    self.program.rules.push((Pattern::Begin, Some(body)));
                }
                Token::Keyword("END") => {
                    self.at += 1;
                    let body = self.block()?;
                    self.program.rules.push((Pattern::End, Some(body)));
                }
                Token::Op("{") => {
                    let body = self.block()?;
                    self.program.rules.push((Pattern::Always, Some(body)));
                }
                _ => {
                    let first = self.expr()?;
                    let pattern = match self.eat(",") {
                        true => {
                            self.newlines();
                            Pattern::Range(first, self.expr()?)
                        }
                        false => Pattern::Expr(first),
                    };
                    let body = if self.is("{") { Some(self.block()?) } else { None };
                    self.program.rules.push((pattern, body));
                }
            }
        }
    }

    fn function(&mut self) -> Parse<()> {
        let Token::Name(name, _) = self.next() else { return self.error() };
        self.expect("(")?;
        let mut params = Vec::new();
        while !self.eat(")") {
            let Token::Name(param, _) = self.next() else { return self.error() };
            params.push(param);
            self.newlines();
            if !self.eat(",") && !self.is(")") {
                return self.error();
            }
            self.newlines();
        }
        self.newlines();
        self.locals = params;
        let body = self.block()?;
        let params = std::mem::take(&mut self.locals).len();
        let at = self.names[&name];
        self.program.functions[at] = Function { params, body };
        Ok(())
    }

    fn block(&mut self) -> Parse<Vec<Stmt>> {
        self.newlines();
        self.expect("{")?;
        let mut body = Vec::new();
        loop {
            self.ends();
            if self.eat("}") {
                return Ok(body);
            }
            body.push(self.deeper(Parser::statement)?);
        }
    }

    /// What may follow a simple statement.
    fn terminated(&mut self) -> Parse<()> {
        if self.eat(";")
            || *self.peek() == Token::Newline
            || self.is("}")
            || *self.peek() == Token::End
        {
            return Ok(());
        }
        self.error()
    }

    fn body(&mut self) -> Parse<Box<Stmt>> {
        self.newlines();
        if self.eat(";") {
            return Ok(Box::new(Stmt::Block(Vec::new())));
        }
        Ok(Box::new(self.deeper(Parser::statement)?))
    }

    fn statement(&mut self) -> Parse<Stmt> {
        match self.peek().clone() {
            Token::Op("{") => Ok(Stmt::Block(self.block()?)),
            Token::Keyword("if") => {
                self.at += 1;
                self.expect("(")?;
                let condition = self.expr()?;
                self.expect(")")?;
                let then = self.body()?;
                let before = self.at;
                self.ends();
                if self.eat_word("else") {
                    return Ok(Stmt::If(condition, then, Some(self.body()?)));
                }
                self.at = before;
                Ok(Stmt::If(condition, then, None))
            }
            Token::Keyword("while") => {
                self.at += 1;
                self.expect("(")?;
                let condition = self.expr()?;
                self.expect(")")?;
                Ok(Stmt::While(condition, self.body()?))
            }
            Token::Keyword("do") => {
                self.at += 1;
                let body = self.body()?;
                self.ends();
                if !self.eat_word("while") {
                    return self.error();
                }
                self.expect("(")?;
                let condition = self.expr()?;
                self.expect(")")?;
                self.terminated()?;
                Ok(Stmt::DoWhile(body, condition))
            }
            Token::Keyword("for") => {
                self.at += 1;
                self.for_loop()
            }
            Token::Keyword("switch") => {
                self.at += 1;
                self.switch()
            }
            _ => {
                let statement = self.simple()?;
                self.terminated()?;
                Ok(statement)
            }
        }
    }

    fn for_loop(&mut self) -> Parse<Stmt> {
        self.expect("(")?;
        if let (Token::Name(name, _), Token::Keyword("in"), Token::Name(array, _), Token::Op(")")) = (
            self.peek().clone(),
            self.peek_at(1).clone(),
            self.peek_at(2).clone(),
            self.peek_at(3).clone(),
        ) {
            self.at += 4;
            let (name, array) = (self.slot(&name), self.slot(&array));
            return Ok(Stmt::ForIn(name, array, self.body()?));
        }
        let first = if self.is(";") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(";")?;
        self.newlines();
        let condition = if self.is(";") { None } else { Some(self.expr()?) };
        self.expect(";")?;
        self.newlines();
        let step = if self.is(")") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(")")?;
        Ok(Stmt::For(first, condition, step, self.body()?))
    }

    fn switch(&mut self) -> Parse<Stmt> {
        self.expect("(")?;
        let value = self.expr()?;
        self.expect(")")?;
        self.newlines();
        self.expect("{")?;
        let mut cases: Vec<(Option<Expr>, Vec<Stmt>)> = Vec::new();
        loop {
            self.ends();
            if self.eat("}") {
                return Ok(Stmt::Switch(value, cases));
            }
            if self.eat_word("case") {
                let case = self.concat()?;
                self.expect(":")?;
                cases.push((Some(case), Vec::new()));
            } else if self.eat_word("default") {
                self.expect(":")?;
                cases.push((None, Vec::new()));
            } else {
                let statement = self.deeper(Parser::statement)?;
                match cases.last_mut() {
                    Some((_, body)) => body.push(statement),
                    None => return self.error(),
                }
            }
        }
    }

    fn at_end(&self) -> bool {
        matches!(self.peek(), Token::Newline | Token::End) || self.is(";") || self.is("}")
    }

    fn simple(&mut self) -> Parse<Stmt> {
        match self.peek().clone() {
            Token::Keyword("print") => {
                self.at += 1;
                let (values, redirect) = self.output()?;
                Ok(Stmt::Print(values, redirect))
            }
            Token::Keyword("printf") => {
                self.at += 1;
                let (values, redirect) = self.output()?;
                if values.is_empty() {
                    return self.error();
                }
                Ok(Stmt::Printf(values, redirect))
            }
            Token::Keyword("next") => {
                self.at += 1;
                Ok(Stmt::Next)
            }
            Token::Keyword("nextfile") => {
                self.at += 1;
                Ok(Stmt::NextFile)
            }
            Token::Keyword("break") => {
                self.at += 1;
                Ok(Stmt::Break)
            }
            Token::Keyword("continue") => {
                self.at += 1;
                Ok(Stmt::Continue)
            }
            Token::Keyword("exit") => {
                self.at += 1;
                Ok(Stmt::Exit(if self.at_end() { None } else { Some(self.expr()?) }))
            }
            Token::Keyword("return") => {
                self.at += 1;
                Ok(Stmt::Return(if self.at_end() { None } else { Some(self.expr()?) }))
            }
            Token::Keyword("delete") => {
                self.at += 1;
                let Token::Name(name, _) = self.next() else { return self.error() };
                let slot = self.slot(&name);
                let index = if self.eat("[") { Some(self.list("]")?) } else { None };
                Ok(Stmt::Delete(slot, index))
            }
            _ => Ok(Stmt::Expr(self.expr()?)),
        }
    }

    /// What `print` and `printf` print, and where to.
    fn output(&mut self) -> Parse<(Vec<Expr>, Target)> {
        let mut values = Vec::new();
        let before = self.at;
        // `print (a, b) > "f"`: the parentheses hold the list, unless more follows them.
        if self.eat("(") {
            let no_gt = std::mem::take(&mut self.no_gt);
            let list = self.list(")")?;
            self.no_gt = no_gt;
            if self.at_end() || self.is(">") || self.is(">>") || self.is("|") {
                values = list;
            } else {
                self.at = before;
            }
        }
        if values.is_empty() && !self.at_end() && !self.is(">") && !self.is(">>") && !self.is("|") {
            let no_gt = std::mem::replace(&mut self.no_gt, true);
            loop {
                values.push(self.expr()?);
                if !self.eat(",") {
                    break;
                }
                self.newlines();
            }
            self.no_gt = no_gt;
        }
        let redirect = if self.eat(">") {
            Redirect::Write
        } else if self.eat(">>") {
            Redirect::Append
        } else if self.eat("|") {
            Redirect::Command
        } else {
            return Ok((values, None));
        };
        let no_gt = std::mem::replace(&mut self.no_gt, true);
        let target = self.concat()?;
        self.no_gt = no_gt;
        Ok((values, Some((redirect, target))))
    }

    fn list(&mut self, close: &str) -> Parse<Vec<Expr>> {
        let mut items = Vec::new();
        self.newlines();
        while !self.eat(close) {
            items.push(self.expr()?);
            self.newlines();
            if !self.eat(",") && !self.is(close) {
                return self.error();
            }
            self.newlines();
        }
        Ok(items)
    }

    // --------------------------------------------------------- expressions

    fn expr(&mut self) -> Parse<Expr> {
        self.deeper(Parser::assignment)
    }

    fn assignment(&mut self) -> Parse<Expr> {
        let left = self.choose()?;
        let op = match self.peek() {
            Token::Op("=") => None,
            Token::Op("+=") => Some('+'),
            Token::Op("-=") => Some('-'),
            Token::Op("*=") => Some('*'),
            Token::Op("/=") => Some('/'),
            Token::Op("%=") => Some('%'),
            Token::Op("^=" | "**=") => Some('^'),
            _ => return Ok(left),
        };
        let Expr::Get(place) = left else { return self.error() };
        self.at += 1;
        self.newlines();
        let right = self.deeper(Parser::assignment)?;
        Ok(Expr::Assign(place, op, Box::new(right)))
    }

    fn choose(&mut self) -> Parse<Expr> {
        let condition = self.or()?;
        if !self.eat("?") {
            return Ok(condition);
        }
        self.newlines();
        let yes = self.deeper(Parser::assignment)?;
        self.newlines();
        self.expect(":")?;
        self.newlines();
        let no = self.deeper(Parser::assignment)?;
        Ok(Expr::Choose(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    /// Counts an operand of a row.
    fn chained(chain: &mut u32) -> Parse<()> {
        *chain += 1;
        match *chain > MAX_CHAIN {
            true => Err(format!("more than {MAX_CHAIN} operands in a row")),
            false => Ok(()),
        }
    }

    fn or(&mut self) -> Parse<Expr> {
        let mut left = self.and()?;
        let mut chain = 0;
        while self.eat("||") {
            Self::chained(&mut chain)?;
            self.newlines();
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parse<Expr> {
        let mut left = self.membership()?;
        let mut chain = 0;
        while self.eat("&&") {
            Self::chained(&mut chain)?;
            self.newlines();
            left = Expr::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parse<Expr> {
        let mut left = self.matching()?;
        let mut chain = 0;
        while !self.no_in && self.eat_word("in") {
            Self::chained(&mut chain)?;
            let Token::Name(array, _) = self.next() else { return self.error() };
            let slot = self.slot(&array);
            left = Expr::In(vec![left], slot);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parse<Expr> {
        let mut left = self.comparison()?;
        let mut chain = 0;
        loop {
            Self::chained(&mut chain)?;
            let positive = if self.eat("~") {
                true
            } else if self.eat("!~") {
                false
            } else {
                return Ok(left);
            };
            let right = regexp(self.comparison()?);
            left = Expr::Matches(positive, Box::new(left), Box::new(right));
        }
    }

    fn comparison(&mut self) -> Parse<Expr> {
        let left = self.concat()?;
        let op = match self.peek() {
            Token::Op("<") => Comparison::Less,
            Token::Op("<=") => Comparison::LessOrEqual,
            Token::Op("==") => Comparison::Equal,
            Token::Op("!=") => Comparison::NotEqual,
            Token::Op(">=") => Comparison::GreaterOrEqual,
            Token::Op(">") if !self.no_gt => Comparison::Greater,
            _ => return Ok(left),
        };
        self.at += 1;
        let right = self.concat()?;
        Ok(Expr::Compare(op, Box::new(left), Box::new(right)))
    }

    fn concat(&mut self) -> Parse<Expr> {
        let mut left = self.additive()?;
        loop {
            // `cmd | getline` binds looser than concatenation of its left side.
            if self.is("|") && *self.peek_at(1) == Token::Keyword("getline") {
                self.at += 2;
                let place = self.optional_place()?;
                left = Expr::Getline(place, Source::Command(Box::new(left)));
                continue;
            }
            let begins = match self.peek() {
                Token::Number(_) | Token::Text(_) | Token::Regex(_) | Token::Name(..) => true,
                Token::Op("$" | "!" | "(" | "-" | "+" | "++" | "--") => true,
                Token::Keyword("in") => false,
                _ => false,
            };
            if !begins {
                return Ok(left);
            }
            let right = self.additive()?;
            match &mut left {
                Expr::Concat(parts) => parts.push(right),
                _ => left = Expr::Concat(vec![left, right]),
            }
        }
    }

    fn additive(&mut self) -> Parse<Expr> {
        let mut left = self.multiplicative()?;
        let mut chain = 0;
        loop {
            Self::chained(&mut chain)?;
            let op = match self.peek() {
                Token::Op("+") => '+',
                Token::Op("-") => '-',
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Arith(op, Box::new(left), Box::new(self.multiplicative()?));
        }
    }

    fn multiplicative(&mut self) -> Parse<Expr> {
        let mut left = self.unary()?;
        let mut chain = 0;
        loop {
            Self::chained(&mut chain)?;
            let op = match self.peek() {
                Token::Op("*") => '*',
                Token::Op("/") => '/',
                Token::Op("%") => '%',
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Arith(op, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Parse<Expr> {
        if self.eat("!") {
            return Ok(Expr::Not(Box::new(self.deeper(Parser::unary)?)));
        }
        if self.eat("-") {
            return Ok(Expr::Negate(Box::new(self.deeper(Parser::unary)?)));
        }
        if self.eat("+") {
            return Ok(Expr::Plus(Box::new(self.deeper(Parser::unary)?)));
        }
        self.power()
    }

    fn power(&mut self) -> Parse<Expr> {
        let base = self.postfix()?;
        if self.eat("^") || self.eat("**") {
            // It binds to the right, and tighter than a sign before it.
            let exponent = self.deeper(Parser::unary)?;
            return Ok(Expr::Arith('^', Box::new(base), Box::new(exponent)));
        }
        Ok(base)
    }

    fn postfix(&mut self) -> Parse<Expr> {
        let value = self.primary()?;
        if let Expr::Get(place) = &value {
            if self.eat("++") {
                return Ok(Expr::Step(place.clone(), 1.0, true));
            }
            if self.eat("--") {
                return Ok(Expr::Step(place.clone(), -1.0, true));
            }
        }
        Ok(value)
    }

    fn optional_place(&mut self) -> Parse<Option<Box<Place>>> {
        if !matches!(self.peek(), Token::Name(..) | Token::Op("$")) {
            return Ok(None);
        }
        match self.primary()? {
            Expr::Get(place) => Ok(Some(Box::new(place))),
            _ => self.error(),
        }
    }

    fn primary(&mut self) -> Parse<Expr> {
        match self.next() {
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Text(text) => Ok(Expr::Text(Text::from(&*escape::encode(&text)))),
            Token::Regex(source) => Ok(Expr::Match(Rc::new(Regexp::new(source)))),
            Token::Op("$") => {
                let step = match self.peek() {
                    Token::Op("++") => Some(1.0),
                    Token::Op("--") => Some(-1.0),
                    _ => None,
                };
                let index = match step {
                    Some(by) => {
                        self.at += 1;
                        let Expr::Get(place) = self.primary()? else { return self.error() };
                        Expr::Step(place, by, false)
                    }
                    None if self.eat("-") => Expr::Negate(Box::new(self.primary()?)),
                    None => self.deeper(Parser::primary)?,
                };
                Ok(Expr::Get(Place::Field(Box::new(index))))
            }
            Token::Op(op @ ("++" | "--")) => {
                let Expr::Get(place) = self.primary()? else { return self.error() };
                Ok(Expr::Step(place, if op == "++" { 1.0 } else { -1.0 }, false))
            }
            Token::Op("(") => {
                let (no_in, no_gt) =
                    (std::mem::take(&mut self.no_in), std::mem::take(&mut self.no_gt));
                let mut items = self.list(")")?;
                (self.no_in, self.no_gt) = (no_in, no_gt);
                if items.len() > 1 {
                    if !self.eat_word("in") {
                        return self.error();
                    }
                    let Token::Name(array, _) = self.next() else { return self.error() };
                    let slot = self.slot(&array);
                    return Ok(Expr::In(items, slot));
                }
                match items.pop() {
                    Some(inner) => Ok(Expr::Group(Box::new(inner))),
                    None => self.error(),
                }
            }
            Token::Keyword("getline") => {
                let place = self.optional_place()?;
                let source = match self.eat("<") {
                    true => Source::File(Box::new(self.postfix()?)),
                    false => Source::Input,
                };
                Ok(Expr::Getline(place, source))
            }
            Token::Name(name, calls) => self.named(name, calls),
            _ => {
                self.at -= 1;
                self.error()
            }
        }
    }

    fn named(&mut self, name: String, calls: bool) -> Parse<Expr> {
        let local = self.locals.contains(&name);
        if let Some(builtin) = Builtin::named(&name)
            && !local
        {
            let (no_in, no_gt) = (std::mem::take(&mut self.no_in), std::mem::take(&mut self.no_gt));
            let args = if self.eat("(") { self.list(")") } else { Ok(Vec::new()) };
            (self.no_in, self.no_gt) = (no_in, no_gt);
            let mut args = args?;
            let (least, most) = builtin.arguments();
            if !(least..=most).contains(&args.len()) {
                return Err(match args.is_empty() {
                    true => return self.error(),
                    false => format!("wrong number of arguments in call to {name}"),
                });
            }
            if let Some(at) = builtin.pattern()
                && at < args.len()
            {
                let pattern = regexp(std::mem::replace(&mut args[at], Expr::Number(0.0)));
                args[at] = pattern;
            }
            return Ok(Expr::Builtin(builtin, args));
        }
        if calls && !local {
            let Some(function) = self.names.get(&name).copied() else {
                return Err(format!("calling undefined function {name}"));
            };
            self.at += 1;
            let (no_in, no_gt) = (std::mem::take(&mut self.no_in), std::mem::take(&mut self.no_gt));
            let args = self.list(")");
            (self.no_in, self.no_gt) = (no_in, no_gt);
            let args = args?;
            self.calls.push((function, args.len()));
            return Ok(Expr::Call(function, args));
        }
        let slot = self.slot(&name);
        if self.eat("[") {
            let (no_in, no_gt) = (std::mem::take(&mut self.no_in), std::mem::take(&mut self.no_gt));
            let index = self.list("]");
            (self.no_in, self.no_gt) = (no_in, no_gt);
            return Ok(Expr::Get(Place::Element(slot, index?)));
        }
        Ok(Expr::Get(Place::Var(slot)))
    }
}
