//! Limits as an agent meets them: the result names the limit.

use std::time::Duration;

use serde_json::json;
use tests::{World, call, region};
use toolcell::policy::Access;

#[tokio::test]
async fn write_r12_a_full_region_is_named_and_the_old_content_stays() {
    let world = World::new();
    let mut options = world.options();
    options.regions.push(region("workspace", Access::ReadWrite, Some(100), None));
    let cell = world.open(options);
    let path = "/home/agent/workspace/a";
    let write = |content: String| json!({ "file_path": path, "content": content });
    assert!(!call(&cell, "Write", write("old".into())).await.is_error());

    let result = call(&cell, "Write", write("x".repeat(101))).await;

    let text = result.text();
    assert!(result.is_error());
    assert_eq!(result.outcome.unwrap_err().code, "no_space_left");
    assert!(text.contains("region workspace is full: 3 of 100 bytes are used"), "{text}");
    assert_eq!(std::fs::read(world.region("workspace").join("a")).unwrap(), b"old");
    assert_eq!(cell.region("workspace").unwrap().ledger().bytes(), 3);
}

#[tokio::test]
async fn a_new_file_that_does_not_fit_leaves_nothing_behind() {
    let world = World::new();
    let mut options = world.options();
    options.regions.push(region("workspace", Access::ReadWrite, Some(10), None));
    let cell = world.open(options);
    let input = json!({ "file_path": "workspace/d/e/f", "content": "x".repeat(11) });

    let result = call(&cell, "Write", input).await;

    assert!(result.is_error());
    assert!(tests::snapshot(&world.region("workspace")).is_empty());
    let region = cell.region("workspace").unwrap();
    assert_eq!((region.ledger().bytes(), region.ledger().entries()), (0, 0));
}

#[tokio::test]
async fn write_r10_a_read_only_region_is_named() {
    let world = World::new();
    let mut options = world.options();
    options.regions.push(region("shared", Access::ReadOnly, None, None));
    let cell = world.open(options);

    let input = json!({ "file_path": "/home/agent/shared/a", "content": "x" });
    let result = call(&cell, "Write", input).await;

    let text = result.text();
    assert_eq!(result.outcome.unwrap_err().code, "read_only_root");
    assert!(text.contains("region shared is read-only"), "{text}");
}

#[tokio::test]
async fn a_call_that_takes_too_long_says_so() {
    let world = World::new();
    let mut options = world.options();
    options.call_limit = Duration::ZERO;
    let cell = world.open(options);

    let result = call(&cell, "Read", json!({ "file_path": "/etc/passwd" })).await;

    let text = result.text();
    assert_eq!(result.outcome.unwrap_err().code, "timed_out");
    assert!(text.contains("Read was ended after its time limit of 0 ms"), "{text}");
}

#[tokio::test]
async fn memory_is_limited_by_name() {
    let world = World::new();
    std::fs::create_dir_all(world.region("workspace")).unwrap();
    std::fs::write(world.region("workspace").join("big"), vec![b'x'; 12 << 20]).unwrap();
    let mut options = world.options();
    options.memory_bytes = 8 << 20;
    let cell = world.open(options);

    let result = call(&cell, "Read", json!({ "file_path": "workspace/big" })).await;

    let text = result.text();
    assert_eq!(result.outcome.unwrap_err().code, "memory_limit", "{text}");
    assert!(text.contains("memory limit of 8388608 bytes"), "{text}");
}

#[tokio::test]
async fn one_execution_is_open_once() {
    let world = World::new();
    let cell = world.cell();
    let error = world.runtime.open_cell(world.options()).unwrap_err();
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(cell);
    assert!(world.runtime.open_cell(world.options()).is_ok());
}

#[tokio::test]
async fn regions_that_hold_the_hosts_own_files_are_refused() {
    use toolcell::RegionOption;
    let world = World::new();
    std::fs::create_dir(world.path("project")).unwrap();
    for (directory, access) in [
        (world.path(""), Access::ReadWrite),
        (world.path("cell"), Access::ReadOnly),
        (world.path("cell/journal"), Access::ReadWrite),
    ] {
        drop(world.runtime.open_cell(world.options()));
        let mut options = world.options();
        options.regions.push(RegionOption::mapped("workspace", directory, access));
        let error = world.runtime.open_cell(options).unwrap_err();
        assert!(error.to_string().contains("overlap"), "{error}");
    }
    let mut options = world.options();
    let project = world.path("project");
    options.regions.push(RegionOption::mapped("workspace", &project, Access::ReadWrite));
    options.regions.push(RegionOption::mapped("shared", &project, Access::ReadOnly));
    let error = world.runtime.open_cell(options).unwrap_err();
    assert!(error.to_string().contains("overlap"), "{error}");
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_and_the_cell_goes_on() {
    use toolcell_artifacts::HOSTILE;
    let world = World::new();
    let cell = world.cell();
    for name in ["sleep", "spin"] {
        let guest = HOSTILE.iter().find(|guest| guest.name == name).unwrap();
        let program = world.runtime.program(name, guest.wasm).unwrap();
        let argv = [name.to_owned()];
        let run = cell.run(&program, &argv);
        assert!(tokio::time::timeout(Duration::from_millis(50), run).await.is_err(), "{name}");
        let result = call(&cell, "Write", json!({ "file_path": name, "content": "x" })).await;
        assert!(!result.is_error(), "after {name}: {}", result.text());
    }
}
