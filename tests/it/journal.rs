//! The journal: no mutation without a record, and no damage that makes a reader invent or panic.

use serde_json::json;
use tests::{World, call};
use toolcell::ambient;
use toolcell::journal::{Outcome, Reader, Record, read, read_all};

pub(crate) fn records(world: &World) -> Vec<Record> {
    let directory = ambient::open_dir_ambient(&world.path("cell/journal")).unwrap();
    read_all(&directory).unwrap().into_records()
}

/// A session that writes, edits, makes directories and fails.
async fn session(world: &World) {
    let cell = world.cell();
    for (tool, input) in [
        ("Write", json!({ "file_path": "workspace/a", "content": "one\n" })),
        ("Edit", json!({ "file_path": "workspace/a", "old_string": "one", "new_string": "two" })),
        ("Write", json!({ "file_path": "workspace/d/b", "content": "x".repeat(5000) })),
        ("Write", json!({ "file_path": "shared/c", "content": "" })),
        ("Edit", json!({ "file_path": "workspace/a", "old_string": "no", "new_string": "yes" })),
    ] {
        call(&cell, tool, input).await;
    }
    cell.close().unwrap();
}

#[tokio::test]
async fn records_say_what_was_done_in_order() {
    let world = World::new();
    session(&world).await;

    let seen: Vec<(u64, &str, String)> = records(&world)
        .iter()
        .map(|record| (record.seq, record.operation.name(), record.path.to_string()))
        .collect();

    let workspace = "/home/agent/workspace";
    let expected = [
        (1, "create_file", format!("{workspace}/a")),
        (2, "write_file", format!("{workspace}/a")),
        (3, "write_file", format!("{workspace}/a")),
        (4, "create_directory", format!("{workspace}/d")),
        (5, "create_file", format!("{workspace}/d/b")),
        (6, "write_file", format!("{workspace}/d/b")),
        (7, "create_file", "/home/agent/shared/c".to_owned()),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn records_have_actor_ranges_and_outcome() {
    let world = World::new();
    session(&world).await;
    let records = records(&world);
    assert!(records.iter().all(|record| record.outcome == Outcome::Done), "{records:?}");
    let write = &records[5];
    assert_eq!((write.actor.tool.as_str(), write.actor.call.as_str()), ("Write", "test"));
    assert_eq!(write.actor.digest.len(), 64);
    assert_eq!(write.ranges, [(0, 5000)]);
    assert_eq!((write.before.size(), write.after.size()), (Some(0), Some(5000)));
    assert_eq!(write.region, "workspace");
}

#[tokio::test]
async fn a_part_of_a_journal_is_whole_records() {
    let world = World::new();
    session(&world).await;
    let directory = ambient::open_dir_ambient(&world.path("cell/journal")).unwrap();
    let all = records(&world);
    for (from, most, more) in [(1, 7, false), (1, 3, true), (5, 2, true), (6, 9, false)] {
        let part = read(&directory, Reader::of(from, most)).unwrap();
        let first = usize::try_from(from).unwrap() - 1;
        assert_eq!(part.records(), &all[first..all.len().min(first + most)]);
        assert_eq!(part.has_more(), more, "{most} from {from}");
    }
}

#[tokio::test]
async fn old_content_is_kept_before_the_first_change() {
    let world = World::new();
    session(&world).await;
    let images: Vec<Vec<u8>> = std::fs::read_dir(world.path("cell/journal/before"))
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert_eq!(images, [b"one\n"]);
}

#[tokio::test]
async fn a_journal_cut_anywhere_reads_as_its_beginning() {
    let world = World::new();
    session(&world).await;
    let whole = records(&world);
    let segment = std::fs::read(world.path("cell/journal/00000001.log")).unwrap();
    let mut longest = 0;
    for cut in 0..=segment.len() {
        let mut reader = Reader::default();
        reader.feed("00000001.log", &segment[..cut]).unwrap();
        let read = reader.records();
        assert!(read.len() >= longest, "reading more gives no fewer records");
        longest = read.len();
        for (record, original) in read.iter().zip(&whole) {
            let same = (record.seq, record.operation, &record.path, record.before)
                == (original.seq, original.operation, &original.path, original.before);
            assert!(same, "cut at {cut}: {record:?} was invented");
            assert!([Outcome::Open, original.outcome].contains(&record.outcome));
        }
    }
    assert_eq!(longest, whole.len());
}

#[tokio::test]
async fn a_damaged_byte_ends_the_journal_and_invents_nothing() {
    let world = World::new();
    session(&world).await;
    let whole = records(&world);
    let segment = std::fs::read(world.path("cell/journal/00000001.log")).unwrap();
    for at in 8..segment.len() {
        let mut damaged = segment.clone();
        damaged[at] ^= 0x55;
        let mut reader = Reader::default();
        reader.feed("00000001.log", &damaged).unwrap();
        for (record, original) in reader.records().iter().zip(&whole) {
            assert_eq!((record.seq, &record.path), (original.seq, &original.path), "byte {at}");
        }
    }
}

#[tokio::test]
async fn numbering_goes_on_where_it_stopped() {
    let world = World::new();
    session(&world).await;
    let before = records(&world).len() as u64;
    let cell = world.cell();
    let result = call(&cell, "Write", json!({ "file_path": "shared/d", "content": "" })).await;
    assert_eq!(result.mutations[0].seq, before + 1);
}

#[tokio::test]
async fn a_journal_of_another_version_stops_us() {
    let world = World::new();
    session(&world).await;
    let path = world.path("cell/journal/00000001.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[7] = 99;
    std::fs::write(&path, bytes).unwrap();
    let error = world.runtime.open_cell(world.options()).unwrap_err();
    assert!(error.to_string().contains("unknown format version"), "{error}");
}

#[tokio::test]
async fn a_session_that_changes_nothing_leaves_no_segment() {
    let world = World::new();
    let cell = world.cell();
    let result = call(&cell, "Glob", json!({ "pattern": "*" })).await;
    assert!(!result.is_error());
    cell.close().unwrap();
    let directory = std::fs::read_dir(world.path("cell/journal")).unwrap();
    assert_eq!(directory.count(), 1, "only the directory of before-images");
}

#[tokio::test]
async fn a_checkpoint_is_believed_only_where_it_matches() {
    let world = World::new();
    session(&world).await;
    let count = records(&world).len() as u64;
    let write = |cell: toolcell::Cell, name: &'static str| async move {
        let input = json!({ "file_path": format!("shared/{name}"), "content": "" });
        (call(&cell, "Write", input).await.mutations[0].seq, cell)
    };
    // Closed in good order: the note says where it ended.
    assert!(world.path("cell/journal/checkpoint").exists());
    let (seq, cell) = write(world.cell(), "x").await;
    assert_eq!(seq, count + 1);
    // Dropped: there is a segment after the note.
    drop(cell);
    let (seq, cell) = write(world.cell(), "y").await;
    assert_eq!(seq, count + 2);
    drop(cell);
    // A note that lies about a length, or is none, is not believed.
    for note in ["3 1 1 1", "nonsense", ""] {
        std::fs::write(world.path("cell/journal/checkpoint"), note).unwrap();
        drop(world.cell());
        assert_eq!(records(&world).len() as u64, count + 2, "{note}");
    }
    let (seq, _) = write(world.cell(), "z").await;
    assert_eq!(seq, count + 3);
}
