//! Decimal numbers of any length: an integer and how many of its digits stand after the point.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer as _;
use num_traits::{One as _, Pow, Signed as _, ToPrimitive as _, Zero as _};

/// Decimal digits that a number may have, before and after the point. Against `9^9^9`.
const MAX_DIGITS: u64 = 1_000_000;

/// A number.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    digits: BigInt,
    scale: u32,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    DivideByZero,
    NegativeRoot,
    TooLarge,
}

impl Trouble {
    pub(crate) fn text(&self) -> &'static str {
        match self {
            Trouble::DivideByZero => "Divide by zero",
            Trouble::NegativeRoot => "Square root of a negative number",
            Trouble::TooLarge => "number is too large",
        }
    }
}

fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10u32).pow(exponent)
}

impl Number {
    pub(crate) fn zero() -> Number {
        Number { digits: BigInt::zero(), scale: 0 }
    }

    pub(crate) fn integer(value: i64) -> Number {
        Number { digits: value.into(), scale: 0 }
    }

    /// The number that `text` writes in this base; digits beyond the base count as its highest,
    /// but for a single one.
    pub(crate) fn parse(text: &str, base: u32) -> Number {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let alone = whole.len() + fraction.len() == 1;
        let digit = |c: char| {
            let digit = c.to_digit(36).unwrap_or(0);
            if digit < base || alone { digit } else { base - 1 }
        };
        if base == 10 {
            let all: String = whole
                .chars()
                .chain(fraction.chars())
                .map(|c| char::from_digit(digit(c).min(9), 10).unwrap_or('0'))
                .collect();
            let single = alone.then(|| digit(text.chars().find(|c| *c != '.').unwrap_or('0')));
            let digits = match single {
                Some(value) => BigInt::from(value),
                None => all.parse().unwrap_or_default(),
            };
            return Number { digits, scale: fraction.len() as u32 };
        }
        let mut digits = BigInt::zero();
        for c in whole.chars() {
            digits = digits * base + digit(c);
        }
        let scale = fraction.len() as u32;
        if scale == 0 {
            return Number { digits, scale: 0 };
        }
        let mut numerator = BigInt::zero();
        for c in fraction.chars() {
            numerator = numerator * base + digit(c);
        }
        let part = numerator * power_of_ten(scale) / BigInt::from(base).pow(scale);
        Number { digits: digits * power_of_ten(scale) + part, scale }
    }

    pub(crate) fn scale(&self) -> u32 {
        self.scale
    }

    /// How many digits it has.
    pub(crate) fn length(&self) -> u64 {
        if self.digits.is_zero() {
            return u64::from(self.scale.max(1));
        }
        (self.digits.magnitude().to_string().len() as u64).max(u64::from(self.scale))
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.digits.is_zero()
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.digits.is_negative()
    }

    /// What stands before the point, if it fits.
    pub(crate) fn to_i64(&self) -> Option<i64> {
        (&self.digits / power_of_ten(self.scale)).to_i64()
    }

    /// The same number with this many digits after the point; more are cut off.
    pub(crate) fn rescaled(&self, scale: u32) -> Number {
        let digits = match scale.cmp(&self.scale) {
            Ordering::Equal => self.digits.clone(),
            Ordering::Greater => &self.digits * power_of_ten(scale - self.scale),
            Ordering::Less => &self.digits / power_of_ten(self.scale - scale),
        };
        Number { digits, scale }
    }

    pub(crate) fn negated(&self) -> Number {
        Number { digits: -&self.digits, scale: self.scale }
    }

    pub(crate) fn plus(&self, other: &Number) -> Number {
        let scale = self.scale.max(other.scale);
        let digits = self.rescaled(scale).digits + other.rescaled(scale).digits;
        Number { digits, scale }
    }

    pub(crate) fn minus(&self, other: &Number) -> Number {
        self.plus(&other.negated())
    }

