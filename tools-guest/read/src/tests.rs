//! The tool's rules, each by a call on a small directory.

use std::fs;

use serde_json::{Value, json};
use toolcell_sdk::{Failure, MemorySession, Outcome, Session as _, Tool as _};

use crate::Read;

struct World {
    directory: tempfile::TempDir,
    session: MemorySession,
}

impl World {
    fn new(files: &[(&str, &[u8])]) -> World {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(directory.path().join(name), content).unwrap();
        }
        let session = MemorySession::new(directory.path());
        World { directory, session }
    }

    fn read(&self, input: Value) -> Result<Outcome, Failure> {
        Read::call(&self.session, "Read", input)
    }

    fn text(&self, input: Value) -> Value {
        self.read(input).unwrap().structured
    }
}

#[track_caller]
fn check(content: &[u8], input: Value, shown: &str, first: u64, total: u64) -> Value {
    let world = World::new(&[("f", content)]);
    let mut input = input;
    input["file_path"] = "f".into();
    let result = world.text(input);
    let file = &result["file"];
    assert_eq!(file["content"], shown);
    assert_eq!((&file["startLine"], &file["totalLines"]), (&json!(first), &json!(total)));
    result
}

#[test]
fn read_r3_a_final_newline_is_one_more_line() {
    check(b"foo\n", json!({}), "foo\n", 1, 2);
    check(b"foo", json!({}), "foo", 1, 1);
}

#[test]
fn read_r4_line_ends_and_marks_are_not_shown_but_remembered() {
    let result = check(b"\xef\xbb\xbfa\r\nb\tc\r\nd\re", json!({}), "a\nb\tc\nd\re", 1, 3);
    assert_eq!(result["file"]["eol"], "crlf");
    assert_eq!(result["file"]["bom"], true);
    check(b"\xff\xfea\0\r\0\n\0b\0", json!({}), "a\nb", 1, 2);
}

#[test]
fn read_r5_long_files_come_in_pages() {
    let content: String = (1..=2500).map(|number| format!("{number}\n")).collect();
    let world = World::new(&[("f", content.as_bytes())]);
    let result = world.text(json!({ "file_path": "f" }));
    assert_eq!(result["file"]["numLines"], 2000);
    assert_eq!(
        result["notice"],
        json!({ "kind": "partial", "first": 1, "last": 2000, "lines": 2501,
            "bytes": content.len(), "next": 2001 })
    );
    let rest = world.text(json!({ "file_path": "f", "offset": 2001 }));
    assert_eq!((&rest["file"]["numLines"], &rest["notice"]), (&json!(501), &Value::Null));
}

#[test]
fn read_r5_the_token_budget_cuts_and_says_so() {
    let content = format!("{}\n", "x".repeat(1000)).repeat(500);
    let world = World::new(&[("f", content.as_bytes())]);
    let result = world.text(json!({ "file_path": "f" }));
    assert_eq!(result["file"]["truncatedByTokenCap"], true);
    assert!(result["file"]["content"].as_str().unwrap().len() <= 100_000);
    assert_eq!(result["notice"]["kind"], "partial");
    let large = world.text(json!({ "file_path": "f", "allow_large": true }));
    assert!(large["file"]["numLines"].as_u64() > result["file"]["numLines"].as_u64());
}

#[test]
fn read_r6_a_range_that_does_not_fit_is_an_error() {
    let content = format!("{}\n", "x".repeat(1000)).repeat(500);
    let world = World::new(&[("f", content.as_bytes())]);
    let failure = world.read(json!({ "file_path": "f", "limit": 400 })).unwrap_err();
    assert_eq!(failure.code, "file_too_large");
    assert!(failure.message.contains("exceeds maximum allowed tokens (25000)"));
    assert!(failure.hint.unwrap().starts_with("Try offset: 1, limit: "));
}

#[test]
fn read_r8_long_lines_are_cut_with_a_mark() {
    let content = format!("short\n{}\n", "é".repeat(5000));
    let world = World::new(&[("f", content.as_bytes())]);
    let result = world.text(json!({ "file_path": "f" }));
    let shown = result["file"]["content"].as_str().unwrap();
    assert!(shown.ends_with("é… [line truncated: 2000 of 5000 characters shown]\n"));
    assert_eq!(result["file"]["cutLines"], json!([2]));
}

#[test]
fn read_r9_r10_empty_and_past_the_end() {
    let world = World::new(&[("empty", b""), ("two", b"a\nb")]);
    assert_eq!(world.text(json!({ "file_path": "empty" }))["notice"]["kind"], "empty");
    assert_eq!(world.text(json!({ "file_path": "empty", "offset": 9 }))["notice"]["kind"], "empty");
    let past = world.text(json!({ "file_path": "two", "offset": 5 }));
    assert_eq!(past["notice"], json!({ "kind": "past_end", "offset": 5, "lines": 2 }));
}

#[test]
fn read_r2_offsets_are_line_numbers_and_zero_is_one() {
    check(b"a\nb\nc", json!({ "offset": 2, "limit": 1 }), "b", 2, 3);
    check(b"a\nb", json!({ "offset": 0 }), "a\nb", 1, 2);
}

