//! The contents of an index, apart from how they are laid out.

use std::collections::BTreeMap;

/// Keys with their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trie {
    keys: BTreeMap<Vec<u8>, Vec<Value>>,
}

/// One value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Lower comes first: the module's position in module order.
    pub priority: u32,
    /// The value; anything without NUL.
    pub bytes: Vec<u8>,
}

impl Trie {
    /// Makes an empty one.
    pub fn new() -> Trie {
        Trie::default()
    }

    /// Enters a value before the ones of the same priority, as `depmod` does.
    pub fn insert(&mut self, key: impl Into<Vec<u8>>, priority: u32, bytes: impl Into<Vec<u8>>) {
        let values = self.keys.entry(key.into()).or_default();
        let at = values.partition_point(|value| value.priority < priority);
        values.insert(at, Value { priority, bytes: bytes.into() });
    }

    /// Returns all keys, sorted, with their values in the order in which they are stored.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[Value])> {
        self.keys.iter().map(|(key, values)| (key.as_slice(), values.as_slice()))
    }

    /// Returns the values of exactly this key, in order.
    pub fn get(&self, key: &[u8]) -> &[Value] {
        self.keys.get(key).map_or(&[], Vec::as_slice)
    }

    /// Adds values in the order that a file has them in.
    pub(super) fn set(&mut self, key: Vec<u8>, values: Vec<Value>) {
        self.keys.insert(key, values);
    }
}
