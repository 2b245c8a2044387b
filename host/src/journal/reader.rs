//! Segments to records: the two halves of each change put together, in order.

use std::collections::HashMap;
use std::io::ErrorKind::NotFound;
use std::io::{Read as _, Seek as _, SeekFrom};

use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};

use super::codec::{Frame, MAGIC, decode};
use super::{ActorInfo, Facts, JournalError, Outcome, Record};
use crate::path::GuestPath;
use crate::policy::OperationKind;

/// Largest segment a reader loads. Writers start a new one long before.
const MAX_SEGMENT_BYTES: u64 = 256 << 20;

/// Puts records together from segments that are fed to it one after the other.
#[derive(Debug)]
pub struct Reader {
    actors: HashMap<u32, ActorInfo>,
    records: Vec<Record>,
    by_seq: HashMap<u64, usize>,
    /// Records before this number are left out.
    from: u64,
    /// No more records than this are kept.
    most: usize,
    /// Whether there were more.
    more: bool,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::of(0, usize::MAX)
    }
}

impl Reader {
    /// A reader that keeps up to `most` records from the number `from` on.
    pub fn of(from: u64, most: usize) -> Reader {
        let (actors, by_seq) = (HashMap::new(), HashMap::new());
        Reader { actors, records: Vec::new(), by_seq, from, most, more: false }
    }

    /// Whether there were more records than were kept.
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Reads one segment's bytes up to where they stop making sense; how many bytes that was
    /// comes back.
    ///
    /// # Errors
    /// When the segment is of another format version. An empty or cut header is an end.
    pub fn feed(&mut self, segment: &str, bytes: &[u8]) -> Result<usize, JournalError> {
        let Some((magic, mut rest)) = bytes.split_first_chunk::<8>() else {
            return Ok(0);
        };
        if *magic != MAGIC {
            return Err(JournalError::Version { segment: segment.to_owned() });
        }
        while let Some((frame, after)) = decode(rest) {
            self.apply(frame);
            rest = after;
        }
        Ok(bytes.len() - rest.len())
    }

    /// Goes on in a segment of which a prefix was fed before. How many bytes more made sense
    /// comes back.
    pub fn feed_more(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while let Some((frame, after)) = decode(rest) {
            self.apply(frame);
            rest = after;
        }
        bytes.len() - rest.len()
    }

    /// The records so far, in order of their sequence numbers.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The records, the reader being done.
    pub fn into_records(self) -> Vec<Record> {
        self.records
    }

    /// The records that are complete; the others stay.
    fn take_complete(&mut self) -> Vec<Record> {
        let (open, complete) = std::mem::take(&mut self.records)
            .into_iter()
            .partition(|record| record.outcome == Outcome::Open);
        self.records = open;
        self.by_seq =
            self.records.iter().enumerate().map(|(at, record)| (record.seq, at)).collect();
        complete
    }

    /// The sequence number after the last one used.
    pub fn next_seq(&self) -> u64 {
        self.records.last().map_or(1, |record| record.seq + 1)
    }

    /// The highest actor number used.
    pub fn last_actor(&self) -> u32 {
        self.actors.keys().copied().max().unwrap_or(0)
    }

    fn apply(&mut self, frame: Frame) {
        match frame {
            Frame::Actor { id, call, tool, digest, process, program } => {
                let process = (process != 0).then_some((process, program));
                self.actors.insert(id, ActorInfo { call, tool, digest, process });
            }
            Frame::Begin { seq, time_ns, actor, operation, region, path, other, before } => {
                if seq < self.from {
                    return;
                }
                if self.records.len() >= self.most {
                    self.more = true;
                    return;
                }
                let Ok(path) = GuestPath::parse(&GuestPath::root(), &path) else { return };
                self.by_seq.insert(seq, self.records.len());
                self.records.push(Record {
                    seq,
                    time_ns,
                    actor: self.actors.get(&actor).cloned().unwrap_or_default(),
                    operation,
                    region,
                    path,
                    other: Some(other).filter(|other| !other.is_empty()),
                    before,
                    after: Facts::Absent,
                    ranges: Vec::new(),
                    outcome: Outcome::Open,
                    error: None,
                });
            }
            Frame::End { seq, outcome, error, after, ranges } => {
                let Some(record) = self.by_seq.get(&seq).and_then(|at| self.records.get_mut(*at))
                else {
                    return;
                };
                record.outcome = match outcome {
                    0 => Outcome::Done,
                    1 => Outcome::Failed,
                    2 => Outcome::Partial,
                    _ => Outcome::NotDone,
                };
                record.error = Some(error).filter(|error| !error.is_empty());
                record.after = after;
                record.ranges = ranges;
            }
        }
    }
}

/// A journal as a stream of changes: follows what this process or another one writes, and keeps
/// nothing but what is not complete yet.
#[derive(Debug, Default)]
pub struct Feed {
    reader: Reader,
    position: Position,
}

impl Feed {
    /// A feed that begins after what the journal holds now.
    ///
    /// # Errors
    /// When the journal cannot be listed.
    pub fn from_here(directory: &Dir) -> Result<Feed, JournalError> {
        Ok(Feed { reader: Reader::default(), position: end(directory)? })
    }

    /// The changes that were completed since the last time, in the order in which they were asked
    /// for.
    ///
    /// # Errors
    /// When a segment cannot be read, or is of another version.
    pub fn poll(&mut self, directory: &Dir) -> Result<Vec<Record>, JournalError> {
        let last = segments(directory)?.last().map_or(0, |(_, number)| *number);
        self.poll_through(directory, last)
    }