    pub(crate) fn times(&self, other: &Number, scale: u32) -> Result<Number, Trouble> {
        if self.length() + other.length() > MAX_DIGITS {
            return Err(Trouble::TooLarge);
        }
        let full = self.scale + other.scale;
        let product = Number { digits: &self.digits * &other.digits, scale: full };
        Ok(product.rescaled(full.min(scale.max(self.scale).max(other.scale))))
    }

    pub(crate) fn divided(&self, other: &Number, scale: u32) -> Result<Number, Trouble> {
        if other.is_zero() {
            return Err(Trouble::DivideByZero);
        }
        if u64::from(scale) > MAX_DIGITS {
            return Err(Trouble::TooLarge);
        }
        // numerator * 10^(scale + other.scale - self.scale) / denominator, cut off.
        let shift = i64::from(scale) + i64::from(other.scale) - i64::from(self.scale);
        let digits = match u32::try_from(shift) {
            Ok(shift) => &self.digits * power_of_ten(shift) / &other.digits,
            Err(_) => {
                let down = u32::try_from(-shift).unwrap_or(u32::MAX);
                &self.digits / (&other.digits * power_of_ten(down))
            }
        };
        Ok(Number { digits, scale })
    }

    /// What a division to `scale` leaves.
    pub(crate) fn remainder(&self, other: &Number, scale: u32) -> Result<Number, Trouble> {
        let quotient = self.divided(other, scale)?;
        let scale = self.scale.max(scale + other.scale);
        let product = Number {
            digits: &quotient.digits * &other.digits,
            scale: quotient.scale + other.scale,
        };
        Ok(self.minus(&product).rescaled(scale))
    }

    /// To the power of what stands before `exponent`'s point.
    pub(crate) fn power(&self, exponent: &Number, scale: u32) -> Result<Number, Trouble> {
        let exponent = exponent.to_i64().ok_or(Trouble::TooLarge)?;
        let times = exponent.unsigned_abs();
        if self.length().saturating_mul(times) > MAX_DIGITS && !self.is_zero() && !self.is_unit() {
            return Err(Trouble::TooLarge);
        }
        let times = u32::try_from(times).unwrap_or(u32::MAX - 1 + (times % 2) as u32);
        let full = u64::from(self.scale) * u64::from(times);
        let full = u32::try_from(full).map_err(|_| Trouble::TooLarge)?;
        let power = Number { digits: Pow::pow(&self.digits, times), scale: full };
        if exponent < 0 {
            return Number::integer(1).divided(&power, scale);
        }
        Ok(power.rescaled(full.min(scale.max(self.scale))))
    }

    fn is_unit(&self) -> bool {
        self.scale == 0 && self.digits.magnitude().is_one()
    }

    pub(crate) fn square_root(&self, scale: u32) -> Result<Number, Trouble> {
        if self.is_negative() {
            return Err(Trouble::NegativeRoot);
        }
        // As in GNU's, what is its own root has no places.
        let whole = self.rescaled(0);
        if whole.digits <= 1.into() && whole.rescaled(self.scale).digits == self.digits {
            return Ok(whole);
        }
        let scale = scale.max(self.scale);
        let wide = self.rescaled(scale * 2);
        Ok(Number { digits: wide.digits.sqrt(), scale })
    }

