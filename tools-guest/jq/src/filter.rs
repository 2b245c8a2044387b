//! Compiling and running the filter.

use std::io::{self, BufWriter, Read, Write};

use jaq_core::data::{DataT, HasLut};
use jaq_core::load::parse::{BinaryOp, Def, Term};
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Lut, Vars};
use jaq_json::write::{self, Pp, Styles};
use jaq_json::{Map, Val, read};
use jaq_std::input::{HasInputs, Inputs, RcIter};

use crate::options::{Options, text};
use crate::{message, number, paths, rewrite};

/// What the libraries lack, or define otherwise.
const PRELUDE: &str = include_str!("prelude.jq");

/// How deeply brackets may nest in a filter.
const MAX_NESTING: usize = 1_000;

/// What the filter is called among the definitions.
const FILTER: &str = "_filter";

/// What filters can reach beside their input: the inputs that follow.
struct Kind;

struct Data<'a> {
    lut: &'a Lut<Kind>,
    inputs: Inputs<'a, Val>,
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

/// Runs the filter over the inputs, and gives the status to exit with.
pub(crate) fn run(options: Options) -> i32 {
    let mut named = options.named.clone();
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
    named.push(("ARGS".to_owned(), Val::obj(args)));
    named.push(("ENV".to_owned(), object(&env)));
    let (names, values): (Vec<String>, Vec<Val>) =
        named.into_iter().map(|(name, value)| (format!("${name}"), value)).unzip();
    if nesting(&options.filter) > MAX_NESTING {
        return invalid(&options.filter, "the filter nests too deeply");
    }
    let filter = load::parse(&options.filter, |parser| parser.term());
    let prelude = load::parse(PRELUDE, |parser| parser.defs());
    let (Some(mut filter), Some(prelude)) = (filter, prelude) else {
        return invalid(&options.filter, "syntax error");
    };
    if options.stream {
        let each = Term::Call("tostream", Vec::new());
        filter = Term::BinOp(Box::new(each), BinaryOp::Pipe(None), Box::new(filter));
    }
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).chain(prelude);
    let mut defs: Vec<Def<&str>> = defs.collect();
    defs.push(Def { name: FILTER, args: Vec::new(), body: filter });
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let own = paths::functions().into_iter().chain(number::functions());
    let own = own.chain(message::functions());
    let own = own.chain(jaq_std::input::funs().into_vec()).map(jaq_core::native::run);
    let funs = funs.chain(own);
    let arena = Arena::default();
    let loader = Loader::new(defs.into_iter().map(rewrite::definition));
    let modules = match loader.load(&arena, File { code: FILTER, path: () }) {
        Ok(modules) => modules,
        Err(_) => return invalid(&options.filter, "syntax error"),
    };
    let compiler =
        Compiler::default().with_funs(funs).with_global_vars(names.iter().map(String::as_str));
    let filter = match compiler.compile(modules) {
        Ok(filter) => filter,
        Err(errors) => {
            let undefined = errors.iter().flat_map(|(_, errors)| errors).next();
            let what = undefined.map_or("error".to_owned(), |(name, kind)| {
                format!("{name}: {kind:?} is not defined")
            });
            return invalid(&options.filter, &what);
        }
    };
    let mut status = 0;
    let inputs = inputs(&options, &mut status);
    let failed_inputs = status;
    let inputs = RcIter::new(inputs.into_iter());
    let inputs: Inputs<'_, Val> = &inputs;
    let data = Data { lut: &filter.lut, inputs };
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let mut last = None;
    let mut status = 0;
    let mut halted = None;
    let mut one = |input: Val, out: &mut dyn Write| -> bool {
        let ctx = Ctx::<Kind>::new(&data, Vars::new(values.clone()));
        for result in filter.id.run((ctx, input)) {
            let error = match result {
                Ok(value) => {
                    if print(&options, &value, out).is_err() {
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
                    eprintln!("{}", message::of_error(error));
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
    let _ = out.flush();
    if let Some(code) = halted {
        return code;
    }
    match (status.max(failed_inputs), options.exit_status, last) {
        (0, true, None) => 4,
        (0, true, Some(truth)) => i32::from(!truth),
        (status, ..) => status,
    }
}

/// How deeply brackets nest in a filter. Those in its texts are counted as well, which does no harm:
/// the library goes into each by calling itself, and no filter that somebody writes comes near.
fn nesting(filter: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in filter.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn invalid(filter: &str, what: &str) -> i32 {
    eprintln!("jq: error: {what} at <top-level>:\n{filter}\njq: 1 compile error");
    3
}

/// Everything that is read. A file that is not there is told of, and the others are read.
fn inputs(options: &Options, status: &mut i32) -> Vec<Result<Val, String>> {
    let mut content = Vec::new();
    let asks = !options.null_input || options.filter.contains("input");
    if options.files.is_empty() && asks {
        let _ = io::stdin().lock().read_to_end(&mut content);
    }
    for path in &options.files {
        let read = match path.as_str() {
            "-" => io::stdin().lock().read_to_end(&mut content).map(|_| Vec::new()),
            path => std::fs::read(path),
        };
        match read {
            Ok(bytes) => content.extend(bytes),
            Err(error) => {
                let error = error.to_string();
                let error = error.split_once(" (os").map_or(error.as_str(), |(text, _)| text);
                eprintln!("jq: error: Could not open {path}: {error}");
                *status = 2;
            }
        }
    }
    if options.raw_input {
        let all = String::from_utf8_lossy(&content).into_owned();
        if options.slurp {
            return vec![Ok(text(&all))];
        }
        let lines = all.strip_suffix('\n').unwrap_or(&all);
        if all.is_empty() {
            return Vec::new();
        }
        return lines.split('\n').map(|line| Ok(text(line))).collect();
    }
    let values = read::parse_many(&content).map(|value| value.map_err(|error| error.to_string()));
    if !options.slurp {
        // After what is no JSON there is nothing to go on with.
        let mut failed = false;
        return values
            .take_while(|value| !std::mem::replace(&mut failed, value.is_err()))
            .collect();
    }
    match values.collect::<Result<Vec<Val>, String>>() {
        Ok(values) => vec![Ok(values.into_iter().collect())],
        Err(error) => vec![Err(error)],
    }
}

fn print(options: &Options, value: &Val, out: &mut dyn Write) -> io::Result<()> {
    if options.separate {
        // RFC 7464: the record separator stands before each text.
        out.write_all(b"\x1e")?;
    }
    match value {
        Val::TStr(bytes) if options.raw_output && !options.ascii => out.write_all(bytes)?,
        value => {
            let indent = match (options.compact, options.tab, options.indent) {
                (true, ..) | (_, _, Some(0)) => None,
                (_, true, _) => Some("\t".to_owned()),
                (.., count) => Some(" ".repeat(count.unwrap_or(2))),
            };
            let compact = indent.is_none();
            let styles = if options.color { Styles::ansi() } else { Styles::default() };
            let pp = Pp { indent, sort_keys: options.sort_keys, sep_space: !compact, styles };
            if options.ascii {
                let mut text = Vec::new();
                write::write(&mut text, &pp, 0, value)?;
                out.write_all(ascii(&String::from_utf8_lossy(&text)).as_bytes())?;
            } else {
                write::write(out, &pp, 0, value)?;
            }
        }
    }
    if options.end_null {
        out.write_all(b"\0")
    } else if options.join {
        Ok(())
    } else {
        out.write_all(b"\n")
    }
}

/// JSON without characters beyond ASCII.
fn ascii(json: &str) -> String {
    let mut result = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            result.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            result.push_str(&format!("\\u{unit:04x}"));
        }
    }
    result
}
