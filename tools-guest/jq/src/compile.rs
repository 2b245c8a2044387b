//! From the text of a filter to what can be run.

use jaq_core::load::lex::{self, Tok, Token};
use jaq_core::load::parse::{self, BinaryOp, Def, Parser, Term};
use jaq_core::load::{Arena, File, Lexer, Loader, span};
use jaq_core::{Compiler, Filter, compile, native};

use crate::run::{self, Kind};
use crate::{definitions, message, number, paths, rewrite};

/// How deeply brackets may nest in a filter.
const MAX_NESTING: usize = 1_000;

/// What the filter is called among the definitions.
const FILTER: &str = "_filter";

/// The filter, which may name these variables; or what is wrong with it. With `stream` it gets the
/// events of each input.
pub(crate) fn compile(
    source: &str,
    stream: bool,
    names: &[String],
) -> Result<Filter<Kind>, String> {
    if nesting(source) > MAX_NESTING {
        return Err(invalid(source, "the filter nests too deeply", source));
    }
    let mut filter = read(source)?;
    if stream {
        let each = Term::Call("tostream", Vec::new());
        filter = Term::BinOp(Box::new(each), BinaryOp::Pipe(None), Box::new(filter));
    }
    let mut defs: Vec<Def<&str>> = definitions::needed(&filter);
    defs.push(Def { name: FILTER, args: Vec::new(), body: filter });
    let arena = Arena::default();
    let loader = Loader::new(defs.into_iter().map(rewrite::definition));
    let modules = loader.load(&arena, File { code: FILTER, path: () });
    let modules = modules.map_err(|_| invalid(source, "syntax error", source))?;
    let names = names.iter().map(String::as_str);
    let compiler = Compiler::default().with_funs(functions()).with_global_vars(names);
    compiler.compile(modules).map_err(|errors| {
        let undefined = errors.iter().flat_map(|(_, errors)| errors).next();
        let (name, kind) = undefined.map_or((source, None), |(name, kind)| (*name, Some(kind)));
        let what = match kind {
            Some(compile::Undefined::Filter(arity)) => format!("{name}/{arity} is not defined"),
            Some(compile::Undefined::Label) => {
                format!("$*label-{} is not defined", name.trim_start_matches('$'))
            }
            _ => format!("{name} is not defined"),
        };
        invalid(source, &what, name)
    })
}

/// The functions that are not defined in jq's own language.
fn functions() -> impl Iterator<Item = native::Fun<Kind>> {
    let library = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let own = paths::functions().into_iter().chain(number::functions());
    let own = own.chain(message::functions()).chain(run::functions());
    let own = own.chain(jaq_std::input::funs().into_vec());
    library.chain(own.into_iter().map(native::run))
}

fn read(source: &str) -> Result<Term<&str>, String> {
    let unexpected = |what: &str, at: &str| {
        let what = format!("syntax error, unexpected {what} (Unix shell quoting issues?)");
        invalid(source, &what, at)
    };
    let end = &source[source.len()..];
    let tokens = Lexer::new(source).lex().map_err(|errors| match errors.first() {
        Some((lex::Expect::Delim(open), _)) if is_open(source, open) => unexpected("$end", end),
        Some((_, at)) => unexpected("INVALID_CHARACTER", at),
        None => unexpected("$end", end),
    })?;
    Parser::new(&tokens).parse(|parser| parser.term()).map_err(|errors| match errors.first() {
        Some((expected, Some(Token(text, kind)))) => {
            let what = match kind {
                Tok::Word => "IDENT".to_owned(),
                Tok::Num => "LITERAL".to_owned(),
                Tok::Fmt => "FORMAT".to_owned(),
                Tok::Str(_) => "QQSTRING_START".to_owned(),
                Tok::Var | Tok::Sym | Tok::Block(_) => {
                    format!("'{}'", text.chars().next().unwrap_or_default())
                }
            };
            let after = match expected {
                parse::Expect::Nothing => ", expecting $end",
                _ => "",
            };
            unexpected(&format!("{what}{after}"), text)
        }
        _ => unexpected("$end", end),
    })
}

/// Whether what `open` begins with is not closed anywhere; it may be closed by something else.
fn is_open(source: &str, open: &str) -> bool {
    !source[span(source, open).start..].ends_with([')', ']', '}'])
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

/// What is said of a filter that cannot be compiled because of the part `at`.
fn invalid(source: &str, what: &str, at: &str) -> String {
    let within = source.as_bytes().as_ptr_range().contains(&at.as_ptr());
    let start = if within { span(source, at).start } else { source.len() };
    let before = &source[..start];
    let line = before.matches('\n').count() + 1;
    let text = source.lines().nth(line - 1).unwrap_or_default();
    format!("jq: error: {what} at <top-level>, line {line}:\n{text}\njq: 1 compile error")
}
