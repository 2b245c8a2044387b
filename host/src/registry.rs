//! The tools there are: which component serves which name, and what each says of itself.
//!
//! A component is compiled and asked to describe itself when one of its tools is first wanted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use wasmtime::component::Linker;

use crate::bash::{HostTool, TOOLS};
use crate::error::Error;
use crate::path::GuestPath;
use crate::policy::{Actor, Grant};
use crate::process::Control;
use crate::runtime::{
    CacheState, CodeCache, DEFAULT_MEMORY_BYTES, Engine, LoadError, State, ToolPre, run_tool,
};
use crate::schema::Schema;
use crate::session::{PathLocks, Session};
use crate::upload;
use crate::vfs::{Mediator, Space};

/// Time a component has for describing itself.
const DESCRIBE_LIMIT: Duration = Duration::from_secs(10);

/// The names that the built-in components serve, so that finding one loads no other.
const BUILT_IN: &[(&str, &[&str])] = &[
    ("read", &["Read"]),
    ("pdf", &["ReadPdf"]),
    ("write", &["Write"]),
    ("edit", &["Edit", "MultiEdit", "NotebookEdit"]),
    ("glob", &["Glob"]),
    ("grep", &["Grep"]),
];

/// One tool, ready to be called.
#[derive(Clone)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is for, as the model reads it.
    pub description: String,
    /// What it takes.
    pub schema: Schema,
    /// Whether it changes nothing; it is granted no right to.
    pub read_only: bool,
    /// Whether it is offered to models, or only accepted from them.
    pub advertised: bool,
    /// MCP's hints.
    pub annotations: Value,
    /// BLAKE3 of its component, in hexadecimal.
    pub digest: String,
    pub(crate) served: Served,
}

/// What runs a tool.
#[derive(Clone)]
pub(crate) enum Served {
    /// A component of its own.
    Component(ToolPre),
    /// The host, with processes of the cell.
    Host(HostTool),
    /// The host, by handing files to the embedder.
    Upload,
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tool").field("name", &self.name).field("digest", &self.digest).finish()
    }
}

/// A tool component that a user adds.
#[derive(Debug, Clone)]
pub struct CustomTool {
    /// The name by which its tool is called.
    pub name: String,
    /// The component.
    pub wasm: Vec<u8>,
}

struct Component {
    name: String,
    wasm: Cow<'static, [u8]>,
    serves: Vec<String>,
    tools: OnceCell<Vec<Arc<Tool>>>,
}

fn host_tool(name: &str, tool: HostTool, advertised: bool) -> Tool {
    Tool {
        name: name.to_owned(),
        description: tool.description().to_owned(),
        schema: Schema::new(tool.schema(), tool.aliases().as_object().cloned().unwrap_or_default()),
        read_only: tool == HostTool::TaskOutput,
        advertised,
        annotations: json!({
            "readOnlyHint": tool == HostTool::TaskOutput,
            "destructiveHint": tool != HostTool::TaskOutput,
            "openWorldHint": false,
        }),
        digest: String::new(),
        served: Served::Host(tool),
    }
}

fn upload_tool() -> Tool {
    Tool {
        name: upload::NAME.to_owned(),
        description: upload::DESCRIPTION.to_owned(),
        schema: Schema::new(upload::schema(), serde_json::Map::new()),
        read_only: true,
        advertised: true,
        annotations: json!({ "readOnlyHint": true, "destructiveHint": false, "openWorldHint": true }),
        digest: String::new(),
        served: Served::Upload,
    }
}

/// Called with a component's name when it has to be compiled.
pub type OnCompile = Arc<dyn Fn(&str) + Send + Sync>;

/// All tools of a runtime.
pub(crate) struct Registry {
    components: Vec<Component>,
    by_name: HashMap<String, usize>,
    host: HashMap<&'static str, Arc<Tool>>,
    engine: Engine,
    linker: Arc<Linker<State>>,
    cache: Arc<CodeCache>,
    on_compile: Option<OnCompile>,
}

impl Registry {
    pub(crate) fn new(
        engine: Engine,
        linker: Arc<Linker<State>>,
        cache: Arc<CodeCache>,
        custom: Vec<CustomTool>,
        on_compile: Option<OnCompile>,
    ) -> Registry {
        let built_in = toolcell_artifacts::TOOLS.iter().map(|guest| {
            let names = BUILT_IN.iter().find(|(name, _)| *name == guest.name);
            let serves = names.map(|(_, names)| *names).unwrap_or_default();
            Component {
                name: guest.name.to_owned(),
                wasm: Cow::Borrowed(guest.wasm),
                serves: serves.iter().map(|name| (*name).to_owned()).collect(),
                tools: OnceCell::new(),
            }
        });
        let custom = custom.into_iter().map(|custom| Component {
            serves: vec![custom.name.clone()],
            name: custom.name,
            wasm: Cow::Owned(custom.wasm),
            tools: OnceCell::new(),
        });
        let components: Vec<Component> = built_in.chain(custom).collect();
        // A custom tool takes the place of a built-in one of the same name.
        let by_name = components
            .iter()
            .enumerate()
            .flat_map(|(index, component)| {
                component.serves.iter().map(move |name| (name.clone(), index))
            })
            .collect();
        let host = TOOLS
            .iter()
            .map(|(name, tool, advertised)| (*name, Arc::new(host_tool(name, *tool, *advertised))));
        let host = host.chain([(upload::NAME, Arc::new(upload_tool()))]).collect();
        Registry { components, by_name, host, engine, linker, cache, on_compile }
    }

