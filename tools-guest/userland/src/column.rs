//! `column`.

use std::io::Write;

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};
use toolcell_text::{escape, json as quoted};
use unicode_width::UnicodeWidthChar;

/// The width of a terminal that is not there.
const WIDTH: usize = 80;

/// What a table is made by.
#[derive(Default)]
struct Layout {
    separators: Option<String>,
    between: String,
    /// At most as many columns; the last one holds what is left of the line.
    limit: Option<usize>,
    names: Vec<String>,
    headless: bool,
    right: Vec<String>,
    hidden: Vec<String>,
    order: Vec<String>,
    json: bool,
    name: String,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "table:t",
        "separator=:s",
        "output-separator=:o",
        "output-width=:c",
        "fillrows:x",
        "table-columns=:N",
        "table-columns-limit=:l",
        "table-right=:R",
        "table-hide=:H",
        "table-order=:O",
        "table-name=:n",
        "table-noheadings:d",
        "keep-empty-lines:L",
        "json:J",
    ];
    let args = match parse(words, "ts:o:c:xN:l:R:H:O:n:dLJ", &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("column: {error}\nTry 'column --help' for more information.");
            return 1;
        }
    };
    let mut layout =
        Layout { between: "  ".to_owned(), name: "table".to_owned(), ..Layout::default() };
    let (mut table, mut keeps_empty) = (false, false);
    let (mut width, mut rows_first, mut paths) = (WIDTH, false, Vec::new());
    let list = |value: &str| value.split(',').map(str::to_owned).collect::<Vec<_>>();
    for arg in args {
        let (letter, value) = match arg {
            Arg::Operand(path) => {
                paths.push(path);
                continue;
            }
            Arg::Option(letter, value) => (letter, value.unwrap_or_default()),
        };
        match letter.as_str() {
            "t" => table = true,
            "s" => layout.separators = Some(value),
            "o" => layout.between = value,
            "x" => rows_first = true,
            "N" => layout.names = list(&value),
            "R" => layout.right = list(&value),
            "H" => layout.hidden = list(&value),
            "O" => layout.order = list(&value),
            "n" => layout.name = value,
            "d" => layout.headless = true,
            "L" => keeps_empty = true,
            "J" => (table, layout.json) = (true, true),
            "c" | "l" => match value.parse() {
                Ok(columns) if letter == "c" => width = columns,
                Ok(columns) => layout.limit = Some(columns),
                Err(_) => {
                    eprintln!("column: invalid columns argument: '{value}'");
                    return 1;
                }
            },
            _ => {}
        }
    }
    if layout.json && layout.names.is_empty() {
        eprintln!("column: option --table-columns required for --json");
        return 1;
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
        let text = escape::decode(&content);
        let kept = |line: &String| keeps_empty || !line.trim().is_empty();
        lines.extend(text.lines().map(str::to_owned).filter(kept));
    }
    let text = match table {
        true => layout.table(&lines),
        false => Ok(list_text(&lines, width, rows_first)),
    };
    match text {
        Ok(text) => match out.write_all(&escape::encode(&text)) {
            Ok(()) => status,
            Err(_) => 1,
        },
        Err(error) => {
            eprintln!("column: {error}");
            1
        }
    }
}

impl Layout {
    fn table(&self, lines: &[String]) -> Result<String, String> {
        let mut rows: Vec<Vec<&str>> = lines.iter().map(|line| self.cells(line)).collect();
        let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
        if self.json
            && let Some(at) = rows.iter().position(|row| row.len() > self.names.len())
        {
            let column = self.names.len() + 1;
            return Err(format!(
                "line {}: for JSON the name of the column {column} is required",
                at + 1
            ));
        }
        let count = longest.max(self.names.len());
        let mut order = Vec::new();
        for wanted in &self.order {
            order.push(self.column(wanted, count)?);
        }
        let rest: Vec<usize> = (0..count).filter(|at| !order.contains(at)).collect();
        order.extend(rest);
        for hidden in &self.hidden {
            let hidden = self.column(hidden, count)?;
            order.retain(|at| *at != hidden);
        }
        let mut right = vec![false; count];
        for wanted in &self.right {
            match wanted.as_str() {
                "0" => right.fill(true),
                wanted => right[self.column(wanted, count)?] = true,
            }
        }
        if self.json {
            return Ok(self.json(&rows, &order));
        }
        if !self.names.is_empty() && !self.headless {
            rows.insert(0, self.names.iter().map(String::as_str).collect());
        }
        Ok(self.text(&rows, &order, &right))
    }

