//! Everything a guest can import, one interface a line. There are no sockets, and WASI 0.3 is not
//! linked: it would be a second way to files, past the mediator.

use std::time::Duration;

use wasmtime::component::{HasData, HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, io, random};
use wasmtime_wasi::random::WasiRandom;

use super::engine::Engine;
use super::state::State;
use crate::path::GuestPath;
use crate::session::{FileState, PathLock};
use crate::vfs::{Fault, FsView, HasFs, preopens, types};

pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolcell:tool/tool-host",
        imports: {
            "toolcell:tool/session.lock": async | trappable,
            "toolcell:tool/helpers.take": async | trappable,
            "toolcell:tool/helpers.finish": async | trappable,
            "toolcell:tool/process.[method]fd.read": async | trappable,
            "toolcell:tool/process.[method]fd.read-until": async | trappable,
            "toolcell:tool/process.[method]fd.write": async | trappable,
            "toolcell:tool/process.[method]fd.readable": async | trappable,
            "toolcell:tool/process.[method]fd.lock": async | trappable,
            "toolcell:tool/process.wait": async | trappable,
            "toolcell:tool/process.wait-any": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: {
            "toolcell:tool/session.path-lock": crate::session::PathLock,
            "toolcell:tool/process.fd": crate::process::Fd,
        },
        require_store_data_send: true,
    });
}
use bindings::toolcell::tool::{files, helpers, process, session};

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// A linker with all of it.
///
/// # Errors
/// Only if two interfaces define one name, which no input can cause.
pub fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::<State>::new(&engine.engine);
    let l = &mut linker;
    io::error::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    io::poll::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    io::streams::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, |state| state.clocks())?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, |state| state.clocks())?;
    random::random::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    cli::exit::add_to_linker::<State, WasiCli>(l, |state| state.cli())?;
    cli::environment::add_to_linker::<State, WasiCli>(l, |state| state.cli())?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, |state| state.cli())?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, |state| state.cli())?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, |state| state.cli())?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, |state| state.cli())?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, |state| state.cli())?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, |state| state.cli())?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, |state| state.cli())?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, |state| state.cli())?;
    types::add_to_linker::<State, HasFs>(l, fs_view)?;
    preopens::add_to_linker::<State, HasFs>(l, fs_view)?;
    session::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    helpers::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    process::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    files::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    Ok(linker)
}

fn fs_view(state: &mut State) -> FsView<'_> {
    FsView { context: &mut state.fs, table: &mut state.table }
}

impl session::HostPathLock for State {
    fn drop(&mut self, lock: Resource<PathLock>) -> wasmtime::Result<()> {
        self.table.delete(lock)?;
        Ok(())
    }
}

impl session::Host for State {
    fn cwd(&mut self) -> wasmtime::Result<String> {
        Ok(self.session.cwd().as_str().to_owned())
    }

    fn canonical(&mut self, path: String) -> wasmtime::Result<Result<String, session::PathError>> {
        use rustix::io::Errno;
        use session::PathError;
        let Ok(path) = GuestPath::parse(&self.session.cwd(), &path) else {
            return Ok(Err(PathError::Io));
        };
        let canonical = self.fs.mediator().canonical(&path);
        Ok(canonical.map(|path| path.as_str().to_owned()).map_err(|fault| match fault {
            Fault::Os(Errno::NOENT) => PathError::NotFound,
            Fault::Os(Errno::NOTDIR) => PathError::NotDirectory,
            Fault::Os(Errno::LOOP) => PathError::Loop,
            Fault::Os(Errno::PERM) | Fault::Denied(_) => PathError::Outside,
            Fault::Os(_) => PathError::Io,
        }))
    }

    fn recall(&mut self, path: String) -> wasmtime::Result<Option<session::FileState>> {
        let state = self.session.recall(&path);
        Ok(state.map(|FileState { hash, complete }| session::FileState { hash, complete }))
    }

    fn remember(&mut self, path: String, state: session::FileState) -> wasmtime::Result<()> {
        let session::FileState { hash, complete } = state;
        self.session.remember(path, FileState { hash, complete });
        Ok(())
    }

    async fn lock(&mut self, path: String) -> wasmtime::Result<Resource<PathLock>> {
        let lock = self.session.lock(path).await;
        Ok(self.table.push(lock)?)
    }

    fn setting(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.session.setting(&name))
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u64> {
        // Time for the answer itself stays back.
        let left = self.control.remaining().saturating_sub(Duration::from_millis(50));
        Ok(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
    }
}