    /// The names of all tools, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        names.extend(self.host.keys().copied());
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The tool of this name; `None` if there is none.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<Arc<Tool>>, Error> {
        let Some(index) = self.by_name.get(name) else {
            return Ok(self.host.get(name).cloned());
        };
        let component = &self.components[*index];
        let tools = component.tools.get_or_try_init(|| self.load(component)).await?;
        let found = tools.iter().find(|tool| tool.name == name);
        found.cloned().map(Some).ok_or_else(|| Error::Description {
            name: component.name.clone(),
            reason: format!("it has no tool {name}"),
        })
    }

    /// Every tool, in the order of their names.
    pub(crate) async fn all(&self) -> Result<Vec<Arc<Tool>>, Error> {
        let mut tools = Vec::new();
        for name in self.names() {
            tools.extend(self.get(name).await?);
        }
        Ok(tools)
    }

    /// Each component's name, the size of its WebAssembly, and whether it is compiled.
    pub(crate) fn components(&self) -> Vec<(String, usize, CacheState)> {
        let state = |component: &Component| {
            let state = self.cache.state(&self.engine, &component.wasm);
            (component.name.clone(), component.wasm.len(), state)
        };
        self.components.iter().map(state).collect()
    }

    async fn load(&self, component: &Component) -> Result<Vec<Arc<Tool>>, Error> {
        let pre = self.compile(component).await?;
        let described = self.describe(component, &pre).await?;
        let wrong = |reason: &str| Error::Description {
            name: component.name.clone(),
            reason: reason.to_owned(),
        };
        let descriptions =
            described["tools"].as_array().ok_or_else(|| wrong("no list of tools"))?;
        let digest = blake3::hash(&component.wasm).to_hex().to_string();
        let single = descriptions.len() == 1 && component.serves.len() == 1;
        let tools = descriptions.iter().map(|description| {
            let name = match single {
                // A component added under another name answers to that one.
                true => component.serves.first().map(String::as_str),
                false => description["name"].as_str(),
            };
            let schema = description["input_schema"].clone();
            if !schema.is_object() {
                return Err(wrong("a tool without input_schema"));
            }
            let annotations = description["annotations"].clone();
            Ok(Arc::new(Tool {
                name: name.ok_or_else(|| wrong("a tool without name"))?.to_owned(),
                description: description["description"].as_str().unwrap_or_default().to_owned(),
                schema: Schema::new(
                    schema,
                    description["aliases"].as_object().cloned().unwrap_or_default(),
                ),
                read_only: annotations["readOnlyHint"] == true,
                advertised: description["advertised"] != false,
                annotations,
                digest: digest.clone(),
                served: Served::Component(pre.clone()),
            }))
        });
        tools.collect()
    }

    async fn compile(&self, component: &Component) -> Result<ToolPre, Error> {
        let (engine, linker, cache) =
            (self.engine.clone(), self.linker.clone(), self.cache.clone());
        let (wasm, name) = (component.wasm.clone(), component.name.clone());
        let on_compile = self.on_compile.clone();
        let compiled = tokio::task::spawn_blocking(move || {
            let component = cache.load(&engine, &wasm, || {
                if let Some(on_compile) = on_compile {
                    on_compile(&name);
                }
            })?;
            ToolPre::new(&linker, &component).map_err(LoadError::Link)
        });
        let failed = |source| Error::Component { name: component.name.clone(), source };
        let stopped = |error| {
            failed(LoadError::Io { action: "wait for", source: std::io::Error::other(error) })
        };
        compiled.await.map_err(stopped)?.map_err(failed)
    }

    /// Asks a component what it is, in an instance that sees no files.
    async fn describe(&self, component: &Component, pre: &ToolPre) -> Result<Value, Error> {
        let wrong = |reason: String| Error::Description { name: component.name.clone(), reason };
        let space = Arc::new(Space::empty());
        let grant = Grant::new(Actor::new(0, "", "", ""), Vec::new());
        let session = Session::new(GuestPath::root(), HashMap::new(), PathLocks::default());
        let state = State::new(
            Mediator::new(space, grant),
            Arc::new(session),
            Control::new(DESCRIBE_LIMIT),
            DEFAULT_MEMORY_BYTES,
            &[],
            &[],
        );
        match run_tool(&self.engine, pre, state, None).await.0 {
            Ok(Ok(outcome)) => {
                serde_json::from_str(&outcome.structured).map_err(|error| wrong(error.to_string()))
            }
            Ok(Err(failure)) => Err(wrong(failure.message)),
            Err(ended) => Err(wrong(ended.to_string())),
        }
    }
}
