//! Tests: `[[ … ]]`, and the primaries that `test` shares with it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::shell::{Run, Shell, Unwind};
use crate::syntax::ast::Cond;
use crate::syntax::is_name;
use crate::system::{FileKind, Stat, System};
use crate::vars::Value;
use toolcell_text::Pattern;

impl<S: System> Shell<S> {
    pub(crate) fn run_condition(&mut self, cond: &Cond) -> Run {
        match self.condition(cond, false) {
            Ok(true) => Ok(0),
            Ok(false) => Ok(1),
            // A bad regular expression is 2, and no more than that.
            Err(Unwind::Return(status)) => Ok(status),
            Err(unwind) => Err(unwind),
        }
    }

    /// `inverted` is whether a trace shows the test with a `!`.
    fn condition(&mut self, cond: &Cond, inverted: bool) -> Result<bool, Unwind> {
        Ok(match cond {
            Cond::Paren(inner) => self.condition(inner, false)?,
            Cond::Not(inner) => !self.condition(inner, !inverted)?,
            Cond::And(left, right) => {
                self.condition(left, false)? && self.condition(right, false)?
            }
            Cond::Or(left, right) => {
                self.condition(left, false)? || self.condition(right, false)?
            }
            Cond::Word(word) => {
                let text = self.expand_string(word)?;
                self.trace_condition(inverted, || format!("-n {}", operand(&text)));
                !text.is_empty()
            }
            Cond::Unary(operator, word) => {
                let text = match operator.as_str() {
                    "-v" if !self.state.shopt("assoc_expand_once") => {
                        self.expand_subscripts(word)?
                    }
                    _ => self.expand_string(word)?,
                };
                self.trace_condition(inverted, || format!("{operator} {}", operand(&text)));
                self.unary_test(operator, &text)?
            }
            Cond::Binary(left, operator, right) => {
                let is_number = operator.starts_with('-')
                    && !matches!(operator.as_str(), "-nt" | "-ot" | "-ef");
                let left = match is_number {
                    true => self.expand_subscripts(left)?,
                    false => self.expand_string(left)?,
                };
                match operator.as_str() {
                    "=~" => {
                        let regex = self.expand_regex(right)?;
                        self.trace_condition(inverted, || {
                            format!("{} =~ {}", operand(&left), operand(&regex))
                        });
                        self.match_regex(&left, &regex)?
                    }
                    "=" | "==" | "!=" => {
                        let pattern = self.expand_field(right)?;
                        self.trace_condition(inverted, || {
                            let shown = pattern.traced_pattern();
                            format!("{} {operator} {}", operand(&left), operand(&shown))
                        });
                        let nocase = self.state.shopt("nocasematch");
                        let pattern = pattern.pattern();
                        let pattern = Pattern::new(&self.in_locale(&pattern), true, nocase);
                        let matches = pattern.matches(&self.in_locale(&left));
                        matches == (operator != "!=")
                    }
                    _ => {
                        let right = match is_number {
                            true => self.expand_subscripts(right)?,
                            false => self.expand_string(right)?,
                        };
                        self.trace_condition(inverted, || {
                            format!("{} {operator} {}", operand(&left), operand(&right))
                        });
                        if is_number {
                            let left = self.conditional_number(&left)?;
                            let right = self.conditional_number(&right)?;
                            compare(operator, left.cmp(&right))
                        } else {
                            self.binary_test(&left, operator, &right).unwrap_or(false)
                        }
                    }
                }
            }
        })
    }

    fn conditional_number(&mut self, text: &str) -> Result<i64, Unwind> {
        match self.arithmetic_in("[[: ", text) {
            Err(Unwind::Discard(_)) => Err(Unwind::Return(1)),
            result => result,
        }
    }

    fn trace_condition(&mut self, inverted: bool, text: impl FnOnce() -> String) {
        self.trace(|| format!("[[ {}{} ]]", if inverted { "! " } else { "" }, text()));
    }

    fn match_regex(&mut self, text: &str, source: &str) -> Result<bool, Unwind> {
        let nocase = self.state.shopt("nocasematch");
        let (text, source) = (self.in_locale(text), self.in_locale(source));
        let expression = self.matching.get(&source, nocase).ok_or(Unwind::Return(2))?;
        let groups = expression.captures(&text);
        let found = groups.is_some();
        let groups = groups.into_iter().flatten().map(|group| self.out_of_locale(group));
        let elements: BTreeMap<i64, String> = (0..).zip(groups).collect();
        self.state.vars.entry("BASH_REMATCH").value = Value::Indexed(Some(elements));
        Ok(found)
    }

