//! The lines of a dump.

use std::io::{self, Read, Write};

use super::{Form, Options};

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// Bytes that are read at once where a dump is one line.
const BLOCK: usize = 8 << 10;

/// Shows `input`, whose first byte has this offset.
pub(super) fn write(
    mut input: impl Read,
    offset: u64,
    options: &Options,
    out: &mut impl Write,
) -> io::Result<()> {
    match options.form {
        Form::Include => include(&mut input, options, out),
        Form::Plain => plain(&mut input, options, out),
        Form::Hex | Form::LittleEndian | Form::Bits => rows(&mut input, offset, options, out),
    }
}

/// Calls `each` with every `count` bytes of the input, and at last with what is left.
fn chunked(
    input: &mut impl Read,
    count: usize,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    // Several at once, so that a short line is no call of the system.
    let mut block = vec![0; count * (BLOCK / count).max(1)];
    loop {
        let mut filled = 0;
        while filled < block.len() {
            match input.read(&mut block[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        block[..filled].chunks(count).try_for_each(&mut each)?;
        if filled < block.len() {
            return Ok(());
        }
    }
}

fn put(line: &mut Vec<u8>, byte: u8, options: &Options) {
    if options.form == Form::Bits {
        line.extend((0..8).rev().map(|bit| b'0' + (byte >> bit & 1)));
        return;
    }
    let digits = if options.upper { UPPER } else { LOWER };
    line.push(digits[usize::from(byte >> 4)]);
    line.push(digits[usize::from(byte & 15)]);
}

fn plain(input: &mut impl Read, options: &Options, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    let mut any = false;
    let (count, ends) = if options.columns == 0 { (BLOCK, false) } else { (options.columns, true) };
    chunked(input, count, |row| {
        any = true;
        line.clear();
        row.iter().for_each(|byte| put(&mut line, *byte, options));
        if ends {
            line.push(b'\n');
        }
        out.write_all(&line)
    })?;
    if any && !ends { out.write_all(b"\n") } else { Ok(()) }
}

/// The bytes as C has them; with a name, as an array and its length.
fn include(input: &mut impl Read, options: &Options, out: &mut impl Write) -> io::Result<()> {
    let usable = |char: char| if char.is_ascii_alphanumeric() { char } else { '_' };
    let name = options.name.as_ref().map(|name| {
        let lead = if name.starts_with(|first: char| first.is_ascii_digit()) { "__" } else { "" };
        let name: String = name.chars().map(usable).collect();
        let name = format!("{lead}{name}");
        if options.capitals { name.to_uppercase() } else { name }
    });
    if let Some(name) = &name {
        writeln!(out, "unsigned char {name}[] = {{")?;
    }
    let mut count = 0;
    chunked(input, options.columns, |row| {
        for (at, byte) in row.iter().enumerate() {
            let lead = match (at, count) {
                (0, 0) => "  ",
                (0, _) => ",\n  ",
                _ => ", ",
            };
            match options.upper {
                true => write!(out, "{lead}0X{byte:02X}")?,
                false => write!(out, "{lead}0x{byte:02x}")?,
            }
        }
        count += row.len();
        Ok(())
    })?;
    if count > 0 {
        writeln!(out)?;
    }
    let Some(name) = name else { return Ok(()) };
    let length = if options.capitals { "LEN" } else { "len" };
    writeln!(out, "}};\nunsigned int {name}_{length} = {count};")
}

/// Lines of zeros, of which one stands for several.
#[derive(Debug, Default)]
struct Zeros {
    /// Lines of zeros one after another.
    count: u64,
    /// The second, which is shown if it is the last.
    second: Vec<u8>,
    /// The last that was not shown.
    last: Vec<u8>,
}

impl Zeros {
    /// Ends the lines of zeros, of which `count` came before what follows.
    fn end(&mut self, count: u64, out: &mut impl Write) -> io::Result<()> {
        match count {
            0 | 1 => {}
            2 => out.write_all(&self.second)?,
            _ => out.write_all(b"*\n")?,
        }
        self.count = 0;
        Ok(())
    }
}

fn rows(
    input: &mut impl Read,
    mut offset: u64,
    options: &Options,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut zeros = Zeros::default();
    chunked(input, options.columns, |row| {
        line.clear();
        write_row(&mut line, row, offset, options)?;
        offset += row.len() as u64;
        let whole = row.len() == options.columns;
        if !options.skip_zeros {
            return out.write_all(&line);
        }
        if !whole || row.iter().any(|byte| *byte != 0) {
            zeros.end(zeros.count, out)?;
            return out.write_all(&line);
        }
        zeros.count += 1;
        match zeros.count {
            1 => return out.write_all(&line),
            2 => zeros.second.clone_from(&line),
            _ => {}
        }
        zeros.last.clone_from(&line);
        Ok(())
    })?;
    // The last line of all is always shown.
    if zeros.count > 1 {
        zeros.end(zeros.count - 1, out)?;
        out.write_all(&zeros.last)?;
    }
    Ok(())
}

fn write_row(line: &mut Vec<u8>, row: &[u8], offset: u64, options: &Options) -> io::Result<()> {
    let shown = offset.wrapping_add(options.shift);
    match options.decimal_offsets {
        true => write!(line, "{shown:08}:")?,
        false => write!(line, "{shown:08x}:")?,
    }
    let digits = if options.form == Form::Bits { 8 } else { 2 };
    let groups = options.columns.div_ceil(options.group);
    // A group that is not whole stands to the right where it is a number.
    let group_columns = options.group * digits;
    let text = line.len() + options.columns * digits + groups + 2;
    let text = match options.form {
        Form::LittleEndian => line.len() + groups * (group_columns + 1) + 2,
        _ => text,
    };
    for group in row.chunks(options.group) {
        line.push(b' ');
        if options.form == Form::LittleEndian {
            line.resize(line.len() + (options.group - group.len()) * digits, b' ');
            group.iter().rev().for_each(|byte| put(line, *byte, options));
        } else {
            group.iter().for_each(|byte| put(line, *byte, options));
        }
    }
    line.resize(text, b' ');
    line.extend(row.iter().map(|byte| if (32..127).contains(byte) { *byte } else { b'.' }));
    line.push(b'\n');
    Ok(())
}
