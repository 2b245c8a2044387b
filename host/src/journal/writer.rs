//! Writing records, and the ticket that proves one was written.
//!
//! The first half of a record reaches the operating system before [`Journal::begin`] returns, so
//! a killed process cannot have changed a file without one. The second half waits in memory for
//! the next first half or the end of the call; if it is lost, reopening finds out the truth.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{Dir, File, OpenOptions};
use parking_lot::Mutex;
use rustix::io::Errno;

use super::codec::{Frame, MAGIC, MAX_RANGES, encode};
use super::images::{Images, Keep};
use super::reader::{read_all, segment_name, segments};
use super::{Facts, JournalError, Outcome, Position, Reader};
use crate::kept;
use crate::policy::{Actor, Denied, Mutation, Operation, Permit};

/// Bytes one call may write into the journal. A guest that makes and removes a file in a loop
/// would otherwise fill the host's disk with records, which no region's quota counts.
pub const MAX_JOURNAL_BYTES_PER_CALL: u64 = 64 << 20;

/// A segment is left for a new one at this size, so that readers load bounded pieces.
const SEGMENT_BYTES: u64 = 32 << 20;

/// When what was written must have reached the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Before each call's result is returned: the journal and every changed region.
    Call,
    /// When the execution is closed: the same.
    #[default]
    Execution,
    /// Whenever the operating system likes. A crash of the process loses nothing all the same.
    None,
}

/// A cell's journal, open for writing by one process.
#[derive(Debug)]
pub struct Journal {
    directory: Dir,
    inner: Mutex<Inner>,
    images: Images,
    next_actor: AtomicU64,
    durability: Durability,
}

#[derive(Debug)]
struct Inner {
    /// Made with the first record: a process that changes nothing leaves no segment behind.
    file: Option<File>,
    /// The number of the latest segment, ours or another process's.
    segment: u64,
    segment_bytes: u64,
    next_seq: u64,
    /// Records of ours that have no second half yet.
    open: u64,
    /// Encoded second halves that have not been written yet.
    pending: Vec<u8>,
}

/// Proof that a record is open for one permitted operation; what the backing takes.
#[derive(Debug)]
#[must_use = "a ticket stands for an open record"]
pub struct Ticket {
    seq: u64,
    permit: Permit,
}

impl Ticket {
    /// The record's sequence number.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// What was permitted and recorded.
    pub fn operation(&self) -> &Operation {
        self.permit.operation()
    }

    /// Who it was permitted to.
    pub fn actor(&self) -> &Arc<Actor> {
        self.permit.actor()
    }

    /// What became of it. On success the growth that was reserved is settled, as `grown` bytes
    /// where it was less than asked; on failure it is given back.
    pub(crate) fn done<T>(
        self,
        result: Result<T, Errno>,
        grown: Option<u64>,
        after: Facts,
    ) -> Effect<T> {
        let (_, reservation) = self.permit.into_parts();
        match (reservation, grown) {
            (Some(reservation), None) if result.is_ok() => reservation.settle(),
            (Some(reservation), Some(bytes)) if result.is_ok() => reservation.settle_bytes(bytes),
            (refunded, _) => drop(refunded),
        }
        Effect { seq: self.seq, result, after }
    }
}

/// What changed, or why nothing did. [`Journal::record`] takes it and hands out the result.
#[derive(Debug)]
#[must_use = "an effect belongs into the journal"]
pub struct Effect<T> {
    seq: u64,
    result: Result<T, Errno>,
    after: Facts,
}

impl<T> Effect<T> {
    /// What was found afterwards.
    pub(crate) fn after(&self) -> &Facts {
        &self.after
    }
}

/// A record of data writes that is still growing: one for each descriptor that writes.
#[derive(Debug)]
pub struct OpenWrite {
    seq: u64,
    ranges: Vec<(u64, u64)>,
}

