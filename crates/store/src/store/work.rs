//! A working area that is kept between runs and changed by one run at a time.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::entry::exact_digest;
use super::lock::{IN_USE, Lock};
use crate::directory::{DirectoryError, list};
use crate::error::{StoreError, io_error};
use crate::files::{NotPlain, give_rights, open_with, remove};
use crate::report::Report;
use crate::sealed::Sealed;

/// The directory of an area that is worked in.
const DIR: &str = "dir";
/// The file with the digest of that directory when the last run ended.
const STATE: &str = "state";

/// A locked working area, for example a Kbuild output directory.
///
/// Until [`WorkDir::finish`] it counts as in use: a run that is killed, or that drops this without finishing, leaves a
/// mark that the next run finds. A directory that something other than a run has changed since is emptied when it is
/// opened: programs like make believe the times of files, and would build on the changed ones.
#[derive(Debug)]
pub struct WorkDir {
    area: PathBuf,
    dir: PathBuf,
    state: Sealed,
    was_cut_off: bool,
    is_new: bool,
    _lock: Lock,
}

impl WorkDir {
    /// Opens the area `name`, which is in the directory `work`.
    pub(super) fn open(work: &Path, name: &str, lock: Lock, report: &Report) -> Result<WorkDir, StoreError> {
        let area = work.join(name);
        let (dir, mark) = (area.join(DIR), area.join(IN_USE));
        for path in [&area, &dir] {
            if let Some(found) = NotPlain::at_directory(path) {
                report.mended(path, &format!("work/{name}"), found, "the work starts again");
                remove(path).map_err(|source| io_error(path, source))?;
            }
            // Without rights, the directory is found changed below.
            let _ = give_rights(path);
        }
        let is_new = !dir.exists();
        fs::create_dir_all(&dir).map_err(|source| io_error(&dir, source))?;
        let was_cut_off = fs::symlink_metadata(&mark).is_ok();
        if NotPlain::at(&mark).is_some() {
            remove(&mark).map_err(|source| io_error(&mark, source))?;
        }
        let state = state(&area, name, report);
        let mut work = WorkDir { area, dir, state, was_cut_off, is_new, _lock: lock };
        if !is_new
            && !was_cut_off
            && let Some(damage) = damage(&work.dir, &work.state)?
        {
            report.mended(&work.dir, &format!("work/{name}"), damage, "it is emptied, and the work starts again");
            work.clear()?;
        }
        set(&mark).map_err(|source| io_error(&mark, source))?;
        Ok(work)
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
    /// [`StoreError::Io`], [`StoreError::Interrupted`].
    pub fn finish(self) -> Result<(), StoreError> {
        let refused = |error| match error {
            DirectoryError::Unreadable { path, source } => io_error(&path, source),
            DirectoryError::Interrupted(interrupt) => interrupt.into(),
        };
        let digest = exact_digest(&list(&self.dir).map_err(refused)?);
        self.state.write(digest.as_bytes()).map_err(|source| io_error(self.state.path(), source))?;
        let mark = self.area.join(IN_USE);
        remove(&mark).map_err(|source| io_error(&mark, source))
    }
}

fn state(area: &Path, name: &str, report: &Report) -> Sealed {
    Sealed::new(area.join(STATE), format!("work/{name}/{STATE}"), report.clone())
}

/// Returns what is wrong with the area `name` in the directory `work`, when no run works in it.
pub(super) fn damage_of(work: &Path, name: &str) -> Result<Option<String>, StoreError> {
    let area = work.join(name);
    for path in [&area, &area.join(DIR)] {
        if let Some(found) = NotPlain::at_directory(path) {
            return Ok(Some(found.to_string()));
        }
    }
    if !area.join(DIR).exists() || fs::symlink_metadata(area.join(IN_USE)).is_ok() {
        return Ok(None);
    }
    damage(&area.join(DIR), &state(&area, name, &Report::default()))
}

/// Returns what is wrong with a working directory whose last run ended with this `state`.
fn damage(dir: &Path, state: &Sealed) -> Result<Option<String>, StoreError> {
    let noted = match state.check() {
        Ok(Some(noted)) => noted,
        Ok(None) => return Ok(Some("the record of its files is missing".to_owned())),
        Err(damage) => return Ok(Some(format!("the record of its files: {damage}"))),
    };
    match list(dir) {
        Ok(listing) if exact_digest(&listing).as_bytes() == noted => Ok(None),
        Ok(_) => Ok(Some("files were changed since the last build".to_owned())),
        Err(DirectoryError::Interrupted(interrupt)) => Err(interrupt.into()),
        Err(error) => Ok(Some(error.to_string())),
    }
}

/// Sets the mark so that it is on the disk before the first change is.
fn set(mark: &Path) -> io::Result<()> {
    let create = || open_with(OpenOptions::new().create(true).append(true), mark);
    let file = create().or_else(|_| remove(mark).and_then(|()| create()))?;
    file.sync_all()
}
