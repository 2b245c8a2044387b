//! Jobs and processes: `jobs`, `wait`, `kill`, `fg`.

use super::{Call, Letters, signal_name, signal_number};
use crate::jobs::Job;
use crate::killed::described;
use crate::shell::{Run, Shell};
use crate::system::{Errno, System};

pub(super) fn jobs<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (mut pids, mut long, mut running, mut runs) = (false, false, false, false);
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            'p' => pids = true,
            'l' => long = true,
            'r' => running = true,
            'n' | 's' => {}
            'x' => {
                runs = true;
                break;
            }
            letter => return shell.bad_option(call, letter),
        }
    }
    if runs {
        return run_with_pids(shell, letters.operands());
    }
    shell.reap();
    let wanted = letters.operands();
    let mut status = 0;
    let mut numbers = Vec::new();
    for operand in wanted {
        match shell.jobs.find(operand).map(|job| job.number) {
            Some(number) => numbers.push(number),
            None => {
                shell.builtin_error(call, &format!("{operand}: no such job"));
                status = 1;
            }
        }
    }
    let mut output = String::new();
    let list = match shell.jobs.list.is_empty() {
        true => &shell.state.parent_jobs,
        false => &shell.jobs.list,
    };
    let count = list.len();
    let mut finished = Vec::new();
    for (at, job) in list.iter().enumerate() {
        if !wanted.is_empty() && !numbers.contains(&job.number) {
            continue;
        }
        let done = job.is_done();
        if running && done {
            continue;
        }
        if pids {
            output.push_str(&format!("{}\n", job.pid()));
            continue;
        }
        if done {
            finished.push(job.number);
        }
        let mark = match count - at {
            1 => '+',
            2 => '-',
            _ => ' ',
        };
        let state = match job.exits.last().copied().flatten().filter(|_| done) {
            None => "Running".to_owned(),
            Some(exit) => described(exit),
        };
        let pid = if long { format!("{:>5}", job.pid()) } else { String::new() };
        let text = &job.text;
        let amp = if done { "" } else { " &" };
        let text = text.strip_suffix(" &").unwrap_or(text);
        output.push_str(&format!("[{}]{mark} {pid} {state:<24}{text}{amp}\n", job.number));
    }
    for number in finished {
        shell.jobs.remove(number);
    }
    let written = shell.print(call, &output)?;
    Ok(status.max(written))
}

/// `jobs -x`: a command in which each job is named by its process.
fn run_with_pids<S: System>(shell: &mut Shell<S>, words: &[String]) -> Run {
    let pid = |word: &String| match shell.jobs.find(word) {
        Some(job) => job.pid().to_string(),
        None => word.clone(),
    };
    let words: Vec<String> = words.iter().map(pid).collect();
    let Some(name) = words.first() else { return Ok(0) };
    match super::find::<S>(name) {
        Some(builtin) => super::run(shell, builtin, &Call { words: &words, arrays: &[] }),
        None => shell.run_external(&words),
    }
}

pub(super) fn wait<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let result = wait_for(shell, call);
    shell.notice_ended();
    shell.forget_coprocess();
    result
}

fn wait_for<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (mut next, mut variable) = (false, None);
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            'n' => next = true,
            'f' => {}
            'p' => match letters.value() {
                None => return shell.lacks_value(call, 'p'),
                Some(name) if !crate::syntax::is_name(name) => {
                    shell.builtin_error(call, &format!("`{name}': not a valid identifier"));
                    return Ok(1);
                }
                Some(name) => variable = Some(name.to_owned()),
            },
            letter => return shell.bad_option(call, letter),
        }
    }
    let operands = letters.operands();
    if next {
        return wait_next(shell, call, operands, variable);
    }
    if operands.is_empty() {
        while let Some(pid) = shell.jobs.running().first().copied() {
            wait_one(shell, pid)?;
            if let Some(status) = shell.take_interrupt()? {
                return Ok(status);
            }
        }
        shell.jobs.forget_all();
        // As in bash, the substitution that `$!` tells of is waited for too.
        if let Some(pid) = shell.state.background
            && shell.jobs.substitutions.contains(&pid)
        {
            wait_substitution(shell, pid)?;
        }
        return Ok(0);
    }
    let mut status = 0;
    for operand in operands {
        if operand.starts_with('%') {
            let Some(job) = shell.jobs.find(operand).cloned() else {
                shell.builtin_error(call, &format!("{operand}: no such job"));
                status = 127;
                continue;
            };
            status = wait_job(shell, &job)?;
            continue;
        }
        let Ok(pid) = operand.parse::<u32>() else {
            shell.builtin_error(call, &format!("`{operand}': not a pid or valid job spec"));
            status = 1;
            continue;
        };
        if let Some(variable) = &variable {
            let _ = shell.set(variable, pid.to_string());
        }
        if let Some(past) = shell.jobs.past_status(pid) {
            status = past;
            continue;
        }
        if shell.jobs.substitutions.contains(&pid) {
            status = wait_substitution(shell, pid)?;
            continue;
        }
        let job = shell.jobs.list.iter().find(|job| job.pids.contains(&pid)).cloned();
        let Some(job) = job else {
            let message = format!("pid {pid} is not a child of this shell");
            shell.builtin_error(call, &message);
            status = 127;
            continue;
        };
        let known = job.pids.iter().position(|p| *p == pid).and_then(|at| job.exits[at]);
        status = match known {
            Some(exit) => exit.status(),
            None => wait_one(shell, pid)?,
        };
        let done = shell.jobs.list.iter().find(|other| other.number == job.number);
        if done.is_some_and(Job::is_done) {
            shell.jobs.remove(job.number);
        }
    }
    Ok(status)
}

