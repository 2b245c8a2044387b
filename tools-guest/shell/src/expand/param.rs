//! Parameter expansion: `$name` and all of `${…}`.

use super::fields::{Field, Fields};
use crate::quote;
use crate::shell::{Shell, Unwind};
use crate::syntax::ast::{Anchor, Index, Op, Param, Word};
use crate::syntax::is_name;
use crate::system::System;
use crate::vars::{Attributes, Value};
use toolcell_text::Pattern;
use toolcell_zone::Local;

type Expand<T> = Result<T, Unwind>;

/// What a parameter stands for.
#[derive(Debug, Clone)]
enum Values {
    One(Option<String>),
    /// `@` or `*`: all arguments, or all elements of an array.
    Many {
        values: Vec<String>,
        star: bool,
    },
}

impl<S: System> Shell<S> {
    pub(super) fn expand_param(
        &mut self,
        param: &Param,
        quoted: bool,
        out: &mut Fields,
    ) -> Expand<()> {
        // The commonest of all: a plain variable.
        if param.op == Op::None
            && param.index.is_none()
            && !param.indirect
            && let Some(value) = self.plain(&param.name)
        {
            match quoted {
                true => out.push(&value, true),
                false => out.push_split(&value),
            }
            return Ok(());
        }
        let empty = matches!(&param.index, Some(Index::Word(word)) if word.0.is_empty());
        if param.op == Op::Bad || empty {
            return self.bad_substitution(param);
        }
        let values = match &param.op {
            Op::Names { star } => {
                let mut values = self.state.vars.names();
                values.retain(|name| name.starts_with(&param.name));
                Values::Many { values, star: *star }
            }
            Op::Keys { star } => {
                let values = self.value(&param.name).map(|v| v.keys()).unwrap_or_default();
                Values::Many { values, star: *star }
            }
            Op::Length if counts_elements(param) => {
                let count = self.count(&param.name);
                if count.is_none() && self.state.options.nounset {
                    self.complain(&format!("{}: unbound variable", param.name));
                    // Not 127, as for other expansions.
                    return Err(match self.state.interactive {
                        true => Unwind::Discard(1),
                        false => Unwind::Exit(1),
                    });
                }
                Values::One(Some(count.unwrap_or(0).to_string()))
            }
            _ => self.lookup(param)?,
        };
        let takes_apart = matches!(
            param.op,
            Op::Substring { .. }
                | Op::Remove { .. }
                | Op::Replace { .. }
                | Op::Case { .. }
                | Op::Transform(_)
        );
        let values = match takes_apart {
            true => values.map(|value| self.owned_in_locale(value)),
            false => values,
        };
        let values = match &param.op {
            Op::Length if counts_elements(param) => values,
            Op::None | Op::Names { .. } | Op::Keys { .. } => {
                self.check_bound(param, &values)?;
                values
            }
            Op::Length => {
                let length = match &values {
                    Values::Many { values, .. } => values.len(),
                    Values::One(value) => {
                        self.check_bound(param, &values)?;
                        value.as_ref().map_or(0, |value| self.in_locale(value).chars().count())
                    }
                };
                Values::One(Some(length.to_string()))
            }
            Op::Test { kind, colon, word } => {
                match self.test_op(param, values, *kind, *colon, word, quoted, out)? {
                    Some(values) => values,
                    None => return Ok(()),
                }
            }
            Op::Substring { offset, length } => {
                self.check_bound(param, &values)?;
                self.substring(param, values, offset, length.as_ref())?
            }
            Op::Remove { suffix, longest, pattern } => {
                self.check_bound(param, &values)?;
                let pattern = self.compile(pattern)?;
                values.map(|value| remove(&value, &pattern, *suffix, *longest))
            }
            Op::Replace { anchor, pattern, with } => {
                self.check_bound(param, &values)?;
                let pattern = self.compile_for_replace(pattern, *anchor)?;
                let with = self.replacement(with)?;
                match pattern {
                    Some(pattern) => values.map(|value| replace(&value, &pattern, *anchor, &with)),
                    None => values,
                }
            }
            Op::Case { upper, all, pattern } => {
                self.check_bound(param, &values)?;
                // Here the extended patterns count whatever `extglob` says.
                let text = pattern.as_ref().map(|word| self.expand_pattern(word)).transpose()?;
                let pattern = text.map(|text| Pattern::new(&self.in_locale(&text), true, false));
                values.map(|value| change_case(&value, *upper, *all, pattern.as_ref()))
            }
            Op::Transform(letter) => {
                self.check_bound(param, &values)?;
                match self.transform(param, values, *letter)? {
                    Some(values) => values,
                    None => return self.bad_substitution(param),
                }
            }
            Op::Bad => return self.bad_substitution(param),
        };
        let values = match takes_apart {
            true => values.map(|value| self.out_of_locale(value)),
            false => values,
        };
        self.push_values(values, &param.op, quoted, out);
        Ok(())
    }

