//! Option declarations, the lowering of merged options to [`Evaluated`], and the keys of what is built from it.

mod arch;
mod builtin;
pub mod environment;
pub mod evaluate;
pub mod firmware;
mod key;
mod options;
pub mod outputs;
mod reference;
mod source;
pub mod step;
mod toolchain_name;
pub mod tools;
mod version;

pub use arch::{Arch, Endian};
pub use builtin::{BUILTINS, SCHEME};
pub use evaluate::{Evaluated, Loader};
pub use key::{Key, KeyWriter};
pub use options::options;
pub use reference::{RECIPE, reference, reference_names};
pub use source::SourceSpec;
pub use toolchain_name::ToolchainName;
pub use version::{KernelVersion, VersionError, VersionRange};
