//! Arithmetic: C's integer expressions over 64 bits, with shell variables.

use std::rc::Rc;

/// How deeply an expression or the values of its variables may nest.
const MAX_DEPTH: u32 = 128;

/// An expression, ready to be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Number(i64),
    Var(Place),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>, u32),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Choose(Box<Expr>, Box<Expr>, Box<Expr>),
    Assign(Place, Option<Binary>, Box<Expr>, u32),
    /// Adds to a variable; `true` gives the old value.
    Step(Place, i64, bool),
    Comma(Box<Expr>, Box<Expr>),
}

/// A variable, or an element of one. The subscript is text: what it means depends on the array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) name: Rc<str>,
    pub(crate) index: Option<Rc<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unary {
    Minus,
    Plus,
    Not,
    Complement,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    Left,
    Right,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    Equal,
    NotEqual,
    And,
    Xor,
    Or,
}

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArithError {
    /// Text that is no expression, or division by zero: the message after the expression.
    Bad(String),
    /// Something that was said already, with how the command ends.
    Said,
    /// A variable that is not set where it must be, which was said already and ends the shell.
    Unbound,
}

/// Where variables are.
pub(crate) trait Context {
    /// The value of a place as text; empty when unset.
    fn get(&mut self, place: &Place) -> Result<String, ArithError>;
    /// Sets a place.
    fn set(&mut self, place: &Place, value: i64) -> Result<(), ArithError>;
    /// An expression for this text.
    fn parse(&mut self, text: &str) -> Result<Rc<Expr>, ArithError> {
        parse(text).map(Rc::new)
    }
}

/// Parses and evaluates `text`; nothing is 0.
pub(crate) fn evaluate(text: &str, context: &mut dyn Context) -> Result<i64, ArithError> {
    evaluate_at(text, context, 0)
}

fn evaluate_at(text: &str, context: &mut dyn Context, depth: u32) -> Result<i64, ArithError> {
    let trimmed = text.trim();
    if let Some(number) = simple_number(trimmed) {
        return Ok(number);
    }
    if depth > MAX_DEPTH {
        return Err(ArithError::Bad(format!(
            "{trimmed}: expression recursion level exceeded (error token is \"{trimmed}\")"
        )));
    }
    let expr = match context.parse(text) {
        Ok(expr) => expr,
        Err(error) => {
            // bash evaluates while it reads: an unset name that comes first is what it sees first.
            let end = trimmed.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = &trimmed[..end.unwrap_or(trimmed.len())];
            if crate::syntax::is_name(name)
                && let Err(ArithError::Unbound) =
                    context.get(&Place { name: name.into(), index: None })
            {
                return Err(ArithError::Unbound);
            }
            return Err(error);
        }
    };
    Evaluator { context, depth, text }.value(&expr)
}

/// Plain decimal digits.
fn simple_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || digits.len() > 18 || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return (text.is_empty()).then_some(0);
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    text.parse().ok()
}

struct Evaluator<'a> {
    context: &'a mut dyn Context,
    depth: u32,
    text: &'a str,
}

