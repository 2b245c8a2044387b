//! Where the lines of a paragraph break.

/// Costs are areas: that of a line which misses its goal by so many columns, in tenths.
const fn area(columns: i64) -> i64 {
    columns * columns
}

/// What each line costs, so that fewer are better.
const LINE: i64 = area(70);

/// A break after a sentence, after other punctuation, and before an opening parenthesis is good.
const AFTER_SENTENCE: i64 = area(50);
const AFTER_PUNCTUATION: i64 = area(40);
const BEFORE_PARENTHESIS: i64 = area(40);

/// A break after a full stop that ends no sentence would make it look like one that does.
const AFTER_ABBREVIATION: i64 = area(600);

/// The first word of a sentence alone at the end of a line, and the last at the start of one; less
/// for longer words.
const WIDOW: i64 = area(200);
const ORPHAN: i64 = area(150);

/// What a later break may cost more to be where a long paragraph is cut.
const LATER: i64 = area(3);

const MAX_COST: i64 = i64::MAX;

/// How long lines may be, and should be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) width: usize,
    pub(super) goal: usize,
}

/// A word, with what follows it.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) text: Vec<u8>,
    /// Columns of the blanks after it, within a line.
    pub(super) space: usize,
    /// Whether it begins like a parenthesis.
    opens: bool,
    /// Whether it ends in punctuation, in that of a sentence, and whether it does end one.
    punctuation: bool,
    pub(super) period: bool,
    pub(super) ends: bool,
}

impl Word {
    pub(super) fn new(text: Vec<u8>) -> Word {
        let last = text.last().copied().unwrap_or_default();
        // A quotation or a parenthesis may close after the full stop.
        let closed = text.iter().skip(1).rev().take_while(|byte| b")]'\"".contains(byte)).count();
        let end = text.get(text.len().saturating_sub(1 + closed)).copied().unwrap_or_default();
        Word {
            space: 0,
            opens: text.first().is_some_and(|first| b"(['`\"".contains(first)),
            punctuation: last.is_ascii_punctuation(),
            period: b".?!".contains(&end),
            ends: false,
            text,
        }
    }
}

/// The best line that begins at a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Break {
    /// The first word of the line after it.
    pub(super) next: usize,
    /// Its columns.
    length: usize,
    /// What it and all after it cost.
    cost: i64,
}

/// The best line from each word on. `indents` are those of the first line and of the others; `last`
/// is the length of the line before the first, if there is one.
pub(super) fn choose(
    words: &[Word],
    room: Room,
    (first, other): (usize, usize),
    last: usize,
) -> Vec<Break> {
    let end = words.len();
    let none = Break { next: end, length: 0, cost: MAX_COST };
    let mut breaks = vec![none; end];
    for start in (0..end).rev() {
        let indent = if start == 0 { first } else { other };
        let mut length = indent + words[start].text.len();
        let mut best = none;
        for next in start + 1..=end {
            let after = breaks.get(next);
            let mut cost = after.map_or(0, |after| line(room, length, after, end) + after.cost);
            if start == 0 && last > 0 {
                cost += ragged(length, last);
            }
            if cost < best.cost {
                best = Break { next, length, cost };
            }
            let Some(word) = words.get(next) else { break };
            length += words[next - 1].space + word.text.len();
            if length >= room.width {
                break;
            }
        }
        best.cost += before(words, start);
        breaks[start] = best;
    }
    breaks
}

/// Where lines can be written of a paragraph that goes on: at the break that costs least.
pub(super) fn settled(breaks: &[Break]) -> usize {
    let (mut end, mut least) = (breaks.len(), MAX_COST);
    let mut at = breaks.first().map_or(0, |first| first.next);
    while let Some(here) = breaks.get(at) {
        let own = here.cost - breaks.get(here.next).map_or(0, |next| next.cost);
        if own < least {
            (end, least) = (at, own);
        }
        least = least.saturating_add(LATER);
        at = here.next;
    }
    end
}

/// What a line of this length costs before the line `after`.
fn line(room: Room, length: usize, after: &Break, end: usize) -> i64 {
    let short = area(10 * (room.goal as i64 - length as i64));
    // The last line may be as short as it is.
    let uneven = if after.next == end { 0 } else { ragged(length, after.length) };
    short + uneven
}

/// What two lines of unlike length cost.
fn ragged(length: usize, other: usize) -> i64 {
    area(10 * (length as i64 - other as i64)) / 2
}

/// What a break before a word costs.
fn before(words: &[Word], at: usize) -> i64 {
    let word = &words[at];
    let mut cost = LINE;
    if let Some(last) = at.checked_sub(1).map(|at| &words[at]) {
        if last.period {
            cost += if last.ends { -AFTER_SENTENCE } else { AFTER_ABBREVIATION };
        } else if last.punctuation {
            cost -= AFTER_PUNCTUATION;
        } else if at > 1 && words[at - 2].ends {
            cost += WIDOW / (last.text.len() as i64 + 2);
        }
    }
    if word.opens {
        cost -= BEFORE_PARENTHESIS;
    } else if word.ends {
        cost += ORPHAN / (word.text.len() as i64 + 2);
    }
    cost
}
