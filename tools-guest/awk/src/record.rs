//! The record and its fields.

use std::ops::Range;
use std::rc::Rc;

use crate::interp::{Interp, Leave, Run};
use crate::parser::Slot;
use crate::pattern::Matcher;
use crate::text::{Text, Units};
use crate::value::Value;
use crate::vars::{Cell, special};

/// Fields that a record may be given by assigning to one.
const MAX_FIELDS: usize = 1_000_000;

/// `$0`, and what it is split into when a field is asked for.
#[derive(Debug, Default)]
pub(crate) struct Record {
    text: Text,
    /// Where the fields are in the text.
    parts: Vec<Range<usize>>,
    /// The fields instead, once one of them was changed.
    changed: Option<Vec<Value>>,
    is_split: bool,
    /// Whether the text must be built again from the fields.
    is_stale: bool,
}

/// How text is split.
#[derive(Debug, Clone)]
pub(crate) enum Splitter {
    /// At runs of blanks and newlines, those at the ends aside.
    Blanks,
    /// Into characters.
    Each(Units),
    Byte(u8),
    /// At this byte, and at newlines.
    ByteOrNewline(u8),
    Regex(Rc<Matcher>),
    /// Into what matches (gawk's `FPAT`).
    Matches(Rc<Matcher>),
}

impl Splitter {
    pub(crate) fn split(&self, text: &[u8], parts: &mut Vec<Range<usize>>) {
        parts.clear();
        if text.is_empty() {
            return;
        }
        let mut from = 0;
        match self {
            Splitter::Blanks => {
                let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n');
                loop {
                    let rest = &text[from..];
                    let Some(start) = rest.iter().position(|byte| !is_blank(byte)) else { return };
                    let length = rest[start..].iter().position(is_blank);
                    let end = length.map_or(text.len(), |length| from + start + length);
                    parts.push(from + start..end);
                    from = end;
                }
            }
            Splitter::Each(units) => {
                parts.extend(units.chars(text));
                return;
            }
            Splitter::Byte(byte) => {
                for at in memchr::memchr_iter(*byte, text) {
                    parts.push(from..at);
                    from = at + 1;
                }
            }
            Splitter::ByteOrNewline(byte) => {
                for at in memchr::memchr2_iter(*byte, b'\n', text) {
                    parts.push(from..at);
                    from = at + 1;
                }
            }
            Splitter::Regex(matcher) => between(matcher, text, parts, &mut from),
            Splitter::Matches(matcher) => {
                parts.extend(matcher.matches(text));
                return;
            }
        }
        parts.push(from..text.len());
    }
}

/// What is between the matches that are not empty.
pub(crate) fn between(
    matcher: &Matcher,
    text: &[u8],
    parts: &mut Vec<Range<usize>>,
    from: &mut usize,
) {
    for found in matcher.matches(text).filter(|found| !found.is_empty()) {
        parts.push(*from..found.start);
        *from = found.end;
    }
}

impl<'a> Interp<'a> {
    pub(crate) fn set_record(&mut self, text: Text) {
        self.record.text = text;
        self.record.changed = None;
        self.record.is_split = false;
        self.record.is_stale = false;
    }

    /// `$0`.
    pub(crate) fn whole_record(&mut self) -> &Text {
        if self.record.is_stale {
            self.record.is_stale = false;
            let (separator, format) = (self.text_of(special::OFS), self.text_of(special::CONVFMT));
            let mut bytes = Vec::with_capacity(self.record.text.len());
            for (at, field) in self.record.changed.iter().flatten().enumerate() {
                if at > 0 {
                    bytes.extend_from_slice(&separator);
                }
                field.append(&format, &mut bytes);
            }
            self.record.text = Text::from(&*bytes);
        }
        &self.record.text
    }

    pub(crate) fn split_record(&mut self) -> Run<()> {
        if self.record.is_split {
            return Ok(());
        }
        self.record.is_split = true;
        if self.splitter.is_none() {
            self.splitter = Some(self.record_splitter()?);
        }
        if let Some(splitter) = &self.splitter {
            splitter.split(&self.record.text, &mut self.record.parts);
        }
        let count = self.record.parts.len() as f64;
        self.globals[special::NF] = Cell::Value(Value::Number(count));
        Ok(())
    }

