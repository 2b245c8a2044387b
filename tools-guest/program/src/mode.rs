//! Permission bits as text: `rwxr-xr-x`, `644`, `u+x,go-w`.

use crate::files::Kind;

/// The first ten characters of `ls -l`.
pub fn shown(kind: Kind, mode: u32) -> String {
    let mut text = String::with_capacity(10);
    text.push(match kind {
        Kind::Directory => 'd',
        Kind::Symlink => 'l',
        Kind::Character => 'c',
        Kind::Pipe => 'p',
        Kind::File | Kind::Other => '-',
    });
    for shift in [6, 3, 0] {
        for (bit, letter) in [(4, 'r'), (2, 'w'), (1, 'x')] {
            text.push(if mode >> shift & bit != 0 { letter } else { '-' });
        }
    }
    text
}

/// What `chmod` makes of `mode` for this operand: octal digits, or clauses such as `u+x,go=`.
/// `None` if it is neither.
pub fn changed(operand: &str, mode: u32, directory: bool) -> Option<u32> {
    if operand.starts_with(|c: char| c.is_ascii_digit()) {
        return u32::from_str_radix(operand, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    operand.split(',').try_fold(mode, |mode, clause| changed_by(clause, mode, directory))
}

fn changed_by(clause: &str, mut mode: u32, directory: bool) -> Option<u32> {
    let at = clause.find(['+', '-', '='])?;
    let (who, mut rest) = clause.split_at(at);
    let mut whose = 0;
    for letter in who.chars() {
        whose |= match letter {
            'u' => 0o700,
            'g' => 0o070,
            'o' => 0o007,
            'a' => 0o777,
            _ => return None,
        };
    }
    // Without a name it is everybody, less what the usual umask of 022 holds back.
    let (whose, held) = if who.is_empty() { (0o777, 0o022) } else { (whose, 0) };
    while let Some(operator) = rest.chars().next() {
        rest = &rest[1..];
        let end = rest.find(['+', '-', '=']).unwrap_or(rest.len());
        let (letters, after) = rest.split_at(end);
        rest = after;
        let mut bits = 0;
        for letter in letters.chars() {
            bits |= match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if directory || mode & 0o111 != 0 => 0o111,
                'X' | 's' | 't' => 0,
                'u' => (mode >> 6 & 7) * 0o111,
                'g' => (mode >> 3 & 7) * 0o111,
                'o' => (mode & 7) * 0o111,
                _ => return None,
            };
        }
        let bits = bits & whose & !held;
        mode = match operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            '=' => mode & !whose | bits,
            _ => return None,
        };
    }
    Some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_as_chmod_takes_them() {
        for (operand, before, after) in [
            ("755", 0o644, Some(0o755)),
            ("+x", 0o644, Some(0o755)),
            ("u+x", 0o644, Some(0o744)),
            ("a+w", 0o644, Some(0o666)),
            ("+w", 0o444, Some(0o644)),
            ("go-r", 0o644, Some(0o600)),
            ("u=rwx,go=rx", 0o600, Some(0o755)),
            ("go=", 0o755, Some(0o700)),
            ("g=u", 0o640, Some(0o660)),
            ("u+x-w", 0o644, Some(0o544)),
            ("+X", 0o644, Some(0o644)),
            ("+X", 0o744, Some(0o755)),
            ("999", 0o644, None),
            ("z+x", 0o644, None),
            ("x", 0o644, None),
        ] {
            assert_eq!(changed(operand, before, false), after, "{operand}");
        }
        assert_eq!(changed("+X", 0o644, true), Some(0o755));
        assert_eq!(shown(Kind::Directory, 0o755), "drwxr-xr-x");
    }
}
