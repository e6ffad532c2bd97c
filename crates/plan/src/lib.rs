//! Where recipe, Kconfig, modules and services meet: options, lowering, steps and keys.

mod key;
mod makefiles;
mod source;

pub use key::{Key, KeyWriter};
pub use makefiles::{ModuleRules, Rule};
pub use source::SourceSpec;
