//! Running a program over its input.

use std::io::Write;
use std::rc::Rc;

use toolcell_stack::Stack;
use toolcell_text::escape;

use crate::Commands;
use crate::array::{Array, Key, Sought};
use crate::input::{Reader, Record as Read, Separator};
use crate::lexer::unescape;
use crate::parser::{Expr, Pattern, Program, Redirect, Slot, Stmt};
use crate::pattern::{Patterns, Reading};
use crate::record::{Record, Splitter};
use crate::streams::Streams;
use crate::text::{Text, Units};
use crate::value::Value;
use crate::vars::{Cell, Optional, special};

/// Why statements are left before their end.
#[derive(Debug)]
pub(crate) enum Leave {
    Next,
    NextFile,
    Exit,
    Break,
    Continue,
    /// From a function; its value is in [`Interp::returned`].
    Return,
    Fatal(String),
}

pub(crate) type Run<T> = Result<T, Leave>;

/// Bytes to put text together in, which are used again.
#[derive(Default)]
pub(crate) struct Scratch {
    free: Vec<Vec<u8>>,
}

/// Of more bytes than this, none are kept for the next text.
const MAX_SCRATCH: usize = 1 << 20;

impl Scratch {
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    pub(crate) fn give(&mut self, mut bytes: Vec<u8>) {
        if bytes.capacity() <= MAX_SCRATCH {
            bytes.clear();
            self.free.push(bytes);
        }
    }
}

/// A running program.
pub(crate) struct Interp<'a> {
    pub(crate) program: &'a Program,
    pub(crate) commands: &'a mut dyn Commands,
    pub(crate) out: &'a mut dyn Write,
    pub(crate) globals: Vec<Cell>,
    /// Variables of the functions that are under way; those of the innermost begin at `base`.
    pub(crate) stack: Vec<Cell>,
    pub(crate) base: usize,
    pub(crate) optional: Optional,
    pub(crate) returned: Value,
    pub(crate) record: Record,
    /// How records are split, until `FS` or the like changes.
    pub(crate) splitter: Option<Splitter>,
    /// Whether they are split by `FPAT`.
    pub(crate) by_fpat: bool,
    /// What ends records, until `RS` changes.
    pub(crate) separator: Option<Separator>,
    pub(crate) reading: Reading,
    pub(crate) patterns: Patterns,
    pub(crate) streams: Streams,
    pub(crate) main: Option<Reader>,
    pub(crate) next_operand: i64,
    pub(crate) used_operand: bool,
    pub(crate) status: i32,
    pub(crate) seed: u64,
    pub(crate) previous_seed: f64,
    pub(crate) scratch: Scratch,
    pub(crate) room: Stack,
    ranges: Vec<bool>,
}

/// What a program is run with.
pub(crate) struct Start<'a> {
    pub(crate) program: &'a Program,
    pub(crate) commands: &'a mut dyn Commands,
    pub(crate) out: &'a mut dyn Write,
    pub(crate) operands: Vec<String>,
    pub(crate) assigns: Vec<(String, String)>,
    pub(crate) field_separator: Option<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) room: Stack,
}

/// Runs a program to its end; the status to exit with.
pub(crate) fn run(start: Start<'_>) -> i32 {
    let program = start.program;
    let set = |name: &str| start.environment.iter().find(|(known, _)| known == name);
    let units = match escape::is_of_bytes(|name| set(name).map(|(_, value)| value)) {
        true => Units::Bytes,
        false => Units::Characters,
    };
    let mut interp = Interp {
        program,
        commands: start.commands,
        out: start.out,
        globals: vec![Cell::Value(Value::Unset); program.globals.len()],
        stack: Vec::new(),
        base: 0,
        optional: Optional::of(program),
        returned: Value::Unset,
        record: Record::default(),
        splitter: None,
        by_fpat: false,
        separator: None,
        reading: Reading { any_case: false, units },
        patterns: Patterns::default(),
        streams: Streams::default(),
        main: None,
        next_operand: 1,
        used_operand: false,
        status: 0,
        seed: 0,
        previous_seed: 0.0,
        scratch: Scratch::default(),
        room: start.room,
        ranges: vec![false; program.rules.len()],
    };
    interp.set_record(Text::default());
    let defaults = [
        (special::FS, " "),
        (special::OFS, " "),
        (special::ORS, "\n"),
        (special::RS, "\n"),
        (special::SUBSEP, "\x1c"),
        (special::CONVFMT, "%.6g"),
        (special::OFMT, "%.6g"),
    ];
    for (slot, text) in defaults {
        interp.globals[slot] = Cell::Value(Value::text(text.as_bytes()));
    }
    for slot in [special::NF, special::NR, special::FNR] {
        interp.globals[slot] = Cell::Value(Value::Number(0.0));
    }
    let mut environment = Array::default();
    for (name, value) in &start.environment {
        let name = escape::encode(name);
        *environment.entry(Sought::text(&name)) = Value::input(&escape::encode(value));
    }
    interp.globals[special::ENVIRON] = Cell::Array(Rc::new(environment.into()));
    let count = start.operands.len() as f64 + 1.0;
    interp.globals[special::ARGC] = Cell::Value(Value::Number(count));
    let all = std::iter::once("awk").chain(start.operands.iter().map(String::as_str));
    let mut arguments = Array::default();
    for (at, operand) in (0..).zip(all) {
        *arguments.entry(Sought::Whole(at)) = Value::input(&escape::encode(operand));
    }
    interp.globals[special::ARGV] = Cell::Array(Rc::new(arguments.into()));
    let result = interp.begin(start.field_separator.as_deref(), &start.assigns);
    let mut status = interp.status;
    if let Err(Leave::Fatal(message)) = result {
        let _ = interp.out.flush();
        eprintln!("awk: {message}");
        status = 2;
    }
    interp.close_all();
    status
}

