//! What a filter calls by its name.

use std::collections::BTreeSet;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::Part;

/// Adds the names of all functions and formats that are called in a filter, be they its own.
pub(crate) fn names<'s>(filter: &Term<&'s str>, found: &mut BTreeSet<&'s str>) {
    match filter {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => {}
        Term::Call(name, arguments) => {
            found.insert(name);
            arguments.iter().for_each(|argument| names(argument, found));
        }
        Term::Str(format, parts) => {
            found.extend(format);
            for part in parts {
                if let StrPart::Term(inner) = part {
                    names(inner, found);
                }
            }
        }
        Term::Arr(inner) => inner.iter().for_each(|inner| names(inner, found)),
        Term::Neg(inner) | Term::Label(_, inner) => names(inner, found),
        Term::Obj(entries) => {
            for (key, value) in entries {
                names(key, found);
                value.iter().for_each(|value| names(value, found));
            }
        }
        Term::BinOp(left, operator, right) => {
            names(left, found);
            if let BinaryOp::Pipe(Some(by)) = operator {
                of_pattern(by, found);
            }
            names(right, found);
        }
        Term::Fold(_, over, by, steps) => {
            names(over, found);
            of_pattern(by, found);
            steps.iter().for_each(|step| names(step, found));
        }
        Term::TryCatch(tried, caught) => {
            names(tried, found);
            caught.iter().for_each(|caught| names(caught, found));
        }
        Term::IfThenElse(cases, otherwise) => {
            for (test, then) in cases {
                names(test, found);
                names(then, found);
            }
            otherwise.iter().for_each(|last| names(last, found));
        }
        Term::Def(definitions, body) => {
            definitions.iter().for_each(|definition| names(&definition.body, found));
            names(body, found);
        }
        Term::Path(of, path) => {
            names(of, found);
            for (part, _) in &path.0 {
                match part {
                    Part::Index(index) => names(index, found),
                    Part::Range(from, to) => {
                        from.iter().chain(to).for_each(|end| names(end, found));
                    }
                }
            }
        }
    }
}

fn of_pattern<'s>(pattern: &Pattern<&'s str>, found: &mut BTreeSet<&'s str>) {
    match pattern {
        Pattern::Var(_) => {}
        Pattern::Arr(inner) => inner.iter().for_each(|inner| of_pattern(inner, found)),
        Pattern::Obj(inner) => {
            for (key, by) in inner {
                names(key, found);
                of_pattern(by, found);
            }
        }
    }
}
