//! Why a build gave no kernel.

use std::io;
use std::path::{Path, PathBuf};

use kiln_exec::ExecError;

use super::failure::Failure;
use super::tree::TreeError;
use crate::doctor::Missing;

/// Why there is no kernel.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder is not a kernel tree, or cannot be used as one.
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
        /// What is missing, and which package has it.
        missing: Vec<Missing>,
        /// All that the build said.
        log: PathBuf,
    },
    /// The disk is full.
    #[error("no space left on the disk of {}\n  log: {}", out.display(), log.display())]
    NoSpace {
        /// The output folder.
        out: PathBuf,
        /// All that the build said.
        log: PathBuf,
    },
    /// The build stopped at an error.
    #[error("the kernel's build failed{failure}\n  log: {}", log.display())]
    Failed {
        /// The first error.
        failure: Box<Failure>,
        /// All that the build said.
        log: PathBuf,
    },
    /// A target was made without an error, but the file that it should have left is not there.
    #[error("`{target}` was built, but there is no such file in {}", out.display())]
    NoOutput {
        /// The target.
        target: String,
        /// Where it was looked for.
        out: PathBuf,
    },
    /// `make` could not be run to its end.
    #[error("cannot run the kernel's build")]
    Exec(#[source] ExecError),
    /// The user asked to stop; what was built so far is kept.
    #[error(transparent)]
    Interrupted(#[from] kiln_exec::Interrupt),
    /// A file could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A line of a `.config` that only one side has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The line as it was resolved, when it was.
    pub resolved: Option<String>,
    /// The line as the kernel's Kconfig wrote it, when it did.
    pub written: Option<String>,
}

/// How many differing lines are shown.
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
