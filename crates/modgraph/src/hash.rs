//! The hash that fixes the order of modules and symbols wherever nothing else does, and a table that uses it.

/// Paul Hsieh's "SuperFastHash", with 16-bit pieces in little-endian order.
///
/// # Source
/// <http://www.azillionmonkeys.com/qed/hash.html>; kmod uses it for all its tables.
pub(crate) fn superfast(key: &[u8]) -> u32 {
    let pair = |bytes: &[u8]| u32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    // Quirk: the length wraps to 32 bits, and the odd last byte is a signed char (glibc on x86).
    let signed = |byte: u8| i32::from(byte.cast_signed()).cast_unsigned();
    let mut hash = key.len() as u32;
    let mut pieces = key.chunks_exact(4);
    for piece in &mut pieces {
        hash = hash.wrapping_add(pair(piece));
        let mixed = (pair(&piece[2..]) << 11) ^ hash;
        hash = (hash << 16) ^ mixed;
        hash = hash.wrapping_add(hash >> 11);
    }
    match pieces.remainder() {
        tail @ [_, _, last] => {
            hash = hash.wrapping_add(pair(tail));
            hash ^= hash << 16;
            hash ^= signed(*last) << 18;
            hash = hash.wrapping_add(hash >> 11);
        }
        tail @ [_, _] => {
            hash = hash.wrapping_add(pair(tail));
            hash ^= hash << 11;
            hash = hash.wrapping_add(hash >> 17);
        }
        [last] => {
            hash = hash.wrapping_add(signed(*last));
            hash ^= hash << 10;
            hash = hash.wrapping_add(hash >> 1);
        }
        _ => {}
    }
    hash ^= hash << 3;
    hash = hash.wrapping_add(hash >> 5);
    hash ^= hash << 4;
    hash = hash.wrapping_add(hash >> 17);
    hash ^= hash << 25;
    hash.wrapping_add(hash >> 6)
}

/// Sort key that gives kmod's order of a hash table with `buckets` (a power of two) buckets.
pub(crate) fn table_order(name: &str, buckets: u32) -> (u32, &str) {
    (superfast(name.as_bytes()) & (buckets - 1), name)
}

/// Names with a value each, found by hash: an index, without an order of its own to leak.
#[derive(Debug, Clone)]
pub(crate) struct NameTable<V> {
    entries: Vec<(Box<str>, u32, V)>,
    /// Position in `entries` plus one, or 0; a power of two of slots, at most half of them taken.
    slots: Vec<u32>,
}

impl<V> NameTable<V> {
    pub(crate) fn new() -> NameTable<V> {
        NameTable { entries: Vec::new(), slots: vec![0; 1024] }
    }

    /// Enters or replaces; gives what was replaced.
    pub(crate) fn insert(&mut self, name: &str, value: V) -> Option<V> {
        let hash = superfast(name.as_bytes());
        let slot = self.slot(name, hash);
        if self.slots[slot] != 0 {
            let entry = &mut self.entries[self.slots[slot] as usize - 1];
            return Some(std::mem::replace(&mut entry.2, value));
        }
        self.entries.push((name.into(), hash, value));
        self.slots[slot] = self.entries.len() as u32;
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
        None
    }

    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        match self.slots[self.slot(name, superfast(name.as_bytes()))] {
            0 => None,
            position => Some(&self.entries[position as usize - 1].2),
        }
    }

    /// All names in kmod's order of a table with `buckets` buckets.
    pub(crate) fn in_table_order(&self, buckets: u32) -> Vec<(&str, &V)> {
        let mut all: Vec<&(Box<str>, u32, V)> = self.entries.iter().collect();
        all.sort_unstable_by_key(|entry| (entry.1 & (buckets - 1), &entry.0));
        all.into_iter().map(|entry| (&*entry.0, &entry.2)).collect()
    }

    fn slot(&self, name: &str, hash: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                0 => return slot,
                position => {
                    let entry = &self.entries[position as usize - 1];
                    if entry.1 == hash && &*entry.0 == name {
                        return slot;
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        let mask = self.slots.len() - 1;
        for (position, entry) in self.entries.iter().enumerate() {
            let mut slot = entry.1 as usize & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = position as u32 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_values_come_back_and_growth_loses_nothing() {
        let mut table = NameTable::new();
        for number in 0..5000 {
            assert_eq!(table.insert(&format!("name{number}"), number), None);
        }
        assert_eq!(table.insert("name7", 70), Some(7));
        assert_eq!(table.get("name7"), Some(&70));
        assert_eq!(table.get("name4999"), Some(&4999));
        assert_eq!(table.get("nobody"), None);
        assert_eq!(table.in_table_order(2048).len(), 5000);
    }
}
