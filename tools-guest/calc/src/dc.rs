//! `dc`, the calculator with a stack.

use std::collections::HashMap;
use std::io::{Read as _, Write};

use toolcell_program::args::{Arg, parse as arguments};
use toolcell_program::message;

use crate::input::{Input, surplus};
use crate::number::{Number, folded};

/// Strings that may be running at one time. A string that ends by starting another does not count.
const MAX_DEPTH: usize = 250;

/// Values on the stack, and on all registers together.
const MAX_VALUES: usize = 1 << 20;

#[derive(Debug, Clone)]
enum Value {
    Number(Number),
    Text(String),
}

/// How many levels of strings are to be left.
type Leave = usize;

struct Machine<'a, W> {
    stack: Vec<Value>,
    registers: HashMap<char, Vec<Value>>,
    arrays: HashMap<char, HashMap<i64, Value>>,
    scale: u32,
    in_base: u32,
    out_base: u32,
    /// Standard input, from which come the program's lines and what `?` reads.
    input: Input,
    out: &'a mut W,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = ["expression=:e", "file=:f", "version:V"];
    let args = match arguments(words, "e:f:V", &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("dc: {error}");
            return 1;
        }
    };
    let mut machine = Machine::new(out);
    let mut any = false;
    let file = |machine: &mut Machine<'_, _>, path: &str| -> Result<bool, i32> {
        if path == "-" {
            return Ok(machine.lines());
        }
        let mut text = Vec::new();
        let read = toolcell_program::open(path).and_then(|mut input| input.read_to_end(&mut text));
        if let Err(error) = read {
            eprintln!("dc: Could not open file {path}: {}", message(&error));
            return Err(2);
        }
        Ok(machine.run(&String::from_utf8_lossy(&text), 0) == 0)
    };
    for arg in args {
        let goes_on = match arg {
            Arg::Operand(path) => file(&mut machine, &path),
            Arg::Option(letter, value) if letter == "f" => {
                file(&mut machine, &value.unwrap_or_default())
            }
            Arg::Option(letter, value) if letter == "e" => {
                Ok(machine.run(&value.unwrap_or_default(), 0) == 0)
            }
            Arg::Option(..) => {
                let _ = writeln!(machine.out, "dc (Toolcell) {}", env!("CARGO_PKG_VERSION"));
                return 0;
            }
        };
        any = true;
        match goes_on {
            Ok(true) => {}
            Ok(false) => return 0,
            Err(status) => return status,
        }
    }
    if !any && let Err(status) = file(&mut machine, "-") {
        return status;
    }
    0
}

