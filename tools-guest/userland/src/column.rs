//! `column`.

use std::io::Write;

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};

/// The width of a terminal that is not there.
const WIDTH: usize = 80;

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = ["table:t", "separator=:s", "output-separator=:o", "output-width=:c", "fillrows:x"];
    let args = match parse(words, "ts:o:c:xn", &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("column: {error}");
            return 2;
        }
    };
    let (mut table, mut separators, mut between) = (false, None, "  ".to_owned());
    let (mut width, mut rows_first, mut paths) = (WIDTH, false, Vec::new());
    for arg in args {
        match arg {
            Arg::Operand(path) => paths.push(path),
            Arg::Option(letter, value) => {
                let value = value.unwrap_or_default();
                match letter.as_str() {
                    "t" => table = true,
                    "s" => separators = Some(value),
                    "o" => between = value,
                    "x" => rows_first = true,
                    "c" => match value.parse() {
                        Ok(columns) => width = columns,
                        Err(_) => {
                            eprintln!("column: invalid columns argument: '{value}'");
                            return 1;
                        }
                    },
                    _ => {}
                }
            }
        }
    }
    if paths.is_empty() {
        paths.push("-".to_owned());
    }
    let mut lines = Vec::new();
    let mut status = 0;
    for path in &paths {
        let mut content = Vec::new();
        if let Err(error) = open(path).and_then(|mut input| input.read_to_end(&mut content)) {
            eprintln!("column: {path}: {}", message(&error));
            status = 1;
            continue;
        }
        let text = String::from_utf8_lossy(&content).into_owned();
        lines.extend(text.lines().map(str::to_owned).filter(|line| !line.trim().is_empty()));
    }
    let done = match table {
        true => show_table(&lines, separators.as_deref(), &between, out),
        false => show_list(&lines, width, rows_first, out),
    };
    if done.is_err() { 1 } else { status }
}

fn show_table(
    lines: &[String],
    separators: Option<&str>,
    between: &str,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let rows: Vec<Vec<&str>> = lines
        .iter()
        .map(|line| match separators {
            Some(separators) => line.split(|c| separators.contains(c)).collect(),
            None => line.split_whitespace().collect(),
        })
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in &rows {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            line.push_str(cell);
            if at + 1 < row.len() {
                let missing = widths[at] - cell.chars().count();
                line.extend(std::iter::repeat_n(' ', missing));
                line.push_str(between);
            }
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Entries in columns of one width, filled downwards.
fn show_list(
    lines: &[String],
    width: usize,
    rows_first: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    // Columns begin at tab stops.
    let column = (longest / 8 + 1) * 8;
    let columns = (width / column).max(1);
    let rows = lines.len().div_ceil(columns);
    for row in 0..rows {
        let mut text = String::new();
        let cells: Vec<&String> = (0..columns)
            .filter_map(|at| {
                lines.get(if rows_first { row * columns + at } else { at * rows + row })
            })
            .collect();
        for (at, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            if at + 1 < cells.len() {
                let mut length = cell.chars().count();
                while length < column {
                    text.push('\t');
                    length = (length / 8 + 1) * 8;
                }
            }
        }
        writeln!(out, "{text}")?;
    }
    Ok(())
}
