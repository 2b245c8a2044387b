//! How results are written.

use std::io::{self, Write};

use jaq_json::Val;
use jaq_json::write::{self, Pp, Styles};

use crate::number;
use crate::options::Options;

/// Writes one result and what stands behind it.
pub(crate) fn print(options: &Options, value: &Val, out: &mut dyn Write) -> io::Result<()> {
    if options.separate {
        // RFC 7464: the record separator stands before each text.
        out.write_all(b"\x1e")?;
    }
    match value {
        Val::TStr(bytes) if options.raw_output && !options.ascii => out.write_all(bytes)?,
        value => json(options, number::shown(value).as_ref().unwrap_or(value), out)?,
    }
    if options.end_null {
        out.write_all(b"\0")?;
    } else if !options.join {
        out.write_all(b"\n")?;
    }
    if options.unbuffered { out.flush() } else { Ok(()) }
}

fn json(options: &Options, value: &Val, out: &mut dyn Write) -> io::Result<()> {
    let indent = match (options.compact, options.tab, options.indent) {
        (true, ..) | (_, _, Some(0)) => None,
        (_, true, _) => Some("\t".to_owned()),
        (.., count) => Some(" ".repeat(count.unwrap_or(2))),
    };
    let sep_space = indent.is_some();
    let styles = if options.color { Styles::ansi() } else { Styles::default() };
    let pp = Pp { indent, sort_keys: options.sort_keys, sep_space, styles };
    if !options.ascii {
        return write::write(out, &pp, 0, value);
    }
    let mut text = Vec::new();
    write::write(&mut text, &pp, 0, value)?;
    out.write_all(ascii(&String::from_utf8_lossy(&text)).as_bytes())
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