impl<'a> Interp<'a> {
    fn begin(&mut self, separator: Option<&str>, assigns: &[(String, String)]) -> Run<()> {
        if let Some(separator) = separator {
            let separator = Value::text(&escape::encode(&unescape(separator)));
            self.set_global(special::FS, separator)?;
        }
        for (name, value) in assigns {
            self.assign_operand(name, value)?;
        }
        self.all()
    }

    fn all(&mut self) -> Run<()> {
        let program = self.program;
        let mut reads = false;
        let mut ended = false;
        for (pattern, body) in &program.rules {
            match (pattern, body) {
                (Pattern::Begin, Some(body)) if !ended => ended = self.finished(body)?,
                (Pattern::Begin, _) => {}
                _ => reads = true,
            }
        }
        if reads && !ended {
            self.records()?;
        }
        for (pattern, body) in &program.rules {
            if let (Pattern::End, Some(body)) = (pattern, body)
                && self.finished(body)?
            {
                break;
            }
        }
        Ok(())
    }

    /// Runs a body; whether the program ended in it.
    fn finished(&mut self, body: &'a [Stmt]) -> Run<bool> {
        match self.block(body) {
            Err(Leave::Exit) => Ok(true),
            Err(Leave::Fatal(message)) => Err(Leave::Fatal(message)),
            _ => Ok(false),
        }
    }

    fn records(&mut self) -> Run<()> {
        while let Some(record) = self.next_main()? {
            self.set_record(record.text);
            match self.rules() {
                Ok(()) | Err(Leave::Next) => {}
                Err(Leave::NextFile) => self.main = None,
                Err(Leave::Exit) => return Ok(()),
                Err(leave) => return Err(leave),
            }
        }
        Ok(())
    }

    /// Runs the rules that apply to the record.
    fn rules(&mut self) -> Run<()> {
        let program = self.program;
        for (at, (pattern, body)) in program.rules.iter().enumerate() {
            let applies = match pattern {
                Pattern::Begin | Pattern::End => false,
                Pattern::Always => true,
                Pattern::Expr(expr) => self.test(expr)?,
                Pattern::Range(first, last) => {
                    let inside = self.ranges[at] || self.test(first)?;
                    self.ranges[at] = inside && !self.test(last)?;
                    inside
                }
            };
            if !applies {
                continue;
            }
            let result = match body {
                Some(body) => self.block(body),
                None => self.print(&[], None),
            };
            match result {
                Ok(()) | Err(Leave::Break | Leave::Continue | Leave::Return) => {}
                Err(leave) => return Err(leave),
            }
        }
        Ok(())
    }

    // ---------------------------------------------------------------- input

    pub(crate) fn record_separator(&mut self) -> Run<Separator> {
        if let Some(separator) = &self.separator {
            return Ok(separator.clone());
        }
        let text = self.text_of(special::RS);
        let separator = match &*text {
            [] => Separator::Paragraph,
            [byte] => Separator::Byte(*byte),
            source => Separator::Regex(self.dynamic(source)?),
        };
        self.separator = Some(separator.clone());
        Ok(separator)
    }

