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
            let is_word = !self.at_term_end();
            return Err(self.cond_error(|token| match is_word {
                true => "syntax error in conditional expression".to_owned(),
                false => {
                    format!("syntax error in conditional expression: unexpected token {token}")
                }
            }));
        }
        self.pos += 2;
        Ok(cond)
    }

    /// What is said where an expression cannot go on; of the end of the text, that it is the end.
    fn cond_error(&self, wrong: impl FnOnce(&str) -> String) -> super::SyntaxError {
        let error = self.unexpected();
        if self.peek().is_none() {
            return error;
        }
        let token = error.message.trim_start_matches("syntax error near unexpected token ");
        super::SyntaxError { message: wrong(token), shown: None, ..error }
    }

    /// Whether the expression ends here, or goes on behind a term.
    fn at_term_end(&self) -> bool {
        self.at(b"]]") && self.peek_at(2).is_none_or(is_meta) || self.peek().is_none_or(is_meta)
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
                return Err(
                    self.cond_error(|token| format!("unexpected token {token}, expected `)'"))
                );
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
            if self.binary_operator().is_none() {
                return Err(self.unexpected_argument("unary"));
            }
            self.pos = before;
        }
        let unexpected = |token: &str| {
            format!("syntax error in conditional expression: unexpected token {token}")
        };
        if self.at(b"]]") {
            return Err(self.cond_error(unexpected));
        }
        let Some(left) = self.word(Mode::Argument)? else {
            return Err(self.cond_error(unexpected));
        };
        self.skip_blanks();
        let Some(operator) = self.binary_operator() else {
            return match self.at_term_end() {
                true => Ok(Cond::Word(left)),
                false => {
                    Err(self.cond_error(|_| "conditional binary operator expected".to_owned()))
                }
            };
        };
        self.pos += operator.len();
        self.skip_blanks();
        let mode = match operator {
            "=~" => Mode::Regex,
            "==" | "=" | "!=" => Mode::Pattern,
            _ => Mode::Argument,
        };
        let ends = self.at(b"]]") && self.peek_at(2).is_none_or(is_meta);
        let right: Option<Word> = if ends { None } else { self.word(mode)? };
        let Some(right) = right else { return Err(self.unexpected_argument("binary")) };
        Ok(Cond::Binary(left, operator.to_owned(), right))
    }

    fn unexpected_argument(&self, kind: &str) -> super::SyntaxError {
        self.cond_error(|token| {
            format!("unexpected argument {token} to conditional {kind} operator")
        })
    }

    fn binary_operator(&self) -> Option<&'static str> {
        let found = BINARY.iter().find(|operator| {
            self.at(operator.as_bytes()) && self.peek_at(operator.len()).is_some_and(is_meta)
        });
        let bare = ["<", ">"].iter().find(|operator| self.at(operator.as_bytes()));
        found.or(bare).copied()
    }
}
