//! `test` and `[`.

use super::Call;
use crate::condition::compare;
use crate::shell::{Run, Shell, Unwind};
use crate::system::System;

/// How deeply parentheses and negations may nest.
const MAX_DEPTH: u32 = 100;

/// Why there is no answer.
enum Bad {
    Said(String),
    Unwind(Unwind),
}

pub(super) fn test<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut args = call.args();
    if call.name() == "[" {
        match args.split_last() {
            Some((last, rest)) if last == "]" => args = rest,
            _ => {
                shell.complain("[: missing `]'");
                return Ok(2);
            }
        }
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match evaluate(shell, &args, 0) {
        Ok(true) => Ok(0),
        Ok(false) => Ok(1),
        Err(Bad::Said(message)) => {
            shell.builtin_error(call, &message);
            Ok(2)
        }
        Err(Bad::Unwind(unwind)) => Err(unwind),
    }
}

const BINARY: &[&str] =
    &["=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"];

fn is_unary(text: &str) -> bool {
    text.len() == 2
        && text.starts_with('-')
        && text.chars().nth(1).is_some_and(|c| "abcdefghknoprstuvwxzGLNORS".contains(c))
}

/// POSIX decides by the number of arguments up to four; more are an expression.
fn evaluate<S: System>(shell: &mut Shell<S>, args: &[&str], depth: u32) -> Result<bool, Bad> {
    if depth > MAX_DEPTH {
        return Err(Bad::Said(format!("nested more than {MAX_DEPTH} levels deep")));
    }
    match args {
        [] => Ok(false),
        [one] => Ok(!one.is_empty()),
        ["!", one] => Ok(one.is_empty()),
        [operator, operand] if is_unary(operator) => unary(shell, operator, operand),
        [operator, _] => Err(Bad::Said(format!("{operator}: unary operator expected"))),
        [left, operator, right] if BINARY.contains(operator) => {
            binary(shell, left, operator, right)
        }
        [left, "-a", right] => Ok(!left.is_empty() && !right.is_empty()),
        [left, "-o", right] => Ok(!left.is_empty() || !right.is_empty()),
        ["!", rest @ ..] if args.len() <= 4 => Ok(!evaluate(shell, rest, depth + 1)?),
        ["(", inner @ .., ")"] if args.len() <= 4 => evaluate(shell, inner, depth + 1),
        [_, operator, _] => Err(Bad::Said(format!("{operator}: binary operator expected"))),
        args => {
            let mut parser = Parser { args, at: 0, depth };
            let value = parser.or(shell)?;
            match parser.args.get(parser.at) {
                None => Ok(value),
                Some(_) => Err(Bad::Said("too many arguments".to_owned())),
            }
        }
    }
}

fn unary<S: System>(shell: &mut Shell<S>, operator: &str, operand: &str) -> Result<bool, Bad> {
    shell.unary_test(operator, operand).map_err(Bad::Unwind)
}

fn binary<S: System>(
    shell: &mut Shell<S>,
    left: &str,
    operator: &str,
    right: &str,
) -> Result<bool, Bad> {
    if let Some(answer) = shell.binary_test(left, operator, right) {
        return Ok(answer);
    }
    let number = |text: &str| {
        let trimmed = text.trim();
        let parsed = trimmed.strip_prefix('+').unwrap_or(trimmed).parse::<i64>();
        parsed.map_err(|_| Bad::Said(format!("{text}: integer expression expected")))
    };
    Ok(compare(operator, number(left)?.cmp(&number(right)?)))
}

struct Parser<'a> {
    args: &'a [&'a str],
    at: usize,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn eat(&mut self, text: &str) -> bool {
        let found = self.args.get(self.at) == Some(&text);
        self.at += usize::from(found);
        found
    }

    fn or<S: System>(&mut self, shell: &mut Shell<S>) -> Result<bool, Bad> {
        let mut value = self.and(shell)?;
        while self.eat("-o") {
            let right = self.and(shell)?;
            value = value || right;
        }
        Ok(value)
    }

    fn and<S: System>(&mut self, shell: &mut Shell<S>) -> Result<bool, Bad> {
        let mut value = self.primary(shell)?;
        while self.eat("-a") {
            let right = self.primary(shell)?;
            value = value && right;
        }
        Ok(value)
    }

    fn primary<S: System>(&mut self, shell: &mut Shell<S>) -> Result<bool, Bad> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Bad::Said(format!("nested more than {MAX_DEPTH} levels deep")));
        }
        let rest = &self.args[self.at..];
        let value = match rest {
            [] => return Err(Bad::Said("argument expected".to_owned())),
            [left, operator, right, ..] if BINARY.contains(operator) => {
                self.at += 3;
                binary(shell, left, operator, right)
            }
            ["!", ..] => {
                self.at += 1;
                Ok(!self.primary(shell)?)
            }
            ["(", ..] => {
                self.at += 1;
                let value = self.or(shell)?;
                if !self.eat(")") {
                    return Err(Bad::Said("`)' expected".to_owned()));
                }
                Ok(value)
            }
            [operator, operand, ..] if is_unary(operator) => {
                self.at += 2;
                unary(shell, operator, operand)
            }
            [one, ..] => {
                self.at += 1;
                Ok(!one.is_empty())
            }
        };
        self.depth -= 1;
        value
    }
}
