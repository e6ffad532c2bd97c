//! The host's directories as trees.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kiln_image::{Contents, FileTree, Node, NodeKind, TreeError};

/// Why a directory could not be read as a tree.
#[derive(Debug, thiserror::Error)]
pub enum HostTreeError {
    /// It could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Its name is not UTF-8.
    #[error("{} has a name, or leads to one, that is not UTF-8", path.display())]
    Name {
        /// The file or link.
        path: PathBuf,
    },
    /// It has no place in a tree.
    #[error("cannot put {} into the guest", path.display())]
    Tree {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: TreeError,
    },
}

/// Takes all of `dir` unchanged, below `at` (empty: at the root), except what is neither file, directory nor link.
///
/// Files are opened when the archive is written.
/// # Errors
/// [`HostTreeError`] names the file.
pub fn read(dir: &Path, at: &str) -> Result<FileTree, HostTreeError> {
    let mut tree = FileTree::new();
    add_dir(&mut tree, dir, at)?;
    Ok(tree)
}

/// Takes one file, or the target of a link, to `at`.
///
/// # Errors
/// [`HostTreeError`] names the file.
pub fn read_file(tree: &mut FileTree, file: &Path, at: &str) -> Result<(), HostTreeError> {
    let meta = fs::metadata(file).map_err(|source| HostTreeError::Read { path: file.to_owned(), source })?;
    if meta.is_dir() {
        return add_dir(tree, file, at);
    }
    let node = Node { mode: mode(&meta), kind: NodeKind::File(contents(file, meta.len())) };
    tree.insert(at, node).map_err(|source| HostTreeError::Tree { path: file.to_owned(), source })
}

/// Takes what a device gets from the result in `dir`: modules, firmware, `modprobe.d`, and the plain loaders.
///
/// # Errors
/// [`HostTreeError`] names the file.
pub fn read_result(dir: &Path) -> Result<FileTree, HostTreeError> {
    let mut tree = FileTree::new();
    for (from, to) in [("lib", "lib"), ("services/sh", "lib/kmodloader")] {
        let from = dir.join(from);
        if from.exists() {
            add_dir(&mut tree, &from, to)?;
        }
    }
    Ok(tree)
}

/// Returns the bytes of `file`, read when they are needed.
///
/// # Errors
/// [`HostTreeError::Read`] when it is not there.
pub fn lazy_contents(file: &Path) -> Result<Contents, HostTreeError> {
    let meta = fs::metadata(file).map_err(|source| HostTreeError::Read { path: file.to_owned(), source })?;
    Ok(contents(file, meta.len()))
}

fn add_dir(tree: &mut FileTree, dir: &Path, at: &str) -> Result<(), HostTreeError> {
    let failed = |source| HostTreeError::Read { path: dir.to_owned(), source };
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let named = || HostTreeError::Name { path: path.clone() };
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(named)?;
        let there = if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
        let read = |source| HostTreeError::Read { path: path.clone(), source };
        let refused = |source| HostTreeError::Tree { path: path.clone(), source };
        let meta = fs::symlink_metadata(&path).map_err(read)?;
        if meta.is_dir() {
            tree.dir(&there, mode(&meta)).map_err(refused)?;
            add_dir(tree, &path, &there)?;
        } else if meta.is_symlink() {
            let target = fs::read_link(&path).map_err(read)?;
            tree.symlink(&there, target.to_str().ok_or_else(named)?).map_err(refused)?;
        } else if meta.is_file() {
            let node = Node { mode: mode(&meta), kind: NodeKind::File(contents(&path, meta.len())) };
            tree.insert(&there, node).map_err(refused)?;
        }
    }
    Ok(())
}

fn contents(file: &Path, size: u64) -> Contents {
    let file = file.to_owned();
    Contents::lazy(size, move || Ok(Box::new(kiln_file::open(&file)?) as Box<dyn Read>))
}

fn mode(meta: &fs::Metadata) -> u16 {
    (meta.permissions().mode() & 0o7777) as u16
}
