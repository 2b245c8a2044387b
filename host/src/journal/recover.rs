//! Closing, truthfully, the records that a crash left open.

use super::{Facts, Journal, Outcome, Record};
use crate::policy::OperationKind;

/// Closes each open record of `records` by the facts that `look` finds now at the record's path.
/// How many were closed comes back.
///
/// Whether a rename or a write came before the crash is told by inode, size and modification
/// time, which the record holds from before. A write that was begun and left a trace is closed as
/// partial: nobody can know how much of it was still to come.
pub fn recover(
    journal: &Journal,
    records: &[Record],
    mut look: impl FnMut(&str) -> Facts,
) -> usize {
    let open = records.iter().filter(|record| record.outcome == Outcome::Open);
    let mut closed = 0;
    for record in open {
        let now = look(record.path.as_str());
        journal.complete(record.seq, judge(record, now), Some("found after a crash"), now);
        closed += 1;
    }
    closed
}

fn judge(record: &Record, now: Facts) -> Outcome {
    let done = |happened| if happened { Outcome::Done } else { Outcome::NotDone };
    match record.operation {
        OperationKind::CreateFile
        | OperationKind::CreateDirectory
        | OperationKind::Symlink
        | OperationKind::Link => done(now.exists()),
        OperationKind::RemoveDirectory | OperationKind::UnlinkFile => {
            done(now.inode() != record.before.inode())
        }
        // The new name stands for something that was not there before.
        OperationKind::Rename => done(now.exists() && now.inode() != record.before.inode()),
        OperationKind::WriteFile | OperationKind::Resize | OperationKind::SetTimes => {
            match same(record.before, now) {
                true => Outcome::NotDone,
                false => Outcome::Partial,
            }
        }
        OperationKind::SetMode => done(record.before.mode() != now.mode()),
        OperationKind::Stat
        | OperationKind::ReadLink
        | OperationKind::ReadFile
        | OperationKind::ReadDirectory => Outcome::Done,
    }
}

fn same(before: Facts, now: Facts) -> bool {
    match (before, now) {
        (
            Facts::Present { inode: a, size: b, modified_ns: c, .. },
            Facts::Present { inode: x, size: y, modified_ns: z, .. },
        ) => (a, b, c) == (x, y, z),
        (Facts::Absent, Facts::Absent) => true,
        _ => false,
    }
}
