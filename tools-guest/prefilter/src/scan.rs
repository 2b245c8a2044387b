//! Where one of several literals may begin.
//!
//! Of the places that all literals have, those are looked at where the fewest bytes of a text fit.
//! What fits at a place is a few patterns of bits: case is one bit of a letter, digits share their
//! upper half. The loop over a block has no branch in it, so that the compiler makes vectors of it.

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// Patterns of bits at one place.
const MOST_SHAPES: usize = 4;

/// Places that are looked at.
const PLACES: usize = 3;

/// Only the first bytes of the literals are considered.
const MOST_OFFSET: usize = 16;

/// A block of a text must rarely have a hit that is none: once in so many bytes, by
/// [`commonness`].
const RARE: u64 = 500;

/// Bytes that are this when only the bits of `mask` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    mask: u8,
    value: u8,
}

impl Shape {
    fn of(byte: u8) -> Shape {
        Shape { mask: 0xff, value: byte }
    }

    fn fits(self, byte: u8) -> bool {
        byte & self.mask == self.value
    }

    /// The narrowest that holds all of both.
    fn join(self, other: Shape) -> Shape {
        let mask = self.mask & other.mask & !(self.value ^ other.value);
        Shape { mask, value: self.value & mask }
    }
}

/// What may stand at one place.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: usize,
    shapes: [Shape; MOST_SHAPES],
    /// How often a byte of a text fits, of [`WHOLE`].
    common: u64,
}

impl Place {
    fn new(offset: usize, literals: &[Vec<u8>]) -> Place {
        let mut bytes: Vec<u8> = literals.iter().map(|literal| literal[offset]).collect();
        bytes.sort_unstable();
        bytes.dedup();
        let mut shapes: Vec<Shape> = bytes.into_iter().map(Shape::of).collect();
        // Two that together let the least more through become one; case never costs anything.
        while let Some((added, one, other)) = closest(&shapes)
            && (shapes.len() > MOST_SHAPES || added == 0)
        {
            let joined = shapes[one].join(shapes.swap_remove(other));
            shapes[one] = joined;
        }
        let common = common(&shapes);
        let last = shapes[shapes.len() - 1];
        shapes.resize(MOST_SHAPES, last);
        Place { offset, shapes: [shapes[0], shapes[1], shapes[2], shapes[3]], common }
    }

    /// How many different shapes there are.
    fn width(&self) -> usize {
        let last = self.shapes[MOST_SHAPES - 1];
        1 + self.shapes.iter().take_while(|shape| **shape != last).count()
    }

    fn fits<const WIDTH: usize>(&self, byte: u8) -> bool {
        self.shapes[..WIDTH].iter().fold(false, |fits, shape| fits | shape.fits(byte))
    }
}

/// The pair of shapes to be made one, with what that costs; the later one second.
fn closest(shapes: &[Shape]) -> Option<(u64, usize, usize)> {
    let pairs = (0..shapes.len()).flat_map(|one| (one + 1..shapes.len()).map(move |b| (one, b)));
    pairs
        .map(|(one, other)| {
            let joined = shapes[one].join(shapes[other]);
            let added = common(&[joined]).saturating_sub(common(&[shapes[one], shapes[other]]));
            (added, one, other)
        })
        .min()
}

/// How often a byte of a text fits one of these, of [`WHOLE`].
fn common(shapes: &[Shape]) -> u64 {
    let fits = |byte: &u8| shapes.iter().any(|shape| shape.fits(*byte));
    (0..=u8::MAX).filter(fits).map(commonness).sum()
}

/// What [`commonness`] comes to over all bytes.
const WHOLE: u64 = 2_627;

/// Roughly how often a byte stands in source and prose.
fn commonness(byte: u8) -> u64 {
    match byte {
        b' ' => 300,
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 100,
        b'a'..=b'z' => 30,
        b'\n' | b'\t' | b'0'..=b'9' | b'_' | b'.' | b',' | b'(' | b')' | b'"' => 20,
        b'A'..=b'Z' => 10,
        b'!'..=b'~' => 8,
        _ => 1,
    }
}

/// Finds where one of its literals may begin.
#[derive(Debug, Clone)]
pub(crate) struct Scanner {
    places: [Place; PLACES],
    width: usize,
    shortest: usize,
}