    fn bad_substitution(&mut self, param: &Param) -> Expand<()> {
        self.complain(&format!("${{{}}}: bad substitution", param.source));
        Err(Unwind::Discard(1))
    }

    fn push_values(&mut self, values: Values, op: &Op, quoted: bool, out: &mut Fields) {
        match values {
            Values::One(None) => {}
            Values::One(Some(value)) if quoted => out.push(&value, true),
            Values::One(Some(value)) => out.push_split(&value),
            Values::Many { values, star } => {
                if star && quoted || !out.splits() {
                    let joiner = match star {
                        true => out.ifs().joiner(),
                        false if out.is_value() && joins_values(op, quoted) => {
                            Some(out.ifs().joiner())
                                .filter(|text| !text.is_empty())
                                .unwrap_or(" ".into())
                        }
                        false => " ".to_owned(),
                    };
                    return out.push(&values.join(&joiner), quoted);
                }
                // Unquoted, they are joined and split again: an empty one between others stays
                // where the separator is no white space.
                let joiner = out.ifs().joiner();
                if !quoted && joiner.chars().next().is_some_and(|c| !out.ifs().is_white(c)) {
                    return out.push_split(&values.join(&joiner));
                }
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        out.finish();
                    }
                    match quoted {
                        true => out.push(value, true),
                        false if out.ifs().is_empty() => out.push(value, false),
                        false => out.push_split(value),
                    }
                }
            }
        }
    }

    /// A plain variable's or special parameter's value, if it has one.
    fn plain(&mut self, name: &str) -> Option<String> {
        let first = name.as_bytes().first()?;
        if first.is_ascii_alphabetic() || *first == b'_' {
            return self.get(name);
        }
        self.special(name)
    }

    fn special(&mut self, name: &str) -> Option<String> {
        Some(match name {
            "#" => self.state.positional.len().to_string(),
            "?" => self.state.status.to_string(),
            "$" => self.state.pid.to_string(),
            "!" => return self.state.background.map(|pid| pid.to_string()),
            "-" => {
                let mut letters: String = self
                    .state
                    .options
                    .list()
                    .into_iter()
                    .filter(|(_, letter, on)| *on && *letter != ' ')
                    .map(|(_, letter, _)| letter)
                    .collect();
                if self.state.interactive {
                    letters.push('i');
                }
                let mut sorted: Vec<char> = letters.chars().collect();
                sorted.sort_by_key(|c| (c.is_uppercase(), *c));
                letters = sorted.into_iter().collect();
                if self.state.command_string {
                    letters.push('c');
                }
                letters
            }
            "0" => self.state.name.clone(),
            number => {
                let at: usize = number.parse().ok()?;
                return self.state.positional.get(at.checked_sub(1)?).cloned();
            }
        })
    }

    fn lookup(&mut self, param: &Param) -> Expand<Values> {
        let values = self.direct(&param.name, param.index.as_ref())?;
        if !param.indirect {
            return Ok(values);
        }
        // A nameref is asked for what it refers to, not followed.
        let nameref = self.state.vars.get(&param.name).filter(|var| var.attributes.nameref);
        if let Some(var) = nameref {
            return Ok(Values::One(var.value.scalar().cloned()));
        }
        let target = match values {
            Values::One(Some(target)) => target,
            Values::One(None) => {
                let declared = self.state.vars.get(&param.name).is_some();
                if declared || matches!(param.op, Op::Test { .. }) {
                    return Ok(Values::One(None));
                }
                self.complain(&format!("{}: invalid indirect expansion", param.name));
                return Err(Unwind::Discard(1));
            }
            Values::Many { values, .. } => values.join(" "),
        };
        if let Some((name, rest)) = target.split_once('[')
            && is_name(name)
            && let Some(index) = rest.strip_suffix(']')
        {
            let index = match index {
                "@" => Index::At,
                "*" => Index::Star,
                text => Index::Word(Word::literal(text)),
            };
            return self.direct(name, Some(&index));
        }
        let special = target.len() == 1 && "@*#?$!-".contains(&target);
        let number = !target.is_empty() && target.bytes().all(|c| c.is_ascii_digit());
        if !is_name(&target) && !special && !number {
            self.complain(&format!("{target}: invalid variable name"));
            return Err(Unwind::Discard(1));
        }
        self.direct(&target, None)
    }

    fn direct(&mut self, name: &str, index: Option<&Index>) -> Expand<Values> {
        Ok(match (name, index) {
            ("@" | "*", _) => {
                Values::Many { values: self.state.positional.to_vec(), star: name == "*" }
            }
            (name, None) => Values::One(self.plain(name)),
            (name, Some(Index::Word(word))) => {
                let index = self.expand_string(&word.clone())?;
                let (name, _) = self.resolve(name);
                if index.is_empty() && self.is_assoc(&name) {
                    self.complain(&format!("{name}: bad array subscript"));
                    return Ok(Values::One(None));
                }
                Values::One(self.element(&name, &index)?)
            }
            (name, Some(index)) => {
                let values = self.value(name).map(|value| value.values()).unwrap_or_default();
                Values::Many { values, star: *index == Index::Star }
            }
        })
    }

    fn check_bound(&mut self, param: &Param, values: &Values) -> Expand<()> {
        if self.state.options.nounset && matches!(values, Values::One(None)) {
            let name = match &param.index {
                Some(Index::Word(index)) => {
                    format!("{}[{}]", param.name, crate::syntax::print::word(index))
                }
                _ => param.name.clone(),
            };
            let dollar = if name.bytes().all(|c| c.is_ascii_digit()) { "$" } else { "" };
            self.complain(&format!("{dollar}{name}: unbound variable"));
            return Err(self.unbound());
        }
        Ok(())
    }

    /// How the shell ends over a variable that is not set, with `set -u`.
    pub(crate) fn unbound(&self) -> Unwind {
        match self.state.interactive {
            true => Unwind::Discard(1),
            false => {
                let whole = self.state.command_string && self.state.subshell == 0;
                Unwind::Exit(if whole { 127 } else { 1 })
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn test_op(
        &mut self,
        param: &Param,
        values: Values,
        kind: char,
        colon: bool,
        word: &Word,
        quoted: bool,
        out: &mut Fields,
    ) -> Expand<Option<Values>> {
        let joiner = self.ifs().joiner();
        let missing = match &values {
            Values::One(None) => true,
            Values::One(Some(value)) => colon && value.is_empty(),
            Values::Many { values, star } => {
                values.is_empty()
                    || colon
                        && match star {
                            true => values.join(&joiner).is_empty(),
                            false => values.len() == 1 && values[0].is_empty(),
                        }
            }
        };
        match kind {
            '+' if missing => return Ok(None),
            '+' => {}
            _ if !missing => return Ok(Some(values)),
            '=' => {
                let value = self.expand_inner(word, quoted)?;
                let refused = |_| Unwind::Discard(1);
                match &param.index {
                    Some(Index::Word(index)) => {
                        let index = self.expand_string(&index.clone())?;
                        self.set_element(&param.name, &index, value.clone(), false)
                            .map_err(refused)?;
                    }
                    _ if is_name(&param.name) => {
                        self.set(&param.name, value.clone()).map_err(refused)?;
                    }
                    _ => {
                        let name = &param.name;
                        self.complain(&format!("${name}: cannot assign in this way"));
                        return Err(Unwind::Discard(1));
                    }
                }
                return Ok(Some(Values::One(Some(value))));
            }
            '?' => {
                let message = self.expand_inner(word, quoted)?;
                let message = match (message.is_empty(), colon) {
                    (false, _) => message,
                    (true, true) => "parameter null or not set".to_owned(),
                    (true, false) => "parameter not set".to_owned(),
                };
                self.complain(&format!("{}: {message}", param.name));
                return Err(self.unbound());
            }
            _ => {}
        }
        if word.0.is_empty() && quoted {
            out.push("", true);
        }
        self.expand_parts(&word.0, quoted, !quoted, out)?;
        Ok(None)
    }

    fn expand_inner(&mut self, word: &Word, quoted: bool) -> Expand<String> {
        let mut fields = Fields::new(self.ifs(), false);
        self.expand_parts(&word.0, quoted, false, &mut fields)?;
        Ok(fields.into_field().text)
    }

    fn substring(
        &mut self,
        param: &Param,
        values: Values,
        offset: &Word,
        length: Option<&Word>,
    ) -> Expand<Values> {
        let offset = self.expand_arith(offset)?;
        let length = match length {
            Some(word) => Some(self.expand_arith(word)?),
            None => None,
        };
        Ok(match values {
            Values::One(None) => Values::One(None),
            Values::One(Some(value)) => {
                let chars: Vec<char> = value.chars().collect();
                let range = self.range(param, chars.len(), offset, length, true)?;
                Values::One(Some(chars[range].iter().collect()))
            }
            Values::Many { values, star } => {
                let arguments = matches!(param.name.as_str(), "@" | "*");
                let values = match arguments {
                    true => {
                        let name = self.state.name.clone();
                        let mut all = vec![name];
                        all.extend(values);
                        // `${@:0}` begins with $0; a negative offset counts back from the end.
                        let range = self.range(param, all.len(), offset, length, false)?;
                        all[range].to_vec()
                    }
                    false => self.slice_array(param, values, offset, length)?,
                };
                Values::Many { values, star }
            }
        })
    }

    /// Elements of an array from a subscript on, which need not be a position.
    fn slice_array(
        &mut self,
        param: &Param,
        values: Vec<String>,
        offset: i64,
        length: Option<i64>,
    ) -> Expand<Vec<String>> {
        let keys: Vec<i64> = match self.value(&param.name) {
            Some(Value::Indexed(Some(elements))) => elements.keys().copied().collect(),
            _ => (0..values.len() as i64).collect(),
        };
        let end = keys.last().map_or(0, |last| last + 1);
        let from = if offset < 0 { end + offset } else { offset };
        if from < 0 {
            return Ok(Vec::new());
        }
        if length.is_some_and(|length| length < 0) {
            self.complain(&format!("{}: substring expression < 0", length.unwrap_or_default()));
            return Err(Unwind::Discard(1));
        }
        let start = keys.iter().position(|key| *key >= from).unwrap_or(keys.len());
        let count = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
        Ok(values.into_iter().skip(start).take(count).collect())
    }

    fn range(
        &mut self,
        param: &Param,
        count: usize,
        offset: i64,
        length: Option<i64>,
        negative_length: bool,
    ) -> Expand<std::ops::Range<usize>> {
        let count = count as i64;
        let from = if offset < 0 { count + offset } else { offset };
        if from < 0 || from > count {
            return Ok(0..0);
        }
        let to = match length {
            None => count,
            Some(length) if length >= 0 => count.min(from.saturating_add(length)),
            Some(length) if negative_length && count + length >= from => count + length,
            Some(length) => {
                let source = match &param.op {
                    Op::Substring { length: Some(word), .. } => crate::syntax::print::word(word),
                    _ => length.to_string(),
                };
                self.complain(&format!("{source}: substring expression < 0"));
                return Err(Unwind::Discard(1));
            }
        };
        Ok(from as usize..to as usize)
    }

    /// Patterns in expansions always know extended ones when they are on.
    fn compile(&mut self, word: &Word) -> Expand<Pattern> {
        let text = self.expand_pattern(word)?;
        Ok(Pattern::new(&self.in_locale(&text), self.state.shopt("extglob"), false))
    }

    fn compile_for_replace(&mut self, word: &Word, anchor: Anchor) -> Expand<Option<Pattern>> {
        let text = self.expand_pattern(word)?;
        let nocase = self.state.shopt("nocasematch");
        // Nothing is at the start and at the end of everything: `${names[@]/#/--}`.
        let matches = !text.is_empty() || matches!(anchor, Anchor::Start | Anchor::End);
        Ok(matches
            .then(|| Pattern::new(&self.in_locale(&text), self.state.shopt("extglob"), nocase)))
    }

    /// What a match is replaced with; `None` stands for the match itself.
    fn replacement(&mut self, word: &Word) -> Expand<Vec<Option<String>>> {
        let field: Field = self.expand_field(word)?;
        if !self.state.shopt("patsub_replacement") {
            return Ok(vec![Some(field.text)]);
        }
        let mut parts: Vec<Option<String>> = Vec::new();
        for (text, quoted) in field.pieces() {
            if quoted {
                parts.push(Some(text.to_owned()));
                continue;
            }
            let mut literal = String::new();
            let mut chars = text.chars().peekable();
            while let Some(c) = chars.next() {
                match c {
                    '\\' if matches!(chars.peek(), Some('&' | '\\')) => {
                        literal.extend(chars.next())
                    }
                    '&' => {
                        parts.push(Some(std::mem::take(&mut literal)));
                        parts.push(None);
                    }
                    c => literal.push(c),
                }
            }
            parts.push(Some(literal));
        }
        Ok(parts)
    }

    fn transform(&mut self, param: &Param, values: Values, letter: char) -> Expand<Option<Values>> {
        let attributes = self.state.vars.get(&param.name).map(|var| var.attributes);
        let value = self.value(&param.name);
        let many = matches!(values, Values::Many { .. });
        Ok(Some(match letter {
            'Q' => values.map(|value| quote::single(&value)),
            'U' => values.map(|value| value.to_uppercase()),
            'L' => values.map(|value| value.to_lowercase()),
            'u' => values.map(|value| change_case(&value, Some(true), false, None)),
            'E' => values.map(|value| crate::syntax::ansi_c(&value)),
            'P' => match values {
                Values::One(Some(text)) => Values::One(Some(self.prompt(&text)?)),
                values => values,
            },
            'a' => {
                let letters = value
                    .as_ref()
                    .map(|value| attribute_letters(value, attributes.unwrap_or_default()));
                match values {
                    // What was declared and has no value has attributes all the same.
                    Values::One(None) => Values::One(letters.filter(|text| !text.is_empty())),
                    values => values.map(|_| letters.clone().unwrap_or_default()),
                }
            }
            'A' if many && is_name(&param.name) => Values::One(self.declaration(&param.name)),
            'A' if many => {
                let Values::Many { values, .. } = values else { return Ok(None) };
                let quoted: Vec<String> = values.iter().map(|v| quote::single(v)).collect();
                Values::One(Some(format!("set -- {}", quoted.join(" "))))
            }
            'A' => match values {
                Values::One(Some(text)) => {
                    let letters = value
                        .as_ref()
                        .map(|value| attribute_letters(value, attributes.unwrap_or_default()))
                        .unwrap_or_default();
                    let assign = format!("{}={}", param.name, quote::single(&text));
                    Values::One(Some(match letters.is_empty() {
                        true => assign,
                        false => format!("declare -{letters} {assign}"),
                    }))
                }
                values => values,
            },
            'K' | 'k' => match (value, values) {
                (
                    Some(value @ (Value::Indexed(_) | Value::Assoc(_))),
                    Values::Many { star, .. },
                ) => {
                    let pairs = value.keys().into_iter().zip(value.values());
                    match letter {
                        'K' => {
                            let mut text = String::new();
                            for (key, value) in pairs {
                                let separator = if text.is_empty() { "" } else { " " };
                                text.push_str(&format!(
                                    "{separator}{} {}",
                                    quote::key(&key),
                                    quote::double(&value)
                                ));
                            }
                            // bash ends the list of an associative array with a blank.
                            if matches!(value, Value::Assoc(_)) && !text.is_empty() {
                                text.push(' ');
                            }
                            Values::One(Some(text))
                        }
                        _ => Values::Many {
                            values: pairs.flat_map(|(key, value)| [key, value]).collect(),
                            star,
                        },
                    }
                }
                (_, values) => values.map(|value| quote::single(&value)),
            },
            _ => return Ok(None),
        }))
    }

    /// A prompt string, expanded.
    pub(crate) fn prompt(&mut self, text: &str) -> Expand<String> {
        let home = self.get("HOME").unwrap_or_default();
        let short = match self.state.cwd.strip_prefix(&home) {
            Some(rest) if !home.is_empty() && (rest.is_empty() || rest.starts_with('/')) => {
                format!("~{rest}")
            }
            _ => self.state.cwd.clone(),
        };
        let mut result = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                result.push(c);
                continue;
            }
            match chars.next() {
                Some('w') => result.push_str(&short),
                Some('W') => match short.rsplit('/').next() {
                    Some("") | None => result.push('/'),
                    Some(last) => result.push_str(last),
                },
                Some('u') => result.push_str("agent"),
                Some('h' | 'H') => result.push_str("toolcell"),
                Some('s') => result.push_str("bash"),
                Some('v') => result.push_str("5.2"),
                Some('V') => result.push_str("5.2.37"),
                Some('$') => result.push('$'),
                Some('n') => result.push('\n'),
                Some('r') => result.push('\r'),
                Some('a') => result.push('\x07'),
                Some('e') => result.push('\x1b'),
                Some('[' | ']') => {}
                Some('d') => result.push_str(&self.time("%a %b %d")),
                Some('t') => result.push_str(&self.time("%H:%M:%S")),
                Some('T') => result.push_str(&self.time("%I:%M:%S")),
                Some('@') => result.push_str(&self.time("%I:%M %p")),
                Some('A') => result.push_str(&self.time("%H:%M")),
                Some('D') if chars.as_str().starts_with('{') => {
                    let rest = chars.as_str();
                    let end = rest.find('}').unwrap_or(rest.len());
                    let format = match &rest[1..end] {
                        "" => "%H:%M:%S",
                        format => format,
                    };
                    result.push_str(&self.time(format));
                    chars = rest.get(end + 1..).unwrap_or_default().chars();
                }
                Some('j') => result.push_str(&self.jobs.list.len().to_string()),
                Some('#' | '!') => result.push('1'),
                Some('l') => result.push_str("tty"),
                Some(digit @ '0'..='7') => {
                    let rest = chars.as_str();
                    let octal = rest.get(..2).map(|more| format!("{digit}{more}"));
                    let byte = octal.and_then(|octal| u8::from_str_radix(&octal, 8).ok());
                    match byte {
                        Some(byte) => {
                            result.push(char::from(byte & 0x7F));
                            chars = rest[2..].chars();
                        }
                        None => result.extend(['\\', digit]),
                    }
                }
                Some('\\') => result.push('\\'),
                Some(other) => {
                    result.push('\\');
                    result.push(other);
                }
                None => result.push('\\'),
            }
        }
        match self.state.shopt("promptvars") {
            true => self.expand_text(&result),
            false => Ok(result),
        }
    }

    /// What the clocks of the zone show now.
    fn time(&mut self, format: &str) -> String {
        let seconds = i64::try_from(self.now().as_secs()).unwrap_or(i64::MAX);
        self.strftime(format, seconds)
    }

    /// Seconds since 1970 in the zone that an exported `TZ` names.
    pub(crate) fn strftime(&self, format: &str, seconds: i64) -> String {
        let exported = self.state.vars.get("TZ").filter(|variable| variable.attributes.export);
        let zone =
            exported.and_then(|variable| variable.value.scalar()).map(|name| Local::named(name));
        toolcell_text::strftime(format, seconds, &zone.unwrap_or(Local::utc()))
    }
}

