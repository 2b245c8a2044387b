//! The command line: one file for each subcommand, one printer.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 done; 1 the
//! tool's result is an error, or the check found a fault; 2 wrong usage or a failure of the host.

mod bash;
mod call;
mod doctor;
mod exec;
mod history;
mod journal;
mod keys;
mod precompile;
mod printer;
mod serve;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use toolcell::execution::{Executions, ExecutionsOptions, StoreAddress};
use toolcell::journal::Durability;
use toolcell::persist::StoreOptions;
use toolcell::policy::Access;
use toolcell::runtime::EngineOptions;
use toolcell::{
    CellOptions, CustomProgram, CustomTool, RegionOption, Runtime, RuntimeOptions, ambient,
};

/// Runs an agent's tools in WebAssembly cells.
#[derive(Debug, Parser)]
#[command(name = "toolcell", version, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    world: World,
    #[command(subcommand)]
    command: Command,
}

/// Where executions and compiled code are, and what differs from the defaults.
#[derive(Debug, clap::Args)]
struct World {
    /// Directory that holds executions, their journals and compiled code
    #[arg(long, global = true, env = "TOOLCELL_STATE", default_value = ".toolcell")]
    state: PathBuf,
    /// Execution that is meant where a call names none. One that is not there is started
    #[arg(long, global = true, default_value = "default")]
    execution: String,
    /// Agent whose shared files a new execution gets
    #[arg(long, global = true, default_value = "default")]
    agent: String,
    /// Where shared files are kept between executions: file:///DIR, s3://BUCKET/PREFIX,
    /// gs://BUCKET/PREFIX or az://CONTAINER/PREFIX. The default is in the state directory
    #[arg(long, global = true, env = "TOOLCELL_STORE", value_name = "URL")]
    store: Option<String>,
    /// Use a directory of the host as a region: NAME=DIR, or NAME=DIR:ro to let it only be read
    #[arg(long, global = true, value_name = "NAME=DIR[:ro]")]
    region: Vec<String>,
    /// Add a tool, or replace one: NAME=FILE.wasm
    #[arg(long, global = true, value_name = "NAME=FILE")]
    tool: Vec<String>,
    /// Add a program of the shell, or replace one: NAME=FILE.wasm, a WASI 0.2 command
    /// or 0.1 module
    #[arg(long, global = true, value_name = "NAME=FILE")]
    program: Vec<String>,
    /// When changes must be on the disk: before each result, at the end, or whenever
    #[arg(long, global = true, value_enum, default_value = "execution")]
    durability: When,
    /// Set something of the tools: NAME=VALUE, such as write_guard=off
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum When {
    /// Before each call's result
    Call,
    /// When the run ends
    Execution,
    /// Whenever the operating system likes
    None,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run tool calls: one from the arguments, or one a line from standard input
    Call(call::Arguments),
    /// Start the cell's shell: for a person, or for a script
    Bash(bash::Arguments),
    /// Start, end and show executions
    Exec(exec::Arguments),
    /// Show the versions of an agent's shared files
    History(history::Arguments),
    /// Go back to an earlier version of an agent's shared files
    Restore(history::RestoreArguments),
    /// Remove old versions, and content that no version has any more
    Prune(history::PruneArguments),
    /// Serve the file APIs and executions over HTTP
    Serve(serve::Arguments),
    /// Add, list and remove the keys of the server
    Keys(keys::Arguments),
    /// Print the tools' names, descriptions and schemas
    Tools(tools::Arguments),
    /// Print what was changed, by whom and when
    Journal(journal::Arguments),
    /// Compile every tool now, so that no call has to wait for it
    Precompile,
    /// Say what this machine has and lacks, and what that costs
    Doctor,
}

/// The program: arguments to exit code.
pub(crate) fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("toolcell: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .enable_io()
        .build()
        .context("cannot start the threads")?;
    let world = &arguments.world;
    runtime.block_on(async {
        match &arguments.command {
            Command::Call(arguments) => call::run(world, arguments).await,
            Command::Bash(arguments) => bash::run(world, arguments).await,
            Command::Exec(arguments) => exec::run(world, arguments).await,
            Command::History(arguments) => history::run(world, arguments).await,
            Command::Restore(arguments) => history::restore(world, arguments).await,
            Command::Prune(arguments) => history::prune(world, arguments).await,
            Command::Serve(arguments) => serve::run(world, arguments).await,
            Command::Keys(arguments) => keys::run(world, arguments),
            Command::Tools(arguments) => tools::run(world, arguments).await,
            Command::Journal(arguments) => journal::run(world, arguments).await,
            Command::Precompile => precompile::run(world).await,
            Command::Doctor => doctor::run(world),
        }
    })
}

/// Instances of one command. It runs one call at a time, and a smaller pool is set up sooner.
const MAX_INSTANCES: u32 = 128;

/// Executions held open at once. Each holds a few files; the one that was used longest ago is
/// closed first, and opened again when it is named again.
const MAX_OPEN_CELLS: usize = 128;

/// Longest name of an execution.
const MAX_NAME: usize = 64;

impl World {
    /// `instances`: how many may live at once.
    fn runtime(&self, instances: u32) -> anyhow::Result<Runtime> {
        let mut options = RuntimeOptions::new(self.state.join("cache"));
        options.engine = EngineOptions { max_instances: instances };
        for tool in &self.tool {
            let (name, wasm) = named_file(tool, "--tool takes NAME=FILE")?;
            options.tools.push(CustomTool { name, wasm });
        }
        for program in &self.program {
            let (name, wasm) = named_file(program, "--program takes NAME=FILE")?;
            options.programs.push(CustomProgram { name, wasm });
        }
        if printer::is_terminal() {
            options.on_compile = Some(Arc::new(|name| eprintln!("compiling {name} (first use) …")));
        }
        options.on_error = Some(Arc::new(|error| eprintln!("toolcell: {}", chain(error))));
        Ok(Runtime::new(options)?)
    }

