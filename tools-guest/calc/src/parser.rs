//! bc's language.

use std::rc::Rc;

use crate::lexer::Token;

/// Levels that expressions and blocks may nest. Against text made to use up the stack.
const MAX_DEPTH: usize = 200;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Number(String),
    Get(Place),
    Assign(Place, Option<char>, Box<Expr>),
    /// Plus or minus one, before or after its value is taken.
    Step {
        place: Place,
        up: bool,
        before: bool,
    },
    Unary(char, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Call(String, Vec<Argument>),
    /// `length`, `scale`, `sqrt`.
    Builtin(&'static str, Box<Expr>),
    Read,
    Group(Box<Expr>),
}

/// What is given to a function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    Value(Expr),
    Array(String),
}

/// Something that holds a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    Variable(String),
    Element(String, Box<Expr>),
    Scale,
    InBase,
    OutBase,
    Last,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stmt {
    /// An expression; its value is printed unless it is an assignment.
    Expr(Expr),
    Text(String),
    Print(Vec<Stmt>),
    Block(Vec<Stmt>),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    For(Option<Expr>, Option<Expr>, Option<Expr>, Box<Stmt>),
    Break,
    Continue,
    Return(Option<Expr>),
    Quit,
    Halt,
    Define(Rc<Function>),
    Empty,
}

/// A function.
#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Names; true for arrays.
    pub(crate) parameters: Vec<(String, bool)>,
    pub(crate) autos: Vec<(String, bool)>,
    pub(crate) body: Vec<Stmt>,
}

/// Reads one statement after the other.
pub(crate) struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
}

type Parsed<T> = Result<T, usize>;