    /// How records are split: as `FS` says, or gawk's `FPAT`, whichever was set last.
    fn record_splitter(&mut self) -> Run<Splitter> {
        if self.by_fpat
            && let Some(slot) = self.optional.fpat
        {
            let pattern = self.text_of(slot);
            return Ok(Splitter::Matches(self.dynamic(&pattern)?));
        }
        let separator = self.text_of(special::FS);
        self.splitter_for(&separator)
    }

    /// How text is split at this separator.
    pub(crate) fn splitter_for(&mut self, separator: &[u8]) -> Run<Splitter> {
        let paragraphs = self.text_of(special::RS).is_empty();
        Ok(match separator {
            b" " => Splitter::Blanks,
            [] => Splitter::Each(self.reading.units),
            [byte] if paragraphs => Splitter::ByteOrNewline(*byte),
            [byte] => Splitter::Byte(*byte),
            separator if paragraphs => {
                let either = [b"(", separator, b")|\n"].concat();
                Splitter::Regex(self.dynamic(&either)?)
            }
            separator => Splitter::Regex(self.dynamic(separator)?),
        })
    }

    fn position(at: f64) -> Run<usize> {
        match (0.0..=MAX_FIELDS as f64).contains(&at) {
            true => Ok(at as usize),
            false => Err(Leave::Fatal(format!("trying to access out of range field {at}"))),
        }
    }

    pub(crate) fn field(&mut self, at: f64) -> Run<Value> {
        let at = Self::position(at)?;
        if at == 0 {
            return Ok(Value::Input(self.whole_record().clone()));
        }
        self.split_record()?;
        Ok(match &self.record.changed {
            Some(fields) => fields.get(at - 1).cloned().unwrap_or_default(),
            None => match self.record.parts.get(at - 1) {
                Some(part) => Value::Input(self.record.text.part(part.clone())),
                None => Value::Unset,
            },
        })
    }

    /// The bytes of a field that was not changed, or of all of the record.
    pub(crate) fn field_bytes(&mut self, at: f64) -> Run<Option<&[u8]>> {
        let at = Self::position(at)?;
        if at == 0 {
            return Ok(Some(self.whole_record()));
        }
        self.split_record()?;
        Ok(match (&self.record.changed, self.record.parts.get(at - 1)) {
            (None, Some(part)) => Some(&self.record.text[part.clone()]),
            _ => None,
        })
    }

    pub(crate) fn set_field(&mut self, at: f64, value: Value) -> Run<()> {
        let at = Self::position(at)?;
        if at == 0 {
            let text = value.to_text(&self.text_of(special::CONVFMT));
            self.set_record(text);
            return Ok(());
        }
        let fields = self.changed_fields()?;
        if at > fields.len() {
            fields.resize(at, Value::Unset);
        }
        fields[at - 1] = value;
        let count = fields.len() as f64;
        self.globals[special::NF] = Cell::Value(Value::Number(count));
        Ok(())
    }

    /// What an assignment to `NF` does.
    pub(crate) fn set_count(&mut self, count: f64) -> Run<()> {
        let count = Self::position(count.max(0.0))?;
        self.changed_fields()?.resize(count, Value::Unset);
        self.globals[special::NF] = Cell::Value(Value::Number(count as f64));
        Ok(())
    }

    /// The fields, to be changed: the record is built again from them.
    fn changed_fields(&mut self) -> Run<&mut Vec<Value>> {
        self.split_record()?;
        self.record.is_stale = true;
        let Record { text, parts, changed, .. } = &mut self.record;
        Ok(changed.get_or_insert_with(|| {
            parts.iter().map(|part| Value::Input(text.part(part.clone()))).collect()
        }))
    }

    /// The value of `NF`.
    pub(crate) fn split_if_counted(&mut self, slot: Slot) -> Run<()> {
        match slot {
            Slot::Global(special::NF) => self.split_record(),
            _ => Ok(()),
        }
    }
}
