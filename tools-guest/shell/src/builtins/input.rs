//! `read`, `mapfile`, `getopts`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Call, Letters};
use crate::expand::Ifs;
use crate::shell::{Fd, Run, Shell, Source, Unwind};
use crate::syntax::is_name;
use crate::system::System;
use crate::text;
use crate::vars::Value;

/// Bytes that one `read` may take. Against a line without end.
const MAX_LINE: usize = 64 << 20;

/// Bytes of a line asked for at once.
const CHUNK: usize = 4_096;

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Delimiter,
    Count,
    File,
    Timeout,
}

impl<S: System> Shell<S> {
    /// A line of standard input, without its end; `None` at the end of the input.
    pub(crate) fn read_line(&mut self) -> Result<Option<String>, Unwind> {
        let Some(Fd::System(fd)) = self.fds.get(&0).cloned() else { return Ok(None) };
        let (line, end) = self.read_until(&fd, Some(b'\n'), None, None)?;
        Ok((end == End::Delimiter || !line.is_empty()).then(|| text::decode(&line)))
    }

    /// Bytes up to a delimiter, which is taken too. No more is read: what follows belongs to
    /// whoever reads next.
    fn read_until(
        &mut self,
        fd: &S::Fd,
        delimiter: Option<u8>,
        count: Option<usize>,
        deadline: Option<Duration>,
    ) -> Result<(Vec<u8>, End), Unwind> {
        let mut line = Vec::new();
        // Whole characters that were read, and the bytes of the line that they take.
        let (mut characters, mut settled) = (0, 0);
        loop {
            if let Some(count) = count {
                let (more, bytes) = self.whole_characters(&line[settled..]);
                (characters, settled) = (characters + more, settled + bytes);
                if characters >= count {
                    return Ok((line, End::Count));
                }
            }
            if line.len() >= MAX_LINE {
                return Ok((line, End::Count));
            }
            if let Some(deadline) = deadline {
                let left = deadline.saturating_sub(self.now());
                match self.sys.readable(fd, left) {
                    Ok(true) => {}
                    _ => return Ok((line, End::Timeout)),
                }
            }
            let read = match (count, delimiter) {
                (None, Some(delimiter)) => self.sys.read_until(fd, delimiter, CHUNK),
                _ => self.sys.read(fd, 1),
            };
            match read {
                Ok(data) if data.is_empty() => return Ok((line, End::File)),
                Ok(data) => line.extend_from_slice(&data),
                Err(crate::system::Errno::Interrupted) => self.run_signals()?,
                Err(_) => return Ok((line, End::File)),
            }
            if delimiter.is_some() && line.last().copied() == delimiter {
                line.pop();
                return Ok((line, End::Delimiter));
            }
        }
    }
}

