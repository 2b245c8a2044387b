//! Redirections.

use std::collections::BTreeMap;

use crate::shell::{Fd, Run, Shell, Unwind};
use crate::syntax::ast::{Redirect, RedirectFd, RedirectKind};
use crate::system::{Errno, FileKind, OpenHow, System};
use crate::text;

/// The first descriptor that `{name}>` may choose.
const FIRST_FREE: u32 = 10;

/// Descriptors that a shell may have open.
const MAX_FDS: u32 = 1_024;

type Saved<F> = BTreeMap<u32, Option<Fd<F>>>;

impl<S: System> Shell<S> {
    /// Runs `body` with these redirections, and undoes them.
    pub(crate) fn with_redirects(
        &mut self,
        redirects: &[Redirect],
        body: impl FnOnce(&mut Self) -> Run,
    ) -> Run {
        if redirects.is_empty() {
            return body(self);
        }
        let mut saved = Saved::new();
        let result = match self.apply_redirects(redirects, Some(&mut saved)) {
            Ok(()) => body(self),
            Err(Unwind::Return(status)) => Ok(status),
            Err(unwind) => Err(unwind),
        };
        for (number, fd) in saved {
            match fd {
                Some(fd) => self.fds.insert(number, fd),
                None => self.fds.remove(&number),
            };
        }
        result
    }

    /// Carries redirections out. A failure has been told, and comes back as `Unwind::Return`.
    pub(crate) fn apply_redirects(
        &mut self,
        redirects: &[Redirect],
        mut saved: Option<&mut Saved<S::Fd>>,
    ) -> Result<(), Unwind> {
        redirects.iter().try_for_each(|redirect| self.apply_one(redirect, saved.as_deref_mut()))
    }

