//! The namespace as the host's own doors use it: the same mediator that guests go through.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use tests::World;
use toolcell::Cell;
use toolcell::path::GuestPath;
use toolcell::policy::{Grant, Rights};
use toolcell::vfs::{Fault, Mediator, Node, OpenHow};

fn mediator(cell: &Cell) -> Mediator {
    let actor = cell.journal().actor("door", "test", "").unwrap();
    let regions = cell.space().regions().into_iter().map(|region| (region, Rights::ReadWrite));
    Mediator::new(cell.space().clone(), Grant::new(actor, regions.collect()))
}

fn open(mediator: &Mediator, path: &str, how: OpenHow) -> Result<Node, Fault> {
    mediator.open_at(&mediator.root(), path, how)
}

#[tokio::test]
async fn replacing_a_script_keeps_its_executable_bit() {
    let world = World::new();
    let cell = world.cell();
    let workspace = world.region("workspace");
    std::fs::write(workspace.join("run.sh"), "old").unwrap();
    std::fs::set_permissions(workspace.join("run.sh"), std::fs::Permissions::from_mode(0o755))
        .unwrap();
    std::fs::write(workspace.join("new"), "new").unwrap();
    std::fs::set_permissions(workspace.join("new"), std::fs::Permissions::from_mode(0o644))
        .unwrap();
    let mediator = mediator(&cell);
    let root = mediator.root();

    let (old, new) = ("home/agent/workspace/new", "home/agent/workspace/run.sh");
    mediator.rename(&root, old, &root, new).unwrap();

    let mode = std::fs::metadata(workspace.join("run.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    assert_eq!(std::fs::read(workspace.join("run.sh")).unwrap(), b"new");
}

#[tokio::test]
async fn the_directory_above_is_that_and_not_the_region() {
    let world = World::new();
    let cell = world.cell();
    std::fs::create_dir_all(world.region("workspace").join("a/b")).unwrap();
    std::fs::write(world.region("workspace").join("a/file"), "").unwrap();
    let mediator = mediator(&cell);
    let names = |path: &str| {
        let how = OpenHow { directory: true, ..OpenHow::READ };
        let node = open(&mediator, &format!("home/agent/workspace/{path}"), how).unwrap();
        let names = mediator.names(&node, 10).unwrap();
        let mut names: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
        names.sort();
        names
    };

    assert_eq!(names("a/b/.."), ["b", "file"]);
    assert_eq!(names("a/b/../b/.."), ["b", "file"]);
    assert_eq!(names("a/b/../.."), ["a"]);
}

#[tokio::test]
async fn a_relative_link_leads_from_one_region_into_another() {
    let world = World::new();
    let cell = world.cell();
    std::fs::write(world.region("shared").join("memo"), "m").unwrap();
    let mediator = mediator(&cell);
    let root = mediator.root();

    mediator.symlink(&root, "../shared/memo", "home/agent/workspace/link").unwrap();

    let link = GuestPath::parse(&GuestPath::root(), "/home/agent/workspace/link").unwrap();
    assert_eq!(mediator.canonical(&link).unwrap().as_str(), "/home/agent/shared/memo");
    assert!(open(&mediator, "home/agent/workspace/link", OpenHow::CREATE).is_ok());
    assert!(open(&mediator, "home/agent/workspace/../shared/memo", OpenHow::CREATE).is_ok());
}

#[tokio::test]
async fn home_shows_the_regions_among_its_own_files() {
    let world = World::new();
    let cell = world.cell();
    let mediator = mediator(&cell);
    drop(open(&mediator, "home/agent/own", OpenHow::CREATE).unwrap());

    let input = serde_json::json!({ "pattern": "*/*", "path": "/home" });
    let result = tests::call(&cell, "Glob", input).await;
    assert_eq!(result.text(), "/home/agent/own");
    for region in ["shared", "workspace", "downloads", "uploads"] {
        let how = OpenHow { create: false, write: false, directory: true, ..OpenHow::CREATE };
        assert!(open(&mediator, &format!("home/agent/{region}"), how).is_ok(), "{region}");
    }
}

#[tokio::test]
async fn an_unlinked_file_is_charged_until_it_is_closed() {
    let world = World::new();
    let cell = world.cell();
    let region = cell.region("workspace").unwrap();
    std::fs::write(world.region("workspace").join("f"), "12345").unwrap();
    region.ledger().rebase(5, 1);
    let mediator = mediator(&cell);

    let file = open(&mediator, "home/agent/workspace/f", OpenHow::CREATE).unwrap();
    mediator.unlink_file(&mediator.root(), "home/agent/workspace/f").unwrap();
    assert_eq!((region.ledger().bytes(), region.ledger().entries()), (5, 0));
    drop(file);
    assert_eq!(region.ledger().bytes(), 0);
}

#[tokio::test]
async fn names_that_are_not_utf8_are_shown_escaped_and_accepted_back() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::new();
    let cell = world.cell();
    let name = OsStr::from_bytes(b"caf\xe9.txt");
    std::fs::write(world.region("workspace").join(name), "latin").unwrap();

    let input = serde_json::json!({ "pattern": "workspace/*" });
    let listed = tests::call(&cell, "Glob", input).await.text();
    assert_eq!(listed, "/home/agent/workspace/caf\\xe9.txt");
    let input = serde_json::json!({ "file_path": listed });
    assert_eq!(tests::call(&cell, "Read", input).await.text(), "1\tlatin");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x10_parallel_edits_of_one_file_all_land() {
    let world = World::new();
    let cell = Arc::new(world.cell());
    let lines: String = (0..40).map(|number| format!("line {number};\n")).collect();
    std::fs::write(world.region("workspace").join("f"), lines).unwrap();
    let edits = (0..40).map(|number| {
        let cell = cell.clone();
        tokio::spawn(async move {
            let input = serde_json::json!({
                "file_path": "/home/agent/workspace/f",
                "old_string": format!("line {number};"),
                "new_string": format!("edited {number};"),
            });
            tests::call(&cell, "Edit", input).await
        })
    });
    for edit in edits.collect::<Vec<_>>() {
        let result = edit.await.unwrap();
        assert!(!result.is_error(), "{}", result.text());
    }
    let expected: String = (0..40).map(|number| format!("edited {number};\n")).collect();
    let content = std::fs::read_to_string(world.region("workspace").join("f")).unwrap();
    assert_eq!(content, expected);
}
