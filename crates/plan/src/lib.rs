//! Where recipe, Kconfig, modules and services meet: options, lowering, steps and keys.

mod key;

pub use key::{Key, KeyWriter};