impl Evaluator<'_> {
    fn get(&mut self, place: &Place) -> Result<i64, ArithError> {
        let text = self.context.get(place)?;
        evaluate_at(&text, self.context, self.depth + 1)
    }

    fn value(&mut self, expr: &Expr) -> Result<i64, ArithError> {
        Ok(match expr {
            Expr::Number(number) => *number,
            Expr::Var(place) => self.get(place)?,
            Expr::Unary(op, operand) => {
                let value = self.value(operand)?;
                match op {
                    Unary::Minus => value.wrapping_neg(),
                    Unary::Plus => value,
                    Unary::Not => i64::from(value == 0),
                    Unary::Complement => !value,
                }
            }
            Expr::Binary(op, left, right, at) => {
                let left = self.value(left)?;
                let right = self.value(right)?;
                self.apply(*op, left, right, *at)?
            }
            Expr::And(left, right) => i64::from(self.value(left)? != 0 && self.value(right)? != 0),
            Expr::Or(left, right) => i64::from(self.value(left)? != 0 || self.value(right)? != 0),
            Expr::Choose(condition, yes, no) => {
                if self.value(condition)? != 0 {
                    self.value(yes)?
                } else {
                    self.value(no)?
                }
            }
            Expr::Assign(place, op, right, at) => {
                // What is there is read before the right side, which may change it.
                let left = op.is_some().then(|| self.get(place)).transpose()?;
                let right = self.value(right)?;
                let value = match op {
                    Some(op) => {
                        let left = left.unwrap_or_default();
                        self.apply(*op, left, right, *at)?
                    }
                    None => right,
                };
                self.context.set(place, value)?;
                value
            }
            Expr::Step(place, by, old) => {
                let before = self.get(place)?;
                let after = before.wrapping_add(*by);
                self.context.set(place, after)?;
                if *old { before } else { after }
            }
            Expr::Comma(left, right) => {
                self.value(left)?;
                self.value(right)?
            }
        })
    }

    fn apply(&self, op: Binary, left: i64, right: i64, at: u32) -> Result<i64, ArithError> {
        let bad = |what: &str| {
            let token = self.text.get(at as usize..).unwrap_or_default().trim_start();
            let text = self.text.trim_start();
            Err(ArithError::Bad(format!("{text}: {what} (error token is \"{token}\")")))
        };
        Ok(match op {
            Binary::Add => left.wrapping_add(right),
            Binary::Sub => left.wrapping_sub(right),
            Binary::Mul => left.wrapping_mul(right),
            Binary::Div | Binary::Rem if right == 0 => return bad("division by 0"),
            Binary::Div => left.wrapping_div(right),
            Binary::Rem => left.wrapping_rem(right),
            Binary::Pow if right < 0 => return bad("exponent less than 0"),
            Binary::Pow => power(left, right),
            Binary::Left => left.wrapping_shl(right as u32),
            Binary::Right => left.wrapping_shr(right as u32),
            Binary::Less => i64::from(left < right),
            Binary::LessEq => i64::from(left <= right),
            Binary::Greater => i64::from(left > right),
            Binary::GreaterEq => i64::from(left >= right),
            Binary::Equal => i64::from(left == right),
            Binary::NotEqual => i64::from(left != right),
            Binary::And => left & right,
            Binary::Xor => left ^ right,
            Binary::Or => left | right,
        })
    }
}

fn power(mut base: i64, mut exponent: i64) -> i64 {
    let mut result = 1i64;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    result
}

/// Parses all of `text`.
pub(crate) fn parse(text: &str) -> Result<Expr, ArithError> {
    let mut parser = Parser { text, src: text.as_bytes(), pos: 0, last: 0, depth: 0 };
    parser.skip();
    if parser.pos == parser.src.len() {
        return Ok(Expr::Number(0));
    }
    let expr = parser.comma()?;
    parser.skip();
    if parser.pos < parser.src.len() {
        parser.last = parser.pos;
        return Err(parser.bad(match parser.src[parser.pos] {
            _ if parser.assigns() => "attempted assignment to non-variable",
            b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => "syntax error in expression",
            byte if b"+-*/%<>=!&|^~?:,()".contains(&byte) => "syntax error in expression",
            _ => "syntax error: invalid arithmetic operator",
        }));
    }
    Ok(expr)
}

struct Parser<'a> {
    text: &'a str,
    src: &'a [u8],
    pos: usize,
    /// Where the last token began.
    last: usize,
    depth: u32,
}

