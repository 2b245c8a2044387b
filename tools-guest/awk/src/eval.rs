//! Expressions.
//!
//! Each is evaluated for what is wanted of it: a value, a number, whether it is true, or its bytes
//! at the end of others.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::interp::{Interp, Leave, Run};
use crate::parser::{Comparison, Expr, Place, Slot};
use crate::pattern::Matcher;
use crate::text::{Case, Text};
use crate::value::Value;
use crate::vars::{Cell, special};

/// Bytes of the stack that are left when functions call no others: for what the last one does.
const RESERVE: usize = 256 << 10;

impl<'a> Interp<'a> {
    /// A regular expression that is made of a text.
    pub(crate) fn dynamic(&mut self, source: &[u8]) -> Run<Rc<Matcher>> {
        self.patterns.matcher(source, self.reading).map_err(Leave::Fatal)
    }

    /// The expression that an operand of `~` and its like stands for.
    pub(crate) fn matcher(&mut self, expr: &'a Expr) -> Run<Rc<Matcher>> {
        match expr {
            Expr::Match(pattern) => pattern.matcher(self.reading).cloned().map_err(Leave::Fatal),
            expr => {
                let source = self.text(expr)?;
                self.dynamic(&source)
            }
        }
    }

    pub(crate) fn text(&mut self, expr: &'a Expr) -> Run<Text> {
        match self.eval(expr)? {
            Value::Text(text) | Value::Input(text) => Ok(text),
            value => Ok(value.to_text(&self.text_of(special::CONVFMT))),
        }
    }

    pub(crate) fn number(&mut self, expr: &'a Expr) -> Run<f64> {
        match expr {
            Expr::Number(number) => Ok(*number),
            Expr::Group(inner) | Expr::Plus(inner) => self.number(inner),
            Expr::Negate(inner) => Ok(-self.number(inner)?),
            Expr::Get(Place::Var(slot)) => Ok(self.value_in(*slot)?.map_or(0.0, Value::number)),
            Expr::Get(Place::Field(index)) => {
                let at = self.number(index)?;
                match self.field_bytes(at)? {
                    Some(bytes) => Ok(crate::value::to_number(bytes)),
                    None => Ok(self.field(at)?.number()),
                }
            }
            Expr::Get(Place::Element(slot, index)) => {
                self.with_element(*slot, index, |array, key| array.entry(key).number())
            }
            Expr::Arith(op, left, right) => {
                let left = self.number(left)?;
                let right = self.number(right)?;
                arith(*op, left, right)
            }
            Expr::Step(place, by, old) => {
                let (before, after) = self.change(place, |number| Ok(number + by))?;
                Ok(if *old { before } else { after })
            }
            Expr::Assign(place, Some(op), right) => {
                let right = self.number(right)?;
                let (_, new) = self.change(place, |left| arith(*op, left, right))?;
                Ok(new)
            }
            Expr::Compare(..)
            | Expr::Match(_)
            | Expr::Matches(..)
            | Expr::Not(_)
            | Expr::And(..)
            | Expr::Or(..)
            | Expr::In(..) => Ok(f64::from(u8::from(self.test(expr)?))),
            expr => Ok(self.eval(expr)?.number()),
        }
    }