    /// The directory of an execution.
    fn directory(&self, execution: &str) -> anyhow::Result<PathBuf> {
        let allowed = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
        let plain = execution.chars().all(allowed) && !execution.starts_with('.');
        if !plain || execution.is_empty() || execution.len() > MAX_NAME {
            bail!(
                "{execution:?} is not an execution's name: use up to {MAX_NAME} letters, digits, \
                 dots, dashes and underscores, not beginning with a dot"
            );
        }
        Ok(self.state.join("executions").join(execution))
    }

    /// All executions of the state directory.
    fn executions(&self) -> anyhow::Result<Executions> {
        Ok(Executions::open(self.runtime(MAX_INSTANCES)?, self.executions_options()?)?)
    }

    fn executions_options(&self) -> anyhow::Result<ExecutionsOptions> {
        let mut options = ExecutionsOptions::new(&self.state);
        options.max_open_cells = MAX_OPEN_CELLS;
        options.cell = self.cell_options()?;
        if let Some(url) = &self.store {
            options.store = StoreAddress::Url(url.clone(), StoreOptions::default());
        }
        Ok(options)
    }

    /// What every execution's cell is made from.
    fn cell_options(&self) -> anyhow::Result<CellOptions> {
        let mut options = CellOptions::new("");
        for region in &self.region {
            let (name, directory) = pair(region, "--region takes NAME=DIR or NAME=DIR:ro")?;
            let (directory, access) = match directory.strip_suffix(":ro") {
                Some(directory) => (directory, Access::ReadOnly),
                None => (directory, Access::ReadWrite),
            };
            options.regions.push(RegionOption::mapped(name, directory, access));
        }
        options.durability = match self.durability {
            When::Call => Durability::Call,
            When::Execution => Durability::Execution,
            When::None => Durability::None,
        };
        for setting in &self.set {
            let (name, value) = pair(setting, "--set takes NAME=VALUE")?;
            options.settings.insert(name.to_owned(), value.to_owned());
        }
        Ok(options)
    }
}

fn pair<'a>(text: &'a str, usage: &str) -> anyhow::Result<(&'a str, &'a str)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => bail!("{usage}, not {text:?}"),
    }
}

/// The name of `NAME=FILE`, and what the file holds.
fn named_file(text: &str, usage: &str) -> anyhow::Result<(String, Vec<u8>)> {
    let (name, file) = pair(text, usage)?;
    let content =
        ambient::read_ambient(file.as_ref()).with_context(|| format!("cannot read {file}"))?;
    Ok((name.to_owned(), content))
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