impl OpenWrite {
    /// A ticket for one more write of the same record.
    pub fn ticket(&self, permit: Permit) -> Ticket {
        Ticket { seq: self.seq, permit }
    }

    /// Takes in one write at `start`; how many bytes it wrote comes back.
    ///
    /// # Errors
    /// The operating system's, if it wrote nothing.
    pub fn absorb(&mut self, effect: Effect<usize>, start: u64) -> Result<usize, Errno> {
        let written = effect.result?;
        self.extend(start, written as u64);
        Ok(written)
    }

    fn extend(&mut self, start: u64, length: u64) {
        if length == 0 {
            return;
        }
        // Nearly always the next piece of a sequential write.
        if let Some(last) = self.ranges.last_mut()
            && last.0 + last.1 == start
        {
            last.1 += length;
            return;
        }
        self.ranges.push((start, length));
        if self.ranges.len() > MAX_RANGES {
            self.merge();
        }
    }

    /// Sorts and joins; past the cap, joins the closest neighbors too.
    fn merge(&mut self) {
        self.ranges.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(self.ranges.len());
        for (start, length) in self.ranges.drain(..) {
            match merged.last_mut() {
                Some(last) if start <= last.0 + last.1 => {
                    last.1 = last.1.max((start - last.0).saturating_add(length));
                }
                _ => merged.push((start, length)),
            }
        }
        while merged.len() > MAX_RANGES / 2 {
            merged = merged
                .chunks(2)
                .map(|pair| {
                    let last = pair[pair.len() - 1];
                    (pair[0].0, last.0 - pair[0].0 + last.1)
                })
                .collect();
        }
        self.ranges = merged;
    }
}

impl Journal {
    /// Opens the journal in `directory` for writing; what it held before comes back.
    ///
    /// # Errors
    /// When it cannot be read or a new segment cannot be made.
    pub fn open(
        directory: Dir,
        keep: Keep,
        durability: Durability,
    ) -> Result<(Journal, Reader), JournalError> {
        let segment = segments(&directory)?.last().map_or(0, |(_, number)| *number);
        let checkpoint = Checkpoint::load(&directory, segment);
        // Where the last process ended in good order there is nothing to find in what it wrote.
        let (reader, next) = match checkpoint {
            Some(checkpoint) => (Reader::default(), checkpoint),
            None => {
                let reader = read_all(&directory)?;
                let next = Checkpoint {
                    segment,
                    next_seq: reader.next_seq(),
                    next_actor: u64::from(reader.last_actor()) + 1,
                };
                (reader, next)
            }
        };
        let journal = Journal {
            images: Images::new(&directory, keep)?,
            directory,
            inner: Mutex::new(Inner {
                file: None,
                segment,
                segment_bytes: 0,
                next_seq: next.next_seq,
                open: 0,
                pending: Vec::new(),
            }),
            next_actor: AtomicU64::new(next.next_actor),
            durability,
        };
        Ok((journal, reader))
    }

    /// A new actor. It is recorded with its first change, so that a call that changes nothing
    /// leaves no trace and costs no system call.
    ///
    /// # Errors
    /// When the journal is damaged by four thousand million actors.
    pub fn actor(&self, call: &str, tool: &str, digest: &str) -> Result<Arc<Actor>, JournalError> {
        Ok(Actor::new(self.actor_id()?, call, tool, digest))
    }

    /// The number of a new actor.
    ///
    /// # Errors
    /// As [`Journal::actor`].
    pub fn actor_id(&self) -> Result<u32, JournalError> {
        let id = self.next_actor.fetch_add(1, Ordering::Relaxed);
        u32::try_from(id).map_err(|_| JournalError::Io {
            action: "number an actor of",
            source: std::io::ErrorKind::QuotaExceeded.into(),
        })
    }