impl<S: System> Shell<S> {
    /// The status of a wait that a signal has ended.
    fn take_interrupt(&mut self) -> Result<Option<i32>, crate::shell::Unwind> {
        Ok(self.take_signals()?.map(|signal| 128 + i32::from(signal)))
    }
}

fn wait_one<S: System>(shell: &mut Shell<S>, pid: u32) -> Run {
    match shell.sys.wait(pid, true) {
        Ok(Some(exit)) => {
            shell.jobs.ended(pid, exit);
            let job = shell.jobs.list.iter().find(|job| job.pids.contains(&pid)).cloned();
            if let Some(job) = job {
                shell.tell_ended(&job);
            }
            Ok(exit.status())
        }
        Ok(None) | Err(Errno::Interrupted) => Ok(shell.take_interrupt()?.unwrap_or(0)),
        Err(_) => {
            shell.jobs.ended(pid, crate::system::Exit::Status(127));
            Ok(127)
        }
    }
}

/// Waits for each process of a job; the status is the last one's.
fn wait_job<S: System>(shell: &mut Shell<S>, job: &Job) -> Run {
    let mut status = 0;
    for (pid, exit) in job.pids.iter().zip(&job.exits) {
        status = match exit {
            Some(exit) => exit.status(),
            None => wait_one(shell, *pid)?,
        };
    }
    shell.jobs.remove(job.number);
    Ok(status)
}

fn wait_substitution<S: System>(shell: &mut Shell<S>, pid: u32) -> Run {
    let status = wait_one(shell, pid)?;
    shell.jobs.substitutions.retain(|other| *other != pid);
    shell.jobs.remember(pid, status);
    Ok(status)
}

fn wait_next<S: System>(
    shell: &mut Shell<S>,
    call: &Call<'_>,
    operands: &[String],
    variable: Option<String>,
) -> Run {
    shell.notice_ended();
    let wanted: Vec<u32> = match operands.is_empty() {
        true => shell.jobs.list.iter().map(Job::pid).collect(),
        false => {
            let mut pids = Vec::new();
            for text in operands {
                let past = text.parse().ok().filter(|pid| shell.jobs.is_unclaimed(*pid));
                match past.or_else(|| shell.jobs.named(text).map(Job::pid)) {
                    Some(pid) => pids.push(pid),
                    None => shell.builtin_error(call, &format!("{text}: no such job")),
                }
            }
            pids
        }
    };
    let among = (!operands.is_empty()).then_some(&wanted[..]);
    let found = match shell.jobs.claim(among) {
        Some(found) => Some(found),
        None => {
            let running = shell.jobs.running();
            let pids: Vec<u32> =
                wanted.iter().copied().filter(|pid| running.contains(pid)).collect();
            if let Ok((pid, exit)) = shell.sys.wait_any(&pids) {
                shell.jobs.ended(pid, exit);
                shell.notice_ended();
            }
            shell.jobs.claim(among)
        }
    };
    let Some((pid, status)) = found else { return Ok(127) };
    if let Some(variable) = variable {
        let _ = shell.set(&variable, pid.to_string());
    }
    Ok(status)
}

pub(super) fn kill<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut args = call.args();
    let mut signal = 15;
    match args.first().map(String::as_str) {
        Some("-l" | "-L") => return list_signals(shell, call, &args[1..]),
        Some("-s" | "-n") => {
            let Some(name) = args.get(1) else {
                shell.builtin_error(call, &format!("{}: option requires an argument", args[0]));
                return Ok(1);
            };
            match signal_number(name) {
                Some(number) => signal = number,
                None => {
                    shell.builtin_error(call, &format!("{name}: invalid signal specification"));
                    return Ok(1);
                }
            }
            args = &args[2..];
        }
        Some("--") => args = &args[1..],
        Some(word) if word.len() > 1 && word.starts_with('-') => {
            match signal_number(&word[1..]) {
                Some(number) => signal = number,
                None => {
                    let message = format!("{}: invalid signal specification", &word[1..]);
                    shell.builtin_error(call, &message);
                    return Ok(1);
                }
            }
            args = &args[1..];
            if args.first().is_some_and(|word| word == "--") {
                args = &args[1..];
            }
        }
        _ => {}
    }
    if args.is_empty() {
        return shell.show_usage(call);
    }
    let mut status = 0;
    for operand in args {
        let pids = if operand.starts_with('%') {
            match shell.jobs.find(operand) {
                Some(job) => job.pids.clone(),
                None => {
                    shell.builtin_error(call, &format!("{operand}: no such job"));
                    status = 1;
                    continue;
                }
            }
        } else {
            match operand.trim_start_matches('-').parse::<u32>() {
                Ok(pid) => vec![pid],
                Err(_) => {
                    let message = format!("{operand}: arguments must be process or job IDs");
                    shell.builtin_error(call, &message);
                    status = 1;
                    continue;
                }
            }
        };
        for pid in pids {
            if let Err(error) = shell.sys.kill(pid, signal) {
                shell.builtin_error(call, &format!("({pid}) - {}", error.message()));
                status = 1;
            }
        }
    }
    shell.run_signals()?;
    Ok(status)
}

