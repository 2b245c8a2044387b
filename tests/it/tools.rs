//! The tools through the library's front door: a session as an agent has it.

use serde_json::json;
use tests::{World, call};

#[tokio::test]
async fn a_session_reads_before_it_writes_and_remembers_across_processes() {
    let world = World::new();
    let cell = world.cell();
    std::fs::write(world.region("workspace").join("a.txt"), "one\ntwo\n").unwrap();
    let path = "/home/agent/workspace/a.txt";
    let write = json!({ "file_path": path, "content": "three\n" });

    let unread = call(&cell, "Write", write.clone()).await;
    assert_eq!(
        unread.text(),
        "<tool_use_error>File has not been read yet. Read it first before writing to it.</tool_use_error>"
    );
    assert_eq!(
        call(&cell, "Read", json!({ "file_path": path })).await.text(),
        "1\tone\n2\ttwo\n3\t"
    );
    cell.close().unwrap();

    let cell = world.cell();
    let written = call(&cell, "Write", write.clone()).await;
    assert!(!written.is_error(), "{}", written.text());
    std::fs::write(world.region("workspace").join("a.txt"), "changed outside\n").unwrap();
    let stale = call(&cell, "Write", write).await;
    assert_eq!(stale.outcome.unwrap_err().code, "modified_since_read");
}

#[tokio::test]
async fn an_unknown_tool_names_the_known_ones() {
    let world = World::new();
    let cell = world.cell();
    let text = call(&cell, "Raed", json!({})).await.text();
    for name in ["Read", "Write", "Edit", "MultiEdit", "NotebookEdit", "Glob", "Grep"] {
        assert!(text.contains(name), "{text}");
    }
}

#[tokio::test]
async fn x2_wrong_input_changes_nothing() {
    let world = World::new();
    let cell = world.cell();
    for (tool, input) in [
        ("Write", json!({ "file_path": "workspace/a" })),
        ("Write", json!({ "file_path": "workspace/a", "content": "x", "mode": 1 })),
        ("Write", json!({ "file_path": "workspace/a\0b", "content": "x" })),
        ("Write", json!({ "file_path": 7, "content": "x" })),
        ("Edit", json!({ "file_path": "workspace/a", "old_string": "", "new_string": "" })),
    ] {
        let result = call(&cell, tool, input.clone()).await;
        assert!(result.is_error(), "{input}");
        assert!(result.mutations.is_empty());
    }
    assert!(tests::snapshot(&world.region("workspace")).is_empty());
}

#[tokio::test]
async fn x7_a_link_out_is_refused_by_the_name_that_was_given() {
    let world = World::new();
    let cell = world.cell();
    std::os::unix::fs::symlink(
        world.path("outside/secret.txt"),
        world.region("workspace").join("l"),
    )
    .unwrap();
    let result = call(&cell, "Read", json!({ "file_path": "workspace/l" })).await;
    let text = result.text();
    assert_eq!(result.outcome.unwrap_err().code, "path_not_in_workspace");
    assert!(text.contains("workspace/l") && !text.contains("outside/secret"), "{text}");
}

#[tokio::test]
async fn x11_edits_go_through_links_and_keep_the_file() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let world = World::new();
    let cell = world.cell();
    let real = world.region("workspace").join("real.sh");
    std::fs::write(&real, "echo one\n").unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::hard_link(&real, world.region("workspace").join("twin")).unwrap();
    std::os::unix::fs::symlink("real.sh", world.region("workspace").join("link")).unwrap();
    let before = std::fs::metadata(&real).unwrap();

    let input =
        json!({ "file_path": "workspace/link", "old_string": "one", "new_string": "three" });
    let result = call(&cell, "Edit", input).await;

    assert!(!result.is_error(), "{}", result.text());
    let after = std::fs::metadata(&real).unwrap();
    assert_eq!(
        (before.ino(), before.mode(), before.nlink()),
        (after.ino(), after.mode(), after.nlink())
    );
    assert_eq!(std::fs::read(world.region("workspace").join("twin")).unwrap(), b"echo three\n");
}