/// Binary operators below `&&`, by how tightly they bind.
const LEVELS: &[&[(&str, Binary)]] = &[
    &[("|", Binary::Or)],
    &[("^", Binary::Xor)],
    &[("&", Binary::And)],
    &[("==", Binary::Equal), ("!=", Binary::NotEqual)],
    &[
        ("<=", Binary::LessEq),
        (">=", Binary::GreaterEq),
        ("<", Binary::Less),
        (">", Binary::Greater),
    ],
    &[("<<", Binary::Left), (">>", Binary::Right)],
    &[("+", Binary::Add), ("-", Binary::Sub)],
    &[("*", Binary::Mul), ("/", Binary::Div), ("%", Binary::Rem)],
];

const ASSIGNS: &[(&str, Option<Binary>)] = &[
    ("<<=", Some(Binary::Left)),
    (">>=", Some(Binary::Right)),
    ("+=", Some(Binary::Add)),
    ("-=", Some(Binary::Sub)),
    ("*=", Some(Binary::Mul)),
    ("/=", Some(Binary::Div)),
    ("%=", Some(Binary::Rem)),
    ("&=", Some(Binary::And)),
    ("^=", Some(Binary::Xor)),
    ("|=", Some(Binary::Or)),
    ("=", None),
];

type Parsed<T> = Result<T, ArithError>;

