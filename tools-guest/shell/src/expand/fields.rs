//! Building the fields that a word becomes.

/// One field, with what of it was quoted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Field {
    pub(crate) text: String,
    /// Ranges of bytes that were quoted, in order.
    quoted: Vec<(usize, usize)>,
}

impl Field {
    fn push(&mut self, text: &str, quoted: bool) {
        let from = self.text.len();
        self.text.push_str(text);
        if !quoted || text.is_empty() {
            return;
        }
        match self.quoted.last_mut() {
            Some((_, end)) if *end == from => *end = self.text.len(),
            _ => self.quoted.push((from, self.text.len())),
        }
    }

    /// Pieces of text, each with whether it was quoted.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (&str, bool)> {
        let mut at = 0;
        let mut pieces = Vec::new();
        for (from, to) in &self.quoted {
            if at < *from {
                pieces.push((&self.text[at..*from], false));
            }
            pieces.push((&self.text[*from..*to], true));
            at = *to;
        }
        if at < self.text.len() {
            pieces.push((&self.text[at..], false));
        }
        pieces.into_iter()
    }

    /// Whether something unquoted could be a pattern.
    pub(crate) fn is_pattern(&self, extglob: bool) -> bool {
        // A bracket alone, such as the command `[`, is none.
        let mut open = false;
        self.pieces().filter(|(_, quoted)| !quoted).any(|(text, _)| {
            let closes = text.rfind(']').is_some_and(|end| open || text[..end].contains('['));
            open |= text.contains('[');
            closes
                || text.contains(['*', '?'])
                || extglob && ["@(", "+(", "!("].iter().any(|start| text.contains(start))
        })
    }

    /// As a pattern, in which what was quoted stands for itself.
    pub(crate) fn pattern(&self) -> String {
        if self.quoted.is_empty() {
            return self.text.clone();
        }
        let mut into = String::new();
        for (text, quoted) in self.pieces() {
            match quoted {
                true => toolcell_text::escape_pattern(text, &mut into),
                false => into.push_str(text),
            }
        }
        into
    }

    /// As a trace shows a pattern: what was quoted after a backslash each.
    pub(crate) fn traced_pattern(&self) -> String {
        let mut shown = String::new();
        for (text, quoted) in self.pieces() {
            for c in text.chars() {
                if quoted {
                    shown.push('\\');
                }
                shown.push(c);
            }
        }
        shown
    }
}

/// What separates fields.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ifs {
    text: String,
    default: bool,
}

impl Ifs {
    pub(crate) fn new(value: Option<&String>) -> Ifs {
        let text = value.map_or(" \t\n", String::as_str).to_owned();
        Ifs { default: text == " \t\n", text }
    }

    pub(crate) fn is_white(&self, c: char) -> bool {
        matches!(c, ' ' | '\t' | '\n') && self.text.contains(c)
    }

    pub(crate) fn has(&self, c: char) -> bool {
        if self.default { matches!(c, ' ' | '\t' | '\n') } else { self.text.contains(c) }
    }

    /// What `$*` joins with.
    pub(crate) fn joiner(&self) -> String {
        self.text.chars().next().map(String::from).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// Fields being built.
#[derive(Debug)]
pub(crate) struct Fields {
    done: Vec<Field>,
    current: Option<Field>,
    ifs: Ifs,
    /// Whether unquoted expansions are split; otherwise there is one field.
    splits: bool,
    /// Whether the field is to be a variable's value, or a here-string.
    is_value: bool,
    after_white: bool,
}

impl Fields {
    pub(crate) fn new(ifs: Ifs, splits: bool) -> Fields {
        let (done, current) = (Vec::new(), None);
        Fields { done, current, ifs, splits, is_value: false, after_white: false }
    }

    /// One field that is to be a variable's value, or a here-string.
    pub(crate) fn value(ifs: Ifs) -> Fields {
        Fields { is_value: true, ..Fields::new(ifs, false) }
    }

    pub(crate) fn is_value(&self) -> bool {
        self.is_value
    }

    pub(crate) fn splits(&self) -> bool {
        self.splits
    }

    pub(crate) fn ifs(&self) -> &Ifs {
        &self.ifs
    }

    /// Text that is not split. Even empty text makes a field when it was quoted.
    pub(crate) fn push(&mut self, text: &str, quoted: bool) {
        if quoted || !text.is_empty() {
            self.current.get_or_insert_default().push(text, quoted);
            self.after_white = false;
        }
    }

    /// The result of an unquoted expansion.
    pub(crate) fn push_split(&mut self, text: &str) {
        if !self.splits {
            return self.push(text, false);
        }
        if !text.contains(|c| self.ifs.has(c)) {
            return self.push(text, false);
        }
        for c in text.chars() {
            if !self.ifs.has(c) {
                self.current.get_or_insert_default().push(c.encode_utf8(&mut [0; 4]), false);
                self.after_white = false;
            } else if self.ifs.is_white(c) {
                if self.finish() {
                    self.after_white = true;
                }
            } else if !self.finish() {
                if !self.after_white {
                    self.done.push(Field::default());
                }
                self.after_white = false;
            }
        }
    }

    /// Ends the field, as between the elements of `"$@"`.
    pub(crate) fn finish(&mut self) -> bool {
        match self.current.take() {
            Some(field) => {
                self.done.push(field);
                true
            }
            None => false,
        }
    }

    pub(crate) fn into_fields(mut self) -> Vec<Field> {
        self.finish();
        self.done
    }

    /// All of it as one field.
    pub(crate) fn into_field(self) -> Field {
        let mut fields = self.into_fields().into_iter();
        let mut first = fields.next().unwrap_or_default();
        for field in fields {
            first.push(" ", false);
            for (text, quoted) in field.pieces() {
                first.push(text, quoted);
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ifs: &str, text: &str, expected: &[&str]) {
        let mut fields = Fields::new(Ifs::new(Some(&ifs.to_owned())), true);
        fields.push_split(text);
        let fields: Vec<String> = fields.into_fields().into_iter().map(|f| f.text).collect();
        assert_eq!(fields, expected, "{ifs:?} {text:?}");
    }

    #[test]
    fn splits_as_posix_says() {
        check(" \t\n", "  a  b ", &["a", "b"]);
        check(":", "a::b:", &["a", "", "b"]);
        check(" :", " a : b ::c", &["a", "b", "", "c"]);
        check(" :", " :a", &["", "a"]);
        check("", "a b", &["a b"]);
    }
}