#[tokio::test]
async fn x12_a_pipe_is_refused_before_it_is_opened() {
    let world = World::new();
    let cell = world.cell();
    let mode = rustix::fs::Mode::from_raw_mode(0o666);
    let pipe = world.region("workspace").join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let result = call(&cell, "Read", json!({ "file_path": "workspace/pipe" })).await;
    assert_eq!(result.outcome.unwrap_err().code, "not_regular_file");
}

#[tokio::test]
async fn read_r13_images_come_as_blocks_and_damaged_ones_do_not() {
    let world = World::new();
    let cell = world.cell();
    let png = include_bytes!("../../fixtures/files/dot.png");
    std::fs::write(world.region("workspace").join("dot.txt"), png).unwrap();
    std::fs::write(world.region("workspace").join("cut.png"), &png[..png.len() - 20]).unwrap();
    std::fs::write(world.region("workspace").join("text.png"), "not an image\n").unwrap();

    let whole = call(&cell, "Read", json!({ "file_path": "workspace/dot.txt" })).await;
    assert!(matches!(&whole.content[1], toolcell::Content::Image { media_type, data }
        if media_type == "image/png" && data == png));
    let cut = call(&cell, "Read", json!({ "file_path": "workspace/cut.png" })).await;
    assert_eq!(cut.content.len(), 1);
    assert_eq!(cut.outcome.unwrap_err().code, "bad_image");
    let text = call(&cell, "Read", json!({ "file_path": "workspace/text.png" })).await;
    assert_eq!(text.text(), "1\tnot an image\n2\t");
}

#[tokio::test]
async fn a_mapped_directory_is_worked_on_in_place_and_read_only_means_it() {
    use toolcell::RegionOption;
    use toolcell::policy::Access;
    let world = World::new();
    let project = world.path("project");
    std::fs::create_dir(&project).unwrap();
    std::fs::write(project.join("lib.rs"), "fn old() {}\n").unwrap();
    let edit = json!({ "file_path": "workspace/lib.rs", "old_string": "old", "new_string": "new" });

    let mut options = world.options();
    options.regions.push(RegionOption::mapped("workspace", &project, Access::ReadOnly));
    let cell = world.open(options);
    let refused = call(&cell, "Edit", edit.clone()).await;
    assert_eq!(refused.outcome.unwrap_err().code, "read_only_root");
    let scratch = json!({ "file_path": "/tmp/note", "content": "x" });
    assert!(!call(&cell, "Write", scratch).await.is_error());
    drop(cell);

    let mut options = world.options();
    options.regions.push(RegionOption::mapped("workspace", &project, Access::ReadWrite));
    let cell = world.open(options);
    assert!(!call(&cell, "Edit", edit).await.is_error());
    assert_eq!(std::fs::read(project.join("lib.rs")).unwrap(), b"fn new() {}\n");
}

#[tokio::test]
async fn read_r15_a_pdf_is_read_through_its_own_component() {
    let world = World::new();
    let cell = world.cell();
    let pdf = include_bytes!("../../fixtures/files/two-pages.pdf");
    std::fs::write(world.region("workspace").join("d.pdf"), pdf).unwrap();

    let whole = call(&cell, "Read", json!({ "file_path": "workspace/d.pdf" })).await;
    assert_eq!(
        whole.text(),
        "--- page 1 of 2 ---\nHello PDF world\n--- page 2 of 2 ---\nSecond page\n"
    );
    let input = json!({ "file_path": "workspace/d.pdf", "pages": "2", "page_images": true });
    let picture = call(&cell, "Read", input).await;
    assert!(matches!(&picture.content[1], toolcell::Content::Image { media_type, .. }
        if media_type == "image/png"));
    std::fs::write(world.region("workspace").join("d.pdf"), &pdf[..100]).unwrap();
    let damaged = call(&cell, "Read", json!({ "file_path": "workspace/d.pdf" })).await;
    assert_eq!(damaged.outcome.unwrap_err().code, "bad_pdf");
}