impl Parser<'_> {
    /// What is wrong with a number, after which nothing of the text is shown.
    fn bad_number(&self, what: &str) -> ArithError {
        let token = &self.text[self.last..self.pos];
        let text = self.text[..self.pos].trim_start();
        ArithError::Bad(format!("{text}: {what} (error token is \"{token}\")"))
    }

    fn bad(&self, what: &str) -> ArithError {
        let token = self.text.get(self.last..).unwrap_or_default();
        let text = self.text.trim_start();
        ArithError::Bad(format!("{text}: {what} (error token is \"{token}\")"))
    }

    fn skip(&mut self) {
        while self.src.get(self.pos).is_some_and(u8::is_ascii_whitespace) {
            self.pos += 1;
        }
    }

    fn at(&self, text: &str) -> bool {
        self.src[self.pos..].starts_with(text.as_bytes())
    }

    fn eat(&mut self, text: &str) -> bool {
        self.skip();
        let found = self.at(text);
        if found {
            self.last = self.pos;
            self.pos += text.len();
        }
        found
    }

    fn comma(&mut self) -> Parsed<Expr> {
        let mut left = self.assign()?;
        while self.eat(",") {
            left = Expr::Comma(Box::new(left), Box::new(self.assign()?));
        }
        Ok(left)
    }

    fn assign(&mut self) -> Parsed<Expr> {
        if self.depth > MAX_DEPTH {
            return Err(self.bad("expression recursion level exceeded"));
        }
        self.depth += 1;
        let expr = self.assign_inside();
        self.depth -= 1;
        expr
    }

    fn assign_inside(&mut self) -> Parsed<Expr> {
        let left = self.choose()?;
        let Expr::Var(place) = &left else { return Ok(left) };
        self.skip();
        for (text, op) in ASSIGNS {
            if self.at(text) && !(*text == "=" && self.at("==")) {
                self.last = self.pos;
                self.pos += text.len();
                self.skip();
                let at = self.pos as u32;
                let right = self.assign()?;
                return Ok(Expr::Assign(place.clone(), *op, Box::new(right), at));
            }
        }
        Ok(left)
    }

    fn choose(&mut self) -> Parsed<Expr> {
        let condition = self.or()?;
        if !self.eat("?") {
            return Ok(condition);
        }
        self.expect_choice()?;
        let yes = self.comma()?;
        if !self.eat(":") {
            self.skip();
            if self.pos < self.src.len() {
                self.last = self.pos;
            }
            return Err(self.bad("`:' expected for conditional expression"));
        }
        self.expect_choice()?;
        let no = self.choose()?;
        self.skip();
        if self.assigns() {
            self.last = self.pos;
            return Err(self.bad("attempted assignment to non-variable"));
        }
        Ok(Expr::Choose(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    /// Something has to stand behind `?` and `:`.
    fn expect_choice(&mut self) -> Parsed<()> {
        self.skip();
        match self.src.get(self.pos) {
            Some(b':') => self.last = self.pos,
            None => {}
            Some(_) => return Ok(()),
        }
        Err(self.bad("expression expected"))
    }

    /// Whether an operator that assigns stands here.
    fn assigns(&self) -> bool {
        ASSIGNS.iter().any(|(text, _)| self.at(text) && !(*text == "=" && self.at("==")))
    }

    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.eat("||") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.binary(0)?;
        while self.eat("&&") {
            left = Expr::And(Box::new(left), Box::new(self.binary(0)?));
        }
        Ok(left)
    }

    fn binary(&mut self, level: usize) -> Parsed<Expr> {
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        'next: loop {
            self.skip();
            for (text, op) in *operators {
                if !self.at(text) || self.is_longer(text) {
                    continue;
                }
                self.last = self.pos;
                self.pos += text.len();
                self.skip();
                let at = self.pos as u32;
                let right = self.binary(level + 1)?;
                left = Expr::Binary(*op, Box::new(left), Box::new(right), at);
                continue 'next;
            }
            return Ok(left);
        }
    }

    /// Whether what stands here is another operator that begins with `text`.
    fn is_longer(&self, text: &str) -> bool {
        let next = self.src.get(self.pos + text.len()).copied();
        match text {
            "|" | "&" => next == Some(text.as_bytes()[0]) || next == Some(b'='),
            "<" | ">" => next == Some(text.as_bytes()[0]),
            "*" => matches!(next, Some(b'*' | b'=')),
            "==" | "!=" | "<=" | ">=" => false,
            _ => next == Some(b'='),
        }
    }

    fn power(&mut self) -> Parsed<Expr> {
        let left = self.unary()?;
        if !self.eat("**") {
            return Ok(left);
        }
        self.skip();
        let at = self.pos as u32;
        let right = self.power()?;
        Ok(Expr::Binary(Binary::Pow, Box::new(left), Box::new(right), at))
    }

    fn unary(&mut self) -> Parsed<Expr> {
        if self.depth > MAX_DEPTH {
            return Err(self.bad("expression recursion level exceeded"));
        }
        self.skip();
        for (text, by) in [("++", 1), ("--", -1)] {
            if self.at(text) {
                let before = self.pos;
                self.last = self.pos;
                self.pos += 2;
                self.skip();
                if let Some(place) = self.place() {
                    return Ok(Expr::Step(place, by, false));
                }
                self.pos = before;
            }
        }
        let ops =
            [("-", Unary::Minus), ("+", Unary::Plus), ("!", Unary::Not), ("~", Unary::Complement)];
        for (text, op) in ops {
            if self.eat(text) {
                self.depth += 1;
                let operand = self.unary()?;
                self.depth -= 1;
                return Ok(Expr::Unary(op, Box::new(operand)));
            }
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        if self.eat("(") {
            let inner = self.nested()?;
            if !self.eat(")") {
                self.skip();
                if self.pos < self.src.len() {
                    self.last = self.pos;
                }
                return Err(self.bad("missing `)'"));
            }
            return Ok(inner);
        }
        self.skip();
        if self.src.get(self.pos).is_some_and(u8::is_ascii_digit) {
            return self.number();
        }
        let Some(place) = self.place() else {
            if self.pos < self.src.len() {
                self.last = self.pos;
            }
            return Err(self.bad("syntax error: operand expected"));
        };
        for (text, by) in [("++", 1), ("--", -1)] {
            if self.eat(text) {
                return Ok(Expr::Step(place, by, true));
            }
        }
        Ok(Expr::Var(place))
    }

    fn nested(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        let inner = self.comma();
        self.depth -= 1;
        inner
    }

    fn place(&mut self) -> Option<Place> {
        let start = self.pos;
        let first = *self.src.get(start)?;
        if !(first.is_ascii_alphabetic() || first == b'_') {
            return None;
        }
        self.last = start;
        while self.src.get(self.pos).is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_') {
            self.pos += 1;
        }
        let name = self.text[start..self.pos].into();
        if self.src.get(self.pos) != Some(&b'[') {
            return Some(Place { name, index: None });
        }
        let from = self.pos + 1;
        let mut depth = 0u32;
        let mut escaped = false;
        for (at, c) in self.src.iter().enumerate().skip(from) {
            match c {
                _ if std::mem::take(&mut escaped) => {}
                b'\\' => escaped = true,
                b'[' => depth += 1,
                b']' if depth == 0 => {
                    self.pos = at + 1;
                    return Some(Place { name, index: Some(self.text[from..at].into()) });
                }
                b']' => depth -= 1,
                _ => {}
            }
        }
        Some(Place { name, index: None })
    }

    fn number(&mut self) -> Parsed<Expr> {
        let start = self.pos;
        self.last = start;
        let word = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'@' | b'#');
        while self.src.get(self.pos).is_some_and(word) {
            self.pos += 1;
        }
        let text = &self.text[start..self.pos];
        let (base, digits) = if let Some((base, digits)) = text.split_once('#') {
            match base.parse::<i64>() {
                Ok(2..=64) if digits.is_empty() => {
                    return Err(self.bad_number("invalid integer constant"));
                }
                Ok(base @ 2..=64) => (base, digits),
                _ => return Err(self.bad_number("invalid arithmetic base")),
            }
        } else if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            (16, digits)
        } else if text.len() > 1 && text.starts_with('0') {
            (8, &text[1..])
        } else {
            (10, text)
        };
        let mut value = 0i64;
        for c in digits.bytes() {
            let digit = match c {
                b'0'..=b'9' => i64::from(c - b'0'),
                b'a'..=b'z' => i64::from(c - b'a') + 10,
                b'A'..=b'Z' if base <= 36 => i64::from(c - b'A') + 10,
                b'A'..=b'Z' => i64::from(c - b'A') + 36,
                b'@' => 62,
                _ => 63,
            };
            if digit >= base {
                return Err(self.bad_number("value too great for base"));
            }
            value = value.wrapping_mul(base).wrapping_add(digit);
        }
        Ok(Expr::Number(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[derive(Default)]
    struct Vars(HashMap<String, String>);

    impl Context for Vars {
        fn get(&mut self, place: &Place) -> Result<String, ArithError> {
            Ok(self.0.get(&*place.name).cloned().unwrap_or_default())
        }
        fn set(&mut self, place: &Place, value: i64) -> Result<(), ArithError> {
            self.0.insert(place.name.to_string(), value.to_string());
            Ok(())
        }
    }

    #[track_caller]
    fn check(text: &str, expected: i64) {
        assert_eq!(evaluate(text, &mut Vars::default()), Ok(expected), "{text}");
    }

    #[test]
    fn computes_as_c_does() {
        check("1+2*3", 7);
        check("(1+2)*3", 9);
        check("2**3**2", 512);
        check("-2**2", 4);
        check("7/2, 7%3", 1);
        check("1<<4|1", 17);
        check("x=5, x+=2, x++ + ++x", 16);
        check("1?2:3", 2);
        check("0x1f + 010 + 2#101 + 36#z", 31 + 8 + 5 + 35);
        check("!0 && 1 || 0", 1);
        check("a=b=3", 3);
        check("1 - -1", 2);
        check("", 0);
        check("9223372036854775807+1", i64::MIN);
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |text: &str| match evaluate(text, &mut Vars::default()) {
            Err(ArithError::Bad(message)) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(error("1/0"), "1/0: division by 0 (error token is \"0\")");
        assert_eq!(error("1+"), "1+: syntax error: operand expected (error token is \"+\")");
        assert_eq!(error("1 2"), "1 2: syntax error in expression (error token is \"2\")");
        assert_eq!(error("08"), "08: value too great for base (error token is \"08\")");
        let deep = "(".repeat(10_000);
        assert!(error(&deep).contains("recursion level exceeded"));
    }
}
