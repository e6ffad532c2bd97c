//! The CRCs of the symbols that a module wants, as `modpost` recorded them.
//!
//! ```text
//! __versions           records of 64 bytes: CRC as one word of the machine, name, NULs
//! __version_ext_crcs   words of 32 bits
//! __version_ext_names  as many names, each ended by a NUL (Linux 6.14, for names that no record holds)
//! ```

use std::collections::BTreeMap;

use object::{Endian, Endianness};

use super::elf::string_at;

/// Size of one record of `__versions`.
const RECORD: usize = 64;

/// The recorded versions, of which each is taken once.
pub(super) struct Versions<'a> {
    records: Vec<Record<'a>>,
    /// Position in `records` plus one, or 0; a power of two of them, at most half of them taken.
    slots: Vec<u32>,
    extended: BTreeMap<&'a [u8], u32>,
}

struct Record<'a> {
    name: &'a [u8],
    crc: u32,
    taken: bool,
}

impl<'a> Versions<'a> {
    /// Takes the contents of the three sections; an incomplete last record is skipped.
    pub(super) fn read(
        versions: &'a [u8],
        extended_crcs: &'a [u8],
        extended_names: &'a [u8],
        wide: bool,
        endian: Endianness,
    ) -> Versions<'a> {
        let count = versions.len() / RECORD;
        let slots = vec![0; (count * 2).next_power_of_two()];
        let mut table = Versions { records: Vec::with_capacity(count), slots, extended: BTreeMap::new() };
        for record in versions.chunks_exact(RECORD) {
            let (word, crc) = match wide {
                true => (8, endian.read_u64(array(record)) as u32),
                false => (4, endian.read_u32(array(record))),
            };
            let name = string_at(record, word);
            let slot = table.slot(name);
            table.records.push(Record { name, crc, taken: false });
            // Of two records with one name the first is found.
            if table.slots[slot] == 0 {
                table.slots[slot] = table.records.len() as u32;
            }
        }
        let names = extended_names.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        let crcs = extended_crcs.chunks_exact(4).map(|word| endian.read_u32(array(word)));
        table.extended = names.zip(crcs).collect();
        table
    }

    /// Returns the number of records.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether anything is recorded.
    pub(super) fn any(&self) -> bool {
        !self.records.is_empty() || !self.extended.is_empty()
    }

    /// Returns the version of a symbol.
    pub(super) fn take(&mut self, name: &[u8]) -> Option<u32> {
        let slot = self.slot(name);
        match self.slots[slot].checked_sub(1) {
            Some(position) => {
                let record = &mut self.records[position as usize];
                record.taken = true;
                Some(record.crc)
            }
            None => self.extended.get(name).copied(),
        }
    }

    /// Returns the records that nothing took (`module_layout`), in order.
    pub(super) fn left(&self) -> impl Iterator<Item = (&'a [u8], u32)> {
        let left = self.records.iter().filter(|record| !record.taken && !record.name.is_empty());
        left.map(|record| (record.name, record.crc))
    }

    /// Returns the index of the slot that has the name, or of the free one where it belongs.
    fn slot(&self, name: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash(name) as usize & mask;
        loop {
            match self.slots[at].checked_sub(1) {
                Some(position) if self.records[position as usize].name != name => at = (at + 1) & mask,
                _ => return at,
            }
        }
    }
}

/// Hashes eight bytes at a time: fast, and good enough for the few names of one module.
fn hash(name: &[u8]) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = name.len() as u64;
    let mut pieces = name.chunks_exact(8);
    for piece in &mut pieces {
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(array(piece))).wrapping_mul(SPREAD);
    }
    for &byte in pieces.remainder() {
        hash = (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(SPREAD);
    }
    hash ^ (hash >> 32)
}

/// Returns the first `N` bytes; the callers' slices are long enough.
pub(super) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}
