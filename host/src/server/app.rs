//! What every request has at hand: the executions, who may do what, and the limits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use parking_lot::{Mutex, RwLock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::config::{Config, Limits, hash_of};
use super::error::{ApiError, Style};
use super::metrics::Metrics;
use super::signed::{Signer, Target};
use super::{ServeError, content::Etags};
use crate::ambient;
use crate::environment::Environment;
use crate::execution::{ABOUT, Execution, Executions, SharedFiles};
use crate::kept;

/// The headers that a key may come in, beside `Authorization`. Any that is right will do.
const KEY_HEADERS: [&str; 2] = ["x-asteroid-agents-api-key", "x-api-key"];

/// The server's state.
#[derive(Debug)]
pub(super) struct App {
    pub(super) executions: Executions,
    pub(super) limits: Limits,
    pub(super) metrics: Metrics,
    pub(super) etags: Etags,
    pub(super) signer: Signer,
    /// Whether the server is about to end: what would go on for ever ends then.
    pub(super) stopping: watch::Sender<bool>,
    public_url: Option<String>,
    keys: HashMap<String, Principal>,
    pub(super) organizations: HashMap<String, String>,
    known: RwLock<Known>,
    directory: Mutex<cap_std::fs::Dir>,
}

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Principal {
    pub(super) key: String,
    pub(super) organization: String,
}

/// Agents and environments, from the configuration and from the APIs.
#[derive(Debug, Default)]
struct Known {
    agents: HashMap<String, Agent>,
    environments: HashMap<String, EnvironmentInfo>,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) organization: String,
    pub(super) environment: Option<String>,
    pub(super) created_ns: u64,
}

/// What is known of an environment beside its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EnvironmentInfo {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) organization: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) is_default: bool,
    pub(super) created_ns: u64,
    pub(super) updated_ns: u64,
}

impl App {
    pub(super) fn new(
        executions: Executions,
        config: &Config,
        directory: cap_std::fs::Dir,
    ) -> Result<App, ServeError> {
        let mut known = Known::default();
        for agent in load::<Agent>(&directory, "agents", None)? {
            known.agents.insert(agent.id.clone(), agent);
        }
        for info in load::<EnvironmentInfo>(&directory, "environments", Some(ABOUT))? {
            known.environments.insert(info.id.clone(), info);
        }
        let now = ambient::now_ns();
        for agent in &config.agent {
            known.agents.insert(
                agent.id.clone(),
                Agent {
                    id: agent.id.clone(),
                    name: agent.name.clone(),
                    organization: agent.organization.clone(),
                    environment: agent.environment.clone(),
                    created_ns: now,
                },
            );
        }
        for environment in &config.environment {
            known.environments.entry(environment.id.clone()).or_insert(EnvironmentInfo {
                id: environment.id.clone(),
                name: environment.name.clone(),
                organization: environment.organization.clone(),
                description: None,
                is_default: false,
                created_ns: now,
                updated_ns: now,
            });
        }
        let keys = config.key.iter().map(|key| {
            let (name, organization) = (key.name.clone(), key.organization.clone());
            (key.hash.to_ascii_lowercase(), Principal { key: name, organization })
        });
        let organizations = config.organization.iter();
        let lifetime = Duration::from_secs(config.limits.signed_url_lifetime);
        Ok(App {
            executions,
            limits: config.limits.clone(),
            metrics: Metrics::default(),
            etags: Etags::default(),
            stopping: watch::Sender::new(false),
            signer: Signer::new(secret(&directory)?, lifetime),
            public_url: config.server.public_url.clone(),
            keys: keys.collect(),
            organizations: organizations
                .map(|organization| (organization.id.clone(), organization.name.clone()))
                .collect(),
            known: RwLock::new(known),
            directory: Mutex::new(directory),
        })
    }

    /// Takes in environments that have come into the state directory since the start.
    pub(super) fn find_environments(&self) -> Result<(), ServeError> {
        let found: Vec<EnvironmentInfo> =
            load(&self.directory.lock(), "environments", Some(ABOUT))?;
        let mut known = self.known.write();
        for info in found {
            known.environments.entry(info.id.clone()).or_insert(info);
        }
        Ok(())
    }

