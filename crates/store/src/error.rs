//! Why the store gave nothing.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use kiln_exec::Interrupt;

/// The layout's version; another one is not touched.
pub(crate) const VERSION: u32 = 1;

/// Why the store gave no result.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder of the store could not be read, written or made.
    #[error("cannot use the store: {} failed", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The store cannot be written to.
    #[error("the store {} cannot be written to: make it writable, or name another directory with \
             --store", dir.display())]
    ReadOnly {
        /// The store.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder has other things in it.
    #[error("{} is not a kiln store: it is not empty; name a new or empty directory with --store", dir.display())]
    Foreign {
        /// The folder.
        dir: PathBuf,
    },
    /// The store was laid out by another version of kiln.
    #[error("the store {} has layout `{found}`, this kiln supports {VERSION}: name another directory with \
             --store", dir.display())]
    Version {
        /// The store.
        dir: PathBuf,
        /// The content of its version file.
        found: String,
    },
    /// The disk is full; nothing half-written was kept.
    #[error(
        "the disk of the store {0} is full ({1} MiB free): free some space there (what is under {0} is made again when it \
         is needed), or name a directory on another disk with --store",
        dir.display(),
        free >> 20
    )]
    Full {
        /// The store.
        dir: PathBuf,
        /// Bytes free when it was noticed, after what was half-written had been removed.
        free: u64,
        /// What the work said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

/// Makes a system's refusal of `path` a [`StoreError`].
pub(crate) fn io_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), source }
}

/// Whether a full disk is behind `error`: by its kind, or by what a child process printed.
pub(crate) fn is_out_of_space(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if matches!(error.downcast_ref::<StoreError>(), Some(StoreError::Full { .. })) {
            return false;
        }
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) {
            return true;
        }
        if error.to_string().contains("No space left on device") {
            return true;
        }
        next = error.source();
    }
    false
}
