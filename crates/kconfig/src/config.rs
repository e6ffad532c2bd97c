//! The `.config` format: reading as the C program reads, and writing.

mod minimal;
mod read;
mod write;

pub(crate) use read::{Read, Reading};
pub(crate) use write::quote;
