//! Variables: their values, attributes and scopes.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

/// Attributes, as `declare` shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Attributes {
    pub(crate) export: bool,
    pub(crate) readonly: bool,
    pub(crate) integer: bool,
    pub(crate) lower: bool,
    pub(crate) upper: bool,
    pub(crate) nameref: bool,
    pub(crate) trace: bool,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Var {
    pub(crate) value: Value,
    pub(crate) attributes: Attributes,
}

/// What a variable holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) enum Value {
    /// Declared, and no more.
    #[default]
    Unset,
    Scalar(String),
    /// An indexed array; `None` if it was declared and never assigned.
    Indexed(Option<BTreeMap<i64, String>>),
    /// An associative array.
    Assoc(Option<Assoc>),
}

/// An associative array, which lists its keys in the order of GNU bash's hash table.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Assoc {
    entries: HashMap<String, (u64, String)>,
    clock: u64,
}

/// Buckets of bash's table for associative arrays.
const BUCKETS: u32 = 1024;

/// The bucket of a key: FNV-1 over its bytes, which are signed.
fn bucket(key: &str) -> u32 {
    let bytes = crate::text::encode(key);
    let hash = bytes
        .iter()
        .map(|byte| i32::from(byte.cast_signed()).cast_unsigned())
        .fold(2_166_136_261u32, |hash, byte| hash.wrapping_mul(16_777_619) ^ byte);
    hash & (BUCKETS - 1)
}

impl Assoc {
    pub(crate) fn get(&self, key: &str) -> Option<&String> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(crate) fn insert(&mut self, key: String, value: String) {
        self.clock += 1;
        let clock = self.clock;
        self.entries.entry(key).or_insert((clock, String::new())).1 = value;
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.entries.remove(key);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Keys and values in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        // Within a bucket, the newest comes first.
        entries.sort_by_key(|(key, (age, _))| (bucket(key), u64::MAX - age));
        entries.into_iter().map(|(key, (_, value))| (key, value))
    }
}

impl Value {
    /// The value that the name alone stands for.
    pub(crate) fn scalar(&self) -> Option<&String> {
        match self {
            Value::Unset => None,
            Value::Scalar(text) => Some(text),
            Value::Indexed(elements) => elements.as_ref().and_then(|elements| elements.get(&0)),
            Value::Assoc(elements) => elements.as_ref().and_then(|elements| elements.get("0")),
        }
    }

    /// All values, in order.
    pub(crate) fn values(&self) -> Vec<String> {
        match self {
            Value::Unset => Vec::new(),
            Value::Scalar(text) => vec![text.clone()],
            Value::Indexed(elements) => {
                elements.iter().flat_map(BTreeMap::values).cloned().collect()
            }
            Value::Assoc(elements) => {
                elements.iter().flat_map(Assoc::iter).map(|(_, value)| value.clone()).collect()
            }
        }
    }

    /// All keys, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        match self {
            Value::Unset => Vec::new(),
            Value::Scalar(_) => vec!["0".to_owned()],
            Value::Indexed(elements) => {
                elements.iter().flat_map(BTreeMap::keys).map(i64::to_string).collect()
            }
            Value::Assoc(elements) => {
                elements.iter().flat_map(Assoc::iter).map(|(key, _)| key.clone()).collect()
            }
        }
    }

    /// How many elements it has, if it was ever assigned.
    pub(crate) fn count(&self) -> Option<usize> {
        match self {
            Value::Unset => None,
            Value::Scalar(_) => Some(1),
            Value::Indexed(elements) => elements.as_ref().map(BTreeMap::len),
            Value::Assoc(elements) => elements.as_ref().map(Assoc::len),
        }
    }

    /// The element of an indexed array; a scalar is its first.
    pub(crate) fn at(&self, index: i64) -> Option<&String> {
        match self {
            Value::Scalar(text) if index == 0 => Some(text),
            Value::Indexed(elements) => elements.as_ref()?.get(&index),
            _ => None,
        }
    }

    /// The last subscript of an indexed array.
    pub(crate) fn last_index(&self) -> Option<i64> {
        match self {
            Value::Scalar(_) => Some(0),
            Value::Indexed(elements) => elements.as_ref()?.keys().next_back().copied(),
            _ => None,
        }
    }

    /// As an indexed array; a scalar becomes its first element.
    pub(crate) fn make_indexed(&mut self) -> &mut BTreeMap<i64, String> {
        let old = std::mem::take(self);
        let elements = match old {
            Value::Indexed(elements) => elements.unwrap_or_default(),
            Value::Scalar(text) => BTreeMap::from([(0, text)]),
            Value::Unset | Value::Assoc(_) => BTreeMap::new(),
        };
        *self = Value::Indexed(Some(elements));
        match self {
            Value::Indexed(Some(elements)) => elements,
            _ => unreachable!("it was made indexed on the line above"),
        }
    }

    /// As an associative array; a scalar becomes its element `0`.
    pub(crate) fn make_assoc(&mut self) -> &mut Assoc {
        let old = std::mem::take(self);
        let elements = match old {
            Value::Assoc(elements) => elements.unwrap_or_default(),
            Value::Scalar(text) => {
                let mut elements = Assoc::default();
                elements.insert("0".to_owned(), text);
                elements
            }
            Value::Unset | Value::Indexed(_) => Assoc::default(),
        };
        *self = Value::Assoc(Some(elements));
        match self {
            Value::Assoc(Some(elements)) => elements,
            _ => unreachable!("it was made associative on the line above"),
        }
    }
}

