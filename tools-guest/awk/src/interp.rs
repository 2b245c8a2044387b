//! Running a program over its input.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::rc::Rc;

use regex::Regex;

use crate::Commands;
use crate::format::sprintf;
use crate::lexer::unescape;
use crate::parser::{Expr, Pattern, Place, Program, Redirect, Slot, Source, Stmt};
use crate::value::{Value, to_number};

/// How deeply functions may call one another.
const MAX_CALLS: u32 = 400;

/// Regular expressions that are kept compiled.
const MAX_REGEXES: usize = 500;

/// Files and commands that may be open at once.
const MAX_STREAMS: usize = 200;

/// Fields that a record may be given by assigning to one.
const MAX_FIELDS: usize = 1_000_000;

/// Variables that the language itself reads or sets, in the order of their slots.
pub(crate) const SPECIAL: &[&str] = &[
    "NF", "NR", "FNR", "FS", "OFS", "ORS", "RS", "FILENAME", "SUBSEP", "RSTART", "RLENGTH",
    "CONVFMT", "OFMT", "ENVIRON", "ARGC", "ARGV",
];
const NF: usize = 0;
const NR: usize = 1;
const FNR: usize = 2;
const FS: usize = 3;
const OFS: usize = 4;
const ORS: usize = 5;
const RS: usize = 6;
const FILENAME: usize = 7;
const SUBSEP: usize = 8;
const RSTART: usize = 9;
const RLENGTH: usize = 10;
const CONVFMT: usize = 11;
const OFMT: usize = 12;
const ENVIRON: usize = 13;
const ARGC: usize = 14;
const ARGV: usize = 15;

/// An array, which lists its keys in the order in which they came.
#[derive(Debug, Default)]
struct Array {
    entries: HashMap<Rc<str>, (u64, Value)>,
    clock: u64,
}

impl Array {
    fn entry(&mut self, key: &str) -> &mut Value {
        if !self.entries.contains_key(key) {
            self.clock += 1;
            self.entries.insert(key.into(), (self.clock, Value::Unset));
        }
        match self.entries.get_mut(key) {
            Some((_, value)) => value,
            None => unreachable!("it was inserted above"),
        }
    }

    fn keys(&self) -> Vec<Rc<str>> {
        let mut keys: Vec<(u64, Rc<str>)> =
            self.entries.iter().map(|(key, (age, _))| (*age, key.clone())).collect();
        keys.sort_unstable_by_key(|(age, _)| *age);
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

/// What a variable holds.
#[derive(Debug, Clone)]
enum Cell {
    Value(Value),
    Array(Rc<std::cell::RefCell<Array>>),
    /// A parameter that was not given, or a variable of the caller that is not used yet: it may
    /// become an array, which the caller then has too.
    Open(Slot, usize),
}

/// Why statements are left before their end.
enum Leave {
    Next,
    NextFile,
    Exit,
    Break,
    Continue,
    Return(Value),
    Fatal(String),
}

type Run<T> = Result<T, Leave>;

/// A running program.
pub(crate) struct Interp<'a> {
    program: &'a Program,
    commands: &'a mut dyn Commands,
    out: &'a mut dyn Write,
    globals: Vec<Cell>,
    frames: Vec<Vec<Cell>>,
    record: Rc<str>,
    fields: Vec<Value>,
    split: bool,
    /// Whether `$0` must be built again from the fields.
    joined: bool,
    regexes: HashMap<Rc<str>, Regex>,
    outputs: HashMap<String, (bool, Box<dyn Write>)>,
    inputs: HashMap<String, (bool, Reader)>,
    main: Option<Reader>,
    next_operand: usize,
    used_operand: bool,
    ranges: Vec<bool>,
    status: i32,
    seed: u64,
    previous_seed: f64,
}

/// Something that is read record by record.
pub(crate) struct Reader {
    input: BufReader<Box<dyn Read>>,
    ended: bool,
}

impl Reader {
    pub(crate) fn new(input: Box<dyn Read>) -> Reader {
        Reader { input: BufReader::with_capacity(64 << 10, input), ended: false }
    }

    /// The next record; `None` at the end.
    fn next(&mut self, separator: &Separator) -> io::Result<Option<String>> {
        if self.ended {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        match separator {
            Separator::Byte(byte) => {
                if self.input.read_until(*byte, &mut bytes)? == 0 {
                    return Ok(None);
                }
                if bytes.last() == Some(byte) {
                    bytes.pop();
                }
            }
            Separator::Paragraph => {
                loop {
                    let mut line = Vec::new();
                    if self.input.read_until(b'\n', &mut line)? == 0 {
                        break;
                    }
                    match (line == b"\n", bytes.is_empty()) {
                        (true, true) => {}
                        (true, false) => break,
                        _ => bytes.extend(line),
                    }
                }
                if bytes.is_empty() {
                    return Ok(None);
                }
                if bytes.last() == Some(&b'\n') {
                    bytes.pop();
                }
            }
            Separator::Regex(regex) => {
                // The whole rest is needed: a match may go on in what is not read yet.
                self.input.read_to_end(&mut bytes)?;
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let found = regex.find(&text).filter(|found| !found.is_empty());
                let Some(found) = found else {
                    self.ended = true;
                    let text = text.strip_suffix('\n').unwrap_or(&text);
                    return Ok((!text.is_empty()).then(|| text.to_owned()));
                };
                let record = text[..found.start()].to_owned();
                let rest = text.as_bytes()[found.end()..].to_vec();
                let rest: Box<dyn Read> = Box::new(io::Cursor::new(rest));
                self.input = BufReader::new(rest);
                return Ok(Some(record));
            }
        }
        Ok(Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }))
    }
}

enum Separator {
    Byte(u8),
    Paragraph,
    Regex(Regex),
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
}