    fn cells<'l>(&self, line: &'l str) -> Vec<&'l str> {
        let limit = self.limit.unwrap_or(usize::MAX).max(1);
        if let Some(separators) = &self.separators {
            return line.splitn(limit, |c| separators.contains(c)).collect();
        }
        let mut cells = Vec::new();
        let mut rest = line.trim();
        while !rest.is_empty() {
            let end = match cells.len() + 1 == limit {
                true => rest.len(),
                false => rest.find(char::is_whitespace).unwrap_or(rest.len()),
            };
            cells.push(&rest[..end]);
            rest = rest[end..].trim_start();
        }
        cells
    }

    /// Which column a name or a number, from 1 on, stands for.
    fn column(&self, wanted: &str, count: usize) -> Result<usize, String> {
        let named = self.names.iter().position(|name| name == wanted);
        let numbered = || wanted.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
        let found = named.or_else(numbered).filter(|at| *at < count);
        found.ok_or_else(|| format!("undefined column name '{wanted}'"))
    }

    fn text(&self, rows: &[Vec<&str>], order: &[usize], right: &[bool]) -> String {
        let width = |at: &usize| {
            rows.iter().filter_map(|row| row.get(*at)).map(|cell| columns(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = order.iter().map(width).collect();
        let mut text = String::new();
        for row in rows {
            for (place, at) in order.iter().enumerate() {
                let cell = row.get(*at).copied().unwrap_or_default();
                let missing = widths[place] - columns(cell);
                let padding = std::iter::repeat_n(' ', missing);
                let last = place + 1 == order.len();
                match right[*at] {
                    // As in util-linux: nothing pads what is not there at the end of a line.
                    true if !(last && cell.is_empty()) => {
                        text.extend(padding);
                        text.push_str(cell);
                    }
                    _ => {
                        text.push_str(cell);
                        text.extend(padding.filter(|_| !last));
                    }
                }
                if !last {
                    text.push_str(&self.between);
                }
            }
            text.push('\n');
        }
        text
    }

    fn json(&self, rows: &[Vec<&str>], order: &[usize]) -> String {
        let rows = rows.iter().map(|row| {
            let cells = order.iter().map(|at| {
                let value = row.get(*at).map_or("null".to_owned(), |cell| quoted(cell));
                format!("         {}: {value}", quoted(&self.names[*at].to_lowercase()))
            });
            format!("{{\n{}\n      }}", cells.collect::<Vec<_>>().join(",\n"))
        });
        let rows = rows.collect::<Vec<_>>().join(",");
        format!("{{\n   {}: [\n      {rows}\n   ]\n}}\n", quoted(&self.name))
    }
}

/// Columns of a terminal that a text takes; as in util-linux, none for a tab.
fn columns(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// Entries in columns of one width, filled downwards.
fn list_text(lines: &[String], width: usize, rows_first: bool) -> String {
    let longest = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
    // Columns begin at tab stops.
    let column = (longest / 8 + 1) * 8;
    let count = (width / column).max(1);
    let rows = lines.len().div_ceil(count);
    let mut text = String::new();
    for row in 0..rows {
        let cells: Vec<&String> = (0..count)
            .filter_map(|at| lines.get(if rows_first { row * count + at } else { at * rows + row }))
            .collect();
        for (at, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            if at + 1 < cells.len() {
                let mut length = columns(cell);
                while length < column {
                    text.push('\t');
                    length = (length / 8 + 1) * 8;
                }
            }
        }
        text.push('\n');
    }
    text
}
