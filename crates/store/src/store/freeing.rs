//! Removal of entries from the store while nobody uses them.

use std::fs::TryLockError;
use std::path::PathBuf;
use std::time::Duration;

use kiln_exec::interrupted;

use super::Store;
use super::lock::{IN_USE, Lock};
use crate::error::{StoreError, io_error};
use crate::files::{move_to, remove};
use crate::progress::Progress;

const TICK: Duration = Duration::from_millis(100);

impl Store {
    /// Removes the paths (relative to the store, `FOLDER/NAME`) that `choose` returns from the store, and deletes them.
    ///
    /// No other kiln works with the store while `choose` reads it and the paths are moved away, which takes moments;
    /// they are deleted afterwards. A run killed meanwhile leaves something under `making`, which the next run sweeps.
    /// # Errors
    /// The error of `choose`, [`StoreError::Io`], [`StoreError::Interrupted`].
    pub fn free<E: From<StoreError>>(
        &self,
        progress: &dyn Progress,
        choose: impl FnOnce() -> Result<Vec<PathBuf>, E>,
    ) -> Result<(), E> {
        self.be_alone(progress)?;
        let moved = choose().and_then(|paths| Ok(self.move_away(&paths)?));
        let shared = self.in_use.lock_shared().map_err(|source| io_error(&self.dir.join(IN_USE), source));
        let moved = moved?;
        shared?;
        for (trash, _lock) in moved {
            remove(&trash).map_err(|source| io_error(&trash, source))?;
        }
        Ok(())
    }

    /// Waits until no other kiln works with the store.
    fn be_alone(&self, progress: &dyn Progress) -> Result<(), StoreError> {
        let mut told = false;
        loop {
            interrupted()?;
            match self.in_use.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(source)) => return Err(io_error(&self.dir.join(IN_USE), source)),
                Err(TryLockError::WouldBlock) if told => {}
                Err(TryLockError::WouldBlock) => {
                    progress.note("another kiln is working with the store: waiting for it");
                    told = true;
                }
            }
            std::thread::sleep(TICK);
        }
    }

    /// Moves the paths under `making`, each with its lock held so that no other kiln sweeps it as well.
    fn move_away(&self, paths: &[PathBuf]) -> Result<Vec<(PathBuf, Lock)>, StoreError> {
        let mut moved = Vec::new();
        for path in paths {
            let name = format!("freed-{}", path.to_string_lossy().replace('/', "-"));
            let trash = self.dir.join("making").join(&name);
            let Some(lock) = Lock::attempt(&self.dir.join("locks").join(&name))? else { continue };
            remove(&trash).map_err(|source| io_error(&trash, source))?;
            let from = self.dir.join(path);
            move_to(&from, &trash).or_else(gone_is_fine).map_err(|source| io_error(&from, source))?;
            moved.push((trash, lock));
        }
        Ok(moved)
    }
}

fn gone_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
