//! What is made good at start, after a process that was killed.

use super::ExecutionError;
use super::environments;
use super::home::Executions;
use super::record::{Ending, ExecutionRecord, Status, names};
use super::start::discard;
use crate::cell::lock;

/// What recovery found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Executions that were being started: nobody was told of them, and they are gone.
    pub discarded: Vec<String>,
    /// Executions that were being ended: they have ended now, and `shared/` is synced.
    pub finished: Vec<String>,
    /// Executions that go on.
    pub live: Vec<String>,
    /// Executions that are in use by another process.
    pub elsewhere: Vec<String>,
    /// Executions that could not be ended now, and why. They are tried again the next time.
    pub waiting: Vec<(String, String)>,
    /// Staged files that had expired.
    pub expired: usize,
}

impl Recovered {
    /// Whether there is anything to say.
    pub fn is_silent(&self) -> bool {
        self.discarded.is_empty()
            && self.finished.is_empty()
            && self.waiting.is_empty()
            && self.expired == 0
    }
}

impl Executions {
    /// Makes good what a process that was killed left half done. Executions that run are left as
    /// they are: they can go on.
    ///
    /// # Errors
    /// When the state directory cannot be read, or is damaged.
    pub async fn recover(&self) -> Result<Recovered, ExecutionError> {
        let home = self.home().clone();
        // A damaged one is found now, and not when somebody wants the environment.
        environments::versions_in_use(&home)?;
        let mut recovered = Recovered { expired: home.staged.sweep(true)?, ..Recovered::default() };
        let mut ids = names(&home.live, "live")?;
        ids.sort_unstable();
        for id in ids {
            let path = home.options.directory.join("executions").join(&id);
            let Ok(directory) = home.executions.open_dir(&id) else {
                discard(&home, &id);
                recovered.discarded.push(id);
                continue;
            };
            // Held only for the look: opening the cell takes it again.
            if lock(&directory, &path).is_err() {
                recovered.elsewhere.push(id);
                continue;
            }
            let record = ExecutionRecord::load(&directory, &id)?;
            match record {
                None | Some(ExecutionRecord { status: Status::Starting, .. }) => {
                    discard(&home, &id);
                    recovered.discarded.push(id);
                }
                Some(record) if record.status.is_terminal() => {
                    home.mark_ended(&id);
                    recovered.finished.push(id);
                }
                Some(ExecutionRecord { ending: Some(ending), .. }) => {
                    match self.end(&id, ending).await {
                        Ok(()) => recovered.finished.push(id),
                        Err(error) => recovered.waiting.push((id, error.to_string())),
                    }
                }
                Some(_) => recovered.live.push(id),
            }
        }
        Ok(recovered)
    }

    async fn end(&self, id: &str, ending: Ending) -> Result<(), ExecutionError> {
        self.get(id)?.finish(ending).await?;
        Ok(())
    }
}
