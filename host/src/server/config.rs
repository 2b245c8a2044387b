//! Who may use the server, and its limits: a TOML file for people, and what was made through the
//! APIs beside it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::ServeError;
use crate::ambient;

/// The configuration's name in the state directory.
pub const CONFIG_FILE: &str = "toolcell.toml";

/// The organization that is made where there is no configuration.
const FIRST_ORGANIZATION: &str = "11111111-1111-4111-8111-111111111111";
const FIRST_AGENT: &str = "22222222-2222-4222-8222-222222222222";
const FIRST_ENVIRONMENT: &str = "env_default";

const MIB: u64 = 1 << 20;

/// The whole configuration. What is not said has its default.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where and how the server listens.
    pub server: ServerConfig,
    /// What clients may use up.
    pub limits: Limits,
    /// Where shared files are kept between executions.
    pub store: Option<StoreConfig>,
    /// Who there is.
    pub organization: Vec<Organization>,
    /// Who may come in.
    pub key: Vec<Key>,
    /// The agents that can be executed.
    pub agent: Vec<AgentConfig>,
    /// The environments of the Files API.
    pub environment: Vec<EnvironmentConfig>,
}

/// Where and how the server listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// The address; 127.0.0.1:8080 by default.
    pub listen: SocketAddr,
    /// How clients reach the server, for signed URLs, such as `https://files.example.com`. The
    /// default is the `Host` that a request was sent to.
    pub public_url: Option<String>,
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig { listen: SocketAddr::from(([127, 0, 0, 1], 8080)), public_url: None }
    }
}

/// What clients may use up. Sizes are bytes, times seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How long a staged file can be used.
    pub staged_lifetime: u64,
    /// How long after its end an execution and its files are kept here; 0 for as long as nobody
    /// removes it.
    pub execution_lifetime: u64,
    /// How long a signed URL can be used.
    pub signed_url_lifetime: u64,
    /// What `shared/` may hold.
    pub shared_bytes: u64,
    /// What `workspace/` may hold.
    pub workspace_bytes: u64,
    /// What `downloads/` may hold.
    pub downloads_bytes: u64,
    /// What `uploads/` may hold.
    pub uploads_bytes: u64,
    /// What an environment may hold.
    pub environment_bytes: u64,
    /// How long an environment is left alone before what was changed in it goes to the store; 0
    /// for never.
    pub environment_sync: u64,
    /// One file of the Files API.
    pub file_bytes: u64,
    /// One bulk upload of the Files API.
    pub bulk_bytes: u64,
    /// Connections at once.
    pub connections: usize,
    /// How long a client may be silent in the middle of a request.
    pub idle_seconds: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            staged_lifetime: 3_600,
            execution_lifetime: 0,
            signed_url_lifetime: 900,
            shared_bytes: 50 * MIB,
            workspace_bytes: 500 * MIB,
            downloads_bytes: 500 * MIB,
            uploads_bytes: 200 * MIB,
            environment_bytes: 10 << 30,
            environment_sync: 2,
            file_bytes: 100 * MIB,
            bulk_bytes: 500 * MIB,
            connections: 1_024,
            idle_seconds: 30,
        }
    }
}

/// Where shared files are kept between executions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// `file:///dir`, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.
    pub url: String,
    /// Settings of the backend, by name.
    #[serde(default)]
    pub settings: HashMap<String, String>,
}

/// Whose keys, agents and environments are apart from those of others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A key, of which only the hash is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What it is called, for people.
    pub name: String,
    /// The organization that it opens.
    pub organization: String,
    /// BLAKE3 of the key, in hexadecimal.
    pub hash: String,
}

/// An agent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub organization: String,
    /// The environment that its executions see at `/workspace`.
    pub environment: Option<String>,
}

/// An environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentConfig {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub organization: String,
}

/// What was made where there was no configuration. The key is not kept anywhere.
#[derive(Debug, Clone)]
pub struct FirstSteps {
    /// The file that was written.
    pub file: PathBuf,
    /// The key.
    pub key: String,
    /// Its organization.
    pub organization: String,
    /// Its agent.
    pub agent: String,
    /// Its environment.
    pub environment: String,
}

impl Config {
    /// The configuration in `file`; where there is none, one is made with one organization, one
    /// key, one agent and one environment.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is none: the error says where.
    pub fn load_or_make(file: &Path) -> Result<(Config, Option<FirstSteps>), ServeError> {
        match ambient::read_ambient(file) {
            Ok(text) => Ok((parse(file, &text)?, None)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let first = make(file)?;
                let text = ambient::read_ambient(file).map_err(|error| read_failed(file, error))?;
                Ok((parse(file, &text)?, Some(first)))
            }
            Err(error) => Err(read_failed(file, error)),
        }
    }

    /// The configuration in `file`.
    ///
    /// # Errors
    /// When there is none.
    pub fn load(file: &Path) -> Result<Config, ServeError> {
        let text = ambient::read_ambient(file).map_err(|error| read_failed(file, error))?;
        parse(file, &text)
    }

