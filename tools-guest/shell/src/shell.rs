//! The shell itself: its state, its descriptors, and the loop that reads and runs commands.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use toolcell_stack::Stack;

use crate::arith;
use crate::jobs::Jobs;
use crate::killed::Killed;
use crate::matching::Expressions;
use crate::state::{Frame, State};
use crate::syntax::ast::{Command, List};
use crate::syntax::{Options, Parser, SyntaxError};
use crate::system::{Disposition, Errno, INTERRUPT, OpenHow, Sys, System};
use crate::text;
use crate::vars::{Value, Var};

/// Why commands are left before their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwind {
    Break(u32),
    Continue(u32),
    Return(i32),
    Exit(i32),
    /// An error that ends what was read at once: this command, up to the end of its line.
    Discard(i32),
}

/// Where commands come from that are read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// What the shell was started for, or a file.
    File,
    /// A text of the shell's own, and what messages call it.
    Text(&'static str),
}

/// The status of what ran.
pub(crate) type Run = Result<i32, Unwind>;

/// Text in place of a descriptor: what `$(…)` collects.
pub(crate) type Capture = Rc<RefCell<Vec<u8>>>;

/// Bytes that one command substitution may collect. Against output without end.
pub(crate) const MAX_CAPTURE: usize = 64 << 20;

/// What a descriptor of the shell is.
#[derive(Debug)]
pub(crate) enum Fd<F> {
    System(F),
    Capture(Capture),
}

impl<F: Clone> Clone for Fd<F> {
    fn clone(&self) -> Fd<F> {
        match self {
            Fd::System(fd) => Fd::System(fd.clone()),
            Fd::Capture(capture) => Fd::Capture(capture.clone()),
        }
    }
}

/// How a shell is started.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// `$0`.
    pub name: String,
    /// `$1` and on.
    pub arguments: Vec<String>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// The working directory.
    pub cwd: String,
}

/// A shell.
#[derive(Debug)]
pub struct Shell<S: System> {
    pub(crate) sys: S,
    pub(crate) state: State,
    pub(crate) fds: BTreeMap<u32, Fd<S::Fd>>,
    pub(crate) jobs: Jobs,
    pub(crate) expressions: HashMap<String, Rc<arith::Expr>>,
    /// The regular expressions of `=~`.
    pub(crate) matching: Expressions,
    /// How many callers do not want `errexit` to act.
    pub(crate) tested: u32,
    /// Status of the last command substitution of the command being expanded.
    pub(crate) substituted: Option<i32>,
    /// The traps that run now, by name: one within another, and none within itself.
    pub(crate) in_traps: Vec<String>,
    /// Whether an interrupt has come in that ends the command line: only of an interactive shell.
    pub(crate) interrupted: bool,
    /// Of the last program: the process and the signal that ended it.
    pub(crate) waited: Option<(u32, Option<u8>)>,
    /// What is still to be said of the last command.
    pub(crate) killed: Option<Killed>,
    /// Substitutions that run: there, nothing is said of what a signal has ended.
    pub(crate) silent: u32,
    /// Descriptors of process substitutions, closed after the command.
    pub(crate) process_fds: Vec<u32>,
    pub(crate) command_text: String,
    stack: Stack,
    /// Whether what the shell knows is left for the session's next one.
    keeps: bool,
    /// Whether the file that `BASH_ENV` names is run first.
    takes_start_file: bool,
    /// Pipes that background commands still write captured text to.
    pub(crate) late_captures: Vec<(S::Fd, Capture)>,
}

/// Bytes of the stack that are left when functions, `eval` and substitutions nest no further: for
/// what the last one of them runs. Against endless recursion.
const STACK_RESERVE: usize = 256 << 10;

/// The version of GNU bash whose language this is.
const VERSION: &str = "5.2.37(1)-release";

/// Expressions kept parsed.
const MAX_EXPRESSIONS: usize = 1_024;

impl<S: System> Shell<S> {
    /// A shell with these descriptors.
    pub fn new(mut sys: S, start: Start, fds: Vec<(u32, S::Fd)>) -> Shell<S> {
        let mut state = State { name: start.name, cwd: start.cwd, ..State::default() };
        state.positional = Rc::new(start.arguments);
        state.pid = sys.pid();
        state.seconds_from = i64::try_from(sys.now().as_secs()).unwrap_or(0);
        state.random = sys.random();
        state.umask = sys.umask(None);
        let mut shell = Shell::with(sys, state, fds);
        shell.import(start.environment);
        shell
    }

