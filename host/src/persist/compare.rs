//! What differs between two versions: which paths, and line by line in what is text.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::manifest::{Entry, Kind, Tree};
use super::{Blobs, PersistError};

/// Files longer than this are not compared line by line.
const MAX_TEXT_BYTES: u64 = 1 << 20;

/// Two texts may take this long to be compared; after that the difference is right and longer than
/// it need be.
const PATIENCE: Duration = Duration::from_millis(500);

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is only in the second.
    Added,
    /// It is another file, or the same with other rights.
    Changed,
    /// It is only in the first.
    Removed,
}

/// What differs between two trees, in order of the paths.
pub fn compare<'a>(from: &'a Tree, to: &'a Tree) -> Vec<(Difference, &'a str)> {
    let removed = from.keys().filter(|path| !to.contains_key(*path));
    let others = to.iter().filter_map(|(path, entry)| match from.get(path) {
        None => Some((Difference::Added, path.as_str())),
        Some(old) if same(old, entry) => None,
        Some(_) => Some((Difference::Changed, path.as_str())),
    });
    let mut all: Vec<_> =
        removed.map(|path| (Difference::Removed, path.as_str())).chain(others).collect();
    all.sort_unstable_by_key(|(_, path)| *path);
    all
}

fn same(one: &Entry, other: &Entry) -> bool {
    (&one.kind, one.mode, one.frozen) == (&other.kind, other.mode, other.frozen)
}

/// How the text at a path differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineDiff {
    /// Lines that are new.
    pub added: usize,
    /// Lines that are gone.
    pub removed: usize,
    /// The difference in unified form, with `a/` and `b/` before the path; empty where no line
    /// differs.
    pub unified: String,
}

/// How the text at `path` differs between two states of it, of which either may be none. `None`
/// where one of them is not text, or is longer than 1 MiB.
///
/// # Errors
/// When a blob is missing or damaged.
pub async fn line_diff(
    blobs: &Blobs,
    path: &str,
    (from, to): (Option<&Entry>, Option<&Entry>),
) -> Result<Option<LineDiff>, PersistError> {
    let Some(from) = text(blobs, path, from).await? else { return Ok(None) };
    let Some(to) = text(blobs, path, to).await? else { return Ok(None) };
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(&from, &to);
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    let unified =
        diff.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string();
    let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    Ok(Some(LineDiff { added, removed, unified }))
}

/// What [`line_diff`] would read, in bytes.
pub fn line_diff_cost((from, to): (Option<&Entry>, Option<&Entry>)) -> u64 {
    let sizes = [from, to].into_iter().flatten().filter_map(|entry| Some(entry.file()?.size));
    sizes.filter(|size| *size <= MAX_TEXT_BYTES).sum()
}

/// A file's text, if it is one that can be compared; nothing is an empty text.
async fn text(
    blobs: &Blobs,
    path: &str,
    entry: Option<&Entry>,
) -> Result<Option<String>, PersistError> {
    let digest = match entry.map(|entry| &entry.kind) {
        None => return Ok(Some(String::new())),
        Some(Kind::File(digest)) if digest.size <= MAX_TEXT_BYTES => digest,
        Some(_) => return Ok(None),
    };
    let mut content = Vec::new();
    let each = |piece: &[u8]| {
        content.extend_from_slice(piece);
        Ok(())
    };
    blobs.fetch(&digest.blake3, digest.size, path, each).await?;
    Ok(String::from_utf8(content).ok().filter(|text| !text.contains('\0')))
}
