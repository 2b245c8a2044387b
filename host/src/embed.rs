//! The runtime that an embedder holds: engine, tools and compiled code, shared by all its cells.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::component::Linker;

use crate::ambient;
use crate::cell::{Cell, CellOptions};
use crate::error::Error;
use crate::programs::{CustomProgram, ProgramSet};
use crate::registry::{CustomTool, OnCompile, Registry, Tool};
use crate::runtime::{
    CacheState, CodeCache, Engine, EngineOptions, Kernel, LoadError, Program, State, linker,
};
use crate::session::Session;
use crate::vfs::Tree;

/// What a runtime is made from.
#[derive(Clone)]
pub struct RuntimeOptions {
    /// Where compiled code is kept. Made if it is not there, for this user alone; it must lie
    /// outside every region.
    pub cache_directory: PathBuf,
    /// The engine's options.
    pub engine: EngineOptions,
    /// Tools beside the built-in ones.
    pub tools: Vec<CustomTool>,
    /// Programs beside the built-in ones.
    pub programs: Vec<CustomProgram>,
    /// Told when a component has to be compiled, which takes a second or more.
    pub on_compile: Option<OnCompile>,
    /// Told of failures of the host's own. The agent reads only that there was one.
    pub on_error: Option<OnError>,
}

/// Told of an error that a result cannot carry.
pub type OnError = Arc<dyn Fn(&dyn std::error::Error) + Send + Sync>;

impl RuntimeOptions {
    /// The defaults, with compiled code in this directory.
    pub fn new(cache_directory: impl Into<PathBuf>) -> RuntimeOptions {
        RuntimeOptions {
            cache_directory: cache_directory.into(),
            engine: EngineOptions::default(),
            tools: Vec::new(),
            programs: Vec::new(),
            on_compile: None,
            on_error: None,
        }
    }
}

/// The engine and the tools. Make one for each process and clone it: clones share everything.
#[derive(Clone)]
pub struct Runtime(Arc<Inner>);

struct Inner {
    engine: Engine,
    linker: Arc<Linker<State>>,
    cache: Arc<CodeCache>,
    cache_directory: PathBuf,
    registry: Registry,
    programs: Arc<ProgramSet>,
    tree: Arc<Tree>,
    on_error: Option<OnError>,
    slots: Arc<Semaphore>,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("engine", &self.0.engine).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Sets up the engine. Nothing is compiled until it is wanted. Raises this process's limit of
    /// open files to the most that the system allows it: each open guest descriptor is one.
    ///
    /// # Errors
    /// When the machine lacks what the engine needs, or the cache directory cannot be used.
    pub fn new(options: RuntimeOptions) -> Result<Runtime, Error> {
        ambient::raise_open_files_limit();
        let engine = Engine::new(options.engine)?;
        let linker = linker(&engine).map_err(|error| Error::Component {
            name: "every".to_owned(),
            source: LoadError::Link(error),
        })?;
        let path = options.cache_directory;
        let cache = ambient::create_private_dir_ambient(&path)
            .map_err(|error| Error::io(format!("the cache {}", path.display()), error))?;
        let (linker, cache) = (Arc::new(linker), Arc::new(CodeCache::new(cache)));
        let slots = Arc::new(Semaphore::new(engine.max_instances() as usize));
        let registry = Registry::new(
            engine.clone(),
            linker.clone(),
            cache.clone(),
            options.tools,
            options.on_compile.clone(),
        );
        let programs = ProgramSet::new(
            engine.clone(),
            linker.clone(),
            cache.clone(),
            options.programs,
            options.on_compile,
        )?;
        let tree = Arc::new(Tree::new(programs.names()));
        let programs = Arc::new(programs);
        let on_error = options.on_error;
        let cache_directory = path;
        let inner = Inner {
            engine,
            linker,
            cache,
            cache_directory,
            registry,
            programs,
            tree,
            on_error,
            slots,
        };
        Ok(Runtime(Arc::new(inner)))
    }

    /// Opens a cell, making its directory if need be.
    ///
    /// # Errors
    /// When its directory is in use or cannot be opened, when regions overlap, or when its
    /// journal cannot be read.
    pub fn open_cell(&self, options: CellOptions) -> Result<Cell, Error> {
        Cell::open(self.clone(), options)
    }

    /// Every tool, in the order of their names. Loads them all.
    ///
    /// # Errors
    /// When a component cannot be loaded.
    pub async fn tools(&self) -> Result<Vec<Arc<Tool>>, Error> {
        self.0.registry.all().await
    }

    /// Each tool component's name, its size in bytes, and whether it is compiled.
    pub fn components(&self) -> Vec<(String, usize, CacheState)> {
        let mut all = self.0.registry.components();
        all.extend(self.0.programs.components());
        all
    }

    /// Compiles every program, which the first command would otherwise wait for.
    ///
    /// # Errors
    /// When one is no component that can be run.
    pub fn compile_programs(&self) -> Result<(), Error> {
        self.0.programs.compile_all()
    }

    /// Compiles a program: a component that exports `wasi:cli/run`.
    ///
    /// # Errors
    /// When it is no such component, or imports what is not offered.
    pub fn program(&self, name: &str, wasm: &[u8]) -> Result<Program, Error> {
        let failed = |source| Error::Component { name: name.to_owned(), source };
        let component = self.0.cache.load(&self.0.engine, wasm, || {}).map_err(failed)?;
        Program::new(&self.0.linker, &component).map_err(|error| failed(LoadError::Link(error)))
    }

    /// Tells the embedder of an error that must not be shown to the agent.
    pub(crate) fn report(&self, error: &dyn std::error::Error) {
        if let Some(on_error) = &self.0.on_error {
            on_error(error);
        }
    }

    /// What the host provides below `/`.
    pub(crate) fn tree(&self) -> &Arc<Tree> {
        &self.0.tree
    }

    /// A kernel for a cell's processes.
    pub(crate) fn kernel(&self, session: Arc<Session>, memory_limit: usize) -> Kernel {
        Kernel::new(
            self.0.engine.clone(),
            self.0.programs.clone(),
            session,
            memory_limit,
            self.0.slots.clone(),
        )
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn cache_directory(&self) -> &Path {
        &self.0.cache_directory
    }

    /// The instances that are free.
    pub(crate) fn slots(&self) -> &Arc<Semaphore> {
        &self.0.slots
    }

    /// Waits for an instance to be free. Calls wait; nothing that waits holds an instance.
    pub(crate) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.0.slots.acquire().await.ok()
    }
}