impl Scanner {
    /// For several literals. `None` where the engine's own way is better: for one literal, and for
    /// those that too much of a text looks like.
    pub(crate) fn new(literals: &[Vec<u8>]) -> Option<Scanner> {
        let shortest = literals.iter().map(Vec::len).min()?;
        if literals.len() < 2 || shortest < 2 {
            return None;
        }
        let offsets = 0..shortest.min(MOST_OFFSET);
        let mut places: Vec<Place> = offsets.map(|at| Place::new(at, literals)).collect();
        places.sort_by_key(|place| place.common);
        places.truncate(PLACES);
        // Of two the rarer one stands twice, and says nothing the second time.
        let (hits, of) =
            places.iter().fold((1u64, 1u64), |(hits, of), place| (hits * place.common, of * WHOLE));
        if hits.saturating_mul(RARE) > of {
            return None;
        }
        places.resize(PLACES, places[0]);
        let width = places.iter().map(Place::width).max()?;
        Some(Scanner { places: [places[0], places[1], places[2]], width, shortest })
    }

    /// The first byte from which one may stand.
    pub(crate) fn find(&self, text: &[u8]) -> Option<usize> {
        match self.width {
            1 => self.scan::<1>(text),
            2 => self.scan::<2>(text),
            _ => self.scan::<MOST_SHAPES>(text),
        }
    }

    fn scan<const WIDTH: usize>(&self, text: &[u8]) -> Option<usize> {
        let [first, second, third] = &self.places;
        let mut at = 0;
        while let Some(a) = block(text, at + first.offset)
            && let Some(b) = block(text, at + second.offset)
            && let Some(c) = block(text, at + third.offset)
        {
            let mut any = false;
            for byte in 0..BLOCK {
                any |= first.fits::<WIDTH>(a[byte])
                    & second.fits::<WIDTH>(b[byte])
                    & third.fits::<WIDTH>(c[byte]);
            }
            if any && let Some(found) = self.each::<WIDTH>(text, at..at + BLOCK) {
                return Some(found);
            }
            at += BLOCK;
        }
        let end = (text.len() + 1).saturating_sub(self.shortest);
        self.each::<WIDTH>(text, at..end)
    }

    /// Byte for byte. `starts` lie so that all places are within the text.
    fn each<const WIDTH: usize>(
        &self,
        text: &[u8],
        mut starts: std::ops::Range<usize>,
    ) -> Option<usize> {
        let fits = |start: usize, place: &Place| {
            text.get(start + place.offset).is_some_and(|byte| place.fits::<WIDTH>(*byte))
        };
        starts.find(|start| self.places.iter().all(|place| fits(*start, place)))
    }
}

fn block(text: &[u8], at: usize) -> Option<&[u8; BLOCK]> {
    text.get(at..)?.first_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn literals(texts: &[&str]) -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_shape_holds_what_it_was_made_of() {
        let case = Shape::of(b'K').join(Shape::of(b'k'));
        assert!(case.fits(b'k') && case.fits(b'K') && !case.fits(b'j'));
        let digits = (b'0'..=b'9').map(Shape::of).reduce(Shape::join).unwrap();
        assert!((b'0'..=b'9').all(|byte| digits.fits(byte)) && !digits.fits(b'a'));
    }

    #[test]
    fn parts_of_the_whole_are_the_whole() {
        assert_eq!((0..=u8::MAX).map(commonness).sum::<u64>(), WHOLE);
    }

    #[test]
    fn what_is_everywhere_is_not_looked_for() {
        for (texts, is_some) in [
            (&["error"][..], false),
            (&["a", "bc"], false),
            (&["  ", "e "], false),
            (&["error", "ERROR"], true),
            (&["qx", "zx"], true),
        ] {
            assert_eq!(Scanner::new(&literals(texts)).is_some(), is_some, "{texts:?}");
        }
    }

    proptest! {
        /// No place is left out at which a literal stands.
        #[test]
        fn nothing_is_passed_by(
            words in prop::collection::vec("[a-dA-D_0-2]{3,7}", 2..6),
            text in "[a-dA-D_0-2 \n]{0,400}",
        ) {
            let words: Vec<Vec<u8>> = words.into_iter().map(String::into_bytes).collect();
            let Some(scanner) = Scanner::new(&words) else { return Ok(()) };
            let text = text.as_bytes();
            let begins = |at: usize| words.iter().any(|word| text[at..].starts_with(word));
            for at in (0..text.len()).filter(|at| begins(*at)) {
                for from in 0..=at {
                    let found = scanner.find(&text[from..]);
                    prop_assert!(found.is_some_and(|found| from + found <= at));
                }
            }
        }
    }
}
