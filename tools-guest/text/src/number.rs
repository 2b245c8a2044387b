//! Numbers as C's `printf` writes them.

/// A number that is not negative, in C's conversion `f`, `e` or `g` (or the same in capitals).
pub fn float(letter: char, value: f64, precision: usize, alternate: bool) -> String {
    let upper = letter.is_ascii_uppercase();
    let text = if value.is_nan() {
        "nan".to_owned()
    } else if value.is_infinite() {
        "inf".to_owned()
    } else {
        match letter.to_ascii_lowercase() {
            'f' => format!("{value:.precision$}"),
            'e' => exponent(value, precision),
            _ => {
                let significant = precision.max(1);
                let power = match value == 0.0 {
                    true => 0,
                    false => {
                        let text = format!("{value:.*e}", significant - 1);
                        text.split_once('e').and_then(|(_, p)| p.parse().ok()).unwrap_or(0i32)
                    }
                };
                let text = if power < -4 || power >= significant as i32 {
                    exponent(value, significant - 1)
                } else {
                    let decimals = (significant as i32 - 1 - power).max(0) as usize;
                    format!("{value:.decimals$}")
                };
                if alternate { text } else { trim_zeros(&text) }
            }
        }
    };
    if upper { text.to_uppercase() } else { text }
}

fn exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.abs())
}

fn trim_zeros(text: &str) -> String {
    let (digits, power) = match text.split_once('e') {
        Some((digits, power)) => (digits, format!("e{power}")),
        None => (text, String::new()),
    };
    let digits = match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    };
    format!("{digits}{power}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_printf_writes_them() {
        for (letter, value, precision, text) in [
            ('f', 1.005, 2, "1.00"),
            ('e', 12345.678, 3, "1.235e+04"),
            ('E', 0.0, 1, "0.0E+00"),
            ('g', 100_000.0, 6, "100000"),
            ('g', 1e6, 6, "1e+06"),
            ('g', 0.0001, 6, "0.0001"),
            ('g', 0.00001, 6, "1e-05"),
            ('G', f64::INFINITY, 6, "INF"),
        ] {
            assert_eq!(float(letter, value, precision, false), text, "%{letter} of {value}");
        }
        assert_eq!(float('g', 1.0, 3, true), "1.00");
    }
}
