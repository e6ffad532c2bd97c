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

/// Returns a sort key for kmod's order of a hash table with `buckets` (a power of two) buckets.
pub(crate) fn table_order(name: &str, buckets: u32) -> (u32, &str) {
    (superfast(name.as_bytes()) & (buckets - 1), name)
}

/// Names with a value each, found by hash: an index, without an order of its own to leak.
#[derive(Debug, Clone)]
pub(crate) struct NameTable<V> {
    entries: Vec<(Box<str>, u32, V)>,
    /// A power of two of them, at most half of them taken.
    slots: Vec<Slot>,
}

/// A place for a name; the hash is here too, so that most wrong ones are rejected without comparing the name.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: u32,
    /// Position in the entries plus one, or 0.
    position: u32,
}

impl<V> NameTable<V> {
    pub(crate) fn new() -> NameTable<V> {
        NameTable { entries: Vec::new(), slots: vec![Slot::default(); 1024] }
    }

    /// Enters or replaces; returns what was replaced.
    pub(crate) fn insert(&mut self, name: &str, value: V) -> Option<V> {
        let hash = superfast(name.as_bytes());
        let slot = self.slot(name, hash);
        if let Some(at) = self.slots[slot].position.checked_sub(1) {
            return Some(std::mem::replace(&mut self.entries[at as usize].2, value));
        }
        self.entries.push((name.into(), hash, value));
        self.slots[slot] = Slot { hash, position: self.entries.len() as u32 };
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
        None
    }

    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        let slot = self.slots[self.slot(name, superfast(name.as_bytes()))];
        slot.position.checked_sub(1).map(|at| &self.entries[at as usize].2)
    }

    /// Returns all names in kmod's order of a table with `buckets` buckets.
    pub(crate) fn in_table_order(&self, buckets: u32) -> Vec<(&str, &V)> {
        let mut all: Vec<&(Box<str>, u32, V)> = self.entries.iter().collect();
        all.sort_unstable_by_key(|entry| (entry.1 & (buckets - 1), &entry.0));
        all.into_iter().map(|entry| (&*entry.0, &entry.2)).collect()
    }

    /// Returns the index of the slot that has the name, or of the free one where it belongs.
    fn slot(&self, name: &str, hash: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.position == 0 || slot.hash == hash && *self.entries[slot.position as usize - 1].0 == *name {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let slots = vec![Slot::default(); self.slots.len() * 2];
        let taken = std::mem::replace(&mut self.slots, slots);
        let mask = self.slots.len() - 1;
        for slot in taken.into_iter().filter(|slot| slot.position != 0) {
            let mut at = slot.hash as usize & mask;
            while self.slots[at].position != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
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