    /// Who a request's key belongs to.
    pub(super) fn principal(
        &self,
        headers: &HeaderMap,
        style: Style,
    ) -> Result<Principal, ApiError> {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, key)| key);
        let named = KEY_HEADERS.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
        // Keys are found by their hash, so that how long it takes says nothing of the keys.
        let known =
            bearer.into_iter().chain(named).find_map(|key| self.keys.get(&hash_of(key.trim())));
        known.cloned().ok_or_else(|| {
            let status = axum::http::StatusCode::UNAUTHORIZED;
            ApiError::new(style, status, "UNAUTHORIZED", "Invalid or missing API key")
        })
    }

    /// An agent of the principal's organization.
    pub(super) fn agent(&self, who: &Principal, id: &str, style: Style) -> Result<Agent, ApiError> {
        let known = self.known.read();
        let agent = known.agents.get(id).filter(|agent| agent.organization == who.organization);
        agent.cloned().ok_or_else(|| ApiError::missing(style, "Agent not found."))
    }

    /// The agent of an execution, whosever it is; it may be gone.
    pub(super) fn agent_name(&self, id: &str) -> String {
        let known = self.known.read();
        known.agents.get(id).map_or_else(|| id.to_owned(), |agent| agent.name.clone())
    }

    pub(super) fn agents(&self, organization: &str) -> Vec<Agent> {
        let known = self.known.read();
        let mut agents: Vec<Agent> = known
            .agents
            .values()
            .filter(|agent| agent.organization == organization)
            .cloned()
            .collect();
        agents.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        agents
    }

    pub(super) fn add_agent(&self, agent: Agent) -> Result<(), ServeError> {
        let path = format!("agents/{}.json", agent.id);
        self.keep(&path, &agent)?;
        self.known.write().agents.insert(agent.id.clone(), agent);
        Ok(())
    }

    /// The shared files of an agent.
    pub(super) fn shared(&self, agent: &Agent, style: Style) -> Result<SharedFiles, ApiError> {
        let shared = self.executions.shared(&agent.id);
        shared.map_err(|error| ApiError::execution(style, &error))
    }

    /// An execution of the principal's organization.
    pub(super) fn execution(
        &self,
        who: &Principal,
        id: &str,
        style: Style,
    ) -> Result<Arc<Execution>, ApiError> {
        let found = self.executions.get(id).map_err(|error| ApiError::execution(style, &error))?;
        match found.record().organization.as_deref() == Some(who.organization.as_str()) {
            true => Ok(found),
            // Not that it is another's: ids cannot be probed.
            false => Err(ApiError::missing(style, "Execution not found.")),
        }
    }

    /// The execution that a request is about, for whoever sends it.
    pub(super) fn asked_execution(
        &self,
        headers: &HeaderMap,
        id: &str,
        style: Style,
    ) -> Result<Arc<Execution>, ApiError> {
        let who = self.principal(headers, style)?;
        self.execution(&who, id, style)
    }

    /// What is known of an environment of the principal's organization.
    pub(super) fn environment_info(
        &self,
        who: &Principal,
        id: &str,
    ) -> Result<EnvironmentInfo, ApiError> {
        let known = self.known.read();
        let info = known.environments.get(id);
        let info = info.filter(|info| info.organization == who.organization);
        info.cloned().ok_or_else(|| ApiError::missing(Style::Files, "Environment not found."))
    }

    /// An environment of the principal's organization.
    pub(super) async fn environment(
        &self,
        who: &Principal,
        id: &str,
    ) -> Result<Arc<Environment>, ApiError> {
        self.environment_info(who, id)?;
        let found = self.executions.environment(id).await;
        found.map_err(|error| ApiError::execution(Style::Files, &error))
    }

    pub(super) fn environments(&self, organization: &str) -> Vec<EnvironmentInfo> {
        let known = self.known.read();
        let mut all: Vec<EnvironmentInfo> = known
            .environments
            .values()
            .filter(|info| info.organization == organization)
            .cloned()
            .collect();
        all.sort_by(|one, other| (one.created_ns, &one.id).cmp(&(other.created_ns, &other.id)));
        all
    }

    pub(super) async fn put_environment(&self, info: EnvironmentInfo) -> Result<(), ServeError> {
        let folder = format!("environments/{}", info.id);
        if let Err(error) = self.executions.touch_environment(&info.id).await {
            // A new one that the store could not be asked about was never made.
            if !self.known.read().environments.contains_key(&info.id) {
                let _ = self.directory.lock().remove_dir_all(&folder);
            }
            return Err(error.into());
        }
        self.keep(&format!("{folder}/{ABOUT}"), &info)?;
        self.known.write().environments.insert(info.id.clone(), info);
        Ok(())
    }

    /// Forgets an environment and removes its files.
    pub(super) async fn remove_environment(&self, id: &str) -> Result<(), ServeError> {
        let info = self.known.write().environments.remove(id);
        let removed = self.executions.remove_environment(id).await;
        if let (Err(_), Some(info)) = (&removed, info) {
            self.known.write().environments.insert(id.to_owned(), info);
        }
        Ok(removed?)
    }

    fn keep(&self, path: &str, value: &impl Serialize) -> Result<(), ServeError> {
        let directory = self.directory.lock();
        let text = serde_json::to_vec_pretty(value).unwrap_or_default();
        kept::replace(&directory, path, &text)
            .map_err(|source| ServeError::State { what: path.to_owned(), source })
    }

    /// Where this request's client reaches the server.
    pub(super) fn base(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        format!("http://{}", host.unwrap_or("127.0.0.1"))
    }

    /// A URL that opens `target` for a short time.
    pub(super) fn signed(&self, base: &str, target: Target<'_>) -> String {
        format!("{base}{}", self.signer.sign(target))
    }
}

