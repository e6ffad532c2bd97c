//! The sources of a project's own `conf`, which say what rules its Kconfig files follow.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_kconfig::Dialect;

/// The greatest number of directories between the top and the sources.
const MAX_DEPTH: usize = 3;

/// Finds the directory that contains a grammar of the language beside `confdata.c`, the one nearest to the top.
pub(super) fn directory(srctree: &Path) -> Option<PathBuf> {
    let usual = srctree.join("scripts/kconfig");
    if is_program(&usual) {
        return Some(usual);
    }
    let mut level = vec![srctree.to_owned()];
    for _ in 0..=MAX_DEPTH {
        if let Some(found) = level.iter().find(|directory| is_program(directory)) {
            return Some(found.clone());
        }
        level = level.iter().flat_map(|directory| below(directory)).collect();
    }
    None
}

/// Reads the rules out of the sources in a directory.
pub(super) fn dialect(directory: &Path) -> Option<Dialect> {
    Dialect::of_program(&|name: &str| kiln_file::read(directory.join(name)).ok().map(Arc::from))
}

fn is_program(directory: &Path) -> bool {
    let has = |name: &str| directory.join(name).is_file();
    // A directory with the grammar alone is taken in the usual place: that is all a small tree needs.
    (has("parser.y") || has("zconf.y")) && (has("confdata.c") || directory.ends_with("scripts/kconfig"))
}

/// The directories in a directory, by name.
fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let real = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut found: Vec<PathBuf> = real.map(|entry| entry.path()).collect();
    found.sort();
    found
}
