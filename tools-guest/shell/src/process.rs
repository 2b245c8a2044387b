//! Processes: programs, pipelines, background jobs, process substitutions, coprocesses.

use std::cell::RefCell;
use std::rc::Rc;

use crate::builtins;
use crate::killed::{Killed, described, signal_to_tell};
use crate::shell::{Capture, Fd, Run, Shell, Unwind, is_binary};
use crate::state::Input;
use crate::syntax;
use crate::syntax::ast::{Arg, Command, Item, Kind, List, Pipeline, Stage};
use crate::system::{Errno, Exit, FileKind, INTERRUPT, OpenHow, Program, Spawn, Sys, System};
use crate::vars::Value;

/// Where the descriptors of process substitutions are, downwards.
const PROCESS_FD: u32 = 63;

/// A stage of a pipeline that was started.
enum Started {
    Process(u32),
    /// It ran already, or could not run.
    Done(i32),
}

/// The stages of a pipeline, and what they still write to.
type Stages<F> = (Vec<Started>, Captured<F>);

impl<S: System> Shell<S> {
    // ------------------------------------------------------------- programs

    /// Where the program `name` is, which is remembered.
    pub(crate) fn find_program(&mut self, name: &str) -> Option<String> {
        let path = self.locate_program(name)?;
        let is_new = !self.state.hash.contains_key(name);
        if is_new && self.state.options.hashall && !name.contains('/') && path.starts_with('/') {
            Rc::make_mut(&mut self.state.hash).insert(name.to_owned(), path.clone());
        }
        Some(path)
    }

    /// Where the program `name` is, for who only asks.
    pub(crate) fn locate_program(&mut self, name: &str) -> Option<String> {
        if name.contains('/') {
            return Some(name.to_owned());
        }
        if name.is_empty() {
            return None;
        }
        if let Some(path) = self.state.hash.get(name).cloned() {
            let checks = self.state.shopt("checkhash");
            if !checks || self.sys.stat(&self.absolute(&path), true).is_ok() {
                return Some(path);
            }
            Rc::make_mut(&mut self.state.hash).remove(name);
        }
        let path = self.get("PATH").unwrap_or_default();
        for directory in path.split(':') {
            let directory = if directory.is_empty() { "." } else { directory };
            let candidate = format!("{}/{name}", directory.trim_end_matches('/'));
            let full = self.absolute(&candidate);
            if let Ok(stat) = self.sys.stat(&full, true)
                && stat.kind == FileKind::File
                && stat.executable
            {
                return Some(candidate);
            }
        }
        None
    }

    /// Runs a program and waits for it.
    pub(crate) fn run_external(&mut self, words: &[String]) -> Run {
        let Some(path) = self.find_program(&words[0]) else {
            return self.not_found(words);
        };
        let mut captured = Captured::default();
        let fds = match self.child_fds(&mut captured) {
            Ok(fds) => fds,
            Err(error) => return Ok(self.spawn_failed(&words[0], error)),
        };
        let pid = match self.spawn_program(&path, words, fds, false) {
            Ok(pid) => pid,
            Err(status) => return Ok(status),
        };
        self.collect(captured);
        self.wait_for(pid)
    }

    fn not_found(&mut self, words: &[String]) -> Run {
        let name = &words[0];
        if let Some(handler) = self.state.functions.get("command_not_found_handle").cloned() {
            let mut call = vec!["command_not_found_handle".to_owned()];
            call.extend(words.iter().cloned());
            return Ok(self.subshell(|shell| shell.call_function(&handler, call)));
        }
        // Without a path, the name is that of a file.
        let what = match self.get("PATH").filter(|path| !path.is_empty()) {
            Some(_) => "command not found",
            None => "No such file or directory",
        };
        self.complain(&format!("{name}: {what}"));
        if let Some(hint) = self.sys.hint(name) {
            self.complain(&hint);
        }
        Ok(127)
    }

    fn spawn_failed(&mut self, name: &str, error: Errno) -> i32 {
        match error {
            Errno::Again => self.complain("fork: retry: Resource temporarily unavailable"),
            error => self.complain(&format!("{name}: {}", error.message())),
        }
        match error {
            Errno::NotFound | Errno::NotDirectory => 127,
            Errno::Again => 254,
            _ => 126,
        }
    }

