//! A WASI 0.1 module made into a component, by wasmtime's adapter.
//!
//! The adapter ends a program by `wasi:cli/exit.exit`, which knows success and failure and no
//! number. So the module's `proc_exit` is first led past it, to `exit-with-code`: both take one
//! `i32` and do not come back.

use std::borrow::Cow;

use wasi_preview1_component_adapter_provider as adapter;
use wasm_encoder::reencode::{Reencode as _, RoundtripReencoder};
use wasm_encoder::{ImportSection, Module, RawSection};
use wasmparser::{Imports, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What begins a core module: the magic number, version 1, layer 0.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// Where `proc_exit` is led to. The adapter's own import is of an older version, so that the two
/// do not become one.
const EXIT: &str = "wasi:cli/exit@0.2.12";
const EXIT_WORLD: &str = "
    package wasi:cli@0.2.12;
    interface exit { exit-with-code: func(status-code: u8); }
    world exits { import exit; }
";

/// A component as it is; of a WASI 0.1 module, the component that can be made of it.
///
/// # Errors
/// Of a module that is damaged, or that is no command of WASI 0.1.
pub(crate) fn as_component(wasm: Cow<'_, [u8]>) -> anyhow::Result<Cow<'_, [u8]>> {
    if !wasm.starts_with(MODULE) {
        return Ok(wasm);
    }
    let module = with_exit_codes(&wasm)?;
    let component = ComponentEncoder::default()
        .module(module.as_deref().unwrap_or(&wasm))?
        .adapter(
            adapter::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            adapter::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        )?
        .validate(true)
        .encode()?;
    Ok(Cow::Owned(component))
}

/// The module with its `proc_exit` led to `exit-with-code`; none if it never exits.
fn with_exit_codes(wasm: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let mut module = Module::new();
    let mut exits = false;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                let mut imports = ImportSection::new();
                for group in section {
                    let group = match group? {
                        Imports::Single(at, mut import) if is_exit(&import) => {
                            exits = true;
                            (import.module, import.name) = (EXIT, "exit-with-code");
                            Imports::Single(at, import)
                        }
                        other => other,
                    };
                    RoundtripReencoder.parse_imports(&mut imports, group)?;
                }
                module.section(&imports);
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
                    module.section(&RawSection { id, data: &wasm[range] });
                }
            }
        }
    }
    if !exits {
        return Ok(None);
    }
    let mut module = module.finish();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("exit.wit", EXIT_WORLD)?;
    let world = resolve.select_world(&[package], None)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(Some(module))
}

fn is_exit(import: &wasmparser::Import<'_>) -> bool {
    import.module == adapter::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME && import.name == "proc_exit"
}
