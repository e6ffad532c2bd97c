//! Content-addressed store, sources, Kbuild driver, installation.

pub mod busybox;
mod compress;
pub mod doctor;
mod elf;
pub mod extra_modules;
mod finish;
pub mod gc;
pub mod generation;
pub mod kbuild;
pub mod kconfig;
pub mod kernel;
pub mod makefiles;
pub mod outputs;
pub mod pipeline;
pub mod resolve;
pub mod result;
mod signing;
pub mod toolchain;
pub mod version;
