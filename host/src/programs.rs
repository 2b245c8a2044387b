//! The programs there are: which component serves which names.
//!
//! A component is compiled when one of its programs is first run, and kept.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::component::Linker;

use crate::adapt::as_component;
use crate::error::Error;
use crate::registry::OnCompile;
use crate::runtime::{CacheState, CodeCache, Engine, FindProgram, LoadError, Program, State};

/// The component that may start others.
const SHELL: &str = "bash";

/// A program that a user adds.
#[derive(Debug, Clone)]
pub struct CustomProgram {
    /// The name by which it is run.
    pub name: String,
    /// A component that exports `wasi:cli/run` (WASI 0.2), or a module that exports `_start` and
    /// imports `wasi_snapshot_preview1` (WASI 0.1), which is made into one. Relative paths begin
    /// in the directory that it is started in.
    pub wasm: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Kind {
    Shell,
    BuiltIn,
    Custom,
}

struct Component {
    name: String,
    wasm: Cow<'static, [u8]>,
    kind: Kind,
    /// Made ready by whoever asks for it first, while others wait.
    program: Mutex<Option<Program>>,
}

/// All programs of a runtime.
pub(crate) struct ProgramSet {
    components: Vec<Component>,
    by_name: BTreeMap<String, usize>,
    engine: Engine,
    linker: Arc<Linker<State>>,
    cache: Arc<CodeCache>,
    on_compile: Option<OnCompile>,
}

impl ProgramSet {
    /// All of them. Those that a user adds are compiled at once, so that what is wrong with one is
    /// told to whoever adds it, and not to an agent as a missing file.
    pub(crate) fn new(
        engine: Engine,
        linker: Arc<Linker<State>>,
        cache: Arc<CodeCache>,
        custom: Vec<CustomProgram>,
        on_compile: Option<OnCompile>,
    ) -> Result<ProgramSet, Error> {
        let mut components = Vec::new();
        let mut by_name = BTreeMap::new();
        for built_in in toolcell_artifacts::PROGRAMS {
            for name in built_in.names {
                by_name.insert((*name).to_owned(), components.len());
            }
            components.push(Component {
                name: built_in.name.to_owned(),
                wasm: Cow::Borrowed(built_in.wasm),
                kind: if built_in.name == SHELL { Kind::Shell } else { Kind::BuiltIn },
                program: Mutex::default(),
            });
        }
        let built_in = components.len();
        // A custom program takes the place of a built-in one of the same name.
        for CustomProgram { name, wasm } in custom {
            let wasm = as_component(Cow::Owned(wasm)).map_err(|error| Error::Component {
                name: name.clone(),
                source: LoadError::Adapt(wasmtime::Error::from_anyhow(error)),
            })?;
            by_name.insert(name.clone(), components.len());
            let program = Mutex::default();
            components.push(Component { name, wasm, kind: Kind::Custom, program });
        }
        let set = ProgramSet { components, by_name, engine, linker, cache, on_compile };
        set.components[built_in..].iter().try_for_each(|component| set.prepare(component))?;
        Ok(set)
    }

    fn prepare(&self, component: &Component) -> Result<(), Error> {
        let failed = |source| Error::Component { name: component.name.clone(), source };
        self.compile(component).map(drop).map_err(failed)
    }

    /// The names of all programs, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Each component's name, the size of its WebAssembly, and whether it is compiled.
    pub(crate) fn components(&self) -> Vec<(String, usize, CacheState)> {
        let state = |component: &Component| {
            let state = self.cache.state(&self.engine, &component.wasm);
            (component.name.clone(), component.wasm.len(), state)
        };
        self.components.iter().map(state).collect()
    }

    /// Compiles all of them.
    pub(crate) fn compile_all(&self) -> Result<(), Error> {
        self.components.iter().try_for_each(|component| self.prepare(component))
    }

    fn compile(&self, component: &Component) -> Result<Program, LoadError> {
        let compiled = self.cache.load(&self.engine, &component.wasm, || {
            if let Some(on_compile) = &self.on_compile {
                on_compile(&component.name);
            }
        })?;
        let program = Program::new(&self.linker, &compiled).map_err(LoadError::Link)?;
        Ok(match component.kind {
            Kind::Shell => program.with_processes(),
            Kind::BuiltIn => program,
            Kind::Custom => program.foreign(),
        })
    }
}

impl FindProgram for ProgramSet {
    fn program(&self, name: &str) -> Result<Option<Program>, LoadError> {
        let Some(at) = self.by_name.get(name) else { return Ok(None) };
        let component = &self.components[*at];
        let mut ready = component.program.lock();
        if ready.is_none() {
            *ready = Some(self.compile(component)?);
        }
        Ok(ready.clone())
    }
}
