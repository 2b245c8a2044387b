//! `toolcell serve`: the HTTP server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use toolcell::server::{CONFIG_FILE, Config, Server};

use super::{World, exec};

/// Instances of guests that may live at once, in all executions together.
const MAX_INSTANCES: u32 = 256;

/// Serves the agents' API, the Files API and our own routes. Started without a configuration, it
/// makes one organization, key, agent and environment, prints them once, and listens on this
/// machine alone.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration; by default toolcell.toml in the state directory
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, instead of what the configuration says; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(world: &World, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let file = arguments.config.clone().unwrap_or_else(|| world.state.join(CONFIG_FILE));
    let (mut config, first) = match &arguments.config {
        Some(file) => (Config::load(file)?, None),
        None => Config::load_or_make(&file)?,
    };
    if let Some(listen) = arguments.listen {
        config.server.listen = listen;
    }
    let runtime = world.runtime(MAX_INSTANCES)?;
    let server = Server::bind(runtime, world.executions_options()?, &config).await?;
    exec::say(&server.recovered);
    if let Some(first) = first {
        eprintln!(
            "made {}:\n  organization  {}\n  agent         {}\n  environment   {}\n  key           \
             {}\nThe key is kept nowhere; `toolcell keys add NAME` makes another.",
            first.file.display(),
            first.organization,
            first.agent,
            first.environment,
            first.key
        );
    }
    let address = server.address().context("cannot tell where it listens")?;
    eprintln!("listening on http://{address}");
    server.run(stopped()).await;
    Ok(ExitCode::SUCCESS)
}

/// Waits for SIGTERM or SIGINT.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    eprintln!("stopping: requests on their way are finished");
}