pub(super) fn read<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (mut raw, mut array, mut delimiter, mut count, mut exact) =
        (false, None, b'\n', None, false);
    let (mut prompt, mut timeout, mut number) = (None, None, 0);
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            'r' => raw = true,
            'e' | 's' => {}
            letter @ ('a' | 'd' | 'i' | 'n' | 'N' | 'p' | 't' | 'u') => {
                let Some(value) = letters.value() else {
                    return shell.lacks_value(call, letter);
                };
                match letter {
                    'a' => array = Some(value.to_owned()),
                    'd' => delimiter = value.bytes().next().unwrap_or(0),
                    'p' => prompt = Some(value.to_owned()),
                    'n' | 'N' => {
                        let Ok(value) = value.parse::<usize>() else {
                            shell.builtin_error(call, &format!("{value}: invalid number"));
                            return Ok(1);
                        };
                        count = Some(value);
                        exact = letter == 'N';
                    }
                    't' => {
                        let seconds = value.parse::<f64>().ok().filter(|s| (0.0..1e9).contains(s));
                        let Some(seconds) = seconds else {
                            let message = format!("{value}: invalid timeout specification");
                            shell.builtin_error(call, &message);
                            return Ok(1);
                        };
                        timeout = Some(Duration::from_secs_f64(seconds));
                    }
                    'u' => match value.parse() {
                        Ok(fd) => number = fd,
                        Err(_) => {
                            let message = format!("{value}: invalid file descriptor specification");
                            shell.builtin_error(call, &message);
                            return Ok(1);
                        }
                    },
                    _ => {}
                }
            }
            letter => return shell.bad_option(call, letter),
        }
    }
    let names = letters.operands();
    for name in names.iter().chain(array.iter()) {
        let base = name.split_once('[').map_or(name.as_str(), |(base, _)| base);
        if !is_name(base) {
            shell.builtin_error(call, &format!("`{name}': not a valid identifier"));
            return Ok(1);
        }
    }
    let Some(Fd::System(fd)) = shell.fds.get(&number).cloned() else {
        let message = format!("{number}: invalid file descriptor: Bad file descriptor");
        shell.builtin_error(call, &message);
        return Ok(1);
    };
    if let Some(prompt) = prompt.filter(|_| shell.state.interactive) {
        shell.print_error(&prompt);
    }
    let by_default = || {
        let seconds = shell.get("TMOUT")?.parse::<f64>().ok()?;
        (0.0..1e9).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
    };
    let zero = timeout == Some(Duration::ZERO);
    let timeout = timeout.or_else(by_default).filter(|timeout| zero || !timeout.is_zero());
    if zero {
        let ready = shell.sys.readable(&fd, Duration::ZERO).unwrap_or(false);
        return Ok(i32::from(!ready));
    }
    let deadline = timeout.map(|timeout| shell.now() + timeout);
    let mut line = Vec::new();
    let end = loop {
        let (more, end) = match exact {
            true => shell.read_until(&fd, None, count, deadline)?,
            false => shell.read_until(&fd, Some(delimiter), count, deadline)?,
        };
        line.extend_from_slice(&more);
        // A backslash at the end of a line goes on with the next one.
        let open = line.iter().rev().take_while(|c| **c == b'\\').count() % 2 == 1;
        if raw || exact || !open || end != End::Delimiter || delimiter != b'\n' {
            break end;
        }
        line.pop();
    };
    line.retain(|byte| *byte != 0);
    let line = text::decode(&line);
    let status = match end {
        End::Delimiter => 0,
        End::Count => 0,
        End::File => 1,
        End::Timeout => 142,
    };
    let chars = unescape(&line, raw || exact);
    let refused = assign(shell, &chars, names, array, exact);
    Ok(if refused { 1 } else { status })
}

/// Characters, each with whether a backslash took its meaning.
fn unescape(line: &str, raw: bool) -> Vec<(char, bool)> {
    if raw {
        return line.chars().map(|c| (c, false)).collect();
    }
    let mut result = Vec::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => result.extend(chars.next().map(|c| (c, true))),
            c => result.push((c, false)),
        }
    }
    result
}

/// Splits a line and sets the variables; `true` if one of them refused.
fn assign<S: System>(
    shell: &mut Shell<S>,
    chars: &[(char, bool)],
    names: &[String],
    array: Option<String>,
    exact: bool,
) -> bool {
    let ifs = shell.ifs();
    let text = |chars: &[(char, bool)]| chars.iter().map(|(c, _)| *c).collect::<String>();
    if let Some(name) = array {
        let mut fields = Vec::new();
        let mut rest = chars;
        while let Some((field, after)) = next_field(rest, &ifs) {
            fields.push(text(field));
            rest = after;
        }
        let elements = fields.into_iter().enumerate().map(|(at, field)| (at as i64, field));
        if shell.check_writable(&name).is_err() {
            return true;
        }
        shell.state.vars.entry(&name).value = Value::Indexed(Some(elements.collect()));
        return false;
    }
    let Some((last, first)) = names.split_last() else {
        return shell.set("REPLY", text(chars)).is_err();
    };
    if exact {
        let refused = set(shell, &names[0], text(chars));
        return names[1..].iter().any(|name| set(shell, name, String::new())) || refused;
    }
    let mut rest = chars;
    let mut refused = false;
    for name in first {
        let value = match next_field(rest, &ifs) {
            Some((field, after)) => {
                rest = after;
                text(field)
            }
            None => {
                rest = &[];
                String::new()
            }
        };
        refused |= set(shell, name, value);
    }
    // The last one takes what is left, without the white space around it, and without a single
    // delimiter at its end.
    let white = |(c, escaped): &(char, bool)| !escaped && ifs.is_white(*c);
    let from = rest.iter().position(|c| !white(c)).unwrap_or(rest.len());
    let to = rest.iter().rposition(|c| !white(c)).map_or(from, |at| at + 1);
    let mut value = &rest[from..to.max(from)];
    if let Some((field, after)) = next_field(value, &ifs)
        && after.is_empty()
    {
        value = field;
    }
    set(shell, last, text(value)) || refused
}

fn set<S: System>(shell: &mut Shell<S>, name: &str, value: String) -> bool {
    match name.split_once('[') {
        Some((base, rest)) => {
            let subscript = rest.strip_suffix(']').unwrap_or(rest);
            let Ok(Some(key)) = shell.named_key(base, subscript) else {
                shell.complain(&format!("read: `{name}': not a valid identifier"));
                return true;
            };
            shell.set_element(base, &key, value, false).is_err()
        }
        None => shell.set(name, value).is_err(),
    }
}

