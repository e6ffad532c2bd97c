//! Toolchains, host programs, the machine that Kconfig sees, and driving make: kernels, and modules from outside of them.
//!
//! Recipes and results are not known here.

pub mod doctor;
pub mod extra_modules;
mod finish;
pub mod kconfig;
pub mod kernel;
mod llvm;
pub mod make;
pub mod makefiles;
pub mod resolve;
mod signing;
pub mod toolchain;
pub mod version;
mod watch;

pub use signing::SigningError;
