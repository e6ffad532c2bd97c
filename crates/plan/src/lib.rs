//! Where recipe, Kconfig, modules and services meet: options, lowering, steps and keys.

mod key;
mod source;

pub use key::{Key, KeyWriter};
pub use source::SourceSpec;