/// Runs a program to its end; the status to exit with.
pub(crate) fn run(start: Start<'_>) -> i32 {
    let Start { program, commands, out, operands, assigns, field_separator, environment } = start;
    let mut interp = Interp {
        program,
        commands,
        out,
        globals: vec![Cell::Value(Value::Unset); program.globals.len()],
        frames: Vec::new(),
        record: "".into(),
        fields: Vec::new(),
        split: true,
        joined: true,
        regexes: HashMap::new(),
        outputs: HashMap::new(),
        inputs: HashMap::new(),
        main: None,
        next_operand: 1,
        used_operand: false,
        ranges: vec![false; program.rules.len()],
        status: 0,
        seed: 0,
        previous_seed: 0.0,
    };
    let defaults = [
        (FS, " "),
        (OFS, " "),
        (ORS, "\n"),
        (RS, "\n"),
        (SUBSEP, "\x1c"),
        (CONVFMT, "%.6g"),
        (OFMT, "%.6g"),
    ];
    for (slot, text) in defaults {
        interp.globals[slot] = Cell::Value(Value::text(text));
    }
    for slot in [NF, NR, FNR] {
        interp.globals[slot] = Cell::Value(Value::Number(0.0));
    }
    for (name, value) in &environment {
        interp.with_array(Slot::Global(ENVIRON), |array| {
            *array.entry(name) = Value::input(value);
        });
    }
    interp.globals[ARGC] = Cell::Value(Value::Number(operands.len() as f64 + 1.0));
    let all = std::iter::once("awk".to_owned()).chain(operands);
    for (at, operand) in all.enumerate() {
        interp.with_array(Slot::Global(ARGV), |array| {
            *array.entry(&at.to_string()) = Value::input(&operand);
        });
    }
    if let Some(separator) = field_separator {
        interp.globals[FS] = Cell::Value(Value::text(unescape(&separator)));
    }
    for (name, value) in assigns {
        interp.assign_operand(&name, &value);
    }
    let result = interp.all();
    let mut status = interp.status;
    if let Err(Leave::Fatal(message)) = result {
        let _ = interp.out.flush();
        eprintln!("awk: {message}");
        status = 2;
    }
    interp.close_all();
    status
}

