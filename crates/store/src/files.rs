//! Files of the store, replaced, removed and linked in one step, and never reached through a link.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Something other than a file, or other than a directory, is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is in its place")]
pub struct NotPlain(&'static str);

impl NotPlain {
    /// Returns what is at `path` instead of a file; `None` for a file, and for nothing.
    pub(crate) fn at(path: &Path) -> Option<NotPlain> {
        let kind = fs::symlink_metadata(path).ok()?.file_type();
        (!kind.is_file()).then(|| NotPlain(if kind.is_dir() { "a directory" } else { other(kind) }))
    }

    /// Returns what is at `path` instead of a directory; `None` for a directory, and for nothing.
    pub(crate) fn at_directory(path: &Path) -> Option<NotPlain> {
        let kind = fs::symlink_metadata(path).ok()?.file_type();
        (!kind.is_dir()).then(|| NotPlain(if kind.is_file() { "a file" } else { other(kind) }))
    }
}

fn other(kind: fs::FileType) -> &'static str {
    if kind.is_symlink() {
        "a link"
    } else if kind.is_fifo() {
        "a pipe"
    } else {
        "a device or socket"
    }
}

/// Opens a regular file for reading. A link is not followed, and a pipe is not waited for.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path)
}

/// Reads a regular file, as [`open_plain`] opens it.
pub(crate) fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_plain(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a regular file as `options` say, without following a link or waiting for a pipe.
pub(crate) fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits();
    let file = options.custom_flags(flags.cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a file")) }
}

/// Removes whatever is at `path`, unless it is a file that can be written or nothing: a program can write there then,
/// and writes nowhere else. Returns whether something was removed.
///
/// # Errors
/// The system's error.
pub fn make_way(path: &Path) -> io::Result<bool> {
    match open_with(OpenOptions::new().append(true), path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(_) => remove(path).map(|()| true),
    }
}

/// Replaces the file `path` of a store in one step; a directory in its place is removed.
///
/// # Errors
/// The system's error; a file at `path` is unchanged then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    remove(&beside)?;
    let written = File::create_new(&beside).and_then(|mut file| file.write_all(bytes));
    let renamed = written.and_then(|()| rename_over(&beside, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    renamed
}

/// Makes `link` in a store point at `target` in one step, whatever is there now.
///
/// # Errors
/// The system's error.
pub fn replace_link(target: &Path, link: &Path) -> io::Result<()> {
    if fs::read_link(link).is_ok_and(|now| now == target) {
        return Ok(());
    }
    let beside = beside(link);
    remove(&beside)?;
    symlink(target, &beside)?;
    rename_over(&beside, link).inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// Returns the path at which a file is written before it is renamed to `path`.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(_) if fs::symlink_metadata(to).is_ok_and(|meta| meta.is_dir()) => {
            remove(to)?;
            fs::rename(from, to)
        }
        renamed => renamed,
    }
}

/// Moves a file or directory to a path at which there is nothing.
pub(crate) fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        // A directory that gets another parent is written to.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            give_rights(from)?;
            fs::rename(from, to)
        }
        renamed => renamed,
    }
}

/// Removes a file, or a directory with everything in it; a missing one is fine.
///
/// # Errors
/// The system's error.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = match remove_as_is(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            give_all_rights(path);
            remove_as_is(path)
        }
        removed => removed,
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_as_is(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Removes everything in a directory.
///
/// # Errors
/// The system's error.
pub fn remove_all_in(dir: &Path) -> io::Result<()> {
    fs::read_dir(dir)?.try_for_each(|entry| remove(&entry?.path()))
}

/// Gives the owner all rights to a directory, where some are missing.
pub(crate) fn give_rights(dir: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(dir)?;
    let mode = meta.permissions().mode();
    if !meta.is_dir() || mode & 0o700 == 0o700 {
        return Ok(());
    }
    fs::set_permissions(dir, Permissions::from_mode(mode & 0o7777 | 0o700))
}

/// Does the same for a directory and all below it, as far as that is possible.
fn give_all_rights(dir: &Path) {
    if give_rights(dir).is_err() {
        return;
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let is_dir = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries.filter(is_dir).for_each(|entry| give_all_rights(&entry.path()));
}

/// Returns the names in a directory, sorted.
///
/// # Errors
/// The system's error.
pub fn names(dir: &Path) -> io::Result<BTreeSet<String>> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Why no link was made.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Something other than a link of kiln's is at its path.
    #[error("{} exists and is not a link that kiln made", path.display())]
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

/// Makes `link`, outside of any store, point at `target` in one step; an existing link is replaced when `is_own` accepts
/// its target, and nothing else is.
///
/// # Errors
/// [`LinkError::InTheWay`] when something else is there.
pub fn link(target: &Path, link: &Path, is_own: impl Fn(&Path) -> bool) -> Result<(), LinkError> {
    let refused = |source| LinkError::Io { path: link.to_owned(), source };
    match fs::symlink_metadata(link) {
        Ok(found) if !found.is_symlink() => return Err(LinkError::InTheWay { path: link.to_owned() }),
        Ok(_) => {
            let now = fs::read_link(link).map_err(refused)?;
            if now == target {
                return Ok(());
            }
            if !is_own(&now) {
                return Err(LinkError::InTheWay { path: link.to_owned() });
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(refused(error)),
    }
    let beside = beside(link);
    symlink(target, &beside).map_err(refused)?;
    fs::rename(&beside, link).map_err(|source| {
        let _ = fs::remove_file(&beside);
        refused(source)
    })
}
