//! The directories that programs may read, although the users' homes are closed to them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns directories and files from `/` down that together hold everything but `closed`.
pub(super) fn outside_of(closed: &[PathBuf]) -> Vec<PathBuf> {
    // A home may be a link; what counts is where it leads.
    let closed: Vec<PathBuf> = closed.iter().filter_map(|dir| dir.canonicalize().ok()).collect();
    let mut open = Vec::new();
    add(Path::new("/"), &closed, &mut open);
    open
}

fn add(dir: &Path, closed: &[PathBuf], open: &mut Vec<PathBuf>) {
    if closed.iter().any(|one| one == dir) {
        return;
    }
    if !closed.iter().any(|one| one.starts_with(dir)) {
        open.push(dir.to_owned());
        return;
    }
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.filter_map(Result::ok) {
        // A link is judged by where it leads, which has an entry of its own.
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            add(&entry.path(), closed, open);
        }
    }
}

/// Returns what programs of `PATH` need of the directories in `homes`: their own directories, those that links lead to, and
/// the toolchains of version managers whose proxies are among them.
pub(super) fn of_tools(path: &OsStr, homes: &[PathBuf]) -> Vec<PathBuf> {
    let homes: Vec<PathBuf> = homes.iter().filter_map(|dir| dir.canonicalize().ok()).collect();
    let is_home = |dir: &Path| homes.iter().any(|home| dir.starts_with(home));
    let mut found = BTreeSet::new();
    for dir in std::env::split_paths(path).filter_map(|dir| dir.canonicalize().ok()) {
        let links = fs::read_dir(&dir).into_iter().flatten().filter_map(Result::ok);
        let links = links.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
        let targets = links.filter_map(|entry| entry.path().canonicalize().ok());
        for target in targets.filter(|file| is_home(file) && !file.starts_with(&dir)) {
            found.extend(target.parent().into_iter().flat_map(|dir| around(dir, &homes)));
        }
        if is_home(&dir) {
            found.extend(proxies(&dir));
            found.insert(dir);
        }
    }
    found.into_iter().collect()
}

/// Returns what programs in `dir` need, to which a link leads: the directory above a `bin`, where that is no home itself.
fn around(dir: &Path, homes: &[PathBuf]) -> Vec<PathBuf> {
    let above = dir.parent().filter(|_| dir.ends_with("bin")).filter(|above| !homes.iter().any(|home| home == above));
    // The directory above cargo's has the keys to its registries.
    let whole = above.filter(|_| !dir.join("rustup").exists()).unwrap_or(dir);
    proxies(dir).into_iter().chain([whole.to_owned()]).collect()
}

/// Returns where the programs are that proxies in `dir` start.
fn proxies(dir: &Path) -> Option<PathBuf> {
    let above = dir.parent()?;
    if dir.ends_with("shims") {
        return Some(above.to_owned());
    }
    let is_rustup = dir.ends_with("bin") && dir.join("rustup").exists();
    is_rustup.then(|| above.parent().map(|home| home.join(".rustup"))).flatten()
}
