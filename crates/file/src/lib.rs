//! Regular files that a recipe, a tree or a command line names, and how much of them is read.
//!
//! A path of that kind may name anything: a named pipe without a writer, a terminal, a device whose bytes never end.
//! [`open`] refuses all of these without waiting for them, and [`read`] has a limit; [`Limited`] is a limit for the bytes
//! that a decoder makes. The meaning of a file is not known here.

mod limited;
mod regular;

pub use limited::{Limited, TooLarge};
pub use regular::{NotRegular, copy, open, read, read_at_most, read_to_string};

/// Bytes of the largest text: a recipe is written by hand, and the largest source file of a kernel has 20 MiB.
pub const TEXT_MAX: u64 = 64 << 20;
/// Bytes of the largest file that is read whole: a kernel with debug information has some hundred MiB.
pub const BYTES_MAX: u64 = 2 << 30;