impl Interp<'_> {
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
    fn finished(&mut self, body: &[Stmt]) -> Run<bool> {
        match self.block(body) {
            Ok(())
            | Err(
                Leave::Next | Leave::NextFile | Leave::Break | Leave::Continue | Leave::Return(_),
            ) => Ok(false),
            Err(Leave::Exit) => Ok(true),
            Err(fatal) => Err(fatal),
        }
    }

    fn records(&mut self) -> Run<bool> {
        let program = self.program;
        while self.next_record()? {
            for (at, (pattern, body)) in program.rules.iter().enumerate() {
                let applies = match pattern {
                    Pattern::Begin | Pattern::End => false,
                    Pattern::Always => true,
                    Pattern::Expr(expr) => self.eval(expr)?.is_true(),
                    Pattern::Range(first, last) => {
                        let inside = self.ranges[at] || self.eval(first)?.is_true();
                        self.ranges[at] = inside && !self.eval(last)?.is_true();
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
                    Ok(()) | Err(Leave::Break | Leave::Continue | Leave::Return(_)) => {}
                    Err(Leave::Next) => break,
                    Err(Leave::NextFile) => {
                        self.main = None;
                        break;
                    }
                    Err(Leave::Exit) => return Ok(true),
                    Err(fatal) => return Err(fatal),
                }
            }
        }
        Ok(false)
    }

    // ---------------------------------------------------------------- input

    fn separator(&mut self) -> Run<Separator> {
        let text = self.text_of(RS);
        Ok(match text.as_bytes() {
            [] => Separator::Paragraph,
            [byte] => Separator::Byte(*byte),
            _ => Separator::Regex(self.regex(&text)?),
        })
    }

    /// Reads the next record of the main input into `$0`.
    fn next_record(&mut self) -> Run<bool> {
        match self.next_main()? {
            Some(record) => {
                self.set_record(&record);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn next_main(&mut self) -> Run<Option<String>> {
        let separator = self.separator()?;
        loop {
            if let Some(reader) = &mut self.main {
                match reader.next(&separator) {
                    Ok(Some(record)) => {
                        self.count(NR);
                        self.count(FNR);
                        return Ok(Some(record));
                    }
                    Ok(None) => self.main = None,
                    Err(error) => return Err(Leave::Fatal(format!("read error: {error}"))),
                }
            }
            if !self.open_next()? {
                return Ok(None);
            }
        }
    }

    fn count(&mut self, slot: usize) {
        let number = self.number_of(slot) + 1.0;
        self.globals[slot] = Cell::Value(Value::Number(number));
    }

    fn open_next(&mut self) -> Run<bool> {
        loop {
            let count = self.number_of(ARGC) as usize;
            if self.next_operand >= count {
                if self.used_operand {
                    return Ok(false);
                }
                self.used_operand = true;
                self.main = Some(Reader::new(Box::new(io::stdin())));
                return Ok(true);
            }
            let key = self.next_operand.to_string();
            self.next_operand += 1;
            let operand = self.with_array(Slot::Global(ARGV), |array| {
                array.entries.get(key.as_str()).map(|(_, value)| value.to_text("%.6g"))
            });
            let operand = operand.unwrap_or_default();
            if operand.is_empty() {
                continue;
            }
            if let Some((name, value)) = operand.split_once('=')
                && is_name(name)
            {
                self.assign_operand(name, value);
                continue;
            }
            self.used_operand = true;
            self.globals[FILENAME] = Cell::Value(Value::text(operand.clone()));
            self.globals[FNR] = Cell::Value(Value::Number(0.0));
            match open(&operand) {
                Ok(input) => {
                    self.main = Some(Reader::new(input));
                    return Ok(true);
                }
                Err(error) => {
                    let _ = self.out.flush();
                    eprintln!("awk: cannot open \"{operand}\" ({})", message(&error));
                    self.status = 2;
                }
            }
        }
    }

    fn assign_operand(&mut self, name: &str, value: &str) {
        if let Some(slot) = self.program.globals.get(name).copied() {
            let _ = self.set_global(slot, Value::input(&unescape(value)));
        }
    }

    // --------------------------------------------------------------- record

    fn set_record(&mut self, text: &str) {
        self.record = text.into();
        self.split = false;
        self.joined = true;
    }

    fn split_record(&mut self) -> Run<()> {
        if self.split {
            return Ok(());
        }
        self.split = true;
        let record = self.record.clone();
        let separator = self.text_of(FS);
        let fields = self.split_text(&record, &separator)?;
        self.fields = fields.iter().map(|field| Value::input(field)).collect();
        self.globals[NF] = Cell::Value(Value::Number(self.fields.len() as f64));
        Ok(())
    }

    fn split_text(&mut self, text: &str, separator: &str) -> Run<Vec<String>> {
        let paragraphs = self.text_of(RS).is_empty();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let owned = |parts: Vec<&str>| parts.into_iter().map(str::to_owned).collect();
        let mut chars = separator.chars();
        Ok(match (chars.next(), chars.next()) {
            (Some(' '), None) => text.split_whitespace().map(str::to_owned).collect(),
            (None, _) => text.chars().map(String::from).collect(),
            (Some(c), None) if c != '\\' => match paragraphs {
                true => owned(text.split([c, '\n']).collect()),
                false => owned(text.split(c).collect()),
            },
            _ => {
                let source =
                    if paragraphs { format!("({separator})|\n") } else { separator.to_owned() };
                let regex = self.regex(&source)?;
                let mut parts = Vec::new();
                let mut from = 0;
                for found in regex.find_iter(text).filter(|found| !found.is_empty()) {
                    parts.push(text[from..found.start()].to_owned());
                    from = found.end();
                }
                parts.push(text[from..].to_owned());
                parts
            }
        })
    }

    fn join_record(&mut self) {
        if self.joined {
            return;
        }
        self.joined = true;
        let (separator, format) = (self.text_of(OFS), self.text_of(CONVFMT));
        let fields: Vec<Rc<str>> = self.fields.iter().map(|f| f.to_text(&format)).collect();
        self.record = fields.join(&*separator).into();
    }

    fn field(&mut self, at: f64) -> Run<Value> {
        if at < 0.0 {
            return Err(Leave::Fatal(format!("trying to access out of range field {at}")));
        }
        if at < 1.0 {
            self.join_record();
            return Ok(Value::input(&self.record.clone()));
        }
        self.split_record()?;
        Ok(self.fields.get(at as usize - 1).cloned().unwrap_or_default())
    }

    fn set_field(&mut self, at: f64, value: Value) -> Run<()> {
        if !(0.0..MAX_FIELDS as f64).contains(&at) {
            return Err(Leave::Fatal(format!("trying to access out of range field {at}")));
        }
        if at < 1.0 {
            let text = value.to_text(&self.text_of(CONVFMT));
            self.set_record(&text);
            return Ok(());
        }
        self.split_record()?;
        let at = at as usize;
        if at > self.fields.len() {
            self.fields.resize(at, Value::Unset);
            self.globals[NF] = Cell::Value(Value::Number(at as f64));
        }
        self.fields[at - 1] = value;
        self.joined = false;
        Ok(())
    }

    // ------------------------------------------------------------ variables

    fn text_of(&self, slot: usize) -> Rc<str> {
        match &self.globals[slot] {
            Cell::Value(value) => value.to_text("%.6g"),
            _ => "".into(),
        }
    }

    fn number_of(&self, slot: usize) -> f64 {
        match &self.globals[slot] {
            Cell::Value(value) => value.number(),
            _ => 0.0,
        }
    }

    fn cell(&mut self, slot: Slot) -> &mut Cell {
        match slot {
            Slot::Global(at) => &mut self.globals[at],
            Slot::Local(at) => {
                let frame = self.frames.last_mut().expect("a local has a frame");
                &mut frame[at]
            }
        }
    }

    fn get(&mut self, slot: Slot) -> Run<Value> {
        if slot == Slot::Global(NF) {
            self.split_record()?;
        }
        match self.cell(slot) {
            Cell::Value(value) => Ok(value.clone()),
            Cell::Open(..) => Ok(Value::Unset),
            Cell::Array(_) => Err(Leave::Fatal("can't use an array as a value".to_owned())),
        }
    }

    fn set_global(&mut self, slot: usize, value: Value) -> Run<()> {
        if slot == NF {
            self.split_record()?;
            let count = (value.number().max(0.0) as usize).min(MAX_FIELDS);
            self.fields.resize(count, Value::Unset);
            self.joined = false;
            self.globals[NF] = Cell::Value(Value::Number(count as f64));
            return Ok(());
        }
        self.globals[slot] = Cell::Value(value);
        Ok(())
    }

    fn set(&mut self, slot: Slot, value: Value) -> Run<()> {
        if matches!(self.cell(slot), Cell::Array(_)) {
            return Err(Leave::Fatal("can't assign to an array".to_owned()));
        }
        match slot {
            // The fields of this record are still those of the old separator.
            Slot::Global(FS) => {
                self.split_record()?;
                self.set_global(FS, value)
            }
            Slot::Global(at) => self.set_global(at, value),
            slot => {
                *self.cell(slot) = Cell::Value(value);
                Ok(())
            }
        }
    }

    /// The array in a variable, made if there is nothing yet.
    fn array(&mut self, slot: Slot) -> Rc<std::cell::RefCell<Array>> {
        if let Cell::Array(array) = self.cell(slot) {
            return array.clone();
        }
        let outer = match self.cell(slot) {
            Cell::Open(outer, frame) => Some((*outer, *frame)),
            _ => None,
        };
        let array = match outer {
            Some((outer, frame)) => self.array_of_frame(outer, frame),
            None => Rc::default(),
        };
        *self.cell(slot) = Cell::Array(array.clone());
        array
    }

    /// The same for a variable of a caller.
    fn array_of_frame(&mut self, slot: Slot, frame: usize) -> Rc<std::cell::RefCell<Array>> {
        let cell = match slot {
            Slot::Global(at) => &mut self.globals[at],
            Slot::Local(at) => &mut self.frames[frame][at],
        };
        match cell {
            Cell::Array(array) => array.clone(),
            Cell::Open(outer, outer_frame) => {
                let (outer, outer_frame) = (*outer, *outer_frame);
                let array = self.array_of_frame(outer, outer_frame);
                let cell = match slot {
                    Slot::Global(at) => &mut self.globals[at],
                    Slot::Local(at) => &mut self.frames[frame][at],
                };
                *cell = Cell::Array(array.clone());
                array
            }
            Cell::Value(_) => {
                let array: Rc<std::cell::RefCell<Array>> = Rc::default();
                *cell = Cell::Array(array.clone());
                array
            }
        }
    }

    fn with_array<T>(&mut self, slot: Slot, body: impl FnOnce(&mut Array) -> T) -> T {
        let array = self.array(slot);
        let mut array = array.borrow_mut();
        body(&mut array)
    }

    fn key(&mut self, index: &[Expr]) -> Run<Rc<str>> {
        let format = self.text_of(CONVFMT);
        if let [one] = index {
            return Ok(self.eval(one)?.to_text(&format));
        }
        let mut parts = Vec::with_capacity(index.len());
        for expr in index {
            parts.push(self.eval(expr)?.to_text(&format));
        }
        Ok(parts.join(&*self.text_of(SUBSEP)).into())
    }

    fn place(&mut self, place: &Place) -> Run<Value> {
        match place {
            Place::Var(slot) => self.get(*slot),
            Place::Field(index) => {
                let at = self.eval(index)?.number();
                self.field(at)
            }
            Place::Element(slot, index) => {
                let key = self.key(index)?;
                Ok(self.with_array(*slot, |array| array.entry(&key).clone()))
            }
        }
    }

    fn set_place(&mut self, place: &Place, value: Value) -> Run<()> {
        match place {
            Place::Var(slot) => self.set(*slot, value),
            Place::Field(index) => {
                let at = self.eval(index)?.number();
                self.set_field(at, value)
            }
            Place::Element(slot, index) => {
                let key = self.key(index)?;
                self.with_array(*slot, |array| *array.entry(&key) = value);
                Ok(())
            }
        }
    }

    // ----------------------------------------------------------- statements

    fn block(&mut self, body: &[Stmt]) -> Run<()> {
        body.iter().try_for_each(|statement| self.statement(statement))
    }

    /// Runs a loop's body; whether the loop goes on.
    fn turn(&mut self, body: &Stmt) -> Run<bool> {
        match self.statement(body) {
            Ok(()) | Err(Leave::Continue) => Ok(true),
            Err(Leave::Break) => Ok(false),
            Err(leave) => Err(leave),
        }
    }

    fn statement(&mut self, statement: &Stmt) -> Run<()> {
        match statement {
            Stmt::Expr(expr) => self.eval(expr).map(drop),
            Stmt::Print(values, redirect) => self.print(values, redirect.as_ref()),
            Stmt::Printf(values, redirect) => {
                let text = self.formatted(values)?;
                self.write(&text, redirect.as_ref())
            }
            Stmt::If(condition, then, otherwise) => {
                if self.eval(condition)?.is_true() {
                    self.statement(then)
                } else {
                    otherwise.as_ref().map_or(Ok(()), |otherwise| self.statement(otherwise))
                }
            }
            Stmt::While(condition, body) => {
                while self.eval(condition)?.is_true() {
                    if !self.turn(body)? {
                        break;
                    }
                }
                Ok(())
            }
            Stmt::DoWhile(body, condition) => {
                while self.turn(body)? && self.eval(condition)?.is_true() {}
                Ok(())
            }
            Stmt::For(first, condition, step, body) => {
                if let Some(first) = first {
                    self.statement(first)?;
                }
                loop {
                    if let Some(condition) = condition
                        && !self.eval(condition)?.is_true()
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
                for key in self.with_array(*array, |array| array.keys()) {
                    self.set(*name, Value::input(&key))?;
                    if !self.turn(body)? {
                        break;
                    }
                }
                Ok(())
            }
            Stmt::Block(body) => self.block(body),
            Stmt::Next => Err(Leave::Next),
            Stmt::NextFile => Err(Leave::NextFile),
            Stmt::Exit(status) => {
                if let Some(expr) = status {
                    self.status = self.eval(expr)?.number() as i64 as i32 & 0xFF;
                }
                Err(Leave::Exit)
            }
            Stmt::Return(value) => {
                let value = value.as_ref().map(|expr| self.eval(expr)).transpose()?;
                Err(Leave::Return(value.unwrap_or_default()))
            }
            Stmt::Break => Err(Leave::Break),
            Stmt::Continue => Err(Leave::Continue),
            Stmt::Delete(slot, None) => {
                self.with_array(*slot, |array| array.entries.clear());
                Ok(())
            }
            Stmt::Delete(slot, Some(index)) => {
                let key = self.key(index)?;
                self.with_array(*slot, |array| array.entries.remove(&*key));
                Ok(())
            }
        }
    }

    fn print(&mut self, values: &[Expr], redirect: Option<&(Redirect, Expr)>) -> Run<()> {
        let mut text = String::new();
        if values.is_empty() {
            self.join_record();
            text.push_str(&self.record);
        }
        let (separator, format) = (self.text_of(OFS), self.text_of(OFMT));
        for (at, expr) in values.iter().enumerate() {
            if at > 0 {
                text.push_str(&separator);
            }
            let value = self.eval(expr)?;
            text.push_str(&value.to_text(&format));
        }
        text.push_str(&self.text_of(ORS));
        self.write(&text, redirect)
    }

    fn formatted(&mut self, values: &[Expr]) -> Run<String> {
        let mut evaluated = Vec::with_capacity(values.len());
        for expr in values {
            evaluated.push(self.eval(expr)?);
        }
        let convert = self.text_of(CONVFMT);
        let format = evaluated.first().map(|value| value.to_text(&convert)).unwrap_or_default();
        Ok(sprintf(&format, evaluated.get(1..).unwrap_or_default(), &convert))
    }

    fn write(&mut self, text: &str, redirect: Option<&(Redirect, Expr)>) -> Run<()> {
        let failed = |error: io::Error| Leave::Fatal(format!("write error: {}", message(&error)));
        let Some((redirect, target)) = redirect else {
            return self.out.write_all(text.as_bytes()).map_err(failed);
        };
        let target = self.eval(target)?.to_text("%.6g").to_string();
        match target.as_str() {
            "/dev/stdout" | "-" => return self.out.write_all(text.as_bytes()).map_err(failed),
            "/dev/stderr" => {
                let _ = self.out.flush();
                eprint!("{text}");
                return Ok(());
            }
            _ => {}
        }
        if !self.outputs.contains_key(&target) {
            if self.outputs.len() >= MAX_STREAMS {
                return Err(Leave::Fatal(format!("more than {MAX_STREAMS} files are open")));
            }
            let opened: io::Result<Box<dyn Write>> = match redirect {
                Redirect::Write => std::fs::File::create(&target).map(buffered),
                Redirect::Append => {
                    let mut options = std::fs::OpenOptions::new();
                    options.append(true).create(true).open(&target).map(buffered)
                }
                Redirect::Command => {
                    self.out.flush().map_err(failed)?;
                    self.commands.write_to(&target)
                }
            };
            let opened = opened.map_err(|error| {
                Leave::Fatal(format!("can't redirect to {target} ({})", message(&error)))
            })?;
            let command = *redirect == Redirect::Command;
            self.outputs.insert(target.clone(), (command, opened));
        }
        match self.outputs.get_mut(&target) {
            Some((_, file)) => file.write_all(text.as_bytes()).map_err(failed),
            None => Ok(()),
        }
    }

    fn close(&mut self, name: &str) -> i32 {
        let mut status = -1;
        if let Some((command, mut file)) = self.outputs.remove(name) {
            let _ = file.flush();
            drop(file);
            status = if command { self.commands.wait(name) } else { 0 };
        }
        if let Some((command, reader)) = self.inputs.remove(name) {
            drop(reader);
            status = if command { self.commands.wait(name) } else { 0 };
        }
        status
    }

    fn close_all(&mut self) {
        let _ = self.out.flush();
        let names: Vec<String> = self.outputs.keys().chain(self.inputs.keys()).cloned().collect();
        for name in names {
            self.close(&name);
        }
    }

    // ---------------------------------------------------------- expressions

    fn regex(&mut self, source: &str) -> Run<Regex> {
        if let Some(regex) = self.regexes.get(source) {
            return Ok(regex.clone());
        }
        let translated = translate(source);
        let regex = Regex::new(&translated)
            .map_err(|_| Leave::Fatal(format!("illegal regular expression: {source}")))?;
        if self.regexes.len() >= MAX_REGEXES {
            self.regexes.clear();
        }
        self.regexes.insert(source.into(), regex.clone());
        Ok(regex)
    }

    /// The expression that an operand of `~` and its like stands for.
    fn regex_of(&mut self, expr: &Expr) -> Run<Regex> {
        match expr {
            Expr::Match(source) => self.regex(&source.clone()),
            expr => {
                let source = self.eval_text(expr)?;
                self.regex(&source)
            }
        }
    }

    fn eval_text(&mut self, expr: &Expr) -> Run<Rc<str>> {
        let value = self.eval(expr)?;
        Ok(match value {
            Value::Text(text) | Value::Input(text, _) => text,
            value => value.to_text(&self.text_of(CONVFMT)),
        })
    }

    fn eval(&mut self, expr: &Expr) -> Run<Value> {
        Ok(match expr {
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Group(inner) => self.eval(inner)?,
            Expr::Match(source) => {
                let regex = self.regex(&source.clone())?;
                self.join_record();
                truth(regex.is_match(&self.record))
            }
            Expr::Get(place) => self.place(place)?,
            Expr::Assign(place, op, right) => {
                let right = self.eval(right)?;
                let value = match op {
                    Some(op) => {
                        let left = self.place(place)?.number();
                        Value::Number(arith(*op, left, right.number())?)
                    }
                    None => right,
                };
                self.set_place(place, value.clone())?;
                value
            }
            Expr::Step(place, by, old) => {
                let before = self.place(place)?.number();
                self.set_place(place, Value::Number(before + by))?;
                Value::Number(if *old { before } else { before + by })
            }
            Expr::Not(inner) => truth(!self.eval(inner)?.is_true()),
            Expr::Negate(inner) => Value::Number(-self.eval(inner)?.number()),
            Expr::Plus(inner) => Value::Number(self.eval(inner)?.number()),
            Expr::Arith(op, left, right) => {
                let left = self.eval(left)?.number();
                let right = self.eval(right)?.number();
                Value::Number(arith(*op, left, right)?)
            }
            Expr::Concat(left, right) => {
                let left = self.eval_text(left)?;
                let right = self.eval_text(right)?;
                Value::text(format!("{left}{right}"))
            }
            Expr::Compare(op, left, right) => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                truth(self.compare(op, &left, &right))
            }
            Expr::Matches(positive, left, right) => {
                let text = self.eval_text(left)?;
                let regex = self.regex_of(right)?;
                truth(regex.is_match(&text) == *positive)
            }
            Expr::And(left, right) => {
                truth(self.eval(left)?.is_true() && self.eval(right)?.is_true())
            }
            Expr::Or(left, right) => {
                truth(self.eval(left)?.is_true() || self.eval(right)?.is_true())
            }
            Expr::Choose(condition, yes, no) => match self.eval(condition)?.is_true() {
                true => self.eval(yes)?,
                false => self.eval(no)?,
            },
            Expr::In(index, slot) => {
                let key = self.key(index)?;
                truth(self.with_array(*slot, |array| array.entries.contains_key(&*key)))
            }
            Expr::Call(function, args) => self.call(*function, args)?,
            Expr::Builtin(name, args) => self.builtin(name, args)?,
            Expr::Getline(place, source) => self.getline(place.as_deref(), source)?,
        })
    }

    fn compare(&self, op: &str, left: &Value, right: &Value) -> bool {
        use std::cmp::Ordering;
        let ordering = if left.is_numeric() && right.is_numeric() {
            left.number().partial_cmp(&right.number())
        } else {
            let format = self.text_of(CONVFMT);
            Some(left.to_text(&format).cmp(&right.to_text(&format)))
        };
        match (op, ordering) {
            ("!=", ordering) => ordering != Some(Ordering::Equal),
            (_, None) => false,
            ("<", Some(ordering)) => ordering.is_lt(),
            ("<=", Some(ordering)) => ordering.is_le(),
            ("==", Some(ordering)) => ordering.is_eq(),
            (">", Some(ordering)) => ordering.is_gt(),
            (_, Some(ordering)) => ordering.is_ge(),
        }
    }

    fn call(&mut self, function: usize, args: &[Expr]) -> Run<Value> {
        let program = self.program;
        let definition = &program.functions[function];
        if self.frames.len() as u32 >= MAX_CALLS {
            return Err(Leave::Fatal(format!(
                "functions call one another more than {MAX_CALLS} deep"
            )));
        }
        let mut frame = Vec::with_capacity(definition.params);
        let caller = self.frames.len().saturating_sub(1);
        for expr in args {
            let cell = match expr {
                Expr::Get(Place::Var(slot)) => match self.cell(*slot) {
                    Cell::Array(array) => Cell::Array(array.clone()),
                    Cell::Value(Value::Unset) | Cell::Open(..) if *slot != Slot::Global(NF) => {
                        Cell::Open(*slot, caller)
                    }
                    _ => Cell::Value(self.get(*slot)?),
                },
                expr => Cell::Value(self.eval(expr)?),
            };
            frame.push(cell);
        }
        frame.truncate(definition.params);
        frame.resize(definition.params, Cell::Value(Value::Unset));
        self.frames.push(frame);
        let result = self.block(&definition.body);
        self.frames.pop();
        match result {
            Ok(()) => Ok(Value::Unset),
            Err(Leave::Return(value)) => Ok(value),
            Err(leave) => Err(leave),
        }
    }

    fn getline(&mut self, place: Option<&Place>, source: &Source) -> Run<Value> {
        let record = match source {
            Source::Input => match self.next_main()? {
                Some(record) => record,
                None => return Ok(Value::Number(0.0)),
            },
            Source::File(expr) | Source::Command(expr) => {
                let name = self.eval_text(expr)?.to_string();
                let command = matches!(source, Source::Command(_));
                if !self.inputs.contains_key(&name) {
                    if self.inputs.len() >= MAX_STREAMS {
                        return Err(Leave::Fatal(format!(
                            "more than {MAX_STREAMS} files are open"
                        )));
                    }
                    let _ = self.out.flush();
                    let opened = match command {
                        true => self.commands.read_from(&name),
                        false => open(&name),
                    };
                    match opened {
                        Ok(input) => {
                            self.inputs.insert(name.clone(), (command, Reader::new(input)))
                        }
                        Err(_) => return Ok(Value::Number(-1.0)),
                    };
                }
                let separator = self.separator()?;
                let next = match self.inputs.get_mut(&name) {
                    Some((_, reader)) => reader.next(&separator),
                    None => Ok(None),
                };
                match next {
                    Ok(Some(record)) => {
                        if command {
                            self.count(NR);
                        }
                        record
                    }
                    Ok(None) => return Ok(Value::Number(0.0)),
                    Err(_) => return Ok(Value::Number(-1.0)),
                }
            }
        };
        match place {
            Some(place) => self.set_place(place, Value::input(&record))?,
            None => self.set_record(&record),
        }
        Ok(Value::Number(1.0))
    }

    fn builtin(&mut self, name: &str, args: &[Expr]) -> Run<Value> {
        let number = |interp: &mut Self, at: usize| -> Run<f64> {
            args.get(at).map_or(Ok(0.0), |expr| Ok(interp.eval(expr)?.number()))
        };
        let text = |interp: &mut Self, at: usize| -> Run<Rc<str>> {
            args.get(at).map_or(Ok("".into()), |expr| interp.eval_text(expr))
        };
        Ok(match name {
            "length" => match args {
                [] => {
                    self.join_record();
                    Value::Number(self.record.chars().count() as f64)
                }
                [Expr::Get(Place::Var(slot)), ..] if matches!(self.cell(*slot), Cell::Array(_)) => {
                    Value::Number(self.with_array(*slot, |array| array.entries.len() as f64))
                }
                _ => Value::Number(text(self, 0)?.chars().count() as f64),
            },
            "substr" => {
                let source = text(self, 0)?;
                let from = round(number(self, 1)?);
                let end = match args.len() > 2 {
                    true => from + round(number(self, 2)?),
                    false => f64::INFINITY,
                };
                let skip = (from.max(1.0) - 1.0) as usize;
                let take = (end - from.max(1.0)).max(0.0);
                if take.is_nan() {
                    return Ok(Value::text(""));
                }
                Value::text(source.chars().skip(skip).take(take as usize).collect::<String>())
            }
            "index" => {
                let (source, part) = (text(self, 0)?, text(self, 1)?);
                let at = source.find(&*part).map_or(0, |at| source[..at].chars().count() + 1);
                Value::Number(at as f64)
            }
            "split" => self.split(args)?,
            "sub" | "gsub" => self.substitute(name == "gsub", args)?,
            "gensub" => self.gensub(args)?,
            "match" => {
                let source = text(self, 0)?;
                let Some(pattern) = args.get(1) else {
                    return Err(Leave::Fatal("match needs two arguments".to_owned()));
                };
                let regex = self.regex_of(pattern)?;
                let groups = regex.captures(&source);
                let found = groups.as_ref().and_then(|groups| groups.get(0));
                let (start, length) = match found {
                    Some(found) => (
                        source[..found.start()].chars().count() as f64 + 1.0,
                        found.as_str().chars().count() as f64,
                    ),
                    None => (0.0, -1.0),
                };
                self.globals[RSTART] = Cell::Value(Value::Number(start));
                self.globals[RLENGTH] = Cell::Value(Value::Number(length));
                if let Some(Expr::Get(Place::Var(slot))) = args.get(2) {
                    self.with_array(*slot, |array| {
                        array.entries.clear();
                        for (at, group) in groups.iter().flat_map(|g| g.iter()).enumerate() {
                            if let Some(group) = group {
                                *array.entry(&at.to_string()) = Value::input(group.as_str());
                            }
                        }
                    });
                }
                Value::Number(start)
            }
            "sprintf" => Value::text(self.formatted(args)?),
            "sin" => Value::Number(number(self, 0)?.sin()),
            "cos" => Value::Number(number(self, 0)?.cos()),
            "atan2" => Value::Number(number(self, 0)?.atan2(number(self, 1)?)),
            "exp" => Value::Number(number(self, 0)?.exp()),
            "log" => Value::Number(number(self, 0)?.ln()),
            "sqrt" => Value::Number(number(self, 0)?.sqrt()),
            "int" => Value::Number(number(self, 0)?.trunc()),
            "rand" => {
                // SplitMix64: good for samples, not for keys.
                self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = self.seed;
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^= z >> 31;
                Value::Number((z >> 11) as f64 / (1u64 << 53) as f64)
            }
            "srand" => {
                let seed = match args.is_empty() {
                    true => seconds(),
                    false => number(self, 0)?,
                };
                let before = std::mem::replace(&mut self.previous_seed, seed);
                self.seed = seed.to_bits();
                Value::Number(before)
            }
            "tolower" => Value::text(text(self, 0)?.to_lowercase()),
            "toupper" => Value::text(text(self, 0)?.to_uppercase()),
            "system" => {
                let command = text(self, 0)?;
                let _ = self.out.flush();
                Value::Number(f64::from(self.commands.system(&command)))
            }
            "close" => {
                let name = text(self, 0)?;
                Value::Number(f64::from(self.close(&name)))
            }
            "fflush" => {
                let _ = self.out.flush();
                for (_, file) in self.outputs.values_mut() {
                    let _ = file.flush();
                }
                Value::Number(0.0)
            }
            "systime" => Value::Number(seconds()),
            "strftime" => {
                let format = match args.is_empty() {
                    true => "%a %b %e %H:%M:%S %Z %Y".into(),
                    false => text(self, 0)?,
                };
                let when = if args.len() > 1 { number(self, 1)? } else { seconds() };
                Value::text(self.commands.time(&format, when as i64))
            }
            "and" | "or" | "xor" => {
                let mut value = number(self, 0)? as u64;
                for at in 1..args.len() {
                    let other = number(self, at)? as u64;
                    value = match name {
                        "and" => value & other,
                        "or" => value | other,
                        _ => value ^ other,
                    };
                }
                Value::Number(value as f64)
            }
            "lshift" => Value::Number(
                ((number(self, 0)? as u64) << (number(self, 1)? as u32).min(63)) as f64,
            ),
            "rshift" => Value::Number(
                ((number(self, 0)? as u64) >> (number(self, 1)? as u32).min(63)) as f64,
            ),
            "strtonum" => {
                let source = text(self, 0)?;
                let trimmed = source.trim();
                let hex = trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X"));
                Value::Number(match hex {
                    Some(digits) => u64::from_str_radix(digits, 16).unwrap_or(0) as f64,
                    None if trimmed.len() > 1
                        && trimmed.starts_with('0')
                        && trimmed.bytes().all(|c| c.is_ascii_digit()) =>
                    {
                        u64::from_str_radix(trimmed, 8).unwrap_or(0) as f64
                    }
                    None => to_number(trimmed),
                })
            }
            "asort" | "asorti" => self.sort(name == "asorti", args)?,
            other => return Err(Leave::Fatal(format!("function {other} is not supported"))),
        })
    }

    fn split(&mut self, args: &[Expr]) -> Run<Value> {
        let [source, Expr::Get(Place::Var(slot)), rest @ ..] = args else {
            return Err(Leave::Fatal("split needs text and an array".to_owned()));
        };
        let source = self.eval_text(source)?;
        let parts = match rest.first() {
            None => {
                let separator = self.text_of(FS);
                self.split_text(&source, &separator)?
            }
            Some(Expr::Match(pattern)) => {
                let regex = self.regex(&pattern.clone())?;
                match source.is_empty() {
                    true => Vec::new(),
                    false => regex.split(&source).map(str::to_owned).collect(),
                }
            }
            Some(expr) => {
                let separator = self.eval_text(expr)?;
                self.split_text(&source, &separator)?
            }
        };
        let count = parts.len();
        self.with_array(*slot, |array| {
            array.entries.clear();
            for (at, part) in parts.iter().enumerate() {
                *array.entry(&(at + 1).to_string()) = Value::input(part);
            }
        });
        Ok(Value::Number(count as f64))
    }

    fn substitute(&mut self, all: bool, args: &[Expr]) -> Run<Value> {
        let [pattern, with, rest @ ..] = args else {
            return Err(Leave::Fatal("sub and gsub need two arguments".to_owned()));
        };
        let regex = self.regex_of(pattern)?;
        let with = self.eval_text(with)?;
        let record = Place::Field(Box::new(Expr::Number(0.0)));
        let target = match rest.first() {
            None => &record,
            Some(Expr::Get(place)) => place,
            Some(Expr::Group(inner)) if matches!(&**inner, Expr::Get(_)) => match &**inner {
                Expr::Get(place) => place,
                _ => &record,
            },
            Some(_) => {
                return Err(Leave::Fatal("the third argument of sub cannot be changed".to_owned()));
            }
        };
        let source = self.place(target)?.to_text(&self.text_of(CONVFMT));
        let parts = replacement(&with);
        let mut result = String::with_capacity(source.len());
        let (mut from, mut count) = (0, 0);
        for found in regex.find_iter(&source) {
            result.push_str(&source[from..found.start()]);
            for part in &parts {
                match part {
                    Some(text) => result.push_str(text),
                    None => result.push_str(found.as_str()),
                }
            }
            from = found.end();
            count += 1;
            if !all {
                break;
            }
        }
        if count > 0 {
            result.push_str(&source[from..]);
            self.set_place(target, Value::text(result))?;
        }
        Ok(Value::Number(f64::from(count)))
    }

    fn gensub(&mut self, args: &[Expr]) -> Run<Value> {
        let [pattern, with, how, rest @ ..] = args else {
            return Err(Leave::Fatal("gensub needs three arguments".to_owned()));
        };
        let regex = self.regex_of(pattern)?;
        let with = self.eval_text(with)?;
        let how = self.eval(how)?;
        let all = how.to_text("%.6g").starts_with(['g', 'G']);
        let wanted = how.number().max(1.0) as usize;
        let source = match rest.first() {
            Some(expr) => self.eval_text(expr)?,
            None => {
                self.join_record();
                self.record.clone()
            }
        };
        let mut result = String::new();
        let mut from = 0;
        for (at, groups) in regex.captures_iter(&source).enumerate() {
            let Some(found) = groups.get(0) else { continue };
            if !all && at + 1 != wanted {
                continue;
            }
            result.push_str(&source[from..found.start()]);
            let mut chars = with.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => match chars.next() {
                        Some('&') => result.push('&'),
                        Some(digit) if digit.is_ascii_digit() => {
                            let at = digit.to_digit(10).unwrap_or(0) as usize;
                            result.push_str(groups.get(at).map_or("", |group| group.as_str()));
                        }
                        Some(other) => {
                            result.push('\\');
                            result.push(other);
                        }
                        None => result.push('\\'),
                    },
                    '&' => result.push_str(found.as_str()),
                    c => result.push(c),
                }
            }
            from = found.end();
            if !all {
                break;
            }
        }
        result.push_str(&source[from..]);
        Ok(Value::text(result))
    }

    fn sort(&mut self, keys: bool, args: &[Expr]) -> Run<Value> {
        let Some(Expr::Get(Place::Var(source))) = args.first() else {
            return Err(Leave::Fatal("asort needs an array".to_owned()));
        };
        let target = match args.get(1) {
            Some(Expr::Get(Place::Var(slot))) => *slot,
            _ => *source,
        };
        let mut values: Vec<Value> = self.with_array(*source, |array| match keys {
            true => array.keys().into_iter().map(Value::Text).collect(),
            false => array.entries.values().map(|(_, value)| value.clone()).collect(),
        });
        values.sort_by(|a, b| match (a.is_numeric(), b.is_numeric()) {
            (true, true) => a.number().total_cmp(&b.number()),
            (true, false) => std::cmp::Ordering::Less,
            (false, true) => std::cmp::Ordering::Greater,
            (false, false) => a.to_text("%.6g").cmp(&b.to_text("%.6g")),
        });
        let count = values.len();
        self.with_array(target, |array| {
            array.entries.clear();
            for (at, value) in values.into_iter().enumerate() {
                *array.entry(&(at + 1).to_string()) = value;
            }
        });
        Ok(Value::Number(count as f64))
    }
}

fn truth(value: bool) -> Value {
    Value::Number(f64::from(u8::from(value)))
}

fn round(number: f64) -> f64 {
    number.round_ties_even()
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

/// What a match is replaced with; `None` stands for the match.
fn replacement(with: &str) -> Vec<Option<String>> {
    let mut parts = vec![Some(String::new())];
    let mut chars = with.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' if matches!(chars.peek(), Some('&' | '\\')) => chars.next(),
            '&' => None,
            c => Some(c),
        };
        match (c, parts.last_mut()) {
            (Some(c), Some(Some(text))) => text.push(c),
            (Some(c), _) => parts.push(Some(c.to_string())),
            (None, _) => parts.push(None),
        }
    }
    parts
}

