//! Errors of the stages.

use std::io;
use std::path::{Path, PathBuf};

use kiln_diag::ErrorKind;
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

/// Why a stage failed.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The recipe names no source.
    #[error("the recipe names no kernel source (`kernel.src`)")]
    NoSource,
    /// The source could not be fetched.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The patches could not be applied.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The tree's version could not be read.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The tree's version has an unknown form.
    #[error("the version in the kernel tree cannot be parsed: {0}")]
    OddVersion(kiln_plan::VersionError),
    /// The toolchain cannot be used.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// Kconfig could not be read or resolved.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The kernel could not be built.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The sources of modules from outside of the tree could not be fetched.
    #[error(transparent)]
    ExtraSources(#[from] ExtraSourcesError),
    /// Modules from outside of the tree could not be built.
    #[error(transparent)]
    ExtraModules(#[from] ExtraModulesError),
    /// The result could not be assembled.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// No requests result in the config that was to be distilled.
    #[error("no requests over this base give that config")]
    NotDistilled,
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl PipelineError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            PipelineError::NoSource
            | PipelineError::Version(_)
            | PipelineError::OddVersion(_)
            | PipelineError::Read { .. } => ErrorKind::Input,
            PipelineError::Source(error) => error.kind(),
            PipelineError::Patch(error) => error.kind(),
            PipelineError::Resolve(error) => error.kind(),
            PipelineError::Kernel(error) => error.kind(),
            PipelineError::ExtraSources(error) => error.kind(),
            PipelineError::ExtraModules(error) => error.kind(),
            PipelineError::Assemble(error) => error.kind(),
            PipelineError::Toolchain(_) | PipelineError::Store(_) => ErrorKind::Host,
            // Whatever is visible can be requested: that it cannot is a bug.
            PipelineError::NotDistilled => ErrorKind::Bug,
        }
    }
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
    /// Firmware packages cannot be fetched.
    #[error(transparent)]
    Apt(#[from] AptError),
    /// The result cannot be written.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// An output for boot loaders or devices cannot be made.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The store's error.
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
        /// The system's error.
        source: io::Error,
    },
}

impl AssembleError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            AssembleError::Modules(_) | AssembleError::Index(_) => ErrorKind::Build,
            AssembleError::Result(error) => error.kind(),
            AssembleError::Output(error) => error.kind(),
            AssembleError::Apt(_)
            | AssembleError::Store(_)
            | AssembleError::Interrupted(_)
            | AssembleError::Read { .. } => ErrorKind::Host,
        }
    }
}

impl AssembleError {
    pub(crate) fn read(path: &Path, source: io::Error) -> AssembleError {
        AssembleError::Read { path: path.to_owned(), source }
    }
}
