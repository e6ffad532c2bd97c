//! Content-addressed store, sources, Kbuild driver, installation.

pub mod busybox;
mod compress;
mod elf;
mod extra_sources;
pub mod gc;
pub mod generation;
pub mod outputs;
pub mod pipeline;
pub mod result;
