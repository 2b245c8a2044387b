//! Times as people and clients read them.

/// A time in nanoseconds since 1970 as RFC 3339 in UTC, to the millisecond.
pub fn rfc3339(nanoseconds: u64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default();
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn milliseconds_are_always_there() {
        assert_eq!(super::rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(super::rfc3339(1_737_374_400_007_999_999), "2025-01-20T12:00:00.007Z");
    }
}