    fn with(sys: S, state: State, fds: Vec<(u32, S::Fd)>) -> Shell<S> {
        let stack = Stack::new(sys.stack());
        Shell {
            sys,
            state,
            fds: fds.into_iter().map(|(number, fd)| (number, Fd::System(fd))).collect(),
            jobs: Jobs::default(),
            expressions: HashMap::new(),
            matching: Expressions::default(),
            tested: 0,
            substituted: None,
            in_traps: Vec::new(),
            interrupted: false,
            waited: None,
            killed: None,
            silent: 0,
            process_fds: Vec::new(),
            command_text: String::new(),
            stack,
            keeps: false,
            takes_start_file: false,
            late_captures: Vec::new(),
        }
    }

    /// Whether commands have used up the stack that they may, so that no more may nest in them.
    pub(crate) fn is_full(&self) -> bool {
        self.stack.is_full()
    }

    /// Whether that is near, so that nothing may begin that nests commands.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.stack.lacks(STACK_RESERVE)
    }

    fn import(&mut self, environment: Vec<(String, String)>) {
        for (name, value) in environment {
            if let Some(function) =
                name.strip_prefix("BASH_FUNC_").and_then(|name| name.strip_suffix("%%"))
            {
                self.import_function(function, &value);
                continue;
            }
            if !crate::syntax::is_name(&name) {
                continue;
            }
            let var = self.state.vars.global(&name);
            var.value = Value::Scalar(value);
            var.attributes.export = true;
        }
        let level = self.get("SHLVL").and_then(|text| text.parse::<i64>().ok()).unwrap_or(0) + 1;
        let version = ["5", "2", "37", "1", "release", "wasm32-toolcell-wasi"];
        let array = version.iter().enumerate().map(|(at, text)| (at as i64, (*text).to_owned()));
        let defaults = [
            ("IFS", Value::Scalar(" \t\n".to_owned())),
            ("OPTIND", Value::Scalar("1".to_owned())),
            ("OPTERR", Value::Scalar("1".to_owned())),
            ("PS4", Value::Scalar("+ ".to_owned())),
            ("BASH", Value::Scalar("/bin/bash".to_owned())),
            ("BASH_VERSION", Value::Scalar(VERSION.to_owned())),
            ("BASH_VERSINFO", Value::Indexed(Some(array.collect()))),
            ("HOSTNAME", Value::Scalar("toolcell".to_owned())),
            ("HOSTTYPE", Value::Scalar("wasm32".to_owned())),
            ("MACHTYPE", Value::Scalar("wasm32-toolcell-wasi".to_owned())),
            ("OSTYPE", Value::Scalar("wasi".to_owned())),
        ];
        for (name, value) in defaults {
            self.state.vars.global(name).value = value;
        }
        let readonly = Var {
            value: Value::Scalar("1000".to_owned()),
            attributes: crate::vars::Attributes {
                readonly: true,
                integer: true,
                ..Default::default()
            },
        };
        *self.state.vars.global("UID") = readonly.clone();
        *self.state.vars.global("EUID") = readonly;
        self.state.vars.global("OPTIND").attributes.integer = true;
        self.state.vars.global("BASH_VERSINFO").attributes.readonly = true;
        let parent = self.sys.parent();
        let var = self.state.vars.global("PPID");
        var.value = Value::Scalar(parent.to_string());
        var.attributes.readonly = true;
        var.attributes.integer = true;
        for (name, value) in [("SHLVL", level.to_string()), ("PWD", self.state.cwd.clone())] {
            let var = self.state.vars.global(name);
            var.value = Value::Scalar(value);
            var.attributes.export = true;
        }
        if self.state.vars.get("PATH").is_none() {
            self.state.vars.global("PATH").value = Value::Scalar("/usr/bin:/bin".to_owned());
        }
        self.state.vars.global("OLDPWD").attributes.export = true;
    }

    fn import_function(&mut self, name: &str, value: &str) {
        let source = format!("{name} {value}");
        let mut parser = Parser::new(&source, 1, self.parse_options());
        let Ok(Some(list)) = parser.next_command() else { return };
        // Only a definition is run, whatever else the variable holds.
        let Some(item) = list.0.first() else { return };
        let Some(stage) = item.first.stages.first() else { return };
        if let crate::syntax::ast::Kind::Function(function) = &stage.command.kind {
            let functions = Rc::make_mut(&mut self.state.functions);
            functions.insert(name.to_owned(), function.clone());
            let attributes = Rc::make_mut(&mut self.state.function_attributes);
            attributes.entry(name.to_owned()).or_default().export = true;
        }
    }

    /// What a new process needs to go on as a subshell of this one and run `command`.
    pub(crate) fn serialize(&self, command: &List) -> Vec<u8> {
        if self.jobs.list.is_empty() {
            return postcard::to_allocvec(&(&self.state, command)).unwrap_or_default();
        }
        let parent_jobs = self.jobs.list.clone();
        let state = State { parent_jobs, ..self.state.clone() };
        postcard::to_allocvec(&(&state, command)).unwrap_or_default()
    }

    /// Goes on from what a parent shell gave, and runs to the end. `None` if it gave nothing that
    /// can be read.
    pub fn resume(sys: S, given: &[u8], fds: Vec<(u32, S::Fd)>) -> Option<i32> {
        let (state, list): (State, List) = postcard::from_bytes(given).ok()?;
        let mut shell = Shell::with(sys, state, fds);
        shell.enter_subshell();
        let result = shell.run_list(&list);
        Some(shell.finish(result))
    }

    /// Says that a person is at the other end: an error or an interrupt ends the command line, not
    /// the shell.
    pub fn set_interactive(&mut self) {
        self.state.interactive = true;
        self.sys.handle(INTERRUPT, Disposition::Keep);
        self.state.set_shopt("expand_aliases", true);
    }

    /// Says that no person is at the other end and that the shell is not called `sh`: what
    /// `BASH_ENV` names is run first.
    pub(crate) fn takes_start_file(&mut self) {
        self.takes_start_file = !self.state.options.posix && !self.state.options.privileged;
    }

    /// Runs the file that `BASH_ENV` names.
    pub(crate) fn run_start_file(&mut self) -> Run {
        let named = self.get("BASH_ENV").filter(|path| !path.is_empty());
        match named.filter(|_| self.takes_start_file) {
            Some(path) => {
                let path = self.expand_text(&path)?;
                self.source_if_there(&path)
            }
            None => Ok(0),
        }
    }

    /// The working directory.
    pub fn cwd(&self) -> &str {
        &self.state.cwd
    }

    /// Begins as a session wants it: with what its last shell knew, and its start file.
    fn begin_session(&mut self) -> Run {
        let session = self.sys.session();
        self.keeps = session.kept.is_some();
        let kept = session.kept.filter(|kept| !kept.is_empty());
        if let Some(kept) = kept {
            match unpack(&kept) {
                Some(kept) => self.go_on_from(kept),
                None => {
                    self.print_error("bash: what an earlier version of the shell left is lost\n")
                }
            }
        }
        match session.start_file {
            Some(path) => self.source_if_there(&path),
            None => Ok(self.state.status),
        }
    }

    fn go_on_from(&mut self, kept: State) {
        // What belongs to this process and this call stays.
        let State { name, positional, cwd, pid, interactive, .. } = std::mem::take(&mut self.state);
        self.state = State { name, positional, pid, interactive, line: 1, ..kept };
        self.state.umask = self.sys.umask(Some(self.state.umask));
        if self.state.cwd != cwd {
            self.state.vars.global("PWD").value = Value::Scalar(cwd.clone());
            self.state.cwd = cwd;
        }
        for (name, text) in self.state.traps.iter() {
            if let Some(number) = crate::signal_number(name).filter(|number| *number > 0) {
                let how = match text.is_empty() {
                    true => Disposition::Ignore,
                    false => Disposition::Keep,
                };
                self.sys.handle(number, how);
            }
        }
    }

    /// Runs the commands of a file, up to a `return`; one that is not there has none.
    fn source_if_there(&mut self, path: &str) -> Run {
        let full = self.absolute(path);
        let Ok(source) = self.read_file(&full) else { return Ok(self.state.status) };
        let frame =
            Frame { name: "source".to_owned(), source: path.to_owned(), ..Frame::default() };
        self.state.frames.push(frame);
        let result = self.run_source(Source::File, &text::decode(&source), 1);
        self.state.frames.pop();
        match result {
            Err(Unwind::Return(status)) => Ok(status),
            result => result,
        }
    }

    /// Leaves what the shell knows for the session's next one.
    fn leave_session(&mut self, exited: bool) {
        let state = &mut self.state;
        state.frames.clear();
        (state.loops, state.background) = (0, None);
        let kept = pack(&self.state);
        self.sys.keep(kept, exited);
    }

    /// Runs the text of `bash -c`, and gives the status to exit with.
    pub fn run_command_string(&mut self, source: &str) -> i32 {
        self.state.command_string = true;
        let _ = self.set("BASH_EXECUTION_STRING", source.to_owned());
        let begun = self.run_start_file().and_then(|_| self.begin_session());
        let result = begun.and_then(|_| self.run_source(Source::File, source, 1));
        self.finish(result)
    }

    /// Runs the script at `path`, and gives the status to exit with.
    pub fn run_script(&mut self, path: &str) -> i32 {
        let full = self.absolute(path);
        let read = self.read_file(&full);
        let source = match read {
            Ok(source) => source,
            Err(error) => {
                let status = if error == Errno::NotFound { 127 } else { 126 };
                let name = "bash";
                self.print_error(&format!("{name}: {path}: {}\n", error.message()));
                return status;
            }
        };
        if is_binary(&source) {
            self.print_error(&format!("{path}: {path}: cannot execute binary file\n"));
            return 126;
        }
        self.state.script = path.to_owned();
        let begun = self.run_start_file();
        let result = begun.and_then(|_| self.run_source(Source::File, &text::decode(&source), 1));
        // A script's last command does not take the place of its shell.
        self.tell_killed();
        self.finish(result)
    }

    /// Runs the traps of the end, and gives the status to exit with.
    pub(crate) fn finish(&mut self, result: Run) -> i32 {
        let mut status = match result {
            Ok(status)
            | Err(Unwind::Exit(status) | Unwind::Return(status) | Unwind::Discard(status)) => {
                status
            }
            Err(Unwind::Break(_) | Unwind::Continue(_)) => 0,
        };
        if self.state.subshell == 0 && std::mem::take(&mut self.interrupted) && !self.keeps {
            // As `bash -ic` ends; a person's next command finds 130.
            status = 1;
        }
        self.state.status = status;
        // A shell that is kept goes on, unless it was told to exit.
        let exited = matches!(result, Err(Unwind::Exit(_)));
        let ends = !self.keeps || self.state.subshell > 0 || exited;
        if ends {
            status = self.run_exit_trap(status);
        }
        if self.state.subshell == 0 {
            let cwd = self.state.cwd.clone();
            self.sys.leave(&cwd);
            if self.keeps {
                self.leave_session(exited);
            }
        }
        status & 0xFF
    }

    pub(crate) fn parse_options(&self) -> Options {
        let aliases = self.state.shopt("expand_aliases") && !self.state.aliases.is_empty();
        Options {
            aliases: aliases.then(|| self.state.aliases.clone()),
            extglob: self.state.shopt("extglob"),
            keyword: self.state.options.keyword,
        }
    }

    /// Reads and runs commands, one at a time.
    pub(crate) fn run_source(&mut self, from: Source, source: &str, line: u32) -> Run {
        self.state.names_commands |= source.contains("BASH_COMMAND");
        let mut parser = Parser::new(source, line, self.parse_options());
        let mut status = 0;
        loop {
            parser.set_options(self.parse_options());
            let next = parser.next_command();
            for (line, warning) in std::mem::take(&mut parser.warnings) {
                let place = self.place(line);
                self.print_error(&format!("{place} warning: {warning}\n"));
            }
            let list = match next {
                Ok(Some(list)) => list,
                Ok(None) => return Ok(status),
                Err(error) => {
                    self.say_syntax_error(from, &error);
                    self.state.status = 2;
                    return match self.state.interactive {
                        true => Ok(2),
                        false => Err(Unwind::Discard(2)),
                    };
                }
            };
            if self.state.options.noexec && !self.state.interactive {
                continue;
            }
            let result = self.run_list(&list);
            if self.state.options.onecmd && from == Source::File && self.is_at_top() {
                return result;
            }
            match result {
                Ok(code) => status = code,
                Err(Unwind::Discard(code)) => {
                    if self.state.subshell > 0 {
                        return Err(Unwind::Exit(code));
                    }
                    self.state.status = code;
                    status = code;
                    if self.interrupted {
                        return Err(Unwind::Discard(code));
                    }
                }
                Err(unwind) => return Err(unwind),
            }
        }
    }

    /// Whether what is read is what the shell was started to read, other than a text of `-c`.
    fn is_at_top(&self) -> bool {
        let state = &self.state;
        state.frames.is_empty() && state.subshell == 0 && !state.command_string
    }

    fn say_syntax_error(&mut self, from: Source, error: &SyntaxError) {
        let name = self.source_name();
        if self.state.interactive && self.state.frames.is_empty() {
            // Whoever typed it sees the line.
            self.print_error(&format!("{name}: {}\n", error.message));
            return;
        }
        let how = match from {
            Source::Text(what) => format!("{name}: {what}"),
            Source::File if self.state.command_string && self.state.frames.is_empty() => {
                format!("{name}: -c")
            }
            Source::File => name,
        };
        let place = self.place_in(&how, error.line);
        let mut message = format!("{place} {}\n", error.message);
        if let Some(shown) = &error.shown {
            message.push_str(&format!("{place} `{shown}'\n"));
        }
        self.print_error(&message);
    }

    // ------------------------------------------------------------- messages

    /// Who speaks in a message.
    pub(crate) fn source_name(&self) -> String {
        match self.state.frames.last().filter(|_| !self.state.interactive) {
            Some(frame) if !frame.source.is_empty() => frame.source.clone(),
            _ => self.state.name.clone(),
        }
    }

    /// How a message begins that tells of this line.
    fn place(&self, line: u32) -> String {
        self.place_in(&self.source_name(), line)
    }

    fn place_in(&self, source: &str, line: u32) -> String {
        match self.state.shopt("gnu_errfmt") {
            true => format!("{source}:{line}:"),
            false => format!("{source}: line {line}:"),
        }
    }

    /// Writes `name: line n: message` to standard error.
    pub(crate) fn complain(&mut self, message: &str) {
        let place = match self.state.interactive {
            true => format!("{}:", self.source_name()),
            false => self.place(self.state.line),
        };
        self.print_error(&format!("{place} {message}\n"));
    }

    /// Says which bash this is, and that it is not quite.
    pub(crate) fn print_version(&mut self) {
        let text = format!(
            "GNU bash, version {VERSION} (wasm32-wasip2)\nThe language of that version, as \
             Toolcell's shell has it.\n"
        );
        let _ = self.write_fd(1, text.as_bytes());
    }

    /// Says how it is called.
    pub(crate) fn print_help(&mut self, name: &str) {
        let text =
            format!("GNU bash, version {VERSION}-(wasm32-wasip2)\n{}", command_line_usage(name));
        let _ = self.write_fd(1, text.as_bytes());
    }

    /// Says that the command line has an option that there is not; gives the status to end with.
    pub(crate) fn refuse_option(&mut self, name: &str, option: &str) -> u8 {
        let usage = command_line_usage(name);
        self.print_error(&format!("{name}: {option}: invalid option\n{usage}"));
        2
    }

    /// Writes to standard error; nobody can be told if that fails.
    pub(crate) fn print_error(&mut self, text: &str) {
        let _ = self.write_fd(2, text::encode(text).as_ref());
    }

    /// Writes to one of the shell's descriptors.
    pub(crate) fn write_fd(&mut self, number: u32, data: &[u8]) -> Sys<()> {
        match self.fds.get(&number) {
            None => Err(Errno::BadFd),
            Some(Fd::System(fd)) => self.sys.write(fd, data),
            Some(Fd::Capture(capture)) => {
                let mut capture = capture.borrow_mut();
                if capture.len() + data.len() > MAX_CAPTURE {
                    return Err(Errno::TooBig);
                }
                capture.extend_from_slice(data);
                Ok(())
            }
        }
    }

    // ---------------------------------------------------------------- files

    /// `path` from the root on.
    pub(crate) fn absolute(&self, path: &str) -> String {
        match path {
            path if path.starts_with('/') => path.to_owned(),
            path if self.state.cwd == "/" => format!("/{path}"),
            path => format!("{}/{path}", self.state.cwd),
        }
    }

    /// The content of the file at this absolute path.
    pub(crate) fn read_file(&mut self, path: &str) -> Sys<Vec<u8>> {
        if self.sys.stat(path, true)?.kind == crate::system::FileKind::Directory {
            return Err(Errno::IsDirectory);
        }
        let fd = self.sys.open(path, OpenHow { read: true, ..OpenHow::default() })?;
        let mut content = Vec::new();
        loop {
            let data = self.sys.read(&fd, 256 << 10)?;
            if data.is_empty() {
                return Ok(content);
            }
            if content.len() + data.len() > MAX_CAPTURE {
                return Err(Errno::TooBig);
            }
            content.extend_from_slice(&data);
        }
    }

    /// Reads a pipe to its end.
    pub(crate) fn drain(&mut self, reader: &S::Fd, capture: &Capture) {
        while let Ok(data) = self.sys.read(reader, 64 << 10) {
            let mut capture = capture.borrow_mut();
            if data.is_empty() || capture.len() + data.len() > MAX_CAPTURE {
                return;
            }
            capture.extend_from_slice(&data);
        }
    }

    // ------------------------------------------------------------ subshells

    /// What changes when a subshell begins.
    pub(crate) fn enter_subshell(&mut self) {
        self.state.subshell += 1;
        self.state.loops = 0;
        self.jobs = Jobs::default();
        if self.state.parent_traps.is_none() && !self.state.traps.is_empty() {
            self.state.parent_traps = Some(self.state.traps.clone());
        }
        let traps = Rc::make_mut(&mut self.state.traps);
        let keep_errors = self.state.options.errtrace;
        let keep_debug = self.state.options.functrace;
        traps.retain(|name, text| match name.as_str() {
            "ERR" => keep_errors,
            "DEBUG" | "RETURN" => keep_debug,
            _ => text.is_empty(),
        });
    }

    /// Runs `body` as a subshell of this process: whatever it changes is undone.
    pub(crate) fn subshell(&mut self, body: impl FnOnce(&mut Self) -> Run) -> i32 {
        let state = Box::new(self.state.clone());
        let fds = self.fds.clone();
        if !self.jobs.list.is_empty() {
            self.reap();
            self.state.parent_jobs = self.jobs.list.clone();
        }
        let jobs = std::mem::take(&mut self.jobs);
        let process_fds = std::mem::take(&mut self.process_fds);
        let in_traps = self.in_traps.clone();
        let command_text = self.command_text.clone();
        self.enter_subshell();
        let result = body(self);
        let status = self.finish(result);
        if self.state.umask != state.umask {
            self.sys.umask(Some(state.umask));
        }
        self.state = *state;
        self.fds = fds;
        self.in_traps = in_traps;
        self.command_text = command_text;
        self.jobs = jobs;
        self.process_fds = process_fds;
        status
    }

    // --------------------------------------------------------------- others

    /// An expression for `text`, from those kept if it is there.
    pub(crate) fn expression(&mut self, text: &str) -> Result<Rc<arith::Expr>, arith::ArithError> {
        if let Some(expr) = self.expressions.get(text) {
            return Ok(expr.clone());
        }
        let expr = Rc::new(arith::parse(text)?);
        if self.expressions.len() >= MAX_EXPRESSIONS {
            self.expressions.clear();
        }
        self.expressions.insert(text.to_owned(), expr.clone());
        Ok(expr)
    }

    /// Time since 1970.
    pub(crate) fn now(&mut self) -> Duration {
        self.sys.now()
    }

    /// The text of a command, for `BASH_COMMAND` and messages.
    pub(crate) fn command_text(&self, command: &Command) -> String {
        crate::syntax::print::command(command)
    }
}

