//! Numbers as jq shows them, and the format of base 32.

use data_encoding::BASE32;
use jaq_core::native::{Filter, bome, v};
use jaq_core::{DataT, RunPtr};
use jaq_json::{Error, Num, Val};

/// From here on floating-point numbers are not exact to one.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The functions that `prelude.jq` and rewritten arithmetic call.
pub(crate) fn functions<D: for<'a> DataT<V<'a> = Val>>() -> Vec<Filter<RunPtr<D>>> {
    vec![
        ("_whole", v(0), |cv| bome(Ok(whole(cv.1)))),
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
        Val::Num(Num::Float(number)) if number.fract() == 0.0 && number.abs() < MAX_EXACT => {
            Val::Num(Num::from_integral(number as i64))
        }
        value => value,
    }
}
