//! The inputs of an output, once the kernel and the files of a result exist.

mod contents;
mod fit;
mod readable;

pub use self::contents::{DeviceFile, device_files};
pub use self::fit::{FitParts, fit_source};
pub use self::readable::{best, readable};
