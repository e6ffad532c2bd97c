//! Content-addressed store, sources, Kbuild driver, installation.

pub mod apt;
pub mod archive;
pub mod digest;
pub mod doctor;
mod growth;
pub mod kbuild;
pub mod patch;
mod progress;
pub mod resolve;
pub mod source;
pub mod store;
pub mod toolchain;
pub mod tree;

pub use progress::{Progress, Silent};
pub use store::Store;
