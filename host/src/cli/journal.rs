//! `toolcell journal`: what was changed, for people and as JSON lines.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use globset::{GlobBuilder, GlobMatcher};
use toolcell::ambient;
use toolcell::execution::ExecutionError;
use toolcell::journal::{Feed, Outcome, Reader, Record};
use toolcell::wire;

use super::{World, printer};

/// How often a followed journal is looked at.
const POLL: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print JSON, a record a line
    #[arg(long)]
    json: bool,
    /// Go on printing records as they are completed, until interrupted
    #[arg(long)]
    follow: bool,
    /// Only records of paths that match this pattern, such as '/home/agent/workspace/**'
    #[arg(long, value_name = "GLOB")]
    path: Option<String>,
    /// Only records of the call with this id
    #[arg(long, value_name = "ID")]
    call: Option<String>,
}

pub(super) async fn run(world: &World, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = world.directory(&world.execution)?.join("journal");
    let filter = Filter::new(arguments)?;
    let directory = match ambient::open_dir_ambient(&path) {
        Ok(directory) => directory,
        Err(error) => {
            // Removed, perhaps: then the store has it.
            let archived =
                world.executions()?.archived_journal(&world.execution, Reader::default()).await;
            let none = || format!("the execution {} has no journal", world.execution);
            let reader = match archived {
                Err(ExecutionError::NotFound(_)) => return Err(error).with_context(none),
                reader => reader?,
            };
            print(reader.records(), &filter, arguments.json)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let mut feed = Feed::default();
    loop {
        let mut records = feed.poll(&directory)?;
        if !arguments.follow {
            // A followed record is printed once its outcome is known.
            records.extend(feed.open().iter().cloned());
            records.sort_by_key(|record| record.seq);
        }
        print(&records, &filter, arguments.json)?;
        if !arguments.follow {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(POLL).await;
    }
}

fn print(records: &[Record], filter: &Filter, json: bool) -> anyhow::Result<()> {
    for record in records.iter().filter(|record| filter.admits(record)) {
        match json {
            true => printer::json(&wire::record(record))?,
            false => printer::text(&to_text(record))?,
        }
    }
    Ok(())
}

struct Filter {
    path: Option<GlobMatcher>,
    call: Option<String>,
}

impl Filter {
    fn new(arguments: &Arguments) -> anyhow::Result<Filter> {
        let glob = |text: &String| -> anyhow::Result<GlobMatcher> {
            let glob = GlobBuilder::new(text).literal_separator(true).build()?;
            Ok(glob.compile_matcher())
        };
        let path = arguments.path.as_ref().map(glob).transpose()?;
        Ok(Filter { path, call: arguments.call.clone() })
    }

    fn admits(&self, record: &Record) -> bool {
        let path = |glob: &GlobMatcher| glob.is_match(record.path.as_str());
        self.path.as_ref().is_none_or(path)
            && self.call.as_ref().is_none_or(|call| *call == record.actor.call)
    }
}

fn to_text(record: &Record) -> String {
    let mut text = format!(
        "{:>6}  {}  {:<6} {:<12} {:<16} {}",
        record.seq,
        clock(record.time_ns),
        record.actor.call,
        record.actor.tool,
        record.operation.name(),
        record.path
    );
    match (&record.other, record.operation.name()) {
        (Some(other), "symlink") => text.push_str(&format!(" -> {other}")),
        (Some(other), _) => text.push_str(&format!(" (was {other})")),
        (None, _) => {}
    }
    let sizes = (record.before.size(), record.after.size());
    match sizes {
        (Some(before), Some(after)) if before != after => {
            text.push_str(&format!("  {before} -> {after} bytes"));
        }
        (None, Some(after)) if after > 0 => text.push_str(&format!("  {after} bytes")),
        _ => {}
    }
    match (record.outcome, &record.error) {
        (Outcome::Done, _) => {}
        (outcome, Some(error)) => text.push_str(&format!("  [{}: {error}]", outcome.name())),
        (outcome, None) => text.push_str(&format!("  [{}]", outcome.name())),
    }
    text
}

/// Time of day in UTC, to the millisecond.
fn clock(time_ns: u64) -> String {
    let milliseconds = time_ns / 1_000_000;
    let seconds = milliseconds / 1000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        milliseconds % 1000
    )
}
