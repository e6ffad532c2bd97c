//! From an evaluated recipe to `./result`, stage by stage.
//!
//! [`tree()`] fetches and patches the source, [`resolve`] asks Kconfig, [`build_kernel`] compiles, [`assemble()`] closes
//! the loaders and writes the result. Each stage takes what the one before it gave, and each is found done in the store
//! when nothing that can change it has changed.

mod assemble;
pub mod busybox;
mod compress;
mod config_only;
mod distill;
mod elf;
mod error;
mod extra_modules;
mod extra_sources;
mod firmware;
pub mod gc;
pub mod generation;
mod history;
mod impact;
mod kernel;
mod layouts;
pub mod outputs;
mod remedy;
mod resolution;
pub mod result;
mod session;
mod settled;
mod target;
mod text;
mod tree;
mod verify;

pub use assemble::{Finished, assemble};
pub use config_only::{ConfigOnly, impact_of_config, kernel_of_config};
pub use distill::{Distillation, Material, distil};
pub use error::{AssembleError, PipelineError};
pub use extra_modules::{build_extra_modules, extra_sources, unreadable_outputs};
pub use extra_sources::ExtraSourcesError;
pub use history::History;
pub use impact::{Deployed, DeployedError, Place, Report, deployed, deployed_kernel, exact, impact, with_new_modules};
pub use kernel::build_kernel;
pub use layouts::{LayoutReport, Unread, layouts};
pub use remedy::{MORE_MEMORY, Remedies, all_hold, asked, remedies, with_remedy};
pub use resolution::{Resolution, findings, findings_of, resolve};
pub use session::Session;
pub use settled::{Settled, recall};
pub use target::target;
pub use tree::{Tree, module_rules, source_version, tree};
pub use verify::{Compared, verify};
