//! Standard input, line by line.

use std::io::{self, BufRead as _, BufReader, Read};

use toolcell_program::open_input;

/// Standard input, from which come a program's lines and what it reads. It is opened when the first
/// of them is asked for.
#[derive(Default)]
pub(crate) struct Input {
    reader: Option<BufReader<Box<dyn Read>>>,
}

impl Input {
    /// Whether the next line may have to be waited for: what was printed is to be written before.
    pub(crate) fn is_spent(&self) -> bool {
        self.reader.as_ref().is_none_or(|reader| !reader.buffer().contains(&b'\n'))
    }

    /// Appends a line, and gives how many bytes it has; none at the end.
    pub(crate) fn append_line(&mut self, text: &mut Vec<u8>) -> io::Result<usize> {
        let reader = self.reader.get_or_insert_with(|| BufReader::new(open_input()));
        reader.read_until(b'\n', text)
    }
}

/// How many more of one sign than of the other there are.
pub(crate) fn surplus(text: &[u8], opening: u8, closing: u8) -> i64 {
    let one = |byte: &u8| i64::from(*byte == opening) - i64::from(*byte == closing);
    text.iter().map(one).sum()
}