    /// A test of one operand.
    pub(crate) fn unary_test(&mut self, operator: &str, operand: &str) -> Result<bool, Unwind> {
        let letter = operator.chars().nth(1).unwrap_or(' ');
        Ok(match letter {
            'n' => !operand.is_empty(),
            'z' => operand.is_empty(),
            'o' => self.state.options.by_name(operand).is_some_and(|on| *on),
            'v' => self.is_set(operand)?,
            'R' => self
                .state
                .vars
                .get(operand)
                .is_some_and(|var| var.attributes.nameref && var.value.scalar().is_some()),
            't' => {
                let number = operand.trim().parse::<u32>().ok();
                match number.and_then(|number| self.fds.get(&number).cloned()) {
                    Some(crate::shell::Fd::System(fd)) => self.sys.is_terminal(&fd),
                    _ => false,
                }
            }
            'h' | 'L' => {
                let stat = self.stat(operand, false);
                stat.is_some_and(|stat| stat.kind == FileKind::Symlink)
            }
            letter => {
                let Some(stat) = self.stat(operand, true) else { return Ok(false) };
                match letter {
                    'a' | 'e' => true,
                    'f' => stat.kind == FileKind::File,
                    'd' => stat.kind == FileKind::Directory,
                    's' => stat.size > 0,
                    'r' => stat.readable,
                    'w' => stat.writable,
                    'x' => stat.executable,
                    'c' => stat.kind == FileKind::Character,
                    'p' => stat.kind == FileKind::Pipe,
                    'O' | 'G' => true,
                    'N' => stat.modified > stat.accessed,
                    _ => false,
                }
            }
        })
    }

    fn stat(&mut self, path: &str, follow: bool) -> Option<Stat> {
        if path.is_empty() {
            return None;
        }
        let number = match path {
            "/dev/stdin" => Some(0),
            "/dev/stdout" => Some(1),
            "/dev/stderr" => Some(2),
            path => path.strip_prefix("/dev/fd/").and_then(|n| n.parse::<u32>().ok()),
        };
        if let Some(number) = number {
            return match self.fds.get(&number).cloned()? {
                crate::shell::Fd::System(fd) => self.sys.stat_fd(&fd).ok(),
                crate::shell::Fd::Capture(_) => None,
            };
        }
        let path = self.absolute(path);
        self.sys.stat(&path, follow).ok()
    }

    /// Whether a variable, or an element of one, has a value.
    fn is_set(&mut self, name: &str) -> Result<bool, Unwind> {
        if let Some((base, rest)) = name.split_once('[')
            && let Some(index) = rest.strip_suffix(']')
        {
            if matches!(index, "@" | "*") {
                return Ok(self.value(base).is_some_and(|value| !value.values().is_empty()));
            }
            let (base, _) = self.resolve(base);
            let Some(index) = self.named_key(&base, index)? else { return Ok(false) };
            return Ok(self.element(&base, &index)?.is_some());
        }
        if let Ok(at) = name.parse::<usize>() {
            return Ok(at == 0 || at <= self.state.positional.len());
        }
        Ok(is_name(name) && self.get(name).is_some())
    }

    /// A test of two operands that are not numbers.
    pub(crate) fn binary_test(&mut self, left: &str, operator: &str, right: &str) -> Option<bool> {
        Some(match operator {
            "=" | "==" => left == right,
            "!=" => left != right,
            "<" => left < right,
            ">" => left > right,
            "-nt" | "-ot" | "-ef" => {
                let (a, b) = (self.stat(left, true), self.stat(right, true));
                match (operator, a, b) {
                    ("-ef", Some(a), Some(b)) => (a.device, a.inode) == (b.device, b.inode),
                    ("-nt", Some(a), Some(b)) => a.modified > b.modified,
                    ("-ot", Some(a), Some(b)) => a.modified < b.modified,
                    ("-nt", Some(_), None) | ("-ot", None, Some(_)) => true,
                    _ => false,
                }
            }
            _ => return None,
        })
    }
}

/// An operand as a trace shows it.
fn operand(text: &str) -> &str {
    if text.is_empty() { "''" } else { text }
}

/// What a comparison of numbers says.
pub(crate) fn compare(operator: &str, ordering: Ordering) -> bool {
    match operator {
        "-eq" => ordering.is_eq(),
        "-ne" => ordering.is_ne(),
        "-lt" => ordering.is_lt(),
        "-le" => ordering.is_le(),
        "-gt" => ordering.is_gt(),
        "-ge" => ordering.is_ge(),
        _ => false,
    }
}
