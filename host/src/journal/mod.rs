//! The append-only log of every change to a cell's files.
//!
//! A change is written down before it happens and its outcome after. A reader therefore finds, for
//! every file that differs from the start, a record that says who changed it and how.
//!
//! 1. [`writer`] opens a record for a permitted operation and hands out the [`Ticket`] without
//!    which no file can be changed; afterwards it completes the record.
//! 2. [`record`] is what a record says. [`codec`] is how it is laid out in bytes.
//! 3. [`reader`] puts the two halves of each record together again.
//! 4. [`recover`] closes, truthfully, what a crash left open.
//! 5. [`images`] keeps what files held before a call changed them.
//!
//! # Format, version 1
//!
//! A journal is a directory of segments, `00000001.log` and so on, read in order of their names.
//! A segment is the 8 bytes `TCJRNL` 0 1 followed by frames:
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | length of the payload, little endian |
//! | 4 | CRC-32 of the payload, little endian |
//! | n | payload: a tag byte, then the fields of that tag |
//!
//! Numbers are LEB128, texts and byte strings are a length and the bytes.
//!
//! | tag | fields |
//! | --- | --- |
//! | 1 actor | id, call id, tool, component digest, process id (0: none), name of the process |
//! | 2 begin | sequence, time (ns since 1970), actor id, operation code, region, path, old path or link target, facts before |
//! | 3 end | sequence, outcome (0 done, 1 failed, 2 partial, 3 not done), error text, facts after, number of ranges, then start and length of each |
//!
//! Facts are a byte (0 absent; 1 file, 2 directory, 3 link, 4 other, plus 16 when a BLAKE3
//! follows), then for what exists: inode, size, permission bits, modification time (ns), and the 32 bytes of hash.
//!
//! Beside the segments may lie `checkpoint`: four decimal numbers, the last segment of a process
//! that ended in good order, its length, and the next sequence and actor numbers. Where it matches
//! the last segment, opening reads nothing else.
//!
//! A frame that is cut short or does not match its checksum ends its segment: a torn tail is an
//! end, not an error. A process never appends to a segment that another one wrote.

mod codec;
mod images;
mod reader;
mod record;
mod recover;
mod writer;

pub use images::Keep;
pub(crate) use reader::segments;
pub use reader::{Begun, Feed, Half, Position, Reader, each_half, end, read, read_all};
pub use record::{ActorInfo, Facts, FileKind, Outcome, Record};
pub use recover::recover;
pub use writer::{
    BeginError, Durability, Effect, Journal, MAX_JOURNAL_BYTES_PER_CALL, OpenWrite, Ticket,
};

/// What went wrong with the journal itself. A journal that cannot be written stops the change
/// that wanted a record.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk said no.
    #[error("cannot {action} the journal")]
    Io {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A segment that this version cannot read.
    #[error("journal segment {segment} has an unknown format version")]
    Version {
        /// The segment's file name.
        segment: String,
    },
}