    fn apply_one(
        &mut self,
        redirect: &Redirect,
        mut saved: Option<&mut Saved<S::Fd>>,
    ) -> Result<(), Unwind> {
        use RedirectKind as K;
        let by_default = match redirect.kind {
            K::Read | K::ReadWrite | K::DupIn | K::HereDoc { .. } | K::HereString => 0,
            _ => 1,
        };
        let mut keep = |shell: &Self, number: u32| {
            if let Some(saved) = saved.as_deref_mut() {
                saved.entry(number).or_insert_with(|| shell.fds.get(&number).cloned());
            }
        };
        let variable = match &redirect.fd {
            RedirectFd::Variable(name) => Some(name.clone()),
            _ => None,
        };
        let number = match redirect.fd {
            RedirectFd::Number(number) => number,
            _ => by_default,
        };
        let target = match redirect.kind {
            K::HereDoc { .. } => String::new(),
            _ => self.redirect_target(redirect)?,
        };
        // `{name}>&-` closes the descriptor that the variable holds.
        if let Some(name) = &variable
            && target == "-"
            && matches!(redirect.kind, K::DupIn | K::DupOut)
        {
            let value = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
                Some((base, index)) => self.element(base, index)?,
                None => self.get(name),
            };
            let number = value.and_then(|text| text.parse::<u32>().ok());
            match number {
                Some(number) => self.fds.remove(&number),
                None => return self.refuse(name, Errno::BadFd),
            };
            return Ok(());
        }
        let fd = match redirect.kind {
            K::HereDoc { .. } => {
                let body = redirect.here.as_ref().and_then(|here| here.body.get().cloned());
                let body = self.expand_string(&body.unwrap_or_default())?;
                self.buffered(&body)?
            }
            K::HereString => self.buffered(&(target + "\n"))?,
            K::DupIn | K::DupOut if target == "-" => {
                keep(self, number);
                self.fds.remove(&number);
                return Ok(());
            }
            K::DupIn | K::DupOut => {
                let (digits, moves) = match target.strip_suffix('-') {
                    Some(digits) => (digits, true),
                    None => (target.as_str(), false),
                };
                match digits.parse::<u32>() {
                    Ok(from) => {
                        let Some(fd) = self.fds.get(&from).cloned() else {
                            let written = crate::syntax::print::word(&redirect.target);
                            return self.refuse(&written, Errno::BadFd);
                        };
                        if moves && from != number {
                            keep(self, from);
                            self.fds.remove(&from);
                        }
                        fd
                    }
                    // `>&word` without a number is `&>word`.
                    Err(_) if redirect.kind == K::DupOut && redirect.fd == RedirectFd::Default => {
                        let fd = self.open_target(&target, K::BothWrite)?;
                        for number in [1, 2] {
                            keep(self, number);
                            self.fds.insert(number, fd.clone());
                        }
                        return Ok(());
                    }
                    Err(_) => {
                        self.complain(&format!("{target}: ambiguous redirect"));
                        return Err(Unwind::Return(1));
                    }
                }
            }
            K::BothWrite | K::BothAppend => {
                let fd = self.open_target(&target, redirect.kind)?;
                for number in [1, 2] {
                    keep(self, number);
                    self.fds.insert(number, fd.clone());
                }
                return Ok(());
            }
            kind => self.open_target(&target, kind)?,
        };
        if let Some(name) = variable {
            let free = (FIRST_FREE..MAX_FDS).find(|number| !self.fds.contains_key(number));
            let Some(number) = free else { return self.refuse(&name, Errno::TooManyFiles) };
            if self.state.shopt("varredir_close") {
                keep(self, number);
            }
            self.fds.insert(number, fd);
            let value = number.to_string();
            let set = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
                Some((base, index)) => self.set_element(base, index, value, false),
                None => self.set(&name, value),
            };
            return set.map_err(|_| Unwind::Return(1));
        }
        if number >= MAX_FDS {
            return self.refuse(&number.to_string(), Errno::BadFd);
        }
        keep(self, number);
        self.fds.insert(number, fd);
        Ok(())
    }

    fn refuse<T>(&mut self, what: &str, error: Errno) -> Result<T, Unwind> {
        self.complain(&format!("{what}: {}", error.message()));
        Err(Unwind::Return(1))
    }

    /// The one word that a redirection leads to.
    fn redirect_target(&mut self, redirect: &Redirect) -> Result<String, Unwind> {
        if redirect.kind == RedirectKind::HereString {
            return self.expand_value(&redirect.target);
        }
        let words = self.expand_words(std::slice::from_ref(&redirect.target))?;
        match <[String; 1]>::try_from(words) {
            Ok([word]) => Ok(word),
            Err(_) => {
                let text = crate::syntax::print::word(&redirect.target);
                self.complain(&format!("{text}: ambiguous redirect"));
                Err(Unwind::Return(1))
            }
        }
    }

    fn buffered(&mut self, content: &str) -> Result<Fd<S::Fd>, Unwind> {
        match self.sys.buffer(text::encode(content).into_owned()) {
            Ok(fd) => Ok(Fd::System(fd)),
            Err(error) => self.refuse("cannot create temp file for here-document", error),
        }
    }

    fn open_target(&mut self, target: &str, kind: RedirectKind) -> Result<Fd<S::Fd>, Unwind> {
        use RedirectKind as K;
        // The shell's own descriptors are found by name without asking the system.
        let own = match target {
            "/dev/stdin" => Some(0),
            "/dev/stdout" => Some(1),
            "/dev/stderr" => Some(2),
            name => name.strip_prefix("/dev/fd/").and_then(|number| number.parse().ok()),
        };
        if let Some(number) = own {
            return match self.fds.get(&number).cloned() {
                Some(fd) => Ok(fd),
                None => self.refuse(target, Errno::NotFound),
            };
        }
        if target.is_empty() {
            return self.refuse("", Errno::NotFound);
        }
        if target.starts_with("/dev/tcp/") || target.starts_with("/dev/udp/") {
            self.complain(&format!("{target}: this cell has no network"));
            return Err(Unwind::Return(1));
        }
        let path = self.absolute(target);
        let write = OpenHow { write: true, create: true, ..OpenHow::default() };
        let how = match kind {
            K::Read => OpenHow { read: true, ..OpenHow::default() },
            K::ReadWrite => OpenHow { read: true, ..write },
            K::Append | K::BothAppend => OpenHow { append: true, ..write },
            K::Write | K::BothWrite if self.state.options.noclobber => {
                match self.sys.stat(&path, true) {
                    Ok(stat) if stat.kind == FileKind::File => {
                        self.complain(&format!("{target}: cannot overwrite existing file"));
                        return Err(Unwind::Return(1));
                    }
                    Ok(_) => OpenHow { truncate: true, ..write },
                    Err(_) => OpenHow { exclusive: true, ..write },
                }
            }
            _ => OpenHow { truncate: true, ..write },
        };
        match self.sys.open(&path, how) {
            Ok(fd) => Ok(Fd::System(fd)),
            Err(error) => self.refuse(target, error),
        }
    }
}