    /// Whether an expression is true.
    pub(crate) fn test(&mut self, expr: &'a Expr) -> Run<bool> {
        match expr {
            Expr::Group(inner) => self.test(inner),
            Expr::Not(inner) => Ok(!self.test(inner)?),
            Expr::And(left, right) => Ok(self.test(left)? && self.test(right)?),
            Expr::Or(left, right) => Ok(self.test(left)? || self.test(right)?),
            Expr::Match(_) => {
                let matcher = self.matcher(expr)?;
                Ok(matcher.is_match(self.whole_record()))
            }
            Expr::Matches(positive, left, right) => {
                let text = self.text(left)?;
                Ok(self.matcher(right)?.is_match(&text) == *positive)
            }
            Expr::Compare(op, left, right) => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                Ok(self.compare(*op, &left, &right))
            }
            Expr::In(index, slot) => self.with_element(*slot, index, |array, key| array.has(key)),
            Expr::Arith(..) | Expr::Step(..) | Expr::Negate(_) | Expr::Plus(_) => {
                Ok(self.number(expr)? != 0.0)
            }
            expr => Ok(self.eval(expr)?.is_true()),
        }
    }

    /// Adds the text of an expression; numbers have this format.
    pub(crate) fn append(&mut self, expr: &'a Expr, format: &[u8], to: &mut Vec<u8>) -> Run<()> {
        match expr {
            Expr::Text(text) => to.extend_from_slice(text),
            Expr::Group(inner) => self.append(inner, format, to)?,
            Expr::Get(Place::Field(index)) => {
                let at = self.number(index)?;
                match self.field_bytes(at)? {
                    Some(bytes) => to.extend_from_slice(bytes),
                    None => self.field(at)?.append(format, to),
                }
            }
            Expr::Get(Place::Var(slot)) => {
                if let Some(value) = self.value_in(*slot)? {
                    value.append(format, to);
                }
            }
            Expr::Concat(parts) => {
                let format = self.text_of(special::CONVFMT);
                for part in parts {
                    self.append(part, &format, to)?;
                }
            }
            expr => self.eval(expr)?.append(format, to),
        }
        Ok(())
    }

    pub(crate) fn eval(&mut self, expr: &'a Expr) -> Run<Value> {
        match expr {
            Expr::Number(number) => Ok(Value::Number(*number)),
            Expr::Text(text) => Ok(Value::Text(text.clone())),
            Expr::Group(inner) => self.eval(inner),
            Expr::Get(place) => self.place(place),
            Expr::Assign(place, None, right) => {
                let value = self.eval(right)?;
                self.set_place(place, value.clone())?;
                Ok(value)
            }
            Expr::Concat(_) => {
                let mut bytes = self.scratch.take();
                let result = self.append(expr, b"", &mut bytes);
                let text = Value::text(&bytes);
                self.scratch.give(bytes);
                result.map(|()| text)
            }
            Expr::Choose(condition, yes, no) => match self.test(condition)? {
                true => self.eval(yes),
                false => self.eval(no),
            },
            Expr::Call(function, args) => self.call(*function, args),
            Expr::Builtin(builtin, args) => self.builtin(*builtin, args),
            Expr::Getline(place, source) => {
                let (status, record) = self.read_line(source)?;
                if let Some(record) = record {
                    match place {
                        Some(place) => self.set_place(place, Value::Input(record.text))?,
                        None => self.set_record(record.text),
                    }
                }
                Ok(Value::Number(status))
            }
            expr => self.number(expr).map(Value::Number),
        }
    }

    pub(crate) fn compare(&self, op: Comparison, left: &Value, right: &Value) -> bool {
        let ordering = match (left.comparable(), right.comparable()) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            _ => Some(self.order(left, right)),
        };
        match op {
            Comparison::Less => ordering.is_some_and(Ordering::is_lt),
            Comparison::LessOrEqual => ordering.is_some_and(Ordering::is_le),
            Comparison::Equal => ordering == Some(Ordering::Equal),
            Comparison::NotEqual => ordering != Some(Ordering::Equal),
            Comparison::Greater => ordering.is_some_and(Ordering::is_gt),
            Comparison::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        }
    }

    /// How two values stand to one another as texts.
    pub(crate) fn order(&self, left: &Value, right: &Value) -> Ordering {
        let format = self.text_of(special::CONVFMT);
        let (left, right) = (left.to_text(&format), right.to_text(&format));
        match self.reading.any_case {
            true => {
                let lower = |text| self.reading.units.changed(text, Case::Lower);
                lower(&left).cmp(&*lower(&right))
            }
            false => left.cmp(&*right),
        }
    }

    #[inline(never)]
    fn call(&mut self, function: usize, args: &'a [Expr]) -> Run<Value> {
        let definition = &self.program.functions[function];
        if self.room.lacks(RESERVE) {
            return Err(Leave::Fatal("functions call one another too deeply".to_owned()));
        }
        let from = self.stack.len();
        for expr in args {
            let cell = self.argument(expr)?;
            self.stack.push(cell);
        }
        self.stack.resize(from + definition.params, Cell::Value(Value::Unset));
        let caller = std::mem::replace(&mut self.base, from);
        let result = self.block(&definition.body);
        self.base = caller;
        self.stack.truncate(from);
        match result {
            Ok(()) => Ok(Value::Unset),
            Err(Leave::Return) => Ok(std::mem::take(&mut self.returned)),
            Err(leave) => Err(leave),
        }
    }

    /// What a function is given: an array is shared, a value copied.
    fn argument(&mut self, expr: &'a Expr) -> Run<Cell> {
        if let Expr::Get(Place::Var(slot)) = expr {
            match self.cell(*slot) {
                Cell::Array(array) => return Ok(Cell::Array(array.clone())),
                Cell::Value(Value::Unset) | Cell::Open(_) if *slot != Slot::Global(special::NF) => {
                    return Ok(Cell::Open(self.home(*slot)));
                }
                _ => {}
            }
        }
        Ok(Cell::Value(self.eval(expr)?))
    }
}

fn arith(op: char, left: f64, right: f64) -> Run<f64> {
    Ok(match op {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        '/' | '%' if right == 0.0 => {
            let what = if op == '/' { "division by zero" } else { "division by zero in %" };
            return Err(Leave::Fatal(what.to_owned()));
        }
        '/' => left / right,
        '%' => left % right,
        _ => left.powf(right),
    })
}
