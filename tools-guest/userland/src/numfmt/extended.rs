//! Numbers of 64 significant bits, which is what `numfmt` calculates with elsewhere: with fewer,
//! `--round=up` (and its default) would go up from other numbers than theirs.

use std::cmp::Ordering;

/// Binary places that are looked at when a number is written.
const PLACES: u32 = 120;

/// `mantissa * 2^exponent`; the highest bit of the mantissa of what is not zero is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extended {
    pub(super) negative: bool,
    mantissa: u64,
    exponent: i32,
}

impl From<u64> for Extended {
    fn from(value: u64) -> Self {
        Self::nearest(false, value.into(), 0, false)
    }
}

impl Extended {
    /// The number that is nearest, of two the even one; `more` says that there is less than a bit
    /// more to it than `mantissa`.
    fn nearest(negative: bool, mantissa: u128, exponent: i32, more: bool) -> Self {
        if mantissa == 0 {
            return Self { negative, mantissa: 0, exponent: 0 };
        }
        let bits = 128 - mantissa.leading_zeros();
        if bits <= 64 {
            let (mantissa, up) = (mantissa as u64, 64 - bits);
            return Self { negative, mantissa: mantissa << up, exponent: exponent - up as i32 };
        }
        let down = bits - 64;
        let (kept, cut) = (mantissa >> down, mantissa & ((1 << down) - 1));
        let up = match cut.cmp(&(1 << (down - 1))) {
            Ordering::Greater => true,
            Ordering::Equal => more || kept & 1 == 1,
            Ordering::Less => false,
        };
        let exponent = exponent + down as i32;
        match u64::try_from(kept + u128::from(up)) {
            Ok(mantissa) => Self { negative, mantissa, exponent },
            Err(_) => Self { negative, mantissa: 1 << 63, exponent: exponent + 1 },
        }
    }

    pub(super) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    pub(super) fn times(self, other: Self) -> Self {
        let product = u128::from(self.mantissa) * u128::from(other.mantissa);
        let negative = self.negative != other.negative;
        Self::nearest(negative, product, self.exponent + other.exponent, false)
    }

    /// `other` is not zero.
    pub(super) fn over(self, other: Self) -> Self {
        let (dividend, divisor) = (u128::from(self.mantissa) << 64, u128::from(other.mantissa));
        let (quotient, left) = (dividend / divisor, dividend % divisor * 2);
        // The next place, and one for what is behind it: the quotient may have 64 bits alone.
        let (next, more) = (u128::from(left >= divisor), u128::from(left % divisor != 0));
        let exponent = self.exponent - other.exponent - 66;
        let negative = self.negative != other.negative;
        Self::nearest(negative, quotient << 2 | next << 1 | more, exponent, false)
    }

    /// As much further from zero as `other` is, whose sign does not count.
    pub(super) fn and(self, other: Self) -> Self {
        let (large, small) = match self.size(other) {
            Ordering::Less => (other, self),
            _ => (self, other),
        };
        if small.is_zero() {
            return Self { negative: self.negative, ..large };
        }
        let apart = large.exponent.abs_diff(small.exponent);
        let added = u128::from(small.mantissa) << 63;
        let (added, more) = match apart {
            0..128 => (added >> apart, added & ((1 << apart) - 1) != 0),
            _ => (0, true),
        };
        let sum = (u128::from(large.mantissa) << 63) + added;
        Self::nearest(self.negative, sum, large.exponent - 63, more)
    }

    /// How the sizes compare, whatever the signs.
    pub(super) fn size(self, other: Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => (self.exponent, self.mantissa).cmp(&(other.exponent, other.mantissa)),
        }
    }

    /// The whole number towards zero, and whether there was more.
    pub(super) fn whole(self) -> (Self, bool) {
        match self.exponent {
            0.. => (self, false),
            -63..0 => {
                let down = self.exponent.unsigned_abs();
                let kept = self.mantissa >> down;
                let whole = Self::nearest(self.negative, kept.into(), 0, false);
                (whole, kept << down != self.mantissa)
            }
            _ => (Self { negative: self.negative, mantissa: 0, exponent: 0 }, !self.is_zero()),
        }
    }

    /// In digits, with as many places; the nearest, of two the even one. Without the sign.
    ///
    /// The number has at most 31 digits before the point.
    pub(super) fn digits(self, places: usize) -> String {
        let (mantissa, exponent) = (u128::from(self.mantissa), self.exponent);
        let (mut whole, mut rest) = match exponent {
            0.. => (mantissa << exponent, 0),
            -63..0 => {
                let part = mantissa & ((1 << -exponent) - 1);
                (mantissa >> -exponent, part << (PLACES as i32 + exponent))
            }
            -120..-63 => (0, mantissa << (PLACES as i32 + exponent)),
            _ => (0, mantissa.checked_shr((-exponent) as u32 - PLACES).unwrap_or(0)),
        };
        let mut digits = Vec::new();
        for _ in 0..places {
            rest *= 10;
            digits.push((rest >> PLACES) as u8);
            rest &= (1 << PLACES) - 1;
        }
        let last_is_odd = digits.last().copied().unwrap_or((whole & 1) as u8) % 2 == 1;
        let up = match rest.cmp(&(1 << (PLACES - 1))) {
            Ordering::Greater => true,
            Ordering::Equal => last_is_odd,
            Ordering::Less => false,
        };
        if up {
            match digits.iter().rposition(|digit| *digit < 9) {
                Some(at) => {
                    digits[at] += 1;
                    digits[at + 1..].fill(0);
                }
                None => {
                    digits.fill(0);
                    whole += 1;
                }
            }
        }
        let point = if places == 0 { "" } else { "." };
        let digits: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        format!("{whole}{point}{digits}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: Extended, places: usize, expected: &str) {
        assert_eq!(value.digits(places), expected);
    }

    #[test]
    fn arithmetic_is_that_of_64_bits() {
        let of = Extended::from;
        check(of(1).over(of(3)), 22, "0.3333333333333333333424");
        check(of(1070).over(of(1000)).times(of(100)), 20, "107.00000000000000000694");
        check(of(1).and(of(1).over(of(10))), 1, "1.1");
        check(of(u64::MAX).and(of(1)), 0, "18446744073709551616");
        check(of(5).over(of(2)), 0, "2");
        check(of(7).over(of(2)), 0, "4");
        check(of(999).over(of(1000)), 2, "1.00");
        check(of(0), 3, "0.000");
        assert_eq!(of(7).over(of(2)).whole(), (of(3), true));
        assert_eq!(of(1).over(of(2)).whole(), (of(0), true));
        assert_eq!(of(4).whole(), (of(4), false));
        assert_eq!(of(2).size(of(3)), Ordering::Less);
    }
}
