//! Which pages are meant.

use toolcell_sdk::Failure;
use toolcell_sdk::files::Target;

use crate::{MAX_PAGES, MAX_UNASKED};

/// The page numbers of a range such as `3`, `1-5` or `10-20`, from 1; all pages of a short
/// document without one.
pub(crate) fn choose(
    range: Option<&str>,
    total: usize,
    target: &Target,
) -> Result<Vec<usize>, Failure> {
    let path = &target.given;
    let Some(range) = range else {
        if total > MAX_UNASKED {
            let message = format!(
                "This PDF has {total} pages, too many to read at once: {path}. Use the pages \
                 parameter (e.g. pages: \"1-5\"), at most {MAX_PAGES} per request."
            );
            return Err(Failure::new("pdf_needs_pages", message));
        }
        return Ok((1..=total).collect());
    };
    let bad = |reason: String| Failure::new("invalid_params", reason);
    let (first, last) = parse(range).ok_or_else(|| {
        bad(format!("pages is {range:?}; expected a page (\"3\") or a range (\"1-5\")."))
    })?;
    if first > total {
        return Err(bad(format!("pages is {range:?}, but {path} has {total} pages.")));
    }
    let last = last.min(total);
    if last - first >= MAX_PAGES {
        let asked = last - first + 1;
        return Err(bad(format!(
            "pages is {range:?}, which is {asked} pages; at most {MAX_PAGES} per request."
        )));
    }
    Ok((first..=last).collect())
}

fn parse(range: &str) -> Option<(usize, usize)> {
    let number = |text: &str| text.trim().parse().ok().filter(|number| *number > 0);
    let (first, last) = match range.split_once('-') {
        None => (number(range)?, number(range)?),
        Some((first, last)) if last.trim().is_empty() => (number(first)?, usize::MAX),
        Some((first, last)) => (number(first)?, number(last)?),
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_r15_ranges() {
        let target = Target { given: "d.pdf".into(), path: "/d.pdf".into() };
        let choose = |range: Option<&str>, total| choose(range, total, &target);
        assert_eq!(choose(None, 3).unwrap(), [1, 2, 3]);
        assert_eq!(choose(Some("2"), 3).unwrap(), [2]);
        assert_eq!(choose(Some("2-9"), 3).unwrap(), [2, 3]);
        assert_eq!(choose(Some("28-"), 30).unwrap(), [28, 29, 30]);
        assert_eq!(choose(None, 11).unwrap_err().code, "pdf_needs_pages");
        for (range, total) in [("0", 3), ("x", 3), ("3-2", 3), ("4", 3), ("1-21", 30), ("", 3)] {
            assert_eq!(choose(Some(range), total).unwrap_err().code, "invalid_params", "{range}");
        }
    }
}
