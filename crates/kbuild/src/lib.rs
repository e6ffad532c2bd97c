//! Toolchains, host programs, the machine that Kconfig sees, and driving make: kernels, and external modules.
//!
//! This crate does not know recipes and results.

pub mod doctor;
pub mod extra_modules;
mod finish;
pub mod kconfig;
pub mod kernel;
mod llvm;
pub mod make;
pub mod makefiles;
pub mod resolve;
pub mod signing;
pub mod toolchain;
pub mod version;
mod watch;

pub use signing::SigningError;
