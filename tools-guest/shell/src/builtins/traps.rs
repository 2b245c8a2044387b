//! `trap`, and the names of signals.

use std::rc::Rc;

use super::{Call, Letters, job};
use crate::quote;
use crate::shell::{Run, Shell};
use crate::system::{Disposition, System};

/// Signals by number, from 1, as Linux numbers them.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Signals from the first real-time one on, whose numbers the C library leaves to programs.
const REAL_TIME: [&str; 31] = [
    "RTMIN", "RTMIN+1", "RTMIN+2", "RTMIN+3", "RTMIN+4", "RTMIN+5", "RTMIN+6", "RTMIN+7",
    "RTMIN+8", "RTMIN+9", "RTMIN+10", "RTMIN+11", "RTMIN+12", "RTMIN+13", "RTMIN+14", "RTMIN+15",
    "RTMAX-14", "RTMAX-13", "RTMAX-12", "RTMAX-11", "RTMAX-10", "RTMAX-9", "RTMAX-8", "RTMAX-7",
    "RTMAX-6", "RTMAX-5", "RTMAX-4", "RTMAX-3", "RTMAX-2", "RTMAX-1", "RTMAX",
];

/// The number of the first real-time signal.
const FIRST_REAL_TIME: u8 = 34;

/// Events that are no signals.
const EVENTS: [&str; 4] = ["EXIT", "DEBUG", "ERR", "RETURN"];

/// The name of a signal, without `SIG`.
pub fn signal_name(number: u8) -> Option<&'static str> {
    match number {
        0 => Some("EXIT"),
        FIRST_REAL_TIME.. => {
            REAL_TIME.get(usize::from(number) - usize::from(FIRST_REAL_TIME)).copied()
        }
        number => SIGNALS.get(usize::from(number) - 1).copied(),
    }
}

/// The number of a signal, given as a name or a number.
pub fn signal_number(text: &str) -> Option<u8> {
    if let Ok(number) = text.parse::<u8>() {
        return (number <= 64).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if name == "EXIT" {
        return Some(0);
    }
    let at = |names: &[&str]| names.iter().position(|known| *known == name);
    let number = match at(&SIGNALS) {
        Some(at) => at + 1,
        None => at(&REAL_TIME)? + usize::from(FIRST_REAL_TIME),
    };
    u8::try_from(number).ok()
}

/// The name under which a trap is kept.
fn trap_name(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    if EVENTS.contains(&upper.as_str()) {
        return Some(upper);
    }
    signal_number(text).and_then(signal_name).map(str::to_owned)
}

pub(super) fn trap<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    // A lone `-` is no option, but what a signal does by itself.
    let (mut lists, mut shows) = (false, false);
    while let Some(letter) = letters.next() {
        match letter {
            'l' => lists = true,
            'p' => shows = true,
            letter => return shell.bad_option(call, letter),
        }
    }
    let args = letters.operands();
    if lists {
        return job::list_signals(shell, call, &[]);
    }
    if shows {
        return show(shell, call, args);
    }
    let (command, names) = match args {
        [] => return show(shell, call, &[]),
        [only] if only == "-" || trap_name(only).is_none() => return shell.show_usage(call),
        // A number or a lone name: what it had is taken away.
        [only] => (None, std::slice::from_ref(only)),
        [first, ..] if first.parse::<u8>().is_ok() => (None, args),
        [first, names @ ..] if first == "-" => (None, names),
        [command, names @ ..] => (Some(command.clone()), names),
    };
    let mut status = 0;
    for name in names {
        let Some(name) = trap_name(name) else {
            shell.builtin_error(call, &format!("{name}: invalid signal specification"));
            status = 1;
            continue;
        };
        shell.state.parent_traps = None;
        let traps = Rc::make_mut(&mut shell.state.traps);
        let disposition = match &command {
            None => {
                traps.remove(&name);
                match shell.state.interactive && name == "INT" {
                    true => Disposition::Keep,
                    false => Disposition::Default,
                }
            }
            Some(command) => {
                traps.insert(name.clone(), command.clone());
                match command.is_empty() {
                    true => Disposition::Ignore,
                    false => Disposition::Keep,
                }
            }
        };
        if !EVENTS.contains(&name.as_str())
            && let Some(number) = signal_number(&name)
        {
            shell.sys.handle(number, disposition);
        }
    }
    Ok(status)
}

fn show<S: System>(shell: &mut Shell<S>, call: &Call<'_>, names: &[String]) -> Run {
    let unknown: Vec<_> = names.iter().filter(|name| trap_name(name).is_none()).collect();
    for name in &unknown {
        shell.builtin_error(call, &format!("{name}: invalid signal specification"));
    }
    let traps = shell.state.parent_traps.as_ref().unwrap_or(&shell.state.traps).clone();
    let mut wanted: Vec<String> = match names.is_empty() {
        true => traps.keys().cloned().collect(),
        false => names.iter().filter_map(|name| trap_name(name)).collect(),
    };
    // In the order of bash: EXIT, the signals by number, then the other events.
    wanted.sort_by_key(|name| match signal_number(name) {
        Some(number) => u32::from(number),
        None => 100 + EVENTS.iter().position(|event| event == name).unwrap_or(0) as u32,
    });
    let mut output = String::new();
    for name in wanted {
        if let Some(command) = traps.get(&name) {
            let shown = match EVENTS.contains(&name.as_str()) {
                true => name.clone(),
                false => format!("SIG{name}"),
            };
            output.push_str(&format!("trap -- {} {shown}\n", quote::single(command)));
        }
    }
    let written = shell.print(call, &output)?;
    Ok(written.max(i32::from(!unknown.is_empty())))
}
