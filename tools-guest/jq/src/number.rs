//! Numbers as jq shows them, and the format of base 32.

use data_encoding::BASE32;
use jaq_core::native::{Filter, bome, v};
use jaq_core::{DataT, RunPtr};
use jaq_json::{Error, Map, Num, Val};

/// From here on floating-point numbers are not exact to one.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The functions that `prelude.jq` and rewritten arithmetic call.
pub(crate) fn functions<D: for<'a> DataT<V<'a> = Val>>() -> Vec<Filter<RunPtr<D>>> {
    vec![
        ("_whole", v(0), |cv| bome(Ok(whole(cv.1)))),
        ("_operand", v(0), |cv| bome(Ok(operand(cv.1)))),
        ("_shown", v(0), |cv| bome(Ok(shown(&cv.1).unwrap_or(cv.1)))),
        ("_base32", v(0), |cv| {
            let bytes = cv.1.try_as_bytes_owned();
            bome(bytes.map(|bytes| Val::utf8_str(BASE32.encode(&bytes))))
        }),
        ("_base32d", v(0), |cv| {
            bome(cv.1.try_as_bytes_owned().and_then(|bytes| {
                let decoded = BASE32.decode(&bytes);
                let fail = |_| Error::str(format_args!("{} is not valid base32 data", cv.1));
                decoded.map(Val::utf8_str).map_err(fail)
            }))
        }),
    ]
}

/// A floating-point number that is whole, as an integer; anything else as it is.
fn whole(value: Val) -> Val {
    match value {
        Val::Num(Num::Float(number))
            if number.fract() == 0.0
                && number.abs() < MAX_EXACT
                && (number != 0.0 || number.is_sign_positive()) =>
        {
            Val::Num(Num::from_integral(number as i64))
        }
        value => value,
    }
}

/// A number as `%` takes it, without its fraction; anything else as it is.
fn operand(value: Val) -> Val {
    let number = match &value {
        Val::Num(Num::Float(number)) => *number,
        Val::Num(Num::Dec(text)) => text.parse().unwrap_or(f64::NAN),
        _ => return value,
    };
    let number = number.trunc();
    if number.abs() < MAX_EXACT { whole(Val::Num(Num::Float(number + 0.0))) } else { value }
}

/// A value with its floating-point numbers written as jq writes them. None if there are none.
pub(crate) fn shown(value: &Val) -> Option<Val> {
    has_float(value).then(|| with_floats_shown(value))
}

fn has_float(value: &Val) -> bool {
    match value {
        Val::Num(Num::Float(_)) => true,
        Val::Arr(items) => items.iter().any(has_float),
        Val::Obj(entries) => entries.iter().any(|(key, value)| has_float(key) || has_float(value)),
        _ => false,
    }
}

fn with_floats_shown(value: &Val) -> Val {
    match value {
        Val::Num(Num::Float(number)) if number.is_nan() => Val::Null,
        Val::Num(Num::Float(number)) => Val::Num(Num::Dec(float(*number).into())),
        Val::Arr(items) => items.iter().map(with_floats_shown).collect(),
        Val::Obj(entries) => {
            let entry = |(key, value)| (with_floats_shown(key), with_floats_shown(value));
            Val::obj(entries.iter().map(entry).collect::<Map>())
        }
        value => value.clone(),
    }
}

/// As few digits as tell the number from others. Up to fifteen zeros stand behind them, and up to
/// three before them; with more it is written with an exponent of two digits or more. JSON has no
/// infinity: the largest number stands for it.
fn float(number: f64) -> String {
    let number = number.clamp(f64::MIN, f64::MAX);
    let text = format!("{:e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits = mantissa.replace('.', "");
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let before_point = exponent + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let text = if number == 0.0 {
        digits
    } else if before_point <= -4 || before_point > count + 15 {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.abs())
    } else if before_point <= 0 {
        format!("0.{}{digits}", zeros(-before_point))
    } else if before_point >= count {
        format!("{digits}{}", zeros(before_point - count))
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(before_point).unwrap_or_default());
        format!("{whole}.{fraction}")
    };
    if number.is_sign_negative() { format!("-{text}") } else { text }
}
