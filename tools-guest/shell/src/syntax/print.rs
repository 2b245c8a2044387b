//! Trees as text again, laid out as bash lays them out in `declare -f`.

use super::ast::{
    Arg, ArmEnd, Assign, AssignValue, Command, Cond, Connector, Function, Item, Kind, List, Param,
    Part, Pipeline, Quote, Redirect, RedirectFd, RedirectKind, Timed, Word,
};
use crate::quote;

/// Writes text and knows how far it is indented.
struct Printer {
    text: String,
    indent: usize,
    /// In a function each command of a list has a line of its own; elsewhere they share one.
    in_function: bool,
    /// Here-documents whose bodies come after the line.
    here: Vec<Redirect>,
}

/// A command on its own.
pub(crate) fn command(command: &Command) -> String {
    print(|printer| printer.command(command))
}

/// An and-or list on its own.
pub(crate) fn item(item: &Item) -> String {
    print(|printer| printer.item(item))
}

/// A word as it could be written.
pub(crate) fn word(word: &Word) -> String {
    print(|printer| printer.parts(&word.0))
}

/// An assignment as it could be written.
pub(crate) fn assign(assign: &Assign) -> String {
    print(|printer| printer.assign(assign))
}

/// The assignment of an array that `declare` and its like are given, as a trace shows it: what
/// stands for itself is quoted.
pub(crate) fn declared(given: &Assign) -> String {
    let AssignValue::Array(elements) = &given.value else { return assign(given) };
    let shown = |part: &Word| match part.as_constant() {
        Some(text) => quote::single(&text),
        None => word(part),
    };
    let elements = elements.iter().map(|element| {
        let index = element.index.as_ref().map(|index| format!("[{}]", shown(index)));
        let equals = match (&index, element.append) {
            (None, _) => "",
            (_, true) => "+=",
            (_, false) => "=",
        };
        format!("{}{equals}{}", index.unwrap_or_default(), shown(&element.value))
    });
    let equals = if given.append { "+=" } else { "=" };
    format!("{}{equals}({})", given.name, elements.collect::<Vec<_>>().join(" "))
}

/// A function as `declare -f` shows it.
pub(crate) fn function(function: &Function) -> String {
    format!("{} () \n{}", function.name, function_body(function))
}

/// The same without its name, as an exported function's variable holds it.
pub(crate) fn function_body(function: &Function) -> String {
    print(|printer| {
        printer.in_function = true;
        match &function.body.kind {
            Kind::Group(_) => {
                printer.command(&function.body);
            }
            _ => {
                printer.text.push_str("{ \n");
                printer.indent += 4;
                printer.pad();
                printer.command(&function.body);
                printer.indent -= 4;
                printer.text.push_str("\n}");
            }
        }
    })
}

