//! How sizes are shown: `-h`, `--si` and `--block-size`.

/// What sizes are counted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Blocks of so many bytes, rounded up, and what stands behind their number.
    Blocks(u64, String),
    /// At most three digits, by powers of 1024 or 1000.
    People(u64),
}

impl Unit {
    pub(crate) const KIB: Unit = Unit::Blocks(1 << 10, String::new());
    pub(crate) const MIB: Unit = Unit::Blocks(1 << 20, String::new());
    pub(crate) const BYTES: Unit = Unit::Blocks(1, String::new());

    /// What `--block-size` says: `4096`, `1K`, `MB`, `human-readable`. One without a number shows
    /// its letter.
    pub(crate) fn parse(text: &str) -> Option<Unit> {
        match text {
            "human-readable" => return Some(Unit::People(1024)),
            "si" => return Some(Unit::People(1000)),
            _ => {}
        }
        let letters = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &text[..text.len() - letters.len()];
        let count = if digits.is_empty() { 1 } else { digits.parse().ok()? };
        let (bytes, suffix) = match letters.chars().next() {
            None if digits.is_empty() => return None,
            None => (1, String::new()),
            Some(letter) => {
                let power = "KMGTPE".find(letter.to_ascii_uppercase())? as u32 + 1;
                let base: u64 = match &letters[1..] {
                    "" | "iB" => 1024,
                    "B" => 1000,
                    _ => return None,
                };
                let shown = match (letter.to_ascii_uppercase(), base) {
                    ('K', 1000) => 'k',
                    (letter, _) => letter,
                };
                (base.checked_pow(power)?, format!("{shown}{}", &letters[1..]))
            }
        };
        let bytes = bytes.checked_mul(count).filter(|bytes| *bytes > 0)?;
        Some(Unit::Blocks(bytes, if digits.is_empty() { suffix } else { String::new() }))
    }

    pub(crate) fn show(&self, size: u64) -> String {
        match self {
            Unit::Blocks(bytes, suffix) => format!("{}{suffix}", size.div_ceil(*bytes)),
            Unit::People(base) => human(size, *base),
        }
    }

    /// A unit's name, such as `1K` or `512B`.
    pub(crate) fn name(&self) -> String {
        let Unit::Blocks(bytes, _) = self else { return "1".to_owned() };
        for (base, end) in [(1024, ""), (1000, "B")] {
            let (mut count, mut power) = (*bytes, 0);
            while power < 6 && count % base == 0 {
                (count, power) = (count / base, power + 1);
            }
            if power > 0 {
                let letters = if base == 1000 { b"kMGTPE" } else { b"KMGTPE" };
                return format!("{count}{}{end}", char::from(letters[power - 1]));
            }
        }
        format!("{bytes}B")
    }
}

/// A size as `-h` shows it: at most three digits, rounded up.
pub(crate) fn human(size: u64, base: u64) -> String {
    if size < base {
        return size.to_string();
    }
    let units = if base == 1000 { "kMGTPE" } else { "KMGTPE" };
    let mut scale = base;
    for unit in units.chars() {
        // Rounded up to a tenth; a value of ten or more has no tenths.
        let tenths = (u128::from(size) * 10).div_ceil(u128::from(scale));
        if tenths < 100 {
            return format!("{}.{}{unit}", tenths / 10, tenths % 10);
        }
        let whole = size.div_ceil(scale);
        if whole < base {
            return format!("{whole}{unit}");
        }
        scale = scale.saturating_mul(base);
    }
    size.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (size, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10 << 10, "10K"),
            ((10 << 10) + 1, "11K"),
            (1023 << 10, "1023K"),
            ((1023 << 10) + 1, "1.0M"),
            (50 << 20, "50M"),
            (u64::MAX, "16E"),
        ] {
            assert_eq!(human(size, 1024), text);
        }
        assert_eq!(human(1500, 1000), "1.5k");
    }

    #[test]
    fn units_are_read_and_named() {
        for (text, shown, name) in [
            ("1", "5000", "1B"),
            ("K", "5K", "1K"),
            ("1K", "5", "1K"),
            ("1024", "5", "1K"),
            ("KiB", "5KiB", "1K"),
            ("kB", "5kB", "1kB"),
            ("MB", "1MB", "1MB"),
            ("M", "1M", "1M"),
            ("512", "10", "512B"),
            ("2k", "3", "2K"),
            ("si", "5.0k", "1"),
        ] {
            let unit = Unit::parse(text).unwrap();
            assert_eq!((unit.show(5_000).as_str(), unit.name().as_str()), (shown, name), "{text}");
        }
        for text in ["", "0", "x", "1x", "KX", "-1", "99999999999E"] {
            assert_eq!(Unit::parse(text), None, "{text}");
        }
    }
}