    /// Starts a program; what is wrong has been said when there is only a status.
    fn spawn_program(
        &mut self,
        path: &str,
        words: &[String],
        fds: Vec<(u32, S::Fd)>,
        background: bool,
    ) -> Result<u32, i32> {
        let full = self.absolute(path);
        match self.sys.stat(&full, true) {
            Ok(stat) if stat.kind == FileKind::Directory => {
                self.complain(&format!("{}: Is a directory", words[0]));
                return Err(126);
            }
            Ok(stat) if !stat.executable => {
                self.complain(&format!("{}: Permission denied", words[0]));
                return Err(126);
            }
            Ok(_) => {}
            // A remembered place may be gone.
            Err(error) => return Err(self.spawn_failed(path, error)),
        }
        let mut env = self.environment();
        env.push(("_".to_owned(), path.to_owned()));
        let cwd = self.state.cwd.clone();
        let spawn = |shell: &mut Self, path: &str, argv: &[String], fds| {
            let program = Program::File(path);
            shell.sys.spawn(Spawn { program, argv, env: &env, cwd: &cwd, fds, background })
        };
        match spawn(self, &full, words, fds.clone()) {
            Err(Errno::NotExecutable)
                if self.read_file(&full).is_ok_and(|file| is_binary(&file)) =>
            {
                let message = "cannot execute binary file: Exec format error";
                self.complain(&format!("{}: {message}", words[0]));
                Err(126)
            }
            Err(Errno::NotExecutable) => {
                // A script without a first line that says so is one for this shell.
                let mut argv = vec!["bash".to_owned(), path.to_owned()];
                argv.extend(words.iter().skip(1).cloned());
                let bash = self.find_program("bash").unwrap_or_else(|| "/bin/bash".to_owned());
                spawn(self, &bash, &argv, fds).map_err(|error| self.spawn_failed(path, error))
            }
            // The file is there: it is the interpreter that its first line names that is not.
            Err(Errno::NotFound) => {
                self.complain(&format!("{}: cannot execute: required file not found", words[0]));
                Err(127)
            }
            result => result.map_err(|error| self.spawn_failed(&words[0], error)),
        }
    }

