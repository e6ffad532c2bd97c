//! A short text by value.

use std::fmt;

/// A text of up to 63 bytes, kept in place so that a [`Dialect`](super::Dialect) can be copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShortText {
    bytes: [u8; 63],
    length: u8,
}

impl ShortText {
    /// Returns a constant text.
    ///
    /// # Panics
    /// The text is longer than 63 bytes.
    pub(super) const fn of(text: &str) -> ShortText {
        let text = text.as_bytes();
        let mut bytes = [0; 63];
        let mut at = 0;
        while at < text.len() {
            bytes[at] = text[at];
            at += 1;
        }
        ShortText { bytes, length: at as u8 }
    }

    /// Returns the text; `None` when it is too long.
    pub fn new(text: &str) -> Option<ShortText> {
        let mut bytes = [0; 63];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(ShortText { bytes, length: text.len() as u8 })
    }

    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
