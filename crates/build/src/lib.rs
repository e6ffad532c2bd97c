//! Content-addressed store, sources, Kbuild driver, installation.

mod progress;

pub use progress::{Progress, Silent};
