//! What a process may: `ulimit` and `umask`.

use super::{Call, Letters};
use crate::shell::{Run, Shell};
use crate::system::System;

/// A resource that `ulimit` tells of.
struct Resource {
    letter: char,
    name: &'static str,
    unit: &'static str,
    /// `None` is no limit.
    limit: Option<u64>,
    /// Whether the cell would have to see to a lower limit, which it does not. Of the others there
    /// is nothing in a cell that could reach one.
    is_used: bool,
}

const fn resource(
    letter: char,
    name: &'static str,
    unit: &'static str,
    limit: Option<u64>,
    is_used: bool,
) -> Resource {
    Resource { letter, name, unit, limit, is_used }
}

/// In the order of `ulimit -a`.
const RESOURCES: &[Resource] = &[
    resource('R', "real-time non-blocking time", "microseconds", None, false),
    resource('c', "core file size", "blocks", Some(0), false),
    resource('d', "data seg size", "kbytes", None, true),
    resource('e', "scheduling priority", "", Some(0), false),
    resource('f', "file size", "blocks", None, true),
    resource('i', "pending signals", "", None, false),
    resource('l', "max locked memory", "kbytes", None, false),
    resource('m', "max memory size", "kbytes", None, true),
    resource('n', "open files", "", Some(1_024), true),
    resource('p', "pipe size", "512 bytes", Some(8), true),
    resource('q', "POSIX message queues", "bytes", None, false),
    resource('r', "real-time priority", "", Some(0), false),
    resource('s', "stack size", "kbytes", None, false),
    resource('t', "cpu time", "seconds", None, true),
    resource('u', "max user processes", "", None, true),
    resource('v', "virtual memory", "kbytes", None, true),
    resource('x', "file locks", "", None, false),
];

impl Resource {
    fn shown(&self) -> String {
        self.limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
    }

    fn line(&self) -> String {
        let unit = match self.unit {
            "" => format!("(-{}) ", self.letter),
            unit => format!("({unit}, -{}) ", self.letter),
        };
        format!("{:<20} {unit:>20}{}\n", self.name, self.shown())
    }

    /// Why the limit cannot become `wanted`, if it cannot.
    fn refusal(&self, wanted: &str) -> Option<String> {
        let wanted = match wanted {
            "hard" | "soft" => return None,
            "unlimited" => None,
            digits => match digits.parse::<u64>() {
                Ok(number) => Some(number),
                Err(_) => return Some(format!("{wanted}: invalid number")),
            },
        };
        let changes = wanted != self.limit && (self.is_used || self.limit == Some(0));
        let name = self.name;
        changes.then(|| format!("{name}: cannot modify limit: the cell sets the limits"))
    }
}

pub(super) fn ulimit<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut wanted: Vec<(&Resource, Option<&str>)> = Vec::new();
    let mut all = false;
    let mut words = call.args().iter().map(String::as_str).peekable();
    while let Some(word) = words.next_if(|word| word.len() > 1 && word.starts_with('-')) {
        if word == "--" {
            break;
        }
        for (at, letter) in word.char_indices().skip(1) {
            match letter {
                'S' | 'H' => continue,
                'a' => {
                    all = true;
                    continue;
                }
                _ => {}
            }
            let Some(resource) = RESOURCES.iter().find(|known| known.letter == letter) else {
                return shell.bad_option(call, letter);
            };
            // The limit is the rest of the word, or the next one.
            let rest = &word[at + letter.len_utf8()..];
            let limit = match rest {
                "" => words.next_if(|next| !next.starts_with('-')),
                rest => Some(rest),
            };
            wanted.push((resource, limit));
            break;
        }
    }
    if all {
        let lines: String = RESOURCES.iter().map(Resource::line).collect();
        return shell.print(call, &lines);
    }
    if wanted.is_empty() {
        let file_size = RESOURCES.iter().find(|known| known.letter == 'f');
        wanted.extend(file_size.map(|resource| (resource, words.next())));
    }
    if words.next().is_some() {
        shell.builtin_error(call, "too many arguments");
        return Ok(1);
    }
    let single = wanted.len() == 1;
    let mut output = String::new();
    for (resource, limit) in wanted {
        match limit {
            None if single => output.push_str(&format!("{}\n", resource.shown())),
            None => output.push_str(&resource.line()),
            Some(limit) => {
                if let Some(why) = resource.refusal(limit) {
                    shell.print(call, &output)?;
                    shell.builtin_error(call, &why);
                    return Ok(1);
                }
            }
        }
    }
    shell.print(call, &output)
}

pub(super) fn umask<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (mut symbolic, mut reusable) = (false, false);
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            'S' => symbolic = true,
            'p' => reusable = true,
            letter => return shell.bad_option(call, letter),
        }
    }
    if let Some(mode) = letters.operands().first() {
        match parse_mask(mode, shell.state.umask) {
            Ok(mask) => shell.state.umask = shell.sys.umask(Some(mask)),
            Err(why) => {
                shell.builtin_error(call, &why);
                return Ok(1);
            }
        }
        if !symbolic {
            return Ok(0);
        }
        reusable = false;
    }
    let mask = shell.state.umask;
    let text = match symbolic {
        true => {
            let part = |shift: u32| {
                let bits = !(mask >> shift) & 7;
                let letters = [(4, 'r'), (2, 'w'), (1, 'x')];
                letters
                    .iter()
                    .filter(|(bit, _)| bits & bit != 0)
                    .map(|(_, c)| *c)
                    .collect::<String>()
            };
            format!("u={},g={},o={}", part(6), part(3), part(0))
        }
        false => format!("{mask:04o}"),
    };
    let prefix = match (reusable, symbolic) {
        (true, true) => "umask -S ",
        (true, false) => "umask ",
        _ => "",
    };
    shell.print(call, &format!("{prefix}{text}\n"))
}

/// The mask that `mode` makes of the old one, or what is wrong with it.
fn parse_mask(mode: &str, old: u32) -> Result<u32, String> {
    if mode.starts_with(|c: char| c.is_ascii_digit()) {
        let mask = u32::from_str_radix(mode, 8).ok().filter(|mask| *mask <= 0o777);
        return mask.ok_or_else(|| format!("{mode}: octal number out of range"));
    }
    let mut allowed = !old & 0o777;
    for clause in mode.split(',') {
        let is_who = |c: char| matches!(c, 'u' | 'g' | 'o' | 'a');
        let rest = clause.trim_start_matches(is_who);
        let who = &clause[..clause.len() - rest.len()];
        let mut letters = rest.chars();
        let operator = letters.next().unwrap_or('\0');
        if !matches!(operator, '=' | '+' | '-') {
            return Err(format!("`{operator}': invalid symbolic mode operator"));
        }
        let mut bits = 0;
        for letter in letters {
            bits |= match letter {
                'r' => 4,
                'w' => 2,
                'x' => 1,
                letter => return Err(format!("`{letter}': invalid symbolic mode character")),
            };
        }
        for (shift, owner) in [(6, 'u'), (3, 'g'), (0, 'o')] {
            if !who.is_empty() && !who.contains([owner, 'a']) {
                continue;
            }
            match operator {
                '+' => allowed |= bits << shift,
                '-' => allowed &= !(bits << shift),
                _ => allowed = allowed & !(7 << shift) | bits << shift,
            }
        }
    }
    Ok(!allowed & 0o777)
}
