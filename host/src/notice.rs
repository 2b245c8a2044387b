//! Files that appear in `downloads/` and `uploads/`, each announced once.
//!
//! The journal says what appeared. A file is announced when it is complete: nobody writes to it
//! any more. What was announced and what the agent was told stands in `notices.jsonl` in the
//! cell's directory, so that a restart neither repeats nor forgets.

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::sync::OnceLock;

use cap_std::fs::{Dir, File};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::error::Error;
use crate::journal::{Facts, Feed, Journal, Outcome, Record};
use crate::jsonl;
use crate::policy::{DEFAULT_REGIONS, OperationKind};

/// New files that a slow listener may be behind by.
pub const MAX_FILE_EVENTS: usize = 1_024;

/// New files that one result names. It says how many more there are.
const MAX_TOLD: usize = 50;

const FILE: &str = "notices.jsonl";

/// A file that has appeared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewFile {
    /// The journal's number of the change that made it appear.
    pub seq: u64,
    /// Its guest path.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// `upload` or `download`, by the region that it is in.
    pub source: String,
    /// When it appeared, in nanoseconds since 1970.
    pub time_ns: u64,
}

impl NewFile {
    /// The last name of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The type that its name suggests.
    pub fn mime_type(&self) -> String {
        crate::mime::of(&self.path).to_owned()
    }
}

/// A line of the notices' file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    File(NewFile),
    /// The agent knows of all files up to this number.
    Told(u64),
    /// Every change up to this number has been looked at.
    Through(u64),
}

#[derive(Debug)]
pub(crate) struct Notices {
    inner: Mutex<Inner>,
    /// Made for whoever listens first: its queue is a hundred kilobytes.
    events: OnceLock<broadcast::Sender<NewFile>>,
}

#[derive(Debug)]
struct Inner {
    directory: Dir,
    log: Option<File>,
    feed: Feed,
    /// Every change up to here has been looked at.
    through: u64,
    /// Announced by a process that did not end in good order.
    announced: HashSet<u64>,
    /// Paths that have appeared and may not be complete.
    pending: BTreeMap<String, (u64, u64, &'static str)>,
    files: Vec<NewFile>,
    told: u64,
}

impl Notices {
    /// The notices of the cell in `directory`.
    pub(crate) fn open(directory: &Dir, journal: &Journal) -> Result<Notices, Error> {
        let mut inner = Inner {
            directory: directory.try_clone().map_err(|error| Error::io("the notices", error))?,
            log: None,
            feed: Feed::default(),
            through: 0,
            announced: HashSet::new(),
            pending: BTreeMap::new(),
            files: Vec::new(),
            told: 0,
        };
        let lines = jsonl::read(directory, FILE);
        for line in lines.map_err(|error| Error::io("the notices", error))? {
            match line {
                Line::File(file) => {
                    inner.announced.insert(file.seq);
                    inner.files.push(file);
                }
                Line::Told(seq) => inner.told = inner.told.max(seq),
                Line::Through(seq) => inner.through = inner.through.max(seq),
            }
        }
        let through = inner.through;
        inner.announced.retain(|seq| *seq > through);
        if through + 1 >= journal.next_seq() {
            inner.feed = Feed::from_here(journal.directory())?;
        }
        Ok(Notices { inner: Mutex::new(inner), events: OnceLock::new() })
    }

    /// Whether there is nothing to look at.
    pub(crate) fn is_current(&self, journal: &Journal) -> bool {
        let inner = self.inner.lock();
        inner.through + 1 >= journal.next_seq() && inner.pending.is_empty()
    }