/// What a shell of another build is told by: the version, and the bytes of a state that knows
/// nothing, which change with its shape.
fn fingerprint() -> (String, Vec<u8>) {
    let bytes = postcard::to_allocvec(&State::default()).unwrap_or_default();
    (env!("CARGO_PKG_VERSION").to_owned(), bytes)
}

fn pack(state: &State) -> Vec<u8> {
    postcard::to_allocvec(&(fingerprint(), state)).unwrap_or_default()
}

fn command_line_usage(name: &str) -> String {
    format!(
        "Usage:\t{name} [GNU long option] [option] ...\n\
         \t{name} [GNU long option] [option] script-file ...\n\
         GNU long options:\n\t--help\n\t--init-file\n\t--login\n\t--noediting\n\t--noprofile\n\
         \t--norc\n\t--posix\n\t--rcfile\n\t--verbose\n\t--version\n\
         Shell options:\n\t-ils or -c command or -O shopt_option\t\t(invocation only)\n\
         \t-abefhkmnptuvxBCEHPT or -o option\n"
    )
}

/// Whether a file is no script: a NUL byte stands in the beginning of its first line.
pub(crate) fn is_binary(content: &[u8]) -> bool {
    content.iter().take(80).take_while(|byte| **byte != b'\n').any(|byte| *byte == 0)
}

fn unpack(kept: &[u8]) -> Option<State> {
    let (found, rest) = postcard::take_from_bytes::<(String, Vec<u8>)>(kept).ok()?;
    if found != fingerprint() {
        return None;
    }
    postcard::from_bytes(rest).ok()
}
