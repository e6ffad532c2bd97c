//! Where recipe, Kconfig, modules and services meet: options, lowering, steps and keys.

pub mod amend;
mod arch;
pub mod assembly;
mod builtin;
pub mod check;
pub mod closing;
pub mod distill;
pub mod evaluate;
pub mod firmware;
pub mod impact;
mod key;
pub mod loader_tree;
pub mod make_text;
mod makefiles;
pub mod manifest;
pub mod names;
mod options;
pub mod outputs;
mod reference;
pub mod remedy;
mod source;
pub mod step;
mod toolchain_name;
mod version;
pub mod why;

pub use arch::{Arch, Endian};
pub use builtin::{BUILTINS, SCHEME};
pub use check::{Unmet, UnmetKind, check};
pub use evaluate::{Evaluated, Loader};
pub use key::{Key, KeyWriter};
pub use makefiles::{ModuleRules, Rule};
pub use options::options;
pub use reference::reference;
pub use source::SourceSpec;
pub use toolchain_name::ToolchainName;
pub use version::{KernelVersion, VersionError, VersionRange};
