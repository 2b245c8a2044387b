//! `bc`.

use std::collections::HashMap;
use std::io::Write;
use std::rc::Rc;

use toolcell_program::args::{Arg, parse as arguments};
use toolcell_program::message;
use toolcell_stack::Stack;

use crate::input::{Input, surplus};
use crate::lexer::tokens;
use crate::library::LIBRARY;
use crate::number::{Number, folded};
use crate::parser::{Argument, Expr, Function, Parser, Place, Stmt};

/// Elements that one array may have.
const MAX_ELEMENTS: usize = 1 << 24;

/// Digits after the point that `scale` may ask for.
const MAX_SCALE: i64 = 100_000;

/// How a statement ends.
enum Flow {
    On,
    Break,
    Continue,
    Return(Number),
    Quit,
}

/// An error while running; the program goes on with its next line.
struct Failed(String);

type Ran<T> = Result<T, Failed>;

/// What became of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Run,
    /// It asked to end.
    Quit,
    /// It breaks off, and nothing of it was run.
    Open,
}

/// A piece of a program.
struct Source<'t> {
    name: &'t str,
    text: &'t str,
    /// Lines before it.
    before: usize,
    /// Whether more may follow where it breaks off.
    goes_on: bool,
}

impl<'t> Source<'t> {
    fn whole(name: &'t str, text: &'t str) -> Self {
        Source { name, text, before: 0, goes_on: false }
    }
}

struct Machine<'a, W> {
    variables: HashMap<String, Number>,
    arrays: HashMap<String, HashMap<usize, Number>>,
    functions: HashMap<String, Rc<Function>>,
    scale: u32,
    in_base: u32,
    out_base: u32,
    last: Number,
    calls: usize,
    stack: Stack,
    /// Standard input, from which come the program's lines and what it reads.
    input: Input,
    out: &'a mut W,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = ["mathlib:l", "quiet:q", "standard:s", "warn:w", "interactive:i", "version:v"];
    let args = match arguments(words, "lqswive:f:", &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("bc: {error}");
            return 1;
        }
    };
    let mut machine = Machine::new(out);
    let mut files = Vec::new();
    let mut given = Vec::new();
    for arg in args {
        match arg {
            Arg::Operand(path) => files.push(path),
            Arg::Option(letter, value) => match letter.as_str() {
                "l" => {
                    machine.program(&Source::whole("(library)", LIBRARY));
                    machine.scale = 20;
                }
                "e" => given.extend(value.map(|text| text + "\n")),
                "v" => {
                    let _ = writeln!(machine.out, "bc (Toolcell) {}", env!("CARGO_PKG_VERSION"));
                    return 0;
                }
                _ => {}
            },
        }
    }
    for path in files {
        match std::fs::read(&path) {
            Ok(text) => {
                let text = String::from_utf8_lossy(&text);
                if machine.program(&Source::whole(&path, &text)) == End::Quit {
                    return 0;
                }
            }
            Err(error) => {
                eprintln!("File {path} is unavailable. ({})", message(&error));
                return 1;
            }
        }
    }
    for text in &given {
        if machine.program(&Source::whole("(command line)", text)) == End::Quit {
            return 0;
        }
    }
    if !given.is_empty() {
        return 0;
    }
    match machine.lines() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("bc: {}", message(&error));
            1
        }
    }
}

