//! Module loaders as services for s6-rc, systemd, OpenRC and plain sh.
//!
//! [`graph()`] checks [`LoaderSpec`]s as a whole, and [`render()`] writes the files for a device: one sh script per
//! loader, which does all the work, and per service manager a definition that calls it.
//!
//! The protocol of loading and unloading is `protocol.sh`, the fixed part of each script. Its guarantees:
//! - a module that was loaded before a start, or by another program, is never removed;
//! - a module that any started loader claims stays loaded; one without claims is removed if a loader loaded it;
//! - a start that fails or is interrupted restores the previous state, apart from modules that cannot be unloaded;
//! - the next call of any loader recovers from a loader that was killed at any point. Who loaded a module is lost only
//!   if the shell, the recording process and its insmod are killed at once, between the load and its record: the kernel
//!   keeps none. The module then counts as loaded by another program, and the loader reports that.
//!
//! Out of scope: how closures are made, which modules exist, and the build machine.

mod graph;
mod loader;
mod name;
mod parameters;
mod render;

pub use graph::{Loader, ServiceGraph, Step, graph};
pub use loader::{Dependency, LoadStep, LoaderSpec};
pub use name::{LoaderName, NameError, ServiceName};
pub use parameters::words as parameter_words;
pub use render::{RenderedFile, render};
