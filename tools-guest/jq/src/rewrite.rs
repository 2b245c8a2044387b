//! jq's meaning of assignments and of numbers, put into a filter before it is compiled.
//!
//! The libraries follow no path through what is not there (`{} | .a.b = 1`), lose the order of
//! keys when one is removed, and show `4 / 2` as `2.0`. Here an assignment becomes a call of a
//! function of our own, the result of arithmetic is made a whole number if it is one, and what
//! goes into a text is written as jq writes numbers.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};

/// The value that an assignment is computed with. No filter can name it.
const VALUE: &str = "$__value";

/// Functions that give a floating-point number where jq shows a whole one.
const MATH: &[&str] = &[
    "cbrt",
    "exp",
    "exp10",
    "exp2",
    "fabs",
    "fma",
    "fmax",
    "fmin",
    "fmod",
    "ldexp",
    "log",
    "log10",
    "log2",
    "logb",
    "pow",
    "pow10",
    "scalb",
    "scalbln",
    "significand",
    "sqrt",
    "trunc",
];

/// A definition, its body rewritten.
pub(crate) fn definition(def: Def<&str>) -> Def<&str> {
    Def { name: def.name, args: def.args, body: term(def.body) }
}

/// A filter, rewritten.
pub(crate) fn term(filter: Term<&str>) -> Term<&str> {
    match filter {
        Term::BinOp(left, operator, right) => binary(term(*left), operator, term(*right)),
        Term::Call(name, arguments) => {
            let call = Term::Call(name, arguments.into_iter().map(term).collect());
            if MATH.contains(&name) { whole(call) } else { call }
        }
        Term::Str(format, parts) => Term::Str(format, parts.into_iter().map(part).collect()),
        Term::Arr(inner) => Term::Arr(inner.map(|inner| boxed(*inner))),
        Term::Obj(entries) => {
            let entry = |(key, value): (_, Option<_>)| (term(key), value.map(term));
            Term::Obj(entries.into_iter().map(entry).collect())
        }
        Term::Neg(inner) => Term::Neg(boxed(*inner)),
        Term::Label(name, inner) => Term::Label(name, boxed(*inner)),
        Term::Fold(name, over, by, steps) => {
            Term::Fold(name, boxed(*over), pattern(by), steps.into_iter().map(term).collect())
        }
        Term::TryCatch(tried, caught) => {
            Term::TryCatch(boxed(*tried), caught.map(|caught| boxed(*caught)))
        }
        Term::IfThenElse(cases, otherwise) => {
            let cases = cases.into_iter().map(|(test, then)| (term(test), term(then)));
            Term::IfThenElse(cases.collect(), otherwise.map(|last| boxed(*last)))
        }
        Term::Def(defs, body) => {
            Term::Def(defs.into_iter().map(definition).collect(), boxed(*body))
        }
        Term::Path(of, Path(parts)) => {
            let parts = parts.into_iter().map(|(part, optional)| (step(part), optional));
            Term::Path(boxed(*of), Path(parts.collect()))
        }
        leaf @ (Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_)) => leaf,
    }
}

fn binary<'s>(
    left: Term<&'s str>,
    operator: BinaryOp<&'s str>,
    right: Term<&'s str>,
) -> Term<&'s str> {
    // What is on the right is computed with what comes in, and not with what is assigned to.
    let with_value = |value, update: Term<&'s str>| {
        let modify = Term::Call("_modify", vec![left.clone(), update]);
        Term::BinOp(Box::new(value), BinaryOp::Pipe(Some(Pattern::Var(VALUE))), Box::new(modify))
    };
    let operate = |operator| Term::BinOp(Box::new(Term::Id), operator, Box::new(Term::Var(VALUE)));
    match operator {
        BinaryOp::Assign => Term::Call("_assign", vec![left, right]),
        BinaryOp::Update => Term::Call("_modify", vec![left, right]),
        BinaryOp::UpdateMath(math) => {
            with_value(right, calculated(Term::Id, math, Term::Var(VALUE)))
        }
        BinaryOp::UpdateAlt => with_value(right, operate(BinaryOp::Alt)),
        BinaryOp::Math(math) => calculated(left, math, right),
        BinaryOp::Pipe(by) => {
            Term::BinOp(Box::new(left), BinaryOp::Pipe(by.map(pattern)), Box::new(right))
        }
        operator => Term::BinOp(Box::new(left), operator, Box::new(right)),
    }
}

fn calculated<'s>(left: Term<&'s str>, math: Math, right: Term<&'s str>) -> Term<&'s str> {
    let (left, right) = match math {
        Math::Rem => (piped(left, "_operand"), piped(right, "_operand")),
        _ => (left, right),
    };
    whole(Term::BinOp(Box::new(left), BinaryOp::Math(math), Box::new(right)))
}

fn whole(number: Term<&str>) -> Term<&str> {
    piped(number, "_whole")
}

/// A filter, and a function over its results.
fn piped<'s>(filter: Term<&'s str>, function: &'s str) -> Term<&'s str> {
    let call = Box::new(Term::Call(function, Vec::new()));
    Term::BinOp(Box::new(filter), BinaryOp::Pipe(None), call)
}

fn boxed(inner: Term<&str>) -> Box<Term<&str>> {
    Box::new(term(inner))
}

fn part<'s>(part: StrPart<&'s str, Term<&'s str>>) -> StrPart<&'s str, Term<&'s str>> {
    match part {
        StrPart::Term(inner) => StrPart::Term(piped(term(inner), "_shown")),
        text => text,
    }
}

fn step(part: Part<Term<&str>>) -> Part<Term<&str>> {
    match part {
        Part::Index(index) => Part::Index(term(index)),
        Part::Range(from, to) => Part::Range(from.map(term), to.map(term)),
    }
}

fn pattern(by: Pattern<&str>) -> Pattern<&str> {
    match by {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(inner) => Pattern::Arr(inner.into_iter().map(pattern).collect()),
        Pattern::Obj(inner) => {
            Pattern::Obj(inner.into_iter().map(|(key, by)| (term(key), pattern(by))).collect())
        }
    }
}