    fn check(&self) -> Result<(), String> {
        let organizations: Vec<&str> =
            self.organization.iter().map(|organization| organization.id.as_str()).collect();
        let known = |what: &str, organization: &str| match organizations.contains(&organization) {
            true => Ok(()),
            false => {
                Err(format!("{what} is of the organization {organization:?}, which is not there"))
            }
        };
        for key in &self.key {
            known(&format!("the key {:?}", key.name), &key.organization)?;
            if blake3::Hash::from_hex(&key.hash).is_err() {
                return Err(format!("the key {:?} has a hash that is none", key.name));
            }
        }
        for environment in &self.environment {
            known(&format!("the environment {:?}", environment.id), &environment.organization)?;
        }
        for agent in &self.agent {
            known(&format!("the agent {:?}", agent.id), &agent.organization)?;
            if let Some(environment) = &agent.environment
                && !self.environment.iter().any(|known| known.id == *environment)
            {
                return Err(format!(
                    "the agent {:?} is bound to the environment {environment:?}, which is not there",
                    agent.id
                ));
            }
        }
        Ok(())
    }
}

fn read_failed(file: &Path, source: std::io::Error) -> ServeError {
    ServeError::ConfigFile { file: file.to_owned(), source }
}

fn parse(file: &Path, text: &[u8]) -> Result<Config, ServeError> {
    let wrong = |reason: String| ServeError::Config { file: file.to_owned(), reason };
    let text = std::str::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
    let config: Config = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    config.check().map_err(wrong)?;
    Ok(config)
}

fn make(file: &Path) -> Result<FirstSteps, ServeError> {
    let mut document = DocumentMut::new();
    let table = |pairs: &[(&str, &str)]| {
        let mut table = Table::new();
        for (name, text) in pairs {
            table.insert(name, value(*text));
        }
        table
    };
    let organization = ("organization", FIRST_ORGANIZATION);
    push(&mut document, "organization", table(&[("id", FIRST_ORGANIZATION), ("name", "default")]));
    push(
        &mut document,
        "environment",
        table(&[("id", FIRST_ENVIRONMENT), ("name", "default"), organization]),
    );
    push(&mut document, "agent", table(&[("id", FIRST_AGENT), ("name", "default"), organization]));
    let key = new_key();
    push(&mut document, "key", table(&[("name", "first"), organization, ("hash", &hash_of(&key))]));
    write(file, &document)?;
    Ok(FirstSteps {
        file: file.to_owned(),
        key,
        organization: FIRST_ORGANIZATION.to_owned(),
        agent: FIRST_AGENT.to_owned(),
        environment: FIRST_ENVIRONMENT.to_owned(),
    })
}

/// Adds a key for an organization to the configuration; the key comes back, and is kept nowhere.
///
/// # Errors
/// When the file cannot be changed, there is no such organization, or the name is taken.
pub fn add_key(file: &Path, name: &str, organization: &str) -> Result<String, ServeError> {
    let config = Config::load(file)?;
    let wrong = |reason: String| ServeError::Config { file: file.to_owned(), reason };
    if !config.organization.iter().any(|known| known.id == organization) {
        let known: Vec<&str> = config.organization.iter().map(|known| known.id.as_str()).collect();
        let known = known.join(", ");
        return Err(wrong(format!(
            "there is no organization {organization:?}; there are: {known}"
        )));
    }
    if config.key.iter().any(|known| known.name == name) {
        return Err(wrong(format!("there is a key {name:?} already")));
    }
    let key = new_key();
    let mut document = document(file)?;
    let mut table = Table::new();
    table.insert("name", value(name));
    table.insert("organization", value(organization));
    table.insert("hash", value(hash_of(&key)));
    push(&mut document, "key", table);
    write(file, &document)?;
    Ok(key)
}

/// Removes a key by its name.
///
/// # Errors
/// When the file cannot be changed, or there is none of this name.
pub fn remove_key(file: &Path, name: &str) -> Result<(), ServeError> {
    let mut document = document(file)?;
    let keys = document.get_mut("key").and_then(Item::as_array_of_tables_mut);
    let before = keys.as_ref().map_or(0, |keys| keys.len());
    if let Some(keys) = keys {
        keys.retain(|key| key.get("name").and_then(Item::as_str) != Some(name));
        if keys.len() < before {
            return write(file, &document);
        }
    }
    let reason = format!("there is no key {name:?}");
    Err(ServeError::Config { file: file.to_owned(), reason })
}

fn document(file: &Path) -> Result<DocumentMut, ServeError> {
    let text = ambient::read_ambient(file).map_err(|error| read_failed(file, error))?;
    let text = String::from_utf8_lossy(&text);
    text.parse().map_err(|error: toml_edit::TomlError| ServeError::Config {
        file: file.to_owned(),
        reason: error.to_string(),
    })
}

fn push(document: &mut DocumentMut, name: &str, table: Table) {
    let item = document.entry(name).or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    if let Some(tables) = item.as_array_of_tables_mut() {
        tables.push(table);
    }
}

fn write(file: &Path, document: &DocumentMut) -> Result<(), ServeError> {
    ambient::replace_private_ambient(file, document.to_string().as_bytes())
        .map_err(|error| read_failed(file, error))
}

/// A key with 256 bits of randomness.
fn new_key() -> String {
    let mut bytes = [0; 32];
    ambient::fill_random(&mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("tc_{hex}")
}

/// What is kept of a key. It has enough randomness of its own to need no salt.
pub(super) fn hash_of(key: &str) -> String {
    blake3::hash(key.as_bytes()).to_hex().to_string()
}
