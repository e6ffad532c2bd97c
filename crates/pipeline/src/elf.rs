//! The few fields of an ELF file that show where a kernel is loaded.
//!
//! ```text
//! 0   "\x7fELF"   4  class: 1 is 32 bits, 2 is 64   5  byte order: 1 is little, 2 is big
//!                 32 bits   64 bits                          32 bits   64 bits
//! entry           24 (4)    24 (8)      of a segment: type   0 (4)     0 (4)
//! segments at     28 (4)    32 (8)      physical address     12 (4)    24 (8)
//! size of one     42 (2)    54 (2)      bytes in the file    16 (4)    32 (8)
//! how many        44 (2)    56 (2)
//! ```

/// The addresses that a kernel was linked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elf {
    /// Its entry point.
    pub(crate) entry: u64,
    /// The lowest address of a segment that has bytes.
    pub(crate) lowest: u64,
}

const PT_LOAD: u64 = 1;

impl Elf {
    /// Whether the bytes begin with the magic of an ELF file.
    pub(crate) fn is_elf(bytes: &[u8]) -> bool {
        bytes.starts_with(b"\x7fELF")
    }

    /// Reads an executable; `None` when it is none, or has nothing to load.
    pub(crate) fn read(bytes: &[u8]) -> Option<Elf> {
        if !Elf::is_elf(bytes) {
            return None;
        }
        let wide = *bytes.get(4)? == 2;
        let big = *bytes.get(5)? == 2;
        let number = |at: u64, n_bytes: usize| {
            let at = usize::try_from(at).ok()?;
            let field = bytes.get(at..at.checked_add(n_bytes)?)?;
            let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            Some(if big { field.iter().fold(0, fold) } else { field.iter().rev().fold(0, fold) })
        };
        let word = if wide { 8 } else { 4 };
        let (table, size, count) = if wide {
            (number(32, 8)?, number(54, 2)?, number(56, 2)?)
        } else {
            (number(28, 4)?, number(42, 2)?, number(44, 2)?)
        };
        let (address, filled) = if wide { (24, 32) } else { (12, 16) };
        let segments = (0..count).filter_map(|index| {
            let at = table.checked_add(index * size)?;
            let loads = number(at, 4)? == PT_LOAD && number(at + filled, word)? > 0;
            loads.then(|| number(at + address, word)).flatten()
        });
        Some(Elf { entry: number(24, word)?, lowest: segments.min()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns an executable with one empty and one filled segment.
    fn sample(wide: bool, big: bool) -> Vec<u8> {
        let mut bytes = vec![0; 256];
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 1 + u8::from(wide), 1 + u8::from(big)]);
        let mut put = |at: usize, n_bytes: usize, value: u64| {
            let field = &mut bytes[at..at + n_bytes];
            if big {
                field.copy_from_slice(&value.to_be_bytes()[8 - n_bytes..]);
            } else {
                field.copy_from_slice(&value.to_le_bytes()[..n_bytes]);
            }
        };
        let word = if wide { 8 } else { 4 };
        let (table, size, count) = if wide { (32, 54, 56) } else { (28, 42, 44) };
        let (address, filled) = if wide { (24, 32) } else { (12, 16) };
        put(24, word, 0x8010_0040);
        put(table, word, 64);
        put(size, 2, 60);
        put(count, 2, 2);
        for (at, start, n_filled) in [(64, 0x1000, 0), (124, 0x8010_0000, 16)] {
            put(at, 4, PT_LOAD);
            put(at + address, word, start);
            put(at + filled, word, n_filled);
        }
        bytes
    }

    #[test]
    fn reads_all_four_kinds() {
        for (wide, big) in [(false, false), (false, true), (true, false), (true, true)] {
            let read = Elf::read(&sample(wide, big));
            assert_eq!(read, Some(Elf { entry: 0x8010_0040, lowest: 0x8010_0000 }), "wide {wide}, big {big}");
        }
        assert_eq!(Elf::read(b"\x7fELF\x01"), None);
        assert_eq!(Elf::read(b"MZ"), None);
        let cut = &sample(true, false)[..100];
        assert_eq!(Elf::read(cut), None);
    }
}
