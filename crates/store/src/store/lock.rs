//! A lock between processes that is released when its holder ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiln_exec::interrupted;

use crate::error::{StoreError, io_error};
use crate::files::{open_with, remove};
use crate::progress::Progress;

/// The file that exists, and is locked, while something is in use.
pub(super) const IN_USE: &str = "in-use";
/// How often a waiting kiln tries again.
const TICK: Duration = Duration::from_millis(100);

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still held: another waiter sees that its file is gone, and starts again with a new one.
        let _ = fs::remove_file(&self.path);
    }
}

impl Lock {
    /// Takes the lock of the file `path`, waiting as long as it takes and noting the wait once.
    pub(super) fn wait(path: &Path, what: &str, progress: &dyn Progress) -> Result<Lock, StoreError> {
        let mut told = false;
        loop {
            interrupted()?;
            if let Some(lock) = Lock::attempt(path)? {
                return Ok(lock);
            }
            if !told {
                progress.note(&format!("another kiln is busy with the same {what}: waiting for it"));
                told = true;
            }
            std::thread::sleep(TICK);
        }
    }

    /// Takes the lock of the file `path`, unless another process holds it.
    pub(super) fn attempt(path: &Path) -> Result<Option<Lock>, StoreError> {
        loop {
            let file = open(path).map_err(|source| io_error(path, source))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(io_error(path, source)),
            }
            // Its last holder removed the file: a lock on a removed file excludes nobody.
            if is_at(&file, path).map_err(|source| io_error(path, source))? {
                return Ok(Some(Lock { path: path.to_owned(), _file: file }));
            }
        }
    }
}

/// Opens the file of a lock, created when there is none; whatever else is in its place is removed.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let create = || open_with(OpenOptions::new().create(true).append(true), path);
    match create() {
        Err(_) if fs::symlink_metadata(path).is_ok() => remove(path).and_then(|()| create()),
        opened => opened,
    }
}

/// Whether `path` still names the open `file`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok(held.ino() == named.ino() && held.dev() == named.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