impl Values {
    fn map(self, change: impl Fn(String) -> String) -> Values {
        match self {
            Values::One(value) => Values::One(value.map(change)),
            Values::Many { values, star } => {
                Values::Many { values: values.into_iter().map(change).collect(), star }
            }
        }
    }
}

/// The letters of `declare`.
pub(crate) fn attribute_letters(value: &Value, attributes: Attributes) -> String {
    let letters = [
        ('a', matches!(value, Value::Indexed(_))),
        ('A', matches!(value, Value::Assoc(_))),
        ('i', attributes.integer),
        ('n', attributes.nameref),
        ('r', attributes.readonly),
        ('t', attributes.trace),
        ('x', attributes.export),
        ('l', attributes.lower),
        ('u', attributes.upper),
    ];
    letters.iter().filter(|(_, on)| *on).map(|(letter, _)| *letter).collect()
}

fn remove(value: &str, pattern: &Pattern, suffix: bool, longest: bool) -> String {
    let chars: Vec<char> = value.chars().collect();
    match suffix {
        false => match pattern.prefix(&chars, longest) {
            Some(length) => chars[length..].iter().collect(),
            None => value.to_owned(),
        },
        true => match pattern.suffix(&chars, longest) {
            Some(start) => chars[..start].iter().collect(),
            None => value.to_owned(),
        },
    }
}

