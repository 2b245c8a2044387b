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
    pub(crate) told: bool,
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

/// The jobs of a shell.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub(crate) list: Vec<Job>,
    /// What ended and was forgotten, for a later `wait PID`.
    pub(crate) past: Vec<(u32, i32)>,
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
        self.list.push(Job { number, pids, text, exits, told: false });
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

    /// Keeps the status of a process for a later `wait PID`.
    pub(crate) fn remember(&mut self, pid: u32, status: i32) {
        self.past.push((pid, status));
        if self.past.len() > MAX_PAST {
            self.past.remove(0);
        }
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
