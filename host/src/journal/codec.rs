//! Records to bytes and back. The layout is the table in the parent module.

use super::record::{Facts, FileKind};
use crate::policy::OperationKind;

pub(super) const MAGIC: [u8; 8] = *b"TCJRNL\x00\x02";

/// Longest payload a reader accepts. Writers stay far below: paths are at most 4 KiB and ranges
/// are merged and capped, so a longer one is damage, and must not become an allocation.
pub(super) const MAX_PAYLOAD: usize = 1 << 20;

/// Ranges kept per record. A guest that writes every other byte would otherwise grow the record
/// with each write; past the cap the nearest ranges are merged, so that none is left out.
pub(super) const MAX_RANGES: usize = 1_024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    Actor {
        id: u32,
        call: String,
        tool: String,
        digest: String,
        process: u32,
        program: String,
    },
    Begin {
        seq: u64,
        time_ns: u64,
        actor: u32,
        operation: OperationKind,
        region: String,
        path: String,
        other: String,
        before: Facts,
    },
    End {
        seq: u64,
        outcome: u8,
        error: String,
        after: Facts,
        ranges: Vec<(u64, u64)>,
    },
}

/// Appends one frame to `out`.
pub(super) fn encode(frame: &Frame, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    match frame {
        Frame::Actor { id, call, tool, digest, process, program } => {
            out.push(1);
            number(out, u64::from(*id));
            text(out, call);
            text(out, tool);
            text(out, digest);
            number(out, u64::from(*process));
            text(out, program);
        }
        Frame::Begin { seq, time_ns, actor, operation, region, path, other, before } => {
            out.push(2);
            number(out, *seq);
            number(out, *time_ns);
            number(out, u64::from(*actor));
            out.push(*operation as u8);
            text(out, region);
            text(out, path);
            text(out, other);
            facts(out, before);
        }
        Frame::End { seq, outcome, error, after, ranges } => {
            out.push(3);
            number(out, *seq);
            out.push(*outcome);
            text(out, error);
            facts(out, after);
            number(out, ranges.len() as u64);
            for (start, length) in ranges {
                number(out, *start);
                number(out, *length);
            }
        }
    }
    let payload = &out[start + 8..];
    let (length, checksum) = (payload.len() as u32, crc32fast::hash(payload));
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
}

/// The first frame of `bytes` and what follows it; `None` where the readable part ends.
pub(super) fn decode(bytes: &[u8]) -> Option<(Frame, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    let checksum = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    if length > MAX_PAYLOAD || length > rest.len() {
        return None;
    }
    let (payload, rest) = rest.split_at(length);
    if crc32fast::hash(payload) != checksum {
        return None;
    }
    let mut input = Input(payload);
    let frame = input.frame()?;
    input.0.is_empty().then_some((frame, rest))
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn facts(out: &mut Vec<u8>, facts: &Facts) {
    let Facts::Present { kind, inode, size, mode, modified_ns, hash } = facts else {
        return out.push(0);
    };
    let kind = match kind {
        FileKind::File => 1,
        FileKind::Directory => 2,
        FileKind::Link => 3,
        FileKind::Other => 4,
    };
    out.push(kind | if hash.is_some() { 16 } else { 0 });
    number(out, *inode);
    number(out, *size);
    number(out, u64::from(*mode));
    number(out, *modified_ns);
    if let Some(hash) = hash {
        out.extend_from_slice(hash);
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn frame(&mut self) -> Option<Frame> {
        Some(match self.byte()? {
            1 => Frame::Actor {
                id: u32::try_from(self.number()?).ok()?,
                call: self.text()?,
                tool: self.text()?,
                digest: self.text()?,
                process: u32::try_from(self.number()?).ok()?,
                program: self.text()?,
            },
            2 => Frame::Begin {
                seq: self.number()?,
                time_ns: self.number()?,
                actor: u32::try_from(self.number()?).ok()?,
                operation: OperationKind::from_code(self.byte()?)?,
                region: self.text()?,
                path: self.text()?,
                other: self.text()?,
                before: self.facts()?,
            },
            3 => Frame::End {
                seq: self.number()?,
                outcome: self.byte()?,
                error: self.text()?,
                after: self.facts()?,
                ranges: self.ranges()?,
            },
            _ => return None,
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self, length: usize) -> Option<&[u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        String::from_utf8(self.bytes(length)?.to_vec()).ok()
    }

    fn facts(&mut self) -> Option<Facts> {
        let head = self.byte()?;
        let kind = match head & 15 {
            0 if head == 0 => return Some(Facts::Absent),
            1 => FileKind::File,
            2 => FileKind::Directory,
            3 => FileKind::Link,
            4 => FileKind::Other,
            _ => return None,
        };
        Some(Facts::Present {
            kind,
            inode: self.number()?,
            size: self.number()?,
            mode: u32::try_from(self.number()?).ok()?,
            modified_ns: self.number()?,
            hash: match head & 16 {
                0 => None,
                _ => Some(self.bytes(32)?.try_into().ok()?),
            },
        })
    }

    fn ranges(&mut self) -> Option<Vec<(u64, u64)>> {
        let count = usize::try_from(self.number()?).ok().filter(|count| *count <= MAX_RANGES)?;
        (0..count).map(|_| Some((self.number()?, self.number()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Frame> {
        let present = Facts::Present {
            kind: FileKind::File,
            inode: 7,
            size: u64::MAX,
            mode: 0o644,
            modified_ns: 1,
            hash: Some([9; 32]),
        };
        vec![
            Frame::Actor {
                id: 3,
                call: "c".into(),
                tool: "Bash".into(),
                digest: "".into(),
                process: 101,
                program: "sed".into(),
            },
            Frame::Begin {
                seq: 300,
                time_ns: u64::MAX,
                actor: 3,
                operation: OperationKind::Rename,
                region: "workspace".into(),
                path: "/home/agent/workspace/é".into(),
                other: "/x".into(),
                before: present,
            },
            Frame::End {
                seq: 300,
                outcome: 2,
                error: "no space left".into(),
                after: Facts::Absent,
                ranges: vec![(0, 10), (20, 5)],
            },
        ]
    }

    #[test]
    fn frames_come_back() {
        let mut bytes = Vec::new();
        samples().iter().for_each(|frame| encode(frame, &mut bytes));
        let mut rest = &bytes[..];
        for expected in samples() {
            let (frame, after) = decode(rest).unwrap();
            assert_eq!(frame, expected);
            rest = after;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn no_single_damaged_byte_goes_unnoticed() {
        for frame in samples() {
            let mut bytes = Vec::new();
            encode(&frame, &mut bytes);
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x41;
                assert_eq!(decode(&damaged), None, "byte {at}");
                assert_eq!(decode(&bytes[..at]), None, "cut at {at}");
            }
        }
    }
}
