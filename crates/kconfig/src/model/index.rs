//! Names to symbols, and the order in which the C program's hash table holds them.

use super::SymbolId;

/// An open-addressing table of symbol ids; the caller compares names.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameIndex {
    /// Hashes are stored with the ids, so that a lookup touches few symbols.
    slots: Vec<Option<(u32, SymbolId)>>,
    used: usize,
}

impl NameIndex {
    /// The hash of a name in every version of the C program (FNV-1a, 32 bits).
    ///
    /// Quirk: `strhash` (scripts/kconfig/symbol.c) and `hash_str` (scripts/include/hash.h) mix in a signed `char`.
    pub(crate) fn hash(name: &[u8]) -> u32 {
        name.iter()
            .fold(2_166_136_261, |hash: u32, byte| (hash ^ i32::from(*byte as i8) as u32).wrapping_mul(0x0100_0193))
    }

    /// The symbol with this hash for which `is` holds.
    pub(crate) fn find(&self, hash: u32, is: impl Fn(SymbolId) -> bool) -> Option<SymbolId> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut at = spread(hash) & mask;
        while let Some((known, symbol)) = self.slots[at] {
            if known == hash && is(symbol) {
                return Some(symbol);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Adds a symbol that is not there yet.
    pub(crate) fn insert(&mut self, hash: u32, symbol: SymbolId) {
        if self.used * 2 >= self.slots.len() {
            let larger = vec![None; (self.slots.len() * 2).max(1024)];
            for (hash, old) in std::mem::replace(&mut self.slots, larger).into_iter().flatten() {
                self.put(hash, old);
            }
        }
        self.put(hash, symbol);
        self.used += 1;
    }

    fn put(&mut self, hash: u32, symbol: SymbolId) {
        let mask = self.slots.len() - 1;
        let mut at = spread(hash) & mask;
        while self.slots[at].is_some() {
            at = (at + 1) & mask;
        }
        self.slots[at] = Some((hash, symbol));
    }
}

fn spread(hash: u32) -> usize {
    (hash.wrapping_mul(0x9e37_79b1) >> 7) as usize
}
