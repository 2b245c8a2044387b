//! What upstream's `sort` would start threads for, which a cell does not have.

use std::ffi::OsString;

/// Letters of `sort` that take what follows them as their value.
const WITH_VALUE: &[char] = &['k', 'o', 'S', 't', 'T'];

/// The command line without `-m`: files that are sorted already come out the same when they are
/// sorted.
pub(crate) fn without_merge(
    arguments: std::vec::IntoIter<OsString>,
) -> std::vec::IntoIter<OsString> {
    let mut kept: Vec<OsString> = Vec::with_capacity(arguments.len());
    let mut options = true;
    let mut value = false;
    for (index, argument) in arguments.enumerate() {
        let text = argument.to_str().map(str::to_owned);
        let Some(text) = text.filter(|_| options && !value && index > 0) else {
            value = false;
            kept.push(argument);
            continue;
        };
        match text.strip_prefix('-') {
            Some("-") => {
                options = false;
                kept.push(argument);
            }
            Some("-merge") => {}
            Some(long) if long.starts_with('-') => kept.push(argument),
            Some(letters) if !letters.is_empty() => {
                let end = letters.find(WITH_VALUE).unwrap_or(letters.len());
                let (flags, rest) = letters.split_at(end);
                value = rest.len() == 1;
                let flags = flags.replace('m', "");
                if !(flags.is_empty() && rest.is_empty()) {
                    kept.push(format!("-{flags}{rest}").into());
                }
            }
            _ => kept.push(argument),
        }
    }
    kept.into_iter()
}
