//! From built modules and a recipe's loaders to the contents of a result.
//!
//! [`closure`] finds what each loader loads, [`firmware`] and [`outputs`] in which form files are on a device, and
//! [`assemble`] lists the files of a result with its [`manifest`]. No file is read or written here.

mod assembly;
pub mod closure;
pub mod firmware;
pub mod loader_tree;
pub mod manifest;
pub mod outputs;

pub use assembly::{Assembly, Content, Firmware, Parts, SCRIPT_DIR, assemble, reason};
