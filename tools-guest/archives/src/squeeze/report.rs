//! What `gzip -v`, `bzip2 -v` and `xz -v` say of a file.

use super::{Call, Options, header, list, origin};
use crate::codec::Codec;

/// What `-v` says: how many bytes were read and written, in the words of each program.
pub(super) fn told(
    path: &str,
    target: Option<&str>,
    options: &Options,
    (read, written): (u64, u64),
) {
    let Call { codec, unpack, .. } = options.call;
    let (whole, packed) = if unpack { (written, read) } else { (read, written) };
    let stream = path == "-";
    match codec {
        Codec::Gzip => {
            // The bytes of a header say nothing about the content.
            let header = match unpack {
                true => header(path).map_or(list::BARE, |header| list::length(&header)),
                false => {
                    origin(path, options).name.map_or(0, |name| name.len() as u64 + 1) + list::BARE
                }
            };
            let ratio = list::ratio(whole, packed, header);
            let shown = if stream { String::new() } else { format!("{path}:\t") };
            let fate = match target {
                _ if options.test => " OK".to_owned(),
                None if stream && unpack => return,
                Some(target) if options.keep => format!("{ratio} -- created {target}"),
                Some(target) => format!("{ratio} -- replaced with {target}"),
                None if stream => ratio,
                None => format!("{ratio} -- replaced with stdout"),
            };
            eprintln!("{shown}{fate}");
        }
        Codec::Bzip2 => {
            let shown = if stream { "(stdin)" } else { path };
            // Names are filled up to as much as `(stdin)` takes.
            let start = format!("  {shown}: {}", " ".repeat(7_usize.saturating_sub(shown.len())));
            match unpack {
                _ if options.test => eprintln!("{start}ok"),
                true => eprintln!("{start}done"),
                false if read == 0 => eprintln!("{start} no data compressed."),
                false => {
                    let (whole, packed) = (read as f64, written as f64);
                    let (times, bits) = (whole / packed, packed * 8.0 / whole);
                    let saved = 100.0 * (1.0 - packed / whole);
                    eprintln!(
                        "{start}{times:6.3}:1, {bits:6.3} bits/byte, {saved:5.2}% saved, {read} in, \
                         {written} out."
                    );
                }
            }
        }
        Codec::Xz => {
            let shown = if stream { "(stdin)" } else { path };
            let size = |bytes: u64| match bytes {
                0..10_000 => format!("{bytes} B"),
                bytes => {
                    let units = ["KiB", "MiB", "GiB"];
                    let mut value = bytes as f64 / 1024.0;
                    let mut unit = 0;
                    while value > 9_999.9 && unit + 1 < units.len() {
                        (value, unit) = (value / 1024.0, unit + 1);
                    }
                    format!("{value:.1} {}", units[unit])
                }
            };
            let ratio = packed as f64 / whole as f64;
            let ratio = match ratio {
                ratio if ratio <= 9.999 => format!(" = {ratio:.3}"),
                _ => " > 9.999".to_owned(),
            };
            eprintln!("{shown}: {} / {}{ratio}", size(packed), size(whole));
        }
    }
}
