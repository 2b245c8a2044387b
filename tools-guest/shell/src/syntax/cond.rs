//! The expressions between `[[` and `]]`.

use super::ast::{Cond, Word};
use super::parser::{Parse, Parser, is_meta};
use super::words::Mode;

const UNARY: &[u8] = b"abcdefghknoprstuvwxzGLNORS";
const BINARY: &[&str] = &[
    "==", "=~", "!=", "=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef",
];

impl Parser {
    /// Everything up to and with `]]`.
    pub(super) fn condition(&mut self) -> Parse<Cond> {
        self.skip_newlines()?;
        let cond = self.either()?;
        self.skip_newlines()?;
        if !(self.at(b"]]") && self.peek_at(2).is_none_or(is_meta)) {
            return Err(self.cond_error());
        }
        self.pos += 2;
        Ok(cond)
    }

    fn cond_error(&self) -> super::SyntaxError {
        if self.peek().is_none() {
            return self.unexpected();
        }
        let error = self.unexpected();
        let token = error.message.trim_start_matches("syntax error near unexpected token ");
        super::SyntaxError {
            message: format!("syntax error in conditional expression: unexpected token {token}"),
            ..error
        }
    }

    fn either(&mut self) -> Parse<Cond> {
        let mut left = self.both()?;
        loop {
            self.skip_newlines()?;
            if !self.eat(b"||") {
                return Ok(left);
            }
            self.skip_newlines()?;
            left = Cond::Or(Box::new(left), Box::new(self.both()?));
        }
    }

    fn both(&mut self) -> Parse<Cond> {
        let mut left = self.deeper(Parser::primary)?;
        loop {
            self.skip_newlines()?;
            if !self.eat(b"&&") {
                return Ok(left);
            }
            self.skip_newlines()?;
            left = Cond::And(Box::new(left), Box::new(self.deeper(Parser::primary)?));
        }
    }

    fn primary(&mut self) -> Parse<Cond> {
        self.skip_newlines()?;
        if self.at(b"!") && self.peek_at(1).is_some_and(is_meta) {
            self.pos += 1;
            return Ok(Cond::Not(Box::new(self.deeper(Parser::primary)?)));
        }
        if self.eat(b"(") {
            self.skip_newlines()?;
            let inner = self.either()?;
            self.skip_newlines()?;
            if !self.eat(b")") {
                return Err(self.cond_error());
            }
            return Ok(Cond::Paren(Box::new(inner)));
        }
        let unary = self.at(b"-")
            && self.peek_at(1).is_some_and(|c| UNARY.contains(&c))
            && self.peek_at(2).is_some_and(is_meta);
        if unary {
            let before = self.pos;
            let operator = self.text(self.pos, self.pos + 2);
            self.pos += 2;
            self.skip_blanks();
            if !self.at(b"]]")
                && self.binary_operator().is_none()
                && let Some(word) = self.word(Mode::Argument)?
            {
                return Ok(Cond::Unary(operator, word));
            }
            self.pos = before;
        }
        if self.at(b"]]") {
            return Err(self.cond_error());
        }
        let Some(left) = self.word(Mode::Argument)? else { return Err(self.cond_error()) };
        self.skip_blanks();
        let Some(operator) = self.binary_operator() else { return Ok(Cond::Word(left)) };
        self.pos += operator.len();
        self.skip_blanks();
        let mode = match operator {
            "=~" => Mode::Regex,
            "==" | "=" | "!=" => Mode::Pattern,
            _ => Mode::Argument,
        };
        let right: Option<Word> = self.word(mode)?;
        let Some(right) = right else { return Err(self.cond_error()) };
        Ok(Cond::Binary(left, operator.to_owned(), right))
    }

    fn binary_operator(&self) -> Option<&'static str> {
        let found = BINARY.iter().find(|operator| {
            self.at(operator.as_bytes()) && self.peek_at(operator.len()).is_some_and(is_meta)
        });
        let bare = ["<", ">"].iter().find(|operator| self.at(operator.as_bytes()));
        found.or(bare).copied()
    }
}
