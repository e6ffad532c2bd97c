//! The C library's `rand`, because a seed must produce the same configuration as in `conf`.

/// The additive feedback generator of glibc's `srand` and `rand` (TYPE_3: 31 words, taps 3 apart).
#[derive(Debug, Clone)]
pub(crate) struct Random {
    /// The last 31 words, oldest at `at`.
    words: [u32; 31],
    at: usize,
}

impl Random {
    pub(crate) fn new(seed: u32) -> Random {
        let mut words = [0_u32; 31];
        words[0] = if seed == 0 { 1 } else { seed };
        for index in 1..31 {
            // 16807 * x mod (2^31 - 1) on signed words, without overflow.
            let word = i64::from(words[index - 1] as i32);
            let (high, low) = (word / 127_773, word % 127_773);
            let next = 16_807 * low - 2_836 * high;
            words[index] = if next < 0 { next + 2_147_483_647 } else { next } as u32;
        }
        let mut random = Random { words, at: 3 };
        for _ in 0..310 {
            random.next();
        }
        random
    }

    /// A number from 0 to 2^31 - 1.
    pub(crate) fn next(&mut self) -> u32 {
        // `words[at]` is 31 steps back; with a lag of 3 the sum goes over the word 31 and the word 3 steps back.
        let sum = self.words[self.at].wrapping_add(self.words[(self.at + 28) % 31]);
        self.words[self.at] = sum;
        self.at = (self.at + 1) % 31;
        sum >> 1
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn numbers_are_the_c_librarys() {
        let mut random = Random::new(1);
        let first: Vec<u32> = (0..5).map(|_| random.next()).collect();
        assert_eq!(first, [1_804_289_383, 846_930_886, 1_681_692_777, 1_714_636_915, 1_957_747_793]);
    }
}
