//! Running the filter over its inputs.

use std::io::{self, BufWriter, Write};

use jaq_core::data::{DataT, HasLut};
use jaq_core::native::{bome, v};
use jaq_core::{Ctx, Lut, RunPtr, Vars, native};
use jaq_json::{Map, Num, Val};
use jaq_std::input::{HasInputs, Inputs, RcIter};

use crate::input::{self, Place};
use crate::options::{Options, text};
use crate::{compile, message, output};

/// What filters can reach beside their input: the inputs that follow, and where these are from.
pub(crate) struct Kind;

pub(crate) struct Data<'a> {
    lut: &'a Lut<Kind>,
    inputs: Inputs<'a, Val>,
    place: &'a Place,
}

impl DataT for Kind {
    type V<'a> = Val;
    type Data<'a> = &'a Data<'a>;
}

impl<'a> HasLut<'a, Kind> for &'a Data<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        self.lut
    }
}

impl<'a> HasInputs<'a, Val> for &'a Data<'a> {
    fn inputs(&self) -> Inputs<'a, Val> {
        self.inputs
    }
}

/// What tells where the input is from.
pub(crate) trait HasPlace {
    fn place(&self) -> &Place;
}

impl HasPlace for &Data<'_> {
    fn place(&self) -> &Place {
        self.place
    }
}

/// The functions that do.
pub(crate) fn functions<D>() -> Vec<native::Filter<RunPtr<D>>>
where
    D: for<'a> DataT<V<'a> = Val>,
    for<'a> D::Data<'a>: HasPlace,
{
    vec![
        ("input_filename", v(0), |cv| {
            bome(Ok(cv.0.data().place().file().map_or(Val::Null, |file| text(&file))))
        }),
        ("input_line_number", v(0), |cv| {
            bome(Ok(Val::Num(Num::from_integral(cv.0.data().place().lines()))))
        }),
    ]
}

/// Runs the filter over the inputs, and gives the status to exit with.
pub(crate) fn run(options: &Options) -> i32 {
    let (names, values) = variables(options);
    let filter = match compile::compile(&options.filter, options.stream, &names) {
        Ok(filter) => filter,
        Err(message) => {
            eprintln!("{message}");
            return 3;
        }
    };
    let place = Place::default();
    let inputs = RcIter::new(input::inputs(options, &place));
    let inputs: Inputs<'_, Val> = &inputs;
    let data = Data { lut: &filter.lut, inputs, place: &place };
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let mut last = None;
    let mut status = 0;
    let mut halted = None;
    let mut unwritten = None;
    let mut one = |input: Val, out: &mut dyn Write| -> bool {
        let ctx = Ctx::<Kind>::new(&data, Vars::new(values.clone()));
        for result in filter.id.run((ctx, input)) {
            let error = match result {
                Ok(value) => {
                    if let Err(error) = output::print(options, &value, out) {
                        unwritten = Some(error);
                        return false;
                    }
                    last = Some(!matches!(value, Val::Null | Val::Bool(false)));
                    continue;
                }
                Err(error) => error,
            };
            let _ = out.flush();
            match error.get_err() {
                Ok(error) => {
                    eprintln!("{}", message::of_error(error, &place));
                    status = 5;
                    return true;
                }
                Err(end) => {
                    halted = end.get_halt().ok();
                    return false;
                }
            }
        }
        true
    };
    if options.null_input {
        one(Val::Null, &mut out);
    } else {
        for input in inputs {
            match input {
                Ok(input) => {
                    if !one(input, &mut out) {
                        break;
                    }
                }
                Err(error) => {
                    let _ = out.flush();
                    eprintln!("jq: parse error: {error}");
                    status = 2;
                    break;
                }
            }
        }
    }
    if let Some(error) = unwritten.or_else(|| out.flush().err()) {
        let error = toolcell_program::message(&error);
        eprintln!("jq: error: writing output failed: {error}");
        return 2;
    }
    if let Some(code) = halted {
        return code;
    }
    let failed = if place.has_failed() { 2 } else { 0 };
    match (status.max(failed), options.exit_status, last) {
        (0, true, None) => 4,
        (0, true, Some(truth)) => i32::from(!truth),
        (status, ..) => status,
    }
}

/// The variables that the command line gives the filter, and what every filter finds.
fn variables(options: &Options) -> (Vec<String>, Vec<Val>) {
    let object = |pairs: &[(String, Val)]| {
        let pairs = pairs.iter().map(|(name, value)| (text(name), value.clone()));
        Val::obj(pairs.collect::<Map>())
    };
    let args: Map = [
        (text("positional"), options.positional.iter().cloned().collect()),
        (text("named"), object(&options.named)),
    ]
    .into_iter()
    .collect();
    let env: Vec<(String, Val)> =
        std::env::vars().map(|(name, value)| (name, text(&value))).collect();
    let found = [("ARGS".to_owned(), Val::obj(args)), ("ENV".to_owned(), object(&env))];
    let named = options.named.iter().cloned().chain(found);
    named.map(|(name, value)| (format!("${name}"), value)).unzip()
}
