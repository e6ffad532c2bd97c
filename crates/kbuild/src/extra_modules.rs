//! External modules, built against a kernel that is already built.
//!
//! ```text
//! lib/modules/<release>/updates/…    where the kernel's own `modules_install` puts them
//! ```
//!
//! The kernel's directory in the store has no headers and no host programs; they are made once per kernel
//! (`modules_prepare`) in a working area, with the same tree, config and toolchain, and the kernel's `Module.symvers` is
//! copied there. Every source is copied there too, since Kbuild writes into it, and built with `M=`.
//! No object of the kernel is compiled. Which modules a device gets is decided later, together with the kernel's own.

mod build;
mod source;

use std::io;
use std::path::{Path, PathBuf};

use kiln_diag::ErrorKind;
use kiln_exec::{ExecError, Interrupt};
use kiln_kconfig::Config;
use kiln_plan::Key;
use kiln_plan::step::{ExtraModulesInputs, extra_modules_key};
use kiln_store::directory::{CopyError, DirectoryError};
use kiln_store::{Progress, Store, StoreError};

pub use self::source::{ExtraSource, Where};
use crate::doctor::Missing;
use crate::kernel::signing;
use crate::kernel::{Kernel, KernelSpec};
use crate::make::failure::Failure;
use crate::signing::SigningError;

/// The built modules in the store.
#[derive(Debug, Clone)]
pub struct ExtraModules {
    /// The directory with `lib`.
    pub dir: PathBuf,
    /// Its key.
    pub key: Key,
}

/// Why the modules could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ExtraModulesError {
    /// A source could not be read.
    #[error(transparent)]
    Tree(#[from] DirectoryError),
    /// A source could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The user edited a source while it was copied.
    #[error("{name} changed while it was built; build again")]
    Changed {
        /// The source.
        name: String,
    },
    /// An error of the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signing key.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The kernel's headers and host programs could not be made.
    #[error("cannot prepare the kernel for extra modules{failure}\n  log: {}", log.display())]
    Prepare {
        /// The first error.
        failure: Box<Failure>,
        /// The log of `make`.
        log: PathBuf,
    },
    /// The host lacks something that the build calls.
    #[error("the host lacks what the extra module {name} needs: {}\n  log: {}", crate::doctor::names(missing), log.display())]
    Missing {
        /// The module's source.
        name: String,
        /// The missing programs or headers.
        missing: Vec<Missing>,
        /// The log of `make`.
        log: PathBuf,
    },
    /// The module's sources do not build.
    #[error("the extra module {name} does not build{failure}\n  log: {}", log.display())]
    Failed {
        /// Its source.
        name: String,
        /// The first error.
        failure: Box<Failure>,
        /// The log of `make`.
        log: PathBuf,
    },
    /// The source was built, but there is no module.
    #[error(
        "{name} builds no module: its `Kbuild` or `Makefile` has no `obj-m` for this configuration (`make = \"CONFIG_NAME=m\"` sets a variable)"
    )]
    Nothing {
        /// Its source.
        name: String,
    },
    /// Two sources make one file.
    #[error("the extra modules {one} and {two} both make `{file}`")]
    SameFile {
        /// One of the sources.
        one: String,
        /// The other.
        two: String,
        /// The file below `updates`.
        file: String,
    },
    /// `make` could not be run.
    #[error("cannot build the extra module {name}")]
    Exec {
        /// Its source.
        name: String,
        /// The error.
        source: ExecError,
    },
    /// A module could not be stripped or signed.
    #[error("cannot finish the module {module}")]
    Finish {
        /// Its file below `updates`.
        module: String,
        /// The tool's error.
        source: ExecError,
    },
    /// A file could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Interrupted by the user.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

impl ExtraModulesError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            ExtraModulesError::Nothing { .. }
            | ExtraModulesError::SameFile { .. }
            | ExtraModulesError::Changed { .. } => ErrorKind::Input,
            ExtraModulesError::Failed { .. } | ExtraModulesError::Prepare { .. } | ExtraModulesError::Finish { .. } => {
                ErrorKind::Build
            }
            ExtraModulesError::Tree(_)
            | ExtraModulesError::Copy(_)
            | ExtraModulesError::Store(_)
            | ExtraModulesError::Signing(_)
            | ExtraModulesError::Missing { .. }
            | ExtraModulesError::Exec { .. }
            | ExtraModulesError::Io { .. }
            | ExtraModulesError::Interrupted(_) => ErrorKind::Host,
        }
    }
}

/// Returns the modules of `sources`, built against `kernel` when the store has none with their key.
///
/// # Errors
/// See [`ExtraModulesError`].
pub fn extra_modules(
    store: &Store,
    spec: &KernelSpec<'_>,
    kernel: &Kernel,
    sources: &[ExtraSource],
    progress: &dyn Progress,
) -> Result<ExtraModules, ExtraModulesError> {
    let config = Config::parse(spec.config_text);
    let signing = signing(store, spec, &config, progress)?;
    let mut sources = sources.to_vec();
    // The kernel's build may have taken an hour, in which the user may have edited the sources.
    sources.iter_mut().try_for_each(|source| source.look_again(store))?;
    let keys: Vec<(String, Key)> = sources.iter().map(|source| (source.settings(), source.key)).collect();
    let key = extra_modules_key(&ExtraModulesInputs { kernel: &kernel.key, sources: &keys });
    let build = build::Build { store, spec, kernel, config: &config, signing: signing.as_ref(), progress };
    let dir = store.realize(&key, "modules", progress, |out| build.all(&sources, out))?;
    Ok(ExtraModules { dir, key })
}

/// Builds the modules of `sources` once more, in an empty directory and without anything that is cached, and leaves
/// them in `out`, which is not an entry of the store.
///
/// # Errors
/// See [`ExtraModulesError`].
pub fn again(
    store: &Store,
    spec: &KernelSpec<'_>,
    kernel: &Kernel,
    sources: &[ExtraSource],
    out: &Path,
    progress: &dyn Progress,
) -> Result<(), ExtraModulesError> {
    let config = Config::parse(spec.config_text);
    let signing = signing(store, spec, &config, progress)?;
    build::Build { store, spec, kernel, config: &config, signing: signing.as_ref(), progress }.all_again(sources, out)
}
