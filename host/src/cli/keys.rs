//! `toolcell keys`: who may use the server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use toolcell::server::{CONFIG_FILE, Config, add_key, remove_key};

use super::{World, printer};

/// Adds, lists and removes the keys of the server. A running server reads them when it is started
/// again.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration; by default toolcell.toml in the state directory
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Keys,
}

#[derive(Debug, Subcommand)]
enum Keys {
    /// Make a key for an organization, and print it: it is kept nowhere
    Add {
        /// What to call it
        name: String,
        /// The organization that it opens; the first of the configuration by default
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
    },
    /// List the keys' names and organizations
    List,
    /// Remove a key
    Remove {
        /// What it is called
        name: String,
    },
}

pub(super) fn run(world: &World, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let file = arguments.config.clone().unwrap_or_else(|| world.state.join(CONFIG_FILE));
    match &arguments.command {
        Keys::Add { name, organization } => {
            let organization = match organization {
                Some(organization) => organization.clone(),
                None => Config::load(&file)?
                    .organization
                    .first()
                    .map(|organization| organization.id.clone())
                    .unwrap_or_default(),
            };
            printer::text(&add_key(&file, name, &organization)?)?;
        }
        Keys::List => {
            for key in Config::load(&file)?.key {
                printer::text(&format!("{}  {}", key.organization, key.name))?;
            }
        }
        Keys::Remove { name } => remove_key(&file, name)?,
    }
    Ok(ExitCode::SUCCESS)
}
