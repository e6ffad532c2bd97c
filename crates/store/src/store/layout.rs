//! The directories of a store and the files that make it one: created, checked and mended.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiln_exec::interrupted;

use super::lock::{self, IN_USE};
use crate::error::{StoreError, VERSION, io_error, is_out_of_space};
use crate::files::{NotPlain, give_rights, names, read_plain, remove, write_whole};
use crate::report::Report;

pub(super) const VERSION_FILE: &str = "kiln-store";
const TAG_FILE: &str = "CACHEDIR.TAG";
/// The content of the tag; the version is in it as well, so that a damaged version file is not taken for another layout.
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of kiln's, layout 1.\n";
/// The content of the tag of stores that an earlier kiln made, all of this layout.
const EARLIER_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of kiln's.\n";
pub(super) const FOLDERS: [&str; 7] = ["locks", "results", "making", "work", "downloads", "cache", "roots"];

/// Creates the missing directories, checks the version, and marks the store as in use.
pub(super) fn lay_out(dir: &Path, report: &Report) -> Result<File, StoreError> {
    fs::create_dir_all(dir).map_err(|source| io_error(dir, source))?;
    check_version(dir, report)?;
    let tag = dir.join(TAG_FILE);
    if let Some(damage) = damage_of_tag(&tag) {
        write_whole(&tag, TAG.as_bytes()).map_err(|source| io_error(&tag, source))?;
        report.mended(&tag, TAG_FILE, damage, "it is written again");
    }
    for folder in FOLDERS {
        directory(dir, Path::new(folder), report)?;
    }
    let path = dir.join(IN_USE);
    if let Some(found) = NotPlain::at(&path) {
        report.mended(&path, IN_USE, found, "it is replaced");
    }
    let in_use = lock::open(&path).map_err(|source| io_error(&path, source))?;
    loop {
        match in_use.try_lock_shared() {
            Ok(()) => return Ok(in_use),
            // Another kiln frees the store: that takes moments.
            Err(TryLockError::WouldBlock) => interrupted()?,
            Err(TryLockError::Error(source)) => return Err(io_error(&path, source)),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Creates the missing directories of the path `name` in the store `top`; whatever else is in their place is removed.
pub(super) fn directory(top: &Path, name: &Path, report: &Report) -> Result<PathBuf, StoreError> {
    let mut path = top.to_owned();
    for part in name {
        path.push(part);
        if let Some(found) = NotPlain::at_directory(&path) {
            remove(&path).map_err(|source| io_error(&path, source))?;
            let name = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned();
            report.mended(&path, &name, found, "an empty directory replaces it");
        }
        match fs::create_dir(&path) {
            // What cannot be done without the rights names the path.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => drop(give_rights(&path)),
            created => created.map_err(|source| io_error(&path, source))?,
        }
    }
    Ok(path)
}

/// Checks that the store has this layout; a new one is given it, and a damaged version file is written again.
fn check_version(dir: &Path, report: &Report) -> Result<(), StoreError> {
    let path = dir.join(VERSION_FILE);
    let damage = match read_plain(&path) {
        Ok(found) if found == format!("{VERSION}\n").as_bytes() => return Ok(()),
        Ok(found) => {
            let found = String::from_utf8_lossy(&found).trim_end().to_owned();
            let is_number = !found.is_empty() && found.bytes().all(|byte| byte.is_ascii_digit());
            // Another layout has another tag.
            if !(has_tag(dir) || (!is_number && is_laid_out(dir))) {
                return Err(StoreError::Version { dir: dir.to_owned(), found });
            }
            format!("it has `{found}`")
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A store that is being founded has its tag first, and no directories.
            let has_any = || FOLDERS.iter().any(|name| dir.join(name).exists());
            let was_store = is_laid_out(dir) || (has_tag(dir) && has_any());
            if !was_store {
                return found_new(dir, &path);
            }
            "it is missing".to_owned()
        }
        Err(source) => match NotPlain::at(&path) {
            Some(found) if is_laid_out(dir) => found.to_string(),
            None if is_laid_out(dir) && has_tag(dir) => format!("it cannot be read ({source})"),
            _ => return Err(io_error(&path, source)),
        },
    };
    write(&path)?;
    report.mended(&path, VERSION_FILE, damage, "it is written again");
    Ok(())
}

fn write(version_file: &Path) -> Result<(), StoreError> {
    write_whole(version_file, format!("{VERSION}\n").as_bytes()).map_err(|source| io_error(version_file, source))
}

/// Whether the store's tag is that of this layout.
fn has_tag(dir: &Path) -> bool {
    read_plain(&dir.join(TAG_FILE)).is_ok_and(|tag| [TAG, EARLIER_TAG].iter().any(|known| tag == known.as_bytes()))
}

/// Whether a directory has what no directory but a store has.
fn is_laid_out(dir: &Path) -> bool {
    ["locks", "making", "results", "roots"].iter().all(|name| fs::symlink_metadata(dir.join(name)).is_ok())
}

fn damage_of_tag(tag: &Path) -> Option<String> {
    match read_plain(tag) {
        Ok(text) if [TAG, EARLIER_TAG].iter().any(|known| text == known.as_bytes()) => None,
        Ok(_) => Some("its text is another".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some("it is missing".to_owned()),
        Err(error) => Some(NotPlain::at(tag).map_or_else(|| error.to_string(), |found| found.to_string())),
    }
}

/// Turns an empty directory into a store. The version file is written last and in one step, so that half a store is
/// never taken for one.
fn found_new(dir: &Path, version_file: &Path) -> Result<(), StoreError> {
    let ours = [TAG_FILE, "lost+found"];
    let found = names(dir).map_err(|source| io_error(dir, source))?;
    let other_founder = |name: &str| [".kiln-store.", ".CACHEDIR.TAG."].iter().any(|start| name.starts_with(start));
    let is_ours = |name: &str| ours.contains(&name) || other_founder(name) || name == VERSION_FILE;
    if found.iter().any(|name| !is_ours(name)) && !version_file.exists() {
        return Err(StoreError::Foreign { dir: dir.to_owned() });
    }
    let tag = dir.join(TAG_FILE);
    write_whole(&tag, TAG.as_bytes()).map_err(|source| io_error(&tag, source))?;
    write(version_file)
}

/// Makes a refusal to write an error about the store as a whole.
pub(super) fn unwritable(dir: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
        {
            StoreError::ReadOnly { dir: dir.to_owned(), source }
        }
        StoreError::Io { .. } if is_out_of_space(&error) => {
            StoreError::Full { dir: dir.to_owned(), free: free_space(dir), source: Box::new(error) }
        }
        other => other,
    }
}

/// Returns the bytes that an ordinary user could still write; 0 when the file system does not report it.
pub(super) fn free_space(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(0, |fs| fs.f_bavail.saturating_mul(fs.f_frsize))
}
