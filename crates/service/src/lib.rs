//! Module loaders as services for s6-rc, systemd, OpenRC and plain sh.
//!
//! [`LoaderSpec`]s go through [`graph()`], which checks them as a whole, and [`render()`] writes what a device needs:
//! one sh script per loader, which does all the work, and per service manager a definition that calls it.
//!
//! The protocol of loading and unloading is `protocol.sh`, the fixed part of each script. What it holds to:
//! - a module that was there before a start, or that somebody else loaded, is never removed;
//! - a module that any started loader claims stays; one that nobody claims any more and that a loader loaded goes;
//! - a start that fails or is interrupted leaves what it found, apart from modules that have no way out;
//! - a loader killed at any point is mended by the next call of any loader. Only where a kill took the shell, the process
//!   that tells and its insmod at once, in the moment between the load and the word of it, is it lost who loaded the module
//!   in hand: the kernel keeps no record. It then counts as somebody else's, and the loader says so.
//!
//! Not known here: how closures are made, which modules exist, and the machine that builds.

mod graph;
mod loader;
mod name;
mod parameters;
mod render;

pub use graph::{Loader, ServiceGraph, Step, graph};
pub use loader::{Dependency, LoadStep, LoaderSpec};
pub use name::{LoaderName, NameError, ServiceName};
pub use render::{RenderedFile, render};
