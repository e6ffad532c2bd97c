//! A tree of files on the disk: its listing and its digest.
//!
//! Paths are relative to the tree and sorted by their bytes, so that a digest does not depend on the order in which a
//! file system lists a directory. Links are never followed.

mod copy;
mod progress;

use std::cmp::Ordering;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kiln_exec::{Interrupt, interrupted};
use rayon::prelude::*;

pub use self::copy::{CopyError, copy};
pub use self::progress::watch;

/// The BLAKE3 digest of a tree: paths, kinds, whether a file is executable, bytes, and targets of links.
pub type TreeDigest = blake3::Hash;

/// The entries of a tree.
#[derive(Debug, Clone)]
pub struct Listing {
    root: PathBuf,
    files: Vec<Found>,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Relative to the tree.
    pub path: PathBuf,
    /// Its kind.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// Size in bytes.
    pub size: u64,
    /// When its bytes last changed, in nanoseconds since 1970.
    pub changed: i64,
    /// When anything about it last changed, in nanoseconds since 1970.
    pub touched: i64,
    /// Its inode number.
    pub inode: u64,
}

/// The kind of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Folder,
    /// A symbolic link with this target.
    Link(PathBuf),
    /// A device, a pipe or a socket.
    Other,
}

/// Why a tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file or directory could not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

/// Lists the tree `root`.
///
/// # Errors
/// [`DirectoryError::Unreadable`] for the first directory that cannot be read.
pub fn list(root: &Path) -> Result<Listing, DirectoryError> {
    let mut files = walk(root, Path::new(""))?;
    files.par_sort_unstable_by(|one, two| by_bytes(&one.path, &two.path));
    Ok(Listing { root: root.to_owned(), files })
}

/// Lists the entries of the directory `root` itself, and nothing below them.
///
/// # Errors
/// [`DirectoryError::Unreadable`] when it cannot be read.
pub fn list_top(root: &Path) -> Result<Listing, DirectoryError> {
    let mut files = read_folder(root, Path::new(""))?;
    files.sort_unstable_by(|one, two| by_bytes(&one.path, &two.path));
    Ok(Listing { root: root.to_owned(), files })
}

impl Listing {
    /// Returns the entries, sorted by path.
    pub fn files(&self) -> &[Found] {
        &self.files
    }

    /// Returns the number of bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().filter(|file| file.kind == Kind::File).map(|file| file.size).sum()
    }

    /// Reads every file and returns the tree's digest.
    ///
    /// # Errors
    /// Any [`DirectoryError`].
    pub fn content(&self) -> Result<TreeDigest, DirectoryError> {
        let digests: Result<Vec<_>, DirectoryError> = self.files.par_iter().map(|file| self.digest_of(file)).collect();
        Ok(self.combine(&digests?))
    }

    /// Returns the digest of one file's bytes; that of no bytes for anything but a file.
    ///
    /// # Errors
    /// Any [`DirectoryError`].
    pub fn digest_of(&self, file: &Found) -> Result<blake3::Hash, DirectoryError> {
        let mut hasher = blake3::Hasher::new();
        if file.kind == Kind::File {
            interrupted()?;
            let path = self.root.join(&file.path);
            let read = kiln_file::open(&path).and_then(|open| hasher.update_reader(open).map(drop));
            read.map_err(|source| DirectoryError::Unreadable { path, source })?;
        }
        Ok(hasher.finalize())
    }

    /// Returns the digest of the tree from those of its files, in the same order.
    pub(crate) fn combine(&self, digests: &[blake3::Hash]) -> TreeDigest {
        let mut hasher = blake3::Hasher::new();
        for (file, digest) in self.files.iter().zip(digests) {
            let path = file.path.as_os_str().as_bytes();
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path);
            match &file.kind {
                Kind::File if file.mode & 0o100 != 0 => hasher.update(b"x").update(digest.as_bytes()),
                Kind::File => hasher.update(b"f").update(digest.as_bytes()),
                Kind::Folder => hasher.update(b"d"),
                Kind::Other => hasher.update(b"o"),
                Kind::Link(target) => {
                    let target = target.as_os_str().as_bytes();
                    hasher.update(b"l").update(&(target.len() as u64).to_le_bytes()).update(target)
                }
            };
        }
        hasher.finalize()
    }
}

fn walk(root: &Path, below: &Path) -> Result<Vec<Found>, DirectoryError> {
    let mut found = read_folder(root, below)?;
    let folders: Vec<&Found> = found.iter().filter(|file| file.kind == Kind::Folder).collect();
    let inner: Result<Vec<Vec<Found>>, DirectoryError> =
        folders.par_iter().map(|file| walk(root, &file.path)).collect();
    let inner = inner?;
    found.extend(inner.into_iter().flatten());
    Ok(found)
}

fn read_folder(root: &Path, below: &Path) -> Result<Vec<Found>, DirectoryError> {
    // With an empty path joined, it would end in a slash.
    let dir = if below.as_os_str().is_empty() { root.to_owned() } else { root.join(below) };
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| DirectoryError::Unreadable { path, source }
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(&dir).map_err(unreadable(&dir))? {
        let entry = entry.map_err(unreadable(&dir))?;
        // A repository's own data is not part of the tree that it tracks, and changes with every fetch.
        if below.as_os_str().is_empty() && entry.file_name() == ".git" {
            continue;
        }
        let meta = entry.metadata().map_err(unreadable(&entry.path()))?;
        let kind = kind_of(|| entry.path(), &meta)?;
        found.push(found_at(below.join(entry.file_name()), kind, &meta));
    }
    Ok(found)
}

fn kind_of(path: impl Fn() -> PathBuf, meta: &Metadata) -> Result<Kind, DirectoryError> {
    let kind = meta.file_type();
    Ok(if kind.is_symlink() {
        let path = path();
        Kind::Link(fs::read_link(&path).map_err(|source| DirectoryError::Unreadable { path, source })?)
    } else if kind.is_dir() {
        Kind::Folder
    } else if kind.is_file() {
        Kind::File
    } else {
        Kind::Other
    })
}

fn found_at(path: PathBuf, kind: Kind, meta: &Metadata) -> Found {
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Found {
        path,
        kind,
        mode: meta.mode() & 0o7777,
        size: meta.size(),
        changed: nanoseconds(meta.mtime(), meta.mtime_nsec()),
        touched: nanoseconds(meta.ctime(), meta.ctime_nsec()),
        inode: meta.ino(),
    }
}

fn by_bytes(one: &Path, two: &Path) -> Ordering {
    one.as_os_str().as_bytes().cmp(two.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests;
