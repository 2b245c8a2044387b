//! Running commands: lists, pipelines of one, compound commands, functions.

use std::rc::Rc;

use crate::builtins;
use crate::killed::Killed;
use crate::shell::{Run, Shell, Unwind};
use crate::state::{Frame, Input};
use crate::syntax;
use crate::syntax::ast::{
    Arg, Arm, ArmEnd, Assign, Command, Connector, Function, Item, Kind, List, Pipeline, Timed, Word,
};
use crate::system::{Exit, System};
use crate::trace::loop_head;
use toolcell_text::Pattern;

impl<S: System> Shell<S> {
    /// Runs commands one after the other.
    pub(crate) fn run_list(&mut self, list: &List) -> Run {
        let mut status = 0;
        for item in &list.0 {
            status = match item.background {
                true => self.run_background(item)?,
                false => self.run_item(item)?,
            };
        }
        Ok(status)
    }

    /// An and-or list.
    pub(crate) fn run_item(&mut self, item: &Item) -> Run {
        let mut status = self.run_pipeline(&item.first, !item.rest.is_empty())?;
        for (at, (connector, pipeline)) in item.rest.iter().enumerate() {
            let wanted = match connector {
                Connector::And => status == 0,
                Connector::Or => status != 0,
            };
            if wanted {
                status = self.run_pipeline(pipeline, at + 1 < item.rest.len())?;
            }
        }
        Ok(status)
    }

    /// A pipeline. `tested`: what follows depends on its status, so `errexit` does not act on it.
    fn run_pipeline(&mut self, pipeline: &Pipeline, tested: bool) -> Run {
        let before = self.tested;
        if tested || pipeline.negated {
            self.tested += 1;
        }
        let started = pipeline.timed.map(|timed| (timed, self.now(), self.sys.times()));
        let result = match &pipeline.stages[..] {
            [] => Ok(0),
            [stage] => self.run_command(&stage.command),
            stages => self.run_stages(stages),
        };
        self.tested = before;
        if let Some((timed, wall, times)) = started {
            self.report_times(timed, wall, times);
        }
        let mut status = result?;
        if pipeline.stages.len() == 1 {
            let compound = !matches!(pipeline.stages[0].command.kind, Kind::Simple { .. });
            let inner = compound
                && !matches!(
                    pipeline.stages[0].command.kind,
                    Kind::Subshell(_) | Kind::Cond(_) | Kind::Arith(_)
                );
            if !inner {
                self.state.pipe_status = vec![status];
            }
        }
        if pipeline.negated {
            status = i32::from(status == 0);
        }
        self.state.status = status;
        if status != 0 && !tested && !pipeline.negated && self.tested == 0 {
            let decides = match &pipeline.stages[..] {
                [] => false,
                [stage] => matches!(
                    stage.command.kind,
                    Kind::Simple { .. } | Kind::Subshell(_) | Kind::Cond(_) | Kind::Arith(_)
                ),
                _ => true,
            };
            if decides {
                self.failed(pipeline, status)?;
            }
        }
        Ok(status)
    }

    pub(crate) fn run_command(&mut self, command: &Command) -> Run {
        if self.is_full() {
            self.complain("commands nest too deeply");
            return Err(Unwind::Exit(2));
        }
        if self.state.options.noexec && !self.state.interactive {
            return Ok(self.state.status);
        }
        self.tell_killed();
        self.run_signals()?;
        let fds = self.process_fds.len();
        let input = self.state.input;
        self.state.input = match (input, &command.kind) {
            (Input::Piped, _) => Input::Given,
            (_, Kind::Simple { .. }) => input,
            _ if command.redirects_stdin() => Input::Given,
            (_, Kind::Subshell(_)) => Input::Own,
            _ => input,
        };
        let result = self.run_kind(command);
        self.state.input = input;
        for number in self.process_fds.split_off(fds) {
            self.fds.remove(&number);
        }
        result
    }