fn replace(value: &str, pattern: &Pattern, anchor: Anchor, with: &[Option<String>]) -> String {
    let chars: Vec<char> = value.chars().collect();
    let mut result = String::new();
    let put = |result: &mut String, matched: &[char]| {
        for part in with {
            match part {
                Some(text) => result.push_str(text),
                None => result.extend(matched),
            }
        }
    };
    if chars.is_empty() && pattern.matches_chars(&chars) {
        put(&mut result, &chars);
        return result;
    }
    match anchor {
        Anchor::Start => match pattern.prefix(&chars, true) {
            Some(length) => {
                put(&mut result, &chars[..length]);
                result.extend(&chars[length..]);
                result
            }
            None => value.to_owned(),
        },
        Anchor::End => match pattern.suffix(&chars, true) {
            Some(start) => {
                result.extend(&chars[..start]);
                put(&mut result, &chars[start..]);
                result
            }
            None => value.to_owned(),
        },
        Anchor::First | Anchor::All => {
            let mut at = 0;
            while let Some((from, to)) = pattern.find(&chars, at) {
                if from == to {
                    // What matches nothing replaces nothing.
                    if from >= chars.len() {
                        break;
                    }
                    result.push(chars[at]);
                    at += 1;
                    continue;
                }
                result.extend(&chars[at..from]);
                put(&mut result, &chars[from..to]);
                at = to;
                if anchor == Anchor::First || at >= chars.len() {
                    break;
                }
            }
            result.extend(&chars[at.min(chars.len())..]);
            result
        }
    }
}

