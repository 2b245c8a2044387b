//! Compiled code: made once for each component, then loaded.
//!
//! A cached file is 32 bytes of BLAKE3 and the compiled code it is the hash of. Its name is the
//! component's hash and a hash of everything that compiled code depends on, so that a new engine,
//! another processor or another setting never meets old code. Files appear by rename only.

use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, OwnedFd};

use cap_std::fs::{Dir, OpenOptions};
use rustix::fs::{MemfdFlags, SealFlags};
use wasmtime::component::Component;

use super::engine::{Engine, VERSION};

const HASH_BYTES: usize = 32;

/// How often a copy is made until one can be sealed. The kernel refuses while something else still
/// holds one of its pages, as it does for moments after a write, and has waited some 70 ms itself.
const SEAL_TRIES: usize = 20;

/// A component could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not a component, or not a valid one.
    #[error("cannot compile the component: {0:#}")]
    Compile(wasmtime::Error),
    /// It is a WASI 0.1 module of which no component can be made.
    #[error("cannot make a component of the WASI 0.1 module: {0:#}")]
    Adapt(wasmtime::Error),
    /// It does not fit what the host offers.
    #[error("cannot link the component: {0:#}")]
    Link(wasmtime::Error),
    /// Its compiled code was not accepted.
    #[error("cannot load the compiled component: {0:#}")]
    Load(wasmtime::Error),
    /// The cache directory or the memory file cannot be used.
    #[error("cannot {action} compiled code")]
    Io {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
}

/// Whether a component's compiled code is at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheState {
    /// It is, and its hash is right.
    Ready,
    /// It has to be compiled first.
    Missing,
}

/// A directory of compiled code.
///
/// Whoever can write to it can run code as this process: it belongs to the user alone and lies
/// outside every region.
#[derive(Debug)]
pub struct CodeCache {
    directory: Dir,
}

impl CodeCache {
    /// Uses this directory, which nobody else may write.
    pub fn new(directory: Dir) -> CodeCache {
        CodeCache { directory }
    }

    /// Whether `wasm` has been compiled for this engine.
    pub fn state(&self, engine: &Engine, wasm: &[u8]) -> CacheState {
        match self.read(&file_name(engine, wasm)) {
            Some(_) => CacheState::Ready,
            None => CacheState::Missing,
        }
    }

    /// The component, compiled now if it never was.
    ///
    /// # Errors
    /// When it cannot be compiled, kept or loaded. A damaged cached file is compiled anew.
    pub fn load(
        &self,
        engine: &Engine,
        wasm: &[u8],
        compiling: impl FnOnce(),
    ) -> Result<Component, LoadError> {
        let name = file_name(engine, wasm);
        let code = match self.read(&name) {
            Some(code) => code,
            None => {
                compiling();
                let code = engine.engine.precompile_component(wasm).map_err(LoadError::Compile)?;
                self.write(&name, &code)?;
                code
            }
        };
        let sealed = sealed_copy(&code)
            .map_err(|source| LoadError::Io { action: "seal a copy of", source })?;
        deserialize(engine, &sealed)
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = self.directory.read(name).ok()?;
        let hash: [u8; HASH_BYTES] = bytes.get(..HASH_BYTES)?.try_into().ok()?;
        bytes.drain(..HASH_BYTES);
        (blake3::hash(&bytes) == hash).then_some(bytes)
    }

    fn write(&self, name: &str, code: &[u8]) -> Result<(), LoadError> {
        let temporary = format!(".{name}-{:x}", crate::ambient::unique());
        let write = || -> std::io::Result<()> {
            let options = OpenOptions::new().write(true).create_new(true).clone();
            let mut file = self.directory.open_with(&temporary, &options)?;
            file.write_all(blake3::hash(code).as_bytes())?;
            file.write_all(code)?;
            self.directory.rename(&temporary, &self.directory, name)
        };
        write().map_err(|source| {
            let _ = self.directory.remove_file(&temporary);
            LoadError::Io { action: "keep", source }
        })
    }
}

fn file_name(engine: &Engine, wasm: &[u8]) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    engine.engine.precompile_compatibility_hash().hash(&mut hasher);
    VERSION.hash(&mut hasher);
    format!("{}-{:016x}.cwasm", blake3::hash(wasm).to_hex(), hasher.finish())
}

/// A copy of `code` in memory that nothing can change any more, this process included.
pub(super) fn sealed_copy(code: &[u8]) -> std::io::Result<OwnedFd> {
    for _ in 1..SEAL_TRIES {
        match try_sealed_copy(code) {
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {}
            result => return result,
        }
    }
    try_sealed_copy(code)
}

fn try_sealed_copy(code: &[u8]) -> std::io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = rustix::fs::memfd_create("toolcell-code", flags)?;
    let mut file = std::fs::File::from(memory);
    file.write_all(code)?;
    let memory = OwnedFd::from(file);
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&memory, seals)?;
    Ok(memory)
}

#[expect(unsafe_code, reason = "the engine's only way to load compiled code")]
fn deserialize(engine: &Engine, sealed: &OwnedFd) -> Result<Component, LoadError> {
    let path = format!("/proc/self/fd/{}", sealed.as_raw_fd());
    // SAFETY: `deserialize_file` requires that
    // - the file holds code that `Engine::precompile_component` made: the bytes come from that
    //   call, or from a file in our private directory whose hash matched; the engine checks
    //   version, target, settings and features of them itself;
    // - the file is not changed while it is mapped: it is a memory file sealed against writing,
    //   shrinking, growing and further sealing, and nothing but this mapping refers to it.
    unsafe { Component::deserialize_file(&engine.engine, path) }.map_err(LoadError::Load)
}
