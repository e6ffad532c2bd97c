//! depmod's binary index: a radix trie from 7-bit keys to values with priorities.
//!
//! ```text
//! file    magic 0xB007F457 | version 0x00020001 | root offset word | nodes
//! node    [prefix bytes, NUL]                                if flagged 0x80000000
//!         [first byte, last byte, last-first+1 offset words] if flagged 0x20000000
//!         [count word, then per value: priority word, value bytes, NUL]
//!                                                            if flagged 0x40000000
//! ```
//!
//! All words are 32 bits, big-endian. An offset word has the position from the start of the file in its low 28 bits
//! and the flags of the node there in the others; 0 is no node. The byte of an edge is not repeated in the prefix of
//! the node below it, and the root has no prefix.
//! kmod 30 writes a node after its children, kmod 34 before them; readers accept either.

mod format;
mod read;
mod trie;
mod write;

pub use read::{ReadError, Reader, read};
pub use trie::{Trie, Value};
pub(crate) use write::{Record, write_records};
pub use write::{WriteError, write};

#[cfg(test)]
mod tests;
