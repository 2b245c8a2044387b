//! `cat`.

use std::io::{self, Read, Write};

use toolcell_program::args::{Arg, parse};
use toolcell_program::{message, open};

#[derive(Debug, Clone, Copy, Default)]
struct Options {
    number: bool,
    number_nonblank: bool,
    squeeze: bool,
    ends: bool,
    tabs: bool,
    nonprinting: bool,
}

pub(crate) fn run(words: &[String], out: &mut impl Write) -> i32 {
    let long = [
        "show-all:A",
        "number-nonblank:b",
        "show-ends:E",
        "number:n",
        "squeeze-blank:s",
        "show-tabs:T",
        "show-nonprinting:v",
    ];
    let args = match parse(words, "AbeEnstTuv", &long) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("cat: {error}\nTry 'cat --help' for more information.");
            return 1;
        }
    };
    let mut options = Options::default();
    let mut paths = Vec::new();
    for arg in args {
        let letter = match &arg {
            Arg::Operand(path) => {
                paths.push(path.clone());
                continue;
            }
            Arg::Option(letter, _) => letter.as_str(),
        };
        match letter {
            "A" => (options.nonprinting, options.ends, options.tabs) = (true, true, true),
            "b" => options.number_nonblank = true,
            "e" => (options.nonprinting, options.ends) = (true, true),
            "E" => options.ends = true,
            "n" => options.number = true,
            "s" => options.squeeze = true,
            "t" => (options.nonprinting, options.tabs) = (true, true),
            "T" => options.tabs = true,
            "v" => options.nonprinting = true,
            _ => {}
        }
    }
    if paths.is_empty() {
        paths.push("-".to_owned());
    }
    let plain = !(options.number
        || options.number_nonblank
        || options.squeeze
        || options.ends
        || options.tabs
        || options.nonprinting);
    let mut printer = Printer { options, line: 1, begins: true, blank: 0, returned: false };
    let mut status = 0;
    for path in &paths {
        let copied = open(path).and_then(|mut input| match plain {
            true => copy(&mut input, out),
            false => printer.copy(&mut input, out),
        });
        if let Err(error) = copied {
            // What cannot be written is told of at the end.
            if out.flush().is_err() {
                return 1;
            }
            eprintln!("cat: {path}: {}", message(&error));
            status = 1;
        }
    }
    if printer.returned && out.write_all(b"\r").is_err() {
        return 1;
    }
    status
}

fn copy(input: &mut dyn Read, out: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            return out.flush();
        }
        out.write_all(&buffer[..count])?;
        // Whoever reads a pipe must not wait for a full buffer.
        out.flush()?;
    }
}

struct Printer {
    options: Options,
    line: u64,
    begins: bool,
    blank: u32,
    /// A carriage return was read that may stand before the end of its line.
    returned: bool,
}

impl Printer {
    fn copy(&mut self, input: &mut dyn Read, out: &mut impl Write) -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = input.read(&mut buffer)?;
            if count == 0 {
                return out.flush();
            }
            for byte in &buffer[..count] {
                self.byte(*byte, out)?;
            }
            out.flush()?;
        }
    }

    fn byte(&mut self, byte: u8, out: &mut impl Write) -> io::Result<()> {
        let Options { number, number_nonblank, squeeze, ends, tabs, nonprinting } = self.options;
        if std::mem::take(&mut self.returned) {
            out.write_all(if byte == b'\n' { b"^M" } else { b"\r" })?;
        }
        if self.begins {
            self.blank = if byte == b'\n' { self.blank + 1 } else { 0 };
            if squeeze && self.blank > 1 {
                return Ok(());
            }
            if number_nonblank && byte != b'\n' || number && !number_nonblank {
                write!(out, "{:6}\t", self.line)?;
                self.line += 1;
            }
        }
        self.begins = byte == b'\n';
        match byte {
            b'\n' if ends => out.write_all(b"$\n"),
            b'\n' => out.write_all(b"\n"),
            b'\t' if tabs => out.write_all(b"^I"),
            b'\t' => out.write_all(b"\t"),
            b'\r' if ends && !nonprinting => {
                self.returned = true;
                Ok(())
            }
            byte if !nonprinting => out.write_all(&[byte]),
            byte => {
                if byte >= 128 {
                    out.write_all(b"M-")?;
                }
                match byte & 0x7F {
                    127 => out.write_all(b"^?"),
                    low @ 0..32 => out.write_all(&[b'^', low + 64]),
                    low => out.write_all(&[low]),
                }
            }
        }
    }
}