    /// Looks at what has changed, and announces the files that are complete; `size` gives the
    /// length of a regular file. The journal must have been handed over before.
    pub(crate) fn gather(
        &self,
        journal: &Journal,
        size: impl Fn(&str) -> Option<u64>,
    ) -> Result<(), Error> {
        let inner = &mut *self.inner.lock();
        let next = journal.next_seq();
        for record in inner.feed.poll_through(journal.directory(), journal.position().segment)? {
            if let Some(source) = appeared(&record)
                && !inner.announced.contains(&record.seq)
                && record.seq > inner.through
            {
                let path = record.path.as_str().to_owned();
                inner.pending.insert(path, (record.seq, record.time_ns, source));
            }
        }
        let open = inner.feed.open();
        // What is still being written is looked at again the next time.
        let first_open = open.iter().map(|record| record.seq).min();
        let busy: HashSet<&str> = open.iter().map(|record| record.path.as_str()).collect();
        let complete: Vec<_> =
            inner.pending.extract_if(.., |path, _| !busy.contains(path.as_str())).collect();
        let mut new: Vec<NewFile> = complete
            .into_iter()
            .filter_map(|(path, (seq, time_ns, source))| {
                let size = size(&path)?;
                Some(NewFile { seq, path, size, source: source.to_owned(), time_ns })
            })
            .collect();
        new.sort_unstable_by_key(|file| file.seq);
        if inner.pending.is_empty() && first_open.is_none() {
            inner.through = next - 1;
            inner.announced.clear();
        } else {
            inner.announced.extend(new.iter().map(|file| file.seq));
        }
        for file in new {
            inner.write(&Line::File(file.clone()))?;
            inner.files.push(file.clone());
            if let Some(events) = self.events.get() {
                // Nobody may be listening any more.
                let _ = events.send(file);
            }
        }
        Ok(())
    }

    /// The files that the agent has not been told of, at most [`MAX_TOLD`], and how many more
    /// there are. It counts as told from here on.
    pub(crate) fn take_untold(&self) -> Result<(Vec<NewFile>, usize), Error> {
        let inner = &mut *self.inner.lock();
        let told = inner.told;
        let mut untold: Vec<NewFile> =
            inner.files.iter().rev().take_while(|file| file.seq > told).cloned().collect();
        untold.reverse();
        if let Some(last) = untold.iter().map(|file| file.seq).max() {
            inner.told = last;
            inner.write(&Line::Told(last))?;
        }
        let more = untold.len().saturating_sub(MAX_TOLD);
        untold.truncate(MAX_TOLD);
        Ok((untold, more))
    }

    /// Every file that was announced, in order.
    pub(crate) fn files(&self) -> Vec<NewFile> {
        self.inner.lock().files.clone()
    }

    /// New files, from now on.
    pub(crate) fn events(&self) -> broadcast::Receiver<NewFile> {
        self.events.get_or_init(|| broadcast::Sender::new(MAX_FILE_EVENTS)).subscribe()
    }

    /// Notes that everything has been looked at, so that the next process need not.
    pub(crate) fn close(&self) -> Result<(), Error> {
        let inner = &mut *self.inner.lock();
        let through = inner.through;
        match inner.log.is_some() || through > 0 {
            true => inner.write(&Line::Through(through)),
            false => Ok(()),
        }
    }
}

impl Inner {
    fn write(&mut self, line: &Line) -> Result<(), Error> {
        let failed = |error| Error::io("the notices", error);
        let file = match &mut self.log {
            Some(file) => file,
            None => self.log.insert(jsonl::open(&self.directory, FILE).map_err(failed)?.0),
        };
        file.write_all(&jsonl::line(line)).map_err(failed)
    }
}

/// Every file that was announced in the cell in `directory`, without opening the cell.
pub(crate) fn announced(directory: &Dir) -> std::io::Result<Vec<NewFile>> {
    let file = |line| match line {
        Line::File(file) => Some(file),
        Line::Told(_) | Line::Through(_) => None,
    };
    Ok(jsonl::read(directory, FILE)?.into_iter().filter_map(file).collect())
}

/// Whether a change made a file appear in a region whose new files are announced; as what.
fn appeared(record: &Record) -> Option<&'static str> {
    let region =
        DEFAULT_REGIONS.iter().find(|region| region.announced && region.name == record.region)?;
    let beneath = record.path.as_str().starts_with(region.mount);
    let makes = match record.operation {
        // What was received replaces a file of the same name, and is new all the same.
        OperationKind::Rename => {
            record.before == Facts::Absent
                || record.other.as_deref().is_some_and(|old| old.starts_with(crate::door::INCOMING))
        }
        OperationKind::CreateFile | OperationKind::Link => record.before == Facts::Absent,
        _ => false,
    };
    let source = if region.name == "uploads" { "upload" } else { "download" };
    (beneath && makes && record.outcome == Outcome::Done).then_some(source)
}

/// What the agent is told.
pub(crate) fn sentence(file: &NewFile) -> String {
    let what = if file.source == "upload" { "uploaded" } else { "downloaded" };
    format!("A new file was {what}: {} ({} bytes, {}).", file.path, file.size, file.mime_type())
}
