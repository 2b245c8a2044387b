//! What is said on standard error: by `debug`, `stderr` and `halt_error`, and of errors, in jq's
//! words.

use jaq_core::native::{Filter, bome, v};
use jaq_core::{DataT, RunPtr};
use jaq_json::{Error, Val, read};

use crate::input::{self, Place};
use crate::number;

/// Characters that are shown of a value in a message.
const MAX_SHOWN: usize = 11;

/// The functions that `prelude.jq` calls; each gives its input on.
pub(crate) fn functions<D: for<'a> DataT<V<'a> = Val>>() -> Vec<Filter<RunPtr<D>>> {
    vec![
        ("_stderr", v(0), |cv| {
            eprint!("{}", raw(&cv.1));
            bome(Ok(cv.1))
        }),
        ("_debug", v(0), |cv| {
            eprintln!("[\"DEBUG:\",{}]", number::shown(&cv.1).as_ref().unwrap_or(&cv.1));
            bome(Ok(cv.1))
        }),
        ("_fromjson", v(0), |cv| {
            let fail = |what| Error::str(format_args!("{what}"));
            bome(cv.1.try_as_bytes_owned().and_then(|text| input::from_json(&text).map_err(fail)))
        }),
        ("_last_words", v(0), |cv| {
            match &cv.1 {
                Val::TStr(_) => eprint!("{}", raw(&cv.1)),
                value => eprintln!("{value}"),
            }
            bome(Ok(cv.1))
        }),
    ]
}

/// A text as it is, anything else as JSON.
fn raw(value: &Val) -> String {
    match value {
        Val::TStr(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        value => value.to_string(),
    }
}

/// What is said of an error that nothing has caught.
pub(crate) fn of_error(error: Error, place: &Place) -> String {
    match error.into_val() {
        Val::TStr(text) => {
            let text = String::from_utf8_lossy(&text).into_owned();
            let text = in_its_words(&text).unwrap_or(text);
            format!("jq: error (at {place}): {text}")
        }
        value => format!("jq: error (at {place}) (not a string): {value}"),
    }
}

/// The library's message in jq's words, where jq has some.
fn in_its_words(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix("cannot index ") {
        let (value, key) = split(rest, " with ")?;
        let key = match key {
            Val::TStr(_) => format!("string {key}"),
            key => kind(&key).to_owned(),
        };
        return Some(format!("Cannot index {} with {key}", kind(&value)));
    }
    if let Some(rest) = text.strip_prefix("cannot use ") {
        let value = rest.strip_suffix(" as iterable (array or object)")?;
        let value = read::parse_single(value.as_bytes()).ok()?;
        return Some(format!("Cannot iterate over {}", shown(&value)));
    }
    let rest = text.strip_prefix("cannot calculate ")?;
    let operators = [
        (" + ", "added"),
        (" - ", "subtracted"),
        (" * ", "multiplied"),
        (" / ", "divided"),
        (" % ", "divided"),
    ];
    let found = operators.iter().find_map(|(sign, what)| Some((split(rest, sign)?, what)));
    let ((left, right), what) = found?;
    Some(format!("{} and {} cannot be {what}", shown(&left), shown(&right)))
}

/// The two values that stand on the sides of `between`.
fn split(text: &str, between: &str) -> Option<(Val, Val)> {
    text.match_indices(between).find_map(|(at, _)| {
        let left = read::parse_single(&text.as_bytes()[..at]).ok()?;
        let right = read::parse_single(&text.as_bytes()[at + between.len()..]).ok()?;
        Some((left, right))
    })
}

fn kind(value: &Val) -> &'static str {
    match value {
        Val::Null => "null",
        Val::Bool(_) => "boolean",
        Val::Num(_) => "number",
        Val::Arr(_) => "array",
        Val::Obj(_) => "object",
        _ => "string",
    }
}

/// A kind, and the beginning of the value.
fn shown(value: &Val) -> String {
    let text = value.to_string();
    let text = match text.chars().count() > MAX_SHOWN + 3 {
        true => format!("{}...", text.chars().take(MAX_SHOWN).collect::<String>()),
        false => text,
    };
    format!("{} ({text})", kind(value))
}