pub(super) fn list_signals<S: System>(
    shell: &mut Shell<S>,
    call: &Call<'_>,
    args: &[String],
) -> Run {
    let mut output = String::new();
    if args.is_empty() {
        let known = (1..=64u8).filter_map(|number| Some((number, signal_name(number)?)));
        for (at, (number, name)) in known.enumerate() {
            let end = if at % 5 == 4 { "\n" } else { "\t" };
            output.push_str(&format!("{number:2}) SIG{name}{end}"));
        }
        output.push('\n');
        return shell.print(call, &output);
    }
    let mut status = 0;
    for arg in args {
        let text = match arg.parse::<u32>() {
            // The two that the C library keeps for itself have no name.
            Ok(32 | 33) => continue,
            // The status of what a signal has ended stands for it, too.
            Ok(number) => {
                let number = if number > 128 { number - 128 } else { number };
                u8::try_from(number).ok().and_then(signal_name).map(str::to_owned)
            }
            Err(_) => signal_number(arg).map(|number| number.to_string()),
        };
        match text {
            Some(text) => output.push_str(&format!("{text}\n")),
            None => {
                shell.error_after(
                    call,
                    &mut output,
                    &format!("{arg}: invalid signal specification"),
                )?;
                status = 1;
            }
        }
    }
    let written = shell.print(call, &output)?;
    Ok(status.max(written))
}

pub(super) fn disown<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let (mut all, mut running) = (false, false);
    let mut letters = Letters::new(call.args());
    while let Some(letter) = letters.next() {
        match letter {
            'a' => all = true,
            'r' => running = true,
            'h' => {}
            letter => return shell.bad_option(call, letter),
        }
    }
    let names = letters.operands();
    if names.is_empty() && (all || running) {
        shell.reap();
        shell.jobs.list.retain(|job| !all && job.is_done());
        return Ok(0);
    }
    if names.is_empty() && shell.jobs.list.pop().is_none() {
        shell.builtin_error(call, "current: no such job");
        return Ok(1);
    }
    for name in names {
        let Some(number) = shell.jobs.named(name).map(|job| job.number) else {
            shell.builtin_error(call, &format!("{name}: no such job"));
            return Ok(1);
        };
        shell.jobs.list.retain(|job| job.number != number);
    }
    Ok(0)
}

/// `fg` waits for a job; `bg` finds that it runs already. Both are there with `set -m` alone.
pub(super) fn foreground<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    let mut letters = Letters::new(call.args());
    if let Some(letter) = letters.next() {
        return shell.bad_option(call, letter);
    }
    if !shell.state.options.monitor {
        shell.builtin_error(call, "no job control");
        return Ok(1);
    }
    let operands = match letters.operands() {
        [] => &["%+".to_owned()],
        operands => operands,
    };
    let mut status = 0;
    for operand in operands {
        let spec = if operand.starts_with('%') { operand.clone() } else { format!("%{operand}") };
        let Some(job) = shell.jobs.find(&spec).cloned() else {
            let shown = if operand == "%+" { "current" } else { operand };
            shell.builtin_error(call, &format!("{shown}: no such job"));
            return Ok(1);
        };
        if call.name() == "bg" {
            shell.builtin_error(call, &format!("job {} already in background", job.number));
            continue;
        }
        let text = job.text.strip_suffix(" &").unwrap_or(&job.text);
        shell.print(call, &format!("{text}\n"))?;
        status = wait_job(shell, &job)?;
        break;
    }
    Ok(status)
}

pub(super) fn times<S: System>(shell: &mut Shell<S>, call: &Call<'_>) -> Run {
    if let Some(letter) = Letters::new(call.args()).next() {
        return shell.bad_option(call, letter);
    }
    let times = shell.sys.times();
    let text = |time: std::time::Duration| {
        let minutes = time.as_secs() / 60;
        format!("{minutes}m{:.3}s", time.as_secs_f64() - (minutes * 60) as f64)
    };
    let output = format!("{} 0m0.000s\n{} 0m0.000s\n", text(times.own), text(times.children));
    shell.print(call, &output)
}