#[tokio::test]
async fn a_tool_of_ones_own_answers_to_its_name() {
    use toolcell::{CustomTool, Runtime, RuntimeOptions};
    let world = World::new();
    let read = toolcell_artifacts::TOOLS.iter().find(|guest| guest.name == "read").unwrap();
    let mut options = RuntimeOptions::new(world.path("cache"));
    options.tools.push(CustomTool { name: "Peek".into(), wasm: read.wasm.to_vec() });
    let runtime = Runtime::new(options).unwrap();
    let cell = runtime.open_cell(world.options()).unwrap();

    let result = call(&cell, "Peek", json!({ "file_path": "/etc/hosts", "limit": 1 })).await;

    assert_eq!(result.outcome.unwrap()["file"]["content"], "127.0.0.1\tlocalhost");
    let names: Vec<String> =
        runtime.tools().await.unwrap().iter().map(|tool| tool.name.clone()).collect();
    assert!(names.contains(&"Peek".to_owned()) && names.contains(&"Read".to_owned()));
}

#[tokio::test]
async fn what_is_no_component_is_an_error_with_a_name() {
    use toolcell::{CustomTool, Runtime, RuntimeOptions};
    let world = World::new();
    let mut options = RuntimeOptions::new(world.path("cache"));
    options.tools.push(CustomTool { name: "Junk".into(), wasm: b"not wasm".to_vec() });
    let runtime = Runtime::new(options).unwrap();
    let error = runtime.tools().await.unwrap_err();
    assert_eq!(error.to_string(), "tool component Junk");
    let cell = runtime.open_cell(world.options()).unwrap();
    let result = call(&cell, "Junk", json!({})).await;
    assert_eq!(result.outcome.unwrap_err().code, "internal_error");
}

#[tokio::test]
async fn durability_call_waits_for_the_disk_and_changes_nothing_else() {
    use toolcell::journal::Durability;
    let world = World::new();
    let mut options = world.options();
    options.durability = Durability::Call;
    let cell = world.open(options);
    let result = call(&cell, "Write", json!({ "file_path": "a", "content": "x" })).await;
    assert!(!result.is_error(), "{}", result.text());
}

/// On a runtime of several threads a large search has helpers, on one of a single thread none.
#[test]
fn a_search_with_helpers_finds_what_one_without_does() {
    let world = World::new();
    let cell = world.cell();
    for at in 0..1_000 {
        let directory = world.region("workspace").join(format!("d{}", at % 40));
        std::fs::create_dir_all(&directory).unwrap();
        let text = format!("first\nfile {at}\n{}last\n", "needle\n".repeat(at % 4));
        std::fs::write(directory.join(format!("f{at}")), text).unwrap();
    }
    let several =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (several, single) = (several.unwrap(), single.unwrap());

    for (input, total) in [
        (json!({ "pattern": "needle" }), ("totalFiles", 750)),
        (json!({ "pattern": "needle", "output_mode": "count" }), ("numMatches", 1_500)),
        (
            json!({ "pattern": "needle", "output_mode": "content", "-A": 1, "head_limit": 0 }),
            // A line after each file's last match, and a separator between two files.
            ("totalLines", 1_500 + 750 + 749),
        ),
        (json!({ "pattern": "nothing_like_it" }), ("filesSearched", 1_000)),
    ] {
        let helped = several.block_on(call(&cell, "Grep", input.clone())).outcome.unwrap();
        let alone = single.block_on(call(&cell, "Grep", input.clone())).outcome.unwrap();
        assert_eq!(helped, alone, "{input}");
        assert_eq!(helped[total.0], total.1, "{input}");
    }
}
