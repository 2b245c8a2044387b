//! How what is found is printed: ripgrep's printers, set up by the options.

use std::io::{self, Write};
use std::time::Duration;

use grep_printer::{
    ColorSpecs, JSON, JSONBuilder, Standard, StandardBuilder, Stats, Summary, SummaryBuilder,
    SummaryKind,
};
use serde_json::json;
use termcolor::WriteColor;

use crate::options::{Mode, Options};

/// One printer for all files of a run: it knows what stood before.
pub(crate) enum Printer<W: WriteColor> {
    Lines(Standard<W>),
    Summary(Summary<W>),
    Messages(JSON<W>),
}

impl<W: WriteColor> Printer<W> {
    pub(crate) fn new(o: &Options, with_path: bool, out: W) -> Printer<W> {
        let kind = match o.mode {
            Mode::Lines | Mode::Files => return Printer::Lines(lines(o, with_path, out)),
            Mode::Json => {
                let messages = JSONBuilder::new().replacement(replacement(o)).build(out);
                return Printer::Messages(messages);
            }
            Mode::Count => SummaryKind::Count,
            Mode::CountMatches => SummaryKind::CountMatches,
            Mode::WithMatch => SummaryKind::PathWithMatch,
            Mode::WithoutMatch => SummaryKind::PathWithoutMatch,
            Mode::Quiet => SummaryKind::QuietWithMatch,
        };
        let mut builder = SummaryBuilder::new();
        builder
            .color_specs(colors(o))
            .stats(o.stats)
            .kind(kind)
            .exclude_zero(!o.include_zero)
            .path(with_path)
            .separator_path(o.path_separator)
            .path_terminator(o.null.then_some(0));
        Printer::Summary(builder.build(out))
    }
}

fn lines<W: WriteColor>(o: &Options, with_path: bool, out: W) -> Standard<W> {
    let context = o.before > 0 || o.after > 0;
    let between = match (o.heading, context) {
        (true, _) => Some(Vec::new()),
        (false, true) => o.context_separator.clone(),
        (false, false) => None,
    };
    let mut builder = StandardBuilder::new();
    builder
        .color_specs(colors(o))
        .stats(o.stats)
        .heading(o.heading)
        .path(with_path)
        .only_matching(o.only_matching)
        .per_match(o.per_match)
        .per_match_one_line(true)
        .replacement(replacement(o))
        .max_columns(o.most_columns)
        .max_columns_preview(o.columns_preview)
        .column(o.column)
        .byte_offset(o.byte_offset)
        .trim_ascii(o.trim)
        .separator_search(between)
        .separator_context(o.context_separator.clone())
        .separator_field_match(o.match_separator.clone())
        .separator_field_context(o.field_separator.clone())
        .separator_path(o.path_separator)
        .path_terminator(o.null.then_some(0));
    builder.build(out)
}

fn colors(o: &Options) -> ColorSpecs {
    o.colors.clone().unwrap_or_else(|| ColorSpecs::new(&[]))
}

fn replacement(o: &Options) -> Option<Vec<u8>> {
    o.replace.as_ref().map(|text| text.clone().into_bytes())
}

/// What `--stats` says at the end, as text or as the last message.
pub(crate) fn stats(
    o: &Options,
    stats: &Stats,
    total: Duration,
    out: &mut impl Write,
) -> io::Result<()> {
    let seconds = |time: Duration| format!("{:.6}s", time.as_secs_f64());
    if o.mode == Mode::Json {
        let time = |time: Duration| json!({ "human": seconds(time), "nanos": time.subsec_nanos(), "secs": time.as_secs() });
        let message = json!({
            "data": {
                "elapsed_total": time(total),
                "stats": {
                    "bytes_printed": stats.bytes_printed(),
                    "bytes_searched": stats.bytes_searched(),
                    "elapsed": time(stats.elapsed()),
                    "matched_lines": stats.matched_lines(),
                    "matches": stats.matches(),
                    "searches": stats.searches(),
                    "searches_with_match": stats.searches_with_match(),
                },
            },
            "type": "summary",
        });
        return writeln!(out, "{message}");
    }
    write!(
        out,
        "\n{} matches\n{} matched lines\n{} files contained matches\n{} files searched\n\
         {} bytes printed\n{} bytes searched\n{:.6} seconds spent searching\n{:.6} seconds\n",
        stats.matches(),
        stats.matched_lines(),
        stats.searches_with_match(),
        stats.searches(),
        stats.bytes_printed(),
        stats.bytes_searched(),
        stats.elapsed().as_secs_f64(),
        total.as_secs_f64(),
    )
}