/// The variables of one scope. A clone shares them until one of the two changes.
type Scope = Rc<HashMap<String, Var>>;

/// All scopes, the global one first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Variables {
    scopes: Vec<Scope>,
}

impl Default for Variables {
    fn default() -> Variables {
        Variables { scopes: vec![Scope::default()] }
    }
}

impl Variables {
    /// The variable of this name that is seen, namerefs not followed.
    pub(crate) fn get(&self, name: &str) -> Option<&Var> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    /// The variable that is seen, made in the global scope if there is none.
    pub(crate) fn entry(&mut self, name: &str) -> &mut Var {
        let at = self.scopes.iter().rposition(|scope| scope.contains_key(name)).unwrap_or(0);
        Rc::make_mut(&mut self.scopes[at]).entry(name.to_owned()).or_default()
    }

    /// The variable of the innermost scope, made there if need be.
    pub(crate) fn local(&mut self, name: &str) -> &mut Var {
        let scope = self.scopes.last_mut().expect("there is always the global scope");
        Rc::make_mut(scope).entry(name.to_owned()).or_default()
    }

    pub(crate) fn is_local(&self, name: &str) -> bool {
        self.scopes.len() > 1 && self.scopes.last().is_some_and(|scope| scope.contains_key(name))
    }

    /// The variable of the global scope, made there if need be.
    pub(crate) fn global(&mut self, name: &str) -> &mut Var {
        Rc::make_mut(&mut self.scopes[0]).entry(name.to_owned()).or_default()
    }

    /// Forgets the variable that is seen. In a function's own scope, it stays hidden.
    pub(crate) fn unset(&mut self, name: &str) {
        self.forget(name, false);
    }

    /// As [`Variables::unset`]; with `stays`, it stays hidden in any function's scope.
    pub(crate) fn forget(&mut self, name: &str, stays: bool) {
        let Some(at) = self.scopes.iter().rposition(|scope| scope.contains_key(name)) else {
            return;
        };
        let hidden = at > 0 && (stays || at == self.scopes.len() - 1);
        let scope = Rc::make_mut(&mut self.scopes[at]);
        match hidden {
            true => {
                scope.insert(name.to_owned(), Var::default());
            }
            false => {
                scope.remove(name);
            }
        }
    }

    pub(crate) fn push_scope(&mut self) {
        self.scopes.push(Scope::default());
    }

    pub(crate) fn pop_scope(&mut self) -> HashMap<String, Var> {
        let scope = if self.scopes.len() > 1 { self.scopes.pop() } else { None };
        scope.map(Rc::unwrap_or_clone).unwrap_or_default()
    }

    /// The names that are seen, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.scopes.iter().flat_map(|scope| scope.keys()).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The names of the innermost scope, sorted.
    pub(crate) fn local_names(&self) -> Vec<String> {
        let scope = self.scopes.last();
        let mut names: Vec<String> = scope.into_iter().flat_map(|s| s.keys()).cloned().collect();
        names.sort_unstable();
        names
    }

    /// What a child's environment holds.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut seen: BTreeMap<&String, &Var> = BTreeMap::new();
        for scope in &self.scopes {
            seen.extend(scope.iter());
        }
        let exported = seen.into_iter().filter(|(_, var)| var.attributes.export);
        exported
            .filter_map(|(name, var)| Some((name.clone(), var.value.scalar()?.clone())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_the_order_of_bash() {
        let mut assoc = Assoc::default();
        for key in ["a", "b", "c", "foo", "bar", "baz", "x1", "x2", "one", "two", "three"] {
            assoc.insert(key.to_owned(), String::new());
        }
        let keys: Vec<&str> = assoc.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys.join(" "), "x1 x2 c b a foo two bar baz three one");
    }
}