    fn run_kind(&mut self, command: &Command) -> Run {
        if let Kind::Simple { assigns, args } = &command.kind {
            self.state.line = command.line;
            let result = self.run_simple(command, assigns, args);
            let Some((pid, signal)) = self.waited.take() else { return result };
            self.notice_ended();
            if let Some(signal) = signal {
                let (first, line) = (Exit::Signal(signal), self.state.line);
                let text = syntax::print::command(command);
                self.killed = Some(Killed { pid, signal, first, text, line });
                if self.state.interactive {
                    self.tell_killed();
                }
            }
            return result;
        }
        if let Kind::Function(function) = &command.kind {
            return Ok(self.define(function));
        }
        self.with_redirects(&command.redirects, |shell| {
            let result = shell.run_compound(command);
            match (&command.kind, &mut shell.killed) {
                // The last command of a subshell takes its place, and is said to be it.
                (Kind::Subshell(_), Some(killed)) => killed.text = syntax::print::command(command),
                (Kind::Subshell(_), None) => {}
                _ => shell.tell_killed(),
            }
            result
        })
    }

    fn run_compound(&mut self, command: &Command) -> Run {
        match &command.kind {
            Kind::Group(list) => self.run_list(list),
            Kind::Subshell(list) => {
                let status = self.subshell(|shell| shell.run_list(list));
                self.notice_ended();
                Ok(status)
            }
            Kind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    if self.test_list(condition)? == 0 {
                        return self.run_list(body);
                    }
                }
                otherwise.as_ref().map_or(Ok(0), |list| self.run_list(list))
            }
            Kind::While { until, condition, body } => self.run_while(*until, condition, body),
            Kind::For { name, words, body } => {
                self.run_for(command.line, name, words.as_deref(), body)
            }
            Kind::ForArith { parts, body } => self.run_for_arith(command.line, parts, body),
            Kind::Select { name, words, body } => {
                self.state.line = command.line;
                self.run_select(name, words.as_deref(), body)
            }
            Kind::Case { word, arms } => self.run_case(command.line, word, arms),
            Kind::Cond(cond) => {
                self.state.line = command.line;
                match self.announce(|shell| shell.command_text(command))? {
                    true => self.run_condition(cond),
                    false => Ok(0),
                }
            }
            Kind::Arith(word) => {
                self.state.line = command.line;
                if !self.announce(|shell| shell.command_text(command))? {
                    return Ok(0);
                }
                self.trace(|| format!("(( {} ))", syntax::print::word(word)));
                match self.expand_arith_in("((: ", word) {
                    Ok(value) => Ok(i32::from(value == 0)),
                    Err(Unwind::Discard(_)) => Ok(1),
                    Err(unwind) => Err(unwind),
                }
            }
            Kind::Coproc { name, body } => self.run_coproc(name, body),
            Kind::Simple { .. } | Kind::Function(_) => Ok(0),
        }
    }

    // Functions call themselves from within these, again and again. Each has a frame of its own, so
    // that what the others need is not on the stack as well.

    #[inline(never)]
    fn run_while(&mut self, until: bool, condition: &List, body: &List) -> Run {
        self.run_loop(|shell, status| {
            if (shell.test_list(condition)? == 0) == until {
                return Ok(false);
            }
            *status = shell.run_list(body)?;
            Ok(true)
        })
    }

    #[inline(never)]
    fn run_for(&mut self, line: u32, name: &str, written: Option<&[Word]>, body: &List) -> Run {
        self.state.line = line;
        let words = match written {
            Some(words) => self.expand_words(words)?,
            None => self.state.positional.to_vec(),
        };
        if !syntax::is_name(name) {
            self.complain(&format!("`{name}': not a valid identifier"));
            return Ok(1);
        }
        let mut words = words.into_iter();
        self.run_loop(|shell, status| {
            let Some(word) = words.next() else { return Ok(false) };
            shell.state.line = line;
            if !shell.announce(|_| loop_head("for", name, written))? {
                return Ok(true);
            }
            shell.trace_head("for", name, written);
            shell.set_loop_variable(name, word)?;
            *status = shell.run_list(body)?;
            Ok(true)
        })
    }

    #[inline(never)]
    fn run_for_arith(&mut self, line: u32, parts: &[Rc<Word>; 3], body: &List) -> Run {
        let [first, condition, step] = parts;
        self.state.line = line;
        self.run_step(first)?;
        let mut begun = false;
        self.run_loop(|shell, status| {
            shell.state.line = line;
            if begun {
                shell.run_step(step)?;
            }
            begun = true;
            if shell.run_step(condition)? == 0 {
                return Ok(false);
            }
            *status = shell.run_list(body)?;
            Ok(true)
        })
    }

    #[inline(never)]
    fn run_case(&mut self, line: u32, word: &Word, arms: &[Arm]) -> Run {
        self.state.line = line;
        if !self.announce(|_| format!("case {} in ", syntax::print::word(word)))? {
            return Ok(0);
        }
        self.trace(|| format!("case {} in", syntax::print::word(word)));
        let text = self.expand_string(word)?;
        let mut status = 0;
        let mut fall = false;
        for arm in arms {
            if !fall && !self.matches_any(&text, &arm.patterns)? {
                continue;
            }
            status = self.run_list(&arm.body)?;
            match arm.end {
                ArmEnd::Break => return Ok(status),
                ArmEnd::Fall => fall = true,
                ArmEnd::Test => fall = false,
            }
        }
        Ok(status)
    }

    /// A part of `for ((`. One that is empty is 1.
    fn run_step(&mut self, word: &Word) -> Result<i64, Unwind> {
        let text = || syntax::print::word(word).trim_start().to_owned();
        if is_blank(word) {
            if !self.announce(|_| "((1))".to_owned())? {
                return Ok(0);
            }
            self.trace(|| "(( 1 ))".to_owned());
            return Ok(1);
        }
        if !self.announce(|_| format!("(({}))", text()))? {
            return Ok(0);
        }
        self.trace(|| format!("(( {} ))", text()));
        self.expand_arith_in("((: ", word)
    }

    /// A list whose status is only looked at.
    fn test_list(&mut self, list: &List) -> Run {
        self.tested += 1;
        let result = self.run_list(list);
        self.tested -= 1;
        result
    }

    /// Repeats `step` until it says no, or a `break` of this loop.
    fn run_loop(
        &mut self,
        mut step: impl FnMut(&mut Self, &mut i32) -> Result<bool, Unwind>,
    ) -> Run {
        let mut status = 0;
        let tested = self.tested;
        self.state.loops += 1;
        let result = loop {
            match step(self, &mut status) {
                Ok(true) => {}
                Ok(false) => break Ok(status),
                Err(Unwind::Break(levels)) => {
                    self.tested = tested;
                    status = self.state.status;
                    break match levels {
                        0 | 1 => Ok(status),
                        levels => Err(Unwind::Break(levels - 1)),
                    };
                }
                Err(Unwind::Continue(levels)) => {
                    self.tested = tested;
                    status = self.state.status;
                    if levels > 1 {
                        break Err(Unwind::Continue(levels - 1));
                    }
                }
                Err(unwind) => break Err(unwind),
            }
        };
        self.state.loops = self.state.loops.saturating_sub(1);
        result
    }

    fn set_loop_variable(&mut self, name: &str, word: String) -> Result<(), Unwind> {
        let nameref = self.state.vars.get(name).is_some_and(|var| var.attributes.nameref);
        if nameref {
            self.state.vars.entry(name).value = crate::vars::Value::Scalar(word);
            return Ok(());
        }
        self.set(name, word).map_err(|_| Unwind::Discard(1))
    }

    #[inline(never)]
    fn run_select(&mut self, name: &str, written: Option<&[Word]>, body: &List) -> Run {
        self.trace_head("select", name, written);
        let words = match written {
            Some(words) => self.expand_words(words)?,
            None => self.state.positional.to_vec(),
        };
        if !syntax::is_name(name) {
            self.complain(&format!("`{name}': not a valid identifier"));
            return Ok(1);
        }
        if words.is_empty() {
            return Ok(0);
        }
        let mut shown = false;
        self.run_loop(|shell, status| {
            if !shown {
                let width = words.len().to_string().len();
                let lines = words.iter().enumerate();
                let menu: String =
                    lines.map(|(at, word)| format!("{:>width$}) {word}\n", at + 1)).collect();
                shell.print_error(&menu);
                shown = true;
            }
            let prompt = shell.get("PS3").unwrap_or_else(|| "#? ".to_owned());
            shell.print_error(&prompt);
            let Some(line) = shell.read_line()? else {
                shell.print_error("\n");
                *status = 1;
                return Ok(false);
            };
            if !shell.announce(|_| loop_head("select", name, written))? {
                return Ok(true);
            }
            let _ = shell.set("REPLY", line.clone());
            if line.trim().is_empty() {
                shown = false;
                return Ok(true);
            }
            let choice = line.trim().parse::<usize>().ok().and_then(|at| at.checked_sub(1));
            let word = choice.and_then(|at| words.get(at)).cloned().unwrap_or_default();
            let _ = shell.set(name, word);
            *status = shell.run_list(body)?;
            Ok(true)
        })
    }

    fn matches_any(&mut self, text: &str, patterns: &[Word]) -> Result<bool, Unwind> {
        for pattern in patterns {
            let pattern = self.expand_pattern(pattern)?;
            let (pattern, text) = (self.in_locale(&pattern), self.in_locale(text));
            let (extglob, nocase) = (self.state.shopt("extglob"), self.state.shopt("nocasematch"));
            if Pattern::new(&pattern, extglob, nocase).matches(&text) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // ------------------------------------------------------ simple commands

    fn run_simple(&mut self, command: &Command, assigns: &[Assign], args: &[Arg]) -> Run {
        self.substituted = None;
        if !self.announce(|shell| shell.command_text(command))? {
            return Ok(0);
        }
        let words = self.expand_args(args)?;
        let Some(name) = words.first().cloned() else {
            let chooses = command
                .redirects
                .iter()
                .any(|redirect| matches!(redirect.fd, crate::syntax::ast::RedirectFd::Variable(_)));
            if chooses {
                // As in bash, a descriptor that no command is given is gone at once.
                return Ok(
                    self.subshell(|shell| shell.with_redirects(&command.redirects, |_| Ok(0)))
                );
            }
            return self.with_redirects(&command.redirects, |shell| {
                for assign in assigns {
                    shell.assign(assign)?;
                }
                Ok(shell.substituted.take().unwrap_or(0))
            });
        };
        if let Some(function) = self.state.functions.get(&name).cloned() {
            self.trace_words(assigns, args, &words)?;
            return self.run_function(command, assigns, &function, words);
        }
        let enabled = !self.state.disabled.contains(&name);
        if let Some(builtin) = builtins::find::<S>(&name).filter(|_| enabled) {
            self.trace_words(assigns, args, &words)?;
            let last = words.last().cloned().unwrap_or_default();
            let result = self.run_builtin(builtin, command, assigns, args, &words);
            self.state.last_argument = last;
            return result;
        }
        self.trace_words(assigns, args, &words)?;
        self.run_program(command, assigns, &words)
    }

    #[inline(never)]
    fn run_function(
        &mut self,
        command: &Command,
        assigns: &[Assign],
        function: &Rc<Function>,
        words: Vec<String>,
    ) -> Run {
        self.with_redirects(&command.redirects, |shell| {
            shell.with_temporary(assigns, |shell| shell.call_function(function, words))
        })
    }

    #[inline(never)]
    fn run_builtin(
        &mut self,
        builtin: builtins::Builtin<S>,
        command: &Command,
        assigns: &[Assign],
        args: &[Arg],
        words: &[String],
    ) -> Run {
        let arrays = array_args(args);
        let run = |shell: &mut Self| {
            builtins::run(shell, builtin, &builtins::Call { words, arrays: &arrays })
        };
        if words == ["exec"] {
            // Its redirections are the shell's from now on.
            return self.apply_redirects(&command.redirects, None).map_or(Ok(1), |()| run(self));
        }
        self.with_redirects(&command.redirects, |shell| match assigns.is_empty() {
            true => run(shell),
            false => shell.with_temporary(assigns, run),
        })
    }

    #[inline(never)]
    fn run_program(&mut self, command: &Command, assigns: &[Assign], words: &[String]) -> Run {
        self.state.last_argument = words.last().cloned().unwrap_or_default();
        // A program has its redirections made in its own process: an error there is its status,
        // and what they assign or start is that one's.
        let mut reached = false;
        let vars = (!command.redirects.is_empty()).then(|| self.state.vars.clone());
        let (background, substitutions) = (self.state.background, self.jobs.substitutions.len());
        let result = self.with_redirects(&command.redirects, |shell| {
            reached = true;
            if let Some(vars) = vars {
                shell.state.vars = vars;
            }
            shell.state.background = background;
            shell.jobs.substitutions.truncate(substitutions);
            shell.with_temporary(assigns, |shell| shell.run_external(words))
        });
        match result {
            Err(Unwind::Discard(code) | Unwind::Exit(code)) if !reached => Ok(code),
            result => result,
        }
    }

    /// The words of a command. Assignments to arrays, which `declare` and its like are given, stand
    /// in their place as their names.
    pub(crate) fn expand_args(&mut self, args: &[Arg]) -> Result<Vec<String>, Unwind> {
        let mut words = Vec::with_capacity(args.len());
        let mut declares = false;
        for (at, arg) in args.iter().enumerate() {
            match arg {
                Arg::Assign(assign) => words.push(assign.name.clone()),
                // The value in `export a=$b` is not split.
                Arg::Word(word) if declares && is_assignment(word) => {
                    words.push(self.expand_value(word)?);
                }
                Arg::Word(word) if self.names_element(&words, word) => {
                    words.push(self.expand_subscripts(word)?);
                }
                Arg::Word(word) => self.expand_word_into(word, &mut words)?,
            }
            if at == 0 || words.len() == 1 && matches!(words[0].as_str(), "command" | "builtin") {
                declares =
                    args.len() > 1 && words.last().is_some_and(|name| builtins::declares(name));
                declares |= matches!(args.get(1), Some(Arg::Word(word)) if at == 0
                    && words.first().is_some_and(|n| matches!(n.as_str(), "command" | "builtin"))
                    && word.as_literal().is_some_and(builtins::declares));
            }
        }
        Ok(words)
    }

    /// Whether a word, by how it is written, names an element of an associative array to a builtin
    /// that takes names.
    fn names_element(&self, words: &[String], word: &Word) -> bool {
        const TAKE_NAMES: [&str; 5] = ["unset", "test", "[", "printf", "read"];
        let [syntax::ast::Part::Literal(text), _, ..] = &word.0[..] else { return false };
        let Some((name, _)) = text.split_once('[') else { return false };
        !self.state.shopt("assoc_expand_once")
            && words.first().is_some_and(|builtin| TAKE_NAMES.contains(&builtin.as_str()))
            && syntax::is_name(name)
            && self.is_assoc(&self.resolve(name).0)
    }

    /// Runs `body` with variables that are set for it alone.
    pub(crate) fn with_temporary(
        &mut self,
        assigns: &[Assign],
        body: impl FnOnce(&mut Self) -> Run,
    ) -> Run {
        if assigns.is_empty() {
            return body(self);
        }
        self.state.vars.push_scope();
        let mut result = Ok(());
        for assign in assigns {
            result = self.assign_temporary(assign);
            if result.is_err() {
                break;
            }
        }
        let result = match result {
            Ok(()) => body(self),
            Err(unwind) => Err(unwind),
        };
        self.state.vars.pop_scope();
        result
    }

    fn assign_temporary(&mut self, assign: &Assign) -> Result<(), Unwind> {
        let syntax::ast::AssignValue::Scalar(word) = &assign.value else {
            return self.assign(assign);
        };
        if assign.index.is_some() {
            return self.assign(assign);
        }
        let mut value = self.expand_value(word)?;
        if self.check_writable(&assign.name).is_err() {
            return Err(Unwind::Discard(1));
        }
        if assign.append {
            value = self.get(&assign.name).unwrap_or_default() + &value;
        }
        let var = self.state.vars.local(&assign.name);
        var.value = crate::vars::Value::Scalar(value);
        var.attributes.export = true;
        Ok(())
    }

    fn define(&mut self, function: &Rc<Function>) -> i32 {
        let name = &function.name;
        if self.state.function_attributes.get(name).is_some_and(|known| known.readonly) {
            self.complain(&format!("{name}: readonly function"));
            return 1;
        }
        Rc::make_mut(&mut self.state.functions).insert(name.clone(), function.clone());
        let source = self.state.frames.last().map(|frame| frame.source.clone());
        match source.filter(|source| *source != self.main_source()) {
            Some(source) => {
                Rc::make_mut(&mut self.state.function_sources).insert(name.clone(), source);
            }
            None if self.state.function_sources.contains_key(name) => {
                Rc::make_mut(&mut self.state.function_sources).remove(name);
            }
            None => {}
        }
        0
    }

    /// What `BASH_SOURCE` calls the shell's own script, in its functions.
    fn main_source(&self) -> String {
        match (self.state.script.is_empty(), self.state.command_string) {
            (false, _) => self.state.script.clone(),
            (true, true) => "environment".to_owned(),
            (true, false) => "main".to_owned(),
        }
    }

    /// Where the function of this name is defined.
    pub(crate) fn function_source(&self, name: &str) -> String {
        let source = self.state.function_sources.get(name).cloned();
        source.unwrap_or_else(|| self.main_source())
    }

    /// Calls a function; `words` begins with its name.
    pub(crate) fn call_function(&mut self, function: &Rc<Function>, words: Vec<String>) -> Run {
        let limit = self.get("FUNCNEST").and_then(|text| text.parse::<usize>().ok());
        // Counted where it is asked for: every call would look at all those around it.
        let calls = |shell: &Self| shell.state.frames.iter().filter(|f| f.is_function).count();
        let limit = limit.filter(|limit| *limit > 0);
        if limit.is_some_and(|limit| calls(self) >= limit) || self.is_nearly_full() {
            let limit = limit.unwrap_or_else(|| calls(self));
            let name = &function.name;
            self.complain(&format!("{name}: maximum function nesting level exceeded ({limit})"));
            return Err(Unwind::Discard(1));
        }
        let source = self.function_source(&function.name);
        let frame =
            Frame { name: function.name.clone(), source, line: self.state.line, is_function: true };
        self.state.frames.push(frame);
        let arguments: Vec<String> = words.into_iter().skip(1).collect();
        let keeps_arguments = self.push_arguments(&arguments);
        let positional = std::mem::replace(&mut self.state.positional, Rc::new(arguments));
        let loops = std::mem::take(&mut self.state.loops);
        let hidden = self.hide_traps(&function.name);
        self.state.vars.push_scope();
        let line = self.state.line;
        let result = match self.run_body(function) {
            Err(Unwind::Return(status)) => Ok(status),
            Err(Unwind::Break(_) | Unwind::Continue(_)) => Ok(self.state.status),
            result => result,
        };
        self.tell_killed();
        let result = match result {
            // `$?` in the trap is of the command before a `return`.
            Ok(status) => self.run_trap("RETURN").map(|_| status),
            result => result,
        };
        self.state.vars.pop_scope();
        self.show_traps(hidden);
        self.pop_arguments(keeps_arguments);
        self.state.loops = loops;
        self.state.positional = positional;
        self.state.frames.pop();
        self.state.line = line;
        result
    }

    /// A function's commands; a trap that it sees runs once before them.
    fn run_body(&mut self, function: &Function) -> Run {
        if self.state.traps.contains_key("DEBUG") {
            self.state.line = function.line;
            let call = self.command_text.clone();
            if !self.announce(|_| call)? {
                return Ok(0);
            }
        }
        self.run_command(&function.body)
    }

    /// Keeps the arguments of a call for `BASH_ARGV`, as a shell that is debugged does. Whether it
    /// did.
    pub(crate) fn push_arguments(&mut self, arguments: &[String]) -> bool {
        if !self.state.shopt("extdebug") {
            return false;
        }
        if self.state.arguments.is_empty() {
            self.state.arguments.push(self.state.positional.to_vec());
        }
        self.state.arguments.push(arguments.to_vec());
        true
    }

    pub(crate) fn pop_arguments(&mut self, kept: bool) {
        if kept {
            self.state.arguments.pop();
        }
    }

    // ----------------------------------------------------------------- times

    fn report_times(
        &mut self,
        timed: Timed,
        wall: std::time::Duration,
        before: crate::system::Times,
    ) {
        let wall = self.now().saturating_sub(wall);
        let after = self.sys.times();
        let user = (after.own + after.children).saturating_sub(before.own + before.children);
        let text = match timed {
            Timed::Posix => format!(
                "real {:.2}\nuser {:.2}\nsys 0.00\n",
                wall.as_secs_f64(),
                user.as_secs_f64()
            ),
            Timed::Bash => match self.get("TIMEFORMAT") {
                Some(format) if format.is_empty() => return,
                Some(format) => time_format(&format, wall, user) + "\n",
                None => time_format("\nreal\t%3lR\nuser\t%3lU\nsys\t%3lS", wall, user) + "\n",
            },
        };
        self.print_error(&text);
    }
}

fn time_format(format: &str, wall: std::time::Duration, user: std::time::Duration) -> String {
    let mut result = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            result.push(c);
            continue;
        }
        let digits = chars.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10)).unwrap_or(3);
        let long = chars.next_if_eq(&'l').is_some();
        let time = match chars.next() {
            Some('%') => {
                result.push('%');
                continue;
            }
            Some('R') => wall,
            Some('U') => user,
            Some('S') => std::time::Duration::ZERO,
            Some('P') => {
                let share = user.as_secs_f64() / wall.as_secs_f64().max(1e-9) * 100.0;
                result.push_str(&format!("{share:.2}"));
                continue;
            }
            other => {
                result.push('%');
                result.extend(other);
                continue;
            }
        };
        let precision = digits.min(3) as usize;
        let seconds = time.as_secs_f64();
        match long {
            true => {
                let minutes = time.as_secs() / 60;
                let rest = seconds - (minutes * 60) as f64;
                result.push_str(&format!("{minutes}m{rest:.precision$}s"));
            }
            false => result.push_str(&format!("{seconds:.precision$}")),
        }
    }
    result
}

fn is_blank(word: &Word) -> bool {
    word.as_literal().is_some_and(|text| text.trim().is_empty())
}

/// Whether a word reads `name=…`.
fn is_assignment(word: &Word) -> bool {
    let Some(syntax::ast::Part::Literal(text)) = word.0.first() else { return false };
    syntax::assigned_value(text).is_some()
}

/// For each argument, the array assignment that it is.
fn array_args(args: &[Arg]) -> Vec<Option<&Assign>> {
    let any = args.iter().any(|arg| matches!(arg, Arg::Assign(_)));
    match any {
        false => Vec::new(),
        true => args
            .iter()
            .map(|arg| match arg {
                Arg::Assign(assign) => Some(assign),
                Arg::Word(_) => None,
            })
            .collect(),
    }
}
