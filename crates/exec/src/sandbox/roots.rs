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

/// Returns what programs of `PATH` need of the directories in `homes`: their own directories, those that their links lead
/// to, and the toolchains of version managers whose proxies are among them.
pub(super) fn of_tools(path: &OsStr, homes: &[PathBuf]) -> Vec<PathBuf> {
    let homes: Vec<PathBuf> = homes.iter().filter_map(|dir| dir.canonicalize().ok()).collect();
    let is_home = |dir: &Path| homes.iter().any(|home| dir.starts_with(home));
    let mut found = BTreeSet::new();
    for dir in std::env::split_paths(path).filter_map(|dir| dir.canonicalize().ok()).filter(|dir| is_home(dir)) {
        let (name, parent) = (dir.file_name().and_then(OsStr::to_str).unwrap_or_default(), dir.parent());
        match (name, parent) {
            // Proxies of a version manager, which is the directory above.
            ("shims", Some(manager)) => found.extend([manager.to_owned()]),
            ("bin", Some(parent)) if dir.join("rustup").exists() => {
                found.extend(parent.parent().map(|home| home.join(".rustup")));
            }
            _ => {}
        }
        let targets = fs::read_dir(&dir).into_iter().flatten().filter_map(Result::ok);
        let targets = targets.filter_map(|entry| entry.path().canonicalize().ok()).filter(|file| is_home(file));
        for target in targets.filter(|file| !file.starts_with(&dir)) {
            found.extend(prefix(&target, &homes));
        }
        found.insert(dir);
    }
    found.into_iter().collect()
}

/// Returns the directory above the program's `bin`, where that is below a home and not one itself.
fn prefix(program: &Path, homes: &[PathBuf]) -> Option<PathBuf> {
    let dir = program.parent()?;
    let above = dir.parent().filter(|_| dir.ends_with("bin")).filter(|above| !homes.iter().any(|home| home == above));
    Some(above.unwrap_or(dir).to_owned())
}