type Chars<'a> = &'a [(char, bool)];

/// The first field and what follows its delimiter.
fn next_field<'a>(chars: Chars<'a>, ifs: &Ifs) -> Option<(Chars<'a>, Chars<'a>)> {
    let white = |(c, escaped): &(char, bool)| !escaped && ifs.is_white(*c);
    let separates = |(c, escaped): &(char, bool)| !escaped && ifs.has(*c);
    let from = chars.iter().position(|c| !white(c))?;
    let chars = &chars[from..];
    let Some(end) = chars.iter().position(separates) else { return Some((chars, &[])) };
    let (field, rest) = chars.split_at(end);
    let skipped = rest.iter().take_while(|c| white(c)).count();
    let rest = &rest[skipped..];
    let rest = match rest.first() {
        Some(first) if separates(first) && !white(first) => {
            let after = &rest[1..];
            let skipped = after.iter().take_while(|c| white(c)).count();
            &after[skipped..]
        }
        _ => rest,
    };
    Some((field, rest))
}

pub(super) fn mapfile<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (mut delimiter, mut most, mut origin, mut skip, mut trim) =
        (b'\n', 0usize, None, 0usize, false);
    let (mut descriptor, mut callback, mut quantum) = (0, None, 5000usize);
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        if letter == 't' {
            trim = true;
            continue;
        }
        if !"dnOsuCc".contains(letter) {
            return shell.bad_option(call, letter);
        }
        let Some(value) = letters.value() else {
            return shell.lacks_value(call, letter);
        };
        if letter == 'd' {
            delimiter = value.bytes().next().unwrap_or(0);
            continue;
        }
        if letter == 'C' {
            callback = Some(value.to_owned());
            continue;
        }
        let number = value.parse::<usize>().ok().filter(|number| letter != 'c' || *number > 0);
        let Some(value) = number else {
            let what = match letter {
                'O' => "invalid array origin",
                'c' => "invalid callback quantum",
                'u' => "invalid file descriptor specification",
                _ => "invalid line count",
            };
            shell.builtin_error(call, &format!("{value}: {what}"));
            return Ok(1);
        };
        match letter {
            'n' => most = value,
            'O' => origin = Some(value),
            's' => skip = value,
            'c' => quantum = value,
            _ => descriptor = u32::try_from(value).unwrap_or(u32::MAX),
        }
    }
    let name = letters.operands().first().cloned().unwrap_or_else(|| "MAPFILE".to_owned());
    if !is_name(&name) {
        shell.builtin_error(call, &format!("`{name}': not a valid identifier"));
        return Ok(1);
    }
    let Some(Fd::System(fd)) = shell.fds.get(&descriptor).cloned() else {
        let message = format!("{descriptor}: invalid file descriptor: Bad file descriptor");
        shell.builtin_error(call, &message);
        return Ok(1);
    };
    if shell.check_writable(&name).is_err() {
        return Ok(1);
    }
    let mut elements: BTreeMap<i64, String> = BTreeMap::new();
    if origin.is_some()
        && let Some(Value::Indexed(Some(old))) = shell.value(&name)
    {
        elements = old;
    }
    let start = origin.unwrap_or(0) as i64;
    let mut taken = 0usize;
    let mut lines = Lines::new(fd, delimiter);
    while most == 0 || taken < most {
        let Some((mut line, complete)) = lines.next(shell, most == 0 && skip == 0)? else { break };
        if skip > 0 {
            skip -= 1;
            continue;
        }
        if complete && !trim {
            line.push(delimiter);
        }
        line.retain(|byte| *byte != 0);
        let at = start + taken as i64;
        let text = text::decode(&line);
        taken += 1;
        if let Some(callback) = callback.as_ref().filter(|_| taken.is_multiple_of(quantum)) {
            shell.state.vars.entry(&name).value = Value::Indexed(Some(elements.clone()));
            let source = format!("{callback} {at} {}", crate::quote::single(&text));
            let line = shell.state.line;
            shell.nested(|shell| shell.run_source(Source::File, &source, line))?;
        }
        elements.insert(at, text);
    }
    shell.state.vars.entry(&name).value = Value::Indexed(Some(elements));
    Ok(0)
}

