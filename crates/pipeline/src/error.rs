//! Why a stage gave nothing.

use std::io;
use std::path::{Path, PathBuf};

use kiln_exec::Interrupt;
use kiln_fetch::SourceError;
use kiln_fetch::apt::AptError;
use kiln_fetch::patch::PatchError;
use kiln_kbuild::extra_modules::ExtraModulesError;
use kiln_kbuild::kernel::KernelError;
use kiln_kbuild::resolve::ResolveError;
use kiln_kbuild::toolchain::ToolchainError;
use kiln_kbuild::version::VersionError;
use kiln_moddir::ModulesDirError;
use kiln_modgraph::DepmodError;
use kiln_store::StoreError;

use crate::extra_sources::ExtraSourcesError;
use crate::outputs::OutputError;
use crate::result::ResultError;

/// Why a stage gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The recipe names no source.
    #[error("the recipe names no kernel source (`kernel.src`)")]
    NoSource,
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The patches.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The tree's version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The tree's version is none that kiln understands.
    #[error("the version in the kernel tree cannot be parsed: {0}")]
    OddVersion(kiln_plan::VersionError),
    /// The toolchain.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// Kconfig.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Kbuild.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The sources of modules from outside of the tree.
    #[error(transparent)]
    ExtraSources(#[from] ExtraSourcesError),
    /// Modules from outside of the tree.
    #[error(transparent)]
    ExtraModules(#[from] ExtraModulesError),
    /// The result.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// No requests give the config that was to be distilled.
    #[error("no requests over this base give that config")]
    NotDistilled,
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The built modules cannot be read.
    #[error(transparent)]
    Modules(#[from] ModulesDirError),
    /// They cannot be indexed.
    #[error(transparent)]
    Index(#[from] DepmodError),
    /// Firmware packages cannot be had.
    #[error(transparent)]
    Apt(#[from] AptError),
    /// The result cannot be written.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// What is made for boot loaders and devices.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
    /// A file of the kernel's, or of firmware, could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl AssembleError {
    pub(crate) fn read(path: &Path, source: io::Error) -> AssembleError {
        AssembleError::Read { path: path.to_owned(), source }
    }
}