    /// Writes down what is about to happen.
    ///
    /// # Errors
    /// When the call's share of the journal is used up, or the journal cannot be written.
    pub fn begin(&self, permit: Permit, before: Facts) -> Result<Ticket, BeginError> {
        let operation = permit.operation();
        let place = operation.place();
        let other = match operation {
            Operation::Symlink { target, .. } => target.as_str(),
            _ => operation.source().map_or("", |source| source.path.as_str()),
        };
        let actor = permit.actor();
        let mut inner = self.inner.lock();
        let seq = inner.next_seq;
        let frame = Frame::Begin {
            seq,
            time_ns: crate::ambient::now_ns(),
            actor: actor.id,
            operation: operation.kind(),
            region: place.region.name().to_owned(),
            path: place.path.as_str().to_owned(),
            other: other.to_owned(),
            before,
        };
        let start = inner.pending.len();
        if actor.is_new_to_journal() {
            let frame = Frame::Actor {
                id: actor.id,
                call: actor.call.clone(),
                tool: actor.tool.clone(),
                digest: actor.digest.clone(),
                process: actor.process.as_ref().map_or(0, |(pid, _)| *pid),
                program: actor.process.as_ref().map_or(String::new(), |(_, name)| name.clone()),
            };
            encode(&frame, &mut inner.pending);
        }
        encode(&frame, &mut inner.pending);
        let size = (inner.pending.len() - start) as u64;
        if actor.count_journal_bytes(size) > MAX_JOURNAL_BYTES_PER_CALL {
            inner.pending.truncate(start);
            return Err(BeginError::Denied(Denied::JournalFull {
                limit: MAX_JOURNAL_BYTES_PER_CALL,
            }));
        }
        inner.next_seq += 1;
        inner.open += 1;
        self.write(&mut inner)?;
        drop(inner);
        actor.note(Mutation { seq, operation: operation.kind(), path: place.path.clone() });
        Ok(Ticket { seq, permit })
    }

    /// Turns the ticket of a descriptor's first data write into a record that grows.
    pub fn open_write(&self, ticket: &Ticket) -> OpenWrite {
        OpenWrite { seq: ticket.seq, ranges: Vec::new() }
    }

    /// Completes the record of an effect; what the operation yielded comes back.
    ///
    /// # Errors
    /// The operating system's, when nothing changed.
    pub fn record<T>(&self, effect: Effect<T>) -> Result<T, Errno> {
        let (outcome, error) = match &effect.result {
            Ok(_) => (Outcome::Done, None),
            Err(errno) => (Outcome::Failed, Some(errno.to_string())),
        };
        self.complete(effect.seq, outcome, error.as_deref(), effect.after);
        effect.result
    }

    /// Completes a record by its number.
    pub(super) fn complete(&self, seq: u64, outcome: Outcome, error: Option<&str>, after: Facts) {
        self.end(seq, outcome, error, after, Vec::new());
    }

    /// Completes a record of data writes.
    pub fn close_write(&self, mut write: OpenWrite, after: Facts) {
        write.merge();
        self.end(write.seq, Outcome::Done, None, after, write.ranges);
    }

    /// The directory of its segments.
    pub(crate) fn directory(&self) -> &Dir {
        &self.directory
    }

    /// The number that the next record will have.
    pub fn next_seq(&self) -> u64 {
        self.inner.lock().next_seq
    }

    /// Where it ends now, what waits in memory included: it moves with each record.
    pub fn position(&self) -> Position {
        let inner = self.inner.lock();
        let offset = inner.segment_bytes + inner.pending.len() as u64;
        Position { segment: inner.segment, offset }
    }

    /// What old content is kept, and where.
    pub(crate) fn images(&self) -> &Images {
        &self.images
    }