    /// What a child's environment holds.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut env = self.state.vars.environment();
        let attributes = self.state.function_attributes.iter();
        for (name, _) in attributes.filter(|(_, known)| known.export) {
            if let Some(function) = self.state.functions.get(name) {
                let body = syntax::print::function_body(function);
                env.push((format!("BASH_FUNC_{name}%%"), format!("() {body}")));
            }
        }
        env
    }

    /// Waits for a child, and runs traps that come in between. An interrupt that the child got, too,
    /// and did not end by was meant for the child, as in bash.
    pub(crate) fn wait_for(&mut self, pid: u32) -> Run {
        let exit = self.wait_exit(pid)?;
        self.interrupted &= exit == Exit::Signal(INTERRUPT);
        self.waited = Some((pid, signal_to_tell(exit)));
        Ok(exit.status())
    }

    fn wait_exit(&mut self, pid: u32) -> Result<Exit, Unwind> {
        loop {
            match self.sys.wait(pid, true) {
                Ok(Some(exit)) => return Ok(exit),
                Ok(None) | Err(Errno::Interrupted) => {
                    self.take_signals()?;
                }
                Err(_) => return Ok(Exit::Status(127)),
            }
        }
    }

    // ------------------------------------------------------------ pipelines

    /// Two commands or more. All run at once: programs and compound commands as processes, the last
    /// one here if it is no program. What only prints runs first, into memory.
    pub(crate) fn run_stages(&mut self, stages: &[Stage]) -> Run {
        let fds = self.fds.clone();
        let input = self.state.input;
        let started = self.start_stages(stages);
        self.state.announced = false;
        self.fds = fds;
        self.state.input = input;
        let (started, captured) = match started? {
            Ok(both) => both,
            Err(error) => {
                self.complain(&format!("pipe error: {}", error.message()));
                return Ok(1);
            }
        };
        self.collect(captured);
        let mut ended = Vec::with_capacity(stages.len());
        for stage in started {
            ended.push(self.ended(stage)?);
        }
        let interrupt = Exit::Signal(INTERRUPT);
        self.interrupted &=
            ended.iter().any(|(_, exit)| *exit == interrupt || exit.status() == interrupt.status());
        self.notice_ended();
        self.note_killed(stages, &ended);
        let statuses: Vec<i32> = ended.into_iter().map(|(_, exit)| exit.status()).collect();
        let status = statuses.last().copied().unwrap_or(0);
        let failed = statuses.iter().rev().find(|status| **status != 0);
        let status = match self.state.options.pipefail {
            true => failed.copied().unwrap_or(0),
            false => status,
        };
        self.state.pipe_status = statuses;
        Ok(status)
    }

    /// Starts what a pipeline is of, each reading from the one before.
    fn start_stages(&mut self, stages: &[Stage]) -> Result<Sys<Stages<S::Fd>>, Unwind> {
        let (last, early) = stages.split_last().expect("a pipeline has stages");
        let fds = self.fds.clone();
        let mut captured = Captured::default();
        let mut started = Vec::with_capacity(stages.len());
        for stage in early {
            let begun = match self.announce_stage(&stage.command)? {
                true => self.start_early(stage, &mut captured),
                false => self.sys.buffer(Vec::new()).map(|empty| (Started::Done(0), empty)),
            };
            let (stage, reader) = match begun {
                Ok(begun) => begun,
                Err(error) => return Ok(Err(error)),
            };
            self.state.announced = false;
            started.push(stage);
            self.fds = fds.clone();
            self.fds.insert(0, Fd::System(reader));
            self.state.input = Input::Piped;
        }
        let runs = self.announce_stage(&last.command)?;
        started.push(if !runs {
            Started::Done(0)
        } else if self.is_program(&last.command) {
            self.start_process(&last.command, &mut captured, false)
        } else if self.state.shopt("lastpipe") && !self.state.options.monitor {
            Started::Done(self.run_command(&last.command)?)
        } else {
            Started::Done(self.subshell(|shell| shell.run_command(&last.command)))
        });
        Ok(Ok((started, captured)))
    }

    /// How a stage ends, and the process that it was, if it was one.
    fn ended(&mut self, stage: Started) -> Result<(Option<u32>, Exit), Unwind> {
        Ok(match stage {
            Started::Process(pid) => (Some(pid), self.wait_exit(pid)?),
            Started::Done(status) => (None, Exit::Status((status & 0xFF) as u8)),
        })
    }

    /// Notes a pipeline whose last stage a signal has ended, with all of its processes.
    fn note_killed(&mut self, stages: &[Stage], ended: &[(Option<u32>, Exit)]) {
        let Some((Some(_), exit)) = ended.last() else { return };
        let Some(signal) = signal_to_tell(*exit) else { return };
        let mut text = String::new();
        let mut first = None;
        for (stage, (pid, exit)) in stages.iter().zip(ended) {
            // What runs in this shell is no process, and has no number to show.
            let Some(pid) = *pid else { return };
            let command = syntax::print::command(&stage.command);
            match first {
                None => {
                    first = Some((pid, *exit));
                    text = command;
                }
                Some(_) => {
                    let how = described(*exit);
                    text.push_str(&format!("\n     {pid:>5} {how:<24}| {command}"));
                }
            }
        }
        let Some((pid, exit)) = first else { return };
        self.killed = Some(Killed { pid, signal, first: exit, text, line: self.state.line });
    }

    /// Starts a stage whose output another reads, and gives that one's end.
    fn start_early(
        &mut self,
        stage: &Stage,
        captured: &mut Captured<S::Fd>,
    ) -> Sys<(Started, S::Fd)> {
        if self.only_prints(&stage.command) {
            let capture: Capture = Rc::new(RefCell::new(Vec::new()));
            let output = Fd::Capture(capture.clone());
            let status = self.subshell(|shell| {
                shell.fds.insert(1, output.clone());
                if stage.with_stderr {
                    shell.fds.insert(2, output);
                }
                shell.run_command(&stage.command)
            });
            let content = std::mem::take(&mut *capture.borrow_mut());
            return Ok((Started::Done(status), self.sys.buffer(content)?));
        }
        let (reader, writer) = self.sys.pipe()?;
        self.fds.insert(1, Fd::System(writer.clone()));
        if stage.with_stderr {
            self.fds.insert(2, Fd::System(writer));
        }
        Ok((self.start_process(&stage.command, captured, false), reader))
    }

    /// Whether a command is a builtin that reads nothing and ends by itself.
    fn only_prints(&self, command: &Command) -> bool {
        const PRINT: &[&str] = &[
            ":", "alias", "declare", "dirs", "echo", "false", "hash", "printf", "pwd", "shopt",
            "true", "type", "typeset",
        ];
        let Kind::Simple { args, .. } = &command.kind else { return false };
        let Some(Arg::Word(word)) = args.first() else { return false };
        let Some(name) = word.as_literal() else { return false };
        PRINT.contains(&name)
            && !self.state.functions.contains_key(name)
            && !self.state.disabled.contains(name)
    }

    /// Whether a command is a program, as far as can be told before it is expanded.
    fn is_program(&self, command: &Command) -> bool {
        let Kind::Simple { args, .. } = &command.kind else { return false };
        let Some(Arg::Word(word)) = args.first() else { return false };
        let Some(name) = word.as_constant() else { return false };
        let disabled = self.state.disabled.contains(&name);
        !name.is_empty()
            && (disabled || builtins::find::<S>(&name).is_none())
            && !self.state.functions.contains_key(&name)
            && !word.0.iter().any(|part| matches!(part, syntax::ast::Part::Literal(t) if t.contains(['{', '*', '?', '['])))
    }

    /// Starts a command as a process of its own.
    fn start_process(
        &mut self,
        command: &Command,
        captured: &mut Captured<S::Fd>,
        background: bool,
    ) -> Started {
        if !self.is_program(command) {
            let pipeline = Pipeline {
                negated: false,
                timed: None,
                stages: vec![Stage { command: command.clone(), with_stderr: false }],
            };
            let item = Item { first: pipeline, rest: Vec::new(), background: false };
            return match self.spawn_shell(&List(vec![item]), captured, background) {
                Ok(pid) => Started::Process(pid),
                Err(error) => Started::Done(self.spawn_failed("bash", error)),
            };
        }
        let mut started = None;
        let status = self.subshell(|shell| {
            // The process is the subshell: no trap of this one may run.
            Rc::make_mut(&mut shell.state.traps).clear();
            let Kind::Simple { assigns, args } = &command.kind else { return Ok(1) };
            shell.state.line = command.line;
            let words = shell.expand_args(args)?;
            shell.trace_words(assigns, args, &words)?;
            shell.with_redirects(&command.redirects, |shell| {
                shell.with_temporary(assigns, |shell| {
                    let Some(path) = shell.find_program(&words[0]) else {
                        return shell.not_found(&words);
                    };
                    let fds = match shell.child_fds(captured) {
                        Ok(fds) => fds,
                        Err(error) => return Ok(shell.spawn_failed(&words[0], error)),
                    };
                    match shell.spawn_program(&path, &words, fds, background) {
                        Ok(pid) => {
                            started = Some(pid);
                            Ok(0)
                        }
                        Err(status) => Ok(status),
                    }
                })
            })
        });
        started.map_or(Started::Done(status), Started::Process)
    }

    /// Starts a shell that goes on from here with `list`.
    pub(crate) fn spawn_shell(
        &mut self,
        list: &List,
        captured: &mut Captured<S::Fd>,
        background: bool,
    ) -> Sys<u32> {
        let fds = self.child_fds(captured)?;
        let given = self.serialize(list);
        let cwd = self.state.cwd.clone();
        let argv = [self.state.name.clone()];
        let program = Program::Shell(&given);
        self.sys.spawn(Spawn { program, argv: &argv, env: &[], cwd: &cwd, fds, background })
    }

    // ------------------------------------------------------------- captures

    /// What is open for a child. Text that is captured goes through pipes.
    pub(crate) fn child_fds(&mut self, captured: &mut Captured<S::Fd>) -> Sys<Vec<(u32, S::Fd)>> {
        let mut fds = Vec::with_capacity(self.fds.len());
        for (number, fd) in &self.fds {
            match fd {
                Fd::System(fd) => fds.push((*number, fd.clone())),
                Fd::Capture(capture) => {
                    let known = captured.0.iter().find(|pipe| Rc::ptr_eq(&pipe.capture, capture));
                    if let Some(pipe) = known {
                        fds.push((*number, pipe.writer.clone()));
                        continue;
                    }
                    let (reader, writer) = self.sys.pipe()?;
                    fds.push((*number, writer.clone()));
                    captured.0.push(CapturePipe { reader, writer, capture: capture.clone() });
                }
            }
        }
        Ok(fds)
    }

    /// Takes what children wrote, until they have all ended or closed it.
    pub(crate) fn collect(&mut self, captured: Captured<S::Fd>) {
        for CapturePipe { reader, writer, capture } in captured.0 {
            drop(writer);
            self.drain(&reader, &capture);
        }
    }

    // ----------------------------------------------------------- background

    /// `item &`.
    pub(crate) fn run_background(&mut self, item: &Item) -> Run {
        let fds = self.fds.clone();
        let own_input = matches!(&item.first.stages[..], [stage]
            if item.rest.is_empty() && stage.command.redirects_stdin());
        if !self.state.options.monitor && !own_input && self.state.input == Input::Own {
            let how = OpenHow { read: true, ..OpenHow::default() };
            if let Ok(null) = self.sys.open("/dev/null", how) {
                self.fds.insert(0, Fd::System(null));
            }
        }
        let mut captured = Captured::default();
        let text = syntax::print::item(item);
        let started = match (&item.first.stages[..], &item.rest[..]) {
            // As in bash, a `!` before a single command in the background changes nothing.
            ([stage], []) if item.first.timed.is_none() => {
                let runs = self.announce_stage(&stage.command)?;
                let started = match runs {
                    true => self.start_process(&stage.command, &mut captured, true),
                    false => Started::Done(0),
                };
                self.state.announced = false;
                started
            }
            _ => {
                let list = List(vec![Item { background: false, ..item.clone() }]);
                match self.spawn_shell(&list, &mut captured, true) {
                    Ok(pid) => Started::Process(pid),
                    Err(error) => Started::Done(self.spawn_failed("bash", error)),
                }
            }
        };
        self.fds = fds;
        // Whoever captures waits for what runs in the background too, as bash does.
        self.late_captures.extend(captured.0.into_iter().map(|pipe| (pipe.reader, pipe.capture)));
        match started {
            Started::Process(pid) => {
                self.state.background = Some(pid);
                let number = self.jobs.add(vec![pid], text);
                if self.state.interactive && self.state.subshell == 0 {
                    self.print_error(&format!("[{number}] {pid}\n"));
                }
            }
            Started::Done(status) => {
                // There was no process, but `$!` and `wait` want one.
                let pid = self.sys.pid();
                self.state.background = Some(pid);
                self.jobs.remember(pid, status);
            }
        }
        self.state.status = 0;
        Ok(0)
    }

    /// Takes what background commands of a substitution still write.
    pub(crate) fn collect_late(&mut self, capture: &Capture) {
        let all = std::mem::take(&mut self.late_captures);
        let (mine, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, other)| Rc::ptr_eq(other, capture));
        self.late_captures = others;
        for (reader, capture) in mine {
            self.drain(&reader, &capture);
        }
    }

    /// Says how jobs ended while another command was waited for, and forgets them. A person is told
    /// before the next prompt.
    pub(crate) fn notice_ended(&mut self) {
        if self.jobs.list.is_empty() {
            return;
        }
        self.reap();
        if self.state.interactive {
            return;
        }
        for job in self.jobs.remove_ended() {
            self.tell_ended(&job);
        }
        self.forget_coprocess();
    }

    /// Notes which jobs have ended, without waiting.
    pub(crate) fn reap(&mut self) {
        for pid in self.jobs.running() {
            match self.sys.wait(pid, false) {
                Ok(Some(exit)) => self.jobs.ended(pid, exit),
                Ok(None) => {}
                Err(_) => self.jobs.ended(pid, Exit::Status(127)),
            }
        }
    }

    // --------------------------------------------------------- substitution

    /// `<(…)` or `>(…)`: a name under which the other end is found.
    pub(crate) fn process_substitution(
        &mut self,
        read: bool,
        list: &Rc<List>,
    ) -> Result<String, Unwind> {
        let result = self.start_substitution(read, list);
        result.map_err(|error| {
            self.complain(&format!("process substitution: {}", error.message()));
            Unwind::Discard(1)
        })
    }

    fn start_substitution(&mut self, read: bool, list: &Rc<List>) -> Sys<String> {
        let (reader, writer) = self.sys.pipe()?;
        let (mine, theirs, their_number) = match read {
            true => (reader, writer, 1),
            false => (writer, reader, 0),
        };
        let fds = self.fds.clone();
        self.fds.insert(their_number, Fd::System(theirs));
        let mut captured = Captured::default();
        let started = self.nested(|shell| shell.spawn_shell(list, &mut captured, true));
        self.fds = fds;
        self.late_captures.extend(captured.0.into_iter().map(|pipe| (pipe.reader, pipe.capture)));
        let pid = started?;
        self.state.background = Some(pid);
        self.jobs.add_substitution(pid);
        let mut number = PROCESS_FD;
        while self.fds.contains_key(&number) && number > 10 {
            number -= 1;
        }
        self.fds.insert(number, Fd::System(mine));
        self.process_fds.push(number);
        Ok(self.sys.fd_path(number))
    }

    pub(crate) fn run_coproc(&mut self, name: &str, body: &Command) -> Run {
        self.reap();
        self.forget_coprocess();
        if let Some((pid, other)) = &self.jobs.coprocess {
            let message = format!("warning: execute_coproc: coproc [{pid}:{other}] still exists");
            self.complain(&message);
        }
        let failed = |shell: &mut Self, error: Errno| {
            shell.complain(&format!("coproc: {}", error.message()));
            Ok(1)
        };
        let (their_input, my_output) = match self.sys.pipe() {
            Ok(pipe) => pipe,
            Err(error) => return failed(self, error),
        };
        let (my_input, their_output) = match self.sys.pipe() {
            Ok(pipe) => pipe,
            Err(error) => return failed(self, error),
        };
        let fds = self.fds.clone();
        self.fds.insert(0, Fd::System(their_input));
        self.fds.insert(1, Fd::System(their_output));
        let started = self.start_process(body, &mut Captured::default(), true);
        self.fds = fds;
        let Started::Process(pid) = started else { return Ok(1) };
        let (input, output) = (PROCESS_FD, PROCESS_FD - 3);
        self.fds.insert(input, Fd::System(my_input));
        self.fds.insert(output, Fd::System(my_output));
        let elements = [(0, input.to_string()), (1, output.to_string())];
        self.state.vars.global(name).value = Value::Indexed(Some(elements.into()));
        let _ = self.set(&format!("{name}_PID"), pid.to_string());
        self.state.background = Some(pid);
        self.jobs.add(vec![pid], format!("coproc {name}"));
        self.jobs.coprocess = Some((pid, name.to_owned()));
        Ok(0)
    }

    /// A coprocess that has ended has no descriptors any more.
    pub(crate) fn forget_coprocess(&mut self) {
        let ended = self.jobs.coprocess.take_if(|(pid, _)| {
            !self.jobs.list.iter().any(|job| job.pid() == *pid && !job.is_done())
        });
        let Some((_, name)) = ended else { return };
        if let Some(value) = self.value(&name) {
            for number in value.values().iter().filter_map(|text| text.parse::<u32>().ok()) {
                self.fds.remove(&number);
            }
        }
        self.state.vars.unset(&name);
        self.state.vars.unset(&format!("{name}_PID"));
    }
}

/// A pipe whose content is captured.
#[derive(Debug)]
pub(crate) struct CapturePipe<F> {
    reader: F,
    writer: F,
    capture: Capture,
}

/// The pipes through which children write what is captured.
#[derive(Debug)]
pub(crate) struct Captured<F>(Vec<CapturePipe<F>>);

impl<F> Default for Captured<F> {
    fn default() -> Captured<F> {
        Captured(Vec::new())
    }
}
