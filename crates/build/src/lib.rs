//! Content-addressed store, sources, Kbuild driver, installation.

pub mod apt;
pub mod archive;
pub mod busybox;
mod compress;
pub mod digest;
pub mod doctor;
mod elf;
pub mod extra_modules;
mod finish;
pub mod gc;
pub mod generation;
mod growth;
pub mod kbuild;
pub mod kconfig;
pub mod kernel;
pub mod makefiles;
mod memory;
pub mod outputs;
pub mod patch;
pub mod pipeline;
mod progress;
pub mod resolve;
pub mod result;
mod signing;
pub mod source;
pub mod store;
pub mod toolchain;
pub mod tree;

pub use progress::{Progress, Silent};
pub use store::Store;
