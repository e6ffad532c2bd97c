//! Content-addressed store, sources, Kbuild driver, installation.

pub mod doctor;
pub mod kbuild;
mod progress;
pub mod resolve;
pub mod toolchain;

pub use progress::{Progress, Silent};