    /// The number in this base, digits above 9 as capitals; from base 17 on, each digit is a
    /// decimal number after a blank.
    pub(crate) fn text(&self, base: u32) -> String {
        if base == 10 {
            let mut digits = self.digits.magnitude().to_string();
            let scale = self.scale as usize;
            if scale == 0 {
                return self.signed(digits);
            }
            while digits.len() < scale {
                digits.insert(0, '0');
            }
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            if self.is_zero() {
                return "0".to_owned();
            }
            return self.signed(format!("{whole}.{fraction}"));
        }
        let size = power_of_ten(self.scale);
        let (whole, mut part) = self.digits.abs().div_rem(&size);
        let width = (base - 1).to_string().len();
        let digit = |value: u32| match base {
            ..=16 => char::from_digit(value, 16).unwrap_or('0').to_ascii_uppercase().to_string(),
            _ => format!(" {value:0width$}"),
        };
        let mut digits = Vec::new();
        let mut left = whole;
        while !left.is_zero() {
            let (rest, value) = left.div_rem(&BigInt::from(base));
            digits.push(digit(value.to_u32().unwrap_or(0)));
            left = rest;
        }
        digits.reverse();
        let mut text = digits.concat();
        if self.scale > 0 {
            text.push('.');
            // As many digits as the scale's last decimal needs.
            let mut reach = BigInt::one();
            while reach < size {
                part *= base;
                let (value, rest) = part.div_rem(&size);
                text.push_str(&digit(value.to_u32().unwrap_or(0)));
                part = rest;
                reach *= base;
            }
        }
        if text.is_empty() {
            text.push_str(&digit(0));
        }
        self.signed(text)
    }

    fn signed(&self, text: String) -> String {
        if self.is_negative() { format!("-{text}") } else { text }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let scale = self.scale.max(other.scale);
        self.rescaled(scale).digits.cmp(&other.rescaled(scale).digits)
    }
}

/// A line as bc and dc print it: broken after 69 characters with a backslash.
pub(crate) fn folded(text: &str) -> String {
    const WIDTH: usize = 69;
    let limit = match std::env::var("BC_LINE_LENGTH").or_else(|_| std::env::var("DC_LINE_LENGTH")) {
        Ok(text) => match text.parse::<usize>() {
            Ok(0) => usize::MAX,
            Ok(length @ 3..) => length - 1,
            _ => WIDTH,
        },
        Err(_) => WIDTH,
    };
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= limit {
        return text.to_owned();
    }
    let lines: Vec<String> = chars.chunks(limit - 1).map(|line| line.iter().collect()).collect();
    lines.join("\\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        match text.strip_prefix('-') {
            Some(text) => Number::parse(text, 10).negated(),
            None => Number::parse(text, 10),
        }
    }

    #[test]
    fn arithmetic_with_scales() {
        assert_eq!(n("1.50").plus(&n("1")).text(10), "2.50");
        assert_eq!(n("10").divided(&n("3"), 3).unwrap().text(10), "3.333");
        assert_eq!(n("-5").divided(&n("2"), 0).unwrap().text(10), "-2");
        assert_eq!(n("1").divided(&n("8"), 2).unwrap().text(10), ".12");
        assert_eq!(n("7").remainder(&n("3"), 0).unwrap().text(10), "1");
        assert_eq!(n("7.5").remainder(&n("2"), 2).unwrap().text(10), "0");
        assert_eq!(n("1.23").times(&n("4.56"), 2).unwrap().text(10), "5.60");
        assert_eq!(n("2").power(&n("100"), 0).unwrap().text(10), "1267650600228229401496703205376");
        assert_eq!(n("2").power(&n("-2"), 4).unwrap().text(10), ".2500");
        assert_eq!(n("2").square_root(5).unwrap().text(10), "1.41421");
        assert_eq!(n("1").divided(&n("0.00"), 5), Err(Trouble::DivideByZero));
        assert_eq!(n("-1").square_root(5), Err(Trouble::NegativeRoot));
        assert_eq!(n("9").power(&n("999999999"), 0), Err(Trouble::TooLarge));
    }

    #[test]
    fn bases() {
        assert_eq!(Number::parse("FF", 16).text(10), "255");
        assert_eq!(n("10").text(2), "1010");
        assert_eq!(n("255").text(16), "FF");
        assert_eq!(n("0.5").text(2), ".1000");
        assert_eq!(n("1000").text(100), " 10 00");
        assert_eq!(n("0").text(2), "0");
    }

    #[test]
    fn long_lines_are_broken() {
        assert_eq!(folded(&"1".repeat(69)), "1".repeat(69));
        assert_eq!(folded(&"1".repeat(70)), format!("{}\\\n11", "1".repeat(68)));
    }
}
