//! Files and commands that a program reads and writes.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use crate::array::Sought;
use crate::input::{Reader, Record};
use crate::interp::{Interp, Leave, Run};
use crate::parser::{Expr, Redirect, Slot, Source};
use crate::text::Text;
use crate::value::{Value, name};
use crate::vars::special;

/// Files and commands that may be open at once.
const MAX_STREAMS: usize = 200;

/// What is open, by the names that the program gives.
#[derive(Default)]
pub(crate) struct Streams {
    outputs: HashMap<Text, Output>,
    inputs: HashMap<Text, Input>,
    opened: u64,
}

struct Output {
    is_command: bool,
    age: u64,
    to: Box<dyn Write>,
}

struct Input {
    is_command: bool,
    age: u64,
    from: Reader,
}

impl Streams {
    /// Makes room for one more of a kind; how many were opened before it.
    fn next(&mut self, open: usize) -> Run<u64> {
        if open >= MAX_STREAMS {
            return Err(Leave::Fatal(format!("more than {MAX_STREAMS} files are open")));
        }
        self.opened += 1;
        Ok(self.opened)
    }
}

/// A failure to write.
fn failed(error: io::Error) -> Leave {
    Leave::Fatal(format!("write error: {}", message(&error)))
}

impl<'a> Interp<'a> {
    /// Writes where a statement says, or to standard output.
    pub(crate) fn write(&mut self, text: &[u8], redirect: Option<&'a (Redirect, Expr)>) -> Run<()> {
        let Some((redirect, target)) = redirect else {
            return self.out.write_all(text).map_err(failed);
        };
        let target = self.text(target)?;
        match &*target {
            b"/dev/stdout" | b"-" => return self.out.write_all(text).map_err(failed),
            b"/dev/stderr" => {
                let _ = self.out.flush();
                let _ = io::stderr().write_all(text);
                return Ok(());
            }
            _ => {}
        }
        if !self.streams.outputs.contains_key(&target) {
            let age = self.streams.next(self.streams.outputs.len())?;
            let name = name(&target);
            let to: io::Result<Box<dyn Write>> = match redirect {
                Redirect::Write => std::fs::File::create(&*name).map(buffered),
                Redirect::Append => {
                    let mut options = std::fs::OpenOptions::new();
                    options.append(true).create(true).open(&*name).map(buffered)
                }
                Redirect::Command => {
                    self.out.flush().map_err(failed)?;
                    self.commands.write_to(&name)
                }
            };
            let to = to.map_err(|error| {
                Leave::Fatal(format!("can't redirect to {name} ({})", message(&error)))
            })?;
            let is_command = *redirect == Redirect::Command;
            self.streams.outputs.insert(target.clone().kept(), Output { is_command, age, to });
        }
        match self.streams.outputs.get_mut(&target) {
            Some(output) => output.to.write_all(text).map_err(failed),
            None => Ok(()),
        }
    }

    /// Writes what was held back, everywhere.
    pub(crate) fn flush(&mut self) {
        let _ = self.out.flush();
        for output in self.streams.outputs.values_mut() {
            let _ = output.to.flush();
        }
    }

    /// Closes what has this name; the status, or -1 where nothing has it.
    pub(crate) fn close(&mut self, target: &Text) -> i32 {
        let mut status = -1;
        if let Some(Output { is_command, mut to, .. }) = self.streams.outputs.remove(target) {
            let flushed = to.flush();
            drop(to);
            status = match is_command {
                true => self.commands.wait(&name(target)),
                false => i32::from(flushed.is_err()),
            };
        }
        if let Some(Input { is_command, from, .. }) = self.streams.inputs.remove(target) {
            drop(from);
            status = if is_command { self.commands.wait(&name(target)) } else { 0 };
        }
        status
    }

    /// Closes everything, in the order in which it was opened.
    pub(crate) fn close_all(&mut self) {
        let _ = self.out.flush();
        let Streams { outputs, inputs, .. } = &self.streams;
        let outputs = outputs.iter().map(|(name, output)| (output.age, name.clone()));
        let inputs = inputs.iter().map(|(name, input)| (input.age, name.clone()));
        let mut open: Vec<(u64, Text)> = outputs.chain(inputs).collect();
        open.sort_unstable_by_key(|(age, _)| *age);
        for (_, name) in open {
            self.close(&name);
        }
    }

    /// `getline` without a variable or with one: what it gives, and the record, if there was one.
    pub(crate) fn read_line(&mut self, source: &'a Source) -> Run<(f64, Option<Record>)> {
        let (expr, is_command) = match source {
            Source::Input => {
                let record = self.next_main()?;
                return Ok((f64::from(u8::from(record.is_some())), record));
            }
            Source::File(expr) => (expr, false),
            Source::Command(expr) => (expr, true),
        };
        let target = self.text(expr)?;
        if !self.streams.inputs.contains_key(&target) {
            let age = self.streams.next(self.streams.inputs.len())?;
            let _ = self.out.flush();
            let opened = match is_command {
                true => self.commands.read_from(&name(&target)),
                false => open(&name(&target)),
            };
            let Ok(input) = opened else { return Ok((-1.0, None)) };
            let input = Input { is_command, age, from: Reader::new(input) };
            self.streams.inputs.insert(target.clone().kept(), input);
        }
        let separator = self.record_separator()?;
        let next = self.streams.inputs.get_mut(&target).map(|input| input.from.next(&separator));
        Ok(match next {
            Some(Ok(Some(record))) => {
                if is_command {
                    self.count(special::NR);
                }
                (1.0, Some(record))
            }
            Some(Ok(None)) => (0.0, None),
            _ => (-1.0, None),
        })
    }

    /// Goes on to the next file; whether there is one.
    pub(crate) fn open_next(&mut self) -> Run<bool> {
        loop {
            let count = self.number_of(special::ARGC) as i64;
            if self.next_operand >= count {
                if self.used_operand {
                    return Ok(false);
                }
                self.used_operand = true;
                self.main = Some(Reader::new(Box::new(io::stdin())));
                return Ok(true);
            }
            let key = Sought::Whole(self.next_operand);
            self.next_operand += 1;
            let arguments = self.array(Slot::Global(special::ARGV))?;
            let operand = arguments.borrow().get(key).map(|value| value.to_text(b"%.6g"));
            let operand = operand.unwrap_or_default();
            if operand.is_empty() {
                continue;
            }
            let shown = name(&operand);
            if let Some((variable, value)) = shown.split_once('=')
                && is_name(variable)
            {
                self.assign_operand(variable, value)?;
                continue;
            }
            self.used_operand = true;
            match open(&shown) {
                Ok(input) => {
                    self.set_global(special::FILENAME, Value::Text(operand.clone()))?;
                    self.set_global(special::FNR, Value::Number(0.0))?;
                    self.main = Some(Reader::new(input));
                    return Ok(true);
                }
                Err(error) => {
                    let _ = self.out.flush();
                    eprintln!("awk: cannot open \"{shown}\" ({})", message(&error));
                    self.status = 2;
                }
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn open(path: &str) -> io::Result<Box<dyn Read>> {
    match path {
        "-" | "/dev/stdin" => Ok(Box::new(io::stdin())),
        path => {
            let file = std::fs::File::open(path)?;
            match file.metadata()?.is_dir() {
                true => Err(io::ErrorKind::IsADirectory.into()),
                false => Ok(Box::new(file)),
            }
        }
    }
}

fn buffered(file: std::fs::File) -> Box<dyn Write> {
    Box::new(io::BufWriter::new(file))
}

fn message(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(text, _)| text.to_owned())
}