    /// The next record of the main input.
    pub(crate) fn next_main(&mut self) -> Run<Option<Read>> {
        loop {
            let separator = self.record_separator()?;
            match self.main.as_mut().map(|reader| reader.next(&separator)) {
                Some(Ok(Some(record))) => {
                    self.count(special::NR);
                    self.count(special::FNR);
                    if let Some(slot) = self.optional.rt {
                        self.globals[slot] = Cell::Value(Value::Text(record.end.clone()));
                    }
                    return Ok(Some(record));
                }
                Some(Ok(None)) => self.main = None,
                Some(Err(error)) => return Err(Leave::Fatal(format!("read error: {error}"))),
                None => {}
            }
            if !self.open_next()? {
                return Ok(None);
            }
        }
    }

    pub(crate) fn count(&mut self, slot: usize) {
        let number = self.number_of(slot) + 1.0;
        self.globals[slot] = Cell::Value(Value::Number(number));
    }

    /// An assignment among the operands, or of `-v`.
    pub(crate) fn assign_operand(&mut self, name: &str, value: &str) -> Run<()> {
        match self.program.globals.get(name).copied() {
            Some(slot) => self.set_global(slot, Value::input(&escape::encode(&unescape(value)))),
            None => Ok(()),
        }
    }

    // ----------------------------------------------------------- statements

    pub(crate) fn block(&mut self, body: &'a [Stmt]) -> Run<()> {
        body.iter().try_for_each(|statement| self.statement(statement))
    }

    /// Runs a loop's body; whether the loop goes on.
    fn turn(&mut self, body: &'a Stmt) -> Run<bool> {
        match self.statement(body) {
            Ok(()) | Err(Leave::Continue) => Ok(true),
            Err(Leave::Break) => Ok(false),
            Err(leave) => Err(leave),
        }
    }

    fn statement(&mut self, statement: &'a Stmt) -> Run<()> {
        match statement {
            Stmt::Expr(expr) => self.effect(expr),
            Stmt::Print(values, redirect) => self.print(values, redirect.as_ref()),
            Stmt::Printf(values, redirect) => {
                let mut text = self.scratch.take();
                let result = self.formatted(values, &mut text);
                let result = result.and_then(|()| self.write(&text, redirect.as_ref()));
                self.scratch.give(text);
                result
            }
            Stmt::If(condition, then, otherwise) => {
                if self.test(condition)? {
                    self.statement(then)
                } else {
                    otherwise.as_ref().map_or(Ok(()), |otherwise| self.statement(otherwise))
                }
            }
            Stmt::While(condition, body) => {
                while self.test(condition)? {
                    if !self.turn(body)? {
                        break;
                    }
                }
                Ok(())
            }
            Stmt::DoWhile(body, condition) => {
                while self.turn(body)? && self.test(condition)? {}
                Ok(())
            }
            Stmt::For(first, condition, step, body) => {
                if let Some(first) = first {
                    self.statement(first)?;
                }
                loop {
                    if let Some(condition) = condition
                        && !self.test(condition)?
                    {
                        return Ok(());
                    }
                    if !self.turn(body)? {
                        return Ok(());
                    }
                    if let Some(step) = step {
                        self.statement(step)?;
                    }
                }
            }
            Stmt::ForIn(name, array, body) => {
                for key in self.listed(*array)? {
                    self.set(*name, key.value())?;
                    if !self.turn(body)? {
                        break;
                    }
                }
                Ok(())
            }
            Stmt::Switch(value, cases) => self.switch(value, cases),
            Stmt::Block(body) => self.block(body),
            Stmt::Next => Err(Leave::Next),
            Stmt::NextFile => Err(Leave::NextFile),
            Stmt::Exit(status) => {
                if let Some(expr) = status {
                    self.status = self.number(expr)? as i64 as i32 & 0xFF;
                }
                Err(Leave::Exit)
            }
            Stmt::Return(value) => {
                self.returned = match value {
                    Some(expr) => self.eval(expr)?,
                    None => Value::Unset,
                };
                Err(Leave::Return)
            }
            Stmt::Break => Err(Leave::Break),
            Stmt::Continue => Err(Leave::Continue),
            Stmt::Delete(slot, None) => self.with_array(*slot, Array::clear),
            Stmt::Delete(slot, Some(index)) => {
                self.with_element(*slot, index, |array, key| array.remove(key))
            }
        }
    }

    /// Evaluates an expression for what it does.
    fn effect(&mut self, expr: &'a Expr) -> Run<()> {
        match expr {
            Expr::Step(..) | Expr::Assign(_, Some(_), _) => self.number(expr).map(drop),
            Expr::Assign(place, None, right) => {
                let value = self.eval(right)?;
                self.set_place(place, value)
            }
            expr => self.eval(expr).map(drop),
        }
    }