impl<'a, W: Write> Machine<'a, W> {
    fn new(out: &'a mut W) -> Machine<'a, W> {
        Machine {
            stack: Vec::new(),
            registers: HashMap::new(),
            arrays: HashMap::new(),
            scale: 0,
            in_base: 10,
            out_base: 10,
            input: Input::default(),
            out,
        }
    }

    /// Runs standard input line by line, a text in brackets as a whole: who writes a line may wait
    /// for the answer before the next. False when it asked to end.
    fn lines(&mut self) -> bool {
        let (mut text, mut open) = (Vec::new(), 0_i64);
        loop {
            let start = text.len();
            let ended = self.line(&mut text).is_none();
            open += surplus(&text[start..], b'[', b']');
            if open > 0 && !ended {
                continue;
            }
            if self.run(&String::from_utf8_lossy(&text), 0) != 0 {
                return false;
            }
            if ended {
                return true;
            }
            text.clear();
            open = 0;
        }
    }

    /// Appends a line of standard input, if there is one. What was printed is written before it is
    /// waited for.
    fn line(&mut self, text: &mut Vec<u8>) -> Option<usize> {
        if self.input.is_spent() {
            let _ = self.out.flush();
        }
        self.input.append_line(text).ok().filter(|count| *count > 0)
    }

    fn complain(&mut self, text: &str) {
        let _ = self.out.flush();
        eprintln!("dc: {text}");
    }

    fn push(&mut self, value: Value) {
        if self.stack.len() >= MAX_VALUES {
            self.complain("the stack is full");
        } else {
            self.stack.push(value);
        }
    }

    fn number(&mut self) -> Option<Number> {
        match self.stack.pop() {
            Some(Value::Number(number)) => Some(number),
            Some(text) => {
                self.stack.push(text);
                self.complain("non-numeric value");
                None
            }
            None => {
                self.complain("stack empty");
                None
            }
        }
    }

    /// Two numbers, or none and the stack as it was.
    fn two(&mut self) -> Option<(Number, Number)> {
        if self.stack.len() < 2 {
            self.complain("stack empty");
            return None;
        }
        let right = self.number()?;
        match self.number() {
            Some(left) => Some((left, right)),
            None => {
                self.stack.push(Value::Number(right));
                None
            }
        }
    }

    fn text(&self, value: &Value) -> String {
        match value {
            Value::Number(number) => folded(&number.text(self.out_base)),
            Value::Text(text) => text.clone(),
        }
    }

    /// Runs a text; how many levels more are to be left comes back, more than all with `q`.
    fn run(&mut self, text: &str, depth: usize) -> Leave {
        let mut chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        while let Some(c) = chars.get(at).copied() {
            at += 1;
            let next = chars.get(at).copied();
            match c {
                c if c.is_whitespace() => {}
                '0'..='9' | 'A'..='F' | '.' | '_' => {
                    let negative = c == '_';
                    let mut digits = String::new();
                    if !negative {
                        digits.push(c);
                    }
                    while let Some(c) = chars.get(at).filter(|c| {
                        c.is_ascii_digit()
                            || ('A'..='F').contains(*c)
                            || **c == '.' && !digits.contains('.')
                    }) {
                        digits.push(*c);
                        at += 1;
                    }
                    let number = Number::parse(&digits, self.in_base);
                    self.push(Value::Number(if negative { number.negated() } else { number }));
                }
                '[' => {
                    let start = at;
                    let mut open = 1;
                    while open > 0 {
                        match chars.get(at) {
                            Some('[') => open += 1,
                            Some(']') => open -= 1,
                            Some(_) => {}
                            None => break,
                        }
                        at += 1;
                    }
                    let end = if open == 0 { at - 1 } else { at };
                    self.push(Value::Text(chars[start..end].iter().collect()));
                }
                '#' => {
                    while chars.get(at).is_some_and(|c| *c != '\n') {
                        at += 1;
                    }
                }
                'p' | 'n' | 'P' => self.print(c),
                'f' => {
                    for value in self.stack.clone().iter().rev() {
                        let text = self.text(value);
                        let _ = writeln!(self.out, "{text}");
                    }
                }
                '+' | '-' | '*' | '/' | '%' | '^' => self.arithmetic(c),
                '~' => {
                    if let Some((left, right)) = self.two() {
                        let both =
                            (left.divided(&right, self.scale), left.remainder(&right, self.scale));
                        match both {
                            (Ok(quotient), Ok(rest)) => {
                                self.push(Value::Number(quotient));
                                self.push(Value::Number(rest));
                            }
                            (Err(error), _) | (_, Err(error)) => self.complain(error.text()),
                        }
                    }
                }
                '|' => {
                    let modulus = self.number();
                    if let (Some(modulus), Some((base, exponent))) = (modulus, self.two()) {
                        match power_modulo(&base, &exponent, &modulus) {
                            Some(number) => self.push(Value::Number(number)),
                            None => self.complain("remainder by zero or negative exponent"),
                        }
                    }
                }
                'v' => {
                    if let Some(number) = self.number() {
                        match number.square_root(self.scale) {
                            Ok(root) => self.push(Value::Number(root)),
                            Err(error) => self.complain(error.text()),
                        }
                    }
                }
                'c' => self.stack.clear(),
                'd' => match self.stack.last().cloned() {
                    Some(value) => self.push(value),
                    None => self.complain("stack empty"),
                },
                'r' => match self.stack.len() {
                    0 | 1 => self.complain("stack empty"),
                    length => self.stack.swap(length - 1, length - 2),
                },
                'k' | 'i' | 'o' => {
                    if let Some(number) = self.number() {
                        let value = number.to_i64().unwrap_or(-1);
                        match c {
                            'k' if (0..=100_000).contains(&value) => self.scale = value as u32,
                            'i' if (2..=16).contains(&value) => self.in_base = value as u32,
                            'o' if (2..=1_000_000_000).contains(&value) => {
                                self.out_base = value as u32;
                            }
                            'k' => self.complain("scale must be a nonnegative integer"),
                            'i' => self.complain("input base must be a number between 2 and 16"),
                            _ => self.complain("output base must be a number greater than 1"),
                        }
                    }
                }
                'K' => self.push_integer(i64::from(self.scale)),
                'I' => self.push_integer(i64::from(self.in_base)),
                'O' => self.push_integer(i64::from(self.out_base)),
                'z' => self.push_integer(i64::try_from(self.stack.len()).unwrap_or(i64::MAX)),
                'Z' => match self.stack.pop() {
                    Some(Value::Number(number)) => {
                        self.push_integer(i64::try_from(number.length()).unwrap_or(i64::MAX));
                    }
                    Some(Value::Text(text)) => {
                        self.push_integer(i64::try_from(text.chars().count()).unwrap_or(i64::MAX));
                    }
                    None => self.complain("stack empty"),
                },
                'X' => {
                    if let Some(number) = self.number() {
                        self.push_integer(i64::from(number.scale()));
                    }
                }
                'a' => match self.stack.pop() {
                    Some(Value::Number(number)) => {
                        let code = number.to_i64().and_then(|code| u8::try_from(code & 255).ok());
                        self.push(Value::Text(code.map(char::from).unwrap_or_default().into()));
                    }
                    Some(Value::Text(text)) => {
                        self.push(Value::Text(text.chars().take(1).collect()))
                    }
                    None => self.complain("stack empty"),
                },
                's' | 'S' | 'l' | 'L' | ':' | ';' => {
                    let Some(register) = next else {
                        self.complain("a register is to be named");
                        break;
                    };
                    at += 1;
                    self.register(c, register);
                }
                'x' => match self.stack.pop() {
                    Some(Value::Text(text)) => {
                        if is_rest_blank(&chars, at) {
                            (chars, at) = (text.chars().collect(), 0);
                            continue;
                        }
                        let leave = self.enter(&text, depth);
                        if leave > 0 {
                            return leave - 1;
                        }
                    }
                    Some(number) => self.stack.push(number),
                    None => self.complain("stack empty"),
                },
                '<' | '>' | '=' | '!' => {
                    let (negated, sign) = match (c, next) {
                        ('!', Some(sign @ ('<' | '>' | '='))) => {
                            at += 1;
                            (true, sign)
                        }
                        ('!', _) => {
                            self.complain("commands of the system are not supported");
                            while chars.get(at).is_some_and(|c| *c != '\n') {
                                at += 1;
                            }
                            continue;
                        }
                        (sign, _) => (false, sign),
                    };
                    let Some(register) = chars.get(at).copied() else { break };
                    at += 1;
                    let Some((second, top)) = self.two() else { continue };
                    // The top of the stack is the left side.
                    let holds = match sign {
                        '<' => top < second,
                        '>' => top > second,
                        _ => top == second,
                    };
                    if holds != negated
                        && let Some(Value::Text(text)) =
                            self.registers.get(&register).and_then(|values| values.last()).cloned()
                    {
                        if is_rest_blank(&chars, at) {
                            (chars, at) = (text.chars().collect(), 0);
                            continue;
                        }
                        let leave = self.enter(&text, depth);
                        if leave > 0 {
                            return leave - 1;
                        }
                    }
                }
                '?' => {
                    let mut line = Vec::new();
                    if self.line(&mut line).is_some() {
                        let leave = self.enter(&String::from_utf8_lossy(&line), depth);
                        if leave > 0 {
                            return leave - 1;
                        }
                    }
                }
                // `q` leaves the text that runs and the one that started it.
                'q' => return if depth == 0 { usize::MAX } else { 1 },
                'Q' => {
                    if let Some(levels) = self.number() {
                        let levels = levels.to_i64().unwrap_or(0);
                        if let Some(levels) = usize::try_from(levels).ok().filter(|n| *n > 0) {
                            return levels.min(depth) - usize::from(levels.min(depth) > 0);
                        }
                    }
                }
                other => {
                    let code = u32::from(other);
                    self.complain(&format!("'{other}' (0{code:o}) unimplemented"));
                }
            }
        }
        0
    }

    /// Runs a text that another one started.
    fn enter(&mut self, text: &str, depth: usize) -> Leave {
        if depth >= MAX_DEPTH {
            self.complain("strings nest too deeply");
            return usize::MAX;
        }
        self.run(text, depth + 1)
    }

    fn push_integer(&mut self, value: i64) {
        self.push(Value::Number(Number::integer(value)));
    }

    fn print(&mut self, how: char) {
        let Some(value) = self.stack.last() else { return self.complain("stack empty") };
        let text = self.text(value);
        let value = if how == 'p' { None } else { self.stack.pop() };
        let _ = match (how, value) {
            ('p', _) => writeln!(self.out, "{text}"),
            ('P', Some(Value::Number(number))) => {
                // A number is printed as the bytes that it is in base 256.
                let bytes: Vec<u8> = number
                    .rescaled(0)
                    .text(256)
                    .split_whitespace()
                    .filter_map(|digit| digit.trim_start_matches('-').parse().ok())
                    .collect();
                self.out.write_all(&bytes)
            }
            _ => write!(self.out, "{text}"),
        };
    }

    fn arithmetic(&mut self, operator: char) {
        let Some((left, right)) = self.two() else { return };
        let result = match operator {
            '+' => Ok(left.plus(&right)),
            '-' => Ok(left.minus(&right)),
            '*' => left.times(&right, self.scale),
            '/' => left.divided(&right, self.scale),
            '%' => left.remainder(&right, self.scale),
            _ => left.power(&right, self.scale),
        };
        match result {
            Ok(number) => self.push(Value::Number(number)),
            Err(error) => {
                self.stack.extend([Value::Number(left), Value::Number(right)]);
                self.complain(&error.text().to_lowercase());
            }
        }
    }

    fn register(&mut self, command: char, register: char) {
        match command {
            's' | 'S' => {
                let Some(value) = self.stack.pop() else { return self.complain("stack empty") };
                let values = self.registers.entry(register).or_default();
                if command == 's' {
                    values.pop();
                }
                if values.len() < MAX_VALUES {
                    values.push(value);
                }
            }
            'l' => {
                let value = self.registers.get(&register).and_then(|values| values.last()).cloned();
                match value {
                    Some(value) => self.push(value),
                    None => self.push_integer(0),
                }
            }
            'L' => match self.registers.get_mut(&register).and_then(Vec::pop) {
                Some(value) => self.push(value),
                None => self.complain(&format!("stack register '{register}' is empty")),
            },
            ':' => {
                let index = self.number().and_then(|index| index.to_i64());
                if let (Some(index), Some(value)) = (index, self.stack.pop()) {
                    let array = self.arrays.entry(register).or_default();
                    if array.len() < MAX_VALUES {
                        array.insert(index, value);
                    }
                }
            }
            _ => {
                if let Some(index) = self.number().and_then(|index| index.to_i64()) {
                    let value = self.arrays.get(&register).and_then(|array| array.get(&index));
                    match value.cloned() {
                        Some(value) => self.push(value),
                        None => self.push_integer(0),
                    }
                }
            }
        }
    }
}

/// Whether nothing follows: what is started then takes the place of what starts it, so that a loop
/// does not nest.
fn is_rest_blank(chars: &[char], at: usize) -> bool {
    chars[at..].iter().all(|c| c.is_whitespace())
}

fn power_modulo(base: &Number, exponent: &Number, modulus: &Number) -> Option<Number> {
    if modulus.is_zero() || exponent.is_negative() {
        return None;
    }
    let two = Number::integer(2);
    let mut result = Number::integer(1);
    let mut base = base.rescaled(0).remainder(modulus, 0).ok()?;
    let mut exponent = exponent.rescaled(0);
    while !exponent.is_zero() {
        if !exponent.remainder(&two, 0).ok()?.is_zero() {
            result = result.times(&base, 0).ok()?.remainder(modulus, 0).ok()?;
        }
        base = base.times(&base, 0).ok()?.remainder(modulus, 0).ok()?;
        exponent = exponent.divided(&two, 0).ok()?;
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(program: &str, expected: &str) {
        let mut out = Vec::new();
        let mut machine = Machine::new(&mut out);
        machine.run(program, 0);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{program}");
    }

    #[test]
    fn programs() {
        check("5 3 + p 2 ^ p", "8\n64\n");
        check("10 k 2 v p", "1.4142135623\n");
        check("1 2 3 f", "3\n2\n1\n");
        check("_5 3 - p", "-8\n");
        check("16 i FF p", "255\n");
        check("2 o 10 p", "1010\n");
        check("[p 1 - d 0 <a] sa 3 la x", "3\n2\n1\n");
        check("3 sx lx lx * p", "9\n");
        check("[hello] n 10 P", "hello\n");
        check("7 3 ~ f", "1\n2\n");
        check("3 5 7 | p", "5\n");
        check("1 0 / 9 p", "9\n");
        check("[1 p q] x 2 p", "1\n");
        check("10 0 :a 0 ;a p z p", "10\n1\n");
        check("[la x 1] sa la x 5 p", "");
        check("0 [1 + d 5000 >a] sa la x p", "5000\n");
    }
}
