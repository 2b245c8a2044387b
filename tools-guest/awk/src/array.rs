//! Arrays.

use std::hash::{BuildHasher as _, Hash, Hasher};

use hashbrown::hash_table::Entry as Place;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::text::Text;
use crate::value::Value;

/// What a place in an array is found by. `a[1]` and `a["1"]` are the same place.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    Whole(i64),
    Text(Text),
}

/// The same, to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sought<'a> {
    Whole(i64),
    Text(&'a [u8]),
}

/// Digits of the whole numbers that are kept as such.
const MAX_DIGITS: usize = 15;

impl<'a> Sought<'a> {
    /// Text, which may be how a whole number is written.
    pub(crate) fn text(bytes: &'a [u8]) -> Sought<'a> {
        let (sign, digits) = match bytes {
            [b'-', digits @ ..] => (-1, digits),
            digits => (1, digits),
        };
        let canonical = match digits {
            [b'0'] => sign > 0,
            [b'1'..=b'9', rest @ ..] => {
                rest.len() < MAX_DIGITS && rest.iter().all(u8::is_ascii_digit)
            }
            _ => false,
        };
        if !canonical {
            return Sought::Text(bytes);
        }
        let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        Sought::Whole(sign * value)
    }
}

impl Key {
    /// To look for it.
    pub(crate) fn sought(&self) -> Sought<'_> {
        match self {
            Key::Whole(whole) => Sought::Whole(*whole),
            Key::Text(text) => Sought::Text(text),
        }
    }

    fn of(sought: Sought<'_>) -> Key {
        match sought {
            Sought::Whole(whole) => Key::Whole(whole),
            Sought::Text(bytes) => Key::Text(Text::from(bytes)),
        }
    }

    /// As a value: text, as POSIX has it.
    pub(crate) fn value(&self) -> Value {
        match self {
            Key::Whole(whole) => Value::text(itoa::Buffer::new().format(*whole).as_bytes()),
            Key::Text(text) => Value::Text(text.clone()),
        }
    }
}

impl Hash for Sought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Sought::Whole(whole) => state.write_i64(*whole),
            Sought::Text(bytes) => state.write(bytes),
        }
    }
}

/// An array, which lists its keys in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Array {
    entries: HashTable<Entry>,
    hasher: DefaultHashBuilder,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    age: u64,
    value: Value,
}

impl Array {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn has(&self, key: Sought<'_>) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn get(&self, key: Sought<'_>) -> Option<&Value> {
        let hash = self.hasher.hash_one(key);
        let found = self.entries.find(hash, |entry| entry.key.sought() == key);
        found.map(|entry| &entry.value)
    }

    pub(crate) fn remove(&mut self, key: Sought<'_>) {
        let hash = self.hasher.hash_one(key);
        if let Ok(entry) = self.entries.find_entry(hash, |entry| entry.key.sought() == key) {
            entry.remove();
        }
    }

    /// The value of a key, made if there is none.
    pub(crate) fn entry(&mut self, key: Sought<'_>) -> &mut Value {
        let Array { entries, hasher, clock } = self;
        let place = entries.entry(
            hasher.hash_one(key),
            |entry| entry.key.sought() == key,
            |entry| hasher.hash_one(entry.key.sought()),
        );
        let entry = match place {
            Place::Occupied(entry) => entry.into_mut(),
            Place::Vacant(place) => {
                *clock += 1;
                let entry = Entry { key: Key::of(key), age: *clock, value: Value::Unset };
                place.insert(entry).into_mut()
            }
        };
        &mut entry.value
    }

    /// Instead of all that is there, these values, by the numbers from 1.
    pub(crate) fn fill(&mut self, values: impl IntoIterator<Item = Value>) {
        self.entries.clear();
        for (at, value) in (1..).zip(values) {
            *self.entry(Sought::Whole(at)) = value;
        }
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<(u64, &Key)> =
            self.entries.iter().map(|entry| (entry.age, &entry.key)).collect();
        keys.sort_unstable_by_key(|(age, _)| *age);
        keys.into_iter().map(|(_, key)| key.clone()).collect()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        self.entries.iter().map(|entry| &entry.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_text_are_one_key() {
        for (text, whole) in [
            ("0", Some(0)),
            ("17", Some(17)),
            ("-3", Some(-3)),
            ("-0", None),
            ("01", None),
            ("", None),
            ("1.0", None),
        ] {
            let expected = whole.map_or(Sought::Text(text.as_bytes()), Sought::Whole);
            assert_eq!(Sought::text(text.as_bytes()), expected, "{text}");
        }
        let mut array = Array::default();
        *array.entry(Sought::Whole(5)) = Value::Number(1.0);
        *array.entry(Sought::text(b"x")) = Value::Number(2.0);
        *array.entry(Sought::text(b"5")) = Value::Number(3.0);
        assert_eq!(array.len(), 2);
        assert_eq!(array.get(Sought::Whole(5)).map(Value::number), Some(3.0));
        let keys: Vec<_> = array.keys().iter().map(|key| key.value().to_text(b"")).collect();
        assert_eq!(keys.iter().map(|key| &**key).collect::<Vec<_>>(), [&b"5"[..], b"x"]);
    }
}
