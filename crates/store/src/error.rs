//! Why the store returned nothing.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use kiln_exec::Interrupt;

/// The layout's version; a store of another version is not touched.
pub(crate) const VERSION: u32 = 1;

/// Why the store returned no result.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or directory of the store could not be read, written or created.
    #[error("cannot use the store: {} failed", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The store cannot be written to.
    #[error("the store {} cannot be written to: make it writable, or name another directory with \
             --store", dir.display())]
    ReadOnly {
        /// The store.
        dir: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The directory contains other files.
    #[error("{} is not a kiln store: it is not empty; name a new or empty directory with --store", dir.display())]
    Foreign {
        /// The directory.
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
        /// Bytes free when it was noticed, after half-written files had been removed.
        free: u64,
        /// The error of the work.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

/// Makes a system's error for `path` a [`StoreError`].
pub(crate) fn io_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), source }
}

/// Whether `error` was caused by a full disk: by its kind, or by what a child process printed.
pub fn is_out_of_space(error: &(dyn Error + 'static)) -> bool {
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
