//! Where recipe, Kconfig, modules and services meet: options, lowering, steps and keys.

pub mod check;
mod key;
mod makefiles;
mod source;

pub use check::{ConfigValues, Declaration, Declarations, Request, SymbolType, Unmet, UnmetKind, check};
pub use key::{Key, KeyWriter};
pub use makefiles::{ModuleRules, Rule};
pub use source::SourceSpec;
