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
            found.extend(around(&target, &homes));
        }
        if is_home(&dir) {
            found.extend(proxies(&dir, &homes));
            if !is_whole(&dir, &homes) {
                found.insert(dir);
            }
        }
    }
    found.into_iter().collect()
}

/// Returns what the program needs to which a link leads: its directory, or the one above a `bin`; alone in a home, the
/// program is all.
fn around(program: &Path, homes: &[PathBuf]) -> Vec<PathBuf> {
    let Some(dir) = program.parent().filter(|dir| !is_whole(dir, homes)) else { return vec![program.to_owned()] };
    let above = dir.parent().filter(|_| dir.ends_with("bin")).filter(|above| !is_whole(above, homes));
    // The directory above cargo's has the keys to its registries.
    let whole = above.filter(|_| !dir.join("rustup").exists()).unwrap_or(dir);
    proxies(dir, homes).into_iter().chain([whole.to_owned()]).collect()
}

/// Whether a directory is a whole home, or has homes in it.
fn is_whole(dir: &Path, homes: &[PathBuf]) -> bool {
    homes.iter().any(|home| home.starts_with(dir)) || dir.parent() == Some(Path::new("/home"))
}

/// Returns where the programs are that proxies in `dir` start.
fn proxies(dir: &Path, homes: &[PathBuf]) -> Option<PathBuf> {
    let above = dir.parent()?;
    if dir.ends_with("shims") {
        return Some(above.to_owned()).filter(|above| !is_whole(above, homes));
    }
    let is_rustup = dir.ends_with("bin") && dir.join("rustup").exists();
    is_rustup.then(|| above.parent().map(|home| home.join(".rustup"))).flatten()
}
