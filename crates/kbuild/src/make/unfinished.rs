//! Recovers an output directory whose build was killed.
//!
//! Kbuild considers an object finished when it is newer than its sources and the command recorded next to it is the
//! same. When an object is made *again* with the same command (a header changed) and the machine or the user kills the
//! build while it is half written, both hold and the half object would be linked. `make` deletes such files when it is
//! interrupted, not when it is killed. So a build marks its directory while it runs; when the mark still exists at the
//! next start, every object that may be half written is deleted: those written after their record, and those of the
//! last moments.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::environment::Make;
use super::error::{BuildError, io_error};
use super::outputs::walk;

/// The maximum age, relative to the newest file of the directory, of an object that may be half written.
///
/// The steps after the compiler (objtool, checksums) take far less; longer ones write their files in one step.
const LAST_MOMENTS: Duration = Duration::from_secs(10);
/// The mark's name among kiln's own files.
const MARK: &str = "unfinished";

/// The mark of a running build.
#[derive(Debug)]
pub(super) struct Mark {
    path: PathBuf,
}

/// Marks the directory.
pub(super) fn begin(make: &Make) -> Result<Mark, BuildError> {
    let path = make.private(MARK);
    std::fs::write(&path, "").map_err(io_error(&path))?;
    Ok(Mark { path })
}

impl Mark {
    /// Removes the mark: the directory is complete.
    pub(super) fn finish(self) -> Result<(), BuildError> {
        std::fs::remove_file(&self.path).map_err(io_error(&self.path))
    }
}

/// Deletes what an earlier build may have left half written; nothing when the last one completed.
pub(super) fn recover(make: &Make) -> Result<(), BuildError> {
    let mark = make.private(MARK);
    if !mark.exists() {
        return Ok(());
    }
    let mut made = Vec::new();
    walk(make.out, &mut |path| {
        if let Some(note) = note_of(path) {
            made.extend(modified(path).map(|time| (path.to_owned(), time, modified(&note))));
        }
    })?;
    let Some(youngest) = made.iter().map(|(_, time, _)| *time).max() else { return Ok(()) };
    for (path, time, noted) in made {
        let in_the_making = noted.is_none_or(|noted| noted < time) || time + LAST_MOMENTS >= youngest;
        if in_the_making && path.exists() {
            std::fs::remove_file(&path).map_err(io_error(&path))?;
        }
    }
    Ok(())
}

/// Returns the file next to `path` in which Kbuild records its command; `None` for files that Kbuild does not make so.
fn note_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    if name.starts_with('.') && name.ends_with(".cmd") {
        return None;
    }
    let note = path.with_file_name(format!(".{name}.cmd"));
    note.is_file().then_some(note)
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}
