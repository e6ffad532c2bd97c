//! Files replaced, removed and linked in one step.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Why no link was made.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Something other than a link is at its path.
    #[error("{} exists and is not a link", path.display())]
    InTheWay {
        /// The path.
        path: PathBuf,
    },
    /// The link could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The link.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Replaces the file `path` in one step.
///
/// # Errors
/// The system's error; `path` is unchanged then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = File::create(&beside).and_then(|mut file| file.write_all(bytes));
    let renamed = written.and_then(|()| fs::rename(&beside, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    renamed
}

/// Removes a file, or a directory with everything in it; a missing one is fine.
///
/// # Errors
/// The system's error.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns the names in a directory, sorted.
///
/// # Errors
/// The system's error.
pub fn names(dir: &Path) -> io::Result<BTreeSet<String>> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Makes `link` point at `target`; an existing link is replaced in one step.
///
/// # Errors
/// [`LinkError::InTheWay`] when something other than a link is there.
pub fn link(target: &Path, link: &Path) -> Result<(), LinkError> {
    let refused = |source| LinkError::Io { path: link.to_owned(), source };
    match fs::symlink_metadata(link) {
        Ok(found) if !found.is_symlink() => return Err(LinkError::InTheWay { path: link.to_owned() }),
        Ok(_) if fs::read_link(link).is_ok_and(|now| now == target) => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(refused(error)),
    }
    let name = link.file_name().unwrap_or_default().to_string_lossy();
    let beside = link.with_file_name(format!(".{name}.{}", std::process::id()));
    symlink(target, &beside).map_err(refused)?;
    fs::rename(&beside, link).map_err(|source| {
        let _ = fs::remove_file(&beside);
        refused(source)
    })
}
