//! The directories that make works on: the kernel's tree, and the one that it builds in.

use std::io;
use std::path::{Path, PathBuf};

use crate::toolchain::Target;

/// Why a directory cannot be used as a kernel tree, or as the output directory.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A file that every kernel tree has is missing.
    #[error("{} is not a kernel tree: it has no {lacks}", path.display())]
    NoKernel {
        /// The directory.
        path: PathBuf,
        /// The missing file.
        lacks: &'static str,
    },
    /// The tree contains a build, and Kbuild refuses to build elsewhere from it.
    #[error("{} was built in (it has {found}); run `make mrproper` there, or take a clean copy", path.display())]
    Unclean {
        /// The directory.
        path: PathBuf,
        /// The file that the build left.
        found: String,
    },
    /// `make` cannot handle the directory's name.
    #[error("{} cannot be used: make does not support a directory with a space, a colon or another special character \
             in its name; move it, or the store with `--store DIR`", path.display())]
    Name {
        /// The directory.
        path: PathBuf,
    },
    /// The directory could not be accessed.
    #[error("cannot access {}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Refuses a directory that is no kernel tree or that was built in; returns its real path.
pub(crate) fn check_tree(tree: &Path, target: &Target) -> Result<PathBuf, TreeError> {
    let real = tree.canonicalize().map_err(|source| TreeError::Io { path: tree.to_owned(), source })?;
    let lacks = ["Makefile", "Kconfig", "scripts/kconfig"].into_iter().find(|name| !real.join(name).exists());
    if let Some(lacks) = lacks {
        return Err(TreeError::NoKernel { path: real, lacks });
    }
    let generated = format!("arch/{}/include/generated", target.srcarch);
    for left in [".config", "include/config", &generated] {
        if real.join(left).exists() {
            return Err(TreeError::Unclean { path: real, found: left.to_owned() });
        }
    }
    check_name(real)
}

/// Creates the output directory; returns its real path.
pub(crate) fn make_output(out: &Path) -> Result<PathBuf, TreeError> {
    let io = |source| TreeError::Io { path: out.to_owned(), source };
    std::fs::create_dir_all(out).map_err(io)?;
    check_name(out.canonicalize().map_err(io)?)
}

fn check_name(path: PathBuf) -> Result<PathBuf, TreeError> {
    let usable = path
        .to_str()
        .is_some_and(|text| !text.contains(|c: char| c.is_whitespace() || ":#$%'\"\\`;&|<>()*?[]{}=,".contains(c)));
    if usable { Ok(path) } else { Err(TreeError::Name { path }) }
}