fn change_case(value: &str, upper: Option<bool>, all: bool, pattern: Option<&Pattern>) -> String {
    let mut result = String::new();
    for (at, c) in value.chars().enumerate() {
        let applies = (all || at == 0) && pattern.is_none_or(|pattern| pattern.matches_chars(&[c]));
        let raise = match upper {
            Some(upper) => upper,
            None => c.is_lowercase(),
        };
        match (applies, raise) {
            (false, _) => result.push(c),
            (true, true) => result.extend(c.to_uppercase()),
            (true, false) => result.extend(c.to_lowercase()),
        }
    }
    result
}

/// Whether bash joins what an operator makes of `$@` by the first of IFS where it is a variable's
/// value or a here-string, and not by a space as it joins `$@` itself.
fn joins_values(op: &Op, quoted: bool) -> bool {
    match op {
        Op::Remove { .. } | Op::Transform(_) => true,
        Op::Replace { .. } | Op::Case { .. } | Op::Substring { .. } | Op::Keys { .. } => quoted,
        Op::None | Op::Names { .. } | Op::Length | Op::Test { .. } | Op::Bad => false,
    }
}

/// Whether it is `${#name[@]}`.
fn counts_elements(param: &Param) -> bool {
    let all = matches!(param.index, Some(Index::At | Index::Star));
    all && !param.indirect && !matches!(param.name.as_str(), "@" | "*")
}
