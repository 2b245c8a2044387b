//! A dump read back: `xxd -r`.

/// Bytes and where they belong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

/// How many characters that are no digits end a line: two after a byte, one more where a digit is
/// alone.
const END_OF_LINE: usize = 3;

/// The bytes of digits without offsets.
pub(super) fn plain(text: &[u8]) -> Vec<Run> {
    let mut bytes = Vec::new();
    // A byte's two digits may stand on two lines.
    let mut high = None;
    for line in text.split(|byte| *byte == b'\n') {
        let digits = line.iter().filter(|byte| !matches!(byte, b' ' | b'\t'));
        read(digits, usize::MAX, 16, &mut high, &mut bytes);
    }
    vec![Run { offset: 0, bytes }]
}

/// The bytes of lines that begin with an offset, `columns` of a line at most; in base 2 with
/// `bits`.
pub(super) fn dumped(text: &[u8], columns: usize, bits: bool) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_start();
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if line.is_empty() || line == b"*" {
            continue;
        }
        let offset = line[..digits].iter().fold(0u64, |offset, byte| {
            offset.wrapping_mul(16).wrapping_add(u64::from(value(*byte, 16).unwrap_or(0)))
        });
        let rest = line.get(digits + 1..).unwrap_or_default();
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let mut bytes = Vec::new();
        read(rest.iter(), columns, if bits { 2 } else { 16 }, &mut None, &mut bytes);
        if bytes.is_empty() {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.offset.checked_add(run.bytes.len() as u64) == Some(offset) => {
                run.bytes.append(&mut bytes);
            }
            _ => runs.push(Run { offset, bytes }),
        }
    }
    runs
}

fn value(digit: u8, base: u32) -> Option<u8> {
    char::from(digit).to_digit(base).and_then(|value| u8::try_from(value).ok())
}

/// Reads the digits of one line. `high` is what there is of a byte.
fn read<'a>(
    digits: impl Iterator<Item = &'a u8>,
    most: usize,
    base: u8,
    high: &mut Option<(u8, u32)>,
    bytes: &mut Vec<u8>,
) {
    let whole = if base == 2 { 8 } else { 2 };
    let (mut gap, mut count) = (1, 0);
    for byte in digits {
        let Some(digit) = value(*byte, u32::from(base)) else {
            gap += 1;
            // Half a byte before something else is none.
            *high = None;
            if gap >= END_OF_LINE {
                return;
            }
            continue;
        };
        let (before, seen) = high.unwrap_or((0, 0));
        // The high digit of a byte in base 16 is at most 15.
        let now = before.wrapping_mul(base).wrapping_add(digit);
        gap = 0;
        *high = Some((now, seen + 1));
        if seen + 1 == whole {
            bytes.push(now);
            *high = None;
            gap = 1;
            count += 1;
            if count >= most {
                return;
            }
        }
    }
}