/// What the files of a folder of the state directory say: each file, or the one of this name in each
/// directory.
fn load<T: DeserializeOwned>(
    directory: &cap_std::fs::Dir,
    folder: &str,
    name: Option<&str>,
) -> Result<Vec<T>, ServeError> {
    let failed = |source| ServeError::State { what: folder.to_owned(), source };
    directory.create_dir_all(folder).map_err(failed)?;
    let mut found = Vec::new();
    for entry in directory.read_dir(folder).map_err(failed)? {
        let file = entry.map_err(failed)?.file_name();
        let Some(file) = file.to_str() else { continue };
        let path = match name {
            Some(name) => format!("{folder}/{file}/{name}"),
            None => format!("{folder}/{file}"),
        };
        let Ok(text) = directory.read(&path) else { continue };
        let damaged = |error: serde_json::Error| ServeError::Damaged {
            file: path.clone(),
            reason: error.to_string(),
        };
        found.push(serde_json::from_slice(&text).map_err(damaged)?);
    }
    Ok(found)
}

/// The secret that signs URLs: made once for a state directory.
fn secret(directory: &cap_std::fs::Dir) -> Result<[u8; 32], ServeError> {
    use cap_std::fs::OpenOptionsExt as _;
    use std::io::Write as _;
    const FILE: &str = "secret";
    let failed = |source| ServeError::State { what: FILE.to_owned(), source };
    match kept::read(directory, FILE).map_err(failed)? {
        Some(bytes) => bytes.try_into().map_err(|_| ServeError::Damaged {
            file: FILE.to_owned(),
            reason: "it does not hold 32 bytes; remove it, and signed URLs that are about end"
                .into(),
        }),
        None => {
            let mut secret = [0; 32];
            ambient::fill_random(&mut secret);
            let mut options = cap_std::fs::OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            let mut file = directory.open_with("secret.new", &options).map_err(failed)?;
            file.write_all(&secret).map_err(failed)?;
            directory.rename("secret.new", directory, FILE).map_err(failed)?;
            Ok(secret)
        }
    }
}
