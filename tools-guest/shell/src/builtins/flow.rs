//! Builtins that change what runs next.

use std::rc::Rc;

use super::{Call, Letters};
use crate::shell::{Fd, Run, Shell, Source, Unwind};
use crate::state::Frame;
use crate::system::{FileKind, System};
use crate::text;

/// The number an argument gives, or none after a complaint.
fn number<S: System>(shell: &mut Shell<S>, call: &Call<'_>, text: &str) -> Option<i64> {
    let number = text.trim().parse::<i64>().ok();
    if number.is_none() {
        shell.builtin_error(call, &format!("{text}: numeric argument required"));
    }
    number
}

pub(super) fn break_loop<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    if shell.state.loops == 0 {
        let name = call.name();
        let message = "only meaningful in a `for', `while', or `until' loop";
        shell.complain(&format!("{name}: {message}"));
        return Ok(0);
    }
    let levels = match call.args().first() {
        None => 1,
        Some(text) => match number(shell, call, text) {
            None => return Err(Unwind::Exit(128)),
            Some(levels) if levels < 1 => {
                shell.builtin_error(call, &format!("{text}: loop count out of range"));
                shell.state.status = 1;
                return Err(Unwind::Break(shell.state.loops));
            }
            Some(levels) => u32::try_from(levels).unwrap_or(u32::MAX),
        },
    };
    let levels = levels.min(shell.state.loops);
    shell.state.status = 0;
    Err(match call.name() {
        "break" => Unwind::Break(levels),
        _ => Unwind::Continue(levels),
    })
}

pub(super) fn return_<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    if shell.state.frames.is_empty() {
        shell.builtin_error(call, "can only `return' from a function or sourced script");
        return Ok(2);
    }
    let status = match call.args().first() {
        None => shell.state.status,
        Some(text) => match number(shell, call, text) {
            Some(status) => (status & 0xFF) as i32,
            None => 2,
        },
    };
    Err(Unwind::Return(status))
}

pub(super) fn exit<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let status = match call.args() {
        [] => shell.state.status,
        [text] => match number(shell, call, text) {
            Some(status) => (status & 0xFF) as i32,
            None => 2,
        },
        [text, ..] => match number(shell, call, text) {
            Some(_) => {
                shell.builtin_error(call, "too many arguments");
                return Ok(1);
            }
            None => 2,
        },
    };
    Err(Unwind::Exit(status))
}

pub(super) fn eval<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    if let Some(letter) = letters.next() {
        return shell.bad_option(call, letter);
    }
    let args = letters.operands();
    if shell.is_nearly_full() {
        shell.builtin_error(call, "nested too deeply");
        return Err(Unwind::Exit(2));
    }
    let line = shell.state.line;
    let source = args.join(" ");
    match shell.nested(|shell| shell.run_source(Source::Text("eval"), &source, line)) {
        // A syntax error within does not end the script.
        Err(Unwind::Discard(2)) => Ok(2),
        result => result,
    }
}

pub(super) fn source<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    if let Some(letter) = letters.next() {
        return shell.bad_option(call, letter);
    }
    let Some((name, arguments)) = letters.operands().split_first() else {
        shell.builtin_error(call, "filename argument required");
        return shell.show_usage(call);
    };
    let path = match name.contains('/') {
        true => name.clone(),
        false => on_path(shell, name).unwrap_or_else(|| name.clone()),
    };
    let full = shell.absolute(&path);
    let source = match shell.open_source(&path, &full) {
        Ok(source) => source,
        Err(error) => {
            match error {
                crate::system::Errno::IsDirectory => {
                    shell.builtin_error(call, &format!("{name}: is a directory"));
                }
                error => shell.complain(&format!("{name}: {}", error.message())),
            }
            return Ok(1);
        }
    };
    if shell.state.frames.len() > 200 {
        shell.builtin_error(call, "nested too deeply");
        return Ok(1);
    }
    let frame = Frame {
        name: "source".to_owned(),
        source: path.clone(),
        line: shell.state.line,
        is_function: false,
    };
    shell.state.frames.push(frame);
    let keeps_arguments = shell.push_arguments(arguments);
    let positional = (!arguments.is_empty())
        .then(|| std::mem::replace(&mut shell.state.positional, Rc::new(arguments.to_vec())));
    let line = shell.state.line;
    let result = shell.nested(|shell| shell.run_source(Source::File, &text::decode(&source), 1));
    shell.tell_killed();
    shell.state.line = line;
    shell.state.frames.pop();
    if let Some(positional) = positional {
        shell.state.positional = positional;
    }
    shell.pop_arguments(keeps_arguments);
    match result {
        Ok(status) | Err(Unwind::Return(status)) => shell.run_trap("RETURN").map(|_| status),
        Err(Unwind::Discard(2)) => Ok(2),
        result => result,
    }
}

impl<S: System> Shell<S> {
    /// The content of a file that is sourced, which may be one of the shell's own descriptors.
    fn open_source(&mut self, path: &str, full: &str) -> crate::system::Sys<Vec<u8>> {
        let number = match path {
            "/dev/stdin" => Some(0),
            path => path.strip_prefix("/dev/fd/").and_then(|number| number.parse::<u32>().ok()),
        };
        let Some(Fd::System(fd)) = number.and_then(|number| self.fds.get(&number).cloned()) else {
            return self.read_file(full);
        };
        let mut content = Vec::new();
        loop {
            let data = self.sys.read(&fd, 64 << 10)?;
            if data.is_empty() || content.len() > crate::shell::MAX_CAPTURE {
                return Ok(content);
            }
            content.extend_from_slice(&data);
        }
    }
}

