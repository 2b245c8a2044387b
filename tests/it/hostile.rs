//! Every hostile guest under every shape of policy. None may reach out, none may leave the cell's
//! books wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tests::{SECRET, World, region, snapshot, usage};
use toolcell::CellOptions;
use toolcell::policy::{Access, OperationKind};
use toolcell::runtime::{Ended, Exit, ProgramRun};
use toolcell_artifacts::HOSTILE;

/// The shapes: what the regions let the guest do.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Everything writable, with the usual quotas.
    Open,
    /// `shared` read-only.
    SharedReadOnly,
    /// Nothing writable.
    ReadOnly,
    /// Hardly any room.
    Tight,
}

const SHAPES: [Shape; 4] = [Shape::Open, Shape::SharedReadOnly, Shape::ReadOnly, Shape::Tight];

/// Bytes that `workspace` may hold in the open shapes: enough for every guest that is honest about
/// it, and less than `unlinked_growth` wants.
const ROOMY: u64 = 32 << 20;

fn options(world: &World, shape: Shape) -> CellOptions {
    let mut options = world.options();
    let access = |read_only| if read_only { Access::ReadOnly } else { Access::ReadWrite };
    let (shared, rest, bytes, entries) = match shape {
        Shape::Open => (false, false, ROOMY, 30_000),
        Shape::SharedReadOnly => (true, false, ROOMY, 30_000),
        Shape::ReadOnly => (true, true, ROOMY, 30_000),
        Shape::Tight => (false, false, 4096, 12),
    };
    for name in ["shared", "workspace", "downloads", "uploads"] {
        let read_only = if name == "shared" { shared } else { rest };
        options.regions.push(region(name, access(read_only), Some(bytes), Some(entries)));
    }
    options.call_limit = Duration::from_secs(120);
    options
}

/// Puts the bait into the regions.
fn prepare(world: &World) {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    let (workspace, shared) = (world.region("workspace"), world.region("shared"));
    for directory in [&workspace, &shared, &shared.join("kept-dir")] {
        std::fs::create_dir_all(directory).unwrap();
    }
    std::fs::write(shared.join("kept.txt"), "kept").unwrap();
    std::fs::write(workspace.join("own.txt"), "own").unwrap();
    let secret = world.path("outside/secret.txt");
    symlink(&secret, workspace.join("secret-link")).unwrap();
    symlink(world.path("outside"), workspace.join("outside-dir")).unwrap();
    symlink("../../../outside", workspace.join("up-link")).unwrap();
    let pipe = workspace.join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o666),
        0,
    )
    .unwrap();
    drop(UnixListener::bind(workspace.join("socket")).unwrap());
}

/// The world before, one program, the world after.
async fn check(name: &str, copies: usize, shape: Shape) -> Vec<ProgramRun> {
    let guest = HOSTILE.iter().find(|guest| guest.name == name).expect("the guest is built");
    let world = World::new();
    prepare(&world);
    let outside = world.outside();
    let shared = snapshot(&world.region("shared"));
    let cell = std::sync::Arc::new(world.open(options(&world, shape)));
    let program = world.runtime.program(name, guest.wasm).unwrap();
    let runs: Vec<_> = (0..copies)
        .map(|_| {
            let (cell, program, argv) = (cell.clone(), program.clone(), vec![name.to_owned()]);
            tokio::spawn(async move { cell.run(&program, &argv).await.unwrap() })
        })
        .collect();
    let mut done = Vec::new();
    for run in runs {
        done.push(run.await.expect("the host does not panic"));
    }
    let at = format!("{name} under {shape:?}");
    for run in &done {
        let text = String::from_utf8_lossy(&run.output);
        assert!(!text.contains("ESCAPED"), "{at}: {text}");
        assert!(!text.contains(SECRET), "{at} read the secret: {text}");
        let host = world.path("").display().to_string();
        assert!(!text.contains(&host), "{at} learned a host path: {text}");
    }
    assert_eq!(world.outside(), outside, "{at} changed what is outside");
    if !matches!(shape, Shape::Open | Shape::Tight) {
        assert_eq!(snapshot(&world.region("shared")), shared, "{at} changed a read-only region");
    }
    books_agree(&world, &cell, &at);
    done
}

