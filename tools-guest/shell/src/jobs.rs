//! Background jobs.

use serde::{Deserialize, Serialize};

use crate::system::Exit;

/// One job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) number: u32,
    pub(crate) pids: Vec<u32>,
    pub(crate) text: String,
    /// How each process ended, in the order of `pids`.
    pub(crate) exits: Vec<Option<Exit>>,
}

impl Job {
    pub(crate) fn pid(&self) -> u32 {
        self.pids.last().copied().unwrap_or(0)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.exits.iter().all(Option::is_some)
    }

    pub(crate) fn status(&self) -> i32 {
        self.exits.last().copied().flatten().map_or(0, Exit::status)
    }
}

/// A process that ended, and is no job any more.
#[derive(Debug)]
struct Past {
    pid: u32,
    status: i32,
    /// Nobody has waited for it; `wait -n` can still tell of it.
    unclaimed: bool,
}

/// The jobs of a shell.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub(crate) list: Vec<Job>,
    /// What ended and was forgotten, for a later `wait PID`.
    past: Vec<Past>,
    /// Process substitutions that were not waited for.
    pub(crate) substitutions: Vec<u32>,
    /// The coprocess that was started last, and the name of its variable.
    pub(crate) coprocess: Option<(u32, String)>,
}

/// Ended jobs that are remembered.
const MAX_PAST: usize = 1_024;

impl Jobs {
    pub(crate) fn add(&mut self, pids: Vec<u32>, text: String) -> u32 {
        let number = self.list.iter().map(|job| job.number).max().unwrap_or(0) + 1;
        let exits = vec![None; pids.len()];
        self.list.push(Job { number, pids, text, exits });
        number
    }

    /// Notes a process substitution, for a later `wait`.
    pub(crate) fn add_substitution(&mut self, pid: u32) {
        if self.substitutions.len() >= MAX_PAST {
            self.substitutions.remove(0);
        }
        self.substitutions.push(pid);
    }

    /// Notes how a process ended.
    pub(crate) fn ended(&mut self, pid: u32, exit: Exit) {
        for job in &mut self.list {
            for (at, other) in job.pids.iter().enumerate() {
                if *other == pid {
                    job.exits[at] = Some(exit);
                }
            }
        }
    }

    /// Forgets a job that has ended.
    pub(crate) fn remove(&mut self, number: u32) {
        if let Some(at) = self.list.iter().position(|job| job.number == number) {
            let job = self.list.remove(at);
            self.remember(job.pid(), job.status());
        }
    }

    /// Forgets the jobs that ended while something else was waited for, and gives them.
    pub(crate) fn remove_ended(&mut self) -> Vec<Job> {
        let ended: Vec<Job> = self.list.extract_if(.., |job| job.is_done()).collect();
        for job in &ended {
            self.past.push(Past { pid: job.pid(), status: job.status(), unclaimed: true });
        }
        self.limit_past();
        ended
    }

    /// Forgets all jobs: they were waited for.
    pub(crate) fn forget_all(&mut self) {
        self.list.clear();
        self.past.clear();
    }

    /// Keeps the status of a process for a later `wait PID`.
    pub(crate) fn remember(&mut self, pid: u32, status: i32) {
        self.past.push(Past { pid, status, unclaimed: false });
        self.limit_past();
    }

    fn limit_past(&mut self) {
        let excess = self.past.len().saturating_sub(MAX_PAST);
        self.past.drain(..excess);
    }

    /// The status of a process that ended and was forgotten.
    pub(crate) fn past_status(&mut self, pid: u32) -> Option<i32> {
        let past = self.past.iter_mut().rev().find(|past| past.pid == pid)?;
        past.unclaimed = false;
        Some(past.status)
    }

    /// Whether a process ended and nobody has waited for it.
    pub(crate) fn is_unclaimed(&self, pid: u32) -> bool {
        self.past.iter().any(|past| past.pid == pid && past.unclaimed)
    }

    /// The first process that ended and that nobody has waited for, of all or of those in `pids`,
    /// and its status.
    pub(crate) fn claim(&mut self, pids: Option<&[u32]>) -> Option<(u32, i32)> {
        let wanted = |pid: u32| pids.is_none_or(|pids| pids.contains(&pid));
        if let Some(past) = self.past.iter_mut().find(|past| past.unclaimed && wanted(past.pid)) {
            past.unclaimed = false;
            return Some((past.pid, past.status));
        }
        let job = self.list.iter().find(|job| job.is_done() && wanted(job.pid()))?;
        let (number, found) = (job.number, (job.pid(), job.status()));
        self.remove(number);
        Some(found)
    }

    /// Processes that run, as far as is known.
    pub(crate) fn running(&self) -> Vec<u32> {
        let all = self.list.iter().flat_map(|job| job.pids.iter().zip(&job.exits));
        all.filter(|(_, exit)| exit.is_none()).map(|(pid, _)| *pid).collect()
    }

    /// The job that `%spec` or the number of its last process names.
    pub(crate) fn named(&self, text: &str) -> Option<&Job> {
        match text.parse::<u32>() {
            Ok(pid) => self.list.iter().find(|job| job.pid() == pid),
            Err(_) => self.find(text),
        }
    }

    /// The job that `%…` names.
    pub(crate) fn find(&self, text: &str) -> Option<&Job> {
        let spec = text.strip_prefix('%')?;
        match spec {
            "" | "%" | "+" => self.list.last(),
            "-" => self.list.iter().rev().nth(1).or(self.list.last()),
            number if number.bytes().all(|c| c.is_ascii_digit()) => {
                let number: u32 = number.parse().ok()?;
                self.list.iter().find(|job| job.number == number)
            }
            text => match text.strip_prefix('?') {
                Some(part) => self.list.iter().find(|job| job.text.contains(part)),
                None => self.list.iter().find(|job| job.text.starts_with(text)),
            },
        }
    }
}