impl<'a, W: Write> Machine<'a, W> {
    fn new(out: &'a mut W) -> Machine<'a, W> {
        Machine {
            variables: HashMap::new(),
            arrays: HashMap::new(),
            functions: HashMap::new(),
            scale: 0,
            in_base: 10,
            out_base: 10,
            last: Number::zero(),
            calls: 0,
            stack: Stack::of_program(),
            input: Input::default(),
            out,
        }
    }

    /// Runs standard input line by line: who writes a line may wait for the answer before the next.
    fn lines(&mut self) -> std::io::Result<()> {
        let (mut text, mut before, mut blocks) = (Vec::new(), 0, 0_i64);
        loop {
            let start = text.len();
            let ended = self.line(&mut text)? == 0;
            blocks += surplus(&text[start..], b'{', b'}');
            // What is in an open block is not looked at before its end, line after line anew.
            if !ended && (blocks > 0 || text.ends_with(b"\\\n")) {
                continue;
            }
            let source = String::from_utf8_lossy(&text);
            let source = Source { name: "(standard_in)", text: &source, before, goes_on: !ended };
            match self.program(&source) {
                End::Quit => return Ok(()),
                End::Run if ended => return Ok(()),
                End::Run => {
                    before += text.iter().filter(|byte| **byte == b'\n').count();
                    text.clear();
                    blocks = 0;
                }
                End::Open => {}
            }
        }
    }

    /// Appends a line of standard input. What was printed is written before it is waited for.
    fn line(&mut self, text: &mut Vec<u8>) -> std::io::Result<usize> {
        if self.input.is_spent() {
            self.out.flush()?;
        }
        self.input.append_line(text)
    }

    fn program(&mut self, source: &Source<'_>) -> End {
        let Source { name, before, .. } = source;
        let tokens = match tokens(source.text) {
            Ok(tokens) => tokens,
            Err(wrong) if wrong.is_open && source.goes_on => return End::Open,
            Err(wrong) => {
                let _ = self.out.flush();
                eprintln!("{name} {}: {}", before + wrong.line, wrong.text);
                return End::Run;
            }
        };
        let mut parser = Parser::new(tokens);
        while let Some(statements) = parser.next_line() {
            let statements = match statements {
                Ok(statements) => statements,
                Err(_) if source.goes_on && parser.is_at_end() => return End::Open,
                Err(line) => {
                    let _ = self.out.flush();
                    eprintln!("{name} {}: syntax error", before + line);
                    continue;
                }
            };
            // `quit` counts as soon as it is read.
            for statement in &statements {
                match self.statement(statement) {
                    Ok(Flow::Quit) => return End::Quit,
                    Ok(_) => {}
                    Err(Failed(error)) => {
                        self.calls = 0;
                        let _ = self.out.flush();
                        eprintln!("Runtime error (func=(main), adr=0): {error}");
                        break;
                    }
                }
            }
        }
        End::Run
    }

    fn block(&mut self, statements: &[Stmt]) -> Ran<Flow> {
        for statement in statements {
            match self.statement(statement)? {
                Flow::On => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::On)
    }

    fn statement(&mut self, statement: &Stmt) -> Ran<Flow> {
        match statement {
            Stmt::Empty => {}
            Stmt::Expr(expression) => {
                let value = self.value(expression)?;
                if !matches!(expression, Expr::Assign(..)) {
                    self.print(&value, "\n")?;
                    self.last = value;
                }
            }
            Stmt::Text(text) => self.write(text)?,
            Stmt::Print(parts) => {
                for part in parts {
                    match part {
                        Stmt::Text(text) => self.write(&unescaped(text))?,
                        Stmt::Expr(expression) => {
                            let value = self.value(expression)?;
                            self.print(&value, "")?;
                            self.last = value;
                        }
                        _ => {}
                    }
                }
            }
            Stmt::Block(statements) => return self.block(statements),
            Stmt::If(condition, then, otherwise) => {
                if !self.value(condition)?.is_zero() {
                    return self.statement(then);
                }
                if let Some(otherwise) = otherwise {
                    return self.statement(otherwise);
                }
            }
            Stmt::While(condition, body) => {
                while !self.value(condition)?.is_zero() {
                    match self.statement(body)? {
                        Flow::Break => break,
                        Flow::On | Flow::Continue => {}
                        flow => return Ok(flow),
                    }
                }
            }
            Stmt::For(first, test, step, body) => {
                if let Some(first) = first {
                    self.value(first)?;
                }
                loop {
                    if let Some(test) = test
                        && self.value(test)?.is_zero()
                    {
                        break;
                    }
                    match self.statement(body)? {
                        Flow::Break => break,
                        Flow::On | Flow::Continue => {}
                        flow => return Ok(flow),
                    }
                    if let Some(step) = step {
                        self.value(step)?;
                    }
                }
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
            Stmt::Return(value) => {
                if self.calls == 0 {
                    return Err(Failed("Return outside of a function.".to_owned()));
                }
                let value = match value {
                    Some(value) => self.value(value)?,
                    None => Number::zero(),
                };
                return Ok(Flow::Return(value));
            }
            Stmt::Quit | Stmt::Halt => return Ok(Flow::Quit),
            Stmt::Define(function) => {
                self.functions.insert(function.name.clone(), function.clone());
            }
        }
        Ok(Flow::On)
    }

    fn write(&mut self, text: &str) -> Ran<()> {
        self.out.write_all(text.as_bytes()).map_err(|error| Failed(message(&error)))
    }

    fn print(&mut self, value: &Number, end: &str) -> Ran<()> {
        let text = folded(&value.text(self.out_base));
        self.write(&format!("{text}{end}"))
    }

    fn get(&mut self, place: &Place) -> Ran<Number> {
        Ok(match place {
            Place::Variable(name) => self.variables.get(name).cloned().unwrap_or_else(Number::zero),
            Place::Element(name, index) => {
                let index = self.index(index)?;
                let array = self.arrays.get(name);
                array.and_then(|array| array.get(&index)).cloned().unwrap_or_else(Number::zero)
            }
            Place::Scale => Number::integer(i64::from(self.scale)),
            Place::InBase => Number::integer(i64::from(self.in_base)),
            Place::OutBase => Number::integer(i64::from(self.out_base)),
            Place::Last => self.last.clone(),
        })
    }

    fn set(&mut self, place: &Place, value: Number) -> Ran<()> {
        let number = value.to_i64().unwrap_or(i64::MAX);
        match place {
            Place::Variable(name) => drop(self.variables.insert(name.clone(), value)),
            Place::Element(name, index) => {
                let index = self.index(index)?;
                self.arrays.entry(name.clone()).or_default().insert(index, value);
            }
            Place::Scale => self.scale = number.clamp(0, MAX_SCALE) as u32,
            Place::InBase => self.in_base = number.clamp(2, 36) as u32,
            Place::OutBase => self.out_base = number.clamp(2, 1_000_000_000) as u32,
            Place::Last => self.last = value,
        }
        Ok(())
    }

    fn index(&mut self, index: &Expr) -> Ran<usize> {
        let index = self.value(index)?.to_i64();
        index
            .and_then(|index| usize::try_from(index).ok())
            .filter(|index| *index < MAX_ELEMENTS)
            .ok_or_else(|| Failed("Array subscript out of bounds.".to_owned()))
    }

    fn value(&mut self, expression: &Expr) -> Ran<Number> {
        Ok(match expression {
            Expr::Number(text) => Number::parse(text, self.in_base),
            Expr::Get(place) => self.get(place)?,
            Expr::Group(inner) => self.value(inner)?,
            Expr::Assign(place, operator, value) => {
                let value = self.value(value)?;
                let value = match operator {
                    None => value,
                    Some(operator) => {
                        let before = self.get(place)?;
                        self.binary(&operator.to_string(), &before, &value)?
                    }
                };
                self.set(place, value.clone())?;
                match place {
                    Place::Scale | Place::InBase | Place::OutBase => self.get(place)?,
                    _ => value,
                }
            }
            Expr::Step { place, up, before } => {
                let old = self.get(place)?;
                let one = Number::integer(if *up { 1 } else { -1 });
                let new = old.plus(&one);
                self.set(place, new.clone())?;
                if *before { new } else { old }
            }
            Expr::Unary('-', value) => self.value(value)?.negated(),
            Expr::Unary(_, value) => Number::integer(i64::from(self.value(value)?.is_zero())),
            Expr::Binary("&&", left, right) => {
                let left = !self.value(left)?.is_zero();
                let right = !self.value(right)?.is_zero();
                Number::integer(i64::from(left && right))
            }
            Expr::Binary("||", left, right) => {
                let left = !self.value(left)?.is_zero();
                let right = !self.value(right)?.is_zero();
                Number::integer(i64::from(left || right))
            }
            Expr::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.binary(operator, &left, &right)?
            }
            Expr::Builtin(name, value) => {
                let value = self.value(value)?;
                match *name {
                    "length" => Number::integer(i64::try_from(value.length()).unwrap_or(i64::MAX)),
                    "scale" => Number::integer(i64::from(value.scale())),
                    _ => value.square_root(self.scale).map_err(|e| Failed(e.text().to_owned()))?,
                }
            }
            Expr::Read => {
                let mut line = Vec::new();
                self.line(&mut line).map_err(|error| Failed(message(&error)))?;
                Number::parse(String::from_utf8_lossy(&line).trim(), self.in_base)
            }
            Expr::Call(name, arguments) => self.call(name, arguments)?,
        })
    }

    fn binary(&mut self, operator: &str, left: &Number, right: &Number) -> Ran<Number> {
        let truth = |holds: bool| Ok(Number::integer(i64::from(holds)));
        let result = match operator {
            "+" => Ok(left.plus(right)),
            "-" => Ok(left.minus(right)),
            "*" => left.times(right, self.scale),
            "/" => left.divided(right, self.scale),
            "%" => left.remainder(right, self.scale),
            "^" => {
                if right.scale() > 0 && *right != right.rescaled(0) {
                    let _ = self.out.flush();
                    eprintln!("Runtime warning (func=(main), adr=0): non-zero scale in exponent");
                }
                left.power(right, self.scale)
            }
            "<" => truth(left < right),
            "<=" => truth(left <= right),
            ">" => truth(left > right),
            ">=" => truth(left >= right),
            "==" => truth(left == right),
            _ => truth(left != right),
        };
        result.map_err(|error| Failed(error.text().to_owned()))
    }

    fn call(&mut self, name: &str, arguments: &[Argument]) -> Ran<Number> {
        let function = self
            .functions
            .get(name)
            .cloned()
            .ok_or_else(|| Failed(format!("Function {name} not defined.")))?;
        if function.parameters.len() != arguments.len() {
            return Err(Failed("Parameter number mismatch".to_owned()));
        }
        if self.stack.is_full() {
            return Err(Failed(format!("{} calls under way: the stack is full", self.calls)));
        }
        let mut values = Vec::new();
        let mut arrays = Vec::new();
        for ((parameter, is_array), argument) in function.parameters.iter().zip(arguments) {
            match (is_array, argument) {
                (true, Argument::Array(array)) => {
                    let content = self.arrays.get(array).cloned().unwrap_or_default();
                    arrays.push((parameter, content));
                }
                (false, Argument::Value(value)) => values.push((parameter, self.value(value)?)),
                _ => return Err(Failed("Parameter type mismatch".to_owned())),
            }
        }
        for (auto, is_array) in &function.autos {
            match is_array {
                true => arrays.push((auto, HashMap::new())),
                false => values.push((auto, Number::zero())),
            }
        }
        // Names are bound as the call finds them, and given back when it ends.
        let mut hidden = Vec::new();
        for (name, value) in values {
            hidden.push((name, self.variables.insert(name.clone(), value)));
        }
        let mut hidden_arrays = Vec::new();
        for (name, content) in arrays {
            hidden_arrays.push((name, self.arrays.insert(name.clone(), content)));
        }
        self.calls += 1;
        let flow = self.block(&function.body);
        self.calls = self.calls.saturating_sub(1);
        for (name, value) in hidden.into_iter().rev() {
            match value {
                Some(value) => drop(self.variables.insert(name.clone(), value)),
                None => drop(self.variables.remove(name)),
            }
        }
        for (name, content) in hidden_arrays.into_iter().rev() {
            match content {
                Some(content) => drop(self.arrays.insert(name.clone(), content)),
                None => drop(self.arrays.remove(name)),
            }
        }
        Ok(match flow? {
            Flow::Return(value) => value,
            _ => Number::zero(),
        })
    }
}

/// `print`'s escapes.
fn unescaped(text: &str) -> String {
    let mut result = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            result.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => result.push('\n'),
            Some('t') => result.push('\t'),
            Some('r') => result.push('\r'),
            Some('a') => result.push('\x07'),
            Some('b') => result.push('\x08'),
            Some('f') => result.push('\x0c'),
            Some('q') => result.push('"'),
            Some('\\') => result.push('\\'),
            Some(other) => result.extend(['\\', other]),
            None => result.push('\\'),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(program: &str, expected: &str) {
        let mut out = Vec::new();
        let mut machine = Machine::new(&mut out);
        machine.program(&Source::whole("library", LIBRARY));
        machine.program(&Source::whole("test", program));
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{program}");
    }

    #[test]
    fn programs() {
        check("scale=3; 10/3\n", "3.333\n");
        check("a=5; a+1; a\n", "6\n5\n");
        check("2^3^2; -2^2; 7%3; 1+2*3\n", "512\n4\n1\n7\n");
        check("ibase=16; FF\n", "255\n");
        check("obase=2; 10\n", "1010\n");
        check("if (2>1) print \"y\\n\" else print \"n\\n\"\n", "y\n");
        check("for (i=0; i<3; i++) i\n", "0\n1\n2\n");
        check("i=0; while (1) { i+=1; if (i==2) continue; if (i>3) break; i }\n", "1\n3\n");
        check(
            "define f(n) {\n if (n<2) return 1\n return n*f(n-1)\n}\nf(20)\n",
            "2432902008176640000\n",
        );
        check("a[1]=2; a[2]=3; a[1]+a[2]; a[9]\n", "5\n0\n");
        check("x=3; x++; ++x; x--; x\n", "3\n5\n5\n4\n");
        check("(x=3)\nx=4\n3==3\n!1\n", "3\n1\n0\n");
        check("length(123.45); scale(1.50)\n", "5\n2\n");
        check(
            "scale=20; e(1); l(2); s(1); c(0); a(1)*4\n",
            "2.71828182845904523536\n.69314718055994530941\n.84147098480789650665\n1.00000000000000000000\n3.14159265358979323844\n",
        );
        check("5\n.+1\n", "5\n6\n");
        check("x=\n4\n", "4\n");
        check("1/0\n2\n", "2\n");
    }

    #[test]
    fn calls_without_end_are_ended() {
        check("define f(x) { return f(x) }\nf(1)\n3\n", "3\n");
    }
}