/// What the ledgers say is what is on the disk, and within the quota.
fn books_agree(world: &World, cell: &toolcell::Cell, at: &str) {
    for region in cell.space().regions() {
        if region.access() == Access::ReadOnly || region.name() == "scratch" {
            continue;
        }
        let mut directories: Vec<PathBuf> = vec![world.region(region.name())];
        if region.name() == "workspace" {
            directories.extend([world.path("cell/home"), world.path("cell/tmp")]);
        }
        let (bytes, entries) = directories
            .iter()
            .map(|directory| usage_with_nodes(directory))
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let ledger = region.ledger();
        assert_eq!((ledger.bytes(), ledger.entries()), (bytes, entries), "{at}: {}", region.name());
        assert!(bytes <= ledger.quota().bytes, "{at}: {} is over its quota", region.name());
    }
}

/// The pipe and the socket are entries too.
fn usage_with_nodes(directory: &Path) -> (u64, u64) {
    let (bytes, entries) = usage(directory);
    let nodes = ["pipe", "socket"]
        .iter()
        .filter(|name| std::fs::symlink_metadata(directory.join(name)).is_ok());
    (bytes, entries + nodes.count() as u64)
}

async fn under_every_shape(name: &str, copies: usize) {
    for shape in SHAPES {
        for run in check(name, copies, shape).await {
            let text = String::from_utf8_lossy(&run.output);
            assert_eq!(run.exit, Exit::Status(0), "{name} under {shape:?}: {text}");
        }
    }
}

/// One test for each program that has to come to its own end.
macro_rules! refused {
    ($($name:ident $(x $copies:literal)?;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                under_every_shape(stringify!($name), 1 $(* $copies)?).await;
            }
        )*
        const REFUSED: &[&str] = &[$(stringify!($name)),*];
    };
}

refused! {
    absolute_path;
    absolute_symlink;
    descriptor_exhaustion;
    directory_swap x 3;
    dot_dot;
    entry_flood;
    link_read_only;
    modes;
    names;
    proc_self_fd;
    quota_race x 8;
    read_only_writes;
    rename_across;
    sparse_growth;
    special_files;
    stdio_nodes;
    symlink_chain;
    symlink_loop;
    symlink_trailing_slash;
    truncate_read_only;
    unlinked_growth;
}

/// Programs that never come to an end, and the limit that ends each.
const ENDED: &[&str] = &[
    "endless_descriptors",
    "endless_memory",
    "endless_output",
    "endless_recursion",
    "sleep",
    "spin",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_guests_end_within_their_limit_and_say_which() {
    for name in ENDED {
        let world = World::new();
        let mut options = world.options();
        options.call_limit = match *name {
            "spin" | "sleep" => Duration::from_millis(100),
            _ => Duration::from_secs(60),
        };
        options.memory_bytes = 64 << 20;
        let cell = world.open(options);
        let guest = HOSTILE.iter().find(|guest| guest.name == *name).unwrap();
        let program = world.runtime.program(name, guest.wasm).unwrap();

        let run = cell.run(&program, &[(*name).to_owned()]).await.unwrap();

        let Exit::Ended(ended) = run.exit else { panic!("{name} ended by itself: {:?}", run.exit) };
        let expected = match *name {
            "endless_memory" => Ended::Memory { limit: 64 << 20 },
            "endless_descriptors" => Ended::Handles,
            "endless_output" => Ended::Output,
            "endless_recursion" => Ended::Stack,
            _ => Ended::Deadline { limit: Duration::from_millis(100) },
        };
        assert_eq!(ended, expected, "{name}");
        // The host goes on.
        let input = serde_json::json!({ "pattern": "*" });
        let result = tests::call(&cell, "Glob", input).await;
        assert!(!result.is_error(), "after {name}: {}", result.text());
    }
}

#[test]
fn no_hostile_guest_is_forgotten() {
    let built: BTreeSet<&str> = HOSTILE.iter().map(|guest| guest.name).collect();
    let tested: BTreeSet<&str> = REFUSED.iter().chain(ENDED).copied().collect();
    assert_eq!(built, tested, "each program of tools-guest/hostile/src/bin has a test here");
}

#[test]
fn every_operation_is_attacked() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools-guest/hostile/src/bin");
    let mut attacked = BTreeSet::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let source = std::fs::read_to_string(entry.path()).unwrap();
        let text: String = source
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .map(|line| line.trim_start_matches("//!"))
            .collect();
        if let Some((_, names)) = text.split_once("Exercises:") {
            attacked.extend(names.split(',').map(|name| name.trim().to_owned()));
        }
    }
    let all: BTreeSet<String> =
        OperationKind::ALL.iter().map(|kind| kind.name().to_owned()).collect();
    assert_eq!(attacked, all, "each operation is named by a hostile guest, and no other is");
}