fn print(body: impl FnOnce(&mut Printer)) -> String {
    let mut printer =
        Printer { text: String::new(), indent: 0, in_function: false, here: Vec::new() };
    body(&mut printer);
    printer.bodies();
    printer.text
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn pad(&mut self) {
        self.text.extend(std::iter::repeat_n(' ', self.indent));
    }

    fn newline(&mut self) {
        self.text.push('\n');
        self.bodies();
        self.pad();
    }

    fn bodies(&mut self) {
        for redirect in std::mem::take(&mut self.here) {
            let Some(here) = &redirect.here else { continue };
            if !self.text.ends_with('\n') {
                self.text.push('\n');
            }
            if let Some(body) = here.body.get() {
                self.parts_of_here(&body.0);
            }
            self.text.push_str(&here.delimiter);
            self.text.push('\n');
        }
    }

    fn list(&mut self, list: &List) {
        if !self.in_function {
            return self.inline(list);
        }
        for (at, item) in list.0.iter().enumerate() {
            self.item(item);
            if at + 1 < list.0.len() {
                if !item.background && self.here.is_empty() {
                    self.push(";");
                }
                self.newline();
            }
        }
    }

    /// A list inside a compound command: deeper, and ended with a semicolon.
    fn body(&mut self, list: &List) {
        self.indent += 4;
        self.newline();
        self.list(list);
        if !list.0.last().is_some_and(|item| item.background) && self.here.is_empty() {
            self.push(";");
        }
        self.indent -= 4;
        self.newline();
    }

    fn inline(&mut self, list: &List) {
        for (at, item) in list.0.iter().enumerate() {
            self.item(item);
            if at + 1 < list.0.len() {
                self.push(if item.background { " " } else { "; " });
            }
        }
    }

    fn item(&mut self, item: &Item) {
        self.pipeline(&item.first);
        for (connector, pipeline) in &item.rest {
            self.push(match connector {
                Connector::And => " && ",
                Connector::Or => " || ",
            });
            self.pipeline(pipeline);
        }
        if item.background {
            self.push(" &");
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        match pipeline.timed {
            Some(Timed::Bash) => self.push("time "),
            Some(Timed::Posix) => self.push("time -p "),
            None => {}
        }
        if pipeline.negated {
            self.push("! ");
        }
        for (at, stage) in pipeline.stages.iter().enumerate() {
            self.command(&stage.command);
            if at + 1 < pipeline.stages.len() {
                self.push(if stage.with_stderr { " 2>&1 | " } else { " | " });
            }
        }
    }

    fn command(&mut self, command: &Command) {
        match &command.kind {
            Kind::Simple { assigns, args } => {
                let mut first = true;
                let mut space = |printer: &mut Printer| {
                    if !std::mem::take(&mut first) {
                        printer.push(" ");
                    }
                };
                for assign in assigns {
                    space(self);
                    self.assign(assign);
                }
                for arg in args {
                    space(self);
                    match arg {
                        Arg::Word(word) => self.parts(&word.0),
                        Arg::Assign(assign) => self.assign(assign),
                    }
                }
                for redirect in &command.redirects {
                    space(self);
                    self.redirect(redirect);
                }
                return;
            }
            Kind::Group(list) if !self.in_function => {
                self.push("{ ");
                self.inline(list);
                let ends = list.0.last().is_some_and(|item| item.background);
                self.push(if ends { " }" } else { "; }" });
            }
            Kind::Group(list) => {
                self.push("{ ");
                self.indent += 4;
                self.newline();
                self.list(list);
                self.indent -= 4;
                self.newline();
                self.push("}");
            }
            Kind::Subshell(list) => {
                self.push("( ");
                self.inline(list);
                self.push(" )");
            }
            Kind::If { branches, otherwise } => {
                for (at, (condition, body)) in branches.iter().enumerate() {
                    self.push(if at == 0 { "if " } else { "elif " });
                    self.inline(condition);
                    self.push("; then");
                    self.body(body);
                }
                if let Some(list) = otherwise {
                    self.push("else");
                    self.body(list);
                }
                self.push("fi");
            }
            Kind::While { until, condition, body } => {
                self.push(if *until { "until " } else { "while " });
                self.inline(condition);
                self.push("; do");
                self.body(body);
                self.push("done");
            }
            Kind::For { name, words, body } => self.loop_over("for", name, words.as_deref(), body),
            Kind::Select { name, words, body } => {
                self.loop_over("select", name, words.as_deref(), body);
            }
            Kind::ForArith { parts, body } => {
                self.push("for ((");
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        self.push("; ");
                    }
                    let text = word(part);
                    self.push(text.trim());
                }
                self.push("))");
                self.newline();
                self.push("do");
                self.body(body);
                self.push("done");
            }
            Kind::Case { word, arms } => {
                self.push("case ");
                self.parts(&word.0);
                self.push(" in ");
                self.indent += 4;
                for arm in arms {
                    self.newline();
                    for (at, pattern) in arm.patterns.iter().enumerate() {
                        if at > 0 {
                            self.push(" | ");
                        }
                        self.parts(&pattern.0);
                    }
                    self.push(")");
                    self.indent += 4;
                    if !arm.body.0.is_empty() {
                        self.newline();
                        self.list(&arm.body);
                    }
                    self.indent -= 4;
                    self.newline();
                    self.push(match arm.end {
                        ArmEnd::Break => ";;",
                        ArmEnd::Fall => ";&",
                        ArmEnd::Test => ";;&",
                    });
                }
                self.indent -= 4;
                self.newline();
                self.push("esac");
            }
            Kind::Cond(cond) => {
                self.push("[[ ");
                self.cond(cond);
                self.push(" ]]");
            }
            Kind::Arith(word) => {
                self.push("((");
                self.parts(&word.0);
                self.push("))");
            }
            Kind::Function(function) => {
                self.push(&format!("function {} () ", function.name));
                self.newline();
                let outer = std::mem::replace(&mut self.in_function, true);
                self.command(&function.body);
                self.in_function = outer;
            }
            Kind::Coproc { name, body } => {
                self.push(&format!("coproc {name} "));
                self.command(body);
            }
        }
        for redirect in &command.redirects {
            self.push(" ");
            self.redirect(redirect);
        }
    }

    fn loop_over(&mut self, keyword: &str, name: &str, words: Option<&[Word]>, body: &List) {
        self.push(&format!("{keyword} {name}"));
        match words {
            Some(words) => {
                self.push(" in");
                for word in words {
                    self.push(" ");
                    self.parts(&word.0);
                }
            }
            None => self.push(" in \"$@\""),
        }
        self.push(";");
        self.newline();
        self.push("do");
        self.body(body);
        self.push("done");
    }

    fn cond(&mut self, cond: &Cond) {
        match cond {
            Cond::Word(word) => self.parts(&word.0),
            Cond::Unary(operator, word) => {
                self.push(&format!("{operator} "));
                self.parts(&word.0);
            }
            Cond::Binary(left, operator, right) => {
                self.parts(&left.0);
                self.push(&format!(" {operator} "));
                self.parts(&right.0);
            }
            Cond::Not(inner) => {
                self.push("! ");
                self.cond(inner);
            }
            Cond::And(left, right) => {
                self.cond(left);
                self.push(" && ");
                self.cond(right);
            }
            Cond::Or(left, right) => {
                self.cond(left);
                self.push(" || ");
                self.cond(right);
            }
            Cond::Paren(inner) => {
                self.push("( ");
                self.cond(inner);
                self.push(" )");
            }
        }
    }

    fn assign(&mut self, assign: &Assign) {
        self.push(&assign.name);
        if let Some(index) = &assign.index {
            self.push("[");
            self.parts(&index.0);
            self.push("]");
        }
        self.push(if assign.append { "+=" } else { "=" });
        match &assign.value {
            AssignValue::Scalar(word) => self.parts(&word.0),
            AssignValue::Array(elements) => {
                self.push("(");
                for (at, element) in elements.iter().enumerate() {
                    if at > 0 {
                        self.push(" ");
                    }
                    if let Some(index) = &element.index {
                        self.push("[");
                        self.parts(&index.0);
                        self.push(if element.append { "]+=" } else { "]=" });
                    }
                    self.parts(&element.value.0);
                }
                self.push(")");
            }
        }
    }

    fn redirect(&mut self, redirect: &Redirect) {
        match &redirect.fd {
            RedirectFd::Default => {}
            RedirectFd::Number(number) => self.push(&number.to_string()),
            RedirectFd::Variable(name) => self.push(&format!("{{{name}}}")),
        }
        let (operator, space) = match redirect.kind {
            RedirectKind::Read => ("<", true),
            RedirectKind::Write => (">", true),
            RedirectKind::Clobber => (">|", true),
            RedirectKind::Append => (">>", true),
            RedirectKind::ReadWrite => ("<>", true),
            RedirectKind::DupIn => ("<&", false),
            RedirectKind::DupOut => (">&", false),
            RedirectKind::BothWrite => ("&>", true),
            RedirectKind::BothAppend => ("&>>", true),
            RedirectKind::HereDoc { strip: true, .. } => ("<<-", false),
            RedirectKind::HereDoc { strip: false, .. } => ("<<", false),
            RedirectKind::HereString => ("<<<", true),
        };
        // bash names the descriptor of a duplication even where it is the usual one.
        if redirect.fd == RedirectFd::Default && !space && redirect.here.is_none() {
            self.push(if operator == "<&" { "0" } else { "1" });
        }
        self.push(operator);
        if space {
            self.push(" ");
        }
        self.parts(&redirect.target.0);
        if redirect.here.is_some() {
            self.here.push(redirect.clone());
        }
    }

    fn parts_of_here(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Literal(text) | Part::Quoted(text, Quote::Single) => self.push(text),
                part => self.parts(std::slice::from_ref(part)),
            }
        }
    }

    fn parts(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Literal(text) => self.push(text),
                Part::Quoted(text, Quote::Backslash) => {
                    self.push("\\");
                    self.push(text);
                }
                Part::Quoted(text, Quote::Single) => self.push(&format!("'{text}'")),
                Part::Quoted(text, Quote::Dollar) => self.push(&quote::dollar(text)),
                Part::Double(parts) => {
                    self.push("\"");
                    self.parts(parts);
                    self.push("\"");
                }
                Part::Tilde(name) => self.push(&format!("~{name}")),
                Part::Param(param) => self.param(param),
                Part::Command(_, source) => self.push(&format!("$({source})")),
                Part::Arith(word) => {
                    self.push("$((");
                    self.parts(&word.0);
                    self.push("))");
                }
                Part::Process { read, list } => {
                    self.push(if *read { "<(" } else { ">(" });
                    self.inline(list);
                    self.push(")");
                }
            }
        }
    }

    fn param(&mut self, param: &Param) {
        if param.source == param.name && !param.braced {
            return self.push(&format!("${}", param.name));
        }
        self.push(&format!("${{{}}}", param.source));
    }
}