impl Parser {
    pub(crate) fn new(tokens: Vec<(Token, usize)>) -> Parser {
        Parser { tokens, at: 0, depth: 0 }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn line(&self) -> usize {
        let last = self.tokens.last().map_or(1, |(_, line)| *line);
        // What breaks off at the end of a line is wrong in the next one.
        let of = |(token, line): &(Token, usize)| line + usize::from(*token == Token::Newline);
        self.tokens.get(self.at).map_or(last, of)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.line()) }
    }

    fn newlines(&mut self) {
        while self.peek() == Some(&Token::Newline) {
            self.at += 1;
        }
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.line());
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// The statements of the next line that has any; `None` at the end. After an error, what is
    /// left of the line is passed over.
    pub(crate) fn next_line(&mut self) -> Option<Parsed<Vec<Stmt>>> {
        self.newlines();
        self.peek()?;
        self.depth = 0;
        let result = self.line_of_statements();
        if result.is_err() && !self.is_at_end() {
            while !matches!(self.peek(), None | Some(Token::Newline)) {
                self.at += 1;
            }
        }
        Some(result)
    }

    /// Whether all is read. After an error, more text could set it right.
    pub(crate) fn is_at_end(&self) -> bool {
        self.peek().is_none()
    }

    fn line_of_statements(&mut self) -> Parsed<Vec<Stmt>> {
        let mut statements = Vec::new();
        loop {
            match self.peek() {
                None | Some(Token::Newline) => return Ok(statements),
                Some(Token::Sign(";")) => self.at += 1,
                Some(_) => {
                    statements.push(self.statement()?);
                    let ends =
                        matches!(self.peek(), None | Some(Token::Newline | Token::Sign(";")));
                    let block = matches!(statements.last(), Some(Stmt::Define(_)));
                    if !ends && !block {
                        return Err(self.line());
                    }
                }
            }
        }
    }

    fn statement(&mut self) -> Parsed<Stmt> {
        self.nested(Parser::statement_here)
    }

    fn statement_here(&mut self) -> Parsed<Stmt> {
        if let Some(Token::Text(text)) = self.peek() {
            let text = text.clone();
            self.at += 1;
            return Ok(Stmt::Text(text));
        }
        if self.take_sign("{") {
            return Ok(Stmt::Block(self.block()?));
        }
        let word = match self.peek() {
            Some(Token::Name(word)) => word.clone(),
            _ => return Ok(Stmt::Expr(self.expression()?)),
        };
        match word.as_str() {
            "print" => {
                self.at += 1;
                let mut parts = Vec::new();
                loop {
                    parts.push(match self.peek() {
                        Some(Token::Text(text)) => {
                            let text = text.clone();
                            self.at += 1;
                            Stmt::Text(text)
                        }
                        _ => Stmt::Expr(self.expression()?),
                    });
                    if !self.take_sign(",") {
                        return Ok(Stmt::Print(parts));
                    }
                }
            }
            "if" => {
                self.at += 1;
                self.expect("(")?;
                let condition = self.expression()?;
                self.expect(")")?;
                self.newlines();
                let then = Box::new(self.statement()?);
                // An `else` may stand on the next line, or after a semicolon.
                let before = self.at;
                self.newlines();
                if self.take_sign(";") {
                    self.newlines();
                }
                if self.take_word("else") {
                    self.newlines();
                    return Ok(Stmt::If(condition, then, Some(Box::new(self.statement()?))));
                }
                self.at = before;
                Ok(Stmt::If(condition, then, None))
            }
            "while" => {
                self.at += 1;
                self.expect("(")?;
                let condition = self.expression()?;
                self.expect(")")?;
                self.newlines();
                Ok(Stmt::While(condition, Box::new(self.statement()?)))
            }
            "for" => {
                self.at += 1;
                self.expect("(")?;
                let mut part = |end: &str| -> Parsed<Option<Expr>> {
                    if self.take_sign(end) {
                        return Ok(None);
                    }
                    let expression = self.expression()?;
                    self.expect(end)?;
                    Ok(Some(expression))
                };
                let (first, test, step) = (part(";")?, part(";")?, part(")")?);
                self.newlines();
                Ok(Stmt::For(first, test, step, Box::new(self.statement()?)))
            }
            "break" => self.word(Stmt::Break),
            "continue" => self.word(Stmt::Continue),
            "quit" => self.word(Stmt::Quit),
            "halt" => self.word(Stmt::Halt),
            "limits" | "warranty" => self.word(Stmt::Empty),
            "return" => {
                self.at += 1;
                let ends = matches!(
                    self.peek(),
                    None | Some(Token::Newline | Token::Sign(";") | Token::Sign("}"))
                );
                Ok(Stmt::Return(if ends { None } else { Some(self.expression()?) }))
            }
            "define" => {
                self.at += 1;
                self.take_word("void");
                self.function()
            }
            _ => Ok(Stmt::Expr(self.expression()?)),
        }
    }

    fn word(&mut self, statement: Stmt) -> Parsed<Stmt> {
        self.at += 1;
        Ok(statement)
    }

    /// The statements up to a closing brace.
    fn block(&mut self) -> Parsed<Vec<Stmt>> {
        let mut statements = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.line()),
                Some(Token::Newline | Token::Sign(";")) => self.at += 1,
                Some(Token::Sign("}")) => {
                    self.at += 1;
                    return Ok(statements);
                }
                Some(_) => {
                    statements.push(self.statement()?);
                    let ends = matches!(
                        self.peek(),
                        Some(Token::Newline | Token::Sign(";") | Token::Sign("}"))
                    );
                    if !ends {
                        return Err(self.line());
                    }
                }
            }
        }
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.line()),
        }
    }

    fn names(&mut self) -> Parsed<Vec<(String, bool)>> {
        let mut names = Vec::new();
        loop {
            let by_reference = self.take_sign("*") || self.take_sign("&");
            let name = self.name()?;
            let array = self.take_sign("[");
            if array {
                self.expect("]")?;
            }
            if by_reference {
                return Err(self.line());
            }
            names.push((name, array));
            if !self.take_sign(",") {
                return Ok(names);
            }
        }
    }

    fn function(&mut self) -> Parsed<Stmt> {
        let name = self.name()?;
        self.expect("(")?;
        let parameters = match self.take_sign(")") {
            true => Vec::new(),
            false => {
                let names = self.names()?;
                self.expect(")")?;
                names
            }
        };
        self.newlines();
        self.expect("{")?;
        while matches!(self.peek(), Some(Token::Newline | Token::Sign(";"))) {
            self.at += 1;
        }
        let autos = match self.take_word("auto") {
            true => self.names()?,
            false => Vec::new(),
        };
        let body = self.block()?;
        Ok(Stmt::Define(Rc::new(Function { name, parameters, autos, body })))
    }

    pub(crate) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(|parser| parser.binary(0))
    }

    /// Operators by how tightly they bind, the loosest first.
    fn binary(&mut self, level: usize) -> Parsed<Expr> {
        const LEVELS: &[&[&str]] = &[
            &["||"],
            &["&&"],
            &["!"],
            &["<", "<=", ">", ">=", "==", "!="],
            &["="],
            &["+", "-"],
            &["*", "/", "%"],
            &["^"],
        ];
        match LEVELS.get(level) {
            None => self.unary(),
            Some(["!"]) => match self.take_sign("!") {
                true => Ok(Expr::Unary('!', Box::new(self.nested(|p| p.binary(level))?))),
                false => self.binary(level + 1),
            },
            // An assignment is told by the place before it, in `primary`.
            Some(["="]) => self.binary(level + 1),
            Some(["^"]) => {
                let base = self.unary()?;
                match self.take_sign("^") {
                    true => {
                        let power = self.nested(|parser| parser.binary(level))?;
                        Ok(Expr::Binary("^", Box::new(base), Box::new(power)))
                    }
                    false => Ok(base),
                }
            }
            Some(signs) => {
                let mut left = self.binary(level + 1)?;
                while let Some(sign) = signs.iter().find(|sign| self.take_sign(sign)) {
                    let right = self.binary(level + 1)?;
                    left = Expr::Binary(sign, Box::new(left), Box::new(right));
                }
                Ok(left)
            }
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        for (sign, up) in [("++", true), ("--", false)] {
            if self.take_sign(sign) {
                let place = match self.primary()? {
                    Expr::Get(place) => place,
                    _ => return Err(self.line()),
                };
                return Ok(Expr::Step { place, up, before: true });
            }
        }
        if self.take_sign("-") {
            return Ok(Expr::Unary('-', Box::new(self.nested(Parser::unary)?)));
        }
        let value = self.primary()?;
        let Expr::Get(place) = value else { return Ok(value) };
        for (sign, up) in [("++", true), ("--", false)] {
            if self.take_sign(sign) {
                return Ok(Expr::Step { place, up, before: false });
            }
        }
        for (sign, operator) in [
            ("=", None),
            ("+=", Some('+')),
            ("-=", Some('-')),
            ("*=", Some('*')),
            ("/=", Some('/')),
            ("%=", Some('%')),
            ("^=", Some('^')),
        ] {
            if self.take_sign(sign) {
                let value = self.nested(|parser| parser.binary(3))?;
                return Ok(Expr::Assign(place, operator, Box::new(value)));
            }
        }
        Ok(Expr::Get(place))
    }

    fn primary(&mut self) -> Parsed<Expr> {
        if self.take_sign("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(Expr::Group(Box::new(inner)));
        }
        let line = self.line();
        let token = self.peek().cloned();
        self.at += 1;
        let name = match token {
            Some(Token::Number(number)) => return Ok(Expr::Number(number)),
            Some(Token::Name(name)) => name,
            _ => {
                self.at -= 1;
                return Err(line);
            }
        };
        let called = matches!(self.peek(), Some(Token::Sign("(")));
        match name.as_str() {
            "scale" if !called => return Ok(Expr::Get(Place::Scale)),
            "ibase" => return Ok(Expr::Get(Place::InBase)),
            "obase" => return Ok(Expr::Get(Place::OutBase)),
            "last" => return Ok(Expr::Get(Place::Last)),
            "read" => {
                self.expect("(")?;
                self.expect(")")?;
                return Ok(Expr::Read);
            }
            "length" | "scale" | "sqrt" => {
                self.expect("(")?;
                let value = Box::new(self.expression()?);
                self.expect(")")?;
                let name = match name.as_str() {
                    "length" => "length",
                    "scale" => "scale",
                    _ => "sqrt",
                };
                return Ok(Expr::Builtin(name, value));
            }
            "if" | "else" | "while" | "for" | "break" | "continue" | "return" | "define"
            | "auto" | "quit" | "halt" | "print" => {
                self.at -= 1;
                return Err(line);
            }
            _ => {}
        }
        if self.take_sign("(") {
            let mut arguments = Vec::new();
            while !self.take_sign(")") {
                if !arguments.is_empty() {
                    self.expect(",")?;
                }
                let array = match (self.tokens.get(self.at), self.tokens.get(self.at + 1)) {
                    (Some((Token::Name(array), _)), Some((Token::Sign("["), _)))
                        if matches!(self.tokens.get(self.at + 2), Some((Token::Sign("]"), _))) =>
                    {
                        Some(array.clone())
                    }
                    _ => None,
                };
                arguments.push(match array {
                    Some(array) => {
                        self.at += 3;
                        Argument::Array(array)
                    }
                    None => Argument::Value(self.expression()?),
                });
            }
            return Ok(Expr::Call(name, arguments));
        }
        if self.take_sign("[") {
            let index = self.expression()?;
            self.expect("]")?;
            return Ok(Expr::Get(Place::Element(name, Box::new(index))));
        }
        Ok(Expr::Get(Place::Variable(name)))
    }
}
