//! Documents made here, read through the tool.

use std::fs;

use serde_json::{Value, json};
use toolcell_sdk::{Failure, MemorySession, Outcome, Tool as _};

use crate::ReadPdf;

/// A document with one line of text on each page.
fn document(pages: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        String::new(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut kids = String::new();
    for text in pages {
        let number = objects.len() + 1;
        kids.push_str(&format!("{number} 0 R "));
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            number + 1
        ));
        let content = format!("BT /F1 18 Tf 20 150 Td ({text}) Tj ET");
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len());
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        offsets.push(bytes.len());
        bytes.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let start = bytes.len();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    offsets.iter().for_each(|offset| table.push_str(&format!("{offset:010} 00000 n \n")));
    bytes.extend_from_slice(table.as_bytes());
    let size = objects.len() + 1;
    let trailer = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    bytes.extend_from_slice(trailer.as_bytes());
    bytes
}

fn read(bytes: &[u8], mut input: Value) -> Result<Outcome, Failure> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("d.pdf"), bytes).unwrap();
    input["file_path"] = "d.pdf".into();
    ReadPdf::call(&MemorySession::new(directory.path()), "ReadPdf", input)
}

#[test]
fn read_r15_text_by_page() {
    let outcome = read(&document(&["Hello PDF world", "Second page"]), json!({})).unwrap();
    let file = &outcome.structured["file"];
    assert_eq!(file["totalPages"], 2);
    assert_eq!(
        file["pages"],
        json!([{ "page": 1, "text": "Hello PDF world" }, { "page": 2, "text": "Second page" }])
    );
    let outcome = read(&document(&["one", "two", "three"]), json!({ "pages": "2-3" })).unwrap();
    assert_eq!(outcome.structured["file"]["pages"][0]["text"], "two");
}

#[test]
fn read_r15_many_pages_have_to_be_chosen() {
    let failure = read(&document(&["x"; 12]), json!({})).unwrap_err();
    assert_eq!(failure.code, "pdf_needs_pages");
    assert!(failure.message.starts_with("This PDF has 12 pages"), "{}", failure.message);
    let outcome = read(&document(&["x"; 12]), json!({ "pages": "11-12" })).unwrap();
    assert_eq!(outcome.structured["file"]["pages"][1]["page"], 12);
}

#[test]
fn read_r15_pictures_of_pages() {
    let input = json!({ "pages": "1", "page_images": true });
    let outcome = read(&document(&["A picture"]), input).unwrap();
    assert_eq!(outcome.structured["type"], "parts");
    let picture = image::load_from_memory(&outcome.images[0].data).unwrap().to_luma8();
    assert_eq!(picture.dimensions(), (1200, 800));
    let dark = picture.pixels().filter(|pixel| pixel.0[0] < 128).count();
    assert!(dark > 500, "the text is drawn: {dark} dark pixels");
}

#[test]
fn read_r15_damaged_documents_are_an_error() {
    let whole = document(&["Hello"]);
    for bytes in [&whole[..20], b"%PDF-1.7\nnothing else", &whole[whole.len() - 40..]] {
        let failure = read(bytes, json!({})).unwrap_err();
        assert_eq!(failure.code, "bad_pdf", "{}", failure.message);
    }
}
