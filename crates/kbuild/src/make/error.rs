//! Errors of a build.

use std::io;
use std::path::{Path, PathBuf};

use kiln_diag::ErrorKind;
use kiln_exec::ExecError;

use super::failure::Failure;
use super::tree::TreeError;
use crate::doctor::Missing;

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The directory is no kernel tree, or cannot be used as one.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The kernel's Kconfig reads the configuration differently than it was resolved: a bug in kiln.
    #[error("the kernel's own Kconfig differs from what was resolved:{}", shown(differences))]
    ConfigDiffers {
        /// Lines that only one of them has.
        differences: Vec<Difference>,
    },
    /// The host lacks something that the build calls.
    #[error("the host lacks what the build needs: {}\n  log: {}", crate::doctor::names(missing), log.display())]
    Missing {
        /// The missing programs or headers, with their packages.
        missing: Vec<Missing>,
        /// The log of the build.
        log: PathBuf,
    },
    /// The disk is full.
    #[error("no space left on the disk of {}\n  log: {}", out.display(), log.display())]
    NoSpace {
        /// The output directory.
        out: PathBuf,
        /// The log of the build.
        log: PathBuf,
    },
    /// The build stopped at an error.
    #[error("the kernel's build failed{failure}\n  log: {}", log.display())]
    Failed {
        /// The first error.
        failure: Box<Failure>,
        /// The log of the build.
        log: PathBuf,
    },
    /// A target was made without an error, but its file is missing.
    #[error("`{target}` was built, but there is no such file in {}", out.display())]
    NoOutput {
        /// The target.
        target: String,
        /// The directory in which it was looked up.
        out: PathBuf,
    },
    /// `make` could not be run to its end.
    #[error("cannot run the kernel's build")]
    Exec(#[source] ExecError),
    /// Interrupted by the user; everything built so far is kept.
    #[error(transparent)]
    Interrupted(#[from] kiln_exec::Interrupt),
    /// A file could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl BuildError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            BuildError::ConfigDiffers { .. } => ErrorKind::Bug,
            BuildError::Tree(_) => ErrorKind::Input,
            BuildError::Failed { .. } | BuildError::NoOutput { .. } => ErrorKind::Build,
            BuildError::Missing { .. }
            | BuildError::NoSpace { .. }
            | BuildError::Exec(_)
            | BuildError::Interrupted(_)
            | BuildError::Io { .. } => ErrorKind::Host,
        }
    }
}

/// A line of a `.config` that only one side has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The line in the resolved config, if any.
    pub resolved: Option<String>,
    /// The line in the config that the kernel's Kconfig wrote, if any.
    pub written: Option<String>,
}

/// The maximum number of differing lines that are shown.
const N_SHOWN: usize = 20;

pub(super) fn shown(differences: &[Difference]) -> String {
    let side = |line: &Option<String>| line.clone().unwrap_or_else(|| "(no such line)".to_owned());
    let mut text = String::new();
    for difference in differences.iter().take(N_SHOWN) {
        text.push_str(&format!(
            "\n  resolved: {}\n  kernel:   {}",
            side(&difference.resolved),
            side(&difference.written)
        ));
    }
    if differences.len() > N_SHOWN {
        text.push_str(&format!("\n  and {} more", differences.len() - N_SHOWN));
    }
    text
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull => BuildError::NoSpace { log: path.clone(), out: path },
        _ => BuildError::Io { path, source },
    }
}
