//! From built modules and a recipe's loaders to the contents of a result.
//!
//! [`ahead`] has what is known about loaders before a build, [`closure`] finds the modules of each loader, and
//! [`left_out`] those of no loader. [`firmware`] and [`outputs`] have the form of files on a device, and [`assemble`]
//! lists the files of a result with its [`manifest`]. [`Providers`] finds what a running kernel requests. No file is read or written here.

pub mod ahead;
mod assembly;
pub mod closure;
pub mod firmware;
pub mod left_out;
pub mod loader_tree;
pub mod manifest;
pub mod outputs;
mod providers;

pub use assembly::{Assembly, AssemblyInputs, Content, Firmware, SCRIPT_DIR, assemble, reason};
pub use providers::{Provider, Providers};