    /// Hands everything to the operating system, so that readers see it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn flush(&self) -> Result<(), JournalError> {
        let mut inner = self.inner.lock();
        self.write(&mut inner)
    }

    /// Waits until the journal is on the disk.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn sync(&self) -> Result<(), JournalError> {
        let inner = self.inner.lock();
        let Some(file) = &inner.file else { return Ok(()) };
        file.sync_data().map_err(|source| JournalError::Io { action: "sync", source })
    }

    /// The setting it was opened with.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    fn end(
        &self,
        seq: u64,
        outcome: Outcome,
        error: Option<&str>,
        after: Facts,
        ranges: Vec<(u64, u64)>,
    ) {
        let outcome = match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Partial => 2,
            Outcome::NotDone | Outcome::Open => 3,
        };
        let error = error.unwrap_or_default().to_owned();
        let frame = Frame::End { seq, outcome, error, after, ranges };
        let mut inner = self.inner.lock();
        inner.open = inner.open.saturating_sub(1);
        encode(&frame, &mut inner.pending);
    }

    /// The end of the process's use: hands everything over, and notes where it ended, so that
    /// opening does not have to read it all. Without the note, it does.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn close(&self) -> Result<(), JournalError> {
        let mut inner = self.inner.lock();
        self.write(&mut inner)?;
        if inner.file.is_none() || inner.open > 0 {
            return Ok(());
        }
        let checkpoint = Checkpoint {
            segment: inner.segment,
            next_seq: inner.next_seq,
            next_actor: self.next_actor.load(Ordering::Relaxed),
        };
        checkpoint.store(&self.directory)
    }

    fn write(&self, inner: &mut Inner) -> Result<(), JournalError> {
        if inner.pending.is_empty() {
            return Ok(());
        }
        let Inner { file, segment, segment_bytes, pending, .. } = inner;
        let file = match file {
            Some(file) if *segment_bytes <= SEGMENT_BYTES => file,
            file => {
                *segment += 1;
                *segment_bytes = 0;
                file.insert(start_segment(&self.directory, *segment)?)
            }
        };
        let result = file.write_all(pending);
        *segment_bytes += pending.len() as u64;
        pending.clear();
        result.map_err(|source| {
            // What follows a half-written frame cannot be read: leave the segment behind.
            inner.file = None;
            JournalError::Io { action: "write", source }
        })
    }
}

/// Where a journal ended that was closed in good order.
///
/// It holds for the segments up to one, by number; a segment after that is of a process that did
/// not end so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checkpoint {
    segment: u64,
    next_seq: u64,
    next_actor: u64,
}

const CHECKPOINT: &str = "checkpoint";

impl Checkpoint {
    /// The note about exactly this last segment, with its length; `None` if it does not match.
    fn load(directory: &Dir, segment: u64) -> Option<Checkpoint> {
        let text = directory.read_to_string(CHECKPOINT).ok()?;
        let mut numbers = text.split_whitespace().map(|number| number.parse::<u64>().ok());
        let mut next = || numbers.next().flatten();
        let (noted, bytes, next_seq, next_actor) = (next()?, next()?, next()?, next()?);
        let mut last = directory.open(segment_name(segment)).ok()?;
        let mut magic = [0; MAGIC.len()];
        last.read_exact(&mut magic).ok()?;
        let length = last.metadata().ok()?.len();
        let holds = noted == segment && bytes == length && magic == MAGIC;
        holds.then_some(Checkpoint { segment, next_seq, next_actor })
    }

    fn store(&self, directory: &Dir) -> Result<(), JournalError> {
        let io = |source| JournalError::Io { action: "note the end of", source };
        let bytes = directory.metadata(segment_name(self.segment)).map_err(io)?.len();
        let Checkpoint { segment, next_seq, next_actor } = self;
        let text = format!("{segment} {bytes} {next_seq} {next_actor}\n");
        kept::replace(directory, CHECKPOINT, text.as_bytes()).map_err(io)
    }
}

