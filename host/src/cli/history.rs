//! `toolcell history`, `restore` and `prune`: the versions of shared files.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use toolcell::clock::rfc3339 as time;
use toolcell::execution::SharedFiles;
use toolcell::persist::{Difference, Keep, Version, compare, line_diff};

use super::{World, printer};

/// Shows the versions of an agent's shared files, or what changed between two of them.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The agent
    agent: String,
    /// Only this file, or what is below this directory
    path: Option<String>,
    /// Show what changed from version N to version M
    #[arg(long, value_name = "N..M")]
    diff: Option<String>,
    /// Print JSON, a version a line
    #[arg(long)]
    json: bool,
}

/// Makes an earlier version of an agent's shared files the latest again.
#[derive(Debug, clap::Args)]
pub(super) struct RestoreArguments {
    /// The agent
    agent: String,
    /// The version to go back to
    #[arg(long, value_name = "N")]
    version: u64,
}

/// Removes old versions of shared files and environments, and content that no version has any more.
#[derive(Debug, clap::Args)]
pub(super) struct PruneArguments {
    /// Keep so many of the latest versions of each
    #[arg(long, value_name = "N", default_value_t = 20)]
    keep: usize,
    /// Keep what is younger than so many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    older_than: u64,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn prune(world: &World, arguments: &PruneArguments) -> anyhow::Result<ExitCode> {
    let day = Duration::from_secs(24 * 3_600);
    let age = day.saturating_mul(u32::try_from(arguments.older_than).unwrap_or(u32::MAX));
    let keep = Keep { versions: arguments.keep, age, ..Keep::default() };
    let pruned = world.executions()?.prune(keep, arguments.dry_run).await?;
    for (owner, number) in &pruned.versions {
        printer::text(&format!("version {number} of {owner}"))?;
    }
    let done = if arguments.dry_run { "would be removed" } else { "removed" };
    printer::text(&format!(
        "{} versions and {} blobs of {} bytes {done}",
        pruned.versions.len(),
        pruned.blobs,
        pruned.bytes
    ))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn run(world: &World, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let shared = world.executions()?.shared(&arguments.agent)?;
    let path = arguments.path.as_deref().map(|path| path.trim_matches('/'));
    let path = path.map(|path| path.strip_prefix("shared/").unwrap_or(path));
    match &arguments.diff {
        Some(range) => {
            let (from, to) = versions(range)?;
            let from = shared.versions().load(from).await?;
            let to = shared.versions().load(to).await?;
            difference(&shared, &from, &to, path).await?;
        }
        None => list(&shared, path, arguments.json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn restore(
    world: &World,
    arguments: &RestoreArguments,
) -> anyhow::Result<ExitCode> {
    let shared = world.executions()?.shared(&arguments.agent)?;
    let version = shared.restore(arguments.version).await?;
    printer::text(&format!(
        "the shared files of {} are those of version {} again, as version {}",
        arguments.agent, arguments.version, version.number
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn versions(range: &str) -> anyhow::Result<(u64, u64)> {
    let parsed =
        range.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    parsed.with_context(|| format!("--diff takes two versions as N..M, not {range:?}"))
}

async fn list(shared: &SharedFiles, path: Option<&str>, json: bool) -> anyhow::Result<()> {
    let mut before = Version::default();
    let mut lines = Vec::new();
    for number in shared.versions().numbers().await? {
        let version = shared.versions().load(number).await?;
        let changed = changed(&before, &version, path);
        if path.is_none() || !changed.is_empty() {
            lines.push(match json {
                true => serde_json::json!({
                    "version": number,
                    "time": time(version.committed_ns),
                    "by": version.author,
                    "bytes": version.bytes(),
                    "changed": changed.iter().map(|(mark, path)| format!("{mark} {path}"))
                        .collect::<Vec<_>>(),
                    "overwrote": version.overwrote,
                })
                .to_string(),
                false => line(&version, &changed),
            });
        }
        before = version;
    }
    for line in lines.iter().rev() {
        printer::text(line)?;
    }
    if lines.is_empty() && !json {
        bail!("there is no version of {} that has it", shared.versions().owner());
    }
    Ok(())
}

fn line(version: &Version, changed: &[(char, &str)]) -> String {
    let by = version.author.execution.as_deref().unwrap_or(&version.author.door);
    let mut text = format!("version {}  {}  by {by}", version.number, time(version.committed_ns));
    for (mark, path) in changed {
        text.push_str(&format!("\n  {mark} {path}"));
    }
    for (path, other) in &version.overwrote {
        text.push_str(&format!("\n  ! {path} replaced a change that version {other} has"));
    }
    text
}

/// What differs at a path or below it: `A` added, `M` changed, `D` removed.
fn changed<'a>(from: &'a Version, to: &'a Version, path: Option<&str>) -> Vec<(char, &'a str)> {
    let below = |candidate: &str| {
        path.is_none_or(|path| {
            let rest = candidate.strip_prefix(path);
            rest.is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('/'))
        })
    };
    let all = compare(&from.tree, &to.tree).into_iter();
    let marked = all.map(|(difference, path)| match difference {
        Difference::Added => ('A', path),
        Difference::Changed => ('M', path),
        Difference::Removed => ('D', path),
    });
    marked.filter(|(_, path)| below(path)).collect()
}

async fn difference(
    shared: &SharedFiles,
    from: &Version,
    to: &Version,
    path: Option<&str>,
) -> anyhow::Result<()> {
    for (mark, path) in changed(from, to, path) {
        printer::text(&format!("{mark} {path}"))?;
        let states = (from.tree.get(path), to.tree.get(path));
        let diff = line_diff(shared.versions().blobs(), path, states).await?;
        if let Some(diff) = diff.filter(|diff| !diff.unified.is_empty()) {
            printer::text(diff.unified.trim_end())?;
        }
    }
    Ok(())
}