fn on_path<S: System>(shell: &mut Shell<S>, name: &str) -> Option<String> {
    if !shell.state.shopt("sourcepath") {
        return None;
    }
    let path = shell.get("PATH").unwrap_or_default();
    path.split(':').find_map(|directory| {
        let candidate = format!("{}/{name}", if directory.is_empty() { "." } else { directory });
        let full = shell.absolute(&candidate);
        let found = shell.sys.stat(&full, true).is_ok_and(|stat| stat.kind == FileKind::File);
        found.then_some(candidate)
    })
}

pub(super) fn exec<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    let (mut clean, mut argv0) = (false, None);
    while let Some(letter) = letters.next() {
        match letter {
            'c' => clean = true,
            'l' => {}
            'a' => argv0 = letters.value().map(str::to_owned),
            letter => {
                return shell.bad_option(call, letter);
            }
        }
    }
    let words = letters.operands();
    if words.is_empty() {
        return Ok(0);
    }
    if clean {
        for name in shell.state.vars.names() {
            shell.state.vars.entry(&name).attributes.export = false;
        }
    }
    if shell.find_program(&words[0]).is_none() {
        let name = &words[0];
        shell.builtin_error(call, &format!("{name}: not found"));
        return match shell.state.shopt("execfail") {
            true => Ok(127),
            false => Err(Unwind::Exit(127)),
        };
    }
    let _ = argv0;
    // Nothing of this shell runs after it, but the traps of its end do not run either.
    Rc::make_mut(&mut shell.state.traps).clear();
    let status = shell.run_external(words)?;
    Err(Unwind::Exit(status))
}

pub(super) fn shift<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let count = match call.args().iter().find(|word| *word != "--") {
        None => 1,
        Some(text) => match number(shell, call, text) {
            Some(count) => count,
            None => return Ok(1),
        },
    };
    if count < 0 {
        shell.builtin_error(call, &format!("{count}: shift count out of range"));
        return Ok(1);
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > shell.state.positional.len() {
        if shell.state.shopt("shift_verbose") {
            shell.builtin_error(call, &format!("{count}: shift count out of range"));
        }
        return Ok(1);
    }
    Rc::make_mut(&mut shell.state.positional).drain(..count);
    Ok(0)
}

pub(super) fn builtin<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    if let Some(letter) = letters.next() {
        return shell.bad_option(call, letter);
    }
    let words = letters.operands();
    let Some(name) = words.first() else { return Ok(0) };
    let Some(builtin) = super::find::<S>(name) else {
        shell.builtin_error(call, &format!("{name}: not a shell builtin"));
        return Ok(1);
    };
    let skipped = call.words.len() - words.len();
    let arrays = call.arrays.get(skipped..).unwrap_or_default();
    super::run(shell, builtin, &Call { words, arrays })
}

pub(super) fn command<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    let (mut short, mut long, mut standard) = (false, false, false);
    while let Some(letter) = letters.next() {
        match letter {
            'v' => short = true,
            'V' => long = true,
            'p' => standard = true,
            letter => return shell.bad_option(call, letter),
        }
    }
    let words = letters.operands();
    if short || long {
        return super::names::describe(shell, call, words, long);
    }
    let Some(name) = words.first() else { return Ok(0) };
    if let Some(builtin) = super::find::<S>(name) {
        let skipped = call.words.len() - words.len();
        let arrays = call.arrays.get(skipped..).unwrap_or_default();
        return super::run(shell, builtin, &Call { words, arrays });
    }
    if !standard {
        return shell.run_external(words);
    }
    let path = shell.get("PATH");
    let _ = shell.set("PATH", "/usr/bin:/bin".to_owned());
    let result = shell.run_external(words);
    if let Some(path) = path {
        let _ = shell.set("PATH", path);
    }
    result
}

pub(super) fn caller<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let frames = &shell.state.frames;
    let main = match shell.state.script.is_empty() {
        true => "NULL".to_owned(),
        false => shell.state.script.clone(),
    };
    let mut letters = Letters::new(call.args());
    if let Some(letter) = letters.next() {
        return shell.bad_option(call, letter);
    }
    let Some(text) = letters.operands().first() else {
        let Some(frame) = frames.last() else { return Ok(1) };
        let source = frames.iter().rev().nth(1).map_or(main, |frame| frame.source.clone());
        let line = format!("{} {source}\n", frame.line);
        return shell.print(call, &line);
    };
    if frames.is_empty() {
        return Ok(1);
    }
    let Ok(at) = text.parse::<usize>() else {
        shell.builtin_error(call, &format!("{text}: invalid number"));
        return shell.show_usage(call);
    };
    let Some(frame) = frames.iter().rev().nth(at) else { return Ok(1) };
    if shell.state.command_string && at + 1 == frames.len() {
        return Ok(1);
    }
    let outer = frames.iter().rev().nth(at + 1);
    let name = outer.map_or("main".to_owned(), |frame| frame.name.clone());
    let source = outer.map_or(main, |frame| frame.source.clone());
    let line = format!("{} {name} {source}\n", frame.line);
    shell.print(call, &line)
}
