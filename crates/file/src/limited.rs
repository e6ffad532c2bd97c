//! A reader that fails beyond a number of bytes.

use std::io::{self, Read};

/// The error of a file or stream with more bytes than are read of it; the error of an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("larger than {}, the limit", size(*max))]
pub struct TooLarge {
    /// The greatest number of bytes.
    pub max: u64,
}

impl From<TooLarge> for io::Error {
    fn from(error: TooLarge) -> io::Error {
        io::Error::new(io::ErrorKind::FileTooLarge, error)
    }
}

/// A reader of at most `max` bytes; another byte is an error, not the end.
#[derive(Debug)]
pub struct Limited<R> {
    inner: R,
    max: u64,
    left: u64,
}

impl<R: Read> Limited<R> {
    /// Limits `inner`.
    pub fn new(inner: R, max: u64) -> Limited<R> {
        Limited { inner, max, left: max }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.inner.read(buffer)?;
        match self.left.checked_sub(n_read as u64) {
            Some(left) => self.left = left,
            None => return Err(TooLarge { max: self.max }.into()),
        }
        Ok(n_read)
    }
}

/// Returns a number of bytes for people, in the largest unit that divides it.
fn size(n_bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|(unit, _)| n_bytes > 0 && n_bytes.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{n_bytes} bytes"), |(unit, name)| format!("{} {name}", n_bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_up_to_the_limit_and_fails_beyond_it() {
        for (n_bytes, max, fails) in
            [(0, 0, false), (9, 10, false), (10, 10, false), (11, 10, true), (1 << 20, 10, true)]
        {
            let mut bytes = Vec::new();
            let read = Limited::new(io::repeat(7).take(n_bytes), max).read_to_end(&mut bytes);
            assert_eq!(read.is_err(), fails, "{n_bytes} of {max}");
            assert!(fails || bytes.len() as u64 == n_bytes);
        }
    }

    #[test]
    fn sizes_are_in_the_largest_whole_unit() {
        for (max, text) in [(2 << 30, "2 GiB"), (64 << 20, "64 MiB"), (4096, "4 KiB"), (10, "10 bytes"), (0, "0 bytes")]
        {
            assert_eq!(TooLarge { max }.to_string(), format!("larger than {text}, the limit"));
        }
    }
}
