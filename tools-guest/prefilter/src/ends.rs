//! What the lines that match end with, where a pattern says so.

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, HirKind, Look};

/// What a line that matches ends with: one of these, all of the same length. `None` where that is
/// not known, or where the engine has more to look for than this.
pub(crate) fn endings(patterns: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut endings = Vec::new();
    let mut longest = 0;
    for pattern in patterns {
        let HirKind::Concat(parts) = pattern.kind() else { return None };
        let (HirKind::Look(Look::EndLF | Look::EndCRLF), before) =
            parts.split_last().map(|(last, before)| (last.kind(), before))?
        else {
            return None;
        };
        let before = Hir::concat(before.to_vec());
        let found = Extractor::new().kind(ExtractKind::Suffix).extract(&before);
        endings.extend(found.literals()?.iter().map(|literal| literal.as_bytes().to_vec()));
        longest = longest.max(longest_literal(&before));
    }
    let shortest = endings.iter().map(Vec::len).min().filter(|length| *length > 0)?;
    if longest > shortest {
        return None;
    }
    for ending in &mut endings {
        ending.drain(..ending.len() - shortest);
    }
    endings.sort_unstable();
    endings.dedup();
    Some(endings)
}

/// Bytes of the longest text that every match contains as it is written.
fn longest_literal(pattern: &Hir) -> usize {
    match pattern.kind() {
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Capture(capture) => longest_literal(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => longest_literal(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().map(longest_literal).max().unwrap_or(0),
        _ => 0,
    }
}