/// An awk expression in the syntax of the `regex` crate.
fn translate(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut result = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        at += 1;
        match c {
            '\\' => {
                let Some(next) = chars.get(at).copied() else {
                    result.push_str("\\\\");
                    break;
                };
                at += 1;
                match next {
                    'n' | 't' | 'r' | 'f' | 'v' | 'a' => result.push_str(&format!("\\{next}")),
                    'y' => result.push_str("\\b"),
                    '<' => result.push_str("\\b{start}"),
                    '>' => result.push_str("\\b{end}"),
                    'B' | 's' | 'S' | 'w' | 'W' => result.push_str(&format!("\\{next}")),
                    '"' | '/' | '&' => result.push(next),
                    next if next.is_ascii_alphanumeric() => result.push(next),
                    next => result.push_str(&format!("\\{next}")),
                }
            }
            '[' => {
                result.push('[');
                if chars.get(at) == Some(&'^') {
                    result.push('^');
                    at += 1;
                }
                let first = at;
                while let Some(c) = chars.get(at).copied() {
                    if c == ']' && at > first {
                        break;
                    }
                    if c == '[' && chars.get(at + 1) == Some(&':') {
                        let close = (at + 2..chars.len().saturating_sub(1))
                            .find(|end| chars[*end] == ':' && chars[*end + 1] == ']');
                        if let Some(close) = close {
                            result.extend(&chars[at..close + 2]);
                            at = close + 2;
                            continue;
                        }
                    }
                    if c == '\\' {
                        let next = chars.get(at + 1).copied().unwrap_or('\\');
                        match next {
                            'n' | 't' | 'r' | 'f' | 'v' => result.push_str(&format!("\\{next}")),
                            next if next.is_ascii_alphanumeric() => result.push(next),
                            next => result.push_str(&format!("\\{next}")),
                        }
                        at += 2;
                        continue;
                    }
                    let edge = c == '-' && (at == first || chars.get(at + 1) == Some(&']'));
                    if matches!(c, '[' | ']' | '&' | '~' | '^') || edge {
                        result.push('\\');
                    }
                    result.push(c);
                    at += 1;
                }
                result.push(']');
                at += 1;
            }
            '{' if !chars.get(at).is_some_and(char::is_ascii_digit) => result.push_str("\\{"),
            c => result.push(c),
        }
    }
    result
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

fn open(path: &str) -> io::Result<Box<dyn Read>> {
    match path {
        "-" | "/dev/stdin" => Ok(Box::new(io::stdin())),
        path => Ok(Box::new(std::fs::File::open(path)?)),
    }
}

fn buffered(file: std::fs::File) -> Box<dyn Write> {
    Box::new(io::BufWriter::new(file))
}

fn message(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(text, _)| text.to_owned())
}

fn seconds() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs() as f64)
}
