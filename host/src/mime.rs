//! The type of a file by its name.

/// What is unknown.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// Extensions of source code that the usual table takes for something else, or does not have.
const CODE: &[(&str, &str)] = &[
    ("py", "text/x-python"),
    ("rs", "text/x-rust"),
    ("go", "text/x-go"),
    ("rb", "text/x-ruby"),
    ("java", "text/x-java"),
    ("c", "text/x-c"),
    ("h", "text/x-c"),
    ("cpp", "text/x-c++"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("ts", "text/typescript"),
    ("tsx", "text/typescript"),
    ("jsx", "text/javascript"),
    ("jsonl", "application/jsonl"),
    ("ipynb", "application/x-ipynb+json"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("toml", "application/toml"),
];

/// The type for a path, by its extension.
pub(crate) fn of(path: &str) -> &'static str {
    known(path).unwrap_or(UNKNOWN)
}

/// The same, or `None` where the extension says nothing.
pub(crate) fn known(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next()?;
    let extension = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?.1;
    let extension = extension.to_ascii_lowercase();
    let code = CODE.iter().find(|(known, _)| *known == extension).map(|(_, mime)| *mime);
    code.or_else(|| mime_guess::from_ext(&extension).first_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_everyday_names() {
        for (path, expected) in [
            ("/src/app.py", "text/x-python"),
            ("a/document.PDF", "application/pdf"),
            ("notes.md", "text/markdown"),
            ("t.csv", "text/csv"),
            ("x.ts", "text/typescript"),
            ("photo.jpg", "image/jpeg"),
            (".png", UNKNOWN),
            ("Makefile", UNKNOWN),
            ("archive.unknown-thing", UNKNOWN),
        ] {
            assert_eq!(of(path), expected, "{path}");
        }
    }
}
