//! From an evaluated recipe to `./result`, stage by stage.
//!
//! Each stage is a value with the methods that lead on from it: [`Session::prepare`] fetches and patches the source and
//! returns a [`Prepared`]; [`Prepared::analyse`] resolves the config, or [`Prepared::recall`] finds it, and returns a
//! [`Resolved`]; [`Resolved::build_kernel`] compiles and [`Resolved::with_kernel`] adds extra modules for a [`Built`];
//! [`Built::assemble`] closes the loaders and writes an [`Assembled`]. Each is found in the store when none of its
//! inputs has changed.

mod analysis;
mod assemble;
mod before_compiling;
mod bootable;
mod built;
pub mod busybox;
mod compress;
mod config_only;
mod distill;
mod elf;
mod error;
mod extra_sources;
mod firmware;
pub mod gc;
pub mod generation;
mod history;
mod impact;
pub mod integrity;
mod layouts;
pub mod outputs;
mod prepared;
mod remedy;
mod resolved;
pub mod result;
mod session;
mod target;
mod text;
mod verify;

pub use analysis::Analysis;
pub use assemble::Assembled;
pub use bootable::{Bootable, BootableError, read_manifest};
pub use built::Built;
pub use config_only::ConfigOnly;
pub use distill::{DistillInput, Distillation};
pub use error::{AssembleError, PipelineError};
pub use extra_sources::ExtraSourcesError;
pub use history::{History, known_symbols};
pub use impact::{Deployed, DeployedError, Place, Report, deployed, deployed_kernel, exact};
pub use layouts::{LayoutReport, Unread};
pub use prepared::{Prepared, Tree};
pub use remedy::{MORE_MEMORY, Remedies, asked};
pub use resolved::Resolved;
pub use session::Session;
pub use target::target;
pub use verify::Compared;