/// Lines of a descriptor, read in pieces when all of it is wanted.
struct Lines<F> {
    fd: F,
    delimiter: u8,
    buffer: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<F: Clone> Lines<F> {
    fn new(fd: F, delimiter: u8) -> Lines<F> {
        Lines { fd, delimiter, buffer: Vec::new(), at: 0, ended: false }
    }

    fn next<S: System<Fd = F>>(
        &mut self,
        shell: &mut Shell<S>,
        all: bool,
    ) -> Result<Option<(Vec<u8>, bool)>, Unwind> {
        if !all && self.buffer.is_empty() {
            let fd = self.fd.clone();
            let (line, end) = shell.read_until(&fd, Some(self.delimiter), None, None)?;
            let complete = end == End::Delimiter;
            return Ok((complete || !line.is_empty()).then_some((line, complete)));
        }
        loop {
            let rest = &self.buffer[self.at..];
            if let Some(length) = rest.iter().position(|c| *c == self.delimiter) {
                let line = rest[..length].to_vec();
                self.at += length + 1;
                return Ok(Some((line, true)));
            }
            if self.ended || rest.len() > MAX_LINE {
                let line = rest.to_vec();
                self.at = self.buffer.len();
                return Ok((!line.is_empty()).then_some((line, false)));
            }
            self.buffer.drain(..self.at);
            self.at = 0;
            let data = shell.sys.read(&self.fd, 64 << 10).unwrap_or_default();
            self.ended = data.is_empty();
            self.buffer.extend_from_slice(&data);
        }
    }
}

pub(super) fn getopts<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let [optstring, name, args @ ..] = call.args() else {
        return shell.show_usage(call);
    };
    if !is_name(name) {
        shell.builtin_error(call, &format!("`{name}': not a valid identifier"));
        return Ok(1);
    }
    let args: Vec<String> = match args.is_empty() {
        true => shell.state.positional.to_vec(),
        false => args.to_vec(),
    };
    let silent = optstring.starts_with(':');
    let optind =
        shell.get("OPTIND").and_then(|text| text.parse::<usize>().ok()).unwrap_or(1).max(1);
    let mut index = optind - 1;
    let mut at = shell.state.getopts_at;
    let finish = |shell: &mut Shell<S>, index: usize, at: usize| {
        let _ = shell.set("OPTIND", (index + 1).to_string());
        shell.state.getopts_at = at;
    };
    let word = args.get(index).map(String::as_str).unwrap_or_default();
    if at == 0 {
        if !word.starts_with('-') || word == "-" || index >= args.len() {
            finish(shell, index, 0);
            let _ = shell.set(name, "?".to_owned());
            return Ok(1);
        }
        if word == "--" {
            finish(shell, index + 1, 0);
            let _ = shell.set(name, "?".to_owned());
            return Ok(1);
        }
        at = 1;
    }
    let letters: Vec<char> = word.chars().collect();
    let letter = letters.get(at).copied().unwrap_or('?');
    at += 1;
    let last = at >= letters.len();
    let known = optstring.trim_start_matches(':').find(letter).filter(|_| letter != ':');
    let quiet = silent || shell.get("OPTERR").as_deref() == Some("0");
    let Some(position) = known else {
        if last {
            (index, at) = (index + 1, 0);
        }
        finish(shell, index, at);
        let _ = shell.set(name, "?".to_owned());
        if silent {
            let _ = shell.set("OPTARG", letter.to_string());
        } else {
            shell.state.vars.unset("OPTARG");
            if !quiet {
                let program = shell.state.name.clone();
                shell.print_error(&format!("{program}: illegal option -- {letter}\n"));
            }
        }
        return Ok(0);
    };
    let rest = &optstring.trim_start_matches(':')[position + letter.len_utf8()..];
    if !rest.starts_with(':') {
        if last {
            (index, at) = (index + 1, 0);
        }
        finish(shell, index, at);
        shell.state.vars.unset("OPTARG");
        let _ = shell.set(name, letter.to_string());
        return Ok(0);
    }
    let value = match last {
        false => Some(letters[at..].iter().collect::<String>()),
        true => {
            index += 1;
            args.get(index).cloned()
        }
    };
    finish(shell, index + 1, 0);
    match value {
        Some(value) => {
            let _ = shell.set("OPTARG", value);
            let _ = shell.set(name, letter.to_string());
        }
        None if silent => {
            finish(shell, index, 0);
            let _ = shell.set("OPTARG", letter.to_string());
            let _ = shell.set(name, ":".to_owned());
        }
        None => {
            finish(shell, index, 0);
            shell.state.vars.unset("OPTARG");
            let _ = shell.set(name, "?".to_owned());
            if !quiet {
                let program = shell.state.name.clone();
                let message = format!("{program}: option requires an argument -- {letter}\n");
                shell.print_error(&message);
            }
        }
    }
    Ok(0)
}
