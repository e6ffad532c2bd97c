//! A working area that is kept between runs and changed by one run at a time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::lock::{IN_USE, Lock};
use crate::error::{StoreError, io_error};
use crate::files::remove;

/// A locked working area, for example a Kbuild output directory.
///
/// Until [`WorkDir::finish`] it counts as in use: a run that is killed, or that drops this without finishing, leaves a
/// mark that the next run finds.
#[derive(Debug)]
pub struct WorkDir {
    area: PathBuf,
    dir: PathBuf,
    was_cut_off: bool,
    is_new: bool,
    _lock: Lock,
}

impl WorkDir {
    pub(super) fn open(area: PathBuf, lock: Lock) -> Result<WorkDir, StoreError> {
        let dir = area.join("dir");
        let is_new = !dir.exists();
        fs::create_dir_all(&dir).map_err(|source| io_error(&dir, source))?;
        let mark = area.join(IN_USE);
        let was_cut_off = mark.exists();
        set(&mark).map_err(|source| io_error(&mark, source))?;
        Ok(WorkDir { area, dir, was_cut_off, is_new, _lock: lock })
    }

    /// Returns the directory to work in.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Whether the last run in here ended before it was done: files may be half-written.
    pub fn was_cut_off(&self) -> bool {
        self.was_cut_off
    }

    /// Whether no run has worked in here before.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Empties the directory, for a fresh start.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn clear(&mut self) -> Result<(), StoreError> {
        let emptied = remove(&self.dir).and_then(|()| fs::create_dir(&self.dir));
        emptied.map_err(|source| io_error(&self.dir, source))?;
        self.was_cut_off = false;
        self.is_new = true;
        Ok(())
    }

    /// Marks the content of the directory as complete, and releases it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn finish(self) -> Result<(), StoreError> {
        let mark = self.area.join(IN_USE);
        remove(&mark).map_err(|source| io_error(&mark, source))
    }
}

/// Sets the mark so that it is on the disk before the first change is.
fn set(mark: &Path) -> io::Result<()> {
    fs::File::create(mark)?.sync_all()
}
