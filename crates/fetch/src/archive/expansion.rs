//! How much larger than itself a compressed archive may become.

use std::sync::atomic::{AtomicU64, Ordering};

use super::place::Refusal;

/// The largest ratio of an archive's size to its compressed size; that of a kernel's source is 11.
const MAX_RATIO: u64 = 200;
/// Bytes that are allowed however small the archive is.
const ALWAYS_ALLOWED: u64 = 1 << 30;
/// Bytes of the largest archive, decompressed; a kernel's source has 1.5 GiB.
const MAX_BYTES: u64 = 64 << 30;

/// Counts the bytes of a decompressed stream, against those that were read of the archive so far.
#[derive(Debug)]
pub(super) struct Expansion<'a> {
    /// Compressed bytes, counted elsewhere.
    n_packed: &'a AtomicU64,
    n_bytes: u64,
}

impl<'a> Expansion<'a> {
    /// Starts to count.
    pub(super) fn new(n_packed: &'a AtomicU64) -> Expansion<'a> {
        Expansion { n_packed, n_bytes: 0 }
    }

    /// Counts further bytes.
    pub(super) fn spend(&mut self, n_bytes: u64) -> Result<(), Refusal> {
        self.n_bytes = self.n_bytes.saturating_add(n_bytes);
        if self.n_bytes <= ALWAYS_ALLOWED {
            return Ok(());
        }
        let n_packed = self.n_packed.load(Ordering::Relaxed);
        if self.n_bytes > MAX_BYTES {
            return Err(Refusal::TooLarge { max_gib: MAX_BYTES >> 30 });
        }
        if self.n_bytes > n_packed.saturating_mul(MAX_RATIO) {
            return Err(Refusal::Expansion { ratio: MAX_RATIO });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_refused_and_a_kernel_is_not() {
        let n_packed = AtomicU64::new(1000);
        let mut bomb = Expansion::new(&n_packed);
        assert_eq!(bomb.spend(1 << 30), Ok(()));
        assert_eq!(bomb.spend(1), Err(Refusal::Expansion { ratio: 200 }));
        n_packed.store(140 << 20, Ordering::Relaxed);
        assert_eq!(Expansion::new(&n_packed).spend(1600 << 20), Ok(()));
        assert_eq!(Expansion::new(&n_packed).spend(16 << 30), Ok(()));
        n_packed.store(1 << 40, Ordering::Relaxed);
        assert_eq!(Expansion::new(&n_packed).spend(65 << 30), Err(Refusal::TooLarge { max_gib: 64 }));
    }
}