    /// The same, where it is known which segment is the last. The ones before that do not grow any
    /// more, so that those which were read to their end are not opened again.
    ///
    /// # Errors
    /// As [`Feed::poll`].
    pub fn poll_through(
        &mut self,
        directory: &Dir,
        last: u64,
    ) -> Result<Vec<Record>, JournalError> {
        for segment in self.position.segment.max(FIRST_SEGMENT)..=last {
            let name = segment_name(segment);
            let offset = if segment == self.position.segment { self.position.offset } else { 0 };
            let bytes = match load(directory, &name, offset) {
                // It could not be made, and the one after it has the records.
                Err(JournalError::Io { source, .. }) if source.kind() == NotFound => continue,
                result => result?,
            };
            let read = match offset {
                0 => self.reader.feed(&name, &bytes)?,
                _ => self.reader.feed_more(&bytes),
            };
            self.position = Position { segment, offset: offset + read as u64 };
        }
        Ok(self.reader.take_complete())
    }

    /// The changes that have begun and are not complete.
    pub fn open(&self) -> &[Record] {
        self.reader.records()
    }
}

/// Reads every segment of the journal in `directory`.
///
/// # Errors
/// When a segment cannot be read, or is of another version.
pub fn read_all(directory: &Dir) -> Result<Reader, JournalError> {
    read(directory, Reader::default())
}

/// Reads every segment of the journal in `directory`, one after the other; what `reader` does not
/// keep is not held.
///
/// # Errors
/// As [`read_all`].
pub fn read(directory: &Dir, mut reader: Reader) -> Result<Reader, JournalError> {
    for (name, _) in segments(directory)? {
        reader.feed(&name, &load(directory, &name, 0)?)?;
    }
    Ok(reader)
}

/// What a record says when it begins: what was asked, whatever came of it.
#[derive(Debug, Clone, Copy)]
pub struct Begun<'a> {
    /// Its place in the order.
    pub seq: u64,
    /// What was asked.
    pub operation: OperationKind,
    /// The region.
    pub region: &'a str,
    /// Where. For rename and link, the new name.
    pub path: &'a str,
    /// The old name of a rename or link, the target of a symbolic link; else empty.
    pub other: &'a str,
}

/// One half of a record, as it comes by.
#[derive(Debug, Clone, Copy)]
pub enum Half<'a> {
    /// What was asked.
    Begun(Begun<'a>),
    /// That it is over, however it went.
    Ended {
        /// Its place in the order.
        seq: u64,
    },
}

/// How far a journal has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Position {
    /// The number of a segment.
    pub segment: u64,
    /// Bytes of it.
    pub offset: u64,
}

/// Goes through what was asked after `position`, which moves on, holding no more than one segment
/// in memory: a long execution's journal is larger than a host's.
///
/// # Errors
/// When a segment cannot be read, or is of another version.
pub fn each_half(
    directory: &Dir,
    position: &mut Position,
    mut each: impl FnMut(Half<'_>),
) -> Result<(), JournalError> {
    for (name, number) in segments(directory)? {
        if number < position.segment {
            continue;
        }
        let offset = if number == position.segment { position.offset } else { 0 };
        let bytes = load(directory, &name, offset)?;
        let mut rest = match (offset, bytes.split_first_chunk::<8>()) {
            (0, None) => continue,
            (0, Some((magic, rest))) if *magic == MAGIC => rest,
            (0, Some(_)) => return Err(JournalError::Version { segment: name }),
            _ => &bytes,
        };
        while let Some((frame, after)) = decode(rest) {
            match &frame {
                Frame::Begin { seq, operation, region, path, other, .. } => {
                    let (seq, operation) = (*seq, *operation);
                    each(Half::Begun(Begun { seq, operation, region, path, other }));
                }
                Frame::End { seq, .. } => each(Half::Ended { seq: *seq }),
                Frame::Actor { .. } => {}
            }
            rest = after;
        }
        *position =
            Position { segment: number, offset: offset + (bytes.len() - rest.len()) as u64 };
    }
    Ok(())
}

/// Where the journal in `directory` ends.
///
/// # Errors
/// When it cannot be listed.
pub fn end(directory: &Dir) -> Result<Position, JournalError> {
    let io = |source| JournalError::Io { action: "examine", source };
    match segments(directory)?.last() {
        Some((name, number)) => {
            let offset = directory.metadata(name).map_err(io)?.len();
            Ok(Position { segment: *number, offset })
        }
        None => Ok(Position::default()),
    }
}

/// The number of a journal's first segment.
const FIRST_SEGMENT: u64 = 1;

/// The name of a segment's file.
pub(super) fn segment_name(number: u64) -> String {
    format!("{number:08}.log")
}

/// The segments' names and numbers, in order.
pub(crate) fn segments(directory: &Dir) -> Result<Vec<(String, u64)>, JournalError> {
    let io = |source| JournalError::Io { action: "list", source };
    let mut found = Vec::new();
    for entry in directory.entries().map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(number) = name.strip_suffix(".log").and_then(|number| number.parse().ok()) {
            found.push((name.to_owned(), number));
        }
    }
    found.sort_by_key(|(_, number)| *number);
    Ok(found)
}

/// What a segment holds from `offset` on.
fn load(directory: &Dir, name: &str, offset: u64) -> Result<Vec<u8>, JournalError> {
    let io = |source| JournalError::Io { action: "read", source };
    let mut file = directory.open(name).map_err(io)?;
    let length = file.metadata().map_err(io)?.len().saturating_sub(offset).min(MAX_SEGMENT_BYTES);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.seek(SeekFrom::Start(offset)).map_err(io)?;
    file.take(length).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}
