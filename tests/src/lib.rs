//! A world to test in: a cell in a temporary directory, with something outside it worth stealing.

pub mod store;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use toolcell::policy::Access;
use toolcell::runtime::EngineOptions;
use toolcell::{
    Cell, CellOptions, CustomProgram, RegionOption, Runtime, RuntimeOptions, ToolCall, ToolResult,
};

/// What the file outside holds.
pub const SECRET: &str = "TOP SECRET";

/// Compiled components are kept between runs of the tests, beside the build.
static CACHE: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/tests-cache");
    std::fs::create_dir_all(&directory).expect("the target directory is writable");
    directory.canonicalize().expect("it was just made")
});

/// A runtime that shares compiled components with all other tests.
pub fn runtime() -> Runtime {
    runtime_with(Vec::new())
}

/// The same, with programs of its own.
pub fn runtime_with(programs: Vec<CustomProgram>) -> Runtime {
    let mut options = runtime_options();
    options.programs = programs;
    Runtime::new(options).expect("this machine has what the engine needs")
}

/// What such a runtime is made of.
pub fn runtime_options() -> RuntimeOptions {
    let mut options = RuntimeOptions::new(CACHE.clone());
    options.engine = EngineOptions { max_instances: 32 };
    options
}

/// A temporary directory with a cell in it and a secret beside it.
pub struct World {
    directory: tempfile::TempDir,
    /// The runtime that cells of this world are opened with.
    pub runtime: Runtime,
}

impl Default for World {
    fn default() -> World {
        World::new()
    }
}

impl World {
    /// An empty world.
    pub fn new() -> World {
        World::with_runtime(runtime())
    }

    /// An empty world with a runtime that others use as well.
    pub fn with_runtime(runtime: Runtime) -> World {
        let directory = tempfile::tempdir().expect("there is room for a temporary directory");
        let outside = directory.path().join("outside");
        std::fs::create_dir(&outside).expect("a new directory is writable");
        std::fs::write(outside.join("secret.txt"), SECRET).expect("a new directory is writable");
        World { directory, runtime }
    }

    /// A path of the host in this world.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The host directory of a region that is not mapped elsewhere.
    pub fn region(&self, name: &str) -> PathBuf {
        self.path("cell/regions").join(name)
    }

    /// The default options of this world's cell.
    pub fn options(&self) -> CellOptions {
        CellOptions::new(self.path("cell"))
    }

    /// The cell with the default options.
    pub fn cell(&self) -> Cell {
        self.open(self.options())
    }

    /// The cell with these options.
    pub fn open(&self, options: CellOptions) -> Cell {
        self.runtime.open_cell(options).expect("the cell can be opened")
    }

    /// Everything outside, as paths and contents, to be compared later.
    pub fn outside(&self) -> Vec<(PathBuf, u32, Vec<u8>)> {
        snapshot(&self.path("outside"))
    }
}

/// A region with another mode or quota.
pub fn region(
    name: &str,
    access: Access,
    bytes: Option<u64>,
    entries: Option<u64>,
) -> RegionOption {
    let mut option = RegionOption::new(name);
    option.access = access;
    option.quota_bytes = bytes;
    option.quota_entries = entries;
    option
}

/// Runs a tool.
pub async fn call(cell: &Cell, tool: &str, input: Value) -> ToolResult {
    cell.call(ToolCall::new("test", tool, input)).await
}

/// What a tool says beside its text, also when it failed.
pub fn details(result: &ToolResult) -> Value {
    match &result.outcome {
        Ok(value) => value.clone(),
        Err(failure) => failure.details.clone().unwrap_or_default(),
    }
}

/// A program of this machine in a directory, with the environment of a cell and nothing to read.
pub fn native(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).stdin(Stdio::null()).env_clear().envs([
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/home/agent"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("TMPDIR", "/tmp"),
    ]);
    command
}

/// Files, directories and links below a directory, sorted. Links are not followed.
pub fn snapshot(directory: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(path) = left.pop() {
        for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
            let path = entry.path();
            let metadata = std::fs::symlink_metadata(&path).expect("it was just listed");
            let content = if metadata.is_dir() {
                left.push(path.clone());
                Vec::new()
            } else if metadata.is_symlink() {
                let target = std::fs::read_link(&path).unwrap_or_default();
                target.into_os_string().into_encoded_bytes()
            } else if metadata.is_file() {
                std::fs::read(&path).unwrap_or_default()
            } else {
                continue;
            };
            found.push((path, metadata.permissions().mode(), content));
        }
    }
    found.sort();
    found
}

/// Bytes of regular files below a directory, each inode once, and the number of entries.
pub fn usage(directory: &Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    let (mut bytes, mut entries) = (0, 0);
    let mut seen = std::collections::HashSet::new();
    for (path, ..) in snapshot(directory) {
        let metadata = std::fs::symlink_metadata(&path).expect("it was just listed");
        entries += 1;
        if metadata.is_file() && seen.insert(metadata.ino()) {
            bytes += metadata.len();
        }
    }
    (bytes, entries)
}
