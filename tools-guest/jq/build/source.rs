//! Definitions as jq's language writes them.

use std::fmt::Display;

use jaq_core::load;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Opt, Part, Path};

/// The definitions of a text; none if it is not one of definitions.
pub(crate) fn definitions(text: &str) -> Option<Vec<Def<&str>>> {
    load::parse(text, |parser| parser.defs())
}

/// A definition, as it is read again. Brackets stand around everything.
pub(crate) fn of_definition(definition: &Def<&str>) -> String {
    let parameters = arguments(&definition.args);
    format!("def {}{parameters}: {};", definition.name, of_term(&definition.body))
}

fn arguments(each: &[impl Display]) -> String {
    match each {
        [] => String::new(),
        each => format!("({})", joined(each, "; ")),
    }
}

fn joined(each: &[impl Display], between: &str) -> String {
    each.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

fn of_term(term: &Term<&str>) -> String {
    match term {
        Term::Id => ".".to_owned(),
        Term::Recurse => "..".to_owned(),
        Term::Num(text) | Term::Var(text) => (*text).to_owned(),
        Term::Str(format, parts) => {
            let parts: String = parts.iter().map(of_part).collect();
            format!("{}\"{parts}\"", format.map(|format| format!("{format} ")).unwrap_or_default())
        }
        Term::Arr(inner) => {
            format!("[{}]", inner.as_ref().map(|inner| of_term(inner)).unwrap_or_default())
        }
        Term::Obj(entries) => {
            let entries: Vec<String> = entries.iter().map(of_entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Term::Neg(inner) => format!("(-({}))", of_term(inner)),
        Term::BinOp(left, operator, right) => {
            format!("(({}) {} ({}))", of_term(left), of_operator(operator), of_term(right))
        }
        Term::Label(name, inner) => format!("(label {name} | {})", of_term(inner)),
        Term::Break(name) => format!("(break {name})"),
        Term::Fold(name, over, by, steps) => {
            let steps: Vec<String> = steps.iter().map(of_term).collect();
            let over = of_term(over);
            format!("({name} ({over}) as {} ({}))", of_pattern(by), steps.join("; "))
        }
        Term::TryCatch(tried, None) => format!("(try ({}))", of_term(tried)),
        Term::TryCatch(tried, Some(caught)) => {
            format!("(try ({}) catch ({}))", of_term(tried), of_term(caught))
        }
        Term::IfThenElse(cases, otherwise) => {
            let case = |(test, then)| format!("if {} then {} ", of_term(test), of_term(then));
            let cases: Vec<String> = cases.iter().map(|(test, then)| case((test, then))).collect();
            let otherwise = otherwise.as_ref().map(|last| format!("else {} ", of_term(last)));
            format!("({}{}end)", cases.join("el"), otherwise.unwrap_or_default())
        }
        Term::Def(definitions, body) => {
            let definitions: Vec<String> = definitions.iter().map(of_definition).collect();
            format!("({} {})", definitions.join(" "), of_term(body))
        }
        Term::Call(name, each) => {
            let each: Vec<String> = each.iter().map(of_term).collect();
            format!("{name}{}", arguments(&each))
        }
        Term::Path(of, Path(parts)) => {
            let parts: String = parts.iter().map(of_step).collect();
            format!("({}){parts}", of_term(of))
        }
    }
}

fn of_part(part: &StrPart<&str, Term<&str>>) -> String {
    match part {
        StrPart::Str(text) => (*text).to_owned(),
        StrPart::Term(inner) => format!("\\({})", of_term(inner)),
        StrPart::Char(c) => {
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
    }
}

fn of_entry((key, value): &(Term<&str>, Option<Term<&str>>)) -> String {
    match (key, value) {
        (key, None) => of_term(key),
        (key @ (Term::Str(..) | Term::Var(_)), Some(value)) => {
            format!("{}: ({})", of_term(key), of_term(value))
        }
        (key, Some(value)) => format!("({}): ({})", of_term(key), of_term(value)),
    }
}

fn of_operator(operator: &BinaryOp<&str>) -> String {
    match operator {
        BinaryOp::Pipe(None) => "|".to_owned(),
        BinaryOp::Pipe(Some(by)) => format!("as {} |", of_pattern(by)),
        BinaryOp::Comma => ",".to_owned(),
        BinaryOp::Alt => "//".to_owned(),
        BinaryOp::Or => "or".to_owned(),
        BinaryOp::And => "and".to_owned(),
        BinaryOp::Math(math) => math.as_str().to_owned(),
        BinaryOp::Cmp(comparison) => comparison.as_str().to_owned(),
        BinaryOp::Assign => "=".to_owned(),
        BinaryOp::Update => "|=".to_owned(),
        BinaryOp::UpdateMath(math) => format!("{}=", math.as_str()),
        BinaryOp::UpdateAlt => "//=".to_owned(),
    }
}

fn of_pattern(pattern: &Pattern<&str>) -> String {
    match pattern {
        Pattern::Var(name) => (*name).to_owned(),
        Pattern::Arr(inner) => {
            let inner: Vec<String> = inner.iter().map(of_pattern).collect();
            format!("[{}]", inner.join(", "))
        }
        Pattern::Obj(inner) => {
            let entry = |(key, by): &(Term<&str>, Pattern<&str>)| match (key, by) {
                (Term::Var(name), Pattern::Var(by)) if name == by => (*name).to_owned(),
                (key, by) => format!("({}): {}", of_term(key), of_pattern(by)),
            };
            let inner: Vec<String> = inner.iter().map(entry).collect();
            format!("{{{}}}", inner.join(", "))
        }
    }
}

fn of_step((part, optional): &(Part<Term<&str>>, Opt)) -> String {
    let inner = match part {
        Part::Index(index) => of_term(index),
        Part::Range(None, None) => String::new(),
        Part::Range(from, to) => {
            let end = |end: &Option<Term<&str>>| end.as_ref().map(of_term).unwrap_or_default();
            format!("{}:{}", end(from), end(to))
        }
    };
    let mark = if matches!(optional, Opt::Optional) { "?" } else { "" };
    format!("[{inner}]{mark}")
}
