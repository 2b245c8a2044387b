//! The guests' bytes, built by this crate's build script.

/// A compiled guest.
#[derive(Debug, Clone, Copy)]
pub struct Guest {
    /// Its crate's or program's name.
    pub name: &'static str,
    /// The component.
    pub wasm: &'static [u8],
}

/// A compiled program.
#[derive(Debug, Clone, Copy)]
pub struct ProgramGuest {
    /// Its component's name.
    pub name: &'static str,
    /// The names it is run by, which are what it acts by.
    pub names: &'static [&'static str],
    /// The component.
    pub wasm: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/artifacts.rs"));
