//! Killing a process in the middle of its writing, again and again: whatever differs from the
//! start has a record, and reopening tells the truth.
//!
//! The test runs itself as the child. `TOOLCELL_KILLS` sets how many kills; the default is few
//! enough to like running it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tests::{World, runtime, usage};
use toolcell::ambient;
use toolcell::journal::{Outcome, read_all};
use toolcell::path::GuestPath;
use toolcell::policy::{Grant, OperationKind, Rights};
use toolcell::vfs::{Mediator, OpenHow};
use toolcell::{Cell, CellOptions};

const CHILD: &str = "TOOLCELL_CRASH_CHILD";

/// What the child does: every kind of change, in an order made from the seed, until it is killed.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let seed: u64 = std::env::var("TOOLCELL_CRASH_SEED").unwrap().parse().unwrap();
    let cell = runtime().open_cell(CellOptions::new(PathBuf::from(directory))).unwrap();
    let actor = cell.journal().actor("crash", "child", "").unwrap();
    let regions = cell.space().regions().into_iter().map(|region| (region, Rights::ReadWrite));
    let mediator = Mediator::new(cell.space().clone(), Grant::new(actor, regions.collect()));
    println!("ready");
    let mut random = seed;
    loop {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        step(&mediator, random >> 33);
    }
}

fn step(mediator: &Mediator, random: u64) {
    let root = mediator.root();
    let name = |number: u64| format!("home/agent/workspace/f{}", number % 12);
    let (one, other) = (name(random / 8), name(random / 128));
    let how = OpenHow { truncate: random.is_multiple_of(3), ..OpenHow::CREATE };
    // Failures are part of it: the names are few, so that many steps find them taken or gone.
    match random % 8 {
        0..=2 => {
            if let Ok(file) = mediator.open_at(&root, &one, how) {
                for round in 0..random % 5 {
                    let data = vec![b'a' + (random % 26) as u8; 100 + (random % 3000) as usize];
                    let _ = mediator.write_at(&file, &data, round * 50);
                }
            }
        }
        3 => drop(mediator.unlink_file(&root, &one)),
        4 => drop(mediator.rename(&root, &one, &root, &other)),
        5 => drop(mediator.link(&root, &one, &root, &other)),
        6 => drop(mediator.symlink(&root, "f0", &other)),
        _ => {
            let _ = mediator.create_directory(&root, &format!("{other}d"));
            let _ = mediator.remove_directory(&root, &format!("{one}d"));
        }
    }
}

#[test]
fn a_killed_process_leaves_nothing_unrecorded() {
    let kills: u64 =
        std::env::var("TOOLCELL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25);
    let world = World::new();
    drop(world.cell());
    let mut journaled = 0;
    for kill in 0..kills {
        let before = tree(&world.region("workspace"));
        run_and_kill(&world.path("cell"), kill);
        journaled = check(&world, &before, journaled);
    }
}

/// Starts the child, lets it get somewhere, and kills it.
fn run_and_kill(cell: &Path, seed: u64) {
    use std::io::{BufRead as _, BufReader};
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_writes_until_it_is_killed", "--nocapture"])
        .env(CHILD, cell)
        .env("TOOLCELL_CRASH_SEED", seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("ready"))), "the child runs");
    // How far it gets differs with the seed; any point will do. Progress is seen in the journal.
    let wanted = 200 + seed * 977 % 20_000;
    let size = || -> u64 {
        let entries = std::fs::read_dir(cell.join("journal")).unwrap().flatten();
        entries.filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).sum()
    };
    let start = size();
    while size() < start + wanted {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Reopens, and compares files, records and ledger. How many records there are comes back.
fn check(world: &World, before: &Tree, journaled: usize) -> usize {
    let cell: Cell = world.cell();
    let directory = ambient::open_dir_ambient(&world.path("cell/journal")).unwrap();
    let records = read_all(&directory).unwrap().into_records();
    assert!(records.iter().all(|record| record.outcome != Outcome::Open), "all are closed");
    let sequence: Vec<u64> = records.iter().map(|record| record.seq).collect();
    assert!(sequence.is_sorted_by(|one, other| one < other), "the order is one");

    let new = &records[journaled..];
    let mut touched: BTreeSet<GuestPath> = BTreeSet::new();
    for record in new {
        touched.insert(record.path.clone());
        if let (OperationKind::Rename, Some(old)) = (record.operation, &record.other) {
            touched.insert(GuestPath::parse(&GuestPath::root(), old).unwrap());
        }
    }
    let after = tree(&world.region("workspace"));
    for (name, content) in &after {
        let path = GuestPath::parse(&GuestPath::root(), &format!("/home/agent/workspace/{name}"));
        let touched = touched.contains(&path.unwrap()) || linked(new, &after, name);
        assert!(
            before.get(name) == Some(content) || touched,
            "{name} differs from the start without a record"
        );
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        let path = GuestPath::parse(&GuestPath::root(), &format!("/home/agent/workspace/{name}"));
        assert!(touched.contains(&path.unwrap()), "{name} is gone without a record");
    }
    for record in new {
        truthful(record, &world.region("workspace"), new);
    }
    let region = cell.region("workspace").unwrap();
    let (bytes, entries) = usage(&world.region("workspace"));
    assert_eq!((region.ledger().bytes(), region.ledger().entries()), (bytes, entries));
    records.len()
}

/// A file with several names changes under all of them when it is written by one.
fn linked(records: &[toolcell::journal::Record], after: &Tree, name: &str) -> bool {
    let inode = after.get(name).map(|entry| entry.inode);
    records.iter().any(|record| record.after.inode() == inode || record.before.inode() == inode)
}

/// The last record of a path agrees with what is there.
fn truthful(
    record: &toolcell::journal::Record,
    workspace: &Path,
    records: &[toolcell::journal::Record],
) {
    let path = record.path.as_str();
    let later = records.iter().any(|other| {
        other.seq > record.seq
            && (other.path.as_str() == path || other.other.as_deref() == Some(path))
    });
    if later {
        return;
    }
    let name = path.strip_prefix("/home/agent/workspace/").unwrap();
    let exists = std::fs::symlink_metadata(workspace.join(name)).is_ok();
    let expected = match (record.operation, record.outcome) {
        (OperationKind::UnlinkFile | OperationKind::RemoveDirectory, Outcome::Done) => false,
        (OperationKind::UnlinkFile | OperationKind::RemoveDirectory, Outcome::NotDone) => true,
        (
            OperationKind::CreateFile
            | OperationKind::CreateDirectory
            | OperationKind::Symlink
            | OperationKind::Link
            | OperationKind::Rename,
            Outcome::Done,
        ) => true,
        (
            OperationKind::CreateFile | OperationKind::CreateDirectory | OperationKind::Symlink,
            Outcome::NotDone,
        ) => false,
        _ => return,
    };
    assert_eq!(exists, expected, "{record:?}");
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    inode: u64,
    content: Vec<u8>,
}

type Tree = BTreeMap<String, Entry>;

fn tree(directory: &Path) -> Tree {
    use std::os::unix::fs::MetadataExt as _;
    let mut tree = Tree::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let metadata = entry.path().symlink_metadata().unwrap();
        let content = match metadata.is_file() {
            true => std::fs::read(entry.path()).unwrap(),
            false => Vec::new(),
        };
        let name = entry.file_name().into_string().unwrap();
        tree.insert(name, Entry { inode: metadata.ino(), content });
    }
    tree
}