/// Why a record could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Policy says no.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The journal says no.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn start_segment(directory: &Dir, number: u64) -> Result<File, JournalError> {
    let io = |source| JournalError::Io { action: "start a segment of", source };
    let options = OpenOptions::new().append(true).create_new(true).clone();
    let mut file = directory.open_with(segment_name(number), &options).map_err(io)?;
    file.write_all(&MAGIC).map_err(io)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::super::Feed;
    use super::*;
    use crate::path::GuestPath;
    use crate::policy::{Access, Grant, Place, Quota, Region, Rights};

    fn open_write() -> OpenWrite {
        OpenWrite { seq: 1, ranges: vec![] }
    }

    #[test]
    fn ranges_merge_and_stay_bounded() {
        let mut write = open_write();
        for (start, length) in [(0, 4), (4, 4), (20, 5), (10, 2), (11, 3), (0, 1)] {
            write.extend(start, length);
        }
        write.merge();
        assert_eq!(write.ranges, [(0, 8), (10, 4), (20, 5)]);

        let mut scattered = open_write();
        for byte in 0..10_000 {
            scattered.extend(byte * 3, 1);
        }
        scattered.merge();
        assert!(scattered.ranges.len() <= MAX_RANGES);
        let (start, _) = scattered.ranges[0];
        let (last, length) = *scattered.ranges.last().unwrap();
        assert_eq!((start, last + length), (0, 9_999 * 3 + 1));
    }

    #[test]
    fn one_call_cannot_fill_the_disk_with_records() {
        let directory = cap_std_dir();
        let (journal, _) = Journal::open(directory.1, Keep::Off, Durability::None).unwrap();
        let region = Region::new("r", Access::ReadWrite, Quota::UNLIMITED);
        let actor = journal.actor("c", "t", "").unwrap();
        actor.count_journal_bytes(MAX_JOURNAL_BYTES_PER_CALL);
        let grant = Grant::new(actor, vec![(region.clone(), Rights::ReadWrite)]);
        let place = Place { region, path: GuestPath::root() };
        let permit = grant.decide(Operation::CreateFile { at: place }).unwrap();
        assert!(matches!(
            journal.begin(permit, Facts::Absent),
            Err(BeginError::Denied(Denied::JournalFull { .. }))
        ));
    }

    #[test]
    fn a_feed_goes_on_where_it_was_and_opens_no_earlier_segment() {
        let (_keep, directory) = cap_std_dir();
        let region = Region::new("r", Access::ReadWrite, Quota::UNLIMITED);
        // One process, and one segment, for each change.
        let change = || {
            let own = directory.try_clone().unwrap();
            let (journal, _) = Journal::open(own, Keep::Off, Durability::None).unwrap();
            let actor = journal.actor("c", "t", "").unwrap();
            let grant = Grant::new(actor, vec![(region.clone(), Rights::ReadWrite)]);
            let place = Place { region: region.clone(), path: GuestPath::root() };
            let permit = grant.decide(Operation::CreateFile { at: place }).unwrap();
            let ticket = journal.begin(permit, Facts::Absent).unwrap();
            journal.record(ticket.done(Ok(()), None, Facts::Absent)).unwrap();
            journal.close().unwrap();
        };
        let mut feed = Feed::default();
        let mut seen = || -> Vec<u64> {
            let records = feed.poll(&directory).unwrap();
            records.iter().map(|record| record.seq).collect()
        };

        change();
        change();
        assert_eq!(seen(), [1, 2]);
        directory.remove_file(segment_name(1)).unwrap();
        change();
        assert_eq!(seen(), [3]);
        assert_eq!(seen(), [0; 0]);
        // A number of which there is no segment is gone over.
        change();
        change();
        directory.remove_file(segment_name(4)).unwrap();
        assert_eq!(seen(), [5]);
    }

    fn cap_std_dir() -> (tempfile::TempDir, Dir) {
        let directory = tempfile::tempdir().unwrap();
        let dir = crate::ambient::open_dir_ambient(directory.path()).unwrap();
        (directory, dir)
    }
}