#[test]
fn read_r11_r12_missing_files_and_directories() {
    let world = World::new(&[("config.toml", b"")]);
    let failure = world.read(json!({ "file_path": "confg.toml" })).unwrap_err();
    assert_eq!(failure.code, "file_not_found");
    let cwd = &world.session.cwd;
    assert_eq!(
        failure.message,
        format!(
            "File does not exist. Note: your current working directory is {cwd}. Did you mean {cwd}/config.toml?"
        )
    );
    let failure = world.read(json!({ "file_path": "." })).unwrap_err();
    assert_eq!(failure.code, "target_is_directory");
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let image = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 9]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn read_r13_images_are_proved_before_they_are_shown() {
    let whole = png(20, 10);
    let mut flipped = whole.clone();
    flipped[60] ^= 0xff;
    let world = World::new(&[("whole", &whole), ("cut", &whole[..40]), ("flipped", &flipped)]);
    let outcome = world.read(json!({ "file_path": "whole" })).unwrap();
    assert_eq!(outcome.images[0].data, whole);
    assert_eq!(outcome.structured["file"]["dimensions"]["originalWidth"], 20);
    for name in ["cut", "flipped"] {
        let failure = world.read(json!({ "file_path": name })).unwrap_err();
        assert_eq!(failure.code, "bad_image", "{name}");
    }
}

#[test]
fn read_r14_large_images_are_scaled_down() {
    let world = World::new(&[("big", &png(3000, 1500))]);
    let outcome = world.read(json!({ "file_path": "big" })).unwrap();
    let dimensions = &outcome.structured["file"]["dimensions"];
    assert_eq!(
        (&dimensions["originalWidth"], &dimensions["displayWidth"]),
        (&json!(3000), &json!(2576))
    );
    let shown = image::load_from_memory(&outcome.images[0].data).unwrap();
    assert_eq!((shown.width(), shown.height()), (2576, 1288));
}

#[test]
fn read_r13_absurd_dimensions_are_refused() {
    // A valid header that claims 60000 x 60000 pixels.
    let mut huge = png(1, 1);
    huge[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let checksum = crc(&huge[12..29]);
    huge[29..33].copy_from_slice(&checksum.to_be_bytes());
    let world = World::new(&[("huge", &huge)]);
    assert_eq!(world.read(json!({ "file_path": "huge" })).unwrap_err().code, "bad_image");
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[test]
fn read_r15_pages_are_for_pdf() {
    let world = World::new(&[("f", b"text")]);
    let failure = world.read(json!({ "file_path": "f", "pages": "1" })).unwrap_err();
    assert_eq!(failure.code, "invalid_params");
}

#[test]
fn read_r16_notebooks_show_cells_and_outputs() {
    use base64::Engine as _;
    let image = base64::prelude::BASE64_STANDARD.encode(png(2, 2));
    let notebook = json!({ "cells": [
        { "cell_type": "code", "id": "a1", "source": ["x = 1\n", "x"], "execution_count": 3,
          "outputs": [
            { "output_type": "stream", "text": ["hello\n"] },
            { "output_type": "display_data", "data": { "image/png": image, "text/plain": "<Figure>" } },
            { "output_type": "display_data", "data": { "image/png": "bm90IGFuIGltYWdl" } },
          ] },
        { "cell_type": "markdown", "source": "# Title" },
    ] });
    let world = World::new(&[("n.ipynb", notebook.to_string().as_bytes())]);
    let outcome = world.read(json!({ "file_path": "n.ipynb" })).unwrap();
    let cells = &outcome.structured["file"]["cells"];
    assert_eq!((&cells[0]["id"], &cells[0]["source"]), (&json!("a1"), &json!("x = 1\nx")));
    assert_eq!(cells[0]["outputs"][0]["text"], "hello\n");
    assert_eq!(cells[0]["outputs"][2]["text"], "[image/png left out: it cannot be decoded]");
    assert_eq!(cells[1]["id"], "cell-1");
    assert_eq!(outcome.images.len(), 1);
    let world = World::new(&[("n.ipynb", b"{ not json")]);
    assert_eq!(world.read(json!({ "file_path": "n.ipynb" })).unwrap_err().code, "bad_notebook");
}

#[test]
fn read_r17_binary_is_named_and_refused() {
    let world =
        World::new(&[("elf", b"\x7fELF\x02\x01\0\0"), ("data", b"ab\0cd"), ("csv", b"a,b\n")]);
    let failure = world.read(json!({ "file_path": "elf" })).unwrap_err();
    assert_eq!(failure.message, "Cannot read binary file elf (ELF executable or library, 8 B).");
    assert_eq!(world.read(json!({ "file_path": "data" })).unwrap_err().code, "binary_file");
    assert_eq!(world.text(json!({ "file_path": "csv" }))["file"]["content"], "a,b\n");
}

#[test]
fn read_r18_what_was_seen_is_remembered() {
    let content = "x\n".repeat(3000);
    let world = World::new(&[("short", b"a\nb\n"), ("long", content.as_bytes())]);
    let seen = |name: &str| {
        let path = world.directory.path().canonicalize().unwrap().join(name);
        world.session.recall(path.to_str().unwrap()).map(|state| state.complete)
    };
    world.text(json!({ "file_path": "short", "limit": 1 }));
    assert_eq!(seen("short"), Some(false));
    world.text(json!({ "file_path": "short", "offset": 1, "limit": 3 }));
    assert_eq!(seen("short"), Some(true));
    world.text(json!({ "file_path": "long" }));
    assert_eq!(seen("long"), Some(false));
}

#[test]
fn read_r23_huge_files_are_streamed() {
    let world = World::new(&[]);
    let path = world.directory.path().join("huge");
    let file = fs::File::create(&path).unwrap();
    let head = format!("first\nsecond\n{}\n", "x".repeat(16 << 10));
    std::os::unix::fs::FileExt::write_all_at(&file, head.as_bytes(), 0).unwrap();
    // Sparse: four gigabytes that are never loaded.
    file.set_len(4 << 30).unwrap();
    let result = world.text(json!({ "file_path": "huge", "offset": 1, "limit": 2 }));
    assert_eq!(result["file"]["content"], "first\nsecond");
    assert_eq!(result["file"]["totalLines"], Value::Null);
}