    fn switch(&mut self, value: &'a Expr, cases: &'a [(Option<Expr>, Vec<Stmt>)]) -> Run<()> {
        let value = self.eval(value)?;
        let mut first = None;
        for (at, (case, _)) in cases.iter().enumerate() {
            let applies = match case {
                None => false,
                Some(case @ Expr::Match(_)) => {
                    let text = value.to_text(&self.text_of(special::CONVFMT));
                    self.matcher(case)?.is_match(&text)
                }
                Some(case) => {
                    let case = self.eval(case)?;
                    self.compare(crate::parser::Comparison::Equal, &value, &case)
                }
            };
            if applies {
                first = Some(at);
                break;
            }
        }
        let default = || cases.iter().position(|(case, _)| case.is_none());
        let Some(first) = first.or_else(default) else { return Ok(()) };
        for (_, body) in &cases[first..] {
            match self.block(body) {
                Ok(()) => {}
                Err(Leave::Break) => break,
                Err(leave) => return Err(leave),
            }
        }
        Ok(())
    }

    /// The keys of an array, as they came, or in the order that gawk's `PROCINFO["sorted_in"]` asks
    /// for.
    fn listed(&mut self, slot: Slot) -> Run<Vec<Key>> {
        let array = self.array(slot)?;
        let mut keys = array.borrow().keys();
        let Some(info) = self.optional.procinfo else { return Ok(keys) };
        let order = self.with_array(Slot::Global(info), |info| {
            let order = info.get(Sought::Text(b"sorted_in"));
            order.map(|order| order.to_text(b"")).unwrap_or_default()
        })?;
        let order = String::from_utf8_lossy(&order).into_owned();
        let Some((what, how, descends)) = order
            .strip_prefix('@')
            .and_then(|order| order.rsplit_once('_'))
            .and_then(|(rest, way)| Some((rest.split_once('_')?, way == "desc")))
            .map(|((what, how), descends)| (what.to_owned(), how.to_owned(), descends))
        else {
            return Ok(keys);
        };
        let array = array.borrow();
        let value = |key: &Key| match what.as_str() {
            "ind" => key.value(),
            _ => array.get(key.sought()).cloned().unwrap_or_default(),
        };
        keys.sort_by(|left, right| {
            let (left, right) = (value(left), value(right));
            let ordering = match how.as_str() {
                "num" => left.number().total_cmp(&right.number()),
                "str" => self.order(&left, &right),
                _ => self.by_type(&left, &right),
            };
            if descends { ordering.reverse() } else { ordering }
        });
        Ok(keys)
    }

    /// Numbers by size, and before texts.
    pub(crate) fn by_type(&self, left: &Value, right: &Value) -> std::cmp::Ordering {
        match (left.comparable(), right.comparable()) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => self.order(left, right),
        }
    }

    fn print(&mut self, values: &'a [Expr], redirect: Option<&'a (Redirect, Expr)>) -> Run<()> {
        let mut text = self.scratch.take();
        let result = self.printed(values, &mut text);
        let result = result.and_then(|()| self.write(&text, redirect));
        self.scratch.give(text);
        result
    }

    fn printed(&mut self, values: &'a [Expr], text: &mut Vec<u8>) -> Run<()> {
        if values.is_empty() {
            text.extend_from_slice(self.whole_record());
        } else {
            let (separator, format) = (self.text_of(special::OFS), self.text_of(special::OFMT));
            for (at, expr) in values.iter().enumerate() {
                if at > 0 {
                    text.extend_from_slice(&separator);
                }
                self.append(expr, &format, text)?;
            }
        }
        text.extend_from_slice(&self.text_of(special::ORS));
        Ok(())
    }

    /// What `printf` prints.
    pub(crate) fn formatted(&mut self, values: &'a [Expr], to: &mut Vec<u8>) -> Run<()> {
        let Some((format, values)) = values.split_first() else { return Ok(()) };
        let format = self.text(format)?;
        let mut evaluated = Vec::with_capacity(values.len());
        for expr in values {
            evaluated.push(self.eval(expr)?);
        }
        let convert = self.text_of(special::CONVFMT);
        crate::format::append(&format, &evaluated, &convert, self.reading.units, to).map_err(|_| {
            let format = String::from_utf8_lossy(&format);
            Leave::Fatal(format!("not enough arguments for the format \"{format}\""))
        })
    }
}
